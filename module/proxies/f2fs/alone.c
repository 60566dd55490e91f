// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is left alone: filesystems and files that F2FS treats in a way of its own, where somebody
 * has said already what a file is like, and what nobody has tried.
 *
 * Remounting may change most of it, and so may ioctls; all of it is asked at each write. What
 * an inode says may change during a write as well: F2FS itself reads it without a lock.
 */
#include <linux/fs.h>

#include "alone.h"
#include "layout.h"

#define ADVICE_COLD	0x01	/* of the disk's format: FADVISE_COLD_BIT */
#define ADVICE_HOT	0x20

/**
 * f2fs_mount_alone() - is a filesystem none that is looked after
 * @sbi: of the filesystem
 *
 * Context: any. Return: why, or NULL if it is.
 */
const char *f2fs_mount_alone(const struct f2fs_sb_info *sbi)
{
	if (f2fs_get(s32, sbi, F2FS_SBI_MODE) != f2fs_layout[F2FS_MODE_LFS])
		return "not mounted with mode=lfs";
	if (f2fs_get(s32, sbi, F2FS_SBI_LOGS) != 6)
		return "has fewer than six logs";
	if (f2fs_has_io_bits() && f2fs_get(s32, sbi, F2FS_SBI_IO_BITS))
		return "mounted with io_bits";
	if (f2fs_get(s32, sbi, F2FS_SBI_DEVICES) > 1)
		return "on several devices";
	return NULL;
}

/**
 * f2fs_write_alone() - is a write of a block to be left alone
 * @fio: of the write
 * @inode: whose block it is
 *
 * Context: in f2fs_outplace_write_data(). Return: an &enum f2fs_alone, or -1 if it is not.
 */
int f2fs_write_alone(const struct f2fs_io_info *fio, const struct inode *inode)
{
	const struct page *page = f2fs_get(struct page *, fio, F2FS_FIO_PAGE);

	if (f2fs_get(s32, fio, F2FS_FIO_TYPE) != f2fs_layout[F2FS_DATA] ||
	    !S_ISREG(inode->i_mode) || IS_NOQUOTA(inode))
		return F2FS_ALONE_KIND;
	if (!page || READ_ONCE(page->mapping) != inode->i_mapping)
		return F2FS_ALONE_MAPPING;
	if (f2fs_get(void *, fio, F2FS_FIO_COMPRESSED) ||
	    f2fs_inode_flag(inode, F2FS_FI_COMPRESSED))
		return F2FS_ALONE_COMPRESSED;
	if (f2fs_get(void *, fio, F2FS_FIO_ENCRYPTED) || IS_ENCRYPTED(inode))
		return F2FS_ALONE_ENCRYPTED;
	if (f2fs_inode_flag(inode, F2FS_FI_ATOMIC) || f2fs_inode_flag(inode, F2FS_FI_COW))
		return F2FS_ALONE_ATOMIC;
	if (f2fs_inode_flag(inode, F2FS_FI_PIN) || f2fs_inode_flag(inode, F2FS_FI_ALIGNED))
		return F2FS_ALONE_PINNED;
	if (f2fs_get(u8, f2fs_inode_info(inode), F2FS_INODE_ADVISE) & (ADVICE_COLD | ADVICE_HOT))
		return F2FS_ALONE_ADVICE;
	if (READ_ONCE(inode->i_write_hint))
		return F2FS_ALONE_HINT;
	if (f2fs_mount_alone(f2fs_get(struct f2fs_sb_info *, fio, F2FS_FIO_SBI)))
		return F2FS_ALONE_MOUNT;
	return -1;
}
