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
	/* differences of large numbers */
	__float128 mean = (__float128)a->sum / a->n, d, res = 0, squares = 0;
	struct ref_arm r = { .n = a->n, .mean = (long double)mean };

	r.m2 = (__float128)((__uint128_t)a->sq_hi << 64 | a->sq_lo) - a->n * mean * mean;
	r.units = r.n;
	r.var_mean = (r.m2 + 1) / (r.n * (r.n - 1));
	if (!clustered)
		return r;
	for (int g = 0; g < EFF_CLUSTERS; g++) {
		const struct eff_group *group = &sums->group[arm][g];

		d = group->sum - mean * group->n;
		r.groups += group->n > 0;
		res += d * d;
		squares += (__float128)group->n * group->n;
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

/* Groups of @bits bits of outcomes at most, of a mean that varies by @spread. */
static void random_groups(struct rng *rng, struct eff_sums *sums, int bits, int64_t mean,
			  int64_t spread)
{
	memset(sums, 0, sizeof(*sums));
	for (int arm = 0; arm < 2; arm++) {
		struct eff_arm *a = &sums->arm[arm];
		__float128 squares = 0;
		__uint128_t whole;

		for (int g = 0; g < EFF_CLUSTERS; g++) {
			struct eff_group *group = &sums->group[arm][g];

			group->n = 100 + (rng_u64(rng) >> (64 - bits));
			group->sum = group->n * (mean + rng_range(rng, -spread, spread)) +
				     rng_range(rng, -50, 50);
			a->n += group->n;
			a->sum += group->sum;
			squares += (__float128)group->sum * group->sum / group->n;
		}
		whole = (__uint128_t)squares + a->n;
		a->sq_lo = (u64)whole;
		a->sq_hi = (u64)(whole >> 64);
	}
}

static void groups_of_all_sizes_and_means_match(void **state)
{
	struct rng rng = rng_seed(22);
	struct eff_sums sums;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		struct eff_test test = usual;
		int bits = 1 + rng_below(&rng, 24);
		int64_t spread = i & 1 ? 0 : 1LL << rng_below(&rng, 31);
		int64_t most = S32_MAX - spread;
		int64_t mean = i & 2 ? rng_range(&rng, -most, most) : i & 4 ? most : -most;

		test.clustered = true;
		test.lower_is_better = i & 8;
		random_groups(&rng, &sums, bits, mean, spread);
		assert_as_reference(&sums, &test);
		/* nanoseconds: sums up to 2^52 of as many */
		random_groups(&rng, &sums, 44, i & 16 ? 1 : 0, i & 1);
		assert_as_reference(&sums, &test);
		random_groups(&rng, &sums, 14, i & 16 ? S32_MAX : S32_MIN, 1 << 30);
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

static void clusters_gate_the_interval(void **state)
{
	struct eff_test test = usual;
	struct mlproxy_evidence e = { 0 };
	struct eff_sums sums = { 0 };

	(void)state;
	test.clustered = true;
	for (u32 g = 0; g < EFF_MIN_CLUSTERS - 1; g++) {
		for (int i = 0; i < 100; i++) {
			eff_add(&sums, 0, g, i & 1);
			eff_add(&sums, 1, g + 30, 1000 + (i & 1));
		}
	}
	eff_judge(&sums, &test, &e);
	assert_true(e.low_q16 == S64_MIN && e.high_q16 == S64_MAX);
	assert_int_equal(e.clusters, EFF_MIN_CLUSTERS - 1);
	for (int i = 0; i < 100; i++) {
		eff_add(&sums, 0, 60, i & 1);
		eff_add(&sums, 1, 61, 1000 + (i & 1));
	}
	eff_judge(&sums, &test, &e);
	assert_true(e.low_q16 > 0 && e.high_q16 < S64_MAX);
	assert_int_equal(e.clusters, EFF_MIN_CLUSTERS);
	assert_as_reference(&sums, &test);
	/* one giant among many dwarfs is not so many independent units */
	sums.group[0][60].n += 100000000;
	sums.arm[0].n += 100000000;
	eff_judge(&sums, &test, &e);
	assert_true(e.low_q16 == S64_MIN && e.high_q16 == S64_MAX);
}

/* The same outcomes, all of a cluster alike: the interval has to be far wider. */
static void clusters_widen_the_interval(void **state)
{
	struct eff_test test = usual;
	struct mlproxy_evidence by_outcome = { 0 }, by_group = { 0 };
	struct eff_sums sums = { 0 };
	struct rng rng = rng_seed(5);

	(void)state;
	for (u32 g = 0; g < EFF_CLUSTERS; g++) {
		int64_t common[] = { rng_range(&rng, -1000, 1000), rng_range(&rng, -1000, 1000) };

		for (int i = 0; i < 100; i++) {
			eff_add(&sums, 0, g, common[0]);
			eff_add(&sums, 1, g, common[1]);
		}
	}
	eff_judge(&sums, &test, &by_outcome);
	test.clustered = true;
	eff_judge(&sums, &test, &by_group);
	assert_as_reference(&sums, &test);
	assert_true(by_group.high_q16 - by_group.low_q16 >
		    5 * (by_outcome.high_q16 - by_outcome.low_q16));
}

static void equal_rewards_prove_little(void **state)
{
	struct mlproxy_evidence e = { 0 };
	struct eff_sums sums = { 0 };

	(void)state;
	for (int i = 0; i < 200; i++) {
		eff_add(&sums, 0, EFF_CLUSTERS, 1);
		eff_add(&sums, 1, EFF_CLUSTERS, 1);
	}
	eff_judge(&sums, &usual, &e);
	assert_int_equal(e.sd_q16[0], 0);
	/* not narrower than the chance that 200 did not fail allows: 1 % at least */
	assert_true(e.low_q16 < -655 && e.high_q16 > 655);
	assert_as_reference(&sums, &usual);
	/* one failure of the baseline's is no evidence */
	eff_add(&sums, 0, EFF_CLUSTERS, 0);
	eff_judge(&sums, &usual, &e);
	assert_true(e.gain_q16 > 0 && e.low_q16 < 0);
}

/* As many outcomes as 2^30 of the largest rewards, made from their sums. */
static void extremes_do_not_overflow(void **state)
{
	static const int64_t rewards[] = { S32_MIN, S32_MAX };
	struct eff_test test = usual;

	(void)state;
	for (int i = 0; i < 16; i++) {
		int64_t a = rewards[i & 1], b = rewards[i >> 1 & 1];
		struct eff_sums sums = { 0 }, more;

		test.clustered = i & 4;
		test.lower_is_better = i & 8;
		for (u32 g = 0; g < EFF_CLUSTERS; g++) {
			eff_add(&sums, 0, g, a);
			eff_add(&sums, 1, g, b);
		}
		eff_add(&sums, 0, 0, rewards[0]);
		eff_add(&sums, 1, 1, rewards[1]);
		for (int k = 0; k < 24; k++) {
			more = sums;
			eff_merge(&sums, &more, true);
		}
		assert_true(sums.arm[0].n > 1ULL << 30);
		assert_as_reference(&sums, &test);
	}
}

/* What a torn or hostile set of sums gives does not matter, but nothing may trap. */
static void nonsense_does_no_harm(void **state)
{
	struct rng rng = rng_seed(9);
	struct mlproxy_evidence e = { 0 };
	struct eff_sums sums, other = { 0 };
	s64 gain, limit;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct eff_test test = { .alpha_ppm = 1 + rng_below(&rng, 500000),
					 .trial = (u32)rng_u64(&rng) >> rng_below(&rng, 31),
					 .min_samples = 2 + rng_below(&rng, 1000),
					 .clustered = i & 1, .lower_is_better = i & 2 };
		u64 *word = (u64 *)&sums;

		for (size_t w = 0; w < sizeof(sums) / sizeof(*word); w++)
			word[w] = rng_u64(&rng) >> (w % 2 ? 0 : 24);
		for (u32 arm = 0; arm < 2; arm++) {
			sums.arm[arm].n = rng_u64(&rng) >> (24 + rng_below(&rng, 40));
			sums.arm[arm].sum = (s64)rng_u64(&rng) >> rng_below(&rng, 63);
			for (int g = 0; g < EFF_CLUSTERS; g++) {
				sums.group[arm][g].n = rng_u64(&rng) >> (30 + rng_below(&rng, 34));
				sums.group[arm][g].sum = (s64)rng_u64(&rng) >> 8;
			}
		}
		eff_judge(&sums, &test, &e);
		assert_true(e.low_q16 <= e.high_q16);
		eff_drop(&sums, &sums, &test, (u32)rng_u64(&rng), &gain, &limit);
		eff_drop(&sums, &other, &test, (u32)rng_u64(&rng), &gain, &limit);
		if (!eff_drop_suspected(&sums, &other, &test, 65536))
			assert_int_equal(eff_drop(&sums, &other, &test, 65536, &gain, &limit),
					 EFF_DROP_NONE);
		other = sums;
	}
}

static void difference_undoes_merge(void **state)
{
	struct rng rng = rng_seed(31);
	struct eff_sums a, b, both;

	(void)state;
	for (int i = 0; i < 20; i++) {
		random_sums(&rng, &a, true);
		random_sums(&rng, &b, i & 1);
		both = a;
		eff_merge(&both, &b, true);
		eff_difference(&both, &both, &a, true, EFF_MAX_STRATA);
		assert_memory_equal(&both, &b, sizeof(b));
	}
}

/* The k-th trial has the interval of alpha / 2^(k - 1) at the first. */
static void trials_halve_alpha(void **state)
{
	struct mlproxy_evidence first = { 0 }, third = { 0 };
	struct eff_test test = usual;
	struct rng rng = rng_seed(41);
	struct eff_sums sums;

	(void)state;
	random_sums(&rng, &sums, false);
	test.alpha_ppm = 10000;
	eff_judge(&sums, &test, &first);
	test.alpha_ppm = 40000;
	test.trial = 3;
	eff_judge(&sums, &test, &third);
	assert_true(labs(first.low_q16 - third.low_q16) <= 2);
	test.trial = 4;
	eff_judge(&sums, &test, &third);
	assert_true(third.low_q16 < first.low_q16 && third.high_q16 > first.high_q16);
}

static void direction_mirrors_the_gain(void **state)
{
	struct mlproxy_evidence up = { 0 }, down = { 0 };
	struct eff_test test = usual;
	struct rng rng = rng_seed(43);
	struct eff_sums sums;

	(void)state;
	random_sums(&rng, &sums, false);
	eff_judge(&sums, &test, &up);
	test.lower_is_better = true;
	eff_judge(&sums, &test, &down);
	assert_int_equal(up.gain_q16, -down.gain_q16);
	assert_int_equal(up.low_q16, -down.high_q16);
	assert_int_equal(up.high_q16, -down.low_q16);
}

static struct scaled div_bit_by_bit(struct scaled a, struct scaled b)
{
	__uint128_t rest = a.mant;
	u64 quotient = 0;

	for (int bit = 63; bit >= 0; bit--) {
		if (rest >= b.mant) {
			rest -= b.mant;
			quotient |= 1ULL << bit;
		}
		rest <<= 1;
	}
	return scaled_make(quotient, a.exp - b.exp - 63, a.neg != b.neg);
}

/* Is the integer @root the root of @square, but for what is cut off? */
static bool is_root(__uint128_t root, __uint128_t square)
{
	return root * root <= square && square - root * root <= 2 * root;
}

/* To the last bit, and where the digits of the estimates are at their limits. */
static void quotients_and_roots_are_exact(void **state)
{
	static const u64 edges[] = { 1ULL << 63, (1ULL << 63) + 1, U64_MAX, U64_MAX - 1,
				     0xffffffff00000000ULL, 0xfffffffeffffffffULL,
				     0x80000000ffffffffULL, 0x8000000100000000ULL };
	struct rng rng = rng_seed(48);

	(void)state;
	for (int i = 0; i < 400000; i++) {
		u64 word = rng_u64(&rng);
		u64 a = i & 1 ? edges[word % 8] : word | 1ULL << 63;
		u64 b = i & 2 ? edges[word / 8 % 8] : rng_u64(&rng) | 1ULL << 63;
		struct scaled x = { .mant = a, .exp = i % 3 }, y = { .mant = b };
		struct scaled got = scaled_div(x, y), want = div_bit_by_bit(x, y);
		struct scaled root = scaled_sqrt(x);
		s32 shift = x.exp & 1 ? 63 : 62;

		assert_true(got.mant == want.mant && got.exp == want.exp);
		assert_true(is_root(root.mant >> ((x.exp - shift) / 2 - root.exp),
				    (__uint128_t)a << shift));
	}
	assert_int_equal(scaled_div(scaled_u64(7), scaled_u64(0)).mant, 0);
	assert_int_equal(scaled_div(scaled_u64(0), scaled_u64(7)).mant, 0);
}

static void scaled_functions_are_exact_enough(void **state)
{
	struct rng rng = rng_seed(47);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		u64 a = rng_u64(&rng) >> rng_below(&rng, 64);
		u64 b = (rng_u64(&rng) >> rng_below(&rng, 64)) | 1;
		struct scaled x = scaled_div(scaled_u64(a | 1), scaled_u64(b));
		long double real = (long double)(a | 1) / b, small = real / (1 + real) * 60;
		struct scaled y = scaled_div(scaled_mul(x, scaled_u64(60)),
					     scaled_add(x, scaled_u64(1)));
		struct scaled e = scaled_expm1(y), root = scaled_sqrt(x);
		struct scaled diff = scaled_sub(scaled_u64(a), scaled_u64(b));
		s64 whole = (s64)(rng_u64(&rng) >> 2) - (1LL << 61);

		assert_true(fabsl(ldexpl(root.mant, root.exp) / sqrtl(real) - 1) < 0x1p-58);
		assert_true(fabsl(ldexpl(e.mant, e.exp) / expm1l(small) - 1) < 0x1p-50);
		assert_true(labs(scaled_to_s64(scaled_ln(x), 24, SCALED_NEAREST) -
				 lrintl(ldexpl(logl(real), 24))) <= 1);
		assert_true(scaled_to_s64(diff, 0, SCALED_NEAREST) ==
			    (a >= b ? (a - b > S64_MAX ? S64_MAX : (s64)(a - b)) :
			     (b - a > S64_MAX ? S64_MIN : -(s64)(b - a))));
		assert_true(scaled_to_s64(scaled_s64(whole), 0, SCALED_DOWN) == whole);
		assert_true(scaled_to_s64(scaled_s64(whole), -4, SCALED_DOWN) == whole >> 4);
		assert_true(scaled_to_s64(scaled_s64(whole), -4, SCALED_UP) == -(-whole >> 4));
		assert_true(scaled_to_s64(scaled_s64(whole), -64, SCALED_UP) == (whole > 0));
		assert_true(scaled_to_s64(scaled_s64(whole), -90, SCALED_DOWN) ==
			    -(whole < 0));
	}
}

