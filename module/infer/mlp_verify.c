// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verification of a perceptron's file: all that stands between bytes from user
 * space and the evaluation in a kernel decision.
 *
 * The file is private to the caller, so nothing changes between the check and
 * the use. The order matters: each step relies only on what the steps before it
 * have shown, and nothing beyond the file's length is ever read. Little-endian
 * machines only: elsewhere every file fails at the magic number.
 */
#include "header.h"
#include "mlp_arith.h"

/* A file under verification. */
struct verifier {
	const u8 *data;
	size_t len;
	const struct mlp_limits *limits;
	struct mlp *mlp;
	struct mlp_report *report;
};

/* The values that a layer's inputs can take, each by itself. */
struct interval {
	s8 lo[MLPROXY_MODEL_MAX_WIDTH];
	s8 hi[MLPROXY_MODEL_MAX_WIDTH];
};

#define refuse(v, reason, arg, ...)	model_refuse((v)->report, reason, arg, __VA_ARGS__)

/* The counts of the header; the rest of it model_verify_header() has checked. */
static int verify_counts(struct verifier *v)
{
	const struct mlproxy_model_hdr *hdr = (const void *)v->data;

	if (!hdr->nr_inputs || hdr->nr_inputs > MLPROXY_MODEL_MAX_INPUTS)
		return refuse(v, MLPROXY_REFUSED_SHAPE, hdr->nr_inputs,
			      "%u inputs: must be 1 to %u",
			      hdr->nr_inputs, MLPROXY_MODEL_MAX_INPUTS);
	if (!hdr->nr_layers || hdr->nr_layers > MLPROXY_MODEL_MAX_LAYERS)
		return refuse(v, MLPROXY_REFUSED_SHAPE, hdr->nr_layers,
			      "%u layers: must be 1 to %u",
			      hdr->nr_layers, MLPROXY_MODEL_MAX_LAYERS);
	return 0;
}

/* The tables behind the header; their counts are in range by now. */
static int verify_tables(struct verifier *v, size_t *end)
{
	const struct mlproxy_model_hdr *hdr = (const void *)v->data;
	size_t inputs = sizeof(*hdr);
	size_t layers = inputs + hdr->nr_inputs * sizeof(struct mlproxy_model_input);

	*end = layers + hdr->nr_layers * sizeof(struct mlproxy_model_layer);
	if (*end > v->len)
		return refuse(v, MLPROXY_REFUSED_LENGTH, *end,
			      "%zu bytes can't hold %u inputs and %u layers: they take %zu",
			      v->len, hdr->nr_inputs, hdr->nr_layers, *end);
	v->mlp->hdr = hdr;
	v->mlp->inputs = (const void *)(v->data + inputs);
	v->mlp->layers = (const void *)(v->data + layers);
	return 0;
}

static int verify_input(struct verifier *v, u32 i)
{
	const struct mlproxy_model_input *in = &v->mlp->inputs[i];

	if (in->reserved)
		return refuse(v, MLPROXY_REFUSED_RESERVED, i,
			      "input %u: the reserved field is not 0", i);
	if (in->feature >= v->limits->nr_features)
		return refuse(v, MLPROXY_REFUSED_INPUT, i,
			      "input %u: feature %u, but the schema has %u",
			      i, in->feature, v->limits->nr_features);
	if (in->op >= MLPROXY_NR_INPUT_OPS)
		return refuse(v, MLPROXY_REFUSED_INPUT, i,
			      "input %u: operation %u is unknown", i, in->op);
	if (in->clamp_min > in->clamp_max || in->clamp_min < -MLP_MAX_MAGNITUDE ||
	    in->clamp_max > MLP_MAX_MAGNITUDE)
		return refuse(v, MLPROXY_REFUSED_INPUT, i,
			      "input %u: clamp %lld to %lld: must rise, within -2^46 to 2^46",
			      i, (long long)in->clamp_min, (long long)in->clamp_max);
	if (in->offset < -MLP_MAX_MAGNITUDE || in->offset > MLP_MAX_MAGNITUDE)
		return refuse(v, MLPROXY_REFUSED_INPUT, i,
			      "input %u: offset %lld: must be within -2^46 to 2^46",
			      i, (long long)in->offset);
	if (in->mul < -MLP_MAX_INPUT_MUL || in->mul > MLP_MAX_INPUT_MUL)
		return refuse(v, MLPROXY_REFUSED_SCALE, i,
			      "input %u: multiplier %d: must be within -%u to %u",
			      i, in->mul, MLP_MAX_INPUT_MUL, MLP_MAX_INPUT_MUL);
	if (in->shift > MLPROXY_MODEL_MAX_SHIFT)
		return refuse(v, MLPROXY_REFUSED_SCALE, i,
			      "input %u: shift %u: must be at most %u",
			      i, in->shift, MLPROXY_MODEL_MAX_SHIFT);
	return 0;
}

