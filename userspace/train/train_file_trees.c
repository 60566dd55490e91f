// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trees of a float model in HDF5: a table of the trees, and one of all their nodes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "train_file_trees.h"
#include "train_h5.h"

/* A row of /trees. */
struct tree_row {
	uint32_t output;
	uint32_t first_node;
	uint32_t nr_nodes;
};

static hid_t tree_type(void)
{
	hid_t t = H5Tcreate(H5T_COMPOUND, sizeof(struct tree_row));

#define FIELD(name, type) H5Tinsert(t, #name, offsetof(struct tree_row, name), type)
	FIELD(output, H5T_NATIVE_UINT32);
	FIELD(first_node, H5T_NATIVE_UINT32);
	FIELD(nr_nodes, H5T_NATIVE_UINT32);
#undef FIELD
	return t;
}

static hid_t node_type(void)
{
	hid_t t = H5Tcreate(H5T_COMPOUND, sizeof(struct mltrain_node));

#define FIELD(name, type) H5Tinsert(t, #name, offsetof(struct mltrain_node, name), type)
	FIELD(feature, H5T_NATIVE_INT32);
	FIELD(left, H5T_NATIVE_UINT32);
	FIELD(right, H5T_NATIVE_UINT32);
	FIELD(threshold, H5T_NATIVE_INT64);
	FIELD(value, H5T_NATIVE_FLOAT);
#undef FIELD
	return t;
}

int mltrain_put_trees(hid_t file, const struct mltrain_model *m)
{
	struct tree_row *rows = calloc(m->nr_trees, sizeof(*rows));
	hid_t tree = tree_type(), node = node_type();
	struct mltrain_node *nodes;
	hsize_t nr = 0, dim = m->nr_trees;
	uint32_t t;
	int err = rows ? 0 : -ENOMEM;

	for (t = 0; !err && t < m->nr_trees; t++) {
		rows[t] = (struct tree_row){ m->trees[t].output, nr, m->trees[t].nr_nodes };
		nr += rows[t].nr_nodes;
	}
	nodes = calloc(nr ?: 1, sizeof(*nodes));
	err = err ?: nodes ? 0 : -ENOMEM;
	for (t = 0; !err && t < m->nr_trees; t++)
		memcpy(nodes + rows[t].first_node, m->trees[t].nodes,
		       rows[t].nr_nodes * sizeof(*nodes));
	err = err ?: mltrain_h5_put(file, "trees", tree, 1, &dim, rows);
	err = err ?: mltrain_h5_put(file, "nodes", node, 1, &nr, nodes);
	H5Tclose(tree);
	H5Tclose(node);
	free(rows);
	free(nodes);
	return err;
}

/* Copies of the nodes, as the model's own. */
static int take_tree(struct mltrain_model *m, const struct tree_row *row,
		     const struct mltrain_node *all, size_t nr_all)
{
	struct mltrain_node *nodes;

	if (!row->nr_nodes || row->first_node > nr_all ||
	    row->nr_nodes > nr_all - row->first_node)
		return -EBADMSG;
	nodes = malloc(row->nr_nodes * sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	memcpy(nodes, all + row->first_node, row->nr_nodes * sizeof(*nodes));
	return mltrain_add_tree(m, row->output, row->nr_nodes, nodes);
}

int mltrain_get_trees(hid_t file, struct mltrain_model *m)
{
	hid_t tree = tree_type(), node = node_type();
	void *rows = NULL, *nodes = NULL;
	size_t nr_trees = 0, nr_nodes = 0, t;
	int err;

	err = mltrain_h5_get(file, "trees", tree, sizeof(struct tree_row),
			     MLPROXY_MODEL_MAX_TREES, &rows, &nr_trees);
	err = err ?: mltrain_h5_get(file, "nodes", node, sizeof(struct mltrain_node), 1 << 24,
				    &nodes, &nr_nodes);
	for (t = 0; !err && t < nr_trees; t++)
		err = take_tree(m, (struct tree_row *)rows + t, nodes, nr_nodes);
	H5Tclose(tree);
	H5Tclose(node);
	free(rows);
	free(nodes);
	return err;
}
