// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trainer from a log to a verified fixed-point model: it must find the known
 * best policy, in both directions of the reward, give the same model for the same
 * seed, come back from a file as it was, and refuse what it can't learn from.
 */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "../unit.h"
#include "bandit.h"
#include "fixed.h"
#include "mlproxy_train.h"

static void quick(struct mltrain_options *o)
{
	mltrain_default_options(o);
	o->restarts = 1;
	o->epochs = 60;
}

/* Train, quantise, and return the share of best actions. */
static double learn(const struct bandit *b, size_t n, const struct mltrain_options *o,
		    struct mltrain_quant_report *qr, struct mltrain_test *test)
{
	struct mltrain_fit_report fr;
	struct mltrain_model *m;
	struct mlds_data d;
	struct model model;
	double share;
	void *file;
	size_t len;

	assert_int_equal(bandit_log(b, n, &d), 0);
	if (mltrain_fit(&m, &d, o, &fr))
		fail_msg("%s", mltrain_error());
	if (mltrain_quantise(m, &d, &fr.train, &file, &len, qr))
		fail_msg("%s", mltrain_error());
	fixed_verify(file, len, &d.schema, &model);
	if (test && mltrain_test_model(m, &model, &d, &fr.held_out, test))
		fail_msg("%s", mltrain_error());
	share = fixed_best_share(&model, b->omit);
	free(file);
	mltrain_free(m);
	mltrain_fit_report_free(&fr);
	mlds_free(&d);
	return share;
}

static void learns_uniform(void **state)
{
	struct bandit b = { .seed = 1, .explore = 1, .noise = 100 };
	struct mltrain_quant_report qr;
	struct mltrain_options o;
	struct mltrain_test t;
	double share;

	(void)state;
	quick(&o);
	share = learn(&b, 8000, &o, &qr, &t);
	print_message("# best %.4f, agreement %.4f, rmse %.4f\n", share, qr.agreement, qr.rmse);
	assert_true(share >= 0.95);
	assert_true(qr.agreement >= 0.97);
	assert_true(qr.rmse < 0.1);
	/* The test must see that, too: 1000 less little, against 582 or so. */
	assert_string_equal(t.policy[0].name, "model (float)");
	assert_string_equal(t.policy[1].name, "model (int8)");
	assert_true(t.policy[1].dr.low > 950);
	assert_true(t.policy[1].gain.low > 300);
}

static void learns_lower(void **state)
{
	struct bandit b = { .seed = 2, .explore = 1, .noise = 100, .lower = true };
	struct mltrain_quant_report qr;
	struct mltrain_options o;
	struct mltrain_test t;
	double share;

	(void)state;
	quick(&o);
	share = learn(&b, 8000, &o, &qr, &t);
	print_message("# best %.4f, agreement %.4f\n", share, qr.agreement);
	assert_true(share >= 0.95);
	assert_true(t.policy[1].dr.high < -950);
	assert_true(t.policy[1].gain.low > 300);
}

/* As in learning mode: most decisions are the baseline's. */
static void learns_little_exploration(void **state)
{
	struct bandit b = { .seed = 3, .explore = 0.25, .noise = 100 };
	struct mltrain_quant_report qr;
	struct mltrain_options o;
	double share;

	(void)state;
	quick(&o);
	share = learn(&b, 20000, &o, &qr, NULL);
	print_message("# best %.4f, agreement %.4f\n", share, qr.agreement);
	assert_true(share >= 0.95);
}

