// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy bpf: eBPF programs at the decision: make one of a model, attach, list,
 * detach.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/gen.h"
#include "bpf/loader.h"
#include "cli.h"
#include <linux/mlproxy_bpf.h>

/**
 * struct bpf_args - what the actions take
 * @cli: options of all verbs
 * @operand: file or name
 * @name: --name
 * @pin: --pin
 * @proxy: --proxy
 * @output: -o
 * @include: -I
 * @compile: --compile
 */
struct bpf_args {
	const struct cli *cli;
	const char *operand;
	const char *name;
	const char *pin;
	const char *proxy;
	const char *output;
	const char *include;
	bool compile;
};

static json_t *json_info(const struct bpfload_info *i)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "name", i->name,
			 "program", i->program, "link_id", cli_uint(i->link_id),
			 "prog_id", cli_uint(i->prog_id), "insns", cli_uint(i->insns),
			 "walked", cli_uint(i->walked));
}

/* "dir/synth.bpf.o" is named "synth"; a BPF filesystem takes no dots. */
static int pin_path(const struct bpf_args *a, char *path, size_t bytes)
{
	const char *name = a->name, *slash;
	size_t len;

	if (a->pin) {
		snprintf(path, bytes, "%s", a->pin);
		return CLI_OK;
	}
	if (!name) {
		slash = strrchr(a->operand, '/');
		name = slash ? slash + 1 : a->operand;
	}
	len = a->name ? strlen(name) : strcspn(name, ".");
	if (!len || len >= BPFLOAD_NAME_LEN || strspn(name, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") < len)
		return cli_usage(a->cli, "'%.*s' is no name: it has letters, digits, _ and -, "
				 "at most %d", (int)len, name, BPFLOAD_NAME_LEN - 1);
	snprintf(path, bytes, BPFLOAD_DIR "/%.*s", (int)len, name);
	return CLI_OK;
}

static int exit_code(int err, const char *error)
{
	cli_error("%s", error);
	switch (err) {
	case -ENODEV:
	case -EINVAL:
	case -EPERM:
	case -EACCES:
		return cli_exit_code(err);
	default:
		return CLI_FAILURE;
	}
}

/* The ids by which the kernel names it to a program. */
static int find_proxy(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	struct mlproxy_bpf_bound *bound = arg;
	struct mlproxy_list_entry entry;
	int ret = cli_entry(s, &entry);

	(void)cli;
	if (ret)
		return cli_fail(s, ret);
	bound->proxy_id = entry.class_id ? entry.class_id : entry.id;
	bound->instance = entry.instance;
	return CLI_OK;
}

static int do_attach(const struct bpf_args *a)
{
	char pin[4096], error[BPFLOAD_ERROR_LEN];
	struct mlproxy_bpf_bound bound = { 0 };
	struct bpfload_info info;
	int ret;

	ret = pin_path(a, pin, sizeof(pin));
	if (!ret && a->proxy)
		ret = cli_run(a->cli, a->proxy, CLI_READ, find_proxy, &bound);
	if (ret)
		return ret;
	ret = bpfload_attach(a->operand, pin, a->proxy ? &bound : NULL, a->cli->verbose, &info,
			     error);
	if (ret)
		return exit_code(ret, error);
	if (a->cli->json)
		return cli_print_json(json_info(&info));
	printf("%s: attached, %u instructions; it stays until `mlproxy bpf detach %s`\n",
	       info.name, info.insns, a->pin ? a->pin : info.name);
	return CLI_OK;
}

static int do_detach(const struct bpf_args *a)
{
	char pin[4096], error[BPFLOAD_ERROR_LEN];
	struct bpf_args by_path = *a;
	int ret;

	if (strchr(a->operand, '/'))
		by_path.pin = a->operand;
	else
		by_path.name = a->operand;
	ret = pin_path(&by_path, pin, sizeof(pin));
	if (ret)
		return ret;
	ret = bpfload_detach(pin, error);
	if (ret)
		return exit_code(ret == -EINVAL ? -EIO : ret, error);
	if (a->cli->json)
		return cli_print_json(json_pack("{s:s}", "detached", pin));
	printf("%s: detached\n", a->operand);
	return CLI_OK;
}

static int do_list(const struct bpf_args *a)
{
	char error[BPFLOAD_ERROR_LEN];
	struct bpfload_info *infos;
	json_t *list;
	size_t nr, i;
	int ret;

	ret = bpfload_list(&infos, &nr, error);
	if (ret) {
		free(infos);
		return exit_code(ret, error);
	}
	if (a->cli->json) {
		list = json_array();
		for (i = 0; i < nr; i++)
			json_array_append_new(list, json_info(&infos[i]));
		ret = cli_print_json(json_pack("{s:o}", "programs", list));
	} else {
		if (!nr)
			printf("no program is attached\n");
		else
			printf("%-24s %-16s %8s %12s\n", "NAME", "PROGRAM", "ID",
			       "INSTRUCTIONS");
		for (i = 0; i < nr; i++)
			printf("%-24s %-16s %8u %12u\n", infos[i].name, infos[i].program,
			       infos[i].prog_id, infos[i].insns);
	}
	free(infos);
	return ret;
}

static int write_program(const struct bpf_args *a, const struct model *model)
{
	char error[BPFGEN_ERROR_LEN];
	FILE *out = fopen(a->output, "w");
	int ret;

	if (!out)
		return cli_error("%s: %s", a->output, strerror(errno));
	ret = bpfgen_write(out, model, error);
	if (fclose(out) && !ret) {
		snprintf(error, sizeof(error), "%s: %s", a->output, strerror(errno));
		ret = -errno;
	}
	if (!ret)
		return CLI_OK;
	unlink(a->output);
	return cli_error("%s", error);
}

/* MODEL.bpf.c gives MODEL.bpf.o */
static int compile(const struct bpf_args *a, char *object, size_t bytes)
{
	char error[BPFGEN_ERROR_LEN];
	size_t len = strlen(a->output);

	if (len < 3 || strcmp(a->output + len - 2, ".c"))
		return cli_usage(a->cli, "to compile it, let the name behind -o end in .c");
	snprintf(object, bytes, "%.*so", (int)len - 1, a->output);
	if (bpfgen_compile(a->output, object, a->include, error))
		return cli_error("%s", error);
	return CLI_OK;
}

static int do_generate(const struct bpf_args *a)
{
	char error[BPFGEN_ERROR_LEN], object[4096] = "";
	struct model model;
	void *file;
	int ret;

	if (!a->output)
		return cli_usage(a->cli, "name the program with -o MODEL.bpf.c");
	if (bpfgen_open(a->operand, &file, &model, error))
		return cli_error("%s", error);
	ret = write_program(a, &model);
	free(file);
	if (!ret && a->compile)
		ret = compile(a, object, sizeof(object));
	if (ret)
		return ret;
	if (a->cli->json)
		return cli_print_json(json_pack("{s:s, s:s*}", "source", a->output, "object",
						a->compile ? object : NULL));
	if (a->compile)
		printf("%s and %s written; attach it with `mlproxy bpf attach %s`\n", a->output,
		       object, object);
	else
		printf("%s written; compile it with clang -O2 -g -target bpf -mcpu=v3\n",
		       a->output);
	return CLI_OK;
}

static const struct {
	const char *name;
	int (*fn)(const struct bpf_args *args);
	int operands;
} actions[] = {
	{ "attach", do_attach, 1 },
	{ "detach", do_detach, 1 },
	{ "list", do_list, 0 },
	{ "generate", do_generate, 1 },
};

static int run_action(struct cli *cli, int argc, char **argv, struct bpf_args *a)
{
	const char *name;
	size_t i;
	int ret;

	ret = cli_check_operands(cli, argc, argv, 1, 2);
	if (ret)
		return ret;
	name = argv[optind];
	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(actions[i].name, name))
			continue;
		ret = cli_check_operands(cli, argc, argv, 1 + actions[i].operands,
					 1 + actions[i].operands);
		if (ret)
			return ret;
		a->operand = argv[optind + actions[i].operands];
		return actions[i].fn(a);
	}
	return cli_usage(cli, "'%s' is none of attach, list, detach and generate", name);
}

