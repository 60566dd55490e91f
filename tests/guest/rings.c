// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dataset rings under load: whatever the reader does, every record is delivered or
 * counted as lost, on each CPU, and the gaps in the numbers show where.
 *
 * guest-test: timeout=300
 */
#include <sched.h>

#include "util.h"

#define UNIT "decision"
#define PROXY "ctx-decision"
#define MAX_CPUS 32

static int session_fd;
static struct ring rings[MAX_CPUS];
static uint64_t seen_type[MLPROXY_NR_REC_TYPES];
static uint64_t last_decision[MAX_CPUS], unlinked;

static void check_decision(const struct mlproxy_rec_decision *d)
{
	const __s64 *features = mlproxy_rec_features(d);

	ASSERT_EQ(d->hdr.len, sizeof(*d) + d->nr_features * sizeof(*features));
	ASSERT_EQ(d->features_offset, sizeof(*d));
	EXPECT_EQ(d->nr_features, 2);
	EXPECT(features[0] >= 0 && features[0] <= 1000);
	EXPECT(features[1] >= 0 && features[1] <= 5);
	EXPECT(d->id && d->key < 64 && !d->reserved[0] && !d->instance && !d->hdr.flags);
	EXPECT(d->prob_q31 && d->prob_q31 <= MLPROXY_PROB_ONE);
	EXPECT(d->action < 4 && d->baseline < 4 && (d->allowed & (1U << d->action)));
	EXPECT(d->source < MLPROXY_NR_SOURCES && d->mode < MLPROXY_NR_MODES);
	last_decision[(d->id >> 48) % MAX_CPUS] = d->id;
}

static void check_record(const struct mlproxy_rec_hdr *rec, void *arg)
{
	const struct mlproxy_rec_feedback *f = (const void *)rec;
	const struct mlproxy_rec_event *e = (const void *)rec;
	const __s64 *values = mlproxy_rec_values(e);

	(void)arg;
	seen_type[rec->type]++;
	switch (rec->type) {
	case MLPROXY_REC_DECISION:
		check_decision((const void *)rec);
		break;
	case MLPROXY_REC_FEEDBACK:
		ASSERT_EQ(rec->len, sizeof(*f));
		EXPECT(f->reward == 100 * f->action && !f->instance);
		unlinked += f->id != last_decision[(f->id >> 48) % MAX_CPUS];
		break;
	case MLPROXY_REC_EVENT:
		ASSERT_EQ(rec->len, sizeof(*e) + 8 * rec->flags);
		ASSERT_EQ(e->nr_values, rec->flags);
		EXPECT_EQ(values[0], last_decision[(values[0] >> 48) % MAX_CPUS]);
		break;
	}
}

/* A running proxy and a session with mapped rings. */
static void begin(uint32_t ring_bytes, uint32_t type_mask)
{
	struct mlproxy_ring_setup setup;
	unsigned int cpu;

	session_fd = dev_bound(PROXY);
	dev_fresh(session_fd);
	ASSERT_RET(dev_control(session_fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ring_setup(session_fd, ring_bytes, 0, 0, type_mask, &setup), 0);
	for (cpu = 0; cpu < nr_cpus(); cpu++)
		ASSERT_RET(ring_map(session_fd, &setup, cpu, &rings[cpu]), 0);
}

static unsigned int consume_all(unsigned int max)
{
	unsigned int cpu, n = 0;

	for (cpu = 0; cpu < nr_cpus(); cpu++)
		n += ring_consume(&rings[cpu], max, check_record, NULL);
	return n;
}

static uint64_t published(uint64_t *lost)
{
	struct mlproxy_ring_stats s;
	uint64_t sum = 0;
	unsigned int cpu;

	*lost = 0;
	for (cpu = 0; cpu < nr_cpus(); cpu++) {
		ASSERT_RET(ring_stats(session_fd, cpu, &s), 0);
		sum += s.published;
		*lost += s.published - s.written;
	}
	return sum;
}

static void check_all(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpus(); cpu++)
		ring_check(session_fd, cpu, &rings[cpu]);
}

/* The load runs on every CPU, in @context; the reader takes what is there. */
static void run_fast(const char *context, unsigned int n)
{
	struct mlproxy_stats stats;
	uint64_t lost, all;
	pid_t load;

	begin(1 << 20, 0);
	load = load_start(UNIT, context, n, online_mask());
	while (load_running(&load))
		if (!consume_all(0))
			sched_yield();
	consume_all(0);
	check_all();
	all = published(&lost);
	dev_stats(session_fd, &stats);
	EXPECT_EQ(all, stats.decisions + stats.feedbacks);
	EXPECT(stats.decisions >= (uint64_t)n * __builtin_popcount(online_mask()));
	EXPECT_EQ(stats.bad_calls, 0);
	if (!lost) {
		EXPECT_EQ(seen_type[MLPROXY_REC_DECISION], stats.decisions);
		EXPECT_EQ(seen_type[MLPROXY_REC_FEEDBACK], stats.feedbacks);
	}
	/* Only an interrupt can come between a decision and its feedback. */
	if (!lost && strcmp(context, "mixed"))
		EXPECT_EQ(unlinked, 0);
	EXPECT_EQ(ctx_get("violations"), 0);
}

