// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy import: a float model out of one that was trained elsewhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn_report.h"

#define MAX_DATA 64

/**
 * struct importing - one run of the verb
 * @cli: options
 * @path: -o
 * @format: --format, or NULL to go by the file
 * @opt: how to read it
 * @data: data sets
 * @nr_data: how many
 * @trained_on: what it was trained on, as the user says
 * @nr_trained_on: how many
 * @note: what could not be checked
 */
struct importing {
	const struct cli *cli;
	const char *path;
	const char *format;
	struct mltrain_import_options opt;
	char *data[MAX_DATA];
	int nr_data;
	char *trained_on[MAX_DATA];
	int nr_trained_on;
	char note[MLTRAIN_NOTE_LEN];
};

/* TorchScript is a zip archive, as what torch.save() writes; JSON is text. */
static const char *format_of(const char *path)
{
	FILE *f = fopen(path, "re");
	char start[2] = "";
	size_t n;

	if (!f)
		return NULL;
	n = fread(start, 1, 2, f);
	fclose(f);
	if (n == 2 && ((start[0] == 'P' && start[1] == 'K') || start[0] == (char)0x80))
		return "torchscript";
	return n && start[0] == '{' ? "xgboost" : NULL;
}

static int print_report(const struct importing *im, const struct mltrain_model *m)
{
	bool trees = m->kind == MLPROXY_MODEL_KIND_TREES;

	if (im->cli->json)
		return cli_print_json(json_pack("{s:s, s:s, s:s, s:i, s:i, s:i}", "file", im->path,
						"name", m->name, "kind", trees ? "trees" : "mlp",
						"inputs", (int)m->nr_inputs, "layers",
						(int)m->nr_layers, "trees", (int)m->nr_trees));
	if (trees)
		printf("%s: %u trees for %s\n", im->path, m->nr_trees, m->schema.proxy);
	else
		printf("%s: a network of %u layers, %u inputs, for %s\n", im->path, m->nr_layers,
		       m->nr_inputs, m->schema.proxy);
	if (!mltrain_provenance_known(m))
		printf("What it was trained on is not known: name it with --trained-on, or test it on records of a later time\n");
	printf("Go on with `mlproxy quantize` and `mlproxy test`: what it earns here is not known yet.\n");
	return CLI_OK;
}

static int import_model(struct importing *im, char **paths, int nr,
			const struct mlds_data *data)
{
	struct mltrain_model *m = NULL;
	int ret, err;

	if (!strcmp(im->format, "xgboost"))
		err = mltrain_import_xgboost(&m, paths, nr, data, &im->opt);
	else
		err = mltrain_import_torch(&m, paths[0], data, &im->opt);
	if (err || mltrain_save(m, im->path)) {
		ret = cli_error("%s", mltrain_error());
	} else {
		if (*im->note)
			fprintf(stderr, "mlproxy: %s\n", im->note);
		ret = print_report(im, m);
	}
	mltrain_free(m);
	return ret;
}

static int run_import(struct importing *im, char **paths, int nr)
{
	struct mlds_data data, trained_on;
	int ret;

	if (!im->format)
		im->format = format_of(paths[0]);
	if (!im->format)
		return cli_error("%s can't be read, or is neither TorchScript nor JSON: name its form with --format",
				 paths[0]);
	ret = cli_load_data(im->cli, im->data, im->nr_data, &data);
	if (ret)
		return ret;
	if (im->nr_trained_on) {
		ret = cli_load_data(im->cli, im->trained_on, im->nr_trained_on, &trained_on);
		im->opt.trained_on = &trained_on;
	}
	im->opt.note = im->note;
	if (ret == CLI_OK)
		ret = import_model(im, paths, nr, &data);
	if (im->nr_trained_on)
		mlds_free(&trained_on);
	mlds_free(&data);
	return ret;
}

