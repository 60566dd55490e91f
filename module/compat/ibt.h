/* SPDX-License-Identifier: GPL-2.0-only */
/* CPUs that track indirect branches (IBT) take only functions that begin with ENDBR64. */
#ifndef _MLPROXY_COMPAT_IBT_H
#define _MLPROXY_COMPAT_IBT_H

#include <linux/types.h>

#ifdef CONFIG_X86_KERNEL_IBT
#include <asm/cpufeature.h>
#include <asm/ibt.h>
#endif

/*
 * May a function be called by its address? The kernel takes the mark away at boot where it
 * never does so itself, and exports no such function.
 */
static inline bool compat_may_be_called(const void *function)
{
#ifdef CONFIG_X86_KERNEL_IBT
	return !cpu_feature_enabled(X86_FEATURE_IBT) ||
	       *(const u32 *)function == gen_endbr();
#else
	return true;
#endif
}

#endif /* _MLPROXY_COMPAT_IBT_H */
