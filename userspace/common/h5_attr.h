/* SPDX-License-Identifier: GPL-2.0-only */
/* Scalar attributes of HDF5 files. */
#ifndef MLPROXY_COMMON_H5_ATTR_H
#define MLPROXY_COMMON_H5_ATTR_H

#include <hdf5.h>
#include <stddef.h>

/** h5_put_attr() - add an attribute; 0 or -EIO */
int h5_put_attr(hid_t loc, const char *name, hid_t type, const void *value);

/** h5_get_attr() - read one; 0, or -EBADMSG if there is none of that type */
int h5_get_attr(hid_t loc, const char *name, hid_t type, void *value);

/** h5_put_string() - add a text of @len bytes, its NUL among them; 0 or -EIO */
int h5_put_string(hid_t loc, const char *name, const char *value, size_t len);

/** h5_get_string() - read one into @len bytes, with a NUL at the end; 0 or -EBADMSG */
int h5_get_string(hid_t loc, const char *name, char *value, size_t len);

#endif /* MLPROXY_COMMON_H5_ATTR_H */
