/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes that are left alone, by cause; see alone.c. */
#ifndef _MLPROXY_F2FS_ALONE_H
#define _MLPROXY_F2FS_ALONE_H

struct f2fs_io_info;
struct f2fs_sb_info;
struct inode;

enum f2fs_alone {
	F2FS_ALONE_KIND,
	F2FS_ALONE_MAPPING,
	F2FS_ALONE_COMPRESSED,
	F2FS_ALONE_ENCRYPTED,
	F2FS_ALONE_ATOMIC,
	F2FS_ALONE_PINNED,
	F2FS_ALONE_ADVICE,
	F2FS_ALONE_HINT,
	F2FS_ALONE_MOUNT,
	F2FS_ALONE_BUSY,
	F2FS_ALONE_LOG,
	F2FS_NR_ALONE,
};

const char *f2fs_mount_alone(const struct f2fs_sb_info *sbi);
int f2fs_write_alone(const struct f2fs_io_info *fio, const struct inode *inode);

#endif /* _MLPROXY_F2FS_ALONE_H */
