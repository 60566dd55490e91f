/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences of the block layer's interface between kernels, for the test block
 * device. The names are those of the newest interface, with the prefix compat_.
 */
#ifndef _MLPROXY_COMPAT_BLK_H
#define _MLPROXY_COMPAT_BLK_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/err.h>
#include <linux/version.h>

/**
 * struct compat_blk_limits - what a simple disk has to say about its queue
 * @logical_bytes: logical block size
 * @physical_bytes: physical block size
 * @max_hw_sectors: longest request, in sectors of 512 bytes
 * @max_segments: most memory segments of a request
 * @rotational: a seek costs time
 */
struct compat_blk_limits {
	unsigned int logical_bytes;
	unsigned int physical_bytes;
	unsigned int max_hw_sectors;
	unsigned short max_segments;
	bool rotational;
};

/* Since 6.14 requests are merged wherever they can be. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
#define COMPAT_BLK_MQ_F_SHOULD_MERGE 0
#else
#define COMPAT_BLK_MQ_F_SHOULD_MERGE BLK_MQ_F_SHOULD_MERGE
#endif

/* Limits in struct queue_limits came in 6.9, features among them in 6.11. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)

static inline struct queue_limits compat_queue_limits(const struct compat_blk_limits *lim)
{
	return (struct queue_limits) {
		.logical_block_size = lim->logical_bytes,
		.physical_block_size = lim->physical_bytes,
		.max_hw_sectors = lim->max_hw_sectors,
		.max_segments = lim->max_segments,
		.features = lim->rotational ? BLK_FEAT_ROTATIONAL : 0,
	};
}

static inline struct gendisk *compat_blk_set_limits(struct gendisk *disk,
						    const struct compat_blk_limits *lim)
{
	return disk;
}

#else

static inline struct gendisk *compat_blk_set_limits(struct gendisk *disk,
						    const struct compat_blk_limits *lim)
{
	if (IS_ERR(disk))
		return disk;

	blk_queue_logical_block_size(disk->queue, lim->logical_bytes);
	blk_queue_physical_block_size(disk->queue, lim->physical_bytes);
	blk_queue_max_hw_sectors(disk->queue, lim->max_hw_sectors);
	blk_queue_max_segments(disk->queue, lim->max_segments);
	if (!lim->rotational)
		blk_queue_flag_set(QUEUE_FLAG_NONROT, disk->queue);
	return disk;
}

#endif

/*
 * compat_blk_mq_alloc_disk() - allocate a disk for a driver that works on requests
 *
 * A macro, since the lock class that blk_mq_alloc_disk() defines must be one per
 * caller. Gives a disk that feeds no entropy, or ERR_PTR.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)

#define compat_blk_mq_alloc_disk(set, lim, data)			\
({									\
	struct queue_limits __lim = compat_queue_limits(lim);		\
									\
	compat_blk_set_limits(blk_mq_alloc_disk(set, &__lim, data), lim); \
})

#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)

#define compat_blk_mq_alloc_disk(set, lim, data)			\
	compat_blk_set_limits(blk_mq_alloc_disk(set, NULL, data), lim)

#else

#define compat_blk_mq_alloc_disk(set, lim, data)			\
	compat_blk_set_limits(blk_mq_alloc_disk(set, data), lim)

#endif

#endif /* _MLPROXY_COMPAT_BLK_H */
