// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy schema: what a proxy decides on, among what, and for which reward.
 */
#include <stdio.h>

#include "cli.h"
#include "value.h"

/* Features, or states. */
static json_t *features_json(const struct mlproxy_feature *features, unsigned int nr)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < nr; i++) {
		const struct mlproxy_feature *f = &features[i];

		json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}",
						       "name", f->name,
						       "type", mlproxy_type_name(f->type),
						       "unit", f->unit,
						       "preprocess",
						       mlproxy_preprocess_name(f->preprocess),
						       "min", value_json(f, f->min),
						       "max", value_json(f, f->max)));
	}
	return array;
}

static json_t *actions_json(const struct mlproxy_schema_desc *schema)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < schema->s.nr_actions; i++)
		json_array_append_new(array, json_pack("{s:s, s:I}", "name",
						       schema->actions[i].name, "value",
						       (json_int_t)schema->actions[i].value));
	return array;
}

static json_t *events_json(const struct mlproxy_schema_desc *schema)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < schema->s.nr_events; i++)
		json_array_append_new(array, json_pack("{s:s, s:i, s:i}",
						       "name", schema->events[i].name,
						       "values",
						       (int)schema->events[i].nr_values,
						       "period_ms",
						       (int)schema->events[i].period_ms));
	return array;
}

/* null where the proxy has none */
static json_t *quantity_json(const char *name, const char *unit)
{
	return *name ? json_pack("{s:s, s:s}", "name", name, "unit", unit) : json_null();
}

static json_t *ledger_json(const struct mlproxy_schema *s)
{
	json_t *ledger = quantity_json(s->ledger_name, s->ledger_unit);

	if (*s->ledger_name)
		json_object_set_new(ledger, "better",
				    json_string(mlproxy_direction_name(s->ledger_direction)));
	return ledger;
}

static json_t *outer_json(const struct mlproxy_schema *s)
{
	if (!s->outer_unit)
		return json_null();
	return json_pack("{s:s, s:o, s:o}", "unit", mlproxy_outer_unit_name(s->outer_unit),
			 "cost", quantity_json(s->cost_name, s->cost_unit),
			 "work", quantity_json(s->work_name, s->work_unit));
}

static json_t *strata_json(const struct mlproxy_schema_desc *schema)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < schema->s.nr_strata; i++)
		json_array_append_new(array, json_string(mlproxy_schema_stratum(schema, i)));
	return array;
}

static int print_json(const struct mlproxy_schema_desc *schema)
{
	const struct mlproxy_schema *s = &schema->s;
	struct mlproxy_feature what = value_reward(s);
	char hash[20];
	json_t *reward;

	snprintf(hash, sizeof(hash), "0x%016llx", (unsigned long long)s->schema_hash);
	reward = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "name", what.name, "type",
			   mlproxy_type_name(what.type), "unit", what.unit,
			   "better", mlproxy_direction_name(s->reward_direction),
			   "min", value_json(&what, what.min), "max", value_json(&what, what.max));
	return cli_print_json(json_pack("{s:s, s:i, s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
					"s:o}",
					"proxy", schema->proxy,
					"schema_version", (int)s->schema_version,
					"schema_hash", hash,
					"randomisation_unit", mlproxy_unit_name(s->unit),
					"max_macs", (int)s->max_macs,
					"reward", reward,
					"features",
					features_json(schema->features, s->nr_features),
					"actions", actions_json(schema),
					"states",
					features_json(schema->states, s->nr_states),
					"events", events_json(schema),
					"ledger", ledger_json(s), "outer", outer_json(s),
					"strata", strata_json(schema)));
}

/* Features, or states. */
static void print_features(const char *what, const struct mlproxy_feature *features,
			   unsigned int nr)
{
	char min[VALUE_BYTES], max[VALUE_BYTES];
	unsigned int i;

	if (!nr)
		return;
	printf("\n%3s %-24s %-6s %-6s %-13s %20s %20s\n", "", what, "TYPE", "KERNEL", "UNIT",
	       "MIN", "MAX");
	for (i = 0; i < nr; i++) {
		const struct mlproxy_feature *f = &features[i];

		printf("%3u %-24s %-6s %-6s %-13s %20s %20s\n", i, f->name,
		       mlproxy_type_name(f->type),
		       f->preprocess ? mlproxy_preprocess_name(f->preprocess) : "-",
		       *f->unit ? f->unit : "-", value_plain(min, sizeof(min), f, f->min),
		       value_plain(max, sizeof(max), f, f->max));
	}
}