static void drop_needs_bound_and_error(void **state)
{
	struct eff_sums reference = { 0 }, recent = { 0 };
	struct eff_test test = usual;
	s64 gain, limit;

	(void)state;
	for (int i = 0; i < 400; i++)
		eff_add(&reference, 0, EFF_CLUSTERS, i & 1 ? 100 : -100);
	for (int i = 0; i < 256; i++)
		eff_add(&recent, 1, EFF_CLUSTERS, -120 + (i & 1 ? 100 : -100));
	/* nothing to tell whose it is */
	assert_int_equal(eff_drop(&recent, &reference, &test, 65536, &gain, &limit),
			 EFF_DROP_UNSURE);
	assert_int_equal(gain, -120 * 65536);
	assert_true(limit < -100 * 65536 && limit > -101 * 65536);
	assert_int_equal(eff_drop(&recent, &reference, &test, 2 * 65536, &gain, &limit),
			 EFF_DROP_NONE);
	test.lower_is_better = true;
	assert_int_equal(eff_drop(&recent, &reference, &test, 65536, &gain, &limit),
			 EFF_DROP_NONE);
	test.lower_is_better = false;
	/* below the bound, but of few outcomes that vary wildly */
	memset(&recent, 0, sizeof(recent));
	for (int i = 0; i < 10; i++)
		eff_add(&recent, 1, EFF_CLUSTERS, -120 + (i & 1 ? 200 : -200));
	assert_int_equal(eff_drop(&recent, &reference, &test, 65536, &gain, &limit),
			 EFF_DROP_NONE);
}

