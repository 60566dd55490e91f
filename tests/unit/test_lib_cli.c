// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments of the tool's verbs, run in this process without a device: what is
 * wrong is said, with exit code 2, before anything is opened; what is right fails
 * with exit code 3, since there is no device.
 */
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"

#define MAX_ARGS	8

static const struct cli_verb *const verbs[] = {
	&verb_list, &verb_show, &verb_schema, &verb_start, &verb_stop, &verb_reinit, &verb_mode,
	&verb_param, &verb_load, &verb_activate, &verb_rollback, &verb_unload, &verb_stats,
	&verb_recommend, &verb_snapshot, &verb_efficiency,
};

static char said[16384];

/* Run a verb with stdout and stderr caught in said[]. */
static int run(const struct cli_verb *verb, const char *const *args)
{
	struct cli cli = { .verb = verb, .device = "/nonexistent/mlproxy" };
	int old_out = dup(STDOUT_FILENO), old_err = dup(STDERR_FILENO), argc, ret;
	char words[MAX_ARGS][64];
	char *argv[MAX_ARGS + 1] = { words[0] };
	FILE *file = tmpfile();
	size_t len;

	snprintf(words[0], sizeof(words[0]), "%s", verb->name);
	for (argc = 1; args && args[argc - 1]; argc++) {
		assert_true(argc < MAX_ARGS);
		snprintf(words[argc], sizeof(words[0]), "%s", args[argc - 1]);
		argv[argc] = words[argc];
	}
	fflush(NULL);
	dup2(fileno(file), STDOUT_FILENO);
	dup2(fileno(file), STDERR_FILENO);
	optind = 0;
	ret = verb->fn(&cli, argc, argv);
	fflush(NULL);
	dup2(old_out, STDOUT_FILENO);
	dup2(old_err, STDERR_FILENO);
	close(old_out);
	close(old_err);
	rewind(file);
	len = fread(said, 1, sizeof(said) - 1, file);
	said[len] = '\0';
	fclose(file);
	return ret;
}

struct call {
	const struct cli_verb *verb;
	const char *args[MAX_ARGS];
	const char *says;
};

static void wrong_arguments(void **state)
{
	static const struct call calls[] = {
		{ &verb_list, { "x" }, "'x' is one argument too many" },
		{ &verb_list, { "-x" }, "option -x is not known" },
		{ &verb_list, { "--xyz" }, "option --xyz is not known" },
		{ &verb_list, { "-d" }, "option -d needs an argument" },
		{ &verb_list, { "--device" }, "option --device needs an argument" },
		{ &verb_show, { NULL }, "show needs an argument" },
		{ &verb_show, { "a", "b" }, "'b' is one argument too many" },
		{ &verb_snapshot, { "a", "b" }, "'b' is one argument too many" },
		{ &verb_start, { NULL }, "start needs an argument" },
		{ &verb_mode, { "p", "fast" }, "'fast' is no mode" },
		{ &verb_mode, { "p", "learning", "x" }, "too many" },
		{ &verb_mode, { "p", "automatic" }, "'automatic' is no mode" },
		{ &verb_efficiency, { "p", "x" }, "'x' is one argument too many" },
		{ &verb_param, { "p", "alpha", "often" }, "'often' is no probability" },
		{ &verb_param, { "p", "alpha", "1e99" }, "'1e99' is no probability" },
		{ &verb_param, { "p", "margin", "nan" }, "'nan' is no number of standard dev" },
		{ &verb_param, { "p", "margin", "1sd" }, "'1sd' is no number of standard dev" },
		{ &verb_param, { "p", "min_samples", "x" }, "'x' is no count" },
		{ &verb_param, { "p", "hold", "x" }, "'x' is no time" },
		{ &verb_param, { "p", "errors", "2" }, "'2' is no share" },
		{ &verb_param, { "p", "x" }, "there is no parameter 'x'" },
		{ &verb_param, { "p", "share.learning", "2" }, "'2' is no share" },
		{ &verb_param, { "p", "share.learning", "x" }, "'x' is no share" },
		{ &verb_param, { "p", "share.emergency", "0" }, "there is no parameter" },
		{ &verb_param, { "p", "window", "soon" }, "'soon' is no time" },
		{ &verb_param, { "p", "seed", "x" }, "'x' is no seed" },
		{ &verb_param, { "p", "seed" }, "can be set, but not be asked for" },
		{ &verb_load, { "p" }, "load needs one more argument" },
		{ &verb_load, { "p", "f", "g" }, "'g' is one argument too many" },
		{ &verb_activate, { "p", "0" }, "'0' is no model version" },
		{ &verb_activate, { "p", "4294967296" }, "is no model version" },
		{ &verb_rollback, { "p", "x" }, "'x' is no model version" },
		{ &verb_unload, { "p", "1" }, "'1' is one argument too many" },
		{ &verb_stats, { "p", "-i", "0" }, "'0' is no interval" },
		{ &verb_stats, { "p", "-i", "x" }, "'x' is no interval" },
		{ &verb_recommend, { "p", "1" }, "needs one more argument" },
		{ &verb_recommend, { "p", "1", "2", "-c", "65536" }, "is no confidence" },
		{ &verb_recommend, { "p", "1", "2", "-t", "x" }, "is no time to live" },
		{ &verb_recommend, { "p", "1", "-f", "x" }, "'1' is one argument too many" },
	};
	char usage[64];
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		assert_int_equal(run(calls[i].verb, calls[i].args), CLI_USAGE);
		if (!strstr(said, calls[i].says))
			fail_msg("'%s' not in: %s", calls[i].says, said);
		snprintf(usage, sizeof(usage), "usage: mlproxy %s", calls[i].verb->name);
		assert_non_null(strstr(said, usage));
	}
}

