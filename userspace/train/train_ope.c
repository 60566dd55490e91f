// SPDX-License-Identifier: GPL-2.0-only
/*
 * Off-policy estimation: what a policy would have earned, from the log of
 * another one that chose at random with known probabilities.
 *
 *  ips	 mean of w r, w = [policy takes the logged action] / probability of it
 *	 (Horvitz, Thompson 1952)
 *  snips sum of w r / sum of w (Swaminathan, Joachims, "The Self-Normalized
 *	 Estimator for Counterfactual Learning", NIPS 2015)
 *  dr	 mean of q(x, policy) + w (r - q(x, logged action)) (Dudik, Langford, Li,
 *	 "Doubly Robust Policy Evaluation and Learning", ICML 2011)
 *
 * The probabilities are those the kernel drew with, so ips and dr are unbiased
 * whatever q is, as long as the rows are not those that q or the policy was
 * fitted to, and the policy takes no action that the log never takes: see the
 * effective sample size (Kish 1965), (sum w)^2 / sum w^2.
 *
 * Intervals: normal approximation of the mean of the rows' influence, with the
 * variance taken between clusters of rows (one key each, or blocks of
 * consecutive rows), as rows of one entity are not independent (Liang, Zeger
 * 1986); Student's t for few clusters.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train_priv.h"

#define LEAST_KEYS	30
#define MAX_BLOCKS	200

/* Clusters of the rows: cluster[i] of 0 to nr - 1. */
struct clusters {
	uint32_t *of;
	double *sum;		/* room for sums */
	size_t nr;
	const char *by;
};

struct key_row {
	uint64_t key;
	uint32_t i;
};

static int by_key(const void *pa, const void *pb)
{
	const struct key_row *a = pa, *b = pb;

	return a->key < b->key ? -1 : a->key > b->key;
}

static void free_clusters(struct clusters *c)
{
	free(c->of);
	free(c->sum);
}

static int make_clusters(struct clusters *c, const struct mlds_data *data,
			 const struct mltrain_rows *rows)
{
	struct key_row *k = malloc(rows->n * sizeof(*k));
	size_t i, blocks;

	memset(c, 0, sizeof(*c));
	c->of = malloc(rows->n * sizeof(*c->of));
	c->sum = malloc((rows->n + MAX_BLOCKS) * sizeof(*c->sum));
	if (!k || !c->of || !c->sum) {
		free(k);
		free_clusters(c);
		return mltrain_fail(-ENOMEM, "no memory for %zu rows", rows->n);
	}
	for (i = 0; i < rows->n; i++)
		k[i] = (struct key_row){ data->key[rows->row[i]], i };
	qsort(k, rows->n, sizeof(*k), by_key);
	for (i = 0; i < rows->n; i++) {
		c->nr += !i || k[i].key != k[i - 1].key;
		c->of[k[i].i] = c->nr - 1;
	}
	free(k);
	c->by = "key";
	/* A window decides for all keys at once; few keys tell no variance. */
	if (data->schema.schema.unit != MLPROXY_UNIT_WINDOW && c->nr >= LEAST_KEYS)
		return 0;
	blocks = sqrt(rows->n);
	blocks = blocks < 1 ? 1 : blocks > MAX_BLOCKS ? MAX_BLOCKS : blocks;
	for (i = 0; i < rows->n; i++)
		c->of[i] = i * blocks / rows->n;
	c->nr = blocks;
	c->by = "block of consecutive decisions";
	return 0;
}

/* 97.5 % point of Student's t, Cornish-Fisher from the normal's. */
static double t_quantile(size_t df)
{
	double z = 1.959964, n = df;

	if (df < 1)
		return INFINITY;
	if (df < 3)
		return df == 1 ? 12.706 : 4.303;
	return z + (z * z * z + z) / (4 * n) +
	       (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * n * n);
}

/* Interval of a mean from its rows' influence, which has mean 0. */
static struct mltrain_estimate estimate(double value, const double *influence, size_t n,
					struct clusters *c)
{
	double var = 0, half;
	size_t i;

	memset(c->sum, 0, c->nr * sizeof(*c->sum));
	for (i = 0; i < n; i++)
		c->sum[c->of[i]] += influence[i];
	for (i = 0; i < c->nr; i++)
		var += c->sum[i] * c->sum[i];
	if (c->nr < 2)
		half = INFINITY;
	else
		half = t_quantile(c->nr - 1) * sqrt(var * c->nr / (c->nr - 1)) / n;
	return (struct mltrain_estimate){ value, value - half, value + half };
}

static struct mltrain_estimate mean_of(const double *v, double *room, size_t n,
				       struct clusters *c)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += v[i];
	for (i = 0; i < n; i++)
		room[i] = v[i] - sum / n;
	return estimate(sum / n, room, n, c);
}

struct scratch {
	double *base;		/* doubly robust values of the baseline's rows */
	double *dr;
	double *ips;
	double *w;
	double *room;
	uint8_t *action;
};

static void free_scratch(struct scratch *s)
{
	free(s->base);
	free(s->dr);
	free(s->ips);
	free(s->w);
	free(s->room);
	free(s->action);
}

