// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fitting: the reward of each action by regression on the action that was taken
 * ("direct method"), several restarts, early stopping on a validation part that
 * is taken out of the training portion.
 *
 * Weighting the rows by the inverse of the logged probability makes the fit that
 * of the uniform policy, so that a small network does not spend itself on the
 * action that the baseline takes all the time (Dudik, Langford, Li, "Doubly
 * Robust Policy Evaluation and Learning", ICML 2011, section 3); the clip bounds
 * the variance.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "train_priv.h"

/* The reward's scale is taken within these quantiles. */
#define SCALE_QUANTILE	0.005
#define LEAST_ROWS	50

void mltrain_default_options(struct mltrain_options *o)
{
	memset(o, 0, sizeof(*o));
	o->nr_hidden = 2;
	o->hidden[0] = 24;
	o->hidden[1] = 16;
	o->epochs = 80;
	o->patience = 20;
	o->restarts = 2;
	o->seed = 1;
	o->lr = 0.01;
	o->weight_decay = 1e-5;
	o->huber = 2;
	o->split = MLTRAIN_SPLIT_AUTO;
	o->holdout = 0.25;
	o->validation = 0.15;
	o->weight = MLTRAIN_WEIGHT_IPS;
	o->weight_clip = 20;
	o->min_rows = 20;
	o->margin = -1;
}

static int by_s64(const void *pa, const void *pb)
{
	int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;

	return a < b ? -1 : a > b;
}

int mltrain_scale_reward(struct mltrain_model *m, const struct mlds_data *data,
			 const struct mltrain_rows *rows)
{
	int64_t *r = malloc(rows->n * sizeof(*r)), lo, hi;
	double sum = 0, sum2 = 0;
	size_t i;

	if (!r)
		return mltrain_fail(-ENOMEM, "no memory for %zu rewards", rows->n);
	for (i = 0; i < rows->n; i++)
		r[i] = data->reward[rows->row[i]];
	qsort(r, rows->n, sizeof(*r), by_s64);
	lo = r[(size_t)(SCALE_QUANTILE * (rows->n - 1))];
	hi = r[(size_t)((1 - SCALE_QUANTILE) * (rows->n - 1))];
	for (i = 0; i < rows->n; i++) {
		double v = r[i] < lo ? lo : r[i] > hi ? hi : r[i];

		sum += v;
		sum2 += v * v;
	}
	free(r);
	m->reward_mean = sum / rows->n;
	m->reward_scale = sqrt(fmax(0, sum2 / rows->n - m->reward_mean * m->reward_mean));
	if (!(m->reward_scale > 1e-9 * fmax(1, fabs(m->reward_mean))))
		return mltrain_fail(-ENODATA,
				    "the reward is %g in all of the %zu rows: there is nothing to learn",
				    m->reward_mean, rows->n);
	return 0;
}

static int by_u64(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return a < b ? -1 : a > b;
}

static bool was_seen(const struct mltrain_model *m, uint64_t hash)
{
	return m && bsearch(&hash, m->seen, m->nr_seen, sizeof(hash), by_u64);
}

/*
 * What a test must not use: train and validation rows, and of the rows that are
 * still there, those that the model which this one goes on from has seen.
 */
static int note_seen(struct mltrain_model *m, const struct mltrain_model *from,
		     const struct mlds_data *data, const struct mltrain_fit_report *r)
{
	size_t room = from ? data->n : 0, i;

	m->seen = malloc((r->train.n + r->valid.n + room) * sizeof(*m->seen));
	if (!m->seen)
		return mltrain_fail(-ENOMEM, "no memory for the hashes of the rows");
	for (i = 0; i < r->train.n; i++)
		m->seen[m->nr_seen++] = mltrain_row_hash(data, r->train.row[i]);
	for (i = 0; i < r->valid.n; i++)
		m->seen[m->nr_seen++] = mltrain_row_hash(data, r->valid.row[i]);
	for (i = 0; i < room; i++)
		if (was_seen(from, mltrain_row_hash(data, i)))
			m->seen[m->nr_seen++] = mltrain_row_hash(data, i);
	qsort(m->seen, m->nr_seen, sizeof(*m->seen), by_u64);
	return 0;
}

static int check_options(const struct mltrain_options *o)
{
	uint32_t i;

	if (o->nr_hidden > MLTRAIN_MAX_HIDDEN)
		return mltrain_fail(-EINVAL, "%u hidden layers: at most %d", o->nr_hidden,
				    MLTRAIN_MAX_HIDDEN);
	for (i = 0; i < o->nr_hidden; i++)
		if (!o->hidden[i] || o->hidden[i] > MLPROXY_MODEL_MAX_WIDTH)
			return mltrain_fail(-EINVAL, "a hidden layer of %u: 1 to %d", o->hidden[i],
					    MLPROXY_MODEL_MAX_WIDTH);
	if (!o->epochs || !o->restarts || !o->patience)
		return mltrain_fail(-EINVAL, "epochs, patience and restarts must be at least 1");
	if (!(o->holdout >= 0 && o->holdout <= 0.9))
		return mltrain_fail(-EINVAL, "a holdout of %g: 0 to 0.9", o->holdout);
	if (!(o->validation > 0 && o->validation <= 0.5))
		return mltrain_fail(-EINVAL, "a validation part of %g: above 0 to 0.5",
				    o->validation);
	if (o->depth > MLPROXY_MODEL_MAX_DEPTH)
		return mltrain_fail(-EINVAL, "trees of depth %u: at most %d", o->depth,
				    MLPROXY_MODEL_MAX_DEPTH);
	if (!(o->caution >= 0))
		return mltrain_fail(-EINVAL, "a caution of %g: not negative", o->caution);
	if (!(o->weight_clip >= 1))
		return mltrain_fail(-EINVAL, "a weight clip of %g: at least 1", o->weight_clip);
	return 0;
}

static int split_parts(const struct mlds_data *data, const struct mltrain_options *o,
		       struct mltrain_fit_report *r)
{
	struct mltrain_rows all, rest;
	int err;

	r->split = o->split;
	if (r->split == MLTRAIN_SPLIT_AUTO)
		r->split = data->schema.schema.unit == MLPROXY_UNIT_ENTITY ?
			   MLTRAIN_SPLIT_KEY : MLTRAIN_SPLIT_TIME;
	err = mltrain_rows_all(data, &all);
	if (err)
		return err;
	err = mltrain_split_rows(data, &all, r->split, o->holdout, o->seed, &rest,
				 &r->held_out);
	mltrain_rows_free(&all);
	if (err)
		return err;
	err = mltrain_split_rows(data, &rest, r->split, o->validation, o->seed + 1, &r->train,
				 &r->valid);
	mltrain_rows_free(&rest);
	if (err)
		return err;
	if (r->train.n < LEAST_ROWS || r->valid.n < LEAST_ROWS / 5)
		return mltrain_fail(-ENODATA,
				    "%zu decisions with feedback leave %zu to train on and %zu to validate, %s: record more",
				    data->n, r->train.n, r->valid.n,
				    r->split == MLTRAIN_SPLIT_KEY ? "split by key" :
				    "split by time");
	return 0;
}

void mltrain_init_model(struct mltrain_model *m, const struct mlds_data *data,
			const char *name)
{
	m->kind = MLPROXY_MODEL_KIND_MLP;
	m->schema = data->schema;
	snprintf(m->name, sizeof(m->name), "%s", name[0] ? name : data->schema.proxy);
	m->trained_ns = clock_ns(CLOCK_REALTIME);
}

static int count_actions(struct mltrain_model *m, const struct mlds_data *data,
			 const struct mltrain_options *o, struct mltrain_fit_report *r)
{
	uint32_t a, nr = 0;
	size_t i;

	for (i = 0; i < r->train.n; i++)
		r->action_rows[data->action[r->train.row[i]]]++;
	for (a = 0; a < data->nr_actions; a++) {
		if (r->action_rows[a] < o->min_rows)
			continue;
		m->active |= 1U << a;
		nr++;
	}
	if (nr < 2)
		return mltrain_fail(-ENODATA,
				    "only %u of %u actions were taken %u times or more: record with exploration (mlproxy param PROXY explore ...)",
				    nr, data->nr_actions, o->min_rows);
	return 0;
}

/* How the features are put before the network, and how the rewards. */
static int choose_scales(struct mltrain_model *m, const struct mltrain_model *from,
			 const struct mlds_data *data, const struct mltrain_options *o,
			 const struct mltrain_fit_report *r)
{
	int nr;

	if (from) {
		memcpy(m->inputs, from->inputs, sizeof(m->inputs));
		m->nr_inputs = from->nr_inputs;
		m->reward_mean = from->reward_mean;
		m->reward_scale = from->reward_scale;
		return 0;
	}
	if (o->kind == MLTRAIN_MLP) {
		nr = mltrain_choose_inputs(data, &r->train, m->inputs);
		if (nr < 0)
			return nr;
		m->nr_inputs = nr;
	}
	return mltrain_scale_reward(m, data, &r->train);
}

/**
 * struct given - what the caller chose for a fit
 * @from: model to go on from, or NULL
 * @train: rows, or NULL to split the data set here
 * @valid: likewise
 */
struct given {
	const struct mltrain_model *from;
	const struct mltrain_rows *train;
	const struct mltrain_rows *valid;
};

static int copy_rows(struct mltrain_rows *to, const struct mltrain_rows *from)
{
	to->row = malloc((from->n ?: 1) * sizeof(*to->row));
	if (!to->row)
		return mltrain_fail(-ENOMEM, "no memory for %zu rows", from->n);
	memcpy(to->row, from->row, from->n * sizeof(*to->row));
	to->n = from->n;
	return 0;
}

static int take_parts(const struct given *g, const struct mlds_data *data,
		      const struct mltrain_options *o, struct mltrain_fit_report *r)
{
	int err;

	if (!g->train)
		return split_parts(data, o, r);
	r->split = o->split;
	err = copy_rows(&r->train, g->train);
	return err ?: copy_rows(&r->valid, g->valid);
}

static int fit_one(struct mltrain_model **model, const struct given *g,
		   const struct mlds_data *data, const struct mltrain_options *o,
		   struct mltrain_fit_report *r)
{
	/* A network that goes on from another one learns from outcomes. */
	bool taught = o->teachers && !g->from;
	struct mltrain_lessons lessons = { 0 };
	struct mltrain_model *m;
	int err;

	*model = NULL;
	memset(r, 0, sizeof(*r));
	r->kind = o->kind;
	m = calloc(1, sizeof(*m));
	if (!m)
		return mltrain_fail(-ENOMEM, "no memory for a model");
	mltrain_init_model(m, data, o->name);
	err = take_parts(g, data, o, r);
	err = err ?: count_actions(m, data, o, r);
	err = err ?: choose_scales(m, g->from, data, o, r);
	if (!err && taught)
		err = mltrain_teach(&lessons, m, data, o, r);
	if (!err)
		err = o->kind == MLTRAIN_MLP ?
		      mltrain_fit_network(m, g->from, data, o, taught ? &lessons : NULL, r) :
		      mltrain_fit_trees(m, data, o, taught ? &lessons : NULL, r);
	mltrain_lessons_free(&lessons);
	err = err ?: note_seen(m, g->from, data, r);
	if (!err)
		m->margin = o->margin >= 0 ? o->margin :
			    mltrain_choose_margin(m, data, &r->valid);
	if (err) {
		mltrain_free(m);
		mltrain_fit_report_free(r);
		return err;
	}
	*model = m;
	return 0;
}

/* What the validation part says of a model; the held-out part stays untouched. */
static int contend(const struct mltrain_model *m, const struct mlds_data *data,
		   const struct mltrain_fit_report *r, struct mltrain_contest *c)
{
	struct mltrain_test *test = calloc(1, sizeof(*test));
	int err;

	if (!test)
		return mltrain_fail(-ENOMEM, "no memory for a test");
	err = mltrain_test_model(m, NULL, data, &r->valid, test);
	c->gain = test->policy[0].gain.value;
	c->low = test->policy[0].gain.low;
	c->macs = r->macs;
	free(test);
	return err;
}

/* The kind of the best lower bound; of equals, the cheaper. */
static int fit_auto(struct mltrain_model **model, const struct given *g,
		    const struct mlds_data *data, const struct mltrain_options *options,
		    struct mltrain_fit_report *r)
{
	struct mltrain_contest contest[MLTRAIN_NR_KINDS] = { 0 };
	struct mltrain_options o = *options;
	struct mltrain_fit_report one;
	struct mltrain_model *m;
	uint32_t k, best = 0;

	*model = NULL;
	for (k = 0; k < MLTRAIN_NR_KINDS; k++) {
		struct mltrain_contest *c = &contest[k];

		c->kind = o.kind = k;
		c->error = fit_one(&m, g, data, &o, &one);
		if (c->error)
			continue;
		c->error = contend(m, data, &one, c);
		if (!c->error && (!*model || c->low > contest[best].low ||
				  (c->low == contest[best].low &&
				   c->macs < contest[best].macs))) {
			mltrain_free(*model);
			if (*model)
				mltrain_fit_report_free(r);
			*model = m;
			*r = one;
			best = k;
		} else {
			mltrain_free(m);
			mltrain_fit_report_free(&one);
		}
		if (c->error == -ECANCELED)
			break;
	}
	/* mltrain_error() is of the last one then */
	if (!*model)
		return contest[k < MLTRAIN_NR_KINDS ? k : MLTRAIN_NR_KINDS - 1].error;
	memcpy(r->contest, contest, sizeof(contest));
	r->nr_contest = MLTRAIN_NR_KINDS;
	return 0;
}

int mltrain_fit(struct mltrain_model **model, const struct mlds_data *data,
		const struct mltrain_options *o, struct mltrain_fit_report *r)
{
	const struct given none = { 0 };
	int err;

	*model = NULL;
	memset(r, 0, sizeof(*r));
	err = check_options(o);
	if (err)
		return err;
	return o->kind == MLTRAIN_AUTO ? fit_auto(model, &none, data, o, r) :
					 fit_one(model, &none, data, o, r);
}

static int check_from(const struct mltrain_model *from, const struct mlds_data *data)
{
	if (!from->state_len)
		return mltrain_fail(-EINVAL,
				    "the model has no state to go on from: train it anew");
	if (from->schema.schema.schema_hash != data->schema.schema.schema_hash)
		return mltrain_fail(-EBADMSG,
				    "the model is of another schema than the data set: train it anew");
	return 0;
}

int mltrain_refit(struct mltrain_model **model, const struct mltrain_model *from,
		  const struct mlds_data *data, const struct mltrain_rows *train,
		  const struct mltrain_rows *valid, const struct mltrain_options *options,
		  struct mltrain_fit_report *r)
{
	const struct given given = { from, train, valid };
	struct mltrain_options o = *options;
	int err;

	*model = NULL;
	memset(r, 0, sizeof(*r));
	err = check_options(&o);
	if (!err && (train->n < LEAST_ROWS || valid->n < LEAST_ROWS / 5))
		err = mltrain_fail(-ENODATA,
				   "%zu rows to train on and %zu to validate are too few",
				   train->n, valid->n);
	if (!err && from)
		err = check_from(from, data);
	if (err)
		return err;
	/* Only networks go on. */
	if (from)
		o.kind = MLTRAIN_MLP;
	return o.kind == MLTRAIN_AUTO ? fit_auto(model, &given, data, &o, r) :
					fit_one(model, &given, data, &o, r);
}

const char *mltrain_kind_name(enum mltrain_kind kind)
{
	static const char *const names[] = { "mlp", "tree", "forest", "auto" };

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

void mltrain_fit_report_free(struct mltrain_fit_report *r)
{
	mltrain_rows_free(&r->train);
	mltrain_rows_free(&r->valid);
	mltrain_rows_free(&r->held_out);
}
