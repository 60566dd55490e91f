/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Training, testing and quantising a policy from a data set.
 *
 * The learning problem is a contextual bandit: a network, or trees, predict the
 * reward of each action, its loss counts only the action that was taken, and the policy
 * takes the legal action of the best prediction, or the kernel's own where the
 * advantage is not above a margin. Scores are standardised rewards with the sign
 * turned where a lower reward is better, so that a higher score is better.
 *
 * Functions return 0 or a negative errno; mltrain_error() has the reason and the
 * remedy in words. One thread at a time.
 */
#ifndef _MLPROXY_TRAIN_H
#define _MLPROXY_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"
#include "mlproxy_dataset.h"
#include "mlproxy_torch.h"

/* How rows are split into parts; no part shares a block or a key with another. */
enum mltrain_split {
	MLTRAIN_SPLIT_AUTO,	/* by key where the kernel randomises by entity */
	MLTRAIN_SPLIT_TIME,	/* blocks of consecutive decisions */
	MLTRAIN_SPLIT_KEY,	/* a hash of the key */
};

/* Weights of the rows in the loss. */
enum mltrain_weight {
	MLTRAIN_WEIGHT_NONE,
	MLTRAIN_WEIGHT_IPS,	/* 1 / probability, clipped */
};

/* What is trained. */
enum mltrain_kind {
	MLTRAIN_MLP,
	MLTRAIN_TREE,	/* one tree an action */
	MLTRAIN_FOREST,	/* boosted trees, as many as the proxy's cost allows */
	MLTRAIN_AUTO,	/* what the off-policy test finds best on the validation part */
};

#define MLTRAIN_NR_KINDS	MLTRAIN_AUTO

/** mltrain_kind_name() - "mlp", "tree", "forest" or "auto" */
const char *mltrain_kind_name(enum mltrain_kind kind);

/**
 * struct mltrain_progress - where a training is
 * @restart: 0 to @restarts - 1
 * @restarts: networks trained, of which the best is kept
 * @epoch: 1 to @epochs
 * @epochs: at most so many
 * @train_loss: mean loss of the epoch
 * @valid_loss: mean loss on the validation part
 * @best_loss: least @valid_loss so far
 */
struct mltrain_progress {
	uint32_t restart;
	uint32_t restarts;
	uint32_t epoch;
	uint32_t epochs;
	double train_loss;
	double valid_loss;
	double best_loss;
};

#define MLTRAIN_MAX_HIDDEN	(MLTORCH_MAX_LAYERS - 1)

/**
 * struct mltrain_options - of a training; mltrain_default_options() fills it
 * @name: name of the model, empty for the proxy's
 * @nr_hidden: hidden layers
 * @hidden: their widths
 * @epochs: at most so many
 * @patience: epochs without a better validation loss before it ends
 * @batch: rows of a gradient step, 0 for a size by the number of rows
 * @restarts: networks to train from different seeds
 * @seed: of everything that is random
 * @lr: learning rate
 * @weight_decay: L2 penalty
 * @huber: where the loss becomes linear, in standard deviations of the reward; 0
 *	for squared error
 * @split: how parts are made
 * @holdout: share held out for the test, 0 to 0.9
 * @validation: share of the rest that is for early stopping and the margin
 * @weight: weights of the rows
 * @weight_clip: largest weight
 * @min_rows: an action taken less often in the training part is never proposed
 * @margin: in standard deviations, negative to choose by the validation part
 * @kind: what to train; @nr_hidden to @huber are of networks only, but @seed
 * @trees: most trees of an action in a forest, 0 for what the cost allows
 * @depth: most comparisons in a tree, 0 for a depth that suits the kind
 * @teachers: networks of the same shape that say of every row what every action would
 *	bring, for the model to learn; 0 to learn from the outcomes themselves. Not where
 *	a model goes on from another one
 * @caution: how many standard deviations of the teachers' disagreement are taken off the
 *	advantage of an action
 * @progress: called after each epoch, or NULL; training ends with -ECANCELED if
 *	it returns false
 * @progress_arg: its argument
 */
