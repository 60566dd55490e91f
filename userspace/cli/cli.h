/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mlproxy tool: what its verbs share.
 *
 * A verb is one struct cli_verb in a cmd_*.c file, named in the table of verbs.c.
 * Its function gets the arguments from its own name on, parses them with
 * cli_getopt(), and returns an exit code. Results go to stdout, everything else
 * to stderr. Verbs that need large libraries are in programs of their own, which
 * programs.c starts.
 */
#ifndef MLPROXY_CLI_H
#define MLPROXY_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <mlproxy/mlproxy.h>

#include "common/parse.h"

/* Exit codes, documented in mlproxy(1). */
#define CLI_OK		0
#define CLI_FAILURE	1
#define CLI_USAGE	2	/* wrong arguments */
#define CLI_NO_DEVICE	3	/* no device, or no such proxy: a module is not loaded */
#define CLI_REFUSED	4	/* the kernel refused */
#define CLI_DENIED	5	/* not allowed to this user */

/**
 * enum cli_right - what a verb has to be allowed, see MLPROXY_RIGHT_* of the ABI
 * @CLI_READ: to look, and to read data sets
 * @CLI_LEARN: to read data sets, and, where the user may write, to have explored for it
 * @CLI_ADVISE: to recommend, and to load models
 * @CLI_OPERATE: to set modes and parameters, to start and to stop
 */
enum cli_right {
	CLI_READ,
	CLI_LEARN,
	CLI_ADVISE,
	CLI_OPERATE,
};

struct cli;

/**
 * struct cli_verb - one verb
 * @name: name
 * @fn: runs it; argv[0] is the verb, argv[argc] is NULL; returns an exit code
 * @summary: a few words, for the list of verbs
 * @synopsis: arguments behind the name
 * @help: text of --help behind the synopsis: options, explanation, examples;
 *	NULL where another program has it
 */
struct cli_verb {
	const char *name;
	int (*fn)(struct cli *cli, int argc, char **argv);
	const char *summary;
	const char *synopsis;
	const char *help;
};

/**
 * struct cli - the options that every verb takes
 * @verb: the verb that runs
 * @device: -d, or NULL
 * @json: -j
 * @verbose: -v
 */
struct cli {
	const struct cli_verb *verb;
	const char *device;
	bool json;
	bool verbose;
};

/**
 * cli_getopt() - getopt_long() that knows the options all verbs take
 * @cli: where to keep these
 * @argc: as the verb got it
 * @argv: as the verb got it
 * @shortopts: the verb's own short options, without those of all verbs: d h j v
 * @longopts: the verb's own long options up to a zero entry, or NULL; their
 *	values must not be below 256 unless they are short options too
 * @exit_code: out: what to return when this returns '?'
 *
 * Return: an option of the verb (optarg is set), -1 at the end (argv[optind] is
 * the first operand), or '?' if the verb should return @exit_code: after --help,
 * which is CLI_OK, or an error, which was reported.
 */
int cli_getopt(struct cli *cli, int argc, char **argv, const char *shortopts,
	       const struct option *longopts, int *exit_code);

/**
 * cli_operands() - parse a verb's arguments that has no options of its own
 * @cli: see cli_getopt()
 * @argc: see cli_getopt()
 * @argv: see cli_getopt()
 * @min: least number of operands
 * @max: largest number of operands
 * @exit_code: out: what to return when this returns NULL
 *
 * Return: the operands, NULL terminated, or NULL.
 */
char **cli_operands(struct cli *cli, int argc, char **argv, int min, int max, int *exit_code);

/**
 * cli_check_operands() - check the number of operands after cli_getopt()
 * @cli: see cli_getopt()
 * @argc: see cli_getopt()
 * @argv: see cli_getopt()
 * @min: least number of operands
 * @max: largest number of operands
 *
 * Return: CLI_OK, or CLI_USAGE, which was reported.
 */
int cli_check_operands(struct cli *cli, int argc, char **argv, int min, int max);

/** cli_help() - print the help of a verb to stdout; CLI_OK */
int cli_help(const struct cli_verb *verb);

