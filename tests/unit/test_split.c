// SPDX-License-Identifier: GPL-2.0-only
/*
 * The randomised split: the logged probabilities are those with which the
 * actions are really drawn, and they add up to 1.
 */
#include "unit.h"
#include "rng.h"
#include "split.h"

#define NO_CANDIDATE	0xff

static u32 random_allowed(struct rng *rng)
{
	u32 allowed = (u32)rng_u64(rng);

	if (rng_below(rng, 2))
		allowed &= (u32)rng_u64(rng) & (u32)rng_u64(rng);
	return allowed ? allowed : 1U << rng_below(rng, 32);
}

static void count_matches_builtin(void **state)
{
	struct rng rng = rng_seed(11);

	(void)state;
	assert_int_equal(split_count(0), 0);
	assert_int_equal(split_count(U32_MAX), 32);
	for (int i = 0; i < 32; i++)
		assert_int_equal(split_count(1U << i), 1);
	for (int i = 0; i < 100000; i++) {
		u32 v = random_allowed(&rng);

		assert_int_equal(split_count(v), __builtin_popcount(v));
	}
}

static void probabilities_add_up_to_one(void **state)
{
	struct rng rng = rng_seed(12);

	(void)state;
	for (int i = 0; i < 100000; i++) {
		u32 allowed = random_allowed(&rng);
		u32 explore = rng_below(&rng, 3) ? rng_below(&rng, 65537) : 0;
		u32 share = rng_below(&rng, 4) ? rng_below(&rng, 65537 - explore) :
						 65536 - explore;
		u32 baseline = split_pick(rng_u64(&rng), allowed);
		u32 candidate = rng_below(&rng, 4) ? split_pick(rng_u64(&rng), allowed) :
						     NO_CANDIDATE;
		u64 sum = 0;

		for (u32 a = 0; a < 32; a++) {
			u32 prob;

			if (!(allowed >> a & 1))
				continue;
			prob = split_prob(a, baseline, candidate, allowed, share, explore);
			assert_true(prob <= MLPROXY_PROB_ONE);
			sum += prob;
		}
		assert_int_equal(sum, MLPROXY_PROB_ONE);
	}
}

static void probabilities_known_values(void **state)
{
	const u32 one = MLPROXY_PROB_ONE;

	(void)state;
	/* nothing to choose: the baseline, certainly */
	assert_int_equal(split_prob(0, 0, NO_CANDIDATE, 0xf, 0, 0), one);
	assert_int_equal(split_prob(1, 0, NO_CANDIDATE, 0xf, 0, 0), 0);
	/* half and half */
	assert_int_equal(split_prob(0, 0, 3, 0xf, 32768, 0), one / 2);
	assert_int_equal(split_prob(3, 0, 3, 0xf, 32768, 0), one / 2);
	/* without a candidate its share is the baseline's */
	assert_int_equal(split_prob(0, 0, NO_CANDIDATE, 0xf, 32768, 0), one);
	/* the candidate agrees with the baseline */
	assert_int_equal(split_prob(2, 2, 2, 0xf, 32768, 0), one);
	/* a quarter explored among 4: a sixteenth each */
	assert_int_equal(split_prob(1, 0, 3, 0xf, 32768, 16384), one / 16);
	assert_int_equal(split_prob(3, 0, 3, 0xf, 32768, 16384), one / 2 + one / 16);
	assert_int_equal(split_prob(0, 0, 3, 0xf, 32768, 16384), one / 4 + one / 16);
	/* all explored, all taken */
	assert_int_equal(split_prob(1, 0, NO_CANDIDATE, 0x3, 0, 65536), one / 2);
	assert_int_equal(split_prob(0, 0, 1, 0x3, 65536, 0), 0);
	assert_int_equal(split_prob(1, 0, 1, 0x3, 65536, 0), one);
}

static void pick_is_legal_and_uniform(void **state)
{
	struct rng rng = rng_seed(13);

	(void)state;
	for (int i = 0; i < 100000; i++) {
		u32 allowed = random_allowed(&rng);

		assert_true(allowed >> split_pick(rng_u64(&rng), allowed) & 1);
		assert_true(allowed >> split_pick(UINT64_MAX, allowed) & 1);
		assert_true(allowed >> split_pick(0, allowed) & 1);
	}
	/* all values of the bits that decide, coarsely: equal counts */
	for (u32 n = 1; n <= 32; n++) {
		u32 allowed = n == 32 ? U32_MAX : (1U << n) - 1;
		u32 counts[32] = {};

		for (u32 r = 0; r < n * 64; r++)
			counts[split_pick((((u64)r << 32) + (n * 64) - 1) / (n * 64) << 32,
					  allowed)]++;
		for (u32 a = 0; a < n; a++)
			assert_int_equal(counts[a], 64);
	}
}

