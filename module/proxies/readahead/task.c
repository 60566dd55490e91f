// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the time of the tasks goes: thinking, or waiting for the disk.
 *
 * Bytes read and misses counted depend on the window themselves. What a task
 * computes between its misses does not: it is proportional to the work that got
 * done. So progress is CPU time outside of the hooked calls, over all time. CPU
 * time within them (allocating and queueing pages) is no progress, however busy
 * a large window keeps the processor; nor is what misses take outside of them, see
 * progress.h.
 *
 * A slot is written by its own task only, while busy is set; others may take it
 * over when that one made no call for a while. A call without a slot counts for nothing: its
 * file would have time that was waited, and none that was used.
 *
 * The outer experiment is told of all this time as the cost, and of the work that got done
 * in it: time in user mode, and bytes that were copied. That is less exact than progress,
 * but owes nothing to what a miss is thought to take: a policy that misses more often, and
 * so gets more of the kernel's own time taken for progress, can't hide behind that. The
 * time since a task's last call is that call's file's, and arrives with its next one. What
 * a task does after its last call of all is lost.
 */
#include <linux/blk_types.h>
#include <linux/hash.h>
#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>

#include "call.h"
#include "file.h"
#include "instance.h"
#include "key.h"
#include "progress.h"
#include "readahead.h"
#include "schema.h"
#include "shared/log2.h"
#include "target.h"
#include "task.h"

#define RA_TASK_BITS		7
#define RA_TASK_PROBES		4
/* A task that was away for so long may lose its slot. */
#define RA_TASK_AWAY_NS		(100 * NSEC_PER_MSEC)
#define RA_TASK_STALE_NS	(2 * NSEC_PER_SEC)
/*
 * Longer off the CPU than this between two misses: waiting for a user, not a disk; unless
 * it was many times, each of them short.
 */
#define RA_IDLE_NS		(250 * NSEC_PER_MSEC)
#define RA_IDLE_ONCE_NS		(50 * NSEC_PER_MSEC)
/* A wait for a page is so many halves of a bare sleep. */
#define RA_SLEEP_HALVES		3
#define RA_SLEEPS		16
#define RA_SLEEP_NS		(50 * NSEC_PER_USEC)
/* Copying, nominally. */
#define RA_BYTES_PER_NS		4
#define RA_SLICE_CALLS		8
#define RA_SLICE_NS		(10 * NSEC_PER_MSEC)

static struct ra_task ra_tasks[1 << RA_TASK_BITS];
/* Local clock when the hooks were attached: what was before, nobody saw. */
static u64 ra_begin_ns;

static u64 task_tag(void)
{
	/* A pid may be used again, but not with the same start time. */
	return ((u64)current->pid << 40) ^ current->start_time ^ 1;
}

/*
 * What is work whatever the window: time in user mode, as ticks find it; and that read()
 * copied, for which a page is given a microsecond.
 */
static u64 task_work_ns(void)
{
	u64 ns = READ_ONCE(current->utime);

#ifdef CONFIG_TASK_XACCT
	ns += current->ioac.rchar / RA_BYTES_PER_NS;
#endif
	return ns;
}

/*
 * CPU time is brought up to date at ticks and context switches only: exec_start
 * says when, in a clock that runs with the local one. What the two clocks are
 * apart cancels in a difference of two readings. An interrupt may update both
 * fields between the reads, hence the loop.
 */
static void clock_read(struct ra_clock *c)
{
	const struct sched_entity *se = &current->se;
	u64 start;

	do {
		start = READ_ONCE(se->exec_start);
		barrier();
		c->cpu_ns = READ_ONCE(se->sum_exec_runtime);
		c->now_ns = local_clock();
		barrier();
	} while (start != READ_ONCE(se->exec_start));
	c->cpu_ns += c->now_ns - start;
	c->work_ns = task_work_ns();
	c->waits = current->nvcsw;
}

/**
 * ra_wait_measure() - CPU time that a task takes to wait for a page once
 *
 * From the shortest of some sleeps. Context: may sleep.
 * Return: nanoseconds.
 */
unsigned int ra_wait_measure(void)
{
	u64 least_ns = RA_SLEEP_NS;
	unsigned int i;

	for (i = 0; i < RA_SLEEPS; i++) {
		ktime_t timeout = ns_to_ktime(RA_SLEEP_NS);
		struct ra_clock before, after;

		clock_read(&before);
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_hrtimeout(&timeout, HRTIMER_MODE_REL);
		clock_read(&after);
		if ((s64)(after.cpu_ns - before.cpu_ns) > 0)
			least_ns = min(least_ns, after.cpu_ns - before.cpu_ns);
	}
	return RA_SLEEP_HALVES * least_ns / 2;
}

