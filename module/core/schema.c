// SPDX-License-Identifier: GPL-2.0-only
/* The schema of a proxy: checking a description and keeping a copy of it. */
#include <linux/ctype.h>
#include <linux/slab.h>

#include "core.h"
#include "event.h"
#include "infer/mlp.h"
#include "mode_rules.h"
#include "outer.h"
#include "pending.h"
#include "preprocess.h"

#define DEFAULT_MAX_MACS 8192U
#define LIMIT_MAX_MACS BIT(20)
#define LIMIT_TRIAL_SHARE (MLPROXY_SHARE_ONE / 2)
/* Where decisions depend on one another: each has a share of the groups. */
#define SCHEMA_MAX_CLUSTERED_STRATA 4

static int refuse(const struct mlproxy_desc *desc, const char *why)
{
	pr_err("cannot create proxy '%s': %s\n", desc->name ? desc->name : "", why);
	return -EINVAL;
}

/**
 * mlproxy_name_ok() - is it a name
 * @name: letters, digits, '_' and '-', under MLPROXY_NAME_LEN; may be NULL, which is none
 */
bool mlproxy_name_ok(const char *name)
{
	size_t i, len = name ? strnlen(name, MLPROXY_NAME_LEN) : 0;

	if (!len || len == MLPROXY_NAME_LEN)
		return false;
	for (i = 0; i < len; i++)
		if (!isalnum(name[i]) && name[i] != '_' && name[i] != '-')
			return false;
	return true;
}

/* Features, or states: the same, but for what may be done to them. */
static int check_features(const struct mlproxy_desc *desc, const struct mlproxy_feature *all,
			  u32 nr, u32 max_preprocess)
{
	u32 i, j;

	for (i = 0; i < nr; i++) {
		const struct mlproxy_feature *f = &all[i];

		if (!mlproxy_name_ok(f->name))
			return refuse(desc, "a feature's name");
		if (strnlen(f->unit, MLPROXY_UNIT_LEN) == MLPROXY_UNIT_LEN)
			return refuse(desc, "a feature's unit is not terminated");
		if (f->min > f->max || f->type >= MLPROXY_NR_TYPES ||
		    f->preprocess > max_preprocess)
			return refuse(desc, "a feature's range or type");
		if (f->preprocess == MLPROXY_PRE_LOG2 && f->type != MLPROXY_TYPE_Q8)
			return refuse(desc, "a logarithm is of type Q8");
		for (j = 0; j < i; j++)
			if (!strcmp(f->name, all[j].name))
				return refuse(desc, "two features of one name");
	}
	return 0;
}

static int check_actions(const struct mlproxy_desc *desc)
{
	u32 i, j;

	for (i = 0; i < desc->nr_actions; i++) {
		if (!mlproxy_name_ok(desc->actions[i].name))
			return refuse(desc, "an action's name");
		for (j = 0; j < i; j++)
			if (!strcmp(desc->actions[i].name, desc->actions[j].name))
				return refuse(desc, "two actions of one name");
	}
	return 0;
}

static int check_events(const struct mlproxy_desc *desc)
{
	u32 i, j;

	for (i = 0; i < desc->nr_events; i++) {
		const struct mlproxy_event_desc *e = &desc->events[i];

		if (!mlproxy_name_ok(e->name))
			return refuse(desc, "an event's name");
		if (e->period_ms > EVENT_MAX_PERIOD_MS ||
		    e->nr_values > (e->period_ms ? EVENT_MAX_AGGREGATED : EVENT_MAX_VALUES))
			return refuse(desc, "an event's values or period");
		for (j = 0; j < i; j++)
			if (!strcmp(e->name, desc->events[j].name))
				return refuse(desc, "two events of one name");
	}
	return 0;
}

static bool unit_ok(const char *unit)
{
	return !unit || strnlen(unit, MLPROXY_UNIT_LEN) < MLPROXY_UNIT_LEN;
}

static int check_ledger(const struct mlproxy_desc *desc)
{
	if (!desc->ledger_name)
		return 0;
	if (!mlproxy_name_ok(desc->ledger_name) || !unit_ok(desc->ledger_unit))
		return refuse(desc, "the ledger's name or unit");
	if (desc->ledger_direction > MLPROXY_REWARD_LOWER)
		return refuse(desc, "the ledger's direction");
	if (desc->ledger_min > desc->ledger_max || desc->ledger_min < S32_MIN ||
	    desc->ledger_max > S32_MAX)
		return refuse(desc, "the ledger's range");
	return 0;
}

static int check_strata(const struct mlproxy_desc *desc)
{
	u32 most = desc->unit == MLPROXY_UNIT_DECISION ? MLPROXY_MAX_STRATA :
							 SCHEMA_MAX_CLUSTERED_STRATA;
	u32 i, j;

	if (desc->nr_strata > most)
		return refuse(desc, "too many strata");
	for (i = 0; desc->strata && i < desc->nr_strata; i++) {
		if (!mlproxy_name_ok(desc->strata[i].name))
			return refuse(desc, "a stratum's name");
		for (j = 0; j < i; j++)
			if (!strcmp(desc->strata[i].name, desc->strata[j].name))
				return refuse(desc, "two strata of one name");
	}
	return 0;
}

