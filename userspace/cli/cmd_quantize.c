// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy quantize: the fixed-point model that the kernel runs, out of a float
 * one, with a report of the accuracy lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn_report.h"
#include "value.h"

/**
 * struct quantising - one run of the verb
 * @cli: options
 * @path: -o
 * @model: float model
 * @data: calibration data
 * @file: result
 * @len: its length
 * @report: what it cost
 * @test: both forms on the records that were held out
 * @tested: whether there were any
 */
struct quantising {
	const struct cli *cli;
	const char *path;
	struct mltrain_model *model;
	struct mlds_data data;
	void *file;
	size_t len;
	struct mltrain_quant_report report;
	struct mltrain_test *test;
	bool tested;
};

static int print_report(const struct quantising *q)
{
	const struct mlproxy_feature reward = value_reward(&q->data.schema.schema);
	const struct mltrain_policy *p = q->test->policy;
	json_t *j;

	if (q->cli->json) {
		j = json_pack("{s:s, s:o}", "file", q->path, "quantised",
			      cli_json_quant(&q->report));
		if (j && q->tested)
			json_object_set_new(j, "test",
					    cli_json_test(q->test, &q->data.schema));
		return cli_print_json(j);
	}
	cli_print_quant(&q->report, &q->data.schema);
	if (q->tested)
		printf("On %zu records %s: doubly robust %s %.6g (float), %.6g (fixed point); difference %.3g; interval of the latter %.6g to %.6g\n",
		       q->test->rows, mltrain_provenance_known(q->model) ? "not trained on" :
		       "of unknown provenance (the model was imported)", reward.name, value_number(&reward, p[0].dr.value),
		       value_number(&reward, p[1].dr.value),
		       value_number(&reward, p[1].dr.value - p[0].dr.value),
		       value_number(&reward, p[1].dr.low), value_number(&reward, p[1].dr.high));
	else
		printf("All of the records were trained on: test it on others with `mlproxy test`\n");
	return CLI_OK;
}

/* Calibrate on what the model was trained on, compare on the rest. */
static int quantise_rows(struct quantising *q, const struct mltrain_rows *calibrate,
			 const struct mltrain_rows *fresh)
{
	struct model fixed;
	void *file;
	int ret;

	if (mltrain_quantise(q->model, &q->data, calibrate, &q->file, &q->len, &q->report))
		return cli_error("%s", mltrain_error());
	ret = cli_write_file(q->path, q->file, q->len);
	if (ret || !fresh->n)
		return ret;
	/* What is tested is what a reader of the file will get. */
	if (mltrain_open_fixed(q->path, &q->data.schema, &file, &fixed))
		return cli_error("%s", mltrain_error());
	if (mltrain_test_model(q->model, &fixed, &q->data, fresh, q->test))
		ret = cli_error("%s", mltrain_error());
	q->tested = ret == CLI_OK;
	free(file);
	return ret;
}

static int run_quantise(struct quantising *q)
{
	struct mltrain_rows seen = { 0 }, fresh = { 0 };
	int ret;

	q->test = calloc(1, sizeof(*q->test));
	if (!q->test)
		return cli_error("no memory for a report");
	if (mltrain_pick_rows(q->model, &q->data, true, &seen) ||
	    mltrain_pick_rows(q->model, &q->data, false, &fresh))
		ret = cli_error("%s", mltrain_error());
	else
		ret = quantise_rows(q, seen.n ? &seen : &fresh, &fresh);
	if (ret == CLI_OK)
		ret = print_report(q);
	mltrain_rows_free(&seen);
	mltrain_rows_free(&fresh);
	free(q->test);
	free(q->file);
	return ret;
}

static int quantize(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "calibrate", required_argument, NULL, 'c' },
		{ 0 }
	};
	struct quantising q = { .cli = cli };
	char *paths[64];
	int nr_paths = 0, opt, ret;

	while ((opt = cli_getopt(cli, argc, argv, "o:c:", options, &ret)) != -1) {
		if (opt == '?')
			return ret;
		if (opt == 'o')
			q.path = optarg;
		else if (nr_paths < 64)
			paths[nr_paths++] = optarg;
		else
			return cli_usage(cli, "at most 64 data sets");
	}
	ret = cli_check_operands(cli, argc, argv, 1, 1);
	if (ret)
		return ret;
	if (!q.path)
		return cli_usage(cli, "name the result with -o MODEL.mlp");
	if (!nr_paths)
		return cli_usage(cli, "name the data set to calibrate on with --calibrate DATA.h5, best the one it was trained on");
	if (mltrain_load(&q.model, argv[optind]))
		return cli_error("%s", mltrain_error());
	ret = cli_load_data(cli, paths, nr_paths, &q.data);
	if (ret == CLI_OK)
		ret = run_quantise(&q);
	mlds_free(&q.data);
	mltrain_free(q.model);
	return ret;
}

const struct cli_verb verb_quantize = {
	.name = "quantize",
	.fn = quantize,
	.summary = "make the fixed-point model that the kernel runs",
	.synopsis = "MODEL.float -o MODEL.mlp -c DATA.h5 [-c DATA.h5]...",
	.help = "Weights become int8, with scales from the ranges that the records reach; the\n"
		"leaves of trees become int32, their thresholds are integers already. The\n"
		"result passes the verifier that the kernel runs, and the report says what\n"
		"accuracy was lost.\n"
		"\n"
		"  -o, --output=FILE     the fixed-point model\n"
		"  -c, --calibrate=DATA  data set; more than one may be named\n"
		"\n"
		"Example:\n"
		"  mlproxy quantize synth.float -o synth.mlp -c synth.h5\n",
};
