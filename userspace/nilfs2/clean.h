/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One step of the cleaner: look, decide, clean.
 */
#ifndef MLPROXY_NILFS2_CLEAN_H
#define MLPROXY_NILFS2_CLEAN_H

#include "decide.h"
#include "lock.h"
#include "order.h"
#include "survey.h"

#define CLEAN_MOST	32	/* segments in one call */

/**
 * struct clean_totals - what was done
 * @calls: of NILFS_IOCTL_CLEAN_SEGMENTS
 * @segments: cleaned
 * @copied: blocks that were alive in them
 * @freed: blocks that were won: their capacity less @copied
 * @emergencies: calls because of too few clean segments
 */
struct clean_totals {
	uint64_t calls;
	uint64_t segments;
	uint64_t copied;
	uint64_t freed;
	uint64_t emergencies;
};

/**
 * struct cleaner - all there is
 * @fs: the file system
 * @lock: over it
 * @survey: live counts
 * @limits: the operator's
 * @pace: state of pacing
 * @decider: who decides
 * @order: of blocks in a call
 * @protect_seconds: checkpoints of so many seconds are kept
 * @min_reclaimable: percent of a segment that cleaning it must give
 * @verbose: say what each call did
 * @stop: a signal came
 * @totals: what was done
 * @last: what was at the end of the last step
 */
struct cleaner {
	struct fs fs;
	struct lock lock;
	struct survey survey;
	struct pace_limits limits;
	struct pace pace;
	struct decider decider;
	enum order order;
	uint64_t protect_seconds;
	unsigned int min_reclaimable;
	bool verbose;
	const volatile int *stop;
	struct clean_totals totals;
	struct clean_last {
		uint64_t ms, clean, ios, written, cno0;
	} last;
};

/**
 * clean_step() - look, decide, and clean what is to be cleaned
 * @c: cleaner
 * @wait_ms: out: until the next step
 *
 * Return: 0, or a negative error number after which there is no sense in going on.
 */
int clean_step(struct cleaner *c, uint32_t *wait_ms);

/**
 * clean_now() - clean some segments, whatever the pace is
 * @c: cleaner
 * @segments: how many at most
 *
 * Return: how many; or a negative error number.
 */
int clean_now(struct cleaner *c, unsigned int segments);

/** clean_free() - give memory back */
void clean_free(struct cleaner *c);

#endif /* MLPROXY_NILFS2_CLEAN_H */
