// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trees of a float model: their making, their cost and their scores.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "train_priv.h"

void mltrain_trees_free(struct mltrain_model *m)
{
	uint32_t t;

	for (t = 0; t < m->nr_trees; t++)
		free(m->trees[t].nodes);
	free(m->trees);
	m->trees = NULL;
	m->nr_trees = 0;
}

int mltrain_add_tree(struct mltrain_model *m, uint32_t output, uint32_t nr_nodes,
		     struct mltrain_node *nodes)
{
	struct mltrain_tree *trees = realloc(m->trees, (m->nr_trees + 1) * sizeof(*trees));

	if (!trees) {
		free(nodes);
		return mltrain_fail(-ENOMEM, "no memory for %u trees", m->nr_trees + 1);
	}
	m->trees = trees;
	m->trees[m->nr_trees++] = (struct mltrain_tree){ output, nr_nodes, nodes };
	return 0;
}

int mltrain_add_leaf(struct mltrain_model *m, uint32_t output, float value)
{
	struct mltrain_node *leaf = calloc(1, sizeof(*leaf));

	if (!leaf)
		return mltrain_fail(-ENOMEM, "no memory for a tree");
	leaf->feature = -1;
	leaf->value = value;
	return mltrain_add_tree(m, output, 1, leaf);
}

void mltrain_raise_tree(struct mltrain_tree *tree, double value)
{
	uint32_t n;

	for (n = 0; n < tree->nr_nodes; n++)
		if (tree->nodes[n].feature < 0)
			tree->nodes[n].value += value;
}

/* Children stand behind their parents, so backwards all heights are known. */
uint32_t mltrain_tree_depth(const struct mltrain_tree *tree)
{
	uint32_t *height = calloc(tree->nr_nodes, sizeof(*height)), n, depth;

	if (!height)
		return MLPROXY_MODEL_MAX_DEPTH;	/* the most expensive guess */
	for (n = tree->nr_nodes; n--;) {
		const struct mltrain_node *node = &tree->nodes[n];

		if (node->feature < 0)
			continue;
		height[n] = 1 + (height[node->left] > height[node->right] ?
				 height[node->left] : height[node->right]);
	}
	depth = height[0];
	free(height);
	return depth;
}

uint32_t mltrain_trees_cost(const struct mltrain_model *m)
{
	uint32_t cost = 0, t;

	for (t = 0; t < m->nr_trees; t++)
		cost += MLPROXY_MODEL_MACS_PER_NODE * (mltrain_tree_depth(&m->trees[t]) + 1);
	return cost;
}

bool mltrain_trees_sane(const struct mltrain_model *m)
{
	const struct mlproxy_schema *s = &m->schema.schema;
	uint32_t t, n;

	for (t = 0; t < m->nr_trees; t++) {
		const struct mltrain_tree *tree = &m->trees[t];

		if (tree->output >= s->nr_actions || !tree->nr_nodes)
			return false;
		for (n = 0; n < tree->nr_nodes; n++) {
			const struct mltrain_node *node = &tree->nodes[n];

			if (node->feature < 0)
				continue;
			if ((uint32_t)node->feature >= s->nr_features || node->left <= n ||
			    node->right <= n || node->left >= tree->nr_nodes ||
			    node->right >= tree->nr_nodes)
				return false;
		}
	}
	return m->nr_trees > 0;
}

static float tree_score(const struct mltrain_tree *tree, const int64_t *features)
{
	const struct mltrain_node *node = tree->nodes;

	while (node->feature >= 0)
		node = &tree->nodes[features[node->feature] < node->threshold ? node->left :
										node->right];
	return node->value;
}

void mltrain_trees_predict(const struct mltrain_model *m, const struct mlds_data *data,
			   const struct mltrain_rows *rows, float *scores)
{
	uint32_t t;
	size_t i;

	for (i = 0; i < rows->n; i++) {
		const int64_t *f = data->features + (size_t)rows->row[i] * data->nr_features;
		float *s = scores + i * data->nr_actions;

		memset(s, 0, data->nr_actions * sizeof(*s));
		for (t = 0; t < m->nr_trees; t++)
			s[m->trees[t].output] += tree_score(&m->trees[t], f);
	}
}
