// SPDX-License-Identifier: GPL-2.0-only
/* Random valid trees; see tree_gen.h. */
#include <stdlib.h>

#include "tree_gen.h"

/* Nodes of one tree; a file of all of them is well within its largest length. */
#define MOST_NODES	255
#define MOST_TREES	24

static s64 random_threshold(struct rng *rng)
{
	static const s64 ends[] = { S64_MIN, S64_MIN + 1, 0, 1, S64_MAX };

	if (!rng_below(rng, 16))
		return ends[rng_below(rng, 5)];
	return (s64)rng_u64(rng) >> rng_below(rng, 64);
}

/* Nodes from @at on for a subtree; the next free index. */
static u32 random_subtree(struct rng *rng, const struct mlp_limits *limits,
			  struct tree_spec_node *nodes, u32 self, u32 next, u32 depth, s32 reach)
{
	struct tree_spec_node *n = &nodes[self];

	*n = (struct tree_spec_node) {
		.feature = -1, .value = (s32)rng_range(rng, -(s64)reach, reach),
	};
	if (!depth || next + 2 > MOST_NODES || !rng_below(rng, 6))
		return next;
	n->value = 0;
	n->feature = (s32)rng_below(rng, limits->nr_features);
	n->threshold = random_threshold(rng);
	n->left = next + rng_below(rng, 2);
	n->right = 2 * next + 1 - n->left;
	next += 2;
	/* now and then a list more than a tree */
	next = random_subtree(rng, limits, nodes, n->left, next,
			      rng_below(rng, 3) ? depth - 1 : 0, reach);
	return random_subtree(rng, limits, nodes, n->right, next, depth - 1, reach);
}

int tree_random_model(struct rng *rng, const struct mlp_limits *limits, void **data,
		      size_t *len)
{
	struct tree_spec_node *nodes = calloc(MOST_TREES * MOST_NODES, sizeof(*nodes));
	struct tree_spec_tree trees[MOST_TREES];
	struct tree_spec spec = {
		.schema_hash = limits->schema_hash,
		.name = "random trees",
		.trained_ns = rng_u64(rng),
		.margin = (s32)rng_range(rng, 0, rng_below(rng, 2) ? 1000 : S32_MAX),
		.out_mul = (s32)rng_u64(rng),
		.out_shift = rng_below(rng, MLPROXY_MODEL_MAX_SHIFT + 1),
		.out_offset = rng_range(rng, -(1LL << 46), 1LL << 46),
		.nr_features = limits->nr_features,
		.nr_outputs = limits->nr_actions,
		.trees = trees,
	};
	u32 want = 1 + rng_below(rng, MOST_TREES);
	s32 reach = rng_below(rng, 4) ? 1 << rng_below(rng, 20) : S32_MAX / (s32)want;
	u32 left = limits->max_macs / MLPROXY_MODEL_MACS_PER_NODE;
	int err;

	if (!nodes)
		return -ENOMEM;
	while (spec.nr_trees < want && left) {
		struct tree_spec_tree *t = &trees[spec.nr_trees];
		u32 depth = rng_below(rng, MLPROXY_MODEL_MAX_DEPTH + 1);

		depth = depth < left ? depth : left - 1;
		left -= depth + 1;
		t->nodes = nodes + spec.nr_trees++ * MOST_NODES;
		t->output = rng_below(rng, limits->nr_actions);
		t->nr_nodes = random_subtree(rng, limits, (void *)t->nodes, 0, 1, depth, reach);
	}
	err = tree_build(&spec, data, len);
	free(nodes);
	return err;
}

void tree_random_features(struct rng *rng, const struct trees *trees, s64 *features, u32 nr)
{
	static const s64 extremes[] = { S64_MIN, S64_MIN + 1, -1, 0, 1, S64_MAX - 1, S64_MAX };
	u32 nr_trees = trees->hdr->nr_layers, i;

	for (i = 0; i < nr; i++)
		features[i] = rng_below(rng, 4) ? (s64)rng_u64(rng) >> rng_below(rng, 64) :
						  extremes[rng_below(rng, 7)];
	/* at a threshold and beside it */
	for (i = 0; i < nr; i++) {
		const struct mlproxy_model_tree *t = &trees->tree[rng_below(rng, nr_trees)];
		const struct mlproxy_model_node *n =
			&trees->nodes[t->first_node + rng_below(rng, t->nr_nodes)];

		if (n->feature < nr && rng_below(rng, 4))
			features[n->feature] = (s64)((u64)n->threshold + rng_below(rng, 3) - 1);
	}
}
