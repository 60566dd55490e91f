/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mlproxy_readahead: a readahead window per file, decided once per epoch.
 *
 *   hook.c      redirects the kernel's cache-miss functions to this module
 *   call.c      one such call: accounts it, tells the hook what to do
 *   epoch.c     statistics of an epoch: features, reward, the decision
 *   schema.c    names, units and ranges of features and actions
 *   file.c      bounded table of the files seen
 *   task.c      bounded table of the tasks seen: think time and wall time
 *   progress.h  what of that is progress
 *   target.c    chosen devices, and their state
 *   memory.c    the memory that a reader may fill
 *   override.c  window of an open file, in force only within one call
 *   pattern.c   prefetcher for backward and strided reads
 *   mmap_miss.c the kernel's own algorithm with its accounting corrected, to compare with
 *
 * Nothing here holds a reference to an inode, a file or a device beyond the
 * call that brought it: a file that is closed or unlinked, an unmount and a
 * device that goes away need no notice. State is found again by device, inode
 * number and generation.
 *
 * Locks: struct ra_file.lock (trylock only; whoever fails skips the statistics
 * of that call) > nothing. ra_override's locks are taken alone. Decisions are
 * made with ra_file.lock held.
 */
#ifndef _MLPROXY_READAHEAD_H
#define _MLPROXY_READAHEAD_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/spinlock.h>

#include <mlproxy/mlproxy.h>

#include "../../shared/log2.h"

#define RA_MAX_TARGETS		8
#define RA_NEAR_PAGES		32	/* two misses this close are one place */
#define RA_NEAR_RECENT		4	/* to one of so many */
#define RA_RECENT		6	/* places remembered */
#define RA_STREAMS		4	/* followed in one file */
#define RA_MAX_PIECES		64	/* of a strided prefetch */
#define RA_MEMORY_SHARE		32	/* of memory, at most, is read ahead at a time */
#define RA_ODD_CALLS		3	/* in a row of another kind: the reader has changed */

/* Actions, in schema order. */
enum ra_action {
	RA_KERNEL,
	RA_NONE,
	RA_16K,
	RA_32K,
	RA_64K,
	RA_256K,
	RA_1M,
	RA_4M,
	RA_PATTERN_128K,
	RA_PATTERN_1M,
	RA_NR_ACTIONS
};

/* Features, in schema order; schema.c has units and ranges. */
enum ra_feature {
	RA_F_MMAP_SHARE,
	RA_F_SEQ_SHARE,
	RA_F_ASYNC_SHARE,
	RA_F_STRIDE_SHARE,
	RA_F_BACK_SHARE,
	RA_F_NEAR_SHARE,
	RA_F_DISTANCE,
	RA_F_REQUEST,
	RA_F_READ,
	RA_F_WINDOW,
	RA_F_STALL,
	RA_F_THINK,
	RA_F_PROGRESS,
	RA_F_DEV_LATENCY,
	RA_F_DEV_DEPTH,
	RA_F_DEV_RATE,
	RA_F_ACTIVE_FILES,
	RA_F_FILE_SIZE,
	RA_F_FREE_MEMORY,
	RA_F_REFAULT_SHARE,
	RA_NR_FEATURES
};

/* Smallest log2 (Q8) of a share that is told apart from none. */
#define RA_REWARD_MIN	(-4096)

enum ra_kind {
	RA_SYNC,	/* read() missed the cache */
	RA_ASYNC,	/* somebody reached a page marked "read on" */
	RA_FAULT,	/* page fault that missed the cache */
	/* Those from here on are no misses: their time is accounted for, no more. */
	RA_FAULT_HIT,	/* page fault on a cached page, or retried */
	RA_WILLNEED,	/* the application reads ahead itself */
};

/* What a call looks like beside those before it. */
enum ra_pattern {
	RA_PAT_OTHER,
	RA_PAT_STRIDE,	/* the distance from the last one repeats */
	RA_PAT_BACK,	/* directly before the last one */
};

/* What nearly all calls of an epoch were; with another one they have changed. */
enum ra_habit {
	RA_HABIT_NONE,	/* some of each */
	RA_HABIT_FAR,
	RA_HABIT_NEAR,
	RA_HABIT_SEQ,
	RA_HABIT_STRIDE,
	RA_HABIT_BACK,
};

/**
 * struct ra_target - a device whose files are looked after
 * @dev: its number; 0 for a free slot
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
	u32 dev;
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

/**
 * struct ra_clock - a reading of the current task's clocks
 * @now_ns: local clock
 * @cpu_ns: CPU time of the task
 * @waits: times that the task went to sleep, ever
 */
struct ra_clock {
	u64 now_ns;
	u64 cpu_ns;
	u64 waits;
};

