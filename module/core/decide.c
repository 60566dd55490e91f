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
#include "core.h"
#include "dataset.h"
#include "mode.h"
#include "model.h"
#include "preprocess.h"
#include "reader.h"
#include "rec_table.h"
#include "ring_pos.h"
#include "split.h"
#include "trace.h"

#define NO_CANDIDATE 0xffU

/**
 * struct candidate - what the model side proposes for a decision
 * @action: action, NO_CANDIDATE for none
 * @source: MLPROXY_SRC_* of @action
 * @version: version of the model or recommendation
 * @predicted: predicted reward, 0 where unknown
 * @has_prediction: is @predicted one
 */
struct candidate {
	u32 action;
	u32 source;
	u32 version;
	s64 predicted;
	bool has_prediction;
};

static void ask_candidate(struct mlproxy *proxy, const struct mlproxy_request *req,
			  u32 allowed, u64 now_ns, struct candidate *c)
{
	const struct mlproxy_model *model;
	struct mlproxy_bpf_answer bpf;
	struct rec_entry rec;

	if (mlproxy_bpf_attached() && mlproxy_bpf_ask(proxy, req, allowed, &bpf)) {
		c->action = bpf.action;
		c->source = MLPROXY_SRC_BPF;
		c->version = bpf.version;
		c->predicted = bpf.predicted;
		c->has_prediction = bpf.has_prediction;
		return;
	}
	switch (rec_table_lookup(proxy->table, req->key, now_ns, &rec)) {
	case REC_FRESH:
		this_cpu_inc(proxy->counters->rec_hits);
		if (allowed & BIT(rec.action)) {
			c->action = rec.action;
			c->source = MLPROXY_SRC_RECOMMENDATION;
			c->version = rec.version;
			return;
		}
		this_cpu_inc(proxy->counters->refused);
		break;
	case REC_EXPIRED:
		this_cpu_inc(proxy->counters->rec_expired);
		break;
	}
	model = rcu_dereference_sched(proxy->active);
	if (model) {
		c->action = mlproxy_model_candidate(model, req->features, req->baseline,
						    allowed, &c->predicted);
		c->source = MLPROXY_SRC_MODEL;
		c->version = mlproxy_model_version(model);
		c->has_prediction = true;
	}
}

