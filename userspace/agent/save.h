/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is kept on disk for a proxy, and when.
 */
#ifndef MLPROXYD_SAVE_H
#define MLPROXYD_SAVE_H

#include "learner.h"

/**
 * save_restore() - open and lock the directory, read what is there
 *
 * Return: 0 or a negative errno; -EBUSY: another agent has it.
 */
int save_restore(struct learner *ln);

/** save_unlock() - let go of the directory */
void save_unlock(struct learner *ln);

/** save_start() - queue a save */
void save_start(struct learner *ln);

/** save_now() - save in this thread: the worker has stopped */
void save_now(struct learner *ln);

#endif /* MLPROXYD_SAVE_H */
