// SPDX-License-Identifier: GPL-2.0-only
/*
 * The outer experiment: how units are drawn for its arms, and with which probability an
 * action is logged.
 */
#include "unit.h"

#include "outer.h"
#include "rng.h"

#define HOLD	1000000000ULL
#define UNITS	40000

static struct outer_draw draw_of(u32 share, bool entity)
{
	return (struct outer_draw){ .seed = 42, .hold_ns = HOLD, .entity = entity, .share = share };
}

static void each_arm_has_half_of_the_share(void **state)
{
	static const u32 shares[] = { 0, 4096, 32768, 49152, MLPROXY_SHARE_ONE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shares); i++) {
		struct outer_draw draw = draw_of(shares[i], true);
		int by[3] = { 0 };

		for (u64 key = 0; key < UNITS; key++) {
			u8 arm = outer_place(&draw, key, 77 * HOLD + 5).arm;

			by[arm == MLPROXY_ARM_NONE ? 2 : arm]++;
		}
		for (int arm = 0; arm < 2; arm++) {
			double expected = UNITS * (shares[i] / 65536.0) / 2;

			/* 5 standard deviations of a binomial */
			assert_true(abs(by[arm] - (int)expected) <= 500);
			if (!shares[i])
				assert_int_equal(by[arm], 0);
		}
		if (shares[i] == MLPROXY_SHARE_ONE)
			assert_int_equal(by[2], 0);
	}
}

static bool is_partner(const struct outer_place *a, const struct outer_place *b)
{
	return a->group == b->group && b->arm == (a->arm == MLPROXY_ARM_MODEL ?
						  MLPROXY_ARM_BASELINE : MLPROXY_ARM_MODEL);
}

/* Beside each period in the experiment is one of the other arm and of its group. */
static void pairs_have_both_arms(void **state)
{
	(void)state;
	for (int entity = 0; entity < 2; entity++) {
		struct outer_draw draw = draw_of(32768, entity);
		int first[2] = { 0 }, in = 0;

		for (u64 i = 2; i < 4000; i++) {
			u64 key = entity ? i % 50 : 0, now = i * HOLD + HOLD / 3;
			struct outer_place p = outer_place(&draw, key, now);
			struct outer_place before = outer_place(&draw, key, now - HOLD);
			struct outer_place after = outer_place(&draw, key, now + HOLD);

			if (p.arm == MLPROXY_ARM_NONE)
				continue;
			assert_true(is_partner(&p, &before) || is_partner(&p, &after));
			in++;
			first[p.arm] += !is_partner(&p, &before);
		}
		assert_true(in > 1500);
		/* the order is drawn */
		assert_true(first[0] > in / 6 && first[1] > in / 6);
	}
}

static void shares_by_stage(void **state)
{
	(void)state;
	assert_int_equal(outer_share(8192, false, false), 8192);
	assert_int_equal(outer_share(8192, true, false), OUTER_RAMP_SHARE);
	assert_int_equal(outer_share(8192, false, true), OUTER_DOUBT_SHARE);
	assert_int_equal(outer_share(60000, false, true), 60000);
	/* switched off is off */
	assert_int_equal(outer_share(0, true, false), 0);
	assert_int_equal(outer_share(0, false, true), 0);
}

/* An arm is held: nothing changes within a period, whatever the moment. */
static void arms_are_held(void **state)
{
	struct outer_draw draw = draw_of(32768, true);
	struct rng rng = rng_seed(1);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		u64 key = rng_u64(&rng) % 100, now = rng_u64(&rng) % (1000 * HOLD) + HOLD;
		struct outer_place p = outer_place(&draw, key, now), q;

		assert_true(p.into_ns < HOLD && p.group < 64);
		q = outer_place(&draw, key, now - p.into_ns);
		assert_int_equal(q.arm, p.arm);
		assert_int_equal(q.group, p.group);
		assert_int_equal(q.into_ns, 0);
	}
}

static void windows_are_the_same_for_all(void **state)
{
	struct outer_draw draw = draw_of(32768, false), other = draw;
	int differ = 0;

	(void)state;
	other.seed++;
	for (u64 now = 0; now < 500 * HOLD; now += HOLD / 3) {
		struct outer_place p = outer_place(&draw, 1, now), q = outer_place(&draw, 2, now);

		assert_int_equal(p.arm, q.arm);
		assert_int_equal(p.into_ns, q.into_ns);
		differ += outer_place(&other, 1, now).arm != p.arm;
	}
	assert_true(differ > 300);
}

/* The logged probabilities are those that the arms are drawn with. */
static void probabilities_add_up(void **state)
{
	struct rng rng = rng_seed(2);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		u32 nr = 2 + rng_u64(&rng) % 6, allowed = (1U << nr) - 1;
		u32 share = rng_u64(&rng) % 32768, explore = rng_u64(&rng) % 8192;
		u32 base = rng_u64(&rng) % 32768, model = rng_u64(&rng) % 2 ? base : 0;
		u32 baseline = rng_u64(&rng) % nr, candidate = rng_u64(&rng) % nr;
		u64 sum = 0;

		for (u32 action = 0; action < nr; action++)
			sum += outer_prob(split_prob(action, baseline, candidate, allowed, share,
						     explore),
					  base, model, action == baseline, action == candidate);
		assert_true(sum <= MLPROXY_PROB_ONE && sum > MLPROXY_PROB_ONE - nr - 1);
	}
	/* by hand: a quarter held to each arm, the rest one half to the policy */
	assert_int_equal(outer_prob(MLPROXY_PROB_ONE / 2, 16384, 16384, false, true),
			 MLPROXY_PROB_ONE / 2);
	assert_int_equal(outer_prob(0, 16384, 16384, true, false), MLPROXY_PROB_ONE / 4);
	assert_int_equal(outer_prob(MLPROXY_PROB_ONE, 0, 0, true, true), MLPROXY_PROB_ONE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_arm_has_half_of_the_share),
		cmocka_unit_test(pairs_have_both_arms),
		cmocka_unit_test(shares_by_stage),
		cmocka_unit_test(arms_are_held),
		cmocka_unit_test(windows_are_the_same_for_all),
		cmocka_unit_test(probabilities_add_up),
	};

	return cmocka_run_group_tests_name("outer", tests, NULL, NULL);
}
