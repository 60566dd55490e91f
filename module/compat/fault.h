/* SPDX-License-Identifier: GPL-2.0-only */
/* The lock that a page fault comes with: that of the mapping alone is one of them since 6.4. */
#ifndef _MLPROXY_COMPAT_FAULT_H
#define _MLPROXY_COMPAT_FAULT_H

#include <linux/mm.h>
#include <linux/version.h>

/* Not to be called but for a fault that may be made again; @vmf->vma is not to be used after it. */
static inline void compat_release_fault_lock(struct vm_fault *vmf)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	release_fault_lock(vmf);
#else
	/* Faults of files came with no other one. */
	mmap_read_unlock(vmf->vma->vm_mm);
#endif
}

#endif /* _MLPROXY_COMPAT_FAULT_H */
