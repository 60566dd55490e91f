/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of the trainer: errors, a small random generator, the rows as the
 * network takes them.
 */
#ifndef _MLPROXY_TRAIN_PRIV_H
#define _MLPROXY_TRAIN_PRIV_H

#include "shared/mix64.h"
#include "mlproxy_train.h"
#include "unit_real.h"

/* Sets mltrain_error() and returns @err. */
int mltrain_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* 0 to below 1 */
static inline double mltrain_uniform(uint64_t x)
{
	return unit_real(mix64(x));
}

/* What identifies a row between files: id, key and time. */
static inline uint64_t mltrain_row_hash(const struct mlds_data *d, size_t i)
{
	return mix64(d->id[i] ^ mix64(d->key[i] ^ mix64(d->time_ns[i])));
}

/* Inputs of the network: [n][nr_inputs], the fixed-point inputs / 127. */
float *mltrain_inputs(const struct mlproxy_model_input *inputs, uint32_t nr_inputs,
		      const struct mlds_data *data, const struct mltrain_rows *rows);

/* +1 where a higher reward is better, else -1. */
static inline double mltrain_sign(const struct mlds_schema *s)
{
	return s->schema.reward_direction == MLPROXY_REWARD_LOWER ? -1 : 1;
}

int mltrain_layers_alloc(struct mltrain_layer *layers, uint32_t nr, const uint32_t *sizes);
void mltrain_layers_free(struct mltrain_layer *layers, uint32_t nr);
/* @relu: as between layers; not behind the last one */
void mltrain_layer_run(const struct mltrain_layer *l, const float *in, float *out, bool relu);

double mltrain_choose_margin(const struct mltrain_model *model, const struct mlds_data *data,
			     const struct mltrain_rows *rows);

/* The model's preprocessing of one feature as a number from @lo to @hi. */
void mltrain_linear_input(struct mlproxy_model_input *in, uint32_t feature, int64_t lo,
			  int64_t hi);

/* Mean and standard deviation of the reward over rows, with the tails pulled in. */
int mltrain_scale_reward(struct mltrain_model *m, const struct mlds_data *data,
			 const struct mltrain_rows *rows);

/* Name, schema and time; the rest is 0. */
void mltrain_init_model(struct mltrain_model *m, const struct mlds_data *data,
			const char *name);

/* Score of an action that was hardly ever taken: never the best. */
#define MLTRAIN_NEVER_SCORE	(-16.0F)

/* Trees of a model: train_trees.c. The nodes become the model's. */
int mltrain_add_tree(struct mltrain_model *m, uint32_t output, uint32_t nr_nodes,
		     struct mltrain_node *nodes);
int mltrain_add_leaf(struct mltrain_model *m, uint32_t output, float value);
/* Adds to all of the leaves: to each score of the tree. */
void mltrain_raise_tree(struct mltrain_tree *tree, double value);
uint32_t mltrain_tree_depth(const struct mltrain_tree *tree);
uint32_t mltrain_trees_cost(const struct mltrain_model *m);
bool mltrain_trees_sane(const struct mltrain_model *m);
void mltrain_trees_free(struct mltrain_model *m);
void mltrain_trees_predict(const struct mltrain_model *m, const struct mlds_data *data,
			   const struct mltrain_rows *rows, float *scores);

/* All rows of @data were in its training: train_rows.c. */
int mltrain_note_seen(struct mltrain_model *m, const struct mlds_data *data);

/**
 * struct mltrain_lessons - what teachers say of the rows, in score units
 * @train: [training rows][actions]
 * @valid: [validation rows][actions]
 */
struct mltrain_lessons {
	float *train;
	float *valid;
};

/* Asks teachers that it fits first, for a model whose scales are set: train_teach.c. */
int mltrain_teach(struct mltrain_lessons *lessons, const struct mltrain_model *m,
		  const struct mlds_data *data, const struct mltrain_options *o,
		  const struct mltrain_fit_report *r);
void mltrain_lessons_free(struct mltrain_lessons *lessons);

/*
 * Fit a network (train_network.c), going on from @from if that is not NULL, or the trees
 * of the active actions (train_tree.c); to @lessons if they are not NULL, else to the
 * outcomes of the rows.
 */
int mltrain_fit_network(struct mltrain_model *m, const struct mltrain_model *from,
			const struct mlds_data *data, const struct mltrain_options *o,
			const struct mltrain_lessons *lessons, struct mltrain_fit_report *r);
int mltrain_fit_trees(struct mltrain_model *m, const struct mlds_data *data,
		      const struct mltrain_options *o, const struct mltrain_lessons *lessons,
		      struct mltrain_fit_report *r);

/* The outcome of a row in score units. */
static inline double mltrain_target(const struct mltrain_model *m, const struct mlds_data *data,
				    uint32_t row)
{
	return mltrain_sign(&data->schema) * ((double)data->reward[row] - m->reward_mean) /
	       m->reward_scale;
}

/* The weight of a row in the loss. */
static inline double mltrain_row_weight(const struct mlds_data *data, uint32_t row,
					const struct mltrain_options *o)
{
	double w = 1 / data->prob[row];

	if (o->weight != MLTRAIN_WEIGHT_IPS)
		return 1;
	return w < o->weight_clip ? w : o->weight_clip;
}

/*
 * Fixed point against float: root mean square difference of the scores of the
 * active actions, in score units, and the share of rows with the same action.
 */
void mltrain_compare(const struct mltrain_model *m, const struct mlds_data *data,
		     const struct mltrain_rows *rows, const float *scores,
		     const struct model *fixed, double score_scale, double *rmse,
		     double *agreement);

/* @ratio as mul / 2^shift. */
int mltrain_scale_of(double ratio, int32_t *mul, uint32_t *shift);

/* The rows for a calibration: an even choice, not too many. */
int mltrain_thin(const struct mltrain_rows *from, struct mltrain_rows *rows);

/* Trees in fixed point: train_quant_tree.c. */
int mltrain_quantise_trees(const struct mltrain_model *m, const struct mlds_data *data,
			   const struct mltrain_rows *rows, void **file, size_t *len,
			   struct mltrain_quant_report *report);

#endif /* _MLPROXY_TRAIN_PRIV_H */
