/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files that put the parts of a float model into HDF5.
 */
#ifndef _MLPROXY_TRAIN_FILE_H
#define _MLPROXY_TRAIN_FILE_H

#include <hdf5.h>

#include "train_priv.h"

/* Write a whole array. Return: 0 or -EIO. */
int mltrain_h5_put(hid_t loc, const char *name, hid_t type, int rank, const hsize_t *dims,
		   const void *data);
/* Read a one-dimensional array of at most @max into new memory. */
int mltrain_h5_get(hid_t file, const char *name, hid_t type, size_t bytes, size_t max,
		   void **data, size_t *nr);

/* train_file_trees.c */
int mltrain_put_trees(hid_t file, const struct mltrain_model *m);
int mltrain_get_trees(hid_t file, struct mltrain_model *m);

#endif /* _MLPROXY_TRAIN_FILE_H */
