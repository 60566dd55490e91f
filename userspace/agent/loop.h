/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loop of one proxy: bind, heartbeat, records, and when a refit or a save is due.
 */
#ifndef MLPROXYD_LOOP_H
#define MLPROXYD_LOOP_H

#include "learner.h"

/**
 * learner_init() - prepare the learner of a proxy
 * @ln: out
 * @config: its section; copied
 * @agent: configuration; must stay
 * @worker: worker; must stay
 */
void learner_init(struct learner *ln, const struct proxy_config *config,
		  const struct agent_config *agent, struct worker *worker);

/**
 * learner_open() - bind to the proxy, set the rings up, take up where it was left
 * @ln: learner
 *
 * Return: 0, or a negative errno; what failed has been logged. -EBUSY: another agent
 * has the proxy, or its state.
 */
int learner_open(struct learner *ln);

/** learner_retry() - something changed: where it is not open, try at the next turn */
void learner_retry(struct learner *ln);

/**
 * learner_step() - one turn of the loop: heartbeat, records, what is due
 * @ln: learner
 */
void learner_step(struct learner *ln);

/** learner_wait_ms() - how long the loop may sleep for this proxy */
uint32_t learner_wait_ms(const struct learner *ln);

/**
 * learner_close() - save, tell the kernel, let go; the worker has stopped
 * @ln: learner
 */
void learner_close(struct learner *ln);

#endif /* MLPROXYD_LOOP_H */
