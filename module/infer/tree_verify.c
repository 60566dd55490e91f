// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verification of a file of decision trees. As in mlp_verify.c, each step relies
 * only on what the steps before it have shown, and nothing beyond the file's
 * length is ever read.
 *
 * A tree's nodes stand in breadth-first order, so one pass with two counters does
 * for its structure: the children of the inner nodes, in the order of their
 * parents, must be the nodes from 1 on, pair by pair, to the last. Hence each node
 * but the root has one parent, in front of it: there are no cycles, no node is
 * shared and none is out of reach, and levels follow one another.
 */
#include "header.h"
#include "tree.h"

/* A file under verification. */
struct verifier {
	const struct mlp_limits *limits;
	struct trees *trees;
	struct mlp_report *report;
	u32 nr_nodes;
	/* per output, the sum over its trees of the largest |value| */
	s64 reach[MLPROXY_MAX_ACTIONS];
};

#define refuse(v, reason, arg, ...)	model_refuse((v)->report, reason, arg, __VA_ARGS__)

/* The counts of the header, and the tables that they make. */
static int verify_tables(struct verifier *v, const void *data, size_t len)
{
	const struct mlproxy_model_hdr *hdr = data;
	size_t nodes;

	if (hdr->nr_inputs != v->limits->nr_features)
		return refuse(v, MLPROXY_REFUSED_SHAPE, hdr->nr_inputs,
			      "%u inputs, but the proxy has %u features",
			      hdr->nr_inputs, v->limits->nr_features);
	if (!hdr->nr_layers || hdr->nr_layers > MLPROXY_MODEL_MAX_TREES)
		return refuse(v, MLPROXY_REFUSED_SHAPE, hdr->nr_layers,
			      "%u trees: must be 1 to %u",
			      hdr->nr_layers, MLPROXY_MODEL_MAX_TREES);
	nodes = sizeof(*hdr) + hdr->nr_layers * sizeof(struct mlproxy_model_tree);
	if (nodes > len)
		return refuse(v, MLPROXY_REFUSED_LENGTH, nodes,
			      "%zu bytes can't hold %u trees: they take %zu",
			      len, hdr->nr_layers, nodes);
	if ((len - nodes) % sizeof(struct mlproxy_model_node))
		return refuse(v, MLPROXY_REFUSED_LENGTH, len,
			      "the last of the nodes is cut off: %zu bytes for nodes of %zu",
			      len - nodes, sizeof(struct mlproxy_model_node));
	v->trees->hdr = hdr;
	v->trees->tree = (const void *)((const u8 *)data + sizeof(*hdr));
	v->trees->nodes = (const void *)((const u8 *)data + nodes);
	/* at most MLPROXY_MODEL_MAX_BYTES over 16 */
	v->nr_nodes = (u32)((len - nodes) / sizeof(struct mlproxy_model_node));
	return 0;
}

/* The descriptor; the tree's nodes begin at @first and are within the file then. */
static int verify_descriptor(struct verifier *v, u32 t, u32 first)
{
	const struct mlproxy_model_tree *tree = &v->trees->tree[t];
	u64 arg = (u64)t << 32;

	if (tree->reserved)
		return refuse(v, MLPROXY_REFUSED_RESERVED, arg,
			      "tree %u: the reserved field is not 0", t);
	if (tree->output >= v->trees->hdr->nr_outputs)
		return refuse(v, MLPROXY_REFUSED_TREE, arg,
			      "tree %u: output %u, but the model has %u",
			      t, tree->output, v->trees->hdr->nr_outputs);
	if (tree->depth > MLPROXY_MODEL_MAX_DEPTH)
		return refuse(v, MLPROXY_REFUSED_TREE, arg,
			      "tree %u: depth %u: must be at most %u",
			      t, tree->depth, MLPROXY_MODEL_MAX_DEPTH);
	if (!tree->nr_nodes || tree->nr_nodes > MLPROXY_MODEL_MAX_NODES)
		return refuse(v, MLPROXY_REFUSED_TREE, arg,
			      "tree %u: %u nodes: must be 1 to %u",
			      t, tree->nr_nodes, MLPROXY_MODEL_MAX_NODES);
	if (tree->first_node != first)
		return refuse(v, MLPROXY_REFUSED_TREE, arg,
			      "tree %u starts at node %u, but the one before ends at %u",
			      t, tree->first_node, first);
	if (tree->nr_nodes > v->nr_nodes - first)
		return refuse(v, MLPROXY_REFUSED_TREE, arg,
			      "tree %u: nodes %u to %u, but the file has %u",
			      t, first, first + tree->nr_nodes, v->nr_nodes);
	return 0;
}

static int verify_leaf(struct verifier *v, const struct mlproxy_model_node *node, u32 t, u32 n)
{
	if (node->child || node->threshold)
		return refuse(v, MLPROXY_REFUSED_NODE, (u64)t << 32 | n,
			      "tree %u node %u: a leaf with child %u and threshold %lld, not 0",
			      t, n, node->child, (long long)node->threshold);
	return 0;
}

