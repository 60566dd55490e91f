// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data-set requests: number, time, sampling, ranges and triggers; that a decision and
 * its feedback come both or neither, and that what does not come is counted.
 *
 * guest-test: timeout=300
 */
#include "util_data.h"

#define PROXY "ctx-data"

static struct data_log log_;

static int fresh(void)
{
	int fd = dev_bound(PROXY);

	ASSERT_RET(ctx_set("data_defer", 0), 0);
	ASSERT_RET(ctx_set("data_health", MLPROXY_HEALTH_GOOD), 0);
	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	return fd;
}

static int fresh_log(void)
{
	int fd = fresh();

	log_open(&log_, fd, 0, 0);
	return fd;
}

static int bad(int fd, struct mlproxy_dataset cmd)
{
	return dataset_request(fd, cmd);
}

static void arguments(void)
{
	struct mlproxy_dataset cmd = {}, ok = { .max_decisions = 1 };
	int fd = fresh(), ro = dev_open(O_RDONLY);

	EXPECT_RET(dataset_call(fd, 0, &cmd), -ENOENT);
	EXPECT_RET(dataset_request(fd, ok), -ENOENT);
	log_open(&log_, fd, 0, 0);
	EXPECT_EQ(dataset_get(fd).state, MLPROXY_DATASET_CONTINUOUS);
	EXPECT_RET(bad(fd, (struct mlproxy_dataset) { .trigger = MLPROXY_NR_TRIGGERS }), -EINVAL);
	EXPECT_RET(bad(fd, (struct mlproxy_dataset) { .event = 1 }), -EINVAL);
	EXPECT_RET(bad(fd, (struct mlproxy_dataset) {
		.trigger = MLPROXY_TRIGGER_MODE, .event = 1 }), -EINVAL);
	EXPECT_RET(bad(fd, (struct mlproxy_dataset) {
		.trigger = MLPROXY_TRIGGER_EVENT, .event = MLPROXY_EVENT_SNAPSHOT }), -EINVAL);
	EXPECT_RET(bad(fd, (struct mlproxy_dataset) { .sample = 65537 }), -EINVAL);
	EXPECT_RET(bad(fd, (struct mlproxy_dataset) { .nr_filters = 5 }), -EINVAL);
	EXPECT_RET(bad(fd, (struct mlproxy_dataset) { .reserved = 1 }), -EINVAL);
	EXPECT_RET(bad(fd, (struct mlproxy_dataset) {
		.nr_filters = 1, .filters = { { .feature = 2 } } }), -EINVAL);
	EXPECT_RET(bad(fd, (struct mlproxy_dataset) {
		.nr_filters = 1, .filters = { { .reserved = 1 } } }), -EINVAL);
	EXPECT_RET(bad(fd, (struct mlproxy_dataset) {
		.nr_filters = 1, .filters = { { .min = 1 } } }), -EINVAL);
	EXPECT_RET(dataset_call(fd, MLPROXY_DATASET_F_REQUEST | MLPROXY_DATASET_F_CANCEL, &ok),
		   -EINVAL);
	EXPECT_RET(dataset_call(fd, 1U << 2, &ok), -EINVAL);
	/* A refused request changes nothing; cancelling nothing is no error. */
	EXPECT_EQ(dataset_get(fd).state, MLPROXY_DATASET_CONTINUOUS);
	EXPECT_RET(dataset_call(fd, MLPROXY_DATASET_F_CANCEL, &cmd), 0);
	EXPECT_EQ(cmd.state, MLPROXY_DATASET_CONTINUOUS);

	EXPECT_RET(dataset_request(fd, ok), 0);
	EXPECT_RET(dataset_request(fd, ok), -EBUSY);
	EXPECT_RET(dataset_call(fd, MLPROXY_DATASET_F_CANCEL, &cmd), 0);
	EXPECT_EQ(cmd.state, MLPROXY_DATASET_CANCELLED);
	EXPECT_RET(dataset_request(fd, ok), 0);
	EXPECT_EQ(dataset_get(fd).state, MLPROXY_DATASET_ACTIVE);
	ASSERT_RET(dev_bind(ro, PROXY), 0);
	EXPECT_RET(dataset_request(ro, ok), -ENOENT);
	EXPECT_RET(dataset_call(ro, MLPROXY_DATASET_F_CANCEL, &ok), -ENOENT);
	EXPECT_RET(dataset_call(ro, 0, &cmd), -ENOENT);
}

