/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The evaluation with packed weights, behind mlp_eval().
 */
#ifndef _MLPROXY_INFER_MLP_PACK_H
#define _MLPROXY_INFER_MLP_PACK_H

#include "mlp.h"

void mlp_eval_packed(const struct mlp *mlp, const s64 *features, s32 *outputs);

#endif /* _MLPROXY_INFER_MLP_PACK_H */