static void pick_uses_the_upper_half(void **state)
{
	(void)state;
	/* the lower bits choose the arm: they must not choose the action as well */
	for (u64 low = 0; low <= U32_MAX; low += 0x01010101)
		assert_int_equal(split_pick(0x8000000000000000ULL | low, 0xf), 2);
}

/* Of all 2^16 values of the bits that decide, how many give the candidate. */
static u32 candidates_of_65536(u32 share, u32 explore)
{
	u32 n = 0;

	for (u64 r = 0; r < 65536; r++) {
		u64 unit = r << 48 | r << 32 | r << 16 | r;
		int arm = split_arm(0xffff, unit, share, explore);

		n += arm == SPLIT_CANDIDATE;
	}
	return n;
}

static void arm_has_its_share(void **state)
{
	static const u32 cases[][2] = {
		{ 0, 0 }, { 65536, 0 }, { 32768, 0 }, { 4096, 0 }, { 1, 0 }, { 65535, 0 },
		{ 0, 1024 }, { 64512, 1024 }, { 4096, 2048 }, { 32768, 32767 }, { 100, 60000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 share = cases[i][0], explore = cases[i][1];
		u64 want = (u64)share * 65536 / (65536 - explore);
		u32 got = candidates_of_65536(share, explore);

		assert_in_range(got, want, want + 1);
	}
}

static void arm_explores_its_share(void **state)
{
	static const u32 cases[] = { 0, 1, 100, 1024, 32768, 65535, 65536 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 n = 0;

		for (u64 r = 0; r < 65536; r++)
			n += split_arm(r, 0, 0, cases[i]) == SPLIT_EXPLORE;
		assert_int_equal(n, cases[i]);
	}
}

static void arm_ends(void **state)
{
	struct rng rng = rng_seed(14);

	(void)state;
	for (int i = 0; i < 10000; i++) {
		u64 d = rng_u64(&rng), u = rng_u64(&rng);

		assert_int_equal(split_arm(d, u, 0, 0), SPLIT_BASELINE);
		assert_int_equal(split_arm(d, u, 65536, 0), SPLIT_CANDIDATE);
		assert_int_equal(split_arm(d, u, 0, 65536), SPLIT_EXPLORE);
		/* shares that add up to all leave nothing to the baseline */
		assert_int_not_equal(split_arm(d, u, 65536 - 500, 500), SPLIT_BASELINE);
	}
}

/*
 * The whole policy as decide() plays it, one unit a decision, against the
 * probabilities that are logged. The bound is 6 standard deviations of a
 * binomial count: a right split fails this once in 10^8 seeds.
 */
static void frequencies_match_probabilities(void **state)
{
	enum { N = 400000 };
	static const struct {
		u32 baseline, candidate, allowed, share, explore;
	} cases[] = {
		{ 0, 3, 0x1f, 4096, 3277 },
		{ 2, 4, 0x1f, 32768, 6554 },
		{ 1, 1, 0x1f, 32768, 6554 },
		{ 4, 0, 0x15, 64512, 0 },
		{ 4, NO_CANDIDATE, 0x15, 32768, 16384 },
	};

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		u32 counts[32] = {};
		u64 seed = 1000 + c;

		for (u64 id = 1; id <= N; id++) {
			u64 r = mix64(seed ^ id);
			u32 action = cases[c].baseline;

			switch (split_arm(r, r, cases[c].share, cases[c].explore)) {
			case SPLIT_EXPLORE:
				action = split_pick(r, cases[c].allowed);
				break;
			case SPLIT_CANDIDATE:
				if (cases[c].candidate != NO_CANDIDATE)
					action = cases[c].candidate;
				break;
			}
			counts[action]++;
		}
		for (u32 a = 0; a < 5; a++) {
			double p, mean, var, diff;

			if (!(cases[c].allowed >> a & 1)) {
				assert_int_equal(counts[a], 0);
				continue;
			}
			p = split_prob(a, cases[c].baseline, cases[c].candidate,
				       cases[c].allowed, cases[c].share, cases[c].explore) /
			    (double)MLPROXY_PROB_ONE;
			mean = N * p;
			var = N * p * (1 - p);
			diff = counts[a] - mean;
			if (diff * diff > 36 * var + 1)
				fail_msg("case %zu action %u: %u of %d, but %f is logged",
					 c, a, counts[a], N, p);
		}
	}
}

