// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waking: by watermark, by timeout, by the first record; no wake-up is lost in a
 * long run; a waiting reader can be interrupted. No test asserts a time: a lost
 * wake-up shows as a poll() that runs into a limit far beyond any delay.
 *
 * guest-test: timeout=600
 */
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>

#include "util.h"

#define UNIT "decision"
#define PROXY "ctx-decision"
#define LONG_MS 60000
#define HOUR_US 3600000000U

static int fd;
static struct mlproxy_ring_setup setup;
static struct ring rings[32];

static void begin(uint32_t watermark, uint32_t timeout_us)
{
	unsigned int cpu;

	fd = dev_bound(PROXY);
	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ring_setup(fd, 1 << 16, watermark, timeout_us,
			      MLPROXY_REC_MASK(MLPROXY_REC_DECISION), &setup), 0);
	for (cpu = 0; cpu < nr_cpus(); cpu++)
		ASSERT_RET(ring_map(fd, &setup, cpu, &rings[cpu]), 0);
}

static int poll_now(int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int n = poll(&pfd, 1, timeout_ms);

	EXPECT(n < 1 || pfd.revents == POLLIN, "(%#x)", pfd.revents);
	return n;
}

static unsigned int consume(void)
{
	unsigned int cpu, n = 0;

	for (cpu = 0; cpu < nr_cpus(); cpu++)
		n += ring_consume(&rings[cpu], 0, NULL, NULL);
	return n;
}

static void decide(unsigned int n)
{
	ASSERT_RET(ctx_run(UNIT, "task", n, 1), 0);
}

static void any_record(void)
{
	unsigned int i;

	begin(0, 0);
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(poll_now(0), 0);
		decide(1);
		EXPECT_EQ(poll_now(0), 1);
		EXPECT_EQ(consume(), 1);
	}
	EXPECT_EQ(poll_now(0), 0);
}

static void by_watermark(void)
{
	unsigned int i;

	begin(10 * CTX_REC_BYTES, 0);
	for (i = 0; i < 20; i++) {
		decide(9);
		EXPECT_EQ(poll_now(0), 0);
		decide(1);
		EXPECT_EQ(poll_now(0), 1);
		EXPECT_EQ(consume(), 10);
		EXPECT_EQ(poll_now(0), 0);
	}
	/* In one ring: parts in two do not add up. */
	if (online_mask() & 2) {
		decide(5);
		ASSERT_RET(ctx_run(UNIT, "task", 5, 2), 0);
		EXPECT_EQ(poll_now(0), 0);
		ASSERT_RET(ctx_run(UNIT, "task", 5, 2), 0);
		EXPECT_EQ(poll_now(0), 1);
	}
}

/* A watermark beyond the half of the ring would never be reached. */
static void watermark_is_limited(void)
{
	begin(~0U, 0);
	EXPECT_EQ(setup.watermark_bytes, setup.data_bytes / 2);
	decide(setup.data_bytes / CTX_REC_BYTES);
	EXPECT_EQ(poll_now(0), 1);
}

/* Too few for the watermark: the timeout wakes. */
static void by_timeout(void)
{
	unsigned int i;

	begin(100 * CTX_REC_BYTES, 1000);
	for (i = 0; i < 20; i++) {
		decide(1);
		EXPECT_EQ(poll_now(LONG_MS), 1);
		EXPECT_EQ(consume(), 1);
	}
	/* Without records it does not. */
	EXPECT_EQ(poll_now(50), 0);
	/* The record comes while the reader waits already. */
	for (i = 0; i < 10; i++) {
		pid_t load = load_start(UNIT, "task", 1, 1);

		EXPECT_EQ(poll_now(LONG_MS), 1);
		ktap_join(load);
		EXPECT_EQ(consume(), 1);
	}
}

