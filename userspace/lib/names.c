// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmlproxy: the ABI's numbers in words, as the tools print and take them.
 */
#include <errno.h>
#include <string.h>

#include <mlproxy/mlproxy.h>

#ifndef LIBMLPROXY_VERSION
#error "the Makefile defines LIBMLPROXY_VERSION"
#endif

#define LOOKUP(table, nr)							\
	((nr) < sizeof(table) / sizeof((table)[0]) && (table)[nr] ? (table)[nr] : "?")

static const char *const states[] = {
	[MLPROXY_STATE_CREATED] = "created",
	[MLPROXY_STATE_INITIALIZED] = "initialized",
	[MLPROXY_STATE_RUNNING] = "running",
	[MLPROXY_STATE_STOPPED] = "stopped",
	[MLPROXY_STATE_DESTROYED] = "destroyed",
};

static const char *const modes[] = {
	[MLPROXY_MODE_EMERGENCY] = "emergency",
	[MLPROXY_MODE_LEARNING] = "learning",
	[MLPROXY_MODE_COLLABORATION] = "collaboration",
	[MLPROXY_MODE_RECOMMENDATION] = "recommendation",
};

static const char *const mode_reasons[] = {
	[MLPROXY_REASON_START] = "start",
	[MLPROXY_REASON_OPERATOR] = "operator",
	[MLPROXY_REASON_REINIT] = "reinit",
	[MLPROXY_REASON_CRITICAL] = "critical",
	[MLPROXY_REASON_NOT_WORSE] = "not worse",
	[MLPROXY_REASON_BETTER] = "better",
	[MLPROXY_REASON_WORSE] = "worse",
	[MLPROXY_REASON_NOT_BETTER] = "not better",
	[MLPROXY_REASON_NO_MODEL] = "no model",
	[MLPROXY_REASON_NEW_MODEL] = "new model",
	[MLPROXY_REASON_DROP] = "drop",
	[MLPROXY_REASON_ERRORS] = "errors",
	[MLPROXY_REASON_LATENCY] = "latency",
	[MLPROXY_REASON_AGENT_LOST] = "agent lost",
	[MLPROXY_REASON_BAD_STATE] = "bad state",
	[MLPROXY_REASON_RECOVERED] = "recovered",
	[MLPROXY_REASON_AUTO] = "auto",
	[MLPROXY_REASON_LEDGER] = "ledger",
	[MLPROXY_REASON_OUTER] = "outer",
	[MLPROXY_REASON_RAMP] = "ramp",
	[MLPROXY_REASON_RAMP_ENDED] = "ramp ended",
	[MLPROXY_REASON_LOSSES] = "losses",
};

static const char *const arms[] = {
	[MLPROXY_ARM_BASELINE] = "baseline",
	[MLPROXY_ARM_MODEL] = "model",
	[MLPROXY_ARM_NONE] = "none",
};

static const char *const sources[] = {
	[MLPROXY_SRC_BASELINE] = "baseline",
	[MLPROXY_SRC_RECOMMENDATION] = "recommendation",
	[MLPROXY_SRC_MODEL] = "model",
	[MLPROXY_SRC_BPF] = "bpf",
	[MLPROXY_SRC_EXPLORE] = "explore",
};

static const char *const units[] = {
	[MLPROXY_UNIT_DECISION] = "decision",
	[MLPROXY_UNIT_ENTITY] = "entity",
	[MLPROXY_UNIT_WINDOW] = "window",
};

static const char *const types[] = {
	[MLPROXY_TYPE_INT] = "int",
	[MLPROXY_TYPE_COUNT] = "count",
	[MLPROXY_TYPE_BOOL] = "bool",
	[MLPROXY_TYPE_ENUM] = "enum",
	[MLPROXY_TYPE_Q8] = "q8",
	[MLPROXY_TYPE_Q16] = "q16",
};

static const char *const directions[] = {
	[MLPROXY_REWARD_HIGHER] = "higher",
	[MLPROXY_REWARD_LOWER] = "lower",
};

static const char *const records[] = {
	[MLPROXY_REC_DECISION] = "decision",
	[MLPROXY_REC_FEEDBACK] = "feedback",
	[MLPROXY_REC_EVENT] = "event",
	[MLPROXY_REC_MODE] = "mode",
	[MLPROXY_REC_STATE] = "state",
	[MLPROXY_REC_MODEL] = "model",
	[MLPROXY_REC_PAD] = "pad",
};

static const char *const refusals[] = {
	[MLPROXY_REFUSED_NONE] = "none",
	[MLPROXY_REFUSED_LENGTH] = "length",
	[MLPROXY_REFUSED_MAGIC] = "magic",
	[MLPROXY_REFUSED_FORMAT] = "format",
	[MLPROXY_REFUSED_KIND] = "kind",
	[MLPROXY_REFUSED_CHECKSUM] = "checksum",
	[MLPROXY_REFUSED_RESERVED] = "reserved",
	[MLPROXY_REFUSED_SCHEMA] = "schema",
	[MLPROXY_REFUSED_SHAPE] = "shape",
	[MLPROXY_REFUSED_CHAIN] = "chain",
	[MLPROXY_REFUSED_OFFSET] = "offset",
	[MLPROXY_REFUSED_INPUT] = "input",
	[MLPROXY_REFUSED_SCALE] = "scale",
	[MLPROXY_REFUSED_OVERFLOW] = "overflow",
	[MLPROXY_REFUSED_COST] = "cost",
	[MLPROXY_REFUSED_FLAGS] = "flags",
	[MLPROXY_REFUSED_NAME] = "name",
	[MLPROXY_REFUSED_TREE] = "tree",
	[MLPROXY_REFUSED_NODE] = "node",
};

