// SPDX-License-Identifier: GPL-2.0-only
/* The reference evaluation of trees; see ref_tree.h. Recursive, in 64 bits. */
#include <string.h>

#include <linux/mlproxy_model.h>

#include "ref_tree.h"

static int64_t walk(const char *tree, unsigned int index, const int64_t *features)
{
	struct mlproxy_model_node n;

	memcpy(&n, tree + index * sizeof(n), sizeof(n));
	if (n.feature == MLPROXY_NODE_LEAF)
		return n.value;
	if (features[n.feature] < n.threshold)
		return walk(tree, n.child, features);
	return walk(tree, n.child + 1U, features);
}

void ref_tree_eval(const void *file, const int64_t *features, int64_t *outputs)
{
	const char *base = file;
	struct mlproxy_model_hdr hdr;
	struct mlproxy_model_tree tree;
	const char *nodes;

	memcpy(&hdr, base, sizeof(hdr));
	nodes = base + sizeof(hdr) + hdr.nr_layers * sizeof(tree);
	memset(outputs, 0, hdr.nr_outputs * sizeof(*outputs));
	for (unsigned int t = 0; t < hdr.nr_layers; t++) {
		memcpy(&tree, base + sizeof(hdr) + t * sizeof(tree), sizeof(tree));
		outputs[tree.output] += walk(nodes, 0, features);
		nodes += tree.nr_nodes * sizeof(struct mlproxy_model_node);
	}
}
