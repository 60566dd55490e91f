// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parts of files, of 64 blocks: what was written to them, and what was decided. A decision holds
 * for as many blocks of its chunk, as long as they are of one kind, and for about 1/1024 of the
 * device's capacity: which is a batch of write-back.
 *
 * A table that is bounded by the size of the device; the last chunk gets the place.
 *
 * Locks: of some of the places each, taken alone.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "chunk.h"
#include "f2fs.h"

#define TABLE_BLOCKS	512	/* of the device, for each place */
#define MIN_CHUNKS	64
#define MAX_CHUNKS	16384
#define MEAN_PART	4
#define MAX_SEEN	64

/**
 * struct f2fs_chunk - one place
 * @tag: whose; 0 for nobody's
 * @mean: moving mean of the ages of overwritten blocks, 0 for none
 * @decided: the clock at the last decision, 0 for none
 * @seen: blocks that were written, of late
 * @overwritten: of these, those in place of others
 * @action: that was decided
 * @left: blocks that it still holds for
 * @kind: of the write that it was decided for
 */
struct f2fs_chunk {
	u32 tag;
	u16 mean;
	u16 decided;
	u8 seen;
	u8 overwritten;
	u8 action;
	u8 left;
	u8 kind;
};

static struct f2fs_chunk *chunk_of(const struct f2fs_chunks *chunks, u32 tag)
{
	return &chunks->table[tag & (chunks->nr - 1)];
}

static spinlock_t *lock_of(struct f2fs_chunks *chunks, u32 tag)
{
	return &chunks->locks[(tag & (chunks->nr - 1)) % F2FS_CHUNK_LOCKS];
}

static void learn(struct f2fs_chunk *c, struct f2fs_chunk_write *write)
{
	if (write->overwrites && write->age)
		c->mean = c->mean ? c->mean + ((s32)write->age - c->mean) / MEAN_PART :
				    write->age;
	if (c->seen == MAX_SEEN) {
		c->seen /= 2;
		c->overwritten /= 2;
	}
	c->seen++;
	c->overwritten += write->overwrites;
	write->mean = c->mean;
	write->share = c->overwritten * 256 / c->seen;
}

/**
 * f2fs_chunk_write() - a block is written
 * @chunks: of the filesystem
 * @write: the block, and out: what is known of its chunk
 *
 * Context: any but interrupts. Return: the action that holds for it; -1 if it is to be decided.
 */
int f2fs_chunk_write(struct f2fs_chunks *chunks, struct f2fs_chunk_write *write)
{
	struct f2fs_chunk *c = chunk_of(chunks, write->tag);
	spinlock_t *lock = lock_of(chunks, write->tag);
	int action = -1;

	spin_lock(lock);
	if (c->tag != write->tag) {
		if (c->tag)
			this_cpu_inc(f2fs_counters.forgotten);
		*c = (struct f2fs_chunk){ .tag = write->tag };
	}
	learn(c, write);
	if (c->left && c->kind == write->kind && (u16)(write->now - c->decided) <= 1) {
		c->left--;
		action = c->action;
	}
	spin_unlock(lock);
	return action;
}

/**
 * f2fs_chunk_decided() - keep a decision for what is written next
 * @chunks: of the filesystem
 * @write: as it was for f2fs_chunk_write()
 * @action: that was decided
 *
 * Context: any but interrupts.
 */
void f2fs_chunk_decided(struct f2fs_chunks *chunks, const struct f2fs_chunk_write *write,
			u32 action)
{
	struct f2fs_chunk *c = chunk_of(chunks, write->tag);
	spinlock_t *lock = lock_of(chunks, write->tag);

	spin_lock(lock);
	if (c->tag == write->tag) {
		c->action = action;
		c->kind = write->kind;
		c->decided = write->now;
		c->left = BIT(F2FS_CHUNK_SHIFT) - 1;
	}
	spin_unlock(lock);
}

/**
 * f2fs_chunks_undecide() - no decision holds any more
 * @chunks: of the filesystem; or nothing
 *
 * Context: may sleep.
 */
void f2fs_chunks_undecide(struct f2fs_chunks *chunks)
{
	u32 i;

	for (i = 0; chunks->table && i < chunks->nr; i++) {
		spinlock_t *lock = lock_of(chunks, i);

		spin_lock(lock);
		chunks->table[i].left = 0;
		spin_unlock(lock);
		cond_resched();
	}
}

/**
 * f2fs_chunks_init() - none is known yet
 * @chunks: zeroed
 * @blocks: of the device
 *
 * Context: may sleep. Return: 0, or -ENOMEM.
 */
int f2fs_chunks_init(struct f2fs_chunks *chunks, u32 blocks)
{
	unsigned int i;

	chunks->nr = clamp_t(u32, rounddown_pow_of_two(blocks / TABLE_BLOCKS + 1), MIN_CHUNKS,
			     MAX_CHUNKS);
	chunks->table = kvcalloc(chunks->nr, sizeof(*chunks->table), GFP_KERNEL);
	for (i = 0; i < F2FS_CHUNK_LOCKS; i++)
		spin_lock_init(&chunks->locks[i]);
	return chunks->table ? 0 : -ENOMEM;
}

/**
 * f2fs_chunks_exit() - counterpart of f2fs_chunks_init(), also if that failed
 * @chunks: of a filesystem that nobody knows any more
 *
 * Context: may sleep.
 */
void f2fs_chunks_exit(struct f2fs_chunks *chunks)
{
	kvfree(chunks->table);
	chunks->table = NULL;
}
