// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmlproxy: the schema of a proxy, with its arrays.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

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
	schema->features = calloc(schema->s.nr_features + 1, sizeof(*schema->features));
	schema->actions = calloc(schema->s.nr_actions + 1, sizeof(*schema->actions));
	schema->states = calloc(schema->s.nr_states + 1, sizeof(*schema->states));
	schema->events = calloc(schema->s.nr_events + 1, sizeof(*schema->events));
	if (!schema->features || !schema->actions || !schema->states || !schema->events)
		return mlpx_fail(s, ENOMEM, "no memory for the schema");
	schema->s.features = (uintptr_t)schema->features;
	schema->s.actions = (uintptr_t)schema->actions;
	schema->s.states = (uintptr_t)schema->states;
	schema->s.events = (uintptr_t)schema->events;
	return 0;
}

static void terminate_names(struct mlproxy_schema_desc *schema)
{
	unsigned int i;

	mlpx_terminate(schema->s.reward_name);
	mlpx_terminate(schema->s.reward_unit);
	for (i = 0; i < schema->s.nr_features; i++) {
		mlpx_terminate(schema->features[i].name);
		mlpx_terminate(schema->features[i].unit);
	}
	for (i = 0; i < schema->s.nr_actions; i++)
		mlpx_terminate(schema->actions[i].name);
	for (i = 0; i < schema->s.nr_states; i++) {
		mlpx_terminate(schema->states[i].name);
		mlpx_terminate(schema->states[i].unit);
	}
	for (i = 0; i < schema->s.nr_events; i++)
		mlpx_terminate(schema->events[i].name);
}

int mlproxy_schema_get(struct mlproxy_session *s, struct mlproxy_schema_desc **out)
{
	struct mlproxy_schema_desc *schema;
	int ret;

	*out = NULL;
	schema = calloc(1, sizeof(*schema));
	if (!schema)
		return mlpx_fail(s, ENOMEM, "no memory for the schema");
	schema->s.size = sizeof(schema->s);
	strcpy(schema->proxy, s->name);
	/* Ask for the numbers first; a bound proxy's schema doesn't change. */
	ret = mlpx_ioctl(s, MLPROXY_IOC_SCHEMA, &schema->s, "read the schema");
	if (ret && ret != -ENOBUFS)
		goto fail;
	ret = alloc_arrays(s, schema);
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
	free(schema);
}

int mlproxy_schema_feature(const struct mlproxy_schema_desc *schema, const char *name)
{
	unsigned int i;

	for (i = 0; i < schema->s.nr_features; i++) {
		if (strcmp(schema->features[i].name, name) == 0)
			return i;
	}
	return -ENOENT;
}

int mlproxy_schema_action(const struct mlproxy_schema_desc *schema, const char *name)
{
	unsigned int i;

	for (i = 0; i < schema->s.nr_actions; i++) {
		if (strcmp(schema->actions[i].name, name) == 0)
			return i;
	}
	return -ENOENT;
}

int mlproxy_schema_event(const struct mlproxy_schema_desc *schema, const char *name)
{
	unsigned int i;

	for (i = 0; i < schema->s.nr_events; i++) {
		if (strcmp(schema->events[i].name, name) == 0)
			return i;
	}
	return -ENOENT;
}
