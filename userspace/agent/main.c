// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxyd: the agent that keeps learning. Its options; see mlproxyd(8).
 */
#include <getopt.h>
#include <stdio.h>

#include <mlproxy/mlproxy.h>

#include "daemon.h"
#include "exit_codes.h"
#include "log.h"
#include "service.h"
#include "setup.h"

enum action {
	ACTION_LEARN,
	ACTION_CHECK,
	ACTION_SETUP,
};

static const char usage_text[] =
	"usage: mlproxyd [-c FILE] [-f] [-v] [--once]\n"
	"       mlproxyd [-c FILE] [-v] --setup [PROXY...]\n"
	"       mlproxyd [-c FILE] --check-config\n"
	"\n"
	"Keeps the models of kernel proxies learning: see mlproxyd(8).\n"
	"\n"
	"  -c, --config=FILE   configuration, default " CONFIG_DEFAULT_PATH ";\n"
	"                      without one, every proxy is learned for and nothing is set\n"
	"  -f, --foreground    plain messages on stderr, even under systemd\n"
	"  -v, --verbose       say more\n"
	"      --once          leave after one refit of each proxy\n"
	"      --setup         set what the configuration says of shares, exploration and\n"
	"                      start, for root; then leave\n"
	"      --check-config  read the configuration and leave\n"
	"  -h, --help          this text\n"
	"  -V, --version       version\n";

static int run(enum action action, const char *path, bool once, char **names, int nr_names)
{
	struct agent_config config;
	char error[1600];
	int code = EXIT_OK;

	if (config_load(&config, path, error, sizeof(error))) {
		log_say(LOG_ERR, NULL, "%s", error);
		return EXIT_CONFIG;
	}
	if (action == ACTION_SETUP)
		code = setup_apply(&config, names, nr_names);
	else if (action == ACTION_LEARN)
		code = daemon_run(path, &config, once);
	config_free(&config);
	return code;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "once", no_argument, NULL, 'o' },
		{ "setup", no_argument, NULL, 's' },
		{ "check-config", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	bool foreground = false, verbose = false, once = false;
	enum action action = ACTION_LEARN;
	const char *path = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:fvhV", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			path = optarg;
			break;
		case 'f':
			foreground = true;
			break;
		case 'v':
			verbose = true;
			break;
		case 'o':
			once = true;
			break;
		case 's':
			action = ACTION_SETUP;
			break;
		case 'k':
			action = ACTION_CHECK;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return EXIT_OK;
		case 'V':
			printf("mlproxyd %s\n", mlproxy_version());
			return EXIT_OK;
		default:
			fputs(usage_text, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc && action != ACTION_SETUP) {
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	log_setup(!foreground && service_under_journal(), verbose);
	return run(action, path, once, argv + optind, argc - optind);
}
