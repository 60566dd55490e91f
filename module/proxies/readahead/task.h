/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the time of the tasks goes. */
#ifndef _MLPROXY_RA_TASK_H
#define _MLPROXY_RA_TASK_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/hash.h>

#include "order.h"
#include "target.h"

struct ra_call;
struct ra_file;

/*
 * The outer experiment: how long a file keeps its arm, and the start of that, which does not
 * count. Of a longer time between two calls, only so much of its end is told of: the rest
 * may have passed in another arm.
 */
#define RA_OUTER_HOLD_NS	NSEC_PER_SEC
#define RA_OUTER_WASHOUT_NS	(RA_OUTER_HOLD_NS / 5)

/**
 * struct ra_clock - a reading of the current task's clocks
 * @now_ns: local clock
 * @cpu_ns: CPU time of the task
 * @work_ns: what the task has done, see task_work_ns()
 * @waits: times that the task went to sleep, ever; 32 bits of it
 */
struct ra_clock {
	u64 now_ns;
	u64 cpu_ns;
	u64 work_ns;
	u32 waits;
};

/**
 * struct ra_paid - what a task has to report to the outer experiment
 * @key: of the file that its time is spent on; 0 for none
 * @target: its device
 * @time_ns: time since its last call returned, and within this one, without idle time
 * @work_ns: what it did in that
 */
struct ra_paid {
	u64 key;
	const struct ra_target *target;
	u32 time_ns;
	u32 work_ns;
};

#define RA_TASK_DISKS	3

/**
 * struct ra_task_sum - what a task has added to the sums of one disk
 * @disk: the disk; NULL for none
 * @log_sum: to &ra_disk.log_sum, since @since_us
 * @log_us: the same of &ra_disk.log_us
 * @since_us: when the entry became this disk's, in 1024 ns
 */
struct ra_task_sum {
	struct ra_disk *disk;
	s64 log_sum;
	s64 log_us;
	u32 since_us;
};

/**
 * struct ra_task - time of one task
 * @tag: identity of the task; 0 for a free slot
 * @busy: pid of the task that is within a call, or takes the slot over; else 0
 * @fault: the call is a page fault
 * @locked: &ra_call.locked of that
 * @read_missed: the last call was a read() that missed: a wait that follows is for its page
 * @passed: a call since the last one was not looked at, as its file rests
 * @in_order: a look at a file that it maps found reads in order
 * @miss_parts: what the last call took outside of it, if it was a miss, in sixteenths of
 *	&ra_wait_cpu_ns
 * @map_parts: what mapping pages around took, the same
 * @left: clocks when the last call returned
 * @entered_cpu_ns: &ra_clock.cpu_ns when it began
 * @entered_waits: &ra_clock.waits then
 * @target: device of the last call, which the slice is reported to
 * @reads: waits for pages, and what was read, not yet reported to it
 * @sums: of the disks that it used last, the latest one first
 * @slice_think_ns: CPU time outside of the hooked calls, not yet reported to @target
 * @slice_wall_ns: time within and between calls without idle time, the same
 * @slice_calls: calls in the slice
 * @claimed_us: when it got the slot, in 1024 ns
 * @last: file of the last call, which the time since then belongs to
 * @last_target: its device
 * @last_ino: its identity
 * @last_generation: the same
 * @last_dev: the same
 * @order: that its misses come in, in the last file that others read as well
 * @order_ino: identity of that file
 * @order_generation: the same
 * @order_dev: the same
 * @paid: for mlproxy_cost(); empty but for its key between calls
 */
struct ra_task {
	u64 tag;
	atomic_t busy;
	bool fault;
	bool locked;
	bool read_missed;
	bool in_order;
	bool passed;
	u8 miss_parts;
	u8 map_parts;
	struct ra_clock left;
	u64 entered_cpu_ns;
	u32 entered_waits;
	struct ra_target *target;
	struct ra_reads reads;
	struct ra_task_sum sums[RA_TASK_DISKS];
	u64 slice_think_ns;
	u64 slice_wall_ns;
	u32 slice_calls;
	u32 claimed_us;
	struct ra_file *last;
	struct ra_target *last_target;
	u64 last_ino;
	u32 last_generation;
	u32 last_dev;
	struct ra_order order;
	u64 order_ino;
	u32 order_generation;
	u32 order_dev;
	struct ra_paid paid;
} ____cacheline_aligned;

unsigned int ra_wait_measure(void);
void ra_task_begin(void);
struct ra_task *ra_task_enter(struct ra_target *target, bool fault, u64 *now_ns, bool *outer);
void ra_task_use(struct ra_task *task, const struct ra_call *call);
void ra_task_elsewhere(const struct ra_file *f);
void ra_task_missed(struct ra_task *task, bool async, unsigned long pages);
void ra_task_read(struct ra_task *task, u64 bytes);
void ra_task_exit(struct ra_task *task, u64 enter_ns);
void ra_task_flush(struct ra_task *task);
const struct ra_task_sum *ra_task_sum(const struct ra_task *task, const struct ra_disk *disk);

struct ra_order *ra_task_order(const struct ra_call *call);

/**
 * ra_task_id() - a task's number for as long as it has its slot
 * @task: its slot
 *
 * Its sums begin anew with a slot. Return: hashed; 0 for none by chance only.
 */
static inline u32 ra_task_id(const struct ra_task *task)
{
	return hash_64(task->tag, 32) ^ task->claimed_us;
}

#endif /* _MLPROXY_RA_TASK_H */
