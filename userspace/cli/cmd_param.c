// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy param: ask for the parameters of a proxy, or set one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "value.h"

/* How a value is written. */
enum kind { SHARE, TIME, COUNT, PPM, FACTOR };

/* Which proxies it means something for. */
enum scope { ALL, WITH_LEDGER, WITH_OUTER };

/**
 * struct param - a parameter with its name
 * @name: as the tool prints and takes it
 * @id: MLPROXY_PARAM_*
 * @index: mode, or 0
 * @kind: how it is written
 * @scope: the list of others leaves it out
 */
struct param {
	const char *name;
	uint32_t id;
	uint32_t index;
	enum kind kind;
	enum scope scope;
};

static const struct param params[] = {
	{ "share.learning", MLPROXY_PARAM_SHARE, MLPROXY_MODE_LEARNING, SHARE, ALL },
	{ "share.collaboration", MLPROXY_PARAM_SHARE, MLPROXY_MODE_COLLABORATION, SHARE, ALL },
	{ "share.recommendation", MLPROXY_PARAM_SHARE, MLPROXY_MODE_RECOMMENDATION, SHARE, ALL },
	{ "explore.learning", MLPROXY_PARAM_EXPLORE, MLPROXY_MODE_LEARNING, SHARE, ALL },
	{ "explore.collaboration", MLPROXY_PARAM_EXPLORE, MLPROXY_MODE_COLLABORATION, SHARE,
	  ALL },
	{ "explore.recommendation", MLPROXY_PARAM_EXPLORE, MLPROXY_MODE_RECOMMENDATION, SHARE,
	  ALL },
	{ "window", MLPROXY_PARAM_WINDOW_NS, 0, TIME, ALL },
	{ "washout", MLPROXY_PARAM_WASHOUT_NS, 0, TIME, ALL },
	{ "min_samples", MLPROXY_PARAM_MIN_SAMPLES, 0, COUNT, ALL },
	{ "alpha", MLPROXY_PARAM_ALPHA_PPM, 0, PPM, ALL },
	{ "margin", MLPROXY_PARAM_MARGIN_Q16, 0, FACTOR, ALL },
	{ "block", MLPROXY_PARAM_BLOCK, 0, COUNT, ALL },
	{ "drop", MLPROXY_PARAM_DROP_Q16, 0, FACTOR, ALL },
	{ "drop_samples", MLPROXY_PARAM_DROP_SAMPLES, 0, COUNT, ALL },
	{ "errors", MLPROXY_PARAM_ERROR_SHARE, 0, SHARE, ALL },
	{ "latency", MLPROXY_PARAM_LATENCY_NS, 0, TIME, ALL },
	{ "hold", MLPROXY_PARAM_HOLD_NS, 0, TIME, ALL },
	{ "ramp", MLPROXY_PARAM_RAMP_NS, 0, TIME, ALL },
	{ "ramp_share", MLPROXY_PARAM_RAMP_SHARE, 0, SHARE, ALL },
	{ "ledger_margin", MLPROXY_PARAM_LEDGER_MARGIN_Q16, 0, FACTOR, WITH_LEDGER },
	{ "outer.learning", MLPROXY_PARAM_OUTER_SHARE, MLPROXY_MODE_LEARNING, SHARE, WITH_OUTER },
	{ "outer.collaboration", MLPROXY_PARAM_OUTER_SHARE, MLPROXY_MODE_COLLABORATION, SHARE,
	  WITH_OUTER },
	{ "outer.recommendation", MLPROXY_PARAM_OUTER_SHARE, MLPROXY_MODE_RECOMMENDATION, SHARE,
	  WITH_OUTER },
	{ "outer_hold", MLPROXY_PARAM_OUTER_HOLD_NS, 0, TIME, WITH_OUTER },
	{ "outer_washout", MLPROXY_PARAM_OUTER_WASHOUT_NS, 0, TIME, WITH_OUTER },
	{ "outer_margin", MLPROXY_PARAM_OUTER_MARGIN_Q16, 0, SHARE, WITH_OUTER },
	{ "state_period", MLPROXY_PARAM_STATE_PERIOD_NS, 0, TIME, ALL },
	{ "pending", MLPROXY_PARAM_PENDING_NS, 0, TIME, ALL },
	{ "seed", MLPROXY_PARAM_SEED, 0, COUNT, ALL },
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

/* A decimal number, in steps of 1 / @one. */
static int parse_real(const char *text, double one, uint64_t *value)
{
	char *end;
	double x = strtod(text, &end);

	if (end == text || *end || !(x >= 0) || x * one > INT64_MAX)
		return -1;
	*value = (uint64_t)(x * one + 0.5);
	return 0;
}

static int parse_value(const struct cli *cli, const struct param *param, const char *text,
		       uint64_t *value)
{
	switch (param->kind) {
	case SHARE:
		if (parse_share(text, value))
			return cli_usage(cli, "'%s' is no share: 0.0625, 6.25%% or 1/16 are, up to 1",
					 text);
		break;
	case TIME:
		if (parse_ns(text, "ns", value))
			return cli_usage(cli, "'%s' is no time: 50ms, 2s or 1000000ns are", text);
		break;
	case COUNT:
		if (parse_u64(text, UINT64_MAX, value))
			return cli_usage(cli, "'%s' is no %s: any number from 0 to 2^64 - 1 is", text,
					 param->id == MLPROXY_PARAM_SEED ? "seed" : "count");
		break;
	case PPM:
		if (parse_real(text, 1e6, value))
			return cli_usage(cli, "'%s' is no probability: 0.05 is", text);
		break;
	case FACTOR:
		if (parse_real(text, 65536, value))
			return cli_usage(cli, "'%s' is no number of standard deviations: 0.1 is", text);
		break;
	}
	return CLI_OK;
}

static void param_json(const struct param *param, uint64_t value, json_t *object)
{
	char name[64];

	switch (param->kind) {
	case SHARE:
	case FACTOR:
		json_object_set_new(object, param->name,
				    json_real((double)value / MLPROXY_SHARE_ONE));
		break;
	case PPM:
		json_object_set_new(object, param->name, json_real(value / 1e6));
		break;
	case TIME:
		snprintf(name, sizeof(name), "%s_ns", param->name);
		json_object_set_new(object, name, cli_uint(value));
		break;
	case COUNT:
		json_object_set_new(object, param->name, cli_uint(value));
		break;
	}
}

/* As parse_value() takes it. */
static void param_text(const struct param *param, uint64_t value)
{
	char text[VALUE_BYTES];

	if (param->kind == SHARE)
		snprintf(text, sizeof(text), "%.6f", (double)value / MLPROXY_SHARE_ONE);
	else if (param->kind == FACTOR)
		snprintf(text, sizeof(text), "%.5f", value / 65536.0);
	else if (param->kind == PPM)
		snprintf(text, sizeof(text), "%.6f", value / 1e6);
	else if (param->kind == TIME)
		value_time(text, sizeof(text), value);
	else
		snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	printf("%-24s %s\n", param->name, text);
}

/* @listed: with all others; then one that an older kernel does not know is left out. */
static int print_param(struct mlproxy_session *s, const struct param *param, bool listed,
		       json_t *object)
{
	uint64_t value;
	int ret;

	ret = mlproxy_param_get(s, param->id, param->index, &value);
	if (ret == -EINVAL && listed)
		return CLI_OK;
	if (ret)
		return cli_fail(s, ret);
	if (object)
		param_json(param, value, object);
	else
		param_text(param, value);
	return CLI_OK;
}

static bool in_list(const struct param *param, const struct mlproxy_schema *schema)
{
	if (param->id == MLPROXY_PARAM_SEED)
		return false;
	return param->scope == ALL || (param->scope == WITH_LEDGER && *schema->ledger_name) ||
	       (param->scope == WITH_OUTER && schema->outer_unit);
}

/* All that can be asked for, and means something for this proxy. */
static int print_list(struct mlproxy_session *s, json_t *object)
{
	struct mlproxy_schema_desc *schema;
	int ret = mlproxy_schema_get(s, &schema);
	unsigned int i;

	if (ret)
		return cli_fail(s, ret);
	for (i = 0; i < NR_PARAMS && ret == CLI_OK; i++) {
		if (in_list(&params[i], &schema->s))
			ret = print_param(s, &params[i], true, object);
	}
	mlproxy_schema_free(schema);
	return ret;
}

/* One parameter, or the list where @only is NULL. */
static int print_params(const struct cli *cli, struct mlproxy_session *s, const struct param *only)
{
	json_t *object = cli->json ? json_object() : NULL;
	int ret;

	ret = only ? print_param(s, only, false, object) : print_list(s, object);
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

/* What the verb was told. */
struct param_args {
	const struct param *which;
	uint64_t value;
	bool set;
};

static int run_param(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	const struct param_args *args = arg;
	const struct param *which = args->which;
	int ret;

	if (args->set) {
		ret = mlproxy_param_set(s, which->id, which->index, args->value);
		if (ret)
			return cli_fail(s, ret);
		if (which->id == MLPROXY_PARAM_SEED)
			return print_seed(cli, args->value);
	}
	return print_params(cli, s, which);
}

static int param(struct cli *cli, int argc, char **argv)
{
	struct param_args args = { 0 };
	char **operands;
	int ret;

	operands = cli_operands(cli, argc, argv, 1, 3, &ret);
	if (!operands)
		return ret;
	if (operands[1]) {
		args.which = find_param(operands[1]);
		if (!args.which)
			return cli_usage(cli, "there is no parameter '%s'", operands[1]);
		args.set = operands[2];
	}
	if (args.set) {
		ret = parse_value(cli, args.which, operands[2], &args.value);
		if (ret)
			return ret;
	} else if (args.which && args.which->id == MLPROXY_PARAM_SEED) {
		return cli_usage(cli, "the seed can be set, but not be asked for");
	}
	return cli_run(cli, operands[0], args.set ? CLI_OPERATE : CLI_READ, run_param, &args);
}

const struct cli_verb verb_param = {
	.name = "param",
	.fn = param,
	.summary = "show or set the shares, the randomisation and the limits of a proxy",
	.synopsis = "PROXY [NAME [VALUE]]",
	.help = "Without a name, prints all parameters; with a value, sets one:\n"
		"  share.MODE    share of the operations that the model decides in that mode\n"
		"  explore.MODE  share in which a legal action is drawn at random, while somebody\n"
		"                reads the decisions (record, mlproxyd)\n"
		"  window        length of a switchback window, where a proxy randomises by time\n"
		"  washout       begin of a window whose outcomes are not counted\n"
		"  seed          seed of the randomisation (can only be set)\n"
		"How the kernel judges the model and changes the mode:\n"
		"  min_samples   outcomes of each arm before the first test\n"
		"  alpha         probability of a wrong promotion\n"
		"  margin        'not worse' is: by at most so many standard deviations\n"
		"  block         outcomes of the model after which a test begins anew\n"
		"  drop          a gain below minus so many standard deviations is an emergency\n"
		"  drop_samples  outcomes of the model that this is judged by\n"
		"  errors        share of failed and refused actions that is an emergency\n"
		"  latency       budget of a decision; 0: not measured\n"
		"  hold          shortest emergency; doubled when it recurs\n"
		"  ramp          how long a better version is tested again, with ramp_share, before it\n"
		"                gets all but the control group; 0: not\n"
		"  ramp_share    share of the operations that the model decides in that test\n"
		"Of a proxy with a ledger, or one that measures what the system pays:\n"
		"  ledger_margin 'does not contradict' is: worse by at most so many standard deviations\n"
		"  outer.MODE    share of the units (files, or windows of time) in the outer experiment\n"
		"  outer_hold    how long a unit keeps its arm\n"
		"  outer_washout begin of that time, which is not counted\n"
		"  outer_margin  'costs no more' is: by at most that part of the cost (0.02, 2%)\n"
		"Beside that:\n"
		"  state_period  period of snapshots of the subsystem; 0: none\n"
		"  pending       how long a decision may wait for its outcome\n"
		"MODE is learning, collaboration or recommendation. A share is written 0.0625,\n"
		"6.25% or 1/16. A mode's two shares have to leave some to the kernel's own algorithm;\n"
		"only one of them alone may be 1. Times have a unit: ns, us, ms, s, m or h. With -j\n"
		"they are in nanoseconds, as names in _ns say.\n"
		"\n"
		"Example: explore in every fourth operation while learning, then look\n"
		"  mlproxy param synth explore.learning 1/4\n"
		"  mlproxy param synth\n",
};
