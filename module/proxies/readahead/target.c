// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices whose files are looked after: a slot for the state of each. Which they are is
 * common/target.c's.
 *
 * A slot is a filesystem's, by its device number: two partitions of a chosen disk have one
 * each, since their counters are not the same. What they compete for is the disk's, though:
 * how the others get on, and what may be prefetched. A slot is taken at the first miss. Those
 * that find none share the last one, which no device's counters are read for.
 *
 * A call that runs while a slot changes hands accounts to the new device once; what the
 * device's counters say does not.
 */
#include <linux/blk_types.h>
#include <linux/cache.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "common/mounts.h"
#include "shared/log2.h"
#include "target.h"

#define RA_WINDOW_SHIFT	27	/* 134 ms */
/* Windows in a span, 2 s, log2: large reads lie far apart. */
#define RA_SPAN_SHIFT	4
/*
 * In these: a filesystem is idle; and one that is not to be seen, in a container as it may be,
 * is taken to be gone, or so if others want its slot.
 */
#define RA_IDLE_WINDOWS		(4 * NSEC_PER_SEC >> RA_WINDOW_SHIFT)
#define RA_WANTED_WINDOWS	(10 * NSEC_PER_SEC >> RA_WINDOW_SHIFT)
#define RA_GONE_WINDOWS		(600 * NSEC_PER_SEC >> RA_WINDOW_SHIFT)

static struct ra_target ra_targets[RA_TARGET_SLOTS];
static struct ra_disk ra_disks[RA_TARGET_SLOTS];
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

static u32 window_of(u64 now_ns)
{
	return now_ns >> RA_WINDOW_SHIFT;
}

static void target_clear(struct ra_target *t)
{
	t->sample_ns = 0;
	t->fine = false;
	WRITE_ONCE(t->timed, false);
	t->silent = 0;
	WRITE_ONCE(t->window, window_of(local_clock()));
	WRITE_ONCE(t->mounted, false);
	WRITE_ONCE(t->latency, 0);
	WRITE_ONCE(t->depth, 0);
	WRITE_ONCE(t->rate, 0);
	WRITE_ONCE(t->refault_share, 0);
	WRITE_ONCE(t->files_before, 0);
	atomic_set(&t->files, 0);
	memset(&t->link, 0, sizeof(t->link));
	WRITE_ONCE(t->bdp, 0);
	memset(t->use, 0, sizeof(t->use));
	t->rent_of = 0;
	t->rent_back = 0;
	WRITE_ONCE(t->rent, 0);
}

/**
 * ra_targets_init() - all slots are free
 *
 * Context: before the hooks are attached.
 */
void ra_targets_init(void)
{
	unsigned int i;

	for (i = 0; i < RA_TARGET_SLOTS; i++)
		ra_targets[i].disk = &ra_disks[i];
}

static struct ra_target *target_find(u32 dev)
{
	unsigned int i;

	for (i = 0; i < RA_TARGETS; i++)
		if (READ_ONCE(ra_target_devs[i]) == dev)
			return &ra_targets[i];
	return NULL;
}

static bool disk_in_use(const struct ra_disk *disk)
{
	unsigned int i;

	for (i = 0; i < RA_TARGETS; i++)
		if (ra_target_devs[i] && ra_targets[i].disk == disk)
			return true;
	return false;
}

/* That of another filesystem on the disk, or one that is free: there are enough. */
static struct ra_disk *disk_take(u32 number)
{
	unsigned int i;

	for (i = 0; number && i < RA_TARGETS; i++)
		if (ra_target_devs[i] && ra_targets[i].fs.disk == number)
			return ra_targets[i].disk;
	for (i = 0; i < RA_TARGETS - 1 && disk_in_use(&ra_disks[i]); i++)
		;
	return &ra_disks[i];
}

