// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trees and forests from a log to a verified fixed-point model, and models of
 * XGBoost and of PyTorch taken in: they must find the known best policy, lose
 * nothing that matters, and come back from a file as they were.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>
#include <xgboost/c_api.h>

#include "../unit.h"
#include "bandit.h"
#include "mlproxy_train.h"

static void verify(const void *file, size_t len, const struct mlds_schema *s,
		   struct model *model)
{
	struct mlp_limits limits = { s->schema.schema_hash, s->schema.nr_features,
				     s->schema.nr_actions, s->schema.max_macs };
	struct mlp_report report;

	if (model_verify(file, len, &limits, model, &report))
		fail_msg("%s", report.text);
}

/* Share of fresh contexts for which the fixed-point policy takes the best action. */
static double best_share(const struct model *model, uint32_t omit)
{
	int32_t out[BANDIT_ACTIONS];
	int64_t f[BANDIT_FEATURES];
	int best = 0, counted = 0;
	uint64_t state = 777;

	for (int i = 0; i < 20000; i++) {
		uint32_t want;

		bandit_context(&state, f);
		want = bandit_best(f);
		if (omit >> want & 1)
			continue;
		model_eval(model, f, out);
		best += model_choose(model, out, 0, 0xf & ~omit) == want;
		counted++;
	}
	return (double)best / counted;
}

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
	verify(l->file, l->len, &l->d.schema, &l->fixed);
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
	share = best_share(&l.fixed, b->omit);
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
	assert_true(best_share(&l.fixed, 0) >= 0.95);
	forget(&l);
}

/* ---- models from elsewhere ---- */

#define XGB(call) assert_int_equal(call, 0)

/* Trained without the trainer: all actions at once, or action @only. */
static void save_xgboost(const struct mlds_data *d, int only, const char *path,
			 const char *const (*params)[2], BoosterHandle *booster,
			 DMatrixHandle *matrix)
{
	size_t n = d->n;
	float *x = malloc(n * BANDIT_FEATURES * sizeof(*x));
	float *y = malloc(n * BANDIT_ACTIONS * sizeof(*y));
	uint32_t nr_y = only < 0 ? BANDIT_ACTIONS : 1;
	struct bandit b = { .lower = false };
	char labels[256];

	for (size_t i = 0; i < n; i++) {
		const int64_t *f = d->features + i * BANDIT_FEATURES;

		for (int k = 0; k < BANDIT_FEATURES; k++)
			x[i * BANDIT_FEATURES + k] = f[k];
		for (uint32_t a = 0; a < nr_y; a++)
			y[i * nr_y + a] = bandit_mean(&b, only < 0 ? a : (uint32_t)only, f);
	}
	XGB(XGDMatrixCreateFromMat(x, n, BANDIT_FEATURES, NAN, matrix));
	snprintf(labels, sizeof(labels),
		 "{\"data\": [%zu, true], \"shape\": [%zu, %u], \"typestr\": \"<f4\", \"version\": 3}",
		 (size_t)y, n, nr_y);
	XGB(XGDMatrixSetInfoFromInterface(*matrix, "label", labels));
	XGB(XGBoosterCreate(matrix, 1, booster));
	XGB(XGBoosterSetParam(*booster, "verbosity", "0"));
	XGB(XGBoosterSetParam(*booster, "nthread", "1"));
	XGB(XGBoosterSetParam(*booster, "max_depth", "6"));
	XGB(XGBoosterSetParam(*booster, "base_score", "3.5"));
	for (; params && (*params)[0]; params++)
		XGB(XGBoosterSetParam(*booster, (*params)[0], (*params)[1]));
	for (int i = 0; i < 20; i++)
		XGB(XGBoosterUpdateOneIter(*booster, i, *matrix));
	XGB(XGBoosterSaveModel(*booster, path));
	free(x);
	free(y);
}

static double predicted_reward(const struct mltrain_model *m, float score)
{
	return m->reward_mean + score * m->reward_scale;
}

