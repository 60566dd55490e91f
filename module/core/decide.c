// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decision path: choose, log, take the feedback.
 *
 * Everything here runs in the caller's context, which may be a hard interrupt.
 * An RCU read-side section with preemption off protects readers and the active
 * model and keeps the CPU. Nothing sleeps, allocates, spins or takes a lock.
 */
#include <linux/hardirq.h>
#include <linux/log2.h>
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

/*
 * Here @uses are the USE_* bits of the proxy and its whole together. The functions that have
 * it are inlined: where the caller knows some bits to be clear, nothing is left of what is
 * done for them.
 */

/* Of a proxy with another unit of randomisation than the decision: as draw_arm(). */
static noinline int draw_unit_arm(const struct mlproxy *proxy, u64 r, u64 key, u64 now_ns,
				  u32 share, u32 explore, struct mlproxy_decision *d,
				  bool *counts)
{
	u64 seed = READ_ONCE(proxy->seed), unit, window, into_ns;

	if (proxy->unit == MLPROXY_UNIT_ENTITY) {
		unit = mix64(seed ^ mix64(key));
		d->cluster = split_group(unit);
		return split_arm(r, unit, share, explore);
	}
	window = div64_u64_rem(now_ns, READ_ONCE(proxy->window_ns), &into_ns);
	d->cluster = split_group(mix64(seed ^ mix64(window)));
	*counts = into_ns >= READ_ONCE(proxy->washout_ns);
	return split_window_arm(r, seed, window, share, explore);
}

/* Which arm the decision belongs to, its cluster, and whether its outcome counts. */
static __always_inline int draw_arm(const struct mlproxy *proxy, u32 uses, u64 r, u64 key,
				    u64 now_ns, u32 share, u32 explore,
				    struct mlproxy_decision *d, bool *counts)
{
	*counts = true;
	d->cluster = EFF_NO_CLUSTER;
	if (uses & USE_CONTEXT && proxy->unit != MLPROXY_UNIT_DECISION)
		return draw_unit_arm(proxy, r, key, now_ns, share, explore, d, counts);
	return split_arm(r, r, share, explore);
}

/*
 * The clock, where somebody asks for it: the time windows, costs, recommendations, records,
 * an agent's deadline, the end of an emergency, and one decision of some whose duration is
 * measured. Return: nanoseconds, or 0.
 */
static __always_inline u64 decision_clock(const struct mlproxy *proxy, u32 uses, u32 mode)
{
	if (mode == MLPROXY_MODE_EMERGENCY || uses & (USE_ALARM | USE_READERS | USE_TABLE) ||
	    (uses & USE_CONTEXT &&
	     (proxy->unit == MLPROXY_UNIT_WINDOW || proxy->costs)) ||
	    mode_measures_next(proxy, mode))
		return ktime_get_mono_fast_ns();
	return 0;
}

/* Does anybody propose actions? */
static bool is_proposed(u32 uses)
{
	return uses & (USE_MODEL | USE_TABLE) || mlproxy_bpf_attached();
}

/* Readers that are counted in a word of uses. Less than 0 while two of them change it. */
static int takers(const atomic_t *uses)
{
	return atomic_read(uses) >> ilog2(USE_ONE_TAKER);
}

