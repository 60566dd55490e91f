/* SPDX-License-Identifier: GPL-2.0-only */
/* One write of a block: how what was decided is carried out; see place.c. */
#ifndef _MLPROXY_F2FS_PLACE_H
#define _MLPROXY_F2FS_PLACE_H

#include "choose.h"
#include "layout.h"

struct f2fs_ticket;

/**
 * struct f2fs_write - a block on its way, on the stack of who writes it
 * @inode: whose
 * @ticket: where the allocation finds this, or NULL
 * @choice: what was decided, if there is a ticket
 * @hinted: the inode has a hint for as long as the write
 */
struct f2fs_write {
	struct inode *inode;
	struct f2fs_ticket *ticket;
	struct f2fs_choice choice;
	bool hinted;
};

void f2fs_write_begin(struct f2fs_write *write, struct dnode_of_data *dn,
		      struct f2fs_io_info *fio);
int f2fs_write_allocate(struct f2fs_io_info *fio, int type);
enum f2fs_kind f2fs_write_kind(const struct page *page, int type, const struct f2fs_io_info *fio);
void f2fs_write_allocated(const struct f2fs_sb_info *sbi, u32 old, u32 new, int type,
			  const struct f2fs_io_info *fio, enum f2fs_kind kind);
void f2fs_write_end(struct f2fs_write *write);

#endif /* _MLPROXY_F2FS_PLACE_H */
