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
#include "model.h"
#include "reader.h"
#include "rec_table.h"
#include "ring_pos.h"
#include "split.h"
#include "trace.h"

#define NO_CANDIDATE 0xffU
#define CPU_ID_SHIFT 48		/* decision id: CPU, then a count */
#define EVENT_MAX_VALUES 64

/**
 * struct candidate - what the model side proposes for a decision
 * @action: action, NO_CANDIDATE for none
 * @source: MLPROXY_SRC_* of @action
 * @version: version of the model or recommendation
 * @predicted: predicted reward, 0 where unknown
 */
struct candidate {
	u32 action;
	u32 source;
	u32 version;
	s64 predicted;
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
	}
}

static u64 random_of_unit(const struct mlproxy *proxy, u64 r_decision, u64 key, u64 now_ns)
{
	u64 seed = READ_ONCE(proxy->seed);

	switch (proxy->unit) {
	case MLPROXY_UNIT_ENTITY:
		return mix64(seed ^ mix64(key));
	case MLPROXY_UNIT_WINDOW:
		return mix64(seed ^ mix64(div64_u64(now_ns, READ_ONCE(proxy->window_ns))));
	default:
		return r_decision;
	}
}

static void choose(struct mlproxy *proxy, const struct mlproxy_request *req, u32 allowed,
		   u64 now_ns, const struct candidate *c, struct mlproxy_decision *d)
{
	u32 share = READ_ONCE(proxy->share[d->mode]);
	u32 explore = READ_ONCE(proxy->explore[d->mode]);
	u64 r = mix64(READ_ONCE(proxy->seed) + mix64(d->id));

	/* A writer may be between the two; never more than all together. */
	explore = min(explore, MLPROXY_SHARE_ONE - share);

	switch (split_arm(r, random_of_unit(proxy, r, req->key, now_ns), share, explore)) {
	case SPLIT_EXPLORE:
		d->action = split_pick(r, allowed);
		d->source = MLPROXY_SRC_EXPLORE;
		break;
	case SPLIT_CANDIDATE:
		if (c->action != NO_CANDIDATE) {
			d->action = c->action;
			d->source = c->source;
		}
		break;
	}
	d->prob_q31 = split_prob(d->action, d->baseline, c->action, allowed, share, explore);
}

static void publish_decision(struct mlproxy *proxy, const struct mlproxy_request *req,
			     u32 allowed, const struct candidate *c,
			     const struct mlproxy_decision *d)
{
	u32 len = ring_rec_len(offsetof(struct mlproxy_rec_decision, features) +
			       proxy->nr_features * sizeof(s64));
	struct mlproxy_rec_decision *rec;
	struct mlproxy_reader *reader;
	unsigned long irq_flags;

	list_for_each_entry_rcu(reader, &proxy->readers, node) {
		rec = mlproxy_reader_reserve(reader, MLPROXY_REC_DECISION, 0, len, &irq_flags);
		if (!rec)
			continue;
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
	}
}

/* In NMI context nothing is decided, but the readers see that something was asked. */
static void lose_decision(struct mlproxy *proxy)
{
	struct mlproxy_reader *reader;
	unsigned long irq_flags;

	list_for_each_entry_rcu(reader, &proxy->readers, node)
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
	d->mode = READ_ONCE(proxy->mode);
	d->id = this_cpu_inc_return(proxy->counters->next_id) |
		(u64)smp_processor_id() << CPU_ID_SHIFT;
	if (proxy->critical && d->mode != MLPROXY_MODE_EMERGENCY &&
	    proxy->critical(proxy->priv)) {
		d->mode = MLPROXY_MODE_EMERGENCY;
		this_cpu_inc(proxy->counters->critical);
	}
	if (d->mode != MLPROXY_MODE_EMERGENCY) {
		ask_candidate(proxy, req, allowed, now_ns, &c);
		d->model_version = c.version;
		choose(proxy, req, allowed, now_ns, &c, d);
	}
	this_cpu_inc(proxy->counters->by_source[d->source]);
	this_cpu_inc(proxy->counters->by_mode[d->mode]);
	this_cpu_inc(proxy->counters->by_action[d->action]);
	if (!list_empty(&proxy->readers))
		publish_decision(proxy, req, allowed, &c, d);
	trace_mlproxy_decision(proxy->name, req, d);
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
		else
			decide_running(proxy, req, decision);
	}
	rcu_read_unlock_sched_notrace();
	return decision->id ? decision->action : req->baseline;
}
EXPORT_SYMBOL_GPL(mlproxy_decide);