/* So many decisions, each with its feedback, and not one more. */
static void number(void)
{
	int fd = fresh_log();
	struct mlproxy_dataset cmd;

	ASSERT_RET(dataset_request(fd, (struct mlproxy_dataset) { .max_decisions = 100 }), 0);
	ASSERT_RET(ctx_set("data_run", 99), 0);
	cmd = dataset_get(fd);
	EXPECT_EQ(cmd.state, MLPROXY_DATASET_ACTIVE);
	EXPECT_EQ(cmd.decisions, 99);
	ASSERT_RET(ctx_set("data_run", 400), 0);
	cmd = dataset_get(fd);
	EXPECT_EQ(cmd.state, MLPROXY_DATASET_COMPLETE);
	EXPECT_EQ(cmd.decisions, 100);
	EXPECT_EQ(cmd.filtered, 0);
	log_take(&log_);
	EXPECT_EQ(log_.nr_decisions, 100);
	EXPECT_EQ(log_.nr_feedbacks, 100);
	EXPECT_EQ(log_unanswered(&log_), 0);
	/* Another one, after it. */
	ASSERT_RET(dataset_request(fd, (struct mlproxy_dataset) { .max_decisions = 50 }), 0);
	ASSERT_RET(ctx_set("data_run", 60), 0);
	EXPECT_EQ(dataset_get(fd).decisions, 50);
	log_take(&log_);
	EXPECT_EQ(log_.nr_decisions, 150);
	EXPECT_EQ(log_unanswered(&log_), 0);
	log_check(&log_);
}

/* All CPUs at once: the number is exact all the same. */
static void number_smp(void)
{
	int fd = dev_bound("ctx-decision");
	struct mlproxy_dataset cmd;
	struct mlproxy_ring_setup setup;
	uint64_t published = 0;
	unsigned int cpu;

	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ring_setup(fd, 1 << 20, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_DECISION), &setup),
		   0);
	ASSERT_RET(dataset_request(fd, (struct mlproxy_dataset) { .max_decisions = 1000 }), 0);
	ASSERT_RET(ctx_run("decision", "mixed", scaled(4000) + 1000, online_mask()), 0);
	cmd = dataset_get(fd);
	EXPECT_EQ(cmd.state, MLPROXY_DATASET_COMPLETE);
	EXPECT_EQ(cmd.decisions, 1000);
	for (cpu = 0; cpu < nr_cpus(); cpu++) {
		struct mlproxy_ring_stats s;

		ASSERT_RET(ring_stats(fd, cpu, &s), 0);
		published += s.published;
	}
	EXPECT_EQ(published, 1000);
}

static void filters(void)
{
	const struct mlproxy_dataset cmd = {
		.nr_filters = 2,
		.filters = {
			{ .feature = 0, .min = 100, .max = 499 },
			/* log2(x + 1) >= 8: the kernel filters what it publishes */
			{ .feature = 1, .min = 8 << 8, .max = INT64_MAX },
		},
	};
	int fd = fresh_log();
	unsigned int i;

	ASSERT_RET(dataset_request(fd, cmd), 0);
	ASSERT_RET(ctx_set("data_run", 2000), 0);
	log_take(&log_);
	/* 255 to 499, twice. */
	EXPECT_EQ(log_.nr_decisions, 2 * 245);
	EXPECT_EQ(log_.nr_feedbacks, 2 * 245);
	EXPECT_EQ(log_unanswered(&log_), 0);
	for (i = 0; i < log_.nr_decisions; i++)
		EXPECT(log_.decisions[i].x >= 255 && log_.decisions[i].x <= 499);
	EXPECT_EQ(dataset_get(fd).decisions, 2 * 245);
	EXPECT_EQ(dataset_get(fd).filtered, 2000 - 2 * 245);
	EXPECT_EQ(dataset_get(fd).state, MLPROXY_DATASET_ACTIVE);
}