struct mltrain_options {
	char name[MLPROXY_NAME_LEN];
	uint32_t nr_hidden;
	uint32_t hidden[MLTRAIN_MAX_HIDDEN];
	uint32_t epochs;
	uint32_t patience;
	uint32_t batch;
	uint32_t restarts;
	uint64_t seed;
	double lr;
	double weight_decay;
	double huber;
	enum mltrain_split split;
	double holdout;
	double validation;
	enum mltrain_weight weight;
	double weight_clip;
	uint32_t min_rows;
	double margin;
	enum mltrain_kind kind;
	uint32_t trees;
	uint32_t depth;
	uint32_t teachers;
	double caution;
	bool (*progress)(void *arg, const struct mltrain_progress *p);
	void *progress_arg;
};

/** mltrain_default_options() - a small network that suits most proxies */
void mltrain_default_options(struct mltrain_options *options);

/**
 * struct mltrain_rows - rows of a data set, by index
 * @n: how many
 * @row: ascending
 */
struct mltrain_rows {
	size_t n;
	uint32_t *row;
};

/** mltrain_rows_free() - free the indices */
void mltrain_rows_free(struct mltrain_rows *rows);

/** mltrain_rows_all() - all rows of a data set */
int mltrain_rows_all(const struct mlds_data *data, struct mltrain_rows *rows);

/**
 * mltrain_split_rows() - split rows into two parts
 * @data: data set
 * @from: rows to split
 * @split: how
 * @share: of the second part
 * @seed: which
 * @first: out
 * @second: out
 */
int mltrain_split_rows(const struct mlds_data *data, const struct mltrain_rows *from,
		       enum mltrain_split split, double share, uint64_t seed,
		       struct mltrain_rows *first, struct mltrain_rows *second);

/**
 * struct mltrain_layer - one layer of a network in float; ReLU between layers
 * @in: inputs
 * @out: outputs
 * @w: [out][in]
 * @b: [out]
 */
struct mltrain_layer {
	uint32_t in;
	uint32_t out;
	float *w;
	float *b;
};

/**
 * struct mltrain_node - one node of a tree
 * @feature: index in the schema, negative for a leaf
 * @left: node where the feature is below @threshold
 * @right: node where it is not
 * @threshold: features are integers, so this is exact
 * @value: score of a leaf
 */
struct mltrain_node {
	int32_t feature;
	uint32_t left;
	uint32_t right;
	int64_t threshold;
	float value;
};

/**
 * struct mltrain_tree - one tree
 * @output: action whose score it adds to
 * @nr_nodes: entries in @nodes, at least 1
 * @nodes: the root first, children behind their parents
 */
struct mltrain_tree {
	uint32_t output;
	uint32_t nr_nodes;
	struct mltrain_node *nodes;
};

/**
 * struct mltrain_model - a float model
 * @schema: what it is for
 * @name: name
 * @trained_ns: CLOCK_REALTIME
 * @nr_inputs: entries in @inputs
 * @inputs: preprocessing, in the fixed-point format's own terms: the network is
 *	trained on the very numbers that the kernel will feed it, divided by 127
 * @reward_mean: reward at score 0
 * @reward_scale: rewards of one unit of score, > 0
 * @margin: advantage over the baseline that is asked for, in score units
 * @active: bit mask of the actions that the model may propose
 * @nr_layers: entries in @layers
 * @layers: the network
 * @state: the network and its optimiser as mltorch_save() gives them, for a
 *	training that goes on; only that needs libtorch
 * @state_len: bytes
 * @imported: trained elsewhere: what it was trained on is not known, but for @seen
 * @nr_seen: entries in @seen
 * @seen: hashes of the rows that the training used, ascending
 * @kind: MLPROXY_MODEL_KIND_*; trees have no @inputs, @layers and @state
 * @nr_trees: entries in @trees
 * @trees: the trees
 */
