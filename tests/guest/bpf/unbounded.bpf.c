// SPDX-License-Identifier: GPL-2.0-only
/* A loop as long as a feature says: the verifier must refuse it. */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <linux/mlproxy_bpf.h>

SEC("raw_tracepoint.w/" MLPROXY_BPF_TRACEPOINT)
int decide(struct bpf_raw_tracepoint_args *args)
{
	struct mlproxy_bpf_ctx *ctx = MLPROXY_BPF_CTX(args);
	__u64 n = ctx->features[0];

	while (n--)
		ctx->version += bpf_get_prandom_u32();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
