/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Logarithms to base 2 in fixed point ("Q8", units of 1/256): of what spans many
 * powers of two (sizes, times, distances) these are the features. The same bits
 * in the kernel and in user space.
 */
#ifndef _MLPROXY_SHARED_LOG2_H
#define _MLPROXY_SHARED_LOG2_H

#include "port.h"

/**
 * log2_q8() - logarithm of a count
 * @x: number
 *
 * Linear between powers of two: at most 0.09 below the true value.
 * Context: any. Return: 256 * log2(@x), 0 for 0 and 1.
 */
static inline u32 log2_q8(u64 x)
{
	u32 msb;

	if (x < 2)
		return 0;
	msb = 63 - (u32)__builtin_clzll(x);
	return msb << 8 | ((msb >= 8 ? x >> (msb - 8) : x << (8 - msb)) & 0xff);
}

/**
 * log2_signed_q8() - logarithm of a number that may be negative or 0
 * @x: any value
 *
 * Context: any. Return: sign(@x) * log2_q8(|@x| + 1); -16384 to 16384.
 */
static inline s32 log2_signed_q8(s64 x)
{
	/* |x| + 1 in u64: also right for S64_MIN */
	s32 log = (s32)log2_q8((x < 0 ? 0 - (u64)x : (u64)x) + 1);

	return x < 0 ? -log : log;
}

/**
 * log2_share_q8() - logarithm of a share
 * @part: part
 * @whole: the whole of it
 *
 * Context: any. Return: 256 * log2(@part / @whole), of counts below 1 as if they were 1.
 */
static inline s32 log2_share_q8(u64 part, u64 whole)
{
	return (s32)log2_q8(part) - (s32)log2_q8(whole);
}

#endif /* _MLPROXY_SHARED_LOG2_H */
