// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hand-made logic for the synthetic proxy: its best policy, in eBPF.
 *
 *	mlproxy bpf attach build/examples/bpf/synth.bpf.o
 *	echo 100000 > /sys/module/mlproxy_synth/parameters/run
 *	cat /sys/module/mlproxy_synth/parameters/best_percent
 *	mlproxy bpf detach synth
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <linux/mlproxy_bpf.h>

/* Of the schema that it was written for: mlproxy schema synth */
#define SYNTH_SCHEMA	0x6d762271edb6fcd1ULL
#define VERSION		1

enum { LOAD, SIZE, CLASS };
enum { NONE, LOW, MIDDLE, HIGH };

/* For `mlproxy bpf attach --proxy`. */
MLPROXY_BPF_DECLARE_BOUND;

SEC("raw_tracepoint.w/" MLPROXY_BPF_TRACEPOINT)
int decide(struct bpf_raw_tracepoint_args *args)
{
	struct mlproxy_bpf_ctx *ctx = MLPROXY_BPF_CTX(args);
	__u32 action;

	/* Every proxy asks. */
	if (!MLPROXY_BPF_IS_BOUND(args) || ctx->schema_hash != SYNTH_SCHEMA)
		return 0;
	action = ctx->features[LOAD] < 64 ? LOW : ctx->features[LOAD] < 160 ? MIDDLE : HIGH;
	if (ctx->features[SIZE] >= 4096)
		action = HIGH - action;
	if (ctx->features[CLASS] == 3)
		action = NONE;
	/* Better no answer than one that is not allowed here. */
	if (!(ctx->allowed & 1U << action))
		return 0;
	ctx->action = action;
	ctx->version = VERSION;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
