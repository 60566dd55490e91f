// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a request to the test block device completes: each part of the model by itself, by
 * hand-made sums, and what must hold of all together.
 */
#include "unit.h"
#include "rng.h"
#include "testing/testblk_model.h"

#define US		1000ULL
#define S		1000000000ULL
#define SECTORS		(1ULL << 21)	/* 1 GiB */
#define NOW		(100 * S)
#define KB(n)		((n) << 10)

static struct testblk_model new_model(void)
{
	struct testblk_model model;

	testblk_model_init(&model, SECTORS);
	return model;
}

static u64 place(struct rng *rng)
{
	return rng_below(rng, SECTORS / 8) * 8;
}

static void nothing_takes_no_time(void **state)
{
	const struct testblk_spec ram = {};
	struct testblk_model model = new_model();

	(void)state;
	for (u64 i = 0; i < 1000; i++)
		assert_int_equal(testblk_model_submit(&model, &ram, i * 64, KB(512), NOW), NOW);
}

/* A base latency and a link alone are the pipe that the old tables are about. */
static void link_is_shared(void **state)
{
	const struct testblk_spec pipe = { .base_us = 80, .mbps = 2000 };
	struct testblk_model model = new_model();

	(void)state;
	/* 4096 bytes at 2000 MB/s: 2048 ns */
	assert_int_equal(testblk_model_submit(&model, &pipe, 0, KB(4), NOW), NOW + 82048);
	assert_int_equal(testblk_model_submit(&model, &pipe, 800, KB(4), NOW), NOW + 84096);
	/* one that comes while the link is idle */
	assert_int_equal(testblk_model_submit(&model, &pipe, 0, KB(8), NOW + S),
			 NOW + S + 84096);
	assert_int_equal(model.link_busy_ns, 4 * 2048);
}

static void channels_serve_at_once(void **state)
{
	const struct testblk_spec spec = { .base_us = 100, .channels = 64 };
	struct testblk_model model = new_model();

	(void)state;
	for (u64 i = 0; i < 64 * 5; i++)
		assert_int_equal(testblk_model_submit(&model, &spec, i * 800, KB(4), NOW),
				 NOW + (i / 64 + 1) * 100 * US);
}

/* The heap against a search for the least, with pieces of all lengths. */
static void first_free_channel_is_taken(void **state)
{
	struct testblk_spec spec = { .base_us = 10, .channel_mbps = 100 };
	struct rng rng = rng_seed(5);

	(void)state;
	for (u32 channels = 1; channels <= TESTBLK_MAX_CHANNELS; channels += 1 + channels / 4) {
		struct testblk_model model = new_model();
		u64 free_ns[TESTBLK_MAX_CHANNELS] = {}, now = NOW;

		spec.channels = channels;
		for (int i = 0; i < 3000; i++) {
			u32 bytes = 512 * (1 + rng_below(&rng, 200)), first = 0;

			now += rng_below(&rng, 2000 * US / channels);
			for (u32 c = 1; c < channels; c++)
				if (free_ns[c] < free_ns[first])
					first = c;
			if (free_ns[first] < now)
				free_ns[first] = now;
			free_ns[first] += 10 * US + bytes * 10;
			assert_int_equal(testblk_model_submit(&model, &spec, 0, bytes, now),
					 free_ns[first]);
		}
	}
}

static void long_request_uses_channels(void **state)
{
	const struct testblk_spec spec = {
		.base_us = 100, .channels = 8, .channel_mbps = 1000, .chunk_kb = 16,
	};
	struct testblk_model model = new_model();
	/* 16 KiB at 1000 MB/s */
	const u64 piece_ns = 100 * US + KB(16);

	(void)state;
	assert_int_equal(testblk_model_submit(&model, &spec, 0, KB(128), NOW), NOW + piece_ns);
	model = new_model();
	assert_int_equal(testblk_model_submit(&model, &spec, 0, KB(256), NOW),
			 NOW + 2 * piece_ns);
	/* cut at multiples of the chunk, not from its own begin: nine pieces */
	model = new_model();
	assert_int_equal(testblk_model_submit(&model, &spec, 8, KB(128), NOW),
			 NOW + 100 * US + KB(12) + 100 * US + KB(4));
}

