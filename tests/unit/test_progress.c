// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readahead's progress: what misses take is none, and what is left is never negative, nor
 * more than there was.
 */
#include "unit.h"
#include "rng.h"
#include "progress.h"

#define WAIT_NS	5000

static s64 useful(s64 think_ns, u32 waits, u32 miss_parts, u32 map_parts)
{
	return ra_useful_ns(think_ns, WAIT_NS, waits, miss_parts, map_parts);
}

static void hits_are_all_progress(void **state)
{
	(void)state;
	assert_int_equal(useful(0, 0, 0, 0), 0);
	assert_int_equal(useful(123456, 0, 0, 0), 123456);
}

static void misses_are_not(void **state)
{
	(void)state;
	/* it waited once, which is the miss; a mark costs less, unless somebody waited */
	assert_int_equal(useful(100000, 1, RA_WAIT_PARTS, 0), 95000);
	assert_int_equal(useful(100000, 0, RA_WAIT_PARTS, 0), 95000);
	assert_int_equal(useful(100000, 0, RA_MARK_PARTS, 0), 97500);
	assert_int_equal(useful(100000, 1, RA_MARK_PARTS, 0), 95000);
	assert_int_equal(useful(100000, 3, RA_WAIT_PARTS, 0), 85000);
	/* a wait that no miss had a part in */
	assert_int_equal(useful(100000, 2, 0, 0), 90000);
	/* a fault with all pages around, and with half of them */
	assert_int_equal(useful(100000, 1, RA_WAIT_PARTS, RA_FAULT_AROUND), 90000);
	assert_int_equal(useful(100000, 1, RA_WAIT_PARTS, RA_FAULT_AROUND / 2), 92500);
}

static void a_miss_serves_something(void **state)
{
	(void)state;
	assert_int_equal(useful(6000, 1, RA_WAIT_PARTS, RA_FAULT_AROUND), 2500);
	assert_int_equal(useful(2000, 1, RA_WAIT_PARTS, 0), 2000);
	assert_int_equal(useful(6000, 2, 0, 0), 0);
}

static void stays_between(void **state)
{
	struct rng rng = rng_seed(21);

	(void)state;
	for (int i = 0; i < 100000; i++) {
		s64 think_ns = (s64)(rng_u64(&rng) >> (2 + rng_below(&rng, 60)));
		u32 wait_ns = (u32)rng_u64(&rng) >> rng_below(&rng, 32);
		u32 waits = (u32)rng_u64(&rng) >> rng_below(&rng, 32);
		u32 miss = rng_below(&rng, 3) * RA_MARK_PARTS;
		s64 got = ra_useful_ns(think_ns, wait_ns, waits, miss,
				       rng_below(&rng, RA_FAULT_AROUND + 1));

		assert_true(got >= 0 && got <= think_ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hits_are_all_progress),
		cmocka_unit_test(misses_are_not),
		cmocka_unit_test(a_miss_serves_something),
		cmocka_unit_test(stays_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
