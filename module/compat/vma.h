/* SPDX-License-Identifier: GPL-2.0-only */
/* Flags of a vm_area_struct: vm_flags became read-only in 6.3. */
#ifndef _MLPROXY_COMPAT_VMA_H
#define _MLPROXY_COMPAT_VMA_H

#include <linux/mm.h>
#include <linux/version.h>

static inline void compat_vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set,
				       vm_flags_t clear)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

#endif /* _MLPROXY_COMPAT_VMA_H */
