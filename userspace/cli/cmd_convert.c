// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy convert: the rows of data sets as CSV, for other programs. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "mlproxy_dataset.h"
#include "value.h"

/**
 * struct converting - one run of the verb
 * @data: rows
 * @raw: numbers as the kernel wrote them, also where they have names
 * @force: an existing file is replaced
 * @path: of the file, NULL for the standard output
 * @out: it
 */
struct converting {
	struct mlds_data data;
	bool raw;
	bool force;
	const char *path;
	FILE *out;
};

/* A name, in quotes where CSV needs them. */
static void put_name(FILE *out, const char *name)
{
	if (!name[strcspn(name, ",\"\n")]) {
		fputs(name, out);
		return;
	}
	putc('"', out);
	for (; *name; name++) {
		if (*name == '"')
			putc('"', out);
		putc(*name, out);
	}
	putc('"', out);
}

static void put_value(const struct converting *c, const struct mlproxy_feature *what, int64_t raw)
{
	char text[40];

	if (c->raw)
		snprintf(text, sizeof(text), "%" PRId64, raw);
	else
		value_plain(text, sizeof(text), what, raw);
	fprintf(c->out, ",%s", text);
}

static void put_action(const struct converting *c, uint8_t action)
{
	putc(',', c->out);
	if (c->raw)
		fprintf(c->out, "%u", action);
	else if (action < c->data.nr_actions)
		put_name(c->out, c->data.schema.actions[action].name);
}

static void put_named(const struct converting *c, uint32_t number, const char *(*name)(uint32_t))
{
	putc(',', c->out);
	if (c->raw)
		fprintf(c->out, "%u", number);
	else
		put_name(c->out, name(number));
}

static const char *const columns[] = {
	"run", "id", "key", "time_ns", "instance", "prob", "allowed", "action", "baseline",
	"candidate", "source", "mode", "arm", "outer_arm", "stratum", "model_version", "reward",
	"predicted", "error", "ledger",
};

#define NR_COLUMNS	(sizeof(columns) / sizeof(columns[0]))

/* A feature's name may be that of a column. */
static void put_header(const struct converting *c)
{
	unsigned int i, k;

	for (i = 0; i < NR_COLUMNS; i++)
		fprintf(c->out, "%s%s", i ? "," : "", columns[i]);
	for (i = 0; i < c->data.nr_features; i++) {
		const char *name = c->data.schema.features[i].name;

		putc(',', c->out);
		for (k = 0; k < NR_COLUMNS; k++) {
			if (!strcmp(name, columns[k]))
				fputs("feature.", c->out);
		}
		put_name(c->out, name);
	}
	putc('\n', c->out);
}

static void put_outcome(const struct converting *c, size_t i)
{
	const struct mlproxy_feature reward = value_reward(&c->data.schema.schema);
	const struct mlds_data *d = &c->data;

	put_value(c, &reward, d->reward[i]);
	put_value(c, &reward, d->predicted[i]);
	put_value(c, &reward, d->error[i]);
	putc(',', c->out);
	if (d->feedback_flags[i] & MLPROXY_FEEDBACK_LEDGER)
		fprintf(c->out, "%" PRId64, d->ledger[i]);
}

static void put_row(const struct converting *c, size_t i)
{
	const struct mlds_data *d = &c->data;
	uint32_t k;

	fprintf(c->out, "%u,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%u,%.10g,%u", d->run[i], d->id[i],
		d->key[i], d->time_ns[i], d->instance[i], d->prob[i], d->allowed[i]);
	put_action(c, d->action[i]);
	put_action(c, d->baseline[i]);
	put_action(c, d->candidate[i]);
	put_named(c, d->source[i], mlproxy_source_name);
	put_named(c, d->mode[i], mlproxy_mode_name);
	put_named(c, d->arm[i], mlproxy_arm_name);
	put_named(c, d->outer_arm[i], mlproxy_arm_name);
	putc(',', c->out);
	if (!c->raw && d->stratum[i] < d->schema.schema.nr_strata)
		put_name(c->out, d->schema.strata[d->stratum[i]].name);
	else
		fprintf(c->out, "%u", d->stratum[i]);
	fprintf(c->out, ",%u", d->model_version[i]);
	put_outcome(c, i);
	for (k = 0; k < d->nr_features; k++)
		put_value(c, &d->schema.features[k], d->features[i * d->nr_features + k]);
	putc('\n', c->out);
}

