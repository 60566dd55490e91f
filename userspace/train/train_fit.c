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
#include <time.h>

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

/* A part of the data as the network takes it. */
struct part {
	struct mltorch_rows rows;
	float *x;
	int32_t *action;
	float *target;
	float *weight;
};

static void free_part(struct part *p)
{
	free(p->x);
	free(p->action);
	free(p->target);
	free(p->weight);
	memset(p, 0, sizeof(*p));
}

static int make_part(struct part *p, const struct mltrain_model *m,
		     const struct mlds_data *data, const struct mltrain_rows *rows,
		     const struct mltrain_options *o)
{
	double sign = mltrain_sign(&data->schema), sum = 0;
	size_t i;

	memset(p, 0, sizeof(*p));
	p->x = mltrain_inputs(m->inputs, m->nr_inputs, data, rows);
	p->action = malloc((rows->n ?: 1) * sizeof(*p->action));
	p->target = malloc((rows->n ?: 1) * sizeof(*p->target));
	p->weight = malloc((rows->n ?: 1) * sizeof(*p->weight));
	if (!p->x || !p->action || !p->target || !p->weight) {
		free_part(p);
		return mltrain_fail(-ENOMEM, "no memory for %zu rows", rows->n);
	}
	for (i = 0; i < rows->n; i++) {
		uint32_t row = rows->row[i];
		double w = mltrain_row_weight(data, row, o);

		p->action[i] = data->action[row];
		p->target[i] = sign * ((double)data->reward[row] - m->reward_mean) /
			       m->reward_scale;
		p->weight[i] = w;
		sum += w;
	}
	for (i = 0; i < rows->n; i++)
		p->weight[i] *= rows->n / sum;
	p->rows = (struct mltorch_rows){ rows->n, p->x, p->action, p->target, p->weight };
	return 0;
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

/* Copies of the weights, to go back to the best epoch. */
static int alloc_weights(struct mltrain_layer *ws, const struct mltorch_options *o)
{
	return mltrain_layers_alloc(ws, o->nr_sizes - 1, o->sizes);
}

static void keep_weights(struct mltrain_layer *ws, const struct mltorch_net *net, uint32_t nr)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		mltorch_get_layer(net, i, ws[i].w, ws[i].b);
}

static void restore_weights(const struct mltrain_layer *ws, struct mltorch_net *net, uint32_t nr)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		mltorch_set_layer(net, i, ws[i].w, ws[i].b);
}

static int torch_failed(int err)
{
	return mltrain_fail(err, "%s", mltorch_last_error());
}

/* One restart: @net is left at its best epoch. */
static int train_one(struct mltorch_net *net, const struct part *train, const struct part *valid,
		     const struct mltrain_options *o, struct mltrain_progress *p,
		     struct mltrain_fit_report *report)
{
	size_t batch = o->batch ?: train->rows.n / 40;
	struct mltorch_options opt;
	struct mltrain_layer best[MLTORCH_MAX_LAYERS];
	uint32_t best_epoch = 0, cut = 0, nr;
	double lr = o->lr;
	int err;

	if (!o->batch)
		batch = batch < 32 ? 32 : batch > 2048 ? 2048 : batch;
	mltorch_options(net, &opt);
	nr = opt.nr_sizes - 1;
	if (alloc_weights(best, &opt))
		return -ENOMEM;
	p->best_loss = INFINITY;
	err = 0;
	for (p->epoch = 1; p->epoch <= o->epochs; p->epoch++) {
		err = mltorch_epoch(net, &train->rows, batch, &p->train_loss);
		err = err ?: mltorch_loss(net, &valid->rows, &p->valid_loss);
		if (err) {
			err = torch_failed(err);
			break;
		}
		if (p->valid_loss < p->best_loss) {
			p->best_loss = p->valid_loss;
			best_epoch = p->epoch;
			report->train_loss = p->train_loss;
			keep_weights(best, net, nr);
		}
		if (o->progress && !o->progress(o->progress_arg, p)) {
			err = mltrain_fail(-ECANCELED, "training was stopped");
			break;
		}
		if (p->epoch - best_epoch >= o->patience)
			break;
		/* Smaller steps when it gets no better, and towards the end. */
		if (p->epoch - (best_epoch > cut ? best_epoch : cut) >= (o->patience + 2) / 3 ||
		    (p->epoch * 4 > o->epochs * 3 && cut * 4 <= o->epochs * 3)) {
			lr /= 3;
			cut = p->epoch;
			mltorch_set_lr(net, lr);
		}
	}
	if (!err)
		restore_weights(best, net, nr);
	report->epochs = best_epoch;
	report->valid_loss = p->best_loss;
	mltrain_layers_free(best, nr);
	return err;
}

/*
 * The network becomes the model's. Actions that were hardly ever taken get a score
 * that never wins.
 */