static void target_fill(struct ra_target *t, const struct super_block *sb)
{
	target_clear(t);
	proxy_fs_of(&t->fs, sb);
	strscpy(t->type, t->fs.type, sizeof(t->type));
	strscpy(t->name, t->fs.id, sizeof(t->name));
	t->fs.type = t->type;
	t->fs.id = t->name;
	/* Its sums only grow, as epochs take differences of them. */
	WRITE_ONCE(t->disk, disk_take(t->fs.disk));
	WRITE_ONCE(t->fresh, true);
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
		/* Somebody may still look at the device that had it. */
		if (!atomic_cmpxchg(&t->sampling, 0, 1)) {
			target_fill(t, sb);
			/* pairs with ra_target_dev(): the rest before the number */
			smp_store_release(&ra_target_devs[t - ra_targets], sb->s_dev);
			atomic_set_release(&t->sampling, 0);
		} else {
			t = NULL;
		}
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
	struct ra_target *t = target_find(sb->s_dev);
	u64 meant = (u64)proxy_targets_version(&ra_chosen) << 32 | sb->s_dev;

	if (t && READ_ONCE(t->meant) == meant && READ_ONCE(t->type_of) == sb->s_type)
		return t;
	if (!proxy_target_match(&ra_chosen, sb))
		return NULL;
	if (!t)
		return target_take(sb);
	/* Others, as those of btrfs, are another filesystem's before anybody is told. */
	if (sb->s_bdev && sb->s_bdev->bd_dev == sb->s_dev) {
		WRITE_ONCE(t->type_of, sb->s_type);
		WRITE_ONCE(t->meant, meant);
	}
	return t;
}

/**
 * ra_target_known() - the state of a device, if it has a slot
 * @dev: its number
 *
 * Context: any. Return: the slot, or NULL.
 */
struct ra_target *ra_target_known(u32 dev)
{
	return target_find(dev);
}

static u32 idle_windows(const struct ra_target *t)
{
	s32 windows = window_of(local_clock()) - READ_ONCE(t->window);

	return max(windows, 0);
}

/**
 * ra_targets_idle() - is there a slot that may be to be given back
 */
bool ra_targets_idle(void)
{
	unsigned int i;

	for (i = 0; i < RA_TARGETS; i++)
		if (ra_target_dev(&ra_targets[i]) && idle_windows(&ra_targets[i]) > RA_IDLE_WINDOWS)
			return true;
	return ra_target_dev(&ra_targets[RA_TARGETS]);
}

/* Which slots are those of filesystems that are mounted. */
static void mark_mounted(const struct proxy_mount *mount, void *arg)
{
	struct ra_target *t = target_find(mount->fs.dev);
	bool *mounted = arg;

	if (t)
		mounted[t - ra_targets] = true;
}

/* One that was mounted and is no more, and that nobody reads elsewhere; or nobody sees. */
static bool is_gone(struct ra_target *t, bool mounted, bool wanted)
{
	u32 windows = idle_windows(t);
	bool was = READ_ONCE(t->mounted);

	WRITE_ONCE(t->mounted, mounted);
	if (mounted || windows <= RA_IDLE_WINDOWS)
		return false;
	return was || windows > (wanted ? RA_WANTED_WINDOWS : RA_GONE_WINDOWS);
}

/**
 * ra_targets_look() - which slots are those of filesystems that are gone
 * @gone: out: of each, true if so
 *
 * That they are not mounted where the kernel's own threads are says it of those that were; of
 * others, which may be mounted in a container, only that nobody has read for long.
 * Context: may sleep. Return: false if what is mounted is not to be seen.
 */
bool ra_targets_look(bool gone[RA_TARGET_SLOTS])
{
	bool mounted[RA_TARGET_SLOTS] = {}, wanted = ra_target_dev(&ra_targets[RA_TARGETS]);
	unsigned int i;

	if (proxy_mounts_walk(mark_mounted, mounted) < 0)
		return false;
	for (i = 0; i < RA_TARGETS; i++)
		gone[i] = ra_target_dev(&ra_targets[i]) &&
			  is_gone(&ra_targets[i], mounted[i], wanted);
	/* The shared one is taken anew if it is still needed. */
	gone[RA_TARGETS] = wanted && target_find(0);
	return true;
}

