/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The order that misses come in: of all readers of a file, or of one task in it.
 *
 * Threads that read one file by turns look as if they read at random, however much in order
 * each of them reads. So where several tasks read a file, each has an order of its own, kept
 * with the task; but for that, one that is handed from thread to thread still shows in the
 * file's.
 */
#ifndef _MLPROXY_RA_ORDER_H
#define _MLPROXY_RA_ORDER_H

#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>

#define RA_RECENT	6	/* places remembered */
#define RA_STREAMS	4	/* followed at a time */
#define RA_NEAR_PAGES	32	/* two misses this close are one place */
#define RA_NEAR_RECENT	4	/* to one of so many */
#define RA_CROWD_TURNS	2	/* of other tasks, that show that several read a file */

/**
 * struct ra_stream - backward or strided stream of one file
 * @frontier: first page of the next piece to prefetch; for a backward stream
 *	the lowest page prefetched
 * @delta: distance of its reads, in pages; 0: backward without gaps
 * @used_us: when it was used last, in 1024 ns
 * @depth: pages to keep ahead of the reader; 0 for a free slot
 * @req: pages of one read of it
 * @followed: the reader came back for more
 */
struct ra_stream {
	u32 frontier;
	s32 delta;
	u32 used_us;
	u16 depth;
	u8 req;
	bool followed;
};

/**
 * struct ra_order - the order that misses come in
 * @recent: places of the last calls, the last one first
 * @expected: page where a sequential reader misses next, 32 bits of it
 * @reach: pages below the last page fault that were read with it
 * @nr_recent: valid entries of @recent
 * @streams: backward and strided streams
 */
struct ra_order {
	u32 recent[RA_RECENT];
	u32 expected;
	u16 reach;
	u8 nr_recent;
	struct ra_stream streams[RA_STREAMS];
};

/**
 * ra_order_add() - remember a place
 * @o: order
 * @index: page
 */
static inline void ra_order_add(struct ra_order *o, u32 index)
{
	unsigned int i;

	for (i = RA_RECENT - 1; i; i--)
		o->recent[i] = o->recent[i - 1];
	o->recent[0] = index;
	o->nr_recent = min(o->nr_recent + 1, RA_RECENT);
}

/**
 * ra_order_near() - is a place close to one of the last few
 * @o: order
 * @index: page
 *
 * Return: true if so.
 */
static inline bool ra_order_near(const struct ra_order *o, u32 index)
{
	unsigned int i;

	for (i = 0; i < min_t(u32, o->nr_recent, RA_NEAR_RECENT); i++)
		if (abs((s32)(index - o->recent[i])) <= RA_NEAR_PAGES)
			return true;
	return false;
}

/**
 * ra_order_continues() - does a miss lie where the one before has said
 * @o: order
 * @index: page
 *
 * Return: true if so.
 */
static inline bool ra_order_continues(const struct ra_order *o, u32 index)
{
	return o->nr_recent && index == o->expected;
}

#endif /* _MLPROXY_RA_ORDER_H */
