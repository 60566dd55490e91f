// SPDX-License-Identifier: GPL-2.0-only
/*
 * The evaluation of trees: a tree worked out by hand, the boundary of a threshold,
 * and random forests against the reference, which shares no code with it.
 */
#include "unit.h"
#include "model.h"
#include "ref_mlp.h"
#include "ref_tree.h"
#include "tree_gen.h"

static void open_model(const void *file, size_t len, const struct mlp_limits *limits,
		       struct model *model)
{
	struct mlp_report report;

	if (model_verify(file, len, limits, model, &report))
		fail_msg("refused: %s", report.text);
}

/* Evaluate as the file is, and packed, which has to be the same. */
static void eval_both(struct model *model, const s64 *features, s32 *out)
{
	u64 *packed = malloc(model_packed_bytes(model));
	s32 plain[MLPROXY_MAX_ACTIONS];

	assert_non_null(packed);
	model->trees.packed = NULL;
	model_eval(model, features, plain);
	model_pack(model, packed);
	assert_ptr_equal(model->trees.packed, packed);
	model_eval(model, features, out);
	for (u32 o = 0; o < model->hdr->nr_outputs; o++)
		assert_int_equal(out[o], plain[o]);
	model->trees.packed = NULL;
	free(packed);
}

/* x0 < 10 ? 1 : x1 < -3 ? 20 : 300, and 5 more for action 0; action 1 has none. */
static void by_hand(void **state)
{
	static const struct tree_spec_node nodes[] = {
		{ 0, 1, 2, 10, 0 }, { -1, 0, 0, 0, 1 }, { 1, 3, 4, -3, 0 },
		{ -1, 0, 0, 0, 20 }, { -1, 0, 0, 0, 300 },
	};
	static const struct tree_spec_node leaf = { -1, 0, 0, 0, 5 };
	static const struct tree_spec_tree trees[] = { { 0, 5, nodes }, { 0, 1, &leaf } };
	static const struct {
		s64 x[2];
		s32 want;
	} cases[] = {
		{ { 9, 0 }, 6 }, { { 10, -4 }, 25 }, { { 10, -3 }, 305 }, { { S64_MIN, 0 }, 6 },
		{ { S64_MAX, S64_MIN }, 25 }, { { S64_MAX, S64_MAX }, 305 },
	};
	const struct mlp_limits limits = { 1, 2, 2, 100 };
	struct tree_spec spec = {
		.schema_hash = 1, .nr_features = 2, .nr_outputs = 2, .nr_trees = 2,
		.trees = trees, .margin = 24, .out_mul = 3, .out_shift = 1, .out_offset = 100,
	};
	struct model model;
	s32 out[2];
	size_t len;
	void *file;

	(void)state;
	assert_int_equal(tree_build(&spec, &file, &len), 0);
	open_model(file, len, &limits, &model);
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		eval_both(&model, cases[i].x, out);
		assert_int_equal(out[0], cases[i].want);
		assert_int_equal(out[1], 0);
		/* above the margin of 24, that is 25 and more */
		assert_int_equal(model_choose(&model, out, 1, 3), cases[i].want == 6);
	}
	assert_int_equal(model_predict(&model, 25), 138);	/* 37.5 rounds up */
	assert_int_equal(model_choose(&model, out, 1, 2), 1);
	free(file);
}

static void random_forests_agree_with_the_reference(void **state)
{
	struct rng rng = rng_seed(31);
	u32 deepest = 0;

	(void)state;
	for (int m = 0; m < 1500; m++) {
		const struct mlp_limits limits = {
			7, 1 + rng_below(&rng, MLPROXY_MAX_FEATURES),
			1 + rng_below(&rng, MLPROXY_MAX_ACTIONS),
			MLPROXY_MODEL_MACS_PER_NODE + rng_below(&rng, 6000),
		};
		int64_t want[MLPROXY_MAX_ACTIONS];
		s64 features[MLPROXY_MAX_FEATURES];
		s32 out[MLPROXY_MAX_ACTIONS];
		struct model model;
		size_t len;
		void *file;

		assert_int_equal(tree_random_model(&rng, &limits, &file, &len), 0);
		open_model(file, len, &limits, &model);
		for (u32 t = 0; t < model.hdr->nr_layers; t++)
			if (model.trees.tree[t].depth > deepest)
				deepest = model.trees.tree[t].depth;
		for (int k = 0; k < 30; k++) {
			u32 base = rng_below(&rng, limits.nr_actions);
			u32 allowed = (u32)rng_u64(&rng) | 1U << base;

			tree_random_features(&rng, &model.trees, features, limits.nr_features);
			eval_both(&model, features, out);
			ref_tree_eval(file, features, want);
			for (u32 o = 0; o < limits.nr_actions; o++) {
				assert_int_equal(out[o], want[o]);
				assert_true(model_predict(&model, out[o]) ==
					    ref_predict(file, want[o]));
			}
			assert_int_equal(model_choose(&model, out, base, allowed),
					 ref_choose(file, want, base, allowed));
		}
		free(file);
	}
	assert_int_equal(deepest, MLPROXY_MODEL_MAX_DEPTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_hand),
		cmocka_unit_test(random_forests_agree_with_the_reference),
	};

	return cmocka_run_group_tests_name("tree evaluation", tests, NULL, NULL);
}
