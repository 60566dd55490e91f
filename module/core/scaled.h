/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scaled numbers: a 64-bit mantissa and an exponent of two, in integer arithmetic,
 * for statistics whose terms range over many orders of magnitude. Results are
 * truncated towards 0: the relative error of an operation is below 2^-62. Nothing
 * here calls libgcc: the widest operations are additions, shifts and products of
 * 128 bits, which the compiler expands on 64-bit machines.
 *
 * Exponents stay far from the limits of s32: inputs are below 2^128, and no caller
 * takes more than a few products of them.
 */
#ifndef _MLPROXY_SCALED_H
#define _MLPROXY_SCALED_H

#include "../shared/port.h"

/**
 * struct scaled - plus or minus @mant * 2^@exp
 * @mant: 0, or with its top bit set
 * @exp: 0 where @mant is 0
 * @neg: false where @mant is 0
 */
struct scaled {
	u64 mant;
	s32 exp;
	bool neg;
};

enum scaled_round { SCALED_DOWN, SCALED_NEAREST, SCALED_UP };

static inline struct scaled scaled_make(__uint128_t wide, s32 exp, bool neg)
{
	struct scaled x = { 0 };
	u64 high = (u64)(wide >> 64);
	s32 shift;

	if (high) {
		shift = 64 - __builtin_clzll(high);
		x.mant = (u64)(wide >> shift);
		x.exp = exp + shift;
		x.neg = neg;
	} else if (wide) {
		shift = __builtin_clzll((u64)wide);
		x.mant = (u64)wide << shift;
		x.exp = exp - shift;
		x.neg = neg;
	}
	return x;
}

static inline struct scaled scaled_u128(__uint128_t value)
{
	return scaled_make(value, 0, false);
}

static inline struct scaled scaled_u64(u64 value)
{
	return scaled_make(value, 0, false);
}

static inline struct scaled scaled_s64(s64 value)
{
	return scaled_make(value < 0 ? -(u64)value : (u64)value, 0, value < 0);
}

static inline struct scaled scaled_s128(__int128_t value)
{
	return scaled_make(value < 0 ? -(__uint128_t)value : (__uint128_t)value, 0, value < 0);
}

/** scaled_shift() - @x * 2^@shift */
static inline struct scaled scaled_shift(struct scaled x, s32 shift)
{
	if (x.mant)
		x.exp += shift;
	return x;
}

static inline struct scaled scaled_neg(struct scaled x)
{
	x.neg = x.mant && !x.neg;
	return x;
}

/** scaled_cmp_abs() - below, at or above 0 as @a's magnitude is to @b's */
static inline int scaled_cmp_abs(struct scaled a, struct scaled b)
{
	if (!a.mant || !b.mant)
		return !!a.mant - !!b.mant;
	if (a.exp != b.exp)
		return a.exp < b.exp ? -1 : 1;
	return (a.mant > b.mant) - (a.mant < b.mant);
}

/** scaled_cmp() - below, at or above 0 as @a is to @b */
static inline int scaled_cmp(struct scaled a, struct scaled b)
{
	if (a.neg != b.neg)
		return a.neg ? -1 : 1;
	return a.neg ? scaled_cmp_abs(b, a) : scaled_cmp_abs(a, b);
}

static inline struct scaled scaled_add(struct scaled a, struct scaled b)
{
	struct scaled swap;
	__uint128_t wide_a, wide_b;
	s64 distance;

	if (scaled_cmp_abs(a, b) < 0) {
		swap = a;
		a = b;
		b = swap;
	}
	if (!b.mant)
		return a;
	distance = (s64)a.exp - b.exp;
	wide_a = (__uint128_t)a.mant << 62;
	wide_b = distance < 127 ? ((__uint128_t)b.mant << 62) >> distance : 0;
	return scaled_make(a.neg == b.neg ? wide_a + wide_b : wide_a - wide_b, a.exp - 62,
			   a.neg);
}

static inline struct scaled scaled_sub(struct scaled a, struct scaled b)
{
	return scaled_add(a, scaled_neg(b));
}

static inline struct scaled scaled_mul(struct scaled a, struct scaled b)
{
	return scaled_make((__uint128_t)a.mant * b.mant, a.exp + b.exp, a.neg != b.neg);
}

/*
 * A digit of 32 bits of a quotient: (@rest * 2^32 + @next) / @by, for @rest below @by, which
 * has its top bit. The estimate by the upper half of @by is too large by 2 at most (Knuth,
 * The Art of Computer Programming, 4.3.1, algorithm D).
 */
static inline u64 scaled_digit(u64 *rest, u32 next, u64 by)
{
	u64 high = by >> 32, low = (u32)by;
	u64 digit = *rest / high, left = *rest % high;

	while (digit >> 32 || digit * low > (left << 32 | next)) {
		digit--;
		left += high;
		if (left >> 32)
			break;
	}
	/* modulo 2^64, in which what is left fits */
	*rest = (*rest << 32 | next) - digit * by;
	return digit;
}

/** scaled_div() - @a / @b; @b is not 0, or the quotient is 0: nothing may trap */
static inline struct scaled scaled_div(struct scaled a, struct scaled b)
{
	u64 rest = a.mant >> 1, high, low;

	if (!a.mant || !b.mant)
		return scaled_u64(0);
	/* both mantissas have their top bit: @a's, times 2^63, is below 2^64 times @b's */
	high = scaled_digit(&rest, (u32)(a.mant << 63 >> 32), b.mant);
	low = scaled_digit(&rest, 0, b.mant);
	return scaled_make(high << 32 | low, a.exp - b.exp - 63, a.neg != b.neg);
}

