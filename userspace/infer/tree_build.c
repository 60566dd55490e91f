// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layout of a file of trees; see tree_build.h. Each tree is put into the format's
 * breadth-first order by a walk with a queue; the queue's order is the file's.
 */
#include <stdlib.h>

#include "mlp_build.h"
#include "tree_build.h"

/* All nodes of a file at most: what its largest length has room for. */
#define MAX_ALL_NODES	(MLPROXY_MODEL_MAX_BYTES / sizeof(struct mlproxy_model_node))

/*
 * Lay out one tree behind the @at nodes that are there. @queue has the spec's
 * index of each node, @level how deep it is.
 */
static int lay_out(const struct tree_spec_tree *t, struct mlproxy_model_node *nodes, u32 at,
		   u32 *queue, u8 *level, struct mlproxy_model_tree *tree)
{
	u32 room = MAX_ALL_NODES - at, end = 1, n;

	if (!t->nr_nodes)
		return -EINVAL;
	if (!room)
		return -EFBIG;
	queue[0] = 0;
	level[0] = 0;
	for (n = 0; n < end; n++) {
		const struct tree_spec_node *from = &t->nodes[queue[n]];
		struct mlproxy_model_node *to = &nodes[at + n];

		memset(to, 0, sizeof(*to));
		if (from->feature < 0) {
			to->feature = MLPROXY_NODE_LEAF;
			to->value = from->value;
			continue;
		}
		if (from->left >= t->nr_nodes || from->right >= t->nr_nodes ||
		    level[n] == MLPROXY_MODEL_MAX_DEPTH || from->feature >= MLPROXY_NODE_LEAF)
			return -EINVAL;
		if (end + 2 > t->nr_nodes)
			return -EINVAL;		/* some node is reached twice */
		if (end + 2 > room || end > UINT16_MAX)
			return -EFBIG;
		to->feature = (u16)from->feature;
		to->threshold = from->threshold;
		to->child = (u16)end;
		queue[end] = from->left;
		queue[end + 1] = from->right;
		level[end] = level[end + 1] = level[n] + 1;
		end += 2;
	}
	*tree = (struct mlproxy_model_tree) {
		.output = (u16)t->output, .depth = level[end - 1], .nr_nodes = end,
		.first_node = at,
	};
	return 0;
}

static int lay_out_all(const struct tree_spec *spec, struct mlproxy_model_node *nodes,
		       struct mlproxy_model_tree *trees, u32 *nr_nodes)
{
	u32 *queue = malloc(MAX_ALL_NODES * sizeof(*queue));
	u8 *level = malloc(MAX_ALL_NODES);
	u32 t;
	int err = queue && level ? 0 : -ENOMEM;

	*nr_nodes = 0;
	for (t = 0; !err && t < spec->nr_trees; t++) {
		err = lay_out(&spec->trees[t], nodes, *nr_nodes, queue, level, &trees[t]);
		*nr_nodes += trees[t].nr_nodes;
	}
	free(level);
	free(queue);
	return err;
}

static void fill_header(const struct tree_spec *spec, struct mlproxy_model_hdr *hdr, size_t len)
{
	hdr->magic = MLPROXY_MODEL_MAGIC;
	hdr->format = MLPROXY_MODEL_FORMAT;
	hdr->kind = MLPROXY_MODEL_KIND_TREES;
	hdr->total_len = (u32)len;
	hdr->schema_hash = spec->schema_hash;
	hdr->nr_inputs = spec->nr_features;
	hdr->nr_outputs = spec->nr_outputs;
	hdr->nr_layers = spec->nr_trees;
	hdr->margin = spec->margin;
	hdr->out_mul = spec->out_mul;
	hdr->out_shift = spec->out_shift;
	hdr->out_offset = spec->out_offset;
	hdr->trained_ns = spec->trained_ns;
	snprintf(hdr->name, sizeof(hdr->name), "%s", spec->name ? spec->name : "");
}

int tree_build(const struct tree_spec *spec, void **data, size_t *len)
{
	struct mlproxy_model_tree *trees = NULL;
	struct mlproxy_model_node *nodes;
	u8 *file;
	u32 nr_nodes;
	size_t tables;
	int err;

	if (!spec->nr_trees || spec->nr_trees > MLPROXY_MODEL_MAX_TREES)
		return -EINVAL;
	tables = spec->nr_trees * sizeof(*trees);
	nodes = malloc(MAX_ALL_NODES * sizeof(*nodes));
	trees = calloc(1, tables);
	err = nodes && trees ? lay_out_all(spec, nodes, trees, &nr_nodes) : -ENOMEM;
	if (err)
		goto out;
	*len = sizeof(struct mlproxy_model_hdr) + tables + nr_nodes * sizeof(*nodes);
	err = -EFBIG;
	if (*len > MLPROXY_MODEL_MAX_BYTES)
		goto out;
	file = calloc(1, *len);
	err = file ? 0 : -ENOMEM;
	if (err)
		goto out;
	fill_header(spec, (void *)file, *len);
	memcpy(file + sizeof(struct mlproxy_model_hdr), trees, tables);
	memcpy(file + sizeof(struct mlproxy_model_hdr) + tables, nodes,
	       nr_nodes * sizeof(*nodes));
	mlp_seal(file, *len);
	*data = file;
out:
	free(trees);
	free(nodes);
	return err;
}
