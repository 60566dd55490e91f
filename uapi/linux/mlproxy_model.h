/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * mlproxy: the format of a model file, as MLPROXY_IOC_MODEL_LOAD takes it.
 *
 * Little endian, every offset from the start of the file, every array 8-byte
 * aligned. Of two kinds, which the header's @kind tells apart.
 *
 * A multilayer perceptron:
 *
 *	struct mlproxy_model_hdr
 *	struct mlproxy_model_input[nr_inputs]
 *	struct mlproxy_model_layer[nr_layers]
 *	per layer: __s32 bias[out], then __s8 weight[out][in]
 *
 * Arithmetic, the same in kernel and user space, bit for bit:
 *
 *	x   = clamp(feature, clamp_min, clamp_max)
 *	x   = op(x)			LINEAR: x; LOG2: log2_q8(x); EQUAL: below
 *	q   = sat8(rshift_round((x - offset) * mul, shift))
 *	acc = bias[o] + sum(weight[o][i] * q[i])		int32
 *	acc = max(acc, 0)					with RELU
 *	q   = sat8(rshift_round(acc * mul, shift))		not in the last layer
 *
 * rshift_round(v, s) rounds to nearest, ties towards plus infinity:
 * (v + (1 << (s - 1))) >> s, an arithmetic shift; s = 0 leaves v. sat8 saturates
 * to -128..127. EQUAL gives 127 where x == offset, else 0 (mul, shift unused).
 * log2_q8(x) = sign(x) * f(|x| + 1), f(v) = (msb(v) << 8) + the 8 bits after the
 * most significant one: log2 in 1/256, linear between powers of two.
 *
 * The last layer's accumulators are one score an action; a higher score is
 * better, whatever the reward's direction. The choice is the legal action with
 * the highest score, the lowest index among equals, but the baseline unless the
 * score exceeds the baseline's by more than @margin. The predicted reward is
 * rshift_round(score * out_mul, out_shift) + out_offset.
 *
 * Decision trees, one or many an action:
 *
 *	struct mlproxy_model_hdr		@nr_inputs: the schema's features,
 *						@nr_layers: trees
 *	struct mlproxy_model_tree[nr_layers]
 *	struct mlproxy_model_node[]		the trees' nodes, one tree behind the
 *						other, and the end of the file
 *
 * A tree is walked from its first node; features are the raw values of the schema:
 *
 *	while (node.feature != MLPROXY_NODE_LEAF)
 *		node = nodes[first_node + node.child + (features[node.feature] >=
 *							node.threshold)]
 *	score[tree.output] += node.value		int32
 *
 * So the left child is at @child and the right one behind it, and a value below
 * the threshold goes left, as in XGBoost. Features are integers: a real threshold
 * t is ceil(t) here, which takes the same decision for every value. An action
 * without a tree has score 0. Choice and prediction are those of the perceptron.
 *
 * The nodes of a tree stand in breadth-first order: the root, then the children of
 * each inner node in the order of their parents. There is one such file of a tree,
 * and a pass over it shows that each node is reached once and how deep it is.
 */
#ifndef _UAPI_LINUX_MLPROXY_MODEL_H
#define _UAPI_LINUX_MLPROXY_MODEL_H

#include <linux/types.h>

#define MLPROXY_MODEL_MAGIC		0x31504c4dU	/* "MLP1" */
#define MLPROXY_MODEL_FORMAT		1
#define MLPROXY_MODEL_KIND_MLP		1
#define MLPROXY_MODEL_KIND_TREES	2

#define MLPROXY_MODEL_MAX_BYTES		(256U << 10)
#define MLPROXY_MODEL_MAX_INPUTS	64
#define MLPROXY_MODEL_MAX_LAYERS	8
#define MLPROXY_MODEL_MAX_WIDTH		128
#define MLPROXY_MODEL_MAX_SHIFT		46
#define MLPROXY_MODEL_MAX_TREES		1024
#define MLPROXY_MODEL_MAX_NODES		8191	/* of one tree */
#define MLPROXY_MODEL_MAX_DEPTH		16	/* comparisons to a leaf */
/*
 * What a comparison, or a leaf's addition, counts in multiply-accumulates: it takes
 * about 1.5 ns in the first cache and 3 to 5 ns beyond it, where a multiply-
 * accumulate takes 0.4 ns.
 */
#define MLPROXY_MODEL_MACS_PER_NODE	8

/* In place of a feature: the node is a leaf. */
#define MLPROXY_NODE_LEAF		0xffff

/* Operations of an input. */
#define MLPROXY_INPUT_LINEAR		0
#define MLPROXY_INPUT_LOG2		1
#define MLPROXY_INPUT_EQUAL		2
#define MLPROXY_NR_INPUT_OPS		3

/* Flags of a layer. */
#define MLPROXY_LAYER_RELU		(1U << 0)

/* Reasons for which a model is refused. */
#define MLPROXY_REFUSED_NONE		0
#define MLPROXY_REFUSED_LENGTH		1	/* too short, too long, not as stated */
#define MLPROXY_REFUSED_MAGIC		2
#define MLPROXY_REFUSED_FORMAT		3	/* unknown format version */
#define MLPROXY_REFUSED_KIND		4	/* unknown kind of model */
#define MLPROXY_REFUSED_CHECKSUM	5
#define MLPROXY_REFUSED_RESERVED	6	/* a reserved field is not 0 */
#define MLPROXY_REFUSED_SCHEMA		7	/* made for another schema */
#define MLPROXY_REFUSED_SHAPE		8	/* counts or widths out of range */
#define MLPROXY_REFUSED_CHAIN		9	/* a layer's input is not the last's output */
#define MLPROXY_REFUSED_OFFSET		10	/* an array out of bounds or misaligned */
#define MLPROXY_REFUSED_INPUT		11	/* an input's feature, op or range */
#define MLPROXY_REFUSED_SCALE		12	/* a multiplier or shift out of range */
#define MLPROXY_REFUSED_OVERFLOW	13	/* an accumulator could overflow */
#define MLPROXY_REFUSED_COST		14	/* too many multiply-accumulates */
#define MLPROXY_REFUSED_FLAGS		15	/* unknown flag */
#define MLPROXY_REFUSED_NAME		16	/* name not terminated */
#define MLPROXY_REFUSED_TREE		17	/* a tree's output, nodes or depth */
#define MLPROXY_REFUSED_NODE		18	/* a node's feature, child or leaf */
#define MLPROXY_NR_REFUSED		19

