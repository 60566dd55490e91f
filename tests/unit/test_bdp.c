// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's window by its bandwidth-delay product: what the readers of a small window show of
 * a link lets it grow until the link is full, and the queue before it does not let it grow on.
 */
#include "bdp.h"
#include "unit.h"

#define MS	1000000ULL
#define SAMPLE_NS	(5 * MS)
#define KB	1024ULL

/* A second of @mbps, in reads of @kb that take @us each. */
static void sample(struct ra_bdp *bdp, u64 mbps, u64 kb, u64 us, u64 now_ns)
{
	u64 ios = mbps * 1000000 / (kb * KB);
	struct ra_bdp_sample s = {
		.ios = ios, .nsecs = ios * us * 1000, .bytes = ios * kb * KB,
		.elapsed_ns = 1000 * MS,
	};

	ra_bdp_add(bdp, &s, now_ns);
}

static void nothing_is_known(void **state)
{
	struct ra_bdp_sample none = { .elapsed_ns = SAMPLE_NS };
	struct ra_bdp bdp = {};

	(void)state;
	assert_int_equal(ra_bdp_window(&bdp), RA_BDP_LEAST);
	ra_bdp_add(&bdp, &none, 1);
	assert_int_equal(ra_bdp_window(&bdp), RA_BDP_LEAST);
	assert_int_equal(bdp.read_ns, 0);
}

static void window_is_twice_the_product(void **state)
{
	struct ra_bdp bdp = {};

	(void)state;
	/* 800 us, seen by one small read at a time; 250 MB/s, seen with a queue: 200 KB */
	sample(&bdp, 4, 4, 816, SAMPLE_NS);
	assert_int_equal(ra_bdp_window(&bdp), RA_BDP_LEAST);
	sample(&bdp, 250, 128, 20000, 2 * SAMPLE_NS);
	assert_int_equal(ra_bdp_window(&bdp), 19);
	/* readers that pause */
	sample(&bdp, 1, 4, 900, 3 * SAMPLE_NS);
	assert_int_equal(ra_bdp_window(&bdp), 19);
}

static void window_has_bounds(void **state)
{
	struct ra_bdp slow = {}, far = {};

	(void)state;
	sample(&slow, 100, 4, 10, SAMPLE_NS);
	assert_int_equal(ra_bdp_window(&slow), RA_BDP_LEAST);
	sample(&far, 20000, 128, 50000, SAMPLE_NS);
	assert_int_equal(ra_bdp_window(&far), RA_BDP_MOST);
	/* numbers that no device has */
	sample(&far, 1ULL << 40, 1, 1ULL << 33, SAMPLE_NS);
	assert_int_equal(ra_bdp_window(&far), RA_BDP_MOST);
}

/*
 * A reader in order with two windows under way, in requests of 512 KB at most, on a link of @mbps
 * that answers after @us. By Little's law, what is in flight is the rate times the latency.
 * Return: the largest window in @seconds.
 */
static unsigned int scan(struct ra_bdp *bdp, u64 mbps, u64 us, unsigned int seconds)
{
	const u64 link = mbps * 1000000;
	unsigned int most = 0, i;

	for (i = 0; i < seconds * 200; i++) {
		unsigned int window = ra_bdp_window(bdp);
		u64 flight = 2ULL << window, size = window < 19 ? 1ULL << window : 512 * KB;
		u64 rate = flight * 1000000 / (us + size * 1000000 / link);
		struct ra_bdp_sample s = { .elapsed_ns = SAMPLE_NS };

		if (rate > link)
			rate = link;
		s.bytes = rate / 200;
		s.ios = s.bytes / size + 1;
		s.nsecs = s.ios * (flight * 1000000000 / rate) * size / flight;
		/* the reads wait for each other */
		s.nsecs *= flight / size;
		ra_bdp_add(bdp, &s, (i + 1) * SAMPLE_NS);
		most = window > most ? window : most;
	}
	return most;
}

