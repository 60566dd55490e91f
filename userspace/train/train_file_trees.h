/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The trees of a float model in its file.
 */
#ifndef _MLPROXY_TRAIN_FILE_TREES_H
#define _MLPROXY_TRAIN_FILE_TREES_H

#include <hdf5.h>

#include "train_priv.h"

/** mltrain_put_trees() - write them; 0 or a negative errno */
int mltrain_put_trees(hid_t file, const struct mltrain_model *m);

/** mltrain_get_trees() - read them; 0 or a negative errno */
int mltrain_get_trees(hid_t file, struct mltrain_model *m);

#endif /* _MLPROXY_TRAIN_FILE_TREES_H */