/* A share of 1/4 of 4000: 1000 within 5.5 standard deviations of 27.4. */
static void sampling(void)
{
	int fd = fresh_log(), all = dev_bound(PROXY);
	static struct data_log every;
	struct mlproxy_dataset cmd;

	log_open(&every, all, 0, 0);
	ASSERT_RET(dataset_request(fd, (struct mlproxy_dataset) { .sample = 16384 }), 0);
	ASSERT_RET(ctx_set("data_run", 4000), 0);
	log_take(&log_);
	log_take(&every);
	cmd = dataset_get(fd);
	EXPECT(log_.nr_decisions > 850 && log_.nr_decisions < 1150, "(%u)", log_.nr_decisions);
	EXPECT_EQ(log_unanswered(&log_), 0);
	EXPECT_EQ(log_.nr_orphans, 0);
	EXPECT_EQ(log_.nr_feedbacks, log_.nr_decisions);
	EXPECT_EQ(cmd.decisions, log_.nr_decisions);
	EXPECT_EQ(cmd.decisions + cmd.filtered, 4000);
	/* Who asked for nothing gets everything. */
	EXPECT_EQ(every.nr_decisions, 4000);
	EXPECT_EQ(every.nr_feedbacks, 4000);
	EXPECT_EQ(log_unanswered(&every), 0);
	log_check(&log_);
	log_check(&every);
}

/* With too little room: delivered, lost and filtered add up, and no feedback comes
 * for a decision that was lost.
 */
static void accounting(void)
{
	struct mlproxy_ring_setup setup;
	struct mlproxy_dataset cmd;
	int fd = fresh();
	unsigned int cpu;

	memset(&log_, 0, sizeof(log_));
	log_.fd = fd;
	ASSERT_RET(ring_setup(fd, MLPROXY_RING_MIN_BYTES, 0, 0,
			      MLPROXY_REC_MASK(MLPROXY_REC_DECISION) |
			      MLPROXY_REC_MASK(MLPROXY_REC_FEEDBACK), &setup), 0);
	for (cpu = 0; cpu < nr_cpus(); cpu++)
		ASSERT_RET(ring_map(fd, &setup, cpu, &log_.rings[cpu]), 0);
	ASSERT_RET(dataset_request(fd, (struct mlproxy_dataset) { .sample = 32768 }), 0);
	pin_to(0);
	ASSERT_RET(ctx_set("data_run", 1000), 0);
	log_take(&log_);
	cmd = dataset_get(fd);
	EXPECT_EQ(cmd.decisions + cmd.filtered, 1000);
	EXPECT(log_.nr_decisions < cmd.decisions);
	EXPECT_EQ(log_.nr_orphans, 0);
	EXPECT(log_lost(&log_) >= cmd.decisions - log_.nr_decisions);
	log_check(&log_);
}

/* Feedback of decisions that were made before a request, or by another reader's. */
static void in_flight(void)
{
	int fd = fresh_log(), other;
	long long first;

	ASSERT_RET(ctx_set("data_defer", 1), 0);
	first = ctx_get("data_token");
	ASSERT_RET(ctx_set("data_run", 20), 0);
	ASSERT_RET(dataset_request(fd, (struct mlproxy_dataset) { .max_decisions = 10 }), 0);
	ASSERT_RET(ctx_set("data_run", 20), 0);
	log_take(&log_);
	EXPECT_EQ(log_.nr_decisions, 30);
	/* Its place in the decisions may be taken by another reader; their feedback not. */
	log_close(&log_);
	other = dev_bound(PROXY);
	log_open(&log_, other, 0, 0);
	ASSERT_RET(dataset_request(other, (struct mlproxy_dataset) { .max_decisions = 5 }), 0);
	ASSERT_RET(ctx_set("data_run", 10), 0);
	ASSERT(ctx_resolve(first, 50, 50) == 0);
	log_take(&log_);
	EXPECT_EQ(log_.nr_decisions, 5);
	EXPECT_EQ(log_.nr_feedbacks, 5);
	EXPECT_EQ(log_.nr_orphans, 0);
	EXPECT_EQ(log_unanswered(&log_), 0);
}

