/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether the reads of the current task's group are held back. */
#ifndef _MLPROXY_RA_CONGESTED_H
#define _MLPROXY_RA_CONGESTED_H

#include <linux/types.h>

void ra_congested_init(void);
bool ra_congested(void);

#endif /* _MLPROXY_RA_CONGESTED_H */
