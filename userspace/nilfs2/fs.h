/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A mounted NILFS2 file system: what the kernel says of its segments, checkpoints and blocks.
 *
 * Functions return 0 or a negative error number, and have said on stderr what is wrong.
 */
#ifndef MLPROXY_NILFS2_FS_H
#define MLPROXY_NILFS2_FS_H

#include <sys/types.h>

#include <nilfs.h>

#include "live.h"
#include "segment.h"
#include "vec.h"

/**
 * struct fs - the file system
 * @nilfs: libnilfs' handle
 * @device: its block device, by its real name
 * @dir: where it is mounted
 * @dirfd: that directory
 * @devno: number of the device
 * @blocks_per_segment: capacity of a segment
 * @reserved: segments that writers may not have
 * @segments: all of them; @nr_segments may change when it is resized
 * @nr_segments: how many
 * @stat: of segments, from fs_update()
 * @checkpoints: the same of checkpoints
 * @protect_cno: where the search for the first protected checkpoint goes on
 * @protect_time: for what time that was found
 */
struct fs {
	struct nilfs *nilfs;
	char *device;
	char *dir;
	int dirfd;
	dev_t devno;
	uint32_t blocks_per_segment;
	uint64_t reserved;
	struct segment *segments;
	uint64_t nr_segments;
	struct nilfs_sustat stat;
	struct nilfs_cpstat checkpoints;
	uint64_t protect_cno;
	uint64_t protect_time;
};

/**
 * struct fs_blocks - the blocks of some segments
 * @v: those with virtual numbers
 * @b: those of the DAT file, which has the virtual numbers
 */
struct fs_blocks {
	VEC(struct nilfs_vdesc) v;
	VEC(struct nilfs_bdesc) b;
};

/* Set in vd_pad, which the kernel does not look at: it has the block at another place. */
#define FS_ELSEWHERE	1

int fs_open(struct fs *fs, const char *dir);
void fs_close(struct fs *fs);

/** fs_reclaimable() - it was written, is not being written, and has no error */
static inline bool fs_reclaimable(const struct nilfs_suinfo *si)
{
	return nilfs_suinfo_dirty(si) && !nilfs_suinfo_active(si) && !nilfs_suinfo_error(si);
}

/** fs_update() - read what the kernel says of all segments and of checkpoints */
int fs_update(struct fs *fs);

/**
 * fs_view() - what keeps blocks alive
 * @fs: the file system
 * @since: checkpoints made then or later are protected, seconds since the epoch
 * @view: out; fs_view_free() it
 */
int fs_view(struct fs *fs, uint64_t since, struct live_view *view);
void fs_view_free(struct live_view *view);

/**
 * fs_collect() - read which blocks a segment has, and when each came and went
 * @fs: the file system
 * @num: number of the segment
 * @blocks: the segment's are added
 * @seq: out: sequence number of its first log
 *
 * Return: 0; -EAGAIN if it is not reclaimable (any more); -EILSEQ if its logs end before
 * the kernel says that they do: it must not be cleaned then; or another error.
 */
int fs_collect(struct fs *fs, uint64_t num, struct fs_blocks *blocks, uint64_t *seq);

/**
 * fs_lookup() - ask the kernel when these blocks came and went, and where it has them
 *
 * Sorts them. Blocks that it has elsewhere get FS_ELSEWHERE.
 */
int fs_lookup(struct fs *fs, struct fs_blocks *blocks);

void fs_blocks_free(struct fs_blocks *blocks);

/**
 * fs_push_cursor() - have the superblock point to the end of the log
 *
 * What was written since the superblock was is protected, as recovery begins there: on a file
 * system that is written fast that may be all there is to clean.
 */
int fs_push_cursor(struct fs *fs);

#endif /* MLPROXY_NILFS2_FS_H */
