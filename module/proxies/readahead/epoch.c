// SPDX-License-Identifier: GPL-2.0-only
/*
 * Epochs of a file: some tens of misses, or of milliseconds, under one action.
 *
 * An epoch ends at a miss, before that miss is served: what was read last under
 * the old action has then been consumed under it as well. All functions but
 * ra_epoch_ask() run with the file's lock held.
 *
 * The reward is a progress share in log2: CPU time outside of readahead, over all time.
 * One half of it is the share of this file: what will be computed on the pages that it read
 * and that are used, and what was waited for them (value.h). A task's whole time would count
 * the outcome of every file it reads, under other actions, and drown that of this one in it.
 * The other half is the mean over the other tasks on the device, if there are any, since what
 * one file reads in excess, the others wait for.
 */
#include <linux/backing-dev.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/sched/clock.h>

#include "call.h"
#include "epoch.h"
#include "file.h"
#include "instance.h"
#include "key.h"
#include "memory.h"
#include "readahead.h"
#include "rest.h"
#include "schema.h"
#include "shared/log2.h"
#include "target.h"
#include "task.h"

#define RA_EPOCH_MIN_CALLS	2
/* The first epoch of a file is there to see it, and is short. */
#define RA_FIRST_CALLS		4
/*
 * After another action than before, so many calls are served before the epoch is
 * measured: pages that the old one read ahead have been used by then, and a window that
 * grows step by step has grown. Else large windows would be charged for what the next
 * epoch uses, and small ones earn what they did not read.
 */
#define RA_SETTLE_CALLS		4
/*
 * A look: calls of a mapped file under a small window. The first ones go by as the old
 * window's pages are used, the others are measured.
 */
#define RA_LOOK_ACTION		RA_16K
#define RA_LOOK_SETTLE		2
#define RA_LOOK_CALLS		4
/* After one that found other reads than in order, so many decisions go by without. */
#define RA_LOOK_AGAIN		16
/* Of the pages read, 1/256: so many had been evicted before that eviction matters. */
#define RA_COMES_BACK		8

/**
 * ra_epoch_start() - begin to count anew
 * @f: file
 * @task: slot of the current task, or NULL
 * @target: device
 * @now_ns: local clock
 */
void ra_epoch_start(struct ra_file *f, struct ra_task *task, struct ra_target *target, u64 now_ns)
{
	const struct ra_disk *disk = READ_ONCE(target->disk);
	const struct ra_task_sum *own = task ? ra_task_sum(task, disk) : NULL;
	struct ra_epoch *e = &f->epoch;

	memset(e, 0, sizeof(*e));
	e->start_ns = now_ns;
	f->turns = 0;
	if (task)
		e->task_tag = ra_task_id(task);
	if (own) {
		e->task_log_sum = own->log_sum;
		e->task_log_us = own->log_us;
	}
	e->log_sum = atomic64_read(&disk->log_sum);
	e->log_us = atomic64_read(&disk->log_us);
}

/**
 * ra_epoch_full() - is it time for a decision
 * @f: file
 * @now_ns: local clock
 *
 * An epoch is bounded in time too, so that a window that costs much is not kept
 * for long, and ends when the reads change.
 * Return: true if so.
 */
bool ra_epoch_full(const struct ra_file *f, u64 now_ns)
{
	const struct ra_epoch *e = &f->epoch;
	unsigned int limit = READ_ONCE(ra_epoch_calls);

	if (e->settle || e->asked)
		return false;
	if (e->odd >= RA_ODD_CALLS)
		return true;
	if (f->looking)
		return e->calls >= RA_LOOK_CALLS;
	if (!f->decided)
		limit = min_t(unsigned int, limit, RA_FIRST_CALLS);
	if (e->calls >= limit)
		return true;
	return e->calls >= RA_EPOCH_MIN_CALLS &&
	       now_ns - e->start_ns >= (u64)READ_ONCE(ra_epoch_us) * NSEC_PER_USEC;
}

/* By the file's order, or the task's own. */
static bool is_near(const struct ra_file *f, const struct ra_call *call)
{
	return ra_order_near(&f->order, call->index) ||
	       (call->own && ra_order_near(call->own, call->index));
}

static bool continues(const struct ra_file *f, const struct ra_call *call)
{
	return ra_order_continues(&f->order, call->index) ||
	       (call->own && ra_order_continues(call->own, call->index));
}