static void link_is_cut_through(void **state)
{
	const struct testblk_spec spec = {
		.base_us = 100, .channels = 1, .channel_mbps = 100, .mbps = 400,
	};
	struct testblk_model model = new_model();

	(void)state;
	/* the slower of the two, once */
	assert_int_equal(testblk_model_submit(&model, &spec, 0, KB(4), NOW),
			 NOW + 100 * US + KB(4) * 10);
}

static void cap_holds(void **state)
{
	const struct testblk_spec spec = { .base_us = 1000, .iops = 500, .iops_burst = 100 };
	struct testblk_model model = new_model();
	u64 before = 0, due = 0;

	(void)state;
	for (u64 i = 0; i < 1000; i++) {
		due = testblk_model_submit(&model, &spec, i * 8, KB(4), NOW);
		if (i < 100)
			assert_int_equal(due, NOW + 1000 * US);
		else
			assert_int_equal(due, before + S / 500);
		before = due;
	}
	/* a pause fills the bucket, and no more than that */
	for (u64 i = 0; i <= 100; i++)
		due = testblk_model_submit(&model, &spec, i * 8, KB(4), NOW + 1000 * S);
	assert_int_equal(due, NOW + 1000 * S + 1000 * US + S / 500);
	assert_true(model.cap_wait_ns > 0);
}

/* In any span of time no more than the burst and what the rate gives, however they come. */
static void cap_holds_in_any_window(void **state)
{
	const struct testblk_spec spec = { .iops = 1000, .iops_burst = 20 };
	struct testblk_model model = new_model();
	struct rng rng = rng_seed(6);
	static u64 due[4000];
	u64 now = NOW;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		now += rng_below(&rng, 100) ? rng_below(&rng, 2 * S / 1000) :
					      rng_below(&rng, S / 10);
		due[i] = testblk_model_submit(&model, &spec, place(&rng), KB(4), now);
		assert_true(due[i] >= now);
		for (int j = i > 200 ? i - 200 : 0; j < i; j++)
			assert_true((u64)(i - j + 1) <= 20 + (due[i] - due[j]) * 1000 / S + 1);
	}
}

static void long_request_takes_tokens(void **state)
{
	const struct testblk_spec spec = { .iops = 100, .iops_burst = 1 };
	struct testblk_model model = new_model();

	(void)state;
	assert_int_equal(testblk_model_submit(&model, &spec, 0, KB(512), NOW), NOW);
	assert_int_equal(testblk_model_submit(&model, &spec, 0, KB(256), NOW), NOW + S / 50);
	assert_int_equal(testblk_model_submit(&model, &spec, 0, KB(4), NOW), NOW + 3 * S / 100);
}

static void random_places_cost_the_mean_seek(void **state)
{
	const struct testblk_spec spec = { .channels = 1, .channel_mbps = 200, .seek_us = 8000 };
	struct testblk_model model = new_model();
	struct rng rng = rng_seed(7);
	u64 now = NOW, begin = NOW;

	(void)state;
	for (int i = 0; i < 20000; i++)
		now = testblk_model_submit(&model, &spec, place(&rng), KB(4), now);
	assert_in_range((now - begin) / 20000, 7800 * US, 8200 * US);
}

