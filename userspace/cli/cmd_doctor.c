// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy doctor: say what is missing on this machine, with commands to paste. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "doctor/doctor.h"

static const char *const kinds[] = {
	[FINDING_OK] = "ok",
	[FINDING_NOTE] = "note",
	[FINDING_MISSING] = "missing",
};

static unsigned int count_missing(const struct doctor *d)
{
	unsigned int i, nr = 0;

	for (i = 0; i < d->nr; i++)
		nr += d->findings[i].kind == FINDING_MISSING;
	return nr;
}

/* A remedy's next line, without its end; NULL behind the last. */
static const char *next_line(const char **rest, int *len)
{
	const char *line = *rest;

	if (!*line)
		return NULL;
	*len = strcspn(line, "\n");
	*rest = line + *len + (line[*len] == '\n');
	return line;
}

static int print(const struct doctor *d)
{
	unsigned int i, missing = count_missing(d);
	const char *rest, *line;
	int len;

	for (i = 0; i < d->nr; i++) {
		const struct finding *f = &d->findings[i];

		printf("%-8s %-8s %s\n", kinds[f->kind], f->check, f->text);
		for (rest = f->remedy; (line = next_line(&rest, &len)); )
			printf("    %.*s\n", len, line);
	}
	if (missing)
		printf("\n%u missing; the commands are to be run as root.\n", missing);
	else
		puts("\nNothing is missing.");
	return missing ? CLI_FAILURE : CLI_OK;
}

static json_t *finding_json(const struct finding *f)
{
	json_t *remedy = json_array();
	const char *rest = f->remedy, *line;
	int len;

	while ((line = next_line(&rest, &len)))
		json_array_append_new(remedy, json_stringn(line, len));
	return json_pack("{s:s, s:s, s:s, s:o}", "check", f->check, "state", kinds[f->kind],
			 "text", f->text, "remedy", remedy);
}

static int print_json(const struct doctor *d)
{
	json_t *list = json_array();
	unsigned int i;
	int ret;

	for (i = 0; i < d->nr; i++)
		json_array_append_new(list, finding_json(&d->findings[i]));
	ret = cli_print_json(json_pack("{s:s, s:i, s:o}", "release", d->release, "missing",
				       (int)count_missing(d), "findings", list));
	return ret == CLI_OK && count_missing(d) ? CLI_FAILURE : ret;
}

static const struct option options[] = {
	{ "root", required_argument, NULL, 256 },
	{ "kernel", required_argument, NULL, 'k' },
	{ 0 }
};

static int doctor(struct cli *cli, int argc, char **argv)
{
	struct doctor *d = calloc(1, sizeof(*d));
	const char *release = NULL;
	int opt, ret = CLI_OK;

	if (!d)
		return cli_error("out of memory");
	d->root = "";
	while ((opt = cli_getopt(cli, argc, argv, "k:", options, &ret)) != -1) {
		if (opt == '?')
			goto out;
		if (opt == 'k')
			release = optarg;
		else
			d->root = optarg;
	}
	ret = cli_check_operands(cli, argc, argv, 0, 0);
	if (ret)
		goto out;
	if (release)
		snprintf(d->release, sizeof(d->release), "%s", release);
	else
		doctor_word(d, "/proc/sys/kernel/osrelease", d->release, sizeof(d->release));
	doctor_kernel(d);
	doctor_module(d);
	doctor_signing(d);
	doctor_hooks(d);
	doctor_access(d);
	doctor_agent(d);
	ret = cli->json ? print_json(d) : print(d);
out:
	free(d);
	return ret;
}

const struct cli_verb verb_doctor = {
	.name = "doctor",
	.fn = doctor,
	.summary = "say what is missing on this machine, with the commands that mend it",
	.synopsis = "[--root=DIR] [-k RELEASE]",
	.help = "  -k, --kernel=RELEASE look at this kernel instead of the running one\n"
		"  --root=DIR           look at the files below DIR instead of this machine's\n"
		"\n"
		"Looks at the kernel's release, its options, ftrace and type information; at the\n"
		"modules and whether they must be signed; at who else replaces the same functions;\n"
		"at user and group, the device, the agent and the models. It changes nothing. Behind\n"
		"what is \"missing\" come commands to paste. A \"note\" is what mlproxy works without.\n"
		"\n"
		"Exit codes: 0 if nothing is missing, 1 if something is.\n"
		"\n"
		"Example:\n"
		"  mlproxy doctor\n",
};