/* An array of @bytes at @offset, behind the tables, which end at @start. */
static bool array_fits(const struct verifier *v, size_t start, u32 offset, size_t bytes)
{
	return offset % 8 == 0 && offset >= start && offset <= v->len &&
	       bytes <= v->len - offset;
}

static int verify_layer_scale(struct verifier *v, u32 l)
{
	const struct mlproxy_model_layer *layer = &v->mlp->layers[l];

	if (l == v->mlp->hdr->nr_layers - 1) {
		if (layer->mul || layer->shift)
			return refuse(v, MLPROXY_REFUSED_SCALE, (u64)l << 32,
				      "layer %u: multiplier %d and shift %u: 0 in the last layer",
				      l, layer->mul, layer->shift);
		return 0;
	}
	if (layer->mul < 1)
		return refuse(v, MLPROXY_REFUSED_SCALE, (u64)l << 32,
			      "layer %u: multiplier %d: must be at least 1", l, layer->mul);
	if (layer->shift > MLPROXY_MODEL_MAX_SHIFT)
		return refuse(v, MLPROXY_REFUSED_SCALE, (u64)l << 32,
			      "layer %u: shift %u: must be at most %u",
			      l, layer->shift, MLPROXY_MODEL_MAX_SHIFT);
	return 0;
}

static int verify_layer(struct verifier *v, u32 l, u32 nr_in, size_t start)
{
	const struct mlproxy_model_layer *layer = &v->mlp->layers[l];
	u64 arg = (u64)l << 32;

	if (layer->reserved)
		return refuse(v, MLPROXY_REFUSED_RESERVED, arg,
			      "layer %u: the reserved field is not 0", l);
	if (layer->flags & ~MLPROXY_LAYER_RELU)
		return refuse(v, MLPROXY_REFUSED_FLAGS, arg,
			      "layer %u: flags 0x%x: this kernel knows 0x%x",
			      l, layer->flags, MLPROXY_LAYER_RELU);
	if (!layer->nr_in || layer->nr_in > MLPROXY_MODEL_MAX_WIDTH ||
	    !layer->nr_out || layer->nr_out > MLPROXY_MODEL_MAX_WIDTH)
		return refuse(v, MLPROXY_REFUSED_SHAPE, arg,
			      "layer %u: %u in, %u out: must be 1 to %u",
			      l, layer->nr_in, layer->nr_out, MLPROXY_MODEL_MAX_WIDTH);
	if (layer->nr_in != nr_in)
		return refuse(v, MLPROXY_REFUSED_CHAIN, arg,
			      "layer %u takes %u values, but gets %u", l, layer->nr_in, nr_in);
	if (!array_fits(v, start, layer->bias_offset, layer->nr_out * sizeof(s32)))
		return refuse(v, MLPROXY_REFUSED_OFFSET, arg | layer->bias_offset,
			      "layer %u: biases at %u: not aligned to 8, or not within %zu to %zu",
			      l, layer->bias_offset, start, v->len);
	if (!array_fits(v, start, layer->weight_offset, (size_t)layer->nr_out * layer->nr_in))
		return refuse(v, MLPROXY_REFUSED_OFFSET, arg | layer->weight_offset,
			      "layer %u: weights at %u: not aligned to 8, or not within %zu to %zu",
			      l, layer->weight_offset, start, v->len);
	return verify_layer_scale(v, l);
}

static int verify_layers(struct verifier *v, size_t start)
{
	const struct mlp *mlp = v->mlp;
	u32 width = mlp->hdr->nr_inputs;
	u32 macs = 0;
	u32 l;
	int err;

	for (l = 0; l < mlp->hdr->nr_layers; l++) {
		err = verify_layer(v, l, width, start);
		if (err)
			return err;
		width = mlp->layers[l].nr_out;
		macs += (u32)mlp->layers[l].nr_in * width;
	}
	if (width != mlp->hdr->nr_outputs)
		return refuse(v, MLPROXY_REFUSED_CHAIN, (u64)(l - 1) << 32,
			      "the last layer gives %u values, but the model has %u outputs",
			      width, mlp->hdr->nr_outputs);
	if (macs > v->limits->max_macs)
		return refuse(v, MLPROXY_REFUSED_COST, macs,
			      "%u multiply-accumulates, the proxy allows %u: make it smaller",
			      macs, v->limits->max_macs);
	v->mlp->macs = macs;
	return 0;
}

