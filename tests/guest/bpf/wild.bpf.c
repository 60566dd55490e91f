// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that writes over everything it is given, and takes ACTION, which the
 * Makefile defines: a legal one, or one that no proxy has.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <linux/mlproxy_bpf.h>

SEC("raw_tracepoint.w/" MLPROXY_BPF_TRACEPOINT)
int decide(struct bpf_raw_tracepoint_args *args)
{
	struct mlproxy_bpf_ctx *ctx = MLPROXY_BPF_CTX(args);

	ctx->schema_hash = 0;
	ctx->key = ~0ULL;
	ctx->proxy_id = ~0U;
	ctx->baseline = 3;
	ctx->allowed = ~0U;
	ctx->nr_features = 1000;
	ctx->features[0] = -1;
	ctx->features[1] = -1;
	ctx->features[MLPROXY_BPF_FEATURES - 1] = -1;
	ctx->reserved[7] = ~0ULL;
	ctx->instance = ~0U;
	ctx->version = 77;
	ctx->predicted = -5;
	ctx->action = ACTION;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
