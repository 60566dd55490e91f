/* SPDX-License-Identifier: GPL-2.0-only */
/* What is decided for a block; see choose.c. */
#ifndef _MLPROXY_F2FS_CHOOSE_H
#define _MLPROXY_F2FS_CHOOSE_H

#include <linux/fs.h>

#include <mlproxy/mlproxy.h>

#include "layout.h"
#include "life.h"

/**
 * struct f2fs_choice - what is decided for a block
 * @action: an &enum f2fs_action, but F2FS_SURVIVAL
 * @sampled: the block is followed
 * @counts: its life is the outcome of the decision
 * @serial: of the filesystem
 * @of: what the block is remembered by, if it is sampled
 * @decision: the same
 */
struct f2fs_choice {
	u32 action;
	bool sampled;
	bool counts;
	u64 serial;
	struct f2fs_life_of of;
	struct mlproxy_decision decision;
};

bool f2fs_choose(struct f2fs_choice *choice, const struct f2fs_io_info *fio,
		 const struct inode *inode, bool migrates);

#endif /* _MLPROXY_F2FS_CHOOSE_H */