struct mltrain_model {
	struct mlds_schema schema;
	char name[MLPROXY_NAME_LEN];
	uint64_t trained_ns;
	uint32_t nr_inputs;
	struct mlproxy_model_input inputs[MLPROXY_MODEL_MAX_INPUTS];
	double reward_mean;
	double reward_scale;
	double margin;
	uint32_t active;
	uint32_t nr_layers;
	struct mltrain_layer layers[MLTORCH_MAX_LAYERS];
	void *state;
	size_t state_len;
	uint32_t imported;
	size_t nr_seen;
	uint64_t *seen;
	uint32_t kind;
	uint32_t nr_trees;
	struct mltrain_tree *trees;
};

/**
 * struct mltrain_contest - one kind that MLTRAIN_AUTO tried
 * @kind: which
 * @error: negative errno where it could not be trained
 * @gain: over the baseline, doubly robust, on the validation part
 * @low: lower end of its 95 % interval, by which the kind is chosen
 * @macs: cost of an evaluation, by which equals are told apart
 */
struct mltrain_contest {
	enum mltrain_kind kind;
	int error;
	double gain;
	double low;
	uint32_t macs;
};

/**
 * struct mltrain_fit_report - how a training went
 * @train: rows the gradient saw
 * @valid: rows of the validation part
 * @held_out: rows for the test
 * @split: how they were split
 * @epochs: of the network that was kept
 * @restart: which one that was
 * @train_loss: its loss
 * @valid_loss: its loss
 * @macs: multiply-accumulates of an evaluation
 * @action_rows: rows of the training part by action
 * @kind: what was trained, and chosen
 * @nr_trees: trees in all
 * @depth: of the deepest
 * @nr_contest: entries in @contest, 0 but for MLTRAIN_AUTO
 * @contest: the kinds that were tried
 */
struct mltrain_fit_report {
	struct mltrain_rows train;
	struct mltrain_rows valid;
	struct mltrain_rows held_out;
	enum mltrain_split split;
	uint32_t epochs;
	uint32_t restart;
	double train_loss;
	double valid_loss;
	uint32_t macs;
	uint64_t action_rows[MLPROXY_MAX_ACTIONS];
	enum mltrain_kind kind;
	uint32_t nr_trees;
	uint32_t depth;
	uint32_t nr_contest;
	struct mltrain_contest contest[MLTRAIN_NR_KINDS];
};

/** mltrain_fit_report_free() - free the indices */
void mltrain_fit_report_free(struct mltrain_fit_report *report);

/**
 * mltrain_fit() - train a model
 * @model: out
 * @data: data set
 * @options: options
 * @report: out
 */
int mltrain_fit(struct mltrain_model **model, const struct mlds_data *data,
		const struct mltrain_options *options, struct mltrain_fit_report *report);

/**
 * mltrain_refit() - train on given rows, going on from a model or anew
 * @model: out
 * @from: model to go on from: its network, its optimiser, its preprocessing and
 *	scales; NULL for a new network
 * @data: data set
 * @train: rows for the gradient
 * @valid: rows for early stopping and the margin
 * @options: options; split, holdout and validation are not used, nor, with @from,
 *	hidden, restarts, weight_decay and huber
 * @report: out; nothing is held out
 *
 * Return: 0; -ENODATA for too few rows; -EINVAL or -EBADMSG where @from can't be
 * gone on from; -ECANCELED if the progress callback ended it.
 */
int mltrain_refit(struct mltrain_model **model, const struct mltrain_model *from,
		  const struct mlds_data *data, const struct mltrain_rows *train,
		  const struct mltrain_rows *valid, const struct mltrain_options *options,
		  struct mltrain_fit_report *report);

/** mltrain_free() - free a model, or NULL */
void mltrain_free(struct mltrain_model *model);

/** mltrain_save() - write a model to an HDF5 file */
int mltrain_save(const struct mltrain_model *model, const char *path);

/** mltrain_load() - read a model */
int mltrain_load(struct mltrain_model **model, const char *path);

