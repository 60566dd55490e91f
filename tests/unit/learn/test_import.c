// SPDX-License-Identifier: GPL-2.0-only
/*
 * Models of XGBoost and of PyTorch taken in: they decide as they did there, what is
 * not understood is refused with a remedy, and what they were trained on is not made up.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../unit.h"
#include "bandit.h"
#include "fixed.h"
#include "mlproxy_train.h"
#include "train_xgb.h"

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
	fixed_verify(file, len, &d->schema, &fixed);
	share = fixed_best_share(&fixed, 0);
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

/* @from in the file at @path becomes @to. */
static void edit(const char *path, const char *from, const char *to)
{
	static char text[4 << 20];
	FILE *f = fopen(path, "re");
	size_t len = fread(text, 1, sizeof(text) - 1, f);
	char *at;

	fclose(f);
	text[len] = '\0';
	at = strstr(text, from);
	assert_non_null(at);
	f = fopen(path, "we");
	fwrite(text, 1, at - text, f);
	fputs(to, f);
	fputs(at + strlen(from), f);
	assert_int_equal(fclose(f), 0);
}

/* XGBoost 3.1 writes the constant part as a list: read, or refused, but never taken for 0. */
static void base_score_is_understood(void **state)
{
	struct bandit b = { .seed = 21, .explore = 1, .noise = 100 };
	char path[] = "/tmp/mlproxy-test-xgb-XXXXXX.json", *paths[] = { path };
	char note[MLTRAIN_NOTE_LEN];
	struct mltrain_import_options o = { .note = note };
	BoosterHandle booster;
	DMatrixHandle matrix;
	struct mltrain_model *m;
	struct mlds_data d;

	(void)state;
	assert_int_equal(bandit_log(&b, 2000, &d), 0);
	close(mkstemps(path, 5));
	save_xgboost(&d, -1, path, NULL, &booster, &matrix);
	assert_int_equal(mltrain_import_xgboost(&m, paths, 1, &d, &o), 0);
	assert_string_equal(note, "");
	mltrain_free(m);
	edit(path, "\"base_score\":\"3.5E0\"", "\"base_score\":\"[3.5E0]\"");
	edit(path, "\"version\":[1,", "\"version\":[3,");
	if (mltrain_import_xgboost(&m, paths, 1, &d, &o))
		fail_msg("%s", mltrain_error());
	for (uint32_t a = 0; a < BANDIT_ACTIONS; a++)
		same_as_xgboost(m, &d, booster, matrix, a, BANDIT_ACTIONS);
	/* This one reads the list, or says why it can't tell. */
	assert_true(!*note || strstr(note, "not compared"));
	mltrain_free(m);
	edit(path, "[3.5E0]", "[3.5E0, 3.5E0, 3.5E0, 3.5E0]");
	if (mltrain_import_xgboost(&m, paths, 1, &d, &o))
		fail_msg("%s", mltrain_error());
	same_as_xgboost(m, &d, booster, matrix, 3, BANDIT_ACTIONS);
	mltrain_free(m);
	edit(path, "[3.5E0, 3.5E0, 3.5E0, 3.5E0]", "[3.5E0, 3.5E0]");
	assert_int_equal(mltrain_import_xgboost(&m, paths, 1, &d, &o), -EBADMSG);
	edit(path, "[3.5E0, 3.5E0]", "about 3.5");
	assert_int_equal(mltrain_import_xgboost(&m, paths, 1, &d, &o), -EBADMSG);
	assert_non_null(strstr(mltrain_error(), "base_score is \"about 3.5\""));
	XGBoosterFree(booster);
	XGDMatrixFree(matrix);
	unlink(path);
	mlds_free(&d);
}

/* What is read otherwise than XGBoost reads it is not imported. */
static void another_prediction_is_refused(void **state)
{
	struct bandit b = { .seed = 22, .explore = 1, .noise = 100 };
	char path[] = "/tmp/mlproxy-test-xgb-XXXXXX.json";
	struct mltrain_model m = { 0 };
	char note[MLTRAIN_NOTE_LEN];
	static char text[4 << 20];
	double base[BANDIT_ACTIONS];
	struct mltrain_xgb_file f = { .text = text, .what = "it", .m = &m, .base = base };
	BoosterHandle booster;
	DMatrixHandle matrix;
	struct mlds_data d;
	FILE *file;

	(void)state;
	assert_int_equal(bandit_log(&b, 2000, &d), 0);
	close(mkstemps(path, 5));
	save_xgboost(&d, -1, path, NULL, &booster, &matrix);
	file = fopen(path, "re");
	f.len = fread(text, 1, sizeof(text), file);
	fclose(file);
	m.schema = d.schema;
	assert_int_equal(mltrain_xgb_read(&f, BANDIT_ACTIONS), 0);
	assert_int_equal(mltrain_xgb_check(&f, &d, note), 0);
	assert_string_equal(note, "");
	base[1] = 0;
	assert_int_equal(mltrain_xgb_check(&f, &d, note), -EBADMSG);
	assert_non_null(strstr(mltrain_error(), "XGBoost itself predicts"));
	base[1] = base[0];
	m.trees[0].nodes[0].threshold++;
	assert_int_equal(mltrain_xgb_check(&f, &d, note), -EBADMSG);
	mltrain_trees_free(&m);
	XGBoosterFree(booster);
	XGDMatrixFree(matrix);
	unlink(path);
	mlds_free(&d);
}

