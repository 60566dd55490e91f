/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Redirecting a traced function: the accessor for the instruction pointer was
 * renamed in 6.2, and which flags make it writable depends on whether the
 * architecture passes the arguments' registers always or on request.
 */
#ifndef _MLPROXY_COMPAT_FTRACE_H
#define _MLPROXY_COMPAT_FTRACE_H

#include <linux/ftrace.h>
#include <linux/version.h>

#ifdef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
#define COMPAT_FTRACE_REDIRECT FTRACE_OPS_FL_IPMODIFY
#else
#define COMPAT_FTRACE_REDIRECT (FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY)
#endif

static __always_inline void compat_ftrace_redirect(struct ftrace_regs *fregs, unsigned long ip)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	ftrace_regs_set_instruction_pointer(fregs, ip);
#else
	ftrace_instruction_pointer_set(fregs, ip);
#endif
}

#endif /* _MLPROXY_COMPAT_FTRACE_H */
