/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One dataset ring: one producer (a CPU with interrupts off), one consumer (a
 * process, through mmap or read()).
 *
 * Memory order: the producer writes the record, then stores the producer
 * position with release; the consumer loads it with acquire. The consumer stores
 * its position with release when it is done with the data; the producer loads it
 * with acquire before it writes over them. The kernel's own positions are in
 * struct mlproxy_ring, in kernel memory: of what user space can write, only the
 * consumer position is read, once a record, and checked; and in a session that
 * uses read() not even that, since there the kernel is the consumer.
 */
#ifndef _MLPROXY_RING_H
#define _MLPROXY_RING_H

#include <linux/irq_work.h>
#include <linux/types.h>
#include <linux/mlproxy.h>

#include "ring_pos.h"

struct mlproxy_reader;
struct vm_area_struct;

/**
 * struct mlproxy_ring - one ring
 * @head: producer position; written by the owning CPU, interrupts off
 * @seq: number of the last record offered
 * @written: records written
 * @lost_full: no room
 * @lost_badpos: consumer position impossible
 * @lost_big: record too long
 * @lost_nmi: offered in NMI context, all told
 * @nmi_pending: of these, not yet in @seq
 * @wakeups: wake-ups sent
 * @last_ns: time of the last record
 * @size: bytes of data, a power of two
 * @data: the data, mapped twice in a row
 * @cons: consumer page, user space writes it
 * @cons_pos: consumer position: @read_pos, or that of @cons once that is mapped
 * @prod: producer page, user space reads it
 * @read_pos: consumer position of read(); under the reader's read_lock
 * @first_id: last decision id of its CPU before the reader was attached
 * @reader: the set that it belongs to
 * @work: wakes the reader
 * @pages: consumer page, producer page, data, data again
 * @nr_pages: number of @pages
 */
struct mlproxy_ring {
	u64 head;
	u64 seq;
	u64 written;
	u64 lost_full;
	u64 lost_badpos;
	u64 lost_big;
	atomic64_t lost_nmi;
	atomic_t nmi_pending;
	u64 wakeups;
	u64 last_ns;
	u32 size;
	u8 *data;
	struct mlproxy_ring_page *cons;
	const u64 *cons_pos;
	struct mlproxy_ring_page *prod;
	u64 read_pos;
	u64 first_id;
	struct mlproxy_reader *reader;
	struct irq_work work;
	struct page **pages;
	u32 nr_pages;
};

u32 mlproxy_ring_pages(u32 size);
struct mlproxy_ring *mlproxy_ring_alloc(struct mlproxy_reader *reader, u32 size,
					int node, void (*wake)(struct irq_work *));
void mlproxy_ring_free(struct mlproxy_ring *ring);
int mlproxy_ring_mmap(struct mlproxy_ring *ring, struct vm_area_struct *vma,
		      unsigned long first);
void *mlproxy_ring_lose(struct mlproxy_ring *ring, u64 cons, u32 len);
void mlproxy_ring_lose_nmi(struct mlproxy_ring *ring);
int mlproxy_ring_consume(struct mlproxy_ring *ring, u64 pos);
u64 mlproxy_ring_unread(const struct mlproxy_ring *ring);
void mlproxy_ring_stats(const struct mlproxy_ring *ring, struct mlproxy_ring_stats *s);
u64 mlproxy_ring_lost(const struct mlproxy_ring *ring);

/**
 * mlproxy_ring_reserve() - make room for a record
 * @ring: the ring of this CPU
 * @type: MLPROXY_REC_*
 * @flags: for the header
 * @len: length with the header, rounded by ring_rec_len()
 * @time_ns: clock, of when what is recorded began
 *
 * On its ring a record is never older than the one before: what came in between, in an
 * interrupt, may have looked at the clock later.
 *
 * A record that can't be had is counted by cause and takes its sequence number,
 * so the reader sees the gap where it happened. Context: interrupts off, not NMI.
 * Return: the record with its header filled, or NULL.
 */
static inline void *mlproxy_ring_reserve(struct mlproxy_ring *ring, u16 type, u16 flags,
					 u32 len, u64 time_ns)
{
	const u64 *cons_pos = READ_ONCE(ring->cons_pos);
	u64 seq = ring->seq + 1, head = ring->head, cons;
	struct mlproxy_rec_hdr *hdr;

	if (unlikely(atomic_read(&ring->nmi_pending)))
		seq += atomic_xchg(&ring->nmi_pending, 0);
	WRITE_ONCE(ring->seq, seq);
	/* The consumer is done with what it gave back; pairs with its release. */
	cons = smp_load_acquire(cons_pos);
	/* The smallest ring holds the longest record. */
	if (unlikely(len > MLPROXY_REC_MAX_BYTES ||
		     !ring_pos_fits(head, cons, ring->size, len) || cons & 7))
		return mlproxy_ring_lose(ring, cons, len);

	if (unlikely(time_ns < ring->last_ns))
		time_ns = ring->last_ns;
	ring->last_ns = time_ns;
	hdr = (void *)(ring->data + ring_pos_index(head, ring->size));
	hdr->len = len;
	hdr->type = type;
	hdr->flags = flags;
	hdr->seq = seq;
	hdr->time_ns = time_ns;
	return hdr;
}

/**
 * mlproxy_ring_commit() - publish the record that was reserved last
 * @ring: the ring
 * @len: as reserved
 *
 * Context: as mlproxy_ring_reserve(), without interrupts on in between.
 */
static inline void mlproxy_ring_commit(struct mlproxy_ring *ring, u32 len)
{
	u64 head = ring->head + len;

	BUILD_BUG_ON(MLPROXY_REC_MAX_BYTES > MLPROXY_RING_MIN_BYTES);
	WRITE_ONCE(ring->written, ring->written + 1);
	/* The record before the positions; pairs with the readers' acquire. */
	smp_store_release(&ring->head, head);
	/* The same for the reader that maps the ring. */
	smp_store_release(&ring->prod->pos, head);
}

#endif /* _MLPROXY_RING_H */
