// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hand-made logic for readahead, to compare a model with: double the window of a file
 * whose misses go on where the last window ended, halve that of one whose misses do
 * not.
 *
 *	mlproxy bpf attach build/examples/bpf/readahead.bpf.o --name rule
 *	mlproxy mode readahead recommendation
 *	mlproxy bpf detach rule
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <linux/mlproxy_bpf.h>

/* Of the schema that it was written for: mlproxy schema readahead */
#define READAHEAD_SCHEMA	0xda1a925be36379c3ULL
#define VERSION			1

/* Features, as the schema numbers them; shares in 1/256, logarithms in 1/256. */
enum { SEQ_SHARE = 1, ASYNC_SHARE = 2, NEAR_SHARE = 5, WINDOW = 9 };

/* Actions by their window, which "kernel" has between 64K and 256K: 128 KiB. */
enum { KERNEL, NONE, W16K, W32K, W64K, W256K, W1M, W4M };

static __always_inline __u32 step_of(__s64 window)
{
	/* half way between log2(1 + pages) of the neighbours */
	return window < 297 ? 0 : window < 702 ? 1 : window < 928 ? 2 : window < 1168 ? 3 :
	       window < 1416 ? 4 : window < 1795 ? 5 : window < 2304 ? 6 : 7;
}

static __always_inline __u32 action_of(__u32 step)
{
	return step == 0 ? NONE : step == 1 ? W16K : step == 2 ? W32K : step == 3 ? W64K :
	       step == 4 ? KERNEL : step == 5 ? W256K : step == 6 ? W1M : W4M;
}

/* For `mlproxy bpf attach --proxy`. */
MLPROXY_BPF_DECLARE_BOUND;

SEC("raw_tracepoint.w/" MLPROXY_BPF_TRACEPOINT)
int decide(struct bpf_raw_tracepoint_args *args)
{
	__s64 going_on, near;
	__u32 step, action;

	/* Every proxy asks. */
	if (!MLPROXY_BPF_IS_BOUND(args) ||
	    MLPROXY_BPF_CTX(args)->schema_hash != READAHEAD_SCHEMA)
		return 0;
	going_on = MLPROXY_BPF_CTX(args)->features[SEQ_SHARE] +
		   MLPROXY_BPF_CTX(args)->features[ASYNC_SHARE];
	near = MLPROXY_BPF_CTX(args)->features[NEAR_SHARE];
	if (near > going_on)
		going_on = near;
	step = step_of(MLPROXY_BPF_CTX(args)->features[WINDOW]);
	if (going_on >= 128 && step < 7)
		step++;
	else if (going_on < 64 && step > 0)
		step--;
	action = action_of(step);
	if (!(MLPROXY_BPF_CTX(args)->allowed & 1U << action))
		return 0;
	MLPROXY_BPF_CTX(args)->action = action;
	MLPROXY_BPF_CTX(args)->version = VERSION;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
