// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy_testblk: a block device in memory with an honest latency, to measure
 * readahead and placement policies without hardware: /dev/mlptest0 and so on.
 *
 * It is a blk-mq driver with hardware queues and tags, so what is in flight is limited,
 * who has no tag waits, and the kernel merges and schedules as it does for real drivers.
 * Presets that have one queue begin with the kernel's default scheduler (mq-deadline), the
 * others with none, as they would on a machine with several CPUs.
 * When a request completes is testblk_model.h's; nothing waits by spinning.
 *
 *	insmod mlproxy_testblk.ko size_mb=256 preset=nvme [PARAMETER=VALUE...]
 *
 *	size_mb		capacity of a device; memory is taken as it is written
 *	nr_devices	devices, each with channels and a link of its own
 *	preset		ram, nvme15, nvme, sata-ssd, cloud-gp, cloud-burst, hdd or sd-card
 *	depth		tags of a hardware queue, 1 to 1024; 0 for the preset's
 *	queues		hardware queues; 0 for the preset's
 *	instant		complete at once, for as long as it is set: to fill a device
 *	base_us, mbps, channels, channel_mbps, chunk_kb, iops, iops_burst, seek_us
 *			see struct testblk_spec; after the preset, which sets them all
 *
 * All but size_mb, nr_devices, depth and queues may be changed while it is in use. These
 * are the module's, the same for all of its devices. So "preset=nvme depth=4 queues=1" has
 * four requests in flight, and the fifth waits before it is submitted.
 *
 * Data is copied when a request is issued, and the clock is read before: the copy, which
 * a real device does by DMA, hides behind the latency of a request that somebody waits for.
 *
 * A disk with a head serves one request at a time, and takes that of its queue to which
 * the way is shortest; one that waits for too long comes first (struct testblk.waiting).
 *
 * Locking: testblk.lock (irq-safe) guards the model, the waiting requests and the counters.
 * Each request has a timer, whose interrupt completes it, with the lock dropped.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>

#include "compat/blk.h"
#include "compat/timer.h"
#include "testblk_model.h"
#include "testblk_spec.h"
#include "testblk_store.h"

#define TESTBLK_MAX_SECTORS	(SZ_512K >> SECTOR_SHIFT)
#define TESTBLK_MAX_SEGMENTS	256
#define TESTBLK_MAX_DEVICES	16
#define TESTBLK_MAX_MB		524288U
/* What waits for this many seeks comes first. */
#define TESTBLK_MAX_WAIT	64

/**
 * struct testblk_request - what the driver knows of a request; zeroed with its tag
 * @timer: completes it
 * @has_timer: @timer was set up
 * @served: the head is at it, or on its way
 * @submit_ns: CLOCK_MONOTONIC at which it came
 * @due_ns: CLOCK_MONOTONIC at which it completes
 * @node: in testblk.waiting
 */
struct testblk_request {
	struct hrtimer timer;
	bool has_timer;
	bool served;
	u64 submit_ns;
	u64 due_ns;
	struct list_head node;
};

/**
 * struct testblk_counters - since the module was loaded
 * @reads: read requests
 * @read_bytes: bytes read
 * @writes: write requests
 * @write_bytes: bytes written
 * @wait_ns: sum over the requests of the time from their issue to their completion
 * @due_ns: the latest time at which one completes
 * @max_in_flight: most requests in flight at once
 */
struct testblk_counters {
	u64 reads;
	u64 read_bytes;
	u64 writes;
	u64 write_bytes;
	u64 wait_ns;
	u64 due_ns;
	u64 max_in_flight;
};

/**
 * struct testblk - a device
 * @disk: its disk
 * @set: its tags
 * @store: its contents
 * @lock: guards the rest but @in_flight
 * @model: state of its channels and its link
 * @busy: the head is with a request
 * @waiting: requests for the head, in the order in which they came
 * @counters: counters
 * @in_flight: requests that were issued and have not completed
 */
struct testblk {
	struct gendisk *disk;
	struct blk_mq_tag_set set;
	struct testblk_store store;
	spinlock_t lock;	/* of the rest but @in_flight */
	struct testblk_model model;
	bool busy;
	struct list_head waiting;
	struct testblk_counters counters;
	atomic_t in_flight;
};

static struct testblk *testblks[TESTBLK_MAX_DEVICES];

