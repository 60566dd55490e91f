// SPDX-License-Identifier: GPL-2.0-only
/*
 * Float models on disk, in HDF5:
 *
 *	/		attributes: the schema's, name, trained_ns, reward_mean,
 *			reward_scale, margin, active (bit mask of actions)
 *	/schema		as in a data set
 *	/inputs		preprocessing, a row an input, as in mlproxy_model.h
 *	/layers/N/	weight [out][in] and bias [out], ReLU between the layers
 *	/torch_state	the network and its optimiser, as libtorch serialises them
 *	/trees		instead of the three above: output, first node and number of
 *			nodes of each tree; attribute model_kind is 2 then
 *	/nodes		of all trees: feature (-1 in a leaf), left and right (in the
 *			tree), threshold, value
 *	/seen		hashes of the rows that it was trained on; all of them, unless the
 *			attribute imported is 1 and it is empty: then nobody knows
 *
 * The weights stand there twice: /layers is what runs, here and in other programs;
 * /torch_state lets a training go on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/h5_attr.h"
#include "dataset_priv.h"
#include "train_file_trees.h"
#include "train_h5.h"
#include "train_priv.h"

/* The memory for the file grows by so much at a time. */
#define IMAGE_GROWS_BYTES	(64 << 10)

static const struct {
	const char *name;
	size_t at;
	int kind;	/* 0 double, 1 u64, 2 u32 */
} attrs[] = {
	{ "trained_ns", offsetof(struct mltrain_model, trained_ns), 1 },
	{ "reward_mean", offsetof(struct mltrain_model, reward_mean), 0 },
	{ "reward_scale", offsetof(struct mltrain_model, reward_scale), 0 },
	{ "margin", offsetof(struct mltrain_model, margin), 0 },
	{ "active", offsetof(struct mltrain_model, active), 2 },
};

#define NR_ATTRS (sizeof(attrs) / sizeof(attrs[0]))

static hid_t attr_type(int kind)
{
	return kind == 0 ? H5T_NATIVE_DOUBLE : kind == 1 ? H5T_NATIVE_UINT64 : H5T_NATIVE_UINT32;
}

