// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy param: ask for the parameters of a proxy, or set one.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"

/**
 * struct param - a parameter with its name
 * @name: as the tool prints and takes it
 * @id: MLPROXY_PARAM_*
 * @index: mode, or 0
 */
struct param {
	const char *name;
	uint32_t id;
	uint32_t index;
};

static const struct param params[] = {
	{ "share.learning", MLPROXY_PARAM_SHARE, MLPROXY_MODE_LEARNING },
	{ "share.collaboration", MLPROXY_PARAM_SHARE, MLPROXY_MODE_COLLABORATION },
	{ "share.recommendation", MLPROXY_PARAM_SHARE, MLPROXY_MODE_RECOMMENDATION },
	{ "explore.learning", MLPROXY_PARAM_EXPLORE, MLPROXY_MODE_LEARNING },
	{ "explore.collaboration", MLPROXY_PARAM_EXPLORE, MLPROXY_MODE_COLLABORATION },
	{ "explore.recommendation", MLPROXY_PARAM_EXPLORE, MLPROXY_MODE_RECOMMENDATION },
	{ "window", MLPROXY_PARAM_WINDOW_NS, 0 },
	{ "seed", MLPROXY_PARAM_SEED, 0 },
};

#define NR_PARAMS	(sizeof(params) / sizeof(params[0]))

static const struct param *find_param(const char *name)
{
	unsigned int i;

	for (i = 0; i < NR_PARAMS; i++) {
		if (strcmp(params[i].name, name) == 0)
			return &params[i];
	}
	return NULL;
}

static bool is_share(const struct param *param)
{
	return param->id == MLPROXY_PARAM_SHARE || param->id == MLPROXY_PARAM_EXPLORE;
}

static int parse_value(const struct cli *cli, const struct param *param, const char *text,
		       uint64_t *value)
{
	if (is_share(param) && cli_parse_share(text, value))
		return cli_usage(cli, "'%s' is no share: 0.0625, 6.25%% or 1/16 are, up to 1",
				 text);
	if (param->id == MLPROXY_PARAM_WINDOW_NS && cli_parse_ns(text, "ns", value))
		return cli_usage(cli, "'%s' is no time: 50ms, 2s or 1000000ns are", text);
	if (param->id == MLPROXY_PARAM_SEED && cli_parse_u64(text, UINT64_MAX, value))
		return cli_usage(cli, "'%s' is no seed: any number from 0 to 2^64 - 1 is", text);
	return CLI_OK;
}

static int print_param(struct mlproxy_session *s, const struct param *param, json_t *object)
{
	uint64_t value;
	int ret;

	ret = mlproxy_param_get(s, param->id, param->index, &value);
	if (ret)
		return cli_fail(s, ret);
	if (object && is_share(param))
		json_object_set_new(object, param->name,
				    json_real((double)value / MLPROXY_SHARE_ONE));
	else if (object)
		json_object_set_new(object, param->id == MLPROXY_PARAM_WINDOW_NS ? "window_ns" :
				    param->name, cli_uint(value));
	else if (is_share(param))
		printf("%-24s %.6f\n", param->name, (double)value / MLPROXY_SHARE_ONE);
	else
		printf("%-24s %llu%s\n", param->name, (unsigned long long)value,
		       param->id == MLPROXY_PARAM_WINDOW_NS ? " ns" : "");
	return CLI_OK;
}

/* One parameter, or all that can be asked for where @only is NULL. */
static int print_params(const struct cli *cli, struct mlproxy_session *s, const struct param *only)
{
	json_t *object = cli->json ? json_object() : NULL;
	int ret = CLI_OK;
	unsigned int i;

	for (i = 0; i < NR_PARAMS && ret == CLI_OK; i++) {
		if (only ? only == &params[i] : params[i].id != MLPROXY_PARAM_SEED)
			ret = print_param(s, &params[i], object);
	}
	if (ret == CLI_OK && cli->json)
		return cli_print_json(object);
	json_decref(object);
	return ret;
}

/* The seed can't be asked for: say what was set. */
static int print_seed(const struct cli *cli, uint64_t seed)
{
	if (cli->json)
		return cli_print_json(json_pack("{s:o}", "seed", cli_uint(seed)));
	printf("%-24s %llu\n", "seed", (unsigned long long)seed);
	return CLI_OK;
}

static int param(struct cli *cli, int argc, char **argv)
{
	const struct param *which = NULL;
	struct mlproxy_session *s;
	bool set = false;
	uint64_t value;
	char **operands;
	int ret;

	operands = cli_operands(cli, argc, argv, 1, 3, &ret);
	if (!operands)
		return ret;
	if (operands[1]) {
		which = find_param(operands[1]);
		if (!which)
			return cli_usage(cli, "there is no parameter '%s'", operands[1]);
		set = operands[2];
	}
	if (set) {
		ret = parse_value(cli, which, operands[2], &value);
		if (ret)
			return ret;
	} else if (which && which->id == MLPROXY_PARAM_SEED) {
		return cli_usage(cli, "the seed can be set, but not be asked for");
	}
	ret = cli_open(cli, operands[0], set ? 0 : MLPROXY_OPEN_RDONLY, &s);
	if (ret)
		return ret;
	if (set) {
		ret = mlproxy_param_set(s, which->id, which->index, value);
		if (ret)
			ret = cli_fail(s, ret);
	}
	if (ret == CLI_OK && set && which->id == MLPROXY_PARAM_SEED)
		ret = print_seed(cli, value);
	else if (ret == CLI_OK)
		ret = print_params(cli, s, which);
	mlproxy_close(s);
	return ret;
}

const struct cli_verb verb_param = {
	.name = "param",
	.fn = param,
	.summary = "show or set the shares and the randomisation of a proxy",
	.synopsis = "PROXY [NAME [VALUE]]",
	.help = "Without a name, prints all parameters; with a value, sets one:\n"
		"  share.MODE    share of the operations that the model decides in that mode\n"
		"  explore.MODE  share in which a legal action is drawn at random\n"
		"  window        length of a switchback window, where a proxy randomises by time\n"
		"  seed          seed of the randomisation (can only be set)\n"
		"MODE is learning, collaboration or recommendation. A share is written 0.0625,\n"
		"6.25% or 1/16; a mode's two shares may not add up to more than 1. Times take\n"
		"ns, us, ms, s, m or h.\n"
		"\n"
		"Example: explore in every fourth operation while learning, then look\n"
		"  mlproxy param synth explore.learning 1/4\n"
		"  mlproxy param synth\n",
};
