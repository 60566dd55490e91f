/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libmlproxy: the data-set rings, where records are read in place. A part of mlproxy/mlproxy.h,
 * which is what to include.
 */
#ifndef _LIBMLPROXY_RINGS_H
#define _LIBMLPROXY_RINGS_H

#ifndef _LIBMLPROXY_MLPROXY_H
#error "include <mlproxy/mlproxy.h>"
#endif

/** Data of one ring where nothing else is asked for. */
#define MLPROXY_RING_DEFAULT_BYTES	(1U << 20)

/**
 * struct mlproxy_ring_opts - how to set up the rings
 * @size: sizeof(struct mlproxy_ring_opts)
 * @data_bytes: data of one ring, rounded up by the kernel; 0 for
 *	MLPROXY_RING_DEFAULT_BYTES, or as much of it as the user may lock
 *	(RLIMIT_MEMLOCK), halved down to 64 KiB: see mlproxy_ring_bytes()
 * @watermark_bytes: as in struct mlproxy_ring_setup
 * @timeout_us: as in struct mlproxy_ring_setup
 * @type_mask: as in struct mlproxy_ring_setup
 * @flags: MLPROXY_RING_F_*
 */
struct mlproxy_ring_opts {
	size_t size;
	uint32_t data_bytes;
	uint32_t watermark_bytes;
	uint32_t timeout_us;
	uint32_t type_mask;
	uint32_t flags;
};

/**
 * struct mlproxy_ring_counts - what the library saw, all CPUs together
 * @size: bytes of it that are filled in
 * @consumed: records given to the callback
 * @lost: records known to be lost by the gaps in the sequence numbers
 * @malformed: times that a record made no sense, and the unread part of its
 *	ring was skipped (the skipped records then count in @lost)
 *
 * A loss after the last record that was written is not seen in a gap;
 * mlproxy_ring_get_stats() has the kernel's own count, by cause.
 */
struct mlproxy_ring_counts {
	size_t size;
	uint64_t consumed;
	uint64_t lost;
	uint64_t malformed;
};

/**
 * typedef mlproxy_record_fn - takes one record
 * @rec: record, in the ring itself; not to be kept or written, valid until the
 *	callback returns. Its type is a known one and its length fits its type
 *	(a decision's features and all are within @rec->len).
 * @cpu: CPU that published it
 * @lost: records of this CPU that were lost right before it
 * @ctx: as given to mlproxy_ring_consume()
 *
 * Return: 0 to go on; > 0 to stop after this record; a negative errno to stop
 * and have mlproxy_ring_consume() return it. The record is consumed either way.
 */
typedef int (*mlproxy_record_fn)(const struct mlproxy_rec_hdr *rec, unsigned int cpu, uint64_t lost,
				 void *ctx);

/**
 * struct mlproxy_record_ref - one record of many
 * @rec: as for mlproxy_record_fn
 * @cpu: CPU that published it
 * @lost: records of this CPU that were lost right before it, at most UINT32_MAX
 */
struct mlproxy_record_ref {
	const struct mlproxy_rec_hdr *rec;
	uint32_t cpu;
	uint32_t lost;
};

/**
 * typedef mlproxy_batch_fn - takes many records at a time
 * @records: records in order, valid until the callback returns
 * @nr: how many, at least 1
 * @ctx: as given to mlproxy_ring_consume_batch()
 *
 * Return: as mlproxy_record_fn. All of @records are consumed either way.
 */
typedef int (*mlproxy_batch_fn)(const struct mlproxy_record_ref *records, unsigned int nr,
				void *ctx);

/**
 * mlproxy_ring_setup() - make the session's rings and map them
 * @s: bound session; one opened with MLPROXY_OPEN_RDONLY makes a system call for each
 *	part of a ring that it gives back
 * @opts: options, NULL for the defaults
 *
 * Once per session; records published from then on are delivered.
 */
MLPROXY_API int mlproxy_ring_setup(struct mlproxy_session *s, const struct mlproxy_ring_opts *opts);