static int alloc_scratch(struct scratch *s, size_t n)
{
	s->base = malloc(n * sizeof(double));
	s->dr = malloc(n * sizeof(double));
	s->ips = malloc(n * sizeof(double));
	s->w = malloc(n * sizeof(double));
	s->room = malloc(n * sizeof(double));
	s->action = malloc(n);
	if (s->base && s->dr && s->ips && s->w && s->room && s->action)
		return 0;
	free_scratch(s);
	return mltrain_fail(-ENOMEM, "no memory for %zu rows", n);
}

/* The values of each row under a policy; action NULL: what was logged. */
static void score_rows(const struct mlds_data *data, const struct mltrain_rows *rows,
		       const double *q, const uint8_t *action, struct scratch *s)
{
	size_t i;

	for (i = 0; i < rows->n; i++) {
		uint32_t row = rows->row[i];
		uint32_t logged = data->action[row];
		uint32_t a = action ? action[i] : logged;
		double r = data->reward[row];
		double w = !action ? 1 : a == logged ? 1 / data->prob[row] : 0;
		double qa = q ? q[i * data->nr_actions + a] : 0;
		double ql = q ? q[i * data->nr_actions + logged] : 0;

		s->w[i] = w;
		s->ips[i] = w * r;
		s->dr[i] = qa + w * (r - ql);
	}
}

static struct mltrain_estimate self_normalised(struct scratch *s, size_t n,
					       struct clusters *c)
{
	double sum_w = 0, sum_wr = 0, v;
	size_t i;

	for (i = 0; i < n; i++) {
		sum_w += s->w[i];
		sum_wr += s->ips[i];
	}
	if (!(sum_w > 0))
		return (struct mltrain_estimate){ NAN, -INFINITY, INFINITY };
	v = sum_wr / sum_w;
	for (i = 0; i < n; i++)
		s->room[i] = (s->ips[i] - v * s->w[i]) / (sum_w / n);
	return estimate(v, s->room, n, c);
}

static void fill_policy(struct mltrain_policy *p, const char *name,
			const struct mlds_data *data, const struct mltrain_rows *rows,
			const double *q, const uint8_t *action, struct scratch *s,
			struct clusters *c)
{
	double sign = mltrain_sign(&data->schema), sum_w = 0, sum_w2 = 0;
	size_t i, deviates = 0;

	score_rows(data, rows, q, action, s);
	snprintf(p->name, sizeof(p->name), "%s", name);
	for (i = 0; i < rows->n; i++) {
		uint32_t row = rows->row[i];

		sum_w += s->w[i];
		sum_w2 += s->w[i] * s->w[i];
		deviates += (action ? action[i] : data->action[row]) != data->baseline[row];
	}
	p->ess = sum_w2 > 0 ? sum_w * sum_w / sum_w2 : 0;
	p->deviates = (double)deviates / rows->n;
	p->ips = mean_of(s->ips, s->room, rows->n, c);
	p->dr = mean_of(s->dr, s->room, rows->n, c);
	p->snips = self_normalised(s, rows->n, c);
	for (i = 0; i < rows->n; i++)
		s->ips[i] = sign * (s->dr[i] - s->base[i]);
	p->gain = mean_of(s->ips, s->room, rows->n, c);
}

static void constant_action(const struct mlds_data *data, const struct mltrain_rows *rows,
			    uint32_t a, uint8_t *action)
{
	size_t i;

	for (i = 0; i < rows->n; i++) {
		uint32_t row = rows->row[i];

		action[i] = data->allowed[row] >> a & 1 ? a : data->baseline[row];
	}
}

static void baseline_action(const struct mlds_data *data, const struct mltrain_rows *rows,
			    uint8_t *action)
{
	size_t i;

	for (i = 0; i < rows->n; i++)
		action[i] = data->baseline[rows->row[i]];
}

int mltrain_evaluate(const struct mlds_data *data, const struct mltrain_rows *rows,
		     const double *q, const struct mltrain_candidate *candidates,
		     uint32_t nr_candidates, struct mltrain_test *test)
{
	char name[MLPROXY_NAME_LEN + 16];
	struct clusters c;
	struct scratch s;
	uint32_t i;

	memset(test, 0, sizeof(*test));
	if (!rows->n)
		return mltrain_fail(-ENODATA,
				    "no rows to test on that the model was not trained on: record a new data set, or hold some out");
	if (nr_candidates + data->nr_actions + 2 > MLTRAIN_MAX_POLICIES)
		return mltrain_fail(-EINVAL, "%u policies are too many", nr_candidates);
	if (make_clusters(&c, data, rows))
		return -ENOMEM;
	if (alloc_scratch(&s, rows->n)) {
		free_clusters(&c);
		return -ENOMEM;
	}
	test->rows = rows->n;
	test->clusters = c.nr;
	test->cluster_by = c.by;
	baseline_action(data, rows, s.action);
	score_rows(data, rows, q, s.action, &s);
	memcpy(s.base, s.dr, rows->n * sizeof(*s.base));

	for (i = 0; i < nr_candidates; i++)
		fill_policy(&test->policy[test->nr++], candidates[i].name, data, rows, q,
			    candidates[i].action, &s, &c);
	fill_policy(&test->policy[test->nr++], "logged", data, rows, q, NULL, &s, &c);
	fill_policy(&test->policy[test->nr++], "baseline", data, rows, q, s.action, &s, &c);
	for (i = 0; i < data->nr_actions; i++) {
		snprintf(name, sizeof(name), "always %s", data->schema.actions[i].name);
		constant_action(data, rows, i, s.action);
		fill_policy(&test->policy[test->nr++], name, data, rows, q, s.action, &s, &c);
	}
	free_scratch(&s);
	free_clusters(&c);
	return 0;
}

