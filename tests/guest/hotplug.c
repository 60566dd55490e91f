// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs that go offline and come back under load, while a reader maps their rings:
 * every record is accounted for, and the reader keeps all rings.
 *
 * guest-test: timeout=300
 */
#include <sched.h>

#include "util.h"

#define UNIT "decision"
#define PROXY "ctx-decision"
#define CPU1 "/sys/devices/system/cpu/cpu1/online"

static int fd;
static struct mlproxy_ring_setup setup;
static struct ring rings[32];

static void consume(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpus(); cpu++)
		ring_consume(&rings[cpu], 0, NULL, NULL);
}

static void begin(uint32_t timeout_us)
{
	unsigned int cpu;

	if (access(CPU1, W_OK) || nr_cpus() < 2)
		ktap_skip("no second CPU that can go offline");
	fd = dev_bound(PROXY);
	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ring_setup(fd, 1 << 18, 1 << 16, timeout_us,
			      MLPROXY_REC_MASK(MLPROXY_REC_DECISION), &setup), 0);
	for (cpu = 0; cpu < nr_cpus(); cpu++)
		ASSERT_RET(ring_map(fd, &setup, cpu, &rings[cpu]), 0);
}

static void end(void)
{
	unsigned int cpu;

	EXPECT_RET(file_write(CPU1, "1"), 0);
	consume();
	for (cpu = 0; cpu < nr_cpus(); cpu++)
		ring_check(fd, cpu, &rings[cpu]);
	EXPECT_EQ(ctx_get("violations"), 0);
}

/* Threads bound to CPU 1 go on elsewhere, timers and tasklets with them. */
static void under_load(const char *context)
{
	const unsigned int n = scaled(20000);
	struct mlproxy_stats s;
	uint64_t before;
	unsigned int i;
	pid_t load;

	begin(1000);
	for (i = 0; i < 3; i++) {
		dev_stats(fd, &s);
		before = s.decisions;
		load = load_start(UNIT, context, n, 3);
		/* It starts only where both are online. */
		do {
			dev_stats(fd, &s);
		} while (s.decisions == before && load_running(&load));
		while (load_running(&load)) {
			struct pollfd pfd = { .fd = fd, .events = POLLIN };

			EXPECT_RET(file_write(CPU1, i % 2 ? "1" : "0"), 0);
			poll(&pfd, 1, 10);
			consume();
			EXPECT_RET(file_write(CPU1, "1"), 0);
			consume();
		}
	}
	dev_stats(fd, &s);
	EXPECT(s.decisions >= 2 * 3 * (uint64_t)n);
	end();
}

static void task(void)
{
	under_load("task");
}

static void mixed(void)
{
	under_load("mixed");
}

static void hardirq(void)
{
	under_load("hardirq");
}

/* The ring of a CPU that is gone stays readable, and so do its counters. */
static void offline_ring(void)
{
	struct mlproxy_ring_setup other;
	struct mlproxy_ring_stats s;
	struct mlproxy_stats stats;
	struct ring ring;
	int fd2;

	begin(0);
	ASSERT_RET(ctx_run(UNIT, "task", 100, 2), 0);
	ASSERT_RET(file_write(CPU1, "0"), 0);
	EXPECT_RET(ctx_run(UNIT, "task", 100, 2), -ENXIO);
	EXPECT_EQ(ring_consume(&rings[1], 0, NULL, NULL), 100);
	EXPECT_RET(ring_stats(fd, 1, &s), 0);
	EXPECT_EQ(s.written, 100);
	dev_stats(fd, &stats);
	EXPECT_EQ(stats.decisions, 100);
	/* A session made now has a ring for it, too. */
	fd2 = dev_bound(PROXY);
	ASSERT_RET(ring_setup(fd2, 4096, 0, 0, 0, &other), 0);
	EXPECT_EQ(other.nr_rings, nr_cpus());
	ASSERT_RET(ring_map(fd2, &other, 1, &ring), 0);
	ASSERT_RET(file_write(CPU1, "1"), 0);
	ASSERT_RET(ctx_run(UNIT, "task", 10, 2), 0);
	EXPECT_EQ(ring_consume(&ring, 0, NULL, NULL), 20);
	close(fd2);
	end();
}

static const struct ktap_test tests[] = {
	KTAP_TEST(offline_ring),
	KTAP_TEST(task),
	KTAP_TEST(hardirq),
	KTAP_TEST(mixed),
};

KTAP_MAIN(tests)
