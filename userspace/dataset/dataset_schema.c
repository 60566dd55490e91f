// SPDX-License-Identifier: GPL-2.0-only
/*
 * The schema in a file: attributes of the root group and the tables
 * /schema/features, actions, states, events and strata.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/h5_attr.h"
#include "dataset_priv.h"

static int put_attr(hid_t file, const char *name, hid_t type, const void *value)
{
	int err = h5_put_attr(file, name, type, value);

	return err ? mlds_fail_h5(err, "can't write attribute %s", name) : 0;
}

static int put_string(hid_t file, const char *name, const char *value, size_t len)
{
	int err = h5_put_string(file, name, value, len);

	return err ? mlds_fail_h5(err, "can't write attribute %s", name) : 0;
}

/* A small table that does not grow. */
static int put_rows(hid_t group, const char *name, const struct mlds_field *fields,
		    const void *rows, uint32_t nr)
{
	hsize_t dim = nr;
	hid_t type = mlds_row_type(fields, NULL, MLDS_FORMAT);
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
static int get_rows(hid_t file, const char *name, const struct mlds_field *fields,
		    uint32_t format, void *rows, uint32_t max)
{
	hid_t dset = H5Dopen2(file, name, H5P_DEFAULT), type, space;
	hssize_t nr;
	herr_t err = -1;

	if (dset < 0)
		return -EBADMSG;
	type = mlds_row_type(fields, NULL, format);
	space = H5Dget_space(dset);
	nr = H5Sget_simple_extent_npoints(space);
	if (nr >= 0 && nr <= max)
		err = H5Dread(dset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows);
	H5Sclose(space);
	H5Tclose(type);
	H5Dclose(dset);
	return err < 0 ? -EBADMSG : (int)nr;
}

static int put_states(hid_t group, const struct mlds_schema *schema)
{
	struct mlds_state_row states[MLPROXY_MAX_STATES] = { 0 };
	uint32_t i;

	for (i = 0; i < schema->schema.nr_states; i++) {
		const struct mlproxy_feature *f = &schema->states[i];

		memcpy(states[i].name, f->name, sizeof(f->name));
		memcpy(states[i].unit, f->unit, sizeof(f->unit));
		states[i].type = f->type;
		states[i].preprocess = f->preprocess;
		states[i].min = f->min;
		states[i].max = f->max;
	}
	return put_rows(group, "states", mlds_state_fields, states, schema->schema.nr_states);
}

static int put_events(hid_t group, const struct mlds_schema *schema)
{
	struct mlds_eventdesc_row events[MLPROXY_MAX_EVENTS] = { 0 };
	uint32_t i;

	for (i = 0; i < schema->schema.nr_events; i++) {
		memcpy(events[i].name, schema->events[i].name, sizeof(events[i].name));
		events[i].nr_values = schema->events[i].nr_values;
		events[i].period_ms = schema->events[i].period_ms;
	}
	return put_rows(group, "events", mlds_eventdesc_fields, events, schema->schema.nr_events);
}

static int put_strata(hid_t group, const struct mlds_schema *schema)
{
	struct mlds_stratum_row strata[MLPROXY_MAX_STRATA] = { 0 };
	uint32_t i;

	for (i = 0; i < schema->schema.nr_strata; i++)
		memcpy(strata[i].name, schema->strata[i].name, sizeof(strata[i].name));
	return put_rows(group, "strata", mlds_stratum_fields, strata, schema->schema.nr_strata);
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
		features[i].preprocess = f->preprocess;
		mlds_field_name(f, MLDS_FORMAT, features[i].field);
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
	err = err ?: put_states(group, schema);
	err = err ?: put_events(group, schema);
	err = err ?: put_strata(group, schema);
	H5Gclose(group);
	return err;
}

/* A name and a unit of the schema; how its attributes are called. */
struct quantity {
	const char *name_attr;
	const char *unit_attr;
	size_t name;
	size_t unit;
};

#define QUANTITY(what)								\
	{ #what "_name", #what "_unit", offsetof(struct mlproxy_schema, what##_name),	\
	  offsetof(struct mlproxy_schema, what##_unit) }

/* What a file of format 2 does not have. */
static const struct quantity quantities[] = {
	QUANTITY(ledger), QUANTITY(cost), QUANTITY(work),
};

#define NR_QUANTITIES	(sizeof(quantities) / sizeof(quantities[0]))

static int put_quantities(hid_t file, const struct mlproxy_schema *s)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < NR_QUANTITIES && !err; i++) {
		const struct quantity *q = &quantities[i];

		err = put_string(file, q->name_attr, (const char *)s + q->name,
				 MLPROXY_NAME_LEN);
		err = err ?: put_string(file, q->unit_attr, (const char *)s + q->unit,
					MLPROXY_UNIT_LEN);
	}
	err = err ?: put_attr(file, "ledger_lower_is_better", H5T_NATIVE_UINT32,
			      &s->ledger_direction);
	return err ?: put_attr(file, "outer_unit", H5T_NATIVE_UINT32, &s->outer_unit);
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
	    s->nr_actions > MLPROXY_MAX_ACTIONS || s->nr_states > MLPROXY_MAX_STATES ||
	    s->nr_events > MLPROXY_MAX_EVENTS || s->nr_strata > MLPROXY_MAX_STRATA)
		return mlds_fail(-EINVAL,
				 "a schema of %u features, %u actions, %u states, %u events and %u strata is not possible",
				 s->nr_features, s->nr_actions, s->nr_states, s->nr_events,
				 s->nr_strata);
	err = put_string(file, "mlproxy", kind, strlen(kind) + 1);
	err = err ?: put_attr(file, "format", H5T_NATIVE_UINT32, &format);
	err = err ?: put_string(file, "proxy", schema->proxy, sizeof(schema->proxy));
	err = err ?: put_attr(file, "schema_hash", H5T_NATIVE_UINT64, &s->schema_hash);
	err = err ?: put_attr(file, "schema_version", H5T_NATIVE_UINT32, &s->schema_version);
	err = err ?: put_string(file, "reward_name", s->reward_name, sizeof(s->reward_name));
	err = err ?: put_string(file, "reward_unit", s->reward_unit, sizeof(s->reward_unit));
	err = err ?: put_attr(file, "reward_type", H5T_NATIVE_UINT32, &s->reward_type);
	err = err ?: put_attr(file, "reward_lower_is_better", H5T_NATIVE_UINT32,
			      &s->reward_direction);
	err = err ?: put_attr(file, "reward_min", H5T_NATIVE_INT64, &s->reward_min);
	err = err ?: put_attr(file, "reward_max", H5T_NATIVE_INT64, &s->reward_max);
	err = err ?: put_attr(file, "randomisation_unit", H5T_NATIVE_UINT32, &s->unit);
	err = err ?: put_attr(file, "max_macs", H5T_NATIVE_UINT32, &s->max_macs);
	err = err ?: put_quantities(file, s);
	return err ?: put_tables(file, schema);
}

