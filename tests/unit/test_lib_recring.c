// SPDX-License-Identifier: GPL-2.0-only
/* Filling a recommendation ring: full, around the end, results; on plain memory. */
#include "unit.h"

#include <errno.h>

#include "lib/recring.h"

#define NR	8U

/* The test plays the kernel: it moves the consumer and writes results. */
struct fixture {
	struct mlproxy_ring_page prod;
	struct mlproxy_ring_page cons;
	struct mlproxy_recommendation entries[NR];
	int32_t results[NR];
	struct mlpx_recring ring;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->ring = (struct mlpx_recring) {
		.producer = &f->prod,
		.entries = f->entries,
		.consumer = &f->cons,
		.results = f->results,
		.nr = NR,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static int push(struct fixture *f, uint64_t key)
{
	const struct mlproxy_recommendation entry = {
		.key = key, .ttl_ms = 5, .version = 6, .action = 7, .confidence = 8,
	};

	return mlpx_recring_push(&f->ring, &entry);
}

static void fills_up(void **state)
{
	struct fixture *f = *state;
	uint64_t key;

	for (key = 0; key < NR; key++)
		assert_int_equal(push(f, key), 0);
	assert_int_equal(push(f, 99), -EAGAIN);
	assert_int_equal(f->prod.pos, NR);
	for (key = 0; key < NR; key++)
		assert_int_equal(f->entries[key].key, key);
	f->cons.pos = 1;
	assert_int_equal(push(f, 100), 0);
	assert_int_equal(push(f, 101), -EAGAIN);
	assert_int_equal(f->entries[0].key, 100);
	assert_int_equal(f->entries[1].key, 1);
}

static void entry_is_whole(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(push(f, 0x123456789abcdefULL), 0);
	assert_int_equal(f->entries[0].key, 0x123456789abcdefULL);
	assert_int_equal(f->entries[0].ttl_ms, 5);
	assert_int_equal(f->entries[0].version, 6);
	assert_int_equal(f->entries[0].action, 7);
	assert_int_equal(f->entries[0].confidence, 8);
	assert_int_equal(f->entries[0].flags, 0);
}

static void results_around_the_end(void **state)
{
	struct fixture *f = *state;
	int32_t results[NR];
	uint64_t from;
	unsigned int i;

	for (from = 0; from < 100; from += 5) {
		for (i = 0; i < 5; i++) {
			assert_int_equal(push(f, from + i), 0);
			f->results[(from + i) % NR] = -(int)(from + i);
		}
		f->cons.pos += 5;
		assert_int_equal(mlpx_recring_results(&f->ring, from, results, NR), 5);
		for (i = 0; i < 5; i++)
			assert_int_equal(results[i], -(int)(from + i));
	}
}

static void results_with_little_room(void **state)
{
	int32_t results[3] = { 1, 1, 1 };
	struct fixture *f = *state;
	uint64_t key;

	for (key = 0; key < 4; key++)
		push(f, key);
	f->cons.pos = 4;
	assert_int_equal(mlpx_recring_results(&f->ring, 0, results, 2), 4);
	assert_int_equal(results[1], 0);
	assert_int_equal(results[2], 1);
	assert_int_equal(mlpx_recring_results(&f->ring, 0, NULL, 0), 4);
	assert_int_equal(mlpx_recring_results(&f->ring, 4, results, 3), 0);
}

/* A position that no kernel writes must not lead out of the ring. */
static void results_of_impossible_position(void **state)
{
	int32_t results[NR + 1] = { 0 };
	struct fixture *f = *state;

	f->cons.pos = UINT64_MAX;
	assert_int_equal(mlpx_recring_results(&f->ring, 0, results, NR + 1), NR);
}

#define RECRING_TEST(test)	cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RECRING_TEST(fills_up),
		RECRING_TEST(entry_is_whole),
		RECRING_TEST(results_around_the_end),
		RECRING_TEST(results_with_little_room),
		RECRING_TEST(results_of_impossible_position),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
