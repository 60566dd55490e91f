/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * mlproxy: what an eBPF program at a decision sees.
 *
 * A program of type BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, attached to the
 * tracepoint MLPROXY_BPF_TRACEPOINT, is asked before the recommendations and the
 * in-kernel model. Every proxy asks every program: one that is made for a proxy
 * looks at @schema_hash first and leaves the others alone. So that it can be attached
 * for a named proxy, it asks MLPROXY_BPF_IS_BOUND(), too: two proxies may have one schema.
 *
 *	MLPROXY_BPF_DECLARE_BOUND;
 *
 *	SEC("raw_tracepoint.w/mlproxy_bpf_decide")
 *	int decide(struct bpf_raw_tracepoint_args *args)
 *	{
 *		struct mlproxy_bpf_ctx *ctx = MLPROXY_BPF_CTX(args);
 *
 *		if (!MLPROXY_BPF_IS_BOUND(args) || ctx->schema_hash != MY_SCHEMA)
 *			return 0;
 */
#ifndef _UAPI_LINUX_MLPROXY_BPF_H
#define _UAPI_LINUX_MLPROXY_BPF_H

#include <linux/types.h>

#define MLPROXY_BPF_TRACEPOINT	"mlproxy_bpf_decide"
#define MLPROXY_BPF_NO_ACTION	0xffffffffU
#define MLPROXY_BPF_FEATURES	32	/* MLPROXY_MAX_FEATURES */

/**
 * struct mlproxy_bpf_ctx - a decision that is asked for
 * @schema_hash: of the proxy's schema
 * @key: entity the decision is about
 * @proxy_id: of the proxy, the same for all its instances
 * @baseline: action of the kernel's own algorithm
 * @allowed: bit mask of the actions that are legal here
 * @nr_features: valid entries in @features
 * @action: out: the action proposed, MLPROXY_BPF_NO_ACTION (its value before) for
 *	none; one that is not in @allowed is counted and ignored
 * @version: out: version of the logic; another one for each program that decides
 *	differently, since trust is earned by a version
 * @predicted: out: predicted reward of @action, in reward units
 * @flags: out: MLPROXY_BPF_F_PREDICTED if @predicted is one
 * @instance: instance of the proxy, 0 where there is but one
 * @reserved: 0; room for what programs of today don't know of
 * @features: the context, in schema order; 0 behind @nr_features
 *
 * A copy made for the program: what it writes elsewhere has no effect.
 */
struct mlproxy_bpf_ctx {
	__aligned_u64 schema_hash;
	__aligned_u64 key;
	__u32 proxy_id;
	__u32 baseline;
	__u32 allowed;
	__u32 nr_features;
	__u32 action;
	__u32 version;
	__s64 predicted;
	__u32 flags;
	__u32 instance;
	__aligned_u64 reserved[8];
	__s64 features[MLPROXY_BPF_FEATURES];
};

#define MLPROXY_BPF_F_PREDICTED	(1U << 0)

/*
 * What a program's argument points to. The verifier of 6.1 and 6.12 loses a pointer
 * of this kind that the compiler keeps on the stack, and says "invalid mem access
 * 'scalar'": a longer program asks for it anew at each use instead, and the compiler
 * cannot tell that it is the same.
 */
#define MLPROXY_BPF_CTX(args)						\
({									\
	struct bpf_raw_tracepoint_args *__args = (args);		\
									\
	__asm__ __volatile__("" : "+r"(__args));			\
	(struct mlproxy_bpf_ctx *)(unsigned long)__args->args[0];	\
})

/**
 * struct mlproxy_bpf_bound - the proxy that a program is attached for
 * @proxy_id: as in the context; 0: any
 * @instance: as in the context; 0: all of that proxy
 *
 * A constant of the program, MLPROXY_BPF_BOUND, that the loader fills in before the
 * verifier sees it ("mlproxy bpf attach --proxy"). A proxy that comes again has another
 * id.
 */
struct mlproxy_bpf_bound {
	__u32 proxy_id;
	__u32 instance;
};

#define MLPROXY_BPF_BOUND	"mlproxy_bound"

#define MLPROXY_BPF_DECLARE_BOUND					\
	const volatile struct mlproxy_bpf_bound mlproxy_bound = {}

/* Is the one that asks the proxy, or the instance, that the program is attached for? */
#define MLPROXY_BPF_IS_BOUND(args)					\
	((!mlproxy_bound.proxy_id ||					\
	  MLPROXY_BPF_CTX(args)->proxy_id == mlproxy_bound.proxy_id) &&	\
	 (!mlproxy_bound.instance ||					\
	  MLPROXY_BPF_CTX(args)->instance == mlproxy_bound.instance))

#endif /* _UAPI_LINUX_MLPROXY_BPF_H */
