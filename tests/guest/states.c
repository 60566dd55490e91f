// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the schema says beyond features and actions, and that the kernel does it:
 * states and health, preprocessing, described and aggregated events.
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
	ASSERT_RET(ctx_set("data_level", 0), 0);
	ASSERT_RET(ctx_set("data_ticks", 1000), 0);
	dev_fresh(fd);
	log_open(&log_, fd, 0, 0);
	return fd;
}

static void schema(void)
{
	struct mlproxy_feature f[2], states[3];
	struct mlproxy_action a[2];
	struct mlproxy_event_desc events[3];
	struct mlproxy_schema cmd = {
		.size = sizeof(cmd), .features = (uintptr_t)f, .actions = (uintptr_t)a,
		.nr_features = 2, .nr_actions = 2,
		.feature_size = sizeof(*f), .action_size = sizeof(*a),
		.state_size = sizeof(struct mlproxy_feature),
		.event_size = sizeof(struct mlproxy_event_desc),
	};
	int fd = dev_bound(PROXY);

	/* Who does not ask for them learns their number. */
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &cmd), 0);
	EXPECT_EQ(cmd.nr_states, 3);
	EXPECT_EQ(cmd.nr_events, 3);
	cmd.states = (uintptr_t)states;
	cmd.nr_states = 2;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &cmd), -ENOBUFS);
	EXPECT_EQ(cmd.nr_states, 3);
	cmd.events = (uintptr_t)events;
	cmd.nr_events = 2;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &cmd), -ENOBUFS);
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &cmd), 0);
	EXPECT_EQ(f[1].preprocess, MLPROXY_PRE_LOG2);
	EXPECT(!strcmp(states[1].name, "ticks"));
	EXPECT_EQ(states[1].preprocess, MLPROXY_PRE_DELTA);
	EXPECT(!strcmp(events[0].name, "tick") && events[0].nr_values == 2 &&
	       events[0].period_ms == 3600000);
	cmd.states = 8;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &cmd), -EFAULT);
	cmd.states = (uintptr_t)states;
	cmd.events = 8;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &cmd), -EFAULT);
	/* A stride below what was first published, and one that is no stride. */
	cmd.events = (uintptr_t)events;
	cmd.event_size = sizeof(*events) - 1;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &cmd), -EINVAL);
	cmd.event_size = ~0U;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &cmd), -EINVAL);
}

/* log2(x + 1) in 1/256, as the model format has it. */
static int64_t log2_q8(int64_t x)
{
	int msb = 63 - __builtin_clzll(x + 1);
	uint64_t v = (uint64_t)(x + 1) << (63 - msb);

	return msb << 8 | (v << 1) >> 56;
}

static void preprocessed(void)
{
	int fd = fresh();
	unsigned int i;

	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ctx_set("data_run", 1000), 0);
	log_take(&log_);
	ASSERT_EQ(log_.nr_decisions, 1000);
	for (i = 0; i < 1000; i++)
		EXPECT_EQ(log_.decisions[i].size, log2_q8(log_.decisions[i].x));
}

static struct mlproxy_snapshot snap(int fd)
{
	struct mlproxy_snapshot s = { .size = sizeof(s) };

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_SNAPSHOT, &s), 0);
	return s;
}

