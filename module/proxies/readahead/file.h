/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known of one file, and the bounded table of all of them. */
#ifndef _MLPROXY_RA_FILE_H
#define _MLPROXY_RA_FILE_H

#include <linux/spinlock.h>

#include <mlproxy/mlproxy.h>

#include "epoch.h"
#include "order.h"
#include "use.h"
#include "value.h"

/* What nearly all calls of an epoch were; with another one they have changed. */
enum ra_habit {
	RA_HABIT_NONE,	/* some of each */
	RA_HABIT_FAR,
	RA_HABIT_NEAR,
	RA_HABIT_SEQ,
	RA_HABIT_STRIDE,
	RA_HABIT_BACK,
};

/**
 * struct ra_file - what is known of one file
 * @lock: protects the rest except as said; trylock only, but to put in force what was decided
 * @dev: with @ino and @generation the identity; 0 for a free entry. Read without
 *	the lock to find the entry, and again with it
 * @generation: of the inode
 * @ino: inode number
 * @last_ns: last call, for eviction; read without the lock
 * @action: in force; read without the lock by those who fail to take it
 * @decided: @decision waits for its outcome
 * @grown: an action with a window of its own was in force: the kernel's state of an open
 *	file may have come from it
 * @shared: other tasks read from the device in the last epoch
 * @looking: the epoch is a look, see epoch.c
 * @looked: there has been one, or none was needed, since its reads changed last
 * @crowded: several tasks read it by turns
 * @mapped: the calls of the last epoch were page faults, all of them
 * @bdp: window of RA_BDP as it was when the last decision was made, in log2 of the least one;
 *	read without the lock as @action is
 * @habit: what nearly all of its calls in the last epoch looked like, an &enum ra_habit
 * @useless: streams started in vain, lately
 * @gaps: decisions to go without large windows, since a look found reads that were not in
 *	order
 * @window: activity window of &ra_target last counted in
 * @run: pages read in order since the last jump, as of the last decision
 * @progress: log2 (Q8) of the file's progress share in the last epoch
 * @calm: last decisions in a row that left its reads to the kernel
 * @rest: calls to go until the next one is looked at
 * @mmap_miss: the kernel's count of misses, as ra_fix_mmap_miss wants it
 * @turns: misses in the epoch of another task than the one before, at most 255
 * @reader: task of the last miss, hashed
 * @order: that its misses come in, whoever reads
 * @value: what its pages are worth
 * @use: which of the pages that were read ahead are used
 * @epoch: current epoch
 * @decision: last decision
 */
struct ra_file {
	raw_spinlock_t lock;
	u32 dev;
	u32 generation;
	u8 action;
	bool decided:1;
	bool grown:1;
	bool shared:1;
	bool looking:1;
	bool looked:1;
	bool crowded:1;
	bool mapped:1;
	u8 habit:3;
	u8 bdp;
	u8 useless;
	u8 gaps;
	u8 calm;
	u8 rest;
	u8 mmap_miss;
	u8 turns;
	u16 reader;
	u64 ino;
	u64 last_ns;
	u32 window;
	u32 run;
	struct ra_order order;
	s16 progress;
	struct ra_value value;
	struct ra_use use;
	struct ra_epoch epoch;
	struct mlproxy_decision decision;
};

int ra_files_alloc(unsigned int max_files);
void ra_files_free(void);
void ra_files_reset(void);
void ra_files_correct(void);
void ra_files_undecide(void);
struct ra_file *ra_file_find(u32 dev, u64 ino, u32 generation);
struct ra_file *ra_file_get(u32 dev, u64 ino, u32 generation, u64 now_ns);

/**
 * ra_file_is() - is an entry this file's
 * @f: entry
 * @dev: device number
 * @ino: inode number
 * @generation: inode generation
 *
 * Return: true if so; a hint without the lock.
 */
static inline bool ra_file_is(const struct ra_file *f, u32 dev, u64 ino, u32 generation)
{
	return READ_ONCE(f->dev) == dev && READ_ONCE(f->ino) == ino &&
	       READ_ONCE(f->generation) == generation;
}

/**
 * ra_file_trylock() - lock an entry if it is still this file's
 * @f: entry
 * @dev: device number
 * @ino: inode number
 * @generation: inode generation
 *
 * Return: true with the lock held.
 */
static inline bool ra_file_trylock(struct ra_file *f, u32 dev, u64 ino, u32 generation)
{
	if (!raw_spin_trylock(&f->lock))
		return false;
	if (ra_file_is(f, dev, ino, generation))
		return true;
	raw_spin_unlock(&f->lock);
	return false;
}

/**
 * ra_file_lock() - lock an entry again, if it is still this file's
 * @f: entry, that a decision was asked for
 * @dev: device number
 * @ino: inode number
 * @generation: inode generation
 *
 * Nobody holds the lock for long: no more is done under it than counting.
 * Return: true with the lock held.
 */
static inline bool ra_file_lock(struct ra_file *f, u32 dev, u64 ino, u32 generation)
{
	raw_spin_lock(&f->lock);
	if (ra_file_is(f, dev, ino, generation))
		return true;
	raw_spin_unlock(&f->lock);
	return false;
}

/**
 * ra_file_unlock() - counterpart of ra_file_trylock()
 * @f: entry
 */
static inline void ra_file_unlock(struct ra_file *f)
{
	raw_spin_unlock(&f->lock);
}

#endif /* _MLPROXY_RA_FILE_H */
