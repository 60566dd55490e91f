// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decision path: choose, log, take the feedback.
 *
 * Everything here runs in the caller's context, which may be a hard interrupt.
 * An RCU read-side section with preemption off protects readers and the active
 * model and keeps the CPU. Nothing sleeps, allocates, spins or takes a lock.
 */
#include <linux/hardirq.h>
#include <linux/math64.h>
#include <linux/preempt.h>
#include <linux/timekeeping.h>

#include "bpf.h"
#include "candidate.h"
#include "core.h"
#include "cost.h"
#include "dataset.h"
#include "efficiency.h"
#include "mode_path.h"
#include "preprocess.h"
#include "publish.h"
#include "rec_table.h"
#include "split.h"
#include "trace.h"

/* Which arm the decision belongs to, its cluster, and whether its outcome counts. */
static int draw_arm(const struct mlproxy *proxy, u64 r, u64 key, u64 now_ns, u32 share,
		    u32 explore, struct mlproxy_decision *d, bool *counts)
{
	u64 seed = READ_ONCE(proxy->seed), unit, window, into_ns;

	*counts = true;
	d->cluster = EFF_NO_CLUSTER;
	switch (proxy->unit) {
	case MLPROXY_UNIT_ENTITY:
		unit = mix64(seed ^ mix64(key));
		d->cluster = split_group(unit);
		return split_arm(r, unit, share, explore);
	case MLPROXY_UNIT_WINDOW:
		window = div64_u64_rem(now_ns, READ_ONCE(proxy->window_ns), &into_ns);
		d->cluster = split_group(mix64(seed ^ mix64(window)));
		*counts = into_ns >= READ_ONCE(proxy->washout_ns);
		return split_window_arm(r, seed, window, share, explore);
	default:
		return split_arm(r, r, share, explore);
	}
}

/*
 * The clock, where somebody asks for it: the time windows, costs, recommendations, records,
 * an agent's deadline, the end of an emergency, and one decision of some whose duration is
 * measured. Return: nanoseconds, or 0.
 */
static u64 decision_clock(const struct mlproxy *proxy, u32 mode)
{
	const struct mlproxy *whole = proxy->whole;

	if (mode == MLPROXY_MODE_EMERGENCY || proxy->unit == MLPROXY_UNIT_WINDOW ||
	    proxy->costs || READ_ONCE(proxy->agent_deadline_ns) ||
	    !list_empty(&whole->readers) || rec_table_used(whole->table) ||
	    mode_measures_next(proxy, mode))
		return ktime_get_mono_fast_ns();
	return 0;
}

/* Does anybody propose actions? */
static bool is_proposed(const struct mlproxy *whole)
{
	return rcu_access_pointer(whole->active) || rec_table_used(whole->table) ||
	       mlproxy_bpf_attached();
}

/* What is drawn at random costs, and pays only where somebody learns from it. */
static u32 explored_share(const struct mlproxy *proxy, u32 mode)
{
	if (atomic_read(&proxy->decision_readers) <= 0 &&
	    atomic_read(&proxy->whole->decision_readers) <= 0)
		return 0;
	return READ_ONCE(proxy->explore[mode]);
}

/* The ramp of collaboration mode has a share of its own, and always a control group. */
static noinline u32 ramp_share(const struct mlproxy *proxy, u32 mode, u32 *explore)
{
	u32 share;

	if (mode != MLPROXY_MODE_COLLABORATION)
		return READ_ONCE(proxy->share[mode]);
	share = READ_ONCE(proxy->ramp_share);
	*explore = min(*explore, (MLPROXY_SHARE_ONE - share) / 2);
	return share;
}

/* Carry out what was drawn. */
static __always_inline void follow_draw(struct mlproxy_decision *d, const struct candidate *c,
					u32 allowed, u64 r, int arm, bool counts)
{
	if (arm == SPLIT_EXPLORE) {
		d->action = split_pick(r, allowed);
		d->source = MLPROXY_SRC_EXPLORE;
	} else if (c->action != NO_CANDIDATE) {
		if (arm == SPLIT_CANDIDATE) {
			d->action = c->action;
			d->source = c->source;
		}
		if (counts && !c->untested)
			d->arm = arm == SPLIT_CANDIDATE ? MLPROXY_ARM_MODEL :
							  MLPROXY_ARM_BASELINE;
	}
}

