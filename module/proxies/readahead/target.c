// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of the devices whose files are looked after; which they are is common/target.c's.
 *
 * A slot is a filesystem's, by its device number: two partitions of a chosen disk have one
 * each, since their counters are not the same. It is taken at the first miss. Those that
 * find none share the last one, which no device's counters are read for.
 *
 * A call that runs while a slot changes hands accounts to the new device once.
 */
#include <linux/mm.h>
#include <linux/part_stat.h>
#include <linux/vmstat.h>

#include "memory.h"
#include "readahead.h"
#include "shared/log2.h"
#include "target.h"

#define RA_TARGETS	16
#define RA_SAMPLE_NS	(5 * NSEC_PER_MSEC)
#define RA_WINDOW_SHIFT	27	/* 134 ms */
#define RA_STRAINED_DEPTH 64	/* reads in flight */

static struct ra_target ra_targets[RA_TARGETS + 1];
/* Whose they are, 0 for nobody's: in a cache line, as each miss looks at them. */
static u32 ra_target_devs[RA_TARGETS] ____cacheline_aligned;
/* Slots are taken and given back under it. */
static DEFINE_RAW_SPINLOCK(ra_target_lock);

struct proxy_targets ra_chosen;

static bool is_shared(const struct ra_target *target)
{
	return target == &ra_targets[RA_TARGETS];
}

/* Sums only grow, as epochs take differences of them. */
static void target_clear(struct ra_target *t)
{
	t->sample_ns = 0;
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
	if (proxy_target_find(&ra_chosen, sb) < 0)
		return NULL;
	return target_find(sb->s_dev) ?: target_take(sb->s_dev);
}

/**
 * ra_targets_forget() - others are chosen: those that are still used come anew
 *
 * Context: any but within another function of this file.
 */
void ra_targets_forget(void)
{
	unsigned int i;

	raw_spin_lock(&ra_target_lock);
	for (i = 0; i < RA_TARGETS; i++)
		WRITE_ONCE(ra_target_devs[i], 0);
	raw_spin_unlock(&ra_target_lock);
}

/*
 * What may be prefetched until the next time: a share of the memory that is free or
 * soon can be; nothing while the device has more to do than it can.
 */
static void sample_memory(struct ra_target *target, u64 sectors)
{
	unsigned long total = totalram_pages();
	unsigned long room = global_zone_page_state(NR_FREE_PAGES) +
			     global_node_page_state(NR_INACTIVE_FILE);
	u64 refaults = global_node_page_state(WORKINGSET_REFAULT_FILE);
	u64 pages = sectors >> (PAGE_SHIFT - SECTOR_SHIFT);
	u32 share = 0;

	if (target->sample_ns && pages)
		share = div64_u64(min(refaults - target->refaults, pages) << 8, pages);
	WRITE_ONCE(target->refault_share, (3 * target->refault_share + share + 2) / 4);
	WRITE_ONCE(target->free_memory, (u64)min(room, total) * 256 / total);
	target->refaults = refaults;
	atomic_set(&target->budget, READ_ONCE(target->depth) >= log2_q8(RA_STRAINED_DEPTH) ? 0 :
				    min(room / RA_MEMORY_SHARE, (unsigned long)INT_MAX));
}

/**
 * ra_target_afford() - take pages from the device's budget of prefetching
 * @target: its slot
 * @pages: how many
 *
 * Return: true if there were that many.
 */
bool ra_target_afford(struct ra_target *target, unsigned int pages)
{
	/* Many at once may take a little more than there is: a few depths. */
	return atomic_read(&target->budget) >= (int)pages &&
	       atomic_sub_return(pages, &target->budget) >= 0;
}

/**
 * ra_target_sample() - bring the device's state up to date, if it is old
 * @target: its slot
 * @sb: filesystem on it, in use by the caller
 * @now_ns: local clock
 *
 * The kernel's own counters of the device; whoever comes while another one reads
 * them goes on with what is there.
 */
void ra_target_sample(struct ra_target *target, struct super_block *sb, u64 now_ns)
{
	u64 ios, nsecs, sectors, elapsed_ns;
	struct block_device *bdev = is_shared(target) ? NULL : sb->s_bdev;

	if (!bdev || atomic_cmpxchg(&target->sampling, 0, 1))
		return;
	elapsed_ns = now_ns - target->sample_ns;
	if ((s64)elapsed_ns < (s64)RA_SAMPLE_NS)
		goto out;
	ios = part_stat_read(bdev, ios[STAT_READ]);
	nsecs = part_stat_read(bdev, nsecs[STAT_READ]);
	sectors = part_stat_read(bdev, sectors[STAT_READ]);
	sample_memory(target, sectors - target->sectors);
	if (target->sample_ns && ios > target->ios && nsecs >= target->nsecs) {
		u64 busy_ns = nsecs - target->nsecs;

		WRITE_ONCE(target->latency, log2_q8(div64_u64(busy_ns, ios - target->ios)));
		/* Little's law, in sixteenths, for a fraction of its own. */
		WRITE_ONCE(target->depth,
			   log2_q8(16 + div64_u64(busy_ns << 4, elapsed_ns)) - (4 << 8));
		WRITE_ONCE(target->rate, log2_q8(div64_u64((sectors - target->sectors) << 9,
							   (elapsed_ns >> 20) + 1)));
	}
	target->ios = ios;
	target->nsecs = nsecs;
	target->sectors = sectors;
	target->sample_ns = now_ns;
out:
	atomic_set_release(&target->sampling, 0);
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