static void snapshots(void)
{
	struct mlproxy_snapshot s;
	int fd = fresh();

	ASSERT_RET(ctx_set("data_level", 255), 0);
	s = snap(fd);
	EXPECT_EQ(s.nr, 3);
	EXPECT_EQ(s.values[0], 255);
	EXPECT_EQ(s.values[1], 0);
	EXPECT_EQ(s.values[2], 8 << 8);
	EXPECT_EQ(s.health, MLPROXY_HEALTH_GOOD);
	ASSERT_RET(ctx_set("data_ticks", 1234), 0);
	EXPECT_EQ(snap(fd).values[1], 234);
	EXPECT_EQ(snap(fd).values[1], 0);
	ASSERT_RET(ctx_set("data_ticks", 1000), 0);
	ASSERT_RET(ctx_set("data_health", MLPROXY_HEALTH_STRAINED), 0);
	s = snap(fd);
	EXPECT_EQ(s.values[1], -234);
	EXPECT_EQ(s.health, MLPROXY_HEALTH_STRAINED);
	log_take(&log_);
	EXPECT_EQ(log_.nr_snapshots, 4);
	EXPECT_EQ(log_.event.key, MLPROXY_HEALTH_STRAINED);
	EXPECT_EQ(log_.event.nr, 3);
	EXPECT_EQ(log_.event.values[1], -234);
	/* A health that is none is not known. */
	ASSERT_RET(ctx_set("data_health", MLPROXY_NR_HEALTH), 0);
	EXPECT_EQ(snap(fd).health, MLPROXY_HEALTH_UNKNOWN);
	s.reserved = 1;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SNAPSHOT, &s), -EINVAL);
	/* Forgotten with everything else. */
	dev_fresh(fd);
	ASSERT_RET(ctx_set("data_ticks", 5000), 0);
	EXPECT_EQ(snap(fd).values[1], 0);
}

/* Who may only read gets the state for himself, and changes nothing. */
static void snapshots_for_a_reader(void)
{
	struct mlproxy_snapshot s;
	int fd = fresh(), ro = dev_open(O_RDONLY);
	char text[32];

	ASSERT_RET(dev_bind(ro, PROXY), 0);
	ASSERT_RET(ctx_set("data_ticks", 1000), 0);
	snap(fd);
	ASSERT_RET(ctx_set("data_ticks", 1234), 0);
	ASSERT_RET(ctx_set("data_health", MLPROXY_HEALTH_BAD), 0);
	s = snap(ro);
	EXPECT_EQ(s.nr, 3);
	EXPECT_EQ(s.values[1], 234);
	EXPECT_EQ(s.health, MLPROXY_HEALTH_BAD);
	EXPECT_EQ(snap(ro).values[1], 234);
	log_take(&log_);
	EXPECT_EQ(log_.nr_snapshots, 1);
	ASSERT_RET(file_read(SYSFS_DIR PROXY "/health", text, sizeof(text)), 0);
	EXPECT(!strncmp(text, "good", 4), "(%s)", text);
	EXPECT_EQ(snap(fd).values[1], 234);
	ASSERT_RET(ctx_set("data_health", MLPROXY_HEALTH_GOOD), 0);
}

static void health_file(void)
{
	static const char * const names[] = { "unknown", "good", "strained", "bad" };
	int fd = fresh(), i;
	char text[32];

	for (i = 0; i < MLPROXY_NR_HEALTH; i++) {
		ASSERT_RET(ctx_set("data_health", i), 0);
		snap(fd);
		ASSERT_RET(file_read(SYSFS_DIR PROXY "/health", text, sizeof(text)), 0);
		EXPECT(!strncmp(text, names[i], strlen(names[i])), "(%s)", text);
	}
}

static void wait_snapshots(unsigned int n)
{
	int i;

	for (i = 0; i < 1000 && log_.nr_snapshots < n; i++) {
		sleep_ms(10);
		log_take(&log_);
	}
	EXPECT(log_.nr_snapshots >= n, "(%u)", log_.nr_snapshots);
}

static void period(void)
{
	struct mlproxy_param p = { .size = sizeof(p), .param = MLPROXY_PARAM_STATE_PERIOD_NS };
	int fd = fresh();

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_PARAM, &p), 0);
	EXPECT_EQ(p.value, 0);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_STATE_PERIOD_NS, 0, 999999), -EINVAL);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_STATE_PERIOD_NS, 0, 3600000000001ULL), -EINVAL);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_STATE_PERIOD_NS, 1, 1000000), -EINVAL);
	/* Set before and while it runs, in each order. */
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_STATE_PERIOD_NS, 0, 1000000), 0);
	sleep_ms(20);
	log_take(&log_);
	EXPECT_EQ(log_.nr_snapshots, 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	wait_snapshots(4);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_STATE_PERIOD_NS, 0, 0), 0);
	log_take(&log_);
	log_.nr_snapshots = 0;
	sleep_ms(50);
	log_take(&log_);
	EXPECT_EQ(log_.nr_snapshots, 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_STATE_PERIOD_NS, 0, 1000000), 0);
	wait_snapshots(3);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_STOP), 0);
	log_take(&log_);
	log_.nr_snapshots = 0;
	sleep_ms(50);
	log_take(&log_);
	EXPECT_EQ(log_.nr_snapshots, 0);
	/* Destroyed while the next one is due. */
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ctx_set("present", 0), 0);
	close(fd);
	ASSERT_RET(ctx_set("present", 1), 0);
}

