// SPDX-License-Identifier: GPL-2.0-only
/*
 * Evaluation of verified trees: as many steps a tree as it is deep at most, no
 * recursion, no memory but the scores. It runs inside decisions, in any context.
 */
#include "tree.h"

void tree_eval(const struct trees *trees, const s64 *features, s32 *outputs)
{
	u32 nr = trees->hdr->nr_layers;
	u32 t, o, depth;

	for (o = 0; o < trees->hdr->nr_outputs; o++)
		outputs[o] = 0;
	for (t = 0; t < nr; t++) {
		const struct mlproxy_model_tree *tree = &trees->tree[t];
		const struct mlproxy_model_node *root = &trees->nodes[tree->first_node];
		const struct mlproxy_model_node *node = root;

		/* The children are neighbours: no branch that could be predicted wrong. */
		for (depth = tree->depth; depth && node->feature != MLPROXY_NODE_LEAF; depth--)
			node = root + node->child +
			       (features[node->feature] >= node->threshold);
		outputs[tree->output] += node->value;
	}
}
