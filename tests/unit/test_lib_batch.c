// SPDX-License-Identifier: GPL-2.0-only
/* Records of the dataset rings many at a time, and runs of them that a callback ends. */
#include "lib_ring.h"

#include <errno.h>

/* Something that the kernel publishes, or a newer one, or a broken one. */
static void put_any(struct fake_ring *ring, uint32_t r, uint64_t time_ns)
{
	struct mlproxy_rec_decision decision = {
		.hdr = { .type = MLPROXY_REC_DECISION, .time_ns = time_ns },
		.features_offset = sizeof(decision), .nr_features = r >> 8 & 3,
	};

	ring->seq++;
	switch (r % 16) {
	case 0:
		ring->seq += 3;	/* lost */
		break;
	case 1:
		put_raw(ring, 64, MLPROXY_NR_REC_TYPES + 1, ring->seq, time_ns);
		return;
	case 2:
		put_raw(ring, 24, MLPROXY_REC_FEEDBACK, ring->seq, time_ns);
		return;
	case 3:
		decision.nr_features = 200;
		break;
	case 4:
		if (r >> 16 & 31)
			break;
		put_raw(ring, 64, MLPROXY_REC_FEEDBACK, ring->seq, time_ns);
		((struct mlproxy_rec_hdr *)(ring->data + ((ring->prod.pos - 64) &
							  (RING_BYTES - 1))))->len = 20;
		return;
	default:
		break;
	}
	if (r & 64) {
		put_raw(ring, sizeof(struct mlproxy_rec_feedback) + (r >> 4 & 8),
			MLPROXY_REC_FEEDBACK, ring->seq, time_ns);
		return;
	}
	decision.hdr.seq = ring->seq;
	decision.hdr.len = sizeof(decision) + 24;
	put_bytes(ring, ring->prod.pos, &decision, sizeof(decision));
	mlpx_store_release(&ring->prod, ring->prod.pos + decision.hdr.len);
}

static int note_many(const struct mlproxy_record_ref *records, unsigned int nr, void *ctx)
{
	struct fixture *f = ctx;
	unsigned int i;

	assert_true(nr > 0);
	for (i = 0; i < nr; i++)
		note(records[i].rec, records[i].cpu, records[i].lost, ctx);
	return f->stop_value;
}

/* Many at a time are the same records in the same order, with the same gaps, as one by one. */
static void test_batch_is_the_same(void **state)
{
	struct fixture *one = *state, *many = calloc(1, sizeof(*many));
	struct rng rng = rng_seed(2);
	unsigned int round, i, nr;
	uint64_t time_ns = 1;

	assert_non_null(many);
	for (i = 0; i < MAX_RINGS; i++)
		mlpx_ring_init(&many->ring[i], &many->fake[i].cons, &many->fake[i].prod,
			       many->fake[i].data, RING_BYTES, i);
	for (round = 0; round < 4000; round++) {
		unsigned int nr_rings = round < 2000 ? 1 : 1 + rng_below(&rng, MAX_RINGS);

		for (i = rng_below(&rng, 60); i > 0; i--) {
			unsigned int cpu = rng_below(&rng, nr_rings);
			uint32_t r = (uint32_t)rng_u64(&rng);

			if (one->fake[cpu].prod.pos - one->fake[cpu].cons.pos + 128 > RING_BYTES)
				continue;
			time_ns += rng_below(&rng, 3);
			put_any(&one->fake[cpu], r, time_ns);
			put_any(&many->fake[cpu], r, time_ns);
		}
		one->nr_seen = 0;
		many->nr_seen = 0;
		nr = rng_below(&rng, 3) ? 0 : 1 + rng_below(&rng, 40);
		consume(one, nr_rings, nr);
		mlpx_rings_consume_batch(many->ring, nr_rings, many->heap, nr, note_many, many,
					 &many->counts);
		assert_int_equal(one->nr_seen, many->nr_seen);
		assert_memory_equal(one->seen, many->seen, one->nr_seen * sizeof(*one->seen));
		assert_memory_equal(&one->counts, &many->counts, sizeof(one->counts));
		for (i = 0; i < nr_rings; i++)
			assert_int_equal(one->fake[i].cons.pos, many->fake[i].cons.pos);
	}
	assert_true(one->counts.consumed > 40000 && one->counts.malformed > 1000);
	free(many);
}

/* What a callback stops at is consumed, with all that came with it. */
static void test_batch_stops(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 6; i++)
		put(&f->fake[0], i);
	f->stop_value = -EIO;
	assert_int_equal(mlpx_rings_consume_batch(f->ring, 1, f->heap, 4, note_many, f,
						  &f->counts), -EIO);
	assert_int_equal(f->counts.consumed, 4);
	assert_int_equal(f->fake[0].cons.pos, 4 * sizeof(struct mlproxy_rec_feedback));
	f->stop_value = 1;
	assert_int_equal(mlpx_rings_consume_batch(f->ring, 1, f->heap, 0, note_many, f,
						  &f->counts), 2);
	assert_int_equal(f->nr_seen, 6);
}

/* A gap behind the place where a callback stopped is told of, and counted, once. */
static void test_stop_before_gap(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 4; i++)
		put(&f->fake[0], i);
	f->fake[0].seq += 5;
	put(&f->fake[0], 9);
	f->stop_after = 2;
	f->stop_value = 1;
	assert_int_equal(consume(f, 1, 0), 2);
	assert_int_equal(f->counts.lost, 0);
	assert_int_equal(consume(f, 1, 0), 3);
	assert_int_equal(f->seen[2].lost, 0);
	assert_int_equal(f->seen[4].lost, 5);
	assert_int_equal(f->counts.lost, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RING_TEST(test_batch_is_the_same),
		RING_TEST(test_batch_stops),
		RING_TEST(test_stop_before_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
