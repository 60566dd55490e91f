// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program of a perceptron. Weights are constant tables, a layer is two loops of
 * constant length, and nothing else branches: what the verifier walks through is
 * each product once.
 */
#include <errno.h>

#include "gen.h"
#include "mlp_arith.h"

/* The verifier walks at most 10^6 instructions, about 15 a product. */
#define MAX_MACS	16384
/* Of the 512 bytes of stack, what the compiler needs is left. */
#define MAX_STACK	384

static const char arithmetic[] =
	"static __always_inline __s64 clamp(__s64 x, __s64 min, __s64 max)\n"
	"{\n"
	"\tx = pick(less(x, min), min, x);\n"
	"\treturn pick(less(max, x), max, x);\n"
	"}\n"
	"\n";

/* BPF has no instruction for the most significant bit: count those up to it. */
static const char logarithm[] =
	"static __noinline __s64 log2_q8(__s64 x)\n"
	"{\n"
	"\t__u64 sign = 1 - 2 * (__u64)less(x, 0), v = (__u64)x * sign + 1, m = v, msb;\n"
	"\n"
	"\tm |= m >> 1;\n"
	"\tm |= m >> 2;\n"
	"\tm |= m >> 4;\n"
	"\tm |= m >> 8;\n"
	"\tm |= m >> 16;\n"
	"\tm |= m >> 32;\n"
	"\tm -= m >> 1 & 0x5555555555555555ULL;\n"
	"\tm = (m & 0x3333333333333333ULL) + (m >> 2 & 0x3333333333333333ULL);\n"
	"\tm = (m + (m >> 4)) & 0x0f0f0f0f0f0f0f0fULL;\n"
	"\tmsb = (m * 0x0101010101010101ULL >> 56) - 1;\n"
	"\t/* the 8 bits behind it: first to the top, then down */\n"
	"\tm = msb << 8 | (v << ((63 - msb) & 63) >> 55 & 0xff);\n"
	"\treturn m * sign;\n"
	"}\n"
	"\n";

static bool has_log2(const struct mlp *mlp)
{
	u32 i;

	for (i = 0; i < mlp->hdr->nr_inputs; i++)
		if (mlp->inputs[i].op == MLPROXY_INPUT_LOG2)
			return true;
	return false;
}

/* Layers read one buffer and write the other. */
static void find_widths(const struct mlp *mlp, u32 *width)
{
	u32 l;

	width[0] = mlp->hdr->nr_inputs;
	width[1] = 1;
	for (l = 0; l + 1 < mlp->hdr->nr_layers; l++)
		if (mlp->layers[l].nr_out > width[!(l % 2)])
			width[!(l % 2)] = mlp->layers[l].nr_out;
}

static int check_size(const struct mlp *mlp, const u32 *width, char *error)
{
	u32 stack = width[0] + width[1] + 8 * mlp->hdr->nr_outputs;

	if (mlp->macs <= MAX_MACS && stack <= MAX_STACK)
		return 0;
	snprintf(error, BPFGEN_ERROR_LEN,
		 "the model is too big for an eBPF program: %u multiply-accumulates of at most %u, %u bytes of stack of at most %u; load it with `mlproxy load`, or train a smaller one",
		 mlp->macs, MAX_MACS, stack, MAX_STACK);
	return -E2BIG;
}

static void write_tables(FILE *out, const struct mlp *mlp)
{
	u32 l, i;

	for (l = 0; l < mlp->hdr->nr_layers; l++) {
		const struct mlproxy_model_layer *layer = &mlp->layers[l];
		const s8 *w = mlp_layer_weights(mlp, layer);
		const s32 *bias = mlp_layer_bias(mlp, layer);
		u32 nr = (u32)layer->nr_in * layer->nr_out;

		fprintf(out, "static const __s32 bias%u[%u] = {", l, layer->nr_out);
		for (i = 0; i < layer->nr_out; i++)
			fprintf(out, "%s%lld,", i % 8 ? " " : "\n\t", (long long)bias[i]);
		fprintf(out, "\n};\n\nstatic const __s8 weight%u[%u] = {", l, nr);
		for (i = 0; i < nr; i++)
			fprintf(out, "%s%d,", i % 16 ? " " : "\n\t", w[i]);
		fprintf(out, "\n};\n\n");
	}
}

static void write_input(FILE *out, const struct mlproxy_model_input *in, u32 i)
{
	fprintf(out, "\tx = clamp(FIELD(features[%u]), %lldLL, %lldLL);\n", in->feature,
		(long long)in->clamp_min, (long long)in->clamp_max);
	if (in->op == MLPROXY_INPUT_EQUAL) {
		fprintf(out, "\tq0[%u] = pick(less(x, %lldLL) | less(%lldLL, x), 0, %d);\n", i,
			(long long)in->offset, (long long)in->offset, MLP_EQUAL_Q);
		return;
	}
	if (in->op == MLPROXY_INPUT_LOG2)
		fprintf(out, "\tx = log2_q8(x);\n");
	fprintf(out, "\tq0[%u] = clamp(rshift_round((x - (%lldLL)) * %d, %u), -128, 127);\n", i,
		(long long)in->offset, in->mul, in->shift);
}

static void write_layer(FILE *out, const struct mlp *mlp, u32 l)
{
	const struct mlproxy_model_layer *layer = &mlp->layers[l];

	fprintf(out,
		"\n"
		"\tfor (o = 0; o < %u; o++) {\n"
		"\t\tacc = bias%u[o];\n"
		"\t\tfor (i = 0; i < %u; i++)\n"
		"\t\t\tacc += weight%u[o * %u + i] * q%u[i];\n",
		layer->nr_out, l, layer->nr_in, l, layer->nr_in, l % 2);
	if (layer->flags & MLPROXY_LAYER_RELU)
		fprintf(out, "\t\tacc = pick(less(acc, 0), 0, acc);\n");
	if (l + 1 == mlp->hdr->nr_layers)
		fprintf(out, "\t\ts[o] = acc;\n");
	else
		fprintf(out, "\t\tq%u[o] = clamp(rshift_round(acc * %d, %u), -128, 127);\n", !(l % 2),
			layer->mul, layer->shift);
	fprintf(out, "\t}\n");
}

int bpfgen_mlp(FILE *out, const struct mlp *mlp, char *error)
{
	u32 width[2], l, i;
	int ret;

	find_widths(mlp, width);
	ret = check_size(mlp, width, error);
	if (ret)
		return ret;
	fputs(arithmetic, out);
	if (has_log2(mlp))
		fputs(logarithm, out);
	write_tables(out, mlp);
	fprintf(out,
		"static __always_inline void score(struct bpf_raw_tracepoint_args *args, __s64 *s)\n"
		"{\n"
		"\t__s8 q0[%u], q1[%u];\n"
		"\t__s64 acc, x;\n"
		"\t__u32 i, o;\n"
		"\n"
		"\t(void)q1;\n",
		width[0], width[1]);
	for (i = 0; i < mlp->hdr->nr_inputs; i++)
		write_input(out, &mlp->inputs[i], i);
	for (l = 0; l < mlp->hdr->nr_layers; l++)
		write_layer(out, mlp, l);
	fprintf(out, "}\n");
	return 0;
}
