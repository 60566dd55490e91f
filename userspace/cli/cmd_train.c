// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy train: a float model from data sets, tested on what was held out.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "learn_report.h"

/**
 * struct training - one run of the verb
 * @cli: options
 * @path: -o
 * @mlp_path: -q, or NULL
 * @threads: of libtorch
 * @opt: of the trainer
 * @data: data sets
 * @model: result
 * @fit: how it went
 * @mlp_file: the quantised model
 * @mlp_len: its length
 * @quant: what it cost
 */
struct training {
	const struct cli *cli;
	const char *path;
	const char *mlp_path;
	int threads;
	struct mltrain_options opt;
	struct mlds_data data;
	struct mltrain_model *model;
	struct mltrain_fit_report fit;
	void *mlp_file;
	size_t mlp_len;
	struct mltrain_quant_report quant;
};

static bool progress(void *arg, const struct mltrain_progress *p)
{
	const struct training *t = arg;
	bool tty = isatty(STDERR_FILENO);

	if (tty || t->cli->verbose || p->epoch % 20 == 0)
		fprintf(stderr,
			"%snetwork %u of %u, epoch %u of at most %u: loss %.5f, validation %.5f (best %.5f)%s",
			tty ? "\r" : "", p->restart + 1, p->restarts, p->epoch, p->epochs,
			p->train_loss, p->valid_loss, p->best_loss, tty ? "  " : "\n");
	return true;
}

/* Which kind --model auto took, and why. */
static void print_contest(const struct training *t)
{
	const struct mltrain_fit_report *f = &t->fit;
	uint32_t i;

	for (i = 0; i < f->nr_contest; i++) {
		const struct mltrain_contest *c = &f->contest[i];

		if (c->error)
			printf("%-6s  could not be trained: %s\n", mltrain_kind_name(c->kind),
			       strerror(-c->error));
		else
			printf("%-6s  gain on the validation part %.5g, at least %.5g; costs %u multiply-accumulates\n",
			       mltrain_kind_name(c->kind), c->gain, c->low, c->macs);
	}
	if (f->nr_contest)
		printf("%s is taken: the lower end of its gain's 95 %% interval is the highest\n",
		       mltrain_kind_name(f->kind));
}

static json_t *json_contest(const struct mltrain_fit_report *f)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < f->nr_contest; i++) {
		const struct mltrain_contest *c = &f->contest[i];

		json_array_append_new(list, json_pack(
			"{s:s, s:b, s:o, s:o, s:i}", "model", mltrain_kind_name(c->kind),
			"trained", !c->error, "gain",
			isfinite(c->gain) ? json_real(c->gain) : json_null(), "low",
			isfinite(c->low) ? json_real(c->low) : json_null(), "macs",
			(int)c->macs));
	}
	return list;
}

static void print_fit(const struct training *t)
{
	const struct mltrain_fit_report *f = &t->fit;
	uint32_t a;

	printf("%s: trained on %zu decisions, validated on %zu, %zu held out (split by %s)\n",
	       t->model->name, f->train.n, f->valid.n, f->held_out.n,
	       f->split == MLTRAIN_SPLIT_KEY ? "key" : "time");
	if (f->kind == MLTRAIN_MLP)
		printf("%u inputs, %u multiply-accumulates; network %u, epoch %u: loss %.5f, validation %.5f; margin %.3g\n",
		       t->model->nr_inputs, f->macs, f->restart + 1, f->epochs, f->train_loss,
		       f->valid_loss, t->model->margin);
	else
		printf("%u trees, up to %u comparisons deep, at a cost of %u multiply-accumulates; validation loss %.5f; margin %.3g\n",
		       f->nr_trees, f->depth, f->macs, f->valid_loss, t->model->margin);
	for (a = 0; a < t->data.nr_actions; a++)
		if (!(t->model->active >> a & 1))
			printf("action %s was taken %llu times only: the model will not propose it\n",
			       t->data.schema.actions[a].name,
			       (unsigned long long)f->action_rows[a]);
	cli_print_quant(&t->quant, &t->data.schema);
	printf("\n");
}

static int print_json(const struct training *t, const struct mltrain_test *test)
{
	const struct mltrain_fit_report *f = &t->fit;
	json_t *j;

	j = json_pack("{s:s, s:s, s:o, s:o, s:o, s:s, s:i, s:i, s:f, s:f, s:f, s:i, s:o}",
		      "file", t->path, "name", t->model->name, "trained", cli_uint(f->train.n),
		      "validated", cli_uint(f->valid.n), "held_out", cli_uint(f->held_out.n),
		      "split", f->split == MLTRAIN_SPLIT_KEY ? "key" : "time", "inputs",
		      (int)t->model->nr_inputs, "epochs", (int)f->epochs, "train_loss",
		      f->train_loss, "valid_loss", f->valid_loss, "margin", t->model->margin,
		      "macs", (int)f->macs, "quantised", cli_json_quant(&t->quant));
	if (j) {
		json_object_set_new(j, "model", json_string(mltrain_kind_name(f->kind)));
		json_object_set_new(j, "trees", json_integer(f->nr_trees));
		json_object_set_new(j, "depth", json_integer(f->depth));
	}
	if (j && f->nr_contest)
		json_object_set_new(j, "contest", json_contest(f));
	if (j && test)
		json_object_set_new(j, "test", cli_json_test(test, &t->data.schema));
	return cli_print_json(j);
}