/**
 * mlproxy_ring_bytes() - bytes of data of one ring, as the kernel rounded them
 * @s: session
 *
 * Return: the bytes, or 0 before mlproxy_ring_setup().
 */
MLPROXY_API uint32_t mlproxy_ring_bytes(const struct mlproxy_session *s);

/**
 * mlproxy_ring_count() - bound of the numbers of the CPUs that have rings
 * @s: session
 *
 * Number of the rings, unless the numbers of the possible CPUs have holes.
 * Return: the number, or 0 before mlproxy_ring_setup().
 */
MLPROXY_API unsigned int mlproxy_ring_count(const struct mlproxy_session *s);

/**
 * mlproxy_wait() - wait until poll(2) would say that there are records
 * @s: session with rings
 * @timeout_ms: as for poll(2): -1 waits for ever
 *
 * With a watermark and no timeout_us, records below the watermark don't wake;
 * consume also after a time-out.
 * Return: 1 if readable, 0 after @timeout_ms, -EINTR after a signal, -ENXIO if
 * the rings are not set up, -ENODEV if the proxy is gone and all its records were
 * consumed, -EIO if the device reports an error.
 */
MLPROXY_API int mlproxy_wait(struct mlproxy_session *s, int timeout_ms);

/**
 * mlproxy_ring_consume() - give what is in the rings to a callback
 * @s: session with rings
 * @max: at most so many records; 0 means all that are there now
 * @fn: callback
 * @ctx: given to @fn
 *
 * Zero-copy. Looks once at how far each CPU has come, then merges the CPUs by
 * time_ns (the lower CPU first where equal). Ordering:
 *
 *  - records of one CPU always come in the order in which they were published;
 *  - records of one call are ordered by time over all CPUs;
 *  - between calls there is no such promise: a CPU that is slow may publish a
 *    record after this call looked at it, with a time before that of a record
 *    which this call delivers from another CPU. So a feedback may, rarely, come
 *    before its decision; mlproxy_join_add() takes both orders.
 *
 * Room is given back to the kernel in steps while the call runs.
 * Return: the number of records consumed, or the negative errno of the callback
 * (mlproxy_ring_get_counts() then tells how many), or -ENXIO without rings.
 */
MLPROXY_API int mlproxy_ring_consume(struct mlproxy_session *s, unsigned int max,
				     mlproxy_record_fn fn, void *ctx);

/**
 * mlproxy_ring_consume_batch() - mlproxy_ring_consume() with one call for many records
 * @s: session with rings
 * @max: at most so many records; 0 means all that are there now
 * @fn: callback
 * @ctx: given to @fn
 *
 * The same records in the same order, in about half the time. Room is given back to the
 * kernel each time that @fn returns.
 * Return: as mlproxy_ring_consume().
 */
MLPROXY_API int mlproxy_ring_consume_batch(struct mlproxy_session *s, unsigned int max,
					   mlproxy_batch_fn fn, void *ctx);

/**
 * mlproxy_ring_get_counts_sized() - the library's own counters
 * @s: session
 * @counts: out
 */
MLPROXY_API void mlproxy_ring_get_counts_sized(const struct mlproxy_session *s,
					       struct mlproxy_ring_counts *counts, size_t bytes);

/**
 * mlproxy_ring_get_stats_sized() - the kernel's counters of one ring
 * @s: session with rings
 * @cpu: ring, below mlproxy_ring_count()
 * @stats: out
 *
 * Return: 0, or -EINVAL if there is no such CPU.
 */
MLPROXY_API int mlproxy_ring_get_stats_sized(struct mlproxy_session *s, uint32_t cpu,
					     struct mlproxy_ring_stats *stats, size_t bytes);

/**
 * mlproxy_record_valid() - check a record that came from elsewhere
 * @rec: record, 8-byte aligned
 * @avail_bytes: bytes that may be looked at
 *
 * For records out of read(2) or out of a file; records out of
 * mlproxy_ring_consume() are checked already.
 * Return: 0, or -EBADMSG.
 */
MLPROXY_API int mlproxy_record_valid(const struct mlproxy_rec_hdr *rec, size_t avail_bytes);

#endif /* _LIBMLPROXY_RINGS_H */
