// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the verdicts are made of: the estimator of the outer experiment against floating
 * point, and outcomes in several contexts.
 */
#include "unit.h"
#include <math.h>

#include "efficiency.h"
#include "mode_rules.h"
#include "rng.h"
#include "unit_real.h"

/* ------------------------------------------------------------------ */
/* The outer experiment                                                */

/* Against the same in floating point. */
static void outer_estimate(void **state)
{
	struct eff_test test = { .alpha_ppm = 50000, .trial = 1 };
	struct rng rng = rng_seed(3);
	struct mlproxy_evidence e;

	(void)state;
	for (int run = 0; run < 200; run++) {
		struct eff_sums costs = { 0 };
		double n[2] = { 0 }, s[2] = { 0 }, ratio[2], v[2] = { 0 }, all = 0, squares = 0;
		double k, r, z2, nu, c, radius[2], gain;
		int groups = 8 + rng_u64(&rng) % 57;
		u64 scale = 1ULL << rng_u64(&rng) % 34;

		for (int g = 0; g < groups; g++)
			for (u32 arm = 0; arm < 2; arm++)
				eff_add_cost(&costs, arm, g, rng_u64(&rng) % 1000 * scale,
					     (1 + rng_u64(&rng) % 2000) * scale);
		for (u32 arm = 0; arm < 2; arm++) {
			for (int g = 0; g < 64; g++) {
				n[arm] += costs.group[arm][g].n;
				s[arm] += costs.group[arm][g].sum;
			}
			ratio[arm] = s[arm] / n[arm];
		}
		for (int g = 0; g < 64; g++) {
			double own[2], w = 0;

			for (u32 arm = 0; arm < 2; arm++) {
				own[arm] = (costs.group[arm][g].sum -
					    ratio[arm] * costs.group[arm][g].n) / n[arm];
				w += costs.group[arm][g].n;
			}
			v[0] += (own[1] - own[0]) * (own[1] - own[0]);
			v[1] += (own[1] - 1.1 * own[0]) * (own[1] - 1.1 * own[0]);
			all += w;
			squares += w * w;
		}
		k = all * all / squares;
		r = k / EFF_MIN_UNITS;
		z2 = (1 + 1 / r) * (log(1 + r) + 2 * log(2 / 0.05));
		nu = k - 1;
		c = (8 * nu + 3) / (8 * nu + 1);
		for (int i = 0; i < 2; i++)
			radius[i] = sqrt(v[i] * k / (k - 1) * nu * expm1(c * c * z2 / nu)) / ratio[0];
		gain = 1 - ratio[1] / ratio[0];
		eff_outer_judge(&costs, &test, 6554, &e);
		assert_int_equal(e.clusters, groups);
		assert_true(fabs(e.gain_q16 / 65536.0 - (1 - ratio[1] / ratio[0])) < 1e-4);
		assert_true(fabs(e.high_q16 / 65536.0 - gain - radius[0]) < 0.002 * radius[0] + 1e-3);
		radius[1] = fmax(radius[0], radius[1]);
		assert_true(fabs(gain - e.low_q16 / 65536.0 - radius[1]) < 0.002 * radius[1] + 1e-3);
	}
}

/* Nothing was paid: nothing is known, and nothing traps. */
static void outer_without_costs(void **state)
{
	struct eff_test test = { .alpha_ppm = 50000, .trial = 1 };
	struct eff_sums costs = { 0 };
	struct mlproxy_evidence e;

	(void)state;
	eff_outer_judge(&costs, &test, 6554, &e);
	assert_int_equal(e.low_q16, S64_MIN);
	for (int g = 0; g < 64; g++)
		eff_add_cost(&costs, MLPROXY_ARM_MODEL, g, 10, 10);
	eff_outer_judge(&costs, &test, 6554, &e);
	assert_int_equal(e.low_q16, S64_MIN);
	for (int g = 0; g < 64; g++)
		eff_add_cost(&costs, MLPROXY_ARM_BASELINE, g, 0, 10);
	eff_outer_judge(&costs, &test, 6554, &e);
	/* the baseline pays nothing, the model does */
	assert_true(e.high_q16 < 0);
	assert_int_equal(e.gain_q16, -65536);
}

/* ------------------------------------------------------------------ */
/* Strata                                                              */

/* The model is better in both contexts, but is met more often in the worse one. */
static void pooling_can_not_turn_the_sign(void **state)
{
	struct eff_test test = { .alpha_ppm = 50000, .trial = 1, .min_samples = 200 };
	struct eff_sums sums = { 0 };
	struct mlproxy_evidence e;
	u32 group = EFF_CLUSTERS;

	(void)state;
	for (int i = 0; i < 40000; i++) {
		u32 arm = i & 1, stratum = i / 2 % 10 < (arm ? 8 : 2);
		s64 reward = (i & 2 ? 50 : -50) + (stratum ? -300 : 300) + (arm ? 20 : 0);

		eff_add(&sums, arm, group, reward);
		eff_add_stratum(&sums, arm, stratum, reward);
	}
	eff_judge(&sums, &test, &e);
	assert_true(e.high_q16 < 0);
	test.strata = 2;
	eff_judge(&sums, &test, &e);
	assert_int_equal(e.strata, 2);
	assert_int_equal((e.gain_q16 + 32768) >> 16, 20);
	assert_true(e.low_q16 > 0);
	assert_int_equal(e.n[0] + e.n[1], 40000);
	/* a context that one arm has not met tells nothing */
	eff_add_stratum(&sums, MLPROXY_ARM_MODEL, 2, 100000);
	test.strata = 4;
	eff_judge(&sums, &test, &e);
	assert_int_equal(e.strata, 2);
	assert_int_equal((e.gain_q16 + 32768) >> 16, 20);
}

/* Units that depend on each other across contexts: the interval holds. */
static void clustered_strata_cover(void **state)
{
	struct eff_test test = { .alpha_ppm = 50000, .trial = 1, .min_samples = 50,
				 .clustered = true, .strata = 4 };
	struct rng rng = rng_seed(5);
	int wrong = 0;

	(void)state;
	for (int run = 0; run < 200; run++) {
		struct eff_sums sums = { 0 };
		struct mlproxy_evidence e;

		for (u32 unit = 0; unit < 400; unit++) {
			s64 common = (s64)(rng_u64(&rng) % 1000) - 500;
			u32 arm = unit & 1;

			for (u32 i = 0; i < 8; i++) {
				s64 reward = common + (s64)(rng_u64(&rng) % 100);
				u32 k = i & 3;

				eff_add(&sums, arm, eff_stratum_group(unit / 2 & 63, k, 4), reward);
				eff_add_stratum(&sums, arm, k, reward);
			}
		}
		eff_judge(&sums, &test, &e);
		assert_int_equal(e.strata, 4);
		assert_true(e.low_q16 != S64_MIN);
		wrong += e.low_q16 > 0 || e.high_q16 < 0;
	}
	/* alpha is 5 % */
	assert_true(wrong <= 10);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(outer_estimate),
		cmocka_unit_test(outer_without_costs),
		cmocka_unit_test(pooling_can_not_turn_the_sign),
		cmocka_unit_test(clustered_strata_cover),
	};

	return cmocka_run_group_tests_name("estimates", tests, NULL, NULL);
}
