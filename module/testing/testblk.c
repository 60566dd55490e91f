// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy_testblk: a block device in memory with an honest latency, to measure
 * readahead and placement policies without hardware.
 *
 * A request costs a base latency and a transfer over a link that all requests
 * share:
 *
 *	start    = max(now + base, time at which the link is free)
 *	complete = start + bytes / bandwidth
 *
 * So reading more than what is used costs time, also the time of others, and
 * requests in flight together hide each other's base latency but never share the
 * bandwidth for free. Nothing waits by spinning: a timer completes the requests.
 *
 * Data is copied when a request is submitted, and the clock is read before: the
 * copy, which a real device does by DMA, hides behind the latency of a request
 * that somebody waits for.
 *
 * Locking: testblk.lock (irq-safe) guards the link's clock, the queue, and the
 * counters. Requests complete in the order of submission, from the timer's
 * interrupt, with the lock dropped.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/mempool.h>
#include <linux/module.h>
#include <linux/part_stat.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include <linux/wait.h>

#include "compat/blk.h"
#include "compat/timer.h"
#include "testblk_store.h"

#define TESTBLK_NAME		"mlptest0"
#define TESTBLK_MAX_SECTORS	(SZ_512K >> SECTOR_SHIFT)
#define TESTBLK_MAX_SEGMENTS	256
#define TESTBLK_MIN_REQUESTS	64
#define TESTBLK_MAX_BASE_US	10000000U
#define TESTBLK_MAX_MBPS	1000000U

/**
 * struct testblk_request - a bio that waits for its completion
 * @node: in testblk.queue
 * @bio: the bio
 * @bytes: its length
 * @submit_ns: CLOCK_MONOTONIC at which it came
 * @due_ns: CLOCK_MONOTONIC at which it completes
 */
struct testblk_request {
	struct list_head node;
	struct bio *bio;
	unsigned int bytes;
	u64 submit_ns;
	u64 due_ns;
};

/**
 * struct testblk_counters - since the module was loaded
 * @reads: read requests
 * @read_bytes: bytes read
 * @writes: write requests
 * @write_bytes: bytes written
 * @link_busy_ns: time that the link was transferring
 * @wait_ns: sum over the requests of the time from submission to completion
 */
struct testblk_counters {
	u64 reads;
	u64 read_bytes;
	u64 writes;
	u64 write_bytes;
	u64 link_busy_ns;
	u64 wait_ns;
};

/**
 * struct testblk - the device
 * @disk: its disk
 * @store: its contents
 * @lock: guards the rest but @pool and @drained
 * @queue: requests by due time
 * @link_free_ns: CLOCK_MONOTONIC at which the link has transferred all requests
 * @last_due_ns: due time of the newest request
 * @timer: expires when the first request of @queue is due
 * @counters: counters
 * @pool: of struct testblk_request
 * @drained: woken when @queue becomes empty
 */
struct testblk {
	struct gendisk *disk;
	struct testblk_store store;
	spinlock_t lock;	/* of the rest but @pool and @drained */
	struct list_head queue;
	u64 link_free_ns;
	u64 last_due_ns;
	struct hrtimer timer;
	struct testblk_counters counters;
	mempool_t *pool;
	wait_queue_head_t drained;
};

static struct testblk testblk;

/* ------------------------------------------------------------------ */
/* Parameters                                                          */

struct testblk_preset {
	const char *name;
	unsigned int base_us;
	unsigned int mbps;
};

static const struct testblk_preset testblk_presets[] = {
	{ "ram", 0, 0 },
	{ "nvme", 80, 2000 },
	{ "cloud", 800, 250 },
};

static unsigned int size_mb = 256;
static unsigned int base_us = 80;
static unsigned int mbps = 2000;

static int base_us_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, TESTBLK_MAX_BASE_US);
}

static const struct kernel_param_ops base_us_ops = {
	.set = base_us_set,
	.get = param_get_uint,
};

static int mbps_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, TESTBLK_MAX_MBPS);
}

static const struct kernel_param_ops mbps_ops = {
	.set = mbps_set,
	.get = param_get_uint,
};

static int preset_set(const char *val, const struct kernel_param *kp)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(testblk_presets); i++) {
		if (!sysfs_streq(val, testblk_presets[i].name))
			continue;
		WRITE_ONCE(base_us, testblk_presets[i].base_us);
		WRITE_ONCE(mbps, testblk_presets[i].mbps);
		return 0;
	}
	return -EINVAL;
}

static int preset_get(char *buffer, const struct kernel_param *kp)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(testblk_presets); i++)
		if (testblk_presets[i].base_us == READ_ONCE(base_us) &&
		    testblk_presets[i].mbps == READ_ONCE(mbps))
			return sysfs_emit(buffer, "%s\n", testblk_presets[i].name);
	return sysfs_emit(buffer, "custom\n");
}

static const struct kernel_param_ops preset_ops = {
	.set = preset_set,
	.get = preset_get,
};

