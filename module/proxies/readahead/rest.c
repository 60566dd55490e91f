// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rest: a file that is read without order by read(), where decision after decision leaves
 * it to the kernel, is not looked at for some tens of misses. Looking at one costs a tenth
 * of the instructions of the miss itself, and deciding half as much again; a load that
 * has nothing to gain pays that for a fifth of its misses.
 *
 * A resting file's misses are still compared with the two before: reads that have found
 * an order wake it.
 */
#include <linux/sched/clock.h>

#include "readahead.h"

#define RA_CALM_DECISIONS	2
#define RA_REST_CALLS		64
/* As long as so many epochs at most: on a slow device that many calls would take long. */
#define RA_REST_EPOCHS		5

/**
 * ra_rest_begin() - after a decision, let the file rest if it may
 * @f: file, locked, with its action decided
 * @calm: the epoch had no page fault, under the kernel's own choice
 *
 * The outcome of the decision is measured afterwards.
 */
void ra_rest_begin(struct ra_file *f, bool calm)
{
	if (!calm || f->action != RA_KERNEL || f->habit != RA_HABIT_FAR) {
		f->calm = 0;
		return;
	}
	if (++f->calm < RA_CALM_DECISIONS)
		return;
	f->calm = RA_CALM_DECISIONS;
	f->rest = RA_REST_CALLS;
}

static bool rest_is_over(const struct ra_file *f)
{
	s64 limit_ns = RA_REST_EPOCHS * (s64)READ_ONCE(ra_epoch_us) * NSEC_PER_USEC;

	return !f->rest || (s64)(local_clock() - f->last_ns) > limit_ns;
}

static bool has_order(const struct ra_file *f, u32 index)
{
	s32 delta = index - f->recent[0];

	return abs(delta) <= RA_NEAR_PAGES || delta == (s32)(f->recent[0] - f->recent[1]);
}

/**
 * ra_rest_pass() - does a call pass without being looked at
 * @f: entry of its file, not locked
 * @call: with its identity, kind and index filled in
 *
 * Context: task context, no lock of the table held.
 * Return: true if so; what is to be done is the kernel's.
 */
bool ra_rest_pass(struct ra_file *f, const struct ra_call *call)
{
	u32 index = call->index;
	bool pass = false;

	if (!READ_ONCE(f->rest) || !ra_file_trylock(f, call->dev, call->ino, call->generation))
		return false;
	if (!f->rest)
		goto unlock;
	if (call->kind == RA_WILLNEED) {
		pass = true;
		goto unlock;
	}
	f->epoch.odd = has_order(f, index) ? f->epoch.odd + 1 : 0;
	if (call->kind != RA_SYNC || f->epoch.odd >= RA_ODD_CALLS || READ_ONCE(ra_pin) >= 0) {
		/* seen afresh */
		f->rest = 0;
		f->calm = 0;
		f->epoch.start_ns = 0;
		atomic64_inc(&ra_counters.changes);
		goto unlock;
	}
	pass = true;
	f->recent[1] = f->recent[0];
	f->recent[0] = index;
	atomic64_inc(&ra_counters.rested);
	f->rest--;
	if (rest_is_over(f)) {
		f->rest = 0;
		/* the next call begins an epoch */
		f->epoch.settle = 1;
	}
unlock:
	ra_file_unlock(f);
	return pass;
}
