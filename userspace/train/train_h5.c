// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arrays of a float model's file; see train_h5.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "train_h5.h"

int mltrain_h5_put(hid_t loc, const char *name, hid_t type, int rank, const hsize_t *dims,
		   const void *data)
{
	hid_t space = H5Screate_simple(rank, dims, NULL);
	hid_t dset = H5Dcreate2(loc, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	herr_t err = -1;

	if (dset >= 0) {
		err = H5Dwrite(dset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
		H5Dclose(dset);
	}
	H5Sclose(space);
	return err < 0 ? -EIO : 0;
}

/* Read a one-dimensional data set into new memory. */
int mltrain_h5_get(hid_t file, const char *name, hid_t type, size_t bytes, size_t max,
		   void **data, size_t *nr)
{
	hid_t dset = H5Dopen2(file, name, H5P_DEFAULT), space;
	hssize_t n;
	int err = -EBADMSG;

	*data = NULL;
	if (dset < 0)
		return err;
	space = H5Dget_space(dset);
	n = H5Sget_simple_extent_npoints(space);
	H5Sclose(space);
	if (n >= 0 && (size_t)n <= max) {
		*data = calloc(n + 1, bytes);
		if (*data && H5Dread(dset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *data) >= 0)
			err = 0;
		*nr = n;
	}
	H5Dclose(dset);
	return err;
}
