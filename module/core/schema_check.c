// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a description of a decision point a good one? Plain C, shared with the unit tests: it
 * may come from user space, so that nothing in it is trusted but its pointers.
 */
#include <mlproxy/mlproxy.h>

#include "event.h"
#include "mode_rules.h"
#include "outer.h"
#include "pending.h"
#include "schema_check.h"

#define LIMIT_MAX_MACS 1048576U
#define LIMIT_TRIAL_SHARE (MLPROXY_SHARE_ONE / 2)
/* Where decisions depend on one another: each has a share of the groups. */
#define MAX_CLUSTERED_STRATA 4

#define GOOD_NAME "must be 1 to 31 of A-Z, a-z, 0-9, '_' and '-'"
#define GOOD_UNIT "must be up to 15 printable characters of ASCII"

/* Keep what is wrong. Return: -EINVAL. */
static __printf(2, 3) int refuse(char *text, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, MLPROXY_TEXT_LEN, fmt, args);
	va_end(args);
	return -EINVAL;
}

/* The kernel's isalnum() has the letters of Latin-1 as well. */
static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

/**
 * mlproxy_name_ok() - is it a name
 * @name: letters, digits, '_' and '-', under MLPROXY_NAME_LEN; may be NULL, which is none
 *
 * Reads no more than MLPROXY_NAME_LEN bytes.
 */
bool mlproxy_name_ok(const char *name)
{
	size_t i, len = name ? strnlen(name, MLPROXY_NAME_LEN) : 0;

	if (!len || len == MLPROXY_NAME_LEN)
		return false;
	for (i = 0; i < len; i++)
		if (!is_name_char(name[i]))
			return false;
	return true;
}

static bool unit_ok(const char *unit)
{
	size_t i, len = unit ? strnlen(unit, MLPROXY_UNIT_LEN) : 0;

	if (len == MLPROXY_UNIT_LEN)
		return false;
	for (i = 0; i < len; i++)
		if (unit[i] < ' ' || unit[i] > '~')
			return false;
	return true;
}

/* Name and unit of what there is one of. */
static int check_names(char *text, const char *what, const char *name, const char *unit)
{
	if (!mlproxy_name_ok(name))
		return refuse(text, "%s: the name " GOOD_NAME, what);
	if (!unit_ok(unit))
		return refuse(text, "%s '%s': the unit " GOOD_UNIT, what, name);
	return 0;
}

/* Of something that is measured: its numbers in the kernel have 32 bits. */
static int check_measure(char *text, const char *what, u32 direction, s64 min, s64 max)
{
	if (direction > MLPROXY_REWARD_LOWER)
		return refuse(text, "%s: direction %u is none", what, direction);
	if (min > max || min < S32_MIN || max > S32_MAX)
		return refuse(text, "%s: %lld to %lld is no range of 32 bits", what,
			      (long long)min, (long long)max);
	return 0;
}

/*
 * The names of an array, each @stride bytes after the other: good ones, and no two alike.
 * Quadratic in at most 32.
 */
static int check_array(char *text, const char *what, const void *first, u32 nr, size_t stride)
{
	const char *names = first;
	u32 i, j;

	for (i = 0; i < nr; i++) {
		if (!mlproxy_name_ok(names + i * stride))
			return refuse(text, "%s %u: the name " GOOD_NAME, what, i);
		for (j = 0; j < i; j++)
			if (!strcmp(names + i * stride, names + j * stride))
				return refuse(text, "%s %u: %s %u is called '%s', too", what, i,
					      what, j, names + i * stride);
	}
	return 0;
}

/* Features, or states: the same, but for what may be done to them. */
static int check_features(char *text, const char *what, const struct mlproxy_feature *all,
			  u32 nr, u32 max_preprocess)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		const struct mlproxy_feature *f = &all[i];

		if (!unit_ok(f->unit))
			return refuse(text, "%s %u: the unit " GOOD_UNIT, what, i);
		if (f->min > f->max)
			return refuse(text, "%s %u: %lld to %lld is no range", what, i,
				      (long long)f->min, (long long)f->max);
		if (f->type >= MLPROXY_NR_TYPES)
			return refuse(text, "%s %u: type %u is none", what, i, f->type);
		if (f->preprocess > max_preprocess)
			return refuse(text, "%s %u: preprocessing %u is none for it", what, i,
				      f->preprocess);
		if (f->preprocess == MLPROXY_PRE_LOG2 && f->type != MLPROXY_TYPE_Q8)
			return refuse(text, "%s %u: a logarithm is of type Q8", what, i);
	}
	return check_array(text, what, all, nr, sizeof(*all));
}

static int check_events(char *text, const struct mlproxy_desc *desc)
{
	u32 i;

	for (i = 0; i < desc->nr_events; i++) {
		const struct mlproxy_event_desc *e = &desc->events[i];
		u32 most = e->period_ms ? EVENT_MAX_AGGREGATED : EVENT_MAX_VALUES;

		if (e->period_ms > EVENT_MAX_PERIOD_MS)
			return refuse(text, "event %u: a period of %u ms is above 1 h", i,
				      e->period_ms);
		if (e->nr_values > most)
			return refuse(text, "event %u: %u values are more than %u", i,
				      e->nr_values, most);
	}
	return check_array(text, "event", desc->events, desc->nr_events, sizeof(*desc->events));
}

static int check_ledger(char *text, const struct mlproxy_desc *desc)
{
	if (!desc->ledger_name)
		return 0;
	return check_names(text, "ledger", desc->ledger_name, desc->ledger_unit) ?:
	       check_measure(text, "ledger", desc->ledger_direction, desc->ledger_min,
			     desc->ledger_max);
}