static void drop_is_whose_it_is(void **state)
{
	struct eff_sums reference = { 0 }, fell = { 0 }, shared;
	s64 gain, limit;

	(void)state;
	for (int i = 0; i < 400; i++)
		eff_add(&reference, 0, EFF_CLUSTERS, i & 1 ? 100 : -100);
	for (int i = 0; i < 256; i++)
		eff_add(&fell, 1, EFF_CLUSTERS, -120 + (i & 1 ? 100 : -100));
	shared = fell;
	for (int i = 0; i < 7; i++) {
		eff_add(&fell, 0, EFF_CLUSTERS, i & 1 ? 100 : -100);
		eff_add(&shared, 0, EFF_CLUSTERS, -120);
		if (i == 3)
			assert_int_equal(eff_drop(&fell, &reference, &usual, 65536, &gain,
						  &limit), EFF_DROP_UNSURE);
	}
	assert_int_equal(eff_drop(&shared, &reference, &usual, 65536, &gain, &limit),
			 EFF_DROP_UNSURE);
	eff_add(&fell, 0, EFF_CLUSTERS, 100);
	eff_add(&shared, 0, EFF_CLUSTERS, -120);
	assert_int_equal(eff_drop(&fell, &reference, &usual, 65536, &gain, &limit),
			 EFF_DROP_MODEL);
	assert_int_equal(eff_drop(&shared, &reference, &usual, 65536, &gain, &limit),
			 EFF_DROP_SHARED);
	/* the stretch is its own reference */
	eff_merge(&fell, &reference, true);
	assert_int_equal(eff_drop(&fell, &fell, &usual, 65536, &gain, &limit),
			 EFF_DROP_MODEL);
}

