/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon: one loop over the learners of all proxies.
 */
#ifndef MLPROXYD_DAEMON_H
#define MLPROXYD_DAEMON_H

#include "config.h"

/**
 * daemon_run() - learn until a signal says otherwise
 * @path: of the configuration, to be read again, or NULL as for config_load()
 * @config: what was read; the daemon's from here on
 * @once: leave after a refit of each proxy
 *
 * Return: an exit code.
 */
int daemon_run(const char *path, struct agent_config *config, bool once);

#endif /* MLPROXYD_DAEMON_H */
