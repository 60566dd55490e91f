// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device is doing: how long its reads take, how many are in flight, how much it
 * delivers; and what may be prefetched from it.
 *
 * The device's own counters tell, where its driver counts in nanoseconds, as those that
 * work on requests do. Those that work on bios (device mapper, md) count in ticks, longer
 * than most reads take; with iostats=0 nothing is counted; and a filesystem of several
 * devices (btrfs) has none to be asked. There the waits of the readers stand for it: how
 * long each was off the CPU that went to sleep for a page. Reads that nobody waits for
 * are not among them.
 */
#include <linux/blkdev.h>
#include <linux/mm.h>
#include <linux/part_stat.h>
#include <linux/vmstat.h>

#include "memory.h"
#include "rent.h"
#include "shared/log2.h"
#include "target.h"

#define RA_SAMPLE_NS	(5 * NSEC_PER_MSEC)
/* Samples without a read that the device has counted: then it counts none. */
#define RA_SILENT	8

static unsigned long memory_room(void)
{
	return global_zone_page_state(NR_FREE_PAGES) + global_node_page_state(NR_INACTIVE_FILE);
}

static void sample_memory(struct ra_target *target, u64 sectors)
{
	u64 refaults = global_node_page_state(WORKINGSET_REFAULT_FILE);
	u64 pages = sectors >> (PAGE_SHIFT - SECTOR_SHIFT);
	u32 share = 0;

	if (target->sample_ns && pages)
		share = div64_u64(min(refaults - target->refaults, pages) << 8, pages);
	WRITE_ONCE(target->refault_share, (3 * target->refault_share + share + 2) / 4);
	target->refaults = refaults;
}

/**
 * ra_target_afford() - take pages from the disk's budget of prefetching
 * @target: slot of a device on it
 * @pages: how many
 *
 * Return: true if there were that many.
 */
bool ra_target_afford(struct ra_target *target, unsigned int pages)
{
	struct ra_disk *disk = READ_ONCE(target->disk);

	/* Many at once may take a little more than there is: a few depths. */
	return atomic_read(&disk->budget) >= (int)pages &&
	       atomic_sub_return(pages, &disk->budget) >= 0;
}

static void read_counters(struct block_device *bdev, struct ra_reads *reads)
{
	reads->ios = part_stat_read(bdev, ios[STAT_READ]);
	reads->nsecs = part_stat_read(bdev, nsecs[STAT_READ]);
	reads->sectors = part_stat_read(bdev, sectors[STAT_READ]);
}

/*
 * Do the device's counters tell how long reads take? Ticks are counted as whole microseconds,
 * which a sum of nanoseconds hardly ever is.
 */
static bool judge_counters(struct ra_target *target, const struct ra_reads *now)
{
	if (now->nsecs % NSEC_PER_USEC)
		target->fine = true;
	if (now->ios != target->counted.ios)
		target->silent = 0;
	else if (target->silent < RA_SILENT)
		target->silent++;
	return target->fine && target->silent < RA_SILENT;
}

/* What was read since the last time. */
static void reads_since(struct ra_target *target, struct block_device *bdev,
			struct ra_reads *since)
{
	struct ra_reads now, before = target->counted;
	bool timed;

	since->ios = atomic64_xchg(&target->waits, 0);
	since->nsecs = atomic64_xchg(&target->wait_ns, 0);
	since->sectors = atomic64_xchg(&target->wait_sectors, 0);
	if (!bdev)
		return;
	read_counters(bdev, &now);
	timed = judge_counters(target, &now);
	WRITE_ONCE(target->timed, timed);
	target->counted = now;
	if (now.ios > before.ios && now.sectors >= before.sectors)
		since->sectors = now.sectors - before.sectors;
	if (!timed)
		return;
	since->ios = now.nsecs >= before.nsecs && now.ios > before.ios ? now.ios - before.ios : 0;
	since->nsecs = now.nsecs - before.nsecs;
}

/* Little's law, in sixteenths, for a fraction of its own. */
static u32 depth_of(u64 nsecs, u64 elapsed_ns)
{
	return log2_q8(16 + div64_u64(nsecs << 4, elapsed_ns)) - (4 << 8);
}

/*
 * What may be prefetched until the next time: a share of the memory that is free or
 * soon can be; nothing while the disk has more to do than it can.
 */