static const char *const healths[] = {
	[MLPROXY_HEALTH_UNKNOWN] = "unknown",
	[MLPROXY_HEALTH_GOOD] = "good",
	[MLPROXY_HEALTH_STRAINED] = "strained",
	[MLPROXY_HEALTH_BAD] = "bad",
};

static const char *const preprocessings[] = {
	[MLPROXY_PRE_NONE] = "none",
	[MLPROXY_PRE_LOG2] = "log2",
	[MLPROXY_PRE_DELTA] = "delta",
};

static const char *const triggers[] = {
	[MLPROXY_TRIGGER_NOW] = "now",
	[MLPROXY_TRIGGER_EVENT] = "event",
	[MLPROXY_TRIGGER_MODE] = "mode",
};

static const char *const dataset_states[] = {
	[MLPROXY_DATASET_CONTINUOUS] = "continuous",
	[MLPROXY_DATASET_WAITING] = "waiting",
	[MLPROXY_DATASET_ACTIVE] = "active",
	[MLPROXY_DATASET_COMPLETE] = "complete",
	[MLPROXY_DATASET_CANCELLED] = "cancelled",
};

static const char *const verdicts[] = {
	[MLPROXY_VERDICT_REWARD] = "reward",
	[MLPROXY_VERDICT_LEDGER] = "ledger",
	[MLPROXY_VERDICT_OUTER] = "outer",
};

static const char *const stances[] = {
	[MLPROXY_STANCE_NONE] = "none",
	[MLPROXY_STANCE_WAITS] = "waits",
	[MLPROXY_STANCE_SUPPORTS] = "supports",
	[MLPROXY_STANCE_CONTRADICTS] = "contradicts",
};

static const char *const stages[] = {
	[MLPROXY_STAGE_NONE] = "none",
	[MLPROXY_STAGE_RAMP] = "ramp",
};

static const char *const outer_units[] = {
	[MLPROXY_OUTER_NONE] = "none",
	[MLPROXY_OUTER_ENTITY] = "entity",
	[MLPROXY_OUTER_WINDOW] = "window",
};

/* By the number of the bit. */
static const char *const needs[] = {
	"policy", "samples", "reward", "ledger", "outer", "losses", "time",
};

const char *mlproxy_state_name(uint32_t state)
{
	return LOOKUP(states, state);
}

const char *mlproxy_mode_name(uint32_t mode)
{
	return LOOKUP(modes, mode);
}

const char *mlproxy_mode_reason_name(uint32_t reason)
{
	return LOOKUP(mode_reasons, reason);
}

const char *mlproxy_arm_name(uint32_t arm)
{
	return LOOKUP(arms, arm);
}

const char *mlproxy_source_name(uint32_t source)
{
	return LOOKUP(sources, source);
}

const char *mlproxy_unit_name(uint32_t unit)
{
	return LOOKUP(units, unit);
}

const char *mlproxy_type_name(uint32_t type)
{
	return LOOKUP(types, type);
}

const char *mlproxy_direction_name(uint32_t direction)
{
	return LOOKUP(directions, direction);
}

const char *mlproxy_record_name(uint32_t type)
{
	return LOOKUP(records, type);
}

const char *mlproxy_refusal_name(uint32_t reason)
{
	return LOOKUP(refusals, reason);
}

const char *mlproxy_health_name(uint32_t health)
{
	return LOOKUP(healths, health);
}

const char *mlproxy_preprocess_name(uint32_t preprocess)
{
	return LOOKUP(preprocessings, preprocess);
}

const char *mlproxy_trigger_name(uint32_t trigger)
{
	return LOOKUP(triggers, trigger);
}

const char *mlproxy_dataset_state_name(uint32_t state)
{
	return LOOKUP(dataset_states, state);
}

const char *mlproxy_verdict_name(uint32_t verdict)
{
	return LOOKUP(verdicts, verdict);
}

const char *mlproxy_stance_name(uint32_t stance)
{
	return LOOKUP(stances, stance);
}

const char *mlproxy_stage_name(uint32_t stage)
{
	return LOOKUP(stages, stage);
}

const char *mlproxy_outer_unit_name(uint32_t unit)
{
	return LOOKUP(outer_units, unit);
}

const char *mlproxy_need_name(uint32_t need)
{
	unsigned int bit = need ? __builtin_ctz(need) : 0;

	return need == 1U << bit ? LOOKUP(needs, bit) : "?";
}

int mlproxy_mode_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < MLPROXY_NR_MODES; i++) {
		if (strcmp(modes[i], name) == 0)
			return i;
	}
	return -ENOENT;
}

const char *mlproxy_version(void)
{
	return LIBMLPROXY_VERSION;
}