/* Summed up for an hour: one record when asked for, and when the proxy stops. */
static void aggregated(void)
{
	int fd = fresh();
	unsigned int i;
	int64_t n = 0, sum = 0, min = INT64_MAX, max = INT64_MIN;

	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ctx_set("data_events", 0), 0);
	for (i = 0; i < nr_cpus(); i++) {
		if (!cpu_online(i))
			continue;
		pin_to(i);
		ASSERT_RET(ctx_set("data_events", 100 + i), 0);
		n += 100 + i;
	}
	log_take(&log_);
	EXPECT_EQ(log_.nr_events, 0);
	snap(fd);
	log_take(&log_);
	EXPECT_EQ(log_.aggregated, n);
	EXPECT(log_.nr_events >= 1 && log_.nr_events <= nr_cpus());

	pin_to(0);
	ASSERT_RET(ctx_set("data_events", 10), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_STOP), 0);
	log_take(&log_);
	EXPECT_EQ(log_.aggregated, n + 10);
	/* count, sums, minima, maxima of 0..9 and 0..-9 */
	ASSERT_EQ(log_.event.nr, 7);
	sum = log_.event.values[1];
	min = log_.event.values[4];
	max = log_.event.values[5];
	EXPECT_EQ(log_.event.values[0], 10);
	EXPECT_EQ(sum, 45);
	EXPECT_EQ(log_.event.values[2], -45);
	EXPECT_EQ(log_.event.values[3], 0);
	EXPECT_EQ(min, -9);
	EXPECT_EQ(max, 9);
	EXPECT_EQ(log_.event.values[6], 0);
	/* What comes while it does not run is not lost either. */
	ASSERT_RET(ctx_set("data_events", 3), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_REINIT), 0);
	log_take(&log_);
	EXPECT_EQ(log_.aggregated, n + 13);
	ASSERT_RET(ctx_set("data_events", 2), 0);
	ASSERT_RET(ctx_set("present", 0), 0);
	log_take(&log_);
	EXPECT_EQ(log_.aggregated, n + 15);
	log_check(&log_);
	log_close(&log_);
	ASSERT_RET(ctx_set("present", 1), 0);
}

/* A short period: many records, whose counts add up. */
static void bursts(void)
{
	int fd = fresh(), i;

	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	for (i = 0; i < 5; i++) {
		ASSERT_RET(ctx_set("data_bursts", 200), 0);
		sleep_ms(2);
	}
	snap(fd);
	log_take(&log_);
	EXPECT_EQ(log_.aggregated, 1000);
	EXPECT(log_.nr_events >= 2 && log_.nr_events < 1000, "(%u)", log_.nr_events);
	log_check(&log_);
}

/* What is described must come as described; other numbers as they like. */
static void described(void)
{
	struct mlproxy_stats s;
	int fd = fresh();

	ASSERT_RET(ctx_event(1, 1), 0);
	ASSERT_RET(ctx_event(1, 2), 0);
	ASSERT_RET(ctx_event(1, 0), 0);
	ASSERT_RET(ctx_event(0, 1), 0);
	ASSERT_RET(ctx_event(3, 4), 0);
	ASSERT_RET(ctx_event(77, 0), 0);
	log_take(&log_);
	EXPECT_EQ(log_.nr_events, 3);
	dev_stats(fd, &s);
	EXPECT_EQ(s.events, 3);
	EXPECT_EQ(s.bad_calls, 3);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(schema),
	KTAP_TEST(preprocessed),
	KTAP_TEST(snapshots),
	KTAP_TEST(snapshots_for_a_reader),
	KTAP_TEST(health_file),
	KTAP_TEST(period),
	KTAP_TEST(aggregated),
	KTAP_TEST(bursts),
	KTAP_TEST(described),
};

KTAP_MAIN(tests)
