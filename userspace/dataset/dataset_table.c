// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables: extendible, chunked, compressed compound data sets, with a buffer of
 * one chunk of rows in front. The type in memory is the type in the file, so
 * that HDF5 converts nothing, but for files of an older format.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataset_priv.h"

const struct mlds_field mlds_decision_fields[] = {
	{ "run", MLDS_U32, NULL, 0 },
	{ "id", MLDS_U64, NULL, 0 },
	{ "key", MLDS_U64, NULL, 0 },
	{ "time_ns", MLDS_U64, "ns", 0 },
	{ "cpu", MLDS_U32, NULL, 0 },
	{ "prob", MLDS_F64, NULL, 0 },
	{ "prob_q31", MLDS_U32, "1/2^31", 0 },
	{ "model_version", MLDS_U32, NULL, 0 },
	{ "allowed", MLDS_U32, NULL, 0 },
	{ "baseline", MLDS_U8, NULL, 0 },
	{ "action", MLDS_U8, NULL, 0 },
	{ "source", MLDS_SOURCE, NULL, 0 },
	{ "mode", MLDS_MODE, NULL, 0 },
	{ "candidate", MLDS_U8, NULL, 0 },
	{ "candidate_source", MLDS_SOURCE, NULL, 0 },
	{ "predicted", MLDS_S64, NULL, 0 },
	{ "arm", MLDS_U8, NULL, 2 },
	{ "stratum", MLDS_U8, NULL, 3 },
	{ "outer_arm", MLDS_U8, NULL, 3 },
	{ "instance", MLDS_U32, NULL, 3 },
	{ NULL, 0, NULL, 0 }
};

const struct mlds_field mlds_feedback_fields[] = {
	{ "run", MLDS_U32, NULL, 0 },
	{ "id", MLDS_U64, NULL, 0 },
	{ "time_ns", MLDS_U64, "ns", 0 },
	{ "cpu", MLDS_U32, NULL, 0 },
	{ "reward", MLDS_S64, NULL, 0 },
	{ "action", MLDS_U8, NULL, 0 },
	{ "source", MLDS_SOURCE, NULL, 0 },
	{ "model_version", MLDS_U32, NULL, 0 },
	{ "predicted", MLDS_S64, NULL, 2 },
	{ "error", MLDS_S64, NULL, 2 },
	{ "flags", MLDS_U16, NULL, 2 },
	{ "arm", MLDS_U8, NULL, 2 },
	{ "ledger", MLDS_S64, NULL, 3 },
	{ "instance", MLDS_U32, NULL, 3 },
	{ NULL, 0, NULL, 0 }
};

const struct mlds_field mlds_event_fields[] = {
	{ "run", MLDS_U32, NULL, 0 },
	{ "time_ns", MLDS_U64, "ns", 0 },
	{ "cpu", MLDS_U32, NULL, 0 },
	{ "event", MLDS_U16, NULL, 0 },
	{ "key", MLDS_U64, NULL, 0 },
	{ "nr", MLDS_U16, NULL, 0 },
	{ "values", MLDS_VALUES, NULL, 0 },
	{ "instance", MLDS_U32, NULL, 3 },
	{ NULL, 0, NULL, 0 }
};

const struct mlds_field mlds_change_fields[] = {
	{ "run", MLDS_U32, NULL, 0 },
	{ "time_ns", MLDS_U64, "ns", 0 },
	{ "cpu", MLDS_U32, NULL, 0 },
	{ "type", MLDS_RECTYPE, NULL, 0 },
	{ "from", MLDS_U32, NULL, 0 },
	{ "to", MLDS_U32, NULL, 0 },
	{ "reason", MLDS_U32, NULL, 0 },
	{ "instance", MLDS_U32, NULL, 3 },
	{ NULL, 0, NULL, 0 }
};

