// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trees in fixed point. Thresholds are integers already; the leaves get one scale,
 * the finest by which no sum of them can leave 30 bits. What is lost is the
 * rounding of the leaves, and of the margin.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_priv.h"
#include "tree_build.h"

#define SUM_LIMIT	(1 << 30)

/* The value of 1: by the action whose scores reach furthest. */
static double scale_of_leaves(const struct mltrain_model *m)
{
	double reach[MLPROXY_MAX_ACTIONS] = { 0 }, most = 0;
	uint32_t t, n;

	for (t = 0; t < m->nr_trees; t++) {
		double largest = 0;

		for (n = 0; n < m->trees[t].nr_nodes; n++)
			if (m->trees[t].nodes[n].feature < 0)
				largest = fmax(largest, fabs(m->trees[t].nodes[n].value));
		reach[m->trees[t].output] += largest;
		most = fmax(most, reach[m->trees[t].output]);
	}
	return (most > 0 ? most : 1) / SUM_LIMIT;
}

static struct tree_spec_node *spec_nodes(const struct mltrain_tree *tree, double scale)
{
	struct tree_spec_node *nodes = calloc(tree->nr_nodes, sizeof(*nodes));
	uint32_t n;

	for (n = 0; nodes && n < tree->nr_nodes; n++) {
		const struct mltrain_node *from = &tree->nodes[n];

		nodes[n] = (struct tree_spec_node){
			.feature = from->feature, .left = from->left, .right = from->right,
			.threshold = from->threshold,
			.value = from->feature < 0 ? lround(from->value / scale) : 0,
		};
	}
	return nodes;
}

static int build(const struct mltrain_model *m, double scale, void **file, size_t *len)
{
	struct tree_spec_tree *trees = calloc(m->nr_trees, sizeof(*trees));
	struct tree_spec spec = {
		.schema_hash = m->schema.schema.schema_hash,
		.trained_ns = m->trained_ns,
		.name = m->name,
		.margin = fmin(m->margin / scale, 1 << 30),
		.out_offset = llround(m->reward_mean),
		.nr_features = m->schema.schema.nr_features,
		.nr_outputs = m->schema.schema.nr_actions,
		.nr_trees = m->nr_trees,
		.trees = trees,
	};
	uint32_t t;
	int err = trees ? 0 : -ENOMEM;

	for (t = 0; !err && t < m->nr_trees; t++) {
		trees[t].output = m->trees[t].output;
		trees[t].nr_nodes = m->trees[t].nr_nodes;
		trees[t].nodes = spec_nodes(&m->trees[t], scale);
		err = trees[t].nodes ? 0 : -ENOMEM;
	}
	err = err ?: mltrain_scale_of(mltrain_sign(&m->schema) * scale * m->reward_scale,
				      &spec.out_mul, &spec.out_shift);
	err = err ?: tree_build(&spec, file, len);
	for (t = 0; trees && t < m->nr_trees; t++)
		free((void *)trees[t].nodes);
	free(trees);
	if (err == -EFBIG)
		return mltrain_fail(err, "the trees don't fit into %u bytes: choose fewer or flatter ones (--trees, --depth)",
				    MLPROXY_MODEL_MAX_BYTES);
	if (err == -EINVAL)
		return mltrain_fail(err, "%u trees of up to %u levels: the format takes %u of %u",
				    m->nr_trees, mltrain_tree_depth(&m->trees[0]),
				    MLPROXY_MODEL_MAX_TREES, MLPROXY_MODEL_MAX_DEPTH);
	return err ? mltrain_fail(err, "can't build the model file: %s", strerror(-err)) : 0;
}

static int compare(const struct mltrain_model *m, const struct mlds_data *data,
		   const struct mltrain_rows *from, const struct model *fixed, double scale,
		   struct mltrain_quant_report *r)
{
	struct mltrain_rows rows = { 0 };
	float *scores = NULL;
	int err = mltrain_thin(from, &rows);

	if (!err) {
		scores = malloc(rows.n * data->nr_actions * sizeof(*scores));
		err = scores ? mltrain_predict(m, data, &rows, scores) :
			       mltrain_fail(-ENOMEM, "no memory for %zu rows", rows.n);
	}
	if (!err) {
		mltrain_compare(m, data, &rows, scores, fixed, scale, &r->rmse, &r->agreement);
		r->rows = rows.n;
		r->rmse_reward = r->rmse * m->reward_scale;
	}
	free(scores);
	mltrain_rows_free(&rows);
	return err;
}

int mltrain_quantise_trees(const struct mltrain_model *m, const struct mlds_data *data,
			   const struct mltrain_rows *rows, void **file, size_t *len,
			   struct mltrain_quant_report *report)
{
	const struct mlproxy_schema *s = &m->schema.schema;
	struct mlp_limits limits = { s->schema_hash, s->nr_features, s->nr_actions,
				     s->max_macs };
	double scale = scale_of_leaves(m);
	struct mlp_report refused;
	struct model fixed;
	int err;

	err = build(m, scale, file, len);
	if (err)
		return err;
	if (model_verify(*file, *len, &limits, &fixed, &refused))
		err = mltrain_fail(-EBADMSG, "the quantised model is refused: %s", refused.text);
	err = err ?: compare(m, data, rows, &fixed, scale, report);
	if (err) {
		free(*file);
		*file = NULL;
		return err;
	}
	report->macs = model_cost(&fixed);
	report->bytes = *len;
	report->margin = fixed.hdr->margin;
	return 0;
}