/* What was published before a request keeps its feedback. */
static void request_between(void)
{
	int fd = fresh_log();
	long long first;

	ASSERT_RET(ctx_set("data_defer", 1), 0);
	first = ctx_get("data_token");
	ASSERT_RET(ctx_set("data_run", 20), 0);
	ASSERT_RET(dataset_request(fd, (struct mlproxy_dataset) { .sample = 1 }), 0);
	ASSERT(ctx_resolve(first, 20, 20) == 0);
	log_take(&log_);
	EXPECT_EQ(log_.nr_decisions, 20);
	EXPECT_EQ(log_unanswered(&log_), 0);
}

static void trigger_event(void)
{
	int fd = fresh_log();

	ASSERT_RET(dataset_request(fd, (struct mlproxy_dataset) {
		.trigger = MLPROXY_TRIGGER_EVENT, .event = 1, .max_decisions = 7 }), 0);
	ASSERT_RET(ctx_set("data_run", 10), 0);
	ASSERT_RET(ctx_event(5, 1), 0);
	ASSERT_RET(dev_set_mode(fd, MLPROXY_MODE_COLLABORATION), 0);
	EXPECT_EQ(dataset_get(fd).state, MLPROXY_DATASET_WAITING);
	EXPECT_EQ(dataset_get(fd).filtered, 0);
	log_take(&log_);
	EXPECT_EQ(log_.nr_decisions + log_.nr_feedbacks + log_.nr_events, 0);
	/* The change of mode comes, and the snapshot with it, whatever was asked. */
	EXPECT_EQ(log_.nr_modes, 1);
	EXPECT_EQ(log_.nr_snapshots, 1);
	ASSERT_RET(ctx_event(1, 1), 0);
	EXPECT_EQ(dataset_get(fd).state, MLPROXY_DATASET_ACTIVE);
	ASSERT_RET(ctx_set("data_run", 10), 0);
	EXPECT_EQ(dataset_get(fd).state, MLPROXY_DATASET_COMPLETE);
	ASSERT_RET(ctx_event(1, 1), 0);
	log_take(&log_);
	EXPECT_EQ(log_.nr_decisions, 7);
	EXPECT_EQ(log_unanswered(&log_), 0);
	EXPECT_EQ(log_.nr_events, 1);
	EXPECT_EQ(log_.event.number, 1);
}

static void trigger_mode(void)
{
	int fd = fresh_log();

	ASSERT_RET(dataset_request(fd, (struct mlproxy_dataset) {
		.trigger = MLPROXY_TRIGGER_MODE, .max_decisions = 7 }), 0);
	ASSERT_RET(ctx_event(1, 1), 0);
	EXPECT_EQ(dataset_get(fd).state, MLPROXY_DATASET_WAITING);
	ASSERT_RET(dev_set_mode(fd, MLPROXY_MODE_COLLABORATION), 0);
	EXPECT_EQ(dataset_get(fd).state, MLPROXY_DATASET_ACTIVE);
}

/* Set up quietly: nothing until it is asked for. */
static void quiet(void)
{
	struct mlproxy_ring_setup setup = {
		.size = sizeof(setup), .flags = MLPROXY_RING_F_QUIET,
		.data_bytes = MLPROXY_RING_MIN_BYTES,
	};
	struct mlproxy_ring_stats s;
	int fd = fresh();

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_RING_SETUP, &setup), 0);
	EXPECT_EQ(dataset_get(fd).state, MLPROXY_DATASET_CANCELLED);
	pin_to(0);
	ASSERT_RET(ctx_set("data_run", 10), 0);
	ASSERT_RET(ring_stats(fd, 0, &s), 0);
	EXPECT_EQ(s.published, 0);
	ASSERT_RET(dataset_request(fd, (struct mlproxy_dataset) { .max_decisions = 5 }), 0);
	ASSERT_RET(ctx_set("data_run", 10), 0);
	ASSERT_RET(ring_stats(fd, 0, &s), 0);
	EXPECT_EQ(s.published, 10);
}

