// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fitting a network: several restarts, early stopping on the validation part, and
 * going on from a model.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_network.h"

void mltrain_part_free(struct mltrain_part *p)
{
	free(p->x);
	free(p->action);
	free(p->target);
	free(p->weight);
	memset(p, 0, sizeof(*p));
}

/* @x: becomes the part's; NULL if there was no memory for it */
static int alloc_part(struct mltrain_part *p, float *x, size_t n)
{
	memset(p, 0, sizeof(*p));
	n = n ?: 1;
	p->x = x;
	p->action = malloc(n * sizeof(*p->action));
	p->target = malloc(n * sizeof(*p->target));
	p->weight = malloc(n * sizeof(*p->weight));
	if (p->x && p->action && p->target && p->weight)
		return 0;
	mltrain_part_free(p);
	return mltrain_fail(-ENOMEM, "no memory for %zu rows", n);
}

void mltrain_part_finish(struct mltrain_part *p, size_t n)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += p->weight[i];
	for (i = 0; i < n; i++)
		p->weight[i] *= n / sum;
	p->rows = (struct mltorch_rows){ n, p->x, p->action, p->target, p->weight };
}

int mltrain_part_make(struct mltrain_part *p, const struct mltrain_model *m,
		      const struct mlds_data *data, const struct mltrain_rows *rows,
		      const struct mltrain_options *o)
{
	size_t i;
	int err;

	err = alloc_part(p, mltrain_inputs(m->inputs, m->nr_inputs, data, rows), rows->n);
	if (err)
		return err;
	for (i = 0; i < rows->n; i++) {
		uint32_t row = rows->row[i];

		p->action[i] = data->action[row];
		p->target[i] = mltrain_target(m, data, row);
		p->weight[i] = mltrain_row_weight(data, row, o);
	}
	mltrain_part_finish(p, rows->n);
	return 0;
}

/* Each row's score of every active action; @scores: [rows][actions]. */
static int part_of_lessons(struct mltrain_part *p, const struct mltrain_model *m,
			   const struct mlds_data *data, const struct mltrain_rows *rows,
			   const float *scores)
{
	float *x = mltrain_inputs(m->inputs, m->nr_inputs, data, rows);
	size_t most = rows->n * __builtin_popcount(m->active), i, n = 0;
	uint32_t a;
	int err;

	memset(p, 0, sizeof(*p));
	if (!x)
		return -ENOMEM;
	err = alloc_part(p, malloc((most ?: 1) * m->nr_inputs * sizeof(*x)), most);
	for (i = 0; !err && i < rows->n; i++) {
		for (a = 0; a < data->nr_actions; a++) {
			if (!(m->active >> a & 1))
				continue;
			memcpy(p->x + n * m->nr_inputs, x + i * m->nr_inputs,
			       m->nr_inputs * sizeof(*x));
			p->action[n] = a;
			p->target[n] = scores[i * data->nr_actions + a];
			p->weight[n++] = 1;
		}
	}
	free(x);
	if (!err)
		mltrain_part_finish(p, n);
	return err;
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
static int train_one(struct mltorch_net *net, const struct mltrain_part *train,
		     const struct mltrain_part *valid, const struct mltrain_options *o,
		     struct mltrain_progress *p, struct mltrain_fit_report *report)
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

int mltrain_network_restarts(struct mltrain_model *m, const struct mltrain_part *train,
			     const struct mltrain_part *valid, const struct mltrain_options *o,
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
		net_opt.seed = mix64(o->seed + p.restart * 1000003ULL) >> 1;
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
		    const struct mltrain_part *train, const struct mltrain_part *valid,
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

int mltrain_fit_network(struct mltrain_model *m, const struct mltrain_model *from,
			const struct mlds_data *data, const struct mltrain_options *o,
			const struct mltrain_lessons *lessons, struct mltrain_fit_report *r)
{
	struct mltrain_part train = { 0 }, valid = { 0 };
	int err;

	if (lessons) {
		err = part_of_lessons(&train, m, data, &r->train, lessons->train);
		err = err ?: part_of_lessons(&valid, m, data, &r->valid, lessons->valid);
	} else {
		err = mltrain_part_make(&train, m, data, &r->train, o);
		err = err ?: mltrain_part_make(&valid, m, data, &r->valid, o);
	}
	if (!err)
		err = from ? train_on(m, from, &train, &valid, o, r) :
			     mltrain_network_restarts(m, &train, &valid, o, r);
	mltrain_part_free(&train);
	mltrain_part_free(&valid);
	return err;
}
