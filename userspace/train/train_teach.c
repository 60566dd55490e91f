// SPDX-License-Identifier: GPL-2.0-only
/*
 * Teachers: several networks, each fitted to other weights of the rows, say of every
 * row what every action would bring; a model then learns that from them, in place of
 * the one outcome that was seen.
 *
 * What a model needs is the differences between actions. They are small beside those
 * between rows, and the noise of single outcomes is large beside them; the mean over
 * the teachers has less of it, and each row teaches all actions (Hinton, Vinyals, Dean,
 * "Distilling the Knowledge in a Neural Network", 2015). The weights are drawn per block
 * of consecutive decisions (Rubin, "The Bayesian Bootstrap", Annals of Statistics 1981):
 * where few runs tell of an action the teachers disagree, and their disagreement is
 * taken off its advantage (a lower confidence bound, as in Lattimore, Szepesvari,
 * "Bandit Algorithms", chapter 7, but with the sign of caution).
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_network.h"

/* Consecutive decisions that may well be of one run of one program. */
#define BLOCK_ROWS	64

/* Sums over the teachers, for one part of the data. */
struct sums {
	const struct mltrain_rows *rows;
	double *base;
	double *gain;
	double *square;
	float *scores;
};

static void sums_free(struct sums *s)
{
	free(s->base);
	free(s->gain);
	free(s->square);
	free(s->scores);
}

static int sums_alloc(struct sums *s, const struct mltrain_rows *rows, uint32_t nr_actions)
{
	size_t n = (rows->n ?: 1) * nr_actions;

	s->rows = rows;
	s->base = calloc(rows->n ?: 1, sizeof(*s->base));
	s->gain = calloc(n, sizeof(*s->gain));
	s->square = calloc(n, sizeof(*s->square));
	s->scores = malloc(n * sizeof(*s->scores));
	if (s->base && s->gain && s->square && s->scores)
		return 0;
	sums_free(s);
	memset(s, 0, sizeof(*s));
	return mltrain_fail(-ENOMEM, "no memory for %zu rows", rows->n);
}

static int sums_add(struct sums *s, const struct mltrain_model *m, const struct mlds_data *data)
{
	uint32_t nr = data->nr_actions, a;
	size_t i;
	int err;

	err = mltrain_predict(m, data, s->rows, s->scores);
	for (i = 0; !err && i < s->rows->n; i++) {
		double base = s->scores[i * nr + data->baseline[s->rows->row[i]]];

		s->base[i] += base;
		for (a = 0; a < nr; a++) {
			double gain = s->scores[i * nr + a] - base;

			s->gain[i * nr + a] += gain;
			s->square[i * nr + a] += gain * gain;
		}
	}
	return err;
}

/* What is learnt of every action: the mean, less what the teachers do not agree on. */
static void sums_finish(struct sums *s, uint32_t nr_actions, uint32_t teachers, double caution)
{
	uint32_t a;
	size_t i;

	for (i = 0; i < s->rows->n; i++) {
		for (a = 0; a < nr_actions; a++) {
			size_t at = i * nr_actions + a;
			double mean = s->gain[at] / teachers;
			double variance = s->square[at] / teachers - mean * mean;

			s->scores[at] = s->base[i] / teachers + mean -
					caution * sqrt(fmax(0, variance));
		}
	}
}

/* Exponential weights, the same for all rows of a block. */
static void draw_weights(struct mltrain_part *p, const struct mltrain_rows *rows,
			 const float *weight, uint64_t seed)
{
	size_t i;

	for (i = 0; i < rows->n; i++) {
		double u = mltrain_uniform(seed ^ mix64(rows->row[i] / BLOCK_ROWS));

		p->weight[i] = weight[i] * -log(1 - u);
	}
	mltrain_part_finish(p, rows->n);
}

/* @shape: a network yet without weights, with the scales and actions of the pupil */
static int teach_all(const struct mltrain_model *shape, const struct mlds_data *data,
		     const struct mltrain_options *options, struct sums *train,
		     struct sums *valid)
{
	struct mltrain_part learn = { 0 }, check = { 0 };
	struct mltrain_options o = *options;
	float *weight = NULL;
	uint32_t i;
	int err;

	o.restarts = 1;
	err = mltrain_part_make(&learn, shape, data, train->rows, &o);
	err = err ?: mltrain_part_make(&check, shape, data, valid->rows, &o);
	if (!err) {
		weight = malloc(train->rows->n * sizeof(*weight));
		if (weight)
			memcpy(weight, learn.weight, train->rows->n * sizeof(*weight));
		else
			err = mltrain_fail(-ENOMEM, "no memory for %zu rows", train->rows->n);
	}
	for (i = 0; !err && i < o.teachers; i++) {
		struct mltrain_model *teacher = malloc(sizeof(*teacher));
		struct mltrain_fit_report report = { 0 };

		if (!teacher) {
			err = mltrain_fail(-ENOMEM, "no memory for a model");
			break;
		}
		*teacher = *shape;
		o.seed = mix64(options->seed + i) >> 1;
		draw_weights(&learn, train->rows, weight, o.seed);
		err = mltrain_network_restarts(teacher, &learn, &check, &o, &report);
		err = err ?: sums_add(train, teacher, data);
		err = err ?: sums_add(valid, teacher, data);
		mltrain_free(teacher);
	}
	free(weight);
	mltrain_part_free(&learn);
	mltrain_part_free(&check);
	return err;
}

void mltrain_lessons_free(struct mltrain_lessons *lessons)
{
	free(lessons->train);
	free(lessons->valid);
	memset(lessons, 0, sizeof(*lessons));
}

int mltrain_teach(struct mltrain_lessons *lessons, const struct mltrain_model *m,
		  const struct mlds_data *data, const struct mltrain_options *o,
		  const struct mltrain_fit_report *r)
{
	struct mltrain_model *shape = malloc(sizeof(*shape));
	struct sums train = { 0 }, valid = { 0 };
	int nr = 0, err;

	memset(lessons, 0, sizeof(*lessons));
	if (!shape)
		return mltrain_fail(-ENOMEM, "no memory for a model");
	*shape = *m;
	/* Trees have none. */
	if (!shape->nr_inputs)
		nr = mltrain_choose_inputs(data, &r->train, shape->inputs);
	if (nr > 0)
		shape->nr_inputs = nr;
	err = nr < 0 ? nr : sums_alloc(&train, &r->train, data->nr_actions);
	err = err ?: sums_alloc(&valid, &r->valid, data->nr_actions);
	err = err ?: teach_all(shape, data, o, &train, &valid);
	if (!err) {
		sums_finish(&train, data->nr_actions, o->teachers, o->caution);
		sums_finish(&valid, data->nr_actions, o->teachers, o->caution);
		lessons->train = train.scores;
		lessons->valid = valid.scores;
		train.scores = NULL;
		valid.scores = NULL;
	}
	sums_free(&train);
	sums_free(&valid);
	free(shape);
	return err;
}
