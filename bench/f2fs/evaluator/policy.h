/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the evaluator's F2FS calls at the places that a module hooks on a stock kernel.
 */
#ifndef _MLPROXY_F2FS_POLICY_H
#define _MLPROXY_F2FS_POLICY_H

#include <linux/f2fs_fs.h>
#include "../f2fs.h"

/* F2FS has chosen a log: which one it shall be. */
int eval_log(struct f2fs_io_info *fio, int type);
/* A block got its place; before the old place is given up. */
void eval_placed(struct f2fs_sb_info *sbi, struct f2fs_io_info *fio, block_t old, block_t new,
		 int type);
/* Truncated, or its file is gone. */
void eval_freed(struct f2fs_sb_info *sbi, block_t addr);
/* A file comes into being; may sleep. */
void eval_created(struct inode *dir, struct inode *inode, const char *name);
/* This thread reads from a file. */
void eval_read(struct inode *inode);
/* Victims are chosen by eval_cost(), F2FS's candidates and checks staying as they are. */
bool eval_victims(struct f2fs_sb_info *sbi);
unsigned int eval_cost(struct f2fs_sb_info *sbi, unsigned int segno);

#endif /* _MLPROXY_F2FS_POLICY_H */
