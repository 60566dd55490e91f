/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which blocks of a segment must be kept: what the present state, a snapshot or a checkpoint
 * in its protection period can reach. Plain C; the kernel is not asked.
 */
#ifndef MLPROXY_NILFS2_LIVE_H
#define MLPROXY_NILFS2_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nilfs.h>

/**
 * struct live_view - what keeps blocks alive beside the present state
 * @now: number of the checkpoint that is being made
 * @protect: the first checkpoint that is protected
 * @snapshots: their checkpoint numbers, ascending
 * @nr_snapshots: how many
 */
struct live_view {
	uint64_t now;
	uint64_t protect;
	const uint64_t *snapshots;
	size_t nr_snapshots;
};

/**
 * live_block() - must this block be kept?
 * @v: the block, with its period
 * @view: what keeps blocks
 */
bool live_block(const struct nilfs_vdesc *v, const struct live_view *view);

/**
 * live_dat_block() - the same of a block of the DAT file, whose place says it
 * @b: the block, as GET_BDESCS answered
 */
static inline bool live_dat_block(const struct nilfs_bdesc *b)
{
	return b->bd_oblocknr == b->bd_blocknr;
}

/**
 * live_unify_periods() - join periods that touch or overlap
 * @p: periods; sorted afterwards
 * @nr: how many
 *
 * Return: how many are left.
 */
size_t live_unify_periods(struct nilfs_period *p, size_t nr);

#endif /* MLPROXY_NILFS2_LIVE_H */
