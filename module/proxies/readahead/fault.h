/* SPDX-License-Identifier: GPL-2.0-only */
/* A page fault that misses the cache. */
#ifndef _MLPROXY_RA_FAULT_H
#define _MLPROXY_RA_FAULT_H

#include <linux/mm_types.h>

vm_fault_t ra_fault(struct vm_fault *vmf);

#endif /* _MLPROXY_RA_FAULT_H */
