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
 * @size: bytes of data, a power of two
 * @data: the data, mapped twice in a row
 * @cons: consumer page, user space writes it
 * @cons_pos: consumer position: @read_pos, or that of @cons once that is mapped
 * @prod: producer page, user space reads it
 * @read_pos: consumer position of read(); under the reader's read_lock
 * @first_id: last decision number of its CPU before the reader was attached
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
void *mlproxy_ring_reserve(struct mlproxy_ring *ring, u16 type, u16 flags, u32 len);
void mlproxy_ring_lose_nmi(struct mlproxy_ring *ring);
void mlproxy_ring_commit(struct mlproxy_ring *ring, u32 len);
int mlproxy_ring_consume(struct mlproxy_ring *ring, u64 pos);
u64 mlproxy_ring_unread(const struct mlproxy_ring *ring);
void mlproxy_ring_stats(const struct mlproxy_ring *ring, struct mlproxy_ring_stats *s);
u64 mlproxy_ring_lost(const struct mlproxy_ring *ring);

#endif /* _MLPROXY_RING_H */
