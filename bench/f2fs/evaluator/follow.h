/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A sample of the living blocks, followed through the age bins of survival.h. All that are in a
 * bin leave it in the order in which they were born, so each bin has a queue, and only its head
 * must be looked at: a block's step to the next bin is seen at once and costs the same however
 * many are followed.
 *
 * Plain integer arithmetic, for the kernel and for user space: no allocation, no locks. Who calls
 * it serialises.
 */
#ifndef _MLPROXY_F2FS_FOLLOW_H
#define _MLPROXY_F2FS_FOLLOW_H

#include "survival.h"

/**
 * struct surv_followed - a block of the sample
 * @born: when it was written, in blocks written
 * @next: in its bin's queue, the younger
 * @prev: the older
 * @context: its narrowest one, the caller's number
 * @bin: that it has reached
 */
struct surv_followed {
	u32 born;
	u16 next, prev;
	u16 context;
	u8 bin;
};

/**
 * struct surv_sample - those that are followed
 * @blocks: the caller's memory; [0] stands for none
 * @nr: how many there is room for, that one included, at most 65536
 * @used: so many of @blocks were ever taken
 * @free: one that was given back, the others behind it, or 0
 * @first: of a bin's queue, the oldest, or 0
 * @last: the youngest
 */
struct surv_sample {
	struct surv_followed *blocks;
	u32 nr, used;
	u16 free;
	u16 first[SURV_BINS], last[SURV_BINS];
};

static inline void surv_queue(struct surv_sample *f, u16 id, u32 bin)
{
	struct surv_followed *b = &f->blocks[id];

	b->bin = (u8)bin;
	b->next = 0;
	b->prev = f->last[bin];
	if (b->prev)
		f->blocks[b->prev].next = id;
	else
		f->first[bin] = id;
	f->last[bin] = id;
}

static inline void surv_unqueue(struct surv_sample *f, u16 id)
{
	struct surv_followed *b = &f->blocks[id];

	if (b->prev)
		f->blocks[b->prev].next = b->next;
	else
		f->first[b->bin] = b->next;
	if (b->next)
		f->blocks[b->next].prev = b->prev;
	else
		f->last[b->bin] = b->prev;
}

/**
 * surv_follow() - a block is born and will be followed
 * @f: the sample
 * @born: now, no less than in the call before
 * @context: its narrowest one
 *
 * The caller counts it as entering bin 0.
 * Context: any. Return: its number, or 0 if there is no room.
 */
static inline u16 surv_follow(struct surv_sample *f, u32 born, u16 context)
{
	u16 id = f->free;

	if (id)
		f->free = f->blocks[id].next;
	else if (f->used + 1 < f->nr)
		id = (u16)(f->used += 1);
	else
		return 0;
	f->blocks[id].born = born;
	f->blocks[id].context = context;
	surv_queue(f, id, 0);
	return id;
}

/**
 * surv_leave() - a block that was followed is dead
 * @f: the sample
 * @id: its number
 *
 * Its bin and context may be read until the next surv_follow().
 * Context: any.
 */
static inline void surv_leave(struct surv_sample *f, u16 id)
{
	surv_unqueue(f, id);
	f->blocks[id].next = f->free;
	f->free = id;
}

/**
 * surv_step() - the next block that has got too old for a bin
 * @f: the sample
 * @bin: which
 * @now: in blocks written
 * @unit: as surv_bin()'s
 *
 * It is in the next bin's queue then; the caller counts it as entering that. To be called until
 * there is none, for each bin from the last to the first now and then.
 * Context: any. Return: its number, or 0.
 */
static inline u16 surv_step(struct surv_sample *f, u32 bin, u32 now, u32 unit)
{
	u16 id = f->first[bin];
	u32 to = bin + 1 == SURV_EMPTY ? bin + 2 : bin + 1;

	if (!id || to >= SURV_BINS || now - f->blocks[id].born < surv_edge(to, unit))
		return 0;
	surv_unqueue(f, id);
	surv_queue(f, id, to);
	return id;
}

#endif /* _MLPROXY_F2FS_FOLLOW_H */