/* Files from before rewards had a type have whole numbers. */
static int get_reward_type(hid_t file, struct mlproxy_schema *s)
{
	s->reward_type = MLPROXY_TYPE_INT;
	if (H5Aexists(file, "reward_type") <= 0)
		return 0;
	return h5_get_attr(file, "reward_type", H5T_NATIVE_UINT32, &s->reward_type);
}

static int get_attrs(hid_t file, struct mlds_schema *schema)
{
	struct mlproxy_schema *s = &schema->schema;
	int err;

	err = h5_get_string(file, "proxy", schema->proxy, sizeof(schema->proxy));
	err = err ?: h5_get_attr(file, "schema_hash", H5T_NATIVE_UINT64, &s->schema_hash);
	err = err ?: h5_get_attr(file, "schema_version", H5T_NATIVE_UINT32, &s->schema_version);
	err = err ?: h5_get_string(file, "reward_name", s->reward_name, sizeof(s->reward_name));
	err = err ?: h5_get_string(file, "reward_unit", s->reward_unit, sizeof(s->reward_unit));
	err = err ?: get_reward_type(file, s);
	err = err ?: h5_get_attr(file, "reward_lower_is_better", H5T_NATIVE_UINT32,
			      &s->reward_direction);
	err = err ?: h5_get_attr(file, "reward_min", H5T_NATIVE_INT64, &s->reward_min);
	err = err ?: h5_get_attr(file, "reward_max", H5T_NATIVE_INT64, &s->reward_max);
	err = err ?: h5_get_attr(file, "randomisation_unit", H5T_NATIVE_UINT32, &s->unit);
	return err ?: h5_get_attr(file, "max_macs", H5T_NATIVE_UINT32, &s->max_macs);
}

static void take_states(struct mlds_schema *schema, const struct mlds_state_row *rows, int nr)
{
	int i;

	schema->schema.nr_states = nr;
	for (i = 0; i < nr; i++) {
		struct mlproxy_feature *f = &schema->states[i];

		memcpy(f->name, rows[i].name, sizeof(f->name) - 1);
		memcpy(f->unit, rows[i].unit, sizeof(f->unit) - 1);
		f->type = rows[i].type;
		f->preprocess = rows[i].preprocess;
		f->min = rows[i].min;
		f->max = rows[i].max;
	}
}

static void take_events(struct mlds_schema *schema, const struct mlds_eventdesc_row *rows,
			int nr)
{
	int i;

	schema->schema.nr_events = nr;
	for (i = 0; i < nr; i++) {
		memcpy(schema->events[i].name, rows[i].name, sizeof(rows[i].name) - 1);
		schema->events[i].nr_values = rows[i].nr_values;
		schema->events[i].period_ms = rows[i].period_ms;
	}
}