/* What is drawn at random costs, and pays only where somebody learns from it. */
static __always_inline u32 explored_share(const struct mlproxy *proxy, u32 uses, u32 mode)
{
	if (uses < USE_ONE_TAKER ||
	    (takers(&proxy->uses) <= 0 && takers(&proxy->whole->uses) <= 0))
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

static __always_inline void choose(struct mlproxy *proxy, const struct mlproxy_request *req,
				   u32 uses, u32 allowed, u64 now_ns, u64 trust,
				   const struct candidate *c, struct mlproxy_decision *d)
{
	u32 share, explore = explored_share(proxy, uses, d->mode);
	u64 r = mix64(READ_ONCE(proxy->seed) + mix64(d->id));
	bool counts;
	int arm;

	if (unlikely(trust & TRUST_RAMP))
		share = ramp_share(proxy, d->mode, &explore);
	else
		share = READ_ONCE(proxy->share[d->mode]);
	/* A writer may be between the two; never more than all together. */
	explore = min(explore, MLPROXY_SHARE_ONE - share);

	arm = draw_arm(proxy, uses, r, req->key, now_ns, share, explore, d, &counts);
	if (uses & USE_CONTEXT && unlikely(proxy->costs)) {
		choose_outer(proxy, req, allowed, now_ns, trust, c,
			     (struct inner_draw) { r, share, explore, arm, counts }, d);
		return;
	}
	follow_draw(d, c, allowed, r, arm, counts);
	d->prob_q31 = split_prob(d->action, d->baseline, c->action, allowed, share, explore);
}

/* Ask, choose, and note what was proposed; not in emergency. */
static __always_inline void decide_with_candidate(struct mlproxy *proxy,
						  const struct mlproxy_request *req, u32 uses,
						  u32 allowed, u64 now_ns, u64 trust,
						  struct candidate *c,
						  struct mlproxy_decision *d)
{
	candidate_get(proxy, req, uses, allowed, now_ns, c);
	d->model_version = c->version;
	if (c->action != NO_CANDIDATE &&
	    unlikely(!trust_tests(trust, trust_logic(c->source, c->version)))) {
		/* The mode was earned by another one: as in learning, and for no arm. */
		c->untested = true;
		d->mode = trust_limit(trust, d->mode);
		mlproxy_mode_untested(proxy, c->source, c->version);
	}
	choose(proxy, req, uses, allowed, now_ns, trust, c, d);
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
static __always_inline bool is_certain(const struct mlproxy *proxy, u32 uses, u32 mode)
{
	return !is_proposed(uses) && !explored_share(proxy, uses, mode) &&
	       !(uses & USE_CONTEXT &&
		 (proxy->unit != MLPROXY_UNIT_DECISION || proxy->costs));
}

/* The next decision's number. */
static __always_inline u64 next_id(const struct mlproxy *whole)
{
	return this_cpu_inc_return(whole->counters->next_id);
}

/* The legal actions, or 0 where a request is out of bounds. */
static u32 legal_actions(const struct mlproxy *proxy, const struct mlproxy_request *req)
{
	u32 all = READ_ONCE(proxy->all_actions), allowed = req->allowed ? : all;

	allowed &= all;
	if (unlikely(req->baseline >= MLPROXY_MAX_ACTIONS || !(BIT(req->baseline) & allowed) ||
		     (req->stratum && req->stratum >= proxy->nr_strata)))
		return 0;
	return allowed;
}

/* Has it any, in short. */
static __always_inline bool is_legal(const struct mlproxy *proxy,
				     const struct mlproxy_request *req)
{
	if (unlikely(req->baseline >= READ_ONCE(proxy->nr_actions)) ||
	    (req->allowed && !(BIT(req->baseline) & req->allowed)))
		return false;
	return likely(!req->stratum) || req->stratum < proxy->nr_strata;
}

static __always_inline void decide_using(struct mlproxy *proxy,
					 const struct mlproxy_request *req, u32 uses,
					 struct mlproxy_decision *d)
{
	struct mlproxy_counters __percpu *counters = proxy->counters;
	struct candidate c = { .action = NO_CANDIDATE };
	u32 allowed = legal_actions(proxy, req);
	u64 now_ns, trust, count;

	if (unlikely(!allowed)) {
		this_cpu_inc(counters->bad_calls);
		return;
	}
	d->generation = READ_ONCE(proxy->generation);
	d->stratum = req->stratum;
	/* The experiment before its mode and logic; pairs with mode_show(). */
	d->experiment = smp_load_acquire(&proxy->experiment);
	trust = READ_ONCE(proxy->trust);
	now_ns = decision_clock(proxy, uses, trust_mode(trust));
	d->mode = uses & (USE_ALARM | USE_CONTEXT) ? mode_of_decision(proxy, trust, now_ns) :
						     trust_mode(trust);
	d->id = next_id(proxy->whole);
	if (d->mode != MLPROXY_MODE_EMERGENCY && !is_certain(proxy, uses, d->mode))
		decide_with_candidate(proxy, req, uses, allowed, now_ns, trust, &c, d);
	this_cpu_inc(counters->by_source[d->source]);
	count = this_cpu_inc_return(counters->by_mode[d->mode]);
	this_cpu_inc(counters->by_action[d->action]);
	if (uses & USE_READERS)
		mlproxy_publish_decision(proxy, req, allowed, now_ns, &c, d);
	trace_mlproxy_decision(proxy->name, req, d);
	mode_after_decision(proxy, d, count, now_ns);
}

static noinline void decide_whole(struct mlproxy *proxy, const struct mlproxy_request *req,
				  u32 uses, struct mlproxy_decision *d)
{
	decide_using(proxy, req, uses, d);
}

/* Nothing is in use but a model or recommendations: no context, readers, or alarm. */
static noinline void decide_proposed(struct mlproxy *proxy, const struct mlproxy_request *req,
				     u32 uses, struct mlproxy_decision *d)
{
	decide_using(proxy, req, uses & (USE_MODEL | USE_TABLE), d);
}

/* What follows sees the context as the schema describes it. */
static noinline void decide_preprocessed(struct mlproxy *proxy,
					 const struct mlproxy_request *req, u32 uses,
					 struct mlproxy_decision *d)
{
	s64 features[MLPROXY_MAX_FEATURES] no_auto_init;
	struct mlproxy_request own = *req;

	memcpy(features, req->features, proxy->nr_features * sizeof(*features));
	preprocess_log2(features, proxy->log2_features);
	own.features = features;
	decide_whole(proxy, &own, uses, d);
}

/*
 * The baseline, what is the same whoever decides. Each field is stored once, in the order
 * that needs the fewest registers: this is small, and on every path.
 */
static __always_inline void decision_init(struct mlproxy_decision *d, u32 baseline)
{
	u32 action = baseline;

	/* Two bytes are stored faster than they are put together. */
	OPTIMIZER_HIDE_VAR(action);
	d->predicted = 0;
	d->model_version = 0;
	d->prob_q31 = MLPROXY_PROB_ONE;
	d->readers = 0;
	d->baseline = baseline;
	d->action = action;
	d->source = MLPROXY_SRC_BASELINE;
	d->arm = MLPROXY_ARM_NONE;
	d->outer_arm = MLPROXY_ARM_NONE;
	d->has_prediction = 0;
	d->cluster = EFF_NO_CLUSTER;
}

/*
 * The paths below that are long end the section that their callers began: so these keep
 * nothing across a call, and save no registers.
 */

/* Whatever there is to look at. */
static noinline u32 decide_any(struct mlproxy *proxy, const struct mlproxy_request *req,
			       struct mlproxy_decision *d)
	__releases(RCU_SCHED)
{
	u32 uses = atomic_read(&proxy->uses) | atomic_read(&proxy->whole->uses);

	if (unlikely(atomic_read(&proxy->emergency)))
		uses |= USE_ALARM;
	d->id = 0;
	d->generation = 0;
	d->experiment = 0;
	d->mode = MLPROXY_MODE_EMERGENCY;
	d->stratum = 0;
	decision_init(d, req->baseline);
	/* A stop waits for those who saw it run. */
	if (likely(mlproxy_running(proxy))) {
		if (unlikely(in_nmi()))
			mlproxy_publish_no_decision(proxy);
		else if (!(uses & ~(USE_MODEL | USE_TABLE)))
			decide_proposed(proxy, req, uses, d);
		else if (proxy->log2_features)
			decide_preprocessed(proxy, req, uses, d);
		else
			decide_whole(proxy, req, uses, d);
	}
	rcu_read_unlock_sched_notrace();
	return d->id ? d->action : req->baseline;
}

/* Where there is nothing to look at: the baseline, counted. */
static __always_inline void decide_plain(struct mlproxy *proxy,
					 const struct mlproxy_request *req, u32 experiment,
					 u32 mode, struct mlproxy_decision *d)
{
	struct mlproxy_counters __percpu *counters = proxy->counters;

	d->id = next_id(proxy->whole);
	d->generation = READ_ONCE(proxy->generation);
	d->experiment = experiment;
	d->mode = mode;
	d->stratum = req->stratum;
	decision_init(d, req->baseline);
	this_cpu_inc(counters->by_source[MLPROXY_SRC_BASELINE]);
	this_cpu_inc(counters->by_mode[mode]);
	this_cpu_inc(counters->by_action[req->baseline]);
	trace_mlproxy_decision(proxy->name, req, d);
}

/*
 * Where the clock is read: one of some, whose duration is measured, and all in emergency. They
 * may have a look made.
 */
static noinline u32 decide_timed(struct mlproxy *proxy, const struct mlproxy_request *req,
				 u32 experiment, u32 mode, struct mlproxy_decision *d)
	__releases(RCU_SCHED)
{
	u64 begin_ns = ktime_get_mono_fast_ns();

	decide_plain(proxy, req, experiment, mode, d);
	mode_after_decision(proxy, d, this_cpu_read(proxy->counters->by_mode[mode]), begin_ns);
	rcu_read_unlock_sched_notrace();
	return req->baseline;
}

u32 mlproxy_decide_running(struct mlproxy *proxy, const struct mlproxy_request *req,
			   struct mlproxy_decision *decision)
{
	u32 experiment, mode;

	rcu_read_lock_sched_notrace();
	if (unlikely(atomic_read(&proxy->uses) | atomic_read(&proxy->whole->uses) |
		     atomic_read(&proxy->emergency)) ||
	    unlikely(!mlproxy_running(proxy) || in_nmi() || mlproxy_bpf_attached() ||
		     !is_legal(proxy, req)))
		return decide_any(proxy, req, decision);
	/* The experiment before its mode; pairs with mode_show(). */
	experiment = smp_load_acquire(&proxy->experiment);
	mode = trust_mode(READ_ONCE(proxy->trust));
	if (unlikely(mode == MLPROXY_MODE_EMERGENCY || mode_measures_next(proxy, mode)))
		return decide_timed(proxy, req, experiment, mode, decision);
	decide_plain(proxy, req, experiment, mode, decision);
	rcu_read_unlock_sched_notrace();
	return req->baseline;
}
EXPORT_SYMBOL_GPL(mlproxy_decide_running);

/* It waited for its outcome, which does not come. */
static noinline void feedback_expired(struct mlproxy *proxy,
				      const struct mlproxy_decision *decision, u16 flags)
{
	static const struct mlproxy_outcome nothing;

	/* What is given up by a stop was not late: it tells nothing of its arm. */
	if (mlproxy_running(proxy))
		mlproxy_mode_count_lost(proxy, decision);
	mlproxy_publish_feedback(proxy, decision, &nothing, flags);
}

/* Count a reward, as the schema bounds it. */
static __always_inline s64 count_reward(struct mlproxy *proxy,
					const struct mlproxy_decision *decision, s64 reward)
{
	struct mlproxy_counters __percpu *counters = proxy->counters;
	unsigned int source = decision->source;

	reward = clamp_t(s64, reward, proxy->reward_min, proxy->reward_max);
	this_cpu_inc(counters->reward_count[source]);
	this_cpu_add(counters->reward_sum[source], reward);
	return reward;
}

/* Tell all who want to know of an outcome: arms, readers, who traces. */
static noinline void feedback_tell(struct mlproxy *proxy,
				   const struct mlproxy_decision *decision, s64 reward,
				   s64 ledger, u16 flags)
	__releases(RCU_SCHED)
{
	struct mlproxy_outcome o = { .reward = reward, .ledger = ledger };

	mode_count(proxy, decision, &o);
	if (atomic_read(&proxy->whole->uses) & USE_READERS)
		mlproxy_publish_feedback(proxy, decision, &o, flags);
	trace_mlproxy_feedback(proxy->name, decision, reward);
	rcu_read_unlock_sched_notrace();
}

static noinline void feedback_any(struct mlproxy *proxy,
				  const struct mlproxy_decision *decision,
				  s64 reward, s64 ledger, u16 flags)
	__releases(RCU_SCHED)
{
	if (unlikely(decision->generation != READ_ONCE(proxy->generation))) {
		this_cpu_inc(proxy->counters->feedback_stale);
	} else if (flags & MLPROXY_FEEDBACK_EXPIRED) {
		feedback_expired(proxy, decision, flags);
	} else {
		if (proxy->ledger) {
			ledger = clamp(ledger, proxy->ledger_min, proxy->ledger_max);
			flags |= MLPROXY_FEEDBACK_LEDGER;
		} else {
			ledger = 0;
		}
		reward = count_reward(proxy, decision, reward);
		feedback_tell(proxy, decision, reward, ledger, flags);
		return;
	}
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
	if (!decision->id)
		return;
	rcu_read_lock_sched_notrace();
	feedback_any(proxy, decision, outcome->reward, outcome->ledger, flags);
}

void mlproxy_feedback_decided(struct mlproxy *proxy, const struct mlproxy_decision *decision,
			      s64 reward)
{
	rcu_read_lock_sched_notrace();
	if (unlikely(decision->generation != READ_ONCE(proxy->generation) || proxy->ledger)) {
		feedback_any(proxy, decision, reward, 0, 0);
		return;
	}
	reward = count_reward(proxy, decision, reward);
	if (decision->arm < MLPROXY_NR_ARMS ||
	    atomic_read(&proxy->whole->uses) & USE_READERS) {
		feedback_tell(proxy, decision, reward, 0, 0);
		return;
	}
	trace_mlproxy_feedback(proxy->name, decision, reward);
	rcu_read_unlock_sched_notrace();
}
EXPORT_SYMBOL_GPL(mlproxy_feedback_decided);

void mlproxy_feedback_outcome(struct mlproxy *proxy, const struct mlproxy_decision *decision,
			      const struct mlproxy_outcome *outcome)
{
	mlproxy_feedback_flags(proxy, decision, outcome, 0);
}
EXPORT_SYMBOL_GPL(mlproxy_feedback_outcome);