/* An action that was never taken must never be proposed. */
static void leaves_unknown_actions(void **state)
{
	struct bandit b = { .seed = 4, .explore = 1, .noise = 100, .omit = 1 << 3 };
	struct mltrain_quant_report qr;
	struct mltrain_fit_report fr;
	struct mltrain_options o;
	struct mltrain_model *m;
	struct mlds_data d;
	struct model model;
	uint64_t rnd = 5;
	int32_t out[BANDIT_ACTIONS];
	int64_t f[BANDIT_FEATURES];
	void *file;
	size_t len;
	int i;

	(void)state;
	quick(&o);
	o.epochs = 20;
	assert_int_equal(bandit_log(&b, 4000, &d), 0);
	assert_int_equal(mltrain_fit(&m, &d, &o, &fr), 0);
	assert_int_equal(m->active, 7);
	assert_int_equal(mltrain_quantise(m, &d, &fr.train, &file, &len, &qr), 0);
	fixed_verify(file, len, &d.schema, &model);
	for (i = 0; i < 5000; i++) {
		bandit_context(&rnd, f);
		model_eval(&model, f, out);
		assert_int_not_equal(model_choose(&model, out, 0, 0xf), 3);
	}
	free(file);
	mltrain_free(m);
	mltrain_fit_report_free(&fr);
	mlds_free(&d);
}

static void same_seed_same_model(void **state)
{
	struct bandit b = { .seed = 6, .explore = 1, .noise = 100 };
	struct mltrain_quant_report qr;
	struct mltrain_fit_report fr;
	struct mltrain_options o;
	struct mltrain_model *m;
	struct mlds_data d;
	void *file[2];
	size_t len[2];
	int i;

	(void)state;
	quick(&o);
	o.epochs = 10;
	assert_int_equal(bandit_log(&b, 2000, &d), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(mltrain_fit(&m, &d, &o, &fr), 0);
		m->trained_ns = 1;
		assert_int_equal(mltrain_quantise(m, &d, &fr.train, &file[i], &len[i], &qr), 0);
		mltrain_free(m);
		mltrain_fit_report_free(&fr);
	}
	assert_int_equal(len[0], len[1]);
	assert_memory_equal(file[0], file[1], len[0]);
	free(file[0]);
	free(file[1]);
	mlds_free(&d);
}

static void comes_back_from_file(void **state)
{
	struct bandit b = { .seed = 7, .explore = 1, .noise = 100 };
	char path[] = "/tmp/mlproxy-test-model-XXXXXX";
	struct mltrain_rows all, unseen;
	struct mltrain_fit_report fr;
	struct mltrain_options o;
	struct mltrain_model *m, *back;
	struct mlds_data d;
	float *s1, *s2;

	(void)state;
	assert_true(close(mkstemp(path)) == 0);
	quick(&o);
	o.epochs = 5;
	assert_int_equal(bandit_log(&b, 2000, &d), 0);
	assert_int_equal(mltrain_fit(&m, &d, &o, &fr), 0);
	if (mltrain_save(m, path) || mltrain_load(&back, path))
		fail_msg("%s", mltrain_error());
	assert_memory_equal(&m->schema.features, &back->schema.features,
			    sizeof(m->schema.features));
	assert_memory_equal(m->inputs, back->inputs, sizeof(m->inputs));
	assert_string_equal(m->name, back->name);
	assert_true(m->margin == back->margin && m->reward_scale == back->reward_scale);
	mltrain_rows_all(&d, &all);
	s1 = calloc(d.n * BANDIT_ACTIONS, sizeof(*s1));
	s2 = calloc(d.n * BANDIT_ACTIONS, sizeof(*s2));
	assert_int_equal(mltrain_predict(m, &d, &all, s1), 0);
	assert_int_equal(mltrain_predict(back, &d, &all, s2), 0);
	assert_memory_equal(s1, s2, d.n * BANDIT_ACTIONS * sizeof(*s1));
	/* What a test may use is what was held out. */
	assert_int_equal(mltrain_pick_rows(back, &d, false, &unseen), 0);
	assert_int_equal(unseen.n, fr.held_out.n);
	assert_memory_equal(unseen.row, fr.held_out.row, unseen.n * sizeof(*unseen.row));
	mltrain_rows_free(&unseen);
	mltrain_rows_free(&all);
	free(s1);
	free(s2);
	mltrain_free(m);
	mltrain_free(back);
	mltrain_fit_report_free(&fr);
	mlds_free(&d);
	unlink(path);
}

