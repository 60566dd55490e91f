// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy start, stop, reinit: the lifecycle of a proxy.
 */
#include <stdio.h>

#include "cli.h"

static int change_state(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	const char *proxy = mlproxy_bound_name(s);
	const uint32_t *op = arg;
	uint32_t state;
	int ret;

	ret = mlproxy_control(s, *op, &state);
	if (ret)
		return cli_fail(s, ret);
	if (cli->json)
		return cli_print_json(json_pack("{s:s, s:s}", "proxy", proxy,
						"state", mlproxy_state_name(state)));
	printf("%s: %s\n", proxy, mlproxy_state_name(state));
	return CLI_OK;
}

static int control(struct cli *cli, int argc, char **argv, uint32_t op)
{
	char **operands;
	int ret;

	operands = cli_operands(cli, argc, argv, 1, 1, &ret);
	return operands ? cli_run(cli, operands[0], CLI_OPERATE, change_state, &op) : ret;
}

static int start(struct cli *cli, int argc, char **argv)
{
	return control(cli, argc, argv, MLPROXY_CTL_START);
}

static int stop(struct cli *cli, int argc, char **argv)
{
	return control(cli, argc, argv, MLPROXY_CTL_STOP);
}

static int reinit(struct cli *cli, int argc, char **argv)
{
	return control(cli, argc, argv, MLPROXY_CTL_REINIT);
}

const struct cli_verb verb_start = {
	.name = "start",
	.fn = start,
	.summary = "start a proxy: it decides and records from then on",
	.synopsis = "PROXY",
	.help = "Attaches the proxy to its subsystem. In learning mode, in which every proxy\n"
		"starts, a small share of the operations deviates from the kernel's own choice.\n"
		"Legal while the proxy is initialized or stopped.\n"
		"\n"
		"Example:\n"
		"  mlproxy start synth && mlproxy stats synth\n",
};

const struct cli_verb verb_stop = {
	.name = "stop",
	.fn = stop,
	.summary = "stop a proxy: the kernel's own algorithm alone decides",
	.synopsis = "PROXY",
	.help = "Detaches the proxy from its subsystem. Its models, recommendations and\n"
		"counters stay. Legal while the proxy is running.\n"
		"\n"
		"Example:\n"
		"  mlproxy stop synth\n",
};

const struct cli_verb verb_reinit = {
	.name = "reinit",
	.fn = reinit,
	.summary = "forget a proxy's models, recommendations and counters",
	.synopsis = "PROXY",
	.help = "Brings the proxy back to what it was when its module was loaded. Legal while\n"
		"the proxy does not run.\n"
		"\n"
		"Example:\n"
		"  mlproxy stop synth; mlproxy reinit synth; mlproxy start synth\n",
};
