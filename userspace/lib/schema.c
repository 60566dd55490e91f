// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmlproxy: the schema of a proxy, with its arrays.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

/* Entry @i of an array whose entries are as large as the program knows them. */
static void *entry(void *array, unsigned int i, size_t bytes)
{
	return (char *)array + i * bytes;
}

static const struct mlproxy_feature *feature_at(const struct mlproxy_schema_desc *schema,
						unsigned int i)
{
	return entry(schema->features, i, schema->s.feature_size);
}

static const struct mlproxy_action *action_at(const struct mlproxy_schema_desc *schema,
					      unsigned int i)
{
	return entry(schema->actions, i, schema->s.action_size);
}

static const struct mlproxy_event_desc *event_at(const struct mlproxy_schema_desc *schema,
						 unsigned int i)
{
	return entry(schema->events, i, schema->s.event_size);
}

/* Does the program know of strata? */
static bool has_strata(const struct mlproxy_schema_desc *schema)
{
	return schema->s.size >= MLPX_UP_TO(struct mlproxy_schema, stratum_size);
}

static void *strata_of(const struct mlproxy_schema_desc *schema)
{
	return has_strata(schema) ? (void *)(uintptr_t)schema->s.strata : NULL;
}

/* Only where there are some, so that the call is one that every kernel takes. */
static int alloc_strata(struct mlproxy_session *s, struct mlproxy_schema_desc *schema,
			size_t bytes)
{
	void *strata;

	if (!has_strata(schema) || !schema->s.nr_strata)
		return 0;
	if (schema->s.nr_strata > MLPROXY_MAX_STRATA)
		return mlpx_fail(s, EPROTO, "the schema has %u strata, more than this library "
				 "knows of; install the same release of module and library",
				 schema->s.nr_strata);
	strata = calloc(schema->s.nr_strata, bytes);
	if (!strata)
		return mlpx_fail(s, ENOMEM, "no memory for the schema");
	schema->s.strata = (uintptr_t)strata;
	schema->s.stratum_size = bytes;
	return 0;
}

static int alloc_arrays(struct mlproxy_session *s, struct mlproxy_schema_desc *schema)
{
	if (schema->s.nr_features > MLPROXY_MAX_FEATURES ||
	    schema->s.nr_actions > MLPROXY_MAX_ACTIONS ||
	    schema->s.nr_states > MLPROXY_MAX_STATES || schema->s.nr_events > MLPROXY_MAX_EVENTS)
		return mlpx_fail(s, EPROTO, "the schema has %u features, %u actions, %u states "
				 "and %u events, more than this library knows of; install the "
				 "same release of module and library", schema->s.nr_features,
				 schema->s.nr_actions, schema->s.nr_states, schema->s.nr_events);
	/* one more, since an allocation of nothing may be NULL */
	schema->features = calloc(schema->s.nr_features + 1, schema->s.feature_size);
	schema->actions = calloc(schema->s.nr_actions + 1, schema->s.action_size);
	schema->states = calloc(schema->s.nr_states + 1, schema->s.state_size);
	schema->events = calloc(schema->s.nr_events + 1, schema->s.event_size);
	if (!schema->features || !schema->actions || !schema->states || !schema->events)
		return mlpx_fail(s, ENOMEM, "no memory for the schema");
	schema->s.features = (uintptr_t)schema->features;
	schema->s.actions = (uintptr_t)schema->actions;
	schema->s.states = (uintptr_t)schema->states;
	schema->s.events = (uintptr_t)schema->events;
	return 0;
}

static void terminate_feature(struct mlproxy_feature *feature)
{
	mlpx_terminate(feature->name);
	mlpx_terminate(feature->unit);
}

/* What a schema of the first published size does not have. */
static void terminate_added(struct mlproxy_schema_desc *schema)
{
	struct mlproxy_schema *s = &schema->s;
	unsigned int i;

	if (!has_strata(schema))
		return;
	mlpx_terminate(s->ledger_name);
	mlpx_terminate(s->ledger_unit);
	mlpx_terminate(s->cost_name);
	mlpx_terminate(s->cost_unit);
	mlpx_terminate(s->work_name);
	mlpx_terminate(s->work_unit);
	for (i = 0; s->strata && i < s->nr_strata; i++) {
		struct mlproxy_stratum *stratum = entry(strata_of(schema), i, s->stratum_size);

		mlpx_terminate(stratum->name);
	}
}

static void terminate_names(struct mlproxy_schema_desc *schema)
{
	const struct mlproxy_schema *s = &schema->s;
	unsigned int i;

	mlpx_terminate(schema->s.reward_name);
	mlpx_terminate(schema->s.reward_unit);
	for (i = 0; i < s->nr_features; i++)
		terminate_feature(entry(schema->features, i, s->feature_size));
	for (i = 0; i < s->nr_states; i++)
		terminate_feature(entry(schema->states, i, s->state_size));
	for (i = 0; i < s->nr_actions; i++) {
		struct mlproxy_action *action = entry(schema->actions, i, s->action_size);

		mlpx_terminate(action->name);
	}
	for (i = 0; i < s->nr_events; i++) {
		struct mlproxy_event_desc *event = entry(schema->events, i, s->event_size);

		mlpx_terminate(event->name);
	}
	terminate_added(schema);
}