static enum ra_habit habit_of(const struct ra_call *call, enum ra_pattern pattern, bool seq,
			      bool near)
{
	if (pattern == RA_PAT_BACK)
		return RA_HABIT_BACK;
	if (pattern == RA_PAT_STRIDE)
		return RA_HABIT_STRIDE;
	if (seq || call->kind == RA_ASYNC)
		return RA_HABIT_SEQ;
	return near ? RA_HABIT_NEAR : RA_HABIT_FAR;
}

/* Of three quarters and more of the calls. */
static enum ra_habit epoch_habit(const struct ra_epoch *e)
{
	unsigned int most = e->calls - e->calls / 4;

	if (e->back >= most)
		return RA_HABIT_BACK;
	if (e->stride >= most)
		return RA_HABIT_STRIDE;
	if (e->seq + e->async >= most)
		return RA_HABIT_SEQ;
	if (e->seq + e->async + e->stride + e->back > e->calls / 4)
		return RA_HABIT_NONE;
	return e->near >= most ? RA_HABIT_NEAR : e->near <= e->calls / 4 ? RA_HABIT_FAR :
								      RA_HABIT_NONE;
}

/**
 * ra_epoch_count() - count a call
 * @f: file
 * @call: the call
 * @pattern: what it looks like
 */
void ra_epoch_count(struct ra_file *f, const struct ra_call *call, enum ra_pattern pattern)
{
	struct ra_epoch *e = &f->epoch;
	bool seq = call->kind != RA_ASYNC && continues(f, call);
	bool near = call->in_stream ? call->distance <= RA_NEAR_PAGES : is_near(f, call);
	enum ra_habit habit = habit_of(call, pattern, seq, near);

	e->odd = f->habit && f->habit != habit ? min(e->odd + 1, RA_ODD_CALLS) : 0;
	e->calls++;
	e->mmap += call->in_fault;
	e->stride += pattern == RA_PAT_STRIDE;
	e->back += pattern == RA_PAT_BACK;
	e->near += near;
	e->log_distance += log2_q8(1ULL + call->distance);
	if (call->kind == RA_ASYNC) {
		e->async++;
	} else {
		e->seq += seq;
		e->req += min(call->req, 4096UL);
		if (!seq && !near && !call->in_stream) {
			f->run = 0;
			e->run_from = e->read_bytes;
		}
	}
	/* Reads of a stream that is known would hide the others. */
	if (call->in_stream)
		return;
	ra_order_add(&f->order, call->index);
	if (call->own)
		ra_order_add(call->own, call->index);
}

/**
 * ra_epoch_settled() - count down the calls that are not measured
 * @f: file, whose epoch settles
 *
 * Return: true if this was the last of them: the epoch is to be started again.
 */
bool ra_epoch_settled(struct ra_file *f)
{
	return f->epoch.settle && !--f->epoch.settle;
}

/* Pages that it read and that are used, as far as that is known by now. */
static u32 epoch_pages(const struct ra_file *f, const struct ra_target *target)
{
	const struct ra_epoch *e = &f->epoch;

	return ra_value_pages(e->req + (e->asked_bytes >> PAGE_SHIFT),
			      e->read_bytes >> PAGE_SHIFT, ra_use_of(f, target),
			      READ_ONCE(target->rent));
}

/* The share of this file, and what it adds to the ledger. */
static bool own_outcome(struct ra_file *f, const struct ra_target *target,
			struct mlproxy_outcome *own)
{
	u64 think_ns = f->epoch.think_ns, stall_ns = f->epoch.stall_ns;
	u32 pages = epoch_pages(f, target);

	if (think_ns + stall_ns < RA_VALUE_MIN_NS)
		return false;
	f->progress = clamp_t(s32, log2_share_q8(think_ns, think_ns + stall_ns), RA_REWARD_MIN, 0);
	own->reward = clamp_t(s64, ra_value_log(&f->value, pages, think_ns, stall_ns),
			      RA_REWARD_MIN, 0);
	own->ledger = ra_value_saved(&f->value, pages, stall_ns);
	ra_value_learn(&f->value, pages, think_ns, stall_ns, f->action == RA_KERNEL);
	return true;
}

