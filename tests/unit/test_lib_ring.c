// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading dataset rings: merge order, gaps, malformed records, positions; on
 * plain memory that this test fills as the kernel would, and worse.
 */
#include "lib_ring.h"

#include <errno.h>
#include <pthread.h>

static void test_empty(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(consume(f, MAX_RINGS, 0), 0);
	assert_int_equal(f->counts.consumed, 0);
}

static void test_merge_by_time(void **state)
{
	static const unsigned int cpu[] = { 1, 0, 2, 1, 0, 2, 2, 1 };
	struct fixture *f = *state;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cpu); i++)
		put(&f->fake[cpu[i]], 100 + 10 * i);
	assert_int_equal(consume(f, 3, 0), ARRAY_SIZE(cpu));
	for (i = 0; i < ARRAY_SIZE(cpu); i++) {
		assert_int_equal(f->seen[i].cpu, cpu[i]);
		assert_int_equal(f->seen[i].time_ns, 100 + 10 * i);
		assert_int_equal(f->seen[i].lost, 0);
	}
}

static void test_equal_times(void **state)
{
	struct fixture *f = *state;
	int cpu;

	for (cpu = 4; cpu >= 0; cpu--) {
		put(&f->fake[cpu], 7);
		put(&f->fake[cpu], 7);
	}
	assert_int_equal(consume(f, 5, 0), 10);
	for (cpu = 0; cpu < 5; cpu++) {
		assert_int_equal(f->seen[2 * cpu].cpu, cpu);
		assert_int_equal(f->seen[2 * cpu + 1].cpu, cpu);
		assert_true(f->seen[2 * cpu].seq < f->seen[2 * cpu + 1].seq);
	}
}

/* A clock that steps back on one CPU must not reorder that CPU. */
static void test_time_steps_back(void **state)
{
	struct fixture *f = *state;

	put(&f->fake[0], 100);
	put(&f->fake[0], 50);
	put(&f->fake[1], 75);
	assert_int_equal(consume(f, 2, 0), 3);
	assert_int_equal(f->seen[0].cpu, 1);
	assert_int_equal(f->seen[1].seq, 1);
	assert_int_equal(f->seen[2].seq, 2);
}

/* Random publishing and reading in pieces: nothing is lost, doubled or misplaced. */
static void test_random_interleaving(void **state)
{
	uint64_t next_seq[MAX_RINGS] = { 0 }, time_ns = 1, published = 0;
	struct fixture *f = *state;
	struct rng rng = rng_seed(1);
	unsigned int round, i;

	for (round = 0; round < 2000; round++) {
		uint64_t last_time = 0;
		int got;

		for (i = rng_below(&rng, 20); i > 0; i--) {
			struct fake_ring *ring = &f->fake[rng_below(&rng, MAX_RINGS)];

			time_ns += rng_below(&rng, 3);
			if (ring->prod.pos - ring->cons.pos + 40 > RING_BYTES)
				continue;
			put(ring, time_ns);
			published++;
		}
		f->nr_seen = 0;
		got = consume(f, MAX_RINGS, rng_below(&rng, 16));
		assert_int_equal(got, f->nr_seen);
		for (i = 0; i < f->nr_seen; i++) {
			assert_true(f->seen[i].time_ns >= last_time);
			last_time = f->seen[i].time_ns;
			assert_int_equal(f->seen[i].seq, ++next_seq[f->seen[i].cpu]);
		}
	}
	consume(f, MAX_RINGS, 0);
	assert_int_equal(f->counts.consumed, published);
	assert_int_equal(f->counts.lost, 0);
	for (i = 0; i < MAX_RINGS; i++)
		assert_int_equal(f->fake[i].cons.pos, f->fake[i].prod.pos);
}

static void test_gaps(void **state)
{
	struct fixture *f = *state;
	struct fake_ring *ring = &f->fake[0];

	ring->seq = 3;		/* 1 to 3 were lost before anything was written */
	put(ring, 10);
	put(ring, 20);
	ring->seq += 7;
	put(ring, 30);
	assert_int_equal(consume(f, 2, 0), 3);
	assert_int_equal(f->seen[0].lost, 3);
	assert_int_equal(f->seen[1].lost, 0);
	assert_int_equal(f->seen[2].lost, 7);
	assert_int_equal(f->counts.lost, 10);

	ring->seq += 1;		/* across calls, and other CPUs have no part in it */
	put(&f->fake[1], 35);
	put(ring, 40);
	assert_int_equal(consume(f, 2, 0), 2);
	assert_int_equal(f->seen[3].lost, 0);
	assert_int_equal(f->seen[4].lost, 1);
}

