/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * XGBoost's library, loaded when it is first needed: testing, quantising and importing
 * go without. Between the files that train trees and import them.
 */
#ifndef _MLPROXY_TRAIN_XGB_H
#define _MLPROXY_TRAIN_XGB_H

#include <xgboost/c_api.h>

#include "train_priv.h"

/** struct mltrain_xgb - its functions, as xgboost/c_api.h documents them */
struct mltrain_xgb {
	typeof(&XGBoostVersion) version;
	typeof(&XGBGetLastError) error;
	typeof(&XGBSetGlobalConfig) config;
	typeof(&XGDMatrixCreateFromMat) matrix;
	typeof(&XGDMatrixSetFloatInfo) set_info;
	typeof(&XGDMatrixFree) matrix_free;
	typeof(&XGBoosterCreate) create;
	typeof(&XGBoosterSetParam) set_param;
	typeof(&XGBoosterUpdateOneIter) update;
	typeof(&XGBoosterSaveModelToBuffer) save;
	typeof(&XGBoosterLoadModelFromBuffer) load;
	typeof(&XGBoosterPredictFromDMatrix) predict;
	typeof(&XGBoosterFree) free;
};

/** mltrain_xgb_get() - the library, or NULL, which mltrain_error() explains */
const struct mltrain_xgb *mltrain_xgb_get(void);

/**
 * struct mltrain_xgb_file - a model of XGBoost's
 * @text: JSON
 * @len: its length
 * @what: its name, for messages
 * @m: model that gets its trees, in XGBoost's own units
 * @first_output: action of its first output
 * @base: out: what is added to each of its outputs
 * @first_tree: out: the first of its trees in @m; the last is @m's last
 * @nr_outputs: out: how many it has
 * @version: out: of the XGBoost that wrote it, major and minor; 0 where it does not say
 */
struct mltrain_xgb_file {
	const char *text;
	size_t len;
	const char *what;
	struct mltrain_model *m;
	uint32_t first_output;
	double *base;
	uint32_t first_tree;
	uint32_t nr_outputs;
	int version[2];
};

/**
 * mltrain_xgb_read() - the trees of a file: train_xgb_json.c
 * @f: file
 * @max_outputs: room in @f->base
 *
 * Does not need XGBoost. Return: 0 or a negative errno.
 */
int mltrain_xgb_read(struct mltrain_xgb_file *f, uint32_t max_outputs);

/**
 * mltrain_xgb_check() - compare what was read with XGBoost's own prediction
 * @f: file
 * @data: rows to predict
 * @note: out: why it could not be compared, or empty; MLTRAIN_NOTE_LEN
 *
 * Return: 0, also where it could not be compared; -EBADMSG for other predictions.
 */
int mltrain_xgb_check(const struct mltrain_xgb_file *f, const struct mlds_data *data,
		      char *note);

#endif /* _MLPROXY_TRAIN_XGB_H */