static void print_events(const struct mlproxy_schema_desc *schema)
{
	unsigned int i;

	if (!schema->s.nr_events)
		return;
	printf("\n%3s %-24s %6s  %s\n", "", "EVENT", "VALUES", "AGGREGATED");
	for (i = 0; i < schema->s.nr_events; i++) {
		const struct mlproxy_event_desc *e = &schema->events[i];

		printf("%3u %-24s %6u  ", i, e->name, e->nr_values);
		if (e->period_ms)
			printf("%u ms\n", e->period_ms);
		else
			printf("no\n");
	}
}

static void print_quantity(const char *before, const char *name, const char *unit)
{
	printf("%s%s", before, name);
	if (*unit)
		printf(" [%s]", unit);
}

/* What it is judged by beside the reward. */
static void print_measures(const struct mlproxy_schema_desc *schema)
{
	const struct mlproxy_schema *s = &schema->s;
	unsigned int i;

	if (*s->ledger_name) {
		print_quantity("ledger ", s->ledger_name, s->ledger_unit);
		printf(", %s is better\n", mlproxy_direction_name(s->ledger_direction));
	}
	if (s->outer_unit) {
		print_quantity("the system pays ", s->cost_name, s->cost_unit);
		print_quantity(" for ", s->work_name, s->work_unit);
		printf(", compared by %s\n", mlproxy_outer_unit_name(s->outer_unit));
	}
	for (i = 0; i < s->nr_strata; i++)
		printf("%s%s%s", i ? ", " : "outcomes are compared within: ",
		       mlproxy_schema_stratum(schema, i), i + 1 < s->nr_strata ? "" : "\n");
}

static int print_text(const struct mlproxy_schema_desc *schema)
{
	const struct mlproxy_schema *s = &schema->s;
	struct mlproxy_feature reward = value_reward(s);
	char min[VALUE_BYTES], max[VALUE_BYTES];
	unsigned int i;

	printf("proxy %s, schema version %u, hash 0x%016llx\n", schema->proxy, s->schema_version,
	       (unsigned long long)s->schema_hash);
	printf("reward %s", s->reward_name);
	if (*s->reward_unit)
		printf(" [%s]", s->reward_unit);
	printf(", %s is better, %s to %s\n", mlproxy_direction_name(s->reward_direction),
	       value_plain(min, sizeof(min), &reward, reward.min),
	       value_plain(max, sizeof(max), &reward, reward.max));
	printf("randomised by %s; a model may cost %u multiply-accumulates\n",
	       mlproxy_unit_name(s->unit), s->max_macs);
	print_measures(schema);

	print_features("FEATURE", schema->features, s->nr_features);
	printf("\n%3s %-24s %12s\n", "", "ACTION", "VALUE");
	for (i = 0; i < s->nr_actions; i++)
		printf("%3u %-24s %12lld\n", i, schema->actions[i].name,
		       (long long)schema->actions[i].value);
	print_features("STATE", schema->states, s->nr_states);
	print_events(schema);
	return CLI_OK;
}

static int print_schema(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	struct mlproxy_schema_desc *desc;
	int ret;

	(void)arg;
	ret = mlproxy_schema_get(s, &desc);
	if (ret)
		return cli_fail(s, ret);
	ret = cli->json ? print_json(desc) : print_text(desc);
	mlproxy_schema_free(desc);
	return ret;
}

static int schema(struct cli *cli, int argc, char **argv)
{
	char **operands;
	int ret;

	operands = cli_operands(cli, argc, argv, 1, 1, &ret);
	return operands ? cli_run(cli, operands[0], CLI_READ, print_schema, NULL) : ret;
}

const struct cli_verb verb_schema = {
	.name = "schema",
	.fn = schema,
	.summary = "features, actions, reward, states and events of a proxy",
	.synopsis = "PROXY",
	.help = "Prints what the kernel says about a decision point: the features it decides on\n"
		"(with type, unit and range), the actions it may choose among, and the reward\n"
		"that tells how good a choice was; and what it tells about the subsystem: states\n"
		"(the values of 'mlproxy snapshot') and raw events. KERNEL is what the kernel does\n"
		"to a value before anyone sees it: log2, or the difference to the value before.\n"
		"Ranges are in the unit; a value of type q8 travels, and stands in data sets, as\n"
		"256 times that number, one of type q16 as 65536 times.\n"
		"Models are made for one schema, and the hash ties them to it.\n"
		"\n"
		"Example:\n"
		"  mlproxy schema synth\n",
};
