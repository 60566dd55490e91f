/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What of a task's CPU time is progress: plain arithmetic, shared with the unit tests.
 *
 * A miss takes CPU time outside of the hooked calls, too: to go to sleep, to wake up, to look
 * the page up again; and in a page fault to map the pages around it that were read. None of
 * that is what the application computes, and how often it happens depends on the window.
 * Where the device is nearly as fast as that, and little is computed on a page, small windows
 * would seem the better the more often they miss, and large ones the better the more they map
 * that nobody uses.
 *
 * All of it is counted in sixteenths ("parts") of the CPU time of one wait for a page, which
 * is measured on the machine. The numbers of parts fit what bench/readahead/reward shows:
 * with them, what actions differ by in reward is what they differ by in time.
 */
#ifndef _MLPROXY_PROGRESS_H
#define _MLPROXY_PROGRESS_H

#include "../../shared/port.h"

#define RA_WAIT_PARTS	16
/* a mark that read() came by: nobody waits, mostly */
#define RA_MARK_PARTS	8
/* and less than so much is not taken for what was computed on a page that was missed */
#define RA_LEAST_PARTS	8
/* pages mapped around a fault, at a part each: mm/memory.c, fault_around_bytes */
#define RA_FAULT_AROUND	16

/**
 * ra_useful_ns() - progress between two calls
 * @think_ns: CPU time of the task outside of both, not negative
 * @wait_ns: CPU time of a wait for a page
 * @waits: times that the task went to sleep from the begin of the first call on
 * @miss_parts: what a miss takes at least, if the first call was one: RA_WAIT_PARTS or
 *	RA_MARK_PARTS, else 0
 * @map_parts: pages that were mapped around, up to RA_FAULT_AROUND
 *
 * Return: nanoseconds, at most @think_ns.
 */
static inline s64 ra_useful_ns(s64 think_ns, u32 wait_ns, u32 waits, u32 miss_parts,
			       u32 map_parts)
{
	u64 parts = (u64)RA_WAIT_PARTS * waits;
	s64 least_ns = 0, useful_ns;

	if (parts < miss_parts)
		parts = miss_parts;
	parts += map_parts;
	if (miss_parts)
		least_ns = (u64)wait_ns * RA_LEAST_PARTS / RA_WAIT_PARTS;
	if (least_ns > think_ns)
		least_ns = think_ns;
	useful_ns = think_ns - (s64)(parts * wait_ns / RA_WAIT_PARTS);
	return useful_ns > least_ns ? useful_ns : least_ns;
}

/**
 * ra_latest() - the end of the time between two calls
 * @gap_ns: that time, not negative
 * @work_ns: what was done in it, hardly more than @gap_ns
 * @most_ns: of which no more is wanted, below 2^32
 * @latest_ns: out: as much as there is
 * @part_ns: out: what of @work_ns falls to it
 */
static inline void ra_latest(u64 gap_ns, u64 work_ns, u64 most_ns, u64 *latest_ns, u64 *part_ns)
{
	*latest_ns = gap_ns;
	*part_ns = work_ns;
	if (gap_ns <= most_ns)
		return;
	/* of 65536, in units in which a gap of some years fits */
	*latest_ns = most_ns;
	*part_ns = most_ns * (((work_ns >> 10) << 16) / (gap_ns >> 10)) >> 16;
}

#endif /* _MLPROXY_PROGRESS_H */
