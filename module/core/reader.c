// SPDX-License-Identifier: GPL-2.0-only
/*
 * A dataset reader: set-up, publishing into its rings, waking, read().
 *
 * Waking: poll() sets @waiting and looks again; publishing stores the position
 * and then looks at @waiting. Full barriers between the two make sure that one of
 * them sees the other. The wake-up itself runs from irq_work, since a record may
 * be published in any context, also inside of the scheduler. Neither irq_work nor
 * timers are marked hard: with PREEMPT_RT they run in threads, where the lock of a
 * wait queue may be taken.
 */
#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/hardirq.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat/timer.h"
#include "core.h"
#include "dataset.h"
#include "reader.h"
#include "recommend.h"
#include "ring_pos.h"

static void reader_wake(struct mlproxy_reader *reader)
{
	WRITE_ONCE(reader->waiting, 0);
	wake_up_all(&reader->wait);
}

static enum hrtimer_restart reader_timer(struct hrtimer *timer)
{
	struct mlproxy_reader *reader = container_of(timer, struct mlproxy_reader, timer);

	WRITE_ONCE(reader->expired, 1);
	atomic_set(&reader->timer_armed, 0);
	reader_wake(reader);
	return HRTIMER_NORESTART;
}

static void reader_arm(struct mlproxy_reader *reader)
{
	if (reader->timeout_ns && !atomic_xchg(&reader->timer_armed, 1))
		hrtimer_start(&reader->timer, ns_to_ktime(reader->timeout_ns),
			      HRTIMER_MODE_REL);
}

static bool ring_ready(struct mlproxy_reader *reader, struct mlproxy_ring *ring)
{
	u64 unread = mlproxy_ring_unread(ring);

	return unread && unread >= READ_ONCE(reader->watermark_bytes);
}

static void reader_work(struct irq_work *work)
{
	struct mlproxy_ring *ring = container_of(work, struct mlproxy_ring, work);
	struct mlproxy_reader *reader = ring->reader;

	mlproxy_dataset_arm(reader);
	if (!ring_ready(reader, ring) && !mlproxy_dataset_complete(reader)) {
		reader_arm(reader);
		return;
	}
	WRITE_ONCE(ring->wakeups, ring->wakeups + 1);
	reader_wake(reader);
}

/**
 * mlproxy_reader_create() - allocate the rings of a session
 * @setup: in: sizes and options, already checked; out: what they became
 * @file: of the session, whose user pays for them
 *
 * Context: may sleep. Return: the reader, not attached yet, or ERR_PTR: -ENOMEM, or
 * -EINVAL where so many rings of this size can't be mapped.
 */