static unsigned int size_mb = 256;
static unsigned int nr_devices = 1;

module_param(size_mb, uint, 0444);
MODULE_PARM_DESC(size_mb, "capacity in MiB; memory is taken as it is written (default: 256)");
module_param(nr_devices, uint, 0444);
MODULE_PARM_DESC(nr_devices, "devices, mlptest0 and so on, 1 to 16 (default: 1)");

/* ------------------------------------------------------------------ */
/* Time                                                                */

/* Take up a request at @now_ns, which is when it came, or later. */
static void testblk_schedule(struct testblk *dev, const struct testblk_spec *spec,
			     struct request *rq, u64 now_ns)
{
	struct testblk_request *req = blk_mq_rq_to_pdu(rq);
	struct testblk_counters *c = &dev->counters;

	lockdep_assert_held(&dev->lock);

	req->due_ns = testblk_model_submit(&dev->model, spec, blk_rq_pos(rq), blk_rq_bytes(rq),
					   now_ns);
	c->wait_ns += req->due_ns - req->submit_ns;
	c->due_ns = max(c->due_ns, req->due_ns);
}

static void testblk_start_timer(struct testblk_request *req)
{
	hrtimer_start(&req->timer, ns_to_ktime(req->due_ns), HRTIMER_MODE_ABS_PINNED);
}

/* The waiting request that the head goes to next. */
static struct testblk_request *testblk_next(struct testblk *dev, const struct testblk_spec *spec,
					    u64 now_ns)
{
	u64 limit_ns = (u64)spec->seek_us * NSEC_PER_USEC * TESTBLK_MAX_WAIT;
	struct testblk_request *req, *best;
	u64 best_ns = U64_MAX;

	best = list_first_entry_or_null(&dev->waiting, struct testblk_request, node);
	if (!best || now_ns > best->submit_ns + limit_ns)
		return best;
	list_for_each_entry(req, &dev->waiting, node) {
		u64 ns = testblk_model_seek_ns(&dev->model, spec,
					       blk_rq_pos(blk_mq_rq_from_pdu(req)));

		if (ns < best_ns) {
			best = req;
			best_ns = ns;
		}
	}
	return best;
}

/* The head is free from @now_ns on. */
static void testblk_move_head(struct testblk *dev, u64 now_ns)
{
	struct testblk_spec spec = testblk_spec_get();
	struct testblk_request *req;

	lockdep_assert_held(&dev->lock);

	req = testblk_next(dev, &spec, now_ns);
	dev->busy = req;
	if (!req)
		return;
	list_del(&req->node);
	req->served = true;
	testblk_schedule(dev, &spec, blk_mq_rq_from_pdu(req), max(now_ns, req->submit_ns));
	testblk_start_timer(req);
}

static enum hrtimer_restart testblk_timer(struct hrtimer *timer)
{
	struct testblk_request *req = container_of(timer, struct testblk_request, timer);
	struct request *rq = blk_mq_rq_from_pdu(req);
	struct testblk *dev = rq->q->queuedata;
	unsigned long flags;

	if (req->served) {
		spin_lock_irqsave(&dev->lock, flags);
		testblk_move_head(dev, req->due_ns);
		spin_unlock_irqrestore(&dev->lock, flags);
	}
	atomic_dec(&dev->in_flight);
	blk_mq_complete_request(rq);
	return HRTIMER_NORESTART;
}

/* ------------------------------------------------------------------ */
/* Requests                                                            */

static int testblk_copy(struct testblk *dev, struct request *rq)
{
	bool write = op_is_write(req_op(rq));
	u64 pos = (u64)blk_rq_pos(rq) << SECTOR_SHIFT;
	struct req_iterator iter;
	struct bio_vec bvec;

	rq_for_each_segment(bvec, rq, iter) {
		if (!write)
			testblk_store_read(&dev->store, pos, &bvec);
		else if (testblk_store_write(&dev->store, pos, &bvec))
			return -ENOMEM;
		pos += bvec.bv_len;
	}
	return 0;
}

static void testblk_account(struct testblk *dev, struct request *rq)
{
	struct testblk_counters *c = &dev->counters;

	if (op_is_write(req_op(rq))) {
		c->writes++;
		c->write_bytes += blk_rq_bytes(rq);
	} else {
		c->reads++;
		c->read_bytes += blk_rq_bytes(rq);
	}
	c->max_in_flight = max_t(u64, c->max_in_flight, atomic_inc_return(&dev->in_flight));
}

