// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files seen lately: a set-associative table of fixed size, allocated once.
 *
 * An entry is found by device, inode number and generation, never by a pointer,
 * so that an inode that is reused starts afresh. The entry used least lately in
 * its set gives way. Look-up takes no lock; what it found is checked again under
 * the entry's own.
 */
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/vmalloc.h>

#include "action.h"
#include "file.h"
#include "readahead.h"

#define RA_WAYS	8
#define RA_SET_BITS 13	/* of as many files as there may be */

static struct ra_file *ra_files;
static unsigned int ra_sets;
/* One for all sets: a file is put into the table once. */
static DEFINE_RAW_SPINLOCK(ra_insert_lock);

/**
 * ra_files_alloc() - make the table
 * @max_files: number of files, rounded up
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int ra_files_alloc(unsigned int max_files)
{
	unsigned int i;

	/* as documented; debugging of locks takes more */
	BUILD_BUG_ON(sizeof(raw_spinlock_t) == 4 && sizeof(struct ra_file) > 560);
	ra_sets = roundup_pow_of_two(DIV_ROUND_UP(max_files, RA_WAYS));
	ra_files = vzalloc(array3_size(ra_sets, RA_WAYS, sizeof(*ra_files)));
	if (!ra_files)
		return -ENOMEM;
	for (i = 0; i < ra_sets * RA_WAYS; i++)
		raw_spin_lock_init(&ra_files[i].lock);
	return 0;
}

/**
 * ra_files_free() - free the table
 *
 * Context: no call may be under way.
 */
void ra_files_free(void)
{
	vfree(ra_files);
	ra_files = NULL;
}

static void file_clear(struct ra_file *f)
{
	size_t from = offsetof(struct ra_file, dev);

	WRITE_ONCE(f->dev, 0);
	smp_wmb(); /* a look-up without the lock sees no file before another one */
	memset((char *)f + from + sizeof(f->dev), 0, sizeof(*f) - from - sizeof(f->dev));
}

/**
 * ra_files_reset() - forget all files
 *
 * Context: hooks not registered, but calls may still be returning.
 */
void ra_files_reset(void)
{
	unsigned int i;

	for (i = 0; i < ra_sets * RA_WAYS; i++) {
		raw_spin_lock(&ra_files[i].lock);
		file_clear(&ra_files[i]);
		raw_spin_unlock(&ra_files[i].lock);
	}
}

/**
 * ra_files_correct() - give all files the kernel's own window
 *
 * What was decided is not in force any more, so its outcome is dropped; the next call
 * begins an epoch. Context: task context.
 */
void ra_files_correct(void)
{
	unsigned int i;

	for (i = 0; i < ra_sets * RA_WAYS; i++) {
		struct ra_file *f = &ra_files[i];

		raw_spin_lock(&f->lock);
		f->decided = false;
		f->action = RA_KERNEL;
		f->rest = 0;
		memset(f->order.streams, 0, sizeof(f->order.streams));
		f->epoch.start_ns = 0;
		raw_spin_unlock(&f->lock);
	}
}

/**
 * ra_files_undecide() - no outcome of what was decided so far is to be told of
 *
 * The actions stay in force. Context: task context.
 */
void ra_files_undecide(void)
{
	unsigned int i;

	for (i = 0; i < ra_sets * RA_WAYS; i++) {
		raw_spin_lock(&ra_files[i].lock);
		ra_files[i].decided = false;
		ra_files[i].epoch.asked = false;
		raw_spin_unlock(&ra_files[i].lock);
	}
}

static struct ra_file *file_set(u32 dev, u64 ino, u32 generation)
{
	u64 identity = ino ^ rol64((u64)generation << 32 | dev, 16);

	return &ra_files[(hash_64(identity, RA_SET_BITS) & (ra_sets - 1)) * RA_WAYS];
}

static struct ra_file *file_find(struct ra_file *set, u32 dev, u64 ino, u32 generation)
{
	unsigned int i;

	for (i = 0; i < RA_WAYS; i++) {
		if (ra_file_is(&set[i], dev, ino, generation))
			return &set[i];
	}
	return NULL;
}

static struct ra_file *file_insert(struct ra_file *set, u32 dev, u64 ino, u32 generation,
				   u64 now_ns)
{
	struct ra_file *victim = &set[0];
	unsigned int i;

	for (i = 0; i < RA_WAYS && READ_ONCE(victim->dev); i++) {
		if (!READ_ONCE(set[i].dev) ||
		    (s64)(READ_ONCE(set[i].last_ns) - READ_ONCE(victim->last_ns)) < 0)
			victim = &set[i];
	}
	if (!raw_spin_trylock(&victim->lock))
		return NULL;
	if (victim->dev)
		this_cpu_inc(ra_counters.evicted);
	file_clear(victim);
	victim->ino = ino;
	victim->generation = generation;
	victim->last_ns = now_ns;
	victim->action = RA_KERNEL;
	smp_wmb(); /* the identity before the device that makes it valid */
	WRITE_ONCE(victim->dev, dev);
	raw_spin_unlock(&victim->lock);
	return victim;
}

/**
 * ra_file_find() - find the entry of a file
 * @dev: device number, not 0
 * @ino: inode number
 * @generation: inode generation
 *
 * Return: the entry, not locked, or NULL if there is none.
 */
struct ra_file *ra_file_find(u32 dev, u64 ino, u32 generation)
{
	return file_find(file_set(dev, ino, generation), dev, ino, generation);
}

/**
 * ra_file_get() - make an entry for a file, unless there is one by now
 * @dev: device number, not 0
 * @ino: inode number
 * @generation: inode generation
 * @now_ns: local clock
 *
 * Context: task context, no lock of the table held.
 * Return: the entry, not locked, or NULL if others hold the locks.
 */
struct ra_file *ra_file_get(u32 dev, u64 ino, u32 generation, u64 now_ns)
{
	struct ra_file *set = file_set(dev, ino, generation), *f;

	if (!raw_spin_trylock(&ra_insert_lock))
		return NULL;
	f = file_find(set, dev, ino, generation);
	if (!f)
		f = file_insert(set, dev, ino, generation, now_ns);
	raw_spin_unlock(&ra_insert_lock);
	return f;
}