static int poll_for(int fd, int events, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	return poll(&pfd, 1, ms) < 0 ? -errno : pfd.revents;
}

/* Sleeps in poll() below any watermark until the set is complete. */
static void poller(int fd, int events, int want)
{
	EXPECT_EQ(poll_for(fd, events, -1), want);
	EXPECT_EQ(dataset_get(fd).state, MLPROXY_DATASET_COMPLETE);
	_exit(ktap_status());
}

static void wakes(void)
{
	int fd = fresh();
	pid_t pid;

	log_open(&log_, fd, MLPROXY_REC_MASK(MLPROXY_REC_DECISION) |
		 MLPROXY_REC_MASK(MLPROXY_REC_FEEDBACK), 1 << 19);
	ASSERT_RET(dataset_request(fd, (struct mlproxy_dataset) { .max_decisions = 10 }), 0);
	pid = ktap_fork();
	if (!pid)
		poller(fd, POLLIN | POLLPRI, POLLIN | POLLPRI);
	ASSERT_RET(ctx_set("data_run", 9), 0);
	sleep_ms(50);
	EXPECT_EQ(waitpid(pid, NULL, WNOHANG), 0);
	EXPECT_EQ(poll_for(fd, POLLIN | POLLPRI, 0), 0);
	ASSERT_RET(ctx_set("data_run", 1), 0);
	ktap_join(pid);
	log_take(&log_);
	EXPECT_EQ(poll_for(fd, POLLIN | POLLPRI, 0), POLLPRI);
	EXPECT_EQ(poll_for(fd, POLLIN, 0), 0);
}

/* Limited in time: over without traffic, and also when it begins by itself. */
static void duration(void)
{
	const struct mlproxy_dataset now = { .duration_ns = 20000000 };
	const struct mlproxy_dataset later = {
		.duration_ns = 20000000, .trigger = MLPROXY_TRIGGER_EVENT, .event = 1,
	};
	int fd = fresh();
	pid_t pid;

	log_open(&log_, fd, MLPROXY_REC_MASK(MLPROXY_REC_DECISION), 1 << 19);
	ASSERT_RET(dataset_request(fd, now), 0);
	pid = ktap_fork();
	if (!pid)
		poller(fd, POLLPRI, POLLPRI);
	ktap_join(pid);
	ASSERT_RET(ctx_set("data_run", 10), 0);
	EXPECT_EQ(dataset_get(fd).decisions, 0);
	ASSERT_RET(dataset_request(fd, later), 0);
	pid = ktap_fork();
	if (!pid)
		poller(fd, POLLPRI, POLLPRI);
	sleep_ms(60);
	EXPECT_EQ(waitpid(pid, NULL, WNOHANG), 0);
	ASSERT_RET(ctx_event(1, 1), 0);
	ktap_join(pid);
	/* Forever is no overflow. */
	ASSERT_RET(dataset_request(fd, (struct mlproxy_dataset) { .duration_ns = ~0ULL }), 0);
	ASSERT_RET(ctx_set("data_run", 10), 0);
	EXPECT_EQ(dataset_get(fd).decisions, 10);
}

