// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long blocks live: bins and their edges by hand, and what is learnt from lives that are
 * known, with survivors that nobody waits for.
 */
#include "unit.h"
#include "rng.h"
#include "f2fs/evaluator/survival.h"

#define UNIT	100u
#define CAPACITY (1024 * UNIT)

static void edges_are_where_bins_begin(void **state)
{
	(void)state;
	assert_int_equal(surv_bin(0, UNIT), 0);
	assert_int_equal(surv_bin(UNIT - 1, UNIT), 0);
	assert_int_equal(surv_bin(UNIT, UNIT), 1);
	assert_int_equal(surv_bin(~0u, UNIT), SURV_BINS - 1);
	for (u32 bin = 1; bin < SURV_BINS; bin++) {
		u32 edge = surv_edge(bin, UNIT);

		if (bin == 2) {		/* empty: half of one unit */
			assert_int_equal(edge, surv_edge(3, UNIT));
			continue;
		}
		assert_int_equal(surv_bin(edge, UNIT), bin);
		assert_true(surv_bin(edge - 1, UNIT) < bin);
	}
	assert_int_equal(surv_edge(SURV_BINS - 1, UNIT), 4 * CAPACITY);
}

/* A block of @age that dies, or is alive still. */
static void lived(struct surv *s, u32 age, bool died)
{
	u32 last = surv_bin(age, UNIT);

	for (u32 bin = 0; bin <= last; bin++)
		surv_enter(s, bin);
	if (died)
		surv_die(s, last);
}

static void a_context_is_learnt(void **state)
{
	struct surv s = {};

	(void)state;
	/* nine of ten die young, the tenth never does */
	for (int i = 0; i < 10000; i++)
		lived(&s, i % 10 ? 5 * UNIT : 3 * CAPACITY, i % 10);
	assert_in_range(surv_within(&s, NULL, 0, 10 * UNIT, UNIT), SURV_ONE * 85 / 100,
			SURV_ONE * 95 / 100);
	assert_in_range(surv_median(&s, NULL, 0, UNIT), 4 * UNIT, 7 * UNIT);
	/* and what got older than that is there to stay */
	assert_true(surv_within(&s, NULL, 20 * UNIT, CAPACITY, UNIT) < SURV_ONE / 100);
	assert_true(surv_median(&s, NULL, 20 * UNIT, UNIT) > CAPACITY);
}

/* Half of a bin's time is half of its deaths. */
static void a_part_of_a_bin_counts_in_part(void **state)
{
	u32 low = surv_edge(11, UNIT), high = surv_edge(12, UNIT), all, half;
	struct surv s = {};

	(void)state;
	for (int i = 0; i < 1000; i++)
		lived(&s, low, i % 5 == 0);
	all = surv_within(&s, NULL, low, high - low - 1, UNIT);
	half = surv_within(&s, NULL, low, (high - low) / 2, UNIT);
	assert_in_range(all, SURV_ONE * 18 / 100, SURV_ONE * 21 / 100);
	assert_in_range(half, all * 45 / 100, all * 55 / 100);
}

/* Those that are still alive must not make the dead look like all there are. */
static void survivors_are_censored(void **state)
{
	struct surv s = {};
	u32 within;

	(void)state;
	/* exponential with a tenth of the capacity; looked at after a twentieth */
	for (int i = 0; i < 4000; i++)
		lived(&s, CAPACITY / 20, false);
	for (int i = 0; i < 4000; i++)
		lived(&s, CAPACITY / 40, i % 2);
	within = surv_within(&s, NULL, 0, CAPACITY / 22, UNIT);
	/* 2000 of 8000 died; the share of the dead alone would say all */
	assert_in_range(within, SURV_ONE * 20 / 100, SURV_ONE * 30 / 100);
}

static void little_seen_is_the_parents_word(void **state)
{
	struct surv parent = {}, child = {};

	(void)state;
	for (int i = 0; i < 10000; i++)
		lived(&parent, 3 * UNIT, true);
	assert_true(surv_median(&child, &parent, 0, UNIT) < 6 * UNIT);
	for (int i = 0; i < 2000; i++)
		lived(&child, 2 * CAPACITY, false);
	assert_true(surv_median(&child, &parent, 0, UNIT) > CAPACITY);
}

/* However many there were, the shares stay, and a change is seen. */
static void what_is_old_is_forgotten(void **state)
{
	struct surv s = {};

	(void)state;
	for (int i = 0; i < 300000; i++)
		lived(&s, 3 * UNIT, i % 4 == 0);
	assert_in_range(surv_within(&s, NULL, 0, 4 * UNIT - 1, UNIT), SURV_ONE * 22 / 100,
			SURV_ONE * 28 / 100);
	for (int i = 0; i < 100000; i++)
		lived(&s, 3 * UNIT, true);
	assert_true(surv_within(&s, NULL, 0, 4 * UNIT - 1, UNIT) > SURV_ONE * 90 / 100);
}

/* Probabilities, and those of more time are no less; whatever was counted. */
static void more_time_is_more_death(void **state)
{
	struct rng rng = { 7 };

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct surv s = {}, parent = {};
		u32 age = (u32)rng_below(&rng, 5 * CAPACITY), before = 0;

		for (int i = 0; i < 200; i++) {
			lived(&s, (u32)rng_below(&rng, 5 * CAPACITY), rng_below(&rng, 2));
			lived(&parent, (u32)rng_below(&rng, CAPACITY), rng_below(&rng, 2));
		}
		for (u32 horizon = 0; horizon < 4 * CAPACITY; horizon += CAPACITY / 16) {
			u32 within = surv_within(&s, &parent, age, horizon, UNIT);

			assert_true(within <= SURV_ONE);
			assert_true(within >= before);
			before = within;
		}
	}
}

/* A section is not worth cleaning because its blocks live long, if there is nothing to free. */
static void cost_is_that_of_a_freed_block(void **state)
{
	u32 full = surv_clean_cost(511, 0, 3, 512), half = surv_clean_cost(256, 0, 3, 512);
	u32 dying = surv_clean_cost(256, 256 * 256, 3, 512);

	(void)state;
	assert_true(half < dying);
	assert_true(dying < full);
	assert_int_equal(surv_clean_cost(0, 0, 3, 512), 0);
	assert_int_equal(surv_clean_cost(512, 0, 3, 512), ~0u);
	assert_true(surv_clean_cost((1u << 30) - 1, 1u << 30, 1000, 1u << 30) < ~0u);
	/* what greedy would do where nothing is known */
	for (u32 valid = 1; valid < 512; valid++)
		assert_true(surv_clean_cost(valid - 1, 0, 3, 512) <
			    surv_clean_cost(valid, 0, 3, 512));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges_are_where_bins_begin),
		cmocka_unit_test(a_context_is_learnt),
		cmocka_unit_test(a_part_of_a_bin_counts_in_part),
		cmocka_unit_test(survivors_are_censored),
		cmocka_unit_test(little_seen_is_the_parents_word),
		cmocka_unit_test(what_is_old_is_forgotten),
		cmocka_unit_test(more_time_is_more_death),
		cmocka_unit_test(cost_is_that_of_a_freed_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
