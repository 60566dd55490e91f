/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long blocks live: plain arithmetic, shared with the unit tests.
 *
 * The clock counts blocks that users write, since garbage collection pays for those: how long
 * they took says nothing. A life is told as a logarithm on a scale of its own, which is the same
 * for devices of all sizes: F2FS_LIFE_CAPACITY is a life of as many blocks as the device has.
 * What lives longer is not waited for, and counts as that: so no life is left out for its
 * length, and none is guessed.
 *
 * Of a context, the lives of a sample of its blocks are counted by octave. From that comes the
 * share of the blocks of an age that die within some time: of those that reached that age,
 * since every life is in a bin, the last one has all the others.
 */
#ifndef _MLPROXY_F2FS_LIFETIME_H
#define _MLPROXY_F2FS_LIFETIME_H

#include "../../shared/log2.h"
#include "../../shared/port.h"

#define F2FS_LIFE_CAPACITY	(16 << 8)
#define F2FS_LIFE_BINS		17
/* Old lives count half once a context has so many. */
#define F2FS_LIFE_FULL		1024

/**
 * f2fs_life_log() - a life on the scale
 * @blocks: blocks that users wrote meanwhile
 * @capacity: blocks of the device
 *
 * Return: log2 in Q8, 0 to F2FS_LIFE_CAPACITY.
 */
static inline u32 f2fs_life_log(u64 blocks, u64 capacity)
{
	s64 log;

	if (blocks >= capacity)
		return F2FS_LIFE_CAPACITY;
	log = (s64)F2FS_LIFE_CAPACITY + log2_q8(blocks + 1) - log2_q8(capacity + 1);
	return log < 0 ? 0 : (u32)log;
}

/* ------------------------------------------------------------------ */
/* Births, in 16 bits a block                                          */

#define F2FS_BIRTH_UNKNOWN	0
#define F2FS_BIRTHS		65535	/* then the clock begins anew */

/**
 * f2fs_birth_shift() - how coarse the births of a device are
 * @capacity: its blocks
 *
 * Return: log2 of the blocks written that are one birth: 1/1024 to 1/2048 of the capacity, so that
 * they are unambiguous until it was written 32 times.
 */
static inline u32 f2fs_birth_shift(u64 capacity)
{
	u32 shift = 0;

	while (capacity >> shift >= 2048)
		shift++;
	return shift;
}

/**
 * f2fs_birth() - the birth of a block that is written now
 * @written: the clock
 * @shift: from f2fs_birth_shift()
 *
 * Return: 1 to F2FS_BIRTHS.
 */
static inline u16 f2fs_birth(u64 written, u32 shift)
{
	return 1 + (written >> shift) % F2FS_BIRTHS;
}

/**
 * f2fs_birth_age() - how old a block is
 * @birth: its own, known
 * @written: the clock
 * @shift: from f2fs_birth_shift()
 *
 * Return: blocks written since then.
 */
static inline u64 f2fs_birth_age(u16 birth, u64 written, u32 shift)
{
	u64 now = f2fs_birth(written, shift);

	return (now + F2FS_BIRTHS - birth) % F2FS_BIRTHS << shift;
}

/* ------------------------------------------------------------------ */
/* Lives of a context                                                  */

/**
 * struct f2fs_lives - lives of a sample of blocks
 * @nr: how many, by octave of f2fs_life_log()
 */
struct f2fs_lives {
	u16 nr[F2FS_LIFE_BINS];
};

/**
 * f2fs_lives_count() - how many lives are known
 * @lives: of a context
 * @from: of blocks that lived at least so long, as f2fs_life_log(), to the octave
 */
static inline u32 f2fs_lives_count(const struct f2fs_lives *lives, u32 from)
{
	u32 i, sum = 0;

	for (i = from >> 8; i < F2FS_LIFE_BINS; i++)
		sum += lives->nr[i];
	return sum;
}

/**
 * f2fs_lives_add() - a block has died, or has lived as long as anybody waits for
 * @lives: of its context
 * @log: its life, from f2fs_life_log()
 */
static inline void f2fs_lives_add(struct f2fs_lives *lives, u32 log)
{
	u32 i;

	lives->nr[log >> 8]++;
	if (f2fs_lives_count(lives, 0) < F2FS_LIFE_FULL)
		return;
	for (i = 0; i < F2FS_LIFE_BINS; i++)
		lives->nr[i] /= 2;
}

/**
 * f2fs_lives_mean() - mean life
 * @lives: of a context
 *
 * Return: mean of f2fs_life_log(), to the octave; half of the scale if none is known.
 */
static inline u32 f2fs_lives_mean(const struct f2fs_lives *lives)
{
	u32 i, nr = 0;
	u64 sum = 0;

	for (i = 0; i < F2FS_LIFE_BINS; i++) {
		nr += lives->nr[i];
		sum += (u64)lives->nr[i] * (i < F2FS_LIFE_BINS - 1 ? (i << 8) + 128 :
								      F2FS_LIFE_CAPACITY);
	}
	return nr ? (u32)sum / nr : F2FS_LIFE_CAPACITY / 2;
}

/**
 * f2fs_lives_soon() - share of the blocks of an age that die within some time
 * @lives: of a context
 * @age: blocks written since they were
 * @within: blocks written from now on
 * @capacity: of the device
 *
 * To the octave, of both. Return: Q8; a half if nothing is known.
 */
static inline u32 f2fs_lives_soon(const struct f2fs_lives *lives, u64 age, u64 within,
				  u64 capacity)
{
	u32 from = f2fs_life_log(age, capacity);
	u32 until = f2fs_life_log(age + within, capacity);
	u32 alive = f2fs_lives_count(lives, from);
	/* an octave more: the one that it ends in belongs to it */
	u32 left = until >= F2FS_LIFE_CAPACITY ? lives->nr[F2FS_LIFE_BINS - 1] :
						 f2fs_lives_count(lives, until + 256);

	return ((alive - left) * 256 + 128) / (alive + 1);
}

/* ------------------------------------------------------------------ */
/* What a decision was worth                                           */

/**
 * f2fs_fit() - how well a block fits into the log that it was written to
 * @log: its life, from f2fs_life_log()
 * @mean: mean life of that log's blocks, on the same scale
 *
 * Blocks of equal lives belong together: a segment of such is empty all at once, and nothing has
 * to be moved. That is the objective of clustering by k-means, as M2H has it for F2FS.
 *
 * Return: 0 or less, in the scale's unit.
 */
static inline s64 f2fs_fit(u32 log, u32 mean)
{
	return log < mean ? (s64)log - mean : (s64)mean - log;
}

#define F2FS_MEAN_SHIFT	7	/* the mean of a log is that of about its last 128 */

/**
 * f2fs_mean_add() - take a life into a moving mean
 * @mean: the mean, in 1/256 of the scale's unit
 * @log: the life
 *
 * Return: the new one.
 */
static inline u32 f2fs_mean_add(u32 mean, u32 log)
{
	return mean - (mean >> F2FS_MEAN_SHIFT) + (log << 8 >> F2FS_MEAN_SHIFT);
}

#endif /* _MLPROXY_F2FS_LIFETIME_H */