static int check_strata(char *text, const struct mlproxy_desc *desc)
{
	u32 most = desc->unit == MLPROXY_UNIT_DECISION ? MLPROXY_MAX_STRATA :
							 MAX_CLUSTERED_STRATA;

	if (desc->nr_strata > most)
		return refuse(text, "%u strata are more than %u", desc->nr_strata, most);
	return check_array(text, "stratum", desc->strata, desc->strata ? desc->nr_strata : 0,
			   sizeof(*desc->strata));
}

static int check_outer(char *text, const struct mlproxy_desc *desc)
{
	u64 hold_ns = desc->outer_hold_ns ? desc->outer_hold_ns : OUTER_DEFAULT_HOLD_NS;
	int ret;

	if (desc->outer_unit == MLPROXY_OUTER_NONE)
		return 0;
	if (desc->outer_unit > MLPROXY_OUTER_WINDOW)
		return refuse(text, "unit %u of the outer experiment is none", desc->outer_unit);
	ret = check_names(text, "cost", desc->cost_name, desc->cost_unit) ?:
	      check_names(text, "work", desc->work_name, desc->work_unit);
	if (ret)
		return ret;
	if (hold_ns < OUTER_MIN_HOLD_NS || hold_ns > OUTER_MAX_HOLD_NS)
		return refuse(text, "outer_hold_ns is not from 1 ms to 1 h");
	if (desc->outer_washout_ns >= hold_ns)
		return refuse(text, "outer_washout_ns is not below outer_hold_ns");
	return 0;
}

static int check_reward(char *text, const struct mlproxy_desc *desc)
{
	if (desc->reward_type >= MLPROXY_NR_TYPES || desc->reward_type == MLPROXY_TYPE_ENUM)
		return refuse(text, "reward: type %u is none for it", desc->reward_type);
	return check_names(text, "reward", desc->reward_name, desc->reward_unit) ?:
	       check_measure(text, "reward", desc->reward_direction, desc->reward_min,
			     desc->reward_max);
}

/* How many there are of what, and that it is there: before any of it is looked at. */
static int check_numbers(char *text, const struct mlproxy_desc *desc)
{
	if (!desc->nr_features || desc->nr_features > MLPROXY_MAX_FEATURES || !desc->features)
		return refuse(text, "1 to 32 features are needed, not %u", desc->nr_features);
	if (desc->nr_actions < 2 || desc->nr_actions > MLPROXY_MAX_ACTIONS || !desc->actions)
		return refuse(text, "2 to 32 actions are needed, not %u", desc->nr_actions);
	if (desc->nr_states > MLPROXY_MAX_STATES || (desc->nr_states && !desc->states))
		return refuse(text, "up to 16 states are allowed, not %u", desc->nr_states);
	if (desc->nr_events > MLPROXY_MAX_EVENTS || (desc->nr_events && !desc->events))
		return refuse(text, "up to 16 events are allowed, not %u", desc->nr_events);
	return 0;
}

static int check_limits(char *text, const struct mlproxy_desc *desc)
{
	if (desc->unit > MLPROXY_UNIT_WINDOW)
		return refuse(text, "unit of randomisation %u is none", desc->unit);
	if (desc->trial_share > LIMIT_TRIAL_SHARE)
		return refuse(text, "trial_share %u is above a half", desc->trial_share);
	if (desc->min_samples == 1 || desc->min_samples > MODE_MAX_MIN_SAMPLES)
		return refuse(text, "min_samples %u is not from 2 to 2^24", desc->min_samples);
	if (desc->ramp_ns > MODE_MAX_RAMP_NS)
		return refuse(text, "ramp_ns is above 1 h");
	if (desc->max_macs > LIMIT_MAX_MACS)
		return refuse(text, "max_macs %u is above 1048576", desc->max_macs);
	if (desc->table_entries > MLPROXY_REC_MAX_ENTRIES)
		return refuse(text, "table_entries %u is above 65536", desc->table_entries);
	if (desc->pending_entries > PENDING_MAX_ENTRIES)
		return refuse(text, "pending_entries %u is above 65536", desc->pending_entries);
	if (desc->pending_ns && (desc->pending_ns < PENDING_MIN_NS ||
				 desc->pending_ns > PENDING_MAX_NS))
		return refuse(text, "pending_ns is not from 1 ms to 1 day");
	return 0;
}

/**
 * mlproxy_desc_check() - look for what is wrong with a description
 * @desc: the description; its texts are read up to the lengths that they may have
 * @text: out: what is wrong, MLPROXY_TEXT_LEN bytes
 *
 * Context: any. Return: 0, or -EINVAL.
 */
int mlproxy_desc_check(const struct mlproxy_desc *desc, char *text)
{
	if (!mlproxy_name_ok(desc->name))
		return refuse(text, "the name " GOOD_NAME);
	if (!desc->owner)
		return refuse(text, "there is no owner");
	return check_numbers(text, desc) ?: check_limits(text, desc) ?:
	       check_reward(text, desc) ?:
	       check_features(text, "feature", desc->features, desc->nr_features,
			      MLPROXY_PRE_LOG2) ?:
	       check_features(text, "state", desc->states, desc->nr_states,
			      MLPROXY_PRE_DELTA) ?:
	       check_array(text, "action", desc->actions, desc->nr_actions,
			   sizeof(*desc->actions)) ?:
	       check_events(text, desc) ?: check_ledger(text, desc) ?:
	       check_strata(text, desc) ?: check_outer(text, desc);
}
