// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy mode: ask for the mode of a proxy and why it is that, fix it, or hand it
 * back to the kernel.
 */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "evidence.h"

#define WANT_NOTHING	-1
#define WANT_AUTO	-2

static int print_json(const char *proxy, const char *of, const struct mlproxy_mode *mode,
		      const struct measures *m)
{
	return cli_print_json(json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:o}",
					"proxy", proxy, "of", of,
					"mode", mlproxy_mode_name(mode->mode),
					"reason", mlproxy_mode_reason_name(mode->reason),
					"since_ns", cli_uint(mode->since_ns),
					"changes", cli_uint(mode->changes),
					"automatic", (int)mode->automatic,
					"evidence", evidence_json(&mode->evidence, m)));
}

static void print_text(const char *proxy, const struct mlproxy_mode *mode,
		       const struct measures *m)
{
	char text[EVIDENCE_BYTES];

	printf("%s: %s (reason %s, %llu changes)\n", proxy, mlproxy_mode_name(mode->mode),
	       mlproxy_mode_reason_name(mode->reason), (unsigned long long)mode->changes);
	printf("  governed by the %s, in this mode for %.1f s\n",
	       mode->automatic ? "kernel" : "operator", clock_seconds_since(mode->since_ns));
	evidence_reason(&mode->evidence, mode->reason, m, text, sizeof(text));
	if (*text)
		printf("  taken on: %s\n", text);
}

static int print_mode(const struct cli *cli, struct mlproxy_session *s,
		      const struct mlproxy_mode *mode)
{
	struct mlproxy_schema_desc *schema;
	char name[MLPROXY_NAME_LEN];
	struct measures m;
	const char *of;
	int ret;

	ret = mlproxy_schema_get(s, &schema);
	if (ret)
		return cli_fail(s, ret);
	of = cli_shown_name(s, mode->instance, name);
	m = measures_of(&schema->s);
	mlproxy_schema_free(schema);
	if (cli->json)
		return print_json(mlproxy_bound_name(s), of, mode, &m);
	print_text(of, mode, &m);
	return CLI_OK;
}

static int change_mode(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	struct mlproxy_mode answer;
	const int *wanted = arg;
	int ret = 0;

	if (*wanted == WANT_AUTO)
		ret = mlproxy_mode_auto(s);
	else if (*wanted != WANT_NOTHING)
		ret = mlproxy_mode_set(s, *wanted);
	if (!ret)
		ret = mlproxy_mode_get(s, &answer);
	return ret ? cli_fail(s, ret) : print_mode(cli, s, &answer);
}

static int mode(struct cli *cli, int argc, char **argv)
{
	char **operands;
	int ret, wanted = WANT_NOTHING;

	operands = cli_operands(cli, argc, argv, 1, 2, &ret);
	if (!operands)
		return ret;
	if (operands[1] && !strcmp(operands[1], "auto")) {
		wanted = WANT_AUTO;
	} else if (operands[1]) {
		wanted = mlproxy_mode_by_name(operands[1]);
		if (wanted < 0)
			return cli_usage(cli, "'%s' is no mode: emergency, learning, collaboration, "
					 "recommendation and auto are", operands[1]);
	}
	return cli_run(cli, operands[0], wanted == WANT_NOTHING ? CLI_READ : CLI_OPERATE,
		       change_mode, &wanted);
}

const struct cli_verb verb_mode = {
	.name = "mode",
	.fn = mode,
	.summary = "show or set which share of the operations may use the model",
	.synopsis = "PROXY [emergency|learning|collaboration|recommendation|auto]",
	.help = "Without a mode, prints the present one, why it is that, since when, and the\n"
		"numbers that it was taken on. Modes:\n"
		"  emergency       the kernel's own algorithm alone\n"
		"  learning        a small share uses the model, to measure it\n"
		"  collaboration   half uses the model\n"
		"  recommendation  all but a small control group uses the model\n"
		"The kernel changes the mode by itself, by what it measures. A mode that is set\n"
		"here stays, until another one is set, or 'auto' hands it back to the kernel.\n"
		"The shares can be changed with 'mlproxy param'; 'mlproxy efficiency' has the\n"
		"measurements. A mode that is set for a proxy with instances is that of all, also of\n"
		"later ones; the one that is shown is the lowest of them, with its instance.\n"
		"\n"
		"Example: back to the kernel's own decisions, at once; and to what it measures\n"
		"  mlproxy mode synth emergency\n"
		"  mlproxy mode synth auto\n",
};