/* What a file of format 1 does not have. */
static int get_format2(hid_t file, struct mlds_schema *schema)
{
	struct mlds_state_row states[MLPROXY_MAX_STATES];
	struct mlds_eventdesc_row events[MLPROXY_MAX_EVENTS];
	int nr_states, nr_events;

	nr_states = get_rows(file, "/schema/states", mlds_state_fields, MLDS_FORMAT, states,
			     MLPROXY_MAX_STATES);
	nr_events = get_rows(file, "/schema/events", mlds_eventdesc_fields, MLDS_FORMAT, events,
			     MLPROXY_MAX_EVENTS);
	if (nr_states < 0 || nr_events < 0)
		return -EBADMSG;
	take_states(schema, states, nr_states);
	take_events(schema, events, nr_events);
	return 0;
}

static int get_quantities(hid_t file, struct mlproxy_schema *s)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < NR_QUANTITIES && !err; i++) {
		const struct quantity *q = &quantities[i];

		err = h5_get_string(file, q->name_attr, (char *)s + q->name, MLPROXY_NAME_LEN);
		err = err ?: h5_get_string(file, q->unit_attr, (char *)s + q->unit,
					   MLPROXY_UNIT_LEN);
	}
	err = err ?: h5_get_attr(file, "ledger_lower_is_better", H5T_NATIVE_UINT32,
				 &s->ledger_direction);
	return err ?: h5_get_attr(file, "outer_unit", H5T_NATIVE_UINT32, &s->outer_unit);
}

/* What a file of format 2 does not have. */
static int get_format3(hid_t file, struct mlds_schema *schema)
{
	struct mlds_stratum_row strata[MLPROXY_MAX_STRATA];
	int nr = get_rows(file, "/schema/strata", mlds_stratum_fields, MLDS_FORMAT, strata,
			  MLPROXY_MAX_STRATA), i;

	if (nr < 0 || get_quantities(file, &schema->schema))
		return -EBADMSG;
	schema->schema.nr_strata = nr;
	for (i = 0; i < nr; i++)
		memcpy(schema->strata[i].name, strata[i].name, sizeof(strata[i].name) - 1);
	return 0;
}

static int get_tables(hid_t file, struct mlds_schema *schema, uint32_t format)
{
	struct mlds_feature_row features[MLPROXY_MAX_FEATURES];
	struct mlds_action_row actions[MLPROXY_MAX_ACTIONS];
	int nr_features, nr_actions, i;

	nr_features = get_rows(file, "/schema/features", mlds_feature_fields, format, features,
			       MLPROXY_MAX_FEATURES);
	nr_actions = get_rows(file, "/schema/actions", mlds_action_fields, format, actions,
			      MLPROXY_MAX_ACTIONS);
	if (nr_features < 1 || nr_actions < 1)
		return -EBADMSG;
	schema->schema.nr_features = nr_features;
	schema->schema.nr_actions = nr_actions;
	for (i = 0; i < nr_features; i++) {
		struct mlproxy_feature *f = &schema->features[i];

		memcpy(f->name, features[i].name, sizeof(f->name) - 1);
		memcpy(f->unit, features[i].unit, sizeof(f->unit) - 1);
		f->type = features[i].type;
		f->preprocess = format < 2 ? MLPROXY_PRE_NONE : features[i].preprocess;
		f->min = features[i].min;
		f->max = features[i].max;
	}
	for (i = 0; i < nr_actions; i++) {
		memcpy(schema->actions[i].name, actions[i].name, sizeof(actions[i].name) - 1);
		schema->actions[i].value = actions[i].value;
	}
	if (format >= 2 && get_format2(file, schema))
		return -EBADMSG;
	return format < 3 ? 0 : get_format3(file, schema);
}

/**
 * mlds_schema_read_format() - read the schema of a file, and its format
 * @file: file
 * @path: its path, for messages
 * @kind: what the file must be, MLDS_KIND_*
 * @schema: out
 * @format: out: format of the file, 1 to MLDS_FORMAT
 */
int mlds_schema_read_format(hid_t file, const char *path, const char *kind,
			    struct mlds_schema *schema, uint32_t *format)
{
	char is_kind[32] = "";
	uint32_t version = 0;

	memset(schema, 0, sizeof(*schema));
	if (h5_get_attr(file, "format", H5T_NATIVE_UINT32, &version) ||
	    h5_get_string(file, "mlproxy", is_kind, sizeof(is_kind)))
		return mlds_fail(-EBADMSG, "%s: an HDF5 file, but no mlproxy %s", path, kind);
	if (strcmp(is_kind, kind))
		return mlds_fail(-EBADMSG, "%s: a mlproxy %s, not a %s", path, is_kind, kind);
	if (!version || version > MLDS_FORMAT)
		return mlds_fail(-EBADMSG, "%s: format %u; this program reads up to %u", path,
				 version, MLDS_FORMAT);
	if (get_attrs(file, schema) || get_tables(file, schema, version))
		return mlds_fail_h5(-EBADMSG, "%s: its schema can't be read: the file is damaged",
				    path);
	schema->schema.size = sizeof(schema->schema);
	*format = version;
	return 0;
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
	uint32_t format;

	return mlds_schema_read_format(file, path, kind, schema, &format);
}
