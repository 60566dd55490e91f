// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refits; see refit.h. The network goes on from where it is (on the rows of the
 * present regime and a sample of older ones) as long as that makes it better; a new
 * network is fitted where there is none yet, where the inputs moved out of the range
 * that the old one was made for, where the world changed, or where going on did not
 * help. The one with the smaller error on the validation rows is tested.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "refit.h"
#include "replay.h"

/* Fewer held-out rows say nothing. */
#define LEAST_TEST_ROWS		30
/* Share of the rows out of a feature's range that makes the inputs stale. */
#define STALE_SHARE		0.05
/* Importance weights have mean 1, if the log has tried what the policy does. */
#define LEAST_SUPPORT		0.5
#define MOST_SUPPORT		2.0
#define LEAST_ESS		25

/* The parts of the rows. */
struct parts {
	struct mltrain_rows train;
	struct mltrain_rows valid;
	struct mltrain_rows test;
	size_t replayed;
};

static int fail(struct refit_result *r, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct refit_result *r, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(r->error, sizeof(r->error), fmt, args);
	va_end(args);
	r->err = err;
	return err;
}

static void free_parts(struct parts *p)
{
	mltrain_rows_free(&p->train);
	mltrain_rows_free(&p->valid);
	mltrain_rows_free(&p->test);
}

static enum replay_role role_of(const struct refit_job *j, size_t row)
{
	return replay_role_of(j->data.schema.schema.unit == MLPROXY_UNIT_ENTITY, j->data.id[row],
			      j->data.key[row], j->config.holdout, j->config.validation);
}

/* Older rows for training, evenly out of those there are. */
static void add_replayed(const struct refit_job *j, struct parts *p, size_t recent)
{
	size_t want = j->config.replay_share * recent, i, seen = 0;
	size_t have = 0;

	for (i = 0; i < j->present; i++)
		have += role_of(j, i) == REPLAY_TRAIN;
	if (want > have)
		want = have;
	for (i = 0; i < j->present && p->replayed < want; i++) {
		if (role_of(j, i) != REPLAY_TRAIN)
			continue;
		if (seen++ * want / have < p->replayed)
			continue;
		p->train.row[p->train.n++] = i;
		p->replayed++;
	}
}

static int make_parts(const struct refit_job *j, bool replay, struct parts *p)
{
	size_t room = j->data.n + 1, recent = 0, i;

	memset(p, 0, sizeof(*p));
	p->train.row = malloc(room * sizeof(uint32_t));
	p->valid.row = malloc(room * sizeof(uint32_t));
	p->test.row = malloc(room * sizeof(uint32_t));
	if (!p->train.row || !p->valid.row || !p->test.row) {
		free_parts(p);
		return -ENOMEM;
	}
	for (i = j->present; i < j->data.n; i++)
		recent += role_of(j, i) == REPLAY_TRAIN;
	if (replay)
		add_replayed(j, p, recent);
	for (i = j->present; i < j->data.n; i++) {
		enum replay_role role = role_of(j, i);
		struct mltrain_rows *rows = role == REPLAY_TEST ? &p->test :
					    role == REPLAY_VALID ? &p->valid : &p->train;

		rows->row[rows->n++] = i;
	}
	return 0;
}

/* Does a feature leave the range that the model's inputs were made for? */
static bool inputs_stale(const struct mltrain_model *m, const struct mlds_data *data,
			 const struct mltrain_rows *rows)
{
	uint32_t i;

	for (i = 0; i < m->nr_inputs; i++) {
		const struct mlproxy_model_input *in = &m->inputs[i];
		size_t outside = 0, k;

		if (in->op == MLPROXY_INPUT_EQUAL)
			continue;
		for (k = 0; k < rows->n; k++) {
			int64_t v = data->features[(size_t)rows->row[k] * data->nr_features +
						   in->feature];

			outside += v < in->clamp_min || v > in->clamp_max;
		}
		if (outside > STALE_SHARE * rows->n)
			return true;
	}
	return false;
}