static int check_outer(const struct mlproxy_desc *desc)
{
	if (desc->outer_unit == MLPROXY_OUTER_NONE)
		return 0;
	if (desc->outer_unit > MLPROXY_OUTER_WINDOW)
		return refuse(desc, "the unit of the outer experiment");
	if (!desc->cost_name || !mlproxy_name_ok(desc->cost_name) || !unit_ok(desc->cost_unit))
		return refuse(desc, "the cost's name or unit");
	if (!desc->work_name || !mlproxy_name_ok(desc->work_name) || !unit_ok(desc->work_unit))
		return refuse(desc, "the work's name or unit");
	if (desc->outer_hold_ns && (desc->outer_hold_ns < OUTER_MIN_HOLD_NS ||
				    desc->outer_hold_ns > OUTER_MAX_HOLD_NS))
		return refuse(desc, "outer_hold_ns");
	if (desc->outer_washout_ns &&
	    desc->outer_washout_ns >= (desc->outer_hold_ns ?: OUTER_DEFAULT_HOLD_NS))
		return refuse(desc, "outer_washout_ns");
	return 0;
}

static int check_desc(const struct mlproxy_desc *desc)
{
	if (!mlproxy_name_ok(desc->name))
		return refuse(desc, "name must be 1 to 31 of A-Za-z0-9_-");
	if (!desc->owner)
		return refuse(desc, "no owner");
	if (!desc->nr_features || desc->nr_features > MLPROXY_MAX_FEATURES || !desc->features)
		return refuse(desc, "1 to 32 features are needed");
	if (desc->nr_actions < 2 || desc->nr_actions > MLPROXY_MAX_ACTIONS || !desc->actions)
		return refuse(desc, "2 to 32 actions are needed");
	if (!mlproxy_name_ok(desc->reward_name))
		return refuse(desc, "the reward's name");
	if (!unit_ok(desc->reward_unit))
		return refuse(desc, "the reward's unit is too long");
	if (desc->reward_type >= MLPROXY_NR_TYPES || desc->reward_type == MLPROXY_TYPE_ENUM)
		return refuse(desc, "the reward's type");
	if (desc->reward_direction > MLPROXY_REWARD_LOWER)
		return refuse(desc, "the reward's direction");
	if (desc->reward_min > desc->reward_max || desc->reward_min < S32_MIN ||
	    desc->reward_max > S32_MAX)
		return refuse(desc, "the reward's range");
	if (desc->unit > MLPROXY_UNIT_WINDOW)
		return refuse(desc, "the unit of randomisation");
	if (desc->trial_share > LIMIT_TRIAL_SHARE)
		return refuse(desc, "trial_share above a half");
	if (desc->min_samples == 1 || desc->min_samples > MODE_MAX_MIN_SAMPLES)
		return refuse(desc, "min_samples");
	if (desc->ramp_ns > MODE_MAX_RAMP_NS)
		return refuse(desc, "ramp_ns above 1 h");
	if (desc->max_macs > LIMIT_MAX_MACS)
		return refuse(desc, "max_macs above 1048576");
	if (desc->table_entries > MLPROXY_REC_MAX_ENTRIES)
		return refuse(desc, "table_entries above 65536");
	if (desc->nr_states > MLPROXY_MAX_STATES || (desc->nr_states && !desc->states))
		return refuse(desc, "at most 16 states");
	if (desc->nr_events > MLPROXY_MAX_EVENTS || (desc->nr_events && !desc->events))
		return refuse(desc, "at most 16 events");
	if (desc->pending_entries > PENDING_MAX_ENTRIES)
		return refuse(desc, "pending_entries above 65536");
	return check_features(desc, desc->features, desc->nr_features, MLPROXY_PRE_LOG2) ?:
	       check_features(desc, desc->states, desc->nr_states, MLPROXY_PRE_DELTA) ?:
	       check_events(desc) ?: check_actions(desc) ?:
	       check_ledger(desc) ?: check_strata(desc) ?: check_outer(desc);
}

/* A text of the description, empty for NULL. */
static void copy_text(char *to, const char *from, size_t room)
{
	strscpy(to, from ? from : "", room);
}

static void fill_inner(struct mlproxy_schema *schema, const struct mlproxy_desc *desc)
{
	schema->reward_type = desc->reward_type;
	schema->reward_direction = desc->reward_direction;
	schema->reward_min = desc->reward_min;
	schema->reward_max = desc->reward_max;
	copy_text(schema->reward_name, desc->reward_name, sizeof(schema->reward_name));
	copy_text(schema->reward_unit, desc->reward_unit, sizeof(schema->reward_unit));
	schema->ledger_direction = desc->ledger_direction;
	copy_text(schema->ledger_name, desc->ledger_name, sizeof(schema->ledger_name));
	copy_text(schema->ledger_unit, desc->ledger_unit, sizeof(schema->ledger_unit));
	schema->unit = desc->unit;
}

