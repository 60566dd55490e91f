/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trace events: __assign_str() lost its source argument in 6.10. Bare tracepoints
 * got the suffix _tp, from the kernel on that knows DECLARE_TRACE_EVENT() as well.
 */
#ifndef _MLPROXY_COMPAT_TRACE_H
#define _MLPROXY_COMPAT_TRACE_H

#include <linux/tracepoint.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define compat_assign_str(dst, src) __assign_str(dst)
#else
#define compat_assign_str(dst, src) __assign_str(dst, src)
#endif

/* compat_trace(name)(...) passes the bare tracepoint; the other asks for its key. */
#ifdef DECLARE_TRACE_EVENT
#define compat_trace(name) trace_##name##_tp
#define compat_trace_enabled(name) trace_##name##_tp_enabled
#else
#define compat_trace(name) trace_##name
#define compat_trace_enabled(name) trace_##name##_enabled
#endif

#endif /* _MLPROXY_COMPAT_TRACE_H */
