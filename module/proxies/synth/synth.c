// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy_synth: a subsystem whose best policy is known.
 *
 * A context is three numbers: load (0 to 255), size (1 to 2^20) and class (0 to
 * 3). The best of four actions is a fixed function of it; the reward of an action
 * falls with its distance from the best one, plus noise. So what a learner makes of
 * it can be checked without doubt. The baseline always takes action 0.
 *
 * Decisions are made when asked for: writing N to the parameter "run" makes N of
 * them in the writer's context; reading "best_percent" tells how many of the last
 * run's took the best action. Other parameters change the world while the proxy
 * runs, so that each reason for a change of mode can be brought about.
 *
 * With instances each can have a world of its own: see target.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hrtimer.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "target.h"
#include "toll.h"

#define RUN_MAX 10000000U
#define REWARD_MAX 1000

static const struct mlproxy_feature features[] = {
	{ .name = "load", .min = 0, .max = 255, .type = MLPROXY_TYPE_COUNT },
	{ .name = "size", .unit = "bytes", .min = 1, .max = 1 << 20,
	  .type = MLPROXY_TYPE_COUNT },
	{ .name = "class", .min = 0, .max = 3, .type = MLPROXY_TYPE_ENUM },
};

static const struct mlproxy_action actions[] = {
	{ .name = "none", .value = 0 },
	{ .name = "low", .value = 1 },
	{ .name = "middle", .value = 2 },
	{ .name = "high", .value = 3 },
};

static DEFINE_MUTEX(run_lock);	/* one run at a time */
static struct rnd_state rnd;	/* run_lock */
static u64 last_best;		/* run_lock */
static u64 last_run;		/* run_lock */

static unsigned int noise = 100;
module_param(noise, uint, 0644);
MODULE_PARM_DESC(noise, "largest noise on the reward, of 1000 (default 100)");

static unsigned int shift;
module_param(shift, uint, 0644);
MODULE_PARM_DESC(shift, "added to the best action, modulo 4: a changed world (default 0)");

static unsigned int penalty;
module_param(penalty, uint, 0644);
MODULE_PARM_DESC(penalty, "taken off the reward of all actions but the baseline's (default 0)");

static bool critical;
module_param(critical, bool, 0644);
MODULE_PARM_DESC(critical, "the subsystem is critical (default 0)");

static unsigned int health;
module_param(health, uint, 0644);
MODULE_PARM_DESC(health, "health that a snapshot shows, as MLPROXY_HEALTH_* (default 0, unknown)");

static bool fail;
module_param(fail, bool, 0644);
MODULE_PARM_DESC(fail, "actions other than the baseline's fail (default 0)");

static unsigned int keys;
module_param(keys, uint, 0644);
MODULE_PARM_DESC(keys, "decisions are about so many entities in turn; 0: one a context (default)");

static unsigned int burst;
module_param(burst, uint, 0644);
MODULE_PARM_DESC(burst, "decisions in each period, 0 for no pauses (default)");

static unsigned int period_us = 1000;
module_param(period_us, uint, 0644);
MODULE_PARM_DESC(period_us, "with burst: length of a period, whose multiples begin one (default 1000)");

static unsigned int periods_missed;	/* run_lock */
module_param(periods_missed, uint, 0444);
MODULE_PARM_DESC(periods_missed, "periods that the last run came too late for");

static char *unit = "decision";
module_param(unit, charp, 0444);
MODULE_PARM_DESC(unit, "unit of randomisation: decision (default), entity, window");

static unsigned int corrections;
module_param(corrections, uint, 0444);
MODULE_PARM_DESC(corrections, "times that a correction was asked for");

static unsigned int correction_reason;
module_param(correction_reason, uint, 0444);
MODULE_PARM_DESC(correction_reason, "why the last one was, as MLPROXY_REASON_*");

/* The known best policy. */
static u32 best_action(const s64 *f)
{
	u32 a = f[0] < 64 ? 1 : f[0] < 160 ? 2 : 3;

	if (ilog2(f[1]) >= 12)
		a = 3 - a;
	if (f[2] == 3)
		a = 0;
	return (a + READ_ONCE(shift)) % ARRAY_SIZE(actions);
}

/* What is wrong with this target. */
static u32 wrong(unsigned int *param, const struct synth_target *target)
{
	return synth_is_affected(target) ? READ_ONCE(*param) : 0;
}

static s64 reward_of(const struct synth_target *target, u32 action, u32 best)
{
	u32 max_noise = min_t(u32, READ_ONCE(noise), REWARD_MAX);
	s64 reward = REWARD_MAX - 300 * abs((int)action - (int)best);

	if (action)
		reward -= min_t(u32, wrong(&penalty, target), 3 * REWARD_MAX);
	if (max_noise)
		reward += (s64)(prandom_u32_state(&rnd) % (2 * max_noise + 1)) - max_noise;
	return reward;
}

