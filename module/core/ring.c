// SPDX-License-Identifier: GPL-2.0-only
/*
 * One dataset ring: memory, mapping, reserve and commit. The ordering rules stand
 * in ring.h.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "pages.h"
#include "ring.h"
#include "ring_pos.h"
#include "trace.h"

#define RING_META_PAGES 2	/* consumer, producer */

/**
 * mlproxy_ring_pages() - pages of a ring
 * @size: bytes of data, a power of two of at least a page
 */
u32 mlproxy_ring_pages(u32 size)
{
	return RING_META_PAGES + (size >> PAGE_SHIFT);
}

/**
 * mlproxy_ring_alloc() - allocate a ring
 * @reader: the set that it belongs to
 * @size: bytes of data, a power of two of at least a page
 * @node: NUMA node of the CPU that will produce
 * @wake: called in hard interrupt context to wake the reader
 *
 * Its mlproxy_ring_pages() are charged by the caller. Context: may sleep.
 * Return: the ring, or NULL.
 */
struct mlproxy_ring *mlproxy_ring_alloc(struct mlproxy_reader *reader, u32 size,
					int node, void (*wake)(struct irq_work *))
{
	u32 data_pages = size >> PAGE_SHIFT;
	u32 own = mlproxy_ring_pages(size);
	struct mlproxy_ring *ring;
	void *base;

	ring = kzalloc_node(sizeof(*ring), GFP_KERNEL_ACCOUNT, node);
	if (!ring)
		return NULL;
	ring->nr_pages = own + data_pages;
	ring->pages = kvcalloc(ring->nr_pages, sizeof(*ring->pages), GFP_KERNEL_ACCOUNT);
	if (!ring->pages)
		goto err_ring;
	if (mlproxy_pages_alloc(ring->pages, own, node))
		goto err_array;
	memcpy(ring->pages + own, ring->pages + RING_META_PAGES,
	       data_pages * sizeof(*ring->pages));
	base = vmap(ring->pages, ring->nr_pages, VM_MAP, PAGE_KERNEL);
	if (!base)
		goto err_pages;

	ring->cons = base;
	ring->cons_pos = &ring->read_pos;
	ring->prod = base + PAGE_SIZE;
	ring->data = base + RING_META_PAGES * PAGE_SIZE;
	ring->size = size;
	ring->reader = reader;
	init_irq_work(&ring->work, wake);
	return ring;

err_pages:
	mlproxy_pages_free(ring->pages, own);
err_array:
	kvfree(ring->pages);
err_ring:
	kfree(ring);
	return NULL;
}

/**
 * mlproxy_ring_free() - free a ring that nobody publishes to any more
 * @ring: the ring, or NULL
 *
 * Context: may sleep; waits for the wake-up work.
 */
void mlproxy_ring_free(struct mlproxy_ring *ring)
{
	if (!ring)
		return;
	irq_work_sync(&ring->work);
	vunmap(ring->cons);
	mlproxy_pages_free(ring->pages, mlproxy_ring_pages(ring->size));
	kvfree(ring->pages);
	kfree(ring);
}

/**
 * mlproxy_ring_mmap() - map one part of a ring
 * @ring: the ring
 * @vma: where to
 * @first: 0 for the consumer page, 1 for the producer page and the data
 *
 * Not for a ring that read() takes from: what is mapped counts from then on.
 * Return: as mlproxy_map_pages(); -EINVAL for another @first.
 */
int mlproxy_ring_mmap(struct mlproxy_ring *ring, struct vm_area_struct *vma,
		      unsigned long first)
{
	int ret;

	/* Who can't write it would keep the ring full: mlproxy_ring_consume() is for him. */
	if (first == 0 && !(vma->vm_flags & VM_MAYWRITE))
		return -EACCES;
	if (first == 0) {
		ret = mlproxy_map_pages(vma, ring->pages, 1, true);
		/* From here on user space says how far it is. */
		if (!ret)
			WRITE_ONCE(ring->cons_pos, &ring->cons->pos);
		return ret;
	}
	if (first == 1)
		return mlproxy_map_pages(vma, ring->pages + 1, ring->nr_pages - 1, false);
	return -EINVAL;
}

