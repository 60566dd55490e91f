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

/* No record looks like it: this is no type. */
#define NO_SHAPE	UINT64_MAX

#define ALWAYS_INLINE	static inline __attribute__((always_inline))
#define likely(x)	__builtin_expect(!!(x), 1)

/* As first published: records grow at their end. */
static size_t record_min_bytes(uint16_t type)
{
	switch (type) {
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

static uint64_t load_head(const struct mlproxy_rec_hdr *rec)
{
	return __atomic_load_n((const uint64_t *)rec, __ATOMIC_RELAXED);
}

static uint32_t load_word(const struct mlproxy_rec_hdr *rec, uint32_t at)
{
	return __atomic_load_n((const uint32_t *)((const char *)rec + at), __ATOMIC_RELAXED);
}

static uint32_t head_len(uint64_t head)
{
	return (uint32_t)head;
}

static uint16_t head_type(uint64_t head)
{
	return (uint16_t)(head >> 32);
}

static uint16_t head_flags(uint64_t head)
{
	return (uint16_t)(head >> 48);
}

static bool length_sane(uint32_t len, uint64_t avail_bytes)
{
	return len >= sizeof(struct mlproxy_rec_hdr) && len <= MLPROXY_REC_MAX_BYTES &&
	       len % 8 == 0 && len <= avail_bytes;
}

static bool type_known(uint16_t type)
{
	return type != 0 && type != MLPROXY_REC_PAD && type < MLPROXY_NR_REC_TYPES;
}

/* Where a record says how many values it has, and where; 0 where it has none. */
static uint32_t shape_word_at(uint16_t type)
{
	_Static_assert(offsetof(struct mlproxy_rec_hdr, type) == 4 &&
		       offsetof(struct mlproxy_rec_hdr, flags) == 6, "what a head has");
	_Static_assert(offsetof(struct mlproxy_rec_decision, nr_features) ==
		       offsetof(struct mlproxy_rec_decision, features_offset) + 2 &&
		       offsetof(struct mlproxy_rec_event, nr_values) ==
		       offsetof(struct mlproxy_rec_event, values_offset) + 2, "one word");

	switch (type) {
	case MLPROXY_REC_DECISION:
		return offsetof(struct mlproxy_rec_decision, features_offset);
	case MLPROXY_REC_EVENT:
		return offsetof(struct mlproxy_rec_event, values_offset);
	default:
		return 0;
	}
}

/* Of a record of a known type with this head, which is long enough for it. */
static struct mlpx_shape shape_of(const struct mlproxy_rec_hdr *rec, uint64_t head)
{
	uint32_t at = shape_word_at(head_type(head));

	return (struct mlpx_shape) { .head = head, .word_at = at, .word = load_word(rec, at) };
}

/* Are the values of a record inside of it, and behind what it has at least? */
static bool values_inside(const struct mlpx_shape *shape)
{
	uint32_t len = head_len(shape->head), offset = shape->word & 0xffff;

	return offset % sizeof(__s64) == 0 && offset >= record_min_bytes(head_type(shape->head)) &&
	       offset <= len && shape->word >> 16 <= (len - offset) / sizeof(__s64);
}

static bool shape_sane(const struct mlpx_shape *shape)
{
	switch (head_type(shape->head)) {
	case MLPROXY_REC_DECISION:
		return shape->word >> 16 <= MLPROXY_MAX_FEATURES && values_inside(shape);
	case MLPROXY_REC_EVENT:
		return values_inside(shape);
	case MLPROXY_REC_FEEDBACK:
		return !(head_flags(shape->head) & MLPROXY_FEEDBACK_LEDGER) ||
		       head_len(shape->head) >= MLPX_UP_TO(struct mlproxy_rec_feedback, ledger);
	default:
		return true;
	}
}

/*
 * What a record is like, if it is good, of a length that is sane. Each part of it is read
 * once: what is checked here is what is compared with later.
 */
static bool record_sane(const struct mlproxy_rec_hdr *rec, uint64_t head,
			struct mlpx_shape *shape)
{
	if (!type_known(head_type(head)) || head_len(head) < record_min_bytes(head_type(head)))
		return false;
	*shape = shape_of(rec, head);
	return shape_sane(shape);
}

MLPROXY_API int mlproxy_record_valid(const struct mlproxy_rec_hdr *rec, size_t avail_bytes)
{
	struct mlpx_shape shape;
	uint64_t head;

	if (avail_bytes < sizeof(*rec))
		return -EBADMSG;
	head = load_head(rec);
	return length_sane(head_len(head), avail_bytes) && record_sane(rec, head, &shape) ?
	       0 : -EBADMSG;
}

void mlpx_ring_init(struct mlpx_ring *ring, struct mlproxy_ring_page *consumer,
		    const struct mlproxy_ring_page *producer, const void *data, uint64_t size_bytes,
		    unsigned int cpu)
{
	unsigned int type;

	*ring = (struct mlpx_ring) {
		.consumer = consumer,
		.producer = producer,
		.data = data,
		.size_bytes = size_bytes,
		.cpu = cpu,
		.next_seq = MLPX_FIRST_SEQ,
	};
	for (type = 0; type < MLPROXY_NR_REC_TYPES; type++)
		ring->shapes[type].head = NO_SHAPE;
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

ALWAYS_INLINE bool known_shape(const struct mlpx_ring *ring, const struct mlproxy_rec_hdr *rec,
			       uint64_t head)
{
	const struct mlpx_shape *shape;

	if (head_type(head) >= MLPROXY_NR_REC_TYPES)
		return false;
	shape = &ring->shapes[head_type(head)];
	return head == shape->head && load_word(rec, shape->word_at) == shape->word;
}

static const struct mlproxy_rec_hdr *next_record(const struct mlpx_ring *ring)
{
	return (const void *)(ring->data + (ring->pos & (ring->size_bytes - 1)));
}

/*
 * The next record to deliver and its length, or NULL. Steps over records of a type that this
 * library does not know (a newer kernel), which are no loss, and over records
 * that are too short for their type, which are.
 */
static __attribute__((noinline)) const struct mlproxy_rec_hdr *
peek_any(struct mlpx_ring *ring, uint32_t *len_out, struct mlproxy_ring_counts *counts)
{
	while (ring->pos != ring->end) {
		const struct mlproxy_rec_hdr *rec = next_record(ring);
		uint64_t head = load_head(rec);
		uint64_t seq = __atomic_load_n(&rec->seq, __ATOMIC_RELAXED);
		struct mlpx_shape shape;

		if (!length_sane(head_len(head), ring->end - ring->pos) ||
		    seq < ring->next_seq) {
			skip_all(ring, counts);
			break;
		}
		ring->gap += seq - ring->next_seq;
		counts->lost += seq - ring->next_seq;
		ring->next_seq = seq;
		if (record_sane(rec, head, &shape)) {
			ring->shapes[head_type(head)] = shape;
			*len_out = head_len(head);
			return rec;
		}
		ring->pos += head_len(head);
		ring->next_seq++;
		if (type_known(head_type(head))) {
			counts->malformed++;
			counts->lost++;
			ring->gap++;
		}
	}
	return NULL;
}

/* The same, in a few steps where the record looks as the last one of its type did. */
ALWAYS_INLINE const struct mlproxy_rec_hdr *peek(struct mlpx_ring *ring, uint32_t *len_out,
						 struct mlproxy_ring_counts *counts)
{
	const struct mlproxy_rec_hdr *rec = next_record(ring);
	uint64_t unread = ring->end - ring->pos, head;

	if (!unread)
		return NULL;
	head = load_head(rec);
	if (likely(known_shape(ring, rec, head) && head_len(head) <= unread &&
		   __atomic_load_n(&rec->seq, __ATOMIC_RELAXED) == ring->next_seq)) {
		*len_out = head_len(head);
		return rec;
	}
	return peek_any(ring, len_out, counts);
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

/* The first entry found its place taken: it sinks. */
static void sift_down(struct mlpx_head *heap, unsigned int nr)
{
	struct mlpx_head moved = heap[0];
	unsigned int i = 0;

	for (;;) {
		unsigned int child = 2 * i + 1;

		if (child >= nr)
			break;
		if (child + 1 < nr && head_before(&heap[child + 1], &heap[child]))
			child++;
		if (!head_before(&heap[child], &moved))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = moved;
}

static void set_head(struct mlpx_head *head, unsigned int ring,
		     const struct mlproxy_rec_hdr *rec, uint32_t len)
{
	*head = (struct mlpx_head) {
		.time_ns = rec->time_ns, .ring = ring, .rec = rec, .len = len,
	};
}

static unsigned int fill_heap(struct mlpx_ring *rings, unsigned int nr, struct mlpx_head *heap,
			      struct mlproxy_ring_counts *counts)
{
	const struct mlproxy_rec_hdr *rec;
	unsigned int i, nr_heap = 0;
	uint32_t len;

	for (i = 0; i < nr; i++)
		snapshot_end(&rings[i], counts);
	for (i = 0; i < nr; i++) {
		rec = peek(&rings[i], &len, counts);
		if (!rec)
			continue;
		set_head(&heap[nr_heap], i, rec, len);
		sift_up(heap, nr_heap);
		nr_heap++;
	}
	return nr_heap;
}

/* As long as no record of another ring comes before: all records with a time below. */
static uint64_t run_limit_ns(const struct mlpx_head *head, const struct mlpx_head *other)
{
	/* Of all at UINT64_MAX only one is taken by a run: the heap does the rest. */
	return other->time_ns + (head->ring < other->ring && other->time_ns != UINT64_MAX);
}

/*
 * Take records that look as the last ones of their types, follow one another in time and
 * number, and end before @stop; up to @room of them. The data of all that was published are in
 * one piece, since they are mapped twice.
 */
ALWAYS_INLINE unsigned int gather(struct mlpx_ring *ring, uint64_t stop, bool sole,
				  uint64_t limit_ns, struct mlproxy_record_ref *out,
				  unsigned int room)
{
	const struct mlproxy_record_ref *first = out, *full = out + room;
	const char *at = (const char *)next_record(ring), *begin = at;
	const char *end = at + (stop - ring->pos);
	uint64_t seq = ring->next_seq;
	uint32_t cpu = ring->cpu;

	while (at < end && out < full) {
		const struct mlproxy_rec_hdr *rec = (const void *)at;
		uint64_t head = load_head(rec);
		/* Another type has another head. */
		const struct mlpx_shape *shape =
			&ring->shapes[head_type(head) % MLPROXY_NR_REC_TYPES];

		if (head != shape->head || load_word(rec, shape->word_at) != shape->word ||
		    __atomic_load_n(&rec->seq, __ATOMIC_RELAXED) != seq ||
		    (!sole && rec->time_ns >= limit_ns))
			break;
		out->rec = rec;
		out->cpu = cpu;
		out->lost = 0;
		out++;
		seq++;
		at += head_len(head);
	}
	/* The last one may say that it is longer than what is there. */
	if (at > end) {
		out--;
		seq--;
		at = (const char *)out->rec;
	}
	ring->pos += (uint64_t)(at - begin);
	ring->next_seq = seq;
	return (unsigned int)(out - first);
}

static uint32_t lost_before(struct mlpx_ring *ring)
{
	uint64_t lost = ring->gap;

	ring->gap = 0;
	return lost > UINT32_MAX ? UINT32_MAX : (uint32_t)lost;
}

/*
 * The head of a ring, and what comes behind it before the head of any other. Who comes once
 * may well be another one's turn next; then it costs less not to look.
 */
ALWAYS_INLINE unsigned int take_run(struct mlpx_ring *ring, const struct mlpx_head *heap,
				    unsigned int nr_heap, bool again, uint64_t stop,
				    struct mlproxy_record_ref *out, unsigned int room)
{
	const struct mlpx_head *other;

	out[0] = (struct mlproxy_record_ref) {
		.rec = heap[0].rec, .cpu = ring->cpu, .lost = lost_before(ring),
	};
	ring->pos += heap[0].len;
	ring->next_seq++;
	if (room == 1 || ring->pos >= stop)
		return 1;
	if (nr_heap == 1)
		return 1 + gather(ring, stop, true, 0, out + 1, room - 1);
	if (!again)
		return 1;
	other = nr_heap > 2 && head_before(&heap[2], &heap[1]) ? &heap[2] : &heap[1];
	return 1 + gather(ring, stop, false, run_limit_ns(&heap[0], other), out + 1, room - 1);
}

static void give_back_all(struct mlpx_ring *rings, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		give_back(&rings[i]);
}

/* The heap after records of its first ring were taken. Return: its entries. */
ALWAYS_INLINE unsigned int heap_next(struct mlpx_ring *ring, struct mlpx_head *heap,
				     unsigned int nr, struct mlproxy_ring_counts *counts)
{
	const struct mlproxy_rec_hdr *rec;
	uint32_t len;

	rec = peek(ring, &len, counts);
	if (rec)
		set_head(&heap[0], heap[0].ring, rec, len);
	else
		heap[0] = heap[--nr];
	sift_down(heap, nr);
	return nr;
}

/* One callback a record. Return: what it did; @done: how many records it got. */
static int call_each(const struct mlproxy_record_ref *records, unsigned int nr,
		     mlproxy_record_fn fn, void *ctx, unsigned int *done)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr && ret == 0; i++)
		ret = fn(records[i].rec, records[i].cpu, records[i].lost, ctx);
	*done = i;
	return ret;
}

static unsigned int limited(unsigned int max)
{
	return max == 0 || max > INT_MAX ? INT_MAX : max;
}

int mlpx_rings_consume(struct mlpx_ring *rings, unsigned int nr, struct mlpx_head *heap,
		       unsigned int max, mlproxy_record_fn fn, void *ctx,
		       struct mlproxy_ring_counts *counts)
{
	struct mlproxy_record_ref run[MLPX_RUN];
	unsigned int nr_heap, got, done, left, last = UINT_MAX;
	int ret = 0;

	max = limited(max);
	nr_heap = fill_heap(rings, nr, heap, counts);
	for (left = max; nr_heap && left && ret == 0; left -= done) {
		struct mlpx_ring *ring = &rings[heap[0].ring];
		bool again = heap[0].ring == last;
		uint64_t pos = ring->pos, seq = ring->next_seq, part, stop;

		part = ring->given_back + ring->size_bytes / GIVE_BACK_PARTS;
		stop = ring->end - pos < part - pos ? ring->end : part;
		last = heap[0].ring;
		got = take_run(ring, heap, nr_heap, again, stop, run,
			       left < MLPX_RUN ? left : MLPX_RUN);
		ret = call_each(run, got, fn, ctx, &done);
		if (done < got) {
			/* The others wait for the next call. */
			ring->pos = pos + (uint64_t)((const char *)run[done].rec -
						     (const char *)run[0].rec);
			ring->next_seq = seq + done;
		}
		if (ring->pos - ring->given_back >= ring->size_bytes / GIVE_BACK_PARTS)
			give_back(ring);
		nr_heap = heap_next(ring, heap, nr_heap, counts);
	}
	counts->consumed += max - left;
	give_back_all(rings, nr);
	return ret < 0 ? ret : (int)(max - left);
}

int mlpx_rings_consume_batch(struct mlpx_ring *rings, unsigned int nr, struct mlpx_head *heap,
			     unsigned int max, mlproxy_batch_fn fn, void *ctx,
			     struct mlproxy_ring_counts *counts)
{
	struct mlproxy_record_ref batch[MLPX_BATCH];
	unsigned int nr_heap, got = 0, left, room, last = UINT_MAX;
	int ret = 0;

	max = limited(max);
	left = max;
	nr_heap = fill_heap(rings, nr, heap, counts);
	while (nr_heap && left && ret == 0) {
		struct mlpx_ring *ring = &rings[heap[0].ring];
		bool again = heap[0].ring == last;
		unsigned int taken;

		room = left < MLPX_BATCH - got ? left : MLPX_BATCH - got;
		last = heap[0].ring;
		taken = take_run(ring, heap, nr_heap, again, ring->end, batch + got, room);
		got += taken;
		left -= taken;
		nr_heap = heap_next(ring, heap, nr_heap, counts);
		if (got < MLPX_BATCH && nr_heap && left)
			continue;
		ret = fn(batch, got, ctx);
		got = 0;
		/* Before another call may wait for records that have no room. */
		give_back_all(rings, nr);
	}
	counts->consumed += max - left;
	give_back_all(rings, nr);
	return ret < 0 ? ret : (int)(max - left);
}
