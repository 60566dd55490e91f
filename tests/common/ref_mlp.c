// SPDX-License-Identifier: GPL-2.0-only
/* The reference evaluation; see ref_mlp.h. 128-bit arithmetic, no shifts. */
#include <string.h>

#include <linux/mlproxy_model.h>

#include "ref_mlp.h"

static __int128 power2(unsigned int n)
{
	__int128 p = 1;

	while (n--)
		p *= 2;
	return p;
}

/* Rounds v / 2^shift to nearest, ties up: floor((2 v + 2^shift) / 2^(shift + 1)). */
__int128 ref_rshift_round(__int128 v, unsigned int shift)
{
	__int128 num = 2 * v + power2(shift);
	__int128 den = 2 * power2(shift);
	__int128 quot = num / den;

	if (shift == 0)
		return v;
	if (num % den < 0)
		quot--;
	return quot;
}

__int128 ref_sat8(__int128 v)
{
	return v > 127 ? 127 : v < -128 ? -128 : v;
}

int64_t ref_log2_q8(int64_t x)
{
	__int128 v = (x < 0 ? -(__int128)x : (__int128)x) + 1;
	int64_t whole = 0;
	__int128 base = 1;
	int64_t log;

	while (base * 2 <= v) {
		base *= 2;
		whole++;
	}
	/* linear between base and 2 base, rounded down */
	log = 256 * whole + (int64_t)((v - base) * 256 / base);
	return x < 0 ? -log : log;
}

static __int128 preprocess(const struct mlproxy_model_input *in, int64_t feature)
{
	__int128 x = feature;

	if (x < in->clamp_min)
		x = in->clamp_min;
	else if (x > in->clamp_max)
		x = in->clamp_max;
	switch (in->op) {
	case MLPROXY_INPUT_EQUAL:
		return x == in->offset ? 127 : 0;
	case MLPROXY_INPUT_LOG2:
		x = ref_log2_q8((int64_t)x);
		break;
	}
	return ref_sat8(ref_rshift_round((x - in->offset) * in->mul, in->shift));
}

void ref_eval(const void *file, const int64_t *features, int64_t *outputs)
{
	const char *base = file;
	struct mlproxy_model_hdr hdr;
	struct mlproxy_model_input in;
	struct mlproxy_model_layer layer;
	size_t at = sizeof(hdr);
	__int128 value[MLPROXY_MODEL_MAX_WIDTH] = { 0 };
	__int128 next[MLPROXY_MODEL_MAX_WIDTH] = { 0 };

	memcpy(&hdr, base, sizeof(hdr));
	for (unsigned int i = 0; i < hdr.nr_inputs; i++, at += sizeof(in)) {
		memcpy(&in, base + at, sizeof(in));
		value[i] = preprocess(&in, features[in.feature]);
	}
	for (unsigned int l = 0; l < hdr.nr_layers; l++, at += sizeof(layer)) {
		memcpy(&layer, base + at, sizeof(layer));
		for (unsigned int o = 0; o < layer.nr_out; o++) {
			int32_t bias;
			__int128 acc;

			memcpy(&bias, base + layer.bias_offset + 4 * o, 4);
			acc = bias;
			for (unsigned int i = 0; i < layer.nr_in; i++)
				acc += value[i] * (signed char)base[layer.weight_offset +
								    o * layer.nr_in + i];
			if ((layer.flags & MLPROXY_LAYER_RELU) && acc < 0)
				acc = 0;
			if (l == hdr.nr_layers - 1)
				outputs[o] = (int64_t)acc;
			else
				next[o] = ref_sat8(ref_rshift_round(acc * layer.mul, layer.shift));
		}
		memcpy(value, next, sizeof(value));
	}
}

unsigned int ref_choose(const void *file, const int64_t *outputs, unsigned int baseline,
			uint32_t allowed)
{
	struct mlproxy_model_hdr hdr;
	unsigned int best = baseline;
	int64_t best_score = INT64_MIN;

	memcpy(&hdr, file, sizeof(hdr));
	for (unsigned int a = 0; a < hdr.nr_outputs; a++) {
		if ((allowed & (1U << a)) && outputs[a] > best_score) {
			best = a;
			best_score = outputs[a];
		}
	}
	return best_score > outputs[baseline] + hdr.margin ? best : baseline;
}

__int128 ref_predict(const void *file, int64_t score)
{
	struct mlproxy_model_hdr hdr;

	memcpy(&hdr, file, sizeof(hdr));
	return ref_rshift_round((__int128)score * hdr.out_mul, hdr.out_shift) + hdr.out_offset;
}
