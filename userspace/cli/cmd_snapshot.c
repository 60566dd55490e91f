// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy snapshot: the state of the subsystem, now.
 */
#include <stdio.h>

#include "cli.h"

static json_t *named_json(const struct mlproxy_schema_desc *schema,
			  const struct mlproxy_snapshot *snapshot)
{
	json_t *states = json_array();
	unsigned int i;

	for (i = 0; i < snapshot->nr && i < schema->s.nr_states; i++)
		json_array_append_new(states, json_pack("{s:s, s:s, s:I}",
							"name", schema->states[i].name,
							"unit", schema->states[i].unit,
							"value",
							(json_int_t)snapshot->values[i]));
	return states;
}

static int print_json(const char *proxy, const struct mlproxy_schema_desc *schema,
		      const struct mlproxy_snapshot *snapshot)
{
	json_t *values = json_array();
	unsigned int i;

	for (i = 0; i < snapshot->nr; i++)
		json_array_append_new(values, json_integer(snapshot->values[i]));
	return cli_print_json(json_pack("{s:s, s:s, s:o, s:o}", "proxy", proxy,
					"health", mlproxy_health_name(snapshot->health),
					"values", values,
					"states", named_json(schema, snapshot)));
}

static int print_text(const char *proxy, const struct mlproxy_schema_desc *schema,
		      const struct mlproxy_snapshot *snapshot)
{
	unsigned int i;

	printf("%s: ", proxy);
	if (!snapshot->nr) {
		puts("has no state to show");
		return CLI_OK;
	}
	printf("health %s\n", mlproxy_health_name(snapshot->health));
	for (i = 0; i < snapshot->nr; i++) {
		if (i < schema->s.nr_states)
			printf("%3u %-24s %20lld %s\n", i, schema->states[i].name,
			       (long long)snapshot->values[i], schema->states[i].unit);
		else
			printf("%3u %-24s %20lld\n", i, "", (long long)snapshot->values[i]);
	}
	return CLI_OK;
}

static int snapshot(struct cli *cli, int argc, char **argv)
{
	struct mlproxy_schema_desc *schema;
	struct mlproxy_snapshot answer;
	struct mlproxy_session *s;
	char **operands;
	int ret;

	operands = cli_operands(cli, argc, argv, 1, 1, &ret);
	if (!operands)
		return ret;
	ret = cli_open(cli, operands[0], MLPROXY_OPEN_RDONLY, &s);
	if (ret)
		return ret;
	ret = mlproxy_schema_get(s, &schema);
	if (!ret)
		ret = mlproxy_snapshot(s, &answer);
	if (ret)
		ret = cli_fail(s, ret);
	else if (cli->json)
		ret = print_json(operands[0], schema, &answer);
	else
		ret = print_text(operands[0], schema, &answer);
	mlproxy_schema_free(schema);
	mlproxy_close(s);
	return ret;
}

const struct cli_verb verb_snapshot = {
	.name = "snapshot",
	.fn = snapshot,
	.summary = "the state of the subsystem, and its health",
	.synopsis = "PROXY",
	.help = "Asks the subsystem how it is: its health, as its proxy estimates it (good,\n"
		"strained, bad, or unknown), and the values that this is seen from. The same goes\n"
		"into data sets that are being recorded; see also 'mlproxy record --snapshot'.\n"
		"\n"
		"Example:\n"
		"  mlproxy snapshot readahead\n",
};