/* Which arm the decision belongs to, its cluster, and whether its outcome counts. */
static int draw_arm(const struct mlproxy *proxy, u64 r, u64 key, u64 now_ns, u32 share,
		    u32 explore, struct mlproxy_decision *d, bool *counts)
{
	u64 seed = READ_ONCE(proxy->seed), unit, window, into_ns;

	*counts = true;
	d->cluster = EFF_CLUSTERS;
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

/* What is drawn at random costs, and pays only where somebody learns from it. */
static u32 explored_share(const struct mlproxy *proxy, u32 mode)
{
	return READ_ONCE(proxy->decision_readers) ? READ_ONCE(proxy->explore[mode]) : 0;
}

static void choose(struct mlproxy *proxy, const struct mlproxy_request *req, u32 allowed,
		   u64 now_ns, const struct candidate *c, struct mlproxy_decision *d)
{
	u32 share = READ_ONCE(proxy->share[d->mode]);
	u32 explore = explored_share(proxy, d->mode);
	u64 r = mix64(READ_ONCE(proxy->seed) + mix64(d->id));
	bool counts;
	int arm;

	/* A writer may be between the two; never more than all together. */
	explore = min(explore, MLPROXY_SHARE_ONE - share);

	arm = draw_arm(proxy, r, req->key, now_ns, share, explore, d, &counts);
	if (arm == SPLIT_EXPLORE) {
		d->action = split_pick(r, allowed);
		d->source = MLPROXY_SRC_EXPLORE;
	} else if (c->action != NO_CANDIDATE) {
		if (arm == SPLIT_CANDIDATE) {
			d->action = c->action;
			d->source = c->source;
		}
		if (counts)
			d->arm = arm == SPLIT_CANDIDATE ? MLPROXY_ARM_MODEL :
							  MLPROXY_ARM_BASELINE;
	}
	d->prob_q31 = split_prob(d->action, d->baseline, c->action, allowed, share, explore);
}

/* Ask, choose, and note what was proposed; not in emergency. */
static void decide_with_candidate(struct mlproxy *proxy, const struct mlproxy_request *req,
				  u32 allowed, u64 now_ns, struct candidate *c,
				  struct mlproxy_decision *d)
{
	ask_candidate(proxy, req, allowed, now_ns, c);
	d->model_version = c->version;
	choose(proxy, req, allowed, now_ns, c, d);
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

static void publish_decision(struct mlproxy *proxy, const struct mlproxy_request *req,
			     u32 allowed, const struct candidate *c,
			     struct mlproxy_decision *d)
{
	u32 len = ring_rec_len(offsetof(struct mlproxy_rec_decision, features) +
			       proxy->nr_features * sizeof(s64));
	struct mlproxy_rec_decision *rec;
	struct mlproxy_reader *reader;
	struct dataset *taken;
	unsigned long irq_flags;

	list_for_each_entry_rcu(reader, &proxy->readers, node) {
		if (!mlproxy_dataset_take(reader, d->id, req->features, &taken))
			continue;
		rec = mlproxy_reader_reserve(reader, MLPROXY_REC_DECISION, 0, len, &irq_flags);
		d->readers |= mlproxy_reader_bit(reader, rec);
		if (!rec) {
			mlproxy_dataset_taken(reader, taken);
			continue;
		}
		rec->id = d->id;
		rec->key = req->key;
		rec->prob_q31 = d->prob_q31;
		rec->model_version = d->model_version;
		rec->allowed = allowed;
		rec->baseline = d->baseline;
		rec->action = d->action;
		rec->source = d->source;
		rec->mode = d->mode;
		rec->candidate = c->action;
		rec->candidate_source = c->source;
		rec->nr_features = proxy->nr_features;
		rec->arm = d->arm;
		memset(rec->reserved, 0, sizeof(rec->reserved));
		rec->predicted = c->predicted;
		memcpy(rec->features, req->features,
		       proxy->nr_features * sizeof(*rec->features));
		mlproxy_reader_commit(reader, len, irq_flags);
		mlproxy_dataset_taken(reader, taken);
	}
}

/* In NMI context nothing is decided, but the readers see that something was asked. */
static void lose_decision(struct mlproxy *proxy)
{
	struct mlproxy_reader *reader;
	unsigned long irq_flags;

	list_for_each_entry_rcu(reader, &proxy->readers, node)
		if (mlproxy_dataset_active(reader))
			mlproxy_reader_reserve(reader, MLPROXY_REC_DECISION, 0, 0, &irq_flags);
}

static void decide_running(struct mlproxy *proxy, const struct mlproxy_request *req,
			   struct mlproxy_decision *d)
{
	struct candidate c = { .action = NO_CANDIDATE };
	u32 allowed = req->allowed ? req->allowed & proxy->all_actions : proxy->all_actions;
	u64 now_ns = ktime_get_mono_fast_ns();

	if (unlikely(req->baseline >= MLPROXY_MAX_ACTIONS || !(BIT(req->baseline) & allowed))) {
		this_cpu_inc(proxy->counters->bad_calls);
		return;
	}
	d->generation = READ_ONCE(proxy->generation);
	/* The experiment before its mode and model; pairs with show() of mode.c. */
	d->experiment = smp_load_acquire(&proxy->experiment);
	d->mode = mode_of_decision(proxy, now_ns);
	d->id = this_cpu_inc_return(proxy->counters->next_id) |
		(u64)smp_processor_id() << MLPROXY_CPU_ID_SHIFT;
	if (d->mode != MLPROXY_MODE_EMERGENCY)
		decide_with_candidate(proxy, req, allowed, now_ns, &c, d);
	this_cpu_inc(proxy->counters->by_source[d->source]);
	this_cpu_inc(proxy->counters->by_mode[d->mode]);
	this_cpu_inc(proxy->counters->by_action[d->action]);
	if (!list_empty(&proxy->readers))
		publish_decision(proxy, req, allowed, &c, d);
	trace_mlproxy_decision(proxy->name, req, d);
	mode_after_decision(proxy, d, now_ns);
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

u32 mlproxy_decide(struct mlproxy *proxy, const struct mlproxy_request *req,
		   struct mlproxy_decision *decision)
{
	*decision = (struct mlproxy_decision) {
		.prob_q31 = MLPROXY_PROB_ONE,
		.baseline = req->baseline,
		.action = req->baseline,
		.source = MLPROXY_SRC_BASELINE,
		.arm = MLPROXY_ARM_NONE,
	};
	rcu_read_lock_sched_notrace();
	if (likely(READ_ONCE(proxy->state) == MLPROXY_STATE_RUNNING)) {
		if (unlikely(in_nmi()))
			lose_decision(proxy);
		else if (proxy->log2_features)
			decide_preprocessed(proxy, req, decision);
		else
			decide_running(proxy, req, decision);
	}
	rcu_read_unlock_sched_notrace();
	return decision->id ? decision->action : req->baseline;
}
EXPORT_SYMBOL_GPL(mlproxy_decide);

static void publish_feedback(struct mlproxy *proxy, const struct mlproxy_decision *d,
			     s64 reward, u16 flags)
{
	u32 len = ring_rec_len(sizeof(struct mlproxy_rec_feedback));
	struct mlproxy_rec_feedback *rec;
	struct mlproxy_reader *reader;
	unsigned long irq_flags;

	if (d->has_prediction && !(flags & MLPROXY_FEEDBACK_EXPIRED))
		flags |= MLPROXY_FEEDBACK_PREDICTED;
	list_for_each_entry_rcu(reader, &proxy->readers, node) {
		if (!mlproxy_dataset_wants_feedback(reader, d))
			continue;
		rec = mlproxy_reader_reserve(reader, MLPROXY_REC_FEEDBACK, flags, len,
					     &irq_flags);
		if (!rec)
			continue;
		rec->id = d->id;
		rec->reward = reward;
		rec->model_version = d->model_version;
		rec->action = d->action;
		rec->source = d->source;
		rec->arm = d->arm;
		rec->reserved = 0;
		rec->predicted = flags & MLPROXY_FEEDBACK_PREDICTED ? d->predicted : 0;
		rec->error = flags & MLPROXY_FEEDBACK_PREDICTED ? reward - d->predicted : 0;
		mlproxy_reader_commit(reader, len, irq_flags);
	}
}

/**
 * mlproxy_feedback_flags() - mlproxy_feedback() of a deferred decision
 * @proxy: the proxy
 * @decision: what mlproxy_decide() filled in
 * @reward: outcome; ignored with MLPROXY_FEEDBACK_EXPIRED, which is published only
 * @flags: MLPROXY_FEEDBACK_*
 *
 * Context: as mlproxy_decide().
 */
void mlproxy_feedback_flags(struct mlproxy *proxy, const struct mlproxy_decision *decision,
			    s64 reward, u16 flags)
{
	if (!decision->id)
		return;
	reward = clamp(reward, proxy->schema.reward_min, proxy->schema.reward_max);

	rcu_read_lock_sched_notrace();
	if (unlikely(decision->generation != READ_ONCE(proxy->generation))) {
		this_cpu_inc(proxy->counters->feedback_stale);
		goto out;
	}
	if (flags & MLPROXY_FEEDBACK_EXPIRED) {
		publish_feedback(proxy, decision, 0, flags);
		goto out;
	}
	this_cpu_inc(proxy->counters->feedbacks);
	this_cpu_inc(proxy->counters->reward_count[decision->source]);
	this_cpu_add(proxy->counters->reward_sum[decision->source], reward);
	mlproxy_mode_count(proxy, decision, reward);
	publish_feedback(proxy, decision, reward, flags);
	trace_mlproxy_feedback(proxy->name, decision, reward);
out:
	rcu_read_unlock_sched_notrace();
}

void mlproxy_feedback(struct mlproxy *proxy, const struct mlproxy_decision *decision,
		      s64 reward)
{
	mlproxy_feedback_flags(proxy, decision, reward, 0);
}
EXPORT_SYMBOL_GPL(mlproxy_feedback);

/**
 * mlproxy_publish_change() - publish a change of state or model
 * @proxy: the proxy
 * @type: MLPROXY_REC_STATE or MLPROXY_REC_MODEL
 * @from: old value
 * @to: new value
 * @reason: see struct mlproxy_rec_change
 *
 * Context: as mlproxy_decide().
 */
void mlproxy_publish_change(struct mlproxy *proxy, u16 type, u32 from, u32 to, u32 reason)
{
	u32 len = ring_rec_len(sizeof(struct mlproxy_rec_change));
	struct mlproxy_rec_change *rec;
	struct mlproxy_reader *reader;
	unsigned long irq_flags;

	rcu_read_lock_sched_notrace();
	list_for_each_entry_rcu(reader, &proxy->readers, node) {
		rec = mlproxy_reader_reserve(reader, type, 0, len, &irq_flags);
		if (!rec)
			continue;
		rec->from = from;
		rec->to = to;
		rec->reason = reason;
		rec->reserved = 0;
		mlproxy_reader_commit(reader, len, irq_flags);
	}
	rcu_read_unlock_sched_notrace();

	if (type == MLPROXY_REC_STATE)
		trace_mlproxy_state(proxy->name, from, to, reason);
	else
		trace_mlproxy_model(proxy->name, from, to, reason);
}
