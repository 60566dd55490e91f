/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libmlproxy: readers of dataset rings on plain memory.
 *
 * Knows no file and no session, so that tests can run it on memory of their own.
 * One thread reads a set of rings.
 */
#ifndef LIBMLPROXY_RING_H
#define LIBMLPROXY_RING_H

#include <mlproxy/mlproxy.h>

/**
 * struct mlpx_shape - what a record that was found good looked like, of one type
 * @head: its length, type and flags, as they stand at its start
 * @word: what places its values within it
 * @word_at: where @word stands
 *
 * A record that looks the same is good as well: almost all of a ring do.
 */
struct mlpx_shape {
	uint64_t head;
	uint32_t word;
	uint32_t word_at;
};

/**
 * struct mlpx_ring - one ring and how far it was read
 * @consumer: page with the position that the kernel may overwrite up to
 * @producer: page with the position up to which there are records
 * @data: @size_bytes bytes, the same bytes once more behind them
 * @size_bytes: a power of two
 * @cpu: CPU whose ring it is
 * @pos: position of the next record to look at
 * @given_back: what @consumer holds; at most @pos
 * @end: producer position at the start of this mlpx_rings_consume()
 * @next_seq: sequence number that the next record has if none was lost
 * @gap: lost records that no callback was told of yet
 * @shapes: of the last good record, by type
 * @give: tells the kernel of @pos where it does not see @consumer; NULL where it does
 * @give_ctx: for @give
 */
struct mlpx_ring {
	struct mlproxy_ring_page *consumer;
	const struct mlproxy_ring_page *producer;
	const unsigned char *data;
	uint64_t size_bytes;
	unsigned int cpu;
	uint64_t pos;
	uint64_t given_back;
	uint64_t end;
	uint64_t next_seq;
	uint64_t gap;
	struct mlpx_shape shapes[MLPROXY_NR_REC_TYPES];
	void (*give)(void *ctx, unsigned int cpu, uint64_t pos);
	void *give_ctx;
};

/**
 * struct mlpx_head - entry of the merge heap
 * @time_ns: time of the ring's next record
 * @ring: index of the ring
 * @rec: that record
 * @len: its length, as it was checked
 */
struct mlpx_head {
	uint64_t time_ns;
	unsigned int ring;
	const struct mlproxy_rec_hdr *rec;
	uint32_t len;
};

/** Records that are taken from a ring at most before callbacks get them one by one. */
#define MLPX_RUN	64

/** Records that a callback of many gets at most at a time. */
#define MLPX_BATCH	256

/** Sequence number of the first record of a ring. */
#define MLPX_FIRST_SEQ	1

/**
 * mlpx_ring_init() - start at position 0
 * @ring: ring to fill in
 * @consumer: as in struct mlpx_ring
 * @producer: as in struct mlpx_ring
 * @data: as in struct mlpx_ring
 * @size_bytes: as in struct mlpx_ring
 * @cpu: as in struct mlpx_ring
 */
void mlpx_ring_init(struct mlpx_ring *ring, struct mlproxy_ring_page *consumer,
		    const struct mlproxy_ring_page *producer, const void *data, uint64_t size_bytes,
		    unsigned int cpu);

/**
 * mlpx_rings_consume() - merge rings by time into a callback
 * @rings: rings
 * @nr: number of them
 * @heap: scratch space for @nr entries
 * @max: at most so many records, 0 for all
 * @fn: callback
 * @ctx: for @fn
 * @counts: updated
 *
 * Return: records consumed, or the negative errno of @fn.
 */
int mlpx_rings_consume(struct mlpx_ring *rings, unsigned int nr, struct mlpx_head *heap,
		       unsigned int max, mlproxy_record_fn fn, void *ctx,
		       struct mlproxy_ring_counts *counts);

/**
 * mlpx_rings_consume_batch() - merge rings by time into a callback that takes many at a time
 * @rings: rings
 * @nr: number of them
 * @heap: scratch space for @nr entries
 * @max: at most so many records, 0 for all
 * @fn: callback
 * @ctx: for @fn
 * @counts: updated
 *
 * Return: records consumed, or the negative errno of @fn.
 */
int mlpx_rings_consume_batch(struct mlpx_ring *rings, unsigned int nr, struct mlpx_head *heap,
			     unsigned int max, mlproxy_batch_fn fn, void *ctx,
			     struct mlproxy_ring_counts *counts);

#endif /* LIBMLPROXY_RING_H */