/* What a task has added to the disk's sums since the epoch began. */
static void own_part(const struct ra_epoch *e, const struct ra_task *task,
		     const struct ra_disk *disk, s64 *sum, u32 *us)
{
	const struct ra_task_sum *own = ra_task_sum(task, disk);

	if (!own)
		return;
	*sum = own->log_sum;
	*us = own->log_us;
	/* else all that it has is from this epoch */
	if ((s32)(own->since_us - (u32)(e->start_ns >> 10)) <= 0) {
		*sum -= e->task_log_sum;
		*us -= e->task_log_us;
	}
}

/* The other tasks on the disk; with them the own one, if it changed meanwhile. */
static bool others_share(const struct ra_epoch *e, const struct ra_task *task,
			 const struct ra_disk *disk, s64 *share)
{
	s64 sum = atomic64_read(&disk->log_sum) - e->log_sum;
	s32 us = (u32)atomic64_read(&disk->log_us) - e->log_us;
	s64 own_sum = 0;
	u32 own_us = 0;

	if (task && ra_task_id(task) == e->task_tag)
		own_part(e, task, disk, &own_sum, &own_us);
	sum -= own_sum;
	us -= own_us;
	if (us <= 0)
		return false;
	*share = clamp_t(s64, div64_s64(sum, us), RA_REWARD_MIN, 0);
	return true;
}

static bool epoch_outcome(struct ra_file *f, struct ra_task *task, struct ra_target *target,
			  struct mlproxy_outcome *outcome)
{
	s64 others;
	bool known;

	if (task)
		ra_task_flush(task);
	known = others_share(&f->epoch, task, READ_ONCE(target->disk), &others);
	f->shared = known || ra_target_resting(target, f->epoch.start_ns);
	if (!own_outcome(f, target, outcome))
		return false;
	if (known)
		outcome->reward = (outcome->reward + others) / 2;
	return true;
}

static s64 share_q8(u32 part, u32 whole)
{
	return whole ? (part << 8) / whole : 0;
}

static void epoch_features(const struct ra_file *f, const struct inode *inode,
			   u32 kernel_pages, s64 *x)
{
	const struct ra_epoch *e = &f->epoch;
	u32 calls = max_t(u32, e->calls, 1), pages = ra_action_window(f->action, f->bdp);
	u32 misses = e->calls - e->async;

	if (!pages && f->action != RA_NONE)
		pages = kernel_pages;
	x[RA_F_MMAP_SHARE] = share_q8(e->mmap, calls);
	x[RA_F_SEQ_SHARE] = share_q8(e->seq, calls);
	x[RA_F_ASYNC_SHARE] = share_q8(e->async, calls);
	x[RA_F_STRIDE_SHARE] = share_q8(e->stride, calls);
	x[RA_F_BACK_SHARE] = share_q8(e->back, calls);
	x[RA_F_NEAR_SHARE] = share_q8(e->near, calls);
	x[RA_F_DISTANCE] = e->log_distance / calls;
	x[RA_F_REQUEST] = misses ? log2_q8(1 + e->req / misses) : 0;
	x[RA_F_READ] = log2_q8(1 + ((u64)e->read_bytes / calls >> PAGE_SHIFT));
	x[RA_F_WINDOW] = log2_q8(1 + pages);
	x[RA_F_STALL] = log2_q8(e->stall_ns / calls);
	x[RA_F_THINK] = log2_q8(e->think_ns / calls);
	x[RA_F_PROGRESS] = f->progress;
	x[RA_F_FILE_SIZE] = log2_q8(i_size_read(inode) >> PAGE_SHIFT);
}

/* And the memory that the current task may fill. */
static void device_features(const struct ra_target *target, u8 bdp, s64 *x)
{
	x[RA_F_DEV_LATENCY] = READ_ONCE(target->latency);
	x[RA_F_DEV_DEPTH] = READ_ONCE(target->depth);
	x[RA_F_DEV_RATE] = READ_ONCE(target->rate);
	x[RA_F_ACTIVE_FILES] = log2_q8(ra_target_files(target));
	x[RA_F_FREE_MEMORY] = ra_memory_free();
	x[RA_F_REFAULT_SHARE] = READ_ONCE(target->refault_share);
	x[RA_F_RENT] = READ_ONCE(target->rent);
	x[RA_F_DEV_WINDOW] = log2_q8(1 + ra_action_window(RA_BDP, bdp));
}

