// SPDX-License-Identifier: GPL-2.0-only
/* The scalar steps: logarithm, rounding, saturation, preprocessing. */
#include "unit.h"
#include "mlp_arith.h"
#include "ref_mlp.h"
#include "rng.h"

static void log2_known_values(void **state)
{
	(void)state;
	assert_int_equal(log2_signed_q8(0), 0);
	assert_int_equal(log2_signed_q8(1), 256);
	assert_int_equal(log2_signed_q8(2), 256 + 128);	/* of 3: linear, not 405 */
	assert_int_equal(log2_signed_q8(3), 512);
	assert_int_equal(log2_signed_q8(-1), -256);
	assert_int_equal(log2_signed_q8(255), 2048);
	assert_int_equal(log2_signed_q8(4095), 3072);
	assert_int_equal(log2_signed_q8(S64_MAX), 63 * 256);
	assert_int_equal(log2_signed_q8(-S64_MAX), -63 * 256);
	assert_int_equal(log2_signed_q8(S64_MIN), -63 * 256);
}

static void log2_matches_reference(void **state)
{
	struct rng rng = rng_seed(1);
	s64 x;

	(void)state;
	for (x = -70000; x <= 70000; x++)
		assert_int_equal(log2_signed_q8(x), ref_log2_q8(x));
	for (int i = 0; i < 20000; i++) {
		x = (s64)rng_u64(&rng) >> rng_below(&rng, 64);
		assert_int_equal(log2_signed_q8(x), ref_log2_q8(x));
	}
	for (int bit = 0; bit < 63; bit++) {
		for (int d = -2; d <= 2; d++) {
			x = (s64)((1ULL << bit) + (u64)d);
			assert_int_equal(log2_signed_q8(x), ref_log2_q8(x));
		}
	}
}

static void log2_rises(void **state)
{
	s32 last = log2_signed_q8(-70001);

	(void)state;
	for (s64 x = -70000; x <= 70000; x++) {
		assert_true(log2_signed_q8(x) >= last);
		last = log2_signed_q8(x);
	}
}

static void rounding_sends_ties_up(void **state)
{
	(void)state;
	assert_int_equal(mlp_rshift_round(1, 1), 1);	/*  0.5 ->  1 */
	assert_int_equal(mlp_rshift_round(-1, 1), 0);	/* -0.5 ->  0 */
	assert_int_equal(mlp_rshift_round(3, 1), 2);	/*  1.5 ->  2 */
	assert_int_equal(mlp_rshift_round(-3, 1), -1);	/* -1.5 -> -1 */
	assert_int_equal(mlp_rshift_round(7, 4), 0);
	assert_int_equal(mlp_rshift_round(8, 4), 1);
	assert_int_equal(mlp_rshift_round(-8, 4), 0);
	assert_int_equal(mlp_rshift_round(-9, 4), -1);
}

static void rounding_without_shift_is_identity(void **state)
{
	(void)state;
	assert_int_equal(mlp_rshift_round(0, 0), 0);
	assert_int_equal(mlp_rshift_round(-5, 0), -5);
	assert_int_equal(mlp_rshift_round(1LL << 62, 0), 1LL << 62);
}

static void rounding_matches_reference(void **state)
{
	struct rng rng = rng_seed(2);

	(void)state;
	for (int i = 0; i < 100000; i++) {
		s64 v = rng_range(&rng, -(1LL << 62), 1LL << 62) >> rng_below(&rng, 62);
		u32 shift = rng_below(&rng, MLPROXY_MODEL_MAX_SHIFT + 1);

		assert_int_equal(mlp_rshift_round(v, shift), (s64)ref_rshift_round(v, shift));
	}
	for (u32 shift = 0; shift <= MLPROXY_MODEL_MAX_SHIFT; shift++) {
		assert_int_equal(mlp_rshift_round(1LL << 62, shift),
				 (s64)ref_rshift_round((__int128)1 << 62, shift));
		assert_int_equal(mlp_rshift_round(-(1LL << 62), shift),
				 (s64)ref_rshift_round(-((__int128)1 << 62), shift));
	}
}

static void saturation(void **state)
{
	(void)state;
	for (s64 v = -1000; v <= 1000; v++)
		assert_int_equal(mlp_sat8(v), (s64)ref_sat8(v));
	assert_int_equal(mlp_sat8(S64_MAX), 127);
	assert_int_equal(mlp_sat8(S64_MIN), -128);
	assert_int_equal(mlp_sat8(1LL << 32), 127);
	assert_int_equal(mlp_sat8(-(1LL << 32) + 5), -128);
}

