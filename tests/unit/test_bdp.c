// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's window by its bandwidth-delay product: what the readers of a small window show of
 * a link lets it grow until the link is full, and a queue does not let it grow further.
 */
#include "bdp.h"
#include "shared/log2.h"
#include "unit.h"

#define SAMPLE_NS	(5ULL * 1000 * 1000)

static void sample(struct ra_bdp *bdp, u64 bytes_per_s, u64 latency_ns, u64 now_ns)
{
	ra_bdp_add(bdp, log2_q8((bytes_per_s << 20) / 1000000000), log2_q8(latency_ns), now_ns);
}

static void nothing_is_known(void **state)
{
	struct ra_bdp bdp = {};

	(void)state;
	assert_int_equal(ra_bdp_window(&bdp), RA_BDP_LEAST);
	/* a sample without reads says nothing */
	ra_bdp_add(&bdp, 0, log2_q8(1000), 1);
	ra_bdp_add(&bdp, log2_q8(1 << 20), 0, 1);
	assert_int_equal(ra_bdp_window(&bdp), RA_BDP_LEAST);
}

static void window_is_twice_the_product(void **state)
{
	struct ra_bdp bdp = {};

	(void)state;
	/* 250 MB/s x 800 us = 200 KB */
	sample(&bdp, 250000000, 800000, SAMPLE_NS);
	assert_int_equal(ra_bdp_window(&bdp), 19);
	/* a queue's latency, and readers that pause */
	sample(&bdp, 250000000, 20000000, 2 * SAMPLE_NS);
	sample(&bdp, 1000000, 900000, 3 * SAMPLE_NS);
	assert_int_equal(ra_bdp_window(&bdp), 19);
}

static void window_has_bounds(void **state)
{
	struct ra_bdp slow = {}, far = {};

	(void)state;
	sample(&slow, 100000000, 10000, SAMPLE_NS);
	assert_int_equal(ra_bdp_window(&slow), RA_BDP_LEAST);
	sample(&far, 20000000000, 50000000, SAMPLE_NS);
	assert_int_equal(ra_bdp_window(&far), RA_BDP_MOST);
}

/* One reader, two windows under way: what it gets of a link grows with them. */
static void window_grows_to_the_link(void **state)
{
	const u64 link = 250000000, latency_ns = 2000000;	/* 500 KB */
	struct ra_bdp bdp = {};
	u64 now_ns = 0;
	int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		u64 window = 1ULL << ra_bdp_window(&bdp);
		u64 rate = window * 1000000000 / latency_ns;

		now_ns += SAMPLE_NS;
		sample(&bdp, rate < link ? rate : link, latency_ns, now_ns);
	}
	assert_int_equal(ra_bdp_window(&bdp), 20);
}

static void what_is_old_is_forgotten(void **state)
{
	struct ra_bdp bdp = {};
	u64 now_ns = SAMPLE_NS;

	(void)state;
	sample(&bdp, 1000000000, 800000, now_ns);
	assert_int_equal(ra_bdp_window(&bdp), 21);
	/* but not for want of anything else */
	now_ns += 100 * RA_BDP_NS;
	assert_int_equal(ra_bdp_window(&bdp), 21);
	sample(&bdp, 250000000, 800000, now_ns);
	assert_int_equal(ra_bdp_window(&bdp), 21);
	sample(&bdp, 250000000, 800000, now_ns + RA_BDP_NS);
	assert_int_equal(ra_bdp_window(&bdp), 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known),
		cmocka_unit_test(window_is_twice_the_product),
		cmocka_unit_test(window_has_bounds),
		cmocka_unit_test(window_grows_to_the_link),
		cmocka_unit_test(what_is_old_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