/* Tell the core what came of the last decision, if that can be said. */
static void epoch_feedback(struct ra_file *f, struct ra_task *task, struct ra_target *target)
{
	struct mlproxy_outcome outcome;

	if (!epoch_outcome(f, task, target, &outcome))
		return;
	this_cpu_inc(ra_counters.rewards);
	this_cpu_add(ra_counters.reward_sum, outcome.reward);
	if (f->decided)
		ra_feedback(target, &f->decision, &outcome);
}

/**
 * ra_epoch_leave() - a task goes on with another file: report the outcome there is
 * @f: file of the task's last call
 * @task: slot of the current task
 * @target: device
 * @now_ns: local clock
 *
 * If an epoch's time was spent on it, and the last miss was as long ago: a file that is
 * read without any further miss, since the application reads ahead itself, would have no
 * outcome; and those of other actions on it, which do bring misses, nothing to be compared
 * with. What was read while it rests nobody has counted, so that is no outcome.
 */
void ra_epoch_leave(struct ra_file *f, struct ra_task *task, struct ra_target *target, u64 now_ns)
{
	u64 epoch_ns = (u64)READ_ONCE(ra_epoch_us) * NSEC_PER_USEC;

	if (!f->decided || f->rest || f->epoch.unseen || now_ns - f->last_ns < epoch_ns ||
	    (u64)f->epoch.think_ns + f->epoch.stall_ns < epoch_ns)
		return;
	epoch_feedback(f, task, target);
	f->decided = false;
	ra_epoch_start(f, task, target, now_ns);
}

/*
 * Do pages that a mapped file's faults bring stay? Then those around a fault are hits later,
 * in epochs of other actions, or when the file makes no decisions any more because it is
 * cached: no outcome says so of the window that brought them.
 */
static bool pages_stay(bool mmap, const struct ra_target *target)
{
	return mmap && READ_ONCE(target->refault_share) < RA_COMES_BACK &&
	       ra_memory_free() >= 256 / RA_MEMORY_SHARE;
}

static bool is_smaller(enum ra_action action, u32 pages)
{
	return action == RA_NONE || (ra_action_pages(action) && ra_action_pages(action) < pages);
}

/*
 * A device's window that is smaller than the kernel's default was chosen by somebody: that is
 * a limit. With a larger one, nobody said that larger ones are unwanted.
 */
static bool is_beyond(u32 pages, u32 kernel_pages)
{
	return kernel_pages < VM_READAHEAD_PAGES && pages > kernel_pages;
}

/*
 * Is an action neither too large nor too small, whatever the order of the reads? The device's
 * own window is an action where it is another one than the kernel's.
 */
static bool is_within(enum ra_action action, u8 bdp, u32 kernel_pages, u32 least_pages, u64 most)
{
	u32 pages = ra_action_window(action, bdp) + ra_action_depth(action);

	return (u64)pages << PAGE_SHIFT <= most && !is_beyond(pages, kernel_pages) &&
	       !(least_pages && is_smaller(action, least_pages)) &&
	       (action != RA_BDP || pages > kernel_pages);
}

/**
 * ra_epoch_inherits() - may a file begin with what was decided for another one
 * @action: that
 * @bdp: window of RA_BDP, as &ra_file.bdp
 * @mmap: it is a mapped file
 * @target: device
 * @inode: of the file
 *
 * Nothing is known of its reads. Of what is read by read() from its first page on, the kernel
 * reads as much as a large window only by and by: at first a few times as much as is asked for. A
 * fault's window is read at once.
 * Return: true if so.
 */
bool ra_epoch_inherits(enum ra_action action, u8 bdp, bool mmap, const struct ra_target *target,
		       struct inode *inode)
{
	u32 kernel_pages = inode_to_bdi(inode)->ra_pages;
	u32 least_pages = pages_stay(mmap, target) ? kernel_pages : 0;

	return !(mmap && ra_action_large(action)) && action != RA_PATTERN_1M &&
	       is_within(action, bdp, kernel_pages, least_pages, ra_memory_share());
}

/*
 * Nobody knows where a stream ends. Two windows are under way by then, each no larger than what
 * was read in order before: at most twice as much is read in vain as was used. The device's own
 * window may be four times as large, since without it the link is idle: two of them are what the
 * link transfers in a few of its latencies.
 */
static bool is_proven(enum ra_action action, u8 bdp, const struct ra_file *f)
{
	u32 pages = ra_action_window(action, bdp);

	return (action == RA_BDP ? pages / 4 : pages) <= f->run;
}

