// SPDX-License-Identifier: GPL-2.0-only
/* Evaluation against the reference; the choice of an action; the prediction. */
#include "unit.h"
#include "mlp_gen.h"
#include "ref_mlp.h"

#define NR_FEATURES	12

struct model {
	void *data;
	size_t len;
	struct mlp mlp;
	u64 *packed;
};

static void model_verify(struct model *m, const struct mlp_limits *limits)
{
	struct mlp_report report;

	if (mlp_verify(m->data, m->len, limits, &m->mlp, &report))
		fail_msg("refused: %s", report.text);
	m->packed = malloc(mlp_packed_bytes(&m->mlp));
	assert_non_null(m->packed);
}

static void model_free(struct model *m)
{
	free(m->packed);
	free(m->data);
}

/* One layer from one input that passes a feature through, and @scores as biases. */
static struct model constant_model(const s32 *scores, u32 nr, s32 margin)
{
	static const s8 zeros[MLPROXY_MAX_ACTIONS];
	struct mlproxy_model_input in = { .mul = 1 };
	struct mlp_spec_layer layer = {
		.nr_in = 1, .nr_out = (u16)nr, .bias = scores, .weights = zeros,
	};
	struct mlp_spec spec = {
		.name = "constant", .margin = margin, .nr_inputs = 1, .inputs = &in,
		.nr_layers = 1, .layers = &layer,
	};
	struct mlp_limits limits = { .nr_features = 1, .nr_actions = nr, .max_macs = 8192 };
	struct model m = {};

	assert_int_equal(mlp_build(&spec, &m.data, &m.len), 0);
	model_verify(&m, &limits);
	return m;
}

static void check_eval(const struct model *m, const s64 *features, const char *how)
{
	s32 out[MLPROXY_MAX_ACTIONS + 1];
	int64_t want[MLPROXY_MODEL_MAX_WIDTH];
	u32 nr = m->mlp.hdr->nr_outputs;

	out[nr] = 0x5a5a5a5a;
	ref_eval(m->data, features, want);
	mlp_eval(&m->mlp, features, out);
	for (u32 o = 0; o < nr; o++) {
		if (out[o] != want[o])
			fail_msg("%s: output %u is %d, the reference has %lld", how, o,
				 out[o], (long long)want[o]);
		assert_true(mlp_predict(&m->mlp, out[o]) == ref_predict(m->data, want[o]));
	}
	assert_int_equal(out[nr], 0x5a5a5a5a);
}

static void eval_matches_reference(void **state)
{
	struct rng rng = rng_seed(3);
	s64 features[NR_FEATURES];
	int nr_spread = 0;

	(void)state;
	for (int i = 0; i < 1500; i++) {
		struct mlp_limits limits = {
			.schema_hash = rng_u64(&rng),
			.nr_features = NR_FEATURES,
			.nr_actions = 2 + rng_below(&rng, 31),
			.max_macs = 1000 + rng_below(&rng, 8192),
		};
		struct model m = {};
		s32 last[MLPROXY_MAX_ACTIONS] = {}, out[MLPROXY_MAX_ACTIONS] = {};
		bool spread = false;

		assert_int_equal(mlp_random_model(&rng, &limits, &m.data, &m.len), 0);
		model_verify(&m, &limits);
		for (int k = 0; k < 12; k++) {
			mlp_random_features(&rng, &m.mlp, features, NR_FEATURES);
			m.mlp.packed = NULL;
			check_eval(&m, features, "plain");
			mlp_pack(&m.mlp, m.packed);
			check_eval(&m, features, "packed");
			mlp_eval(&m.mlp, features, out);
			spread |= k && memcmp(out, last, sizeof(out));
			memcpy(last, out, sizeof(out));
		}
		nr_spread += spread;
		model_free(&m);
	}
	/* most random models depend on their features: the test tests something */
	if (nr_spread <= 750)
		fail_msg("only %d of 1500 models depend on their features", nr_spread);
}

