// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the decision path needs of the mode machine: counting outcomes, having a look
 * made, asking for emergency. Nothing here sleeps or takes a lock; the machine itself,
 * which may do both, is in mode.c.
 */
#include <linux/irq_work.h>
#include <linux/timekeeping.h>

#include "mode_path.h"
#include "mode_priv.h"

/**
 * mlproxy_mode_kick() - have a look made, soon
 * @proxy: the proxy
 *
 * Context: as mlproxy_decide().
 */
void mlproxy_mode_kick(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;

	if (!READ_ONCE(ms->soon))
		WRITE_ONCE(ms->soon, true);
	irq_work_queue(&ms->look);
}

/*
 * This CPU has something to gather. The full barrier is between what it counted and the
 * question whether a look is to come; pairs with take_cpu() and mode_gather().
 */
static void mark(struct mlproxy *proxy)
{
	if (!xchg(&this_cpu_ptr(proxy->mode_cpus)->marked, 1))
		set_bit(smp_processor_id(), proxy->modes->marked);
}

/*
 * There is something to look at, some time; soon, once there is much of it. CPUs count it in
 * common, but only up to there: until the look, they all find that it is enough.
 */
void mlproxy_mode_unjudged(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;
	int n;

	mark(proxy);
	if (atomic_read(&ms->unjudged) >= MODE_LOOK_OUTCOMES)
		return;
	n = atomic_inc_return(&ms->unjudged);
	if (n == MODE_LOOK_OUTCOMES)
		mlproxy_mode_kick(proxy);
	else if (n == 1)
		irq_work_queue(&ms->look);
}

/**
 * mlproxy_mode_stirred() - many decisions were made: have a look made, soon
 * @proxy: the proxy
 *
 * Context: as mlproxy_decide(), preemption off.
 */
void mlproxy_mode_stirred(struct mlproxy *proxy)
{
	mark(proxy);
	mlproxy_mode_kick(proxy);
}

/**
 * mlproxy_mode_measure() - compare the duration of a decision with the budget
 * @proxy: the proxy
 * @begin_ns: clock when it began
 *
 * Context: as mlproxy_decide(), preemption off.
 */
void mlproxy_mode_measure(struct mlproxy *proxy, u64 begin_ns)
{
	u64 budget_ns = READ_ONCE(proxy->latency_ns);

	if (!budget_ns)
		return;
	this_cpu_inc(proxy->counters->latency_samples);
	if (ktime_get_mono_fast_ns() - begin_ns <= budget_ns)
		return;
	this_cpu_inc(proxy->counters->latency_over);
	mlproxy_mode_unjudged(proxy);
}

/**
 * mlproxy_mode_request_emergency() - ask for emergency, at once
 * @proxy: the proxy
 * @reason: MLPROXY_REASON_*
 * @value: see struct mlproxy_evidence
 * @limit: see struct mlproxy_evidence
 *
 * Decisions are the baseline from here on. Without effect where the operator fixed the
 * mode. Context: as mlproxy_decide().
 */
void mlproxy_mode_request_emergency(struct mlproxy *proxy, u32 reason, s64 value, s64 limit)
{
	struct mlproxy_modes *ms = proxy->modes;

	if (!mlproxy_is_automatic(proxy) || mlproxy_mode_of(proxy) == MLPROXY_MODE_EMERGENCY)
		return;
	/* Read first: all decisions share the cache line. */
	if (atomic_read(&proxy->emergency) ||
	    atomic_cmpxchg(&proxy->emergency, 0, MODE_REQUEST_CLAIMED))
		return;
	ms->request_value = value;
	ms->request_limit = limit;
	/* The numbers before the request; pairs with take_request(). */
	atomic_set_release(&proxy->emergency, reason);
	mlproxy_mode_kick(proxy);
}

/**
 * mlproxy_mode_alarm() - the mode of a decision, where there may be cause for emergency
 * @proxy: running, not in emergency
 * @trust: its word, as read for this decision
 * @critical: the subsystem is
 * @now_ns: clock
 *
 * Context: as mlproxy_decide().
 */
