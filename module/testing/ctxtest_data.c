// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy_ctxtest: the proxy ctx-data, for what a schema can say beyond features and
 * actions: preprocessing, states and their health, described and aggregated events,
 * and outcomes that come later.
 *
 * Decision n has x = n % 1000 and size = log2 of x; n goes on over all runs and is
 * the token of a deferred decision. The reward is 100 * action.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/sched.h>

#include "ctxtest.h"

#define PENDING_ENTRIES 1024
#define RUN_MAX 1000000U

static struct mlproxy *data_proxy;
static DEFINE_MUTEX(data_lock);		/* runs, and the proxy's life */
static unsigned int next_token;		/* data_lock */

static bool data_defer;
module_param(data_defer, bool, 0644);
MODULE_PARM_DESC(data_defer, "ctx-data: defer the outcomes");

static long data_token_of_all = -1;
module_param(data_token_of_all, long, 0644);
MODULE_PARM_DESC(data_token_of_all, "ctx-data: defer all under this token, -1 for their numbers");

static unsigned int data_health = MLPROXY_HEALTH_GOOD;
module_param(data_health, uint, 0644);
MODULE_PARM_DESC(data_health, "ctx-data: health of the subsystem");

static long data_level;
module_param(data_level, long, 0644);
MODULE_PARM_DESC(data_level, "ctx-data: value of the state \"level\"");

static long data_ticks;
module_param(data_ticks, long, 0644);
MODULE_PARM_DESC(data_ticks, "ctx-data: counter behind the state \"ticks\"");

static const struct mlproxy_feature features[] = {
	{ .name = "x", .max = 999, .type = MLPROXY_TYPE_COUNT },
	{ .name = "size", .unit = "log2", .max = 10 << 8, .type = MLPROXY_TYPE_Q8,
	  .preprocess = MLPROXY_PRE_LOG2 },
};

static const struct mlproxy_action actions[] = {
	{ .name = "no" },
	{ .name = "yes", .value = 1 },
};

static const struct mlproxy_feature states[] = {
	{ .name = "level", .unit = "points", .min = -1000, .max = 1000 },
	{ .name = "ticks", .unit = "ticks", .min = S32_MIN, .max = S32_MAX,
	  .preprocess = MLPROXY_PRE_DELTA },
	{ .name = "spread", .unit = "log2", .max = 63 << 8, .type = MLPROXY_TYPE_Q8,
	  .preprocess = MLPROXY_PRE_LOG2 },
};

static const struct mlproxy_event_desc events[] = {
	{ .name = "tick", .nr_values = 2, .period_ms = 3600000 },
	{ .name = "mark", .nr_values = 1 },
	{ .name = "burst", .nr_values = 1, .period_ms = 1 },
};

static unsigned int snapshot_cb(void *priv, s64 *values, unsigned int nr)
{
	values[0] = READ_ONCE(data_level);
	values[1] = READ_ONCE(data_ticks);
	values[2] = READ_ONCE(data_level);
	return 3;
}

static u32 estimate_cb(void *priv, const s64 *values, unsigned int nr)
{
	return READ_ONCE(data_health);
}

static const struct mlproxy_ops ops = {
	.snapshot = snapshot_cb,
	.estimate = estimate_cb,
};

static const struct mlproxy_desc desc = {
	.owner = THIS_MODULE,
	.name = "ctx-data",
	.schema_version = 1,
	.nr_features = ARRAY_SIZE(features),
	.features = features,
	.nr_actions = ARRAY_SIZE(actions),
	.actions = actions,
	.reward_name = "points",
	.reward_max = 1000,
	.table_entries = 64,
	.nr_states = ARRAY_SIZE(states),
	.states = states,
	.nr_events = ARRAY_SIZE(events),
	.events = events,
	.pending_entries = PENDING_ENTRIES,
	.ops = &ops,
};

static void decide_one(void)
{
	unsigned int n = next_token++;
	const s64 values[] = { n % 1000, n % 1000 };
	const struct mlproxy_request req = { .key = n % 64, .features = values };
	long token = READ_ONCE(data_token_of_all);
	struct mlproxy_decision d;
	u32 action = mlproxy_decide(data_proxy, &req, &d);

	if (READ_ONCE(data_defer))
		mlproxy_defer(data_proxy, &d, token >= 0 ? token : n);
	else
		mlproxy_feedback(data_proxy, &d, 100 * action);
}