/* What torch.save() writes: an archive, or a pickle, but no TorchScript. */
static void a_state_dict_has_a_remedy(void **state)
{
	static const char zip[] = "PK\3\4.....archive/data.pkl....archive/data/0...PK\1\2";
	static const char pickle[] = "\x80\2.l.F.";
	struct bandit b = { .seed = 23, .explore = 1, .noise = 100 };
	struct mltrain_import_options o = { .name = "" };
	struct mltrain_model *m;
	struct mlds_data d;
	size_t i;

	(void)state;
	assert_int_equal(bandit_log(&b, 500, &d), 0);
	for (i = 0; i < 2; i++) {
		char path[] = "/tmp/mlproxy-test-dict-XXXXXX";
		FILE *f = fdopen(mkstemp(path), "w");

		fwrite(i ? pickle : zip, 1, i ? sizeof(pickle) : sizeof(zip), f);
		fclose(f);
		assert_int_equal(mltrain_import_torch(&m, path, &d, &o), -EBADMSG);
		assert_non_null(strstr(mltrain_error(), "torch.jit.script(model"));
		unlink(path);
	}
	mlds_free(&d);
}

static const char one_tree[] = LEARNER("gbtree", "reg:squarederror",
				       TREE("1,-1,-1", "2,-1,-1", "0,0,0"), "2");

static struct mltrain_model *import_one(const struct mlds_data *d, const struct mlds_data *on)
{
	struct mltrain_import_options o = { .score = true, .trained_on = on };
	char path[] = "/tmp/mlproxy-test-one-XXXXXX", *paths[] = { path };
	FILE *f = fdopen(mkstemp(path), "w");
	struct mltrain_model *m;

	fputs(one_tree, f);
	fclose(f);
	if (mltrain_import_xgboost(&m, paths, 1, d, &o))
		fail_msg("%s", mltrain_error());
	unlink(path);
	return m;
}

/* No row is held out from a model of which nobody knows what it was trained on. */
static void provenance_is_kept(void **state)
{
	struct bandit b = { .seed = 24, .explore = 1, .noise = 100 };
	char path[] = "/tmp/mlproxy-test-prov-XXXXXX";
	struct mltrain_model *m, *again;
	struct mltrain_rows rows;
	struct mlds_data d;

	(void)state;
	assert_int_equal(bandit_log(&b, 500, &d), 0);
	close(mkstemp(path));
	m = import_one(&d, NULL);
	assert_false(mltrain_provenance_known(m));
	assert_int_equal(mltrain_save(m, path), 0);
	assert_int_equal(mltrain_load(&again, path), 0);
	assert_false(mltrain_provenance_known(again));
	mltrain_free(m);
	mltrain_free(again);
	m = import_one(&d, &d);
	assert_int_equal(mltrain_save(m, path), 0);
	assert_int_equal(mltrain_load(&again, path), 0);
	assert_true(mltrain_provenance_known(again));
	assert_int_equal(mltrain_pick_rows(again, &d, false, &rows), 0);
	assert_int_equal(rows.n, 0);
	mltrain_rows_free(&rows);
	mltrain_free(m);
	mltrain_free(again);
	unlink(path);
	mlds_free(&d);
}

/* A model that can't be written leaves the old one, and no half; the reason is told. */
static void a_full_disk_leaves_nothing(void **state)
{
	struct bandit b = { .seed = 25, .explore = 1, .noise = 100 };
	char dir[] = "/tmp/mlproxy-test-full-XXXXXX", path[64];
	struct rlimit limit, was;
	struct mltrain_model *m, *again;
	struct mlds_data d;

	(void)state;
	assert_int_equal(bandit_log(&b, 500, &d), 0);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/m.float", dir);
	m = import_one(&d, NULL);
	assert_int_equal(mltrain_save(m, path), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	limit = (struct rlimit){ 2048, was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(mltrain_save(m, path), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_non_null(strstr(mltrain_error(), "can't write"));
	assert_non_null(strstr(mltrain_error(), "File too large"));
	assert_int_equal(mltrain_load(&again, path), 0);
	mltrain_free(again);
	unlink(path);
	/* Nothing else was there. */
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(mltrain_save(m, path), -ENOENT);
	assert_non_null(strstr(mltrain_error(), "make its directory"));
	mltrain_free(m);
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
		cmocka_unit_test(xgboost_with_all_outputs),
		cmocka_unit_test(xgboost_with_a_file_an_action),
		cmocka_unit_test(base_score_is_understood),
		cmocka_unit_test(another_prediction_is_refused),
		cmocka_unit_test(a_state_dict_has_a_remedy),
		cmocka_unit_test(provenance_is_kept),
		cmocka_unit_test(a_full_disk_leaves_nothing),
		cmocka_unit_test(foreign_files_are_refused),
		cmocka_unit_test(thresholds_are_exact),
		cmocka_unit_test(torchscript_with_raw_features),
		cmocka_unit_test(torchscript_with_standardised_features),
		cmocka_unit_test(foreign_networks_are_refused),
	};

	mltorch_set_threads(1);
	return cmocka_run_group_tests_name("imports", tests, NULL, NULL);
}