/* A gap is told of once, also when the record behind it waits for a later call. */
static void test_gap_told_once(void **state)
{
	struct fixture *f = *state;

	put(&f->fake[0], 10);
	f->fake[0].seq += 5;
	put(&f->fake[0], 20);
	assert_int_equal(consume(f, 1, 1), 1);
	assert_int_equal(consume(f, 1, 1), 1);
	assert_int_equal(f->seen[1].lost, 5);
	assert_int_equal(f->counts.lost, 5);
	assert_int_equal(consume(f, 1, 0), 0);
}

static void test_unknown_type_is_no_loss(void **state)
{
	struct fixture *f = *state;
	struct fake_ring *ring = &f->fake[0];

	put(ring, 10);
	put_raw(ring, 64, MLPROXY_NR_REC_TYPES + 3, ++ring->seq, 20);
	put_raw(ring, 64, MLPROXY_REC_PAD, ++ring->seq, 21);
	put(ring, 30);
	assert_int_equal(consume(f, 1, 0), 2);
	assert_int_equal(f->seen[1].lost, 0);
	assert_int_equal(f->counts.lost, 0);
	assert_int_equal(f->counts.malformed, 0);
}

/* Too short for its type: this record alone is lost, and that is said. */
static void test_short_for_type(void **state)
{
	static const uint16_t types[] = {
		MLPROXY_REC_DECISION, MLPROXY_REC_FEEDBACK, MLPROXY_REC_EVENT, MLPROXY_REC_MODE,
		MLPROXY_REC_STATE, MLPROXY_REC_MODEL,
	};
	struct fixture *f = *state;
	struct fake_ring *ring = &f->fake[0];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		put_raw(ring, sizeof(struct mlproxy_rec_hdr), types[i], ++ring->seq, 20);
	put(ring, 30);
	assert_int_equal(consume(f, 1, 0), 1);
	assert_int_equal(f->seen[0].lost, ARRAY_SIZE(types));
	assert_int_equal(f->counts.malformed, ARRAY_SIZE(types));
	assert_int_equal(f->counts.lost, ARRAY_SIZE(types));
}

static void put_decision(struct fake_ring *ring, uint16_t nr_features, uint32_t len)
{
	struct mlproxy_rec_decision decision = {
		.hdr = { .len = len, .type = MLPROXY_REC_DECISION, .seq = ++ring->seq },
		.id = 1,
		.features_offset = sizeof(decision),
		.nr_features = nr_features,
	};

	put_bytes(ring, ring->prod.pos, &decision, sizeof(decision));
	mlpx_store_release(&ring->prod, ring->prod.pos + len);
}

static void test_decision_features(void **state)
{
	uint32_t head = sizeof(struct mlproxy_rec_decision);
	struct fixture *f = *state;

	put_decision(&f->fake[0], 3, head + 3 * 8);
	put_decision(&f->fake[0], 4, head + 3 * 8);
	put_decision(&f->fake[0], 0xffff, head + 3 * 8);
	put_decision(&f->fake[0], MLPROXY_MAX_FEATURES + 1, head + 40 * 8);
	put_decision(&f->fake[0], MLPROXY_MAX_FEATURES, head + 40 * 8);
	assert_int_equal(consume(f, 1, 0), 2);
	assert_int_equal(f->seen[0].seq, 1);
	assert_int_equal(f->seen[1].seq, 5);
	assert_int_equal(f->seen[1].lost, 3);
	assert_int_equal(f->counts.malformed, 3);
}

/* After an impossible length nothing can be found: go on behind it all. */
static void test_bad_lengths(void **state)
{
	static const uint32_t lengths[] = {
		0, 8, 16, 25, 28, MLPROXY_REC_MAX_BYTES + 8, 0xfffffff8, 0xffffffff, 1000000,
	};
	struct fixture *f = *state;
	struct fake_ring *ring = &f->fake[0];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct mlproxy_rec_hdr hdr = {
			.len = lengths[i], .type = MLPROXY_REC_FEEDBACK, .seq = ring->seq + 2,
		};

		f->nr_seen = 0;
		f->counts = (struct mlproxy_ring_counts) { 0 };
		put(ring, 1);
		put_bytes(ring, ring->prod.pos, &hdr, sizeof(hdr));
		ring->prod.pos += 64;
		ring->seq++;
		assert_int_equal(consume(f, 1, 0), 1);
		assert_int_equal(f->counts.malformed, 1);
		assert_int_equal(ring->cons.pos, ring->prod.pos);
		put(ring, 3);
		assert_int_equal(consume(f, 1, 0), 1);
		assert_int_equal(f->seen[1].lost, 1);
		assert_int_equal(f->counts.lost, 1);
	}
}

