// SPDX-License-Identifier: GPL-2.0-only
/* Positions of the rings: what the kernel believes of a hostile position. */
#include "unit.h"
#include "ring_pos.h"
#include "rng.h"

#define SIZE	4096ULL

static void valid_within_one_ring(void **state)
{
	static const u64 bases[] = { 0, 1, SIZE, 1ULL << 32, (1ULL << 63) - 8, U32_MAX,
				     UINT64_MAX - SIZE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		u64 b = bases[i];

		assert_true(ring_pos_valid(b, b, SIZE));
		assert_true(ring_pos_valid(b + 1, b, SIZE));
		assert_true(ring_pos_valid(b + SIZE, b, SIZE));
		assert_false(ring_pos_valid(b + SIZE + 1, b, SIZE));
		assert_false(ring_pos_valid(b, b + 1, SIZE));
		assert_false(ring_pos_valid(b, b + SIZE, SIZE));
		assert_false(ring_pos_valid(b, b + (1ULL << 63), SIZE));
	}
}

static void valid_across_the_wrap_of_u64(void **state)
{
	(void)state;
	assert_true(ring_pos_valid(4, UINT64_MAX - 3, SIZE));
	assert_true(ring_pos_valid(SIZE - 8, UINT64_MAX - 7, SIZE));
	assert_false(ring_pos_valid(SIZE, UINT64_MAX, SIZE));
	assert_int_equal(ring_pos_free(4, UINT64_MAX - 3, SIZE), SIZE - 8);
}

static void free_room(void **state)
{
	(void)state;
	assert_int_equal(ring_pos_free(0, 0, SIZE), SIZE);
	assert_int_equal(ring_pos_free(SIZE, 0, SIZE), 0);
	assert_int_equal(ring_pos_free(SIZE + 8, 8, SIZE), 0);
	assert_int_equal(ring_pos_free(SIZE + 8, 16, SIZE), 8);
}

static void index_wraps(void **state)
{
	(void)state;
	assert_int_equal(ring_pos_index(0, SIZE), 0);
	assert_int_equal(ring_pos_index(SIZE - 8, SIZE), SIZE - 8);
	assert_int_equal(ring_pos_index(SIZE, SIZE), 0);
	assert_int_equal(ring_pos_index(5 * SIZE + 24, SIZE), 24);
	assert_int_equal(ring_pos_index(UINT64_MAX, SIZE), SIZE - 1);
}

/* Any pair that is believed leaves room within the ring: never an over-run. */
static void believed_pairs_are_safe(void **state)
{
	struct rng rng = rng_seed(9);

	(void)state;
	for (int i = 0; i < 200000; i++) {
		u64 size = 1ULL << rng_below(&rng, 27);
		u64 prod = rng_u64(&rng);
		u64 cons = rng_below(&rng, 2) ? prod - rng_below(&rng, (u32)size + 2) :
						rng_u64(&rng);
		u64 unread = prod - cons, len = rng_below(&rng, (u32)size + 1);

		assert_int_equal(ring_pos_valid(prod, cons, size), unread <= size);
		assert_int_equal(ring_pos_fits(prod, cons, size, len),
				 ring_pos_valid(prod, cons, size) &&
				 ring_pos_free(prod, cons, size) >= len);
		if (!ring_pos_valid(prod, cons, size))
			continue;
		assert_true(ring_pos_free(prod, cons, size) <= size);
		assert_int_equal(ring_pos_free(prod, cons, size) + unread, size);
		assert_true(ring_pos_index(prod, size) < size);
		assert_int_equal(ring_pos_index(prod, size), prod % size);
	}
}

static void record_lengths(void **state)
{
	(void)state;
	assert_int_equal(ring_rec_len(0), 0);
	for (u32 len = 1; len < 2048; len++) {
		assert_int_equal(ring_rec_len(len) % 8, 0);
		assert_in_range(ring_rec_len(len) - len, 0, 7);
	}
}

static void record_lengths_are_bounded(void **state)
{
	static const u32 wild[] = { 0, 1, 7, 8, 16, 23, 25, 0x200ff, 1U << 31, U32_MAX,
				    U32_MAX - 7, MLPROXY_REC_MAX_BYTES + 8 };
	const u32 least = sizeof(struct mlproxy_rec_hdr);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wild); i++)
		assert_false(ring_rec_valid(wild[i], SIZE));
	for (u32 len = least; len <= MLPROXY_REC_MAX_BYTES; len++) {
		assert_int_equal(ring_rec_valid(len, SIZE), len % 8 == 0);
		assert_int_equal(ring_rec_valid(len, len), len % 8 == 0);
		assert_false(ring_rec_valid(len, len - 1));
		assert_false(ring_rec_valid(len, 0));
	}
}

/* Whatever lies in a ring: a walk over it ends, and never passes the producer. */
static void walks_end(void **state)
{
	struct rng rng = rng_seed(11);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		u64 pos = rng_u64(&rng) & ~7ULL;
		u64 head = pos + 8 * rng_below(&rng, SIZE / 8 + 1);
		int steps = 0;

		while (pos != head) {
			u32 len = rng_below(&rng, 4) ? 8 * rng_below(&rng, 140) :
						       (u32)rng_u64(&rng);

			if (!ring_rec_valid(len, head - pos))
				break;
			pos += len;
			assert_true(head - pos <= SIZE);
			assert_true(++steps <= (int)(SIZE / sizeof(struct mlproxy_rec_hdr)));
		}
	}
}

/* A producer and a consumer in turn: the model is a plain count of bytes. */
static void long_run_keeps_count(void **state)
{
	struct rng rng = rng_seed(10);
	u64 prod = UINT64_MAX - 100000, cons = prod, unread = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		u32 len = ring_rec_len(1 + rng_below(&rng, 1024));

		if (ring_pos_free(prod, cons, SIZE) >= len) {
			prod += len;
			unread += len;
		}
		if (rng_below(&rng, 2) && unread) {
			u32 taken = 8 * (1 + rng_below(&rng, (u32)(unread / 8)));

			cons += taken;
			unread -= taken;
		}
		assert_true(unread <= SIZE);
		assert_true(ring_pos_valid(prod, cons, SIZE));
		assert_int_equal(SIZE - ring_pos_free(prod, cons, SIZE), unread);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_within_one_ring),
		cmocka_unit_test(valid_across_the_wrap_of_u64),
		cmocka_unit_test(free_room),
		cmocka_unit_test(index_wraps),
		cmocka_unit_test(believed_pairs_are_safe),
		cmocka_unit_test(record_lengths),
		cmocka_unit_test(record_lengths_are_bounded),
		cmocka_unit_test(walks_end),
		cmocka_unit_test(long_run_keeps_count),
	};

	return cmocka_run_group_tests_name("ring_pos", tests, NULL, NULL);
}
