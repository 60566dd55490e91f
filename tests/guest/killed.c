// SPDX-License-Identifier: GPL-2.0-only
/*
 * An agent that is killed or stopped in mid-stream: decisions go on as if it were
 * not there, what it does not take is counted, and all it had is given back.
 *
 * guest-test: timeout=300
 */
#include <signal.h>

#include "util.h"

#define UNIT "decision"
#define PROXY "ctx-decision"

enum { READ_MMAP, READ_READ, READ_POLL, NR_WAYS };

static struct mlproxy_ring_setup setup;

/* Reads, recommends, swaps models, as fast as it can, for ever; says when it can. */
static void agent(unsigned int way, int ready, volatile uint64_t *rounds)
{
	struct mlproxy_model_load load;
	struct ring rings[32];
	struct recs recs;
	char buf[4096];
	unsigned int cpu, i;
	uint32_t len;
	void *model;
	int fd = dev_bound(PROXY);

	model = model_constant(fd, 1, &len);
	ASSERT_RET(ring_setup(fd, 8192, way == READ_POLL ? 1024 : 0,
			      way == READ_POLL ? 1000 : 0, 0, &setup), 0);
	ASSERT_RET(recs_map(fd, 64, &recs), 0);
	if (way == READ_MMAP)
		for (cpu = 0; cpu < nr_cpus(); cpu++)
			ASSERT_RET(ring_map(fd, &setup, cpu, &rings[cpu]), 0);
	ASSERT_EQ(write(ready, "x", 1), 1);
	for (i = 0;; i++) {
		*rounds = i;
		if (way == READ_MMAP) {
			for (cpu = 0; cpu < nr_cpus(); cpu++)
				ring_consume(&rings[cpu], 0, NULL, NULL);
		} else {
			if (way == READ_POLL) {
				struct pollfd pfd = { .fd = fd, .events = POLLIN };

				ASSERT_EQ(poll(&pfd, 1, -1), 1);
			}
			ASSERT(read(fd, buf, sizeof(buf)) > 0);
		}
		recommend(fd, &recs, i % 64, i % 4, 1 + i % 100);
		if (i % 8 == 0) {
			ASSERT_RET(dev_model_load(fd, model, len, &load), 0);
			dev_model_ctl(fd, MLPROXY_MODEL_OP_ACTIVATE, 0);
		}
	}
}

static volatile uint64_t *agent_rounds;	/* of the newest agent; shared with it */

/* Until it is set up. Without decisions most ways to read wait for ever then. */
static pid_t agent_start(unsigned int way)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (!agent_rounds)
		agent_rounds = mmap(NULL, sizeof(*agent_rounds), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(agent_rounds != MAP_FAILED);
	*agent_rounds = 0;
	ASSERT(!pipe(ready));
	pid = ktap_fork();
	if (!pid) {
		close(ready[0]);
		agent(way, ready[1], agent_rounds);
	}
	close(ready[1]);
	ASSERT_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

/* Until it is in mid-stream, or there is nothing more for it to take. */
static void agent_works(pid_t *load)
{
	while (*agent_rounds < 3 && load_running(load))
		;
}

static void agent_kill(pid_t pid)
{
	int status;

	ASSERT(!kill(pid, SIGKILL));
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static uint64_t decisions(int fd)
{
	struct mlproxy_stats s;

	dev_stats(fd, &s);
	return s.decisions;
}

/* Wait for decisions that were asked for from now on. */
static void expect_progress(int fd, pid_t *load)
{
	uint64_t before = decisions(fd);

	while (decisions(fd) < before + 500)
		if (!load_running(load)) {
			ASSERT(decisions(fd) >= before);
			return;
		}
}

static int begin(void)
{
	int fd = dev_bound(PROXY);

	dev_fresh(fd);
	ASSERT_RET(dev_set_mode(fd, MLPROXY_MODE_RECOMMENDATION), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT(!ctx_set("masks", 1));
	return fd;
}

static void end(int fd, pid_t load)
{
	if (load)
		ktap_join(load);
	ctx_set("masks", 0);
	EXPECT_EQ(ctx_get("violations"), 0);
	dev_fresh(fd);
}

static void killed(void)
{
	uint64_t before = file_u64("/sys/module/mlproxy_ctxtest/refcnt");
	const unsigned int rounds = on_debug_kernel() ? 4 : 12;
	int fd = begin();
	unsigned int i;

	for (i = 0; i < rounds; i++) {
		pid_t pid = agent_start(i % NR_WAYS);
		pid_t load = load_start(UNIT, "mixed", scaled(8000), online_mask());

		agent_works(&load);
		sleep_ms(i * 3);
		agent_kill(pid);
		EXPECT_EQ(file_u64("/sys/module/mlproxy_ctxtest/refcnt"), before + 1);
		if (load)
			ktap_join(load);
	}
	end(fd, 0);
}

static void stopped(void)
{
	char path[64];
	unsigned int way;
	int fd = begin();

	for (way = 0; way < NR_WAYS; way++) {
		pid_t pid = agent_start(way);
		pid_t load = load_start(UNIT, "mixed", scaled(30000), online_mask());
		uint64_t lost;

		agent_works(&load);
		ASSERT(!kill(pid, SIGSTOP));
		expect_progress(fd, &load);
		/* The proxy can be run by others meanwhile. */
		EXPECT_RET(dev_set_mode(fd, MLPROXY_MODE_EMERGENCY), 0);
		EXPECT_RET(dev_control(fd, MLPROXY_CTL_STOP), 0);
		EXPECT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
		EXPECT_RET(dev_set_mode(fd, MLPROXY_MODE_RECOMMENDATION), 0);
		if (load)
			ktap_join(load);
		/* More than its rings hold: seen by the operator. */
		ASSERT_RET(ctx_run(UNIT, "task", 1000, online_mask()), 0);
		snprintf(path, sizeof(path), SYSFS_DIR "%s/records_lost", PROXY);
		lost = file_u64(path);
		EXPECT(lost > 0);
		if (way == READ_MMAP) {
			ASSERT(!kill(pid, SIGCONT));
			load = load_start(UNIT, "mixed", 1000, online_mask());
			ktap_join(load);
			ASSERT_EQ(waitpid(pid, NULL, WNOHANG), 0);
		}
		agent_kill(pid);
		EXPECT_EQ(file_u64(path), 0);
	}
	end(fd, 0);
}

static void many_killed_at_once(void)
{
	pid_t pids[6], load;
	unsigned int i;
	int fd = begin();

	for (i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = agent_start(i % NR_WAYS);
	load = load_start(UNIT, "mixed", scaled(30000), online_mask());
	agent_works(&load);
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		ASSERT(!kill(pids[i], i % 2 ? SIGKILL : SIGSTOP));
	expect_progress(fd, &load);
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		agent_kill(pids[i]);
	EXPECT_EQ(file_u64(SYSFS_DIR PROXY "/records_lost"), 0);
	end(fd, load);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(killed),
	KTAP_TEST(stopped),
	KTAP_TEST(many_killed_at_once),
};

KTAP_MAIN(tests)
