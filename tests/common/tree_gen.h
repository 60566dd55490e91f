/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random valid trees and awkward features, as mlp_gen.h for perceptrons.
 */
#ifndef _MLPROXY_TEST_TREE_GEN_H
#define _MLPROXY_TEST_TREE_GEN_H

#include "rng.h"
#include "tree_build.h"

/**
 * tree_random_model() - random trees that tree_verify() accepts
 * @rng: source of them
 * @limits: what they have to fit; max_macs at least MLPROXY_MODEL_MACS_PER_NODE
 * @data: out: the file, to be given to free()
 * @len: out: its length
 *
 * All depths, lopsided trees, roots that are leaves, actions without a tree, all
 * magnitudes of thresholds, and scores close to the ends of the int32 range occur.
 * Return: 0 or -ENOMEM.
 */
int tree_random_model(struct rng *rng, const struct mlp_limits *limits, void **data,
		      size_t *len);

/**
 * tree_random_features() - features, some of them extreme
 * @rng: source
 * @trees: its thresholds and their neighbours are among the values that occur
 * @features: out
 * @nr: how many
 */
void tree_random_features(struct rng *rng, const struct trees *trees, s64 *features, u32 nr);

#endif /* _MLPROXY_TEST_TREE_GEN_H */
