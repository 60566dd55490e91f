/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long blocks live, learnt as histograms: of the blocks that reached an age bin, how many
 * died in it. A block that is still alive counts for each bin that it has passed and for none
 * of those ahead, so survivors are censored, not guessed. For that those who reach a bin must be
 * counted when they do, as promptly as deaths are (follow.h): else there seem to be more deaths
 * than there are. Time is the count of blocks that users wrote.
 *
 * Plain integer arithmetic, for the kernel and for user space: no allocation, no locks, no
 * floating point. Who calls it serialises what changes one context.
 */
#ifndef _MLPROXY_F2FS_SURVIVAL_H
#define _MLPROXY_F2FS_SURVIVAL_H

#include "shared/port.h"
#include "shared/log2.h"

/* Two bins an octave from 1/1024 of the capacity to four times it, one below, one above. */
#define SURV_BINS	26
#define SURV_OCTAVES	12
#define SURV_ONE	65536u
#define SURV_ALL	0x40000000u
/* The second half of the first octave is less than a unit. */
#define SURV_EMPTY	2
/* A bin forgets half when it has seen so many. */
#define SURV_FULL	4096u
/* The word of the next wider context counts as much as so many blocks. */
#define SURV_PRIOR	8u
/* Contexts that a block is in, at most. */
#define SURV_DEPTH	8

/**
 * struct surv - what is known of one context's blocks
 * @entered: blocks that reached the bin
 * @died: those of them that died in it
 */
struct surv {
	u16 entered[SURV_BINS];
	u16 died[SURV_BINS];
};

/**
 * surv_bin() - the bin of an age
 * @age: in blocks written
 * @unit: 1/1024 of the capacity in blocks, at least 1
 *
 * Context: any. Return: 0 to SURV_BINS - 1.
 */
static inline u32 surv_bin(u32 age, u32 unit)
{
	u32 x = age / unit, octave;

	if (!x)
		return 0;
	octave = log2_q8(x) >> 8;
	if (octave >= SURV_OCTAVES)
		return SURV_BINS - 1;
	return 1 + 2 * octave + (octave ? x >> (octave - 1) & 1 : 0);
}

/**
 * surv_edge() - the age at which a bin begins
 * @bin: 0 to SURV_BINS - 1
 * @unit: as surv_bin()'s
 *
 * The second half of the first octave is empty: it begins where the next one does.
 * Context: any. Return: blocks written.
 */
static inline u32 surv_edge(u32 bin, u32 unit)
{
	u32 octave, x;

	if (!bin)
		return 0;
	octave = (bin - 1) / 2;
	x = 1u << octave;
	if ((bin - 1) & 1)
		x += octave ? x / 2 : 1;
	return x * unit;
}

/**
 * surv_enter() - a block reached a bin
 * @s: its context
 * @bin: which; each bin once a block, 0 when it is written
 *
 * Context: any.
 */
static inline void surv_enter(struct surv *s, u32 bin)
{
	if (s->entered[bin] >= SURV_FULL) {
		s->entered[bin] /= 2;
		s->died[bin] /= 2;
	}
	s->entered[bin]++;
}

/**
 * surv_die() - a block died
 * @s: its context
 * @bin: that of its age, which it has entered
 *
 * Context: any.
 */
static inline void surv_die(struct surv *s, u32 bin)
{
	if (s->died[bin] < s->entered[bin])
		s->died[bin]++;
}

/**
 * struct surv_chain - the contexts that a block is in
 * @of: from the widest, which has all blocks, to the narrowest
 * @nr: how many, at least 1
 */
struct surv_chain {
	const struct surv *of[SURV_DEPTH];
	u32 nr;
};

/**
 * surv_hazard() - the share of blocks in a bin that die in it
 * @chain: the contexts; where one has seen little, the wider one's word stands
 * @bin: which
 *
 * Context: any. Return: 0 to SURV_ONE.
 */
static inline u32 surv_hazard(const struct surv_chain *chain, u32 bin)
{
	/* nothing known at all: a quarter an octave and a bit, which is scale-free */
	u32 hazard = SURV_ONE / 8, weight = 1, i;

	for (i = 0; i < chain->nr; i++) {
		const struct surv *s = chain->of[i];

		hazard = (s->died[bin] * SURV_ONE + hazard * weight) / (s->entered[bin] + weight);
		weight = SURV_PRIOR;
	}
	return hazard;
}

