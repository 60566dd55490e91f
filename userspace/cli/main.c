// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy tool: the way to a verb. cli_verbs says which ones a program has: all
 * (verbs.c), or those that are programs of their own (verbs_*.c).
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const char intro[] =
	"usage: mlproxy [OPTION...] VERB [ARGUMENT...]\n"
	"\n"
	"Runs machine-learning proxies beside decisions of the Linux kernel.\n"
	"\n"
	"Verbs:\n";

static const char outro[] =
	"\n"
	"Options, before or behind the verb:\n"
	"  -d, --device=DEVICE  instead of $MLPROXY_DEVICE or " MLPROXY_DEFAULT_DEVICE "\n"
	"  -j, --json           print JSON\n"
	"  -v, --verbose        say more on stderr\n"
	"  -h, --help           this text; behind a verb, the verb's own\n"
	"  -V, --version        print the version\n"
	"\n"
	"Exit codes: 0 good, 1 failure, 2 wrong arguments, 3 no device or no such proxy\n"
	"(a module is not loaded), 4 refused by the kernel, 5 not allowed to this user.\n"
	"\n"
	"A first walk, with the synthetic subsystem:\n"
	"  modprobe mlproxy_synth\n"
	"  mlproxy list\n"
	"  mlproxy schema synth\n"
	"  mlproxy start synth\n"
	"  mlproxy record synth -o synth.h5 -t 10\n"
	"  mlproxy train synth.h5 -o synth.float -q synth.mlp\n"
	"  mlproxy load synth synth.mlp --activate\n";

static const struct option global_options[] = {
	{ "device", required_argument, NULL, 'd' },
	{ "json", no_argument, NULL, 'j' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 }
};

static int print_help(void)
{
	const struct cli_verb *const *verb;

	fputs(intro, stdout);
	for (verb = cli_verbs; *verb; verb++)
		printf("  %-10s %s\n", (*verb)->name, (*verb)->summary);
	fputs(outro, stdout);
	return CLI_OK;
}

static const struct cli_verb *find_verb(const char *name)
{
	const struct cli_verb *const *verb;

	for (verb = cli_verbs; *verb; verb++) {
		if (strcmp((*verb)->name, name) == 0)
			return *verb;
	}
	return NULL;
}

static int run_verb(struct cli *cli, int argc, char **argv)
{
	const struct cli_verb *verb = find_verb(argv[0]);

	if (strcmp(argv[0], "help") == 0) {
		if (argc < 2)
			return print_help();
		verb = find_verb(argv[1]);
		if (verb && !verb->help) {
			char *help[] = { argv[1], (char []) { "--help" }, NULL };

			return verb->fn(cli, 2, help);
		}
		return verb ? cli_help(verb) : cli_usage(cli, "there is no verb '%s'", argv[1]);
	}
	if (!verb)
		return cli_usage(cli, "there is no verb '%s'", argv[0]);
	cli->verb = verb;
	optind = 0;	/* start over with the verb's own arguments */
	return verb->fn(cli, argc, argv);
}

int main(int argc, char **argv)
{
	struct cli cli = { 0 };
	int opt, ret;

	setlocale(LC_CTYPE, "");
	while ((opt = getopt_long(argc, argv, "+d:jvhV", global_options, NULL)) != -1) {
		switch (opt) {
		case 'd':
			cli.device = optarg;
			break;
		case 'j':
			cli.json = true;
			break;
		case 'v':
			cli.verbose = true;
			break;
		case 'h':
			return print_help();
		case 'V':
			printf("mlproxy %s\n", mlproxy_version());
			return CLI_OK;
		default:
			return cli_usage(&cli, "see the options");
		}
	}
	if (optind == argc)
		return cli_usage(&cli, "name a verb");
	ret = run_verb(&cli, argc - optind, argv + optind);
	if ((fflush(stdout) || ferror(stdout)) && ret == CLI_OK)
		return cli_error("cannot write to the standard output");
	return ret;
}