static void seek_grows_with_the_way(void **state)
{
	const struct testblk_spec spec = { .channels = 1, .channel_mbps = 200, .seek_us = 8000 };
	struct testblk_model model = new_model();
	u64 before;

	(void)state;
	model.head = SECTORS / 2;
	assert_int_equal(testblk_model_seek_ns(&model, &spec, SECTORS / 2), 0);
	/* a little ahead: 8 KiB pass under the head */
	assert_int_equal(testblk_model_seek_ns(&model, &spec, SECTORS / 2 + 16), KB(8) * 5);
	/* a little behind: no less than the rotation */
	before = testblk_model_seek_ns(&model, &spec, SECTORS / 2 - 16);
	assert_in_range(before, 4000 * US, 4200 * US);
	for (u64 way = 32; way < SECTORS / 2; way *= 2) {
		u64 ns = testblk_model_seek_ns(&model, &spec, SECTORS / 2 - way);

		assert_true(ns >= before);
		before = ns;
	}
	/* over all of it: 4 ms and 15/16 of 8 ms */
	model.head = 0;
	assert_in_range(testblk_model_seek_ns(&model, &spec, SECTORS - 1), 11400 * US,
			11500 * US);
}

static void pieces_of_a_request_cost_one_seek(void **state)
{
	const struct testblk_spec spec = { .channels = 1, .chunk_kb = 16, .seek_us = 8000 };
	struct testblk_model model = new_model();
	u64 seek_ns = testblk_model_seek_ns(&model, &spec, SECTORS / 2);

	(void)state;
	assert_int_equal(testblk_model_submit(&model, &spec, SECTORS / 2, KB(64), NOW),
			 NOW + seek_ns);
}

static void in_order_costs_no_seek(void **state)
{
	const struct testblk_spec spec = { .channels = 1, .channel_mbps = 200, .seek_us = 8000 };
	struct testblk_model model = new_model();
	u64 now = NOW;

	(void)state;
	for (u64 at = 0; at < SECTORS; at += 256)
		now = testblk_model_submit(&model, &spec, at, KB(128), now);
	assert_int_equal(model.seeks, 0);
	assert_int_equal((now - NOW) / 5, SECTORS * 512);
}

/* Devices change while requests are in flight, and clocks of CPUs differ a little. */
static void any_device_gives_a_sane_time(void **state)
{
	struct testblk_model model = new_model();
	struct rng rng = rng_seed(8);
	u64 now = NOW;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct testblk_spec spec = {
			.base_us = rng_below(&rng, 1000),
			.mbps = rng_below(&rng, 3) ? 1 + rng_below(&rng, 8000) : 0,
			.channels = rng_below(&rng, 3) ? rng_below(&rng, 300) : 0,
			.channel_mbps = rng_below(&rng, 3) ? 1 + rng_below(&rng, 3000) : 0,
			.chunk_kb = rng_below(&rng, 2) ? rng_below(&rng, 64) : 0,
			.iops = rng_below(&rng, 3) ? 0 : 1 + rng_below(&rng, 100000),
			.iops_burst = rng_below(&rng, 200),
			.seek_us = rng_below(&rng, 2) ? rng_below(&rng, 9000) : 0,
		};
		u32 bytes = 512 * (1 + rng_below(&rng, 1024));
		u64 at = rng_below(&rng, SECTORS - 1024);
		u64 due = testblk_model_submit(&model, &spec, at, bytes,
					       now - rng_below(&rng, 1000));

		assert_true(due >= now - 1000 + spec.base_us * US);
		assert_true(model.channels <= TESTBLK_MAX_CHANNELS);
		now += rng_below(&rng, 1000 * US);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_takes_no_time),
		cmocka_unit_test(link_is_shared),
		cmocka_unit_test(channels_serve_at_once),
		cmocka_unit_test(first_free_channel_is_taken),
		cmocka_unit_test(long_request_uses_channels),
		cmocka_unit_test(link_is_cut_through),
		cmocka_unit_test(cap_holds),
		cmocka_unit_test(cap_holds_in_any_window),
		cmocka_unit_test(long_request_takes_tokens),
		cmocka_unit_test(random_places_cost_the_mean_seek),
		cmocka_unit_test(seek_grows_with_the_way),
		cmocka_unit_test(pieces_of_a_request_cost_one_seek),
		cmocka_unit_test(in_order_costs_no_seek),
		cmocka_unit_test(any_device_gives_a_sane_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
