/* SPDX-License-Identifier: GPL-2.0-only */
/* The state of the devices whose files are looked after. */
#ifndef _MLPROXY_RA_TARGET_H
#define _MLPROXY_RA_TARGET_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/rcupdate.h>

#include "common/target.h"

struct mlproxy;

#define RA_STRAINED_DEPTH 64	/* reads in flight */
#define RA_TARGETS	16
#define RA_TARGET_SLOTS	(RA_TARGETS + 1)	/* and one for all others */

/**
 * struct ra_reads - reads of a device
 * @ios: how many
 * @nsecs: sum of their durations
 * @sectors: sum of their sizes
 */
struct ra_reads {
	u64 ios;
	u64 nsecs;
	u64 sectors;
};

/**
 * struct ra_target - state of a device whose files are looked after
 * @log_sum: sum over tasks of log2 (Q8) of their progress share times its
 *	weight in us; never positive
 * @log_us: sum of the weights
 * @sampling: taken by whoever brings the state up to date
 * @sample_ns: when that was done last
 * @counted: the device's own counters, then
 * @timed: they tell how long reads take; else the next ones are kept
 * @silent: times in a row that they had not moved
 * @waits: waits for a page since then
 * @wait_ns: sum of their durations
 * @read_bytes: what the readers asked the device for since then
 * @refaults: pages read again that had been evicted, on all devices, then
 * @budget: pages that may be prefetched, until the next look at the counters
 * @latency: log2 (Q8) of the mean duration of a read, in ns
 * @depth: log2 (Q8) of 1 + the mean number of reads in flight
 * @rate: log2 (Q8) of bytes per ms read
 * @refault_share: share (Q8) of the pages read that had been evicted before, a moving mean
 * @free_memory: share (Q8) of memory that is free or soon can be
 * @window: number of the current activity window
 * @files: files active in it
 * @files_before: files active in the one before
 * @name: of the device, while it has the slot
 * @fresh: the slot was taken just now
 * @instance: who decides for its files, or NULL; see instance.c
 */
struct ra_target {
	atomic64_t log_sum;
	atomic64_t log_us;
	atomic_t sampling;
	u64 sample_ns;
	struct ra_reads counted;
	bool timed;
	u8 silent;
	atomic64_t waits;
	atomic64_t wait_ns;
	atomic64_t read_bytes;
	u64 refaults;
	atomic_t budget;
	u32 latency;
	u32 depth;
	u32 rate;
	u32 refault_share;
	u32 free_memory;
	u32 window;
	atomic_t files;
	u32 files_before;
	char name[24];
	bool fresh;
	struct mlproxy __rcu *instance;
};

extern struct proxy_targets ra_chosen;

struct ra_target *ra_target_find(struct super_block *sb);
void ra_targets_used(bool used[RA_TARGET_SLOTS]);
void ra_target_give_back(unsigned int slot);
struct ra_target *ra_target_slot(unsigned int slot);
u32 ra_target_dev(const struct ra_target *target);
bool ra_targets_wanted(void);
bool ra_target_is_shared(const struct ra_target *target);
void ra_target_sample(struct ra_target *target, struct super_block *sb, u64 now_ns);
u32 ra_target_active(struct ra_target *target, u32 file_window, u64 now_ns);
unsigned int ra_target_snapshot(const struct ra_target *only, s64 *values, unsigned int nr);
bool ra_target_strained(const s64 *values, unsigned int nr);
bool ra_target_afford(struct ra_target *target, unsigned int pages);
void ra_target_waited(struct ra_target *target, u64 ns, u32 waits);
void ra_target_read(struct ra_target *target, u64 bytes);

#endif /* _MLPROXY_RA_TARGET_H */
