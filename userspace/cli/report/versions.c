// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy report: each version of the in-kernel model, by what was expected of it
 * and by what it did.
 *
 * What it did is the mean of the decisions that followed it. What was expected comes
 * from records of before its first decision, off-policy, for which its file is
 * needed: it must be asked what it would have done there. In between lies its own
 * log, in which the kernel wrote down what it proposed also where that was not done.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "versions.h"

/**
 * struct judge - what the work on one version needs
 * @r: report
 * @v: version
 * @rows: room for all rows
 * @action: by row, what the version would take
 * @test: room for a test
 */
struct judge {
	struct report *r;
	struct report_version *v;
	struct mltrain_rows rows;
	uint8_t *action;
	struct mltrain_test *test;
};

static bool from_model(const struct mlds_data *d, size_t row)
{
	return d->source[row] == MLPROXY_SRC_MODEL && d->model_version[row];
}

static struct report_version *find_version(struct report *r, uint32_t version)
{
	unsigned int i;

	for (i = 0; i < r->nr_versions; i++) {
		if (r->version[i].version == version)
			return &r->version[i];
	}
	return NULL;
}

static int by_version(const void *pa, const void *pb)
{
	const struct report_version *a = pa, *b = pb;

	return a->version < b->version ? -1 : a->version > b->version;
}

/* A long run may have had more models than there is room for: the last ones count. */
static int list_versions(struct report *r)
{
	const struct mlds_data *d = &r->data;
	struct report_version *v;
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (!from_model(d, i) || find_version(r, d->model_version[i]))
			continue;
		if (r->nr_versions == REPORT_MAX_VERSIONS) {
			free(r->version[0].error_bin);
			free(r->version[0].abs_error_bin);
			memmove(&r->version[0], &r->version[1],
				(REPORT_MAX_VERSIONS - 1) * sizeof(r->version[0]));
			r->nr_versions--;
		}
		v = &r->version[r->nr_versions++];
		memset(v, 0, sizeof(*v));
		v->version = d->model_version[i];
		v->error_bin = calloc(r->nr_bins, sizeof(*v->error_bin));
		v->abs_error_bin = calloc(r->nr_bins, sizeof(*v->abs_error_bin));
		if (!v->error_bin || !v->abs_error_bin)
			return cli_error("out of memory");
	}
	qsort(r->version, r->nr_versions, sizeof(r->version[0]), by_version);
	return CLI_OK;
}

/* The decisions in which the version proposed something, done or not. */
static bool asked(const struct report *r, const struct report_version *v, size_t row)
{
	const struct mlds_data *d = &r->data;

	return d->model_version[row] == v->version && d->candidate[row] < d->nr_actions &&
	       d->source[row] != MLPROXY_SRC_RECOMMENDATION && d->source[row] != MLPROXY_SRC_BPF;
}

static void pick_arm(struct judge *j, unsigned int arm)
{
	size_t i;

	j->rows.n = 0;
	for (i = 0; i < j->r->data.n; i++) {
		if (asked(j->r, j->v, i) && report_arm(j->r, i) == arm)
			j->rows.row[j->rows.n++] = i;
	}
}

/*
 * A decision that was not drawn, as in emergency, says nothing of what else could
 * have been done: weighing it would count the model as doing nothing there. One that
 * is certain since both arms agree was drawn.
 */
static bool drawn(const struct report *r, size_t row)
{
	return r->data.mode[row] != MLPROXY_MODE_EMERGENCY &&
	       (r->data.prob[row] < 1 || report_arm(r, row) != MLPROXY_ARM_NONE);
}

static struct report_stat from_estimate(const struct mltrain_estimate *e, uint64_t n)
{
	struct report_stat stat = report_nothing();

	stat.n = n;
	if (!isfinite(e->value))
		return stat;
	stat.mean = e->value;
	if (isfinite(e->low) && isfinite(e->high)) {
		stat.low = e->low;
		stat.high = e->high;
	}
	return stat;
}