static double sign_of(const struct mlds_data *data)
{
	return data->schema.schema.reward_direction == MLPROXY_REWARD_LOWER ? -1 : 1;
}

static double in_range(const struct mlds_data *data, double reward)
{
	const struct mlproxy_schema *s = &data->schema.schema;

	if (s->reward_min >= s->reward_max)
		return reward;
	return fmin(fmax(reward, s->reward_min), s->reward_max);
}

/* Predicted rewards [rows->n][nr_actions], to be given to free(). */
static double *predicted_rewards(const struct mltrain_model *m, const struct mlds_data *data,
				 const struct mltrain_rows *rows)
{
	size_t n = rows->n * data->nr_actions, i;
	float *scores = malloc((n + 1) * sizeof(*scores));
	double *q = malloc((n + 1) * sizeof(*q));

	if (!scores || !q || mltrain_predict(m, data, rows, scores)) {
		free(scores);
		free(q);
		return NULL;
	}
	for (i = 0; i < n; i++)
		q[i] = m->active >> i % data->nr_actions & 1 ?
		       in_range(data, m->reward_mean +
				sign_of(data) * scores[i] * m->reward_scale) : m->reward_mean;
	free(scores);
	return q;
}

/* Weighted mean squared error of a model on rows, in reward units. */
static double error_on(const struct mltrain_model *m, const struct mlds_data *data,
		       const struct mltrain_rows *rows, double clip)
{
	double *q = predicted_rewards(m, data, rows), sum = 0, weights = 0;
	size_t i;

	if (!q)
		return INFINITY;
	for (i = 0; i < rows->n; i++) {
		uint32_t row = rows->row[i];
		double w = fmin(1 / data->prob[row], clip);
		double e = q[i * data->nr_actions + data->action[row]] - data->reward[row];

		sum += w * e * e;
		weights += w;
	}
	free(q);
	return weights > 0 ? sum / weights : INFINITY;
}

static bool go_on(void *arg, const struct mltrain_progress *progress)
{
	const struct refit_job *j = arg;

	(void)progress;
	return !*j->cancel;
}

static int fit(const struct refit_job *j, const struct mltrain_model *from,
	       const struct parts *p, struct mltrain_model **model)
{
	struct mltrain_options o = j->config.fit;
	struct mltrain_fit_report report;
	int err;

	snprintf(o.name, sizeof(o.name), "%.20s-%u", j->config.name, j->serial);
	o.seed = j->serial;
	o.progress = go_on;
	o.progress_arg = (void *)j;
	if (from) {
		o.epochs = j->config.warm_epochs;
		o.lr /= 3;
	}
	err = mltrain_refit(model, from, &j->data, &p->train, &p->valid, &o, &report);
	if (!err)
		mltrain_fit_report_free(&report);
	return err;
}

/* The better one of two, by the validation rows; frees the other. */
static struct mltrain_model *better(const struct refit_job *j, const struct parts *p,
				    struct mltrain_model *a, struct mltrain_model *b)
{
	double clip = j->config.fit.weight_clip;

	if (!a || !b)
		return a ? a : b;
	if (error_on(b, &j->data, &p->valid, clip) < error_on(a, &j->data, &p->valid, clip)) {
		mltrain_free(a);
		return b;
	}
	mltrain_free(b);
	return a;
}

static bool want_fresh(const struct refit_job *j, const struct parts *p,
		       const struct mltrain_model *warm)
{
	double clip = j->config.fit.weight_clip;

	if (!warm || j->alarm)
		return true;
	return error_on(warm, &j->data, &p->valid, clip) >=
	       error_on(j->current, &j->data, &p->valid, clip);
}

