/* SPDX-License-Identifier: GPL-2.0-only */
/* The filesystems that are looked after, an instance of the proxy for each; see mount.c. */
#ifndef _MLPROXY_F2FS_MOUNT_H
#define _MLPROXY_F2FS_MOUNT_H

#include <linux/fs.h>
#include <linux/list.h>

#include "common/target.h"

struct f2fs_sb_info;
struct mlproxy;

/**
 * struct f2fs_mount - a filesystem
 * @sbi: F2FS's own, for its address; what it points to, while one of its blocks is written
 * @instance: who decides; NULL if the filesystem is left alone
 * @fs: what it is known by
 * @name: that of its device
 * @sections: how many it has
 * @reserved: of these, those that F2FS keeps for garbage collection
 * @free: free ones, when a block was written last
 * @used: blocks with data, of 256, then
 * @gone: it is in the list of those to be freed
 */
struct f2fs_mount {
	const struct f2fs_sb_info *sbi;
	struct mlproxy *instance;
	struct proxy_fs fs;
	char name[32];
	u32 sections;
	u32 reserved;
	u32 free;
	u32 used;
	struct list_head gone;
};

extern struct proxy_targets f2fs_chosen;

void f2fs_mounts_init(struct mlproxy *proxy);
void f2fs_mounts_run(bool run);
void f2fs_mounts_choose(void);
void f2fs_mounts_exit(void);
struct f2fs_mount *f2fs_mount_find(const struct f2fs_sb_info *sbi, struct super_block *sb);
void f2fs_mounts_forget(const struct f2fs_sb_info *sbi);
void f2fs_mount_look(struct f2fs_mount *mount);
void f2fs_mount_describe(const struct f2fs_mount *mount, s64 *features);
unsigned int f2fs_mount_snapshot(const struct f2fs_mount *mount, s64 *values, unsigned int nr);
bool f2fs_mount_short(const struct f2fs_mount *mount);
unsigned int f2fs_mounts_count(void);

#endif /* _MLPROXY_F2FS_MOUNT_H */
