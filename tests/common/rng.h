/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small generator with a seed, so that every random test can be repeated:
 * xorshift64* (Marsaglia; Vigna 2016).
 */
#ifndef _MLPROXY_TEST_RNG_H
#define _MLPROXY_TEST_RNG_H

#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline struct rng rng_seed(uint64_t seed)
{
	return (struct rng){ .state = seed * 0x9e3779b97f4a7c15ULL | 1 };
}

static inline uint64_t rng_u64(struct rng *rng)
{
	rng->state ^= rng->state >> 12;
	rng->state ^= rng->state << 25;
	rng->state ^= rng->state >> 27;
	return rng->state * 0x2545f4914f6cdd1dULL;
}

/* 0 to @n - 1 */
static inline uint32_t rng_below(struct rng *rng, uint32_t n)
{
	return (uint32_t)((rng_u64(rng) >> 32) * n >> 32);
}

/* @lo to @hi, both included */
static inline int64_t rng_range(struct rng *rng, int64_t lo, int64_t hi)
{
	uint64_t span = (uint64_t)hi - (uint64_t)lo + 1;

	return (int64_t)((uint64_t)lo + (span ? rng_u64(rng) % span : rng_u64(rng)));
}

#endif /* _MLPROXY_TEST_RNG_H */
