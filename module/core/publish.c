// SPDX-License-Identifier: GPL-2.0-only
/*
 * Publishing: every loop over the readers that fills a record.
 *
 * All of it runs in the publisher's context, on the decision path: in an RCU read-side
 * section with preemption off, without locks. What a reader takes is for dataset.c to
 * say, room in its ring for reader.c.
 */
#include <linux/ktime.h>
#include <linux/rculist.h>
#include <linux/string.h>

#include "core.h"
#include "candidate.h"
#include "dataset.h"
#include "publish.h"
#include "reader.h"
#include "ring_pos.h"
#include "trace.h"

/* Of a decision, from its baseline on: copied into its record in one piece. */
struct choice {
	u8 bytes[4];
};

/* What a call of memcpy() would cost more for than it copies. */
#define FEW_VALUES 8

static __always_inline void copy_values(void *to, const s64 *from, u32 nr)
{
	s64 *value = to;
	u32 i;

	if (nr > FEW_VALUES) {
		memcpy(to, from, nr * sizeof(*from));
		return;
	}
	for (i = 0; i < nr; i++) {
		value[i] = from[i];
		/* Or it is made a call of memcpy(). */
		barrier();
	}
}

static inline void same_order(void)
{
#define SAME(field)								\
	BUILD_BUG_ON(offsetof(struct mlproxy_rec_decision, field) -		\
		     offsetof(struct mlproxy_rec_decision, baseline) !=		\
		     offsetof(struct mlproxy_decision, field) -			\
		     offsetof(struct mlproxy_decision, baseline))
	SAME(action);
	SAME(source);
	SAME(mode);
#undef SAME
}

/**
 * mlproxy_publish_decision() - publish a decision to whoever takes it
 * @proxy: the proxy
 * @req: what was asked
 * @allowed: bit mask of the actions that were legal
 * @now_ns: clock when the decision began, 0 if it was not read
 * @c: what was proposed
 * @d: what was decided; @d->readers is filled in
 *
 * Context: as mlproxy_decide(), in its RCU section with preemption off.
 */
void mlproxy_publish_decision(struct mlproxy *proxy, const struct mlproxy_request *req,
			      u32 allowed, u64 now_ns, const struct candidate *c,
			      struct mlproxy_decision *d)
{
	u32 len = ring_rec_len(sizeof(struct mlproxy_rec_decision) +
			       proxy->nr_features * sizeof(s64));
	struct mlproxy_rec_decision *rec;
	struct mlproxy_reader *reader;
	struct dataset *taken;
	struct reader_room room;

	same_order();
	/* The first reader came in between. */
	if (unlikely(!now_ns))
		now_ns = ktime_get_mono_fast_ns();
	list_for_each_entry_rcu(reader, &proxy->whole->readers, node) {
		if (!reader_takes(reader, proxy))
			continue;
		taken = rcu_dereference_sched(reader->dataset);
		if (unlikely(taken) && !mlproxy_dataset_take(reader, taken, d->id, req->features))
			continue;
		rec = reader_reserve(reader, MLPROXY_REC_DECISION, 0, len, now_ns, &room);
		d->readers |= mlproxy_reader_bit(reader, rec);
		if (!rec) {
			if (taken)
				mlproxy_dataset_taken(reader, taken);
			continue;
		}
		rec->id = d->id;
		rec->key = req->key;
		rec->predicted = c->predicted;
		rec->prob_q31 = d->prob_q31;
		rec->model_version = d->model_version;
		rec->allowed = allowed;
		rec->instance = proxy->instance;
		rec->experiment = d->experiment;
		rec->cluster = d->cluster;
		rec->arm = d->arm;
		/* Four bytes at once. */
		*(struct choice *)&rec->baseline = *(const struct choice *)&d->baseline;
		rec->candidate = c->action;
		rec->candidate_source = c->source;
		rec->stratum = d->stratum;
		rec->outer_arm = d->outer_arm;
		memset(rec->reserved, 0, sizeof(rec->reserved));
		rec->features_offset = sizeof(*rec);
		rec->nr_features = proxy->nr_features;
		rec->candidates_offset = 0;
		rec->nr_candidates = 0;
		copy_values(rec + 1, req->features, proxy->nr_features);
		reader_commit(reader, len, &room);
		if (unlikely(taken))
			mlproxy_dataset_taken(reader, taken);
	}
}

