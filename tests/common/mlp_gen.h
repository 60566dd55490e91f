/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random valid models and awkward features, for the unit tests and for the
 * comparison of kernel and user space in the guest.
 */
#ifndef _MLPROXY_TEST_MLP_GEN_H
#define _MLPROXY_TEST_MLP_GEN_H

#include "mlp_build.h"
#include "rng.h"

/**
 * mlp_random_model() - a random model that mlp_verify() accepts
 * @rng: source of it
 * @limits: what it has to fit
 * @data: out: the file, to be given to free()
 * @len: out: its length
 *
 * All widths, numbers of layers, operations, signs and scales occur, also such
 * that saturate everywhere, and biases close to the ends of the int32 range.
 * Return: 0 or -ENOMEM.
 */
int mlp_random_model(struct rng *rng, const struct mlp_limits *limits, void **data,
		     size_t *len);

/**
 * mlp_random_features() - features, some of them extreme
 * @rng: source
 * @mlp: its clamps and offsets are among the values that occur
 * @features: out
 * @nr: how many
 */
void mlp_random_features(struct rng *rng, const struct mlp *mlp, s64 *features, u32 nr);

#endif /* _MLPROXY_TEST_MLP_GEN_H */
