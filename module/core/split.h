/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The randomised split of decisions between exploration, the model and the
 * baseline, and the probability that is logged with each: plain arithmetic,
 * shared with the unit tests.
 *
 * With exploration share e and model share s (both of 65536, e + s <= 65536) a
 * decision explores with probability e, follows the candidate with s, and the
 * baseline with the rest. Exploration draws uniformly among the legal actions.
 * Without a candidate its share falls to the baseline.
 *
 * Randomness is mix64() of a secret seed and the unit of randomisation: the
 * decision id, the entity's key, or the number of the time window. So no state
 * is shared between CPUs, and an entity stays in its arm. Windows are few, so
 * their arms are balanced: each block of 64 has its share of them, in an order
 * that is drawn for the block.
 */
#ifndef _MLPROXY_SPLIT_H
#define _MLPROXY_SPLIT_H

#include "../shared/mix64.h"
#include <linux/mlproxy.h>

#define SPLIT_BASELINE	0
#define SPLIT_CANDIDATE	1
#define SPLIT_EXPLORE	2

/**
 * split_arm() - which arm a decision belongs to
 * @r_decision: 64 random bits of this decision
 * @r_unit: 64 random bits of its unit of randomisation
 * @share: share of the candidate, of 65536
 * @explore: share of exploration, of 65536
 *
 * Exploration is drawn for each decision, the arm for each unit; given that a
 * decision does not explore, the candidate has share / (65536 - explore), up to
 * 2^-32. The upper half of @r_decision is drawn from twice, but a decision either
 * explores or has an arm.
 */
static inline int split_arm(u64 r_decision, u64 r_unit, u32 share, u32 explore)
{
	if ((r_decision & 0xffff) < explore)
		return SPLIT_EXPLORE;
	if ((r_unit >> 32) * (u64)(MLPROXY_SHARE_ONE - explore) < (u64)share << 32)
		return SPLIT_CANDIDATE;
	return SPLIT_BASELINE;
}

/**
 * split_group() - group of dependent decisions that a unit belongs to
 * @r_unit: 64 random bits of the unit; the arm is drawn from others
 *
 * Return: 0 to 63.
 */
static inline u32 split_group(u64 r_unit)
{
	return r_unit & 63;
}

/**
 * split_permute() - a pseudo-random permutation of 0 to 63
 * @key: which one
 * @i: argument
 *
 * A Feistel network of four rounds on 3 + 3 bits, with the round functions drawn from
 * @key. For random keys each value of an argument is equally likely.
 */
static inline u32 split_permute(u64 key, u32 i)
{
	/* 8 results of 3 bits in each 24 bits, two round functions in each word */
	u64 f[2] = { mix64(key + 1), mix64(key + 2) };
	u32 left = i >> 3 & 7, right = i & 7, round, next;

	for (round = 0; round < 4; round++) {
		next = left ^ (f[round >> 1] >> ((round & 1) * 24 + right * 3) & 7);
		left = right;
		right = next;
	}
	return left << 3 | right;
}

/**
 * split_window_count() - windows of a block that are the candidate's
 * @r_block: 64 random bits of the block
 * @share: share of the candidate, of 65536
 * @explore: share of exploration, of 65536
 *
 * 64 * share / (65536 - explore), rounded up with the probability of the fraction, so
 * that the expected share is exact up to 2^-32. Return: 0 to 64.
 */
static inline u32 split_window_count(u64 r_block, u32 share, u32 explore)
{
	u32 rest = MLPROXY_SHARE_ONE - explore;
	u32 count, fraction;

	if (!rest)
		return 0;
	count = share * 64 / rest;
	fraction = share * 64 % rest;
	return count + ((r_block >> 32) * rest < (u64)fraction << 32);
}

/**
 * split_window_arm() - which arm a decision in a time window belongs to
 * @r_decision: 64 random bits of this decision
 * @seed: secret
 * @window: number of the window
 * @share: share of the candidate, of 65536
 * @explore: share of exploration, of 65536
 *
 * As split_arm(), with the same probabilities: over the seeds, any window is the
 * candidate's with share / (65536 - explore).
 */
static inline int split_window_arm(u64 r_decision, u64 seed, u64 window, u32 share, u32 explore)
{
	u64 block = mix64(seed ^ mix64(window >> 6));

	if ((r_decision & 0xffff) < explore)
		return SPLIT_EXPLORE;
	if (split_permute(block, window & 63) < split_window_count(block, share, explore))
		return SPLIT_CANDIDATE;
	return SPLIT_BASELINE;
}

/**
 * split_count() - number of legal actions
 * @allowed: bit mask
 */
static inline u32 split_count(u32 allowed)
{
	/* Not __builtin_popcount(), which may call libgcc. */
	allowed -= (allowed >> 1) & 0x55555555U;
	allowed = (allowed & 0x33333333U) + ((allowed >> 2) & 0x33333333U);
	allowed = (allowed + (allowed >> 4)) & 0x0f0f0f0fU;
	return (allowed * 0x01010101U) >> 24;
}

/**
 * split_pick() - draw a legal action
 * @r_decision: 64 random bits of this decision (the upper 32 are used)
 * @allowed: bit mask of legal actions, not 0
 *
 * Uniform, up to 32 * 2^-32. At most 31 steps.
 */
static inline u32 split_pick(u64 r_decision, u32 allowed)
{
	u32 n = (u32)(((r_decision >> 32) * split_count(allowed)) >> 32);

	while (n--)
		allowed &= allowed - 1;
	return (u32)__builtin_ctz(allowed);
}

/**
 * split_prob() - probability of an action under the logged policy
 * @action: a legal action
 * @baseline: the kernel's own choice
 * @candidate: the model's choice, or any value >= 32 where there is none
 * @allowed: bit mask of legal actions
 * @share: share of the candidate, of 65536
 * @explore: share of exploration, of 65536
 *
 * The remainder of the division among the explored actions is counted to the
 * baseline, so that the probabilities of all legal actions add up to 1 exactly.
 * Return: in units of 2^-31.
 */
static inline u32 split_prob(u32 action, u32 baseline, u32 candidate, u32 allowed,
			     u32 share, u32 explore)
{
	u32 n = explore ? split_count(allowed) : 1;
	u32 each = explore ? (explore << 15) / n : 0;
	u32 prob = each;

	if (candidate >= MLPROXY_MAX_ACTIONS)
		candidate = baseline;
	if (action == candidate)
		prob += share << 15;
	if (action == baseline)
		prob += ((MLPROXY_SHARE_ONE - share - explore) << 15) +
			(explore << 15) - each * n;
	return prob;
}

#endif /* _MLPROXY_SPLIT_H */