const struct mlds_field mlds_mode_fields[] = {
	{ "run", MLDS_U32, NULL, 2 },
	{ "time_ns", MLDS_U64, "ns", 2 },
	{ "cpu", MLDS_U32, NULL, 2 },
	{ "from", MLDS_MODE, NULL, 2 },
	{ "to", MLDS_MODE, NULL, 2 },
	{ "reason", MLDS_U32, NULL, 2 },
	{ "n_baseline", MLDS_U64, NULL, 2 },
	{ "n_model", MLDS_U64, NULL, 2 },
	{ "mean_baseline", MLDS_F64, "reward", 2 },
	{ "mean_model", MLDS_F64, "reward", 2 },
	{ "sd_baseline", MLDS_F64, "reward", 2 },
	{ "sd_model", MLDS_F64, "reward", 2 },
	{ "gain", MLDS_F64, "reward", 2 },
	{ "low", MLDS_F64, "reward", 2 },
	{ "high", MLDS_F64, "reward", 2 },
	{ "value", MLDS_S64, NULL, 2 },
	{ "limit", MLDS_S64, NULL, 2 },
	{ "model_version", MLDS_U32, NULL, 2 },
	{ "clusters", MLDS_U32, NULL, 2 },
	{ "verdict", MLDS_U32, NULL, 3 },
	{ "stance", MLDS_U32, NULL, 3 },
	{ "source", MLDS_SOURCE, NULL, 3 },
	{ "instance", MLDS_U32, NULL, 3 },
	{ NULL, 0, NULL, 0 }
};

const struct mlds_field mlds_lost_fields[] = {
	{ "run", MLDS_U32, NULL, 0 },
	{ "cpu", MLDS_U32, NULL, 0 },
	{ "seq", MLDS_U64, NULL, 0 },
	{ "time_ns", MLDS_U64, "ns", 0 },
	{ "count", MLDS_U64, "records", 0 },
	{ NULL, 0, NULL, 0 }
};

const struct mlds_field mlds_run_fields[] = {
	{ "run", MLDS_U32, NULL, 0 },
	{ "start_ns", MLDS_U64, "ns since 1970", 0 },
	{ "start_mono_ns", MLDS_U64, "ns", 0 },
	{ "kernel", MLDS_LINE, NULL, 0 },
	{ "boot_id", MLDS_LINE, NULL, 0 },
	{ NULL, 0, NULL, 0 }
};

const struct mlds_field mlds_instance_fields[] = {
	{ "run", MLDS_U32, NULL, 3 },
	{ "instance", MLDS_U32, NULL, 3 },
	{ "name", MLDS_NAME, NULL, 3 },
	{ NULL, 0, NULL, 0 }
};

const struct mlds_field mlds_feature_fields[] = {
	{ "name", MLDS_NAME, NULL, 0 },
	{ "unit", MLDS_UNIT, NULL, 0 },
	{ "type", MLDS_TYPE, NULL, 0 },
	{ "min", MLDS_S64, NULL, 0 },
	{ "max", MLDS_S64, NULL, 0 },
	{ "field", MLDS_FIELD, NULL, 0 },
	{ "preprocess", MLDS_PRE, NULL, 2 },
	{ NULL, 0, NULL, 0 }
};

const struct mlds_field mlds_action_fields[] = {
	{ "name", MLDS_NAME, NULL, 0 },
	{ "value", MLDS_S64, NULL, 0 },
	{ NULL, 0, NULL, 0 }
};

const struct mlds_field mlds_state_fields[] = {
	{ "name", MLDS_NAME, NULL, 2 },
	{ "unit", MLDS_UNIT, NULL, 2 },
	{ "type", MLDS_TYPE, NULL, 2 },
	{ "preprocess", MLDS_PRE, NULL, 2 },
	{ "min", MLDS_S64, NULL, 2 },
	{ "max", MLDS_S64, NULL, 2 },
	{ NULL, 0, NULL, 0 }
};

const struct mlds_field mlds_eventdesc_fields[] = {
	{ "name", MLDS_NAME, NULL, 2 },
	{ "nr_values", MLDS_U32, NULL, 2 },
	{ "period_ms", MLDS_U32, "ms", 2 },
	{ NULL, 0, NULL, 0 }
};

const struct mlds_field mlds_stratum_fields[] = {
	{ "name", MLDS_NAME, NULL, 3 },
	{ NULL, 0, NULL, 0 }
};

static const char * const source_names[] = {
	"baseline", "recommendation", "model", "bpf", "explore", NULL
};

static const char * const mode_names[] = {
	"emergency", "learning", "collaboration", "recommendation", NULL
};

static const char * const rectype_names[] = {
	"none", "decision", "feedback", "event", "mode", "state", "model", "pad", NULL
};

static const char * const type_names[] = {
	"int", "count", "bool", "enum", "q8", "q16", NULL
};

static const char * const pre_names[] = {
	"none", "log2", "delta", NULL
};

