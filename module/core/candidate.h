/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the model side proposes for a decision: eBPF, recommendation, or model.
 *
 * On the decision path, and inlined into it: bounded, without locks, whatever the context.
 */
#ifndef _MLPROXY_CORE_CANDIDATE_H
#define _MLPROXY_CORE_CANDIDATE_H

#include <linux/ktime.h>

#include "bpf.h"
#include "core.h"
#include "infer/score.h"
#include "mode_path.h"
#include "model.h"
#include "rec_table.h"

#define NO_CANDIDATE 0xffU

/**
 * struct candidate - what the model side proposes for a decision
 * @action: action, NO_CANDIDATE for none
 * @source: MLPROXY_SRC_* of @action
 * @version: version of the model or recommendation
 * @predicted: predicted reward, 0 where unknown
 * @has_prediction: is @predicted one
 * @untested: is it of a logic that is not under test
 */
struct candidate {
	u32 action;
	u32 source;
	u32 version;
	s64 predicted;
	bool has_prediction;
	bool untested;
};

/* The model's choice for a decision: a legal action. */
static __always_inline void candidate_of_model(const struct mlproxy_model *model,
					       const struct mlproxy_request *req, u32 allowed,
					       struct candidate *c)
{
	s32 outputs[MLPROXY_MAX_ACTIONS] no_auto_init;

	model_eval(&model->m, req->features, outputs);
	c->action = score_choose(model->m.hdr, outputs, req->baseline, allowed);
	c->predicted = score_predict(model->m.hdr, outputs[c->action]);
	c->source = MLPROXY_SRC_MODEL;
	c->version = model->version;
	c->has_prediction = true;
}

/* Return: has the table an action that is legal. */
static __always_inline bool candidate_of_table(struct mlproxy *proxy,
					       const struct mlproxy_request *req, u32 allowed,
					       u64 now_ns, struct candidate *c)
{
	struct rec_entry rec no_auto_init;

	/* The first one came in between. */
	if (unlikely(!now_ns))
		now_ns = ktime_get_mono_fast_ns();
	switch (rec_table_lookup(proxy->whole->table, req->key, now_ns, &rec)) {
	case REC_FRESH:
		this_cpu_inc(proxy->counters->rec_hits);
		if (allowed & BIT(rec.action)) {
			c->action = rec.action;
			c->source = MLPROXY_SRC_RECOMMENDATION;
			c->version = rec.version;
			return true;
		}
		mlproxy_mode_refused(proxy);
		break;
	case REC_EXPIRED:
		this_cpu_inc(proxy->counters->rec_expired);
		break;
	}
	return false;
}

static __always_inline bool candidate_of_bpf(struct mlproxy *proxy,
					     const struct mlproxy_request *req, u32 allowed,
					     struct candidate *c)
{
	struct mlproxy_bpf_answer bpf;

	if (!mlproxy_bpf_ask(proxy, req, allowed, &bpf))
		return false;
	c->action = bpf.action;
	c->source = MLPROXY_SRC_BPF;
	c->version = bpf.version;
	c->predicted = bpf.predicted;
	c->has_prediction = bpf.has_prediction;
	return true;
}

/**
 * candidate_get() - ask the model side for its choice
 * @proxy: running
 * @req: the decision
 * @uses: USE_* of the proxy as a whole
 * @allowed: bit mask of the actions that are legal, not 0
 * @now_ns: clock, 0 if it was not read
 * @c: in: no candidate; out: what is proposed, if anything is
 *
 * An attached eBPF program goes first, then a fresh recommendation, then the active
 * model. Context: as mlproxy_decide(), in its RCU section with preemption off.
 */
static __always_inline void candidate_get(struct mlproxy *proxy,
					  const struct mlproxy_request *req, u32 uses,
					  u32 allowed, u64 now_ns, struct candidate *c)
{
	const struct mlproxy_model *model;

	if (mlproxy_bpf_attached() && candidate_of_bpf(proxy, req, allowed, c))
		return;
	if (uses & USE_TABLE && candidate_of_table(proxy, req, allowed, now_ns, c))
		return;
	if (!(uses & USE_MODEL))
		return;
	model = rcu_dereference_sched(proxy->whole->active);
	if (model)
		candidate_of_model(model, req, allowed, c);
}

#endif /* _MLPROXY_CORE_CANDIDATE_H */