/* An inner node; @next is the first node that has no parent yet. */
static int verify_inner(struct verifier *v, const struct mlproxy_model_node *node, u32 t, u32 n,
			u32 next)
{
	u64 arg = (u64)t << 32 | n;
	u32 nr = v->trees->tree[t].nr_nodes;

	if (node->value)
		return refuse(v, MLPROXY_REFUSED_NODE, arg,
			      "tree %u node %u: an inner node with value %d, not 0",
			      t, n, node->value);
	if (node->feature >= v->limits->nr_features)
		return refuse(v, MLPROXY_REFUSED_NODE, arg,
			      "tree %u node %u: feature %u, but the schema has %u",
			      t, n, node->feature, v->limits->nr_features);
	if (node->child != next)
		return refuse(v, MLPROXY_REFUSED_NODE, arg,
			      "tree %u node %u: children at %u, but the next in order are at %u",
			      t, n, node->child, next);
	/* nr is at least 1 and next at most nr, so nothing wraps */
	if (nr - next < 2)
		return refuse(v, MLPROXY_REFUSED_NODE, arg,
			      "tree %u node %u: children at %u, but the tree has %u nodes",
			      t, n, next, nr);
	return 0;
}

/* The nodes of tree @t; how deep it is, and its largest |value|. */
static int verify_nodes(struct verifier *v, u32 t, u32 *depth, s64 *reach)
{
	const struct mlproxy_model_tree *tree = &v->trees->tree[t];
	const struct mlproxy_model_node *node = &v->trees->nodes[tree->first_node];
	u32 next = 1, level_end = 1, n;
	int err;

	*depth = 0;
	*reach = 0;
	for (n = 0; n < tree->nr_nodes; n++, node++) {
		if (n == next)
			return refuse(v, MLPROXY_REFUSED_NODE, (u64)t << 32 | n,
				      "tree %u node %u: no node leads to it", t, n);
		if (n == level_end) {
			level_end = next;
			++*depth;
		}
		if (node->feature == MLPROXY_NODE_LEAF) {
			s64 value = node->value;

			err = verify_leaf(v, node, t, n);
			value = value < 0 ? -value : value;
			*reach = value > *reach ? value : *reach;
		} else {
			err = verify_inner(v, node, t, n, next);
			next += 2;
		}
		if (err)
			return err;
	}
	return 0;
}

static int verify_tree(struct verifier *v, u32 t)
{
	const struct mlproxy_model_tree *tree = &v->trees->tree[t];
	s64 *sum = &v->reach[tree->output];
	u32 depth;
	s64 reach;
	int err;

	err = verify_nodes(v, t, &depth, &reach);
	if (err)
		return err;
	if (depth != tree->depth)
		return refuse(v, MLPROXY_REFUSED_TREE, (u64)t << 32,
			      "tree %u is %u deep, but says %u", t, depth, tree->depth);
	/* 1024 trees of at most 2^31 each fit an s64 */
	*sum += reach;
	if (*sum > S32_MAX)
		return refuse(v, MLPROXY_REFUSED_OVERFLOW, (u64)t << 32 | tree->output,
			      "the score of action %u can reach %lld with tree %u, beyond 32 bits",
			      tree->output, (long long)*sum, t);
	return 0;
}

int tree_verify(const void *data, size_t len, const struct mlp_limits *limits,
		struct trees *trees, struct mlp_report *report)
{
	struct verifier v = { .limits = limits, .trees = trees, .report = report };
	u32 first = 0, macs = 0, t;
	int err;

	memset(trees, 0, sizeof(*trees));
	memset(report, 0, sizeof(*report));
	err = model_verify_header(data, len, MLPROXY_MODEL_KIND_TREES, limits, report);
	if (err)
		return err;
	err = verify_tables(&v, data, len);
	if (err)
		return err;
	for (t = 0; t < trees->hdr->nr_layers; t++) {
		err = verify_descriptor(&v, t, first);
		if (err)
			return err;
		err = verify_tree(&v, t);
		if (err)
			return err;
		first += trees->tree[t].nr_nodes;
		macs += MLPROXY_MODEL_MACS_PER_NODE * (trees->tree[t].depth + 1);
	}
	if (first != v.nr_nodes)
		return refuse(&v, MLPROXY_REFUSED_LENGTH, len,
			      "the file has %u nodes, its trees only %u", v.nr_nodes, first);
	if (macs > limits->max_macs)
		return refuse(&v, MLPROXY_REFUSED_COST, macs,
			      "trees that cost as %u multiply-accumulates, the proxy allows %u: fewer or flatter ones",
			      macs, limits->max_macs);
	trees->macs = macs;
	return 0;
}
