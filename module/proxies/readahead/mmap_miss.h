/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own algorithm with its accounting corrected, to compare with. */
#ifndef _MLPROXY_RA_MMAP_MISS_H
#define _MLPROXY_RA_MMAP_MISS_H

#include <linux/mm_types.h>

vm_fault_t ra_mmap_miss_fault(struct vm_fault *vmf);

#endif /* _MLPROXY_RA_MMAP_MISS_H */
