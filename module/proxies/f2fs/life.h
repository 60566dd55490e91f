/* SPDX-License-Identifier: GPL-2.0-only */
/* When the blocks of a filesystem were written, and when they die; see life.c. */
#ifndef _MLPROXY_F2FS_LIFE_H
#define _MLPROXY_F2FS_LIFE_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "action.h"

struct f2fs_mount;
struct f2fs_sample_bucket;
struct mlproxy_decision;
struct mlproxy_outcome;

/* What an allocated block is. */
enum f2fs_kind {
	F2FS_KIND_USER,
	F2FS_KIND_MIGRATED,
	F2FS_KIND_NODE,
};

/**
 * struct f2fs_life - blocks of a filesystem
 * @main: address of its first block
 * @blocks: how many it has
 * @shift: from f2fs_birth_shift()
 * @births: when they were written
 * @written: the clock
 * @buckets: samples, by address
 * @nr_buckets: how many, a power of two
 * @samples: of these, how many wait
 * @serial: of the last sample
 * @rate: one decision of 2^this is sampled
 * @cursor: next bucket that is looked through for survivors
 * @mean: mean life of each log's blocks, from f2fs_mean_add()
 * @paid: blocks written to the device, not yet reported
 */
struct f2fs_life {
	u32 main;
	u32 blocks;
	u32 shift;
	u16 *births;
	atomic64_t written;
	struct f2fs_sample_bucket *buckets;
	u32 nr_buckets;
	atomic_t samples;
	atomic_t serial;
	u32 rate;
	atomic_t cursor;
	u32 mean[F2FS_NR_LOGS];
	atomic_t paid;
};

/**
 * struct f2fs_life_of - what a sample is remembered by
 * @context: tag of its context, 0 for none
 * @dir: tag of that of its directory
 */
struct f2fs_life_of {
	u32 context;
	u32 dir;
};

int f2fs_life_init(struct f2fs_life *life, u32 main, u32 blocks, unsigned int max_mb);
void f2fs_life_exit(struct f2fs_life *life);
u64 f2fs_life_now(const struct f2fs_life *life);
bool f2fs_life_age(const struct f2fs_life *life, u32 address, u64 *age);
u32 f2fs_life_mean(const struct f2fs_life *life, unsigned int log);
void f2fs_life_wrote(struct f2fs_mount *mount, u32 old, u32 new, enum f2fs_kind kind);
void f2fs_life_died(struct f2fs_mount *mount, u32 address);
bool f2fs_life_draw(const struct f2fs_life *life, u64 id);
void f2fs_life_sample(struct f2fs_mount *mount, u32 address, unsigned int log,
		      const struct f2fs_life_of *of, const struct mlproxy_decision *decision);
bool f2fs_life_audit(const struct f2fs_life *life, u64 token, struct mlproxy_outcome *outcome);

#endif /* _MLPROXY_F2FS_LIFE_H */
