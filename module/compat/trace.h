/* SPDX-License-Identifier: GPL-2.0-only */
/* Strings in trace events: __assign_str() lost its source argument in 6.10. */
#ifndef _MLPROXY_COMPAT_TRACE_H
#define _MLPROXY_COMPAT_TRACE_H

#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define compat_assign_str(dst, src) __assign_str(dst)
#else
#define compat_assign_str(dst, src) __assign_str(dst, src)
#endif

#endif /* _MLPROXY_COMPAT_TRACE_H */