static int write_rows(struct converting *c)
{
	bool failed;
	size_t i;

	put_header(c);
	for (i = 0; i < c->data.n && !ferror(c->out); i++)
		put_row(c, i);
	failed = fflush(c->out) || ferror(c->out);
	if (c->path && fclose(c->out))
		failed = true;
	if (failed)
		return cli_error("cannot write %s: %s", c->path ? c->path : "the standard output",
				 strerror(errno));
	return CLI_OK;
}

/* A file is there when it is whole. */
static int write_file(struct converting *c)
{
	char *part = NULL;
	mode_t mask;
	int fd, ret;

	if (!c->force && access(c->path, F_OK) == 0)
		return cli_error("%s is there already; -f replaces it", c->path);
	if (asprintf(&part, "%s.XXXXXX", c->path) < 0)
		return cli_error("out of memory");
	fd = mkstemp(part);
	c->out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!c->out) {
		ret = cli_error("cannot write %s: %s", part, strerror(errno));
		goto out;
	}
	/* as open() would have made it */
	mask = umask(0);
	umask(mask);
	fchmod(fd, 0666 & ~mask);
	ret = write_rows(c);
	if (ret == CLI_OK && rename(part, c->path))
		ret = cli_error("cannot rename %s to %s: %s", part, c->path, strerror(errno));
	if (ret)
		unlink(part);
out:
	free(part);
	return ret;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), more = strlen(end);

	return len >= more && !strcmp(text + len - more, end);
}

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "force", no_argument, NULL, 'f' },
	{ "raw", no_argument, NULL, 256 },
	{ 0 }
};

static int convert(struct cli *cli, int argc, char **argv)
{
	struct converting c = { .out = stdout };
	int opt, ret = CLI_OK;

	while ((opt = cli_getopt(cli, argc, argv, "o:f", options, &ret)) != -1) {
		switch (opt) {
		case '?':
			return ret;
		case 'o':
			c.path = strcmp(optarg, "-") ? optarg : NULL;
			break;
		case 'f':
			c.force = true;
			break;
		default:
			c.raw = true;
		}
	}
	if (optind == argc)
		return cli_usage(cli, "name at least one data set");
	if (c.path && ends_with(c.path, ".parquet"))
		return cli_usage(cli, "only CSV is written; for Parquet, in Python with pyarrow: "
				 "mlproxy.Dataset(FILE).frame().to_parquet(\"%s\")", c.path);
	if (mlds_load(&c.data, (const char *const *)argv + optind, argc - optind))
		return cli_error("%s", mlds_error());
	ret = c.path ? write_file(&c) : write_rows(&c);
	mlds_free(&c.data);
	return ret;
}

const struct cli_verb verb_convert = {
	.name = "convert",
	.fn = convert,
	.summary = "write the rows of data sets as CSV",
	.synopsis = "DATA.h5... [-o FILE.csv]",
	.help = "  -o, --output=FILE    instead of the standard output\n"
		"  -f, --force          replace FILE if it exists\n"
		"      --raw            numbers as the kernel wrote them, without names and units\n"
		"\n"
		"A row is a decision with its outcome; the first line names the columns, the features\n"
		"last. A ledger that was not told is empty. Several files have to be of one schema.\n"
		"\n"
		"Example:\n"
		"  mlproxy convert ra.h5 -o ra.csv\n",
};
