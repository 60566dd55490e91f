// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trees by XGBoost: per action, a regression of the reward on the rows where that
 * action was taken (the direct method, as in train_fit.c), weighted by the inverse
 * of the logged probability. A single tree is one round with a learning rate of 1;
 * a forest is boosted as long as the validation part gets better and the proxy's
 * cost allows.
 *
 * The rounds' trees come out of XGBoost as JSON, what an import reads, too.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_xgb.h"

#define TREE_DEPTH	8
#define FOREST_DEPTH	5
/* Learning rate of a forest: small enough for early stopping to tell rounds apart. */
#define FOREST_RATE	"0.3"

static const struct mltrain_xgb *xgb;

/* The rows where one action was taken, in the terms of XGBoost. */
struct part {
	size_t n;
	float *x;
	float *target;
	float *weight;
	uint32_t *row;
	double mean;
};

static void free_part(struct part *p)
{
	free(p->x);
	free(p->target);
	free(p->weight);
	free(p->row);
	memset(p, 0, sizeof(*p));
}

/* @lessons: of all rows, or NULL for the outcomes of those where the action was taken */
static int make_part(struct part *p, const struct mltrain_model *m, const struct mlds_data *data,
		     const struct mltrain_rows *rows, const float *lessons, uint32_t action,
		     const struct mltrain_options *o)
{
	double sum = 0, sum_w = 0;
	size_t n = rows->n ?: 1, i, f;

	memset(p, 0, sizeof(*p));
	p->x = malloc(n * data->nr_features * sizeof(*p->x));
	p->target = malloc(n * sizeof(*p->target));
	p->weight = malloc(n * sizeof(*p->weight));
	p->row = malloc(n * sizeof(*p->row));
	if (!p->x || !p->target || !p->weight || !p->row) {
		free_part(p);
		return mltrain_fail(-ENOMEM, "no memory for %zu rows", rows->n);
	}
	for (i = 0; i < rows->n; i++) {
		uint32_t row = rows->row[i];

		if (!lessons && data->action[row] != action)
			continue;
		for (f = 0; f < data->nr_features; f++)
			p->x[p->n * data->nr_features + f] =
				data->features[(size_t)row * data->nr_features + f];
		p->target[p->n] = lessons ? lessons[i * data->nr_actions + action] :
					    mltrain_target(m, data, row);
		p->weight[p->n] = lessons ? 1 : mltrain_row_weight(data, row, o);
		sum += p->weight[p->n] * p->target[p->n];
		sum_w += p->weight[p->n];
		p->row[p->n++] = row;
	}
	p->mean = sum_w > 0 ? sum / sum_w : 0;
	for (i = 0; i < p->n; i++)
		p->weight[i] *= p->n / sum_w;
	return 0;
}

static int xgb_failed(const char *what)
{
	return mltrain_fail(-EIO, "XGBoost can't %s: %s", what, xgb->error());
}