/* Column @action of the float model's rewards is what XGBoost gives. */
static void same_as_xgboost(const struct mltrain_model *m, const struct mlds_data *d,
			    BoosterHandle booster, DMatrixHandle matrix, uint32_t action,
			    uint32_t nr_y)
{
	float *scores = malloc(d->n * BANDIT_ACTIONS * sizeof(*scores));
	struct mltrain_rows all;
	const float *want;
	bst_ulong len;

	assert_int_equal(mltrain_rows_all(d, &all), 0);
	assert_int_equal(mltrain_predict(m, d, &all, scores), 0);
	XGB(XGBoosterPredict(booster, matrix, 0, 0, 0, &len, &want));
	assert_int_equal(len, d->n * nr_y);
	for (size_t i = 0; i < d->n; i++) {
		double got = predicted_reward(m, scores[i * BANDIT_ACTIONS + action]);

		if (fabs(got - want[i * nr_y + (nr_y > 1 ? action : 0)]) > 0.01)
			fail_msg("row %zu action %u: %g, XGBoost says %g", i, action, got,
				 want[i * nr_y + (nr_y > 1 ? action : 0)]);
	}
	mltrain_rows_free(&all);
	free(scores);
}

/* Quantise what was imported and hold it against the known best. */
static void quantised_is_good(const struct mltrain_model *m, const struct mlds_data *d,
			      double least_agreement)
{
	struct mltrain_quant_report qr;
	struct mltrain_rows all;
	struct model fixed;
	double share;
	void *file;
	size_t len;

	assert_int_equal(mltrain_rows_all(d, &all), 0);
	if (mltrain_quantise(m, d, &all, &file, &len, &qr))
		fail_msg("%s", mltrain_error());
	verify(file, len, &d->schema, &fixed);
	share = best_share(&fixed, 0);
	print_message("# imported: best %.4f, agreement %.4f\n", share, qr.agreement);
	assert_true(qr.agreement >= least_agreement);
	assert_true(share >= 0.95);
	mltrain_rows_free(&all);
	free(file);
}

static void xgboost_with_all_outputs(void **state)
{
	struct bandit b = { .seed = 9, .explore = 1, .noise = 100 };
	struct mltrain_import_options o = { .name = "foreign" };
	char path[] = "/tmp/mlproxy-test-xgb-XXXXXX.json", *paths[] = { path };
	struct mltrain_model *m;
	BoosterHandle booster;
	DMatrixHandle matrix;
	struct mlds_data d;

	(void)state;
	assert_true(close(mkstemps(path, 5)) == 0);
	assert_int_equal(bandit_log(&b, 3000, &d), 0);
	save_xgboost(&d, -1, path, NULL, &booster, &matrix);
	if (mltrain_import_xgboost(&m, paths, 1, &d, &o))
		fail_msg("%s", mltrain_error());
	assert_string_equal(m->name, "foreign");
	assert_int_equal(m->nr_trees, 20 * BANDIT_ACTIONS);
	for (uint32_t a = 0; a < BANDIT_ACTIONS; a++)
		same_as_xgboost(m, &d, booster, matrix, a, BANDIT_ACTIONS);
	quantised_is_good(m, &d, 0.999);
	mltrain_free(m);
	XGBoosterFree(booster);
	XGDMatrixFree(matrix);
	mlds_free(&d);
	unlink(path);
}

