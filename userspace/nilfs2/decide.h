/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cleaner's decisions: how many segments to clean now, and by which policy. What the pace
 * and the operator's policy say is the baseline.
 */
#ifndef MLPROXY_NILFS2_DECIDE_H
#define MLPROXY_NILFS2_DECIDE_H

#include <stdint.h>

#include "pace.h"
#include "policy.h"

/**
 * struct decide_context - what is decided by
 * @nr_segments: of the file system
 * @limits: the operator's
 * @pace: how things are
 * @best_live: live blocks of the best segments by each policy, of 1000; 1000 if there is none
 */
struct decide_context {
	uint64_t nr_segments;
	const struct pace_limits *limits;
	const struct pace_view *pace;
	uint32_t best_live[NR_POLICIES];
};

/**
 * struct decider - who decides
 */
struct decider {
	const struct policy *policy;
};

/**
 * decide() - what to do now
 * @d: who decides
 * @c: what it is decided by
 * @plan: what the pace says; out: what is done
 *
 * An emergency is not decided on: it is greedy, and as much as goes into a call.
 * Return: the policy.
 */
const struct policy *decide(struct decider *d, const struct decide_context *c,
			    struct pace_plan *plan);

/**
 * decide_outcome() - what came of the last decision
 * @d: who decided
 * @copied: blocks
 * @freed: blocks
 */
void decide_outcome(struct decider *d, uint64_t copied, uint64_t freed);

#endif /* MLPROXY_NILFS2_DECIDE_H */
