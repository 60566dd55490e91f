// SPDX-License-Identifier: GPL-2.0-only
/* Names of values, for sysfs and messages. */
#include <linux/kernel.h>
#include <linux/string.h>

#include "names.h"

static const char * const mode_names[MLPROXY_NR_MODES] = {
	[MLPROXY_MODE_EMERGENCY] = "emergency",
	[MLPROXY_MODE_LEARNING] = "learning",
	[MLPROXY_MODE_COLLABORATION] = "collaboration",
	[MLPROXY_MODE_RECOMMENDATION] = "recommendation",
};

static const char * const health_names[MLPROXY_NR_HEALTH] = {
	[MLPROXY_HEALTH_UNKNOWN] = "unknown",
	[MLPROXY_HEALTH_GOOD] = "good",
	[MLPROXY_HEALTH_STRAINED] = "strained",
	[MLPROXY_HEALTH_BAD] = "bad",
};

static const char * const state_names[] = {
	[MLPROXY_STATE_CREATED] = "created",
	[MLPROXY_STATE_INITIALIZED] = "initialized",
	[MLPROXY_STATE_RUNNING] = "running",
	[MLPROXY_STATE_STOPPED] = "stopped",
	[MLPROXY_STATE_DESTROYED] = "destroyed",
};

static const char * const reason_names[MLPROXY_NR_REASONS] = {
	[MLPROXY_REASON_START] = "start",
	[MLPROXY_REASON_OPERATOR] = "operator",
	[MLPROXY_REASON_REINIT] = "reinit",
	[MLPROXY_REASON_CRITICAL] = "critical",
	[MLPROXY_REASON_NOT_WORSE] = "not_worse",
	[MLPROXY_REASON_BETTER] = "better",
	[MLPROXY_REASON_WORSE] = "worse",
	[MLPROXY_REASON_NOT_BETTER] = "not_better",
	[MLPROXY_REASON_NO_MODEL] = "no_model",
	[MLPROXY_REASON_NEW_MODEL] = "new_model",
	[MLPROXY_REASON_DROP] = "drop",
	[MLPROXY_REASON_ERRORS] = "errors",
	[MLPROXY_REASON_LATENCY] = "latency",
	[MLPROXY_REASON_AGENT_LOST] = "agent_lost",
	[MLPROXY_REASON_BAD_STATE] = "bad_state",
	[MLPROXY_REASON_RECOVERED] = "recovered",
	[MLPROXY_REASON_AUTO] = "auto",
	[MLPROXY_REASON_LEDGER] = "ledger",
	[MLPROXY_REASON_OUTER] = "outer",
	[MLPROXY_REASON_RAMP] = "ramp",
	[MLPROXY_REASON_RAMP_ENDED] = "ramp_ended",
	[MLPROXY_REASON_LOSSES] = "losses",
};

/**
 * mlproxy_mode_name() - name of a mode
 * @mode: MLPROXY_MODE_*
 */
const char *mlproxy_mode_name(u32 mode)
{
	return mode < ARRAY_SIZE(mode_names) ? mode_names[mode] : "?";
}

/**
 * mlproxy_state_name() - name of a state
 * @state: MLPROXY_STATE_*
 */
const char *mlproxy_state_name(u32 state)
{
	return state < ARRAY_SIZE(state_names) && state_names[state] ?
	       state_names[state] : "?";
}

/**
 * mlproxy_health_name() - name of a health
 * @health: MLPROXY_HEALTH_*
 */
const char *mlproxy_health_name(u32 health)
{
	return health < ARRAY_SIZE(health_names) ? health_names[health] : "?";
}

/**
 * mlproxy_reason_name() - name of a reason
 * @reason: MLPROXY_REASON_*
 */
const char *mlproxy_reason_name(u32 reason)
{
	return reason < ARRAY_SIZE(reason_names) && reason_names[reason] ?
	       reason_names[reason] : "?";
}

/**
 * mlproxy_mode_by_name() - the mode of a name
 * @name: as written to sysfs, a newline at its end is no part of it
 *
 * Return: MLPROXY_MODE_*, or -EINVAL.
 */
int mlproxy_mode_by_name(const char *name)
{
	return sysfs_match_string(mode_names, name);
}
