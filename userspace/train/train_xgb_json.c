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

#include "train_priv.h"

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

/* XGBoost writes its parameters as text. */
static double number_of(json_t *j, double otherwise)
{
	const char *text = json_string_value(j);

	if (text)
		return strtod(text, NULL);
	return json_is_number(j) ? json_number_value(j) : otherwise;
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

static int read_learner(struct reader *r, json_t *learner, uint32_t max_outputs, double *base)
{
	json_t *param = json_object_get(learner, "learner_model_param");
	const char *booster = json_string_value(GET(learner, "gradient_booster", "name"));
	const char *objective = json_string_value(GET(learner, "objective", "name"));
	double features = number_of(json_object_get(param, "num_feature"), -1);
	double outputs = fmax(number_of(json_object_get(param, "num_class"), 0),
			      number_of(json_object_get(param, "num_target"), 1));

	*base = number_of(json_object_get(param, "base_score"), NAN);
	if (!booster || !objective || !isfinite(*base))
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
	return read_trees(r, GET(learner, "gradient_booster", "model"));
}

int mltrain_read_xgboost(const char *text, size_t len, const char *what, uint32_t nr_features,
			 uint32_t first, uint32_t max_outputs, struct mltrain_model *m,
			 uint32_t *nr_outputs, double *base)
{
	struct reader r = { .what = what, .nr_features = nr_features, .first = first, .m = m };
	json_error_t error;
	json_t *root = json_loadb(text, len, 0, &error);
	int err;

	if (!root)
		return mltrain_fail(-EBADMSG, "%s: line %d: %s; XGBoost saves JSON under a name that ends in .json",
				    what, error.line, error.text);
	err = read_learner(&r, json_object_get(root, "learner"), max_outputs, base);
	*nr_outputs = r.nr_outputs;
	json_decref(root);
	return err;
}