/* Context: in an RCU read-side section. */
static bool decide_once(struct mlproxy *synth, const struct synth_target *target, unsigned int nr)
{
	u32 nr_keys = READ_ONCE(keys);
	struct mlproxy_decision decision;
	struct synth_toll toll;
	s64 context[] = {
		prandom_u32_state(&rnd) % 256,
		1LL << (prandom_u32_state(&rnd) % 21),
		prandom_u32_state(&rnd) % 4,
	};
	struct mlproxy_request req = {
		.key = nr_keys ? nr % nr_keys : context[0] << 2 | context[2],
		.features = context,
	};
	u32 best = best_action(context);
	u32 action = mlproxy_decide(synth, &req, &decision);

	if (action && READ_ONCE(fail) && synth_is_affected(target))
		mlproxy_report_error(synth, &decision);
	if (!synth_has_toll()) {
		mlproxy_feedback(synth, &decision, reward_of(target, action, best));
		return action == best;
	}
	synth_toll(req.key, action, (u64)prandom_u32_state(&rnd) << 32 | prandom_u32_state(&rnd),
		   &toll);
	synth_toll_report(synth, req.key, &decision, reward_of(target, action, best), &toll);
	return action == best;
}

/* Return: number of the period that has begun; @last is that of the one before, or 0. */
static u64 wait_for_period(u64 last)
{
	u64 period_ns = max(READ_ONCE(period_us), 1U) * NSEC_PER_USEC;
	u64 nr = div64_u64(ktime_get_ns(), period_ns) + 1;
	ktime_t next = ns_to_ktime(nr * period_ns);

	set_current_state(TASK_KILLABLE);
	schedule_hrtimeout(&next, HRTIMER_MODE_ABS);
	nr = div64_u64(ktime_get_ns(), period_ns);
	if (last && nr > last + 1)
		periods_missed += nr - last - 1;
	return nr;
}

static int run_set(const char *val, const struct kernel_param *kp)
{
	u64 best = 0, period = 0;
	const struct synth_target *target;
	struct mlproxy *synth;
	unsigned int n, done;
	int ret = kstrtouint(val, 0, &n);

	if (ret)
		return ret;
	if (n > RUN_MAX)
		return -ERANGE;
	mutex_lock(&run_lock);
	periods_missed = 0;
	for (done = 0; done < n && !fatal_signal_pending(current); done++) {
		unsigned int per_period = READ_ONCE(burst);

		if (per_period && done % per_period == 0)
			period = wait_for_period(period);
		rcu_read_lock();
		synth = synth_target_next(done, &target);
		if (synth)
			best += decide_once(synth, target, done);
		rcu_read_unlock();
		if (!synth) {
			ret = -ENODEV;
			break;
		}
		if (done % 1024 == 1023)
			cond_resched();
	}
	last_best = best;
	last_run = done;
	if (done < n && !ret)
		ret = -EINTR;
	mutex_unlock(&run_lock);
	return ret;
}

static const struct kernel_param_ops run_ops = { .set = run_set };
module_param_cb(run, &run_ops, NULL, 0200);
MODULE_PARM_DESC(run, "write N: make N decisions, at most 10000000");

static int best_percent_get(char *buf, const struct kernel_param *kp)
{
	u64 best, run;

	mutex_lock(&run_lock);
	best = last_best;
	run = last_run;
	mutex_unlock(&run_lock);
	return sysfs_emit(buf, "%llu\n", run ? div64_u64(best * 100, run) : 0);
}

static const struct kernel_param_ops best_percent_ops = { .get = best_percent_get };
module_param_cb(best_percent, &best_percent_ops, NULL, 0444);
MODULE_PARM_DESC(best_percent, "share of the last run that took the best action");

static unsigned int snapshot(void *priv, s64 *values, unsigned int nr)
{
	if (!nr)
		return 0;
	values[0] = READ_ONCE(shift);
	return 1;
}

static u32 estimate(void *priv, const s64 *values, unsigned int nr)
{
	return wrong(&health, priv);
}

static bool is_critical(void *priv)
{
	return READ_ONCE(critical) && synth_is_affected(priv);
}

static void correct(struct mlproxy *proxy, void *priv, u32 reason)
{
	correction_reason = reason;
	corrections++;
}

static const struct mlproxy_ops ops = {
	.snapshot = snapshot,
	.critical = is_critical,
	.estimate = estimate,
	.correct = correct,
	.audit = synth_audit,
};

static struct mlproxy_desc desc = {
	.owner = THIS_MODULE,
	.name = "synth",
	.schema_version = 1,
	.nr_features = ARRAY_SIZE(features),
	.features = features,
	.nr_actions = ARRAY_SIZE(actions),
	.actions = actions,
	.reward_name = "score",
	.reward_direction = MLPROXY_REWARD_HIGHER,
	.reward_min = -REWARD_MAX,
	.reward_max = 2 * REWARD_MAX,
	.unit = MLPROXY_UNIT_DECISION,
	/* This world does not change with the share of a policy. */
	.ramp_ns = NSEC_PER_MSEC,
	.ops = &ops,
};

static int __init synth_init(void)
{
	static const char * const units[] = {
		[MLPROXY_UNIT_DECISION] = "decision",
		[MLPROXY_UNIT_ENTITY] = "entity",
		[MLPROXY_UNIT_WINDOW] = "window",
	};
	int nr = match_string(units, ARRAY_SIZE(units), unit);

	if (nr < 0)
		return -EINVAL;
	desc.unit = nr;
	nr = synth_toll_describe(&desc);
	if (nr)
		return nr;
	prandom_seed_state(&rnd, 42);
	return synth_targets_init(&desc);
}

static void __exit synth_exit(void)
{
	synth_targets_exit();
}

module_init(synth_init);
module_exit(synth_exit);

MODULE_DESCRIPTION("mlproxy: a synthetic subsystem with a known best policy");
MODULE_LICENSE("GPL");