static void sample_disk(const struct ra_target *target, struct block_device *bdev, u64 now_ns)
{
	struct ra_disk *disk = READ_ONCE(target->disk);
	u64 elapsed_ns, nsecs, before;
	bool part = bdev && bdev != bdev_whole(bdev);

	if (atomic_cmpxchg(&disk->sampling, 0, 1))
		return;
	elapsed_ns = now_ns - disk->sample_ns;
	if ((s64)elapsed_ns < (s64)RA_SAMPLE_NS)
		goto out;
	before = disk->nsecs;
	nsecs = part ? part_stat_read(bdev_whole(bdev), nsecs[STAT_READ]) : 0;
	if (!part || !target->timed)
		WRITE_ONCE(disk->depth, target->depth);
	else if (disk->sample_ns && nsecs > before)
		WRITE_ONCE(disk->depth, depth_of(nsecs - before, elapsed_ns));
	disk->nsecs = nsecs;
	disk->sample_ns = now_ns;
	atomic_set(&disk->budget, disk->depth >= log2_q8(RA_STRAINED_DEPTH) ? 0 :
				  min(memory_room() / RA_MEMORY_SHARE, (unsigned long)INT_MAX));
out:
	atomic_set_release(&disk->sampling, 0);
}

/* Of the device's own counters only: what the tasks tell is neither a latency nor a rate. */
static void sample_link(struct ra_target *target, const struct ra_reads *reads, u64 elapsed_ns,
			u64 now_ns)
{
	struct ra_bdp_sample sample = {
		.ios = reads->ios, .nsecs = reads->nsecs,
		.bytes = reads->sectors << SECTOR_SHIFT, .elapsed_ns = elapsed_ns,
	};
	u8 bdp;

	ra_bdp_add(&target->link, &sample, now_ns);
	bdp = ra_bdp_window(&target->link) - RA_BDP_LEAST;
	if (bdp == target->bdp)
		return;
	WRITE_ONCE(target->bdp, bdp);
	ra_use_guess(&target->use[RA_BDP]);
}

static void sample_device(struct ra_target *target, struct block_device *bdev, u64 now_ns)
{
	u64 elapsed_ns = now_ns - target->sample_ns;
	struct ra_reads reads;

	reads_since(target, bdev, &reads);
	sample_memory(target, reads.sectors);
	ra_rent_sample(target, now_ns);
	if (target->sample_ns && reads.ios)
		WRITE_ONCE(target->latency, log2_q8(div64_u64(reads.nsecs, reads.ios)));
	if (target->sample_ns && (reads.ios || reads.sectors)) {
		WRITE_ONCE(target->depth, depth_of(reads.nsecs, elapsed_ns));
		WRITE_ONCE(target->rate, log2_q8(div64_u64(reads.sectors << SECTOR_SHIFT,
							   (elapsed_ns >> 20) + 1)));
	}
	if (target->sample_ns && target->timed) {
		sample_link(target, &reads, elapsed_ns, now_ns);
	} else if (target->bdp) {
		memset(&target->link, 0, sizeof(target->link));
		WRITE_ONCE(target->bdp, 0);
	}
	target->sample_ns = now_ns;
}

/**
 * ra_target_sample() - bring the device's state up to date, if it is old
 * @target: its slot
 * @sb: filesystem on it, in use by the caller
 * @now_ns: local clock
 *
 * Whoever comes while another one does goes on with what is there. It looks at the counters of
 * all CPUs: no lock should be held.
 */
void ra_target_sample(struct ra_target *target, struct super_block *sb, u64 now_ns)
{
	struct block_device *bdev = ra_target_is_shared(target) ? NULL : sb->s_bdev;

	if (atomic_cmpxchg(&target->sampling, 0, 1))
		return;
	/* the slot may be another device's by now */
	if ((s64)(now_ns - target->sample_ns) >= (s64)RA_SAMPLE_NS &&
	    (!bdev || ra_target_dev(target) == sb->s_dev)) {
		sample_device(target, bdev, now_ns);
		sample_disk(target, bdev, now_ns);
	}
	atomic_set_release(&target->sampling, 0);
}

/**
 * ra_target_add() - tasks have waited for pages, and begun to read some
 * @target: device
 * @reads: each wait is one
 *
 * Context: any. Nothing is kept where the device itself counts that.
 */
void ra_target_add(struct ra_target *target, const struct ra_reads *reads)
{
	if (READ_ONCE(target->timed) || !(reads->ios || reads->sectors))
		return;
	atomic64_add(reads->ios, &target->waits);
	atomic64_add(reads->nsecs, &target->wait_ns);
	atomic64_add(reads->sectors, &target->wait_sectors);
}
