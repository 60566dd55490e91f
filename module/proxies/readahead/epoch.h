/* SPDX-License-Identifier: GPL-2.0-only */
/* Epochs of a file: features, reward, the decision. */
#ifndef _MLPROXY_RA_EPOCH_H
#define _MLPROXY_RA_EPOCH_H

#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include <mlproxy/mlproxy.h>

#include "action.h"
#include "pattern.h"
#include "schema.h"

struct inode;
struct ra_call;
struct ra_file;
struct ra_target;
struct ra_task;

#define RA_ODD_CALLS	3	/* in a row of another kind: the reader has changed */

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
 * @asked_bytes: of these, those that the application reads ahead itself
 * @settle: calls to go until it is measured
 * @odd: last calls in a row that were of another kind than the file's
 * @unseen: it began while the file rested
 * @run_from: of @read_bytes, what was read before the last jump
 * @asked: the action for it is being decided, see &struct ra_question
 * @stall_ns: sum of the time waited, at most 4 s
 * @think_ns: sum of the time between calls that the tasks computed, at most 4 s
 * @task_tag: task of the first call and when it got its slot, hashed
 * @task_log_us: what that had added to &ra_disk.log_us
 * @task_log_sum: the same of &ra_disk.log_sum
 * @log_sum: &ra_disk.log_sum then
 * @log_us: &ra_disk.log_us then
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
	u8 odd:6;
	bool unseen:1;
	bool asked:1;
	u32 log_distance;
	u32 req;
	u32 read_bytes;
	u32 run_from;
	u32 asked_bytes;
	u32 stall_ns;
	u32 think_ns;
	u32 task_tag;
	u32 task_log_us;
	u32 log_us;
	s64 task_log_sum;
	s64 log_sum;
};

/**
 * struct ra_question - what to do in the next epoch of a file; asked without its lock
 * @req: the question
 * @x: its features
 * @decision: the answer
 * @target: device of the file
 * @start_ns: &ra_epoch.start_ns of the epoch that it is for
 * @before: action of the epoch before
 * @bdp: window that RA_BDP stands for, as &ra_file.bdp
 * @mixed: of that, some calls were page faults and some not
 * @proven: so much was read in order that no window is too large for that
 * @may_look: it had more page faults than other calls, a look's window is none too large, and
 *	there is a large one among the actions
 */
struct ra_question {
	struct mlproxy_request req;
	s64 x[RA_NR_FEATURES];
	struct mlproxy_decision decision;
	struct ra_target *target;
	u64 start_ns;
	u8 before;
	u8 bdp;
	bool mixed;
	bool proven;
	bool may_look;
};

void ra_epoch_start(struct ra_file *f, struct ra_task *task, struct ra_target *target, u64 now_ns);
bool ra_epoch_full(const struct ra_file *f, u64 now_ns);
bool ra_epoch_settled(struct ra_file *f);
void ra_epoch_leave(struct ra_file *f, struct ra_task *task, struct ra_target *target, u64 now_ns);
bool ra_epoch_end(struct ra_file *f, struct ra_task *task, struct ra_target *target,
		  struct inode *inode, u64 now_ns, struct ra_question *q);
bool ra_epoch_inherits(enum ra_action action, u8 bdp, bool mmap, const struct ra_target *target,
		       struct inode *inode);
void ra_epoch_ask(struct ra_question *q);
bool ra_epoch_answer(struct ra_file *f, struct ra_task *task, const struct ra_question *q);
void ra_epoch_count(struct ra_file *f, const struct ra_call *call, enum ra_pattern pattern);

/**
 * ra_epoch_add_time() - account time between two calls
 * @e: epoch of the file of the first of them, which is locked
 * @think_ns: time that the task computed
 * @stall_ns: time that it waited
 */
static inline void ra_epoch_add_time(struct ra_epoch *e, u64 think_ns, u64 stall_ns)
{
	e->think_ns = min_t(u64, e->think_ns + think_ns, U32_MAX);
	e->stall_ns = min_t(u64, e->stall_ns + stall_ns, U32_MAX);
}

#endif /* _MLPROXY_RA_EPOCH_H */