/**
 * struct inner_draw - what the inner experiment has drawn for a decision
 * @r: its random bits
 * @share: of the policy, of 65536
 * @explore: of exploration
 * @arm: SPLIT_*
 * @counts: does its outcome count
 */
struct inner_draw {
	u64 r;
	u32 share;
	u32 explore;
	int arm;
	bool counts;
};

/*
 * Units of the outer experiment are held to an arm, and none of the inner one's. What is
 * drawn for a policy that is not tested is the baseline or nothing. The probability of the
 * action is that over both experiments.
 */
static noinline void choose_outer(const struct mlproxy *proxy,
				  const struct mlproxy_request *req, u32 allowed, u64 now_ns,
				  u64 trust, const struct candidate *c, struct inner_draw draw,
				  struct mlproxy_decision *d)
{
	u32 model = c->action == NO_CANDIDATE ? d->baseline : c->action, prob;
	struct outer_arms outer;

	/* As costs are counted, whatever the mode of this decision is limited to. */
	mlproxy_outer_arms(proxy, trust, trust_mode(trust), req->key, now_ns, &outer);
	if (c->untested && outer.place.arm == MLPROXY_ARM_MODEL) {
		outer.place.arm = MLPROXY_ARM_NONE;
		outer.held = false;
	}
	if (c->untested)
		outer.model = 0;
	d->outer_arm = outer.place.arm;
	if (outer.held) {
		draw.arm = outer.place.arm == MLPROXY_ARM_MODEL ? SPLIT_CANDIDATE :
								  SPLIT_BASELINE;
		draw.counts = false;
	}
	follow_draw(d, c, allowed, draw.r, draw.arm, draw.counts);
	prob = split_prob(d->action, d->baseline, c->action, allowed, draw.share, draw.explore);
	d->prob_q31 = outer_prob(prob, outer.base, outer.model, d->action == d->baseline,
				 d->action == model);
}

static void choose(struct mlproxy *proxy, const struct mlproxy_request *req, u32 allowed,
		   u64 now_ns, u64 trust, const struct candidate *c, struct mlproxy_decision *d)
{
	u32 share, explore = explored_share(proxy, d->mode);
	u64 r = mix64(READ_ONCE(proxy->seed) + mix64(d->id));
	bool counts;
	int arm;

	if (unlikely(trust & TRUST_RAMP))
		share = ramp_share(proxy, d->mode, &explore);
	else
		share = READ_ONCE(proxy->share[d->mode]);
	/* A writer may be between the two; never more than all together. */
	explore = min(explore, MLPROXY_SHARE_ONE - share);

	arm = draw_arm(proxy, r, req->key, now_ns, share, explore, d, &counts);
	if (unlikely(proxy->costs)) {
		choose_outer(proxy, req, allowed, now_ns, trust, c,
			     (struct inner_draw) { r, share, explore, arm, counts }, d);
		return;
	}
	follow_draw(d, c, allowed, r, arm, counts);
	d->prob_q31 = split_prob(d->action, d->baseline, c->action, allowed, share, explore);
}

/* Ask, choose, and note what was proposed; not in emergency. */
static void decide_with_candidate(struct mlproxy *proxy, const struct mlproxy_request *req,
				  u32 allowed, u64 now_ns, u64 trust, struct candidate *c,
				  struct mlproxy_decision *d)
{
	mlproxy_candidate(proxy, req, allowed, now_ns, c);
	d->model_version = c->version;
	if (c->action != NO_CANDIDATE &&
	    unlikely(!trust_tests(trust, trust_logic(c->source, c->version)))) {
		/* The mode was earned by another one: as in learning, and for no arm. */
		c->untested = true;
		d->mode = trust_limit(trust, d->mode);
		mlproxy_mode_untested(proxy, c->source, c->version);
	}
	choose(proxy, req, allowed, now_ns, trust, c, d);
	if (c->action == NO_CANDIDATE)
		return;
	this_cpu_inc(proxy->counters->candidates[c->source]);
	if (d->arm < MLPROXY_NR_ARMS)
		this_cpu_inc(proxy->counters->by_arm[d->arm]);
	if (c->has_prediction && c->action == d->action) {
		d->predicted = c->predicted;
		d->has_prediction = true;
	}
}

