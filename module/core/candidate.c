// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the model side proposes for a decision: eBPF, recommendation, or model.
 *
 * On the decision path: bounded, without locks, whatever the context.
 */
#include <linux/ktime.h>

#include "bpf.h"
#include "candidate.h"
#include "core.h"
#include "mode_path.h"
#include "model.h"
#include "rec_table.h"

/* The model's choice for a decision: a legal action. */
static u32 model_candidate(const struct mlproxy_model *model, const s64 *features,
			   u32 baseline, u32 allowed, s64 *predicted)
{
	s32 outputs[MLPROXY_MAX_ACTIONS];
	u32 action;

	model_eval(&model->m, features, outputs);
	action = model_choose(&model->m, outputs, baseline, allowed);
	*predicted = model_predict(&model->m, outputs[action]);
	return action;
}

static int look_up(const struct rec_table *table, u64 key, u64 now_ns, struct rec_entry *rec)
{
	if (!rec_table_used(table))
		return REC_MISS;
	/* The first one came in between. */
	return rec_table_lookup(table, key, now_ns ? now_ns : ktime_get_mono_fast_ns(), rec);
}

/**
 * mlproxy_candidate() - ask the model side for its choice
 * @proxy: running
 * @req: the decision
 * @allowed: bit mask of the actions that are legal, not 0
 * @now_ns: clock, 0 if it was not read
 * @c: in: no candidate; out: what is proposed, if anything is
 *
 * An attached eBPF program goes first, then a fresh recommendation, then the active
 * model. Context: as mlproxy_decide(), in its RCU section with preemption off.
 */
void mlproxy_candidate(struct mlproxy *proxy, const struct mlproxy_request *req,
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
	switch (look_up(proxy->whole->table, req->key, now_ns, &rec)) {
	case REC_FRESH:
		this_cpu_inc(proxy->counters->rec_hits);
		if (allowed & BIT(rec.action)) {
			c->action = rec.action;
			c->source = MLPROXY_SRC_RECOMMENDATION;
			c->version = rec.version;
			return;
		}
		mlproxy_mode_refused(proxy);
		break;
	case REC_EXPIRED:
		this_cpu_inc(proxy->counters->rec_expired);
		break;
	}
	model = rcu_dereference_sched(proxy->whole->active);
	if (model) {
		c->action = model_candidate(model, req->features, req->baseline, allowed,
					    &c->predicted);
		c->source = MLPROXY_SRC_MODEL;
		c->version = model->version;
		c->has_prediction = true;
	}
}
