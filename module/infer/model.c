// SPDX-License-Identifier: GPL-2.0-only
/*
 * A model of any kind: each call goes to the kind's own.
 */
#include "model.h"
#include "score.h"

/* The kind that a file claims; what is not even a header claims to be an MLP. */
static u32 kind_of(const void *data, size_t len)
{
	const struct mlproxy_model_hdr *hdr = data;

	return len < sizeof(*hdr) || hdr->kind != MLPROXY_MODEL_KIND_TREES ?
	       MLPROXY_MODEL_KIND_MLP : MLPROXY_MODEL_KIND_TREES;
}

int model_verify(const void *data, size_t len, const struct mlp_limits *limits,
		 struct model *model, struct mlp_report *report)
{
	int err;

	memset(model, 0, sizeof(*model));
	model->kind = kind_of(data, len);
	model->hdr = data;
	if (model->kind == MLPROXY_MODEL_KIND_TREES)
		err = tree_verify(data, len, limits, &model->trees, report);
	else
		err = mlp_verify(data, len, limits, &model->mlp, report);
	return err;
}

size_t model_packed_bytes(const struct model *model)
{
	return model->kind == MLPROXY_MODEL_KIND_TREES ? tree_packed_bytes(&model->trees) :
							 mlp_packed_bytes(&model->mlp);
}

void model_pack(struct model *model, u64 *packed)
{
	if (model->kind == MLPROXY_MODEL_KIND_TREES)
		tree_pack(&model->trees, packed);
	else
		mlp_pack(&model->mlp, packed);
}

void model_eval(const struct model *model, const s64 *features, s32 *outputs)
{
	if (model->kind == MLPROXY_MODEL_KIND_TREES)
		tree_eval(&model->trees, features, outputs);
	else
		mlp_eval(&model->mlp, features, outputs);
}

u32 model_choose(const struct model *model, const s32 *outputs, u32 baseline, u32 allowed)
{
	return score_choose(model->hdr, outputs, baseline, allowed);
}

s64 model_predict(const struct model *model, s32 score)
{
	return score_predict(model->hdr, score);
}

u32 model_cost(const struct model *model)
{
	return model->kind == MLPROXY_MODEL_KIND_TREES ? model->trees.macs : model->mlp.macs;
}