/* Size of a stratum in a program that knows of them, else of no use. */
static size_t stratum_bytes(const struct mlproxy_schema_sizes *sizes)
{
	if (sizes->size < MLPX_UP_TO(struct mlproxy_schema_sizes, stratum))
		return sizeof(struct mlproxy_stratum);
	return sizes->stratum;
}

/* What was first published of each; a program can't know less. */
static bool sizes_sane(const struct mlproxy_schema_sizes *sizes)
{
	return sizes->size >= MLPX_UP_TO(struct mlproxy_schema_sizes, event) &&
	       sizes->desc >= MLPX_UP_TO(struct mlproxy_schema_desc, s.ledger_direction) &&
	       sizes->schema >= MLPX_UP_TO(struct mlproxy_schema, ledger_direction) &&
	       sizes->schema <= sizes->desc - offsetof(struct mlproxy_schema_desc, s) &&
	       sizes->feature >= MLPX_UP_TO(struct mlproxy_feature, preprocess) &&
	       sizes->action >= MLPX_UP_TO(struct mlproxy_action, value) &&
	       sizes->state >= MLPX_UP_TO(struct mlproxy_feature, preprocess) &&
	       sizes->event >= MLPX_UP_TO(struct mlproxy_event_desc, period_ms) &&
	       stratum_bytes(sizes) >= MLPX_UP_TO(struct mlproxy_stratum, name);
}

int mlproxy_schema_get_sized(struct mlproxy_session *s, struct mlproxy_schema_desc **out,
			     const struct mlproxy_schema_sizes *sizes)
{
	struct mlproxy_schema_desc *schema;
	int ret;

	*out = NULL;
	if (!sizes_sane(sizes))
		return mlpx_fail(s, EINVAL, "the program passes structures of a schema that are "
				 "smaller than any that were published");
	schema = calloc(1, sizes->desc);
	if (!schema)
		return mlpx_fail(s, ENOMEM, "no memory for the schema");
	schema->size = sizes->desc < sizeof(*schema) ? sizes->desc : sizeof(*schema);
	schema->s.size = sizes->schema;
	schema->s.feature_size = sizes->feature;
	schema->s.action_size = sizes->action;
	schema->s.state_size = sizes->state;
	schema->s.event_size = sizes->event;
	strcpy(schema->proxy, s->name);
	/* Ask for the numbers first; a bound proxy's schema doesn't change. */
	ret = mlpx_ioctl(s, MLPROXY_IOC_SCHEMA, &schema->s, "read the schema");
	if (ret && ret != -ENOBUFS)
		goto fail;
	ret = alloc_arrays(s, schema);
	if (!ret)
		ret = alloc_strata(s, schema, stratum_bytes(sizes));
	if (ret)
		goto fail;
	ret = mlpx_ioctl(s, MLPROXY_IOC_SCHEMA, &schema->s, "read the schema");
	if (ret)
		goto fail;
	terminate_names(schema);
	*out = schema;
	return 0;

fail:
	mlproxy_schema_free(schema);
	return ret;
}

void mlproxy_schema_free(struct mlproxy_schema_desc *schema)
{
	if (!schema)
		return;
	free(schema->features);
	free(schema->actions);
	free(schema->states);
	free(schema->events);
	free(strata_of(schema));
	free(schema);
}

int mlproxy_schema_feature(const struct mlproxy_schema_desc *schema, const char *name)
{
	unsigned int i;

	for (i = 0; i < schema->s.nr_features; i++) {
		if (strcmp(feature_at(schema, i)->name, name) == 0)
			return i;
	}
	return -ENOENT;
}

int mlproxy_schema_action(const struct mlproxy_schema_desc *schema, const char *name)
{
	unsigned int i;

	for (i = 0; i < schema->s.nr_actions; i++) {
		if (strcmp(action_at(schema, i)->name, name) == 0)
			return i;
	}
	return -ENOENT;
}

int mlproxy_schema_event(const struct mlproxy_schema_desc *schema, const char *name)
{
	unsigned int i;

	for (i = 0; i < schema->s.nr_events; i++) {
		if (strcmp(event_at(schema, i)->name, name) == 0)
			return i;
	}
	return -ENOENT;
}

const char *mlproxy_schema_stratum(const struct mlproxy_schema_desc *schema, uint32_t stratum)
{
	const struct mlproxy_stratum *found;

	if (!strata_of(schema) || stratum >= schema->s.nr_strata)
		return "?";
	found = entry(strata_of(schema), stratum, schema->s.stratum_size);
	return found->name;
}