/**
 * struct ra_task - time of one task
 * @tag: identity of the task; 0 for a free slot
 * @busy: the task is within a call, or the slot is being taken over
 * @fault: the call is a page fault
 * @in_order: a look at a file that it maps found reads in order
 * @miss_parts: what the last call took outside of it, if it was a miss, in sixteenths of
 *	&ra_wait_cpu_ns
 * @map_parts: what mapping pages around took, the same
 * @left: clocks when the last call returned
 * @entered_waits: &ra_clock.waits when it began
 * @log_sum: what this task has added to &ra_target.log_sum since it has the slot
 * @log_us: the same of &ra_target.log_us
 * @slice_think_ns: CPU time outside of the hooked calls, not yet reported to the
 *	target
 * @slice_wall_ns: time within and between calls without idle time, the same
 * @slice_calls: calls in the slice
 * @claimed_us: when it got the slot, in 1024 ns
 * @last: file of the last call, which the time since then belongs to
 * @last_ino: its identity
 * @last_generation: the same
 * @last_dev: the same
 */
struct ra_task {
	u64 tag;
	atomic_t busy;
	bool fault;
	bool in_order;
	u8 miss_parts;
	u8 map_parts;
	struct ra_clock left;
	u64 entered_waits;
	s64 log_sum;
	s64 log_us;
	u64 slice_think_ns;
	u64 slice_wall_ns;
	u32 slice_calls;
	u32 claimed_us;
	struct ra_file *last;
	u64 last_ino;
	u32 last_generation;
	u32 last_dev;
} ____cacheline_aligned;

/**
 * struct ra_stream - backward or strided stream of one file
 * @frontier: first page of the next piece to prefetch; for a backward stream
 *	the lowest page prefetched
 * @delta: distance of its reads, in pages; 0: backward without gaps
 * @used_us: when it was used last, in 1024 ns
 * @depth: pages to keep ahead of the reader; 0 for a free slot
 * @req: pages of one read of it
 * @followed: the reader came back for more
 */
struct ra_stream {
	u32 frontier;
	s32 delta;
	u32 used_us;
	u16 depth;
	u8 req;
	bool followed;
};

/**
 * struct ra_epoch - statistics of one epoch of one file
 * @start_ns: local clock at its start
 * @calls: cache misses and marks reached
 * @mmap: of these, page faults
 * @async: marks reached
 * @seq: misses that continued where the last window ended
 * @stride: calls that repeated the last distance
 * @back: calls that lay directly before the last
 * @near: misses close to one of the last few
 * @log_distance: sum of log2 (Q8) of 1 + distance from the last miss, in pages
 * @req: sum of the pages asked for
 * @read_bytes: sum of the bytes read
 * @settle: calls to go until it is measured
 * @odd: last calls in a row that were of another kind than the file's
 * @stall_ns: sum of the time waited, at most 4 s
 * @think_ns: sum of the time between calls that the tasks computed, at most 4 s
 * @task_tag: task of the first call and when it got its slot, hashed
 * @task_log_us: its &ra_task.log_us then
 * @task_log_sum: its &ra_task.log_sum then
 * @log_sum: &ra_target.log_sum then
 * @log_us: &ra_target.log_us then
 */
struct ra_epoch {
	u64 start_ns;
	u16 calls;
	u16 mmap;
	u16 async;
	u16 seq;
	u16 stride;
	u16 back;
	u16 near;
	u8 settle;
	u8 odd;
	u32 log_distance;
	u32 req;
	u32 read_bytes;
	u32 stall_ns;
	u32 think_ns;
	u32 task_tag;
	u32 task_log_us;
	u32 log_us;
	s64 task_log_sum;
	s64 log_sum;
};

/**
 * struct ra_file - what is known of one file
 * @lock: protects the rest except as said; trylock only
 * @dev: with @ino and @generation the identity; 0 for a free entry. Read without
 *	the lock to find the entry, and again with it
 * @generation: of the inode
 * @ino: inode number
 * @last_ns: last call, for eviction; read without the lock
 * @action: in force; read without the lock by those who fail to take it
 * @decided: @decision waits for its outcome
 * @grown: an action with a window of its own was in force: the kernel's state of an open
 *	file may have come from it
 * @shared: other tasks read from the device in the last epoch
 * @looking: the epoch is a look, see epoch.c
 * @looked: there has been one, or none was needed, since its reads changed last
 * @habit: what nearly all of its calls in the last epoch looked like, an &enum ra_habit
 * @useless: streams started in vain, lately
 * @gaps: decisions to go without large windows, since a look found reads that were not in
 *	order
 * @window: activity window of &ra_target last counted in
 * @progress: log2 (Q8) of the file's progress share in the last epoch
 * @calm: last decisions in a row that left reads without order to the kernel
 * @rest: calls to go until the next one is looked at
 * @nr_recent: valid entries of @recent
 * @recent: places of the last calls, the last one first
 * @mmap_miss: the kernel's count of misses, as ra_fix_mmap_miss wants it
 * @reach: pages below the last page fault that were read with it
 * @expected: page where a sequential reader misses next, 32 bits of it
 * @streams: backward and strided streams
 * @epoch: current epoch
 * @decision: last decision
 */
