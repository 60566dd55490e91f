/* SPDX-License-Identifier: GPL-2.0-only */
/* The outer experiment on the decision path; see cost.c. */
#ifndef _MLPROXY_COST_H
#define _MLPROXY_COST_H

#include "core.h"
#include "outer.h"
#include "trust.h"

/**
 * struct outer_arms - the outer experiment as it is now, for one unit
 * @place: where the unit is
 * @base: share of units that are held to the baseline, of 65536
 * @model: share of units that are held to the policy
 * @held: are decisions of the unit held to its arm
 */
struct outer_arms {
	struct outer_place place;
	u32 base;
	u32 model;
	bool held;
};

void mlproxy_outer_arms(const struct mlproxy *proxy, u64 trust, u32 mode, u64 key, u64 now_ns,
			struct outer_arms *arms);

#endif /* _MLPROXY_COST_H */