static hid_t input_type(void)
{
	hid_t t = H5Tcreate(H5T_COMPOUND, sizeof(struct mlproxy_model_input));

#define FIELD(name, type) \
	H5Tinsert(t, #name, offsetof(struct mlproxy_model_input, name), type)
	FIELD(clamp_min, H5T_NATIVE_INT64);
	FIELD(clamp_max, H5T_NATIVE_INT64);
	FIELD(offset, H5T_NATIVE_INT64);
	FIELD(mul, H5T_NATIVE_INT32);
	FIELD(shift, H5T_NATIVE_UINT32);
	FIELD(op, H5T_NATIVE_UINT16);
	FIELD(feature, H5T_NATIVE_UINT16);
#undef FIELD
	return t;
}

static int put_layers(hid_t file, const struct mltrain_model *m)
{
	hid_t group = H5Gcreate2(file, "layers", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	uint32_t l;
	int err = group < 0 ? -EIO : 0;

	for (l = 0; !err && l < m->nr_layers; l++) {
		hsize_t dims[2] = { m->layers[l].out, m->layers[l].in };
		char name[16];
		hid_t layer;

		snprintf(name, sizeof(name), "%u", l);
		layer = H5Gcreate2(group, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
		if (layer < 0) {
			err = -EIO;
			break;
		}
		err = mltrain_h5_put(layer, "weight", H5T_NATIVE_FLOAT, 2, dims, m->layers[l].w);
		err = err ?: mltrain_h5_put(layer, "bias", H5T_NATIVE_FLOAT, 1, dims, m->layers[l].b);
		H5Gclose(layer);
	}
	if (group >= 0)
		H5Gclose(group);
	return err;
}

/* The parts of a network. */
static int put_network(hid_t file, const struct mltrain_model *m)
{
	hid_t input = input_type();
	hsize_t dim = m->nr_inputs;
	int err;

	err = mltrain_h5_put(file, "inputs", input, 1, &dim, m->inputs);
	err = err ?: put_layers(file, m);
	dim = m->state_len;
	/* a network from elsewhere has no state: not one byte can be written */
	err = err ?: mltrain_h5_put(file, "torch_state", H5T_NATIVE_UINT8, 1, &dim, m->state ?: (void *)"");
	H5Tclose(input);
	return err;
}

static int put_model(hid_t file, const struct mltrain_model *m)
{
	hsize_t dim;
	size_t i;
	int err;

	err = mlds_schema_write(file, MLDS_KIND_MODEL, &m->schema);
	err = err ?: h5_put_string(file, "name", m->name, sizeof(m->name));
	for (i = 0; !err && i < NR_ATTRS; i++)
		err = h5_put_attr(file, attrs[i].name, attr_type(attrs[i].kind),
			       (const char *)m + attrs[i].at);
	err = err ?: h5_put_attr(file, "model_kind", H5T_NATIVE_UINT32, &m->kind);
	err = err ?: h5_put_attr(file, "imported", H5T_NATIVE_UINT32, &m->imported);
	if (!err)
		err = m->kind == MLPROXY_MODEL_KIND_TREES ? mltrain_put_trees(file, m) :
							    put_network(file, m);
	dim = m->nr_seen;
	err = err ?: mltrain_h5_put(file, "seen", H5T_NATIVE_UINT64, 1, &dim, m->seen ?: (void *)"");
	return err ? mltrain_fail(err, "can't write the model: %s", mlds_error()) : 0;
}

/* The whole file in memory, where HDF5 knows of no full disk. */
static int make_image(const struct mltrain_model *m, void **image, size_t *len)
{
	hid_t core = H5Pcreate(H5P_FILE_ACCESS), file;
	ssize_t bytes;
	int err;

	*image = NULL;
	*len = 0;
	H5Pset_fapl_core(core, IMAGE_GROWS_BYTES, false);
	file = H5Fcreate("model", H5F_ACC_TRUNC, H5P_DEFAULT, core);
	H5Pclose(core);
	if (file < 0)
		return mltrain_fail(-ENOMEM, "no memory for the model's file");
	err = put_model(file, m);
	H5Fflush(file, H5F_SCOPE_LOCAL);
	bytes = err ? 0 : H5Fget_file_image(file, NULL, 0);
	if (bytes > 0)
		*image = malloc(bytes);
	if (!err && (!*image || H5Fget_file_image(file, *image, bytes) != bytes))
		err = mltrain_fail(-ENOMEM, "no memory for the model's file");
	*len = bytes;
	H5Fclose(file);
	return err;
}

static int write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	for (; len; len -= n, data += n) {
		n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return n ? -errno : -EIO;
	}
	return 0;
}

/* Under another name first: a file of this name is always whole. */
static int replace_file(const char *path, const void *data, size_t len)
{
	char *tmp = NULL;
	int fd, err;

	if (asprintf(&tmp, "%s.new-%d", path, getpid()) < 0)
		return mltrain_fail(-ENOMEM, "no memory for a path");
	fd = open(tmp, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
	if (fd < 0) {
		err = -errno;
		free(tmp);
		return mltrain_fail(err, "can't create %s: %s%s", path, strerror(-err),
				    err == -ENOENT ? "; make its directory first" : "");
	}
	err = write_all(fd, data, len);
	if (close(fd) && !err)
		err = -errno;
	if (err)
		mltrain_fail(err, "can't write %s: %s%s", path, strerror(-err),
			     err == -ENOSPC || err == -EDQUOT ? "; make room on its disk" : "");
	else if (rename(tmp, path))
		err = mltrain_fail(-errno, "can't rename %s to %s: %s", tmp, path,
				   strerror(errno));
	if (err)
		unlink(tmp);
	free(tmp);
	return err;
}

int mltrain_save(const struct mltrain_model *m, const char *path)
{
	void *image;
	size_t len;
	int err;

	mlds_h5_quiet();
	err = make_image(m, &image, &len);
	err = err ?: replace_file(path, image, len);
	free(image);
	return err;
}

/* The weights of a layer, whose shape is that of the file's matrix. */
static int get_layer(hid_t file, uint32_t index, struct mltrain_layer *l)
{
	size_t room = (size_t)MLPROXY_MODEL_MAX_WIDTH * MLPROXY_MODEL_MAX_WIDTH, nr_w, nr_b;
	char name[32];
	hid_t dset, space;
	hsize_t dims[2] = { 0 };
	int rank, err;

	snprintf(name, sizeof(name), "layers/%u/weight", index);
	dset = H5Dopen2(file, name, H5P_DEFAULT);
	if (dset < 0)
		return -ENOENT;
	space = H5Dget_space(dset);
	rank = H5Sget_simple_extent_ndims(space);
	if (rank == 2)
		H5Sget_simple_extent_dims(space, dims, NULL);
	H5Sclose(space);
	H5Dclose(dset);
	l->out = dims[0];
	l->in = dims[1];
	if (!l->in || !l->out || l->in > MLPROXY_MODEL_MAX_WIDTH ||
	    l->out > MLPROXY_MODEL_MAX_WIDTH)
		return -EBADMSG;
	err = mltrain_h5_get(file, name, H5T_NATIVE_FLOAT, sizeof(float), room, (void **)&l->w, &nr_w);
	snprintf(name, sizeof(name), "layers/%u/bias", index);
	err = err ?: mltrain_h5_get(file, name, H5T_NATIVE_FLOAT, sizeof(float), room, (void **)&l->b,
			 &nr_b);
	return err ?: nr_b == l->out ? 0 : -EBADMSG;
}

static int get_layers(hid_t file, struct mltrain_model *m)
{
	int err = 0;

	while (!err && m->nr_layers < MLTORCH_MAX_LAYERS) {
		err = get_layer(file, m->nr_layers, &m->layers[m->nr_layers]);
		if (err == -ENOENT && m->nr_layers)
			return 0;
		/* Also one that failed half-way is to be freed. */
		m->nr_layers++;
	}
	return err;
}

static bool network_sane(const struct mltrain_model *m)
{
	uint32_t i;

	if (!m->nr_inputs || m->layers[0].in != m->nr_inputs ||
	    m->layers[m->nr_layers - 1].out != m->schema.schema.nr_actions)
		return false;
	for (i = 1; i < m->nr_layers; i++)
		if (m->layers[i].in != m->layers[i - 1].out)
			return false;
	for (i = 0; i < m->nr_inputs; i++)
		if (m->inputs[i].feature >= m->schema.schema.nr_features ||
		    m->inputs[i].op >= MLPROXY_NR_INPUT_OPS ||
		    m->inputs[i].shift > MLPROXY_MODEL_MAX_SHIFT)
			return false;
	return true;
}

static bool model_sane(const struct mltrain_model *m)
{
	if (!(m->reward_scale > 0 && m->margin >= 0))
		return false;
	return m->kind == MLPROXY_MODEL_KIND_TREES ? mltrain_trees_sane(m) : network_sane(m);
}

static int get_network(hid_t file, struct mltrain_model *m)
{
	hid_t input = input_type();
	void *inputs = NULL;
	size_t nr = 0;
	int err;

	err = mltrain_h5_get(file, "inputs", input, sizeof(m->inputs[0]), MLPROXY_MODEL_MAX_INPUTS, &inputs,
		  &nr);
	if (!err) {
		memcpy(m->inputs, inputs, nr * sizeof(m->inputs[0]));
		m->nr_inputs = nr;
	}
	err = err ?: get_layers(file, m);
	err = err ?: mltrain_h5_get(file, "torch_state", H5T_NATIVE_UINT8, 1, 64 << 20, &m->state,
			 &m->state_len);
	H5Tclose(input);
	free(inputs);
	return err;
}

/* A file from before one of these attributes says nothing of it. */
static int get_optional(hid_t file, const char *name, uint32_t *value, uint32_t otherwise)
{
	*value = otherwise;
	if (H5Aexists(file, name) <= 0)
		return 0;
	return h5_get_attr(file, name, H5T_NATIVE_UINT32, value);
}

static int get_model(hid_t file, const char *path, struct mltrain_model *m)
{
	size_t i;
	int err;

	err = h5_get_string(file, "name", m->name, sizeof(m->name));
	for (i = 0; !err && i < NR_ATTRS; i++)
		err = h5_get_attr(file, attrs[i].name, attr_type(attrs[i].kind),
			       (char *)m + attrs[i].at);
	err = err ?: mltrain_h5_get(file, "seen", H5T_NATIVE_UINT64, sizeof(*m->seen), UINT32_MAX,
			 (void **)&m->seen, &m->nr_seen);
	err = err ?: get_optional(file, "model_kind", &m->kind, MLPROXY_MODEL_KIND_MLP);
	err = err ?: get_optional(file, "imported", &m->imported, 0);
	if (!err)
		err = m->kind == MLPROXY_MODEL_KIND_TREES ? mltrain_get_trees(file, m) :
							    get_network(file, m);
	if (err)
		mltrain_fail(err, "%s: a part of the model is missing: the file is damaged", path);
	else if (!model_sane(m))
		err = mltrain_fail(-EBADMSG, "%s: its parts don't fit together", path);
	return err;
}

int mltrain_load(struct mltrain_model **model, const char *path)
{
	struct mltrain_model *m;
	hid_t file;
	int err;

	mlds_h5_quiet();
	*model = NULL;
	if (access(path, R_OK))
		return mltrain_fail(-errno, "can't read %s: %s", path, strerror(errno));
	file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
	if (file < 0)
		return mltrain_fail(-EBADMSG, "can't read %s: not a float model that `mlproxy train` wrote, or damaged",
				    path);
	m = calloc(1, sizeof(*m));
	err = m ? mlds_schema_read(file, path, MLDS_KIND_MODEL, &m->schema) : -ENOMEM;
	if (err)
		mltrain_fail(err, "%s", m ? mlds_error() : "no memory for a model");
	err = err ?: get_model(file, path, m);
	H5Fclose(file);
	if (err)
		mltrain_free(m);
	else
		*model = m;
	return err;
}