/**
 * mlproxy_publish_no_decision() - a decision was asked for in NMI context
 * @proxy: the proxy
 *
 * Nothing is decided there, but the readers see that something was asked.
 * Context: as mlproxy_publish_decision().
 */
void mlproxy_publish_no_decision(struct mlproxy *proxy)
{
	struct mlproxy_reader *reader;
	struct reader_room room;

	list_for_each_entry_rcu(reader, &proxy->whole->readers, node) {
		if (reader_takes(reader, proxy) && mlproxy_dataset_active(reader))
			reader_reserve(reader, MLPROXY_REC_DECISION, 0, 0, 0, &room);
	}
}

/**
 * mlproxy_publish_feedback() - publish an outcome to whoever took its decision
 * @proxy: the proxy
 * @d: the decision
 * @outcome: what came of it
 * @flags: MLPROXY_FEEDBACK_*
 *
 * Context: as mlproxy_publish_decision().
 */
void mlproxy_publish_feedback(struct mlproxy *proxy, const struct mlproxy_decision *d,
			      const struct mlproxy_outcome *outcome, u16 flags)
{
	u32 len = ring_rec_len(sizeof(struct mlproxy_rec_feedback));
	struct mlproxy_rec_feedback *rec;
	struct mlproxy_reader *reader;
	struct reader_room room;
	u64 now_ns = ktime_get_mono_fast_ns();

	if (d->has_prediction && !(flags & MLPROXY_FEEDBACK_EXPIRED))
		flags |= MLPROXY_FEEDBACK_PREDICTED;
	list_for_each_entry_rcu(reader, &proxy->whole->readers, node) {
		if (!reader_takes(reader, proxy))
			continue;
		if (unlikely(rcu_access_pointer(reader->dataset)) &&
		    !mlproxy_dataset_wants_feedback(reader, d))
			continue;
		rec = reader_reserve(reader, MLPROXY_REC_FEEDBACK, flags, len, now_ns, &room);
		if (!rec)
			continue;
		rec->id = d->id;
		rec->reward = outcome->reward;
		rec->predicted = flags & MLPROXY_FEEDBACK_PREDICTED ? d->predicted : 0;
		rec->error = flags & MLPROXY_FEEDBACK_PREDICTED ?
			     outcome->reward - d->predicted : 0;
		rec->model_version = d->model_version;
		rec->instance = proxy->instance;
		rec->action = d->action;
		rec->source = d->source;
		rec->arm = d->arm;
		memset(rec->reserved, 0, sizeof(rec->reserved));
		rec->ledger = outcome->ledger;
		reader_commit(reader, len, &room);
	}
}

static __always_inline void publish_event(struct mlproxy *proxy, u16 event, u64 key,
					  const s64 *values, u32 nr)
{
	u32 len = ring_rec_len(sizeof(struct mlproxy_rec_event) + nr * sizeof(*values));
	struct mlproxy_rec_event *rec;
	struct mlproxy_reader *reader;
	struct reader_room room;
	u64 now_ns = ktime_get_mono_fast_ns();

	list_for_each_entry_rcu(reader, &proxy->whole->readers, node) {
		if (!reader_takes(reader, proxy))
			continue;
		if (unlikely(rcu_access_pointer(reader->dataset)) &&
		    event != MLPROXY_EVENT_SNAPSHOT && !mlproxy_dataset_active(reader))
			continue;
		rec = reader_reserve(reader, MLPROXY_REC_EVENT, event, len, now_ns, &room);
		if (!rec)
			continue;
		rec->key = key;
		rec->instance = proxy->instance;
		rec->values_offset = sizeof(*rec);
		rec->nr_values = nr;
		copy_values(rec + 1, values, nr);
		reader_commit(reader, len, &room);
	}
}

