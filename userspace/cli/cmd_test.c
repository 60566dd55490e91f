// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy test: off-policy estimates of a model, before it is loaded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn_report.h"

/**
 * struct testing - one run of the verb
 * @cli: options
 * @float_path: float model, or NULL
 * @mlp_path: fixed-point model, or NULL
 * @exclude: float model whose records are left out, or NULL
 * @all: test on all records
 * @held_out: the user says that no record was trained on
 * @rows_are: what the records are to the model, in words
 * @model: float model
 * @seen: model whose records are left out, @model or that of @exclude
 * @fixed: fixed-point model
 * @mlp_file: its bytes
 */
struct testing {
	const struct cli *cli;
	const char *float_path;
	const char *mlp_path;
	const char *exclude;
	bool all;
	bool held_out;
	const char *rows_are;
	struct mltrain_model *model;
	struct mltrain_model *seen;
	struct model fixed;
	void *mlp_file;
};

static int check_schema(const struct mltrain_model *m, const struct mlds_data *data)
{
	if (m->schema.schema.schema_hash == data->schema.schema.schema_hash)
		return CLI_OK;
	return cli_error("the model is of proxy %s, schema %016llx; the data set is of %s, %016llx",
			 m->schema.proxy, (unsigned long long)m->schema.schema.schema_hash,
			 data->schema.proxy, (unsigned long long)data->schema.schema.schema_hash);
}

static int load_models(struct testing *t, const struct mlds_data *data)
{
	int ret = CLI_OK;

	if (t->float_path && mltrain_load(&t->model, t->float_path))
		return cli_error("%s", mltrain_error());
	if (t->exclude && mltrain_load(&t->seen, t->exclude))
		return cli_error("%s", mltrain_error());
	if (t->model)
		ret = check_schema(t->model, data);
	if (ret == CLI_OK && t->mlp_path &&
	    mltrain_open_fixed(t->mlp_path, &data->schema, &t->mlp_file, &t->fixed))
		ret = cli_error("%s", mltrain_error());
	return ret;
}

/* What may be called held out, and what may not. */
static void name_rows(struct testing *t, const struct mltrain_model *seen, size_t left_out)
{
	if (t->held_out) {
		t->rows_are = "held-out decisions (as --held-out says)";
	} else if (t->all) {
		t->rows_are = "decisions, all of them";
		fprintf(stderr,
			"mlproxy: --all: the estimates are too good if the model was trained on these records\n");
	} else if (!seen) {
		t->rows_are = "decisions of unknown provenance (a fixed-point model does not say what it was trained on)";
		fprintf(stderr,
			"mlproxy: name the model's float form with --exclude, or say with --held-out that it was trained on other records\n");
	} else if (!mltrain_provenance_known(seen)) {
		t->rows_are = "decisions of unknown provenance (the model was imported)";
		fprintf(stderr,
			"mlproxy: the estimates are too good if the model was trained on these records; say at the import what it was trained on (--trained-on), or here that it was on others (--held-out)\n");
	} else {
		t->rows_are = "held-out decisions";
	}
	if (left_out)
		fprintf(stderr, "mlproxy: %zu decisions left out, the model was trained on them\n",
			left_out);
}

static int pick_rows(struct testing *t, const struct mlds_data *data, struct mltrain_rows *rows)
{
	const struct mltrain_model *seen = t->seen ? t->seen : t->model;
	int err;

	if (!t->all && seen)
		err = mltrain_pick_rows(seen, data, false, rows);
	else
		err = mltrain_rows_all(data, rows);
	if (err)
		return cli_error("%s", mltrain_error());
	name_rows(t, seen, data->n - rows->n);
	return CLI_OK;
}

static int print_test(const struct testing *t, const struct mltrain_test *test,
		      const struct mlds_data *data)
{
	json_t *j;

	if (!t->cli->json) {
		cli_print_test(test, &data->schema, t->rows_are);
		return CLI_OK;
	}
	j = cli_json_test(test, &data->schema);
	if (j)
		json_object_set_new(j, "rows_are", json_string(t->rows_are));
	return cli_print_json(j);
}

static int run_test(struct testing *t, const struct mlds_data *data)
{
	struct mltrain_rows rows = { 0 };
	struct mltrain_test *test = calloc(1, sizeof(*test));
	int ret;

	if (!test)
		return cli_error("no memory for a report");
	ret = load_models(t, data);
	if (ret == CLI_OK)
		ret = pick_rows(t, data, &rows);
	if (ret == CLI_OK && mltrain_test_model(t->model, t->mlp_file ? &t->fixed : NULL, data,
						&rows, test))
		ret = cli_error("%s", mltrain_error());
	if (ret == CLI_OK)
		ret = print_test(t, test, data);
	mltrain_rows_free(&rows);
	mltrain_free(t->model);
	mltrain_free(t->seen);
	free(t->mlp_file);
	free(test);
	return ret;
}

static int test(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "exclude", required_argument, NULL, 'x' },
		{ "held-out", no_argument, NULL, 'o' },
		{ 0 }
	};
	struct testing t = { .cli = cli };
	struct mlds_data data;
	int opt, ret;

	while ((opt = cli_getopt(cli, argc, argv, "ax:", options, &ret)) != -1) {
		if (opt == '?')
			return ret;
		if (opt == 'a')
			t.all = true;
		else if (opt == 'o')
			t.held_out = true;
		else
			t.exclude = optarg;
	}
	ret = cli_check_operands(cli, argc, argv, 2, 1000);
	if (ret)
		return ret;
	if (!cli_is_mlp(argv[optind]))
		t.float_path = argv[optind++];
	if (cli_is_mlp(argv[optind]))
		t.mlp_path = argv[optind++];
	if (optind == argc)
		return cli_usage(cli, "name a data set behind the model");
	ret = cli_load_data(cli, argv + optind, argc - optind, &data);
	if (ret)
		return ret;
	ret = run_test(&t, &data);
	mlds_free(&data);
	return ret;
}

const struct cli_verb verb_test = {
	.name = "test",
	.fn = test,
	.summary = "estimate from records what a model would earn, before it is loaded",
	.synopsis = "MODEL.float [MODEL.mlp] DATA.h5... | MODEL.mlp DATA.h5...",
	.help = "Off-policy test: inverse propensity, self-normalised and doubly robust estimates\n"
		"with 95 % intervals, for the model, the logged decisions, the kernel's own choice\n"
		"and each constant action. Records that the float model was trained on are left\n"
		"out. A small effective sample size (ESS) says that the log seldom did what the\n"
		"policy would do.\n"
		"\n"
		"  -x, --exclude=MODEL.float  leave out the records of that model's training\n"
		"  -a, --all                  leave nothing out\n"
		"      --held-out             the model was trained on none of these records, though\n"
		"                             nothing here can tell (an imported model)\n"
		"\n"
		"Example: both forms of a model side by side\n"
		"  mlproxy test synth.float synth.mlp synth.h5\n",
};
