// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy snapshot: the state of the subsystem, now.
 */
#include <stdio.h>

#include "cli.h"
#include "value.h"

static json_t *named_json(const struct mlproxy_schema_desc *schema,
			  const struct mlproxy_snapshot *snapshot)
{
	json_t *states = json_array();
	unsigned int i;

	for (i = 0; i < snapshot->nr && i < schema->s.nr_states; i++) {
		const struct mlproxy_feature *state = &schema->states[i];

		json_array_append_new(states, json_pack("{s:s, s:s, s:o}", "name", state->name,
							"unit", state->unit, "value",
							value_json(state, snapshot->values[i])));
	}
	return states;
}

static int print_json(const char *proxy, const struct mlproxy_schema_desc *schema,
		      const struct mlproxy_snapshot *snapshot)
{
	json_t *raw = json_array();
	unsigned int i;

	for (i = 0; i < snapshot->nr; i++)
		json_array_append_new(raw, json_integer(snapshot->values[i]));
	return cli_print_json(json_pack("{s:s, s:s, s:o, s:o}", "proxy", proxy,
					"health", mlproxy_health_name(snapshot->health),
					"raw", raw, "states", named_json(schema, snapshot)));
}

static int print_text(const char *proxy, const struct mlproxy_schema_desc *schema,
		      const struct mlproxy_snapshot *snapshot)
{
	static const struct mlproxy_feature nameless;
	char text[VALUE_BYTES];
	unsigned int i;

	printf("%s: ", proxy);
	if (!snapshot->nr) {
		puts("has no state to show");
		return CLI_OK;
	}
	printf("health %s\n", mlproxy_health_name(snapshot->health));
	for (i = 0; i < snapshot->nr; i++) {
		const struct mlproxy_feature *state = &nameless;

		if (i < schema->s.nr_states)
			state = &schema->states[i];
		printf("%3u %-24s %s\n", i, state->name,
		       value_text(text, sizeof(text), state, snapshot->values[i]));
	}
	return CLI_OK;
}

static int print_snapshot(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	struct mlproxy_schema_desc *schema;
	struct mlproxy_snapshot answer;
	int ret;

	(void)arg;
	ret = mlproxy_schema_get(s, &schema);
	if (!ret)
		ret = mlproxy_snapshot(s, &answer);
	if (ret)
		ret = cli_fail(s, ret);
	else if (cli->json)
		ret = print_json(mlproxy_bound_name(s), schema, &answer);
	else
		ret = print_text(mlproxy_bound_name(s), schema, &answer);
	mlproxy_schema_free(schema);
	return ret;
}

/* It is published to all readers as well, so it takes more than the right to read. */
static int snapshot(struct cli *cli, int argc, char **argv)
{
	char **operands;
	int ret;

	operands = cli_operands(cli, argc, argv, 1, 1, &ret);
	return operands ? cli_run(cli, operands[0], CLI_ADVISE, print_snapshot, NULL) : ret;
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
