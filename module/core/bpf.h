/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * eBPF programs as the source of candidates, asked before all others.
 */
#ifndef _MLPROXY_BPF_H
#define _MLPROXY_BPF_H

#include "core.h"
#include "trace.h"

/**
 * struct mlproxy_bpf_answer - what a program proposed
 * @action: action, legal
 * @version: version of its logic
 * @predicted: predicted reward, 0 where it made no prediction
 * @has_prediction: whether it made one
 */
struct mlproxy_bpf_answer {
	u32 action;
	u32 version;
	s64 predicted;
	bool has_prediction;
};

/** mlproxy_bpf_attached() - is there a program; a patched jump, free if not */
static inline bool mlproxy_bpf_attached(void)
{
	return compat_trace_enabled(mlproxy_bpf_decide)();
}

bool mlproxy_bpf_ask(struct mlproxy *proxy, const struct mlproxy_request *req, u32 allowed,
		     struct mlproxy_bpf_answer *answer);

#endif /* _MLPROXY_BPF_H */
