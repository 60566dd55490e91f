/* SPDX-License-Identifier: GPL-2.0-only */
/* Where bench/core attaches the eBPF programs that the rings are compared with. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mlproxy_pathtest

#if !defined(_MLPROXY_TESTING_PATHTEST_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MLPROXY_TESTING_PATHTEST_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(mlproxy_pathtest,
	TP_PROTO(const s64 *values),
	TP_ARGS(values),
	TP_STRUCT__entry(__field(s64, value)),
	TP_fast_assign(__entry->value = *values;),
	TP_printk("value=%lld", __entry->value)
);

#endif /* _MLPROXY_TESTING_PATHTEST_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE pathtest_trace
#include <trace/define_trace.h>
