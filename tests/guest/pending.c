// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delayed outcomes: every deferred decision leaves the table once and is counted by
 * how, also when the proxy stops.
 *
 * guest-test: timeout=300
 */
#include "util_data.h"

#define PROXY "ctx-data"
#define SECOND 1000000000ULL

static struct data_log log_;

static int fresh(uint64_t pending_ns)
{
	int fd = dev_bound(PROXY);

	ASSERT_RET(ctx_set("data_defer", 1), 0);
	dev_fresh(fd);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_PENDING_NS, 0, pending_ns), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	log_open(&log_, fd, 0, 0);
	return fd;
}

static uint64_t waiting(const struct mlproxy_stats *s)
{
	return s->pending_deferred - s->pending_resolved - s->pending_expired -
	       s->pending_evicted;
}

static void params(void)
{
	struct mlproxy_param p = { .size = sizeof(p), .param = MLPROXY_PARAM_PENDING_NS };
	int fd = dev_bound(PROXY);

	dev_fresh(fd);
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_PARAM, &p), 0);
	EXPECT_EQ(p.value, 60 * SECOND);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_PENDING_NS, 0, 999999), -EINVAL);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_PENDING_NS, 0, 86400 * SECOND + 1), -EINVAL);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_PENDING_NS, 1, SECOND), -EINVAL);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_PENDING_NS, 0, 1000000), 0);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_PENDING_NS, 0, 86400 * SECOND), 0);
	EXPECT_EQ(file_u64(SYSFS_DIR PROXY "/pending_ns"), 86400 * SECOND);
}

static void resolved(void)
{
	int fd = fresh(3600 * SECOND);
	long long first = ctx_get("data_token");
	struct mlproxy_stats s;

	ASSERT_RET(ctx_set("data_run", 100), 0);
	dev_stats(fd, &s);
	EXPECT_EQ(s.pending_deferred, 100);
	EXPECT_EQ(s.feedbacks, 0);
	EXPECT_EQ(waiting(&s), 100);
	/* Half of them, then all: each has one outcome. */
	EXPECT_RET(ctx_resolve(first, 50, 50), 0);
	EXPECT_RET(ctx_resolve(first, 100, 50), 0);
	EXPECT_RET(ctx_resolve(first + 100, 10, 0), 0);
	dev_stats(fd, &s);
	EXPECT_EQ(s.pending_resolved, 100);
	EXPECT_EQ(s.pending_missed, 60);
	EXPECT_EQ(s.feedbacks, 100);
	EXPECT_EQ(waiting(&s), 0);
	log_take(&log_);
	EXPECT_EQ(log_.nr_feedbacks, 100);
	EXPECT_EQ(log_.nr_deferred, 100);
	EXPECT_EQ(log_.nr_expired, 0);
	EXPECT_EQ(log_.last_reward, 7);
	EXPECT_EQ(log_unanswered(&log_), 0);
	EXPECT_EQ(file_u64(SYSFS_DIR PROXY "/pending_resolved"), 100);
}

/* By the worker alone: nobody asks for the tokens. */
static void expired(void)
{
	int fd = fresh(1000000), i;
	long long first = ctx_get("data_token");
	struct mlproxy_stats s;

	ASSERT_RET(ctx_set("data_run", 100), 0);
	for (i = 0; i < 1000; i++) {
		dev_stats(fd, &s);
		if (!waiting(&s))
			break;
		sleep_ms(10);
	}
	EXPECT_EQ(s.pending_expired + s.pending_evicted, 100);
	EXPECT_EQ(s.feedbacks, 0);
	EXPECT_RET(ctx_resolve(first, 100, 0), 0);
	/* Counted first, then published. */
	for (i = 0; i < 1000 && log_.nr_expired < 100; i++) {
		log_take(&log_);
		sleep_ms(1);
	}
	EXPECT_EQ(log_.nr_expired, 100);
	EXPECT_EQ(log_unanswered(&log_), 0);
	dev_stats(fd, &s);
	EXPECT_EQ(s.pending_missed, 100);
}

/* What never comes is counted for the arm that it would have counted for. */
static void lost_by_arm(void)
{
	int fd = fresh(1000000), i;
	struct mlproxy_model_load load;
	struct mlproxy_stats s, later;
	uint32_t len;
	void *model = model_constant(fd, 1, &len);

	ASSERT_RET(dev_model_load(fd, model, len, &load), 0);
	free(model);
	ASSERT(dev_model_ctl(fd, MLPROXY_MODEL_OP_ACTIVATE, 0) > 0);
	ASSERT_RET(dev_set_mode(fd, MLPROXY_MODE_COLLABORATION), 0);
	ASSERT_RET(ctx_set("data_run", 100), 0);
	for (i = 0; i < 1000; i++) {
		dev_stats(fd, &s);
		if (s.lost_by_arm[0] + s.lost_by_arm[1] == s.by_arm[0] + s.by_arm[1])
			break;
		sleep_ms(10);
	}
	EXPECT(s.by_arm[0] > 10 && s.by_arm[1] > 10);
	EXPECT_EQ(s.lost_by_arm[0], s.by_arm[0]);
	EXPECT_EQ(s.lost_by_arm[1], s.by_arm[1]);
	/* Not what a stop gives up. */
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_PENDING_NS, 0, 3600 * SECOND), 0);
	ASSERT_RET(ctx_set("data_run", 100), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_STOP), 0);
	dev_stats(fd, &later);
	EXPECT_EQ(waiting(&later), 0);
	EXPECT(later.by_arm[1] > s.by_arm[1]);
	EXPECT_EQ(later.lost_by_arm[0], s.lost_by_arm[0]);
	EXPECT_EQ(later.lost_by_arm[1], s.lost_by_arm[1]);
}

