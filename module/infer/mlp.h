/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fixed-point multilayer perceptron: verification and evaluation.
 *
 * One source for the kernel module and for user space (module/infer/ is compiled
 * into both), bit-exact between them. Integer arithmetic only. Nothing here
 * allocates, sleeps or takes a lock; nothing but the stack is written. The
 * arithmetic is defined in uapi/linux/mlproxy_model.h.
 */
#ifndef _MLPROXY_INFER_MLP_H
#define _MLPROXY_INFER_MLP_H

#include "../shared/port.h"
#include <linux/mlproxy.h>
#include <linux/mlproxy_model.h>

/**
 * struct mlp_limits - what the proxy asks of a model
 * @schema_hash: the proxy's
 * @nr_features: features in its schema
 * @nr_actions: its actions
 * @max_macs: multiply-accumulates allowed
 */
struct mlp_limits {
	u64 schema_hash;
	u32 nr_features;
	u32 nr_actions;
	u32 max_macs;
};

/**
 * struct mlp_report - why a model was refused
 * @reason: MLPROXY_REFUSED_*
 * @arg: what it is about; layer << 32 | row, an index, a size
 * @text: the reason in words, with the numbers
 */
struct mlp_report {
	u32 reason;
	u64 arg;
	char text[MLPROXY_TEXT_LEN];
};

/**
 * struct mlp - a verified model, with pointers into the caller's copy of it
 * @hdr: header
 * @inputs: preprocessing
 * @layers: layers
 * @packed: weights as mlp_pack() lays them out, or NULL
 * @macs: multiply-accumulates of one evaluation
 */
struct mlp {
	const struct mlproxy_model_hdr *hdr;
	const struct mlproxy_model_input *inputs;
	const struct mlproxy_model_layer *layers;
	const u64 *packed;
	u32 macs;
};

/**
 * mlp_verify() - check a model file in full
 * @data: the file, 8-byte aligned; a private copy that nobody else can write
 * @len: its length in bytes
 * @limits: what the proxy asks
 * @mlp: out: the model, valid while @data is
 * @report: out: the reason, where refused
 *
 * Interval analysis over the layers, with the ranges that the inputs' clamps and
 * the saturations allow, shows that no accumulator can leave the int32 range for
 * any features. Time is linear in @len.
 * Return: 0, or -EBADMSG with @report filled.
 */
int mlp_verify(const void *data, size_t len, const struct mlp_limits *limits,
	       struct mlp *mlp, struct mlp_report *report);

/**
 * mlp_packed_bytes() - memory that mlp_pack() needs
 * @mlp: a verified model
 *
 * Return: bytes, a multiple of 8; about 2.7 times the weights.
 */
size_t mlp_packed_bytes(const struct mlp *mlp);

/**
 * mlp_pack() - lay the weights out for fast evaluation
 * @mlp: a verified model; mlp_eval() uses @packed from then on
 * @packed: mlp_packed_bytes() bytes, 8-byte aligned, valid while @mlp is used
 *
 * Optional: it changes the cost of mlp_eval(), about threefold, and no result.
 */
void mlp_pack(struct mlp *mlp, u64 *packed);

/**
 * mlp_eval() - evaluate a verified model
 * @mlp: the model
 * @features: the schema's number of features, any values
 * @outputs: out: hdr->nr_outputs scores
 *
 * Context: any. Uses under 512 bytes of stack.
 */
void mlp_eval(const struct mlp *mlp, const s64 *features, s32 *outputs);

/**
 * mlp_choose() - choose an action by the scores
 * @mlp: the model
 * @outputs: scores from mlp_eval()
 * @baseline: the kernel's own choice, a bit of @allowed
 * @allowed: bit mask of legal actions
 *
 * Return: the legal action with the highest score, or @baseline if no score is
 * higher than the baseline's by more than the model's margin.
 */
u32 mlp_choose(const struct mlp *mlp, const s32 *outputs, u32 baseline, u32 allowed);

/**
 * mlp_predict() - reward that a score stands for
 * @mlp: the model
 * @score: an output of mlp_eval()
 *
 * Return: predicted reward in reward units.
 */
s64 mlp_predict(const struct mlp *mlp, s32 score);

/**
 * mlp_crc32() - CRC-32 (IEEE 802.3, reflected, as zlib's crc32())
 * @data: bytes
 * @len: how many
 */
u32 mlp_crc32(const void *data, size_t len);

/**
 * mlproxy_schema_hash() - FNV-1a (64 bit) of a schema
 * @schema: its scalar fields; pointers, counts of room and schema_hash ignored
 * @features: schema->nr_features of them
 * @actions: schema->nr_actions of them
 *
 * Over, in this order: schema_version, nr_features, nr_actions,
 * reward_direction (each as 4 bytes little endian), reward_min, reward_max (8
 * bytes), reward_name, reward_unit (whole arrays), then the features and the
 * actions as they are in memory (no padding in either).
 */
u64 mlproxy_schema_hash(const struct mlproxy_schema *schema,
			const struct mlproxy_feature *features,
			const struct mlproxy_action *actions);

#endif /* _MLPROXY_INFER_MLP_H */
