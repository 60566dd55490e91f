// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readahead's progress: what misses take is none, and what is left is never negative, nor
 * more than there was. And what the outer experiment is told of a long time.
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

#define MOST_NS	200000000

static u64 latest(u64 gap_ns, u64 work_ns, u64 *part_ns)
{
	u64 latest_ns;

	ra_latest(gap_ns, work_ns, MOST_NS, &latest_ns, part_ns);
	return latest_ns;
}

static void a_long_time_is_cut(void **state)
{
	u64 part_ns, year_ns = 365 * 86400 * 1000000000ULL;

	(void)state;
	assert_int_equal(latest(0, 0, &part_ns), 0);
	assert_int_equal(part_ns, 0);
	assert_int_equal(latest(MOST_NS, 12345, &part_ns), MOST_NS);
	assert_int_equal(part_ns, 12345);
	/* a tick more than there was, as it may be found */
	assert_int_equal(latest(1000, 4000000, &part_ns), 1000);
	assert_int_equal(part_ns, 4000000);
	assert_int_equal(latest(4 * (u64)MOST_NS, MOST_NS, &part_ns), MOST_NS);
	assert_in_range(part_ns, MOST_NS / 4 - 4000, MOST_NS / 4);
	assert_int_equal(latest(8 * year_ns, 8 * year_ns, &part_ns), MOST_NS);
	assert_in_range(part_ns, MOST_NS - 4000, MOST_NS);
	assert_int_equal(latest(8 * year_ns, 0, &part_ns), MOST_NS);
	assert_int_equal(part_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hits_are_all_progress),
		cmocka_unit_test(misses_are_not),
		cmocka_unit_test(a_miss_serves_something),
		cmocka_unit_test(stays_between),
		cmocka_unit_test(a_long_time_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