struct mlproxy_reader *mlproxy_reader_create(struct mlproxy_ring_setup *setup,
					     const struct file *file)
{
	u32 size = roundup_pow_of_two(max_t(u32, setup->data_bytes, PAGE_SIZE));
	u64 stride = 2 * PAGE_SIZE + 2 * (u64)size;
	struct mlproxy_reader *reader;
	unsigned int cpu;

	if (nr_cpu_ids * stride > MLPROXY_REC_USER_OFFSET)
		return ERR_PTR(-EINVAL);
	reader = kzalloc(struct_size(reader, rings, nr_cpu_ids), GFP_KERNEL_ACCOUNT);
	if (!reader)
		return ERR_PTR(-ENOMEM);
	reader->type_mask = setup->type_mask ? setup->type_mask : ~0U;
	reader->watermark_bytes = min(setup->watermark_bytes, size / 2);
	reader->timeout_ns = (u64)setup->timeout_us * NSEC_PER_USEC;
	init_waitqueue_head(&reader->wait);
	mutex_init(&reader->access_lock);
	mutex_init(&reader->read_lock);
	compat_hrtimer_setup(&reader->timer, reader_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	mlproxy_dataset_init(reader);
	if (mlproxy_charge(&reader->charge, file,
			   (u64)num_possible_cpus() * mlproxy_ring_pages(size)))
		goto err;
	for_each_possible_cpu(cpu) {
		reader->rings[cpu] = mlproxy_ring_alloc(reader, size, cpu_to_node(cpu),
							reader_work);
		if (!reader->rings[cpu])
			goto err;
	}
	setup->data_bytes = size;
	setup->watermark_bytes = reader->watermark_bytes;
	setup->nr_rings = nr_cpu_ids;
	setup->ring_offset = 0;
	setup->ring_stride = stride;
	return reader;
err:
	mlproxy_reader_free(reader);
	return ERR_PTR(-ENOMEM);
}

/**
 * mlproxy_reader_free() - free a reader that is not attached
 * @reader: the reader, or NULL
 *
 * Context: may sleep.
 */
void mlproxy_reader_free(struct mlproxy_reader *reader)
{
	unsigned int cpu;

	if (!reader)
		return;
	for_each_possible_cpu(cpu)
		if (reader->rings[cpu])
			irq_work_sync(&reader->rings[cpu]->work);
	hrtimer_cancel(&reader->timer);
	mlproxy_dataset_exit(reader);
	for_each_possible_cpu(cpu)
		mlproxy_ring_free(reader->rings[cpu]);
	mlproxy_uncharge(&reader->charge);
	mutex_destroy(&reader->read_lock);
	mutex_destroy(&reader->access_lock);
	kfree(reader);
}

/**
 * mlproxy_reader_attach() - start to deliver
 * @reader: the reader
 * @proxy: its proxy
 *
 * Each reader costs every decision, so that there is a bound, which instances share.
 * Context: may sleep. Return: 0, -EBUSY beyond MLPROXY_MAX_READERS, or -ENODEV.
 */
int mlproxy_reader_attach(struct mlproxy_reader *reader, struct mlproxy *proxy)
{
	int ret;

	/* A proxy that goes meanwhile tells all readers that it finds, under this lock. */
	mutex_lock(&proxy->whole->lock);
	ret = mlproxy_gone(proxy) ? -ENODEV : mlproxy_dataset_attach(reader, proxy);
	if (!ret) {
		list_add_tail_rcu(&reader->node, &proxy->whole->readers);
		mlproxy_use(proxy->whole, USE_READERS, true);
	}
	mutex_unlock(&proxy->whole->lock);
	return ret;
}

/**
 * mlproxy_reader_detach() - stop to deliver
 * @reader: the reader, attached
 *
 * No record is being published to it once this returns. Context: may sleep.
 */
void mlproxy_reader_detach(struct mlproxy_reader *reader)
{
	struct mlproxy *whole = reader->proxy->whole;

	mutex_lock(&whole->lock);
	list_del_rcu(&reader->node);
	mlproxy_use(whole, USE_READERS, !list_empty(&whole->readers));
	mutex_unlock(&whole->lock);
	synchronize_rcu();
	mutex_lock(&whole->lock);
	mlproxy_dataset_detach(reader);
	mutex_unlock(&whole->lock);
}

/**
 * mlproxy_readers_hang_up() - tell all readers bound to it that no record comes any more
 * @proxy: destroyed; nothing is being published any more
 *
 * Context: may sleep.
 */
void mlproxy_readers_hang_up(struct mlproxy *proxy)
{
	struct mlproxy_reader *reader;

	mutex_lock(&proxy->whole->lock);
	list_for_each_entry(reader, &proxy->whole->readers, node) {
		if (reader->proxy != proxy)
			continue;
		/* After the last record; pairs with hung_up(). */
		smp_store_release(&reader->hung_up, 1);
		reader_wake(reader);
	}
	mutex_unlock(&proxy->whole->lock);
}

/**
 * mlproxy_reader_wake_due() - somebody waits for records: wake where it is time
 * @reader: the reader
 * @ring: where a record was published
 *
 * Context: as reader_commit(), interrupts off.
 */
void mlproxy_reader_wake_due(struct mlproxy_reader *reader, struct mlproxy_ring *ring)
{
	if (ring_ready(reader, ring) ||
	    (reader->timeout_ns && !atomic_read(&reader->timer_armed)))
		irq_work_queue(&ring->work);
}

static bool hung_up(const struct mlproxy_reader *reader)
{
	/* All records before it; pairs with mlproxy_readers_hang_up(). */
	return smp_load_acquire(&reader->hung_up);
}

/*
 * A look at every possible CPU: two words each, by who waits, with interrupts on. No
 * decision pays for it.
 */
static bool reader_ready(struct mlproxy_reader *reader)
{
	/* The last records, of a complete data set too, do not wait for a watermark. */
	bool expired = READ_ONCE(reader->expired) || mlproxy_dataset_complete(reader) ||
		       hung_up(reader);
	bool unread = false;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		if (ring_ready(reader, reader->rings[cpu]))
			return true;
		unread |= mlproxy_ring_unread(reader->rings[cpu]) != 0;
	}
	if (!unread) {
		WRITE_ONCE(reader->expired, 0);
		return false;
	}
	if (!expired)
		reader_arm(reader);
	return expired;
}