/* One number of times; with the lock held and the proxy there. */
static int repeat(const char *val, void (*fn)(unsigned int i))
{
	unsigned int n, i;
	int ret = kstrtouint(val, 0, &n);

	if (ret)
		return ret;
	if (n > RUN_MAX)
		return -EINVAL;
	mutex_lock(&data_lock);
	for (i = 0; data_proxy && i < n; i++) {
		fn(i);
		cond_resched();
	}
	ret = data_proxy ? 0 : -ENODEV;
	mutex_unlock(&data_lock);
	return ret;
}

static void run_one(unsigned int i)
{
	decide_one();
}

static int run_set(const char *val, const struct kernel_param *kp)
{
	return repeat(val, run_one);
}

static void event_one(unsigned int i)
{
	const s64 values[] = { i, -(s64)i };

	mlproxy_event(data_proxy, 0, i, values, 2);
}

static int events_set(const char *val, const struct kernel_param *kp)
{
	return repeat(val, event_one);
}

static void burst_one(unsigned int i)
{
	const s64 value = 7;

	mlproxy_event(data_proxy, 2, i, &value, 1);
}

static int bursts_set(const char *val, const struct kernel_param *kp)
{
	return repeat(val, burst_one);
}

/* Any described event with any number of values. */
static int event_set(const char *val, const struct kernel_param *kp)
{
	const s64 values[4] = { 1, 2, 3, 4 };
	unsigned int event, nr;

	if (sscanf(val, "%u %u", &event, &nr) != 2 || event > U16_MAX || nr > 4)
		return -EINVAL;
	mutex_lock(&data_lock);
	if (data_proxy)
		mlproxy_event(data_proxy, event, 0, values, nr);
	mutex_unlock(&data_lock);
	return 0;
}

/* Outcome 7 for the tokens from FIRST, N of them; EIO unless FOUND are kept. */
static int resolve_set(const char *val, const struct kernel_param *kp)
{
	unsigned int first, n, want, found = 0;

	if (sscanf(val, "%u %u %u", &first, &n, &want) != 3 || n > RUN_MAX)
		return -EINVAL;
	mutex_lock(&data_lock);
	while (data_proxy && n--)
		found += mlproxy_resolve(data_proxy, first++, 7);
	mutex_unlock(&data_lock);
	return found == want ? 0 : -EIO;
}

static int token_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(next_token));
}

static const struct kernel_param_ops run_ops = { .set = run_set };
module_param_cb(data_run, &run_ops, NULL, 0200);
MODULE_PARM_DESC(data_run, "write N: ctx-data makes N decisions");
static const struct kernel_param_ops events_ops = { .set = events_set };
module_param_cb(data_events, &events_ops, NULL, 0200);
MODULE_PARM_DESC(data_events, "write N: ctx-data has N events 0, aggregated");
static const struct kernel_param_ops bursts_ops = { .set = bursts_set };
module_param_cb(data_bursts, &bursts_ops, NULL, 0200);
MODULE_PARM_DESC(data_bursts, "write N: ctx-data has N events 2, aggregated for 1 ms");
static const struct kernel_param_ops event_ops = { .set = event_set };
module_param_cb(data_event, &event_ops, NULL, 0200);
MODULE_PARM_DESC(data_event, "write \"EVENT N\": ctx-data has an event of N values");
static const struct kernel_param_ops resolve_ops = { .set = resolve_set };
module_param_cb(data_resolve, &resolve_ops, NULL, 0200);
MODULE_PARM_DESC(data_resolve, "write \"FIRST N FOUND\": resolve N tokens, EIO unless FOUND are kept");
static const struct kernel_param_ops token_ops = { .get = token_get };
module_param_cb(data_token, &token_ops, NULL, 0444);
MODULE_PARM_DESC(data_token, "token of the next decision of ctx-data");

/**
 * ctxtest_data_create() - register ctx-data
 *
 * Context: may sleep. Return: 0 or -errno.
 */
int ctxtest_data_create(void)
{
	struct mlproxy *proxy = mlproxy_register(&desc, NULL);

	if (IS_ERR(proxy))
		return PTR_ERR(proxy);
	mutex_lock(&data_lock);
	data_proxy = proxy;
	mutex_unlock(&data_lock);
	return 0;
}

/**
 * ctxtest_data_destroy() - destroy ctx-data, if it is there
 *
 * Context: may sleep.
 */
void ctxtest_data_destroy(void)
{
	mutex_lock(&data_lock);
	mlproxy_destroy(data_proxy);
	data_proxy = NULL;
	mutex_unlock(&data_lock);
}