static void xgboost_with_a_file_an_action(void **state)
{
	struct bandit b = { .seed = 10, .explore = 1, .noise = 100 };
	struct mltrain_import_options o = { .name = "" };
	char path[BANDIT_ACTIONS][64], *paths[BANDIT_ACTIONS];
	BoosterHandle booster[BANDIT_ACTIONS];
	DMatrixHandle matrix[BANDIT_ACTIONS];
	struct mltrain_model *m;
	struct mlds_data d;
	uint32_t a;

	(void)state;
	assert_int_equal(bandit_log(&b, 3000, &d), 0);
	for (a = 0; a < BANDIT_ACTIONS; a++) {
		strcpy(path[a], "/tmp/mlproxy-test-xgb-XXXXXX.json");
		paths[a] = path[a];
		assert_true(close(mkstemps(path[a], 5)) == 0);
		save_xgboost(&d, a, path[a], NULL, &booster[a], &matrix[a]);
	}
	if (mltrain_import_xgboost(&m, paths, BANDIT_ACTIONS, &d, &o))
		fail_msg("%s", mltrain_error());
	for (a = 0; a < BANDIT_ACTIONS; a++)
		same_as_xgboost(m, &d, booster[a], matrix[a], a, 1);
	quantised_is_good(m, &d, 0.999);
	mltrain_free(m);
	/* one too few, one too many, and the same with other features */
	assert_int_equal(mltrain_import_xgboost(&m, paths, 3, &d, &o), -EBADMSG);
	assert_non_null(strstr(mltrain_error(), "3 outputs in 3 files"));
	paths[1] = paths[0];
	d.schema.schema.nr_actions = 3;
	assert_int_equal(mltrain_import_xgboost(&m, paths, 4, &d, &o), -EBADMSG);
	d.schema.schema.nr_actions = BANDIT_ACTIONS;
	d.schema.schema.nr_features = 5;
	assert_int_equal(mltrain_import_xgboost(&m, paths, 4, &d, &o), -EBADMSG);
	assert_non_null(strstr(mltrain_error(), "3 features, the schema has 5"));
	for (a = 0; a < BANDIT_ACTIONS; a++) {
		XGBoosterFree(booster[a]);
		XGDMatrixFree(matrix[a]);
		unlink(path[a]);
	}
	mlds_free(&d);
}

static void refused(const struct mlds_data *d, const char *text, const char *word)
{
	struct mltrain_import_options o = { .name = "" };
	char path[] = "/tmp/mlproxy-test-bad-XXXXXX", *paths[] = { path };
	FILE *f = fdopen(mkstemp(path), "w");
	struct mltrain_model *m;

	fputs(text, f);
	fclose(f);
	assert_true(mltrain_import_xgboost(&m, paths, 1, d, &o) < 0);
	assert_null(m);
	if (!strstr(mltrain_error(), word))
		fail_msg("\"%s\" was due: %s", word, mltrain_error());
	unlink(path);
}

#define LEARNER(booster, objective, trees, info)					\
	"{\"learner\": {\"learner_model_param\": {\"base_score\": \"0\", "		\
	"\"num_class\": \"0\", \"num_feature\": \"3\", \"num_target\": \"4\"}, "	\
	"\"objective\": {\"name\": \"" objective "\"}, \"gradient_booster\": "		\
	"{\"name\": \"" booster "\", \"model\": {\"trees\": [" trees			\
	"], \"tree_info\": [" info "]}}}}"
#define TREE(left, right, index)							\
	"{\"left_children\": [" left "], \"right_children\": [" right "], "		\
	"\"split_indices\": [" index "], \"split_conditions\": [1.5, 2, 3]}"

static void foreign_files_are_refused(void **state)
{
	struct bandit b = { .seed = 11, .explore = 1, .noise = 100 };
	struct mltrain_import_options o = { .name = "" };
	struct mltrain_model *m;
	char *none[] = { "/nonexistent" };
	struct mlds_data d;

	(void)state;
	assert_int_equal(bandit_log(&b, 500, &d), 0);
	refused(&d, "PK nonsense", "JSON");
	refused(&d, "{}", "the learner");
	refused(&d, LEARNER("gblinear", "reg:squarederror", "", ""), "booster");
	refused(&d, LEARNER("gbtree", "rank:pairwise", "", ""), "objective");
	refused(&d, LEARNER("gbtree", "reg:squarederror", TREE("1,-1,-1", "2,-1,-1", "0,0,0"),
			    "4"), "tree_info");
	refused(&d, LEARNER("gbtree", "reg:squarederror", TREE("1,-1,-1", "2,-1,-1", "3,0,0"),
			    "0"), "feature 3");
	refused(&d, LEARNER("gbtree", "reg:squarederror", TREE("0,-1,-1", "2,-1,-1", "0,0,0"),
			    "0"), "child");
	refused(&d, LEARNER("gbtree", "reg:squarederror", TREE("1,-1,-1", "3,-1,-1", "0,0,0"),
			    "0"), "child");
	refused(&d, LEARNER("gbtree", "reg:squarederror", TREE("1,-1", "2,-1,-1", "0,0,0"),
			    "0"), "right_children");
	assert_int_equal(mltrain_import_xgboost(&m, none, 1, &d, &o), -ENOENT);
	o.standardised = true;
	assert_int_equal(mltrain_import_xgboost(&m, none, 1, &d, &o), -EINVAL);
	mlds_free(&d);
}

