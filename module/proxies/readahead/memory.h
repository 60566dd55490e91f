/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory that a reader may fill. */
#ifndef _MLPROXY_RA_MEMORY_H
#define _MLPROXY_RA_MEMORY_H

#include <linux/types.h>

#define RA_MEMORY_SHARE	32	/* of memory, at most, is read ahead at a time */

u64 ra_memory_share(void);
u32 ra_memory_free(void);
unsigned long ra_memory_stay(void);

#endif /* _MLPROXY_RA_MEMORY_H */
