/* SPDX-License-Identifier: GPL-2.0-only */
/* The filesystems that are looked after, an instance of the proxy for each; see mount.c. */
#ifndef _MLPROXY_F2FS_MOUNT_H
#define _MLPROXY_F2FS_MOUNT_H

#include <linux/fs.h>
#include <linux/list.h>

#include "chunk.h"
#include "common/target.h"
#include "context.h"
#include "life.h"

struct f2fs_sb_info;
struct mlproxy;

/**
 * struct f2fs_mount - a filesystem
 * @sbi: F2FS's own, for its address; what it points to, while one of its blocks is written
 * @serial: no other filesystem has it
 * @instance: who decides; NULL if the filesystem is left alone
 * @fs: what it is known by
 * @name: that of its device
 * @sections: how many it has
 * @reserved: of these, those that F2FS keeps for garbage collection
 * @free: free ones, when a block was written last
 * @used: blocks with data, of 256, then
 * @life: its blocks; as the next two, nothing while it is left alone
 * @contexts: what is known of such blocks
 * @chunks: what is decided for parts of its files
 * @gone: it is in the list of those to be freed
 */
struct f2fs_mount {
	const struct f2fs_sb_info *sbi;
	u64 serial;
	struct mlproxy *instance;
	struct proxy_fs fs;
	char name[32];
	u32 sections;
	u32 reserved;
	u32 free;
	u32 used;
	struct f2fs_life life;
	struct f2fs_contexts contexts;
	struct f2fs_chunks chunks;
	struct list_head gone;
};

extern struct proxy_targets f2fs_chosen;

void f2fs_mounts_init(struct mlproxy *proxy);
void f2fs_mounts_run(bool run);
void f2fs_mounts_choose(void);
void f2fs_mounts_exit(void);
struct f2fs_mount *f2fs_mount_find(const struct f2fs_sb_info *sbi, struct super_block *sb);
void f2fs_mounts_forget(const struct f2fs_sb_info *sbi);
void f2fs_mount_invalidate(const struct f2fs_sb_info *sbi, u32 address);
void f2fs_mount_look(struct f2fs_mount *mount);
void f2fs_mount_describe(const struct f2fs_mount *mount, s64 *features);
unsigned int f2fs_mount_snapshot(const struct f2fs_mount *mount, s64 *values, unsigned int nr);
bool f2fs_mount_short(const struct f2fs_mount *mount);
unsigned int f2fs_mounts_count(void);

#endif /* _MLPROXY_F2FS_MOUNT_H */