/* A threshold between two integers, and at one, decides as it does in XGBoost. */
static void thresholds_are_exact(void **state)
{
	struct bandit b = { .seed = 12, .explore = 1, .noise = 100 };
	struct mltrain_import_options o = { .score = true };
	char path[] = "/tmp/mlproxy-test-thr-XXXXXX", *paths[] = { path };
	FILE *f = fdopen(mkstemp(path), "w");
	struct mltrain_rows first = { 1, (uint32_t[]){ 0 } };
	float scores[BANDIT_ACTIONS];
	struct mltrain_model *m;
	struct mlds_data d;

	(void)state;
	fputs(LEARNER("gbtree", "reg:squarederror", TREE("1,-1,-1", "2,-1,-1", "0,0,0"), "2"), f);
	fclose(f);
	assert_int_equal(bandit_log(&b, 500, &d), 0);
	if (mltrain_import_xgboost(&m, paths, 1, &d, &o))
		fail_msg("%s", mltrain_error());
	for (int64_t x = -3; x <= 3; x++) {
		d.features[0] = x;
		assert_int_equal(mltrain_predict(m, &d, &first, scores), 0);
		assert_true(scores[2] == (x < 1.5 ? 2 : 3));
		assert_true(scores[0] == 0);
	}
	mltrain_free(m);
	mlds_free(&d);
	unlink(path);
}

/* ---- TorchScript ---- */

/* A network on raw features, trained on true rewards, and saved as TorchScript. */
static struct mltorch_net *make_torch(const struct mlds_data *d, uint32_t nr_in, bool scaled,
				      const char *path)
{
	struct mltorch_options opt = {
		.nr_sizes = 3, .sizes = { nr_in, 12, BANDIT_ACTIONS }, .seed = 3, .lr = 0.02,
	};
	struct mltorch_net *net;
	float w[12 * BANDIT_FEATURES], bias[12];

	(void)d;
	if (mltorch_create(&net, &opt))
		fail_msg("%s", mltorch_last_error());
	if (!scaled && nr_in == BANDIT_FEATURES) {
		/* raw values reach 2^20: weights as training would make them */
		static const float range[BANDIT_FEATURES] = { 256, 1 << 20, 4 };

		assert_int_equal(mltorch_get_layer(net, 0, w, bias), 0);
		for (int i = 0; i < 12 * BANDIT_FEATURES; i++)
			w[i] *= 2 / range[i % BANDIT_FEATURES];
		assert_int_equal(mltorch_set_layer(net, 0, w, bias), 0);
	}
	if (mltorch_export(net, path))
		fail_msg("%s", mltorch_last_error());
	return net;
}

/* Mean and deviation of a feature, over the data set. */
static void moments(const struct mlds_data *d, int f, double *mean, double *sd)
{
	double sum = 0, sum2 = 0;

	for (size_t i = 0; i < d->n; i++)
		sum += d->features[i * BANDIT_FEATURES + f];
	*mean = sum / d->n;
	for (size_t i = 0; i < d->n; i++)
		sum2 += pow(d->features[i * BANDIT_FEATURES + f] - *mean, 2);
	*sd = sqrt(sum2 / d->n);
}

