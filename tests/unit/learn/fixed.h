/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fixed-point models in the bandit's world.
 */
#ifndef _MLPROXY_TEST_FIXED_H
#define _MLPROXY_TEST_FIXED_H

#include "mlproxy_train.h"

/* Verify a model as the kernel does; fails the test otherwise. */
void fixed_verify(const void *file, size_t len, const struct mlds_schema *s,
		  struct model *model);

/* Share of fresh contexts for which the fixed-point policy takes the best action. */
double fixed_best_share(const struct model *model, uint32_t omit);

#endif /* _MLPROXY_TEST_FIXED_H */