/* A prediction outside of what the reward can be is of no use to dr. */
static double legal_reward(const struct mlds_data *data, double r)
{
	const struct mlproxy_schema *s = &data->schema.schema;

	if (s->reward_min >= s->reward_max)
		return r;
	return fmin(fmax(r, s->reward_min), s->reward_max);
}

/* Predicted rewards and actions of the float model. */
static int float_actions(const struct mltrain_model *m, const struct mlds_data *data,
			 const struct mltrain_rows *rows, double *q, uint8_t *action)
{
	double sign = mltrain_sign(&data->schema);
	float *scores = malloc((rows->n ?: 1) * data->nr_actions * sizeof(*scores));
	size_t i;
	int err;

	if (!scores)
		return mltrain_fail(-ENOMEM, "no memory for %zu rows", rows->n);
	err = mltrain_predict(m, data, rows, scores);
	for (i = 0; !err && i < rows->n; i++)
		action[i] = mltrain_choose(m, scores + i * data->nr_actions, m->margin,
					   data->baseline[rows->row[i]],
					   data->allowed[rows->row[i]]);
	for (i = 0; !err && i < rows->n * data->nr_actions; i++) {
		bool known = m->active >> i % data->nr_actions & 1;

		q[i] = m->reward_mean;
		if (known)
			q[i] = legal_reward(data, q[i] + sign * scores[i] * m->reward_scale);
	}
	free(scores);
	return err;
}

/* The same of a fixed-point model; @q may be NULL. */
static void fixed_actions(const struct model *fixed, const struct mlds_data *data,
			  const struct mltrain_rows *rows, double *q, uint8_t *action)
{
	int32_t out[MLPROXY_MAX_ACTIONS];
	uint32_t a;
	size_t i;

	for (i = 0; i < rows->n; i++) {
		uint32_t row = rows->row[i];

		model_eval(fixed, data->features + (size_t)row * data->nr_features, out);
		action[i] = model_choose(fixed, out, data->baseline[row], data->allowed[row]);
		for (a = 0; q && a < data->nr_actions; a++)
			q[i * data->nr_actions + a] =
				legal_reward(data, model_predict(fixed, out[a]));
	}
}

int mltrain_test_model(const struct mltrain_model *model, const struct model *fixed,
		       const struct mlds_data *data, const struct mltrain_rows *rows,
		       struct mltrain_test *test)
{
	struct mltrain_candidate cand[2];
	uint8_t *fa = malloc(rows->n ?: 1), *qa = malloc(rows->n ?: 1);
	double *q = malloc((rows->n ?: 1) * data->nr_actions * sizeof(*q));
	uint32_t nr = 0;
	int err = 0;

	if (!fa || !qa || !q) {
		err = mltrain_fail(-ENOMEM, "no memory for %zu rows", rows->n);
		goto out;
	}
	if (model) {
		err = float_actions(model, data, rows, q, fa);
		cand[nr++] = (struct mltrain_candidate){ "model (float)", fa };
	}
	if (!err && fixed) {
		bool trees = fixed->kind == MLPROXY_MODEL_KIND_TREES;

		fixed_actions(fixed, data, rows, model ? NULL : q, qa);
		cand[nr++] = (struct mltrain_candidate){
			trees ? "model (int32)" : "model (int8)", qa,
		};
	}
	err = err ?: mltrain_evaluate(data, rows, q, cand, nr, test);
out:
	free(fa);
	free(qa);
	free(q);
	return err;
}

/*
 * The margin that has the largest lower bound of the gain over the baseline on the
 * validation part; the larger one of equals, which leaves more to the baseline.
 */
double mltrain_choose_margin(const struct mltrain_model *model, const struct mlds_data *data,
			     const struct mltrain_rows *rows)
{
	static const double margins[] = { 0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8 };
	double best = 0, best_low = -INFINITY;
	struct mltrain_model m = *model;
	struct mltrain_test test;
	size_t i;

	for (i = 0; i < sizeof(margins) / sizeof(margins[0]); i++) {
		m.margin = margins[i];
		if (mltrain_test_model(&m, NULL, data, rows, &test))
			continue;
		if (test.policy[0].gain.low >= best_low) {
			best_low = test.policy[0].gain.low;
			best = margins[i];
		}
	}
	return best;
}
