// SPDX-License-Identifier: GPL-2.0-only
/*
 * The outer experiment on the decision path: which arm a unit is in, and what the system
 * pays in each.
 *
 * A part of the units' time (MLPROXY_PARAM_OUTER_SHARE) is in the experiment. What is paid
 * is counted for the arm that its entity, or the moment, is in; outer.h has how that is
 * drawn, and verdict.h what is made of the sums.
 */
#include <linux/hardirq.h>
#include <linux/percpu.h>
#include <linux/timekeeping.h>

#include "cost.h"
#include "mode_path.h"
#include "mode_sums.h"

/**
 * mlproxy_outer_arms() - the outer experiment of now, for one unit
 * @proxy: with costs
 * @trust: its word
 * @mode: MLPROXY_MODE_* of the decision, or of now
 * @key: entity
 * @now_ns: clock
 * @arms: out
 *
 * Context: as mlproxy_decide().
 */
void mlproxy_outer_arms(const struct mlproxy *proxy, u64 trust, u32 mode, u64 key, u64 now_ns,
			struct outer_arms *arms)
{
	bool ramp = mode == MLPROXY_MODE_COLLABORATION && trust & TRUST_RAMP;
	struct outer_draw draw = {
		.seed = READ_ONCE(proxy->seed),
		.hold_ns = READ_ONCE(proxy->outer_hold_ns),
		.entity = proxy->outer_unit == MLPROXY_OUTER_ENTITY,
	};

	draw.share = outer_share(READ_ONCE(proxy->outer_share[mode]), ramp,
				 trust & TRUST_DOUBT);
	arms->base = draw.share / 2;
	arms->model = outer_is_block(mode, ramp) ? 0 : draw.share / 2;
	arms->place = outer_place(&draw, key, now_ns);
	arms->held = arms->place.arm == MLPROXY_ARM_BASELINE ||
		     (arms->place.arm == MLPROXY_ARM_MODEL && arms->model);
}

/* Does what is paid now count, for a period that is @place->into_ns old? */
static bool counts(const struct mlproxy *proxy, const struct outer_place *place, u64 now_ns)
{
	return place->arm != MLPROXY_ARM_NONE &&
	       place->into_ns >= READ_ONCE(proxy->outer_washout_ns) &&
	       now_ns - place->into_ns >= READ_ONCE(proxy->outer_begin_ns);
}

static void count(struct mlproxy *proxy, u64 key, u64 cost, u64 work)
{
	/* The experiment before its mode and logic; pairs with mode_show(). */
	u32 experiment = smp_load_acquire(&proxy->outer_experiment);
	u64 now_ns = ktime_get_mono_fast_ns(), trust = READ_ONCE(proxy->trust);
	u32 mode = trust_mode(trust);
	struct outer_arms arms;
	unsigned long flags;

	if (mode == MLPROXY_MODE_EMERGENCY || !(trust & TRUST_LOGIC))
		return;
	mlproxy_outer_arms(proxy, trust, mode, key, now_ns, &arms);
	if (!counts(proxy, &arms.place, now_ns))
		return;
	local_irq_save(flags);
	mode_sums_add_cost(this_cpu_ptr(proxy->costs), experiment, arms.place.arm,
			   arms.place.group, cost, work);
	local_irq_restore(flags);
	mlproxy_mode_unjudged(proxy);
}

void mlproxy_cost(struct mlproxy *proxy, u64 key, u64 cost, u64 work)
{
	rcu_read_lock_sched_notrace();
	if (READ_ONCE(proxy->state) == MLPROXY_STATE_RUNNING && !in_nmi()) {
		if (unlikely(!proxy->costs || cost >= OUTER_MAX_COST || work >= OUTER_MAX_COST))
			this_cpu_inc(proxy->counters->bad_calls);
		else
			count(proxy, key, cost, work);
	}
	rcu_read_unlock_sched_notrace();
}
EXPORT_SYMBOL_GPL(mlproxy_cost);

bool mlproxy_is_control(struct mlproxy *proxy, u64 key)
{
	struct outer_arms arms;
	bool control = false;
	u64 trust;

	rcu_read_lock_sched_notrace();
	if (READ_ONCE(proxy->state) == MLPROXY_STATE_RUNNING && proxy->costs && !in_nmi()) {
		trust = READ_ONCE(proxy->trust);
		mlproxy_outer_arms(proxy, trust, trust_mode(trust), key,
				   ktime_get_mono_fast_ns(), &arms);
		control = arms.place.arm == MLPROXY_ARM_BASELINE;
	}
	rcu_read_unlock_sched_notrace();
	return control;
}
EXPORT_SYMBOL_GPL(mlproxy_is_control);
