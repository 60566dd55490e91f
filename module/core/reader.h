/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A dataset reader: the rings of one session, one for each possible CPU, in the
 * RCU list of its proxy, and the waking of its process.
 */
#ifndef _MLPROXY_READER_H
#define _MLPROXY_READER_H

#include <linux/hardirq.h>
#include <linux/hrtimer.h>
#include <linux/poll.h>
#include <linux/smp.h>
#include <linux/wait.h>

#include "pages.h"
#include "ring.h"

struct dataset;
struct mlproxy;

/* How user space takes the records: chosen by the first mmap() that succeeds or the
 * first read(), for as long as the session lives.
 */
#define READER_ACCESS_NONE	0
#define READER_ACCESS_MMAP	1
#define READER_ACCESS_READ	2

/**
 * struct mlproxy_reader - rings of one session
 * @node: in the list of readers of the proxy as a whole
 * @only: the instance whose records it takes, NULL for those of all; constant once attached
 * @type_mask: MLPROXY_REC_MASK() of the wanted types
 * @watermark_bytes: unread bytes in a ring that wake
 * @timeout_ns: oldest age of an unread record, 0 for none
 * @waiting: poll() found too little and wants to be woken
 * @timer_armed: the timer runs
 * @expired: the timer ran out: whatever is there is ready
 * @hung_up: the proxy is gone, and no record comes any more; with release
 * @access_lock: protects @access; inside of the mmap lock
 * @access: READER_ACCESS_*
 * @wait: where poll() and read() wait
 * @timer: bounds the age of unread records
 * @read_lock: one read() at a time
 * @next_cpu: ring that read() starts from; @read_lock
 * @slot: bit in struct mlproxy_decision.readers
 * @proxy: what its session is bound to, once attached
 * @advises: may its session advise; constant once attached
 * @dataset: what was asked for, NULL for everything; see dataset.c
 * @dataset_timer: ends a data set of limited time
 * @charge: for the pages of @rings
 * @rings: by CPU, NULL for CPUs that are not possible
 */
struct mlproxy_reader {
	struct list_head node;
	const struct mlproxy *only;
	u32 type_mask;
	u32 watermark_bytes;
	u64 timeout_ns;
	int waiting;
	atomic_t timer_armed;
	int expired;
	int hung_up;
	struct mutex access_lock;	/* @access */
	int access;
	wait_queue_head_t wait;
	struct hrtimer timer;
	struct mutex read_lock;	/* one read() at a time */
	unsigned int next_cpu;
	unsigned int slot;
	struct mlproxy *proxy;
	bool advises;
	struct dataset __rcu *dataset;
	struct hrtimer dataset_timer;
	struct mlproxy_charge charge;
	struct mlproxy_ring *rings[];
};

struct mlproxy_reader *mlproxy_reader_create(struct mlproxy_ring_setup *setup,
					     const struct file *file);
void mlproxy_reader_free(struct mlproxy_reader *reader);
int mlproxy_reader_attach(struct mlproxy_reader *reader, struct mlproxy *proxy);
void mlproxy_reader_detach(struct mlproxy_reader *reader);
void mlproxy_readers_hang_up(struct mlproxy *proxy);
void mlproxy_reader_wake_due(struct mlproxy_reader *reader, struct mlproxy_ring *ring);
__poll_t mlproxy_reader_poll(struct mlproxy_reader *reader, struct file *file,
			     struct poll_table_struct *pt);
ssize_t mlproxy_reader_read(struct mlproxy_reader *reader, char __user *buf, size_t len,
			    bool nonblock);
int mlproxy_reader_mmap(struct mlproxy_reader *reader, struct vm_area_struct *vma,
			u64 offset);
int mlproxy_reader_consume(struct mlproxy_reader *reader,
			   const struct mlproxy_ring_consume *cmd);
int mlproxy_reader_stats(struct mlproxy_reader *reader, struct mlproxy_ring_stats *s);

/**
 * reader_wants() - does a reader want records of a type
 * @reader: the reader
 * @type: MLPROXY_REC_*
 */
static inline bool reader_wants(const struct mlproxy_reader *reader, u16 type)
{
	return reader->type_mask & MLPROXY_REC_MASK(type);
}

/**
 * reader_takes() - does a reader take the records of a proxy
 * @reader: in the list of readers of the whole
 * @proxy: the proxy, or one of its instances
 */
static inline bool reader_takes(const struct mlproxy_reader *reader,
				const struct mlproxy *proxy)
{
	return !reader->only || reader->only == proxy;
}

/**
 * struct reader_room - room for a record
 * @ring: where
 * @irq_flags: as they were before
 */
struct reader_room {
	struct mlproxy_ring *ring;
	unsigned long irq_flags;
};

/**
 * reader_reserve() - room for a record in this CPU's ring
 * @reader: the reader
 * @type: MLPROXY_REC_*
 * @flags: for the header
 * @len: length, a multiple of 8
 * @time_ns: clock
 * @room: out: for reader_commit()
 *
 * Interrupts are off from here to reader_commit(), so that each ring has one producer. In
 * NMI context, which that does not keep out, the record is counted as lost. Context:
 * preemption off.
 * Return: the record, or NULL, with interrupts as they were, if the reader does not want the
 * type or the record is lost (counted).
 */
static __always_inline void *reader_reserve(struct mlproxy_reader *reader, u16 type, u16 flags,
					    u32 len, u64 time_ns, struct reader_room *room)
{
	struct mlproxy_ring *ring = reader->rings[smp_processor_id()];
	void *rec;

	if (!reader_wants(reader, type))
		return NULL;
	if (unlikely(in_nmi())) {
		mlproxy_ring_lose_nmi(ring);
		return NULL;
	}
	room->ring = ring;
	local_irq_save(room->irq_flags);
	rec = mlproxy_ring_reserve(ring, type, flags, len, time_ns);
	if (unlikely(!rec))
		local_irq_restore(room->irq_flags);
	return rec;
}

/**
 * reader_commit() - publish what was reserved, and wake where it is due
 * @reader: the reader
 * @len: as reserved
 * @room: from reader_reserve()
 *
 * Context: as reader_reserve().
 */
static __always_inline void reader_commit(struct mlproxy_reader *reader, u32 len,
					  const struct reader_room *room)
{
	mlproxy_ring_commit(room->ring, len);
	smp_mb(); /* the position before @waiting; pairs with reader_prepare_wait() */
	if (unlikely(READ_ONCE(reader->waiting)))
		mlproxy_reader_wake_due(reader, room->ring);
	local_irq_restore(room->irq_flags);
}

/**
 * mlproxy_reader_bit() - bit of a reader that took a decision
 * @reader: the reader
 * @rec: what it got room for, NULL if it was lost or is no type that it wants
 *
 * Feedback follows where the decision was delivered, or was not wanted.
 * Return: for struct mlproxy_decision.readers; 0 for none.
 */
static inline u32 mlproxy_reader_bit(const struct mlproxy_reader *reader, const void *rec)
{
	return rec || !reader_wants(reader, MLPROXY_REC_DECISION) ? BIT(reader->slot) : 0;
}

#endif /* _MLPROXY_READER_H */