static void no_device(void **state)
{
	static const struct call calls[] = {
		{ &verb_list, { NULL }, NULL },
		{ &verb_show, { "p", "-j", "-v" }, NULL },
		{ &verb_schema, { "--json", "p" }, NULL },
		{ &verb_snapshot, { "p" }, NULL },
		{ &verb_start, { "p" }, NULL },
		{ &verb_stop, { "p" }, NULL },
		{ &verb_reinit, { "p" }, NULL },
		{ &verb_mode, { "p", "recommendation" }, NULL },
		{ &verb_mode, { "p", "auto" }, NULL },
		{ &verb_efficiency, { "p", "-j" }, NULL },
		{ &verb_param, { "p", "alpha", "0.01" }, NULL },
		{ &verb_param, { "p", "drop", "1.5" }, NULL },
		{ &verb_param, { "p", "errors", "5%" }, NULL },
		{ &verb_param, { "p", "hold", "2s" }, NULL },
		{ &verb_param, { "p", "ramp", "30s" }, NULL },
		{ &verb_param, { "p", "ramp_share", "7/8" }, NULL },
		{ &verb_param, { "p", "ledger_margin", "0.1" }, NULL },
		{ &verb_param, { "p", "outer.learning", "1/8" }, NULL },
		{ &verb_param, { "p", "outer_hold", "5s" }, NULL },
		{ &verb_param, { "p", "outer_washout", "1s" }, NULL },
		{ &verb_param, { "p", "outer_margin", "2%" }, NULL },
		{ &verb_param, { "p", "explore.learning", "1/4" }, NULL },
		{ &verb_load, { "-a", "p", "f" }, NULL },
		{ &verb_activate, { "p", "12" }, NULL },
		{ &verb_rollback, { "p" }, NULL },
		{ &verb_unload, { "p" }, NULL },
		{ &verb_stats, { "p", "--interval=2" }, NULL },
		{ &verb_recommend, { "p", "1", "2", "--ttl", "1m" }, NULL },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		assert_int_equal(run(calls[i].verb, calls[i].args), CLI_NO_DEVICE);
		assert_non_null(strstr(said, "cannot open /nonexistent/mlproxy: No such file or "
				       "directory; is the module loaded? Try: modprobe mlproxy"));
	}
}

static void help(void **state)
{
	static const char *const args[] = { "--help", NULL };
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		assert_int_equal(run(verbs[i], args), CLI_OK);
		assert_non_null(strstr(said, "Example"));
		assert_non_null(strstr(said, "--json"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_arguments),
		cmocka_unit_test(no_device),
		cmocka_unit_test(help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