static void reader_prepare_wait(struct mlproxy_reader *reader)
{
	WRITE_ONCE(reader->waiting, 1);
	smp_mb(); /* @waiting before the positions; pairs with reader_commit() */
}

static bool reader_ready_or_wait(struct mlproxy_reader *reader)
{
	if (reader_ready(reader))
		return true;
	reader_prepare_wait(reader);
	return reader_ready(reader);
}

/**
 * mlproxy_reader_poll() - poll()
 * @reader: the reader
 * @file: its file
 * @pt: poll table
 *
 * A complete data set is said by EPOLLPRI, for as long as there is no other. That the
 * proxy is gone is said by EPOLLHUP, beside EPOLLIN for what is left.
 *
 * Asks to be woken also when something is ready: who watches for edges (EPOLLET)
 * does not come back to find the rings empty before the next record.
 */
__poll_t mlproxy_reader_poll(struct mlproxy_reader *reader, struct file *file,
			     struct poll_table_struct *pt)
{
	__poll_t mask;

	poll_wait(file, &reader->wait, pt);
	reader_prepare_wait(reader);
	/* First: who sees it sees the last records as well. */
	mask = hung_up(reader) ? EPOLLHUP : 0;
	if (mlproxy_dataset_complete(reader))
		mask |= EPOLLPRI;
	if (reader_ready(reader))
		mask |= EPOLLIN | EPOLLRDNORM;
	return mask;
}

static int claim_read(struct mlproxy_reader *reader)
{
	int ret = 0;

	if (likely(READ_ONCE(reader->access) == READER_ACCESS_READ))
		return 0;
	mutex_lock(&reader->access_lock);
	if (reader->access == READER_ACCESS_MMAP)
		ret = -EBUSY;
	else
		WRITE_ONCE(reader->access, READER_ACCESS_READ);
	mutex_unlock(&reader->access_lock);
	return ret;
}

/* Copy whole records of one ring. Data and positions are the kernel's own: in a
 * session that uses read() user space maps none of them. Their lengths are checked all
 * the same, and what follows a bad one is skipped: the gap in the numbers tells.
 */
static ssize_t ring_read(struct mlproxy_ring *ring, char __user *buf, size_t len)
{
	/* The records before the position; pairs with mlproxy_ring_commit(). */
	u64 head = smp_load_acquire(&ring->head);
	u64 pos = ring->read_pos;
	size_t done = 0;

	while (pos != head) {
		const struct mlproxy_rec_hdr *hdr =
			(void *)(ring->data + ring_pos_index(pos, ring->size));
		u32 rec_len = READ_ONCE(hdr->len);

		if (!ring_rec_valid(rec_len, head - pos)) {
			smp_store_release(&ring->read_pos, head); /* as below */
			return done ? done : -EIO;
		}
		if (rec_len > len - done)
			break;
		if (copy_to_user(buf + done, hdr, rec_len))
			return done ? done : -EFAULT;
		done += rec_len;
		pos += rec_len;
		/* Done with the data; pairs with mlproxy_ring_reserve(). */
		smp_store_release(&ring->read_pos, pos);
	}
	return !done && pos != head ? -EMSGSIZE : done;
}

static ssize_t reader_read_once(struct mlproxy_reader *reader, char __user *buf,
				size_t len)
{
	unsigned int i;
	size_t done = 0;

	for (i = 0; i < nr_cpu_ids; i++) {
		unsigned int cpu = (reader->next_cpu + i) % nr_cpu_ids;
		ssize_t ret;

		if (!reader->rings[cpu])
			continue;
		cond_resched();
		ret = ring_read(reader->rings[cpu], buf + done, len - done);
		if (ret == -EMSGSIZE && done)
			break;
		if (ret < 0)
			return done ? done : ret;
		done += ret;
	}
	reader->next_cpu = (reader->next_cpu + 1) % nr_cpu_ids;
	return done;
}

