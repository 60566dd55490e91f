/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rings bring, taken into the replay buffer and the tests on it.
 */
#ifndef MLPROXYD_ROWS_H
#define MLPROXYD_ROWS_H

#include "learner.h"

/** rows_take() - take what is in the rings, bounded; as mlproxy_ring_consume(), -ENODEV at the end */
int rows_take(struct learner *ln);

#endif /* MLPROXYD_ROWS_H */