static int take_network(struct mltrain_model *m, struct mltorch_net *net)
{
	struct mltrain_layer *last;
	struct mltorch_options o;
	uint32_t a;
	int err;

	mltorch_options(net, &o);
	if (alloc_weights(m->layers, &o))
		return -ENOMEM;
	m->nr_layers = o.nr_sizes - 1;
	keep_weights(m->layers, net, m->nr_layers);
	last = &m->layers[m->nr_layers - 1];
	for (a = 0; a < last->out; a++) {
		if (m->active >> a & 1)
			continue;
		memset(last->w + (size_t)a * last->in, 0, last->in * sizeof(float));
		last->b[a] = MLTRAIN_NEVER_SCORE;
	}
	err = mltorch_save(net, &m->state, &m->state_len);
	return err ? torch_failed(err) : 0;
}

static int train_restarts(struct mltrain_model *m, const struct part *train,
			  const struct part *valid, const struct mltrain_options *o,
			  struct mltrain_fit_report *report)
{
	struct mltrain_progress p = { .restarts = o->restarts, .epochs = o->epochs };
	struct mltorch_options net_opt = {
		.lr = o->lr,
		.weight_decay = o->weight_decay,
		.huber_delta = o->huber,
	};
	struct mltorch_net *net, *best = NULL;
	struct mltrain_fit_report one = { 0 };
	uint32_t i;
	int err = 0;

	net_opt.sizes[net_opt.nr_sizes++] = m->nr_inputs;
	for (i = 0; i < o->nr_hidden; i++)
		net_opt.sizes[net_opt.nr_sizes++] = o->hidden[i];
	net_opt.sizes[net_opt.nr_sizes++] = m->schema.schema.nr_actions;
	for (i = 0; i + 1 < net_opt.nr_sizes; i++)
		report->macs += net_opt.sizes[i] * net_opt.sizes[i + 1];
	if (report->macs > m->schema.schema.max_macs)
		return mltrain_fail(-EINVAL,
				    "a network of %u multiply-accumulates, the proxy allows %u: choose fewer or narrower hidden layers",
				    report->macs, m->schema.schema.max_macs);
	report->valid_loss = INFINITY;
	for (p.restart = 0; !err && p.restart < o->restarts; p.restart++) {
		net_opt.seed = mltrain_mix(o->seed + p.restart * 1000003ULL) >> 1;
		err = mltorch_create(&net, &net_opt);
		if (err) {
			err = torch_failed(err);
			break;
		}
		err = train_one(net, train, valid, o, &p, &one);
		if (err || !(one.valid_loss < report->valid_loss)) {
			mltorch_free(net);
			continue;
		}
		mltorch_free(best);
		best = net;
		report->valid_loss = one.valid_loss;
		report->train_loss = one.train_loss;
		report->epochs = one.epochs;
		report->restart = p.restart;
	}
	if (!err)
		err = best ? take_network(m, best) :
			     mltrain_fail(-ERANGE, "no restart ended with a finite loss");
	mltorch_free(best);
	return err;
}

/* The network and its optimiser go on from where they were. */
static int train_on(struct mltrain_model *m, const struct mltrain_model *from,
		    const struct part *train, const struct part *valid,
		    const struct mltrain_options *o, struct mltrain_fit_report *report)
{
	struct mltrain_progress p = { .restarts = 1, .epochs = o->epochs };
	struct mltorch_net *net;
	uint32_t i;
	int err;

	for (i = 0; i < from->nr_layers; i++)
		report->macs += from->layers[i].in * from->layers[i].out;
	err = mltorch_load(&net, from->state, from->state_len);
	if (err)
		return torch_failed(err);
	err = mltorch_set_lr(net, o->lr);
	err = err ? torch_failed(err) : train_one(net, train, valid, o, &p, report);
	if (!err && !isfinite(report->valid_loss))
		err = mltrain_fail(-ERANGE, "no epoch ended with a finite loss");
	err = err ?: take_network(m, net);
	mltorch_free(net);
	return err;
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
	struct timespec ts;

	m->kind = MLPROXY_MODEL_KIND_MLP;
	m->schema = data->schema;
	snprintf(m->name, sizeof(m->name), "%s", name[0] ? name : data->schema.proxy);
	clock_gettime(CLOCK_REALTIME, &ts);
	m->trained_ns = ts.tv_sec * 1000000000ULL + ts.tv_nsec;
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

static int fit_network(struct mltrain_model *m, const struct mltrain_model *from,
		       const struct mlds_data *data, const struct mltrain_options *o,
		       struct mltrain_fit_report *r)
{
	struct part train = { 0 }, valid = { 0 };
	int err;

	err = make_part(&train, m, data, &r->train, o);
	err = err ?: make_part(&valid, m, data, &r->valid, o);
	if (!err)
		err = from ? train_on(m, from, &train, &valid, o, r) :
			     train_restarts(m, &train, &valid, o, r);
	free_part(&train);
	free_part(&valid);
	return err;
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
	if (!err)
		err = o->kind == MLTRAIN_MLP ? fit_network(m, g->from, data, o, r) :
					       mltrain_fit_trees(m, data, o, r);
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
