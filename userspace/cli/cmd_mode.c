// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy mode: ask for the mode of a proxy, or set it.
 */
#include <stdio.h>

#include "cli.h"

static int print_mode(const struct cli *cli, const char *proxy, const struct mlproxy_mode *mode)
{
	if (cli->json)
		return cli_print_json(json_pack("{s:s, s:s, s:s, s:o, s:o}",
						"proxy", proxy,
						"mode", mlproxy_mode_name(mode->mode),
						"reason", mlproxy_mode_reason_name(mode->reason),
						"since_ns", cli_uint(mode->since_ns),
						"changes", cli_uint(mode->changes)));
	printf("%s: %s (reason %s, %llu changes)\n", proxy, mlproxy_mode_name(mode->mode),
	       mlproxy_mode_reason_name(mode->reason), (unsigned long long)mode->changes);
	return CLI_OK;
}

static int mode(struct cli *cli, int argc, char **argv)
{
	struct mlproxy_mode answer;
	struct mlproxy_session *s;
	char **operands;
	int ret, wanted = -1;

	operands = cli_operands(cli, argc, argv, 1, 2, &ret);
	if (!operands)
		return ret;
	if (operands[1]) {
		wanted = mlproxy_mode_by_name(operands[1]);
		if (wanted < 0)
			return cli_usage(cli, "'%s' is no mode: emergency, learning, collaboration "
					 "and recommendation are", operands[1]);
	}
	ret = cli_open(cli, operands[0], wanted < 0 ? MLPROXY_OPEN_RDONLY : 0, &s);
	if (ret)
		return ret;
	if (wanted >= 0)
		ret = mlproxy_mode_set(s, wanted);
	if (!ret)
		ret = mlproxy_mode_get(s, &answer);
	ret = ret ? cli_fail(s, ret) : print_mode(cli, operands[0], &answer);
	mlproxy_close(s);
	return ret;
}

const struct cli_verb verb_mode = {
	.name = "mode",
	.fn = mode,
	.summary = "show or set which share of the operations may use the model",
	.synopsis = "PROXY [emergency|learning|collaboration|recommendation]",
	.help = "Without a mode, prints the present one and why it is that. Modes:\n"
		"  emergency       the kernel's own algorithm alone\n"
		"  learning        a small share uses the model, to measure it\n"
		"  collaboration   half uses the model\n"
		"  recommendation  all but a small control group uses the model\n"
		"The shares can be changed with 'mlproxy param'.\n"
		"\n"
		"Example: back to the kernel's own decisions, at once\n"
		"  mlproxy mode synth emergency\n",
};
