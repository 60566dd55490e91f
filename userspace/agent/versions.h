/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Models in use, and how one takes the other's place.
 */
#ifndef MLPROXYD_VERSIONS_H
#define MLPROXYD_VERSIONS_H

#include "learner.h"

/** version_drop() - give a use of it up */
void version_drop(struct version *v);

/** versions_resume() - take up the persisted model, or the one that the kernel runs */
void versions_resume(struct learner *ln);

/** versions_watch() - what the kernel runs, and how it fares; every now and then */
void versions_watch(struct learner *ln);

/** versions_measured_worse() - the kernel says so: roll back, or see a change */
void versions_measured_worse(struct learner *ln, const char *why);

/** versions_world_changed() - what was learned is of another world, from row @since on */
void versions_world_changed(struct learner *ln, uint64_t since, const char *why);

/** versions_refit() - queue a refit */
void versions_refit(struct learner *ln);

#endif /* MLPROXYD_VERSIONS_H */
