/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of files that a decision holds for; see chunk.c. */
#ifndef _MLPROXY_F2FS_CHUNK_H
#define _MLPROXY_F2FS_CHUNK_H

#include <linux/spinlock.h>
#include <linux/types.h>

#define F2FS_CHUNK_SHIFT	6	/* blocks, log2 */
#define F2FS_CHUNK_LOCKS	16

struct f2fs_chunk;

/**
 * struct f2fs_chunks - chunks of the files of a filesystem
 * @table: these, by tag
 * @nr: places, a power of two
 * @locks: by the numbers of the places, of each of these
 */
struct f2fs_chunks {
	struct f2fs_chunk *table;
	u32 nr;
	spinlock_t locks[F2FS_CHUNK_LOCKS];	/* of some places each */
};

/**
 * struct f2fs_chunk_write - a block of a chunk that is written
 * @tag: of the chunk, not 0
 * @kind: what kind of write that is, to be decided apart
 * @now: the clock, from f2fs_birth()
 * @overwrites: an older block, which was not moved
 * @age: how old that is, from f2fs_life_log(); 0 if that is not known
 * @mean: out: moving mean of these ages, 0 for none
 * @share: out: overwritten blocks, of 256 that were written
 */
struct f2fs_chunk_write {
	u32 tag;
	u8 kind;
	u16 now;
	bool overwrites;
	u32 age;
	u32 mean;
	u32 share;
};

int f2fs_chunks_init(struct f2fs_chunks *chunks, u32 blocks);
void f2fs_chunks_exit(struct f2fs_chunks *chunks);
int f2fs_chunk_write(struct f2fs_chunks *chunks, struct f2fs_chunk_write *write);
void f2fs_chunks_undecide(struct f2fs_chunks *chunks);
void f2fs_chunk_decided(struct f2fs_chunks *chunks, const struct f2fs_chunk_write *write,
			u32 action);

#endif /* _MLPROXY_F2FS_CHUNK_H */