/* Each next record comes only after the last was taken: each of them must wake. */
static void each_record_wakes(void)
{
	const unsigned int n = on_debug_kernel() ? 50 : 200, second = online_mask() & 2;
	unsigned int i;
	int taken[2];
	char byte;
	pid_t pid;

	begin(0, 0);
	ASSERT(!pipe(taken));
	pid = ktap_fork();
	if (!pid) {
		close(taken[1]);
		for (i = 0; i < n; i++) {
			ASSERT_RET(ctx_run(UNIT, i % 3 ? "hardirq" : "task", 1,
					   i % 2 && second ? second : 1), 0);
			if (read(taken[0], &byte, 1) != 1)
				break;
		}
		_exit(ktap_status());
	}
	close(taken[0]);
	for (i = 0; i < n; i++) {
		if (poll_now(LONG_MS) != 1) {
			ktap_fail("a wake-up was lost after %u records", i);
			break;
		}
		EXPECT_EQ(consume(), 1);
		ASSERT_EQ(write(taken[1], "x", 1), 1);
	}
	close(taken[1]);
	ktap_join(pid);
}

static uint64_t sum_published(void)
{
	struct mlproxy_ring_stats s;
	unsigned int cpu;
	uint64_t sum = 0;

	for (cpu = 0; cpu < nr_cpus(); cpu++) {
		ASSERT_RET(ring_stats(fd, cpu, &s), 0);
		sum += s.published;
	}
	return sum;
}

static bool unread(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpus(); cpu++)
		if (rings[cpu].prod->pos != rings[cpu].pos)
			return true;
	return false;
}

/*
 * Records at full speed, 100,000 in one of the runs, with a reader that sleeps
 * whenever there is too little. It waits only while enough is still to come: then
 * a poll() that ends by its limit has missed a wake-up. A rest below the watermark
 * in each ring wakes nobody, unless there is a timeout.
 */
static void stress(uint32_t watermark, uint32_t timeout_us, const char *context,
		   unsigned long records)
{
	unsigned int cpus = __builtin_popcount(online_mask());
	unsigned int n = scaled(records) / cpus, waits = 0, cpu;
	uint64_t target = (uint64_t)n * cpus;
	pid_t load;

	begin(watermark, timeout_us);
	if (!timeout_us)
		target -= cpus * (setup.watermark_bytes / CTX_REC_BYTES + 1);
	load = load_start(UNIT, context, n, online_mask());
	while (sum_published() < target || (timeout_us && unread())) {
		waits++;
		if (poll_now(LONG_MS) != 1) {
			ktap_fail("a wake-up was lost after %llu records",
				  (unsigned long long)sum_published());
			break;
		}
		consume();
	}
	ktap_join(load);
	consume();
	for (cpu = 0; cpu < nr_cpus(); cpu++)
		ring_check(fd, cpu, &rings[cpu]);
	ktap_note("%s: %u waits", context, waits);
}

static void stress_any(void)
{
	stress(0, 0, "mixed", 100000);
}

static void stress_watermark(void)
{
	stress(64 * CTX_REC_BYTES, 0, "mixed", 40000);
}

static void stress_timeout(void)
{
	stress(1 << 20, 500, "task", 40000);
}

static void stress_hardirq(void)
{
	stress(0, 100, "hardirq", 40000);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void no_restart(int sig)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(sig, &sa, NULL);
}

/*
 * Signal @pid until it is gone: it may not be asleep yet at the first one. A signal before it
 * has its handler would kill it; so first it says that it is @ready.
 */
static void signal_until_gone(pid_t pid, int ready)
{
	int status;
	char byte;

	ASSERT_EQ(read(ready, &byte, 1), 1);
	close(ready);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		kill(pid, SIGUSR1);
		sleep_ms(10);
	}
	EXPECT(WIFEXITED(status) && !WEXITSTATUS(status), "(status %#x)", status);
}

