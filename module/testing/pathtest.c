// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy_pathtest: calls on the decision path, many times, for bench/core.
 *
 * Registers proxies that differ in features, actions and the cost that a model may have.
 * Writing "PROXY WHAT N ARG MARKED" to the parameter "run" makes N calls in the writer's context,
 * BATCH at a time with interrupts off, so that nothing else is timed. WHAT:
 *
 *	loop	nothing: what the loop itself takes
 *	decide	decisions with the key ARG, then their outcomes
 *	defer	the same, of which each waits in the table first
 *	event	raw events of ARG values
 *	peer	passes of the tracepoint mlproxy_pathtest, for eBPF programs of the bench
 *
 * "calls_ns" has the time of the calls, "outcomes_ns" that of the outcomes.
 *
 * With MARKED 1, before and after each stretch that is timed there is an instruction that does
 * nothing, which bench/core/profile.c knows by its operand.
 *
 * Locks: run_lock serialises runs.
 */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>

#include <mlproxy/mlproxy.h>

#define CREATE_TRACE_POINTS
#include "pathtest_trace.h"

#define RUN_MAX 10000000U
#define BATCH 64
#define MAX_VALUES 64

#define FEATURE(n) { .name = "f" #n, .min = 0, .max = 1023, .type = MLPROXY_TYPE_COUNT }
#define ACTION(n) { .name = "a" #n, .value = n }

static const struct mlproxy_feature features[] = {
	FEATURE(0), FEATURE(1), FEATURE(2), FEATURE(3), FEATURE(4), FEATURE(5), FEATURE(6),
	FEATURE(7), FEATURE(8), FEATURE(9), FEATURE(10), FEATURE(11), FEATURE(12), FEATURE(13),
	FEATURE(14), FEATURE(15), FEATURE(16), FEATURE(17), FEATURE(18), FEATURE(19),
	FEATURE(20), FEATURE(21), FEATURE(22), FEATURE(23), FEATURE(24), FEATURE(25),
	FEATURE(26), FEATURE(27), FEATURE(28), FEATURE(29), FEATURE(30),
};

static const struct mlproxy_action actions[] = {
	ACTION(0), ACTION(1), ACTION(2), ACTION(3), ACTION(4), ACTION(5), ACTION(6), ACTION(7),
	ACTION(8), ACTION(9), ACTION(10),
};

#define DESC(_name, _features, _actions)			\
	{							\
		.owner = THIS_MODULE,				\
		.name = _name,					\
		.schema_version = 1,				\
		.nr_features = _features,			\
		.features = features,				\
		.nr_actions = _actions,				\
		.actions = actions,				\
		.reward_name = "points",			\
		.reward_min = -10000,				\
		.reward_max = 10000,				\
		.max_macs = 65536,				\
		.pending_entries = 1024,			\
	}

static const struct mlproxy_desc descs[] = {
	DESC("path", 16, 3),
	DESC("path-wide", 24, 11),
	DESC("path-31", 31, 2),
};

static struct mlproxy *proxies[ARRAY_SIZE(descs)];
static DEFINE_MUTEX(run_lock);
static s64 context[ARRAY_SIZE(features)];	/* run_lock */
static s64 values[MAX_VALUES];			/* run_lock */
static bool marked;				/* run_lock */
static unsigned long calls_ns, outcomes_ns;
module_param(calls_ns, ulong, 0444);
MODULE_PARM_DESC(calls_ns, "time of the last run's calls");
module_param(outcomes_ns, ulong, 0444);
MODULE_PARM_DESC(outcomes_ns, "time of its outcomes");

/* nopl OPERAND(%rax,%rax), with an operand that no compiler chooses */
#ifdef CONFIG_X86_64
#define MARK ".byte 0x0f, 0x1f, 0x84, 0x00; .long "
#else
#define MARK "# "
#endif

static __always_inline u64 begin_ns(void)
{
	u64 now_ns = ktime_get_ns();

	if (marked)
		asm volatile(MARK "0x4d4c5001" : : : "memory");
	return now_ns;
}

static __always_inline u64 end_ns(u64 since_ns)
{
	if (marked)
		asm volatile(MARK "0x4d4c5002" : : : "memory");
	return ktime_get_ns() - since_ns;
}

