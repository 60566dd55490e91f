// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy export: the state of all proxies for a monitoring system. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "openmetrics.h"

/* A session is bound to one proxy until it is closed, so each gets one. */
static int collect(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	struct mlproxy_schema_desc *schema;
	struct exported *p = arg;
	int ret;

	(void)cli;
	ret = mlproxy_schema_get(s, &schema);
	if (!ret) {
		p->nr_actions = schema->s.nr_actions;
		memcpy(p->actions, schema->actions, p->nr_actions * sizeof(*p->actions));
		p->measures = measures_of(&schema->s);
		mlproxy_schema_free(schema);
		ret = mlproxy_get_stats(s, &p->stats);
	}
	if (!ret)
		ret = mlproxy_efficiency_verdicts(s, &p->efficiency, NULL, 0, p->verdicts,
						  MLPROXY_ROOM_VERDICTS);
	return ret < 0 ? cli_fail(s, ret) : CLI_OK;
}

struct listing {
	struct mlproxy_list_entry *entries;
	unsigned int nr;
};

static int list_all(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	struct listing *l = arg;
	int ret = mlproxy_get_list(s, &l->entries, &l->nr);

	(void)cli;
	return ret ? cli_fail(s, ret) : CLI_OK;
}

/* A proxy that goes meanwhile is none any more. */
static int collect_all(const struct cli *cli, const struct listing *l, struct exported *proxies,
		       unsigned int *nr)
{
	unsigned int i;
	int ret;

	for (i = 0; i < l->nr; i++) {
		struct exported *p = &proxies[*nr];

		p->entry = l->entries[i];
		ret = cli_run(cli, p->entry.name, CLI_READ, collect, p);
		if (ret == CLI_OK)
			(*nr)++;
		else if (ret != CLI_NO_DEVICE)
			return ret;
	}
	return CLI_OK;
}

/* As a whole, so that a reader never sees a part. */
static int write_metrics(const char *path, const struct exported *proxies, unsigned int nr)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	int ret;

	if (!path) {
		openmetrics_print(stdout, proxies, nr);
		return CLI_OK;
	}
	out = open_memstream(&text, &len);
	if (!out)
		return cli_error("out of memory");
	openmetrics_print(out, proxies, nr);
	ret = fclose(out) ? cli_error("out of memory") : cli_write_file(path, text, len);
	free(text);
	return ret;
}

static int export_all(struct cli *cli, const char *path)
{
	struct exported *proxies = NULL;
	struct listing l = { 0 };
	unsigned int nr = 0;
	int ret;

	ret = cli_run(cli, NULL, CLI_READ, list_all, &l);
	if (ret)
		return ret;
	proxies = calloc(l.nr ? l.nr : 1, sizeof(*proxies));
	ret = proxies ? collect_all(cli, &l, proxies, &nr) : cli_error("out of memory");
	if (ret == CLI_OK)
		ret = write_metrics(path, proxies, nr);
	free(proxies);
	free(l.entries);
	return ret;
}

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ 0 }
};

static int export(struct cli *cli, int argc, char **argv)
{
	const char *path = NULL;
	int opt, ret = CLI_OK;

	while ((opt = cli_getopt(cli, argc, argv, "o:", options, &ret)) != -1) {
		if (opt == '?')
			return ret;
		path = strcmp(optarg, "-") ? optarg : NULL;
	}
	ret = cli_check_operands(cli, argc, argv, 0, 0);
	return ret ? ret : export_all(cli, path);
}

const struct cli_verb verb_export = {
	.name = "export",
	.fn = export,
	.summary = "write counters, modes and gains for a monitoring system (OpenMetrics)",
	.synopsis = "[-o FILE.prom]",
	.help = "  -o, --output=FILE    instead of the standard output; replaced as a whole\n"
		"\n"
		"Prints one state of all proxies and their instances as OpenMetrics text: whether they\n"
		"run, modes, decisions by source and action, outcomes and rewards, refused actions,\n"
		"errors, and the gain with its confidence sequence. An instance has the label part, and\n"
		"is counted in its proxy, too. For the textfile collector of\n"
		"Prometheus' node exporter, run it by a timer.\n"
		"\n"
		"Example:\n"
		"  mlproxy export -o /var/lib/prometheus/node-exporter/mlproxy.prom\n",
};