/* Return: false if it is done at once. */
static bool testblk_issue(struct testblk *dev, struct request *rq)
{
	struct testblk_spec spec = testblk_spec_get();
	struct testblk_request *req = blk_mq_rq_to_pdu(rq);
	unsigned long flags;
	bool later = true;

	spin_lock_irqsave(&dev->lock, flags);
	testblk_account(dev, rq);
	req->served = false;
	if (spec.seek_us && dev->busy) {
		list_add_tail(&req->node, &dev->waiting);
	} else {
		testblk_schedule(dev, &spec, rq, req->submit_ns);
		later = req->due_ns != req->submit_ns;
		req->served = later && spec.seek_us;
		dev->busy |= req->served;
		if (later)
			testblk_start_timer(req);
	}
	spin_unlock_irqrestore(&dev->lock, flags);
	return later;
}

static blk_status_t testblk_queue_rq(struct blk_mq_hw_ctx *hctx,
				     const struct blk_mq_queue_data *bd)
{
	struct request *rq = bd->rq;
	struct testblk_request *req = blk_mq_rq_to_pdu(rq);
	struct testblk *dev = hctx->queue->queuedata;
	u64 now_ns = ktime_get_ns();

	if (req_op(rq) != REQ_OP_READ && req_op(rq) != REQ_OP_WRITE)
		return BLK_STS_NOTSUPP;
	/* Then it is issued once more a little later. */
	if (testblk_copy(dev, rq))
		return BLK_STS_RESOURCE;

	if (!req->has_timer) {
		compat_hrtimer_setup(&req->timer, testblk_timer, CLOCK_MONOTONIC,
				     HRTIMER_MODE_ABS_PINNED);
		req->has_timer = true;
	}
	req->submit_ns = now_ns;
	blk_mq_start_request(rq);
	if (!testblk_issue(dev, rq)) {
		atomic_dec(&dev->in_flight);
		blk_mq_end_request(rq, BLK_STS_OK);
	}
	return BLK_STS_OK;
}

static void testblk_complete(struct request *rq)
{
	blk_mq_end_request(rq, BLK_STS_OK);
}

/* A timer's callback may still be on its way out when its request has completed. */
static void testblk_exit_request(struct blk_mq_tag_set *set, struct request *rq,
				 unsigned int hctx_idx)
{
	struct testblk_request *req = blk_mq_rq_to_pdu(rq);

	if (req->has_timer)
		hrtimer_cancel(&req->timer);
}

static const struct blk_mq_ops testblk_mq_ops = {
	.queue_rq = testblk_queue_rq,
	.complete = testblk_complete,
	.exit_request = testblk_exit_request,
};

static const struct block_device_operations testblk_fops = {
	.owner = THIS_MODULE,
};

/* ------------------------------------------------------------------ */
/* Counters: /sys/block/mlptest0/testblk/                              */

#define TESTBLK_COUNTER(name, field)						\
static ssize_t name##_show(struct device *device,				\
			   struct device_attribute *attr, char *buf)		\
{										\
	struct testblk *dev = dev_to_disk(device)->private_data;		\
	u64 value;								\
										\
	spin_lock_irq(&dev->lock);						\
	value = dev->field;							\
	spin_unlock_irq(&dev->lock);						\
	return sysfs_emit(buf, "%llu\n", value);				\
}										\
static DEVICE_ATTR_RO(name)

TESTBLK_COUNTER(reads, counters.reads);
TESTBLK_COUNTER(read_bytes, counters.read_bytes);
TESTBLK_COUNTER(writes, counters.writes);
TESTBLK_COUNTER(write_bytes, counters.write_bytes);
TESTBLK_COUNTER(wait_ns, counters.wait_ns);
TESTBLK_COUNTER(due_ns, counters.due_ns);
TESTBLK_COUNTER(max_in_flight, counters.max_in_flight);
TESTBLK_COUNTER(link_busy_ns, model.link_busy_ns);
TESTBLK_COUNTER(cap_wait_ns, model.cap_wait_ns);
TESTBLK_COUNTER(seeks, model.seeks);

