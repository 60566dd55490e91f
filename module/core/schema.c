// SPDX-License-Identifier: GPL-2.0-only
/* The schema of a proxy: checking a description and keeping a copy of it. */
#include <linux/ctype.h>
#include <linux/slab.h>

#include "core.h"
#include "event.h"
#include "infer/mlp.h"
#include "mode_rules.h"
#include "pending.h"
#include "preprocess.h"

#define DEFAULT_MAX_MACS 8192U
#define LIMIT_MAX_MACS BIT(20)
#define LIMIT_TRIAL_SHARE (MLPROXY_SHARE_ONE / 2)

static int refuse(const struct mlproxy_desc *desc, const char *why)
{
	pr_err("cannot create proxy '%s': %s\n", desc->name ? desc->name : "", why);
	return -EINVAL;
}

static bool name_ok(const char *name)
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

		if (!name_ok(f->name))
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
		if (!name_ok(desc->actions[i].name))
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

		if (!name_ok(e->name))
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

static int check_desc(const struct mlproxy_desc *desc)
{
	if (!name_ok(desc->name))
		return refuse(desc, "name must be 1 to 31 of A-Za-z0-9_-");
	if (!desc->owner)
		return refuse(desc, "no owner");
	if (!desc->nr_features || desc->nr_features > MLPROXY_MAX_FEATURES || !desc->features)
		return refuse(desc, "1 to 32 features are needed");
	if (desc->nr_actions < 2 || desc->nr_actions > MLPROXY_MAX_ACTIONS || !desc->actions)
		return refuse(desc, "2 to 32 actions are needed");
	if (!name_ok(desc->reward_name))
		return refuse(desc, "the reward's name");
	if (desc->reward_unit &&
	    strnlen(desc->reward_unit, MLPROXY_UNIT_LEN) == MLPROXY_UNIT_LEN)
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
	       check_events(desc) ?: check_actions(desc);
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
	if (!proxy->features || !proxy->actions || !proxy->states || !proxy->events) {
		mlproxy_schema_free(proxy);
		return -ENOMEM;
	}
	schema->nr_features = desc->nr_features;
	schema->nr_actions = desc->nr_actions;
	schema->nr_states = desc->nr_states;
	schema->nr_events = desc->nr_events;
	proxy->log2_features = preprocess_mask(desc->features, desc->nr_features);
	schema->schema_version = desc->schema_version;
	schema->reward_type = desc->reward_type;
	schema->reward_direction = desc->reward_direction;
	schema->reward_min = desc->reward_min;
	schema->reward_max = desc->reward_max;
	strscpy(schema->reward_name, desc->reward_name, sizeof(schema->reward_name));
	strscpy(schema->reward_unit, desc->reward_unit ? desc->reward_unit : "",
		sizeof(schema->reward_unit));
	schema->unit = desc->unit;
	schema->max_macs = desc->max_macs ? desc->max_macs : DEFAULT_MAX_MACS;
	schema->schema_hash = mlproxy_schema_hash(schema, proxy->features, proxy->actions);
	return 0;
}

/**
 * mlproxy_schema_free() - free the copy
 * @proxy: the proxy
 */
void mlproxy_schema_free(struct mlproxy *proxy)
{
	kfree(proxy->features);
	kfree(proxy->actions);
	kfree(proxy->states);
	kfree(proxy->events);
	proxy->features = NULL;
	proxy->actions = NULL;
	proxy->states = NULL;
	proxy->events = NULL;
}
