// SPDX-License-Identifier: GPL-2.0-only
/*
 * The schema in a file: attributes of the root group and the tables
 * /schema/features and /schema/actions.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataset_priv.h"

static int put_attr(hid_t file, const char *name, hid_t type, const void *value)
{
	hid_t space = H5Screate(H5S_SCALAR), attr;
	herr_t err = -1;

	attr = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
	if (attr >= 0) {
		err = H5Awrite(attr, type, value);
		H5Aclose(attr);
	}
	H5Sclose(space);
	return err < 0 ? mlds_fail_h5(-EIO, "can't write attribute %s", name) : 0;
}

static int put_string(hid_t file, const char *name, const char *value, size_t len)
{
	hid_t type = H5Tcopy(H5T_C_S1);
	int err;

	H5Tset_size(type, len);
	err = put_attr(file, name, type, value);
	H5Tclose(type);
	return err;
}

static int get_attr(hid_t file, const char *name, hid_t type, void *value)
{
	hid_t attr = H5Aopen(file, name, H5P_DEFAULT);
	herr_t err = -1;

	if (attr >= 0) {
		err = H5Aread(attr, type, value);
		H5Aclose(attr);
	}
	return err < 0 ? -EBADMSG : 0;
}

static int get_string(hid_t file, const char *name, char *value, size_t len)
{
	hid_t type = H5Tcopy(H5T_C_S1);
	int err;

	H5Tset_size(type, len);
	err = get_attr(file, name, type, value);
	H5Tclose(type);
	value[len - 1] = 0;
	return err;
}

/* A small table that does not grow. */
static int put_rows(hid_t group, const char *name, const struct mlds_field *fields,
		    const void *rows, uint32_t nr)
{
	hsize_t dim = nr;
	hid_t type = mlds_row_type(fields, NULL);
	hid_t space = H5Screate_simple(1, &dim, NULL);
	hid_t dset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, H5P_DEFAULT,
				H5P_DEFAULT);
	herr_t err = -1;

	if (dset >= 0) {
		err = H5Dwrite(dset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows);
		H5Dclose(dset);
	}
	H5Sclose(space);
	H5Tclose(type);
	return err < 0 ? mlds_fail_h5(-EIO, "can't write /schema/%s", name) : 0;
}

/* Return: rows read, or a negative errno. */
static int get_rows(hid_t file, const char *name, const struct mlds_field *fields, void *rows,
		    uint32_t max)
{
	hid_t dset = H5Dopen2(file, name, H5P_DEFAULT), type, space;
	hssize_t nr;
	herr_t err = -1;

	if (dset < 0)
		return -EBADMSG;
	type = mlds_row_type(fields, NULL);
	space = H5Dget_space(dset);
	nr = H5Sget_simple_extent_npoints(space);
	if (nr >= 0 && nr <= max)
		err = H5Dread(dset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows);
	H5Sclose(space);
	H5Tclose(type);
	H5Dclose(dset);
	return err < 0 ? -EBADMSG : (int)nr;
}