/* The largest sums that the widest layers can have, in both evaluations. */
static void eval_largest_sums(void **state)
{
	static const s8 signs[] = { -128, 127 };
	struct mlproxy_model_input in[MLPROXY_MODEL_MAX_INPUTS];
	s8 w[3][MLPROXY_MODEL_MAX_WIDTH * MLPROXY_MODEL_MAX_WIDTH];
	s32 bias[MLPROXY_MODEL_MAX_WIDTH] = {};
	struct mlp_limits limits = { .nr_features = 1, .nr_actions = 32, .max_macs = 1 << 20 };
	s64 feature;

	(void)state;
	for (int c = 0; c < 16; c++) {
		u32 flags = c & 8 ? MLPROXY_LAYER_RELU : 0;
		/* a layer with multiplier 1 and no shift: everything saturates */
		struct mlp_spec_layer layers[] = {
			{ 64, 128, flags, 1, 0, bias, w[0] },
			{ 128, 128, flags, 1, 0, bias, w[1] },
			{ 128, 32, 0, 0, 0, bias, w[2] },
		};
		struct mlp_spec spec = { .nr_inputs = 64, .inputs = in, .nr_layers = 3,
					 .layers = layers };
		struct model m = {};

		for (int i = 0; i < 64; i++)
			in[i] = (struct mlproxy_model_input){ .clamp_min = -128, .clamp_max = 127,
							      .mul = 1 };
		for (int l = 0; l < 3; l++)
			memset(w[l], signs[c >> l & 1], sizeof(w[l]));
		assert_int_equal(mlp_build(&spec, &m.data, &m.len), 0);
		model_verify(&m, &limits);
		for (int f = 0; f < 2; f++) {
			feature = signs[f];
			m.mlp.packed = NULL;
			check_eval(&m, &feature, "plain");
			mlp_pack(&m.mlp, m.packed);
			check_eval(&m, &feature, "packed");
		}
		model_free(&m);
	}
}

static void eval_reaches_both_ends_of_s32(void **state)
{
	struct mlproxy_model_input in = { .clamp_min = -128, .clamp_max = 127, .mul = 1 };
	s32 bias[2] = { S32_MAX - 127, S32_MIN + 128 };
	s8 w[2] = { 1, 1 };
	struct mlp_spec_layer layer = { 1, 2, 0, 0, 0, bias, w };
	struct mlp_spec spec = { .nr_inputs = 1, .inputs = &in, .nr_layers = 1,
				 .layers = &layer, .out_mul = S32_MIN,
				 .out_offset = 1LL << 46 };
	struct mlp_limits limits = { .nr_features = 1, .nr_actions = 2, .max_macs = 2 };
	struct model m = {};
	s64 feature;
	s32 out[2];

	(void)state;
	assert_int_equal(mlp_build(&spec, &m.data, &m.len), 0);
	model_verify(&m, &limits);
	for (int packed = 0; packed < 2; packed++) {
		feature = S64_MAX;
		mlp_eval(&m.mlp, &feature, out);
		assert_int_equal(out[0], S32_MAX);
		feature = S64_MIN;
		mlp_eval(&m.mlp, &feature, out);
		assert_int_equal(out[1], S32_MIN);
		/* 2^31 * 2^31, the largest product there is */
		assert_int_equal(mlp_predict(&m.mlp, out[1]), (1LL << 62) + (1LL << 46));
		mlp_pack(&m.mlp, m.packed);
	}
	model_free(&m);
}

static void choose_highest_score(void **state)
{
	const s32 scores[] = { 10, 30, 20 };
	struct model m = constant_model(scores, 3, 0);

	(void)state;
	assert_int_equal(mlp_choose(&m.mlp, scores, 0, 7), 1);
	assert_int_equal(mlp_choose(&m.mlp, scores, 1, 7), 1);
	assert_int_equal(mlp_choose(&m.mlp, scores, 2, 7), 1);
	model_free(&m);
}

static void choose_only_legal(void **state)
{
	const s32 scores[] = { 10, 30, 20, 40 };
	struct model m = constant_model(scores, 4, 0);

	(void)state;
	assert_int_equal(mlp_choose(&m.mlp, scores, 0, 0x5), 2);
	assert_int_equal(mlp_choose(&m.mlp, scores, 0, 0x1), 0);
	assert_int_equal(mlp_choose(&m.mlp, scores, 2, 0x7), 1);
	/* bits beyond the model's outputs stand for nothing */
	assert_int_equal(mlp_choose(&m.mlp, scores, 0, 0xfffffff1), 0);
	model_free(&m);
}

