// SPDX-License-Identifier: GPL-2.0-only
/*
 * Models trained elsewhere, made into float models of a proxy: what they take and
 * give must fit its schema. From there on they are quantised and tested as ours.
 *
 * A network takes raw (or standardised) features, where ours take the fixed-point
 * preprocessing's numbers: with q = (x - offset) * mul / 2^shift and inputs q / 127,
 * x is affine in the input, so its inverse goes into the first layer's weights. The
 * int8 inputs span the range of the data set, which bounds their resolution.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_xgb.h"

#define MAX_FILE	(64 << 20)

/* Scores are standardised rewards, or the outputs themselves. */
static int set_reward(struct mltrain_model *m, const struct mlds_data *data,
		      const struct mltrain_import_options *o)
{
	struct mltrain_rows all;
	int err;

	m->reward_mean = 0;
	m->reward_scale = 1;
	m->margin = o->margin;
	m->active = (1ULL << data->nr_actions) - 1;
	if (o->score)
		return 0;
	err = mltrain_rows_all(data, &all);
	err = err ?: mltrain_scale_reward(m, data, &all);
	mltrain_rows_free(&all);
	return err;
}

/* score = output * @a + @b */
static void output_scale(const struct mltrain_model *m, const struct mltrain_import_options *o,
			 double *a, double *b)
{
	*a = o->score ? 1 : mltrain_sign(&m->schema) / m->reward_scale;
	*b = o->score ? 0 : -*a * m->reward_mean;
}

/* What a data set says of one feature. */
struct range {
	int64_t lo;
	int64_t hi;
	double mean;
	double sd;
};

static struct range range_of(const struct mlds_data *data, uint32_t feature)
{
	struct range r = { INT64_MAX, INT64_MIN, 0, 0 };
	double sum = 0, sum2 = 0;
	size_t i;

	for (i = 0; i < data->n; i++) {
		int64_t x = data->features[i * data->nr_features + feature];

		r.lo = x < r.lo ? x : r.lo;
		r.hi = x > r.hi ? x : r.hi;
		sum += x;
	}
	r.mean = sum / data->n;
	for (i = 0; i < data->n; i++) {
		double d = data->features[i * data->nr_features + feature] - r.mean;

		sum2 += d * d;
	}
	r.sd = sqrt(sum2 / data->n);
	return r;
}

static int check_chain(const struct mltorch_chain *c, const char *path,
		       const struct mlproxy_schema *s)
{
	uint32_t i;

	if (c->sizes[0] != s->nr_features)
		return mltrain_fail(-EBADMSG, "%s takes %u inputs, the schema has %u features: it must take all, in the schema's order",
				    path, c->sizes[0], s->nr_features);
	if (c->sizes[c->nr_layers] != s->nr_actions)
		return mltrain_fail(-EBADMSG, "%s gives %u outputs, the proxy has %u actions: one output an action is needed",
				    path, c->sizes[c->nr_layers], s->nr_actions);
	if (c->nr_layers > MLPROXY_MODEL_MAX_LAYERS)
		return mltrain_fail(-EBADMSG, "%s has %u layers: at most %d", path, c->nr_layers,
				    MLPROXY_MODEL_MAX_LAYERS);
	for (i = 0; i <= c->nr_layers; i++)
		if (c->sizes[i] > MLPROXY_MODEL_MAX_WIDTH)
			return mltrain_fail(-EBADMSG, "%s has a layer of width %u: at most %d",
					    path, c->sizes[i], MLPROXY_MODEL_MAX_WIDTH);
	return 0;
}

/*
 * The first layer on our inputs. @kept: the features that change in the data; the
 * others are constants, and go into the biases.
 */
static void fold_inputs(struct mltrain_model *m, const struct mltorch_chain *c,
			const struct mlds_data *data, const struct mltrain_import_options *o)
{
	struct mltrain_layer *first = &m->layers[0];
	uint32_t f, out, i = 0;

	memcpy(first->b, c->bias[0], first->out * sizeof(float));
	for (f = 0; f < c->sizes[0]; f++) {
		struct range r = range_of(data, f);
		const struct mlproxy_model_input *in = &m->inputs[i];
		double a = 0, b = r.lo;

		if (i < first->in && in->feature == f) {
			/* x = a * input + b */
			a = 127.0 * (double)(1ULL << in->shift) / in->mul;
			b = in->offset;
		}
		if (o->standardised) {
			double sd = r.sd > 0 ? r.sd : 1;

			b = (b - r.mean) / sd;
			a /= sd;
		}
		for (out = 0; out < first->out; out++) {
			double w = c->weight[0][(size_t)out * c->sizes[0] + f];

			first->b[out] += w * b;
			if (a != 0)
				first->w[(size_t)out * first->in + i] = w * a;
		}
		i += a != 0;
	}
}