struct ra_file {
	raw_spinlock_t lock;
	u32 dev;
	u32 generation;
	u8 action;
	bool decided:1;
	bool grown:1;
	bool shared:1;
	bool looking:1;
	bool looked:1;
	u8 habit:3;
	u8 useless;
	u8 gaps;
	u64 ino;
	u64 last_ns;
	u32 window;
	s16 progress;
	u8 calm;
	u8 rest;
	u8 nr_recent;
	u8 mmap_miss;
	u16 reach;
	u32 expected;
	u32 recent[RA_RECENT];
	struct ra_stream streams[RA_STREAMS];
	struct ra_epoch epoch;
	struct mlproxy_decision decision;
};

/**
 * struct ra_plan - what the pattern prefetcher reads
 * @first: first page of the first piece
 * @delta: distance of the pieces, in pages
 * @pages: pages of a piece
 * @pieces: number of pieces; 0 for no plan
 * @mark: piece that has a page marked "read on"; @pieces or more for none
 * @mark_page: which page of it
 */
struct ra_plan {
	pgoff_t first;
	long delta;
	u32 pages;
	u32 pieces;
	u32 mark;
	u32 mark_page;
};

/**
 * struct ra_call - one call of a hooked function, on the hook's stack
 * @kind: why
 * @index: page that is missing or marked; of RA_WILLNEED the first one
 * @req: pages asked for
 * @action: what to do, an &enum ra_action
 * @window_pages: window of @action, where it has one
 * @plan: for RA_PATTERN_*, what to read; pieces is 0 to leave it to the kernel
 * @distance: from the last read, or from the last one of its stream, in pages
 * @in_stream: it went on with a stream that is prefetched
 * @grown: &ra_file.grown, before this call
 * @opened: the first read() of an open file
 * @reach: pages below @index that were read with it
 * @task: time of the task, NULL if the table was full
 * @outer: @task is there, and the call is not within another hooked one
 * @target: device
 * @entry: file; NULL if it is left alone
 * @dev: of the file, since @entry may be another's after the call
 * @generation: the same
 * @ino: the same
 * @enter_ns: local clock
 * @read_bytes: bytes read by the task before the call
 */
struct ra_call {
	enum ra_kind kind;
	pgoff_t index;
	unsigned long req;
	enum ra_action action;
	unsigned long window_pages;
	struct ra_plan plan;
	u32 distance;
	bool in_stream;
	bool grown;
	bool opened;
	unsigned long reach;
	struct ra_task *task;
	bool outer;
	struct ra_target *target;
	struct ra_file *entry;
	u32 dev;
	u32 generation;
	u64 ino;
	u64 enter_ns;
	u64 read_bytes;
};

/* Counters, for sysfs; approximate under concurrency only in order, not in sum. */
struct ra_counters {
	atomic64_t calls;
	atomic64_t rested;
	atomic64_t skipped;
	atomic64_t advised;
	atomic64_t corrections;
	atomic64_t evicted;
	atomic64_t decisions;
	atomic64_t changes;
	atomic64_t looks;
	atomic64_t rewards;
	atomic64_t reward_sum;
	atomic64_t overridden;
	atomic64_t prefetched;
	atomic64_t refused;
	atomic64_t think_ns;
	atomic64_t wall_ns;
};

extern struct ra_counters ra_counters;
extern unsigned int ra_epoch_calls;
extern unsigned int ra_epoch_us;
extern unsigned int ra_wait_cpu_ns;	/* CPU time of a wait for a page */
extern int ra_pin;
extern bool ra_fix_mmap_miss;
extern struct mlproxy *ra_proxy;

/* schema.c */
extern const struct mlproxy_feature ra_features[RA_NR_FEATURES];
extern const struct mlproxy_feature ra_states[MLPROXY_MAX_STATES];
extern const struct mlproxy_action ra_actions[RA_NR_ACTIONS];

/* hook.c */
int ra_hooks_init(void);

/* call.c */
void ra_call_advised(void);
bool ra_call_enter(struct ra_call *call, struct file *file, struct address_space *mapping,
		   bool in_fault);
void ra_call_exit(struct ra_call *call, pgoff_t expected);

