// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three multiply-accumulates in one 64-bit multiplication.
 *
 * A decision in the kernel has no SIMD registers, but a general one can hold the
 * sums of three rows: with B = 2^21 and the rows' weights packed as lanes,
 *
 *	sum_i (w0[i] + w1[i] B + w2[i] B^2) q[i] = sum0 + sum1 B + sum2 B^2
 *
 * in unsigned arithmetic modulo 2^64, exact also for negative lanes. Over
 * PACK_CHUNK products, |sum| <= 63 * 2^14 < 2^20; starting from 2^20 in each lane
 * makes all three lanes positive and below 2^21, so that they neither borrow nor
 * carry and are taken out with shifts and masks.
 *
 * The weights are packed once a load: three rows of a layer to one row of words,
 * the missing rows of the last three 0.
 */
#include "mlp_arith.h"
#include "mlp_pack.h"

#define PACK_ROWS	3
#define PACK_BITS	21
#define PACK_MASK	((1U << PACK_BITS) - 1)
#define PACK_BIAS	(1 << (PACK_BITS - 1))
#define PACK_BIASES	((u64)PACK_BIAS << (2 * PACK_BITS) | (u64)PACK_BIAS << PACK_BITS | \
			 (u64)PACK_BIAS)
/* Below 64, as above; a multiple of the unrolled step. */
#define PACK_CHUNK	60

size_t mlp_packed_bytes(const struct mlp *mlp)
{
	size_t words = 0;
	u32 l;

	for (l = 0; l < mlp->hdr->nr_layers; l++) {
		/* the division is by a constant */
		u32 groups = (mlp->layers[l].nr_out + PACK_ROWS - 1) / PACK_ROWS;

		words += (size_t)groups * mlp->layers[l].nr_in;
	}
	return words * sizeof(u64);
}

static u64 *pack_rows(u64 *packed, const s8 *w, u32 nr_in, u32 nr_rows)
{
	u32 i, row;

	for (i = 0; i < nr_in; i++) {
		u64 word = 0;

		for (row = 0; row < nr_rows; row++)
			word += (u64)(s64)w[row * nr_in + i] << (row * PACK_BITS);
		*packed++ = word;
	}
	return packed;
}

void mlp_pack(struct mlp *mlp, u64 *packed)
{
	u64 *next = packed;
	u32 l, o;

	for (l = 0; l < mlp->hdr->nr_layers; l++) {
		const struct mlproxy_model_layer *layer = &mlp->layers[l];
		const s8 *w = mlp_layer_weights(mlp, layer);

		for (o = 0; o < layer->nr_out; o += PACK_ROWS) {
			u32 left = layer->nr_out - o;

			next = pack_rows(next, w + o * layer->nr_in, layer->nr_in,
					 left < PACK_ROWS ? left : PACK_ROWS);
		}
	}
	mlp->packed = packed;
}

static inline u64 product(u64 w, s8 q)
{
	return w * (u64)(s64)q;
}

/* The sums of three rows over @n values; each stays within 2^21. */
static inline const u64 *dot3(s32 *acc, const u64 *w, const s8 *q, u32 n)
{
	acc[0] = 0;
	acc[1] = 0;
	acc[2] = 0;
	while (n) {
		u32 step = n < PACK_CHUNK ? n : PACK_CHUNK;
		u64 sum = PACK_BIASES;

		n -= step;
		for (; step >= 4; step -= 4, w += 4, q += 4) {
			sum += product(w[0], q[0]);
			sum += product(w[1], q[1]);
			sum += product(w[2], q[2]);
			sum += product(w[3], q[3]);
		}
		for (; step; step--)
			sum += product(*w++, *q++);
		acc[0] += (s32)(sum & PACK_MASK) - PACK_BIAS;
		acc[1] += (s32)(sum >> PACK_BITS & PACK_MASK) - PACK_BIAS;
		acc[2] += (s32)(sum >> (2 * PACK_BITS)) - PACK_BIAS;
	}
	return w;
}

/* A layer but the last: its inputs in @in, its requantised outputs in @out. */
static const u64 *hidden_layer(const struct mlp *mlp, const struct mlproxy_model_layer *layer,
			       const u64 *w, const s8 *in, s8 *out)
{
	const s32 *bias = mlp_layer_bias(mlp, layer);
	s32 floor = layer->flags & MLPROXY_LAYER_RELU ? 0 : S32_MIN;
	s32 mul = layer->mul;
	u32 shift = layer->shift;
	u32 nr_in = layer->nr_in;
	u32 nr_out = layer->nr_out;
	u32 o, row;

	for (o = 0; o < nr_out; o += PACK_ROWS) {
		s32 acc[PACK_ROWS];

		w = dot3(acc, w, in, nr_in);
		for (row = 0; row < PACK_ROWS && o + row < nr_out; row++) {
			s32 a = acc[row] + bias[o + row];

			out[o + row] = mlp_requantise(a < floor ? floor : a, mul, shift);
		}
	}
	return w;
}

static void last_layer(const struct mlp *mlp, const struct mlproxy_model_layer *layer,
		       const u64 *w, const s8 *in, s32 *outputs)
{
	const s32 *bias = mlp_layer_bias(mlp, layer);
	s32 floor = layer->flags & MLPROXY_LAYER_RELU ? 0 : S32_MIN;
	u32 nr_in = layer->nr_in;
	u32 nr_out = layer->nr_out;
	u32 o, row;

	for (o = 0; o < nr_out; o += PACK_ROWS) {
		s32 acc[PACK_ROWS];

		w = dot3(acc, w, in, nr_in);
		for (row = 0; row < PACK_ROWS && o + row < nr_out; row++) {
			s32 a = acc[row] + bias[o + row];

			outputs[o + row] = a < floor ? floor : a;
		}
	}
}

void mlp_eval_packed(const struct mlp *mlp, const s64 *features, s32 *outputs)
{
	s8 buf[2][MLPROXY_MODEL_MAX_WIDTH];
	const u64 *w = mlp->packed;
	u32 last = mlp->hdr->nr_layers - 1;
	u32 i, l;

	for (i = 0; i < mlp->hdr->nr_inputs; i++)
		buf[0][i] = mlp_preprocess(&mlp->inputs[i], features[mlp->inputs[i].feature]);
	for (l = 0; l < last; l++)
		w = hidden_layer(mlp, &mlp->layers[l], w, buf[l % 2], buf[!(l % 2)]);
	last_layer(mlp, &mlp->layers[last], w, buf[last % 2], outputs);
}
