// SPDX-License-Identifier: GPL-2.0-only
/*
 * One call of a hooked function: accounts its time, finds its file, and says
 * which action is in force.
 *
 * Everything about the file is read before the original runs. After it, the
 * inode may be gone: only the tables are touched then, by identity.
 */
#include <linux/sched.h>
#include <linux/sched/clock.h>

#include "call.h"
#include "epoch.h"
#include "file.h"
#include "instance.h"
#include "key.h"
#include "override.h"
#include "readahead.h"
#include "rent.h"
#include "rest.h"
#include "target.h"
#include "task.h"
#include "use.h"

/* A file untouched for so long is seen afresh; its last epoch says nothing. */
#define RA_STALE_NS	(2 * NSEC_PER_SEC)

static u64 task_read_bytes(void)
{
#ifdef CONFIG_TASK_IO_ACCOUNTING
	return current->ioac.read_bytes;
#else
	return 0;
#endif
}

/* Where tasks don't count what they read, the window of a miss is taken for it. */
static u64 bytes_read(const struct ra_call *call)
{
	u64 pages = call->plan.pieces ? (u64)call->plan.pieces * call->plan.pages :
		    max(call->window_pages, call->req);

	if (IS_ENABLED(CONFIG_TASK_IO_ACCOUNTING))
		return task_read_bytes() - call->read_bytes;
	return ra_is_miss(call) ? pages << PAGE_SHIFT : 0;
}

/*
 * Locks the task's last file if it is another one than @f. The entry is task->last. An inline:
 * sparse follows a lock that is taken on a condition no further than that.
 */
static inline bool last_trylock(const struct ra_call *call, const struct ra_file *f)
{
	const struct ra_task *task = call->task;

	return call->outer && task->last && task->last != f &&
	       ra_file_trylock(task->last, task->last_dev, task->last_ino,
			       task->last_generation);
}

/* By read(), after a large window, which is for reads in order, what is read from its start. */
static bool may_begin(const struct ra_call *call, const struct ra_file *last)
{
	if (!last->decided || call->task->last_target != call->target)
		return false;
	if (call->kind == RA_FAULT)
		return true;
	return !call->index && !last->shared && ra_action_large(last->action);
}

/*
 * What a file begins with: what was decided for the task's last one. A database that looks up
 * keys reads all of its mapped files alike, and each of them seldom. A program that reads one
 * file in order does so with the next one, so that begins with the window of the device's link:
 * how long it is, nobody knows yet. Not if the last one is on another device; not
 * with what would be none of this file's actions; and not with one that was but taken over, or it
 * would never be decided upon. A file that is held to the kernel's own is that from the start.
 */
static enum ra_action first_action(const struct ra_call *call, const struct ra_file *f,
				   struct inode *inode)
{
	enum ra_action action = RA_KERNEL;
	struct ra_file *last;

	if (call->kind > RA_FAULT || call->kind == RA_ASYNC || !call->task ||
	    ra_is_control(call->target, ra_key(call->dev, call->ino, call->generation)))
		return RA_KERNEL;
	if (!last_trylock(call, f))
		return RA_KERNEL;
	last = call->task->last;
	if (may_begin(call, last))
		action = call->kind == RA_FAULT ? last->action : RA_BDP;
	ra_file_unlock(last);
	/* no memory to be looked at for it */
	if (action == RA_KERNEL)
		return RA_KERNEL;
	if (!ra_epoch_inherits(action, f->bdp, call->kind == RA_FAULT, call->target, inode))
		return RA_KERNEL;
	return action;
}

/*
 * A file that is opened anew is stale after the time of an epoch: small ones that are read
 * again and again, each time by a miss or two, would be decided upon by epochs made of
 * several readings, at a cost and with outcomes that mean nothing.
 */
static bool is_stale(const struct ra_file *f, const struct ra_call *call)
{
	s64 away_ns = call->enter_ns - f->last_ns;
	s64 epoch_ns = (s64)READ_ONCE(ra_epoch_us) * NSEC_PER_USEC;

	return away_ns > (s64)RA_STALE_NS || (call->opened && away_ns > epoch_ns);
}

/* Is the file read by several tasks? Then the current one has an order of its own. */
static struct ra_order *own_order(struct ra_file *f, const struct ra_call *call)
{
	u16 reader = ra_task_id(call->task);

	if (f->reader && f->reader != reader)
		f->turns = min(f->turns + 1, U8_MAX);
	f->reader = reader;
	return f->crowded || f->turns >= RA_CROWD_TURNS ? ra_task_order(call) : NULL;
}

enum epoch_event {
	EPOCH_GOES_ON,
	EPOCH_BEGINS,
	EPOCH_ASKS,	/* one has ended, and there is a question */
};

