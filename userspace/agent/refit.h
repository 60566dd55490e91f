/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A refit: from the rows of the replay buffer and the model in use to a new model,
 * and to the word whether it is to be used. Runs in the worker thread, on a copy of
 * the rows; touches neither the device nor the disk.
 */
#ifndef MLPROXYD_REFIT_H
#define MLPROXYD_REFIT_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "mlproxy_train.h"

/**
 * struct refit_job - what to refit
 * @config: of the proxy
 * @data: all rows, ordered by number; see replay_snapshot()
 * @present: first row of the present regime that is in the queue
 * @alarm: the world changed and the model in use does not fit it any more
 * @current: model in use, or NULL; not changed
 * @current_mlp: its fixed-point form, or NULL
 * @current_len: bytes of that
 * @serial: number of the new model
 * @cancel: set by another thread to end it
 */
struct refit_job {
	struct proxy_config config;
	struct mlds_data data;
	size_t present;
	bool alarm;
	const struct mltrain_model *current;
	const void *current_mlp;
	size_t current_len;
	uint32_t serial;
	volatile bool *cancel;
};

/**
 * struct refit_verdict - what the off-policy test says
 * @rows: held-out rows of the present regime
 * @gain: of the new model over the baseline, in reward units
 * @over_current: of the new model over the one in use; all 0 without one
 * @current_gain: of the model in use over the baseline
 * @support: mean importance weight; about 1 where the log has tried what the new
 *	model would do
 * @ess: effective sample size
 * @sd: standard deviation of the reward
 * @swap: use the new model
 * @why: the reason, in words
 */
struct refit_verdict {
	size_t rows;
	struct mltrain_estimate gain;
	struct mltrain_estimate over_current;
	struct mltrain_estimate current_gain;
	double support;
	double ess;
	double sd;
	bool swap;
	char why[200];
};

/**
 * struct refit_result - a new model
 * @err: 0, or why there is none
 * @error: the same in words
 * @model: float model
 * @mlp: its fixed-point form, verified
 * @mlp_len: bytes
 * @warm: it goes on from the model that was in use
 * @train_rows: rows it was trained on
 * @replayed: of these, from before the present regime or the queue
 * @abs_error: mean absolute error of its predictions on the held-out rows, in
 *	reward units; negative if there were none
 * @verdict: whether to use it
 */
struct refit_result {
	int err;
	char error[300];
	struct mltrain_model *model;
	void *mlp;
	size_t mlp_len;
	bool warm;
	size_t train_rows;
	size_t replayed;
	double abs_error;
	struct refit_verdict verdict;
};

/**
 * refit_run() - train, test, decide
 * @job: what
 * @result: out; refit_result_free() it
 */
void refit_run(const struct refit_job *job, struct refit_result *result);

/** refit_result_free() - free what was not taken out of a result */
void refit_result_free(struct refit_result *result);

/**
 * refit_judge() - whether a new model is to be used
 * @v: estimates; swap and why are filled in
 * @has_current: there is a model in use
 * @alarm: it does not fit any more
 * @tolerance: loss against the baseline that counts as none, in standard deviations
 * @min_gain: gain over the model in use that is worth a swap, in the same units
 *
 * The log must have tried what the new model would do; against the baseline it must
 * not be worse, and, without a model in use, better; and it must be better than the
 * model in use, unless that one does not fit any more or is worse than the baseline.
 */
void refit_judge(struct refit_verdict *v, bool has_current, bool alarm, double tolerance,
		 double min_gain);

#endif /* MLPROXYD_REFIT_H */