static void read_is_interrupted(void)
{
	char buf[256];
	int ready[2];
	pid_t pid;

	ASSERT(!pipe(ready));
	pid = ktap_fork();
	if (!pid) {
		no_restart(SIGUSR1);
		fd = dev_bound(PROXY);
		dev_fresh(fd);
		ASSERT_RET(ring_setup(fd, 4096, 0, 0, 0, &setup), 0);
		ASSERT_EQ(write(ready[1], "", 1), 1);
		errno = 0;
		EXPECT(read(fd, buf, sizeof(buf)) == -1 && errno == EINTR, "(%m)");
		_exit(ktap_status());
	}
	close(ready[1]);
	signal_until_gone(pid, ready[0]);
}

static void poll_is_interrupted(void)
{
	int ready[2];
	pid_t pid;

	ASSERT(!pipe(ready));
	pid = ktap_fork();
	if (!pid) {
		struct pollfd pfd = { .events = POLLIN };

		no_restart(SIGUSR1);
		begin(0, 0);
		pfd.fd = fd;
		ASSERT_EQ(write(ready[1], "", 1), 1);
		EXPECT(poll(&pfd, 1, -1) == -1 && errno == EINTR);
		_exit(ktap_status());
	}
	close(ready[1]);
	signal_until_gone(pid, ready[0]);
}

/* A read() that waits is given the first record. */
static void read_waits(void)
{
	unsigned int i;
	pid_t pid;

	pid = ktap_fork();
	if (!pid) {
		char buf[CTX_REC_BYTES];

		fd = dev_bound(PROXY);
		dev_fresh(fd);
		ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
		ASSERT_RET(ring_setup(fd, 4096, 2048, 0,
				      MLPROXY_REC_MASK(MLPROXY_REC_DECISION), &setup), 0);
		for (i = 0; i < 50; i++) {
			pid_t load = load_start(UNIT, "task", 1, 1);

			EXPECT_EQ(read(fd, buf, sizeof(buf)), CTX_REC_BYTES);
			ktap_join(load);
		}
		_exit(ktap_status());
	}
	ktap_join(pid);
}

static void epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET }, got;
	int ep = epoll_create1(EPOLL_CLOEXEC);
	unsigned int i;

	begin(0, 0);
	ASSERT(ep >= 0 && !epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	EXPECT_EQ(epoll_wait(ep, &got, 1, 0), 0);
	for (i = 0; i < 20; i++) {
		decide(1);
		ASSERT_EQ(epoll_wait(ep, &got, 1, LONG_MS), 1);
		EXPECT_EQ(got.events, EPOLLIN);
		EXPECT_EQ(consume(), 1);
		EXPECT_EQ(epoll_wait(ep, &got, 1, 0), 0);
	}
	/* Closed while it is watched. */
	close(fd);
	close(ep);
}

/* Two processes wait on one session: both are woken. */
static void two_waiters(void)
{
	pid_t pids[2];
	unsigned int i;

	begin(0, 0);
	for (i = 0; i < 2; i++) {
		pids[i] = ktap_fork();
		if (!pids[i]) {
			EXPECT_EQ(poll_now(LONG_MS), 1);
			_exit(ktap_status());
		}
	}
	sleep_ms(50);
	decide(1);
	ktap_join(pids[0]);
	ktap_join(pids[1]);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(any_record),
	KTAP_TEST(by_watermark),
	KTAP_TEST(watermark_is_limited),
	KTAP_TEST(by_timeout),
	KTAP_TEST(each_record_wakes),
	KTAP_TEST(stress_any),
	KTAP_TEST(stress_watermark),
	KTAP_TEST(stress_timeout),
	KTAP_TEST(stress_hardirq),
	KTAP_TEST(read_waits),
	KTAP_TEST(read_is_interrupted),
	KTAP_TEST(poll_is_interrupted),
	KTAP_TEST(epoll),
	KTAP_TEST(two_waiters),
};

KTAP_MAIN(tests)