/* What has expired is not resolved, even if the worker has not come to it. */
static void too_late(void)
{
	int fd = fresh(3600 * SECOND);
	long long first = ctx_get("data_token");
	struct mlproxy_stats s;

	ASSERT_RET(ctx_set("data_run", 10), 0);
	/* From now on, not for those that wait: they are still there. */
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_PENDING_NS, 0, 1000000), 0);
	ASSERT_RET(ctx_set("data_run", 10), 0);
	sleep_ms(2);
	EXPECT_RET(ctx_resolve(first, 20, 10), 0);
	dev_stats(fd, &s);
	EXPECT_EQ(s.pending_resolved, 10);
	EXPECT_EQ(s.pending_expired, 10);
	EXPECT_EQ(s.pending_missed, 10);
}

static void evicted(void)
{
	int fd = fresh(3600 * SECOND);
	long long first = ctx_get("data_token");
	struct mlproxy_stats s;

	ASSERT_RET(ctx_set("data_run", 3000), 0);
	dev_stats(fd, &s);
	EXPECT_EQ(s.pending_deferred, 3000);
	EXPECT_EQ(s.pending_expired, 0);
	/* The table holds 1024, in buckets of 8. */
	EXPECT(waiting(&s) <= 1024 && waiting(&s) > 900, "(%llu)",
	       (unsigned long long)waiting(&s));
	/* Of a bucket the oldest gives way: the first are gone, the last are there. */
	EXPECT_RET(ctx_resolve(first, 100, 0), 0);
	EXPECT_RET(ctx_resolve(first + 2900, 100, 100), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_STOP), 0);
	dev_stats(fd, &s);
	EXPECT_EQ(waiting(&s), 0);
	EXPECT_EQ(s.pending_resolved, 100);
	log_take(&log_);
	EXPECT_EQ(log_.nr_decisions, 3000);
	EXPECT_EQ(log_.nr_expired, 2900);
	EXPECT_EQ(log_unanswered(&log_), 0);
	log_check(&log_);
}

/* The same tokens again: the second decision replaces the first. */
static void replaced(void)
{
	int fd = fresh(3600 * SECOND);
	struct mlproxy_stats s;

	ASSERT_RET(ctx_set("data_token_of_all", 5), 0);
	ASSERT_RET(ctx_set("data_run", 10), 0);
	ASSERT_RET(ctx_set("data_token_of_all", -1), 0);
	dev_stats(fd, &s);
	EXPECT_EQ(s.pending_evicted, 9);
	EXPECT_EQ(waiting(&s), 1);
	EXPECT_RET(ctx_resolve(5, 1, 1), 0);
	log_take(&log_);
	EXPECT_EQ(log_.nr_expired, 9);
	EXPECT_EQ(log_unanswered(&log_), 0);
}

/* Stopped, nothing is kept: what waits is given up, what comes is refused. */
static void stopped(void)
{
	int fd = fresh(3600 * SECOND);
	long long first = ctx_get("data_token");
	struct mlproxy_stats s;

	ASSERT_RET(ctx_set("data_run", 20), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_STOP), 0);
	ASSERT_RET(ctx_set("data_run", 20), 0);
	dev_stats(fd, &s);
	EXPECT_EQ(s.pending_deferred, 20);
	EXPECT_EQ(s.pending_expired, 20);
	log_take(&log_);
	EXPECT_EQ(log_.nr_expired, 20);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	EXPECT_RET(ctx_resolve(first, 40, 0), 0);
	dev_fresh(fd);
	dev_stats(fd, &s);
	EXPECT_EQ(s.pending_deferred + s.pending_expired + s.pending_missed, 0);
}

/* From every context, all CPUs in two buckets, so that they evict one another. */
static void contexts(void)
{
	static const char * const names[] = {
		"task", "irqoff", "softirq", "hardirq", "nmi", "mixed",
	};
	int fd = dev_bound("ctx-decision");
	struct mlproxy_stats s;
	unsigned int i;

	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ctx_set("defer", 1), 0);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		ASSERT_RET(ctx_run("decision", names[i], scaled(3000) + 100, online_mask()), 0);
	ASSERT_RET(ctx_set("defer", 0), 0);
	dev_stats(fd, &s);
	EXPECT(s.pending_deferred > 0 && s.pending_resolved > 0);
	EXPECT_EQ(waiting(&s), 0);
	/* Each is resolved by who deferred it, unless it gave way to another. */
	EXPECT_EQ(s.pending_missed, s.pending_evicted);
	EXPECT_EQ(s.pending_resolved, s.feedbacks);
	EXPECT_EQ(s.pending_deferred, s.decisions);
	EXPECT_EQ(s.pending_expired, 0);
}

/* The proxy goes away with decisions in its table. */
static void destroyed(void)
{
	int fd = fresh(3600 * SECOND);

	ASSERT_RET(ctx_set("data_run", 20), 0);
	ASSERT_RET(ctx_set("present", 0), 0);
	log_take(&log_);
	EXPECT_EQ(log_.nr_expired, 20);
	close(fd);
	ASSERT_RET(ctx_set("present", 1), 0);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(params),
	KTAP_TEST(resolved),
	KTAP_TEST(expired),
	KTAP_TEST(lost_by_arm),
	KTAP_TEST(too_late),
	KTAP_TEST(evicted),
	KTAP_TEST(replaced),
	KTAP_TEST(stopped),
	KTAP_TEST(contexts),
	KTAP_TEST(destroyed),
};

KTAP_MAIN(tests)
