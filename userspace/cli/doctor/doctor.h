/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mlproxy doctor: what is missing on a machine. Each part looks at files below a root
 * directory, so that a test can make up any machine, and says what it found.
 */
#ifndef MLPROXY_CLI_DOCTOR_H
#define MLPROXY_CLI_DOCTOR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/**
 * enum finding_kind - what a finding means
 * @FINDING_OK: as it has to be
 * @FINDING_NOTE: works without, or with less
 * @FINDING_MISSING: mlproxy can't work so
 */
enum finding_kind {
	FINDING_OK,
	FINDING_NOTE,
	FINDING_MISSING,
};

#define DOCTOR_MAX_FINDINGS	32
#define DOCTOR_TEXT		256
#define DOCTOR_REMEDY		512

/**
 * struct finding - one thing that was looked at
 * @kind: what it means
 * @check: a word for what was looked at
 * @text: what was found
 * @remedy: commands to paste, one a line; "" where there is nothing to do
 */
struct finding {
	enum finding_kind kind;
	const char *check;
	char text[DOCTOR_TEXT];
	char remedy[DOCTOR_REMEDY];
};

/**
 * struct doctor - one examination
 * @root: directory that stands for /; "" for this machine
 * @release: of the kernel
 * @nr: findings
 * @findings: in the order in which they were made
 */
struct doctor {
	const char *root;
	char release[128];
	unsigned int nr;
	struct finding findings[DOCTOR_MAX_FINDINGS];
};

/**
 * doctor_say() - add a finding
 * @d: examination; what goes beyond its room is left out
 * @kind: what it means
 * @check: a word that stays
 * @remedy: commands to paste, one a line, or NULL
 * @fmt: what was found
 */
void doctor_say(struct doctor *d, enum finding_kind kind, const char *check, const char *remedy,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/** doctor_path() - a path of the machine below @d->root; NULL if it is too long */
const char *doctor_path(const struct doctor *d, char path[PATH_MAX], const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** doctor_has() - is there such a file */
bool doctor_has(const struct doctor *d, const char *path);

/**
 * doctor_read() - read a file
 * @d: examination
 * @path: of the machine
 * @bytes: out: how many; may be NULL
 *
 * Return: its content with a NUL behind it, to be freed; NULL if it can't be read.
 */
char *doctor_read(const struct doctor *d, const char *path, size_t *bytes);

/** doctor_word() - the first word of a file, "" if it can't be read */
void doctor_word(const struct doctor *d, const char *path, char *word, size_t bytes);

/** doctor_id() - number of a name in /etc/passwd or /etc/group; false if it is not there */
bool doctor_id(const struct doctor *d, const char *file, const char *name, unsigned int *id);

/* The parts, in the order in which things have to be there. */
void doctor_kernel(struct doctor *d);
void doctor_module(struct doctor *d);
void doctor_signing(struct doctor *d);
void doctor_hooks(struct doctor *d);
void doctor_access(struct doctor *d);
void doctor_agent(struct doctor *d);

/**
 * doctor_find_module() - where mlproxy.ko is for the examined kernel
 * @d: examination
 * @path: out: of the machine
 *
 * Return: it is installed.
 */
bool doctor_find_module(const struct doctor *d, char path[PATH_MAX]);

#endif /* MLPROXY_CLI_DOCTOR_H */
