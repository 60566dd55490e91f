/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows as a network takes them, and the fitting of networks to them.
 */
#ifndef _MLPROXY_TRAIN_NETWORK_H
#define _MLPROXY_TRAIN_NETWORK_H

#include "train_priv.h"

/**
 * struct mltrain_part - a part of the data as a network takes it
 * @rows: the others, for libtorch
 * @x: [n][inputs]
 * @action: [n]
 * @target: [n]
 * @weight: [n], 1 on average
 */
struct mltrain_part {
	struct mltorch_rows rows;
	float *x;
	int32_t *action;
	float *target;
	float *weight;
};

/* Each row's outcome, of the action that was taken. */
int mltrain_part_make(struct mltrain_part *p, const struct mltrain_model *m,
		      const struct mlds_data *data, const struct mltrain_rows *rows,
		      const struct mltrain_options *o);
/* Brings the @n weights to a mean of 1; after they were changed, and before any use. */
void mltrain_part_finish(struct mltrain_part *p, size_t n);
void mltrain_part_free(struct mltrain_part *p);

/* The best of several networks, by its loss on @valid, becomes the model's. */
int mltrain_network_restarts(struct mltrain_model *m, const struct mltrain_part *train,
			     const struct mltrain_part *valid, const struct mltrain_options *o,
			     struct mltrain_fit_report *report);

#endif /* _MLPROXY_TRAIN_NETWORK_H */