static int bpf(struct cli *cli, int argc, char **argv)
{
	enum { OPT_NAME = 256, OPT_PIN, OPT_PROXY, OPT_COMPILE };
	static const struct option options[] = {
		{ "name", required_argument, NULL, OPT_NAME },
		{ "pin", required_argument, NULL, OPT_PIN },
		{ "proxy", required_argument, NULL, OPT_PROXY },
		{ "output", required_argument, NULL, 'o' },
		{ "include", required_argument, NULL, 'I' },
		{ "compile", no_argument, NULL, OPT_COMPILE },
		{ 0 }
	};
	struct bpf_args a = { .cli = cli };
	int opt, ret;

	while ((opt = cli_getopt(cli, argc, argv, "o:I:", options, &ret)) != -1) {
		switch (opt) {
		case OPT_NAME:
			a.name = optarg;
			break;
		case OPT_PIN:
			a.pin = optarg;
			break;
		case OPT_PROXY:
			a.proxy = optarg;
			break;
		case OPT_COMPILE:
			a.compile = true;
			break;
		case 'o':
			a.output = optarg;
			break;
		case 'I':
			a.include = optarg;
			break;
		default:
			return ret;
		}
	}
	return run_action(cli, argc, argv, &a);
}

const struct cli_verb verb_bpf = {
	.name = "bpf",
	.fn = bpf,
	.summary = "let eBPF programs decide: make one of a model, attach, list, detach",
	.synopsis = "attach FILE.bpf.o [--proxy PROXY] [--name NAME | --pin PATH]\n"
		    "       mlproxy bpf list\n"
		    "       mlproxy bpf detach NAME|PATH\n"
		    "       mlproxy bpf generate MODEL.mlp -o MODEL.bpf.c [--compile] [-I DIR]",
	.help = "An attached program is asked before the recommendations and the model; modes,\n"
		"shares and the check of what is legal hold for it as well. It stays attached\n"
		"after the command ends, by a pin in " BPFLOAD_DIR ", and keeps the module\n"
		"mlproxy loaded. A generated program gives what its model gives, bit for bit.\n"
		"\n"
		"      --proxy=PROXY  for this proxy alone, or PROXY:INSTANCE; without, for every proxy\n"
		"                     with the schema that it was made for\n"
		"      --name=NAME    name of the pin; default: the file's, up to its first dot\n"
		"      --pin=PATH     pin it there; list does not see it outside of that folder\n"
		"  -o, --output=FILE  the program generated\n"
		"      --compile      have clang compile it, to the same name with .o\n"
		"  -I, --include=DIR  folder with linux/mlproxy_bpf.h, where it is not found\n"
		"\n"
		"Example:\n"
		"  mlproxy bpf generate synth.mlp -o synth.bpf.c --compile\n"
		"  mlproxy bpf attach synth.bpf.o --proxy synth\n"
		"  mlproxy bpf detach synth\n",
};
