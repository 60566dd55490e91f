// SPDX-License-Identifier: GPL-2.0-only
/*
 * Evaluation of a verified fixed-point perceptron, and the choice by its scores.
 *
 * In the kernel this runs inside decisions: any context, no lock, no memory but
 * the stack, and a cost that the model's shape alone determines. The model is
 * read only; it stays valid by the caller's RCU section (or by its ownership, in
 * user space).
 */
#include "mlp_arith.h"
#include "mlp_pack.h"
#include "score.h"

/*
 * At most 128 products of at most 2^14: the sum of any part of them fits s32 in
 * any order. Only the bias can take it out of range, and that the verifier has
 * excluded. Four sums, so that the multiplier's latency is hidden.
 */
static s32 dot(const s8 *w, const s8 *q, size_t n)
{
	s32 sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
	size_t i = 0;

	for (; i + 4 <= n; i += 4) {
		sum0 += w[i] * q[i];
		sum1 += w[i + 1] * q[i + 1];
		sum2 += w[i + 2] * q[i + 2];
		sum3 += w[i + 3] * q[i + 3];
	}
	for (; i < n; i++)
		sum0 += w[i] * q[i];
	return sum0 + sum1 + sum2 + sum3;
}

static void eval_plain(const struct mlp *mlp, const s64 *features, s32 *outputs)
{
	s8 buf[2][MLPROXY_MODEL_MAX_WIDTH] no_auto_init;
	s8 *in = buf[0], *out = buf[1], *swap;
	u32 last = mlp->hdr->nr_layers - 1;
	u32 i, l, o;

	for (i = 0; i < mlp->hdr->nr_inputs; i++)
		in[i] = mlp_preprocess(&mlp->inputs[i], features[mlp->inputs[i].feature]);

	for (l = 0; l <= last; l++) {
		const struct mlproxy_model_layer *layer = &mlp->layers[l];
		const s32 *bias = mlp_layer_bias(mlp, layer);
		const s8 *w = mlp_layer_weights(mlp, layer);
		bool relu = layer->flags & MLPROXY_LAYER_RELU;

		for (o = 0; o < layer->nr_out; o++, w += layer->nr_in) {
			s32 acc = bias[o] + dot(w, in, layer->nr_in);

			if (relu && acc < 0)
				acc = 0;
			if (l == last)
				outputs[o] = acc;
			else
				out[o] = mlp_requantise(acc, layer->mul, layer->shift);
		}
		swap = in;
		in = out;
		out = swap;
	}
}

void mlp_eval(const struct mlp *mlp, const s64 *features, s32 *outputs)
{
	/* tail calls: only the stack of the one that runs is in use */
	if (mlp->packed)
		mlp_eval_packed(mlp, features, outputs);
	else
		eval_plain(mlp, features, outputs);
}

u32 mlp_choose(const struct mlp *mlp, const s32 *outputs, u32 baseline, u32 allowed)
{
	return score_choose(mlp->hdr, outputs, baseline, allowed);
}

s64 mlp_predict(const struct mlp *mlp, s32 score)
{
	return score_predict(mlp->hdr, score);
}
