/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scalar steps of the fixed-point arithmetic, shared by the evaluation and
 * by the verifier, so that the intervals of the one are those of the other.
 *
 * Every function here is monotone in its value (mlp_preprocess() apart, with
 * MLPROXY_INPUT_EQUAL, and falling with a negative multiplier): the verifier
 * gets exact intervals by applying them to the ends. The ranges in the comments
 * are those that mlp_verify() enforces; within them no step overflows.
 *
 * A right shift of a negative number is arithmetic here, as gcc and clang
 * document it and as the kernel relies upon; C leaves it to the compiler.
 */
#ifndef _MLPROXY_INFER_MLP_ARITH_H
#define _MLPROXY_INFER_MLP_ARITH_H

#include "mlp.h"
#include "../shared/log2.h"

/* Largest magnitude of a clamp or an offset: times S16_MAX it fits s64 twice. */
#define MLP_MAX_MAGNITUDE	(1LL << 46)
/* Largest magnitude of an input's multiplier. */
#define MLP_MAX_INPUT_MUL	32767

/* What an EQUAL input gives where the feature has the value. */
#define MLP_EQUAL_Q		127

/* |v| <= 2^62 and shift <= 46: the rounding term can't overflow the sum. */
static inline s64 mlp_rshift_round(s64 v, u32 shift)
{
	/* 2^(shift - 1), and 0 for shift 0, without a branch */
	s64 half = (s64)((1ULL << shift) >> 1);

	return (v + half) >> shift;
}

static inline s8 mlp_sat8(s64 v)
{
	if (v > 127)
		return 127;
	if (v < -128)
		return -128;
	return (s8)v;
}

/* The layer's requantisation. |acc * mul| <= 2^31 * (2^31 - 1). */
static inline s8 mlp_requantise(s32 acc, s32 mul, u32 shift)
{
	return mlp_sat8(mlp_rshift_round((s64)acc * mul, shift));
}

/* The input's preprocessing. |x - offset| <= 2^47, times 2^15. */
static inline s8 mlp_preprocess(const struct mlproxy_model_input *in, s64 feature)
{
	s64 x = feature;

	if (x < in->clamp_min)
		x = in->clamp_min;
	if (x > in->clamp_max)
		x = in->clamp_max;
	if (in->op == MLPROXY_INPUT_EQUAL)
		return x == in->offset ? MLP_EQUAL_Q : 0;
	if (in->op == MLPROXY_INPUT_LOG2)
		x = log2_signed_q8(x);
	return mlp_sat8(mlp_rshift_round((x - in->offset) * in->mul, in->shift));
}

static inline const s32 *mlp_layer_bias(const struct mlp *mlp,
					const struct mlproxy_model_layer *layer)
{
	return (const s32 *)((const u8 *)mlp->hdr + layer->bias_offset);
}

static inline const s8 *mlp_layer_weights(const struct mlp *mlp,
					  const struct mlproxy_model_layer *layer)
{
	return (const s8 *)((const u8 *)mlp->hdr + layer->weight_offset);
}

#endif /* _MLPROXY_INFER_MLP_ARITH_H */
