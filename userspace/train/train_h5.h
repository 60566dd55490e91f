/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whole arrays into HDF5 files and out of them.
 */
#ifndef _MLPROXY_TRAIN_H5_H
#define _MLPROXY_TRAIN_H5_H

#include <hdf5.h>
#include <stddef.h>

/** mltrain_h5_put() - write a whole array; 0 or -EIO */
int mltrain_h5_put(hid_t loc, const char *name, hid_t type, int rank, const hsize_t *dims,
		   const void *data);

/** mltrain_h5_get() - read a one-dimensional array of at most @max into new memory */
int mltrain_h5_get(hid_t file, const char *name, hid_t type, size_t bytes, size_t max,
		   void **data, size_t *nr);

#endif /* _MLPROXY_TRAIN_H5_H */
