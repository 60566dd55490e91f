// SPDX-License-Identifier: GPL-2.0-only
/*
 * One way of access a session: who reads with read() has the kernel as consumer, and
 * nothing that user space maps, or tries to map, may move its position.
 *
 * guest-test: timeout=600
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

#include "util.h"

#define UNIT "decision"
#define PROXY "ctx-decision"

static size_t page;
static int fd;
static struct mlproxy_ring_setup setup;
static char buf[1 << 16];

static void begin(void)
{
	page = sysconf(_SC_PAGESIZE);
	fd = dev_bound(PROXY);
	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ring_setup(fd, 4096, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_DECISION), &setup),
		   0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
}

static ssize_t read_all(void)
{
	ssize_t n = read(fd, buf, sizeof(buf));

	return n < 0 ? -errno : n;
}

static int map_consumer(void *addr, int fixed)
{
	void *p = mmap(addr, page, PROT_READ | PROT_WRITE, MAP_SHARED | fixed, fd, 0);

	return p == MAP_FAILED ? -errno : 0;
}

static void *target;
static volatile bool stop;
static unsigned long hits, tries;
static __thread sigjmp_buf fault;

static void on_fault(int sig)
{
	(void)sig;
	siglongjmp(fault, 1);
}

/* Stores an impossible position whenever there is something to store it to. */
static void *storer(void *arg)
{
	(void)arg;
	while (!stop) {
		tries++;
		if (sigsetjmp(fault, 1))
			continue;
		*(volatile uint64_t *)target = 0x5555555555555555ULL;
		hits++;
	}
	return NULL;
}

static void start_storer(pthread_t *thread)
{
	struct sigaction sa = { .sa_handler = on_fault };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	target = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(target != MAP_FAILED);
	ASSERT(!pthread_create(thread, NULL, storer, NULL));
}

/*
 * A mapping that is refused since read() has the session is never there, not for the
 * moment between its making and its undoing either.
 */
static void refused_is_never_there(void)
{
	unsigned int n = on_debug_kernel() ? 3000 : 30000, i;
	struct mlproxy_ring_stats s;
	pthread_t thread;

	begin();
	EXPECT_EQ(read_all(), -EAGAIN);
	start_storer(&thread);
	for (i = 0; i < n && !__atomic_load_n(&hits, __ATOMIC_RELAXED); i++)
		ASSERT_RET(map_consumer(target, MAP_FIXED), -EBUSY);
	stop = true;
	pthread_join(thread, NULL);
	ASSERT(!hits, "(a store went through to the refused mapping)");
	ktap_note("%u refused mappings, %lu stores that failed", i, tries);
	/* All as if nothing had been tried. */
	ASSERT_RET(ctx_run(UNIT, "task", 20, 1), 0);
	EXPECT_EQ(read_all(), 20 * CTX_REC_BYTES);
	ASSERT_RET(ring_stats(fd, 0, &s), 0);
	EXPECT_EQ(s.lost_badpos, 0);
}

/* What is refused for its arguments claims nothing, also after many of them. */
static void refused_claims_nothing(void)
{
	unsigned int i;

	begin();
	for (i = 0; i < 10; i++) {
		EXPECT(mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED &&
		       errno == EACCES);
		EXPECT(mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED &&
		       errno == EINVAL);
		EXPECT(mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED &&
		       errno == EINVAL);
	}
	ASSERT_RET(ctx_run(UNIT, "task", 3, 1), 0);
	EXPECT_EQ(read_all(), 3 * CTX_REC_BYTES);
	EXPECT_RET(map_consumer(NULL, 0), -EBUSY);
	ASSERT_RET(ctx_run(UNIT, "task", 3, 1), 0);
	EXPECT_EQ(read_all(), 3 * CTX_REC_BYTES);
}

static pthread_barrier_t both;
static int map_result, read_result;

static void *mapper(void *arg)
{
	pthread_barrier_wait(&both);
	map_result = map_consumer(arg, MAP_FIXED);
	return NULL;
}

static void *reader(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&both);
	read_result = read_all();
	return NULL;
}

/* read() and mmap() at once: one of them has the session, and it stays so. */
static void one_wins(void)
{
	unsigned int n = scaled(500), i, mapped = 0;
	pthread_t threads[2];
	void *at;

	for (i = 0; i < n; i++) {
		begin();
		at = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_RET(ctx_run(UNIT, "task", 1, 1), 0);
		ASSERT(!pthread_barrier_init(&both, NULL, 2));
		ASSERT(!pthread_create(&threads[0], NULL, mapper, at));
		ASSERT(!pthread_create(&threads[1], NULL, reader, NULL));
		pthread_join(threads[0], NULL);
		pthread_join(threads[1], NULL);
		mapped += !map_result;
		if (map_result) {
			ASSERT_EQ(map_result, -EBUSY);
			ASSERT_EQ(read_result, CTX_REC_BYTES);
			ASSERT_RET(map_consumer(NULL, 0), -EBUSY);
		} else {
			ASSERT_EQ(read_result, -EBUSY);
			ASSERT_EQ(read_all(), -EBUSY);
			munmap(at, page);
			/* Unmapped, it is no session of read() all the same. */
			ASSERT_EQ(read_all(), -EBUSY);
		}
		close(fd);
	}
	ktap_note("mmap() won %u of %u times", mapped, n);
}

/* The ring is full until read() gives room back, and only then. */
static void read_gives_room(void)
{
	const unsigned int fit = 4096 / CTX_REC_BYTES;
	struct mlproxy_ring_stats s;
	unsigned int i;

	begin();
	for (i = 1; i <= 5; i++) {
		ASSERT_RET(ctx_run(UNIT, "task", 2 * fit, 1), 0);
		ASSERT_RET(ring_stats(fd, 0, &s), 0);
		EXPECT_EQ(s.written, i * fit);
		EXPECT_EQ(s.lost_full, i * fit);
		EXPECT_EQ(read_all(), fit * CTX_REC_BYTES);
		EXPECT_EQ(read_all(), -EAGAIN);
	}
	EXPECT_EQ(s.lost_badpos, 0);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(refused_is_never_there),
	KTAP_TEST(refused_claims_nothing),
	KTAP_TEST(one_wins),
	KTAP_TEST(read_gives_room),
};

KTAP_MAIN(tests)