static void test_longer_than_published(void **state)
{
	struct fixture *f = *state;

	put(&f->fake[0], 1);
	f->fake[0].prod.pos -= 8;
	assert_int_equal(consume(f, 1, 0), 0);
	assert_int_equal(f->counts.malformed, 1);
}

static void test_seq_goes_back(void **state)
{
	struct fixture *f = *state;
	struct fake_ring *ring = &f->fake[0];

	put(ring, 1);
	put(ring, 2);
	ring->seq = 0;
	put(ring, 3);
	assert_int_equal(consume(f, 1, 0), 2);
	assert_int_equal(f->counts.malformed, 1);
	assert_int_equal(f->counts.lost, 0);
}

static void test_impossible_producer(void **state)
{
	static const uint64_t bad[] = { RING_BYTES + 8, UINT64_MAX, UINT64_MAX / 2 };
	struct fixture *f = *state;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		f->fake[i].prod.pos = bad[i];
		f->counts.malformed = 0;
		assert_int_equal(mlpx_rings_consume(&f->ring[i], 1, f->heap, 0, note, f,
						    &f->counts), 0);
		assert_int_equal(f->counts.malformed, 1);
	}
}

/* Many times around; records lie across the end, where the second copy serves. */
static void test_wrap(void **state)
{
	struct fixture *f = *state;
	unsigned int i, got = 0;

	for (i = 0; i < 1000; i++) {
		put(&f->fake[0], i);
		/* As a newer kernel may write it, which knows more of it. */
		put_raw(&f->fake[0], 88, MLPROXY_REC_FEEDBACK, ++f->fake[0].seq, i);
		f->nr_seen = 0;
		got += consume(f, 1, 0);
	}
	assert_int_equal(got, 2000);
	assert_int_equal(f->counts.lost, 0);
	assert_int_equal(f->counts.malformed, 0);
	assert_true(f->fake[0].cons.pos > 10 * RING_BYTES);
}

static void test_max(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 10; i++)
		put(&f->fake[i % 2], i);
	assert_int_equal(consume(f, 2, 3), 3);
	assert_int_equal(f->fake[0].cons.pos, 2 * sizeof(struct mlproxy_rec_feedback));
	assert_int_equal(f->fake[1].cons.pos, sizeof(struct mlproxy_rec_feedback));
	assert_int_equal(consume(f, 2, 100), 7);
	for (i = 0; i < 10; i++)
		assert_int_equal(f->seen[i].time_ns, i);
}

static void test_callback_stops(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 6; i++)
		put(&f->fake[0], i);
	f->stop_after = 2;
	f->stop_value = 1;
	assert_int_equal(consume(f, 1, 0), 2);
	f->stop_after = 4;
	f->stop_value = -EIO;
	assert_int_equal(consume(f, 1, 0), -EIO);
	assert_int_equal(f->counts.consumed, 4);
	assert_int_equal(f->fake[0].cons.pos, 4 * sizeof(struct mlproxy_rec_feedback));
	assert_int_equal(consume(f, 1, 0), 2);
	assert_int_equal(f->seen[4].time_ns, 4);
}

static int watch_room(const struct mlproxy_rec_hdr *rec, unsigned int cpu, uint64_t lost,
		      void *ctx)
{
	struct fixture *f = ctx;
	uint64_t unread = f->fake[0].prod.pos - f->fake[0].cons.pos;

	(void)cpu;
	(void)lost;
	if (rec->seq == 1)
		assert_int_equal(unread, f->fake[0].prod.pos);
	else if (rec->seq == f->fake[0].seq)
		assert_true(unread <= RING_BYTES / 8 + sizeof(struct mlproxy_rec_feedback));
	return 0;
}

/* Room comes back while a long call runs, and never before a record was read. */
static void test_gives_room_back(void **state)
{
	struct fixture *f = *state;

	while (f->fake[0].prod.pos + sizeof(struct mlproxy_rec_feedback) <= RING_BYTES)
		put(&f->fake[0], 1);
	mlpx_rings_consume(f->ring, 1, f->heap, 0, watch_room, f, &f->counts);
	assert_int_equal(f->fake[0].cons.pos, f->fake[0].prod.pos);
}