static void mix64_known_values(void **state)
{
	(void)state;
	/* the first outputs of splitmix64 for seeds 0 and 1234567 (Vigna's reference) */
	assert_true(mix64(0) == 0xe220a8397b1dcdafULL);
	assert_true(mix64(1234567) == 6457827717110365317ULL);
}

static void permutes(void **state)
{
	u32 counts[64] = {};

	(void)state;
	for (u64 key = 0; key < 20000; key++) {
		u64 seen = 0;

		for (u32 i = 0; i < 64; i++) {
			u32 to = split_permute(mix64(key), i);

			assert_true(to < 64);
			seen |= 1ULL << to;
		}
		assert_true(seen == UINT64_MAX);
		/* and the places of one argument are equally likely */
		counts[split_permute(mix64(key), 5)]++;
	}
	/* 312.5 each: six standard deviations */
	for (u32 i = 0; i < 64; i++)
		assert_in_range(counts[i], 207, 418);
}

/* Windows of a block that are the candidate's, of those that don't explore. */
static u32 windows_of_block(u64 seed, u64 block, u32 share, u32 explore)
{
	u32 n = 0;

	for (u64 w = block * 64; w < block * 64 + 64; w++)
		n += split_window_arm(0xffff, seed, w, share, explore) == SPLIT_CANDIDATE;
	return n;
}

static void windows_are_balanced(void **state)
{
	static const u32 cases[][2] = {
		{ 32768, 0 }, { 0, 0 }, { 65536, 0 }, { 4096, 4096 }, { 32768, 1024 },
		{ 64512, 0 }, { 64512, 1024 }, { 1, 0 }, { 100, 60000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 share = cases[i][0], explore = cases[i][1];
		double want = 64.0 * share / (65536 - explore);
		double sum = 0;

		for (u64 block = 0; block < 20000; block++) {
			u32 n = windows_of_block(77, block, share, explore);

			/* never further off than the rounding */
			assert_true(n == (u32)want || n == (u32)want + 1);
			sum += n;
		}
		/* the rounding is right on the average: six standard deviations of it */
		assert_true(sum / 20000 - want < 0.0213 && want - sum / 20000 < 0.0213);
	}
	assert_int_equal(split_window_arm(0, 1, 2, 0, 65536), SPLIT_EXPLORE);
	assert_int_equal(windows_of_block(1, 2, 0, 65536), 0);
}

/* A window of its own has the logged probability, over the seeds. */
static void windows_have_their_probability(void **state)
{
	(void)state;
	for (u64 window = 1000; window < 1064; window += 7) {
		u32 n = 0;

		for (u64 seed = 0; seed < 40000; seed++)
			n += split_window_arm(0xffff, mix64(seed), window, 12000, 6000) ==
			     SPLIT_CANDIDATE;
		/* 12000 of 59536, six standard deviations */
		assert_in_range(n, 8062 - 482, 8062 + 482);
	}
}

/* Which windows of a block are the candidate's changes from block to block. */
static void windows_are_shuffled(void **state)
{
	u32 same = 0;

	(void)state;
	for (u64 w = 0; w < 64 * 1000; w++)
		same += split_window_arm(0xffff, 5, w, 32768, 0) ==
			split_window_arm(0xffff, 5, w + 64, 32768, 0);
	assert_in_range(same, 32000 - 1500, 32000 + 1500);
}

static void groups_are_even(void **state)
{
	u32 counts[64] = {}, model = 0;

	(void)state;
	for (u64 key = 0; key < 64000; key++) {
		u64 unit = mix64(3 ^ mix64(key));

		counts[split_group(unit)]++;
		/* independent of the arm */
		if (split_group(unit) < 32)
			model += split_arm(0xffff, unit, 32768, 0) == SPLIT_CANDIDATE;
	}
	for (u32 i = 0; i < 64; i++)
		assert_in_range(counts[i], 810, 1190);
	assert_in_range(model, 16000 - 600, 16000 + 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(count_matches_builtin),
		cmocka_unit_test(probabilities_add_up_to_one),
		cmocka_unit_test(probabilities_known_values),
		cmocka_unit_test(pick_is_legal_and_uniform),
		cmocka_unit_test(pick_uses_the_upper_half),
		cmocka_unit_test(arm_has_its_share),
		cmocka_unit_test(arm_explores_its_share),
		cmocka_unit_test(arm_ends),
		cmocka_unit_test(frequencies_match_probabilities),
		cmocka_unit_test(mix64_known_values),
		cmocka_unit_test(permutes),
		cmocka_unit_test(windows_are_balanced),
		cmocka_unit_test(windows_have_their_probability),
		cmocka_unit_test(windows_are_shuffled),
		cmocka_unit_test(groups_are_even),
	};

	return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
