/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of any kind, behind one set of calls.
 */
#ifndef _MLPROXY_INFER_MODEL_H
#define _MLPROXY_INFER_MODEL_H

#include "mlp.h"
#include "tree.h"

/**
 * struct model - a verified model, with pointers into the caller's copy of it
 * @kind: MLPROXY_MODEL_KIND_*
 * @hdr: header
 * @mlp: the perceptron, by @kind
 * @trees: the trees, by @kind
 */
struct model {
	u32 kind;
	const struct mlproxy_model_hdr *hdr;
	union {
		struct mlp mlp;
		struct trees trees;
	};
};

/**
 * model_verify() - check a model file in full
 * @data: the file, 8-byte aligned; a private copy that nobody else can write
 * @len: its length in bytes
 * @limits: what the proxy asks
 * @model: out: the model, valid while @data is
 * @report: out: the reason, where refused
 *
 * Return: 0, or -EBADMSG with @report filled.
 */
int model_verify(const void *data, size_t len, const struct mlp_limits *limits,
		 struct model *model, struct mlp_report *report);

/**
 * model_packed_bytes() - memory that model_pack() needs
 * @model: a verified model
 *
 * Return: bytes, a multiple of 8.
 */
size_t model_packed_bytes(const struct model *model);

/**
 * model_pack() - lay a model out for fast evaluation
 * @model: a verified model
 * @packed: model_packed_bytes() bytes, 8-byte aligned, valid while @model is used
 *
 * Optional, as mlp_pack().
 */
void model_pack(struct model *model, u64 *packed);

/**
 * model_eval() - evaluate a verified model
 * @model: the model
 * @features: the schema's number of features, any values
 * @outputs: out: hdr->nr_outputs scores
 *
 * Context: any. Uses under 512 bytes of stack.
 */
void model_eval(const struct model *model, const s64 *features, s32 *outputs);

/**
 * model_choose() - choose an action by the scores
 * @model: the model
 * @outputs: scores from model_eval()
 * @baseline: the kernel's own choice, a bit of @allowed
 * @allowed: bit mask of legal actions
 *
 * Return: as mlp_choose().
 */
u32 model_choose(const struct model *model, const s32 *outputs, u32 baseline, u32 allowed);

/**
 * model_predict() - reward that a score stands for
 * @model: the model
 * @score: an output of model_eval()
 *
 * Return: predicted reward in reward units.
 */
s64 model_predict(const struct model *model, s32 score);

/**
 * model_cost() - cost of one evaluation
 * @model: the model
 *
 * Return: multiply-accumulates; trees by MLPROXY_MODEL_MACS_PER_NODE.
 */
u32 model_cost(const struct model *model);

#endif /* _MLPROXY_INFER_MODEL_H */
