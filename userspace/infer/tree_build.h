/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Assembling a file of trees, for the quantiser, the import and the tests; as
 * mlp_build.h for perceptrons.
 */
#ifndef _MLPROXY_TREE_BUILD_H
#define _MLPROXY_TREE_BUILD_H

#include "tree.h"

/**
 * struct tree_spec_node - one node of a tree, in any order
 * @feature: index in the schema, negative for a leaf
 * @left: index in the tree, where the feature is below @threshold
 * @right: index in the tree, where it is not
 * @threshold: of an inner node
 * @value: of a leaf
 */
struct tree_spec_node {
	s32 feature;
	u32 left;
	u32 right;
	s64 threshold;
	s32 value;
};

/**
 * struct tree_spec_tree - one tree
 * @output: action whose score it adds to
 * @nr_nodes: entries in @nodes
 * @nodes: nodes, the root first; those that nothing leads to are left out
 */
struct tree_spec_tree {
	u32 output;
	u32 nr_nodes;
	const struct tree_spec_node *nodes;
};

/**
 * struct tree_spec - the parts of a model
 * @schema_hash: of the proxy it is for
 * @trained_ns: CLOCK_REALTIME of the training
 * @name: name; cut off at 31 bytes
 * @margin: see struct mlproxy_model_hdr
 * @out_mul: likewise
 * @out_shift: likewise
 * @out_offset: likewise
 * @nr_features: the schema's features
 * @nr_outputs: the proxy's actions
 * @nr_trees: entries in @trees
 * @trees: the trees
 */
struct tree_spec {
	u64 schema_hash;
	u64 trained_ns;
	const char *name;
	s32 margin;
	s32 out_mul;
	u32 out_shift;
	s64 out_offset;
	u32 nr_features;
	u32 nr_outputs;
	u32 nr_trees;
	const struct tree_spec_tree *trees;
};

/**
 * tree_build() - lay out a file of trees
 * @spec: the parts
 * @data: out: the file, 8-byte aligned, to be given to free()
 * @len: out: its length in bytes
 *
 * Whether the result is a valid model is for tree_verify() to say.
 * Return: 0, -EINVAL for no trees or too many, for children out of a tree's
 * bounds, for a node that is reached twice or for a tree too deep for the format,
 * -EFBIG for a file longer than MLPROXY_MODEL_MAX_BYTES, or -ENOMEM.
 */
int tree_build(const struct tree_spec *spec, void **data, size_t *len);

#endif /* _MLPROXY_TREE_BUILD_H */
