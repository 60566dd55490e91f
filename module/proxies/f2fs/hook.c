// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaches to functions of the module f2fs, by name: what they take, and where the members of
 * its structures are, is checked first.
 */
#include <linux/fs.h>
#include <linux/kernel.h>

#include "common/hook.h"
#include "hook.h"
#include "layout.h"
#include "mount.h"
#include "place.h"

static struct proxy_hook hooks[];

enum { HOOK_OUTPLACE, HOOK_ALLOCATE, HOOK_INVALIDATE, HOOK_PUT_SUPER };

static void replace_outplace(struct dnode_of_data *dn, struct f2fs_io_info *fio)
{
	void (*original)(struct dnode_of_data *dn, struct f2fs_io_info *fio);
	struct f2fs_write write;

	proxy_hook_enter();
	original = hooks[HOOK_OUTPLACE].original;
	f2fs_write_begin(&write, dn, fio);
	original(dn, fio);
	f2fs_write_end(&write);
	proxy_hook_leave();
}

/* Kernels where it returns nothing ignore what this returns. */
static int replace_allocate(struct f2fs_sb_info *sbi, struct page *page, u32 old, u32 *new,
			    struct f2fs_summary *sum, int type, struct f2fs_io_info *fio)
{
	int (*original)(struct f2fs_sb_info *sbi, struct page *page, u32 old, u32 *new,
			struct f2fs_summary *sum, int type, struct f2fs_io_info *fio);
	enum f2fs_kind kind;
	int ret;

	proxy_hook_enter();
	original = hooks[HOOK_ALLOCATE].original;
	kind = f2fs_write_kind(page, type, fio);
	type = f2fs_write_allocate(fio, type);
	ret = original(sbi, page, old, new, sum, type, fio);
	f2fs_write_allocated(sbi, old, READ_ONCE(*new), type, fio, kind);
	proxy_hook_leave();
	return ret;
}

/* By truncating and deleting; of files or nodes. */
static void replace_invalidate(struct f2fs_sb_info *sbi, u32 address)
{
	void (*original)(struct f2fs_sb_info *sbi, u32 address);

	proxy_hook_enter();
	original = hooks[HOOK_INVALIDATE].original;
	f2fs_mount_invalidate(sbi, address);
	original(sbi, address);
	proxy_hook_leave();
}

/* No block is looked after any more; the filesystem's last ones are as F2FS likes. */
static void replace_put_super(struct super_block *sb)
{
	void (*original)(struct super_block *sb);

	proxy_hook_enter();
	original = hooks[HOOK_PUT_SUPER].original;
	f2fs_mounts_forget(sb->s_fs_info);
	original(sb);
	proxy_hook_leave();
}

#define ALLOCATE_TAKES "(struct f2fs_sb_info *, struct page *, block_t, block_t *, "	\
		       "struct f2fs_summary *, int, struct f2fs_io_info *)"

static struct proxy_hook hooks[] = {
	/* First, so that nothing is hooked before the check. */
	[HOOK_OUTPLACE] = PROXY_HOOK_CHECKED("f2fs", "f2fs_outplace_write_data",
					     "void(struct dnode_of_data *, struct f2fs_io_info *)",
					     replace_outplace, f2fs_layout_read),
	[HOOK_ALLOCATE] = PROXY_HOOK_NAMED("f2fs", "f2fs_allocate_data_block",
					   "void" ALLOCATE_TAKES "|int" ALLOCATE_TAKES,
					   replace_allocate),
	[HOOK_INVALIDATE] = PROXY_HOOK_NAMED("f2fs", "f2fs_invalidate_blocks",
					     "void(struct f2fs_sb_info *, block_t)",
					     replace_invalidate),
	[HOOK_PUT_SUPER] = PROXY_HOOK_NAMED("f2fs", "f2fs_put_super",
					    "void(struct super_block *)", replace_put_super),
};

/**
 * f2fs_hooks_init() - proxy_hooks_init() for the functions of this file
 *
 * Context: may sleep. Return: as that.
 */
int f2fs_hooks_init(void)
{
	return proxy_hooks_init(hooks, ARRAY_SIZE(hooks));
}