/*
 * The values that input @i can take. LINEAR and LOG2 are monotone, so the ends
 * of the clamped range give the ends; EQUAL has two values, or one.
 */
static void input_interval(const struct mlproxy_model_input *in, s8 *lo, s8 *hi)
{
	s8 a = mlp_preprocess(in, in->clamp_min);
	s8 b = mlp_preprocess(in, in->clamp_max);

	if (in->op == MLPROXY_INPUT_EQUAL) {
		bool one_value = in->clamp_min == in->clamp_max;
		bool possible = in->clamp_min <= in->offset && in->offset <= in->clamp_max;

		a = possible && one_value ? MLP_EQUAL_Q : 0;
		b = possible ? MLP_EQUAL_Q : 0;
	}
	*lo = a < b ? a : b;
	*hi = a < b ? b : a;
}

/*
 * The range of one row's accumulator: each product is smallest and largest at an
 * end of its input's interval. The ends of the sum are reached as long as the
 * inputs are independent of each other, so for the first layer this is exact;
 * later it may be wider than what can happen, never narrower.
 */
static void row_interval(s32 bias, const s8 *w, const struct interval *in, u32 n,
			 s64 *lo, s64 *hi)
{
	u32 i;

	*lo = bias;
	*hi = bias;
	for (i = 0; i < n; i++) {
		*lo += w[i] * (w[i] >= 0 ? in->lo[i] : in->hi[i]);
		*hi += w[i] * (w[i] >= 0 ? in->hi[i] : in->lo[i]);
	}
}

static int layer_interval(struct verifier *v, u32 l, const struct interval *in,
			  struct interval *out)
{
	const struct mlproxy_model_layer *layer = &v->mlp->layers[l];
	const s32 *bias = mlp_layer_bias(v->mlp, layer);
	const s8 *w = mlp_layer_weights(v->mlp, layer);
	s64 lo, hi;
	u32 o;

	for (o = 0; o < layer->nr_out; o++, w += layer->nr_in) {
		row_interval(bias[o], w, in, layer->nr_in, &lo, &hi);
		if (lo < S32_MIN || hi > S32_MAX)
			return refuse(v, MLPROXY_REFUSED_OVERFLOW, (u64)l << 32 | o,
				      "layer %u row %u: the sum can be %lld to %lld, beyond 32 bits",
				      l, o, (long long)lo, (long long)hi);
		if (layer->flags & MLPROXY_LAYER_RELU) {
			lo = lo < 0 ? 0 : lo;
			hi = hi < 0 ? 0 : hi;
		}
		out->lo[o] = mlp_requantise((s32)lo, layer->mul, layer->shift);
		out->hi[o] = mlp_requantise((s32)hi, layer->mul, layer->shift);
	}
	return 0;
}

static int verify_intervals(struct verifier *v)
{
	const struct mlp *mlp = v->mlp;
	struct interval buf[2];
	u32 i, l;
	int err;

	for (i = 0; i < mlp->hdr->nr_inputs; i++)
		input_interval(&mlp->inputs[i], &buf[0].lo[i], &buf[0].hi[i]);
	for (l = 0; l < mlp->hdr->nr_layers; l++) {
		err = layer_interval(v, l, &buf[l % 2], &buf[!(l % 2)]);
		if (err)
			return err;
	}
	return 0;
}

int mlp_verify(const void *data, size_t len, const struct mlp_limits *limits,
	       struct mlp *mlp, struct mlp_report *report)
{
	struct verifier v = {
		.data = data,
		.len = len,
		.limits = limits,
		.mlp = mlp,
		.report = report,
	};
	size_t tables_end;
	u32 i;
	int err;

	memset(mlp, 0, sizeof(*mlp));
	memset(report, 0, sizeof(*report));
	err = model_verify_header(data, len, MLPROXY_MODEL_KIND_MLP, limits, report);
	if (err)
		return err;
	err = verify_counts(&v);
	if (err)
		return err;
	err = verify_tables(&v, &tables_end);
	if (err)
		return err;
	for (i = 0; i < mlp->hdr->nr_inputs; i++) {
		err = verify_input(&v, i);
		if (err)
			return err;
	}
	err = verify_layers(&v, tables_end);
	if (err)
		return err;
	return verify_intervals(&v);
}