static int put_tables(hid_t file, const struct mlds_schema *schema)
{
	struct mlds_feature_row features[MLPROXY_MAX_FEATURES] = { 0 };
	struct mlds_action_row actions[MLPROXY_MAX_ACTIONS] = { 0 };
	uint32_t i;
	hid_t group;
	int err;

	for (i = 0; i < schema->schema.nr_features; i++) {
		const struct mlproxy_feature *f = &schema->features[i];

		memcpy(features[i].name, f->name, sizeof(f->name));
		memcpy(features[i].unit, f->unit, sizeof(f->unit));
		features[i].type = f->type;
		features[i].min = f->min;
		features[i].max = f->max;
		mlds_field_name(f, features[i].field);
	}
	for (i = 0; i < schema->schema.nr_actions; i++) {
		memcpy(actions[i].name, schema->actions[i].name, sizeof(actions[i].name));
		actions[i].value = schema->actions[i].value;
	}
	group = H5Gcreate2(file, "schema", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	if (group < 0)
		return mlds_fail_h5(-EIO, "can't create /schema");
	err = put_rows(group, "features", mlds_feature_fields, features,
		       schema->schema.nr_features);
	if (!err)
		err = put_rows(group, "actions", mlds_action_fields, actions,
			       schema->schema.nr_actions);
	H5Gclose(group);
	return err;
}

/**
 * mlds_schema_write() - put the schema into a new file
 * @file: file
 * @kind: what the file is, MLDS_KIND_*
 * @schema: schema
 */
int mlds_schema_write(hid_t file, const char *kind, const struct mlds_schema *schema)
{
	const struct mlproxy_schema *s = &schema->schema;
	uint32_t format = MLDS_FORMAT;
	int err;

	if (!s->nr_features || s->nr_features > MLPROXY_MAX_FEATURES || !s->nr_actions ||
	    s->nr_actions > MLPROXY_MAX_ACTIONS)
		return mlds_fail(-EINVAL, "a schema of %u features and %u actions is not possible",
				 s->nr_features, s->nr_actions);
	err = put_string(file, "mlproxy", kind, strlen(kind) + 1);
	err = err ?: put_attr(file, "format", H5T_NATIVE_UINT32, &format);
	err = err ?: put_string(file, "proxy", schema->proxy, sizeof(schema->proxy));
	err = err ?: put_attr(file, "schema_hash", H5T_NATIVE_UINT64, &s->schema_hash);
	err = err ?: put_attr(file, "schema_version", H5T_NATIVE_UINT32, &s->schema_version);
	err = err ?: put_string(file, "reward_name", s->reward_name, sizeof(s->reward_name));
	err = err ?: put_string(file, "reward_unit", s->reward_unit, sizeof(s->reward_unit));
	err = err ?: put_attr(file, "reward_lower_is_better", H5T_NATIVE_UINT32,
			      &s->reward_direction);
	err = err ?: put_attr(file, "reward_min", H5T_NATIVE_INT64, &s->reward_min);
	err = err ?: put_attr(file, "reward_max", H5T_NATIVE_INT64, &s->reward_max);
	err = err ?: put_attr(file, "randomisation_unit", H5T_NATIVE_UINT32, &s->unit);
	err = err ?: put_attr(file, "max_macs", H5T_NATIVE_UINT32, &s->max_macs);
	return err ?: put_tables(file, schema);
}

static int get_attrs(hid_t file, struct mlds_schema *schema)
{
	struct mlproxy_schema *s = &schema->schema;
	int err;

	err = get_string(file, "proxy", schema->proxy, sizeof(schema->proxy));
	err = err ?: get_attr(file, "schema_hash", H5T_NATIVE_UINT64, &s->schema_hash);
	err = err ?: get_attr(file, "schema_version", H5T_NATIVE_UINT32, &s->schema_version);
	err = err ?: get_string(file, "reward_name", s->reward_name, sizeof(s->reward_name));
	err = err ?: get_string(file, "reward_unit", s->reward_unit, sizeof(s->reward_unit));
	err = err ?: get_attr(file, "reward_lower_is_better", H5T_NATIVE_UINT32,
			      &s->reward_direction);
	err = err ?: get_attr(file, "reward_min", H5T_NATIVE_INT64, &s->reward_min);
	err = err ?: get_attr(file, "reward_max", H5T_NATIVE_INT64, &s->reward_max);
	err = err ?: get_attr(file, "randomisation_unit", H5T_NATIVE_UINT32, &s->unit);
	return err ?: get_attr(file, "max_macs", H5T_NATIVE_UINT32, &s->max_macs);
}

/**
 * mlds_schema_read() - read the schema of a file
 * @file: file
 * @path: its path, for messages
 * @kind: what the file must be, MLDS_KIND_*
 * @schema: out
 */
int mlds_schema_read(hid_t file, const char *path, const char *kind,
		     struct mlds_schema *schema)
{
	char is_kind[32] = "";
	struct mlds_feature_row features[MLPROXY_MAX_FEATURES];
	struct mlds_action_row actions[MLPROXY_MAX_ACTIONS];
	uint32_t format = 0;
	int nr_features, nr_actions, i;

	memset(schema, 0, sizeof(*schema));
	if (get_attr(file, "format", H5T_NATIVE_UINT32, &format) ||
	    get_string(file, "mlproxy", is_kind, sizeof(is_kind)))
		return mlds_fail(-EBADMSG, "%s: an HDF5 file, but no mlproxy %s", path, kind);
	if (strcmp(is_kind, kind))
		return mlds_fail(-EBADMSG, "%s: a mlproxy %s, not a %s", path, is_kind, kind);
	if (format != MLDS_FORMAT)
		return mlds_fail(-EBADMSG, "%s: format %u; this program reads %u", path,
				 format, MLDS_FORMAT);
	nr_features = get_rows(file, "/schema/features", mlds_feature_fields, features,
			       MLPROXY_MAX_FEATURES);
	nr_actions = get_rows(file, "/schema/actions", mlds_action_fields, actions,
			      MLPROXY_MAX_ACTIONS);
	if (get_attrs(file, schema) || nr_features < 1 || nr_actions < 1)
		return mlds_fail_h5(-EBADMSG, "%s: its schema can't be read: the file is damaged",
				    path);
	schema->schema.size = sizeof(schema->schema);
	schema->schema.nr_features = nr_features;
	schema->schema.nr_actions = nr_actions;
	for (i = 0; i < nr_features; i++) {
		struct mlproxy_feature *f = &schema->features[i];

		memcpy(f->name, features[i].name, sizeof(f->name));
		memcpy(f->unit, features[i].unit, sizeof(f->unit));
		f->name[sizeof(f->name) - 1] = 0;
		f->unit[sizeof(f->unit) - 1] = 0;
		f->type = features[i].type;
		f->min = features[i].min;
		f->max = features[i].max;
	}
	for (i = 0; i < nr_actions; i++) {
		memcpy(schema->actions[i].name, actions[i].name, sizeof(actions[i].name));
		schema->actions[i].name[MLPROXY_NAME_LEN - 1] = 0;
		schema->actions[i].value = actions[i].value;
	}
	return 0;
}