static int train(const struct refit_job *j, struct parts *p, struct refit_result *r)
{
	const struct mltrain_model *from = j->current;
	struct mltrain_model *warm = NULL, *fresh = NULL;
	int err = 0;

	/* Trees don't go on. */
	if (from && (!from->state_len || j->config.fit.kind == MLTRAIN_TREE ||
		     j->config.fit.kind == MLTRAIN_FOREST || inputs_stale(from, &j->data, &p->train)))
		from = NULL;
	if (from)
		err = fit(j, from, p, &warm);
	if (err == -ECANCELED)
		return fail(r, err, "%s", mltrain_error());
	if (want_fresh(j, p, warm))
		err = fit(j, NULL, p, &fresh);
	if (err == -ECANCELED || (!warm && !fresh)) {
		mltrain_free(warm);
		return fail(r, err, "%s", mltrain_error());
	}
	r->model = better(j, p, warm, fresh);
	r->warm = r->model == warm;
	r->train_rows = p->train.n;
	r->replayed = p->replayed;
	return 0;
}

/* What the drift test is to expect. */
static double abs_error(const struct refit_job *j, const struct mltrain_model *m,
			const struct mltrain_rows *rows)
{
	double *q = rows->n ? predicted_rewards(m, &j->data, rows) : NULL, sum = 0;
	size_t i;

	if (!q)
		return -1;
	for (i = 0; i < rows->n; i++)
		sum += fabs(q[i * j->data.nr_actions + j->data.action[rows->row[i]]] -
			    j->data.reward[rows->row[i]]);
	free(q);
	return sum / rows->n;
}

static int open_mlp(const struct refit_job *j, const void *file, size_t len, struct model *mlp)
{
	const struct mlproxy_schema *s = &j->data.schema.schema;
	const struct mlp_limits limits = { s->schema_hash, s->nr_features, s->nr_actions,
					   s->max_macs };
	struct mlp_report report;

	return model_verify(file, len, &limits, mlp, &report);
}

static void actions_of(const struct model *mlp, const struct mlds_data *data,
		       const struct mltrain_rows *rows, uint8_t *action)
{
	int32_t out[MLPROXY_MAX_ACTIONS];
	size_t i;

	for (i = 0; i < rows->n; i++) {
		uint32_t row = rows->row[i];

		model_eval(mlp, data->features + (size_t)row * data->nr_features, out);
		action[i] = model_choose(mlp, out, data->baseline[row], data->allowed[row]);
	}
}

/* The gain over the model in use: the same test, with that one for the baseline. */
static int test_over_current(const struct refit_job *j, const struct mltrain_rows *rows,
			     const double *q, const uint8_t *new, const uint8_t *current,
			     struct refit_verdict *v)
{
	const struct mltrain_candidate cand = { "new", new };
	struct mlds_data data = j->data;
	struct mltrain_test test;
	size_t i;
	int err;

	data.baseline = malloc(data.n);
	if (!data.baseline)
		return -ENOMEM;
	memcpy(data.baseline, j->data.baseline, data.n);
	for (i = 0; i < rows->n; i++)
		data.baseline[rows->row[i]] = current[i];
	err = mltrain_evaluate(&data, rows, q, &cand, 1, &test);
	if (!err)
		v->over_current = test.policy[0].gain;
	free(data.baseline);
	return err;
}

static void note_support(const struct mlds_data *data, const struct mltrain_rows *rows,
			 const uint8_t *action, struct refit_verdict *v)
{
	double sum_w = 0, mean = 0, sq = 0;
	size_t i;

	for (i = 0; i < rows->n; i++) {
		uint32_t row = rows->row[i];
		double r = data->reward[row];

		if (data->action[row] == action[i])
			sum_w += 1 / data->prob[row];
		mean += r / rows->n;
		sq += r * r / rows->n;
	}
	v->support = sum_w / rows->n;
	v->sd = sqrt(fmax(0, sq - mean * mean));
}

