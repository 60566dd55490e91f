// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy_looktest: what a look of the mode machine takes where many CPUs count.
 *
 * Registers proxies that look-cost measures, and counts outcomes for them as if all
 * possible CPUs had: it writes into what these count in, as mode_sums.h does there, since
 * an emulator that counts instructions has but one CPU. Looks are the real ones.
 *
 * Writing "PROXY CPUS GROUPS GOOD BAD" to the parameter "run" starts the proxy anew, and
 * GOOD times has an outcome of each arm come in each of GROUPS groups (one without a group
 * for 0) on each of CPUS CPUs; then BAD times, of which the model's are far worse. Each time
 * it waits until all are judged. "longest" has the longest look of that run, "looks" their
 * number.
 *
 * Locks: run_lock serialises runs.
 */
#include <linux/delay.h>
#include <linux/module.h>

#include "core/core.h"
#include "core/mode_priv.h"
#include "shared/mix64.h"

#define WAIT_MS 1000

static const struct mlproxy_feature features[] = {
	{ .name = "x", .min = 0, .max = 1, .type = MLPROXY_TYPE_COUNT },
};

static const struct mlproxy_action actions[] = {
	{ .name = "a0", .value = 0 },
	{ .name = "a1", .value = 1 },
};

#define DESC(_name, _unit, ...)					\
	{							\
		.owner = THIS_MODULE,				\
		.name = _name,					\
		.schema_version = 1,				\
		.nr_features = ARRAY_SIZE(features),		\
		.features = features,				\
		.nr_actions = ARRAY_SIZE(actions),		\
		.actions = actions,				\
		.reward_name = "points",			\
		.reward_min = -10000,				\
		.reward_max = 10000,				\
		.unit = _unit,					\
		.table_entries = 64,				\
		__VA_ARGS__					\
	}

#define LEDGER .ledger_name = "saved", .ledger_min = -10000, .ledger_max = 10000
#define OUTER .outer_unit = MLPROXY_OUTER_ENTITY, .cost_name = "cost", .work_name = "work"

static const struct mlproxy_desc descs[] = {
	DESC("look-decision", MLPROXY_UNIT_DECISION),
	DESC("look-entity", MLPROXY_UNIT_ENTITY),
	DESC("look-ledger", MLPROXY_UNIT_ENTITY, LEDGER),
	DESC("look-outer", MLPROXY_UNIT_ENTITY, LEDGER, OUTER),
};

static struct mlproxy *proxies[ARRAY_SIZE(descs)];
static DEFINE_MUTEX(run_lock);
static u64 salt;
static unsigned long longest, looks;
module_param(longest, ulong, 0444);
MODULE_PARM_DESC(longest, "longest look of the last run, ns");
module_param(looks, ulong, 0444);
MODULE_PARM_DESC(looks, "looks that the last run judged in");

static void count_one(struct mode_sums *s, u32 arm, u32 group, s64 value, u64 n)
{
	struct eff_arm *a = &s->sums.arm[arm];

	a->n++;
	a->sum += value;
	a->sq_lo += value * value;
	if (group >= EFF_CLUSTERS)
		return;
	s->sums.group[arm][group].n += n;
	s->sums.group[arm][group].sum += value;
	s->changed[arm] |= BIT_ULL(group);
}

/* An outcome of each arm in each group, as the CPU itself would count it. */
static void count(struct mode_sums *s, u32 experiment, unsigned int groups, s64 worse, u64 n)
{
	u32 arm, g;

	if (!mode_sums_begin(s, experiment))
		return;
	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
		s64 base = 2000 - (arm == MLPROXY_ARM_MODEL ? worse : 0);

		for (g = 0; g < max(groups, 1U); g++)
			count_one(s, arm, groups ? g : EFF_NO_CLUSTER,
				  base + (s64)(mix64(salt++) % 1000), n);
	}
	mode_sums_end(s);
}

static void fill(struct mlproxy *proxy, unsigned int cpus, unsigned int groups, s64 worse)
{
	struct mlproxy_modes *ms = proxy->modes;
	u32 experiment = ms->machine.experiment;
	unsigned long flags = lock_modes(ms);
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct mode_cpu *c = per_cpu_ptr(proxy->mode_cpus, cpu);

		if (!cpus--)
			break;
		count(&c->sums, experiment, groups, worse, 1);
		if (proxy->ledger)
			count(per_cpu_ptr(proxy->ledger, cpu), experiment, groups, worse, 1);
		if (proxy->costs)
			count(per_cpu_ptr(proxy->costs, cpu),
			      ms->machine.verdicts.outer_experiment, groups, -worse, 1000);
		c->marked = 1;
		set_bit(cpu, ms->marked);
	}
	WRITE_ONCE(ms->soon, true);
	unlock_modes(ms, flags);
	irq_work_queue(&ms->look);
}

static bool is_quiet(struct mlproxy_modes *ms)
{
	unsigned long flags = lock_modes(ms);
	bool quiet = bitmap_empty(ms->marked, nr_cpu_ids) && !ms->to_judge;

	unlock_modes(ms, flags);
	return quiet;
}

static int fill_and_wait(struct mlproxy *proxy, unsigned int cpus, unsigned int groups,
			 s64 worse)
{
	unsigned int i;

	fill(proxy, cpus, groups, worse);
	for (i = 0; i < WAIT_MS; i++) {
		usleep_range(1000, 2000);
		if (is_quiet(proxy->modes))
			return 0;
	}
	return -ETIMEDOUT;
}

static int run(struct mlproxy *proxy, unsigned int cpus, unsigned int groups,
	       unsigned int good, unsigned int bad)
{
	unsigned int i;
	int ret;

	mlproxy_stop(proxy);
	ret = mlproxy_reinit(proxy) ?: mlproxy_start(proxy);
	for (i = 0; !ret && i < good; i++)
		ret = fill_and_wait(proxy, cpus, groups, 0);
	for (i = 0; !ret && i < bad; i++)
		ret = fill_and_wait(proxy, cpus, groups, 6000);
	longest = proxy->modes->look_ns_max;
	looks = proxy->modes->evaluations;
	return ret;
}

static int run_set(const char *val, const struct kernel_param *kp)
{
	unsigned int cpus, groups, good, bad, i;
	char name[MLPROXY_NAME_LEN];
	int ret = -EINVAL;

	if (sscanf(val, "%31s %u %u %u %u", name, &cpus, &groups, &good, &bad) != 5 ||
	    groups > EFF_CLUSTERS)
		return -EINVAL;
	mutex_lock(&run_lock);
	for (i = 0; i < ARRAY_SIZE(descs); i++)
		if (!IS_ERR_OR_NULL(proxies[i]) && !strcmp(descs[i].name, name))
			ret = run(proxies[i], cpus, groups, good, bad);
	mutex_unlock(&run_lock);
	return ret;
}

static const struct kernel_param_ops run_ops = { .set = run_set };
module_param_cb(run, &run_ops, NULL, 0200);
MODULE_PARM_DESC(run, "write \"PROXY CPUS GROUPS GOOD BAD\"; see the source");

static void destroy_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(descs); i++)
		mlproxy_destroy(proxies[i]);
}

static int __init looktest_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(descs); i++) {
		struct mlproxy *proxy = mlproxy_register(&descs[i], NULL);

		if (IS_ERR(proxy)) {
			destroy_all();
			return PTR_ERR(proxy);
		}
		proxies[i] = proxy;
	}
	return 0;
}

static void __exit looktest_exit(void)
{
	destroy_all();
}

module_init(looktest_init);
module_exit(looktest_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("mlproxy: the length of looks of the mode machine");