static void refuses_with_reason(void **state)
{
	struct bandit b = { .seed = 8, .explore = 1, .noise = 0 };
	struct mltrain_fit_report fr;
	struct mltrain_options o;
	struct mltrain_model *m;
	struct mlds_data d;
	size_t i;

	(void)state;
	quick(&o);
	assert_int_equal(bandit_log(&b, 30, &d), 0);
	assert_int_equal(mltrain_fit(&m, &d, &o, &fr), -ENODATA);
	assert_non_null(strstr(mltrain_error(), "record more"));
	mlds_free(&d);

	/* No exploration: one action only. */
	b.explore = 0;
	assert_int_equal(bandit_log(&b, 1000, &d), 0);
	assert_int_equal(mltrain_fit(&m, &d, &o, &fr), -ENODATA);
	assert_non_null(strstr(mltrain_error(), "exploration"));
	mlds_free(&d);

	b.explore = 1;
	assert_int_equal(bandit_log(&b, 1000, &d), 0);
	for (i = 0; i < d.n; i++)
		d.reward[i] = 5;
	assert_int_equal(mltrain_fit(&m, &d, &o, &fr), -ENODATA);
	assert_non_null(strstr(mltrain_error(), "nothing to learn"));
	d.schema.schema.max_macs = 100;
	for (i = 0; i < d.n; i++)
		d.reward[i] = i;
	assert_int_equal(mltrain_fit(&m, &d, &o, &fr), -EINVAL);
	assert_non_null(strstr(mltrain_error(), "narrower"));
	memset(d.features, 0, d.n * BANDIT_FEATURES * sizeof(*d.features));
	assert_int_equal(mltrain_fit(&m, &d, &o, &fr), -ENODATA);
	assert_non_null(strstr(mltrain_error(), "no feature changes"));
	mlds_free(&d);
}

static void chooses_inputs(void **state)
{
	struct bandit b = { .seed = 9, .explore = 1 };
	struct mlproxy_model_input in[MLPROXY_MODEL_MAX_INPUTS];
	struct mltrain_rows all;
	struct mlds_data d;

	(void)state;
	assert_int_equal(bandit_log(&b, 1000, &d), 0);
	assert_int_equal(mltrain_rows_all(&d, &all), 0);
	/* load: linear; size: logarithmic; class: one input a category */
	assert_int_equal(mltrain_choose_inputs(&d, &all, in), 6);
	assert_int_equal(in[0].op, MLPROXY_INPUT_LINEAR);
	assert_int_equal(in[1].op, MLPROXY_INPUT_LOG2);
	assert_int_equal(in[2].op, MLPROXY_INPUT_EQUAL);
	assert_int_equal(in[5].offset, 3);
	mltrain_rows_free(&all);
	mlds_free(&d);
}

/* No key and no time block is in both parts. */
static void split_does_not_leak(void **state)
{
	struct bandit b = { .seed = 10, .explore = 1 };
	struct mltrain_rows all, first, second;
	uint8_t *side = calloc(1024, 1);
	size_t i, changes = 0;
	struct mlds_data d;

	(void)state;
	assert_int_equal(bandit_log(&b, 8000, &d), 0);
	assert_int_equal(mltrain_rows_all(&d, &all), 0);
	assert_int_equal(mltrain_split_rows(&d, &all, MLTRAIN_SPLIT_KEY, 0.25, 3, &first,
					    &second), 0);
	assert_int_equal(first.n + second.n, d.n);
	assert_in_range(second.n, d.n * 20 / 100, d.n * 30 / 100);
	for (i = 0; i < first.n; i++)
		side[d.key[first.row[i]]] |= 1;
	for (i = 0; i < second.n; i++)
		side[d.key[second.row[i]]] |= 2;
	for (i = 0; i < 1024; i++)
		assert_int_not_equal(side[i], 3);
	mltrain_rows_free(&first);
	mltrain_rows_free(&second);

	assert_int_equal(mltrain_split_rows(&d, &all, MLTRAIN_SPLIT_TIME, 0.25, 3, &first,
					    &second), 0);
	assert_int_equal(second.n, d.n / 4);
	for (i = 1; i < second.n; i++)
		changes += second.row[i] != second.row[i - 1] + 1;
	assert_in_range(changes, 5, 20);
	mltrain_rows_free(&first);
	mltrain_rows_free(&second);
	mltrain_rows_free(&all);
	mlds_free(&d);
	free(side);
}