static void choose_ties(void **state)
{
	const s32 scores[] = { 1, 7, 7, 7 };
	struct model m = constant_model(scores, 4, 0);

	(void)state;
	assert_int_equal(mlp_choose(&m.mlp, scores, 0, 0xf), 1);	/* lowest index */
	assert_int_equal(mlp_choose(&m.mlp, scores, 0, 0xd), 2);
	assert_int_equal(mlp_choose(&m.mlp, scores, 3, 0xf), 3);	/* the baseline stays */
	model_free(&m);
}

static void choose_margin(void **state)
{
	const s32 scores[] = { 100, 110, 111 };
	struct model m = constant_model(scores, 3, 10);

	(void)state;
	assert_int_equal(mlp_choose(&m.mlp, scores, 0, 3), 0);	/* by 10: not more */
	assert_int_equal(mlp_choose(&m.mlp, scores, 0, 7), 2);	/* by 11 */
	assert_int_equal(mlp_choose(&m.mlp, scores, 1, 7), 1);
	model_free(&m);
}

static void choose_largest_difference(void **state)
{
	const s32 scores[] = { S32_MIN, S32_MAX };
	struct model m = constant_model(scores, 2, S32_MAX);

	(void)state;
	/* 2^32 - 1 doesn't fit 32 bits */
	assert_int_equal(mlp_choose(&m.mlp, scores, 0, 3), 1);
	assert_int_equal(mlp_choose(&m.mlp, scores, 1, 3), 1);
	model_free(&m);
}

static void choose_with_32_actions(void **state)
{
	s32 scores[32] = {};
	struct model m;

	(void)state;
	scores[31] = 5;
	m = constant_model(scores, 32, 0);
	assert_int_equal(mlp_choose(&m.mlp, scores, 0, 0xffffffff), 31);
	assert_int_equal(mlp_choose(&m.mlp, scores, 0, 0x7fffffff), 0);
	model_free(&m);
}

static void choose_matches_reference(void **state)
{
	struct rng rng = rng_seed(4);

	(void)state;
	for (int i = 0; i < 2000; i++) {
		u32 nr = 2 + rng_below(&rng, 31);
		s32 scores[MLPROXY_MAX_ACTIONS];
		int64_t wide_scores[MLPROXY_MAX_ACTIONS];
		u32 shift = rng_below(&rng, 32);
		struct model m;

		for (u32 a = 0; a < nr; a++) {
			scores[a] = (s32)rng_u64(&rng) >> shift;
			wide_scores[a] = scores[a];
		}
		m = constant_model(scores, nr, (s32)(rng_u64(&rng) >> (33 + shift % 31)));
		for (int k = 0; k < 10; k++) {
			u32 baseline = rng_below(&rng, nr);
			u32 allowed = ((u32)rng_u64(&rng) & (u32)((1ULL << nr) - 1)) |
				      1U << baseline;

			assert_int_equal(mlp_choose(&m.mlp, scores, baseline, allowed),
					 ref_choose(m.data, wide_scores, baseline, allowed));
		}
		model_free(&m);
	}
}

static void predict_known_values(void **state)
{
	const s32 scores[] = { 0, 0 };
	struct model m = constant_model(scores, 2, 0);
	struct mlproxy_model_hdr *hdr = m.data;

	(void)state;
	hdr->out_mul = -3;
	hdr->out_shift = 1;
	hdr->out_offset = 100;
	assert_int_equal(mlp_predict(&m.mlp, 0), 100);
	assert_int_equal(mlp_predict(&m.mlp, 10), 85);
	assert_int_equal(mlp_predict(&m.mlp, 1), 99);	/* -1.5 -> -1 */
	assert_int_equal(mlp_predict(&m.mlp, -1), 102);	/*  1.5 ->  2 */
	model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eval_matches_reference),
		cmocka_unit_test(eval_largest_sums),
		cmocka_unit_test(eval_reaches_both_ends_of_s32),
		cmocka_unit_test(choose_highest_score),
		cmocka_unit_test(choose_only_legal),
		cmocka_unit_test(choose_ties),
		cmocka_unit_test(choose_margin),
		cmocka_unit_test(choose_largest_difference),
		cmocka_unit_test(choose_with_32_actions),
		cmocka_unit_test(choose_matches_reference),
		cmocka_unit_test(predict_known_values),
	};

	return cmocka_run_group_tests_name("eval", tests, NULL, NULL);
}