/* The root of @x, at least 2^60, and what is left: @x - root^2. */
static inline u64 scaled_sqrt_u64(u64 x, u64 *rest)
{
	u64 root = 0, trial;
	int bit;

	for (bit = 31; bit >= 0; bit--) {
		/* (root + 2^bit)^2 - root^2 */
		trial = (root << (bit + 1)) + (1ULL << (2 * bit));
		if (x >= trial) {
			x -= trial;
			root |= 1ULL << bit;
		}
	}
	*rest = x;
	return root;
}

/**
 * scaled_sqrt() - of @x, not negative
 *
 * The upper half of the root from the upper half of the radicand, the lower one by a
 * division (Zimmermann, Karatsuba Square Root, 1999). That one may be too large by 2.
 */
static inline struct scaled scaled_sqrt(struct scaled x)
{
	__uint128_t wide, root;
	u64 high, low, rest;
	__int128_t left;
	s32 shift;

	if (!x.mant)
		return x;
	/* the exponent of the radicand has to be even */
	shift = x.exp & 1 ? 63 : 62;
	wide = (__uint128_t)x.mant << shift;
	high = scaled_sqrt_u64((u64)(wide >> 64), &rest);
	/* (rest * 2^32 + next) / (2 * high); the dividend may have 65 bits */
	low = (rest << 31 | (u32)((u64)wide >> 33)) / high;
	rest = (rest << 32 | (u32)((u64)wide >> 32)) - 2 * low * high;
	left = ((__int128_t)rest << 32 | (u32)wide) - (__int128_t)low * low;
	for (root = ((__uint128_t)high << 32) + low; left < 0; left += 2 * root + 1)
		root--;
	return scaled_make(root, (x.exp - shift) / 2, false);
}

/** scaled_log2() - of @x, above 0, to 2^-32 */
static inline struct scaled scaled_log2(struct scaled x)
{
	s64 log = (s64)x.exp + 63;
	__uint128_t square;
	int bit;

	for (bit = 0; bit < 32; bit++) {
		square = (__uint128_t)x.mant * x.mant;
		log *= 2;
		if (square >> 127) {
			log++;
			x.mant = (u64)(square >> 64);
		} else {
			x.mant = (u64)(square >> 63);
		}
	}
	return scaled_shift(scaled_s64(log), -32);
}

/** scaled_ln2() - ln 2 = 0xb17217f7d1cf79ab * 2^-64 */
static inline struct scaled scaled_ln2(void)
{
	return (struct scaled){ .mant = 0xb17217f7d1cf79abULL, .exp = -64 };
}

/** scaled_ln() - of @x, above 0, to 2^-32 */
static inline struct scaled scaled_ln(struct scaled x)
{
	return scaled_mul(scaled_log2(x), scaled_ln2());
}

/* (e^@y - 1) / @y, for @y from 0 to 1/4, to 2^-60; where @y is 0 that is 1. */
static inline struct scaled scaled_expm1_ratio(struct scaled y)
{
	s32 right = -(y.exp + 64);
	u64 fraction = right < 64 ? y.mant >> right : 0, sum = 1ULL << 62, k;

	/* 1 + y/2 (1 + y/3 (1 + ...)), in 2^-62; what is left out is below that */
	for (k = right >= 7 ? 7 : 14; k > 1; k--)
		sum = (1ULL << 62) + (u64)((__uint128_t)sum * fraction >> 64) / k;
	return scaled_make(sum, -62, false);
}

/** scaled_expm1() - e^@x - 1, for @x from 0 to 64 */
static inline struct scaled scaled_expm1(struct scaled x)
{
	s32 halvings = x.mant ? x.exp + 64 + 2 : 0;
	struct scaled y;

	/* e^2y - 1 = (e^y - 1) * (e^y - 1 + 2), from a y that is 1/4 at most */
	if (halvings < 0)
		halvings = 0;
	y = scaled_shift(x, -halvings);
	y = scaled_mul(scaled_expm1_ratio(y), y);
	for (; halvings > 0; halvings--)
		y = scaled_mul(y, scaled_add(y, scaled_u64(2)));
	return y;
}

/** scaled_to_s64() - @x * 2^@shift, rounded as @round says, saturated */
static inline s64 scaled_to_s64(struct scaled x, s32 shift, enum scaled_round round)
{
	s64 right = -((s64)x.exp + shift);
	u64 mag = 0, rest = x.mant, half = 0;

	if (x.mant && right <= 0)
		return x.neg ? S64_MIN : S64_MAX;
	if (right <= 63) {
		mag = x.mant ? x.mant >> right : 0;
		rest = x.mant ? x.mant << (64 - right) : 0;
	}
	/* @rest is what was cut off, in 2^-64 unless all of it was */
	half = right <= 63 ? rest >> 63 : right == 64 && rest >> 63;
	if ((round == SCALED_UP && !x.neg && rest) || (round == SCALED_DOWN && x.neg && rest) ||
	    (round == SCALED_NEAREST && half))
		mag++;
	if (mag >> 63)
		return x.neg ? S64_MIN : S64_MAX;
	return x.neg ? -(s64)mag : (s64)mag;
}

#endif /* _MLPROXY_SCALED_H */
