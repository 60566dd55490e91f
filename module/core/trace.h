/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trace events, system "mlproxy": each step of the loop, free while disabled.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mlproxy

#if !defined(_MLPROXY_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MLPROXY_TRACE_H

#include <linux/tracepoint.h>

#include <mlproxy/mlproxy.h>
#include <linux/mlproxy_bpf.h>
#include "compat/trace.h"

TRACE_EVENT(mlproxy_decision,
	TP_PROTO(const char *name, const struct mlproxy_request *req,
		 const struct mlproxy_decision *decision),
	TP_ARGS(name, req, decision),
	TP_STRUCT__entry(
		__string(name, name)
		__field(u64, id)
		__field(u64, key)
		__field(u32, model_version)
		__field(u32, prob_q31)
		__field(u8, baseline)
		__field(u8, action)
		__field(u8, source)
		__field(u8, mode)
	),
	TP_fast_assign(
		compat_assign_str(name, name);
		__entry->id = decision->id;
		__entry->key = req->key;
		__entry->model_version = decision->model_version;
		__entry->prob_q31 = decision->prob_q31;
		__entry->baseline = decision->baseline;
		__entry->action = decision->action;
		__entry->source = decision->source;
		__entry->mode = decision->mode;
	),
	TP_printk("proxy=%s id=%llu key=%llx baseline=%u action=%u source=%u mode=%u prob_q31=%u version=%u",
		  __get_str(name), __entry->id, __entry->key, __entry->baseline,
		  __entry->action, __entry->source, __entry->mode,
		  __entry->prob_q31, __entry->model_version)
);

TRACE_EVENT(mlproxy_feedback,
	TP_PROTO(const char *name, const struct mlproxy_decision *decision, s64 reward),
	TP_ARGS(name, decision, reward),
	TP_STRUCT__entry(
		__string(name, name)
		__field(u64, id)
		__field(s64, reward)
		__field(u8, action)
		__field(u8, source)
	),
	TP_fast_assign(
		compat_assign_str(name, name);
		__entry->id = decision->id;
		__entry->reward = reward;
		__entry->action = decision->action;
		__entry->source = decision->source;
	),
	TP_printk("proxy=%s id=%llu action=%u source=%u reward=%lld", __get_str(name),
		  __entry->id, __entry->action, __entry->source, __entry->reward)
);

DECLARE_EVENT_CLASS(mlproxy_change,
	TP_PROTO(const char *name, u32 from, u32 to, u32 reason),
	TP_ARGS(name, from, to, reason),
	TP_STRUCT__entry(
		__string(name, name)
		__field(u32, from)
		__field(u32, to)
		__field(u32, reason)
	),
	TP_fast_assign(
		compat_assign_str(name, name);
		__entry->from = from;
		__entry->to = to;
		__entry->reason = reason;
	),
	TP_printk("proxy=%s from=%u to=%u reason=%u", __get_str(name), __entry->from,
		  __entry->to, __entry->reason)
);

DEFINE_EVENT(mlproxy_change, mlproxy_state,
	TP_PROTO(const char *name, u32 from, u32 to, u32 reason),
	TP_ARGS(name, from, to, reason));

DEFINE_EVENT(mlproxy_change, mlproxy_model,
	TP_PROTO(const char *name, u32 from, u32 to, u32 reason),
	TP_ARGS(name, from, to, reason));

TRACE_EVENT(mlproxy_mode,
	TP_PROTO(const char *name, const struct mlproxy_transition *t),
	TP_ARGS(name, t),
	TP_STRUCT__entry(
		__string(name, name)
		__field(u32, from)
		__field(u32, to)
		__field(u32, reason)
		__field(u32, version)
		__field(u64, n_baseline)
		__field(u64, n_model)
		__field(s64, gain_q16)
		__field(s64, low_q16)
		__field(s64, high_q16)
		__field(s64, value)
		__field(s64, limit)
		__field(u32, verdict)
	),
	TP_fast_assign(
		compat_assign_str(name, name);
		__entry->from = t->from;
		__entry->to = t->to;
		__entry->reason = t->reason;
		__entry->version = t->evidence.model_version;
		__entry->n_baseline = t->evidence.n[MLPROXY_ARM_BASELINE];
		__entry->n_model = t->evidence.n[MLPROXY_ARM_MODEL];
		__entry->gain_q16 = t->evidence.gain_q16;
		__entry->low_q16 = t->evidence.low_q16;
		__entry->high_q16 = t->evidence.high_q16;
		__entry->value = t->evidence.value;
		__entry->limit = t->evidence.limit;
		__entry->verdict = t->evidence.verdict;
	),
	TP_printk("proxy=%s from=%u to=%u reason=%u version=%u n=%llu/%llu gain_q16=%lld low_q16=%lld high_q16=%lld value=%lld limit=%lld verdict=%u",
		  __get_str(name), __entry->from, __entry->to, __entry->reason,
		  __entry->version, __entry->n_baseline, __entry->n_model,
		  __entry->gain_q16, __entry->low_q16, __entry->high_q16,
		  __entry->value, __entry->limit, __entry->verdict)
);

TRACE_EVENT(mlproxy_recommendation,
	TP_PROTO(const char *name, const struct mlproxy_recommendation *rec, int result),
	TP_ARGS(name, rec, result),
	TP_STRUCT__entry(
		__string(name, name)
		__field(u64, key)
		__field(u32, ttl_ms)
		__field(u32, action)
		__field(u32, confidence)
		__field(int, result)
	),
	TP_fast_assign(
		compat_assign_str(name, name);
		__entry->key = rec->key;
		__entry->ttl_ms = rec->ttl_ms;
		__entry->action = rec->action;
		__entry->confidence = rec->confidence;
		__entry->result = result;
	),
	TP_printk("proxy=%s key=%llx action=%u confidence=%u ttl_ms=%u result=%d",
		  __get_str(name), __entry->key, __entry->action, __entry->confidence,
		  __entry->ttl_ms, __entry->result)
);

TRACE_EVENT(mlproxy_loss,
	TP_PROTO(unsigned int cpu, u64 seq, u32 len),
	TP_ARGS(cpu, seq, len),
	TP_STRUCT__entry(
		__field(unsigned int, cpu)
		__field(u64, seq)
		__field(u32, len)
	),
	TP_fast_assign(
		__entry->cpu = cpu;
		__entry->seq = seq;
		__entry->len = len;
	),
	TP_printk("cpu=%u seq=%llu len=%u", __entry->cpu, __entry->seq, __entry->len)
);

/*
 * Where eBPF programs decide. Bare: tracefs has no event of it; writable: they may
 * write into what it points to. Only the pass that makes the attachment points
 * for BPF knows writable ones.
 */
#undef MLPROXY_DECLARE_TRACE
#ifdef DECLARE_TRACE_WRITABLE
#define MLPROXY_DECLARE_TRACE(name, proto, args, size)				\
	DECLARE_TRACE_WRITABLE(name, PARAMS(proto), PARAMS(args), size)
#else
#define MLPROXY_DECLARE_TRACE(name, proto, args, size)				\
	DECLARE_TRACE(name, PARAMS(proto), PARAMS(args))
#endif

MLPROXY_DECLARE_TRACE(mlproxy_bpf_decide,
	TP_PROTO(struct mlproxy_bpf_ctx *ctx),
	TP_ARGS(ctx),
	sizeof(struct mlproxy_bpf_ctx)
);

#endif /* _MLPROXY_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