/**
 * mlproxy_ring_consume() - a reader that maps no consumer page is done with records
 * @ring: the ring
 * @pos: those below it
 *
 * Context: the reader's access_lock held.
 * Return: 0, -EBUSY if the consumer page is mapped, -EPROTO for an impossible position.
 */
int mlproxy_ring_consume(struct mlproxy_ring *ring, u64 pos)
{
	if (ring->cons_pos != &ring->read_pos)
		return -EBUSY;
	if (pos & 7 || pos < ring->read_pos || pos > READ_ONCE(ring->head))
		return -EPROTO;
	/* User space is done with the data; pairs with mlproxy_ring_reserve(). */
	smp_store_release(&ring->read_pos, pos);
	return 0;
}

/**
 * mlproxy_ring_lose() - count a record that can't be had, by its cause
 * @ring: the ring of this CPU
 * @cons: consumer position, as it was read
 * @len: the record's length
 *
 * Context: as mlproxy_ring_reserve(). Return: NULL.
 */
void *mlproxy_ring_lose(struct mlproxy_ring *ring, u64 cons, u32 len)
{
	u64 *cause = &ring->lost_full;

	if (len > MLPROXY_REC_MAX_BYTES)
		cause = &ring->lost_big;
	else if (!ring_pos_valid(ring->head, cons, ring->size) || cons & 7)
		cause = &ring->lost_badpos;
	WRITE_ONCE(*cause, *cause + 1);
	trace_mlproxy_loss(smp_processor_id(), ring->seq, len);
	return NULL;
}

/**
 * mlproxy_ring_lose_nmi() - count a record that was offered in NMI context
 * @ring: the ring of this CPU
 *
 * Its sequence number is taken by the next reservation. Context: any.
 */
void mlproxy_ring_lose_nmi(struct mlproxy_ring *ring)
{
	atomic64_inc(&ring->lost_nmi);
	atomic_inc(&ring->nmi_pending);
}

/**
 * mlproxy_ring_unread() - bytes that the consumer has not taken
 * @ring: the ring
 *
 * Context: any. Return: bytes; with an impossible consumer position the size of
 * the ring, so that a reader that broke it is woken and finds out.
 */
u64 mlproxy_ring_unread(const struct mlproxy_ring *ring)
{
	u64 head = READ_ONCE(ring->head);
	u64 cons = READ_ONCE(*READ_ONCE(ring->cons_pos));

	return ring_pos_valid(head, cons, ring->size) ? head - cons : ring->size;
}

/**
 * mlproxy_ring_stats() - counters of a ring
 * @ring: the ring
 * @s: out
 *
 * Each counter is exact; they are read one after the other, so that sums only
 * match while nothing is published. Context: any.
 */
void mlproxy_ring_stats(const struct mlproxy_ring *ring, struct mlproxy_ring_stats *s)
{
	s->written = READ_ONCE(ring->written);
	s->lost_full = READ_ONCE(ring->lost_full);
	s->lost_badpos = READ_ONCE(ring->lost_badpos);
	s->lost_big = READ_ONCE(ring->lost_big);
	s->lost_nmi = atomic64_read(&ring->lost_nmi);
	s->published = READ_ONCE(ring->seq) + atomic_read(&ring->nmi_pending);
	s->wakeups = READ_ONCE(ring->wakeups);
}

/**
 * mlproxy_ring_lost() - records lost on a ring, by whatever cause
 * @ring: the ring
 */
u64 mlproxy_ring_lost(const struct mlproxy_ring *ring)
{
	return READ_ONCE(ring->lost_full) + READ_ONCE(ring->lost_badpos) +
	       READ_ONCE(ring->lost_big) + atomic64_read(&ring->lost_nmi);
}
