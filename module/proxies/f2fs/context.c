// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lives of blocks by context: what is known when they are written, as a tag. A table that is
 * bounded by the size of the device; a context that is met often gives way to others only
 * when those were met more often since.
 *
 * Locks: of some of the places each, taken alone.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "context.h"
#include "f2fs.h"

#define CONTEXT_BLOCKS	512	/* of the device, for each context */
#define MIN_CONTEXTS	64
#define MAX_CONTEXTS	8192
#define MAX_CREDIT	16

/**
 * struct f2fs_context - one place
 * @tag: whose; 0 for nobody's
 * @credit: how often others may ask for it until they get it
 * @lives: of a sample of its blocks
 */
struct f2fs_context {
	u32 tag;
	u8 credit;
	struct f2fs_lives lives;
};

static spinlock_t *lock_of(struct f2fs_contexts *contexts, u32 tag)
{
	return &contexts->locks[(tag & (contexts->nr - 1)) % F2FS_CONTEXT_LOCKS];
}

/**
 * f2fs_context_look() - what is known of a context
 * @contexts: of the filesystem
 * @tag: of the context, not 0
 * @lives: out: those of its blocks
 *
 * Asked for once for each decision. Context: any but interrupts.
 */
void f2fs_context_look(struct f2fs_contexts *contexts, u32 tag, struct f2fs_lives *lives)
{
	struct f2fs_context *c = &contexts->table[tag & (contexts->nr - 1)];
	spinlock_t *lock = lock_of(contexts, tag);

	memset(lives, 0, sizeof(*lives));
	spin_lock(lock);
	if (c->tag == tag) {
		c->credit = min(c->credit + 1, MAX_CREDIT);
		*lives = c->lives;
	} else if (c->credit) {
		c->credit--;
	} else {
		if (c->tag)
			this_cpu_inc(f2fs_counters.evicted);
		*c = (struct f2fs_context){ .tag = tag, .credit = 1 };
	}
	spin_unlock(lock);
}

/**
 * f2fs_context_lived() - count a life
 * @contexts: of the filesystem
 * @tag: of the context; 0 for none
 * @log: from f2fs_life_log()
 *
 * Context: any but interrupts.
 */
void f2fs_context_lived(struct f2fs_contexts *contexts, u32 tag, u32 log)
{
	struct f2fs_context *c = &contexts->table[tag & (contexts->nr - 1)];
	spinlock_t *lock = lock_of(contexts, tag);

	if (!tag)
		return;
	spin_lock(lock);
	if (c->tag == tag)
		f2fs_lives_add(&c->lives, log);
	spin_unlock(lock);
}

/**
 * f2fs_contexts_init() - none is known yet
 * @contexts: zeroed
 * @blocks: of the device
 *
 * Context: may sleep. Return: 0, or -ENOMEM.
 */
int f2fs_contexts_init(struct f2fs_contexts *contexts, u32 blocks)
{
	unsigned int i;

	contexts->nr = clamp_t(u32, rounddown_pow_of_two(blocks / CONTEXT_BLOCKS + 1),
			       MIN_CONTEXTS, MAX_CONTEXTS);
	contexts->table = kvcalloc(contexts->nr, sizeof(*contexts->table), GFP_KERNEL);
	for (i = 0; i < F2FS_CONTEXT_LOCKS; i++)
		spin_lock_init(&contexts->locks[i]);
	return contexts->table ? 0 : -ENOMEM;
}

/**
 * f2fs_contexts_exit() - counterpart of f2fs_contexts_init(), also if that failed
 * @contexts: of a filesystem that nobody knows any more
 *
 * Context: may sleep.
 */
void f2fs_contexts_exit(struct f2fs_contexts *contexts)
{
	kvfree(contexts->table);
	contexts->table = NULL;
}
