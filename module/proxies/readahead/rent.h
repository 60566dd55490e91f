/* SPDX-License-Identifier: GPL-2.0-only */
/* What a page of the cache costs the others: see rent.c. */
#ifndef _MLPROXY_RA_RENT_H
#define _MLPROXY_RA_RENT_H

#include <linux/types.h>

struct ra_call;
struct ra_target;

int ra_rent_init(void);
int ra_rent_attach(void);
void ra_rent_detach(void);
void ra_rent_missed(const struct ra_call *call);
void ra_rent_sample(struct ra_target *target, u64 now_ns);

#endif /* _MLPROXY_RA_RENT_H */