/* Quantise, so that the test shows what the kernel would run. */
static int quantise(struct training *t, struct model *fixed)
{
	const struct mlproxy_schema *s = &t->data.schema.schema;
	struct mlp_limits limits = { s->schema_hash, s->nr_features, s->nr_actions,
				     s->max_macs };
	struct mltrain_rows seen = { 0 };
	struct mlp_report report;
	int err;

	/* The rows that `mlproxy quantize` would take: the same file. */
	err = mltrain_pick_rows(t->model, &t->data, true, &seen);
	if (!err)
		err = mltrain_quantise(t->model, &t->data, &seen, &t->mlp_file, &t->mlp_len,
				       &t->quant);
	mltrain_rows_free(&seen);
	if (err)
		return cli_error("%s", mltrain_error());
	if (model_verify(t->mlp_file, t->mlp_len, &limits, fixed, &report))
		return cli_error("the quantised model is refused: %s", report.text);
	return t->mlp_path ? cli_write_file(t->mlp_path, t->mlp_file, t->mlp_len) : CLI_OK;
}

static int report(struct training *t, const struct model *fixed)
{
	bool tested = t->fit.held_out.n > 0;
	struct mltrain_test *test = calloc(1, sizeof(*test));
	int ret = CLI_OK;

	if (!test)
		return cli_error("no memory for a report");
	if (tested && mltrain_test_model(t->model, fixed, &t->data, &t->fit.held_out, test))
		ret = cli_error("%s", mltrain_error());
	if (ret == CLI_OK && t->cli->json) {
		ret = print_json(t, tested ? test : NULL);
	} else if (ret == CLI_OK) {
		print_contest(t);
		print_fit(t);
		if (tested)
			cli_print_test(test, &t->data.schema, "held-out decisions");
		else
			printf("Nothing was held out: test it on another data set.\n");
	}
	free(test);
	return ret;
}

/* Trees go without libtorch, which takes long to load. */
static bool needs_torch(const struct training *t)
{
	return t->opt.kind == MLTRAIN_MLP;
}

static int run_training(struct training *t, char **paths, int nr)
{
	struct model fixed;
	int ret;

	ret = cli_load_data(t->cli, paths, nr, &t->data);
	if (ret)
		return ret;
	/* auto tries the other kinds where there is no libtorch */
	if (t->opt.kind == MLTRAIN_AUTO)
		mltorch_set_threads(t->threads);
	if (needs_torch(t) && mltorch_set_threads(t->threads)) {
		ret = cli_error("%s", mltorch_last_error());
	} else if (mltrain_fit(&t->model, &t->data, &t->opt, &t->fit)) {
		ret = cli_error("%s", mltrain_error());
	} else {
		if (isatty(STDERR_FILENO))
			fputc('\n', stderr);
		if (mltrain_save(t->model, t->path))
			ret = cli_error("%s", mltrain_error());
		if (ret == CLI_OK)
			ret = quantise(t, &fixed);
		if (ret == CLI_OK)
			ret = report(t, &fixed);
	}
	free(t->mlp_file);
	mltrain_free(t->model);
	mltrain_fit_report_free(&t->fit);
	mlds_free(&t->data);
	return ret;
}

static int parse_hidden(struct training *t, const char *text)
{
	char *end;

	t->opt.nr_hidden = 0;
	if (!strcmp(text, "0") || !*text)
		return CLI_OK;	/* a linear model */
	for (;; text = end + 1) {
		unsigned long width = strtoul(text, &end, 10);

		if (end == text || (*end && *end != ',') || !width ||
		    width > MLPROXY_MODEL_MAX_WIDTH || t->opt.nr_hidden == MLTRAIN_MAX_HIDDEN)
			return cli_usage(t->cli, "'%s': hidden layers are widths of 1 to %d with commas between, at most %d of them",
					 text, MLPROXY_MODEL_MAX_WIDTH, MLTRAIN_MAX_HIDDEN);
		t->opt.hidden[t->opt.nr_hidden++] = width;
		if (!*end)
			return CLI_OK;
	}
}

