/* SPDX-License-Identifier: GPL-2.0-only */
/* The state of the devices whose files are looked after. */
#ifndef _MLPROXY_RA_TARGET_H
#define _MLPROXY_RA_TARGET_H

#include <linux/atomic.h>
#include <linux/fs.h>

#include "common/target.h"

/**
 * struct ra_target - state of a device whose files are looked after
 * @log_sum: sum over tasks of log2 (Q8) of their progress share times its
 *	weight in us; never positive
 * @log_us: sum of the weights
 * @sampling: taken by whoever reads the device's counters
 * @sample_ns: when they were read
 * @ios: reads completed, then
 * @nsecs: sum of their durations, then
 * @sectors: sum of their sizes, then
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
 */
struct ra_target {
	atomic64_t log_sum;
	atomic64_t log_us;
	atomic_t sampling;
	u64 sample_ns;
	u64 ios;
	u64 nsecs;
	u64 sectors;
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
};

extern struct proxy_targets ra_chosen;

struct ra_target *ra_target_find(struct super_block *sb);
void ra_targets_forget(void);
void ra_target_sample(struct ra_target *target, struct super_block *sb, u64 now_ns);
u32 ra_target_active(struct ra_target *target, u32 file_window, u64 now_ns);
unsigned int ra_target_snapshot(s64 *values, unsigned int nr);
bool ra_target_strained(const s64 *values, unsigned int nr);
bool ra_target_afford(struct ra_target *target, unsigned int pages);

#endif /* _MLPROXY_RA_TARGET_H */