static enum epoch_event epoch_event(struct ra_file *f, struct ra_call *call, struct inode *inode,
				    struct ra_question *q)
{
	struct ra_epoch *e = &f->epoch;
	u64 now_ns = call->enter_ns;
	int pin = READ_ONCE(ra_pin);

	if (!e->start_ns || is_stale(f, call) || (pin >= 0 && f->action != pin)) {
		f->decided = false;
		WRITE_ONCE(f->bdp, READ_ONCE(call->target->bdp));
		f->action = pin >= 0 ? pin : first_action(call, f, inode);
		f->habit = RA_HABIT_NONE;
		f->run = 0;
		f->calm = 0;
		f->rest = 0;
		f->looking = false;
		f->looked = false;
		f->gaps = 0;
		f->crowded = false;
		ra_use_doubt(f);
		memset(f->order.streams, 0, sizeof(f->order.streams));
		ra_epoch_start(f, call->task, call->target, now_ns);
		return EPOCH_BEGINS;
	}
	if (ra_epoch_settled(f)) {
		ra_epoch_start(f, call->task, call->target, now_ns);
	} else if (ra_epoch_full(f, now_ns)) {
		if (ra_epoch_end(f, call->task, call->target, inode, now_ns, q))
			return EPOCH_ASKS;
		return EPOCH_BEGINS;
	}
	return EPOCH_GOES_ON;
}

/* What was decided is in force, for this call too. */
static void file_event(struct ra_file *f, struct ra_call *call, struct inode *inode)
{
	pgoff_t end = ra_mapping_end(inode->i_mapping);
	u64 now_ns = call->enter_ns;
	enum ra_pattern pattern;

	WRITE_ONCE(f->last_ns, now_ns);
	f->window = ra_target_active(call->target, f->window, now_ns);
	call->action = f->action;
	call->grown = f->grown;
	f->grown |= ra_action_windows(call->action);
	call->own = own_order(f, call);
	pattern = ra_pattern_observe(f, call, end);
	ra_epoch_count(f, call, pattern);
}

static void leave_file(struct ra_call *call, const struct ra_file *f)
{
	if (!last_trylock(call, f))
		return;
	ra_epoch_leave(call->task->last, call->task, call->task->last_target, call->enter_ns);
	ra_file_unlock(call->task->last);
}

/*
 * Without the lock, the device is looked at, and @q asked. The file may be another one by then.
 * Return: it is not, and locked. An inline for sparse.
 */
static inline bool ask(struct ra_file *f, struct ra_call *call, struct inode *inode,
		       enum epoch_event event, struct ra_question *q)
{
	ra_target_sample(call->target, inode->i_sb, call->enter_ns);
	if (event == EPOCH_ASKS)
		ra_epoch_ask(q);
	if (ra_file_lock(f, call->dev, call->ino, call->generation)) {
		if (event == EPOCH_ASKS && !ra_epoch_answer(f, call->task, q))
			this_cpu_inc(ra_counters.dropped);
		return true;
	}
	if (event == EPOCH_ASKS)
		this_cpu_inc(ra_counters.dropped);
	return false;
}

/* @f: the file's entry, or NULL if it has none yet */
static void call_use_file(struct ra_call *call, struct ra_file *f, struct inode *inode)
{
	struct ra_question q ra_filled_in;
	enum epoch_event event;

	if (!f && call->kind == RA_WILLNEED)
		return;
	if (!f)
		f = ra_file_get(call->dev, call->ino, call->generation, call->enter_ns);
	if (!f) {
		this_cpu_inc(ra_counters.skipped);
		return;
	}
	call->entry = f;
	if (!call->task || !ra_file_trylock(f, call->dev, call->ino, call->generation)) {
		this_cpu_inc(ra_counters.skipped);
		call->action = READ_ONCE(f->action);
		return;
	}
	if (!ra_is_miss(call)) {
		call->action = f->action;
		ra_file_unlock(f);
		return;
	}
	event = epoch_event(f, call, inode, &q);
	if (event != EPOCH_GOES_ON) {
		ra_file_unlock(f);
		if (!ask(f, call, inode, event, &q)) {
			call->entry = NULL;
			return;
		}
	}
	file_event(f, call, inode);
	call->watch.room = ra_use_room(f, call->target);
	ra_file_unlock(f);
}

/**
 * ra_call_advised() - a call is under advice of the application, which is respected
 *
 * Nothing but the count is kept of it. Context: task context.
 */
void ra_call_advised(void)
{
	this_cpu_inc(ra_counters.advised);
	ra_task_elsewhere(NULL);
}

/*
 * The task's slot and clocks. Return: false for what the kernel reads within a page fault that
 * is accounted for: MADV_SEQUENTIAL.
 */