/* Sums of many experiments wrap; those of one are right. */
static void differences_are_right_though_sums_wrap(void **state)
{
	struct eff_sums sums = {}, base;

	(void)state;
	sums.arm[0].sum = S64_MAX - 5;
	sums.group[0][3].sum = S64_MAX - 5;
	sums.arm[1].lost = U64_MAX;
	base = sums;
	for (int i = 0; i < 10; i++)
		eff_add(&sums, 0, 3, 100);
	sums.arm[1].lost += 3;
	eff_difference(&sums, &sums, &base, true, EFF_MAX_STRATA);
	assert_int_equal(sums.arm[0].n, 10);
	assert_int_equal(sums.arm[0].sum, 1000);
	assert_int_equal(sums.group[0][3].sum, 1000);
	assert_int_equal(sums.arm[1].lost, 3);
	eff_merge(&sums, &base, true);
	assert_int_equal((u64)sums.arm[0].sum, (u64)S64_MAX + 995);
}

static void losses_are_compared_by_their_shares(void **state)
{
	struct eff_sums sums = {};

	(void)state;
	assert_false(eff_losses_differ(&sums));
	sums.arm[1].lost = 100;
	assert_false(eff_losses_differ(&sums));
	/* 1 of 10 in each */
	sums.arm[1].n = 900;
	sums.arm[0].n = 90000;
	sums.arm[0].lost = 10000;
	assert_false(eff_losses_differ(&sums));
	/* more, and less, than 1/64 above */
	sums.arm[1].lost += 20;
	assert_true(eff_losses_differ(&sums));
	sums.arm[1].lost -= 8;
	assert_false(eff_losses_differ(&sums));
	sums.arm[0].lost = 0;
	assert_true(eff_losses_differ(&sums));
	sums.arm[1].lost = 0;
	assert_false(eff_losses_differ(&sums));
	/* of the other arm as well: the good ones may be missing there */
	sums.arm[0].lost = 10000;
	assert_true(eff_losses_differ(&sums));
	sums.arm[0] = (struct eff_arm){ .n = U32_MAX, .lost = U32_MAX };
	sums.arm[1] = sums.arm[0];
	assert_false(eff_losses_differ(&sums));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotients_and_roots_are_exact),
		cmocka_unit_test(scaled_functions_are_exact_enough),
		cmocka_unit_test(matches_the_reference),
		cmocka_unit_test(groups_of_all_sizes_and_means_match),
		cmocka_unit_test(too_few_give_no_interval),
		cmocka_unit_test(clusters_gate_the_interval),
		cmocka_unit_test(clusters_widen_the_interval),
		cmocka_unit_test(equal_rewards_prove_little),
		cmocka_unit_test(extremes_do_not_overflow),
		cmocka_unit_test(nonsense_does_no_harm),
		cmocka_unit_test(difference_undoes_merge),
		cmocka_unit_test(trials_halve_alpha),
		cmocka_unit_test(direction_mirrors_the_gain),
		cmocka_unit_test(drop_needs_bound_and_error),
		cmocka_unit_test(drop_is_whose_it_is),
		cmocka_unit_test(differences_are_right_though_sums_wrap),
		cmocka_unit_test(losses_are_compared_by_their_shares),
	};

	return cmocka_run_group_tests_name("efficiency", tests, NULL, NULL);
}
