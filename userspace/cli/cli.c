// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy tool: options that all verbs take, and reporting.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define MAX_OPTIONS	32

static const struct option common_options[] = {
	{ "device", required_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ "verbose", no_argument, NULL, 'v' },
};

#define NR_COMMON	(sizeof(common_options) / sizeof(common_options[0]))

static const char common_help[] =
	"\nOptions of all verbs:\n"
	"  -d, --device=DEVICE  instead of $MLPROXY_DEVICE or " MLPROXY_DEFAULT_DEVICE "\n"
	"  -j, --json           print JSON\n"
	"  -v, --verbose        say more on stderr\n"
	"  -h, --help           this text\n";

int cli_help(const struct cli_verb *verb)
{
	printf("usage: mlproxy %s%s%s\n\n%s%s", verb->name, *verb->synopsis ? " " : "",
	       verb->synopsis, verb->help, common_help);
	return CLI_OK;
}

static void vreport(const char *fmt, va_list args)
{
	fflush(stdout);
	fputs("mlproxy: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

int cli_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vreport(fmt, args);
	va_end(args);
	return CLI_FAILURE;
}

int cli_usage(const struct cli *cli, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vreport(fmt, args);
	va_end(args);
	if (cli->verb)
		fprintf(stderr, "usage: mlproxy %s%s%s\nTry 'mlproxy %s --help'.\n",
			cli->verb->name, *cli->verb->synopsis ? " " : "", cli->verb->synopsis,
			cli->verb->name);
	else
		fputs("Try 'mlproxy --help'.\n", stderr);
	return CLI_USAGE;
}

/* What getopt_long() would have said on stderr, with the verb's usage. */
static int bad_option(const struct cli *cli, char **argv, int opt)
{
	if (opt == ':')
		return cli_usage(cli, "option %s needs an argument", argv[optind - 1]);
	if (optopt > 0 && optopt < 256)
		return cli_usage(cli, "option -%c is not known, or takes no argument", optopt);
	return cli_usage(cli, "option %s is not known, or takes no argument", argv[optind - 1]);
}

int cli_getopt(struct cli *cli, int argc, char **argv, const char *shortopts,
	       const struct option *longopts, int *exit_code)
{
	struct option all[MAX_OPTIONS + NR_COMMON + 1] = { { 0 } };
	char all_short[2 * MAX_OPTIONS];
	unsigned int nr = 0;
	int opt;

	for (; longopts && longopts[nr].name && nr < MAX_OPTIONS; nr++)
		all[nr] = longopts[nr];
	memcpy(&all[nr], common_options, sizeof(common_options));
	snprintf(all_short, sizeof(all_short), ":d:hjv%s", shortopts);

	opterr = 0;
	for (;;) {
		opt = getopt_long(argc, argv, all_short, all, NULL);
		switch (opt) {
		case 'd':
			cli->device = optarg;
			break;
		case 'j':
			cli->json = true;
			break;
		case 'v':
			cli->verbose = true;
			break;
		case 'h':
			*exit_code = cli_help(cli->verb);
			return '?';
		case '?':
		case ':':
			*exit_code = bad_option(cli, argv, opt);
			return '?';
		default:
			return opt;
		}
	}
}

int cli_check_operands(struct cli *cli, int argc, char **argv, int min, int max)
{
	int nr = argc - optind;

	if (nr < min)
		return cli_usage(cli, "%s needs %s argument", cli->verb->name,
				 nr ? "one more" : "an");
	if (nr > max)
		return cli_usage(cli, "'%s' is one argument too many", argv[optind + max]);
	return CLI_OK;
}

char **cli_operands(struct cli *cli, int argc, char **argv, int min, int max, int *exit_code)
{
	if (cli_getopt(cli, argc, argv, "", NULL, exit_code) != -1)
		return NULL;
	*exit_code = cli_check_operands(cli, argc, argv, min, max);
	return *exit_code == CLI_OK ? argv + optind : NULL;
}

int cli_print_json(json_t *value)
{
	int ret;

	if (!value)
		return cli_error("no memory for the JSON output");
	ret = json_dumpf(value, stdout, JSON_INDENT(2));
	json_decref(value);
	if (ret || putchar('\n') == EOF || fflush(stdout))
		return cli_error("cannot write to the standard output: %s", strerror(errno));
	return CLI_OK;
}

json_t *cli_uint(uint64_t value)
{
	char text[24];

	if (value <= INT64_MAX)
		return json_integer(value);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return json_string(text);
}

int cli_write_file(const char *path, const void *data, size_t len)
{
	char *tmp;
	FILE *f;
	int err = 0;

	if (asprintf(&tmp, "%s.new-%d", path, getpid()) < 0)
		return cli_error("no memory for a path");
	f = fopen(tmp, "we");
	if (!f) {
		err = cli_error("can't create %s: %s", path, strerror(errno));
		free(tmp);
		return err;
	}
	if (fwrite(data, 1, len, f) != len)
		err = errno;
	if (fclose(f) && !err)
		err = errno;
	if (!err && rename(tmp, path))
		err = errno;
	if (err)
		unlink(tmp);
	free(tmp);
	return err ? cli_error("can't write %s: %s", path, strerror(err)) : CLI_OK;
}
