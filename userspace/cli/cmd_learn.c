// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy train, test, quantize: start the program that has them.
 *
 * mlproxy-learn lies beside mlproxy in the build directory, and in
 * ../libexec/mlproxy where both are installed.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define PROGRAM	"mlproxy-learn"

static const char *const places[] = { "", "../libexec/mlproxy/" };

static int find_program(char *path, size_t bytes)
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
		int ret = snprintf(path, bytes, "%s%s%s", self, places[i], PROGRAM);

		if (ret > 0 && (size_t)ret < bytes && access(path, X_OK) == 0)
			return CLI_OK;
	}
	return cli_error("%s is neither in %s nor in %s%s; is it built and installed? "
			 "It needs libtorch", PROGRAM, self, self, places[1]);
}

static int learn(struct cli *cli, int argc, char **argv)
{
	char path[2 * PATH_MAX];
	char **args;
	int ret, nr = 0, i;

	ret = find_program(path, sizeof(path));
	if (ret)
		return ret;
	args = calloc(argc + 6, sizeof(*args));
	if (!args)
		return cli_error("out of memory");
	args[nr++] = (char *)PROGRAM;
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
