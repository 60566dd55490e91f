// SPDX-License-Identifier: GPL-2.0-only
/*
 * The confidence sequence in integer arithmetic against the same formulas in floating
 * point, at random and at the extremes.
 */
#include "unit.h"
#include <math.h>

#include "efficiency.h"
#include "rng.h"
#include "scaled.h"

#define Q16	65536.0

static const struct eff_test usual = { .alpha_ppm = 50000, .trial = 1, .min_samples = 200 };

/* What the reference knows of an arm. */
struct ref_arm {
	long double n, mean, m2, var_mean, units, groups;
};

static struct ref_arm ref_arm(const struct eff_sums *sums, int arm, bool clustered)
{
	const struct eff_arm *a = &sums->arm[arm];
	long double sq = ldexpl(a->sq_hi, 64) + a->sq_lo, res = 0, squares = 0;
	struct ref_arm r = { .n = a->n, .mean = (long double)a->sum / a->n };

	r.m2 = sq - r.n * r.mean * r.mean;
	r.units = r.n;
	r.var_mean = (r.m2 + 1) / (r.n * (r.n - 1));
	if (!clustered)
		return r;
	for (int g = 0; g < EFF_CLUSTERS; g++) {
		const struct eff_group *group = &sums->group[arm][g];
		long double d = group->sum - r.mean * group->n;

		r.groups += group->n > 0;
		res += d * d;
		squares += (long double)group->n * group->n;
	}
	r.units = r.n * r.n / squares;
	res = res * r.units / (r.units - 1) + r.n / r.units;
	r.var_mean = res / (r.n * r.n);
	return r;
}

static long double ref_radius(const struct ref_arm *a, const struct ref_arm *b,
			      const struct eff_test *test)
{
	long double v = a->var_mean + b->var_mean;
	long double n_eff = a->units * b->units / (a->units + b->units), r, z2, c, nu;

	if (test->clustered) {
		n_eff = fmaxl(n_eff, (a->m2 + b->m2) / (a->n + b->n - 2) / v);
		r = n_eff / EFF_MIN_CLUSTERS;
	} else {
		r = n_eff / test->min_samples;
	}
	z2 = (1 + 1 / r) * (logl(1 + r) +
			    2 * (logl(1e6L / test->alpha_ppm) + test->trial * logl(2)));
	nu = fminl(a->units, b->units) - 1;
	c = (8 * nu + 3) / (8 * nu + 1);
	return sqrtl(v * nu * expm1l(c * c * z2 / nu));
}

/* Within 2 of 2^-16 units, or of 2^-30 relative; ends outside by 4 at most. */
static void assert_as_reference(const struct eff_sums *sums, const struct eff_test *test)
{
	struct ref_arm a = ref_arm(sums, MLPROXY_ARM_BASELINE, test->clustered);
	struct ref_arm b = ref_arm(sums, MLPROXY_ARM_MODEL, test->clustered);
	long double gain = (test->lower_is_better ? a.mean - b.mean : b.mean - a.mean) * Q16;
	long double radius = ref_radius(&a, &b, test) * Q16;
	long double slack = 2 + radius * 0x1p-30;
	struct mlproxy_evidence e = { .value = 5, .limit = 6, .model_version = 7 };

	eff_judge(sums, test, &e);
	assert_int_equal(e.n[0], sums->arm[0].n);
	assert_int_equal(e.n[1], sums->arm[1].n);
	assert_true(fabsl(e.mean_q16[0] - a.mean * Q16) <= 1);
	assert_true(fabsl(e.mean_q16[1] - b.mean * Q16) <= 1);
	assert_true(fabsl(e.sd_q16[0] - sqrtl(a.m2 / (a.n - 1)) * Q16) <= slack);
	assert_true(fabsl(e.sd_q16[1] - sqrtl(b.m2 / (b.n - 1)) * Q16) <= slack);
	assert_true(fabsl(e.gain_q16 - gain) <= 1);
	assert_true(e.low_q16 <= gain - radius + slack && e.low_q16 >= gain - radius - 2 * slack);
	assert_true(e.high_q16 >= gain + radius - slack &&
		    e.high_q16 <= gain + radius + 2 * slack);
	assert_int_equal(e.value, 5);
	assert_int_equal(e.limit, 6);
	assert_int_equal(e.model_version, 7);
}

static void random_sums(struct rng *rng, struct eff_sums *sums, bool clustered)
{
	int64_t span = 1LL << rng_below(rng, 31), offset = rng_range(rng, -span, span);
	u32 n = 200 + rng_below(rng, 2000);

	memset(sums, 0, sizeof(*sums));
	for (int arm = 0; arm < 2; arm++) {
		for (u32 i = 0; i < n; i++) {
			u32 group = clustered ? rng_below(rng, EFF_CLUSTERS) : EFF_CLUSTERS;
			int64_t reward = offset + rng_range(rng, -span, span) / 2;

			eff_add(sums, arm, group, reward > S32_MAX ? S32_MAX :
				reward < S32_MIN ? S32_MIN : reward);
		}
		n = 200 + rng_below(rng, 2000);
	}
}

static void matches_the_reference(void **state)
{
	struct rng rng = rng_seed(21);
	struct eff_sums sums;

	(void)state;
	for (int i = 0; i < 400; i++) {
		struct eff_test test = usual;

		test.alpha_ppm = 1 + rng_below(&rng, 500000);
		test.trial = 1 + rng_below(&rng, 40);
		test.min_samples = 2 + rng_below(&rng, 199);
		test.clustered = i & 1;
		test.lower_is_better = i & 2;
		random_sums(&rng, &sums, test.clustered);
		assert_as_reference(&sums, &test);
	}
}

static void too_few_give_no_interval(void **state)
{
	struct eff_sums sums = { 0 };
	struct mlproxy_evidence e = { 0 };

	(void)state;
	eff_judge(&sums, &usual, &e);
	assert_true(e.low_q16 == S64_MIN && e.high_q16 == S64_MAX && e.gain_q16 == 0);
	for (int i = 0; i < 199; i++) {
		eff_add(&sums, 0, EFF_CLUSTERS, i & 1);
		eff_add(&sums, 1, EFF_CLUSTERS, 1000 + (i & 1));
		eff_judge(&sums, &usual, &e);
		assert_true(e.low_q16 == S64_MIN && e.high_q16 == S64_MAX);
	}
	eff_add(&sums, 0, EFF_CLUSTERS, 0);
	eff_judge(&sums, &usual, &e);
	assert_true(e.low_q16 == S64_MIN && e.high_q16 == S64_MAX);
	eff_add(&sums, 1, EFF_CLUSTERS, 1000);
	eff_judge(&sums, &usual, &e);
	assert_true(e.low_q16 > 0 && e.high_q16 < S64_MAX);
	assert_int_equal(e.clusters, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_the_reference),
		cmocka_unit_test(too_few_give_no_interval),
	};

	return cmocka_run_group_tests_name("efficiency", tests, NULL, NULL);
}