/*
 * Nothing proposed, nothing explored: the baseline, with certainty. Where decisions belong to
 * an entity, a window or an outer arm, that is drawn all the same.
 */
static bool is_certain(const struct mlproxy *proxy, u32 mode)
{
	return !is_proposed(proxy->whole) && !explored_share(proxy, mode) &&
	       proxy->unit == MLPROXY_UNIT_DECISION && !proxy->costs;
}

static void decide_running(struct mlproxy *proxy, const struct mlproxy_request *req,
			   struct mlproxy_decision *d)
{
	struct mlproxy_counters __percpu *counters = proxy->counters;
	struct candidate c = { .action = NO_CANDIDATE };
	u32 allowed = req->allowed ? req->allowed & proxy->all_actions : proxy->all_actions;
	u64 now_ns, trust, count;

	if (unlikely(req->baseline >= MLPROXY_MAX_ACTIONS || !(BIT(req->baseline) & allowed) ||
		     (req->stratum && req->stratum >= proxy->nr_strata))) {
		this_cpu_inc(proxy->counters->bad_calls);
		return;
	}
	d->generation = READ_ONCE(proxy->generation);
	d->stratum = req->stratum;
	/* The experiment before its mode and logic; pairs with mode_show(). */
	d->experiment = smp_load_acquire(&proxy->experiment);
	trust = READ_ONCE(proxy->trust);
	now_ns = decision_clock(proxy, trust_mode(trust));
	d->mode = mode_of_decision(proxy, trust, now_ns);
	d->id = this_cpu_inc_return(proxy->whole->counters->next_id) |
		(u64)smp_processor_id() << MLPROXY_CPU_ID_SHIFT;
	if (d->mode != MLPROXY_MODE_EMERGENCY && !is_certain(proxy, d->mode))
		decide_with_candidate(proxy, req, allowed, now_ns, trust, &c, d);
	this_cpu_inc(counters->by_source[d->source]);
	count = this_cpu_inc_return(counters->by_mode[d->mode]);
	this_cpu_inc(counters->by_action[d->action]);
	if (!list_empty(&proxy->whole->readers))
		mlproxy_publish_decision(proxy, req, allowed, now_ns, &c, d);
	trace_mlproxy_decision(proxy->name, req, d);
	mode_after_decision(proxy, d, count, now_ns);
}

/* What follows sees the context as the schema describes it. */
static noinline void decide_preprocessed(struct mlproxy *proxy,
					 const struct mlproxy_request *req,
					 struct mlproxy_decision *d)
{
	s64 features[MLPROXY_MAX_FEATURES];
	struct mlproxy_request own = *req;

	memcpy(features, req->features, proxy->nr_features * sizeof(*features));
	preprocess_log2(features, proxy->log2_features);
	own.features = features;
	decide_running(proxy, &own, d);
}

/* The baseline, unrecorded. All of it, field by field: it is small, and on every path. */
static __always_inline void decision_init(struct mlproxy_decision *d, u32 baseline)
{
	d->id = 0;
	d->predicted = 0;
	d->generation = 0;
	d->model_version = 0;
	d->prob_q31 = MLPROXY_PROB_ONE;
	d->readers = 0;
	d->experiment = 0;
	d->baseline = baseline;
	d->action = baseline;
	d->source = MLPROXY_SRC_BASELINE;
	d->mode = 0;
	d->arm = MLPROXY_ARM_NONE;
	d->cluster = EFF_NO_CLUSTER;
	d->has_prediction = 0;
	d->stratum = 0;
	d->outer_arm = MLPROXY_ARM_NONE;
}