static bool enter_task(struct ra_call *call, const struct file *file)
{
	bool fault = ra_is_fault(call);

	call->task = ra_task_enter(call->target, fault, &call->enter_ns, &call->outer);
	call->in_fault = fault;
	if (call->outer) {
		call->task->locked = call->locked;
	} else if (call->task && call->task->fault) {
		call->in_fault = true;
		call->locked = call->task->locked;
	}
	/* filemap_read() sets it after the first read; faults leave it alone */
	call->opened = !call->in_fault && file->f_ra.prev_pos < 0;
	return fault || !call->in_fault || call->kind != RA_SYNC;
}

/**
 * ra_call_enter() - a hooked function was called
 * @call: after ra_call_init(); the rest is filled in here
 * @file: open file, may be NULL
 * @mapping: its page cache
 *
 * Context: task context, may sleep; no lock taken outlives it.
 * Return: false if the call is none of ours, or under advice, or the file rests: then the
 * original is to be called as it is, without ra_call_exit().
 */
bool ra_call_enter(struct ra_call *call, struct file *file, struct address_space *mapping)
{
	struct inode *inode = mapping->host;
	struct ra_file *f;

	if (!file || !inode || !S_ISREG(inode->i_mode))
		return false;
	call->target = ra_target_find(inode->i_sb);
	if (!call->target || !i_size_read(inode))
		return false;
	if (unlikely(READ_ONCE(call->target->fresh)))
		ra_instances_want(call->target);
	call->dev = ra_file_dev(inode);
	call->ino = inode->i_ino;
	call->generation = inode->i_generation;
	ra_rent_missed(call);
	if (ra_file_advised(file, inode)) {
		if (ra_is_miss(call))
			this_cpu_inc(ra_counters.calls);
		ra_call_advised();
		return false;
	}
	f = ra_file_find(call->dev, call->ino, call->generation);
	if (f && ra_rest_pass(f, call)) {
		if (ra_is_miss(call))
			this_cpu_inc(ra_counters.calls);
		ra_task_elsewhere(f);
		ra_override_none(file, inode);
		return false;
	}
	if (!enter_task(call, file))
		return false;
	if (ra_is_miss(call))
		this_cpu_inc(ra_counters.calls);
	call->action = RA_KERNEL;
	call->plan.pieces = 0;
	call->own = NULL;
	call->reach = 0;
	call->entry = NULL;
	call->grown = false;
	call->watch.room = 0;
	call->watch.nr = 0;
	if (call->outer)
		ra_task_use(call->task, call);
	call->read_bytes = task_read_bytes();
	call_use_file(call, f, inode);
	/* after what the new one has begun with */
	leave_file(call, call->entry ?: f);
	if (ra_action_windows(call->action)) {
		call->window_pages = ra_action_window(call->action, READ_ONCE(call->entry->bdp));
	} else if (call->action == RA_NONE) {
		call->window_pages = 0;
	} else {
		ra_override_none(file, inode);
		call->window_pages = READ_ONCE(file->f_ra.ra_pages);
	}
	if (call->entry)
		ra_use_audit(call->entry, call, mapping);
	if (call->watch.room)
		ra_use_choose(call, mapping);
	return true;
}

static void order_after(struct ra_order *o, const struct ra_call *call, pgoff_t expected)
{
	o->expected = expected;
	o->reach = min_t(unsigned long, call->reach, U16_MAX);
}

/**
 * ra_call_exit() - the original has returned
 * @call: as ra_call_enter() left it
 * @expected: page where a sequential reader would miss next
 *
 * Context: as ra_call_enter(). The file and its inode may be gone.
 */
void ra_call_exit(struct ra_call *call, pgoff_t expected)
{
	u64 bytes = call->outer ? bytes_read(call) : 0;
	struct ra_file *f = call->entry;

	if (call->outer)
		ra_task_read(call->task, bytes);
	if (f && ra_file_trylock(f, call->dev, call->ino, call->generation)) {
		/* A call within another one: that one accounts for both. */
		if (call->outer) {
			s64 stall_ns = local_clock() - call->enter_ns;

			ra_epoch_add_time(&f->epoch, 0, max_t(s64, stall_ns, 0));
			f->epoch.read_bytes += bytes;
			if (call->kind == RA_WILLNEED)
				f->epoch.asked_bytes += bytes;
		}
		ra_use_take(f, call);
		if (ra_is_miss(call)) {
			order_after(&f->order, call, expected);
			if (call->own)
				order_after(call->own, call, expected);
		}
		ra_file_unlock(f);
	} else {
		call->watch.nr = 0;
	}
	if (call->task && ra_is_miss(call))
		ra_task_missed(call->task, call->kind == RA_ASYNC, call->window_pages);
	if (call->outer) {
		call->task->last = f;
		call->task->last_target = call->target;
		call->task->last_dev = call->dev;
		call->task->last_ino = call->ino;
		call->task->last_generation = call->generation;
		ra_task_exit(call->task, call->enter_ns);
	}
}
