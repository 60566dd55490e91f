/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scaled numbers: integers with a binary exponent, for the statistics of the mode
 * machine, where sums of squares and their ratios pass 64 bits in both directions.
 * Not negative; 64 bits of precision, rounded down. A few instructions each, no
 * lock, no memory: any context.
 */
#ifndef _MLPROXY_SCALED_H
#define _MLPROXY_SCALED_H

#include "../infer/port.h"

typedef unsigned __int128 u128;

/**
 * struct scaled - the number m * 2^e
 * @m: mantissa with its top bit set, or 0
 * @e: exponent, 0 where @m is
 */
struct scaled {
	u64 m;
	s32 e;
};

static inline struct scaled sc_u128(u128 v)
{
	u64 hi = (u64)(v >> 64);
	s32 shift;

	if (!v)
		return (struct scaled) { 0, 0 };
	if (!hi) {
		shift = __builtin_clzll((u64)v);
		return (struct scaled) { (u64)v << shift, -shift };
	}
	shift = 64 - __builtin_clzll(hi);
	return (struct scaled) { (u64)(v >> shift), shift };
}

static inline struct scaled sc_u64(u64 v)
{
	return sc_u128(v);
}

static inline struct scaled sc_shift(struct scaled a, s32 bits)
{
	if (a.m)
		a.e += bits;
	return a;
}

static inline struct scaled sc_mul(struct scaled a, struct scaled b)
{
	return sc_shift(sc_u128((u128)a.m * b.m), a.e + b.e);
}

/* b is not 0 */
static inline struct scaled sc_div(struct scaled a, struct scaled b)
{
	u64 rest = a.m, quotient = 0;
	int i;

	/* 64 bits behind the point, one by one: no 128-bit division in the kernel */
	if (!a.m)
		return a;
	rest >>= 1;	/* < b.m, which has its top bit set */
	for (i = 0; i < 64; i++) {
		bool carry = rest >> 63;

		rest <<= 1;
		quotient <<= 1;
		if (carry || rest >= b.m) {
			rest -= b.m;
			quotient |= 1;
		}
	}
	return sc_shift(sc_u64(quotient), a.e + 1 - b.e - 64);
}

static inline int sc_cmp(struct scaled a, struct scaled b)
{
	if (!a.m || !b.m)
		return !!a.m - !!b.m;
	if (a.e != b.e)
		return a.e < b.e ? -1 : 1;
	return a.m < b.m ? -1 : a.m > b.m;
}

static inline struct scaled sc_add(struct scaled a, struct scaled b)
{
	struct scaled big = sc_cmp(a, b) < 0 ? b : a;
	struct scaled small = sc_cmp(a, b) < 0 ? a : b;

	if (!small.m || big.e - small.e >= 64)
		return big;
	return sc_shift(sc_u128((u128)big.m + (small.m >> (big.e - small.e))), big.e);
}

/* The integer part of a * 2^16, S64_MAX if it is larger. */
static inline s64 sc_q16(struct scaled a)
{
	s32 e = a.e + 16;

	if (!a.m || e <= -64)
		return 0;
	if (e >= 0)
		return S64_MAX;
	return (s64)(a.m >> -e);
}

static inline struct scaled sc_sqrt(struct scaled a)
{
	u128 v = (u128)a.m << 63;
	s32 e = a.e - 63;
	u64 root = 0;
	int bit;

	if (!a.m)
		return a;
	if (e & 1) {
		v >>= 1;
		e++;
	}
	for (bit = 63; bit >= 0; bit--) {
		u64 next = root | 1ULL << bit;

		if ((u128)next * next <= v)
			root = next;
	}
	return sc_shift(sc_u64(root), e / 2);
}

/* log2(a) in 1/65536, rounded down; a is not 0. */
static inline s64 sc_log2_q16(struct scaled a)
{
	s64 log = (s64)a.e + 63;
	u64 m = a.m;
	int i;

	/* The fraction of the logarithm, a bit with each squaring. */
	for (i = 0; i < 16; i++) {
		u128 square = (u128)m * m;
		bool two = square >> 127;

		log = log * 2 + two;
		m = (u64)(square >> (two ? 64 : 63));
	}
	return log;
}

#endif /* _MLPROXY_SCALED_H */