static void fill_outer(struct mlproxy_schema *schema, const struct mlproxy_desc *desc)
{
	schema->outer_unit = desc->outer_unit;
	copy_text(schema->cost_name, desc->cost_name, sizeof(schema->cost_name));
	copy_text(schema->cost_unit, desc->cost_unit, sizeof(schema->cost_unit));
	copy_text(schema->work_name, desc->work_name, sizeof(schema->work_name));
	copy_text(schema->work_unit, desc->work_unit, sizeof(schema->work_unit));
}

static int copy_strata(struct mlproxy *proxy, const struct mlproxy_desc *desc)
{
	u32 i;

	proxy->schema.nr_strata = desc->nr_strata;
	proxy->strata = kcalloc(max(desc->nr_strata, 1U), sizeof(*proxy->strata), GFP_KERNEL);
	if (!proxy->strata)
		return -ENOMEM;
	for (i = 0; i < desc->nr_strata; i++) {
		if (desc->strata)
			proxy->strata[i] = desc->strata[i];
		else
			scnprintf(proxy->strata[i].name, sizeof(proxy->strata[i].name), "%u", i);
	}
	return 0;
}

/**
 * mlproxy_schema_init() - check a description and copy its schema
 * @proxy: the proxy being made
 * @desc: the description
 *
 * The copy outlives the module that owns the proxy. Context: may sleep.
 * Return: 0, -EINVAL (said in the log), -ENOMEM.
 */
int mlproxy_schema_init(struct mlproxy *proxy, const struct mlproxy_desc *desc)
{
	struct mlproxy_schema *schema = &proxy->schema;
	int ret;

	ret = check_desc(desc);
	if (ret)
		return ret;
	proxy->features = kmemdup(desc->features, desc->nr_features *
				  sizeof(*desc->features), GFP_KERNEL);
	proxy->actions = kmemdup(desc->actions, desc->nr_actions *
				 sizeof(*desc->actions), GFP_KERNEL);
	proxy->states = kmemdup(desc->states, desc->nr_states * sizeof(*desc->states),
				GFP_KERNEL);
	proxy->events = kmemdup(desc->events, desc->nr_events * sizeof(*desc->events),
				GFP_KERNEL);
	if (!proxy->features || !proxy->actions || !proxy->states || !proxy->events ||
	    copy_strata(proxy, desc)) {
		mlproxy_schema_free(proxy);
		return -ENOMEM;
	}
	schema->nr_features = desc->nr_features;
	schema->nr_actions = desc->nr_actions;
	schema->nr_states = desc->nr_states;
	schema->nr_events = desc->nr_events;
	proxy->log2_features = preprocess_mask(desc->features, desc->nr_features);
	schema->schema_version = desc->schema_version;
	fill_inner(schema, desc);
	fill_outer(schema, desc);
	proxy->ledger_min = desc->ledger_min;
	proxy->ledger_max = desc->ledger_max;
	proxy->nr_strata = desc->nr_strata > 1 ? desc->nr_strata : 0;
	proxy->outer_unit = desc->outer_unit;
	proxy->desc_hold_ns = desc->outer_hold_ns ?: OUTER_DEFAULT_HOLD_NS;
	proxy->desc_washout_ns = desc->outer_washout_ns ?:
				 OUTER_WASHOUT(proxy->desc_hold_ns);
	schema->max_macs = desc->max_macs ? desc->max_macs : DEFAULT_MAX_MACS;
	schema->schema_hash = mlproxy_schema_hash(schema, proxy->features, proxy->actions);
	return 0;
}

/**
 * mlproxy_schema_share() - have the schema of another proxy
 * @proxy: the instance being made
 * @from: the proxy that it is one of, which outlives it
 */
void mlproxy_schema_share(struct mlproxy *proxy, const struct mlproxy *from)
{
	proxy->schema = from->schema;
	proxy->features = from->features;
	proxy->actions = from->actions;
	proxy->states = from->states;
	proxy->events = from->events;
	proxy->strata = from->strata;
	proxy->log2_features = from->log2_features;
	proxy->nr_strata = from->nr_strata;
	proxy->outer_unit = from->outer_unit;
	proxy->desc_hold_ns = from->desc_hold_ns;
	proxy->desc_washout_ns = from->desc_washout_ns;
	proxy->ledger_min = from->ledger_min;
	proxy->ledger_max = from->ledger_max;
}

/**
 * mlproxy_schema_free() - free the copy, if it is the proxy's own
 * @proxy: the proxy
 */
void mlproxy_schema_free(struct mlproxy *proxy)
{
	if (mlproxy_is_instance(proxy))
		return;
	kfree(proxy->features);
	kfree(proxy->actions);
	kfree(proxy->states);
	kfree(proxy->events);
	kfree(proxy->strata);
	proxy->features = NULL;
	proxy->actions = NULL;
	proxy->states = NULL;
	proxy->events = NULL;
	proxy->strata = NULL;
}