/**
 * ra_target_chosen() - is a slot's filesystem still one that is chosen
 * @target: slot in use
 */
bool ra_target_chosen(const struct ra_target *target)
{
	return ra_target_is_shared(target) || proxy_target_meant(&ra_chosen, &target->fs);
}

/**
 * ra_target_give_back() - forget a device
 * @target: its slot
 *
 * If it is in use all the same, it comes anew. Context: may sleep.
 */
void ra_target_give_back(struct ra_target *target)
{
	raw_spin_lock(&ra_target_lock);
	WRITE_ONCE(ra_target_devs[target - ra_targets], 0);
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

/* Count a file that was counted last in @file_window; the first one of a new window begins it. */
static void count_active(u32 *window, atomic_t *files, u32 *files_before, u32 file_window, u32 now)
{
	u32 was = READ_ONCE(*window);

	if ((s32)(now - was) > 0 && cmpxchg(window, was, now) == was) {
		u32 n = atomic_xchg(files, 0);

		WRITE_ONCE(*files_before, now - was == 1 ? n : 0);
	}
	if (file_window != now)
		atomic_inc(files);
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
	struct ra_disk *disk = READ_ONCE(target->disk);
	u32 now = window_of(now_ns);

	count_active(&target->window, &target->files, &target->files_before, file_window, now);
	if (file_window != now)
		count_active(&disk->span, &disk->readers, &disk->readers_before,
			     file_window >> RA_SPAN_SHIFT, now >> RA_SPAN_SHIFT);
	return now;
}

/**
 * ra_target_files() - files of a device with misses in the last tenths of a second
 * @target: device
 */
u32 ra_target_files(const struct ra_target *target)
{
	return max_t(u32, READ_ONCE(target->files_before), atomic_read(&target->files));
}

/**
 * ra_target_rested() - the current task misses in a file that is not looked at
 * @target: device
 *
 * Others are to know that they are not alone. Context: any.
 */
void ra_target_rested(const struct ra_target *target)
{
	struct ra_disk *disk = READ_ONCE(target->disk);
	u32 now_ms = local_clock() >> 20;

	if (READ_ONCE(disk->rested_ms) == now_ms)
		return;
	WRITE_ONCE(disk->rested_ms, now_ms);
	WRITE_ONCE(disk->rested_pid, current->pid);
}

/**
 * ra_target_resting() - has another task missed in a file that is not looked at
 * @target: device
 * @since_ns: since then, local clock
 */
bool ra_target_resting(const struct ra_target *target, u64 since_ns)
{
	const struct ra_disk *disk = READ_ONCE(target->disk);

	return (s32)(READ_ONCE(disk->rested_ms) - (u32)(since_ns >> 20)) > 0 &&
	       READ_ONCE(disk->rested_pid) != current->pid;
}

/**
 * ra_target_readers() - files of a disk with misses in the last seconds
 * @target: a device on it
 */
u32 ra_target_readers(const struct ra_target *target)
{
	const struct ra_disk *disk = READ_ONCE(target->disk);

	return max_t(u32, READ_ONCE(disk->readers_before), atomic_read(&disk->readers));
}

static unsigned int target_values(const struct ra_target *t, s64 *values)
{
	values[0] = READ_ONCE(t->latency);
	values[1] = READ_ONCE(t->depth);
	values[2] = READ_ONCE(t->rate);
	values[3] = ra_target_files(t);
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
 * ra_target_strained() - is a disk asked for more than it can do at once
 * @only: that of this slot; NULL for any
 *
 * Return: true if one has RA_STRAINED_DEPTH reads in flight, on average.
 */
bool ra_target_strained(const struct ra_target *only)
{
	unsigned int i;

	for (i = 0; i < RA_TARGET_SLOTS; i++) {
		const struct ra_target *t = &ra_targets[i];

		if ((only ? only == t : ra_target_dev(t) != 0) &&
		    READ_ONCE(READ_ONCE(t->disk)->depth) >= log2_q8(RA_STRAINED_DEPTH))
			return true;
	}
	return false;
}