/**
 * struct surv_curve - which share of blocks gets how old
 * @lives: of SURV_ALL, those that reach a bin; the last, those that outlive all bins
 */
struct surv_curve {
	u32 lives[SURV_BINS + 1];
};

/**
 * surv_curve() - works out the curve of a chain, to be asked more than once
 * @curve: the result
 * @chain: the contexts
 *
 * Context: any.
 */
static inline void surv_curve(struct surv_curve *curve, const struct surv_chain *chain)
{
	u32 lives = SURV_ALL, bin;

	for (bin = 0; bin < SURV_BINS; bin++) {
		curve->lives[bin] = lives;
		if (bin != SURV_EMPTY)
			lives -= (u32)((u64)lives * surv_hazard(chain, bin) / SURV_ONE);
		/* a share of nothing would be anything */
		if (!lives)
			lives = 1;
	}
	curve->lives[SURV_BINS] = lives;
}

/* The last bin has no end: another octave is as good as any. */
static inline u32 surv_end(u32 bin, u32 unit)
{
	return bin == SURV_BINS - 1 ? 2 * surv_edge(bin, unit) : surv_edge(bin + 1, unit);
}

/* The share that gets as old as that; within a bin they die evenly. */
static inline u32 surv_lives(const struct surv_curve *curve, u32 age, u32 unit)
{
	u32 bin = surv_bin(age, unit), low = surv_edge(bin, unit), high = surv_end(bin, unit);
	u32 dying = curve->lives[bin] - curve->lives[bin + 1];

	if (age >= high)
		return curve->lives[bin + 1];
	return curve->lives[bin] - (u32)((u64)dying * (age - low) / (high - low));
}

/**
 * surv_within() - the probability that a block dies soon
 * @curve: of its contexts
 * @age: of the block, in blocks written
 * @horizon: likewise, what is soon
 * @unit: as surv_bin()'s
 *
 * Context: any. Return: 0 to SURV_ONE.
 */
static inline u32 surv_within(const struct surv_curve *curve, u32 age, u32 horizon, u32 unit)
{
	u64 now = surv_lives(curve, age, unit), then = surv_lives(curve, age + horizon, unit);

	return (u32)((now - then) * SURV_ONE / now);
}

/**
 * surv_median() - when half of such blocks will have died
 * @curve: of its contexts
 * @age: of the block, in blocks written
 * @unit: as surv_bin()'s
 *
 * Context: any. Return: blocks written from now; ~0 if it is beyond the last bin's edge.
 */
static inline u32 surv_median(const struct surv_curve *curve, u32 age, u32 unit)
{
	u32 half = surv_lives(curve, age, unit) / 2, bin, low, when;

	for (bin = surv_bin(age, unit); bin < SURV_BINS - 1; bin++)
		if (curve->lives[bin + 1] <= half)
			break;
	if (bin == SURV_BINS - 1)
		return ~0u;
	low = surv_edge(bin, unit);
	when = low + (u32)((u64)(curve->lives[bin] - half) * (surv_edge(bin + 1, unit) - low) /
			   (curve->lives[bin] - curve->lives[bin + 1]));
	return when > age ? when - age : 0;
}

/**
 * surv_clean_cost() - what a freed block costs if a section is cleaned now
 * @valid: its valid blocks, at most @blocks
 * @soon: those of them that will die soon, of 256ths
 * @weight: how often each of those counts more, as it need not be moved if one waits
 * @blocks: that it has
 *
 * Without the division a section full of blocks that live long looks cheaper than one half of
 * whose blocks are about to die, and nothing is gained by cleaning it.
 * Context: any. Return: the lower the better; ~0 if nothing would be freed.
 */
static inline u32 surv_clean_cost(u32 valid, u32 soon, u32 weight, u32 blocks)
{
	u64 cost;

	if (valid >= blocks)
		return ~0u;
	cost = ((u64)valid * 256 + (u64)weight * soon) * 256 / (blocks - valid);
	return cost < ~0u ? (u32)cost : ~0u - 1;
}

#endif /* _MLPROXY_F2FS_SURVIVAL_H */
