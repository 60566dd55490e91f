// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy load, activate, rollback, unload: the model slots of a proxy.
 */
#include <stdio.h>

#include "cli.h"

static const char *const op_names[] = {
	[MLPROXY_MODEL_OP_ACTIVATE] = "activated",
	[MLPROXY_MODEL_OP_ROLLBACK] = "rolled back",
	[MLPROXY_MODEL_OP_UNLOAD] = "unloaded",
};

static int model_ctl(const struct cli *cli, struct mlproxy_session *s, uint32_t op,
		     uint32_t version)
{
	uint32_t active;
	int ret;

	ret = mlproxy_model_ctl(s, op, version, &active);
	if (ret)
		return cli_fail(s, ret);
	if (cli->json)
		return cli_print_json(json_pack("{s:s, s:i}", "proxy", mlproxy_bound_name(s),
						"active_version", (int)active));
	if (active)
		printf("%s: %s, model version %u is active\n", mlproxy_bound_name(s), op_names[op],
		       active);
	else
		printf("%s: %s, no model is active\n", mlproxy_bound_name(s), op_names[op]);
	return CLI_OK;
}

static int print_loaded(const struct cli *cli, const struct mlproxy_session *s,
			const struct mlproxy_model_load *result)
{
	if (cli->json)
		return cli_print_json(json_pack("{s:s, s:i, s:i}", "proxy", mlproxy_bound_name(s),
						"version", (int)result->version,
						"macs", (int)result->macs));
	printf("%s: model version %u is in the standby slot (%u multiply-accumulates)\n",
	       mlproxy_bound_name(s), result->version, result->macs);
	return CLI_OK;
}

/* What load was told. */
struct load_args {
	const char *path;
	bool activate;
};

static int load_model(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	const struct load_args *args = arg;
	struct mlproxy_model_load result;
	int ret;

	ret = mlproxy_model_load_file(s, args->path, &result);
	if (ret) {
		ret = cli_fail(s, ret);
		/* An unreadable file was never shown to the kernel: size is still 0. */
		return result.size ? ret : CLI_FAILURE;
	}
	if (args->activate)
		return model_ctl(cli, s, MLPROXY_MODEL_OP_ACTIVATE, result.version);
	return print_loaded(cli, s, &result);
}

static int load(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "activate", no_argument, NULL, 'a' },
		{ 0 }
	};
	struct load_args args = { 0 };
	int opt, ret;

	while ((opt = cli_getopt(cli, argc, argv, "a", options, &ret)) != -1) {
		if (opt == '?')
			return ret;
		args.activate = true;
	}
	ret = cli_check_operands(cli, argc, argv, 2, 2);
	if (ret)
		return ret;
	args.path = argv[optind + 1];
	return cli_run(cli, argv[optind], CLI_ADVISE, load_model, &args);
}

/* What activate, rollback and unload were told. */
struct ctl_args {
	uint32_t op;
	uint32_t version;
};

static int run_ctl(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	const struct ctl_args *args = arg;

	return model_ctl(cli, s, args->op, args->version);
}

static int model_verb(struct cli *cli, int argc, char **argv, uint32_t op, int max_operands)
{
	struct ctl_args args = { .op = op };
	uint64_t version = 0;
	char **operands;
	int ret;

	operands = cli_operands(cli, argc, argv, 1, max_operands, &ret);
	if (!operands)
		return ret;
	if (operands[1] && (parse_u64(operands[1], UINT32_MAX, &version) || !version))
		return cli_usage(cli, "'%s' is no model version", operands[1]);
	args.version = version;
	return cli_run(cli, operands[0], CLI_ADVISE, run_ctl, &args);
}

static int activate(struct cli *cli, int argc, char **argv)
{
	return model_verb(cli, argc, argv, MLPROXY_MODEL_OP_ACTIVATE, 2);
}

static int rollback(struct cli *cli, int argc, char **argv)
{
	return model_verb(cli, argc, argv, MLPROXY_MODEL_OP_ROLLBACK, 2);
}

static int unload(struct cli *cli, int argc, char **argv)
{
	return model_verb(cli, argc, argv, MLPROXY_MODEL_OP_UNLOAD, 1);
}

const struct cli_verb verb_load = {
	.name = "load",
	.fn = load,
	.summary = "load a quantised model into the standby slot",
	.synopsis = "PROXY FILE [-a]",
	.help = "The kernel verifies the model: shapes, cost, and that no accumulator can\n"
		"overflow for any input. One that fails is refused, with the reason, and exit\n"
		"code 4. A model that was in the standby slot is dropped.\n"
		"\n"
		"  -a, --activate       make it the active model at once\n"
		"\n"
		"Example:\n"
		"  mlproxy load synth synth.mlp && mlproxy activate synth\n",
};

const struct cli_verb verb_activate = {
	.name = "activate",
	.fn = activate,
	.summary = "make the standby model the active one",
	.synopsis = "PROXY [VERSION]",
	.help = "Swaps the models at once; the one that was active goes to the standby slot,\n"
		"for 'mlproxy rollback'. With a version, refuses any other.\n"
		"\n"
		"Example:\n"
		"  mlproxy activate synth\n",
};

const struct cli_verb verb_rollback = {
	.name = "rollback",
	.fn = rollback,
	.summary = "go back to the model that was active before",
	.synopsis = "PROXY [VERSION]",
	.help = "Undoes the last 'mlproxy activate'. If no model was active before it, none is\n"
		"after it. Impossible once another model was loaded. With a version, refuses to\n"
		"go back to any other.\n"
		"\n"
		"Example:\n"
		"  mlproxy rollback synth\n",
};

const struct cli_verb verb_unload = {
	.name = "unload",
	.fn = unload,
	.summary = "drop both models",
	.synopsis = "PROXY",
	.help = "Drops the active and the standby model. The proxy goes on with the kernel's\n"
		"own algorithm and with recommendations.\n"
		"\n"
		"Example:\n"
		"  mlproxy unload synth\n",
};
