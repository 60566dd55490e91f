// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs on the host: makes the models whose eBPF programs the guest compares.
 *
 *	bpf-models SCHEMA-HASH DIR
 *
 * For a schema of three features and four actions, as synth's: perceptrons of given
 * and of random shapes, the largest that a program may be, trees.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "mlp_gen.h"
#include "model.h"
#include "tree_gen.h"

#define NR_FEATURES	3
#define NR_ACTIONS	4
#define MAX_LAYERS	4

static struct mlp_limits limits = {
	.nr_features = NR_FEATURES, .nr_actions = NR_ACTIONS, .max_macs = 8192,
};

static int save(const char *dir, const char *name, void *data, size_t len)
{
	struct mlp_report report;
	struct model model;
	char path[4096];
	FILE *f;
	int ret;

	if (model_verify(data, len, &limits, &model, &report)) {
		fprintf(stderr, "%s: %s\n", name, report.text);
		return -EBADMSG;
	}
	snprintf(path, sizeof(path), "%s/%s.mlp", dir, name);
	f = fopen(path, "wb");
	if (!f)
		return -errno;
	ret = fwrite(data, len, 1, f) == 1 ? 0 : -EIO;
	if (fclose(f))
		ret = -EIO;
	free(data);
	return ret;
}

/* One input of each operation in turn, scaled to what synth's features are. */
static void fill_inputs(struct rng *rng, struct mlproxy_model_input *in, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		in[i] = (struct mlproxy_model_input) {
			.clamp_min = -10, .clamp_max = 1 << 20,
			.op = i % MLPROXY_NR_INPUT_OPS, .feature = i % NR_FEATURES,
		};
		in[i].mul = (s32)rng_range(rng, 200, 2000);
		switch (in[i].op) {
		case MLPROXY_INPUT_LINEAR:
			in[i].offset = 128;
			in[i].shift = 10;
			break;
		case MLPROXY_INPUT_LOG2:
			in[i].offset = 2560;
			in[i].shift = 14;
			break;
		case MLPROXY_INPUT_EQUAL:
			in[i].offset = rng_below(rng, 4);
			break;
		}
	}
}

/* Random weights, scaled so that values neither vanish nor all saturate. */
static int make_mlp(struct rng *rng, const u32 *widths, u32 nr_layers, void **data, size_t *len)
{
	struct mlproxy_model_input inputs[MLPROXY_MODEL_MAX_INPUTS];
	struct mlp_spec_layer layers[MAX_LAYERS] = {};
	static s8 w[MAX_LAYERS][MLPROXY_MODEL_MAX_WIDTH * MLPROXY_MODEL_MAX_WIDTH];
	static s32 bias[MAX_LAYERS][MLPROXY_MODEL_MAX_WIDTH];
	struct mlp_spec spec = {
		.schema_hash = limits.schema_hash, .name = "shaped", .margin = 20,
		.out_mul = -12345, .out_shift = 12, .out_offset = 500,
		.nr_inputs = widths[0], .inputs = inputs,
		.nr_layers = nr_layers, .layers = layers,
	};
	u32 l, i;

	fill_inputs(rng, inputs, widths[0]);
	for (l = 0; l < nr_layers; l++) {
		for (i = 0; i < widths[l] * widths[l + 1]; i++)
			w[l][i] = (s8)rng_range(rng, -128, 127);
		for (i = 0; i < widths[l + 1]; i++)
			bias[l][i] = (s32)rng_range(rng, -5000, 5000);
		layers[l] = (struct mlp_spec_layer) {
			.nr_in = (u16)widths[l], .nr_out = (u16)widths[l + 1],
			.flags = l % 2 ? 0 : MLPROXY_LAYER_RELU,
			.mul = l + 1 < nr_layers ? 3000 : 0,
			.shift = l + 1 < nr_layers ? 20 : 0,
			.bias = bias[l], .weights = w[l],
		};
	}
	return mlp_build(&spec, data, len);
}

static const struct {
	const char *name;
	u32 nr_layers;
	u32 widths[MAX_LAYERS + 1];
} shapes[] = {
	{ "line", 1, { 3, NR_ACTIONS } },
	{ "small", 3, { 6, 24, 16, NR_ACTIONS } },
	{ "large", 4, { 64, 64, 48, 16, NR_ACTIONS } },
};

int main(int argc, char **argv)
{
	struct rng rng = rng_seed(2026);
	size_t len, i;
	void *data;
	char name[32];

	if (argc != 3) {
		fprintf(stderr, "usage: bpf-models SCHEMA-HASH DIR\n");
		return 2;
	}
	limits.schema_hash = strtoull(argv[1], NULL, 0);
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (make_mlp(&rng, shapes[i].widths, shapes[i].nr_layers, &data, &len) ||
		    save(argv[2], shapes[i].name, data, len))
			return 1;
	limits.max_macs = 2048;
	for (i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "random%zu", i);
		if (mlp_random_model(&rng, &limits, &data, &len) ||
		    save(argv[2], name, data, len))
			return 1;
		snprintf(name, sizeof(name), "trees%zu", i);
		if (tree_random_model(&rng, &limits, &data, &len) ||
		    save(argv[2], name, data, len))
			return 1;
	}
	return 0;
}