u32 mlproxy_decide(struct mlproxy *proxy, const struct mlproxy_request *req,
		   struct mlproxy_decision *decision)
{
	decision_init(decision, req->baseline);
	/* Who does not run costs no more. A stop waits for those who go on. */
	if (unlikely(READ_ONCE(proxy->state) != MLPROXY_STATE_RUNNING))
		return req->baseline;
	rcu_read_lock_sched_notrace();
	if (likely(READ_ONCE(proxy->state) == MLPROXY_STATE_RUNNING)) {
		if (unlikely(in_nmi()))
			mlproxy_publish_no_decision(proxy);
		else if (proxy->log2_features)
			decide_preprocessed(proxy, req, decision);
		else
			decide_running(proxy, req, decision);
	}
	rcu_read_unlock_sched_notrace();
	return decision->id ? decision->action : req->baseline;
}
EXPORT_SYMBOL_GPL(mlproxy_decide);

/* It waited for its outcome, which does not come. */
static noinline void feedback_expired(struct mlproxy *proxy,
				      const struct mlproxy_decision *decision, u16 flags)
{
	static const struct mlproxy_outcome nothing;

	/* What is given up by a stop was not late: it tells nothing of its arm. */
	if (mlproxy_is_running(proxy))
		mlproxy_mode_count_lost(proxy, decision);
	mlproxy_publish_feedback(proxy, decision, &nothing, flags);
}

static __always_inline void feedback(struct mlproxy *proxy,
				     const struct mlproxy_decision *decision,
				     s64 reward, s64 ledger, u16 flags)
{
	struct mlproxy_counters __percpu *counters = proxy->counters;
	struct mlproxy_outcome o = {};

	rcu_read_lock_sched_notrace();
	if (unlikely(decision->generation != READ_ONCE(proxy->generation))) {
		this_cpu_inc(counters->feedback_stale);
		goto out;
	}
	if (flags & MLPROXY_FEEDBACK_EXPIRED) {
		feedback_expired(proxy, decision, flags);
		goto out;
	}
	o.reward = clamp(reward, proxy->schema.reward_min, proxy->schema.reward_max);
	if (proxy->ledger) {
		o.ledger = clamp(ledger, proxy->ledger_min, proxy->ledger_max);
		flags |= MLPROXY_FEEDBACK_LEDGER;
	}
	this_cpu_inc(counters->reward_count[decision->source]);
	this_cpu_add(counters->reward_sum[decision->source], o.reward);
	mode_count(proxy, decision, &o);
	if (!list_empty(&proxy->whole->readers))
		mlproxy_publish_feedback(proxy, decision, &o, flags);
	trace_mlproxy_feedback(proxy->name, decision, o.reward);
out:
	rcu_read_unlock_sched_notrace();
}

/**
 * mlproxy_feedback_flags() - mlproxy_feedback() of a deferred decision
 * @proxy: the proxy
 * @decision: what mlproxy_decide() filled in
 * @outcome: ignored with MLPROXY_FEEDBACK_EXPIRED, which is published only
 * @flags: MLPROXY_FEEDBACK_*
 *
 * Context: as mlproxy_decide().
 */
void mlproxy_feedback_flags(struct mlproxy *proxy, const struct mlproxy_decision *decision,
			    const struct mlproxy_outcome *outcome, u16 flags)
{
	if (decision->id)
		feedback(proxy, decision, outcome->reward, outcome->ledger, flags);
}

void mlproxy_feedback(struct mlproxy *proxy, const struct mlproxy_decision *decision,
		      s64 reward)
{
	if (decision->id)
		feedback(proxy, decision, reward, 0, 0);
}
EXPORT_SYMBOL_GPL(mlproxy_feedback);

void mlproxy_feedback_outcome(struct mlproxy *proxy, const struct mlproxy_decision *decision,
			      const struct mlproxy_outcome *outcome)
{
	mlproxy_feedback_flags(proxy, decision, outcome, 0);
}
EXPORT_SYMBOL_GPL(mlproxy_feedback_outcome);