static void window_grows_to_the_link(void **state)
{
	struct ra_bdp bdp = {};

	(void)state;
	/* 500 KB */
	scan(&bdp, 250, 2000, 2);
	assert_in_range(ra_bdp_window(&bdp), 19, 21);
}

static void a_queue_does_not_let_it_grow(void **state)
{
	/*
	 * MB/s, us, and the window that a scan of minutes may reach: four times the product. Where
	 * nothing but the scan was ever seen, that is all there is to tell from what is the queue.
	 */
	static const struct { u64 mbps, us; unsigned int most; } links[] = {
		{ 90, 400, 18 }, { 200, 50, 17 }, { 530, 90, 18 }, { 2000, 80, 20 },
		{ 250, 800, 20 },
	};
	const unsigned int unknown = 19;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(links); i++) {
		struct ra_bdp fresh = {}, seen = {};

		assert_in_range(scan(&fresh, links[i].mbps, links[i].us, 120), 17,
				links[i].most > unknown ? links[i].most : unknown);
		sample(&seen, 1, 4, links[i].us, 1);
		assert_in_range(scan(&seen, links[i].mbps, links[i].us, 120), 17, links[i].most);
	}
}

/* Each of its windows is a queue, however few reads are in flight in the mean. */
static void pauses_do_not_let_it_grow(void **state)
{
	struct ra_bdp bdp = {};
	unsigned int i;

	(void)state;
	sample(&bdp, 1, 4, 816, SAMPLE_NS);
	for (i = 0; i < 60; i++) {
		u64 now_ns = (i + 1) * 1000 * MS;
		u64 queue_us = (1ULL << ra_bdp_window(&bdp)) / 250;

		if (i % 7 == 0)
			sample(&bdp, 250, 128, 800 + queue_us, now_ns);
		else
			sample(&bdp, 20, 128, 800 + queue_us / 2, now_ns);
		assert_in_range(ra_bdp_window(&bdp), 17, 19);
	}
}

/* Its transfer is not known: the link may be faster than what it was asked for. */
static void a_slow_reader_does_not_hide_it(void **state)
{
	struct ra_bdp bdp = {};

	(void)state;
	sample(&bdp, 4, 4, 816, SAMPLE_NS);
	sample(&bdp, 200, 128, 990, 2 * SAMPLE_NS);
	assert_int_equal(ra_bdp_window(&bdp), 19);
}

static void what_is_old_is_forgotten(void **state)
{
	struct ra_bdp bdp = {};
	u64 now_ns = SAMPLE_NS;

	(void)state;
	sample(&bdp, 4, 4, 800, now_ns);
	sample(&bdp, 1000, 128, 20000, now_ns);
	assert_int_equal(ra_bdp_window(&bdp), 21);
	/* but not for want of anything else */
	now_ns += 100 * RA_BDP_NS;
	assert_int_equal(ra_bdp_window(&bdp), 21);
	sample(&bdp, 250, 128, 20000, now_ns);
	assert_int_equal(ra_bdp_window(&bdp), 21);
	sample(&bdp, 250, 128, 20000, now_ns + RA_BDP_NS);
	assert_int_equal(ra_bdp_window(&bdp), 19);
	/* a latency, for what reads take that come one at a time; a clock that is behind */
	sample(&bdp, 1, 4, 4000, now_ns + RA_BDP_NS);
	assert_int_equal(ra_bdp_window(&bdp), 21);
	sample(&bdp, 1, 4, 8000, now_ns);
	assert_int_equal(ra_bdp_window(&bdp), 21);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known),
		cmocka_unit_test(window_is_twice_the_product),
		cmocka_unit_test(window_has_bounds),
		cmocka_unit_test(window_grows_to_the_link),
		cmocka_unit_test(a_queue_does_not_let_it_grow),
		cmocka_unit_test(pauses_do_not_let_it_grow),
		cmocka_unit_test(a_slow_reader_does_not_hide_it),
		cmocka_unit_test(what_is_old_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
