// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trees and forests from a log to a verified fixed-point model: they must find the
 * known best policy, lose nothing that matters, and come back from a file as they were.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "../unit.h"
#include "bandit.h"
#include "fixed.h"
#include "mlproxy_train.h"

struct learned {
	struct mltrain_fit_report fit;
	struct mltrain_quant_report quant;
	struct mltrain_test test;
	struct mltrain_model *m;
	struct mlds_data d;
	struct model fixed;
	void *file;
	size_t len;
};

static void learn(struct learned *l, const struct bandit *b, size_t n,
		  const struct mltrain_options *o)
{
	assert_int_equal(bandit_log(b, n, &l->d), 0);
	if (mltrain_fit(&l->m, &l->d, o, &l->fit) ||
	    mltrain_quantise(l->m, &l->d, &l->fit.train, &l->file, &l->len, &l->quant))
		fail_msg("%s", mltrain_error());
	fixed_verify(l->file, l->len, &l->d.schema, &l->fixed);
	if (mltrain_test_model(l->m, &l->fixed, &l->d, &l->fit.held_out, &l->test))
		fail_msg("%s", mltrain_error());
}

static void forget(struct learned *l)
{
	free(l->file);
	mltrain_free(l->m);
	mltrain_fit_report_free(&l->fit);
	mlds_free(&l->d);
}

static void learns(enum mltrain_kind kind, const struct bandit *b, size_t n)
{
	struct mltrain_options o;
	struct learned l;
	double share;

	mltrain_default_options(&o);
	o.kind = kind;
	learn(&l, b, n, &o);
	share = fixed_best_share(&l.fixed, b->omit);
	print_message("# %s: best %.4f, agreement %.4f, rmse %.2g, %u trees, depth %u, cost %u, %zu bytes\n",
		      mltrain_kind_name(kind), share, l.quant.agreement, l.quant.rmse,
		      l.fit.nr_trees, l.fit.depth, l.fit.macs, l.len);
	assert_int_equal(l.fixed.kind, MLPROXY_MODEL_KIND_TREES);
	assert_true(share >= 0.95);
	assert_true(l.quant.agreement >= 0.999);
	assert_true(l.quant.rmse < 1e-5);
	assert_true(l.fit.macs <= l.d.schema.schema.max_macs);
	assert_int_equal(l.fit.macs, l.quant.macs);
	assert_string_equal(l.test.policy[1].name, "model (int32)");
	if (b->explore == 1)
		assert_true(l.test.policy[1].gain.low > 300);
	if (kind == MLTRAIN_TREE)
		assert_int_equal(l.fit.nr_trees, BANDIT_ACTIONS);
	forget(&l);
}

static void a_tree_learns(void **state)
{
	struct bandit b = { .seed = 1, .explore = 1, .noise = 100 };

	(void)state;
	learns(MLTRAIN_TREE, &b, 8000);
}

static void a_forest_learns(void **state)
{
	struct bandit b = { .seed = 1, .explore = 1, .noise = 100 };

	(void)state;
	learns(MLTRAIN_FOREST, &b, 8000);
}

static void costs_and_little_exploration(void **state)
{
	struct bandit lower = { .seed = 2, .explore = 1, .noise = 100, .lower = true };
	struct bandit little = { .seed = 3, .explore = 0.25, .noise = 100 };

	(void)state;
	learns(MLTRAIN_TREE, &lower, 8000);
	learns(MLTRAIN_FOREST, &lower, 8000);
	learns(MLTRAIN_TREE, &little, 20000);
}

/* An action that was never taken must never be proposed. */
static void leaves_unknown_actions(void **state)
{
	struct bandit b = { .seed = 4, .explore = 1, .noise = 100, .omit = 1 << 3 };
	struct mltrain_options o;
	int32_t out[BANDIT_ACTIONS];
	int64_t f[BANDIT_FEATURES];
	struct learned l;
	uint64_t rnd = 5;

	(void)state;
	mltrain_default_options(&o);
	o.kind = MLTRAIN_TREE;
	learn(&l, &b, 4000, &o);
	assert_int_equal(l.m->active, 7);
	for (int i = 0; i < 5000; i++) {
		bandit_context(&rnd, f);
		model_eval(&l.fixed, f, out);
		assert_int_not_equal(model_choose(&l.fixed, out, 0, 0xf), 3);
	}
	forget(&l);
}

static void options_bound_the_forest(void **state)
{
	struct bandit b = { .seed = 5, .explore = 1, .noise = 400 };
	struct mltrain_options o;
	struct learned l;

	(void)state;
	mltrain_default_options(&o);
	o.kind = MLTRAIN_FOREST;
	o.trees = 3;
	o.depth = 2;
	learn(&l, &b, 3000, &o);
	assert_true(l.fit.nr_trees <= 3 * BANDIT_ACTIONS);
	assert_int_equal(l.fit.depth, 2);
	forget(&l);
	/* a proxy that allows next to nothing: one tree an action */
	o.trees = 0;
	assert_int_equal(bandit_log(&b, 3000, &l.d), 0);
	l.d.schema.schema.max_macs = MLPROXY_MODEL_MACS_PER_NODE * 3 * BANDIT_ACTIONS;
	if (mltrain_fit(&l.m, &l.d, &o, &l.fit))
		fail_msg("%s", mltrain_error());
	assert_int_equal(l.fit.nr_trees, BANDIT_ACTIONS);
	mltrain_free(l.m);
	mltrain_fit_report_free(&l.fit);
	l.d.schema.schema.max_macs--;
	assert_int_equal(mltrain_fit(&l.m, &l.d, &o, &l.fit), -EINVAL);
	assert_non_null(strstr(mltrain_error(), "the proxy allows"));
	o.depth = 17;
	assert_int_equal(mltrain_fit(&l.m, &l.d, &o, &l.fit), -EINVAL);
	mlds_free(&l.d);
}