static void judge_realised(struct judge *j)
{
	struct report_version *v = j->v;
	struct report_stat baseline;

	pick_arm(j, MLPROXY_ARM_MODEL);
	v->realised = report_mean_of(&j->r->data, &j->rows);
	pick_arm(j, MLPROXY_ARM_BASELINE);
	baseline = report_mean_of(&j->r->data, &j->rows);
	v->realised_gain = report_difference(&j->r->data, &v->realised, &baseline);
}

static void judge_own(struct judge *j)
{
	const struct mlds_data *d = &j->r->data;
	struct mltrain_candidate candidate = { "model", j->action };
	struct report_version *v = j->v;
	size_t i;

	v->own = report_nothing();
	v->from_s = NAN;
	v->to_s = NAN;
	j->rows.n = 0;
	for (i = 0; i < d->n; i++) {
		if (!asked(j->r, v, i))
			continue;
		v->to_s = report_time(j->r, d->run[i], d->time_ns[i]);
		if (isnan(v->from_s))
			v->from_s = v->to_s;
		if (!drawn(j->r, i))
			continue;
		j->action[j->rows.n] = d->candidate[i];
		j->rows.row[j->rows.n++] = i;
	}
	if (j->rows.n >= REPORT_LEAST &&
	    !mltrain_evaluate(d, &j->rows, NULL, &candidate, 1, j->test))
		v->own = from_estimate(&j->test->policy[0].ips, j->rows.n);
}

static void judge_errors(struct judge *j)
{
	const struct mlds_data *d = &j->r->data;
	struct report_sum *sum = calloc(2 * (j->r->nr_bins + 1), sizeof(*sum));
	struct report_sum *size = sum + j->r->nr_bins + 1, *all = &sum[j->r->nr_bins];
	size_t i;

	if (!sum)
		return;
	for (i = 0; i < d->n; i++) {
		size_t at = report_bin_at(j->r, report_time(j->r, d->run[i], d->time_ns[i]));

		if (d->model_version[i] != j->v->version ||
		    !(d->feedback_flags[i] & MLPROXY_FEEDBACK_PREDICTED))
			continue;
		report_add(&sum[at], d->error[i]);
		report_add(&size[at], fabs((double)d->error[i]));
		report_add(all, d->error[i]);
		report_add(&size[j->r->nr_bins], fabs((double)d->error[i]));
	}
	for (i = 0; i < j->r->nr_bins; i++) {
		j->v->error_bin[i] = report_mean(&sum[i]);
		j->v->abs_error_bin[i] = report_mean(&size[i]);
	}
	j->v->error = report_mean(all);
	j->v->abs_error = report_mean(&size[j->r->nr_bins]);
	free(sum);
}

/* ------------------------------------------------------------------ */
/* What was expected                                                   */

/* Drawn decisions of before the version's first; of @unseen alone, if there are such. */
static void pick_before(struct judge *j, const struct mltrain_rows *unseen)
{
	const struct mlds_data *d = &j->r->data;
	size_t end = 0, nr, i;

	while (end < d->n && d->model_version[end] != j->v->version)
		end++;
	nr = unseen ? unseen->n : end;
	j->rows.n = 0;
	for (i = 0; i < nr; i++) {
		uint32_t row = unseen ? unseen->row[i] : i;

		if (row < end && drawn(j->r, row))
			j->rows.row[j->rows.n++] = row;
	}
}

static void take_test(struct judge *j)
{
	const struct mltrain_policy *p = &j->test->policy[0];
	double share = j->rows.n ? p->ess / j->rows.n : 0;

	j->v->before = from_estimate(&p->dr, j->rows.n);
	j->v->before_ips = from_estimate(&p->ips, j->rows.n);
	j->v->before_gain = from_estimate(&p->gain, j->rows.n);
	if (!*j->v->note && share < 0.01)
		snprintf(j->v->note, sizeof(j->v->note),
			 "few of the records before it did what it would have done: effectively %.0f of %zu",
			 p->ess, j->rows.n);
}

