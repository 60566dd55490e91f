/* SPDX-License-Identifier: GPL-2.0-only */
/* The state of the devices whose files are looked after. */
#ifndef _MLPROXY_RA_TARGET_H
#define _MLPROXY_RA_TARGET_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/rcupdate.h>

#include "action.h"
#include "common/target.h"
#include "use.h"

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
 * struct ra_disk - what the filesystems on one disk share
 * @log_sum: sum over tasks of log2 (Q8) of their progress share times its
 *	weight in us; never positive
 * @log_us: sum of the weights
 * @sampling: taken by whoever brings the rest up to date
 * @sample_ns: when that was done last
 * @nsecs: sum of the durations of the reads of the whole disk, then
 * @depth: log2 (Q8) of 1 + the mean number of its reads in flight
 * @budget: pages that may be prefetched, until the next time
 * @span: number of the current span of activity windows
 * @readers: files active in it
 * @readers_before: files active in the one before
 * @rested_ms: when a resting file was read last, in 2^20 ns
 * @rested_pid: by which task
 */
struct ra_disk {
	atomic64_t log_sum;
	atomic64_t log_us;
	atomic_t sampling;
	u64 sample_ns;
	u64 nsecs;
	u32 depth;
	atomic_t budget;
	u32 span;
	atomic_t readers;
	u32 readers_before;
	u32 rested_ms;
	pid_t rested_pid;
};

/**
 * struct ra_target - state of a filesystem's device
 * @disk: what it shares with others on the disk
 * @sampling: taken by whoever brings the state up to date
 * @sample_ns: when that was done last
 * @counted: the device's own counters, then
 * @fine: these count in nanoseconds
 * @timed: they tell how long reads take; else what the tasks tell is kept
 * @silent: times in a row that they had not moved
 * @waits: waits of the tasks for a page since then
 * @wait_ns: sum of their durations
 * @wait_sectors: what the tasks asked the device for since then
 * @refaults: pages read again that had been evicted, on all devices, then
 * @latency: log2 (Q8) of the mean duration of a read, in ns
 * @depth: log2 (Q8) of 1 + the mean number of reads in flight
 * @rate: log2 (Q8) of bytes per ms read
 * @link: what it has shown of these lately
 * @bdp: the window that comes of it, in log2 of the least one
 * @refault_share: share (Q8) of the pages read that had been evicted before, a moving mean
 * @use: pages that were read ahead and used, by action, over all files
 * @evicted: pages that reclaim took, one in some of them
 * @returned: those of them that were missed again soon
 * @evicted_before: @evicted, at the last sample
 * @returned_before: @returned, then
 * @evicted_ns: when @evicted last changed
 * @rent_of: evictions that @rent is of
 * @rent_back: those that returned
 * @rent: pages (Q8) that a page which is read costs the others
 * @window: number of the current activity window
 * @files: files active in it
 * @files_before: files active in the one before
 * @fs: what the filesystem is known by, while it has the slot
 * @type: name of its type
 * @name: that of its device
 * @mounted: it was among what is mounted, at the last look
 * @fresh: the slot was taken just now
 * @type_of: type of the filesystem that @meant is of
 * @meant: its number, and in the upper half the version of &ra_chosen in which it is chosen
 * @instance: who decides for its files, or NULL; see instance.c
 */
struct ra_target {
	struct ra_disk *disk;
	atomic_t sampling;
	u64 sample_ns;
	struct ra_reads counted;
	bool fine;
	bool timed;
	u8 silent;
	atomic64_t waits;
	atomic64_t wait_ns;
	atomic64_t wait_sectors;
	u64 refaults;
	u32 latency;
	u32 depth;
	u32 rate;
	struct ra_bdp link;
	u8 bdp;
	u32 refault_share;
	struct ra_use_share use[RA_NR_ACTIONS];
	atomic_t evicted;
	atomic_t returned;
	u32 evicted_before;
	u32 returned_before;
	u64 evicted_ns;
	u32 rent_of;
	u32 rent_back;
	u32 rent;
	u32 window;
	atomic_t files;
	u32 files_before;
	struct proxy_fs fs;
	char type[16];
	char name[32];
	bool mounted;
	bool fresh;
	const struct file_system_type *type_of;
	u64 meant;
	struct mlproxy __rcu *instance;
};

extern struct proxy_targets ra_chosen;

void ra_targets_init(void);
struct ra_target *ra_target_find(struct super_block *sb);
struct ra_target *ra_target_known(u32 dev);
bool ra_target_chosen(const struct ra_target *target);
bool ra_targets_idle(void);
bool ra_targets_look(bool gone[RA_TARGET_SLOTS]);
void ra_target_give_back(struct ra_target *target);
struct ra_target *ra_target_slot(unsigned int slot);
u32 ra_target_dev(const struct ra_target *target);
bool ra_target_is_shared(const struct ra_target *target);
void ra_target_sample(struct ra_target *target, struct super_block *sb, u64 now_ns);
u32 ra_target_active(struct ra_target *target, u32 file_window, u64 now_ns);
u32 ra_target_files(const struct ra_target *target);
u32 ra_target_readers(const struct ra_target *target);
void ra_target_rested(const struct ra_target *target);
bool ra_target_resting(const struct ra_target *target, u64 since_ns);
unsigned int ra_target_snapshot(const struct ra_target *only, s64 *values, unsigned int nr);
bool ra_target_strained(const struct ra_target *only);
bool ra_target_afford(struct ra_target *target, unsigned int pages);
void ra_target_add(struct ra_target *target, const struct ra_reads *reads);

#endif /* _MLPROXY_RA_TARGET_H */
