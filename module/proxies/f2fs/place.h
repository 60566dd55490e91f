/* SPDX-License-Identifier: GPL-2.0-only */
/* One write of a block: what was decided for it, and how that is carried out; see place.c. */
#ifndef _MLPROXY_F2FS_PLACE_H
#define _MLPROXY_F2FS_PLACE_H

#include "layout.h"

struct f2fs_ticket;

/**
 * struct f2fs_write - a block on its way, on the stack of who writes it
 * @inode: whose
 * @ticket: where the allocation finds what was decided, or NULL
 * @hinted: the inode has a hint for as long as the write
 */
struct f2fs_write {
	struct inode *inode;
	struct f2fs_ticket *ticket;
	bool hinted;
};

void f2fs_write_begin(struct f2fs_write *write, struct dnode_of_data *dn,
		      struct f2fs_io_info *fio);
int f2fs_write_allocate(struct f2fs_sb_info *sbi, struct f2fs_io_info *fio, int type);
void f2fs_write_end(struct f2fs_write *write, struct f2fs_io_info *fio);

#endif /* _MLPROXY_F2FS_PLACE_H */
