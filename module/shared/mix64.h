/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
 * OOPSLA 2014): a mixer of 64 bits, and the generator that it belongs to. Not for
 * secrets: who sees an output knows the state.
 */
#ifndef _MLPROXY_SHARED_MIX64_H
#define _MLPROXY_SHARED_MIX64_H

#include "port.h"

#define MIX64_STEP	0x9e3779b97f4a7c15ULL

/**
 * mix64() - a bijection of the 64-bit numbers that looks random
 * @x: any number; neighbours are as good as any
 *
 * The generator's output where its state was @x. Context: any.
 */
static inline u64 mix64(u64 x)
{
	x += MIX64_STEP;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/**
 * mix64_next() - the generator's next output, all 64 bits of it random
 * @state: any number to begin with
 */
static inline u64 mix64_next(u64 *state)
{
	u64 x = *state;

	*state += MIX64_STEP;
	return mix64(x);
}

#endif /* _MLPROXY_SHARED_MIX64_H */
