// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trees out of a model that XGBoost saved as JSON, as its schema describes it
 * (doc/model.schema of XGBoost): regression trees of a gbtree booster. The file may
 * be anyone's: nothing in it is relied upon before it was checked.
 *
 * XGBoost goes left where the value is below a threshold t; values are integers
 * here, so ceil(t) decides the same. There are no missing values, so the default
 * directions don't matter.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_xgb.h"

/* One file being read. */
struct reader {
	const char *what;
	uint32_t nr_features;
	uint32_t first;
	uint32_t nr_outputs;
	struct mltrain_model *m;
};

static json_t *path_get(json_t *j, const char *const *path)
{
	for (; j && *path; path++)
		j = json_object_get(j, *path);
	return j;
}

#define GET(j, ...) path_get(j, (const char *const[]){ __VA_ARGS__, NULL })

/* XGBoost writes its parameters as text. NAN for what is no number, and no more. */
static double number_of(json_t *j, double otherwise)
{
	const char *text = json_string_value(j);
	double value;
	char *end;

	if (!text)
		return json_is_number(j) ? json_number_value(j) : otherwise;
	value = strtod(text, &end);
	return end == text || *end ? NAN : value;
}

static int damaged(const struct reader *r, const char *part)
{
	return mltrain_fail(-EBADMSG, "%s: %s is missing or out of range: not a model that XGBoost saved as JSON, or damaged",
			    r->what, part);
}

static int64_t integer_threshold(double t)
{
	t = ceil(t);
	return t >= 9223372036854775807.0 ? INT64_MAX : t <= -9223372036854775808.0 ? INT64_MIN : t;
}

/* Node @n, of arrays whose lengths were checked. */
static int read_node(const struct reader *r, json_t *const *a, uint32_t nr, uint32_t n,
		     struct mltrain_node *node)
{
	json_int_t left = json_integer_value(json_array_get(a[0], n));
	json_int_t right = json_integer_value(json_array_get(a[1], n));
	json_int_t feature = json_integer_value(json_array_get(a[2], n));
	json_t *cond = json_array_get(a[3], n);

	if (!json_is_number(cond) || !isfinite(json_number_value(cond)))
		return damaged(r, "a threshold");
	memset(node, 0, sizeof(*node));
	if (left == -1) {
		node->feature = -1;
		node->value = json_number_value(cond);
		return 0;
	}
	/* XGBoost numbers children behind their parents: so there are no cycles */
	if (left <= n || right <= n || left >= nr || right >= nr)
		return damaged(r, "a tree's child");
	if (feature < 0 || feature >= r->nr_features)
		return mltrain_fail(-EBADMSG, "%s: a tree asks for feature %lld, but the schema has %u",
				    r->what, (long long)feature, r->nr_features);
	node->feature = feature;
	node->left = left;
	node->right = right;
	node->threshold = integer_threshold(json_number_value(cond));
	return 0;
}

static int read_tree(struct reader *r, json_t *tree, uint32_t output)
{
	static const char *const names[] = {
		"left_children", "right_children", "split_indices", "split_conditions",
	};
	json_t *a[4], *types = json_object_get(tree, "split_type");
	struct mltrain_node *nodes;
	size_t nr = json_array_size(json_object_get(tree, names[0])), i;
	int err = 0;

	for (i = 0; i < 4; i++) {
		a[i] = json_object_get(tree, names[i]);
		if (!nr || nr > 1 << 20 || json_array_size(a[i]) != nr)
			return damaged(r, names[i]);
	}
	for (i = 0; i < json_array_size(types); i++)
		if (json_integer_value(json_array_get(types, i)))
			return mltrain_fail(-EBADMSG, "%s: a tree splits by categories: train it with numbers",
					    r->what);
	nodes = calloc(nr, sizeof(*nodes));
	if (!nodes)
		return mltrain_fail(-ENOMEM, "no memory for %zu nodes", nr);
	for (i = 0; !err && i < nr; i++)
		err = read_node(r, a, nr, i, &nodes[i]);
	if (err) {
		free(nodes);
		return err;
	}
	return mltrain_add_tree(r->m, r->first + output, nr, nodes);
}

