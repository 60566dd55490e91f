/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long blocks live, learnt as histograms: of the blocks that reached an age bin, how many
 * died in it. A block that is still alive counts for each bin that it has passed and for none
 * of those ahead, so survivors are censored, not guessed. Time is the count of blocks that
 * users wrote.
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
/* A bin forgets half when it has seen so many. */
#define SURV_FULL	16384u
/* The parent's word counts as much as so many blocks. */
#define SURV_PRIOR	16u

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
 * surv_hazard() - the share of blocks in a bin that die in it
 * @s: the context
 * @parent: a wider one whose word stands where @s has seen little, or NULL
 * @bin: which
 *
 * Context: any. Return: 0 to SURV_ONE.
 */
static inline u32 surv_hazard(const struct surv *s, const struct surv *parent, u32 bin)
{
	/* nothing known at all: a quarter an octave and a bit, which is scale-free */
	u32 prior = SURV_ONE / 8, weight = SURV_PRIOR;

	if (parent)
		prior = (parent->died[bin] * SURV_ONE + prior) / (parent->entered[bin] + 1u);
	else
		weight = 1;
	return (s->died[bin] * SURV_ONE + prior * weight) / (s->entered[bin] + weight);
}

/* The part of [@from, @to) of a bin's time that lies in it, of SURV_ONE. */
static inline u32 surv_overlap(u32 bin, u32 from, u32 to, u32 unit)
{
	u32 low = surv_edge(bin, unit), high;

	/* the last bin has no end: another octave is as good as any */
	high = bin == SURV_BINS - 1 ? 2 * low : surv_edge(bin + 1, unit);
	if (from < low)
		from = low;
	if (to > high)
		to = high;
	return to > from ? (u32)((u64)(to - from) * SURV_ONE / (high - low)) : 0;
}

/**
 * surv_within() - the probability that a block dies soon
 * @s: its context
 * @parent: as surv_hazard()'s
 * @age: of the block, in blocks written
 * @horizon: likewise, what is soon
 * @unit: as surv_bin()'s
 *
 * Context: any. Return: 0 to SURV_ONE.
 */
static inline u32 surv_within(const struct surv *s, const struct surv *parent, u32 age,
			      u32 horizon, u32 unit)
{
	u32 last = surv_bin(age + horizon, unit), bin;
	u64 lives = SURV_ONE;

	for (bin = surv_bin(age, unit); bin <= last; bin++) {
		u64 dies = surv_hazard(s, parent, bin);

		dies = dies * surv_overlap(bin, age, age + horizon, unit) / SURV_ONE;
		lives = lives * (SURV_ONE - dies) / SURV_ONE;
	}
	return SURV_ONE - (u32)lives;
}

/**
 * surv_median() - when half of such blocks will have died
 * @s: the context
 * @parent: as surv_hazard()'s
 * @age: of the block, in blocks written
 * @unit: as surv_bin()'s
 *
 * Context: any. Return: blocks written from now, to the end of the bin in which it happens;
 * ~0 if it is beyond the last bin's edge.
 */
static inline u32 surv_median(const struct surv *s, const struct surv *parent, u32 age, u32 unit)
{
	u64 lives = SURV_ONE;
	u32 bin;

	for (bin = surv_bin(age, unit); bin < SURV_BINS - 1; bin++) {
		u32 end = surv_edge(bin + 1, unit);
		u64 dies = surv_hazard(s, parent, bin);

		if (end <= age)
			continue;
		dies = dies * surv_overlap(bin, age, end, unit) / SURV_ONE;
		lives = lives * (SURV_ONE - dies) / SURV_ONE;
		if (lives < SURV_ONE / 2)
			return end - age;
	}
	return ~0u;
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
