// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices whose files are looked after: a slot for the state of each. Which they are is
 * common/target.c's.
 *
 * A slot is a filesystem's, by its device number: two partitions of a chosen disk have one
 * each, since their counters are not the same. It is taken at the first miss. Those that
 * find none share the last one, which no device's counters are read for.
 *
 * A call that runs while a slot changes hands accounts to the new device once.
 */
#include <linux/cache.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>

#include "common/mounts.h"
#include "shared/log2.h"
#include "target.h"

#define RA_TARGETS	16
#define RA_WINDOW_SHIFT	27	/* 134 ms */

static struct ra_target ra_targets[RA_TARGETS + 1];
/* Whose they are, 0 for nobody's: in a cache line, as each miss looks at them. */
static u32 ra_target_devs[RA_TARGETS] ____cacheline_aligned;
/* Slots are taken and given back under it. */
static DEFINE_RAW_SPINLOCK(ra_target_lock);

struct proxy_targets ra_chosen;

/**
 * ra_target_is_shared() - is a slot that of several devices
 * @target: slot
 */
bool ra_target_is_shared(const struct ra_target *target)
{
	return target == &ra_targets[RA_TARGETS];
}

/* Sums only grow, as epochs take differences of them. */
static void target_clear(struct ra_target *t)
{
	t->sample_ns = 0;
	WRITE_ONCE(t->timed, false);
	t->silent = 0;
	WRITE_ONCE(t->latency, 0);
	WRITE_ONCE(t->depth, 0);
	WRITE_ONCE(t->rate, 0);
	WRITE_ONCE(t->refault_share, 0);
	WRITE_ONCE(t->files_before, 0);
	atomic_set(&t->files, 0);
	atomic_set(&t->budget, 0);
}

static struct ra_target *target_find(u32 dev)
{
	unsigned int i;

	for (i = 0; i < RA_TARGETS; i++)
		if (READ_ONCE(ra_target_devs[i]) == dev)
			return &ra_targets[i];
	return NULL;
}

/* Others that come by meanwhile account to the shared one, once. */
static struct ra_target *target_take(u32 dev)
{
	struct ra_target *t = NULL;

	if (!target_find(0) || !raw_spin_trylock(&ra_target_lock))
		return &ra_targets[RA_TARGETS];
	t = target_find(dev) ?: target_find(0);
	if (t && ra_target_devs[t - ra_targets] != dev) {
		target_clear(t);
		WRITE_ONCE(ra_target_devs[t - ra_targets], dev);
	}
	raw_spin_unlock(&ra_target_lock);
	return t ?: &ra_targets[RA_TARGETS];
}

/**
 * ra_target_find() - the state of a filesystem's device, if it is a chosen one
 * @sb: filesystem, in use by the caller
 *
 * Return: the device's slot, or NULL.
 */
struct ra_target *ra_target_find(struct super_block *sb)
{
	if (!proxy_target_match(&ra_chosen, sb))
		return NULL;
	return target_find(sb->s_dev) ?: target_take(sb->s_dev);
}

/* Which slots are in use by a filesystem that is mounted and chosen. */
static void mark_used(const struct proxy_mount *mount, void *arg)
{
	struct ra_target *t = mount->sb ? target_find(mount->dev) : NULL;
	bool *used = arg;

	if (t && proxy_target_match(&ra_chosen, mount->sb))
		used[t - ra_targets] = true;
}

/**
 * ra_targets_prune() - forget those that are not mounted any more, or not chosen
 *
 * One that is forgotten but in use, where it can't be seen, comes anew. Context: may sleep;
 * callers are serialised.
 */
void ra_targets_prune(void)
{
	bool used[RA_TARGETS] = {};
	unsigned int i;

	if (proxy_mounts_walk(mark_used, used) < 0)
		return;
	raw_spin_lock(&ra_target_lock);
	for (i = 0; i < RA_TARGETS; i++)
		if (!used[i])
			WRITE_ONCE(ra_target_devs[i], 0);
	raw_spin_unlock(&ra_target_lock);
}

/**
 * ra_targets_full() - has every slot a device
 */
bool ra_targets_full(void)
{
	return !target_find(0);
}

/**
 * ra_target_active() - count a file as active
 * @target: device
 * @file_window: what it returned for this file before
 * @now_ns: local clock
 *
 * Return: number of the activity window, to be kept with the file.
 */
u32 ra_target_active(struct ra_target *target, u32 file_window, u64 now_ns)
{
	u32 now = now_ns >> RA_WINDOW_SHIFT, window = READ_ONCE(target->window);

	if (window != now && cmpxchg(&target->window, window, now) == window) {
		u32 files = atomic_xchg(&target->files, 0);

		WRITE_ONCE(target->files_before, now - window == 1 ? files : 0);
	}
	if (file_window != now)
		atomic_inc(&target->files);
	return now;
}

/**
 * ra_target_snapshot() - state of the devices, for mlproxy_ops.snapshot
 * @values: out: latency, depth, rate, active files of each device
 * @nr: room
 *
 * Return: values written.
 */
unsigned int ra_target_snapshot(s64 *values, unsigned int nr)
{
	unsigned int i, n = 0;

	for (i = 0; i < RA_TARGETS && n + 4 <= nr; i++) {
		const struct ra_target *t = &ra_targets[i];

		if (!READ_ONCE(ra_target_devs[i]))
			continue;
		values[n++] = READ_ONCE(t->latency);
		values[n++] = READ_ONCE(t->depth);
		values[n++] = READ_ONCE(t->rate);
		values[n++] = max_t(u32, READ_ONCE(t->files_before),
				    atomic_read(&t->files));
	}
	return n;
}

/**
 * ra_target_strained() - is a device asked for more than it can do at once
 * @values: from ra_target_snapshot()
 * @nr: valid ones
 *
 * Return: true if one has RA_STRAINED_DEPTH reads in flight, on average.
 */
bool ra_target_strained(const s64 *values, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i + 4 <= nr; i += 4)
		if (values[i + 1] >= log2_q8(RA_STRAINED_DEPTH))
			return true;
	return false;
}
