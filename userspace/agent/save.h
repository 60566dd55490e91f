/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is kept on disk for a proxy, and when.
 */
#ifndef MLPROXYD_SAVE_H
#define MLPROXYD_SAVE_H

#include "learner.h"

/** save_restore() - read what is on disk, opens the directory; 0 or a negative errno */
int save_restore(struct learner *ln);

/** save_start() - queue a save */
void save_start(struct learner *ln);

/** save_now() - save in this thread: the worker has stopped */
void save_now(struct learner *ln);

#endif /* MLPROXYD_SAVE_H */