/**
 * ra_task_begin() - the hooks are about to be attached
 *
 * Context: any.
 */
void ra_task_begin(void)
{
	WRITE_ONCE(ra_begin_ns, local_clock());
}

/* Return: it was free, and is the current task's for as long as it is busy. */
static bool slot_take(struct ra_task *t)
{
	return !atomic_cmpxchg(&t->busy, 0, current->pid);
}

/* Another task may hold it for a moment, with the old tag, to take it over. */
static bool slot_is_own(const struct ra_task *t)
{
	return atomic_read(&t->busy) == current->pid;
}

static struct ra_task *task_find(u64 tag)
{
	unsigned int i, slot = hash_64(tag, RA_TASK_BITS);

	for (i = 0; i < RA_TASK_PROBES; i++) {
		struct ra_task *t = &ra_tasks[(slot + i) % ARRAY_SIZE(ra_tasks)];

		if (READ_ONCE(t->tag) == tag)
			return t;
	}
	return NULL;
}

/*
 * Of the slots that a task may have, one that is free, or else that of the task that was
 * away for longest: threads that live for a moment would fill the table.
 */
static struct ra_task *task_claim(u64 tag, u64 now_ns)
{
	unsigned int i, slot = hash_64(tag, RA_TASK_BITS);
	s64 longest_ns = RA_TASK_AWAY_NS;
	struct ra_task *t = NULL;
	u64 left_ns = 0;

	for (i = 0; i < RA_TASK_PROBES; i++) {
		struct ra_task *probe = &ra_tasks[(slot + i) % ARRAY_SIZE(ra_tasks)];
		u64 probe_ns = READ_ONCE(probe->left.now_ns);
		s64 away_ns = READ_ONCE(probe->tag) ? now_ns - probe_ns : S64_MAX;

		if (away_ns < longest_ns || atomic_read(&probe->busy))
			continue;
		longest_ns = away_ns;
		left_ns = probe_ns;
		t = probe;
	}
	if (!t || !slot_take(t))
		return NULL;
	if (READ_ONCE(t->left.now_ns) != left_ns) {
		atomic_set_release(&t->busy, 0);
		return NULL;
	}
	memset(&t->left, 0, sizeof(t->left));
	t->target = NULL;
	memset(&t->reads, 0, sizeof(t->reads));
	memset(t->sums, 0, sizeof(t->sums));
	t->slice_think_ns = 0;
	t->slice_wall_ns = 0;
	t->slice_calls = 0;
	t->read_missed = false;
	t->in_order = false;
	t->passed = false;
	t->entered_waits = 0;
	t->miss_parts = 0;
	t->map_parts = 0;
	t->last = NULL;
	t->order_dev = 0;
	memset(&t->paid, 0, sizeof(t->paid));
	t->claimed_us = now_ns >> 10;
	WRITE_ONCE(t->tag, tag);
	return t;
}

/**
 * ra_task_order() - the order of the current task's misses in a file
 * @call: the call, with its slot and its file's identity
 *
 * Begins anew with another file. Context: the slot is busy. Return: the order.
 */
struct ra_order *ra_task_order(const struct ra_call *call)
{
	struct ra_task *t = call->task;

	if (t->order_ino != call->ino || t->order_dev != call->dev ||
	    t->order_generation != call->generation) {
		memset(&t->order, 0, sizeof(t->order));
		t->order_ino = call->ino;
		t->order_dev = call->dev;
		t->order_generation = call->generation;
	}
	return &t->order;
}

static bool was_idle(u64 off_ns, u64 waits)
{
	return off_ns > RA_IDLE_NS &&
	       (off_ns > RA_TASK_STALE_NS || off_ns > waits * RA_IDLE_ONCE_NS);
}

static void pay(struct ra_paid *paid, u64 time_ns, u64 work_ns)
{
	paid->time_ns = min_t(u64, paid->time_ns + time_ns, U32_MAX);
	paid->work_ns = min_t(u64, paid->work_ns + work_ns, U32_MAX);
}

static void report(struct ra_paid *paid)
{
	if (paid->key && paid->time_ns)
		ra_cost(paid->target, paid->key, paid->time_ns, paid->work_ns);
	paid->time_ns = 0;
	paid->work_ns = 0;
}

/*
 * A read() that missed waits for its page after the call, a fault within it. What else the
 * task sleeps for is not to be told from that, unless it slept but once.
 */
static void read_waited(struct ra_task *t, const struct ra_clock *c, u64 off_ns)
{
	if (c->waits - t->left.waits != 1)
		return;
	t->reads.ios++;
	t->reads.nsecs += off_ns;
}