/* epoch.c */
void ra_epoch_start(struct ra_file *f, struct ra_task *task, struct ra_target *target, u64 now_ns);
bool ra_epoch_full(const struct ra_file *f, u64 now_ns);
bool ra_epoch_settled(struct ra_file *f);
void ra_epoch_leave(struct ra_file *f, struct ra_task *task, struct ra_target *target, u64 now_ns);
void ra_epoch_end(struct ra_file *f, struct ra_task *task, struct ra_target *target,
		  struct inode *inode, u64 now_ns);
unsigned int ra_action_pages(enum ra_action action);
bool ra_action_large(enum ra_action action);
void ra_epoch_add_time(struct ra_file *f, u64 think_ns, u64 stall_ns);
void ra_epoch_count(struct ra_file *f, const struct ra_call *call, bool mmap,
		    enum ra_pattern pattern);

/* rest.c */
void ra_rest_begin(struct ra_file *f, enum ra_action before, bool may);
bool ra_rest_pass(struct ra_file *f, const struct ra_call *call);

/* file.c */
int ra_files_alloc(unsigned int max_files);
void ra_files_free(void);
void ra_files_reset(void);
void ra_files_correct(void);
struct ra_file *ra_file_find(u32 dev, u64 ino, u32 generation);
struct ra_file *ra_file_get(u32 dev, u64 ino, u32 generation, u64 now_ns);

/* task.c */
unsigned int ra_wait_measure(void);
struct ra_task *ra_task_enter(struct ra_target *target, bool fault, u64 *now_ns, bool *outer);
void ra_task_elsewhere(void);
void ra_task_missed(struct ra_task *task, bool async, unsigned long pages);
void ra_task_exit(struct ra_task *task, u64 enter_ns);
void ra_task_flush(struct ra_task *task, struct ra_target *target);
bool ra_task_in_fault(void);

/* target.c */
struct ra_target *ra_target_find(struct super_block *sb);
void ra_target_sample(struct ra_target *target, struct super_block *sb, u64 now_ns);
u32 ra_target_active(struct ra_target *target, u32 file_window, u64 now_ns);
unsigned int ra_target_snapshot(s64 *values, unsigned int nr);
bool ra_target_strained(const s64 *values, unsigned int nr);
bool ra_target_afford(struct ra_target *target, unsigned int pages);
int ra_targets_set(const char *text);
int ra_targets_show(char *buf, size_t size);
unsigned int ra_targets_count(void);

/* memory.c */
u64 ra_memory_share(void);

/* mmap_miss.c */
vm_fault_t ra_mmap_miss_fault(struct vm_fault *vmf);

/* override.c */
bool ra_file_advised(struct file *file, struct inode *inode);
bool ra_override_begin(struct file *file, struct inode *inode, unsigned int pages);
void ra_override_end(struct file *file);

/* pattern.c */
enum ra_pattern ra_pattern_observe(struct ra_file *f, struct ra_call *call, pgoff_t end);
void ra_pattern_read(const struct ra_plan *plan, struct readahead_control *ractl, pgoff_t end);

/**
 * ra_is_fault() - is a call a page fault
 * @call: the call
 *
 * Return: true if so, whether the page was cached or not.
 */
static inline bool ra_is_fault(const struct ra_call *call)
{
	return call->kind == RA_FAULT || call->kind == RA_FAULT_HIT;
}

/**
 * ra_is_miss() - does a call count for the epoch, or only its time
 * @call: the call
 */
static inline bool ra_is_miss(const struct ra_call *call)
{
	return call->kind < RA_FAULT_HIT;
}

/**
 * ra_file_is() - is an entry this file's
 * @f: entry
 * @dev: device number
 * @ino: inode number
 * @generation: inode generation
 *
 * Return: true if so; a hint without the lock.
 */
static inline bool ra_file_is(const struct ra_file *f, u32 dev, u64 ino, u32 generation)
{
	return READ_ONCE(f->dev) == dev && READ_ONCE(f->ino) == ino &&
	       READ_ONCE(f->generation) == generation;
}

/**
 * ra_file_trylock() - lock an entry if it is still this file's
 * @f: entry
 * @dev: device number
 * @ino: inode number
 * @generation: inode generation
 *
 * Return: true with the lock held.
 */
static inline bool ra_file_trylock(struct ra_file *f, u32 dev, u64 ino, u32 generation)
{
	if (!raw_spin_trylock(&f->lock))
		return false;
	if (ra_file_is(f, dev, ino, generation))
		return true;
	raw_spin_unlock(&f->lock);
	return false;
}

/**
 * ra_file_unlock() - counterpart of ra_file_trylock()
 * @f: entry
 */
static inline void ra_file_unlock(struct ra_file *f)
{
	raw_spin_unlock(&f->lock);
}

#endif /* _MLPROXY_READAHEAD_H */
