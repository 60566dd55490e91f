// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heartbeats belong to the sessions that send them: one that falls silent, or is closed
 * without having left, is lost, whatever other sessions do.
 *
 * guest-test: timeout=300 debug=thorough
 */
#include "util_mode.h"

#define GOOD	1
#define HOUR_MS	3600000
#define MAX	64	/* sessions of a proxy that beat */

static int fd;		/* the operator's */
static struct mlproxy_heartbeat answer;

static void begin(void)
{
	fd = synth_begin(GOOD);
}

static int agent(uint32_t timeout_ms)
{
	int s = dev_bound("synth");

	ASSERT_RET(heartbeat(s, 0, timeout_ms, &answer), 0);
	return s;
}

static void leave(int s)
{
	ASSERT_RET(heartbeat(s, MLPROXY_HEARTBEAT_F_LEAVE, 0, &answer), 0);
}

/* Waits until a timeout of 1 ms is over. */
static void expect_lost_after_1ms(void)
{
	sleep_ms(5);
	ASSERT_RET(synth_run(1), 0);
	expect_transition(fd, LEARNING, EMERGENCY, AGENT_LOST);
	EXPECT_EQ(transitions[0].evidence.limit, 1000000);
	EXPECT(transitions[0].evidence.value >= 1000000);
}

/* One agent's long patience is not the other's. */
static void each_has_its_deadline(void)
{
	int a, b;

	begin();
	a = agent(1);
	b = agent(HOUR_MS);
	expect_lost_after_1ms();
	/* nor does the other's next heartbeat help it */
	ASSERT_RET(heartbeat(b, 0, HOUR_MS, &answer), 0);
	EXPECT_EQ(answer.mode, EMERGENCY);
	ASSERT_RET(heartbeat(a, 0, HOUR_MS, &answer), 0);
	EXPECT_EQ(answer.mode, LEARNING);
	EXPECT(answer.age_ms >= 5);
	expect_transition(fd, EMERGENCY, LEARNING, RECOVERED);
}

/* Who leaves takes his own heartbeat along. */
static void leaves_for_itself(void)
{
	int a, b;

	begin();
	a = agent(1);
	b = agent(HOUR_MS);
	leave(b);
	leave(b);
	expect_lost_after_1ms();
	leave(a);
	EXPECT_EQ(answer.mode, LEARNING);
	sleep_ms(5);
	ASSERT_RET(synth_run(100), 0);
	EXPECT_EQ(mode_get(fd).mode, LEARNING);
}

/* A file that is closed without having left is a loss at once, before any decision. */
static void closed_is_lost(void)
{
	int a, b, c;

	begin();
	b = agent(HOUR_MS);
	a = agent(HOUR_MS);
	close(a);
	expect_transition(fd, LEARNING, EMERGENCY, AGENT_LOST);
	EXPECT_EQ(transitions[0].evidence.limit, 0);
	/* Others that go on are no successors. */
	ASSERT_RET(heartbeat(b, 0, HOUR_MS, &answer), 0);
	ASSERT_RET(synth_run(1000), 0);
	EXPECT_EQ(mode_get(fd).mode, EMERGENCY);
	/* One that begins is. */
	c = agent(HOUR_MS);
	EXPECT_EQ(answer.mode, LEARNING);
	EXPECT_EQ(answer.age_ms, 0);
	expect_transition(fd, EMERGENCY, LEARNING, RECOVERED);
	leave(b);
	leave(c);
	close(c);
	ASSERT_RET(synth_run(1000), 0);
	EXPECT_EQ(mode_get(fd).mode, LEARNING);
	EXPECT_EQ(mode_get(fd).reason, MLPROXY_REASON_RECOVERED);
}

/* The same, by the kernel, for a process that dies. */
static void killed_is_lost(void)
{
	int ready[2], status;
	char c;
	pid_t pid;

	begin();
	ASSERT(!pipe(ready));
	pid = fork();
	ASSERT(pid >= 0);
	if (!pid) {
		agent(HOUR_MS);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ASSERT_EQ(read(ready[0], &c, 1), 1);
	EXPECT_EQ(mode_get(fd).mode, LEARNING);
	kill(pid, SIGKILL);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	expect_transition(fd, LEARNING, EMERGENCY, AGENT_LOST);
}

/* The operator may go on without the agent that was lost. */
static void operator_goes_on(void)
{
	begin();
	close(agent(HOUR_MS));
	EXPECT_EQ(mode_get(fd).mode, EMERGENCY);
	ASSERT_RET(mode_auto(fd), 0);
	expect_transition(fd, EMERGENCY, LEARNING, AUTO);
	ASSERT_RET(synth_run(100), 0);
	EXPECT_EQ(mode_get(fd).mode, LEARNING);
	/* A new initialisation expects nobody. */
	close(agent(HOUR_MS));
	EXPECT_EQ(mode_get(fd).mode, EMERGENCY);
	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(synth_run(100), 0);
	EXPECT_EQ(mode_get(fd).mode, LEARNING);
}

/* What has beaten before a new initialisation is not missed after it. */
static void reinit_expects_nobody(void)
{
	int a;

	begin();
	a = agent(1);
	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	sleep_ms(5);
	ASSERT_RET(synth_run(100), 0);
	EXPECT_EQ(mode_get(fd).mode, LEARNING);
	close(a);
	EXPECT_EQ(mode_get(fd).mode, LEARNING);
}

static void as_many_as_there_may_be(void)
{
	int s[MAX + 1], i;

	begin();
	for (i = 0; i < MAX; i++)
		s[i] = agent(HOUR_MS);
	s[MAX] = dev_bound("synth");
	EXPECT_RET(heartbeat(s[MAX], 0, HOUR_MS, &answer), -EBUSY);
	ASSERT_RET(heartbeat(s[0], 0, HOUR_MS, &answer), 0);
	leave(s[MAX / 2]);
	ASSERT_RET(heartbeat(s[MAX], 0, HOUR_MS, &answer), 0);
	/* The earliest deadline is found wherever it is. */
	ASSERT_RET(heartbeat(s[MAX / 3], 0, 1, &answer), 0);
	expect_lost_after_1ms();
	leave(s[MAX / 3]);
	EXPECT_EQ(answer.mode, LEARNING);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(each_has_its_deadline),
	KTAP_TEST(leaves_for_itself),
	KTAP_TEST(closed_is_lost),
	KTAP_TEST(killed_is_lost),
	KTAP_TEST(operator_goes_on),
	KTAP_TEST(reinit_expects_nobody),
	KTAP_TEST(as_many_as_there_may_be),
};

KTAP_MAIN(tests)