enum {
	OPT_HIDDEN = 256, OPT_EPOCHS, OPT_PATIENCE, OPT_BATCH, OPT_RESTARTS, OPT_SEED, OPT_LR,
	OPT_DECAY, OPT_HUBER, OPT_SPLIT, OPT_HOLDOUT, OPT_VALIDATION, OPT_WEIGHT, OPT_CLIP,
	OPT_MIN_ROWS, OPT_TEACHERS, OPT_CAUTION, OPT_MARGIN, OPT_NAME, OPT_THREADS, OPT_MODEL,
	OPT_TREES, OPT_DEPTH,
};

static int count_option(struct training *t, const char *name, uint64_t max, uint32_t *value)
{
	uint64_t v;

	if (parse_u64(optarg, max, &v))
		return cli_usage(t->cli, "--%s takes a number up to %llu, not '%s'", name,
				 (unsigned long long)max, optarg);
	*value = v;
	return CLI_OK;
}

static int real_option(struct training *t, const char *name, double min, double max,
		       double *value)
{
	if (cli_parse_double(optarg, min, max, value))
		return cli_usage(t->cli, "--%s takes a number from %g to %g, not '%s'", name, min,
				 max, optarg);
	return CLI_OK;
}

static int word_option(struct training *t, const char *name, const char *const *words, int *value)
{
	int i;

	for (i = 0; words[i]; i++) {
		if (!strcmp(words[i], optarg)) {
			*value = i;
			return CLI_OK;
		}
	}
	return cli_usage(t->cli, "--%s: '%s' is not known, see --help", name, optarg);
}

static int train_option(struct training *t, int opt)
{
	static const char *const splits[] = { "auto", "time", "key", NULL };
	static const char *const weights[] = { "none", "ips", NULL };
	static const char *const kinds[] = { "mlp", "tree", "forest", "auto", NULL };
	struct mltrain_options *o = &t->opt;
	uint32_t n = 0;
	int ret, word = 0;

	switch (opt) {
	case 'o':
		t->path = optarg;
		return CLI_OK;
	case 'q':
		t->mlp_path = optarg;
		return CLI_OK;
	case OPT_MODEL:
		ret = word_option(t, "model", kinds, &word);
		o->kind = word;
		return ret;
	case OPT_TREES:
		return count_option(t, "trees", MLPROXY_MODEL_MAX_TREES, &o->trees);
	case OPT_DEPTH:
		return count_option(t, "depth", MLPROXY_MODEL_MAX_DEPTH, &o->depth);
	case OPT_HIDDEN:
		return parse_hidden(t, optarg);
	case OPT_EPOCHS:
		return count_option(t, "epochs", 100000, &o->epochs);
	case OPT_PATIENCE:
		return count_option(t, "patience", 100000, &o->patience);
	case OPT_BATCH:
		return count_option(t, "batch", 1 << 24, &o->batch);
	case OPT_RESTARTS:
		return count_option(t, "restarts", 1000, &o->restarts);
	case OPT_SEED:
		ret = parse_u64(optarg, UINT64_MAX, &o->seed);
		return ret ? cli_usage(t->cli, "--seed takes a number, not '%s'", optarg) : CLI_OK;
	case OPT_LR:
		return real_option(t, "lr", 1e-9, 10, &o->lr);
	case OPT_DECAY:
		return real_option(t, "weight-decay", 0, 10, &o->weight_decay);
	case OPT_HUBER:
		return real_option(t, "huber", 0, 1e9, &o->huber);
	case OPT_SPLIT:
		ret = word_option(t, "split", splits, &word);
		o->split = word;
		return ret;
	case OPT_HOLDOUT:
		return real_option(t, "holdout", 0, 0.9, &o->holdout);
	case OPT_VALIDATION:
		return real_option(t, "validation", 0.01, 0.5, &o->validation);
	case OPT_WEIGHT:
		ret = word_option(t, "weight", weights, &word);
		o->weight = word;
		return ret;
	case OPT_CLIP:
		return real_option(t, "clip", 1, 1e9, &o->weight_clip);
	case OPT_MIN_ROWS:
		return count_option(t, "min-rows", 1 << 30, &o->min_rows);
	case OPT_TEACHERS:
		return count_option(t, "teachers", 1000, &o->teachers);
	case OPT_CAUTION:
		return real_option(t, "caution", 0, 1e6, &o->caution);
	case OPT_MARGIN:
		return real_option(t, "margin", 0, 1e6, &o->margin);
	case OPT_NAME:
		snprintf(o->name, sizeof(o->name), "%s", optarg);
		return CLI_OK;
	default:
		ret = count_option(t, "threads", 256, &n);
		t->threads = n ? n : 1;
		return ret;
	}
}