static void requantisation_at_the_ends(void **state)
{
	(void)state;
	/* the largest product there is, with the largest rounding term */
	assert_int_equal(mlp_requantise(S32_MIN, S32_MAX, 46), -128);
	assert_int_equal(mlp_requantise(S32_MAX, S32_MAX, 46), 127);
	assert_int_equal(mlp_requantise(S32_MIN, S32_MAX, 0), -128);
	assert_int_equal(mlp_requantise(1 << 20, 1 << 15, 30), 32);
	assert_int_equal(mlp_requantise(-(1 << 20), 1 << 15, 30), -32);
}

static void preprocess_linear(void **state)
{
	struct mlproxy_model_input in = {
		.clamp_min = -100, .clamp_max = 1000, .offset = 100, .mul = 3, .shift = 2,
		.op = MLPROXY_INPUT_LINEAR,
	};

	(void)state;
	assert_int_equal(mlp_preprocess(&in, 100), 0);
	assert_int_equal(mlp_preprocess(&in, 110), 8);		/* 7.5, tie up */
	assert_int_equal(mlp_preprocess(&in, 90), -7);		/* -7.5, tie up */
	assert_int_equal(mlp_preprocess(&in, -100), -128);	/* -150 */
	assert_int_equal(mlp_preprocess(&in, S64_MIN), -128);
	assert_int_equal(mlp_preprocess(&in, S64_MAX), 127);
	in.clamp_max = 110;
	assert_int_equal(mlp_preprocess(&in, S64_MAX), 8);
	in.mul = -3;
	assert_int_equal(mlp_preprocess(&in, S64_MAX), -7);
}

static void preprocess_log2(void **state)
{
	struct mlproxy_model_input in = {
		.clamp_min = 0, .clamp_max = 1LL << 40, .offset = 2048, .mul = 1, .shift = 4,
		.op = MLPROXY_INPUT_LOG2,
	};

	(void)state;
	assert_int_equal(mlp_preprocess(&in, 255), 0);
	assert_int_equal(mlp_preprocess(&in, 511), 16);
	assert_int_equal(mlp_preprocess(&in, 0), -128);
	assert_int_equal(mlp_preprocess(&in, -12345), -128);	/* clamped before the log */
	assert_int_equal(mlp_preprocess(&in, S64_MAX), 127);
}

static void preprocess_equal(void **state)
{
	struct mlproxy_model_input in = {
		.clamp_min = -8, .clamp_max = 8, .offset = 8, .mul = 9, .shift = 3,
		.op = MLPROXY_INPUT_EQUAL,
	};

	(void)state;
	assert_int_equal(mlp_preprocess(&in, 8), 127);
	assert_int_equal(mlp_preprocess(&in, 7), 0);
	assert_int_equal(mlp_preprocess(&in, 9), 127);	/* the clamp comes first */
	in.offset = 9;
	assert_int_equal(mlp_preprocess(&in, 9), 0);
}

static void preprocess_largest_product(void **state)
{
	struct mlproxy_model_input in = {
		.clamp_min = -(1LL << 46), .clamp_max = 1LL << 46, .offset = -(1LL << 46),
		.mul = 32767, .shift = 46, .op = MLPROXY_INPUT_LINEAR,
	};

	(void)state;
	assert_int_equal(mlp_preprocess(&in, S64_MAX), 127);
	in.mul = -32767;
	assert_int_equal(mlp_preprocess(&in, S64_MAX), -128);
	in.offset = 1LL << 46;
	assert_int_equal(mlp_preprocess(&in, S64_MIN), 127);
	in.mul = 63;
	assert_int_equal(mlp_preprocess(&in, S64_MIN), -126);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log2_known_values),
		cmocka_unit_test(log2_matches_reference),
		cmocka_unit_test(log2_rises),
		cmocka_unit_test(rounding_sends_ties_up),
		cmocka_unit_test(rounding_without_shift_is_identity),
		cmocka_unit_test(rounding_matches_reference),
		cmocka_unit_test(saturation),
		cmocka_unit_test(requantisation_at_the_ends),
		cmocka_unit_test(preprocess_linear),
		cmocka_unit_test(preprocess_log2),
		cmocka_unit_test(preprocess_equal),
		cmocka_unit_test(preprocess_largest_product),
	};

	return cmocka_run_group_tests_name("arith", tests, NULL, NULL);
}
