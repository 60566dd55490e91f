/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mlproxy_f2fs: the log that a data block of F2FS is written to.
 *
 *   hook.c      redirects functions of the module f2fs to this one
 *   layout.c    where the members of its structures are, by its type information
 *   alone.c     writes that are none of this module's business, by cause
 *   place.c     one write: carries out what is decided
 *   choose.c    what is known of a block, and the decision
 *   chunk.c     parts of files that a decision holds for
 *   life.c      when blocks were written, and when they die
 *   context.c   lives of blocks by what was known of them
 *   lifetime.h  the arithmetic of that
 *   mount.c     the filesystems that are looked after, an instance of the proxy for each
 *   action.h    what can be done
 *   schema.c    names, units and ranges of features and actions
 *
 * Of what belongs to F2FS nothing is written but an argument of f2fs_allocate_data_block(), the
 * member temp of the same write's struct f2fs_io_info, and i_write_hint of an inode that has
 * no hint, while one of its blocks is written. No reference to an inode, a page or a
 * superblock is held beyond the call that brought it; a filesystem is found again by the
 * address of its struct f2fs_sb_info, and forgotten before f2fs_put_super() frees that.
 *
 * Locks: mount.c's f2fs_mounts_mutex > those of the core > main.c's f2fs_mutex >
 * f2fs_mounts_lock; those of life.c, chunk.c and context.c are taken alone. Decisions are made
 * with none of these held, under the page's lock and whatever else F2FS holds.
 */
#ifndef _MLPROXY_F2FS_F2FS_H
#define _MLPROXY_F2FS_F2FS_H

#include <linux/percpu.h>
#include <linux/types.h>

#include "alone.h"

struct mlproxy;

/* Counters, for sysfs: of each CPU. */
struct f2fs_counters {
	s64 writes;
	s64 migrated;
	s64 decisions;
	s64 moved;
	s64 moved_gc;
	s64 missed;
	s64 sampled;
	s64 settled;
	s64 dropped;
	s64 evicted;
	s64 forgotten;
	s64 odd;
	s64 alone[F2FS_NR_ALONE];
};

DECLARE_PER_CPU(struct f2fs_counters, f2fs_counters);
extern int f2fs_pin;
extern unsigned int f2fs_max_mb;

#endif /* _MLPROXY_F2FS_F2FS_H */
