// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the members of F2FS's structures are: it has no header for others, and kernels differ.
 * All of it is in the type information of the module that is loaded; if one member is not there, or
 * has another size, nothing is hooked.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>
#include <linux/slab.h>

#include "action.h"
#include "common/symbol.h"
#include "layout.h"

s32 f2fs_layout[F2FS_NR_FIELDS];

#define MEMBER(_field, _path, _size)	\
	[_field] = { .path = _path, .size = _size }
#define NUMBER(_field, _name)	\
	[_field] = { .path = _name }

static const struct proxy_field wanted[F2FS_NR_FIELDS] = {
	MEMBER(F2FS_FIO_SBI, "f2fs_io_info.sbi", 8),
	MEMBER(F2FS_FIO_TYPE, "f2fs_io_info.type", 4),
	MEMBER(F2FS_FIO_TEMP, "f2fs_io_info.temp", 4),
	MEMBER(F2FS_FIO_OP_FLAGS, "f2fs_io_info.op_flags", 4),
	MEMBER(F2FS_FIO_NEW, "f2fs_io_info.new_blkaddr", 4),
	MEMBER(F2FS_FIO_OLD, "f2fs_io_info.old_blkaddr", 4),
	MEMBER(F2FS_FIO_PAGE, "f2fs_io_info.page", 8),
	MEMBER(F2FS_FIO_ENCRYPTED, "f2fs_io_info.encrypted_page", 8),
	MEMBER(F2FS_FIO_COMPRESSED, "f2fs_io_info.compressed_page", 8),
	MEMBER(F2FS_FIO_IO_TYPE, "f2fs_io_info.io_type", 4),
	MEMBER(F2FS_DN_INODE, "dnode_of_data.inode", 8),
	MEMBER(F2FS_SBI_SB, "f2fs_sb_info.sb", 8),
	MEMBER(F2FS_SBI_LOGS, "f2fs_sb_info.mount_opt.active_logs", 4),
	[F2FS_SBI_IO_BITS] = { .path = "f2fs_sb_info.mount_opt.write_io_size_bits", .size = 4,
			       .optional = true },
	MEMBER(F2FS_SBI_MODE, "f2fs_sb_info.mount_opt.fs_mode", 4),
	MEMBER(F2FS_SBI_SM_INFO, "f2fs_sb_info.sm_info", 8),
	MEMBER(F2FS_SBI_LOG_SEG_BLOCKS, "f2fs_sb_info.log_blocks_per_seg", 4),
	MEMBER(F2FS_SBI_SEC_SEGMENTS, "f2fs_sb_info.segs_per_sec", 4),
	MEMBER(F2FS_SBI_DEVICES, "f2fs_sb_info.s_ndevs", 4),
	MEMBER(F2FS_SBI_VALID_BLOCKS, "f2fs_sb_info.total_valid_block_count", 4),
	MEMBER(F2FS_SBI_USER_BLOCKS, "f2fs_sb_info.user_block_count", 4),
	MEMBER(F2FS_SM_MAIN_BLOCK, "f2fs_sm_info.main_blkaddr", 4),
	MEMBER(F2FS_SM_SEGMENTS, "f2fs_sm_info.main_segments", 4),
	MEMBER(F2FS_SM_RESERVED, "f2fs_sm_info.reserved_segments", 4),
	MEMBER(F2FS_SM_FREE_INFO, "f2fs_sm_info.free_info", 8),
	MEMBER(F2FS_FREE_SECTIONS, "free_segmap_info.free_sections", 4),
	MEMBER(F2FS_INODE_VFS, "f2fs_inode_info.vfs_inode", sizeof(struct inode)),
	MEMBER(F2FS_INODE_ADVISE, "f2fs_inode_info.i_advise", 1),
	MEMBER(F2FS_INODE_FLAGS, "f2fs_inode_info.flags", sizeof(unsigned long)),
	MEMBER(F2FS_INODE_PARENT, "f2fs_inode_info.i_pino", 4),
	NUMBER(F2FS_DATA, "DATA"),
	NUMBER(F2FS_TEMP_HOT, "HOT"),
	NUMBER(F2FS_TEMP_WARM, "WARM"),
	NUMBER(F2FS_TEMP_COLD, "COLD"),
	NUMBER(F2FS_CURSEG_HOT, "CURSEG_HOT_DATA"),
	NUMBER(F2FS_CURSEG_WARM, "CURSEG_WARM_DATA"),
	NUMBER(F2FS_CURSEG_COLD, "CURSEG_COLD_DATA"),
	NUMBER(F2FS_CURSEG_HOT_NODE, "CURSEG_HOT_NODE"),
	NUMBER(F2FS_CURSEG_COLD_NODE, "CURSEG_COLD_NODE"),
	NUMBER(F2FS_MODE_LFS, "FS_MODE_LFS"),
	NUMBER(F2FS_IO_GC, "FS_GC_DATA_IO"),
	NUMBER(F2FS_PAGE_NOT_POINTER, "PAGE_PRIVATE_NOT_POINTER"),
	NUMBER(F2FS_PAGE_MIGRATING, "PAGE_PRIVATE_ONGOING_MIGRATION"),
	NUMBER(F2FS_FI_ATOMIC, "FI_ATOMIC_FILE"),
	NUMBER(F2FS_FI_COW, "FI_COW_FILE"),
	NUMBER(F2FS_FI_PIN, "FI_PIN_FILE"),
	NUMBER(F2FS_FI_ALIGNED, "FI_ALIGNED_WRITE"),
	NUMBER(F2FS_FI_COMPRESSED, "FI_COMPRESSED_FILE"),
	NUMBER(F2FS_FI_HOT, "FI_HOT_DATA"),
};