static int estimate(const struct refit_job *j, const struct mltrain_rows *rows,
		    const struct mltrain_model *model, const struct model *mlp,
		    const struct model *current, struct refit_verdict *v)
{
	double *q = predicted_rewards(model, &j->data, rows);
	uint8_t *action[2] = { malloc(rows->n), malloc(rows->n) };
	const struct mltrain_candidate cand[2] = { { "new", action[0] }, { "current", action[1] } };
	struct mltrain_test test;
	int err = -ENOMEM;

	if (!q || !action[0] || !action[1])
		goto out;
	actions_of(mlp, &j->data, rows, action[0]);
	if (current)
		actions_of(current, &j->data, rows, action[1]);
	err = mltrain_evaluate(&j->data, rows, q, cand, current ? 2 : 1, &test);
	if (err)
		goto out;
	v->rows = rows->n;
	v->gain = test.policy[0].gain;
	v->ess = test.policy[0].ess;
	note_support(&j->data, rows, action[0], v);
	if (current) {
		v->current_gain = test.policy[1].gain;
		err = test_over_current(j, rows, q, action[0], action[1], v);
	}
out:
	free(q);
	free(action[0]);
	free(action[1]);
	return err;
}

void refit_judge(struct refit_verdict *v, bool has_current, bool alarm, double tolerance,
		 double min_gain)
{
	bool current_bad = alarm || v->current_gain.high < 0;

	v->swap = false;
	if (v->rows < LEAST_TEST_ROWS)
		snprintf(v->why, sizeof(v->why), "only %zu rows to test it on", v->rows);
	else if (v->ess < LEAST_ESS || v->support < LEAST_SUPPORT || v->support > MOST_SUPPORT)
		snprintf(v->why, sizeof(v->why),
			 "the log has hardly tried what it would do (effective sample %.0f, mean weight %.2f): let the proxy explore more",
			 v->ess, v->support);
	else if (!has_current && !(v->gain.low > 0))
		snprintf(v->why, sizeof(v->why), "it is not better than the baseline");
	else if (v->gain.low < -tolerance * v->sd)
		snprintf(v->why, sizeof(v->why), "it may be worse than the baseline");
	else if (has_current && !current_bad && !(v->over_current.low > 0))
		snprintf(v->why, sizeof(v->why), "it is not better than the model in use");
	else if (has_current && !current_bad && v->over_current.value < min_gain * v->sd)
		snprintf(v->why, sizeof(v->why),
			 "it is too little better than the model in use to begin a new trial");
	else
		v->swap = true;
	if (v->swap)
		snprintf(v->why, sizeof(v->why), "%s",
			 !has_current ? "it is better than the baseline" :
			 v->over_current.low > 0 ? "it is better than the model in use" :
			 "the model in use does not fit any more, and it is not worse than the baseline");
}

static int test(const struct refit_job *j, const struct parts *p, struct refit_result *r)
{
	struct mltrain_quant_report quant;
	struct model mlp, current;
	bool has_current = j->current_mlp &&
			   !open_mlp(j, j->current_mlp, j->current_len, &current);
	int err;

	err = mltrain_quantise(r->model, &j->data, &p->train, &r->mlp, &r->mlp_len, &quant);
	if (err)
		return fail(r, err, "%s", mltrain_error());
	if (open_mlp(j, r->mlp, r->mlp_len, &mlp))
		return fail(r, -EBADMSG, "the fixed-point model is refused");
	r->abs_error = abs_error(j, r->model, &p->test);
	if (p->test.n >= LEAST_TEST_ROWS) {
		err = estimate(j, &p->test, r->model, &mlp, has_current ? &current : NULL,
			       &r->verdict);
		if (err)
			return fail(r, err, "%s", mltrain_error());
	}
	refit_judge(&r->verdict, has_current, j->alarm, j->config.tolerance,
		    j->config.min_gain);
	return 0;
}

void refit_run(const struct refit_job *j, struct refit_result *r)
{
	struct parts p;

	memset(r, 0, sizeof(*r));
	/* What was learned of another world misleads in this one. */
	if (make_parts(j, !j->alarm, &p)) {
		fail(r, -ENOMEM, "no memory for %zu rows", j->data.n);
		return;
	}
	if (!train(j, &p, r))
		test(j, &p, r);
	free_parts(&p);
}

void refit_result_free(struct refit_result *r)
{
	mltrain_free(r->model);
	free(r->mlp);
	r->model = NULL;
	r->mlp = NULL;
}