static void fault_waited(struct ra_task *t, s64 stall_ns)
{
	s64 off_ns = stall_ns - (s64)(t->left.cpu_ns - t->entered_cpu_ns);
	u32 waits = t->left.waits - t->entered_waits;

	if (!t->fault || !t->miss_parts || !waits || off_ns <= 0)
		return;
	t->reads.ios += waits;
	t->reads.nsecs += off_ns;
}

/* The time since the last call belongs to the file of that call. */
static void account_gap(struct ra_task *t, const struct ra_clock *c)
{
	u32 waits = c->waits - t->entered_waits, miss_parts = t->miss_parts;
	u32 map_parts = t->map_parts;
	bool read_missed = t->read_missed, passed = READ_ONCE(t->passed);
	s64 gap_ns = c->now_ns - t->left.now_ns;
	s64 think_ns = c->cpu_ns - t->left.cpu_ns;
	u64 latest_ns, work_ns;

	t->entered_waits = c->waits;
	t->entered_cpu_ns = c->cpu_ns;
	t->miss_parts = 0;
	t->map_parts = 0;
	t->read_missed = false;
	t->passed = false;
	if (!t->left.now_ns || gap_ns <= 0 ||
	    (s64)(t->left.now_ns - READ_ONCE(ra_begin_ns)) < 0)
		return;
	think_ns = clamp_t(s64, think_ns, 0, gap_ns);
	if (was_idle(gap_ns - think_ns, c->waits - t->left.waits))
		gap_ns = think_ns;
	else if (read_missed)
		read_waited(t, c, gap_ns - think_ns);
	think_ns = ra_useful_ns(think_ns, READ_ONCE(ra_wait_cpu_ns), waits, miss_parts, map_parts);
	t->slice_think_ns += think_ns;
	t->slice_wall_ns += gap_ns;
	ra_latest(gap_ns, c->work_ns - t->left.work_ns, RA_OUTER_WASHOUT_NS, &latest_ns, &work_ns);
	pay(&t->paid, latest_ns, work_ns);
	/* What was read in it while the file rested is not known. */
	if (t->last && !passed &&
	    ra_file_trylock(t->last, t->last_dev, t->last_ino, t->last_generation)) {
		ra_epoch_add_time(&t->last->epoch, think_ns, gap_ns - think_ns);
		ra_file_unlock(t->last);
	}
}

/**
 * ra_task_enter() - a hooked call begins
 * @target: device it is for
 * @fault: it is a page fault
 * @now_ns: out: local clock
 * @outer: out: it has a slot, and is not within another hooked call
 *
 * Return: the task's slot, NULL if none is free; to be given back by
 * ra_task_exit() if @outer.
 */
struct ra_task *ra_task_enter(struct ra_target *target, bool fault, u64 *now_ns, bool *outer)
{
	u64 tag = task_tag();
	struct ra_task *t = task_find(tag);
	struct ra_clock c;

	clock_read(&c);
	*now_ns = c.now_ns;
	*outer = false;
	if (t && !slot_take(t))
		return slot_is_own(t) ? t : NULL;
	if (t && READ_ONCE(t->tag) != tag) {
		atomic_set_release(&t->busy, 0);
		t = NULL;
	}
	if (!t)
		t = task_claim(tag, c.now_ns);
	if (!t)
		return NULL;
	account_gap(t, &c);
	t->fault = fault;
	if (++t->slice_calls >= RA_SLICE_CALLS || t->slice_wall_ns >= RA_SLICE_NS ||
	    t->target != target)
		ra_task_flush(t);
	t->target = target;
	*outer = true;
	return t;
}

/**
 * ra_task_use() - what the task does from now on is for the file of a call
 * @t: slot of the current task, from ra_task_enter(), with what is known of its last file
 * @call: the call, an outermost one, with its file's identity
 */
void ra_task_use(struct ra_task *t, const struct ra_call *call)
{
	if (t->paid.key && t->last_ino == call->ino && t->last_dev == call->dev &&
	    t->last_generation == call->generation)
		return;
	report(&t->paid);
	t->paid.target = call->target;
	t->paid.key = ra_key(call->dev, call->ino, call->generation);
}

/**
 * ra_task_elsewhere() - the current task reads what is none of ours, or is not looked at
 * @f: entry of the file, or NULL: if the task's last call was for it, nothing changes
 *
 * Its time until the next call belongs to none of the files, but to the task still.
 * Context: task context.
 */