/* Under much noise, teachers see the differences better than single outcomes show. */
static void learns_from_teachers(void **state)
{
	struct bandit b = { .seed = 8, .explore = 1, .noise = 2000 };
	struct mltrain_quant_report qr;
	struct mltrain_options o;
	double alone, taught, trees, forest;

	(void)state;
	quick(&o);
	/* It would have the noisy ones stay with the baseline. */
	o.margin = 0;
	alone = learn(&b, 8000, &o, &qr, NULL);
	o.kind = MLTRAIN_FOREST;
	forest = learn(&b, 8000, &o, &qr, NULL);
	o.teachers = 5;
	trees = learn(&b, 8000, &o, &qr, NULL);
	o.kind = MLTRAIN_MLP;
	taught = learn(&b, 8000, &o, &qr, NULL);
	print_message("# best: network %.4f, taught %.4f; forest %.4f, taught %.4f\n", alone,
		      taught, forest, trees);
	assert_true(taught > alone + 0.02);
	assert_true(trees > forest + 0.1);
}

/* Share of the rows where the model leaves the baseline. */
static double deviating(const struct mlds_data *d, double caution)
{
	struct mltrain_fit_report fr;
	struct mltrain_options o;
	struct mltrain_rows rows;
	struct mltrain_model *m;
	size_t i, n = 0;
	float *scores;

	quick(&o);
	o.epochs = 20;
	o.teachers = 4;
	o.caution = caution;
	o.margin = 0;
	if (mltrain_fit(&m, d, &o, &fr))
		fail_msg("%s", mltrain_error());
	assert_int_equal(mltrain_rows_all(d, &rows), 0);
	scores = calloc(rows.n * d->nr_actions, sizeof(*scores));
	assert_non_null(scores);
	assert_int_equal(mltrain_predict(m, d, &rows, scores), 0);
	for (i = 0; i < rows.n; i++)
		n += mltrain_choose(m, scores + i * d->nr_actions, 0, d->baseline[i], 0xf) !=
		     d->baseline[i];
	free(scores);
	mltrain_rows_free(&rows);
	mltrain_free(m);
	mltrain_fit_report_free(&fr);
	return (double)n / d->n;
}

static void caution_keeps_to_the_baseline(void **state)
{
	struct bandit b = { .seed = 9, .explore = 1, .noise = 3000 };
	struct mltrain_options o;
	struct mltrain_fit_report fr;
	struct mltrain_model *m;
	double bold, careful;
	struct mlds_data d;

	(void)state;
	assert_int_equal(bandit_log(&b, 3000, &d), 0);
	bold = deviating(&d, 0);
	careful = deviating(&d, 3);
	print_message("# leaves the baseline in %.3f, with caution in %.3f\n", bold, careful);
	assert_true(careful < bold - 0.05);
	quick(&o);
	o.teachers = 2;
	o.caution = -1;
	assert_int_equal(mltrain_fit(&m, &d, &o, &fr), -EINVAL);
	assert_non_null(strstr(mltrain_error(), "caution"));
	mlds_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_inputs),
		cmocka_unit_test(split_does_not_leak),
		cmocka_unit_test(learns_uniform),
		cmocka_unit_test(learns_lower),
		cmocka_unit_test(learns_little_exploration),
		cmocka_unit_test(learns_from_teachers),
		cmocka_unit_test(caution_keeps_to_the_baseline),
		cmocka_unit_test(leaves_unknown_actions),
		cmocka_unit_test(same_seed_same_model),
		cmocka_unit_test(comes_back_from_file),
		cmocka_unit_test(refuses_with_reason),
	};

	mltorch_set_threads(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