static void same_seed_same_trees(void **state)
{
	struct bandit b = { .seed = 6, .explore = 1, .noise = 100 };
	struct mltrain_options o;
	struct learned l[2];

	(void)state;
	mltrain_default_options(&o);
	o.kind = MLTRAIN_FOREST;
	for (int i = 0; i < 2; i++)
		learn(&l[i], &b, 2000, &o);
	assert_int_equal(l[0].len, l[1].len);
	((struct mlproxy_model_hdr *)l[0].file)->trained_ns = 0;
	((struct mlproxy_model_hdr *)l[1].file)->trained_ns = 0;
	((struct mlproxy_model_hdr *)l[0].file)->crc32 = 0;
	((struct mlproxy_model_hdr *)l[1].file)->crc32 = 0;
	assert_memory_equal(l[0].file, l[1].file, l[0].len);
	forget(&l[0]);
	forget(&l[1]);
}

static void come_back_from_file(void **state)
{
	struct bandit b = { .seed = 7, .explore = 1, .noise = 100 };
	char path[] = "/tmp/mlproxy-test-tree-XXXXXX";
	struct mltrain_rows all, unseen;
	struct mltrain_options o;
	struct mltrain_model *back;
	struct learned l;
	float *s1, *s2;
	size_t bytes;

	(void)state;
	assert_true(close(mkstemp(path)) == 0);
	mltrain_default_options(&o);
	o.kind = MLTRAIN_FOREST;
	learn(&l, &b, 2000, &o);
	if (mltrain_save(l.m, path) || mltrain_load(&back, path))
		fail_msg("%s", mltrain_error());
	assert_int_equal(back->kind, MLPROXY_MODEL_KIND_TREES);
	assert_int_equal(back->nr_trees, l.m->nr_trees);
	assert_true(l.m->margin == back->margin && l.m->active == back->active);
	mltrain_rows_all(&l.d, &all);
	bytes = l.d.n * BANDIT_ACTIONS * sizeof(*s1);
	s1 = malloc(bytes);
	s2 = malloc(bytes);
	assert_int_equal(mltrain_predict(l.m, &l.d, &all, s1), 0);
	assert_int_equal(mltrain_predict(back, &l.d, &all, s2), 0);
	assert_memory_equal(s1, s2, bytes);
	assert_int_equal(mltrain_pick_rows(back, &l.d, false, &unseen), 0);
	assert_int_equal(unseen.n, l.fit.held_out.n);
	mltrain_rows_free(&unseen);
	mltrain_rows_free(&all);
	free(s1);
	free(s2);
	mltrain_free(back);
	forget(&l);
	unlink(path);
}

/* The three kinds are tried, and the choice follows from the numbers reported. */
static void auto_takes_the_best(void **state)
{
	struct bandit b = { .seed = 8, .explore = 1, .noise = 100 };
	struct mltrain_options o;
	struct learned l;
	uint32_t best = 0;

	(void)state;
	mltrain_default_options(&o);
	o.kind = MLTRAIN_AUTO;
	/* a network that has no time to learn */
	o.restarts = 1;
	o.epochs = 2;
	learn(&l, &b, 6000, &o);
	assert_int_equal(l.fit.nr_contest, 3);
	for (uint32_t i = 0; i < 3; i++) {
		const struct mltrain_contest *c = &l.fit.contest[i];

		print_message("# %s: %d, gain %.4g, low %.4g, cost %u\n",
			      mltrain_kind_name(c->kind), c->error, c->gain, c->low, c->macs);
		assert_int_equal(c->error, 0);
		assert_int_equal(c->kind, i);
		if (c->low > l.fit.contest[best].low)
			best = i;
	}
	assert_int_equal(l.fit.kind, best);
	assert_int_not_equal(l.fit.kind, MLTRAIN_MLP);
	assert_true(fixed_best_share(&l.fixed, 0) >= 0.95);
	forget(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_learns),
		cmocka_unit_test(a_forest_learns),
		cmocka_unit_test(costs_and_little_exploration),
		cmocka_unit_test(leaves_unknown_actions),
		cmocka_unit_test(options_bound_the_forest),
		cmocka_unit_test(same_seed_same_trees),
		cmocka_unit_test(come_back_from_file),
		cmocka_unit_test(auto_takes_the_best),
	};

	mltorch_set_threads(1);
	return cmocka_run_group_tests_name("trees", tests, NULL, NULL);
}