static int import_option(struct importing *im, int opt)
{
	switch (opt) {
	case 'o':
		im->path = optarg;
		return CLI_OK;
	case 'f':
		if (strcmp(optarg, "torchscript") && strcmp(optarg, "xgboost"))
			return cli_usage(im->cli, "--format is torchscript or xgboost, not '%s'",
					 optarg);
		im->format = optarg;
		return CLI_OK;
	case 's':
		im->opt.standardised = true;
		return CLI_OK;
	case 'S':
		im->opt.score = true;
		return CLI_OK;
	case 'n':
		snprintf(im->opt.name, sizeof(im->opt.name), "%s", optarg);
		return CLI_OK;
	case 'm':
		if (cli_parse_double(optarg, 0, 1e6, &im->opt.margin))
			return cli_usage(im->cli, "--margin takes a number from 0 on, not '%s'",
					 optarg);
		return CLI_OK;
	case 't':
		if (im->nr_trained_on == MAX_DATA)
			return cli_usage(im->cli, "at most %d data sets", MAX_DATA);
		im->trained_on[im->nr_trained_on++] = optarg;
		return CLI_OK;
	default:
		if (im->nr_data == MAX_DATA)
			return cli_usage(im->cli, "at most %d data sets", MAX_DATA);
		im->data[im->nr_data++] = optarg;
		return CLI_OK;
	}
}

static int import(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "data", required_argument, NULL, 'D' },
		{ "trained-on", required_argument, NULL, 't' },
		{ "format", required_argument, NULL, 'f' },
		{ "scale", no_argument, NULL, 's' },
		{ "score", no_argument, NULL, 'S' },
		{ "name", required_argument, NULL, 'n' },
		{ "margin", required_argument, NULL, 'm' },
		{ 0 }
	};
	struct importing im = { .cli = cli };
	int opt, ret;

	while ((opt = cli_getopt(cli, argc, argv, "o:D:", options, &ret)) != -1) {
		if (opt == '?')
			return ret;
		ret = import_option(&im, opt);
		if (ret)
			return ret;
	}
	ret = cli_check_operands(cli, argc, argv, 1, MLPROXY_MAX_ACTIONS);
	if (ret)
		return ret;
	if (!im.path)
		return cli_usage(cli, "name the result with -o MODEL.float");
	if (!im.nr_data)
		return cli_usage(cli, "name a data set of the proxy with --data DATA.h5: it has the schema, and the ranges of the features");
	if (argc - optind > 1 && im.format && strcmp(im.format, "xgboost"))
		return cli_usage(cli, "a TorchScript model is one file");
	return run_import(&im, argv + optind, argc - optind);
}

const struct cli_verb verb_import = {
	.name = "import",
	.fn = import,
	.summary = "take in a model that was trained elsewhere",
	.synopsis = "FILE... --data DATA.h5 -o MODEL.float [OPTION...]",
	.help = "Reads a TorchScript module (a chain of Linear and ReLU; needs libtorch) or a\n"
		"regression that XGBoost saved as JSON, and checks it against the schema of the\n"
		"data set: it takes all features, raw, in the schema's order, and gives the\n"
		"predicted reward of each action. XGBoost: one model with an output an action, or\n"
		"one file an action. The result goes to `mlproxy quantize` and `mlproxy test`.\n"
		"\n"
		"  -o, --output=FILE   the float model (HDF5)\n"
		"  -D, --data=DATA.h5  data set of the proxy; more than one may be named\n"
		"      --trained-on=DATA.h5  what it was trained on, so that tests leave these\n"
		"                      records out; more than one may be named. Without it no\n"
		"                      record can be called held out\n"
		"      --format=FORM   torchscript or xgboost, default by the file\n"
		"      --scale         a TorchScript module takes (x - mean) / sd of each feature,\n"
		"                      by the data set\n"
		"      --score         its outputs are scores, not rewards: a higher one is better\n"
		"      --name=NAME     name of the model, default the proxy's\n"
		"      --margin=0      advantage over the kernel's choice that is asked for, in\n"
		"                      standard deviations of the reward (with --score: in scores)\n"
		"\n"
		"Example:\n"
		"  mlproxy import policy.pt --data synth.h5 -o synth.float\n"
		"  mlproxy quantize synth.float -o synth.mlp -c synth.h5\n",
};