/* As many readers as there are places, and no more: each costs every decision. */
static void slots(void)
{
	const struct mlproxy_dataset cmd = { .max_decisions = 1 };
	struct mlproxy_ring_setup setup;
	int fds[MLPROXY_MAX_READERS], more, i, first = fresh();

	close(first);
	more = dev_bound(PROXY);
	for (i = 0; i < MLPROXY_MAX_READERS; i++) {
		fds[i] = dev_bound(PROXY);
		ASSERT_RET(ring_setup(fds[i], MLPROXY_RING_MIN_BYTES, 0, 0, 0, &setup), 0);
	}
	EXPECT_RET(ring_setup(more, MLPROXY_RING_MIN_BYTES, 0, 0, 0, &setup), -EBUSY);
	EXPECT_RET(dataset_request(more, cmd), -ENOENT);
	for (i = 0; i < MLPROXY_MAX_READERS; i++)
		EXPECT_RET(dataset_request(fds[i], cmd), 0);
	ASSERT_RET(ctx_set("data_run", 10), 0);
	for (i = 0; i < MLPROXY_MAX_READERS; i++)
		EXPECT_EQ(dataset_get(fds[i]).state, MLPROXY_DATASET_COMPLETE);
	/* A place that is free is found by who comes after. */
	close(fds[3]);
	ASSERT_RET(ring_setup(more, MLPROXY_RING_MIN_BYTES, 0, 0, 0, &setup), 0);
	EXPECT_RET(dataset_request(more, cmd), 0);
}

/* How many of some decisions were drawn at random. */
static uint64_t explored(int fd)
{
	struct mlproxy_stats before, after;

	dev_stats(fd, &before);
	ASSERT_RET(ctx_set("data_run", 200), 0);
	dev_stats(fd, &after);
	return after.by_source[MLPROXY_SRC_EXPLORE] - before.by_source[MLPROXY_SRC_EXPLORE];
}

/* Nothing is explored but for a reader that takes decisions now. */
static void exploration(void)
{
	struct mlproxy_ring_setup setup = {
		.size = sizeof(setup), .flags = MLPROXY_RING_F_QUIET,
		.data_bytes = MLPROXY_RING_MIN_BYTES,
	};
	const struct mlproxy_dataset few = { .max_decisions = 60 };
	const struct mlproxy_dataset any = { .sample = 1 };
	const struct mlproxy_dataset later = {
		.trigger = MLPROXY_TRIGGER_EVENT, .event = 1, .max_decisions = 60,
	};
	struct mlproxy_dataset cmd = {};
	int op = fresh(), fd = dev_bound(PROXY), other = dev_bound(PROXY);

	ASSERT_RET(dev_set_param(op, MLPROXY_PARAM_EXPLORE, MLPROXY_MODE_LEARNING, 32768), 0);
	EXPECT_EQ(explored(op), 0);
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_RING_SETUP, &setup), 0);
	EXPECT_EQ(explored(op), 0);
	/* While it is active, and no longer. */
	ASSERT_RET(dataset_request(fd, any), 0);
	EXPECT(explored(op) > 0);
	ASSERT_RET(dataset_call(fd, MLPROXY_DATASET_F_CANCEL, &cmd), 0);
	EXPECT_EQ(explored(op), 0);
	ASSERT_RET(dataset_call(fd, MLPROXY_DATASET_F_CANCEL, &cmd), 0);
	EXPECT_EQ(explored(op), 0);
	ASSERT_RET(dataset_request(fd, few), 0);
	EXPECT(explored(op) > 0);
	EXPECT_EQ(dataset_get(fd).state, MLPROXY_DATASET_COMPLETE);
	EXPECT_EQ(explored(op), 0);
	/* What waits for its trigger takes nothing. */
	ASSERT_RET(dataset_request(fd, later), 0);
	EXPECT_EQ(explored(op), 0);
	ASSERT_RET(ctx_event(1, 1), 0);
	EXPECT(explored(op) > 0);
	EXPECT_EQ(explored(op), 0);
	ASSERT_RET(dataset_request(fd, later), 0);
	ASSERT_RET(dataset_call(fd, MLPROXY_DATASET_F_CANCEL, &cmd), 0);
	EXPECT_EQ(explored(op), 0);
	/* One that wants no decisions is no learner of them, asked for or not. */
	ASSERT_RET(ring_setup(other, MLPROXY_RING_MIN_BYTES, 0, 0,
			      MLPROXY_REC_MASK(MLPROXY_REC_EVENT), &setup), 0);
	EXPECT_EQ(explored(op), 0);
	ASSERT_RET(dataset_request(other, any), 0);
	EXPECT_EQ(explored(op), 0);
	close(other);
	/* Who takes everything, then asks for something later, and goes. */
	other = dev_bound(PROXY);
	ASSERT_RET(ring_setup(other, MLPROXY_RING_MIN_BYTES, 0, 0, 0, &setup), 0);
	EXPECT(explored(op) > 0);
	ASSERT_RET(dataset_request(other, later), 0);
	EXPECT_EQ(explored(op), 0);
	ASSERT_RET(dataset_call(other, MLPROXY_DATASET_F_CANCEL, &cmd), 0);
	ASSERT_RET(dataset_request(other, any), 0);
	EXPECT(explored(op) > 0);
	close(other);
	EXPECT_EQ(explored(op), 0);
	close(fd);
	EXPECT_EQ(explored(op), 0);
}