module_param(size_mb, uint, 0444);
MODULE_PARM_DESC(size_mb, "capacity in MiB; memory is taken as it is written (default: 256)");
module_param_cb(base_us, &base_us_ops, &base_us, 0644);
MODULE_PARM_DESC(base_us, "latency of a request before its transfer, in us (default: 80)");
module_param_cb(mbps, &mbps_ops, &mbps, 0644);
MODULE_PARM_DESC(mbps, "bandwidth in 10^6 bytes/s, 0 for no limit (default: 2000)");
module_param_cb(preset, &preset_ops, NULL, 0644);
MODULE_PARM_DESC(preset, "base_us and mbps at once: ram (0, 0), nvme (80, 2000), cloud (800, 250)");

/* ------------------------------------------------------------------ */
/* Time                                                                */

/* The time at which a request that came at @now_ns completes. */
static u64 testblk_schedule(struct testblk *dev, u64 now_ns, unsigned int bytes)
{
	unsigned int rate = READ_ONCE(mbps);
	u64 start_ns = now_ns + (u64)READ_ONCE(base_us) * NSEC_PER_USEC;
	u64 transfer_ns = rate ? div_u64((u64)bytes * NSEC_PER_USEC, rate) : 0;

	lockdep_assert_held(&dev->lock);

	start_ns = max(start_ns, dev->link_free_ns);
	dev->link_free_ns = start_ns + transfer_ns;
	dev->counters.link_busy_ns += transfer_ns;

	/* Settings that changed must not make a request overtake another. */
	dev->last_due_ns = max(dev->last_due_ns, dev->link_free_ns);
	return dev->last_due_ns;
}

/*
 * The kernel's own statistics of the disk. bio_end_io_acct() counts durations in
 * ticks, longer than a request takes; drivers of real disks have nanoseconds.
 */
static void testblk_end_request(struct testblk *dev, struct testblk_request *req, u64 now_ns)
{
	struct bio *bio = req->bio;
	int group = op_stat_group(bio_op(bio));

	part_stat_lock();
	part_stat_inc(bio->bi_bdev, ios[group]);
	part_stat_add(bio->bi_bdev, sectors[group], req->bytes >> SECTOR_SHIFT);
	part_stat_add(bio->bi_bdev, nsecs[group], now_ns - req->submit_ns);
	part_stat_unlock();

	bio_endio(bio);
	mempool_free(req, dev->pool);
}

static enum hrtimer_restart testblk_timer(struct hrtimer *timer)
{
	struct testblk *dev = container_of(timer, struct testblk, timer);
	enum hrtimer_restart ret = HRTIMER_NORESTART;
	struct testblk_request *req, *next;
	unsigned long flags;
	LIST_HEAD(done);
	bool drained;
	u64 now_ns;

	spin_lock_irqsave(&dev->lock, flags);
	now_ns = ktime_get_ns();
	list_for_each_entry_safe(req, next, &dev->queue, node) {
		if (req->due_ns > now_ns) {
			hrtimer_set_expires(timer, ns_to_ktime(req->due_ns));
			ret = HRTIMER_RESTART;
			break;
		}
		list_move_tail(&req->node, &done);
	}
	drained = list_empty(&dev->queue);
	spin_unlock_irqrestore(&dev->lock, flags);

	list_for_each_entry_safe(req, next, &done, node)
		testblk_end_request(dev, req, now_ns);
	if (drained)
		wake_up(&dev->drained);
	return ret;
}

/* ------------------------------------------------------------------ */
/* Requests                                                            */

static blk_status_t testblk_copy(struct testblk *dev, struct bio *bio)
{
	bool write = op_is_write(bio_op(bio));
	u64 pos = (u64)bio->bi_iter.bi_sector << SECTOR_SHIFT;
	struct bvec_iter iter;
	struct bio_vec bvec;

	bio_for_each_segment(bvec, bio, iter) {
		if (!write)
			testblk_store_read(&dev->store, pos, &bvec);
		else if (testblk_store_write(&dev->store, pos, &bvec))
			return BLK_STS_RESOURCE;
		pos += bvec.bv_len;
	}
	return BLK_STS_OK;
}

static void testblk_account(struct testblk *dev, const struct bio *bio, unsigned int bytes)
{
	if (op_is_write(bio_op(bio))) {
		dev->counters.writes++;
		dev->counters.write_bytes += bytes;
	} else {
		dev->counters.reads++;
		dev->counters.read_bytes += bytes;
	}
}

static void testblk_submit_bio(struct bio *bio)
{
	struct testblk *dev = bio->bi_bdev->bd_disk->private_data;
	u64 now_ns = ktime_get_ns();
	struct testblk_request *req;
	unsigned long flags;

	/* The rest of a long bio comes back here as one of its own. */
	bio = bio_split_to_limits(bio);
	if (!bio)
		return;

	if (bio_op(bio) != REQ_OP_READ && bio_op(bio) != REQ_OP_WRITE) {
		bio->bi_status = BLK_STS_NOTSUPP;
		bio_endio(bio);
		return;
	}

	req = mempool_alloc(dev->pool, GFP_NOIO);
	req->bio = bio;
	req->bytes = bio->bi_iter.bi_size;
	req->submit_ns = now_ns;
	bio->bi_status = testblk_copy(dev, bio);

	spin_lock_irqsave(&dev->lock, flags);
	testblk_account(dev, bio, req->bytes);
	req->due_ns = testblk_schedule(dev, now_ns, req->bytes);
	dev->counters.wait_ns += req->due_ns - now_ns;
	list_add_tail(&req->node, &dev->queue);
	if (list_is_singular(&dev->queue))
		hrtimer_start(&dev->timer, ns_to_ktime(req->due_ns), HRTIMER_MODE_ABS);
	spin_unlock_irqrestore(&dev->lock, flags);
}

