/* SPDX-License-Identifier: GPL-2.0-only */
/* Lives of blocks by what is known when they are written; see context.c. */
#ifndef _MLPROXY_F2FS_CONTEXT_H
#define _MLPROXY_F2FS_CONTEXT_H

#include <linux/spinlock.h>

#include "lifetime.h"

#define F2FS_CONTEXT_LOCKS 16

struct f2fs_context;

/**
 * struct f2fs_contexts - contexts of a filesystem
 * @table: these, by tag
 * @nr: places, a power of two
 * @locks: of the places, by their numbers
 */
struct f2fs_contexts {
	struct f2fs_context *table;
	u32 nr;
	spinlock_t locks[F2FS_CONTEXT_LOCKS];	/* of some places each */
};

int f2fs_contexts_init(struct f2fs_contexts *contexts, u32 blocks);
void f2fs_contexts_exit(struct f2fs_contexts *contexts);
void f2fs_context_look(struct f2fs_contexts *contexts, u32 tag, struct f2fs_lives *lives);
void f2fs_context_lived(struct f2fs_contexts *contexts, u32 tag, u32 log);

#endif /* _MLPROXY_F2FS_CONTEXT_H */