static int take_chain(struct mltrain_model *m, const struct mltorch_chain *c,
		      const struct mlds_data *data, const struct mltrain_import_options *o)
{
	struct mltrain_layer *last;
	uint32_t sizes[MLTORCH_MAX_LAYERS + 1], f, l, i;
	double a, b;

	for (f = 0; f < c->sizes[0]; f++) {
		struct range r = range_of(data, f);

		if (r.lo < r.hi)
			mltrain_linear_input(&m->inputs[m->nr_inputs++], f, r.lo, r.hi);
	}
	if (!m->nr_inputs)
		return mltrain_fail(-ENODATA, "no feature changes in the data set: its ranges can't be told");
	memcpy(sizes, c->sizes, sizeof(sizes));
	sizes[0] = m->nr_inputs;
	if (mltrain_layers_alloc(m->layers, c->nr_layers, sizes))
		return -ENOMEM;
	m->nr_layers = c->nr_layers;
	fold_inputs(m, c, data, o);
	for (l = 1; l < m->nr_layers; l++) {
		memcpy(m->layers[l].w, c->weight[l], sizeof(float) * sizes[l] * sizes[l + 1]);
		memcpy(m->layers[l].b, c->bias[l], sizeof(float) * sizes[l + 1]);
	}
	output_scale(m, o, &a, &b);
	last = &m->layers[m->nr_layers - 1];
	for (i = 0; i < last->in * last->out; i++)
		last->w[i] *= a;
	for (i = 0; i < last->out; i++)
		last->b[i] = last->b[i] * a + b;
	return 0;
}

static int new_model(struct mltrain_model **m, const struct mlds_data *data,
		     const struct mltrain_import_options *o)
{
	int err;

	*m = NULL;
	if (!(o->margin >= 0))
		return mltrain_fail(-EINVAL, "a margin of %g: not below 0", o->margin);
	*m = calloc(1, sizeof(**m));
	if (!*m)
		return mltrain_fail(-ENOMEM, "no memory for a model");
	mltrain_init_model(*m, data, o->name);
	(*m)->imported = 1;
	err = set_reward(*m, data, o);
	if (!err && o->trained_on)
		err = mltrain_note_seen(*m, o->trained_on);
	if (err) {
		mltrain_free(*m);
		*m = NULL;
	}
	return err;
}

static int read_text(const char *path, char **text, size_t *len)
{
	FILE *f = fopen(path, "re");

	*text = NULL;
	if (!f)
		return mltrain_fail(-errno, "can't read %s: %s", path, strerror(errno));
	*text = malloc(MAX_FILE);
	*len = *text ? fread(*text, 1, MAX_FILE, f) : 0;
	if (!*text || ferror(f) || *len == MAX_FILE) {
		free(*text);
		*text = NULL;
		fclose(f);
		return mltrain_fail(-EFBIG, "can't read %s: a directory, or too long", path);
	}
	fclose(f);
	return 0;
}

/*
 * TorchScript is an archive that has constants.pkl. torch.save() writes one without, or a
 * pickle, which only Python can read; libtorch would say that a file can't be located.
 */
static int check_torchscript(const char *path)
{
	size_t len;
	char *text;
	bool saved;
	int err = read_text(path, &text, &len);

	if (err)
		return err;
	if (len > 2 && !memcmp(text, "PK", 2))
		saved = memmem(text, len, "data.pkl", strlen("data.pkl")) &&
			!memmem(text, len, "constants.pkl", strlen("constants.pkl"));
	else
		saved = len > 2 && text[0] == (char)0x80;
	free(text);
	if (!saved)
		return 0;
	return mltrain_fail(-EBADMSG, "%s is what torch.save() writes (a state_dict, or a module in Python's pickle), not TorchScript; in Python, with the module's class at hand, export it: torch.jit.script(model.eval()).save(\"model.pt\")",
			    path);
}

