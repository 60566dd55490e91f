/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operator's part of the configuration: shares, exploration, start. It needs
 * CAP_SYS_ADMIN, which the agent does not have: `mlproxyd --setup` sets it, as root,
 * and ends. The agent looks whether it is in force, and says so where it is not.
 */
#ifndef MLPROXYD_SETUP_H
#define MLPROXYD_SETUP_H

#include <mlproxy/mlproxy.h>

#include "config.h"

/**
 * setup_apply() - set what the configuration says
 * @config: configuration
 * @names: proxies, or none for all that the configuration is about
 * @nr_names: how many
 *
 * A proxy, or the device, that is not there is no failure: it may come later.
 *
 * Return: an exit code; what was refused has been logged.
 */
int setup_apply(const struct agent_config *config, char *const *names, int nr_names);

/**
 * setup_in_force() - compare what is set with what the configuration says
 * @s: bound session
 * @p: configuration of its proxy; @name: the proxy
 *
 * Logs each difference with its remedy. Return: true if there is none.
 */
bool setup_in_force(struct mlproxy_session *s, const struct proxy_config *p, const char *name);

#endif /* MLPROXYD_SETUP_H */