static int check_numbers(const struct proxy_field *fields)
{
	static const struct {
		enum f2fs_field field;
		s32 value;
	} same[] = {
		{ F2FS_DATA, 0 },
		{ F2FS_TEMP_HOT, F2FS_LOG_HOT }, { F2FS_CURSEG_HOT, F2FS_LOG_HOT },
		{ F2FS_TEMP_WARM, F2FS_LOG_WARM }, { F2FS_CURSEG_WARM, F2FS_LOG_WARM },
		{ F2FS_TEMP_COLD, F2FS_LOG_COLD }, { F2FS_CURSEG_COLD, F2FS_LOG_COLD },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(same); i++) {
		const struct proxy_field *field = &fields[same[i].field];

		if (field->value == same[i].value)
			continue;
		pr_err("%s of f2fs is %d here, and not %d\n", field->path, field->value,
		       same[i].value);
		return -EPROTOTYPE;
	}
	/* They are bits of one word. */
	for (i = F2FS_PAGE_NOT_POINTER; i <= F2FS_FI_HOT; i++) {
		if (fields[i].value >= 0 && fields[i].value < BITS_PER_LONG)
			continue;
		pr_err("%s of f2fs is %d here, no bit of a word\n", fields[i].path,
		       fields[i].value);
		return -EPROTOTYPE;
	}
	return 0;
}

/**
 * f2fs_layout_read() - find out where the members are
 *
 * Context: may sleep; f2fs is loaded, or being loaded, and not hooked. Return: 0, or why not, as
 * proxy_fields_find(), which the kernel's log says.
 */
int f2fs_layout_read(void)
{
	struct proxy_field *fields = kmemdup(wanted, sizeof(wanted), GFP_KERNEL);
	unsigned int i;
	int err;

	if (!fields)
		return -ENOMEM;
	err = proxy_fields_find("f2fs", fields, F2FS_NR_FIELDS);
	if (!err)
		err = check_numbers(fields);
	for (i = 0; !err && i < F2FS_NR_FIELDS; i++)
		f2fs_layout[i] = fields[i].found ? fields[i].value : -1;
	kfree(fields);
	return err;
}
