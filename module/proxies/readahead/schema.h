/* SPDX-License-Identifier: GPL-2.0-only */
/* The context of a decision and the states, as user space sees them. */
#ifndef _MLPROXY_RA_SCHEMA_H
#define _MLPROXY_RA_SCHEMA_H

#include <mlproxy/mlproxy.h>

/* Features, in schema order; schema.c has units and ranges. */
enum ra_feature {
	RA_F_MMAP_SHARE,
	RA_F_SEQ_SHARE,
	RA_F_ASYNC_SHARE,
	RA_F_STRIDE_SHARE,
	RA_F_BACK_SHARE,
	RA_F_NEAR_SHARE,
	RA_F_DISTANCE,
	RA_F_REQUEST,
	RA_F_READ,
	RA_F_WINDOW,
	RA_F_STALL,
	RA_F_THINK,
	RA_F_PROGRESS,
	RA_F_DEV_LATENCY,
	RA_F_DEV_DEPTH,
	RA_F_DEV_RATE,
	RA_F_ACTIVE_FILES,
	RA_F_FILE_SIZE,
	RA_F_FREE_MEMORY,
	RA_F_REFAULT_SHARE,
	RA_F_RENT,
	RA_F_DEV_WINDOW,
	RA_NR_FEATURES
};

/* Smallest log2 (Q8) of a share that is told apart from none. */
#define RA_REWARD_MIN	(-4096)

/* Time that a decision saves, in us: more than an epoch takes. */
#define RA_LEDGER_MAX	10000000

extern const struct mlproxy_feature ra_features[RA_NR_FEATURES];
extern const struct mlproxy_feature ra_states[MLPROXY_MAX_STATES];

#endif /* _MLPROXY_RA_SCHEMA_H */