static void torch_round_trip(bool scaled)
{
	struct bandit b = { .seed = 13, .explore = 1, .noise = 100 };
	struct mltrain_import_options o = { .standardised = scaled, .score = true };
	char path[] = "/tmp/mlproxy-test-torch-XXXXXX";
	double mean[BANDIT_FEATURES], sd[BANDIT_FEATURES], worst = 0, spread = 0;
	struct mltrain_quant_report qr;
	struct mltrain_rows all;
	struct mltrain_model *m;
	struct mltorch_net *net;
	float *x, *want, *got;
	struct mlds_data d;
	size_t len, i;
	void *file;

	assert_true(close(mkstemp(path)) == 0);
	assert_int_equal(bandit_log(&b, 2000, &d), 0);
	net = make_torch(&d, BANDIT_FEATURES, scaled, path);
	if (mltrain_import_torch(&m, path, &d, &o))
		fail_msg("%s", mltrain_error());
	x = malloc(d.n * BANDIT_FEATURES * sizeof(*x));
	want = malloc(d.n * BANDIT_ACTIONS * sizeof(*want));
	got = malloc(d.n * BANDIT_ACTIONS * sizeof(*got));
	for (int f = 0; f < BANDIT_FEATURES; f++)
		moments(&d, f, &mean[f], &sd[f]);
	for (i = 0; i < d.n * BANDIT_FEATURES; i++) {
		int f = i % BANDIT_FEATURES;

		x[i] = scaled ? (d.features[i] - mean[f]) / sd[f] : d.features[i];
	}
	assert_int_equal(mltorch_predict(net, x, d.n, want), 0);
	assert_int_equal(mltrain_rows_all(&d, &all), 0);
	assert_int_equal(mltrain_predict(m, &d, &all, got), 0);
	for (i = 0; i < d.n * BANDIT_ACTIONS; i++) {
		worst = fmax(worst, fabs(got[i] - want[i]));
		spread = fmax(spread, fabs(want[i]));
	}
	/* what the int8 inputs round off */
	print_message("# TorchScript: largest difference %.4f of %.4f\n", worst, spread);
	assert_true(worst < 0.01 * spread);
	if (mltrain_quantise(m, &d, &all, &file, &len, &qr))
		fail_msg("%s", mltrain_error());
	assert_true(qr.rmse < 0.02 * spread);
	free(file);
	free(x);
	free(want);
	free(got);
	mltrain_rows_free(&all);
	mltrain_free(m);
	mltorch_free(net);
	mlds_free(&d);
	unlink(path);
}

static void torchscript_with_raw_features(void **state)
{
	(void)state;
	torch_round_trip(false);
}

static void torchscript_with_standardised_features(void **state)
{
	(void)state;
	torch_round_trip(true);
}

static void foreign_networks_are_refused(void **state)
{
	struct bandit b = { .seed = 14, .explore = 1, .noise = 100 };
	struct mltrain_import_options o = { .name = "" };
	char path[] = "/tmp/mlproxy-test-torch-XXXXXX";
	struct mltorch_net *net;
	struct mltrain_model *m;
	struct mlds_data d;

	(void)state;
	assert_true(close(mkstemp(path)) == 0);
	assert_int_equal(bandit_log(&b, 500, &d), 0);
	/* an empty file, none, and one that takes five inputs */
	assert_true(mltrain_import_torch(&m, path, &d, &o) < 0);
	assert_true(mltrain_import_torch(&m, "/nonexistent", &d, &o) == -ENOENT);
	net = make_torch(&d, 5, false, path);
	assert_int_equal(mltrain_import_torch(&m, path, &d, &o), -EBADMSG);
	assert_non_null(strstr(mltrain_error(), "takes 5 inputs, the schema has 3"));
	mltorch_free(net);
	net = make_torch(&d, 3, false, path);
	d.schema.schema.nr_actions = 3;
	assert_int_equal(mltrain_import_torch(&m, path, &d, &o), -EBADMSG);
	assert_non_null(strstr(mltrain_error(), "gives 4 outputs"));
	d.schema.schema.nr_actions = BANDIT_ACTIONS;
	mltorch_free(net);
	mlds_free(&d);
	unlink(path);
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
		cmocka_unit_test(xgboost_with_all_outputs),
		cmocka_unit_test(xgboost_with_a_file_an_action),
		cmocka_unit_test(foreign_files_are_refused),
		cmocka_unit_test(thresholds_are_exact),
		cmocka_unit_test(torchscript_with_raw_features),
		cmocka_unit_test(torchscript_with_standardised_features),
		cmocka_unit_test(foreign_networks_are_refused),
	};

	mltorch_set_threads(1);
	return cmocka_run_group_tests_name("trees and imports", tests, NULL, NULL);
}