/**
 * mlproxy_publish_event() - publish a raw event or a snapshot
 * @proxy: the proxy
 * @event: its number, or MLPROXY_EVENT_SNAPSHOT, which goes to every reader
 * @key: entity, or health
 * @values: numbers
 * @nr: how many, at most EVENT_MAX_VALUES
 *
 * Context: as mlproxy_publish_decision().
 */
void mlproxy_publish_event(struct mlproxy *proxy, u16 event, u64 key, const s64 *values,
			   u32 nr)
{
	publish_event(proxy, event, key, values, nr);
}

/**
 * mlproxy_publish_event_last() - mlproxy_publish_event(), and end the caller's section
 * @proxy: the proxy
 * @event: as there
 * @key: the same
 * @values: the same
 * @nr: the same
 *
 * For a caller that has nothing to do after it, and so saves nothing across the call.
 */
void mlproxy_publish_event_last(struct mlproxy *proxy, u16 event, u64 key, const s64 *values,
				u32 nr)
	__releases(RCU_SCHED)
{
	publish_event(proxy, event, key, values, nr);
	rcu_read_unlock_sched_notrace();
}

/**
 * mlproxy_publish_mode() - publish a change of mode
 * @proxy: the proxy
 * @t: the change
 *
 * Context: as mlproxy_decide().
 */
void mlproxy_publish_mode(struct mlproxy *proxy, const struct mlproxy_transition *t)
{
	u32 len = ring_rec_len(sizeof(struct mlproxy_rec_mode));
	struct mlproxy_rec_mode *rec;
	struct mlproxy_reader *reader;
	struct reader_room room;
	u64 now_ns = ktime_get_mono_fast_ns();

	rcu_read_lock_sched_notrace();
	mlproxy_dataset_trigger(proxy, MLPROXY_TRIGGER_MODE, 0);
	list_for_each_entry_rcu(reader, &proxy->whole->readers, node) {
		if (!reader_takes(reader, proxy))
			continue;
		rec = reader_reserve(reader, MLPROXY_REC_MODE, 0, len, now_ns, &room);
		if (!rec)
			continue;
		rec->from = t->from;
		rec->to = t->to;
		rec->reason = t->reason;
		rec->instance = t->instance;
		rec->evidence = t->evidence;
		reader_commit(reader, len, &room);
	}
	rcu_read_unlock_sched_notrace();
	trace_mlproxy_mode(proxy->name, t);
}

/**
 * mlproxy_publish_change() - publish a change of state or model
 * @proxy: the proxy
 * @type: MLPROXY_REC_STATE or MLPROXY_REC_MODEL
 * @from: old value
 * @to: new value
 * @reason: see struct mlproxy_rec_change
 *
 * A model is of the proxy as a whole, and of interest to the readers of each instance.
 * Context: as mlproxy_decide().
 */
void mlproxy_publish_change(struct mlproxy *proxy, u16 type, u32 from, u32 to, u32 reason)
{
	u32 len = ring_rec_len(sizeof(struct mlproxy_rec_change));
	struct mlproxy_rec_change *rec;
	struct mlproxy_reader *reader;
	struct reader_room room;
	u64 now_ns = ktime_get_mono_fast_ns();

	rcu_read_lock_sched_notrace();
	list_for_each_entry_rcu(reader, &proxy->whole->readers, node) {
		if (type != MLPROXY_REC_MODEL && !reader_takes(reader, proxy))
			continue;
		rec = reader_reserve(reader, type, 0, len, now_ns, &room);
		if (!rec)
			continue;
		rec->from = from;
		rec->to = to;
		rec->reason = reason;
		rec->instance = proxy->instance;
		reader_commit(reader, len, &room);
	}
	rcu_read_unlock_sched_notrace();

	if (type == MLPROXY_REC_STATE)
		trace_mlproxy_state(proxy->name, from, to, reason);
	else
		trace_mlproxy_model(proxy->name, from, to, reason);
}
