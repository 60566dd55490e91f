// SPDX-License-Identifier: GPL-2.0-only
/*
 * XGBoost's library, and its word on what was read; see train_xgb.h.
 */
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_xgb.h"

#define LIBRARY		"libxgboost.so.0"
#define MAX_ROWS	512
/* XGBoost adds floats up, one after the other. */
#define TOLERANCE	1e-5

static struct mltrain_xgb xgb;
static void *library;

const struct mltrain_xgb *mltrain_xgb_get(void)
{
	const struct {
		const char *name;
		void *fn;
	} fns[] = {
		{ "XGBoostVersion", &xgb.version },
		{ "XGBGetLastError", &xgb.error }, { "XGBSetGlobalConfig", &xgb.config },
		{ "XGDMatrixCreateFromMat", &xgb.matrix },
		{ "XGDMatrixSetFloatInfo", &xgb.set_info },
		{ "XGDMatrixFree", &xgb.matrix_free }, { "XGBoosterCreate", &xgb.create },
		{ "XGBoosterSetParam", &xgb.set_param },
		{ "XGBoosterUpdateOneIter", &xgb.update },
		{ "XGBoosterSaveModelToBuffer", &xgb.save },
		{ "XGBoosterLoadModelFromBuffer", &xgb.load },
		{ "XGBoosterPredictFromDMatrix", &xgb.predict },
		{ "XGBoosterFree", &xgb.free },
	};
	void *lib;
	size_t i;

	if (library)
		return &xgb;
	lib = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	for (i = 0; lib && i < sizeof(fns) / sizeof(fns[0]); i++) {
		void *fn = dlsym(lib, fns[i].name);

		if (!fn)
			break;
		memcpy(fns[i].fn, &fn, sizeof(fn));
	}
	if (!lib || i < sizeof(fns) / sizeof(fns[0])) {
		mltrain_fail(-ELIBACC, "trees need XGBoost, which can't be loaded: %s; install libxgboost0",
			     dlerror());
		if (lib)
			dlclose(lib);
		return NULL;
	}
	library = lib;
	xgb.config("{\"verbosity\": 0}");
	return &xgb;
}

/* ------------------------------------------------------------------ */
/* The check                                                           */

/**
 * struct inputs - rows to predict
 * @n: how many
 * @nr_features: values of each
 * @x: as XGBoost gets them
 * @features: the same as integers
 */
struct inputs {
	size_t n;
	uint32_t nr_features;
	float *x;
	int64_t *features;
};

static void free_inputs(struct inputs *in)
{
	free(in->x);
	free(in->features);
}

/* A value that a float has: others would be rounded, and may go another way in a tree. */
static void set_input(struct inputs *in, size_t row, uint32_t feature, int64_t value)
{
	size_t at = row * in->nr_features + feature;

	if (value > 1LL << 62)
		value = 1LL << 62;
	in->x[at] = value;
	in->features[at] = in->x[at];
}

/*
 * Rows of the data, evenly; and beside each threshold a row that is on it and one that
 * is just below, as often as there is room.
 */
static int make_inputs(const struct mltrain_xgb_file *f, const struct mlds_data *data,
		       struct inputs *in)
{
	size_t rows = data->n < MAX_ROWS ? data->n : MAX_ROWS, i;
	uint32_t t, n, c;

	in->n = 0;
	in->nr_features = data->nr_features;
	in->x = calloc(2 * MAX_ROWS * data->nr_features, sizeof(*in->x));
	in->features = calloc(2 * MAX_ROWS * data->nr_features, sizeof(*in->features));
	if (!in->x || !in->features) {
		free_inputs(in);
		return mltrain_fail(-ENOMEM, "no memory for %d rows", 2 * MAX_ROWS);
	}
	for (i = 0; i < rows; i++, in->n++)
		for (c = 0; c < data->nr_features; c++)
			set_input(in, in->n, c,
				  data->features[i * data->n / rows * data->nr_features + c]);
	for (t = f->first_tree; rows && t < f->m->nr_trees; t++)
		for (n = 0; n < f->m->trees[t].nr_nodes && in->n < 2 * MAX_ROWS; n++) {
			const struct mltrain_node *node = &f->m->trees[t].nodes[n];
			const int64_t *like = in->features + (n + t) % rows * in->nr_features;

			if (node->feature < 0 || node->threshold == INT64_MIN)
				continue;
			for (c = 0; c < data->nr_features; c++)
				set_input(in, in->n, c, like[c]);
			set_input(in, in->n, node->feature, node->threshold - n % 2);
			in->n++;
		}
	return 0;
}

