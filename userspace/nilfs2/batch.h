/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one call of NILFS_IOCTL_CLEAN_SEGMENTS is given.
 */
#ifndef MLPROXY_NILFS2_BATCH_H
#define MLPROXY_NILFS2_BATCH_H

#include "clean.h"

/**
 * struct batch - one call
 * @live: blocks to be copied
 * @dat: those of the DAT file to be copied
 * @dead: virtual numbers to be freed
 * @periods: in which these were in use: their checkpoints go
 * @nums: segments
 * @nr: how many
 * @room: blocks that may be copied: the kernel waits for ever for space it does not have
 */
struct batch {
	VEC(struct nilfs_vdesc) live;
	VEC(struct nilfs_bdesc) dat;
	VEC(uint64_t) dead;
	VEC(struct nilfs_period) periods;
	uint64_t nums[CLEAN_MOST];
	unsigned int nr;
	uint64_t room;
};

/**
 * batch_add() - add a segment that survey_segment() has just looked at
 * @b: call
 * @s: survey, with its blocks
 * @num: its number
 *
 * Return: 0; -ENOSPC if it does not fit, or -ENOMEM: the call is as it was then.
 */
int batch_add(struct batch *b, const struct survey *s, uint64_t num);

/** batch_copies() - how many blocks it has copied */
static inline uint64_t batch_copies(const struct batch *b)
{
	return b->live.nr + b->dat.nr;
}

void batch_free(struct batch *b);

#endif /* MLPROXY_NILFS2_BATCH_H */
