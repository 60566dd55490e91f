/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the members of F2FS's structures are in the kernel that runs; see layout.c. Valid while
 * the hooks are attached.
 */
#ifndef _MLPROXY_F2FS_LAYOUT_H
#define _MLPROXY_F2FS_LAYOUT_H

#include <linux/fs.h>
#include <linux/types.h>

/* Only ever pointed to. */
struct dnode_of_data;
struct f2fs_io_info;
struct f2fs_sb_info;
struct f2fs_summary;

enum f2fs_field {
	F2FS_FIO_SBI,
	F2FS_FIO_TYPE,
	F2FS_FIO_TEMP,
	F2FS_FIO_OP_FLAGS,
	F2FS_FIO_NEW,
	F2FS_FIO_OLD,
	F2FS_FIO_PAGE,
	F2FS_FIO_ENCRYPTED,
	F2FS_FIO_COMPRESSED,
	F2FS_FIO_IO_TYPE,
	F2FS_DN_INODE,
	F2FS_SBI_SB,
	F2FS_SBI_LOGS,
	F2FS_SBI_IO_BITS,
	F2FS_SBI_MODE,
	F2FS_SBI_SM_INFO,
	F2FS_SBI_LOG_SEG_BLOCKS,
	F2FS_SBI_SEC_SEGMENTS,
	F2FS_SBI_DEVICES,
	F2FS_SBI_VALID_BLOCKS,
	F2FS_SBI_USER_BLOCKS,
	F2FS_SM_MAIN_BLOCK,
	F2FS_SM_SEGMENTS,
	F2FS_SM_RESERVED,
	F2FS_SM_FREE_INFO,
	F2FS_FREE_SECTIONS,
	F2FS_INODE_VFS,
	F2FS_INODE_ADVISE,
	F2FS_INODE_FLAGS,
	F2FS_INODE_PARENT,
	/* numbers */
	F2FS_DATA,
	F2FS_TEMP_HOT,
	F2FS_TEMP_WARM,
	F2FS_TEMP_COLD,
	F2FS_CURSEG_HOT,
	F2FS_CURSEG_WARM,
	F2FS_CURSEG_COLD,
	F2FS_CURSEG_HOT_NODE,
	F2FS_CURSEG_COLD_NODE,
	F2FS_MODE_LFS,
	F2FS_IO_GC,
	F2FS_PAGE_NOT_POINTER,
	F2FS_PAGE_MIGRATING,
	F2FS_FI_ATOMIC,
	F2FS_FI_COW,
	F2FS_FI_PIN,
	F2FS_FI_ALIGNED,
	F2FS_FI_COMPRESSED,
	F2FS_FI_HOT,
	F2FS_NR_FIELDS,
};

extern s32 f2fs_layout[F2FS_NR_FIELDS];

int f2fs_layout_read(void);

/* A member of _type that is at a field's offset. */
#define f2fs_at(_type, _object, _field)							\
	((_type *)((char *)(_object) + f2fs_layout[_field]))
#define f2fs_get(_type, _object, _field)						\
	READ_ONCE(*f2fs_at(_type const, (void *)(_object), _field))

/* What an inode of F2FS has beyond that of the VFS. */
static inline const void *f2fs_inode_info(const struct inode *inode)
{
	return (const char *)inode - f2fs_layout[F2FS_INODE_VFS];
}

static inline bool f2fs_inode_flag(const struct inode *inode, enum f2fs_field flag)
{
	return f2fs_get(unsigned long, f2fs_inode_info(inode), F2FS_INODE_FLAGS) &
	       BIT(f2fs_layout[flag]);
}

/* Garbage collection moves the page: what F2FS itself asks. */
static inline bool f2fs_page_migrates(const struct page *page)
{
	unsigned long private = READ_ONCE(page->private);

	return private & BIT(f2fs_layout[F2FS_PAGE_NOT_POINTER]) &&
	       private & BIT(f2fs_layout[F2FS_PAGE_MIGRATING]);
}

/* The member is there in kernels that have mounts with aligned IO. */
static inline bool f2fs_has_io_bits(void)
{
	return f2fs_layout[F2FS_SBI_IO_BITS] >= 0;
}

#endif /* _MLPROXY_F2FS_LAYOUT_H */