/** cli_usage() - report wrong arguments; CLI_USAGE */
int cli_usage(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** cli_error() - report a failure; CLI_FAILURE */
int cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** cli_session_fn - what a verb does with a session; returns an exit code */
typedef int cli_session_fn(const struct cli *cli, struct mlproxy_session *s, void *arg);

/**
 * cli_run() - open the device, bind to a proxy, run, close
 * @cli: options
 * @proxy: proxy to bind to, or NULL
 * @right: what @fn does; the device is opened with no more
 * @fn: what to run
 * @arg: for @fn
 *
 * Return: what @fn returned, or why it was not run, after reporting.
 */
int cli_run(const struct cli *cli, const char *proxy, enum cli_right right, cli_session_fn *fn,
	    void *arg);

/** cli_exit_code() - the exit code for what the library returned, 0 or a negative errno */
int cli_exit_code(int err);

/**
 * cli_instance_name() - PROXY:INSTANCE of an instance of the bound proxy
 * @s: bound session
 * @instance: its number; 0 for none
 * @name: out: MLPROXY_NAME_LEN bytes; empty for none, or one that is gone
 *
 * Return: 0 or a negative errno, as the library.
 */
int cli_instance_name(struct mlproxy_session *s, uint32_t instance, char *name);

/**
 * cli_shown_name() - whose mode and evidence the kernel gave
 * @s: bound session
 * @instance: as it said
 * @name: room for MLPROXY_NAME_LEN bytes
 *
 * Return: PROXY:INSTANCE, in @name, of the instance that stands for its proxy; else, and
 * where that can't be found out, the bound name.
 */
const char *cli_shown_name(struct mlproxy_session *s, uint32_t instance, char *name);

/** cli_entry() - the bound proxy's entry of the list, all zero if it is gone; as the library */
int cli_entry(struct mlproxy_session *s, struct mlproxy_list_entry *entry);

/**
 * cli_fail() - report a failure of the library
 * @s: session
 * @err: what the library returned, negative
 *
 * Return: the exit code for it.
 */
int cli_fail(const struct mlproxy_session *s, int err);

/**
 * cli_print_json() - print a JSON value to stdout and drop it
 * @value: value, NULL if there was no memory for it
 *
 * Return: CLI_OK or CLI_FAILURE.
 */
int cli_print_json(json_t *value);

/** cli_write_file() - write a file under another name, then rename it; an exit code */
int cli_write_file(const char *path, const void *data, size_t len);

/** cli_uint() - a __u64 for JSON; above 2^63 - 1, which JSON readers lose, a string */
json_t *cli_uint(uint64_t value);

/** cli_verbs - the verbs of this program, up to a NULL */
extern const struct cli_verb *const cli_verbs[];

/* The verbs, one or a small group a file. */
extern const struct cli_verb verb_list;
extern const struct cli_verb verb_show;
extern const struct cli_verb verb_schema;
extern const struct cli_verb verb_snapshot;
extern const struct cli_verb verb_start;
extern const struct cli_verb verb_stop;
extern const struct cli_verb verb_reinit;
extern const struct cli_verb verb_mode;
extern const struct cli_verb verb_efficiency;
extern const struct cli_verb verb_param;
extern const struct cli_verb verb_record;
extern const struct cli_verb verb_report;
extern const struct cli_verb verb_train;
extern const struct cli_verb verb_test;
extern const struct cli_verb verb_quantize;
extern const struct cli_verb verb_import;
extern const struct cli_verb verb_load;
extern const struct cli_verb verb_activate;
extern const struct cli_verb verb_rollback;
extern const struct cli_verb verb_unload;
extern const struct cli_verb verb_stats;
extern const struct cli_verb verb_top;
extern const struct cli_verb verb_recommend;
extern const struct cli_verb verb_bpf;
extern const struct cli_verb verb_convert;
extern const struct cli_verb verb_doctor;
extern const struct cli_verb verb_export;

#endif /* MLPROXY_CLI_H */