static void fast_task(void)
{
	run_fast("task", scaled(20000));
}

static void fast_irqoff(void)
{
	run_fast("irqoff", scaled(10000));
}

static void fast_softirq(void)
{
	run_fast("softirq", scaled(10000));
}

static void fast_hardirq(void)
{
	run_fast("hardirq", scaled(10000));
}

static void fast_mixed(void)
{
	run_fast("mixed", scaled(20000));
}

/* Nobody reads: the first ones are kept, the rest is counted. */
static void no_reader(void)
{
	const unsigned int n = 2000;
	uint64_t lost, all;
	unsigned int round;

	begin(4096, 0);
	for (round = 0; round < 5; round++) {
		ASSERT_RET(ctx_run(UNIT, "mixed", n, online_mask()), 0);
		all = published(&lost);
		EXPECT(lost > all / 2);
		consume_all(0);
		check_all();
	}
}

/* The reader takes a few at a time, so that the ring is full most of the time. */
static void slow_reader(void)
{
	uint64_t lost;
	pid_t load;

	begin(4096, 0);
	load = load_start(UNIT, "mixed", scaled(20000), online_mask());
	while (load_running(&load)) {
		consume_all(3);
		sleep_ms(1);
	}
	consume_all(0);
	check_all();
	/* Where the reader kept up, it has to lose now. */
	ASSERT_RET(ctx_run(UNIT, "task", 1000, online_mask()), 0);
	consume_all(0);
	check_all();
	published(&lost);
	EXPECT(lost > 0);
}

/* Records of the longest kind, in a ring of the smallest size, at every offset. */
static void long_records(void)
{
	uint64_t lost, values;
	unsigned int i;

	begin(4096, 0);
	for (values = 1; values <= 64; values++) {
		ASSERT(!ctx_set("events", values));
		for (i = 0; i < 20; i++) {
			ASSERT_RET(ctx_run(UNIT, "task", 2, online_mask()), 0);
			consume_all(0);
		}
	}
	ctx_set("events", 0);
	check_all();
	published(&lost);
	EXPECT_EQ(lost, 0);
	EXPECT_EQ(seen_type[MLPROXY_REC_EVENT],
		  64 * 20 * 2 * (uint64_t)__builtin_popcount(online_mask()));
}

static void type_masks(void)
{
	uint64_t lost;

	begin(1 << 16, MLPROXY_REC_MASK(MLPROXY_REC_FEEDBACK) |
	      MLPROXY_REC_MASK(MLPROXY_REC_MODE));
	ASSERT_RET(ctx_run(UNIT, "task", 100, 1), 0);
	ASSERT_RET(dev_set_mode(session_fd, MLPROXY_MODE_COLLABORATION), 0);
	ASSERT_RET(dev_control(session_fd, MLPROXY_CTL_STOP), 0);
	consume_all(0);
	check_all();
	EXPECT_EQ(seen_type[MLPROXY_REC_FEEDBACK], 100);
	EXPECT_EQ(seen_type[MLPROXY_REC_MODE], 1);
	EXPECT_EQ(seen_type[MLPROXY_REC_DECISION] + seen_type[MLPROXY_REC_STATE], 0);
	EXPECT_EQ(published(&lost), 101);
}

/* In NMI context a decision is the baseline, and its record counts as lost. */
static void nmi(void)
{
	struct mlproxy_ring_stats s;
	struct mlproxy_stats stats;

	begin(1 << 16, MLPROXY_REC_MASK(MLPROXY_REC_DECISION));
	ASSERT_RET(ctx_run(UNIT, "task", 10, 1), 0);
	ASSERT_RET(ctx_run(UNIT, "nmi", 100, 1), 0);
	ASSERT_RET(ring_stats(session_fd, 0, &s), 0);
	EXPECT_EQ(s.lost_nmi, 100);
	EXPECT_EQ(s.published, 110);
	/* The gap shows in front of the next record. */
	ASSERT_RET(ctx_run(UNIT, "task", 10, 1), 0);
	consume_all(0);
	check_all();
	EXPECT_EQ(rings[0].gaps, 100);
	dev_stats(session_fd, &stats);
	EXPECT_EQ(stats.decisions, 20);
}