void ra_task_elsewhere(const struct ra_file *f)
{
	u64 tag = task_tag();
	struct ra_task *t = task_find(tag);
	struct ra_clock c;

	if (!t || !READ_ONCE(t->paid.key))
		return;
	/* without taking the slot where there is nothing else to be done */
	if (f && READ_ONCE(t->last) == f) {
		WRITE_ONCE(t->passed, true);
		return;
	}
	if (!slot_take(t))
		return;
	if (READ_ONCE(t->tag) == tag && t->paid.key) {
		clock_read(&c);
		account_gap(t, &c);
		report(&t->paid);
		t->left = c;
		t->last = NULL;
		t->paid.key = 0;
	}
	atomic_set_release(&t->busy, 0);
}

/**
 * ra_task_missed() - a call was a cache miss, or reached a mark
 * @t: slot of the current task, within the call or one around it
 * @async: it reached a mark
 * @pages: window that was read
 */
void ra_task_missed(struct ra_task *t, bool async, unsigned long pages)
{
	t->miss_parts = async && !t->fault ? RA_MARK_PARTS : RA_WAIT_PARTS;
	t->map_parts = t->fault ? min_t(unsigned long, pages, RA_FAULT_AROUND) : 0;
	t->read_missed = !async && !t->fault;
}

/**
 * ra_task_read() - the outermost hooked call of a task has begun to read
 * @t: slot of the current task
 * @bytes: how much
 */
void ra_task_read(struct ra_task *t, u64 bytes)
{
	t->reads.sectors += bytes >> SECTOR_SHIFT;
}

/**
 * ra_task_exit() - the outermost hooked call of a task ends
 * @t: what ra_task_enter() returned, not NULL
 * @enter_ns: local clock at its begin
 */
void ra_task_exit(struct ra_task *t, u64 enter_ns)
{
	s64 stall_ns;

	clock_read(&t->left);
	stall_ns = max_t(s64, t->left.now_ns - enter_ns, 0);
	t->slice_wall_ns += stall_ns;
	fault_waited(t, stall_ns);
	pay(&t->paid, stall_ns, 0);
	report(&t->paid);
	t->fault = false;
	atomic_set_release(&t->busy, 0);
}

/**
 * ra_task_sum() - what a task has added to the sums of a disk
 * @t: slot of the current task
 * @disk: disk
 *
 * Return: the sums, or NULL if it has added nothing, or to too many others since.
 */
const struct ra_task_sum *ra_task_sum(const struct ra_task *t, const struct ra_disk *disk)
{
	unsigned int i;

	for (i = 0; i < RA_TASK_DISKS; i++)
		if (t->sums[i].disk == disk)
			return &t->sums[i];
	return NULL;
}

/* The sums of a disk, put first; if it has none, the last one's give way. */
static struct ra_task_sum *use_sum(struct ra_task *t, struct ra_disk *disk)
{
	struct ra_task_sum first = { .disk = disk, .since_us = t->left.now_ns >> 10 };
	unsigned int i;

	if (t->sums[0].disk == disk)
		return &t->sums[0];
	for (i = 1; i < RA_TASK_DISKS - 1; i++)
		if (t->sums[i].disk == disk)
			break;
	if (t->sums[i].disk == disk)
		first = t->sums[i];
	memmove(&t->sums[1], &t->sums[0], i * sizeof(first));
	t->sums[0] = first;
	return &t->sums[0];
}

/**
 * ra_task_flush() - report a task's progress share and its reads to the device used last
 * @t: slot of the current task
 *
 * Within a call, its device is the last one.
 *
 * The mean of the logarithms counts every task alike: a task that runs at a twentieth of
 * its speed weighs as much as one that runs at full speed, which a sum of the shares would
 * hide.
 */
void ra_task_flush(struct ra_task *t)
{
	s64 log_share, us = t->slice_wall_ns >> 10;
	struct ra_task_sum *sum;
	struct ra_disk *disk;

	if (!t->target)
		return;
	ra_target_add(t->target, &t->reads);
	memset(&t->reads, 0, sizeof(t->reads));
	if (!us)
		return;
	disk = READ_ONCE(t->target->disk);
	sum = use_sum(t, disk);
	log_share = log2_share_q8(t->slice_think_ns, t->slice_wall_ns);
	log_share = clamp_t(s64, log_share, RA_REWARD_MIN, 0);
	sum->log_sum += log_share * us;
	sum->log_us += us;
	atomic64_add(log_share * us, &disk->log_sum);
	atomic64_add(us, &disk->log_us);
	this_cpu_add(ra_counters.think_ns, t->slice_think_ns);
	this_cpu_add(ra_counters.wall_ns, t->slice_wall_ns);
	t->slice_think_ns = 0;
	t->slice_wall_ns = 0;
	t->slice_calls = 0;
}