/*
 * Several readers share a disk best that seeks least, so the device's own window is for them,
 * too, while all of them together stay within the memory.
 */
static bool may_share(enum ra_action action, u8 bdp, const struct ra_file *f,
		      const struct ra_target *target, u64 most)
{
	u64 bytes = (u64)ra_action_window(action, bdp) << PAGE_SHIFT;

	return action == RA_BDP && !f->crowded && bytes * ra_target_readers(target) <= most;
}

/*
 * Other reads than in order have nothing to gain from a large window, and what it costs is
 * paid by the next ones too: after it misses lie so far apart that they say little. What is
 * read in excess on a device that is shared, the others wait for: so neither these nor the
 * deepest prefetch there. And what does not fit in memory is read in vain. Windows that are
 * smaller than the kernel's are for memory that is short.
 */
static u32 allowed_actions(const struct ra_file *f, const struct ra_target *target, u8 bdp,
			   u32 kernel_pages)
{
	u32 least_pages = pages_stay(f->epoch.mmap, target) ? kernel_pages : 0;
	bool in_order = f->habit == RA_HABIT_SEQ && !f->gaps;
	u64 most = ra_memory_share();
	u32 allowed = 0;
	int i;

	for (i = 0; i < RA_NR_ACTIONS; i++) {
		bool large = in_order && is_proven(i, bdp, f) &&
			     (!f->shared || may_share(i, bdp, f, target, most));

		if ((large || !ra_action_large(i)) &&
		    is_within(i, bdp, kernel_pages, least_pages, most))
			allowed |= BIT(i);
	}
	if (f->shared)
		allowed &= ~BIT(RA_PATTERN_1M);
	/* With none to follow, that is the kernel's choice by another name. */
	if (f->habit == RA_HABIT_FAR)
		allowed &= ~(BIT(RA_PATTERN_128K) | BIT(RA_PATTERN_1M));
	return allowed;
}

/*
 * Page faults that leave out pages, but none where a window ends, look like those in order,
 * under the kernel's window and more so under a large one: few of them miss. So a mapped file
 * that seems to be read in order is looked at once, unless the task has had a look at another
 * one lately, and read that in order.
 */
static bool must_look(struct ra_file *f, const struct ra_task *task,
		      const struct ra_question *q)
{
	const struct mlproxy_decision *d = &f->decision;

	/* Nobody could choose otherwise. */
	if (d->mode == MLPROXY_MODE_EMERGENCY ||
	    (d->source == MLPROXY_SRC_BASELINE && d->arm == MLPROXY_ARM_NONE))
		return false;
	if (f->habit != RA_HABIT_SEQ || f->looked || f->gaps || !q->may_look)
		return false;
	f->looked = true;
	return !task || !task->in_order;
}

/* Such reads will look as if they were in order again. */
static void look_ends(struct ra_file *f, struct ra_task *task)
{
	bool in_order = f->habit == RA_HABIT_SEQ;

	f->looking = false;
	f->gaps = in_order ? 0 : RA_LOOK_AGAIN;
	if (task)
		task->in_order = in_order;
}

/* Its outcome is no decision's, and the decision that it is made for has none. */
static void look(struct ra_file *f)
{
	f->action = RA_LOOK_ACTION;
	f->decided = false;
	f->looking = true;
	f->epoch.settle = RA_LOOK_SETTLE;
	this_cpu_inc(ra_counters.looks);
}

/* Is there an action that a look is for? */
static bool any_large(u32 allowed)
{
	int i;

	for (i = 0; i < RA_NR_ACTIONS; i++)
		if ((allowed & BIT(i)) && ra_action_large(i))
			return true;
	return false;
}

static void question(struct ra_question *q, const struct ra_file *f, struct ra_target *target,
		     struct inode *inode)
{
	u32 kernel_pages = inode_to_bdi(inode)->ra_pages;

	/* One and the same for what is allowed, what is told, and what is done. */
	q->bdp = READ_ONCE(target->bdp);
	q->req = (struct mlproxy_request) {
		.key = ra_key(f->dev, f->ino, f->generation),
		.features = q->x,
		.baseline = RA_KERNEL,
		.allowed = allowed_actions(f, target, q->bdp, kernel_pages),
	};
	q->target = target;
	q->before = f->action;
	q->mixed = f->epoch.mmap && f->epoch.mmap < f->epoch.calls;
	q->proven = is_proven(RA_4M, q->bdp, f);
	q->may_look = f->epoch.mmap > f->epoch.calls / 2 && any_large(q->req.allowed) &&
		      !is_beyond(ra_action_pages(RA_LOOK_ACTION), kernel_pages);
	epoch_features(f, inode, kernel_pages, q->x);
}