/**
 * mlproxy_reader_read() - read(): whole records, in order for each CPU
 * @reader: the reader
 * @buf: user buffer
 * @len: its length
 * @nonblock: do not wait
 *
 * Waits for any record, whatever the watermark. Return: bytes, 0 once the proxy is
 * gone and all was read, -EAGAIN, -EMSGSIZE if the next record does not fit, -EBUSY if
 * the rings are mapped, -EFAULT, -ERESTARTSYS, -EIO if a ring makes no sense.
 */
ssize_t mlproxy_reader_read(struct mlproxy_reader *reader, char __user *buf, size_t len,
			    bool nonblock)
{
	bool last;
	ssize_t ret;

	ret = claim_read(reader);
	if (ret || !len)
		return ret;
	WRITE_ONCE(reader->watermark_bytes, 0);
	for (;;) {
		if (mutex_lock_interruptible(&reader->read_lock))
			return -ERESTARTSYS;
		last = hung_up(reader);
		ret = reader_read_once(reader, buf, len);
		mutex_unlock(&reader->read_lock);
		if (ret || last)
			return ret;
		if (nonblock)
			return -EAGAIN;
		ret = wait_event_interruptible(reader->wait,
					       reader_ready_or_wait(reader) || hung_up(reader));
		if (ret)
			return ret;
	}
}

/**
 * mlproxy_reader_mmap() - map a part of a ring
 * @reader: the reader
 * @vma: where to
 * @offset: in bytes from the first ring
 *
 * No page is there before it is known that the session may map, nor can a read() come
 * in between. A mapping that is refused, for whatever reason, claims nothing.
 * Return: 0, -EINVAL for an offset that is no part's, -EBUSY after a read(), or as
 * mlproxy_map_pages().
 */
int mlproxy_reader_mmap(struct mlproxy_reader *reader, struct vm_area_struct *vma,
			u64 offset)
{
	unsigned int first_cpu = cpumask_first(cpu_possible_mask);
	u64 stride = (u64)reader->rings[first_cpu]->nr_pages << PAGE_SHIFT;
	u64 cpu = div64_u64(offset, stride);
	int ret = -EBUSY;

	if (cpu >= nr_cpu_ids || !reader->rings[cpu])
		return -EINVAL;
	mutex_lock(&reader->access_lock);
	if (reader->access != READER_ACCESS_READ)
		ret = mlproxy_ring_mmap(reader->rings[cpu], vma,
					(offset - cpu * stride) >> PAGE_SHIFT);
	if (!ret)
		WRITE_ONCE(reader->access, READER_ACCESS_MMAP);
	mutex_unlock(&reader->access_lock);
	return ret;
}

/**
 * mlproxy_reader_consume() - give room back without a consumer page
 * @reader: the reader
 * @cmd: ring and position, checked here
 *
 * Context: may sleep. Return: 0, -EINVAL for a CPU that is not possible, -EBUSY where
 * the rings are not mapped, or as mlproxy_ring_consume().
 */
int mlproxy_reader_consume(struct mlproxy_reader *reader,
			   const struct mlproxy_ring_consume *cmd)
{
	int ret = -EBUSY;

	if (cmd->cpu >= nr_cpu_ids || !reader->rings[cmd->cpu])
		return -EINVAL;
	mutex_lock(&reader->access_lock);
	if (reader->access == READER_ACCESS_MMAP)
		ret = mlproxy_ring_consume(reader->rings[cmd->cpu], cmd->pos);
	mutex_unlock(&reader->access_lock);
	return ret;
}

/**
 * mlproxy_reader_stats() - counters of one ring
 * @reader: the reader
 * @s: in: @s->cpu; out: the rest
 *
 * Return: 0, or -EINVAL for a CPU that is not possible.
 */
int mlproxy_reader_stats(struct mlproxy_reader *reader, struct mlproxy_ring_stats *s)
{
	if (s->cpu >= nr_cpu_ids || !reader->rings[s->cpu])
		return -EINVAL;
	mlproxy_ring_stats(reader->rings[s->cpu], s);
	return 0;
}
