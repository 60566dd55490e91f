// SPDX-License-Identifier: GPL-2.0-only
/* Models of given shapes; their weights are drawn from a fixed seed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core_cost.h"
#include "mlp_build.h"
#include "models.h"
#include "rng.h"
#include "tree_build.h"

#define MAX_WIDTH	512
#define MAX_TREES	16
#define MAX_NODES	128

static uint64_t schema_of(const char *proxy)
{
	struct mlproxy_session *s = session(proxy);
	struct mlproxy_schema_desc *schema;
	uint64_t hash;

	check(s, mlproxy_schema_get(s, &schema), proxy);
	hash = schema->s.schema_hash;
	mlproxy_schema_free(schema);
	mlproxy_close(s);
	return hash;
}

static void fill_layer(struct rng *rng, struct mlp_spec_layer *l, unsigned int in,
		       unsigned int out, bool last)
{
	s8 *w = calloc(in, out);
	unsigned int i;

	if (!w)
		die("weights");
	for (i = 0; i < in * out; i++)
		w[i] = (s8)rng_range(rng, -128, 127);
	*l = (struct mlp_spec_layer) {
		.nr_in = (u16)in, .nr_out = (u16)out, .weights = w,
		.bias = calloc(out, sizeof(s32)),
		.flags = last ? 0 : MLPROXY_LAYER_RELU, .mul = last ? 0 : 1 << 20,
		.shift = last ? 0 : 31,
	};
	if (!l->bias)
		die("biases");
}

int model_net(const char *proxy, const unsigned int *widths, struct model_file *m)
{
	struct mlproxy_model_input inputs[MLPROXY_MODEL_MAX_INPUTS];
	struct mlp_spec_layer layers[MODEL_LAYERS] = {};
	struct mlp_spec spec = { .name = "bench", .inputs = inputs, .layers = layers };
	struct rng rng = rng_seed(1);
	unsigned int i, nr;
	size_t at;
	int ret;

	at = (size_t)snprintf(m->name, sizeof(m->name), "network %u", widths[0]);
	for (m->macs = 0, nr = 0; nr < MODEL_LAYERS && widths[nr + 1]; nr++) {
		if (widths[nr + 1] > MLPROXY_MODEL_MAX_WIDTH)
			return -E2BIG;
		fill_layer(&rng, &layers[nr], widths[nr], widths[nr + 1],
			   nr + 1 == MODEL_LAYERS || !widths[nr + 2]);
		m->macs += widths[nr] * widths[nr + 1];
		at += (size_t)snprintf(m->name + at, sizeof(m->name) - at, "-%u", widths[nr + 1]);
	}
	for (i = 0; i < widths[0]; i++)
		inputs[i] = (struct mlproxy_model_input) {
			.clamp_max = 1023, .offset = 512, .mul = 1 << 13, .shift = 15,
			.feature = (u16)i,
		};
	spec.schema_hash = schema_of(proxy);
	spec.nr_inputs = widths[0];
	spec.nr_layers = nr;
	ret = mlp_build(&spec, &m->data, &m->len);
	for (i = 0; i < nr; i++) {
		free((void *)layers[i].bias);
		free((void *)layers[i].weights);
	}
	return ret;
}

int model_trees(const char *proxy, unsigned int nr, unsigned int actions, unsigned int depth,
		struct model_file *m)
{
	static struct tree_spec_node nodes[MAX_TREES][MAX_NODES];
	struct tree_spec_tree trees[MAX_TREES];
	struct tree_spec spec = { .name = "bench", .nr_features = 16, .nr_outputs = actions,
				  .trees = trees };
	struct rng rng = rng_seed(1);
	unsigned int t, n, per_tree, inner;

	spec.nr_trees = nr;
	per_tree = (2U << depth) - 1;
	inner = per_tree / 2;
	for (t = 0; t < nr; t++) {
		for (n = 0; n < per_tree; n++)
			nodes[t][n] = n < inner ?
				      (struct tree_spec_node) {
					      .feature = (s32)rng_below(&rng, 16),
					      .left = 2 * n + 1, .right = 2 * n + 2,
					      .threshold = rng_range(&rng, 1, 1023),
				      } :
				      (struct tree_spec_node) {
					      .feature = -1, .value = (s32)rng_range(&rng, -1000, 1000),
				      };
		trees[t] = (struct tree_spec_tree) {
			.output = t, .nr_nodes = per_tree, .nodes = nodes[t],
		};
	}
	snprintf(m->name, sizeof(m->name), "%u tree%s, %u nodes", nr, nr == 1 ? "" : "s",
		 nr * per_tree);
	m->macs = 0;
	spec.schema_hash = schema_of(proxy);
	return tree_build(&spec, &m->data, &m->len);
}