static int set_params(BoosterHandle booster, const struct part *p, bool forest, uint32_t depth,
		      uint64_t seed)
{
	char depth_text[16], seed_text[16], mean[32];
	const char *const params[][2] = {
		{ "objective", "reg:squarederror" }, { "tree_method", "exact" },
		{ "nthread", "1" }, { "seed", seed_text }, { "max_depth", depth_text },
		{ "base_score", mean }, { "eta", forest ? FOREST_RATE : "1" },
		/* a leaf of a single tree is the mean of its rows */
		{ "lambda", forest ? "1" : "0.1" }, { "min_child_weight", "3" },
	};
	size_t i;

	snprintf(depth_text, sizeof(depth_text), "%u", depth);
	snprintf(seed_text, sizeof(seed_text), "%u", (uint32_t)mix64(seed) >> 1);
	snprintf(mean, sizeof(mean), "%.9g", p->mean);
	for (i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		if (xgb->set_param(booster, params[i][0], params[i][1]))
			return xgb_failed("set a parameter");
	return 0;
}

/* Boost @rounds trees, and add them to the model. */
static int boost(BoosterHandle booster, DMatrixHandle matrix, uint32_t rounds,
		 struct mltrain_model *m, uint32_t action, double *base)
{
	struct mltrain_xgb_file f = { .what = "XGBoost's model", .m = m,
				      .first_output = action, .base = base };
	bst_ulong len;
	uint32_t i;

	for (i = 0; i < rounds; i++)
		if (xgb->update(booster, i, matrix))
			return xgb_failed("grow a tree");
	if (xgb->save(booster, "{\"format\": \"json\"}", &len, &f.text))
		return xgb_failed("give its trees out");
	f.len = len;
	return mltrain_xgb_read(&f, 1);
}

static int grow(const struct part *p, bool forest, uint32_t depth, uint32_t rounds,
		const struct mltrain_options *o, struct mltrain_model *m, uint32_t action,
		double *base)
{
	uint32_t nr_features = m->schema.schema.nr_features;
	BoosterHandle booster = NULL;
	DMatrixHandle matrix;
	int err = 0;

	if (xgb->matrix(p->x, p->n, nr_features, NAN, &matrix))
		return xgb_failed("take the rows");
	if (xgb->set_info(matrix, "label", p->target, p->n) ||
	    xgb->set_info(matrix, "weight", p->weight, p->n) ||
	    xgb->create(&matrix, 1, &booster))
		err = xgb_failed("begin");
	err = err ?: set_params(booster, p, forest, depth, o->seed + action);
	err = err ?: boost(booster, matrix, rounds, m, action, base);
	if (booster)
		xgb->free(booster);
	xgb->matrix_free(matrix);
	return err;
}

/*
 * Keep the first trees of @m, up to the round with the least loss on @valid; with
 * no rows to tell, all of them. @base is added to each score. Return: that loss.
 */
static double keep_best(struct mltrain_model *m, const struct mlds_data *data,
			const struct part *valid, double base)
{
	double *score = malloc((valid->n ?: 1) * sizeof(*score)), best = INFINITY, loss, w;
	uint32_t t, kept = m->nr_trees;
	size_t i;

	for (i = 0; score && i < valid->n; i++)
		score[i] = base;
	for (t = 0; score && valid->n && t < m->nr_trees; t++) {
		struct mltrain_model one = { .nr_trees = 1, .trees = &m->trees[t] };
		float scores[MLPROXY_MAX_ACTIONS];

		for (loss = w = i = 0; i < valid->n; i++) {
			struct mltrain_rows row = { 1, &valid->row[i] };

			mltrain_trees_predict(&one, data, &row, scores);
			score[i] += scores[one.trees->output];
			loss += valid->weight[i] * (score[i] - valid->target[i]) *
				(score[i] - valid->target[i]);
			w += valid->weight[i];
		}
		if (loss / w < best) {
			best = loss / w;
			kept = t + 1;
		}
	}
	free(score);
	while (m->nr_trees > kept)
		free(m->trees[--m->nr_trees].nodes);
	return isfinite(best) ? best / 2 : 0;
}

/* Trees of an action that the cost and the file's length allow. */
static uint32_t rounds_of(const struct mltrain_model *m, const struct mltrain_options *o,
			  uint32_t depth)
{
	const struct mlproxy_schema *s = &m->schema.schema;
	uint32_t active = __builtin_popcount(m->active), idle = s->nr_actions - active;
	uint32_t full = (2U << depth) - 1, rounds, by_size;

	if (o->kind == MLTRAIN_TREE)
		return 1;
	rounds = s->max_macs / MLPROXY_MODEL_MACS_PER_NODE;
	rounds = (rounds > idle ? rounds - idle : 0) / (depth + 1) / active;
	by_size = (MLPROXY_MODEL_MAX_BYTES - 4096) / 16 / (full + 1) / active;
	rounds = by_size && by_size < rounds ? by_size : rounds;
	if (rounds > (MLPROXY_MODEL_MAX_TREES - idle) / active)
		rounds = (MLPROXY_MODEL_MAX_TREES - idle) / active;
	return o->trees && o->trees < rounds ? o->trees : rounds ?: 1;
}

/* The depth that the validation part likes best, of an action's single tree. */
static int fit_single(struct mltrain_model *m, const struct mlds_data *data,
		      const struct mltrain_options *o, uint32_t most, uint32_t action,
		      const struct part *train, const struct part *valid, double *base)
{
	double best = INFINITY, loss;
	struct mltrain_model all = { .schema = m->schema };
	uint32_t depth, keep = 0;
	int err = 0;

	for (depth = 1; !err && depth <= most; depth++) {
		struct mltrain_model one = { .schema = m->schema };

		err = grow(train, false, depth, 1, o, &one, action, base);
		if (err) {
			mltrain_trees_free(&one);
			break;
		}
		loss = valid->n ? keep_best(&one, data, valid, *base) : -(double)depth;
		/* more depth must pay */
		if (loss < best - 1e-9) {
			best = loss;
			keep = all.nr_trees;
		}
		err = mltrain_add_tree(&all, action, one.trees[0].nr_nodes, one.trees[0].nodes);
		free(one.trees);
	}
	if (!err) {
		struct mltrain_node *nodes = all.trees[keep].nodes;

		all.trees[keep].nodes = NULL;
		err = mltrain_add_tree(m, action, all.trees[keep].nr_nodes, nodes);
	}
	mltrain_trees_free(&all);
	return err;
}

/* @loss: the sum over the actions, each by its number of validation rows */
static int fit_action(struct mltrain_model *m, const struct mlds_data *data,
		      const struct mltrain_options *o, const struct mltrain_lessons *lessons,
		      const struct mltrain_fit_report *r, uint32_t action, double *loss)
{
	uint32_t depth = o->depth ?: o->kind == MLTRAIN_TREE ? TREE_DEPTH : FOREST_DEPTH;
	struct mltrain_model mine = { .schema = m->schema };
	struct part train, valid = { 0 };
	double base = 0;
	uint32_t t;
	int err;

	err = make_part(&train, m, data, &r->train, lessons ? lessons->train : NULL, action, o);
	err = err ?: make_part(&valid, m, data, &r->valid, lessons ? lessons->valid : NULL,
			       action, o);
	if (!err && !train.n)
		err = mltrain_add_leaf(&mine, action, MLTRAIN_NEVER_SCORE);
	else if (!err && o->kind == MLTRAIN_TREE)
		err = fit_single(&mine, data, o, depth, action, &train, &valid, &base);
	else if (!err)
		err = grow(&train, true, depth, rounds_of(m, o, depth), o, &mine, action, &base);
	if (!err) {
		*loss += valid.n * keep_best(&mine, data, &valid, base);
		mltrain_raise_tree(&mine.trees[0], base);
	}
	for (t = 0; t < mine.nr_trees; t++) {
		if (err)
			free(mine.trees[t].nodes);
		else
			err = mltrain_add_tree(m, action, mine.trees[t].nr_nodes,
					       mine.trees[t].nodes);
	}
	free(mine.trees);
	free_part(&train);
	free_part(&valid);
	return err;
}

int mltrain_fit_trees(struct mltrain_model *m, const struct mlds_data *data,
		      const struct mltrain_options *o, const struct mltrain_lessons *lessons,
		      struct mltrain_fit_report *r)
{
	uint32_t a, t, depth;
	double loss = 0;
	int err;

	m->kind = MLPROXY_MODEL_KIND_TREES;
	xgb = mltrain_xgb_get();
	err = xgb ? 0 : -ELIBACC;
	for (a = 0; !err && a < data->nr_actions; a++) {
		if (m->active >> a & 1)
			err = fit_action(m, data, o, lessons, r, a, &loss);
		else
			err = mltrain_add_leaf(m, a, MLTRAIN_NEVER_SCORE);
	}
	if (err)
		return err;
	for (t = 0; t < m->nr_trees; t++) {
		depth = mltrain_tree_depth(&m->trees[t]);
		r->depth = depth > r->depth ? depth : r->depth;
	}
	r->nr_trees = m->nr_trees;
	r->valid_loss = r->valid.n ? loss / r->valid.n : 0;
	r->macs = mltrain_trees_cost(m);
	if (r->macs > m->schema.schema.max_macs)
		return mltrain_fail(-EINVAL, "trees that cost as %u multiply-accumulates, the proxy allows %u: choose fewer or flatter ones (--trees, --depth)",
				    r->macs, m->schema.schema.max_macs);
	return 0;
}