static hid_t enum_type(hid_t base, const char * const *names)
{
	hid_t type = H5Tenum_create(base);
	uint32_t i;

	for (i = 0; type >= 0 && names[i]; i++) {
		uint8_t v8 = i;
		const void *v = H5Tget_size(base) == 1 ? (const void *)&v8 : &i;

		if (H5Tenum_insert(type, names[i], v) < 0) {
			H5Tclose(type);
			return -1;
		}
	}
	return type;
}

static hid_t string_type(size_t len)
{
	hid_t type = H5Tcopy(H5T_C_S1);

	if (type >= 0 && H5Tset_size(type, len) < 0) {
		H5Tclose(type);
		return -1;
	}
	return type;
}

/* Little endian as on x86 and arm64, so that memory and file agree. */
static hid_t kind_type(enum mlds_kind kind)
{
	hsize_t values = MLDS_EVENT_VALUES;

	switch (kind) {
	case MLDS_U8:
		return H5Tcopy(H5T_NATIVE_UINT8);
	case MLDS_U16:
		return H5Tcopy(H5T_NATIVE_UINT16);
	case MLDS_U32:
		return H5Tcopy(H5T_NATIVE_UINT32);
	case MLDS_U64:
		return H5Tcopy(H5T_NATIVE_UINT64);
	case MLDS_S64:
		return H5Tcopy(H5T_NATIVE_INT64);
	case MLDS_F64:
		return H5Tcopy(H5T_NATIVE_DOUBLE);
	case MLDS_SOURCE:
		return enum_type(H5T_NATIVE_UINT8, source_names);
	case MLDS_MODE:
		return enum_type(H5T_NATIVE_UINT8, mode_names);
	case MLDS_RECTYPE:
		return enum_type(H5T_NATIVE_UINT8, rectype_names);
	case MLDS_TYPE:
		return enum_type(H5T_NATIVE_UINT32, type_names);
	case MLDS_PRE:
		return enum_type(H5T_NATIVE_UINT32, pre_names);
	case MLDS_NAME:
		return string_type(MLPROXY_NAME_LEN);
	case MLDS_UNIT:
		return string_type(MLPROXY_UNIT_LEN);
	case MLDS_FIELD:
		return string_type(MLDS_FIELD_LEN);
	case MLDS_LINE:
		return string_type(64);
	case MLDS_VALUES:
		return H5Tarray_create2(H5T_NATIVE_INT64, 1, &values);
	}
	return -1;
}

/**
 * mlds_field_name() - name of a feature's field in /decisions
 * @feature: the feature
 * @format: format of the file
 * @out: MLDS_FIELD_LEN bytes; the feature's name, with "f_" before it where a
 *	field of that name is there already
 */
void mlds_field_name(const struct mlproxy_feature *feature, uint32_t format, char *out)
{
	const struct mlds_field *f;

	for (f = mlds_decision_fields; f->name; f++)
		if (f->since <= format &&
		    !strncmp(f->name, feature->name, sizeof(feature->name)))
			break;
	snprintf(out, MLDS_FIELD_LEN, "%s%.*s", f->name ? "f_" : "",
		 (int)sizeof(feature->name) - 1, feature->name);
}

/**
 * mlds_row_type() - compound type of a table's rows in memory
 * @fields: fixed fields
 * @schema: adds its features behind them; or NULL
 * @format: fields that came later are left out: there is a hole
 *
 * Return: a type to close, or negative.
 */
hid_t mlds_row_type(const struct mlds_field *fields, const struct mlds_schema *schema,
		    uint32_t format)
{
	uint32_t nr = schema ? schema->schema.nr_features : 0, i, nr_fixed = 0;
	hid_t types[32] = { 0 }, type = -1;
	char name[MLDS_FIELD_LEN];
	size_t bytes = 0, at = 0;

	for (i = 0; fields[i].name; i++, nr_fixed++) {
		types[i] = kind_type(fields[i].kind);
		if (types[i] < 0)
			goto out;
		bytes += H5Tget_size(types[i]);
	}
	type = H5Tcreate(H5T_COMPOUND, bytes + nr * sizeof(int64_t));
	for (i = 0; type >= 0 && i < nr_fixed; i++) {
		if (fields[i].since <= format &&
		    H5Tinsert(type, fields[i].name, at, types[i]) < 0)
			goto err;
		at += H5Tget_size(types[i]);
	}
	for (i = 0; type >= 0 && i < nr; i++, at += sizeof(int64_t)) {
		mlds_field_name(&schema->features[i], format, name);
		if (H5Tinsert(type, name, at, H5T_NATIVE_INT64) < 0)
			goto err;
	}
out:
	for (i = 0; i < 32; i++)
		if (types[i] > 0)
			H5Tclose(types[i]);
	return type;
err:
	H5Tclose(type);
	type = -1;
	goto out;
}