int mltrain_import_torch(struct mltrain_model **model, const char *path,
			 const struct mlds_data *data,
			 const struct mltrain_import_options *o)
{
	struct mltorch_chain chain = { 0 };
	struct mltrain_model *m;
	int err;

	*model = NULL;
	err = new_model(&m, data, o);
	if (err)
		return err;
	err = check_torchscript(path);
	if (err) {
		mltrain_free(m);
		return err;
	}
	err = mltorch_import(path, &chain);
	if (err)
		mltrain_fail(err, "%s: %s", path, mltorch_last_error());
	err = err ?: check_chain(&chain, path, &data->schema.schema);
	err = err ?: take_chain(m, &chain, data, o);
	mltorch_chain_free(&chain);
	if (err)
		mltrain_free(m);
	else
		*model = m;
	return err;
}

/* Into scores: every leaf scaled, and the constant part in one tree an action. */
static int scale_trees(struct mltrain_model *m, const double *base,
		       const struct mltrain_import_options *o)
{
	uint32_t a, t, n;
	double mul, add;
	int err = 0;

	output_scale(m, o, &mul, &add);
	for (t = 0; t < m->nr_trees; t++)
		for (n = 0; n < m->trees[t].nr_nodes; n++)
			m->trees[t].nodes[n].value *= mul;
	for (a = 0; !err && a < m->schema.schema.nr_actions; a++) {
		double constant = base[a] * mul + add;

		for (t = 0; t < m->nr_trees && m->trees[t].output != a; t++)
			;
		if (t < m->nr_trees)
			mltrain_raise_tree(&m->trees[t], constant);
		else
			err = mltrain_add_leaf(m, a, constant);
	}
	return err;
}

/* One file, whose first output is that of action @first; compared with XGBoost itself. */
static int read_one(struct mltrain_model *m, const char *path, uint32_t first,
		    const struct mlds_data *data, double *base, uint32_t *nr, char *note)
{
	struct mltrain_xgb_file f = { .what = path, .m = m, .first_output = first,
				      .base = base };
	char *text;
	int err = read_text(path, &text, &f.len);

	if (err)
		return err;
	f.text = text;
	err = mltrain_xgb_read(&f, m->schema.schema.nr_actions - first);
	err = err ?: mltrain_xgb_check(&f, data, note);
	*nr = f.nr_outputs;
	free(text);
	return err;
}

static int read_all(struct mltrain_model *m, char *const *paths, uint32_t nr_paths,
		    const struct mlds_data *data, double *base, char *note)
{
	const struct mlproxy_schema *s = &m->schema.schema;
	uint32_t p, nr, done = 0;
	int err;

	for (p = 0; p < nr_paths; p++) {
		err = read_one(m, paths[p], done, data, base + done, &nr, note);
		if (err)
			return err;
		done += nr;
	}
	if (done != s->nr_actions)
		return mltrain_fail(-EBADMSG, "%u outputs in %u files, the proxy has %u actions: one model with an output an action, or a file for each action, is needed",
				    done, nr_paths, s->nr_actions);
	return 0;
}

int mltrain_import_xgboost(struct mltrain_model **model, char *const *paths, uint32_t nr_paths,
			   const struct mlds_data *data,
			   const struct mltrain_import_options *o)
{
	double base[MLPROXY_MAX_ACTIONS] = { 0 };
	char note[MLTRAIN_NOTE_LEN] = "";
	struct mltrain_model *m;
	uint32_t t;
	int err;

	*model = NULL;
	if (o->standardised)
		return mltrain_fail(-EINVAL, "trees with standardised features can't be imported: train them on the raw ones, which is the same to a tree");
	err = new_model(&m, data, o);
	if (err)
		return err;
	m->kind = MLPROXY_MODEL_KIND_TREES;
	err = read_all(m, paths, nr_paths, data, base, note);
	if (o->note)
		strcpy(o->note, note);
	err = err ?: scale_trees(m, base, o);
	for (t = 0; !err && t < m->nr_trees; t++)
		if (mltrain_tree_depth(&m->trees[t]) > MLPROXY_MODEL_MAX_DEPTH)
			err = mltrain_fail(-EBADMSG, "a tree of %s is more than %d deep: train it with max_depth=%d",
					   paths[0], MLPROXY_MODEL_MAX_DEPTH,
					   MLPROXY_MODEL_MAX_DEPTH);
	if (err)
		mltrain_free(m);
	else
		*model = m;
	return err;
}
