/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In what order one cleaning call has the blocks written. Plain C.
 *
 * The kernel gathers them by file and checkpoint, writes each such group by the place of
 * blocks in the file, and the groups from the last to the first, by their first mention. So
 * the order of groups is ours to choose, that within a group is not.
 */
#ifndef MLPROXY_NILFS2_ORDER_H
#define MLPROXY_NILFS2_ORDER_H

#include <stddef.h>

#include <nilfs.h>

#include "life.h"

enum order {
	ORDER_DISK,	/* as they lie on disk, which is what nilfs_cleanerd does */
	ORDER_AGE,	/* old groups first, by octaves of their age; then by file */
	ORDER_LIFE,	/* those first that are expected to live longest, by octaves */
	NR_ORDERS
};

extern const char *const order_names[NR_ORDERS];

/**
 * order_blocks() - put the blocks of a cleaning call in order
 * @v: live blocks
 * @nr: how many
 * @order: which
 * @now: the checkpoint that is being made
 * @life: for ORDER_LIFE
 *
 * Return: 0, or -ENOMEM; then the order is that on disk.
 */
int order_blocks(struct nilfs_vdesc *v, size_t nr, enum order order, uint64_t now,
		 const struct life_table *life);

#endif /* MLPROXY_NILFS2_ORDER_H */
