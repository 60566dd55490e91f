/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences of the block layer's interface between kernels, for the test block
 * device. The names are those of the newest interface, with the prefix compat_.
 */
#ifndef _MLPROXY_COMPAT_BLK_H
#define _MLPROXY_COMPAT_BLK_H

#include <linux/blkdev.h>
#include <linux/err.h>
#include <linux/version.h>

/**
 * struct compat_blk_limits - what a simple disk has to say about its queue
 * @logical_bytes: logical block size
 * @physical_bytes: physical block size
 * @max_hw_sectors: longest request, in sectors of 512 bytes
 * @max_segments: most memory segments of a request
 */
struct compat_blk_limits {
	unsigned int logical_bytes;
	unsigned int physical_bytes;
	unsigned int max_hw_sectors;
	unsigned short max_segments;
};

/*
 * compat_blk_alloc_disk() - allocate a disk for a driver that works on bios
 *
 * A macro, since the lock class that blk_alloc_disk() defines must be one per
 * caller. Gives a disk that is not rotational and feeds no entropy, or ERR_PTR.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)

static inline struct queue_limits compat_queue_limits(const struct compat_blk_limits *lim)
{
	return (struct queue_limits) {
		.logical_block_size = lim->logical_bytes,
		.physical_block_size = lim->physical_bytes,
		.max_hw_sectors = lim->max_hw_sectors,
		.max_segments = lim->max_segments,
	};
}

#define compat_blk_alloc_disk(lim, node)				\
({									\
	struct queue_limits __lim = compat_queue_limits(lim);		\
									\
	blk_alloc_disk(&__lim, node);					\
})

#else

static inline struct gendisk *compat_blk_set_limits(struct gendisk *disk,
						    const struct compat_blk_limits *lim)
{
	if (!disk)
		return ERR_PTR(-ENOMEM);

	blk_queue_logical_block_size(disk->queue, lim->logical_bytes);
	blk_queue_physical_block_size(disk->queue, lim->physical_bytes);
	blk_queue_max_hw_sectors(disk->queue, lim->max_hw_sectors);
	blk_queue_max_segments(disk->queue, lim->max_segments);
	blk_queue_flag_set(QUEUE_FLAG_NONROT, disk->queue);
	blk_queue_flag_clear(QUEUE_FLAG_ADD_RANDOM, disk->queue);
	return disk;
}

#define compat_blk_alloc_disk(lim, node)				\
	compat_blk_set_limits(blk_alloc_disk(node), lim)

#endif

#endif /* _MLPROXY_COMPAT_BLK_H */
