// SPDX-License-Identifier: GPL-2.0-only
/* Random valid models; see mlp_gen.h. */
#include <stdlib.h>

#include "mlp_gen.h"

#define MAX_MAGNITUDE	(1LL << 46)
/* A row's products add up to 2^21 at most: a bias within this can't overflow. */
#define MAX_BIAS	(S32_MAX - (1 << 21))

/* Any bit length is as likely as another, so small values are common. */
static s64 random_magnitude(struct rng *rng, s64 limit)
{
	u32 bits = 1 + rng_below(rng, 46);
	s64 v = (s64)(rng_u64(rng) >> (64 - bits));

	if (v > limit)
		v = limit;
	return rng_below(rng, 2) ? v : -v;
}

static void random_input(struct rng *rng, u32 nr_features, struct mlproxy_model_input *in)
{
	s64 a = random_magnitude(rng, MAX_MAGNITUDE);
	s64 b = rng_below(rng, 8) ? random_magnitude(rng, MAX_MAGNITUDE) : MAX_MAGNITUDE;

	memset(in, 0, sizeof(*in));
	in->clamp_min = a < b ? a : b;
	in->clamp_max = a < b ? b : a;
	in->op = (u16)rng_below(rng, MLPROXY_NR_INPUT_OPS);
	in->feature = (u16)rng_below(rng, nr_features);
	in->mul = (s32)rng_range(rng, -32767, 32767);
	if (in->op == MLPROXY_INPUT_EQUAL) {
		in->offset = rng_below(rng, 2) ? in->clamp_min : in->clamp_max;
	} else if (in->op == MLPROXY_INPUT_LOG2) {
		in->offset = rng_range(rng, -16384, 16384);
		in->shift = 14 + rng_below(rng, 10);
	} else {
		in->offset = rng_range(rng, in->clamp_min, in->clamp_max);
		/* most of the clamped range should land within 8 bits */
		while (in->shift < MLPROXY_MODEL_MAX_SHIFT &&
		       (in->clamp_max - in->clamp_min) >> in->shift > 1)
			in->shift++;
		if (in->shift + 7 <= MLPROXY_MODEL_MAX_SHIFT)
			in->shift += 7;
		else
			in->mul = (s32)rng_range(rng, -255, 255);
		if (!rng_below(rng, 8))
			in->shift = rng_below(rng, MLPROXY_MODEL_MAX_SHIFT + 1);
	}
}

static int random_layer(struct rng *rng, struct mlp_spec_layer *layer, u32 nr_in, u32 nr_out,
			bool last)
{
	s32 *bias = malloc(nr_out * sizeof(*bias));
	s8 *weights = malloc((size_t)nr_in * nr_out);
	u32 style = rng_below(rng, 8);
	u32 i;

	layer->nr_in = (u16)nr_in;
	layer->nr_out = (u16)nr_out;
	layer->bias = bias;
	layer->weights = weights;
	if (!bias || !weights)
		return -ENOMEM;
	for (i = 0; i < nr_out; i++)
		bias[i] = style ? (s32)rng_range(rng, -6000, 6000) :
				  (s32)rng_range(rng, -MAX_BIAS, MAX_BIAS);
	for (i = 0; i < nr_in * nr_out; i++)
		weights[i] = style != 1 ? (s8)rng_range(rng, -128, 127) :
			     rng_below(rng, 2) ? -128 : 127;
	layer->flags = rng_below(rng, 4) ? MLPROXY_LAYER_RELU : 0;
	if (last)
		return 0;
	layer->mul = (s32)rng_range(rng, 1, style == 2 ? S32_MAX : 1 << 15);
	layer->shift = style == 3 ? rng_below(rng, MLPROXY_MODEL_MAX_SHIFT + 1) :
				    20 + rng_below(rng, 5) + (style == 2 ? 16 : 0);
	return 0;
}

