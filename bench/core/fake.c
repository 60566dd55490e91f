// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library's reader on plain memory, with as many rings as are wanted: an emulator that
 * counts instructions has one CPU.
 */
#include <stdlib.h>
#include <string.h>

#include "core_cost.h"
#include "lib/ring.h"

#define MAX_RINGS	8
#define RECORDS		4096	/* of a ring */
#define DATA_BYTES	(RECORDS * sizeof(struct fake_record))

/* The smallest power of two that an event fits into. */
struct fake_record {
	struct mlproxy_rec_event event;
	__s64 values[3];
};

struct fake_ring {
	struct mlproxy_ring_page consumer;
	struct mlproxy_ring_page producer;
	struct fake_record data[2 * RECORDS];
};

int nothing(const struct mlproxy_rec_hdr *rec, unsigned int cpu, uint64_t lost, void *ctx)
{
	(void)rec;
	(void)cpu;
	(void)lost;
	(void)ctx;
	return 0;
}

int nothing_of_many(const struct mlproxy_record_ref *records, unsigned int nr, void *ctx)
{
	(void)records;
	(void)nr;
	(void)ctx;
	return 0;
}

/* Records come on all rings in turn, which is the worst for a merge. */
static void fill(struct fake_ring *ring, unsigned int nr, unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < RECORDS; i++) {
		struct mlproxy_rec_event *e = &ring->data[i].event;

		e->hdr.len = sizeof(ring->data[i]);
		e->hdr.type = MLPROXY_REC_EVENT;
		e->hdr.seq = i + 1;
		e->hdr.time_ns = i * nr + cpu;
		e->values_offset = sizeof(*e);
		e->nr_values = 3;
		ring->data[RECORDS + i] = ring->data[i];
	}
	ring->producer.pos = DATA_BYTES;
}

double consume_fake(unsigned int nr_rings, bool batch)
{
	struct fake_ring *fakes = calloc(nr_rings, sizeof(*fakes));
	struct mlproxy_ring_counts counts = {};
	struct mlpx_head heap[MAX_RINGS];
	struct mlpx_ring rings[MAX_RINGS];
	unsigned int i;
	uint64_t since;
	int got;

	_Static_assert(sizeof(struct fake_record) == 64, "a ring is a power of two");
	if (!fakes || nr_rings > MAX_RINGS)
		die("plain rings");
	for (i = 0; i < nr_rings; i++) {
		fill(&fakes[i], nr_rings, i);
		mlpx_ring_init(&rings[i], &fakes[i].consumer, &fakes[i].producer,
			       (const void *)fakes[i].data, DATA_BYTES, i);
	}
	since = now_ns();
	if (batch)
		got = mlpx_rings_consume_batch(rings, nr_rings, heap, 0, nothing_of_many, NULL,
					       &counts);
	else
		got = mlpx_rings_consume(rings, nr_rings, heap, 0, nothing, NULL, &counts);
	since = now_ns() - since;
	if (got != (int)(nr_rings * RECORDS))
		die("records of plain rings are missing");
	free(fakes);
	return (double)since / got;
}