/* @sum of the leaves that a row comes to, and of their sizes. */
static double predict_one(const struct mltrain_xgb_file *f, uint32_t output,
			  const int64_t *features, double *size)
{
	double sum = f->base[output];
	uint32_t t;

	*size = fabs(sum);
	for (t = f->first_tree; t < f->m->nr_trees; t++) {
		const struct mltrain_tree *tree = &f->m->trees[t];
		const struct mltrain_node *n = tree->nodes;

		if (tree->output != f->first_output + output)
			continue;
		while (n->feature >= 0)
			n = &tree->nodes[features[n->feature] < n->threshold ? n->left : n->right];
		sum += n->value;
		*size += fabsf(n->value);
	}
	return sum;
}

static int compare(const struct mltrain_xgb_file *f, const struct inputs *in, const float *theirs)
{
	double ours, size;
	uint32_t o;
	size_t i;

	for (i = 0; i < in->n; i++)
		for (o = 0; o < f->nr_outputs; o++) {
			double their = theirs[i * f->nr_outputs + o];

			ours = predict_one(f, o, in->features + i * in->nr_features, &size);
			if (!(fabs(ours - their) <= TOLERANCE * (1 + size)))
				return mltrain_fail(-EBADMSG, "%s: XGBoost itself predicts %.9g where the trees that were read give %.9g (output %u): it has something that is not understood here, and is not imported",
						    f->what, their, ours, o);
		}
	return 0;
}

static int cannot(char *note, const char *what)
{
	snprintf(note, MLTRAIN_NOTE_LEN, "not compared with XGBoost's own prediction: the installed XGBoost can't %s: %s",
		 what, xgb.error());
	/* One line is enough. */
	note[strcspn(note, "\n")] = '\0';
	return 0;
}

static int predict_and_compare(const struct mltrain_xgb_file *f, const struct inputs *in,
			       BoosterHandle booster, DMatrixHandle matrix, char *note)
{
	static const char config[] =
		"{\"type\": 0, \"training\": false, \"iteration_begin\": 0, \"iteration_end\": 0, \"strict_shape\": false}";
	const bst_ulong *shape;
	const float *result;
	bst_ulong dim, i, n = 1;

	if (xgb.predict(booster, matrix, config, &shape, &dim, &result))
		return cannot(note, "predict with it");
	for (i = 0; i < dim; i++)
		n *= shape[i];
	if (n != in->n * f->nr_outputs)
		return mltrain_fail(-EBADMSG, "%s: XGBoost itself gives %llu predictions for %zu rows, not %u each",
				    f->what, (unsigned long long)n, in->n, f->nr_outputs);
	return compare(f, in, result);
}

/* An older XGBoost may misread a newer one's file without a word, as 1.7 does 3.1's. */
static bool too_old(const struct mltrain_xgb_file *f, char *note)
{
	int major, minor, patch;

	xgb.version(&major, &minor, &patch);
	if (major > f->version[0] || (major == f->version[0] && minor >= f->version[1]))
		return false;
	snprintf(note, MLTRAIN_NOTE_LEN, "not compared with XGBoost's own prediction: XGBoost %d.%d wrote it, and %d.%d is installed",
		 f->version[0], f->version[1], major, minor);
	return true;
}

int mltrain_xgb_check(const struct mltrain_xgb_file *f, const struct mlds_data *data,
		      char *note)
{
	BoosterHandle booster = NULL;
	DMatrixHandle matrix = NULL;
	struct inputs in;
	int err;

	note[0] = '\0';
	if (!mltrain_xgb_get()) {
		snprintf(note, MLTRAIN_NOTE_LEN, "not compared with XGBoost's own prediction: XGBoost is not installed (libxgboost0)");
		return 0;
	}
	if (too_old(f, note))
		return 0;
	err = make_inputs(f, data, &in);
	if (err)
		return err;
	if (xgb.create(NULL, 0, &booster) || xgb.load(booster, f->text, f->len))
		err = cannot(note, "read it");
	else if (xgb.matrix(in.x, in.n, in.nr_features, NAN, &matrix))
		err = cannot(note, "take the rows");
	else
		err = predict_and_compare(f, &in, booster, matrix, note);
	if (matrix)
		xgb.matrix_free(matrix);
	if (booster)
		xgb.free(booster);
	free_inputs(&in);
	return err;
}