/* Limited in time: over by itself, for exploration too. */
static void exploration_ends(void)
{
	int op = fresh();
	pid_t pid;

	log_open(&log_, dev_bound(PROXY), MLPROXY_REC_MASK(MLPROXY_REC_DECISION), 1 << 19);
	ASSERT_RET(dev_set_param(op, MLPROXY_PARAM_EXPLORE, MLPROXY_MODE_LEARNING, 32768), 0);
	ASSERT_RET(dataset_request(log_.fd, (struct mlproxy_dataset) { .duration_ns = 20000000 }),
		   0);
	pid = ktap_fork();
	if (!pid)
		poller(log_.fd, POLLPRI, POLLPRI);
	ktap_join(pid);
	EXPECT_EQ(explored(op), 0);
}

/* Requests come and go while all CPUs decide. */
static void churn(void)
{
	pid_t load = load_start("decision", "mixed", 1000000, online_mask());
	int fd = dev_bound("ctx-decision"), i, n = scaled(100) + 10;
	struct mlproxy_stats before, after;
	struct mlproxy_dataset cmd = {};
	struct mlproxy_ring_setup setup;

	for (i = 0; i < n; i++) {
		int s = dev_bound("ctx-decision");

		ASSERT_RET(ring_setup(s, 8192, 0, 1000, 0, &setup), 0);
		ASSERT_RET(dataset_request(s, (struct mlproxy_dataset) {
			.sample = 1 + i * 37, .max_decisions = i, .duration_ns = i * 10000 }), 0);
		if (i % 3 == 0)
			EXPECT_RET(dataset_call(s, MLPROXY_DATASET_F_CANCEL, &cmd), 0);
		if (i % 3 == 0)
			EXPECT_RET(dataset_request(s, (struct mlproxy_dataset) {
				.max_decisions = 3 }), 0);
		close(s);
	}
	kill(load, SIGKILL);
	waitpid(load, NULL, 0);
	/* All of them are gone, whatever they were at: nobody to explore for. */
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_EXPLORE, MLPROXY_MODE_LEARNING, 32768), 0);
	dev_stats(fd, &before);
	ASSERT_RET(ctx_run("decision", "task", 200, 1), 0);
	dev_stats(fd, &after);
	EXPECT_EQ(after.by_source[MLPROXY_SRC_EXPLORE], before.by_source[MLPROXY_SRC_EXPLORE]);
	close(fd);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(arguments),
	KTAP_TEST(number),
	KTAP_TEST(number_smp),
	KTAP_TEST(filters),
	KTAP_TEST(sampling),
	KTAP_TEST(accounting),
	KTAP_TEST(in_flight),
	KTAP_TEST(request_between),
	KTAP_TEST(trigger_event),
	KTAP_TEST(trigger_mode),
	KTAP_TEST(quiet),
	KTAP_TEST(wakes),
	KTAP_TEST(duration),
	KTAP_TEST(slots),
	KTAP_TEST(exploration),
	KTAP_TEST(exploration_ends),
	KTAP_TEST(churn),
};

KTAP_MAIN(tests)
