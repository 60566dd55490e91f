// SPDX-License-Identifier: GPL-2.0-only
/* Scalar attributes of HDF5 files; see h5_attr.h. */
#include <errno.h>

#include "common/h5_attr.h"

static hid_t string_type(size_t len)
{
	hid_t type = H5Tcopy(H5T_C_S1);

	H5Tset_size(type, len);
	return type;
}

int h5_put_attr(hid_t loc, const char *name, hid_t type, const void *value)
{
	hid_t space = H5Screate(H5S_SCALAR);
	hid_t attr = H5Acreate2(loc, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
	herr_t err = -1;

	if (attr >= 0) {
		err = H5Awrite(attr, type, value);
		H5Aclose(attr);
	}
	H5Sclose(space);
	return err < 0 ? -EIO : 0;
}

int h5_get_attr(hid_t loc, const char *name, hid_t type, void *value)
{
	hid_t attr = H5Aopen(loc, name, H5P_DEFAULT);
	herr_t err = -1;

	if (attr >= 0) {
		err = H5Aread(attr, type, value);
		H5Aclose(attr);
	}
	return err < 0 ? -EBADMSG : 0;
}

int h5_put_string(hid_t loc, const char *name, const char *value, size_t len)
{
	hid_t type = string_type(len);
	int err = h5_put_attr(loc, name, type, value);

	H5Tclose(type);
	return err;
}

int h5_get_string(hid_t loc, const char *name, char *value, size_t len)
{
	hid_t type = string_type(len);
	int err = h5_get_attr(loc, name, type, value);

	H5Tclose(type);
	value[len - 1] = '\0';
	return err;
}
