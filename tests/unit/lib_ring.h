/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dataset rings on plain memory, which a test fills as the kernel would, and worse, and what
 * a callback has seen of them.
 */
#ifndef _MLPROXY_TEST_LIB_RING_H
#define _MLPROXY_TEST_LIB_RING_H

#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>

#include "lib/barrier.h"
#include "lib/ring.h"
#include "rng.h"

#define RING_BYTES	4096U
#define MAX_RINGS	8
#define MAX_SEEN	4096

/* A ring as the kernel maps it, but for the data, which put() writes twice. */
struct fake_ring {
	struct mlproxy_ring_page cons;
	struct mlproxy_ring_page prod;
	uint64_t seq;
	_Alignas(8) unsigned char data[2 * RING_BYTES];
};

struct seen {
	uint64_t seq;
	uint64_t time_ns;
	uint64_t lost;
	unsigned int cpu;
	uint16_t type;
};

struct fixture {
	struct fake_ring fake[MAX_RINGS];
	struct mlpx_ring ring[MAX_RINGS];
	struct mlpx_head heap[MAX_RINGS];
	struct mlproxy_ring_counts counts;
	struct seen seen[MAX_SEEN];
	unsigned int nr_seen;
	unsigned int stop_after;
	int stop_value;
};

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	unsigned int i;

	for (i = 0; f && i < MAX_RINGS; i++)
		mlpx_ring_init(&f->ring[i], &f->fake[i].cons, &f->fake[i].prod, f->fake[i].data,
			       RING_BYTES, i);
	*state = f;
	return f ? 0 : -1;
}

static inline int teardown(void **state)
{
	free(*state);
	return 0;
}

static inline void put_bytes(struct fake_ring *ring, uint64_t pos, const void *bytes, size_t len)
{
	size_t at = pos & (RING_BYTES - 1), i;

	for (i = 0; i < len; i++) {
		unsigned char byte = ((const unsigned char *)bytes)[i];

		ring->data[(at + i) & (RING_BYTES - 1)] = byte;
		ring->data[((at + i) & (RING_BYTES - 1)) + RING_BYTES] = byte;
	}
}

/* Publish @len bytes with this header; the rest of the record is 0. */
static inline void put_raw(struct fake_ring *ring, uint32_t len, uint16_t type, uint64_t seq,
		    uint64_t time_ns)
{
	static const unsigned char zero[MLPROXY_REC_MAX_BYTES];
	const struct mlproxy_rec_hdr hdr = {
		.len = len, .type = type, .seq = seq, .time_ns = time_ns,
	};
	uint64_t pos = ring->prod.pos;

	put_bytes(ring, pos, &hdr, sizeof(hdr));
	if (len > sizeof(hdr) && len <= sizeof(zero))
		put_bytes(ring, pos + sizeof(hdr), zero, len - sizeof(hdr));
	mlpx_store_release(&ring->prod, pos + len);
}

static inline void put(struct fake_ring *ring, uint64_t time_ns)
{
	put_raw(ring, sizeof(struct mlproxy_rec_feedback), MLPROXY_REC_FEEDBACK, ++ring->seq,
		time_ns);
}

static inline int note(const struct mlproxy_rec_hdr *rec, unsigned int cpu, uint64_t lost, void *ctx)
{
	struct fixture *f = ctx;

	assert_true(f->nr_seen < MAX_SEEN);
	f->seen[f->nr_seen++] = (struct seen) {
		.seq = rec->seq, .time_ns = rec->time_ns, .lost = lost, .cpu = cpu,
		.type = rec->type,
	};
	return f->nr_seen == f->stop_after ? f->stop_value : 0;
}

static inline int consume(struct fixture *f, unsigned int nr_rings, unsigned int max)
{
	return mlpx_rings_consume(f->ring, nr_rings, f->heap, max, note, f, &f->counts);
}

#define RING_TEST(test)	cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif /* _MLPROXY_TEST_LIB_RING_H */