/**
 * ra_epoch_end() - end an epoch: report its outcome, and begin the next one
 * @f: file
 * @task: slot of the current task, or NULL
 * @target: device
 * @inode: of the file
 * @now_ns: local clock
 * @q: out: what is to be asked for that
 *
 * After a change of the reads, the next action is chosen only when some of the new ones
 * have been seen.
 * Return: true if @q is to be asked, by ra_epoch_ask(), and then answered.
 */
bool ra_epoch_end(struct ra_file *f, struct ra_task *task, struct ra_target *target,
		  struct inode *inode, u64 now_ns, struct ra_question *q)
{
	bool changed = f->epoch.odd >= RA_ODD_CALLS;

	epoch_feedback(f, task, target);
	f->decided = false;
	f->habit = changed ? RA_HABIT_NONE : epoch_habit(&f->epoch);
	f->crowded = f->turns > f->epoch.calls / 8;
	f->mapped = f->epoch.mmap == f->epoch.calls;
	if (f->habit != RA_HABIT_SEQ)
		f->run = 0;
	else
		f->run = min_t(u64, (u64)f->run + ((f->epoch.read_bytes - f->epoch.run_from) >>
						   PAGE_SHIFT), U32_MAX);
	if (f->looking)
		look_ends(f, task);
	else if (f->gaps && !--f->gaps)
		f->looked = false;
	if (changed) {
		if (task)
			task->in_order = false;
		this_cpu_inc(ra_counters.changes);
		ra_use_doubt(f);
		f->looked = false;
		f->calm = 0;
	} else {
		f->useless /= 2;
		question(q, f, target, inode);
	}
	ra_epoch_start(f, task, target, now_ns);
	f->epoch.asked = !changed;
	q->start_ns = now_ns;
	return !changed;
}

/**
 * ra_epoch_ask() - have the action of an epoch decided
 * @q: from ra_epoch_end(), the device's state being up to date
 *
 * Takes as long as a model does: so without the file's lock.
 */
void ra_epoch_ask(struct ra_question *q)
{
	device_features(q->target, q->bdp, q->x);
	q->req.features = q->x;
	ra_decide(q->target, &q->req, &q->decision);
	this_cpu_inc(ra_counters.decisions);
}

/*
 * An order that has just begun is followed until the largest windows are legal. And what a device
 * without counters does is known only of calls that are looked at.
 */
static bool order_may_rest(const struct ra_question *q)
{
	return q->proven && READ_ONCE(q->target->timed) && ra_target_readers(q->target) <= 1;
}

/**
 * ra_epoch_answer() - put in force what was decided
 * @f: file that was asked for
 * @task: slot of the current task, or NULL
 * @q: from ra_epoch_ask()
 *
 * Return: false if the file has been seen afresh meanwhile: then nothing comes of the
 * decision, and it has no outcome.
 */
bool ra_epoch_answer(struct ra_file *f, struct ra_task *task, const struct ra_question *q)
{
	int pin = READ_ONCE(ra_pin);
	u8 bdp = f->bdp;

	if (!f->epoch.asked || f->epoch.start_ns != q->start_ns)
		return false;
	f->epoch.asked = false;
	f->decision = q->decision;
	f->action = q->decision.action;
	WRITE_ONCE(f->bdp, q->bdp);
	if (bdp != q->bdp)
		ra_use_guess(&f->use.share[RA_BDP]);
	f->decided = true;
	if (pin >= 0) {
		/* What was decided is not done: its outcome must not be learnt. */
		f->action = pin;
		f->decision.id = 0;
	}
	if (f->action != q->before || (f->action == RA_BDP && bdp != q->bdp))
		f->epoch.settle = RA_SETTLE_CALLS;
	if (pin < 0 && must_look(f, task, q))
		look(f);
	ra_rest_begin(f, q->before, pin < 0 && !q->mixed &&
		      (f->habit != RA_HABIT_SEQ || order_may_rest(q)));
	return true;
}
