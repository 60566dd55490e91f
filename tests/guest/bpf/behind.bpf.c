// SPDX-License-Identifier: GPL-2.0-only
/* Writes behind the end of the structure: the kernel must not attach it. */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <linux/mlproxy_bpf.h>

SEC("raw_tracepoint.w/" MLPROXY_BPF_TRACEPOINT)
int decide(struct bpf_raw_tracepoint_args *args)
{
	struct mlproxy_bpf_ctx *ctx = MLPROXY_BPF_CTX(args);

	*(__u64 *)(ctx + 1) = 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