static int train(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "quantized", required_argument, NULL, 'q' },
		{ "hidden", required_argument, NULL, OPT_HIDDEN },
		{ "epochs", required_argument, NULL, OPT_EPOCHS },
		{ "patience", required_argument, NULL, OPT_PATIENCE },
		{ "batch", required_argument, NULL, OPT_BATCH },
		{ "restarts", required_argument, NULL, OPT_RESTARTS },
		{ "seed", required_argument, NULL, OPT_SEED },
		{ "lr", required_argument, NULL, OPT_LR },
		{ "weight-decay", required_argument, NULL, OPT_DECAY },
		{ "huber", required_argument, NULL, OPT_HUBER },
		{ "split", required_argument, NULL, OPT_SPLIT },
		{ "holdout", required_argument, NULL, OPT_HOLDOUT },
		{ "validation", required_argument, NULL, OPT_VALIDATION },
		{ "weight", required_argument, NULL, OPT_WEIGHT },
		{ "clip", required_argument, NULL, OPT_CLIP },
		{ "min-rows", required_argument, NULL, OPT_MIN_ROWS },
		{ "teachers", required_argument, NULL, OPT_TEACHERS },
		{ "caution", required_argument, NULL, OPT_CAUTION },
		{ "margin", required_argument, NULL, OPT_MARGIN },
		{ "name", required_argument, NULL, OPT_NAME },
		{ "threads", required_argument, NULL, OPT_THREADS },
		{ "model", required_argument, NULL, OPT_MODEL },
		{ "trees", required_argument, NULL, OPT_TREES },
		{ "depth", required_argument, NULL, OPT_DEPTH },
		{ 0 }
	};
	struct training t = { .cli = cli, .threads = 1 };
	int opt, ret;

	mltrain_default_options(&t.opt);
	t.opt.progress = progress;
	t.opt.progress_arg = &t;
	while ((opt = cli_getopt(cli, argc, argv, "o:q:", options, &ret)) != -1) {
		if (opt == '?')
			return ret;
		ret = train_option(&t, opt);
		if (ret)
			return ret;
	}
	ret = cli_check_operands(cli, argc, argv, 1, 1000);
	if (ret)
		return ret;
	if (!t.path)
		return cli_usage(cli, "name the model with -o MODEL.float");
	return run_training(&t, argv + optind, argc - optind);
}

const struct cli_verb verb_train = {
	.name = "train",
	.fn = train,
	.summary = "train a model from data sets, and test it on what was held out",
	.synopsis = "DATA.h5... -o MODEL.float [-q MODEL.mlp] [OPTION...]",
	.help = "Fits the reward of each action by a small network or by trees, holds a part of\n"
		"the records out, and estimates from these what the model, the kernel's own choice\n"
		"and each constant action would have earned. A network needs libtorch, trees need\n"
		"XGBoost.\n"
		"\n"
		"  -o, --output=FILE      the float model (HDF5)\n"
		"  -q, --quantized=FILE   also the fixed-point model, as `mlproxy quantize` does\n"
		"      --model=mlp        mlp (a network), tree (one an action), forest (boosted\n"
		"                         trees), or auto: all three, and the one is taken whose\n"
		"                         gain has the highest lower bound on the validation part\n"
		"      --trees=N          trees of an action in a forest, at most; default: what\n"
		"                         the proxy's cost allows; validation may stop earlier\n"
		"      --depth=N          comparisons in a tree, at most 16; default 8 in a tree,\n"
		"                         5 in a forest\n"
		"      --name=NAME        name of the model, default the proxy's\n"
		"      --hidden=24,16     widths of the hidden layers; 0 for a linear model\n"
		"      --epochs=80        at most so many passes over the records\n"
		"      --patience=20      stop after so many passes without improvement\n"
		"      --restarts=2       networks to train, of which the best is kept\n"
		"      --seed=1           the same seed and records give the same model\n"
		"      --batch=N          records of a gradient step, default by their number\n"
		"      --lr=0.01          learning rate\n"
		"      --weight-decay=1e-5\n"
		"      --huber=2          where the loss becomes linear, in standard deviations of\n"
		"                         the reward; 0 for squared error\n"
		"      --holdout=0.25     share of the records for the test\n"
		"      --validation=0.15  share of the rest for early stopping and the margin\n"
		"      --split=auto       time (blocks of consecutive decisions), key (a hash of\n"
		"                         the key), or auto: key where the kernel randomises by key\n"
		"      --weight=ips       weight of a record: ips (1 / probability) or none\n"
		"      --clip=20          largest weight\n"
		"      --min-rows=20      actions taken less often are never proposed\n"
		"      --margin=M         advantage over the kernel's choice that is asked for, in\n"
		"                         standard deviations; default: chosen by validation\n"
		"      --threads=1        more than one may give another model for the same seed\n"
		"\n"
		"Example: record, train, load\n"
		"  mlproxy record synth -o synth.h5 -t 10\n"
		"  mlproxy train synth.h5 -o synth.float -q synth.mlp\n"
		"  mlproxy load synth synth.mlp --activate\n",
};
