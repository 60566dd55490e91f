// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy record, convert, train, test, quantize, import, report, top: start the
 * program that has them.
 *
 * libtorch takes longer to load than most verbs to run, and HDF5 comes with dozens
 * of libraries; so what needs them are programs of their own. They lie beside
 * mlproxy in the build directory, and in ../libexec/mlproxy where it is installed.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const char *const places[] = { "", "../libexec/mlproxy/" };

static int find_program(const char *program, char *path, size_t bytes)
{
	char self[PATH_MAX];
	unsigned int i;
	ssize_t len;
	char *slash;

	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len < 0)
		return cli_error("cannot read /proc/self/exe: %s", strerror(errno));
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		slash[1] = '\0';
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int ret = snprintf(path, bytes, "%s%s%s", self, places[i], program);

		if (ret > 0 && (size_t)ret < bytes && access(path, X_OK) == 0)
			return CLI_OK;
	}
	return cli_error("%s is neither in %s nor in %s%s; is it built and installed?", program,
			 self, self, places[1]);
}

static int run_program(const char *program, struct cli *cli, int argc, char **argv)
{
	char path[2 * PATH_MAX];
	char **args;
	int ret, nr = 0, i;

	ret = find_program(program, path, sizeof(path));
	if (ret)
		return ret;
	args = calloc(argc + 6, sizeof(*args));
	if (!args)
		return cli_error("out of memory");
	args[nr++] = (char *)program;
	if (cli->json)
		args[nr++] = (char *)"-j";
	if (cli->verbose)
		args[nr++] = (char *)"-v";
	if (cli->device) {
		args[nr++] = (char *)"-d";
		args[nr++] = (char *)cli->device;
	}
	for (i = 0; i < argc; i++)
		args[nr++] = argv[i];
	execv(path, args);
	ret = cli_error("cannot run %s: %s", path, strerror(errno));
	free(args);
	return ret;
}

static int learn(struct cli *cli, int argc, char **argv)
{
	return run_program("mlproxy-learn", cli, argc, argv);
}

static int record(struct cli *cli, int argc, char **argv)
{
	return run_program("mlproxy-record", cli, argc, argv);
}

static int bpf(struct cli *cli, int argc, char **argv)
{
	return run_program("mlproxy-bpf", cli, argc, argv);
}

static int top(struct cli *cli, int argc, char **argv)
{
	return run_program("mlproxy-top", cli, argc, argv);
}

const struct cli_verb verb_top = {
	.name = "top",
	.fn = top,
	.summary = "watch all proxies: modes and why, arms, gain, agent",
};

const struct cli_verb verb_report = {
	.name = "report",
	.fn = learn,
	.summary = "write a page with plots of what was recorded",
};

const struct cli_verb verb_record = {
	.name = "record",
	.fn = record,
	.summary = "store decisions and their outcomes in a data set (HDF5)",
};

const struct cli_verb verb_convert = {
	.name = "convert",
	.fn = record,
	.summary = "write the rows of data sets as CSV",
};

const struct cli_verb verb_train = {
	.name = "train",
	.fn = learn,
	.summary = "train a model from data sets, and test it on what was held out",
};

const struct cli_verb verb_test = {
	.name = "test",
	.fn = learn,
	.summary = "estimate from records what a model would earn, before it is loaded",
};

const struct cli_verb verb_quantize = {
	.name = "quantize",
	.fn = learn,
	.summary = "make the fixed-point model that the kernel runs",
};

const struct cli_verb verb_import = {
	.name = "import",
	.fn = learn,
	.summary = "take in a model that was trained elsewhere",
};

const struct cli_verb verb_bpf = {
	.name = "bpf",
	.fn = bpf,
	.summary = "let eBPF programs decide: make one of a model, attach, list, detach",
};
