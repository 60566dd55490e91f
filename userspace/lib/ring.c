// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmlproxy: read dataset rings on plain memory, merged by time.
 *
 * The producer position is read once a call and with acquire, so every record
 * below it is complete. The consumer position is written with release, only
 * after the callback is done with the records below it. The kernel writes the
 * records, and yet each is checked before its length or type is used, and what was
 * checked is what is used: a reader must survive whatever it maps, also while it
 * changes.
 */
#include <errno.h>
#include <limits.h>

#include "barrier.h"
#include "session.h"

/* Room is given back at the latest when a ring's 1/GIVE_BACK_PARTS was read. */
#define GIVE_BACK_PARTS	8

/* As first published: records grow at their end. */
static size_t record_min_bytes(const struct mlproxy_rec_hdr *rec)
{
	switch (rec->type) {
	case MLPROXY_REC_DECISION:
		return MLPX_UP_TO(struct mlproxy_rec_decision, nr_candidates);
	case MLPROXY_REC_FEEDBACK:
		return MLPX_UP_TO(struct mlproxy_rec_feedback, reserved);
	case MLPROXY_REC_EVENT:
		return MLPX_UP_TO(struct mlproxy_rec_event, nr_values);
	case MLPROXY_REC_MODE:
		return MLPX_UP_TO(struct mlproxy_rec_mode, evidence);
	case MLPROXY_REC_STATE:
	case MLPROXY_REC_MODEL:
		return MLPX_UP_TO(struct mlproxy_rec_change, instance);
	default:
		return sizeof(struct mlproxy_rec_hdr);
	}
}

static bool length_sane(uint32_t len, uint64_t avail_bytes)
{
	return len >= sizeof(struct mlproxy_rec_hdr) && len <= MLPROXY_REC_MAX_BYTES &&
	       len % 8 == 0 && len <= avail_bytes;
}

static bool type_known(const struct mlproxy_rec_hdr *rec)
{
	return rec->type != 0 && rec->type != MLPROXY_REC_PAD && rec->type < MLPROXY_NR_REC_TYPES;
}

/* Are the values of a record inside of it, and behind what it has at least? */
static bool values_inside(const struct mlproxy_rec_hdr *rec, uint32_t len, size_t offset,
			  size_t nr)
{
	return offset % sizeof(__s64) == 0 && offset >= record_min_bytes(rec) &&
	       offset <= len && nr <= (len - offset) / sizeof(__s64);
}

static bool content_sane(const struct mlproxy_rec_hdr *rec, uint32_t len)
{
	const struct mlproxy_rec_decision *decision;
	const struct mlproxy_rec_event *event;

	if (len < record_min_bytes(rec))
		return false;
	switch (rec->type) {
	case MLPROXY_REC_DECISION:
		decision = (const struct mlproxy_rec_decision *)rec;
		return decision->nr_features <= MLPROXY_MAX_FEATURES &&
		       values_inside(rec, len, decision->features_offset,
				     decision->nr_features);
	case MLPROXY_REC_EVENT:
		event = (const struct mlproxy_rec_event *)rec;
		return values_inside(rec, len, event->values_offset, event->nr_values);
	case MLPROXY_REC_FEEDBACK:
		return !(rec->flags & MLPROXY_FEEDBACK_LEDGER) ||
		       len >= MLPX_UP_TO(struct mlproxy_rec_feedback, ledger);
	default:
		return true;
	}
}

MLPROXY_API int mlproxy_record_valid(const struct mlproxy_rec_hdr *rec, size_t avail_bytes)
{
	if (avail_bytes < sizeof(*rec) || !length_sane(rec->len, avail_bytes) ||
	    !type_known(rec) || !content_sane(rec, rec->len))
		return -EBADMSG;
	return 0;
}

void mlpx_ring_init(struct mlpx_ring *ring, struct mlproxy_ring_page *consumer,
		    const struct mlproxy_ring_page *producer, const void *data, uint64_t size_bytes,
		    unsigned int cpu)
{
	*ring = (struct mlpx_ring) {
		.consumer = consumer,
		.producer = producer,
		.data = data,
		.size_bytes = size_bytes,
		.cpu = cpu,
		.next_seq = MLPX_FIRST_SEQ,
	};
}

static void give_back(struct mlpx_ring *ring)
{
	if (ring->given_back == ring->pos)
		return;
	ring->given_back = ring->pos;
	mlpx_store_release(ring->consumer, ring->pos);
	if (ring->give)
		ring->give(ring->give_ctx, ring->cpu, ring->pos);
}

/* Nothing after a bad length can be found again: go on behind what is there. */
static void skip_all(struct mlpx_ring *ring, struct mlproxy_ring_counts *counts)
{
	counts->malformed++;
	ring->pos = ring->end;
}

