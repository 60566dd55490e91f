/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which segments to clean first. Plain C.
 */
#ifndef MLPROXY_NILFS2_POLICY_H
#define MLPROXY_NILFS2_POLICY_H

#include <stddef.h>

#include "segment.h"

/**
 * struct policy_view - what segments are judged by
 * @now: seconds since the epoch
 * @protect_seconds: a segment that was written later than so long ago is left alone
 * @blocks_per_segment: its capacity
 * @min_reclaimable: blocks that cleaning it must give, at least
 */
struct policy_view {
	uint64_t now;
	uint64_t protect_seconds;
	uint32_t blocks_per_segment;
	uint32_t min_reclaimable;
};

/**
 * struct policy - a way to choose segments
 * @name: as the operator writes it
 * @cost: the segment with the lowest cost is cleaned first
 * @counts: whether @cost looks at live blocks: if not, none need be counted
 *
 * A model takes part as a @cost of its own: what it looks at is in struct segment.
 */
struct policy {
	const char *name;
	int64_t (*cost)(const struct segment *s, const struct policy_view *view);
	bool counts;
};

enum {
	POLICY_TIMESTAMP,	/* the oldest, as nilfs_cleanerd does */
	POLICY_GREEDY,		/* the fewest live blocks */
	POLICY_COST_BENEFIT,	/* what is won, by age, over what it costs */
	POLICY_LIFETIME,	/* greedy, but blocks that will die soon cost more: they can wait */
	NR_POLICIES
};

extern const struct policy policies[NR_POLICIES];

/** policy_find() - by its name; NULL if there is none */
const struct policy *policy_find(const char *name);

/** policy_eligible() - may this segment be cleaned at all? */
bool policy_eligible(const struct segment *s, const struct policy_view *view);

/**
 * policy_rank() - the best segments, in order
 * @segments: all
 * @nr: how many
 * @policy: how to choose
 * @view: what segments are judged by
 * @best: out: indices of the chosen ones
 * @most: room in @best
 *
 * Of segments that cost the same the one with the lower number comes first.
 * Return: how many were found, at most @most.
 */
size_t policy_rank(const struct segment *segments, size_t nr, const struct policy *policy,
		   const struct policy_view *view, size_t *best, size_t most);

#endif /* MLPROXY_NILFS2_POLICY_H */