/* Not inlined, as a hook that calls the core would not be. */
static noinline void run_loop(unsigned int n)
{
	u64 ns = begin_ns();

	while (n--)
		barrier();
	calls_ns += end_ns(ns);
}

static noinline void run_decide(struct mlproxy *proxy, unsigned int n, u64 key, bool defer)
{
	static struct mlproxy_decision decisions[BATCH];	/* run_lock */
	struct mlproxy_decision *d, *end = decisions + n;
	struct mlproxy_request req = { .key = key, .features = context };
	u64 ns = begin_ns();

	for (d = decisions; d != end; d++)
		mlproxy_decide(proxy, &req, d);
	calls_ns += end_ns(ns);

	ns = begin_ns();
	if (defer) {
		for (d = decisions; d != end; d++)
			mlproxy_defer(proxy, d, d - decisions);
		while (n--)
			mlproxy_resolve(proxy, n, 100);
	} else {
		for (d = decisions; d != end; d++)
			mlproxy_feedback(proxy, d, 100);
	}
	outcomes_ns += end_ns(ns);
}

static noinline void run_event(struct mlproxy *proxy, unsigned int n, unsigned int nr)
{
	u64 ns = begin_ns();

	while (n--)
		mlproxy_event(proxy, 0, 1, values, nr);
	calls_ns += end_ns(ns);
}

static noinline void run_peer(unsigned int n)
{
	u64 ns = begin_ns();

	while (n--)
		trace_mlproxy_pathtest(values);
	calls_ns += end_ns(ns);
}

static int run_batch(struct mlproxy *proxy, const char *what, unsigned int n, u64 arg)
{
	if (!strcmp(what, "loop"))
		run_loop(n);
	else if (!strcmp(what, "decide"))
		run_decide(proxy, n, arg, false);
	else if (!strcmp(what, "defer"))
		run_decide(proxy, n, arg, true);
	else if (!strcmp(what, "event"))
		run_event(proxy, n, arg);
	else if (!strcmp(what, "peer"))
		run_peer(n);
	else
		return -EINVAL;
	return 0;
}

static int run_all(struct mlproxy *proxy, const char *what, unsigned int n, u64 arg)
{
	unsigned long irq_flags;
	unsigned int step;
	int ret;

	for (calls_ns = 0, outcomes_ns = 0; n; n -= step) {
		step = min_t(unsigned int, n, BATCH);
		local_irq_save(irq_flags);
		ret = run_batch(proxy, what, step, arg);
		local_irq_restore(irq_flags);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

static int run_set(const char *val, const struct kernel_param *kp)
{
	char name[MLPROXY_NAME_LEN], what[16];
	unsigned int i, n, mark_it;
	u64 arg;
	int ret = -ENOENT;

	if (sscanf(val, "%31s %15s %u %llu %u", name, what, &n, &arg, &mark_it) != 5)
		return -EINVAL;
	if (n > RUN_MAX || (!strcmp(what, "event") && arg > MAX_VALUES))
		return -ERANGE;
	mutex_lock(&run_lock);
	marked = mark_it;
	for (i = 0; i < ARRAY_SIZE(descs); i++)
		if (!strcmp(name, descs[i].name))
			ret = run_all(proxies[i], what, n, arg);
	mutex_unlock(&run_lock);
	return ret;
}

static const struct kernel_param_ops run_ops = { .set = run_set };
module_param_cb(run, &run_ops, NULL, 0200);
MODULE_PARM_DESC(run, "write \"PROXY WHAT N ARG MARKED\"");

static void destroy_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(proxies); i++)
		mlproxy_destroy(proxies[i]);
}

static int __init pathtest_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(context); i++)
		context[i] = (i * 331 + 7) & 1023;
	for (i = 0; i < ARRAY_SIZE(descs); i++) {
		proxies[i] = mlproxy_register(&descs[i], NULL);
		if (IS_ERR(proxies[i])) {
			int ret = PTR_ERR(proxies[i]);

			destroy_all();
			return ret;
		}
	}
	return 0;
}

static void __exit pathtest_exit(void)
{
	destroy_all();
}

module_init(pathtest_init);
module_exit(pathtest_exit);

MODULE_DESCRIPTION("mlproxy: calls on the decision path, for measurements");
MODULE_LICENSE("GPL");
