/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When to clean, and how many segments. Plain C.
 */
#ifndef MLPROXY_NILFS2_PACE_H
#define MLPROXY_NILFS2_PACE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct pace_limits - what the operator wants
 * @emergency: with so few clean segments, clean at once
 * @low: with fewer than so many clean segments, cleaning begins
 * @high: with so many, it ends
 * @most: segments in one call, at most
 * @interval_ms: between calls
 * @check_ms: between looks while there is nothing to do
 */
struct pace_limits {
	uint64_t emergency;
	uint64_t low;
	uint64_t high;
	uint32_t most;
	uint32_t interval_ms;
	uint32_t check_ms;
};

/**
 * struct pace_view - how things are
 * @clean: clean segments
 * @written: segments that writers filled since the last call, copies not counted
 * @elapsed_ms: since the last call
 * @idle: nothing was read or written meanwhile, but by the cleaner
 * @best_is_empty: the best victim has next to no live blocks
 */
struct pace_view {
	uint64_t clean;
	uint64_t written;
	uint64_t elapsed_ms;
	bool idle;
	bool best_is_empty;
};

/**
 * struct pace - what is kept from call to call
 * @running: the low limit was passed, and the high one not yet
 */
struct pace {
	bool running;
};

/**
 * struct pace_plan - what to do
 * @segments: to clean now, may be 0
 * @wait_ms: until the next look
 * @emergency: take the cheapest ones, whatever the policy is
 */
struct pace_plan {
	uint32_t segments;
	uint32_t wait_ms;
	bool emergency;
};

/**
 * pace_limits_init() - limits from percentages
 * @l: out
 * @nsegs: segments of the file system
 * @reserved: those that writers may not have
 * @low_percent: below which cleaning begins
 * @high_percent: at which it ends, not below @low_percent
 *
 * Also with few segments @emergency < @low <= @high, and @emergency is above @reserved: with
 * no more than these left writers get "no space".
 */
void pace_limits_init(struct pace_limits *l, uint64_t nsegs, uint64_t reserved,
		      unsigned int low_percent, unsigned int high_percent);

/** pace_plan() - decide what to do now */
struct pace_plan pace_plan(struct pace *p, const struct pace_limits *l,
			   const struct pace_view *v);

#endif /* MLPROXY_NILFS2_PACE_H */