u32 mlproxy_mode_alarm(struct mlproxy *proxy, u64 trust, bool critical, u64 now_ns)
{
	u64 deadline_ns = READ_ONCE(proxy->agent_deadline_ns);
	bool automatic = !(trust & TRUST_FIXED);

	if (critical) {
		this_cpu_inc(proxy->counters->critical);
		mlproxy_mode_request_emergency(proxy, MLPROXY_REASON_CRITICAL, 0, 0);
		return MLPROXY_MODE_EMERGENCY;
	}
	if (automatic && deadline_ns && now_ns > deadline_ns)
		mlproxy_mode_request_emergency(proxy, MLPROXY_REASON_AGENT_LOST, 0, 0);
	if (automatic && atomic_read(&proxy->emergency))
		return MLPROXY_MODE_EMERGENCY;
	/* The look may have been made already; else trust is what it was. */
	if (mlproxy_mode_of(proxy) == MLPROXY_MODE_EMERGENCY)
		return MLPROXY_MODE_EMERGENCY;
	return trust_mode(trust);
}

/**
 * mlproxy_mode_refused() - count a proposed action that is not legal
 * @proxy: the proxy
 *
 * Context: as mlproxy_decide(), preemption off.
 */
void mlproxy_mode_refused(struct mlproxy *proxy)
{
	this_cpu_inc(proxy->counters->refused);
	mlproxy_mode_unjudged(proxy);
}

/**
 * mlproxy_mode_untested() - an action was proposed by a logic that is not under test
 * @proxy: the proxy
 * @source: MLPROXY_SRC_* of the logic
 * @version: its version
 *
 * Context: as mlproxy_decide(), preemption off.
 */
void mlproxy_mode_untested(struct mlproxy *proxy, u32 source, u32 version)
{
	if (source == MLPROXY_SRC_BPF && READ_ONCE(proxy->bpf_version) != version)
		WRITE_ONCE(proxy->bpf_version, version);
	mlproxy_mode_unjudged(proxy);
}

static void count_in(struct mode_sums *s, const struct mlproxy *proxy,
		     const struct mlproxy_decision *d, s64 value)
{
	u32 group = d->cluster;

	if (proxy->nr_strata && group < EFF_CLUSTERS)
		group = eff_stratum_group(group, d->stratum, proxy->nr_strata);
	mode_sums_add(s, d->experiment, d->arm, group, value);
	if (proxy->nr_strata)
		mode_sums_add_stratum(s, d->experiment, d->arm, d->stratum, value);
}

/**
 * mlproxy_mode_count() - count an outcome for its arm; by mode_count()
 * @proxy: the proxy
 * @decision: whose outcome it is, made in the running experiment
 * @outcome: within the schema's ranges
 *
 * Context: as mlproxy_decide(), preemption off.
 */
void mlproxy_mode_count(struct mlproxy *proxy, const struct mlproxy_decision *decision,
			const struct mlproxy_outcome *outcome)
{
	unsigned long flags;

	local_irq_save(flags);
	count_in(&this_cpu_ptr(proxy->mode_cpus)->sums, proxy, decision, outcome->reward);
	if (proxy->ledger)
		count_in(this_cpu_ptr(proxy->ledger), proxy, decision, outcome->ledger);
	local_irq_restore(flags);
	mlproxy_mode_unjudged(proxy);
}

/**
 * mlproxy_mode_count_lost() - count an outcome that will never come for its arm
 * @proxy: the proxy
 * @decision: whose outcome it is
 *
 * Context: as mlproxy_decide(), preemption off.
 */
void mlproxy_mode_count_lost(struct mlproxy *proxy, const struct mlproxy_decision *decision)
{
	unsigned long flags;

	if (decision->arm >= MLPROXY_NR_ARMS)
		return;
	this_cpu_inc(proxy->counters->lost_by_arm[decision->arm]);
	if (decision->experiment != READ_ONCE(proxy->experiment))
		return;
	local_irq_save(flags);
	mode_sums_lose(&this_cpu_ptr(proxy->mode_cpus)->sums, decision->experiment,
		       decision->arm);
	local_irq_restore(flags);
	mlproxy_mode_unjudged(proxy);
}

void mlproxy_report_error(struct mlproxy *proxy, const struct mlproxy_decision *decision)
{
	if (!decision->id || decision->source == MLPROXY_SRC_BASELINE ||
	    decision->source == MLPROXY_SRC_EXPLORE ||
	    decision->generation != READ_ONCE(proxy->generation))
		return;
	preempt_disable_notrace();
	this_cpu_inc(proxy->counters->errors);
	mlproxy_mode_unjudged(proxy);
	preempt_enable_notrace();
}
EXPORT_SYMBOL_GPL(mlproxy_report_error);