/* Two sessions of one proxy: one loses, the other does not notice. */
static void two_readers(void)
{
	struct mlproxy_ring_setup setup;
	struct ring other;
	uint64_t lost;
	int fd;

	begin(1 << 20, 0);
	fd = dev_bound(PROXY);
	ASSERT_RET(ring_setup(fd, 4096, 0, 0, 0, &setup), 0);
	ASSERT_RET(ring_map(fd, &setup, 0, &other), 0);
	ASSERT_RET(ctx_run(UNIT, "task", 1000, 1), 0);
	consume_all(0);
	check_all();
	published(&lost);
	EXPECT_EQ(lost, 0);
	ring_consume(&other, 0, NULL, NULL);
	ring_check(fd, 0, &other);
	EXPECT(other.seen < 1000);
	EXPECT_EQ(rings[0].seen, 2000);
}

static void by_read(unsigned int bufsize)
{
	unsigned int cpu = 0, i;
	struct mlproxy_ring_setup setup;
	char *buf = malloc(bufsize);
	ssize_t n = 0;
	pid_t load;

	session_fd = dev_open(O_RDWR | O_NONBLOCK);
	ASSERT_RET(dev_bind(session_fd, PROXY), 0);
	dev_fresh(session_fd);
	ASSERT_RET(dev_control(session_fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ring_setup(session_fd, 1 << 16, 0, 0,
			      MLPROXY_REC_MASK(MLPROXY_REC_DECISION), &setup), 0);
	load = load_start(UNIT, "mixed", scaled(20000), online_mask());
	do {
		n = read_consume(session_fd, rings, &cpu, buf, bufsize, check_record, NULL);
		EXPECT(n > 0 || n == -EAGAIN, "(%zd)", n);
		if (n == -EAGAIN)
			sched_yield();
	} while (n > 0 || (load && load_running(&load)));
	while (read_consume(session_fd, rings, &cpu, buf, bufsize, check_record, NULL) > 0)
		;
	for (i = 0; i < nr_cpus(); i++)
		ring_check(session_fd, i, &rings[i]);
	free(buf);
}

static void read_large(void)
{
	by_read(1 << 18);
}

static void read_one_by_one(void)
{
	by_read(CTX_REC_BYTES + 16);
}

static void read_odd_sizes(void)
{
	by_read(1001);
}

/* Arguments of read() that give nothing must take nothing. */
static void read_arguments(void)
{
	struct mlproxy_ring_setup setup;
	struct ring none;
	char buf[4096];
	int fd = dev_open(O_RDWR | O_NONBLOCK);
	size_t page = sysconf(_SC_PAGESIZE);
	char *two, *volatile nowhere = (char *)8;
	ssize_t n;

	ASSERT_RET(dev_bind(fd, PROXY), 0);
	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ring_setup(fd, 4096, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_DECISION),
			      &setup), 0);
	EXPECT(read(fd, buf, sizeof(buf)) < 0 && errno == EAGAIN);
	EXPECT_EQ(read(fd, buf, 0), 0);
	ASSERT_RET(ctx_run(UNIT, "task", 3, 1), 0);
	EXPECT(read(fd, buf, 8) < 0 && errno == EMSGSIZE);
	EXPECT(read(fd, nowhere, sizeof(buf)) < 0 && errno == EFAULT);
	EXPECT_EQ(read(fd, buf, 0), 0);
	/* A buffer of which one record fits before the fault. */
	two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(two != MAP_FAILED && !munmap(two + page, page));
	EXPECT_EQ(read(fd, two + page - CTX_REC_BYTES - 40, 4096), CTX_REC_BYTES);
	n = read(fd, buf, sizeof(buf));
	EXPECT_EQ(n, 2 * CTX_REC_BYTES);
	EXPECT_EQ(((struct mlproxy_rec_hdr *)buf)->seq, 2);
	EXPECT(read(fd, buf, sizeof(buf)) < 0 && errno == EAGAIN);
	/* Not beside mmap. */
	EXPECT_RET(ring_map(fd, &setup, 0, &none), -EBUSY);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(fast_task),
	KTAP_TEST(fast_irqoff),
	KTAP_TEST(fast_softirq),
	KTAP_TEST(fast_hardirq),
	KTAP_TEST(fast_mixed),
	KTAP_TEST(no_reader),
	KTAP_TEST(slow_reader),
	KTAP_TEST(long_records),
	KTAP_TEST(type_masks),
	KTAP_TEST(nmi),
	KTAP_TEST(two_readers),
	KTAP_TEST(read_large),
	KTAP_TEST(read_one_by_one),
	KTAP_TEST(read_odd_sizes),
	KTAP_TEST(read_arguments),
};

KTAP_MAIN(tests)
