/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the time of the tasks goes. */
#ifndef _MLPROXY_RA_TASK_H
#define _MLPROXY_RA_TASK_H

#include <linux/atomic.h>
#include <linux/cache.h>

struct ra_file;
struct ra_target;

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

unsigned int ra_wait_measure(void);
struct ra_task *ra_task_enter(struct ra_target *target, bool fault, u64 *now_ns, bool *outer);
void ra_task_elsewhere(void);
void ra_task_missed(struct ra_task *task, bool async, unsigned long pages);
void ra_task_exit(struct ra_task *task, u64 enter_ns);
void ra_task_flush(struct ra_task *task, struct ra_target *target);
bool ra_task_in_fault(void);

#endif /* _MLPROXY_RA_TASK_H */
