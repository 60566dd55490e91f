/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From scores to an action and a reward, the same for all kinds of models.
 */
#ifndef _MLPROXY_INFER_SCORE_H
#define _MLPROXY_INFER_SCORE_H

#include "mlp_arith.h"

static inline u32 score_choose(const struct mlproxy_model_hdr *hdr, const s32 *outputs,
			       u32 baseline, u32 allowed)
{
	u32 nr = hdr->nr_outputs;
	u32 best = baseline;
	u32 a;

	if (baseline >= nr)
		return baseline;
	/* Rising, and only for more: the lowest index wins among equals. */
	for (a = 0; a < nr; a++) {
		if ((allowed >> a & 1) && outputs[a] > outputs[best])
			best = a;
	}
	if ((s64)outputs[best] - outputs[baseline] > hdr->margin)
		return best;
	return baseline;
}

static inline s64 score_predict(const struct mlproxy_model_hdr *hdr, s32 score)
{
	return mlp_rshift_round((s64)score * hdr->out_mul, hdr->out_shift) + hdr->out_offset;
}

#endif /* _MLPROXY_INFER_SCORE_H */
