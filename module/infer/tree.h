/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decision trees: verification and evaluation, as mlp.h for perceptrons. The
 * arithmetic is defined in uapi/linux/mlproxy_model.h.
 */
#ifndef _MLPROXY_INFER_TREE_H
#define _MLPROXY_INFER_TREE_H

#include "mlp.h"

/**
 * struct trees - verified trees, with pointers into the caller's copy of them
 * @hdr: header
 * @tree: hdr->nr_layers trees
 * @nodes: the nodes of all trees
 * @packed: what tree_pack() has laid out, or NULL
 * @macs: cost of one evaluation: MLPROXY_MODEL_MACS_PER_NODE for each node on the
 *	longest way through each tree
 */
struct trees {
	const struct mlproxy_model_hdr *hdr;
	const struct mlproxy_model_tree *tree;
	const struct mlproxy_model_node *nodes;
	const u64 *packed;
	u32 macs;
};

/**
 * tree_verify() - check a file of trees in full
 * @data: the file, 8-byte aligned; a private copy that nobody else can write
 * @len: its length in bytes
 * @limits: what the proxy asks
 * @trees: out: the trees, valid while @data is
 * @report: out: the reason, where refused; @arg is tree << 32 | node in it
 *
 * Time is linear in @len, with no memory but the stack.
 * Return: 0, or -EBADMSG with @report filled.
 */
int tree_verify(const void *data, size_t len, const struct mlp_limits *limits,
		struct trees *trees, struct mlp_report *report);

/**
 * tree_packed_bytes() - memory that tree_pack() needs
 * @trees: verified trees
 *
 * Return: bytes, a multiple of 8; as many as the trees and nodes have in the file.
 */
size_t tree_packed_bytes(const struct trees *trees);

/**
 * tree_pack() - lay trees out for fast evaluation
 * @trees: verified trees; tree_eval() uses @packed from then on
 * @packed: tree_packed_bytes() bytes, 8-byte aligned, valid while @trees is used
 *
 * Optional: it changes the cost of tree_eval(), and no result.
 */
void tree_pack(struct trees *trees, u64 *packed);

/**
 * tree_eval() - evaluate verified trees
 * @trees: the trees
 * @features: the schema's number of features, any values
 * @outputs: out: hdr->nr_outputs scores
 *
 * Context: any.
 */
void tree_eval(const struct trees *trees, const s64 *features, s32 *outputs);

#endif /* _MLPROXY_INFER_TREE_H */