static int break_other(const struct mlproxy_rec_hdr *rec, unsigned int cpu, uint64_t lost,
		       void *ctx)
{
	struct fixture *f = ctx;

	(void)rec;
	(void)lost;
	if (cpu == 0)
		((struct mlproxy_rec_hdr *)f->ring[1].data)->len = 0x7ffffff8;
	return 0;
}

/* What was checked is what is used, also where a record changes after that. */
static void test_length_is_read_once(void **state)
{
	struct fixture *f = *state;

	put(&f->fake[0], 1);
	put(&f->fake[1], 2);
	put(&f->fake[1], 3);
	assert_int_equal(mlpx_rings_consume(f->ring, 2, f->heap, 0, break_other, f, &f->counts),
			 3);
	assert_int_equal(f->fake[1].cons.pos, f->fake[1].prod.pos);
	assert_int_equal(f->counts.malformed, 0);
}

/* A producer as the kernel's, in a thread: drops what has no room. */
static void *produce(void *arg)
{
	struct fake_ring *ring = arg;
	uint32_t len = sizeof(struct mlproxy_rec_feedback);
	unsigned int i;

	for (i = 0; i < 100000; i++) {
		uint64_t cons = mlpx_load_acquire(&ring->cons);

		ring->seq++;
		if (ring->prod.pos - cons + len > RING_BYTES)
			continue;
		put_raw(ring, len, MLPROXY_REC_FEEDBACK, ring->seq, ring->seq);
	}
	return NULL;
}

static int check_seq(const struct mlproxy_rec_hdr *rec, unsigned int cpu, uint64_t lost, void *ctx)
{
	uint64_t *last = ctx;

	if (rec->seq != last[cpu] + lost + 1 || rec->time_ns != rec->seq)
		return -EBADMSG;
	last[cpu] = rec->seq;
	return 0;
}

static void test_producer_threads(void **state)
{
	uint64_t last[2] = { 0 }, unseen;
	struct fixture *f = *state;
	pthread_t threads[2];
	int i, idle = 0;

	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, produce, &f->fake[i]), 0);
	while (idle < 2) {
		int ret = mlpx_rings_consume(f->ring, 2, f->heap, 0, check_seq, last, &f->counts);

		assert_true(ret >= 0);
		if (ret == 0 && idle == 0) {
			for (i = 0; i < 2; i++)
				pthread_join(threads[i], NULL);
			idle = 1;
		} else if (ret == 0) {
			idle = 2;
		}
	}
	unseen = 200000 - last[0] - last[1];
	assert_int_equal(f->counts.consumed + f->counts.lost + unseen, 200000);
	assert_int_equal(f->counts.malformed, 0);
}

static void test_record_valid(void **state)
{
	struct mlproxy_rec_feedback rec = {
		.hdr = { .len = sizeof(rec), .type = MLPROXY_REC_FEEDBACK },
	};

	(void)state;
	assert_int_equal(mlproxy_record_valid(&rec.hdr, sizeof(rec)), 0);
	assert_int_equal(mlproxy_record_valid(&rec.hdr, sizeof(rec) - 8), -EBADMSG);
	assert_int_equal(mlproxy_record_valid(&rec.hdr, 4), -EBADMSG);
	rec.hdr.type = 0;
	assert_int_equal(mlproxy_record_valid(&rec.hdr, sizeof(rec)), -EBADMSG);
	rec.hdr.type = MLPROXY_REC_PAD;
	assert_int_equal(mlproxy_record_valid(&rec.hdr, sizeof(rec)), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RING_TEST(test_empty),
		RING_TEST(test_merge_by_time),
		RING_TEST(test_equal_times),
		RING_TEST(test_time_steps_back),
		RING_TEST(test_random_interleaving),
		RING_TEST(test_gaps),
		RING_TEST(test_gap_told_once),
		RING_TEST(test_unknown_type_is_no_loss),
		RING_TEST(test_short_for_type),
		RING_TEST(test_decision_features),
		RING_TEST(test_bad_lengths),
		RING_TEST(test_longer_than_published),
		RING_TEST(test_seq_goes_back),
		RING_TEST(test_impossible_producer),
		RING_TEST(test_wrap),
		RING_TEST(test_max),
		RING_TEST(test_callback_stops),
		RING_TEST(test_gives_room_back),
		RING_TEST(test_length_is_read_once),
		RING_TEST(test_producer_threads),
		cmocka_unit_test(test_record_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
