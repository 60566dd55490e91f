// SPDX-License-Identifier: GPL-2.0-only
/* The schema of a proxy: keeping a copy of a description. */
#include <linux/slab.h>

#include "core.h"
#include "infer/mlp.h"
#include "outer.h"
#include "preprocess.h"
#include "schema_check.h"

#define DEFAULT_MAX_MACS 8192U

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
	proxy->strata = kcalloc(max(desc->nr_strata, 1U), sizeof(*proxy->strata), proxy->gfp);
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
	char wrong[MLPROXY_TEXT_LEN];

	if (mlproxy_desc_check(desc, wrong)) {
		pr_err("cannot create proxy '%.31s': %s\n", desc->name ? desc->name : "", wrong);
		return -EINVAL;
	}
	proxy->features = kmemdup(desc->features, desc->nr_features *
				  sizeof(*desc->features), proxy->gfp);
	proxy->actions = kmemdup(desc->actions, desc->nr_actions *
				 sizeof(*desc->actions), proxy->gfp);
	proxy->states = kmemdup(desc->states, desc->nr_states * sizeof(*desc->states),
				proxy->gfp);
	proxy->events = kmemdup(desc->events, desc->nr_events * sizeof(*desc->events),
				proxy->gfp);
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
