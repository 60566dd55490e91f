// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy list: the registered proxies.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"

static json_t *entry_json(const struct mlproxy_list_entry *entry)
{
	return json_pack("{s:s, s:i, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i}",
			 "name", entry->name,
			 "id", (int)entry->id,
			 "state", mlproxy_state_name(entry->state),
			 "mode", mlproxy_mode_name(entry->mode),
			 "schema_version", (int)entry->schema_version,
			 "features", (int)entry->nr_features,
			 "actions", (int)entry->nr_actions,
			 "class_id", (int)entry->class_id,
			 "instance", (int)entry->instance,
			 "instances", (int)entry->nr_instances);
}

static int print_entries_json(const struct mlproxy_list_entry *entries, unsigned int nr)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < nr; i++)
		json_array_append_new(array, entry_json(&entries[i]));
	return cli_print_json(json_pack("{s:o}", "proxies", array));
}

static int print_entries(const struct mlproxy_list_entry *entries, unsigned int nr)
{
	unsigned int i;

	if (!nr)
		fputs("mlproxy: no proxy is registered; load the module of one, "
		      "for example: modprobe mlproxy_synth\n", stderr);
	else
		printf("%-20s %4s %-12s %-14s %8s %8s %8s\n", "NAME", "ID", "STATE", "MODE",
		       "FEATURES", "ACTIONS", "SCHEMA");
	for (i = 0; i < nr; i++) {
		const struct mlproxy_list_entry *e = &entries[i];

		/* What all of them have stands once, with their proxy. */
		if (e->class_id)
			printf("  %-18s %4u %-12s %s\n", e->name, e->id,
			       mlproxy_state_name(e->state), mlproxy_mode_name(e->mode));
		else
			printf("%-20s %4u %-12s %-14s %8u %8u %8u\n", e->name, e->id,
			       mlproxy_state_name(e->state), mlproxy_mode_name(e->mode),
			       e->nr_features, e->nr_actions, e->schema_version);
	}
	return CLI_OK;
}

static int print_list(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	struct mlproxy_list_entry *entries;
	unsigned int nr;
	int ret;

	(void)arg;
	ret = mlproxy_get_list(s, &entries, &nr);
	if (ret)
		return cli_fail(s, ret);
	ret = cli->json ? print_entries_json(entries, nr) : print_entries(entries, nr);
	free(entries);
	return ret;
}

static int list(struct cli *cli, int argc, char **argv)
{
	int ret;

	if (!cli_operands(cli, argc, argv, 0, 0, &ret))
		return ret;
	return cli_run(cli, NULL, CLI_READ, print_list, NULL);
}

const struct cli_verb verb_list = {
	.name = "list",
	.fn = list,
	.summary = "list the registered proxies",
	.synopsis = "",
	.help = "Lists the proxies, one for each decision point that a loaded module brings.\n"
		"Instances of a proxy (devices, filesystems) follow it as PROXY:INSTANCE, which\n"
		"the other verbs take as well; PROXY alone means all of them. Its mode is that of\n"
		"the instance that has come least far.\n"
		"\n"
		"Example:\n"
		"  modprobe mlproxy_synth; mlproxy list\n",
};