static int set_unit(hid_t dset, const struct mlds_field *field)
{
	char name[64];
	hid_t type, space, attr = -1;
	herr_t err = -1;

	snprintf(name, sizeof(name), "unit_%s", field->name);
	type = string_type(strlen(field->unit) + 1);
	space = H5Screate(H5S_SCALAR);
	if (type >= 0 && space >= 0)
		attr = H5Acreate2(dset, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
	if (attr >= 0) {
		err = H5Awrite(attr, type, field->unit);
		H5Aclose(attr);
	}
	H5Sclose(space);
	H5Tclose(type);
	return err < 0 ? -EIO : 0;
}

static hid_t create_dset(hid_t file, const char *name, hid_t type,
			 const struct mlds_options *opt, uint32_t chunk_rows)
{
	hsize_t zero = 0, max = H5S_UNLIMITED, chunk = chunk_rows;
	hid_t space, dcpl, dset = -1;
	int deflate = opt && opt->deflate ? opt->deflate : 1;

	space = H5Screate_simple(1, &zero, &max);
	dcpl = H5Pcreate(H5P_DATASET_CREATE);
	if (space < 0 || dcpl < 0)
		goto out;
	if (H5Pset_chunk(dcpl, 1, &chunk) < 0)
		goto out;
	if (deflate > 0 && (H5Pset_shuffle(dcpl) < 0 || H5Pset_deflate(dcpl, deflate) < 0))
		goto out;
	if (H5Pset_fletcher32(dcpl) < 0)
		goto out;
	dset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
out:
	H5Pclose(dcpl);
	H5Sclose(space);
	return dset;
}

/**
 * mlds_table_create() - create a table
 * @t: out
 * @file: file
 * @name: name
 * @fields: fields
 * @schema: for the table of decisions, else NULL
 * @opt: options
 */
int mlds_table_create(struct mlds_table *t, hid_t file, const char *name,
		      const struct mlds_field *fields, const struct mlds_schema *schema,
		      const struct mlds_options *opt)
{
	const struct mlds_field *f;

	memset(t, 0, sizeof(*t));
	t->name = name;
	t->dset = -1;
	t->chunk_rows = opt && opt->chunk_rows ? opt->chunk_rows : MLDS_CHUNK_ROWS;
	t->format = MLDS_FORMAT;
	t->type = mlds_row_type(fields, schema, MLDS_FORMAT);
	if (t->type < 0)
		return mlds_fail_h5(-EINVAL, "can't describe the rows of %s: two features of one name?",
				    name);
	t->row_bytes = H5Tget_size(t->type);
	t->rows = calloc(t->chunk_rows, t->row_bytes);
	if (!t->rows) {
		mlds_table_close(t);
		return mlds_fail(-ENOMEM, "no memory for %u rows of %s", t->chunk_rows, name);
	}
	t->dset = create_dset(file, name, t->type, opt, t->chunk_rows);
	for (f = fields; t->dset >= 0 && f->name; f++)
		if (f->unit && set_unit(t->dset, f)) {
			H5Dclose(t->dset);
			t->dset = -1;
		}
	if (t->dset < 0) {
		mlds_table_close(t);
		return mlds_fail_h5(-EIO, "can't create %s", name);
	}
	return 0;
}

/* Is the type of the file that of the rows, without holes? */
static bool type_in_file(const struct mlds_table *t)
{
	hid_t in_file = H5Dget_type(t->dset), packed = H5Tcopy(t->type);
	bool equal = in_file >= 0 && packed >= 0 && H5Tpack(packed) >= 0 &&
		     H5Tequal(in_file, packed) > 0;

	H5Tclose(packed);
	H5Tclose(in_file);
	return equal;
}

/**
 * mlds_table_open() - open a table of an existing file
 * @t: out
 * @file: file
 * @name: name
 * @fields: fields that it must have
 * @schema: for the table of decisions, else NULL
 * @format: format of the file
 * @chunk_rows: room for rows to add, or 0
 */
int mlds_table_open(struct mlds_table *t, hid_t file, const char *name,
		    const struct mlds_field *fields, const struct mlds_schema *schema,
		    uint32_t format, uint32_t chunk_rows)
{
	hid_t space;
	hssize_t stored;
	bool equal;

	memset(t, 0, sizeof(*t));
	t->name = name;
	t->chunk_rows = chunk_rows;
	t->format = format;
	t->type = mlds_row_type(fields, schema, format);
	t->dset = H5Dopen2(file, name, H5P_DEFAULT);
	if (t->type < 0 || t->dset < 0) {
		mlds_table_close(t);
		return mlds_fail_h5(-EBADMSG, "the file has no table %s", name);
	}
	equal = type_in_file(t);
	space = H5Dget_space(t->dset);
	stored = H5Sget_simple_extent_ndims(space) == 1 ? H5Sget_simple_extent_npoints(space) : -1;
	H5Sclose(space);
	if (!equal || stored < 0) {
		mlds_table_close(t);
		return mlds_fail(-EBADMSG, "table %s has other fields than the schema says", name);
	}
	t->stored = stored;
	t->row_bytes = H5Tget_size(t->type);
	if (chunk_rows) {
		t->rows = calloc(chunk_rows, t->row_bytes);
		if (!t->rows) {
			mlds_table_close(t);
			return mlds_fail(-ENOMEM, "no memory for %u rows of %s", chunk_rows, name);
		}
	}
	return 0;
}

/**
 * mlds_table_add() - room for one row
 * @t: table
 *
 * Return: a zeroed row to fill, or NULL where the buffer was full and could not be
 * flushed.
 */
void *mlds_table_add(struct mlds_table *t)
{
	uint8_t *row;

	/* Rows that fill the chunk of the file, so that it is written once. */
	if (t->nr_rows == t->chunk_rows - t->stored % t->chunk_rows && mlds_table_flush(t))
		return NULL;
	row = t->rows + t->row_bytes * t->nr_rows++;
	memset(row, 0, t->row_bytes);
	return row;
}

static int move_rows(struct mlds_table *t, uint64_t first, uint64_t nr, void *rows, bool write)
{
	hsize_t start = first, count = nr;
	hid_t fspace, mspace;
	herr_t err = -1;

	fspace = H5Dget_space(t->dset);
	mspace = H5Screate_simple(1, &count, NULL);
	if (fspace >= 0 && mspace >= 0 &&
	    H5Sselect_hyperslab(fspace, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0)
		err = write ? H5Dwrite(t->dset, t->type, mspace, fspace, H5P_DEFAULT, rows) :
			      H5Dread(t->dset, t->type, mspace, fspace, H5P_DEFAULT, rows);
	if (err < 0)
		mlds_keep_h5_error();
	H5Sclose(mspace);
	H5Sclose(fspace);
	return err < 0 ? -EIO : 0;
}

/**
 * mlds_table_flush() - write the buffered rows
 * @t: table
 *
 * After an error the rows stay in the buffer and the next flush tries again.
 */
int mlds_table_flush(struct mlds_table *t)
{
	hsize_t dim = t->stored + t->nr_rows;
	int err;

	if (!t->nr_rows)
		return 0;
	mlds_vfd_clear_errno();
	err = H5Dset_extent(t->dset, &dim) < 0 ? -EIO :
	      move_rows(t, t->stored, t->nr_rows, t->rows, true);
	if (!err && H5Dflush(t->dset) < 0)
		err = -EIO;
	if (err) {
		int e = mlds_vfd_errno();

		if (e)
			return mlds_fail(-e, "can't write %s: %s", t->name, strerror(e));
		return mlds_fail_h5(-EIO, "can't write %s", t->name);
	}
	t->stored += t->nr_rows;
	t->nr_rows = 0;
	return 0;
}

/**
 * mlds_table_read() - read rows
 * @t: table
 * @first: first row
 * @nr: rows, all of which must be there
 * @rows: out: nr * row_bytes
 */
int mlds_table_read(struct mlds_table *t, uint64_t first, uint64_t nr, void *rows)
{
	if (nr && move_rows(t, first, nr, rows, false))
		return mlds_fail_h5(-EBADMSG, "can't read rows %llu to %llu of %s: the file is damaged",
				    (unsigned long long)first,
				    (unsigned long long)(first + nr - 1), t->name);
	return 0;
}

void mlds_table_close(struct mlds_table *t)
{
	if (t->dset > 0)
		H5Dclose(t->dset);
	if (t->type > 0)
		H5Tclose(t->type);
	free(t->rows);
	memset(t, 0, sizeof(*t));
}
