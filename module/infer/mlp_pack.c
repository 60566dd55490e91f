// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three multiply-accumulates in one 64-bit multiplication.
 *
 * A decision in the kernel has no SIMD registers, but a general one can hold the
 * sums of three rows: with B = 2^21 and the rows' weights packed as lanes,
 *
 *	sum_i (w0[i] + w1[i] B + w2[i] B^2) q[i] = sum0 + sum1 B + sum2 B^2
 *
 * in unsigned arithmetic modulo 2^64, exact also for negative lanes. Over fewer than 64
 * products, |sum| <= 63 * 2^14 < 2^20; starting from 2^20 in each lane
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
/* Below 64, as above; both are multiples of the unrolled step. */
#define PACK_CHUNK	56
/* Of values from 0 to 127: |sum| <= 64 * 127 * 128, which is below 2^20 as well. */
#define PACK_CHUNK_RELU	64

/* Words of a layer's packed weights; the division is by a constant. */
static inline size_t layer_words(const struct mlproxy_model_layer *layer)
{
	return (size_t)((layer->nr_out + PACK_ROWS - 1U) / PACK_ROWS) * layer->nr_in;
}

size_t mlp_packed_bytes(const struct mlp *mlp)
{
	size_t words = 0;
	u32 l;

	for (l = 0; l < mlp->hdr->nr_layers; l++)
		words += layer_words(&mlp->layers[l]);
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

/* The sums of three rows over a chunk of values, as lanes. */
static __always_inline u64 dot3(const u64 *w, const s8 *q, u32 n)
{
	const s8 *end = q + n, *end_of_eights = end - n % 8;
	u64 sum = PACK_BIASES;

	for (; q != end_of_eights; w += 8, q += 8) {
		sum += product(w[0], q[0]);
		sum += product(w[1], q[1]);
		sum += product(w[2], q[2]);
		sum += product(w[3], q[3]);
		sum += product(w[4], q[4]);
		sum += product(w[5], q[5]);
		sum += product(w[6], q[6]);
		sum += product(w[7], q[7]);
	}
	while (q != end)
		sum += product(*w++, *q++);
	return sum;
}

/* What a lane holds. */
static __always_inline s32 lane(u64 sum, u32 row)
{
	u64 value = sum >> (row * PACK_BITS);

	/* nothing is above the last one */
	return (s32)(row < PACK_ROWS - 1 ? value & PACK_MASK : value) - PACK_BIAS;
}

/* The sums of three rows over more than a chunk of values. */
static void sum3_long(s32 *acc, const u64 *w, const s8 *q, u32 n, u32 chunk)
{
	u32 step, row;
	u64 sum;

	for (row = 0; row < PACK_ROWS; row++)
		acc[row] = 0;
	for (; n; n -= step, w += step, q += step) {
		step = n < chunk ? n : chunk;
		sum = dot3(w, q, step);
		for (row = 0; row < PACK_ROWS; row++)
			acc[row] += lane(sum, row);
	}
}

/* The sums of three rows over any number of values. */
static __always_inline void sum3(s32 *acc, const u64 *w, const s8 *q, u32 n, u32 chunk)
{
	u64 sum;

	if (n > chunk) {
		sum3_long(acc, w, q, n, chunk);
		return;
	}
	sum = dot3(w, q, n);
	acc[0] = lane(sum, 0);
	acc[1] = lane(sum, 1);
	acc[2] = lane(sum, 2);
}

/**
 * struct scale - a hidden layer's requantisation, what is constant of it computed once
 * @mul: multiplier, at least 1
 * @half: half of what is shifted out
 * @shift: right shift
 */
struct scale {
	s64 mul;
	s64 half;
	u32 shift;
};

/* mlp_requantise(); with RELU nothing is below 0, and only the upper end is left to check. */
static __always_inline s8 requantise(s32 acc, bool relu, const struct scale *scale)
{
	s64 v;

	if (!relu)
		return mlp_sat8((acc * scale->mul + scale->half) >> scale->shift);
	acc = acc < 0 ? 0 : acc;
	v = (acc * scale->mul + scale->half) >> scale->shift;
	return (s8)(v > 127 ? 127 : v);
}

/* The layer's rows, three at a time. */
static __always_inline void hidden_rows(const struct mlproxy_model_layer *layer,
					const s32 *bias, const u64 *w, const s8 *in, u32 chunk,
					s8 *out, bool relu)
{
	const struct scale scale = {
		.mul = layer->mul,
		.half = (s64)((1ULL << layer->shift) >> 1),
		.shift = layer->shift,
	};
	u32 nr_in = layer->nr_in;
	u32 left;
	s32 acc[PACK_ROWS];

	for (left = layer->nr_out; left >= PACK_ROWS; left -= PACK_ROWS) {
		sum3(acc, w, in, nr_in, chunk);
		out[0] = requantise(acc[0] + bias[0], relu, &scale);
		out[1] = requantise(acc[1] + bias[1], relu, &scale);
		out[2] = requantise(acc[2] + bias[2], relu, &scale);
		w += nr_in;
		bias += PACK_ROWS;
		out += PACK_ROWS;
	}
	if (!left)
		return;
	sum3(acc, w, in, nr_in, chunk);
	out[0] = requantise(acc[0] + bias[0], relu, &scale);
	if (left > 1)
		out[1] = requantise(acc[1] + bias[1], relu, &scale);
}

/* A layer but the last: its inputs in @in, its requantised outputs in @out. */
static void hidden_layer(const struct mlp *mlp, const struct mlproxy_model_layer *layer,
			 const u64 *w, const s8 *in, u32 chunk, s8 *out)
{
	const s32 *bias = mlp_layer_bias(mlp, layer);

	if (layer->flags & MLPROXY_LAYER_RELU)
		hidden_rows(layer, bias, w, in, chunk, out, true);
	else
		hidden_rows(layer, bias, w, in, chunk, out, false);
}

static void last_layer(const struct mlp *mlp, const struct mlproxy_model_layer *layer,
		       const u64 *w, const s8 *in, u32 chunk, s32 *outputs)
{
	const s32 *bias = mlp_layer_bias(mlp, layer);
	s32 floor = layer->flags & MLPROXY_LAYER_RELU ? 0 : S32_MIN;
	u32 nr_in = layer->nr_in;
	u32 nr_out = layer->nr_out;
	u32 o, row;

	for (o = 0; o < nr_out; o += PACK_ROWS, w += nr_in) {
		s32 acc[PACK_ROWS];

		sum3(acc, w, in, nr_in, chunk);
		for (row = 0; row < PACK_ROWS && o + row < nr_out; row++) {
			s32 a = acc[row] + bias[o + row];

			outputs[o + row] = a < floor ? floor : a;
		}
	}
}

void mlp_eval_packed(const struct mlp *mlp, const s64 *features, s32 *outputs)
{
	s8 buf[2][MLPROXY_MODEL_MAX_WIDTH] no_auto_init;
	const u64 *w = mlp->packed;
	u32 last = mlp->hdr->nr_layers - 1;
	u32 chunk = PACK_CHUNK;
	u32 i, l;

	for (i = 0; i < mlp->hdr->nr_inputs; i++)
		buf[0][i] = mlp_preprocess(&mlp->inputs[i], features[mlp->inputs[i].feature]);
	for (l = 0; l < last; l++) {
		const struct mlproxy_model_layer *layer = &mlp->layers[l];

		hidden_layer(mlp, layer, w, buf[l % 2], chunk, buf[!(l % 2)]);
		w += layer_words(layer);
		chunk = layer->flags & MLPROXY_LAYER_RELU ? PACK_CHUNK_RELU : PACK_CHUNK;
	}
	last_layer(mlp, &mlp->layers[last], w, buf[last % 2], chunk, outputs);
}