/**
 * mltrain_choose_inputs() - choose the preprocessing by types and data
 * @data: data set
 * @rows: the training part
 * @inputs: out: MLPROXY_MODEL_MAX_INPUTS entries
 *
 * Return: number of inputs, or a negative errno.
 */
int mltrain_choose_inputs(const struct mlds_data *data, const struct mltrain_rows *rows,
			  struct mlproxy_model_input *inputs);

/**
 * mltrain_pick_rows() - the rows that a model was trained on, or the others
 * @model: model
 * @data: data set
 * @seen: which
 * @rows: out
 */
int mltrain_pick_rows(const struct mltrain_model *model, const struct mlds_data *data, bool seen,
		      struct mltrain_rows *rows);

/**
 * mltrain_predict() - scores of rows
 * @model: model
 * @data: data set
 * @rows: rows
 * @scores: out: [rows->n][nr_actions]
 */
int mltrain_predict(const struct mltrain_model *model, const struct mlds_data *data,
		    const struct mltrain_rows *rows, float *scores);

/** mltrain_choose() - action that the float policy takes, as model_choose() */
uint32_t mltrain_choose(const struct mltrain_model *model, const float *scores,
			double margin, uint32_t baseline, uint32_t allowed);

/* ------------------------------------------------------------------ */
/* Off-policy estimation; train_ope.c                                  */

/**
 * struct mltrain_estimate - an estimate with its 95 % interval
 * @value: estimate
 * @low: lower end
 * @high: upper end
 */
struct mltrain_estimate {
	double value;
	double low;
	double high;
};

/**
 * struct mltrain_policy - what one policy would have earned, in reward units
 * @name: name
 * @ips: inverse propensity score
 * @snips: the same, self-normalised
 * @dr: doubly robust
 * @gain: doubly robust, less the baseline's, paired; positive is better whatever
 *	the reward's direction
 * @ess: effective sample size, of the rows
 * @deviates: share of the rows where it does not take the baseline's action
 */
struct mltrain_policy {
	char name[MLPROXY_NAME_LEN + 16];
	struct mltrain_estimate ips;
	struct mltrain_estimate snips;
	struct mltrain_estimate dr;
	struct mltrain_estimate gain;
	double ess;
	double deviates;
};

#define MLTRAIN_MAX_POLICIES	(MLPROXY_MAX_ACTIONS + 4)

/**
 * struct mltrain_test - table of policies
 * @rows: rows it is from
 * @clusters: independent groups of rows, over which the intervals are taken
 * @cluster_by: what a group is, in words
 * @nr: entries in @policy
 * @policy: the model (float, then fixed point where given), the logging policy,
 *	the baseline, each constant action
 */
struct mltrain_test {
	size_t rows;
	size_t clusters;
	const char *cluster_by;
	uint32_t nr;
	struct mltrain_policy policy[MLTRAIN_MAX_POLICIES];
};

/** One policy's actions on the rows, for the table. */
struct mltrain_candidate {
	const char *name;
	const uint8_t *action;	/* [rows->n] */
};

/**
 * mltrain_evaluate() - estimate policies from logged records
 * @data: data set
 * @rows: rows, on which neither @q nor the policies were fitted
 * @q: [rows->n][nr_actions] predicted rewards, or NULL for 0 (dr is then ips)
 * @candidates: policies; the logging policy, the baseline and the constant
 *	actions are added
 * @nr_candidates: how many
 * @test: out
 */
int mltrain_evaluate(const struct mlds_data *data, const struct mltrain_rows *rows,
		     const double *q, const struct mltrain_candidate *candidates,
		     uint32_t nr_candidates, struct mltrain_test *test);

/**
 * mltrain_test_model() - the table for a float model, a fixed-point one, or both
 * @model: float model, or NULL
 * @fixed: verified fixed-point model, or NULL
 * @data: data set of the model's schema
 * @rows: rows the models were not trained on
 * @test: out
 */
