/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The key of a file in recommendations and records: plain arithmetic, shared with
 * bench/programs/ra_key.c and the unit tests.
 */
#ifndef _MLPROXY_RA_KEY_H
#define _MLPROXY_RA_KEY_H

#include "../../shared/port.h"

/* 2^64 divided by the golden ratio, as GOLDEN_RATIO_64 of include/linux/hash.h */
#define RA_KEY_MULTIPLIER	0x61C8864680B583EBULL

/**
 * ra_key() - key of a file, for recommendations and records
 * @dev: device number as the kernel holds it, the minor's 20 bits lowest
 * @ino: inode number
 * @generation: inode generation
 *
 * Return: a hash of the three.
 */
static inline u64 ra_key(u32 dev, u64 ino, u32 generation)
{
	u64 key = ino * RA_KEY_MULTIPLIER;

	key ^= key >> 29;
	key = (key + (((u64)generation << 32) | dev)) * RA_KEY_MULTIPLIER;
	return key ^ (key >> 32);
}

#endif /* _MLPROXY_RA_KEY_H */