/* Widths that stay within the limit; the last is the number of actions. */
static u32 random_widths(struct rng *rng, const struct mlp_limits *limits, u32 *widths)
{
	u32 nr_layers = 1 + rng_below(rng, MLPROXY_MODEL_MAX_LAYERS);
	u32 most = rng_below(rng, 4) ? 24 : MLPROXY_MODEL_MAX_WIDTH;
	u32 macs, l;

	for (;;) {
		macs = 0;
		widths[0] = 1 + rng_below(rng, most < MLPROXY_MODEL_MAX_INPUTS ?
					  most : MLPROXY_MODEL_MAX_INPUTS);
		for (l = 1; l <= nr_layers; l++) {
			widths[l] = l == nr_layers ? limits->nr_actions : 1 + rng_below(rng, most);
			macs += widths[l - 1] * widths[l];
		}
		if (macs <= limits->max_macs)
			return nr_layers;
		if (most > 1)
			most -= most / 4 + 1 < most ? most / 4 + 1 : most - 1;
		else
			nr_layers = 1;
	}
}

int mlp_random_model(struct rng *rng, const struct mlp_limits *limits, void **data,
		     size_t *len)
{
	struct mlproxy_model_input inputs[MLPROXY_MODEL_MAX_INPUTS];
	struct mlp_spec_layer layers[MLPROXY_MODEL_MAX_LAYERS] = {};
	u32 widths[MLPROXY_MODEL_MAX_LAYERS + 1];
	u32 nr_layers = random_widths(rng, limits, widths);
	struct mlp_spec spec = {
		.schema_hash = limits->schema_hash,
		.name = "random",
		.trained_ns = rng_u64(rng),
		.margin = (s32)rng_range(rng, 0, rng_below(rng, 2) ? 1000 : S32_MAX),
		.out_mul = (s32)rng_u64(rng),
		.out_shift = rng_below(rng, MLPROXY_MODEL_MAX_SHIFT + 1),
		.out_offset = random_magnitude(rng, MAX_MAGNITUDE),
		.nr_inputs = widths[0],
		.inputs = inputs,
		.nr_layers = nr_layers,
		.layers = layers,
	};
	int err = 0;
	u32 i, l;

	for (i = 0; i < widths[0]; i++)
		random_input(rng, limits->nr_features, &inputs[i]);
	for (l = 0; l < nr_layers && !err; l++)
		err = random_layer(rng, &layers[l], widths[l], widths[l + 1],
				   l == nr_layers - 1);
	if (!err)
		err = mlp_build(&spec, data, len);
	for (l = 0; l < nr_layers; l++) {
		free((void *)layers[l].bias);
		free((void *)layers[l].weights);
	}
	return err;
}

/* An input that uses @feature, or any if there is none. */
static const struct mlproxy_model_input *random_input_of(struct rng *rng,
							 const struct mlp *mlp, u32 feature)
{
	u32 nr = mlp->hdr->nr_inputs;
	u32 start = rng_below(rng, nr);
	u32 i;

	for (i = 0; i < nr; i++) {
		if (mlp->inputs[(start + i) % nr].feature == feature)
			return &mlp->inputs[(start + i) % nr];
	}
	return &mlp->inputs[start];
}

void mlp_random_features(struct rng *rng, const struct mlp *mlp, s64 *features, u32 nr)
{
	static const s64 extremes[] = { S64_MIN, S64_MIN + 1, -1, 0, 1, S64_MAX - 1, S64_MAX };
	const struct mlproxy_model_input *in;
	u32 i;

	for (i = 0; i < nr; i++) {
		switch (rng_below(rng, 4)) {
		case 0:
			features[i] = extremes[rng_below(rng, 7)];
			break;
		case 1:
			features[i] = (s64)rng_u64(rng) >> rng_below(rng, 64);
			break;
		default:
			/* inside the range of one of its inputs, or just beyond its ends */
			in = random_input_of(rng, mlp, i);
			features[i] = rng_range(rng, in->clamp_min - 1, in->clamp_max + 1);
			if (!rng_below(rng, 4))
				features[i] = in->clamp_min + rng_range(rng, -1, 1);
		}
	}
	/* make EQUAL inputs meet their value now and then */
	for (i = 0; i < mlp->hdr->nr_inputs; i++) {
		in = &mlp->inputs[i];
		if (in->op == MLPROXY_INPUT_EQUAL && rng_below(rng, 2))
			features[in->feature] = in->offset;
	}
}