static void snapshot_end(struct mlpx_ring *ring, struct mlproxy_ring_counts *counts)
{
	ring->end = mlpx_load_acquire(ring->producer);
	if (ring->end - ring->pos > ring->size_bytes)
		skip_all(ring, counts);
}

/*
 * The next record to deliver and its length, or NULL. Steps over records of a type that this
 * library does not know (a newer kernel), which are no loss, and over records
 * that are too short for their type, which are.
 */
static const struct mlproxy_rec_hdr *peek(struct mlpx_ring *ring, uint32_t *len_out,
					  struct mlproxy_ring_counts *counts)
{
	while (ring->pos != ring->end) {
		const struct mlproxy_rec_hdr *rec =
			(const void *)(ring->data + (ring->pos & (ring->size_bytes - 1)));
		uint32_t len = __atomic_load_n(&rec->len, __ATOMIC_RELAXED);
		uint64_t seq = __atomic_load_n(&rec->seq, __ATOMIC_RELAXED);

		if (!length_sane(len, ring->end - ring->pos) || seq < ring->next_seq) {
			skip_all(ring, counts);
			break;
		}
		ring->gap += seq - ring->next_seq;
		counts->lost += seq - ring->next_seq;
		ring->next_seq = seq;
		*len_out = len;
		if (type_known(rec) && content_sane(rec, len))
			return rec;
		ring->pos += len;
		ring->next_seq++;
		if (type_known(rec)) {
			counts->malformed++;
			counts->lost++;
			ring->gap++;
		}
	}
	return NULL;
}

static bool head_before(const struct mlpx_head *a, const struct mlpx_head *b)
{
	return a->time_ns < b->time_ns || (a->time_ns == b->time_ns && a->ring < b->ring);
}

static void sift_up(struct mlpx_head *heap, unsigned int i)
{
	while (i > 0 && head_before(&heap[i], &heap[(i - 1) / 2])) {
		struct mlpx_head tmp = heap[i];

		heap[i] = heap[(i - 1) / 2];
		heap[(i - 1) / 2] = tmp;
		i = (i - 1) / 2;
	}
}

static void sift_down(struct mlpx_head *heap, unsigned int nr)
{
	unsigned int i = 0;

	for (;;) {
		unsigned int first = i, child = 2 * i + 1;
		struct mlpx_head tmp;

		if (child < nr && head_before(&heap[child], &heap[first]))
			first = child;
		if (child + 1 < nr && head_before(&heap[child + 1], &heap[first]))
			first = child + 1;
		if (first == i)
			return;
		tmp = heap[i];
		heap[i] = heap[first];
		heap[first] = tmp;
		i = first;
	}
}

static bool set_head(struct mlpx_head *head, struct mlpx_ring *rings, unsigned int ring,
		     struct mlproxy_ring_counts *counts)
{
	head->rec = peek(&rings[ring], &head->len, counts);
	if (!head->rec)
		return false;
	head->ring = ring;
	head->time_ns = head->rec->time_ns;
	return true;
}

static unsigned int fill_heap(struct mlpx_ring *rings, unsigned int nr, struct mlpx_head *heap,
			      struct mlproxy_ring_counts *counts)
{
	unsigned int i, nr_heap = 0;

	for (i = 0; i < nr; i++)
		snapshot_end(&rings[i], counts);
	for (i = 0; i < nr; i++) {
		if (!set_head(&heap[nr_heap], rings, i, counts))
			continue;
		sift_up(heap, nr_heap);
		nr_heap++;
	}
	return nr_heap;
}

int mlpx_rings_consume(struct mlpx_ring *rings, unsigned int nr, struct mlpx_head *heap,
		       unsigned int max, mlproxy_record_fn fn, void *ctx,
		       struct mlproxy_ring_counts *counts)
{
	unsigned int nr_heap, i;
	int consumed = 0, ret = 0;

	if (max == 0 || max > INT_MAX)
		max = INT_MAX;
	nr_heap = fill_heap(rings, nr, heap, counts);
	while (nr_heap && (unsigned int)consumed < max && ret == 0) {
		struct mlpx_ring *ring = &rings[heap[0].ring];
		uint32_t len = heap[0].len;

		ret = fn(heap[0].rec, ring->cpu, ring->gap, ctx);
		ring->gap = 0;
		ring->next_seq++;
		ring->pos += len;
		consumed++;
		counts->consumed++;
		if (ring->pos - ring->given_back >= ring->size_bytes / GIVE_BACK_PARTS)
			give_back(ring);
		if (!set_head(&heap[0], rings, heap[0].ring, counts))
			heap[0] = heap[--nr_heap];
		sift_down(heap, nr_heap);
	}
	for (i = 0; i < nr; i++)
		give_back(&rings[i]);
	return ret < 0 ? ret : consumed;
}