static void publish_feedback(struct mlproxy *proxy, const struct mlproxy_decision *d,
			     s64 reward)
{
	u32 len = ring_rec_len(sizeof(struct mlproxy_rec_feedback));
	struct mlproxy_rec_feedback *rec;
	struct mlproxy_reader *reader;
	unsigned long irq_flags;

	list_for_each_entry_rcu(reader, &proxy->readers, node) {
		rec = mlproxy_reader_reserve(reader, MLPROXY_REC_FEEDBACK, 0, len, &irq_flags);
		if (!rec)
			continue;
		rec->id = d->id;
		rec->reward = reward;
		rec->model_version = d->model_version;
		rec->action = d->action;
		rec->source = d->source;
		rec->arm = d->arm;
		rec->reserved = 0;
		rec->predicted = 0;
		rec->error = 0;
		mlproxy_reader_commit(reader, len, irq_flags);
	}
}

void mlproxy_feedback(struct mlproxy *proxy, const struct mlproxy_decision *decision,
		      s64 reward)
{
	if (!decision->id)
		return;
	reward = clamp(reward, proxy->schema.reward_min, proxy->schema.reward_max);

	rcu_read_lock_sched_notrace();
	if (unlikely(decision->generation != READ_ONCE(proxy->generation))) {
		this_cpu_inc(proxy->counters->feedback_stale);
		goto out;
	}
	this_cpu_inc(proxy->counters->feedbacks);
	this_cpu_inc(proxy->counters->reward_count[decision->source]);
	this_cpu_add(proxy->counters->reward_sum[decision->source], reward);
	publish_feedback(proxy, decision, reward);
	trace_mlproxy_feedback(proxy->name, decision, reward);
out:
	rcu_read_unlock_sched_notrace();
}
EXPORT_SYMBOL_GPL(mlproxy_feedback);

void mlproxy_event(struct mlproxy *proxy, u16 event, u64 key, const s64 *values,
		   unsigned int nr)
{
	struct mlproxy_rec_event *rec;
	struct mlproxy_reader *reader;
	unsigned long irq_flags;
	u32 len;

	nr = min_t(unsigned int, nr, EVENT_MAX_VALUES);
	len = ring_rec_len(offsetof(struct mlproxy_rec_event, values) + nr * sizeof(s64));

	rcu_read_lock_sched_notrace();
	this_cpu_inc(proxy->counters->events);
	list_for_each_entry_rcu(reader, &proxy->readers, node) {
		rec = mlproxy_reader_reserve(reader, MLPROXY_REC_EVENT, event, len, &irq_flags);
		if (!rec)
			continue;
		rec->key = key;
		memcpy(rec->values, values, nr * sizeof(*values));
		mlproxy_reader_commit(reader, len, irq_flags);
	}
	rcu_read_unlock_sched_notrace();
}
EXPORT_SYMBOL_GPL(mlproxy_event);

/**
 * mlproxy_publish_change() - publish a change of mode, state or model
 * @proxy: the proxy
 * @type: MLPROXY_REC_MODE, MLPROXY_REC_STATE or MLPROXY_REC_MODEL
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

	switch (type) {
	case MLPROXY_REC_MODE:
		trace_mlproxy_mode(proxy->name, from, to, reason);
		break;
	case MLPROXY_REC_STATE:
		trace_mlproxy_state(proxy->name, from, to, reason);
		break;
	case MLPROXY_REC_MODEL:
		trace_mlproxy_model(proxy->name, from, to, reason);
		break;
	}
}