static const struct block_device_operations testblk_fops = {
	.owner = THIS_MODULE,
	.submit_bio = testblk_submit_bio,
};

/* ------------------------------------------------------------------ */
/* Counters: /sys/block/mlptest0/testblk/                              */

#define TESTBLK_COUNTER(field)							\
static ssize_t field##_show(struct device *device,				\
			    struct device_attribute *attr, char *buf)		\
{										\
	struct testblk *dev = dev_to_disk(device)->private_data;		\
	u64 value;								\
										\
	spin_lock_irq(&dev->lock);						\
	value = dev->counters.field;						\
	spin_unlock_irq(&dev->lock);						\
	return sysfs_emit(buf, "%llu\n", value);				\
}										\
static DEVICE_ATTR_RO(field)

TESTBLK_COUNTER(reads);
TESTBLK_COUNTER(read_bytes);
TESTBLK_COUNTER(writes);
TESTBLK_COUNTER(write_bytes);
TESTBLK_COUNTER(link_busy_ns);
TESTBLK_COUNTER(wait_ns);

static struct attribute *testblk_attrs[] = {
	&dev_attr_reads.attr,
	&dev_attr_read_bytes.attr,
	&dev_attr_writes.attr,
	&dev_attr_write_bytes.attr,
	&dev_attr_link_busy_ns.attr,
	&dev_attr_wait_ns.attr,
	NULL
};

static const struct attribute_group testblk_group = {
	.name = "testblk",
	.attrs = testblk_attrs,
};

static const struct attribute_group *testblk_groups[] = {
	&testblk_group,
	NULL
};

/* ------------------------------------------------------------------ */
/* Module                                                              */

static bool testblk_is_drained(struct testblk *dev)
{
	bool drained;

	spin_lock_irq(&dev->lock);
	drained = list_empty(&dev->queue);
	spin_unlock_irq(&dev->lock);
	return drained;
}

static int testblk_add_disk(struct testblk *dev, u64 bytes)
{
	const struct compat_blk_limits lim = {
		.logical_bytes = SECTOR_SIZE,
		.physical_bytes = PAGE_SIZE,
		.max_hw_sectors = TESTBLK_MAX_SECTORS,
		.max_segments = TESTBLK_MAX_SEGMENTS,
	};
	struct gendisk *disk;
	int ret;

	disk = compat_blk_alloc_disk(&lim, NUMA_NO_NODE);
	if (IS_ERR(disk))
		return PTR_ERR(disk);

	dev->disk = disk;
	disk->fops = &testblk_fops;
	disk->private_data = dev;
	strscpy(disk->disk_name, TESTBLK_NAME, DISK_NAME_LEN);
	set_capacity(disk, bytes >> SECTOR_SHIFT);

	ret = device_add_disk(NULL, disk, testblk_groups);
	if (ret)
		put_disk(disk);
	return ret;
}

static int __init testblk_init(void)
{
	struct testblk *dev = &testblk;
	u64 bytes = (u64)size_mb << 20;
	int ret;

	if (!bytes) {
		pr_err("mlproxy_testblk: size_mb must be at least 1\n");
		return -EINVAL;
	}

	spin_lock_init(&dev->lock);
	INIT_LIST_HEAD(&dev->queue);
	init_waitqueue_head(&dev->drained);
	compat_hrtimer_setup(&dev->timer, testblk_timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);

	ret = testblk_store_init(&dev->store, bytes);
	if (ret)
		return ret;

	dev->pool = mempool_create_kmalloc_pool(TESTBLK_MIN_REQUESTS,
						sizeof(struct testblk_request));
	if (!dev->pool) {
		ret = -ENOMEM;
		goto err_store;
	}

	ret = testblk_add_disk(dev, bytes);
	if (ret)
		goto err_pool;
	return 0;

err_pool:
	mempool_destroy(dev->pool);
err_store:
	testblk_store_exit(&dev->store);
	return ret;
}

static void __exit testblk_exit(void)
{
	struct testblk *dev = &testblk;

	del_gendisk(dev->disk);
	wait_event(dev->drained, testblk_is_drained(dev));
	/* Waits for a callback that still ends bios and wakes the above. */
	hrtimer_cancel(&dev->timer);
	put_disk(dev->disk);
	mempool_destroy(dev->pool);
	testblk_store_exit(&dev->store);
}

module_init(testblk_init);
module_exit(testblk_exit);

MODULE_AUTHOR("mlproxy developers");
MODULE_DESCRIPTION("Block device in memory with latency and a shared bandwidth, for tests");
MODULE_LICENSE("GPL");