static struct attribute *testblk_attrs[] = {
	&dev_attr_reads.attr,
	&dev_attr_read_bytes.attr,
	&dev_attr_writes.attr,
	&dev_attr_write_bytes.attr,
	&dev_attr_wait_ns.attr,
	&dev_attr_due_ns.attr,
	&dev_attr_max_in_flight.attr,
	&dev_attr_link_busy_ns.attr,
	&dev_attr_cap_wait_ns.attr,
	&dev_attr_seeks.attr,
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

static int testblk_add_disk(struct testblk *dev, unsigned int index, bool rotational)
{
	const struct compat_blk_limits lim = {
		.logical_bytes = SECTOR_SIZE,
		.physical_bytes = PAGE_SIZE,
		.max_hw_sectors = TESTBLK_MAX_SECTORS,
		.max_segments = TESTBLK_MAX_SEGMENTS,
		.rotational = rotational,
	};
	struct gendisk *disk;
	int ret;

	disk = compat_blk_mq_alloc_disk(&dev->set, &lim, dev);
	if (IS_ERR(disk))
		return PTR_ERR(disk);

	dev->disk = disk;
	disk->fops = &testblk_fops;
	disk->private_data = dev;
	snprintf(disk->disk_name, DISK_NAME_LEN, "mlptest%u", index);
	set_capacity(disk, dev->model.sectors);

	ret = device_add_disk(NULL, disk, testblk_groups);
	if (ret)
		put_disk(disk);
	return ret;
}

static struct testblk *testblk_create(unsigned int index, u64 bytes)
{
	struct testblk_queues queues = testblk_spec_queues();
	struct testblk *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int ret;

	if (!dev)
		return ERR_PTR(-ENOMEM);

	spin_lock_init(&dev->lock);
	INIT_LIST_HEAD(&dev->waiting);
	testblk_model_init(&dev->model, bytes >> SECTOR_SHIFT);
	dev->set = (struct blk_mq_tag_set) {
		.ops = &testblk_mq_ops,
		.nr_hw_queues = queues.queues,
		.queue_depth = queues.depth,
		.numa_node = NUMA_NO_NODE,
		.cmd_size = sizeof(struct testblk_request),
		.flags = COMPAT_BLK_MQ_F_SHOULD_MERGE |
			 (queues.scheduled ? 0 : BLK_MQ_F_NO_SCHED_BY_DEFAULT),
	};

	ret = testblk_store_init(&dev->store, bytes);
	if (ret)
		goto err_dev;
	ret = blk_mq_alloc_tag_set(&dev->set);
	if (ret)
		goto err_store;
	ret = testblk_add_disk(dev, index, queues.rotational);
	if (ret)
		goto err_set;
	return dev;

err_set:
	blk_mq_free_tag_set(&dev->set);
err_store:
	testblk_store_exit(&dev->store);
err_dev:
	kfree(dev);
	return ERR_PTR(ret);
}

static void testblk_destroy_all(void)
{
	unsigned int i;

	for (i = 0; i < TESTBLK_MAX_DEVICES && testblks[i]; i++) {
		struct testblk *dev = testblks[i];

		/* Waits for what is in flight. */
		del_gendisk(dev->disk);
		put_disk(dev->disk);
		blk_mq_free_tag_set(&dev->set);
		testblk_store_exit(&dev->store);
		kfree(dev);
	}
}

static int __init testblk_init(void)
{
	unsigned int i;

	if (!size_mb || size_mb > TESTBLK_MAX_MB) {
		pr_err("size_mb must be 1 to %u\n", TESTBLK_MAX_MB);
		return -EINVAL;
	}
	if (!nr_devices || nr_devices > TESTBLK_MAX_DEVICES) {
		pr_err("nr_devices must be 1 to %u\n", TESTBLK_MAX_DEVICES);
		return -EINVAL;
	}
	for (i = 0; i < nr_devices; i++) {
		struct testblk *dev = testblk_create(i, (u64)size_mb << 20);

		if (IS_ERR(dev)) {
			testblk_destroy_all();
			return PTR_ERR(dev);
		}
		testblks[i] = dev;
	}
	return 0;
}

static void __exit testblk_exit(void)
{
	testblk_destroy_all();
}

module_init(testblk_init);
module_exit(testblk_exit);

MODULE_AUTHOR("mlproxy developers");
MODULE_DESCRIPTION("Block device in memory with queues, channels and a shared bandwidth, for tests");
MODULE_LICENSE("GPL");
