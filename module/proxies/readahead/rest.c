// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rest: a file that is read by read(), or by page faults, in no order that lasts, where decision
 * after decision comes to what the kernel does, is not looked at for some tens of misses.
 * Looking at one costs a tenth of the instructions of the miss itself, and deciding half as much
 * again; a load that has nothing to gain pays that for a fifth of its misses.
 *
 * A resting file's misses are still compared with the two before: reads that have found
 * an order wake it, and so does a reader of the other kind.
 *
 * So does one that is read in order, while the model decides, or nobody, if it is the only one
 * that is read on its disk: the progress of its readers is known seldom then, and others are
 * rewarded for it, too. Reads that have lost their order wake it.
 */
#include <linux/sched/clock.h>

#include "call.h"
#include "epoch.h"
#include "file.h"
#include "readahead.h"
#include "rest.h"
#include "target.h"

#define RA_CALM_DECISIONS	2
#define RA_REST_CALLS		64
/* As long as so many epochs at most: on a slow device that many calls would take long. */
#define RA_REST_EPOCHS		5

/*
 * Where nothing is near or in order, a pattern has no stream to begin with, and no readahead is
 * what the kernel does with read(), too. It reads around a fault.
 */
static bool as_kernel(const struct ra_file *f, enum ra_action action)
{
	return action == RA_KERNEL ||
	       (f->habit == RA_HABIT_FAR && !ra_action_windows(action) &&
		!(f->mapped && action == RA_NONE));
}

/*
 * The kernel's choice is not an experiment's: who is held to it must not be seen less often, nor
 * pay less for being seen.
 */
static bool is_free_choice(const struct mlproxy_decision *d)
{
	return d->mode == MLPROXY_MODE_EMERGENCY ||
	       (d->mode == MLPROXY_MODE_RECOMMENDATION && d->outer_arm == MLPROXY_ARM_NONE &&
		d->source != MLPROXY_SRC_BASELINE && d->source != MLPROXY_SRC_EXPLORE);
}

/*
 * Reads of which some are in order, and faults, may have something to gain: of these, one that
 * had no choice says nothing.
 */
static bool may_rest(const struct ra_file *f)
{
	if (f->habit == RA_HABIT_FAR && !f->mapped)
		return true;
	if (f->habit == RA_HABIT_SEQ)
		return !f->looking && !f->gaps && is_free_choice(&f->decision);
	return (f->habit == RA_HABIT_FAR || f->habit == RA_HABIT_NONE) &&
	       f->decision.arm != MLPROXY_ARM_BASELINE;
}

/**
 * ra_rest_begin() - after a decision, let the file rest if it may
 * @f: file, locked, with its action decided
 * @before: action of the epoch
 * @may: nothing else speaks against it
 *
 * The outcome of the decision is measured afterwards.
 */
void ra_rest_begin(struct ra_file *f, enum ra_action before, bool may)
{
	if (!may || !may_rest(f) || !as_kernel(f, before) || !as_kernel(f, f->action)) {
		f->calm = 0;
		f->rest = 0;
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

/* Is it read in the way that it was when it began to rest? A mark tells nothing of that. */
static bool is_alike(const struct ra_file *f, const struct ra_call *call)
{
	return f->mapped ? call->kind != RA_SYNC : !ra_is_fault(call);
}

/* A miss on the way, as where a window was evicted, and no jump. */
static bool follows(const struct ra_file *f, const struct ra_call *call)
{
	s32 delta = (u32)call->index - f->order.recent[0];

	return delta >= 0 && delta <= RA_NEAR_PAGES;
}

/* Is it read in an order where it had none, or in none where it had one? */
static bool has_changed(const struct ra_file *f, const struct ra_call *call)
{
	s32 delta = (u32)call->index - f->order.recent[0];
	bool again = delta == (s32)(f->order.recent[0] - f->order.recent[1]);

	if (call->kind == RA_ASYNC)
		return f->habit != RA_HABIT_SEQ;
	if (f->habit == RA_HABIT_SEQ)
		return !follows(f, call) || (again && delta > (s32)call->req);
	return abs(delta) <= RA_NEAR_PAGES || again;
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
	bool pass = false;

	if (!READ_ONCE(f->rest))
		return false;
	/* Another call has it. To look at this one, while it rests, might end its epoch. */
	if (!ra_file_trylock(f, call->dev, call->ino, call->generation))
		return true;
	if (!f->rest)
		goto unlock;
	if (call->kind == RA_WILLNEED || (call->kind == RA_FAULT_HIT && f->mapped)) {
		pass = true;
		goto unlock;
	}
	f->epoch.odd = has_changed(f, call) ? f->epoch.odd + 1 : 0;
	if (!is_alike(f, call) || f->epoch.odd >= RA_ODD_CALLS || READ_ONCE(ra_pin) >= 0) {
		/* seen afresh */
		f->rest = 0;
		f->calm = 0;
		f->epoch.start_ns = 0;
		f->decided = false;
		this_cpu_inc(ra_counters.changes);
		goto unlock;
	}
	pass = true;
	if (call->kind != RA_ASYNC && !follows(f, call))
		f->run = 0;
	f->order.recent[1] = f->order.recent[0];
	f->order.recent[0] = call->index;
	this_cpu_inc(ra_counters.rested);
	f->rest--;
	ra_target_rested(call->target);
	if (rest_is_over(f)) {
		f->rest = 0;
		/* the next call begins an epoch */
		f->epoch.settle = 1;
		f->epoch.unseen = true;
	}
unlock:
	ra_file_unlock(f);
	return pass;
}
