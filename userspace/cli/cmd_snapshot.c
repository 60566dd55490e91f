// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy snapshot: the state of the subsystem, now.
 */
#include <stdio.h>

#include "cli.h"

static int print_snapshot(const struct cli *cli, const char *proxy,
			  const struct mlproxy_snapshot *snapshot)
{
	json_t *values;
	unsigned int i;

	if (cli->json) {
		values = json_array();
		for (i = 0; i < snapshot->nr; i++)
			json_array_append_new(values, json_integer(snapshot->values[i]));
		return cli_print_json(json_pack("{s:s, s:o}", "proxy", proxy, "values", values));
	}
	printf("%s:", proxy);
	for (i = 0; i < snapshot->nr; i++)
		printf(" %lld", (long long)snapshot->values[i]);
	printf("%s\n", snapshot->nr ? "" : " has no state to show");
	return CLI_OK;
}

static int snapshot(struct cli *cli, int argc, char **argv)
{
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
	ret = mlproxy_snapshot(s, &answer);
	ret = ret ? cli_fail(s, ret) : print_snapshot(cli, operands[0], &answer);
	mlproxy_close(s);
	return ret;
}

const struct cli_verb verb_snapshot = {
	.name = "snapshot",
	.fn = snapshot,
	.summary = "the state of the subsystem, as numbers of the proxy's own",
	.synopsis = "PROXY",
	.help = "Asks the subsystem how it is. What the numbers mean is told by the proxy's\n"
		"documentation. The same goes into data sets that are being recorded; see also\n"
		"'mlproxy record --snapshot'.\n"
		"\n"
		"Example:\n"
		"  mlproxy snapshot readahead\n",
};
