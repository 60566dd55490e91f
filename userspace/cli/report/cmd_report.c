// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy report: options, and where what is written goes.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "html.h"
#include "plot.h"
#include "report.h"
#include "table.h"

#define DEFAULT_BINS	60
#define MAX_BINS	2000

/**
 * struct reporting - one run of the verb
 * @cli: options of all verbs
 * @out: -o, or NULL
 * @bins: pieces of time
 * @png: write PNG files, too
 * @no_plots: don't draw
 * @models: model files
 * @nr_models: how many
 * @page: path of the page
 * @csv: path of the figures
 * @stem: path of the plots, up to their names
 */
struct reporting {
	const struct cli *cli;
	const char *out;
	uint64_t bins;
	bool png;
	bool no_plots;
	struct report_model models[REPORT_MAX_MODELS];
	unsigned int nr_models;
	char page[PATH_MAX];
	char csv[PATH_MAX];
	char stem[PATH_MAX];
};

/* DIR: report.html, report.csv, reward.png …; FILE.html: FILE.csv, FILE-reward.png … */
static int name_files(struct reporting *rep)
{
	size_t len = strlen(rep->out);

	if (len + 32 > PATH_MAX)
		return cli_error("%.60s… is too long for a path", rep->out);
	if (len > 5 && strcmp(rep->out + len - 5, ".html") == 0) {
		snprintf(rep->page, sizeof(rep->page), "%s", rep->out);
		snprintf(rep->csv, sizeof(rep->csv), "%.*s.csv", (int)len - 5, rep->out);
		snprintf(rep->stem, sizeof(rep->stem), "%.*s-", (int)len - 5, rep->out);
		return CLI_OK;
	}
	if (mkdir(rep->out, 0777) && errno != EEXIST)
		return cli_error("cannot make the directory %s: %s", rep->out, strerror(errno));
	snprintf(rep->page, sizeof(rep->page), "%.*s/report.html", PATH_MAX - 32, rep->out);
	snprintf(rep->csv, sizeof(rep->csv), "%.*s/report.csv", PATH_MAX - 32, rep->out);
	snprintf(rep->stem, sizeof(rep->stem), "%.*s/", PATH_MAX - 32, rep->out);
	return CLI_OK;
}

static int draw_all(struct reporting *rep, const struct report *r, char **svg)
{
	char png[PATH_MAX + 16];
	unsigned int i;
	int ret = CLI_OK;

	for (i = 0; ret == CLI_OK && i < REPORT_NR_PLOTS && !rep->no_plots; i++) {
		ret = report_draw(r, i, NULL, &svg[i]);
		if (ret != CLI_OK || !rep->png || !svg[i])
			continue;
		snprintf(png, sizeof(png), "%s%s.png", rep->stem, report_plot_name(i));
		ret = report_draw(r, i, png, NULL);
	}
	return ret;
}

static int write_text(const char *path, char *text)
{
	int ret = text ? cli_write_file(path, text, strlen(text)) : cli_error("out of memory");

	free(text);
	return ret;
}

static int write_all(struct reporting *rep, const struct report *r, char **paths, int nr)
{
	char *svg[REPORT_NR_PLOTS] = { NULL };
	unsigned int i;
	int ret;

	ret = name_files(rep);
	if (ret == CLI_OK)
		ret = draw_all(rep, r, svg);
	if (ret == CLI_OK)
		ret = write_text(rep->csv, report_csv(r));
	if (ret == CLI_OK)
		ret = write_text(rep->page, report_html(r, svg, paths, nr));
	for (i = 0; i < REPORT_NR_PLOTS; i++)
		free(svg[i]);
	if (ret == CLI_OK && !rep->cli->json)
		printf("%s and %s: %zu decisions with outcome, %u model versions, %zu changes of mode\n",
		       rep->page, rep->csv, r->data.n, r->nr_versions, r->nr_changes);
	return ret;
}

static int make(struct reporting *rep, char **paths, int nr)
{
	struct report *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return cli_error("out of memory");
	ret = report_make(r, paths, nr, rep->bins, rep->models, rep->nr_models);
	if (ret == CLI_OK && rep->out)
		ret = write_all(rep, r, paths, nr);
	if (ret == CLI_OK && rep->cli->json)
		ret = cli_print_json(report_json(r));
	report_free(r);
	free(r);
	return ret;
}

/* FILE, or VERSION=FILE. */
static int add_model(struct reporting *rep, const char *text)
{
	const char *equals = strchr(text, '=');
	struct report_model *m = &rep->models[rep->nr_models];
	char number[16];
	uint64_t version;

	if (rep->nr_models == REPORT_MAX_MODELS)
		return cli_usage(rep->cli, "at most %d models can be given", REPORT_MAX_MODELS);
	m->path = text;
	m->version = 0;
	if (equals && equals - text < (int)sizeof(number)) {
		snprintf(number, sizeof(number), "%.*s", (int)(equals - text), text);
		if (!parse_u64(number, UINT32_MAX, &version) && version) {
			m->version = version;
			m->path = equals + 1;
		}
	}
	rep->nr_models++;
	return CLI_OK;
}

static int take_option(struct reporting *rep, int opt)
{
	switch (opt) {
	case 'o':
		rep->out = optarg;
		break;
	case 'm':
		return add_model(rep, optarg);
	case 'b':
		if (parse_u64(optarg, MAX_BINS, &rep->bins) || !rep->bins)
			return cli_usage(rep->cli, "'%s' is no number of pieces from 1 to %d",
					 optarg, MAX_BINS);
		break;
	case 256:
		rep->png = true;
		break;
	case 257:
		rep->no_plots = true;
		break;
	}
	return CLI_OK;
}

static int report(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "model", required_argument, NULL, 'm' },
		{ "bins", required_argument, NULL, 'b' },
		{ "png", no_argument, NULL, 256 },
		{ "no-plots", no_argument, NULL, 257 },
		{ 0 }
	};
	struct reporting rep = { .cli = cli, .bins = DEFAULT_BINS };
	int opt, ret;

	while ((opt = cli_getopt(cli, argc, argv, "o:m:b:", options, &ret)) != -1) {
		if (opt == '?')
			return ret;
		ret = take_option(&rep, opt);
		if (ret != CLI_OK)
			return ret;
	}
	ret = cli_check_operands(cli, argc, argv, 1, 1000);
	if (ret)
		return ret;
	if (!rep.out && !cli->json)
		return cli_usage(cli, "name the report with -o, or print its figures with -j");
	return make(&rep, argv + optind, argc - optind);
}

const struct cli_verb verb_report = {
	.name = "report",
	.fn = report,
	.summary = "write a page with plots of what was recorded",
	.synopsis = "DATA.h5... -o DIR|FILE.html",
	.help = "One page with all of a run: whether the model is better, and by how much; reward of\n"
		"both arms over time, actions, modes and why, model\n"
		"versions as expected and as realised, prediction errors, losses; and a CSV file\n"
		"with every figure. Data sets may be still recorded, or their recorder killed.\n"
		"\n"
		"  -o, --output=DIR|FILE.html  where to; a DIR gets report.html and report.csv\n"
		"  -m, --model=[VERSION=]FILE  model that ran as VERSION, float or fixed-point: what\n"
		"                              was to be expected of it is estimated from the records\n"
		"                              of before; may be repeated\n"
		"  -b, --bins=NUMBER           pieces of time, 60 without it\n"
		"      --png                   the plots as PNG files, too\n"
		"      --no-plots              figures alone, does not need gnuplot\n"
		"\n"
		"Example:\n"
		"  mlproxy report synth.h5 --model 1=synth.float -o synth-report\n",
};
