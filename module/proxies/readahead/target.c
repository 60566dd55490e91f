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

#define RA_WINDOW_SHIFT	27	/* 134 ms */

static struct ra_target ra_targets[RA_TARGET_SLOTS];
/* Whose they are, 0 for nobody's: in a cache line, as each miss looks at them. */
static u32 ra_target_devs[RA_TARGET_SLOTS] ____cacheline_aligned;
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
static struct ra_target *target_take(const struct super_block *sb)
{
	struct ra_target *shared = &ra_targets[RA_TARGETS], *t;

	if (!target_find(0)) {
		if (!ra_target_dev(shared)) {
			strscpy(shared->name, "others", sizeof(shared->name));
			WRITE_ONCE(ra_target_devs[RA_TARGETS], 1);
			WRITE_ONCE(shared->fresh, true);
		}
		return shared;
	}
	if (!raw_spin_trylock(&ra_target_lock))
		return shared;
	t = target_find(sb->s_dev) ?: target_find(0);
	if (t && ra_target_dev(t) != sb->s_dev) {
		target_clear(t);
		strscpy(t->name, sb->s_id, sizeof(t->name));
		WRITE_ONCE(t->fresh, true);
		/* pairs with ra_target_dev(): the name before the number */
		smp_store_release(&ra_target_devs[t - ra_targets], sb->s_dev);
	}
	raw_spin_unlock(&ra_target_lock);
	return t ?: shared;
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
	return target_find(sb->s_dev) ?: target_take(sb);
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
 * ra_targets_used() - which slots are in use by what is mounted and chosen
 * @used: out: of each, true if so, or if that is not to be seen
 *
 * Context: may sleep.
 */
void ra_targets_used(bool used[RA_TARGET_SLOTS])
{
	memset(used, 0, RA_TARGET_SLOTS * sizeof(*used));
	/* That of all others goes last. */
	used[RA_TARGETS] = !target_find(0);
	if (proxy_mounts_walk(mark_used, used) < 0)
		memset(used, true, RA_TARGET_SLOTS * sizeof(*used));
}

/**
 * ra_target_give_back() - forget a device
 * @slot: number of its slot
 *
 * If it is in use all the same, it comes anew. Context: may sleep.
 */
void ra_target_give_back(unsigned int slot)
{
	raw_spin_lock(&ra_target_lock);
	WRITE_ONCE(ra_target_devs[slot], 0);
	raw_spin_unlock(&ra_target_lock);
}

/**
 * ra_target_slot() - a slot by its number
 * @slot: below RA_TARGET_SLOTS
 */
struct ra_target *ra_target_slot(unsigned int slot)
{
	return &ra_targets[slot];
}

/**
 * ra_target_dev() - whose a slot is
 * @target: slot
 *
 * Return: the device's number, 1 for the shared one if it is used; or 0.
 */
u32 ra_target_dev(const struct ra_target *target)
{
	/* pairs with target_take() */
	return smp_load_acquire(&ra_target_devs[target - ra_targets]);
}

/**
 * ra_targets_wanted() - are there devices without a slot of their own
 */
bool ra_targets_wanted(void)
{
	return ra_target_dev(&ra_targets[RA_TARGETS]);
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

static unsigned int target_values(const struct ra_target *t, s64 *values)
{
	values[0] = READ_ONCE(t->latency);
	values[1] = READ_ONCE(t->depth);
	values[2] = READ_ONCE(t->rate);
	values[3] = max_t(u32, READ_ONCE(t->files_before), atomic_read(&t->files));
	return 4;
}

/**
 * ra_target_snapshot() - state of the devices, for mlproxy_ops.snapshot
 * @only: the one that is asked for; NULL for all
 * @values: out: latency, depth, rate, active files of each device
 * @nr: room
 *
 * Return: values written.
 */
unsigned int ra_target_snapshot(const struct ra_target *only, s64 *values, unsigned int nr)
{
	unsigned int i, n = 0;

	for (i = 0; i < RA_TARGETS && n + 4 <= nr; i++)
		if (only ? only == &ra_targets[i] : ra_target_dev(&ra_targets[i]) != 0)
			n += target_values(&ra_targets[i], values + n);
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
