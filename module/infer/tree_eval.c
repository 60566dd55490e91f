// SPDX-License-Identifier: GPL-2.0-only
/*
 * Evaluation of verified trees: as many steps a tree as it is deep at most, no
 * recursion, no memory but the scores. It runs inside decisions, in any context.
 *
 * Packed, a node says where its feature and its children are in bytes, and a leaf is its own
 * child: each tree takes as many steps as it is deep, and no branch depends on the features.
 */
#include "tree.h"

/**
 * struct packed_tree - one tree; they stand before the nodes
 * @root: bytes from the first of these to the root
 * @depth: steps
 * @output: as in the file
 * @unused: so that it is as long as a node
 */
struct packed_tree {
	u32 root;
	u16 depth;
	u16 output;
	u64 unused;
};

/**
 * struct packed_node - one node, in the order of the file
 * @threshold: a feature below it goes left; S64_MIN in a leaf, where all go right
 * @feature: bytes from the first feature to its own
 * @child: bytes from the first tree to its left child, which the right one follows
 */
struct packed_node {
	s64 threshold;
	u32 feature;
	u32 child;
};

#define NODE_BIT 4	/* log2 of a node's bytes, packed or not */

size_t tree_packed_bytes(const struct trees *trees)
{
	const struct mlproxy_model_tree *last = &trees->tree[trees->hdr->nr_layers - 1];

	return trees->hdr->nr_layers * sizeof(struct packed_tree) +
	       (last->first_node + last->nr_nodes) * sizeof(struct packed_node);
}

static void pack_nodes(struct packed_node *to, const struct mlproxy_model_node *from, u32 nr,
		       u32 root)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		bool leaf = from[i].feature == MLPROXY_NODE_LEAF;

		to[i].threshold = leaf ? S64_MIN : from[i].threshold;
		to[i].feature = leaf ? 0 : from[i].feature * (u32)sizeof(s64);
		/* The right child of a leaf is itself. */
		to[i].child = root + (leaf ? (i << NODE_BIT) - (1U << NODE_BIT) :
					     (u32)from[i].child << NODE_BIT);
	}
}

void tree_pack(struct trees *trees, u64 *packed)
{
	u32 nr = trees->hdr->nr_layers, t;
	struct packed_tree *to = (void *)packed;
	struct packed_node *nodes = (void *)(to + nr);

	for (t = 0; t < nr; t++) {
		const struct mlproxy_model_tree *tree = &trees->tree[t];

		to[t] = (struct packed_tree) {
			.root = (nr + tree->first_node) << NODE_BIT,
			.depth = tree->depth,
			.output = tree->output,
		};
		pack_nodes(nodes + tree->first_node, trees->nodes + tree->first_node,
			   tree->nr_nodes, to[t].root);
	}
	trees->packed = packed;
}

static void eval_packed(const struct trees *trees, const s64 *features, s32 *outputs)
{
	const struct packed_tree *tree = (const void *)trees->packed;
	const struct packed_tree *end = tree + trees->hdr->nr_layers;
	const u8 *base = (const u8 *)tree;
	/* Where a leaf's score would be if the nodes in the file followed the packed trees. */
	const u8 *scores = (const u8 *)trees->nodes +
			   offsetof(struct mlproxy_model_node, value) - ((u8 *)end - base);

	for (; tree != end; tree++) {
		u64 at = tree->root;
		u32 depth;

		for (depth = tree->depth; depth; depth--) {
			const struct packed_node *node = (const void *)(base + at);
			s64 feature = *(const s64 *)((const u8 *)features + node->feature);

			at = node->child + ((u64)(feature >= node->threshold) << NODE_BIT);
		}
		outputs[tree->output] += *(const s32 *)(scores + at);
	}
}

static void eval_plain(const struct trees *trees, const s64 *features, s32 *outputs)
{
	u32 nr = trees->hdr->nr_layers;
	u32 t, depth;

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

void tree_eval(const struct trees *trees, const s64 *features, s32 *outputs)
{
	u32 o;

	for (o = 0; o < trees->hdr->nr_outputs; o++)
		outputs[o] = 0;
	if (trees->packed)
		eval_packed(trees, features, outputs);
	else
		eval_plain(trees, features, outputs);
}