/**
 * struct mlproxy_model_hdr - start of a model file
 * @magic: MLPROXY_MODEL_MAGIC
 * @format: MLPROXY_MODEL_FORMAT
 * @kind: MLPROXY_MODEL_KIND_*
 * @total_len: length of the file in bytes, a multiple of 8
 * @crc32: CRC-32 (IEEE 802.3, as zlib's crc32()) of all that follows this field
 * @schema_hash: struct mlproxy_schema.schema_hash of the proxy it is for
 * @nr_inputs: inputs of the first layer, 1 to MLPROXY_MODEL_MAX_INPUTS; trees: the
 *	schema's number of features
 * @nr_outputs: outputs of the last layer: the proxy's number of actions
 * @nr_layers: 1 to MLPROXY_MODEL_MAX_LAYERS; trees: how many, 1 to
 *	MLPROXY_MODEL_MAX_TREES
 * @margin: the score must exceed the baseline's by more than this; 0 to S32_MAX
 * @out_mul: scale of a score to a reward
 * @out_shift: 0 to MLPROXY_MODEL_MAX_SHIFT
 * @out_offset: reward at score 0, in reward units; |out_offset| <= 1 << 46
 * @trained_ns: CLOCK_REALTIME of the training, information only
 * @name: name, NUL terminated
 * @reserved: 0
 */
struct mlproxy_model_hdr {
	__u32 magic;
	__u16 format;
	__u16 kind;
	__u32 total_len;
	__u32 crc32;
	__aligned_u64 schema_hash;
	__u32 nr_inputs;
	__u32 nr_outputs;
	__u32 nr_layers;
	__s32 margin;
	__s32 out_mul;
	__u32 out_shift;
	__s64 out_offset __attribute__((aligned(8)));
	__aligned_u64 trained_ns;
	char name[32];
	__u32 reserved[4];
};

/**
 * struct mlproxy_model_input - preprocessing of one input
 * @clamp_min: smallest value, >= -(1 << 46)
 * @clamp_max: largest value, >= @clamp_min, <= 1 << 46
 * @offset: taken off after @op; |offset| <= 1 << 46
 * @mul: multiplier, |mul| <= 32767
 * @shift: 0 to MLPROXY_MODEL_MAX_SHIFT
 * @op: MLPROXY_INPUT_*
 * @feature: index of the feature in the schema
 * @reserved: 0
 */
struct mlproxy_model_input {
	__s64 clamp_min __attribute__((aligned(8)));
	__s64 clamp_max __attribute__((aligned(8)));
	__s64 offset __attribute__((aligned(8)));
	__s32 mul;
	__u32 shift;
	__u16 op;
	__u16 feature;
	__u32 reserved;
};

/**
 * struct mlproxy_model_layer - one layer
 * @nr_in: inputs, 1 to MLPROXY_MODEL_MAX_WIDTH
 * @nr_out: outputs, 1 to MLPROXY_MODEL_MAX_WIDTH
 * @flags: MLPROXY_LAYER_*
 * @mul: requantisation multiplier, 1 to S32_MAX; 0 in the last layer
 * @shift: 0 to MLPROXY_MODEL_MAX_SHIFT; 0 in the last layer
 * @bias_offset: of __s32[nr_out]
 * @weight_offset: of __s8[nr_out][nr_in]
 * @reserved: 0
 */
struct mlproxy_model_layer {
	__u16 nr_in;
	__u16 nr_out;
	__u32 flags;
	__s32 mul;
	__u32 shift;
	__u32 bias_offset;
	__u32 weight_offset;
	__aligned_u64 reserved;
};

/**
 * struct mlproxy_model_tree - one tree
 * @output: action whose score its leaves add to
 * @depth: comparisons on the longest way to a leaf, 0 for a root that is a leaf; at
 *	most MLPROXY_MODEL_MAX_DEPTH
 * @nr_nodes: 1 to MLPROXY_MODEL_MAX_NODES
 * @first_node: index of the root among all nodes: the sum of the @nr_nodes of the
 *	trees before
 * @reserved: 0
 */
struct mlproxy_model_tree {
	__u16 output;
	__u16 depth;
	__u32 nr_nodes;
	__u32 first_node;
	__u32 reserved;
};

/**
 * struct mlproxy_model_node - one node
 * @threshold: a feature below it goes left, else right; 0 in a leaf
 * @value: a leaf's score; 0 in an inner node
 * @feature: index of the feature in the schema, or MLPROXY_NODE_LEAF
 * @child: index in the tree of the left child, which the right one follows; 0 in a
 *	leaf
 *
 * Per output, the sum over the trees of the largest |@value| fits S32_MAX.
 */
struct mlproxy_model_node {
	__s64 threshold __attribute__((aligned(8)));
	__s32 value;
	__u16 feature;
	__u16 child;
};

#endif /* _UAPI_LINUX_MLPROXY_MODEL_H */