static int read_trees(struct reader *r, json_t *model)
{
	json_t *trees = json_object_get(model, "trees");
	json_t *info = json_object_get(model, "tree_info");
	size_t nr = json_array_size(trees), i;
	int err = 0;

	if (!json_is_array(trees) || json_array_size(info) != nr)
		return damaged(r, "the list of trees");
	if (nr > MLPROXY_MODEL_MAX_TREES)
		return mltrain_fail(-EBADMSG, "%s: %zu trees, a model has at most %d: train it with fewer rounds",
				    r->what, nr, MLPROXY_MODEL_MAX_TREES);
	for (i = 0; !err && i < nr; i++) {
		json_int_t output = json_integer_value(json_array_get(info, i));

		if (output < 0 || output >= r->nr_outputs)
			return damaged(r, "tree_info");
		err = read_tree(r, json_array_get(trees, i), output);
	}
	return err;
}

static bool all_finite(const double *v, uint32_t n)
{
	while (n--)
		if (!isfinite(v[n]))
			return false;
	return true;
}

/*
 * The constant part: a number, or since XGBoost 3.1 a list of them as text, one for all
 * outputs or one each: "[7.19E2]".
 */
static int read_base(const struct reader *r, json_t *j, double *base)
{
	const char *text = json_string_value(j), *p = text;
	uint32_t n = 0;
	char *end;

	if (!text || *text != '[') {
		base[n++] = number_of(j, NAN);
	} else {
		do {
			base[n++] = strtod(++p, &end);
			if (end == p)
				break;
			p = end + strspn(end, " ");
		} while (*p == ',' && n < r->nr_outputs);
		if (strcmp(p, "]"))
			base[0] = NAN;
	}
	if (n == 1)
		for (; n < r->nr_outputs; n++)
			base[n] = base[0];
	if (n == r->nr_outputs && all_finite(base, n))
		return 0;
	return mltrain_fail(-EBADMSG, "%s: base_score is %s%s%s, which is not understood: a number, or a list of one an output, is expected",
			    r->what, text ? "\"" : "", text ? text : "missing", text ? "\"" : "");
}

static int read_learner(struct reader *r, json_t *learner, uint32_t max_outputs, double *base)
{
	json_t *param = json_object_get(learner, "learner_model_param");
	const char *booster = json_string_value(GET(learner, "gradient_booster", "name"));
	const char *objective = json_string_value(GET(learner, "objective", "name"));
	double features = number_of(json_object_get(param, "num_feature"), -1);
	double outputs = fmax(number_of(json_object_get(param, "num_class"), 0),
			      number_of(json_object_get(param, "num_target"), 1));
	int err;

	if (!booster || !objective)
		return damaged(r, "the learner");
	if (strcmp(booster, "gbtree"))
		return mltrain_fail(-EBADMSG, "%s: its booster is %s: only gbtree can be imported",
				    r->what, booster);
	if (strcmp(objective, "reg:squarederror") && strcmp(objective, "reg:absoluteerror") &&
	    strcmp(objective, "reg:pseudohubererror"))
		return mltrain_fail(-EBADMSG, "%s: its objective is %s: it must be a regression of the reward (reg:squarederror)",
				    r->what, objective);
	if (features != r->nr_features)
		return mltrain_fail(-EBADMSG, "%s: made for %g features, the schema has %u: train it on all of them, in the schema's order",
				    r->what, features, r->nr_features);
	if (!(outputs >= 1 && outputs <= max_outputs))
		return mltrain_fail(-EBADMSG, "%s: %g outputs, but the proxy has %u actions", r->what,
				    outputs, r->m->schema.schema.nr_actions);
	r->nr_outputs = outputs;
	err = read_base(r, json_object_get(param, "base_score"), base);
	return err ? err : read_trees(r, GET(learner, "gradient_booster", "model"));
}

/* "version": [3, 1, 0]; files of old ones have none. */
static void read_version(json_t *version, int out[2])
{
	out[0] = json_integer_value(json_array_get(version, 0));
	out[1] = json_integer_value(json_array_get(version, 1));
}

int mltrain_xgb_read(struct mltrain_xgb_file *f, uint32_t max_outputs)
{
	struct reader r = { .what = f->what, .nr_features = f->m->schema.schema.nr_features,
			    .first = f->first_output, .m = f->m };
	json_error_t error;
	json_t *root = json_loadb(f->text, f->len, 0, &error);
	int err;

	if (!root)
		return mltrain_fail(-EBADMSG, "%s: line %d: %s; XGBoost saves JSON under a name that ends in .json",
				    f->what, error.line, error.text);
	f->first_tree = f->m->nr_trees;
	err = read_learner(&r, json_object_get(root, "learner"), max_outputs, f->base);
	f->nr_outputs = r.nr_outputs;
	read_version(json_object_get(root, "version"), f->version);
	json_decref(root);
	return err;
}