int mltrain_test_model(const struct mltrain_model *model, const struct model *fixed,
		       const struct mlds_data *data, const struct mltrain_rows *rows,
		       struct mltrain_test *test);

/* ------------------------------------------------------------------ */
/* Quantisation; train_quant.c                                         */

/**
 * struct mltrain_quant_report - what quantisation cost
 * @rows: rows of the comparison
 * @rmse: root mean square difference of the scores, in standard deviations of
 *	the reward
 * @rmse_reward: the same in reward units
 * @agreement: share of the rows where both take the same action
 * @macs: multiply-accumulates of an evaluation
 * @bytes: length of the file
 * @margin: as in the file
 */
struct mltrain_quant_report {
	size_t rows;
	double rmse;
	double rmse_reward;
	double agreement;
	uint32_t macs;
	size_t bytes;
	int32_t margin;
};

/**
 * mltrain_quantise() - a fixed-point model from a float one
 * @model: float model
 * @data: data set of its schema
 * @rows: rows for calibration
 * @file: out: the model file, verified; to be given to free()
 * @len: out: its length
 * @report: out
 */
int mltrain_quantise(const struct mltrain_model *model, const struct mlds_data *data,
		     const struct mltrain_rows *rows, void **file, size_t *len,
		     struct mltrain_quant_report *report);

/**
 * mltrain_open_fixed() - read and verify a model file
 * @path: file
 * @schema: what it must be for
 * @file: out: its bytes, to be given to free() when @fixed is not used any more
 * @fixed: out
 */
int mltrain_open_fixed(const char *path, const struct mlds_schema *schema, void **file,
		       struct model *fixed);

/* ------------------------------------------------------------------ */
/* Models trained elsewhere; train_import.c                             */

/* Room for a note of an import. */
#define MLTRAIN_NOTE_LEN	400

/**
 * struct mltrain_import_options - how a foreign model is to be read
 * @name: name of the model, empty for the proxy's
 * @standardised: it takes (x - mean) / sd of each feature, by the data set; else
 *	the raw values
 * @score: its outputs are scores, of which a higher one is better; else they are
 *	rewards in the schema's unit
 * @margin: as in training; not negative
 * @trained_on: what it was trained on, as its maker says, or NULL: nobody knows
 * @note: out: what could not be checked, or empty; MLTRAIN_NOTE_LEN, or NULL
 */
struct mltrain_import_options {
	char name[MLPROXY_NAME_LEN];
	bool standardised;
	bool score;
	double margin;
	const struct mlds_data *trained_on;
	char *note;
};

/**
 * mltrain_import_torch() - a model from a TorchScript file
 * @model: out
 * @path: file: a chain of Linear and ReLU, see mltorch_import(), that takes the
 *	features in the schema's order and gives one output an action
 * @data: data set: the schema, and the ranges of the features
 * @options: options
 *
 * Needs libtorch.
 */
int mltrain_import_torch(struct mltrain_model **model, const char *path,
			 const struct mlds_data *data,
			 const struct mltrain_import_options *options);

/**
 * mltrain_import_xgboost() - a model from files of XGBoost in JSON
 * @model: out
 * @paths: one file with an output an action, or one file an action, in their order
 * @nr_paths: how many
 * @data: data set: the schema
 * @options: options; @standardised can't be had
 *
 * Where XGBoost is installed, its own predictions are compared: on rows of @data, and
 * around the thresholds. Other predictions refuse the model.
 */
int mltrain_import_xgboost(struct mltrain_model **model, char *const *paths, uint32_t nr_paths,
			   const struct mlds_data *data,
			   const struct mltrain_import_options *options);

/**
 * mltrain_provenance_known() - is it known what a model was trained on
 * @model: model
 *
 * If not, no row may be called held out.
 */
bool mltrain_provenance_known(const struct mltrain_model *model);

/** mltrain_error() - reason of this thread's last failure, in words */
const char *mltrain_error(void);

#endif /* _MLPROXY_TRAIN_H */