static void test_before(struct judge *j, const struct mltrain_model *model,
			const struct model *fixed, const struct mltrain_rows *unseen)
{
	pick_before(j, unseen);
	if (j->rows.n < REPORT_LEAST)
		snprintf(j->v->note, sizeof(j->v->note),
			 "no records of before it ran that were drawn at random%s: add the data sets of that time",
			 unseen ? " and that it was not trained on" : "");
	else if (mltrain_test_model(model, fixed, &j->r->data, &j->rows, j->test))
		snprintf(j->v->note, sizeof(j->v->note), "%s", mltrain_error());
	else
		take_test(j);
}

static void judge_float(struct judge *j, const char *path)
{
	struct mltrain_model *model = NULL;
	struct mltrain_rows unseen = { 0 };

	if (mltrain_load(&model, path))
		snprintf(j->v->note, sizeof(j->v->note), "%s", mltrain_error());
	else if (model->schema.schema.schema_hash != j->r->data.schema.schema.schema_hash)
		snprintf(j->v->note, sizeof(j->v->note), "%s is a model of another schema", path);
	else if (mltrain_pick_rows(model, &j->r->data, false, &unseen))
		snprintf(j->v->note, sizeof(j->v->note), "%s", mltrain_error());
	else
		test_before(j, model, NULL, &unseen);
	mltrain_rows_free(&unseen);
	mltrain_free(model);
}

static void judge_fixed(struct judge *j, const char *path)
{
	struct model fixed;
	void *file = NULL;

	if (mltrain_open_fixed(path, &j->r->data.schema, &file, &fixed)) {
		snprintf(j->v->note, sizeof(j->v->note), "%s", mltrain_error());
		return;
	}
	snprintf(j->v->note, sizeof(j->v->note),
		 "a fixed-point file does not say what it was trained on: too good if on these records");
	test_before(j, NULL, &fixed, NULL);
	free(file);
}

static void judge_before(struct judge *j, const struct report_model *models,
			 unsigned int nr_models)
{
	const char *path = NULL;
	unsigned int i;

	j->v->before = report_nothing();
	j->v->before_ips = report_nothing();
	j->v->before_gain = report_nothing();
	for (i = 0; i < nr_models; i++) {
		if (models[i].version == j->v->version ||
		    (!models[i].version && j->r->nr_versions == 1))
			path = models[i].path;
	}
	if (!path)
		snprintf(j->v->note, sizeof(j->v->note),
			 "needs the model itself, to ask it what it would have done: --model %u=FILE",
			 j->v->version);
	else if (cli_is_mlp(path))
		judge_fixed(j, path);
	else
		judge_float(j, path);
}

/* A model that the user names must have run, and its file must be there. */
static int check_models(const struct report *r, const struct report_model *models,
			unsigned int nr_models)
{
	unsigned int i;
	FILE *f;

	for (i = 0; i < nr_models; i++) {
		f = fopen(models[i].path, "re");
		if (!f)
			return cli_error("cannot read %s: %s", models[i].path, strerror(errno));
		fclose(f);
		if (!models[i].version && r->nr_versions != 1)
			return cli_error("the data set has %u model versions: say which one %s is, as --model VERSION=%s",
					 r->nr_versions, models[i].path, models[i].path);
		if (models[i].version && !find_version((struct report *)r, models[i].version))
			return cli_error("no decision of the data set is of model version %u",
					 models[i].version);
	}
	return CLI_OK;
}

int report_versions(struct report *r, const struct report_model *models, unsigned int nr_models)
{
	struct judge j = { .r = r };
	unsigned int i;
	int ret;

	ret = list_versions(r);
	if (ret == CLI_OK)
		ret = check_models(r, models, nr_models);
	if (ret != CLI_OK)
		return ret;
	j.rows.row = malloc((r->data.n ? r->data.n : 1) * sizeof(*j.rows.row));
	j.action = malloc(r->data.n ? r->data.n : 1);
	j.test = calloc(1, sizeof(*j.test));
	if (!j.rows.row || !j.action || !j.test)
		ret = cli_error("out of memory");
	for (i = 0; ret == CLI_OK && i < r->nr_versions; i++) {
		j.v = &r->version[i];
		judge_own(&j);
		judge_realised(&j);
		judge_errors(&j);
		judge_before(&j, models, nr_models);
	}
	free(j.rows.row);
	free(j.action);
	free(j.test);
	return ret;
}
