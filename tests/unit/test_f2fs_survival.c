// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long blocks live: bins and their edges by hand, and what is learnt from lives that are
 * known, with survivors that nobody waits for.
 */
#include "unit.h"
#include "rng.h"
#include "f2fs/evaluator/follow.h"

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

static struct surv_curve curve_of(const struct surv *s, const struct surv *wider)
{
	struct surv_chain chain = { { wider ? wider : s, s }, wider ? 2 : 1 };
	struct surv_curve curve;

	surv_curve(&curve, &chain);
	return curve;
}

static u32 within(const struct surv *s, const struct surv *wider, u32 age, u32 horizon)
{
	struct surv_curve curve = curve_of(s, wider);

	return surv_within(&curve, age, horizon, UNIT);
}

static u32 median(const struct surv *s, const struct surv *wider, u32 age)
{
	struct surv_curve curve = curve_of(s, wider);

	return surv_median(&curve, age, UNIT);
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
	assert_in_range(within(&s, NULL, 0, 10 * UNIT), SURV_ONE * 85 / 100,
			SURV_ONE * 95 / 100);
	assert_in_range(median(&s, NULL, 0), 4 * UNIT, 7 * UNIT);
	/* and what got older than that is there to stay */
	assert_true(within(&s, NULL, 20 * UNIT, CAPACITY) < SURV_ONE / 100);
	assert_true(median(&s, NULL, 20 * UNIT) > CAPACITY);
}

/* Half of a bin's time is half of its deaths. */
static void a_part_of_a_bin_counts_in_part(void **state)
{
	u32 low = surv_edge(11, UNIT), high = surv_edge(12, UNIT), all, half;
	struct surv s = {};

	(void)state;
	for (int i = 0; i < 1000; i++)
		lived(&s, low, i % 5 == 0);
	all = within(&s, NULL, low, high - low - 1);
	half = within(&s, NULL, low, (high - low) / 2);
	assert_in_range(all, SURV_ONE * 18 / 100, SURV_ONE * 21 / 100);
	assert_in_range(half, all * 45 / 100, all * 55 / 100);
}

/* Those that are still alive must not make the dead look like all there are. */
static void survivors_are_censored(void **state)
{
	struct surv s = {};
	u32 share;

	(void)state;
	/* exponential with a tenth of the capacity; looked at after a twentieth */
	for (int i = 0; i < 1500; i++)
		lived(&s, CAPACITY / 20, false);
	for (int i = 0; i < 1500; i++)
		lived(&s, CAPACITY / 40, i % 2);
	share = within(&s, NULL, 0, CAPACITY / 22);
	/* 750 of 3000 died; the share of the dead alone would say all */
	assert_in_range(share, SURV_ONE * 20 / 100, SURV_ONE * 30 / 100);
}

static void little_seen_is_the_parents_word(void **state)
{
	struct surv parent = {}, child = {};

	(void)state;
	for (int i = 0; i < 10000; i++)
		lived(&parent, 3 * UNIT, true);
	assert_true(median(&child, &parent, 0) < 6 * UNIT);
	for (int i = 0; i < 2000; i++)
		lived(&child, 2 * CAPACITY, false);
	assert_true(median(&child, &parent, 0) > CAPACITY);
}

/* However many there were, the shares stay, and a change is seen. */
static void what_is_old_is_forgotten(void **state)
{
	struct surv s = {};

	(void)state;
	for (int i = 0; i < 300000; i++)
		lived(&s, 3 * UNIT, i % 4 == 0);
	assert_in_range(within(&s, NULL, 0, 4 * UNIT - 1), SURV_ONE * 22 / 100,
			SURV_ONE * 28 / 100);
	for (int i = 0; i < 100000; i++)
		lived(&s, 3 * UNIT, true);
	assert_true(within(&s, NULL, 0, 4 * UNIT - 1) > SURV_ONE * 90 / 100);
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
			u32 share = within(&s, &parent, age, horizon);

			assert_true(share <= SURV_ONE);
			assert_true(share >= before);
			before = share;
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

/* Followed as the evaluator does: half die at once, half never, and it is the same all the time. */
static void survivors_are_counted_as_soon_as_the_dead(void **state)
{
	static struct surv_followed blocks[16384];
	struct surv_sample sample = { .blocks = blocks, .nr = ARRAY_SIZE(blocks) };
	u16 id, doomed[8 * UNIT] = {};
	struct surv s = {};

	(void)state;
	/* a twentieth of the capacity is written, blocks die at 8 units or not */
	for (u32 now = 0; now < CAPACITY / 20; now++) {
		id = doomed[now % ARRAY_SIZE(doomed)];
		if (id) {
			surv_die(&s, blocks[id].bin);
			surv_leave(&sample, id);
		}
		id = surv_follow(&sample, now, 7);
		assert_true(id);
		surv_enter(&s, 0);
		doomed[now % ARRAY_SIZE(doomed)] = now % 2 ? id : 0;
		for (u32 bin = SURV_BINS; bin-- > 0;)
			while ((id = surv_step(&sample, bin, now, UNIT))) {
				assert_int_equal(blocks[id].context, 7);
				assert_int_equal(blocks[id].bin,
						 surv_bin(now - blocks[id].born, UNIT));
				surv_enter(&s, blocks[id].bin);
			}
	}
	assert_in_range(within(&s, NULL, 0, 12 * UNIT), SURV_ONE * 45 / 100, SURV_ONE * 55 / 100);
	/* those are over, and nothing is known to come */
	assert_true(within(&s, NULL, 12 * UNIT, 12 * UNIT) < SURV_ONE / 100);
}

/* Room that is given back is taken again, and none is found twice. */
static void a_full_sample_says_so(void **state)
{
	struct surv_followed blocks[5];
	struct surv_sample sample = { .blocks = blocks, .nr = 5 };
	u16 ids[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		ids[i] = surv_follow(&sample, 10, 0);
		assert_int_equal(ids[i], i + 1);
	}
	assert_int_equal(surv_follow(&sample, 10, 0), 0);
	surv_leave(&sample, ids[2]);
	surv_leave(&sample, ids[0]);
	assert_int_equal(surv_follow(&sample, 20, 0), ids[0]);
	assert_int_equal(surv_follow(&sample, 20, 0), ids[2]);
	/* the oldest first, and the bin that is empty is passed over */
	assert_int_equal(surv_step(&sample, 0, 10 + UNIT, UNIT), ids[1]);
	assert_int_equal(surv_step(&sample, 0, 10 + UNIT, UNIT), ids[3]);
	assert_int_equal(surv_step(&sample, 0, 10 + UNIT, UNIT), 0);
	assert_int_equal(surv_step(&sample, 1, 10 + 2 * UNIT, UNIT), ids[1]);
	assert_int_equal(blocks[ids[1]].bin, SURV_EMPTY + 1);
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
		cmocka_unit_test(survivors_are_counted_as_soon_as_the_dead),
		cmocka_unit_test(a_full_sample_says_so),
		cmocka_unit_test(cost_is_that_of_a_freed_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
