/* SPDX-License-Identifier: GPL-2.0-only */
/* Models of given shapes, for core_cost. */
#ifndef BENCH_CORE_MODELS_H
#define BENCH_CORE_MODELS_H

#include <stddef.h>

#define MODEL_LAYERS 3

/**
 * struct model_file - a model
 * @name: what it is
 * @data: the file, for free()
 * @len: its length
 * @macs: multiply-accumulates, 0 for trees
 */
struct model_file {
	char name[64];
	void *data;
	size_t len;
	unsigned int macs;
};

/**
 * model_net() - a network
 * @proxy: for whose schema
 * @widths: inputs, then outputs of each layer, up to a 0
 * @m: out
 *
 * Return: 0, or -E2BIG if a width is more than a model may have.
 */
int model_net(const char *proxy, const unsigned int *widths, struct model_file *m);

/**
 * model_trees() - full trees, each for an action of its own
 * @proxy: for whose schema, of 16 features
 * @nr: how many, at most @actions
 * @actions: its actions
 * @depth: comparisons to a leaf, at most 6
 * @m: out
 *
 * Return: 0, or -ENOMEM.
 */
int model_trees(const char *proxy, unsigned int nr, unsigned int actions, unsigned int depth,
		struct model_file *m);

#endif /* BENCH_CORE_MODELS_H */
