// SPDX-License-Identifier: GPL-2.0-only
/*
 * A decision put to the attached eBPF programs.
 *
 * They run where the decision is made: in the caller's context, hard interrupts
 * included, inside of its RCU section with preemption off. BPF itself adds
 * rcu_read_lock(), and lets no program run that this CPU is already running: a
 * decision in an interrupt that hit the program is not answered by it, and the
 * next source is asked. The verifier bounds what a program may cost.
 *
 * With several programs attached each sees what those before it wrote, and the
 * last answer counts.
 */
#include <linux/string.h>

#include "bpf.h"
#include "mode_path.h"

/* On the stack: a per-CPU one would be in use when an interrupt decides, too. */
static void fill_ctx(struct mlproxy_bpf_ctx *ctx, const struct mlproxy *proxy,
		     const struct mlproxy_request *req, u32 allowed)
{
	BUILD_BUG_ON(MLPROXY_BPF_FEATURES != MLPROXY_MAX_FEATURES);

	memset(ctx, 0, sizeof(*ctx));
	ctx->schema_hash = proxy->schema.schema_hash;
	ctx->key = req->key;
	ctx->proxy_id = proxy->whole->id;
	ctx->instance = proxy->instance;
	ctx->baseline = req->baseline;
	ctx->allowed = allowed;
	ctx->nr_features = proxy->nr_features;
	memcpy(ctx->features, req->features, proxy->nr_features * sizeof(*ctx->features));
	ctx->action = MLPROXY_BPF_NO_ACTION;
}

/**
 * mlproxy_bpf_ask() - ask the attached programs
 * @proxy: the proxy
 * @req: the decision
 * @allowed: bit mask of the actions that are legal, not 0
 * @answer: out: what they propose, if they do
 *
 * An action that is not legal counts as refused, and is none.
 * Context: as mlproxy_decide(), in its RCU section. Return: whether there is a
 * proposal.
 */
noinline bool mlproxy_bpf_ask(struct mlproxy *proxy, const struct mlproxy_request *req,
			      u32 allowed, struct mlproxy_bpf_answer *answer)
{
	struct mlproxy_bpf_ctx ctx;
	u32 action;

	fill_ctx(&ctx, proxy, req, allowed);
	compat_trace(mlproxy_bpf_decide)(&ctx);
	this_cpu_inc(proxy->counters->bpf_calls);

	action = READ_ONCE(ctx.action);
	if (action == MLPROXY_BPF_NO_ACTION)
		return false;
	if (action >= MLPROXY_MAX_ACTIONS || !(allowed & BIT(action))) {
		mlproxy_mode_refused(proxy);
		return false;
	}
	answer->action = action;
	answer->version = ctx.version;
	answer->has_prediction = ctx.flags & MLPROXY_BPF_F_PREDICTED;
	answer->predicted = answer->has_prediction ? ctx.predicted : 0;
	return true;
}
