// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy doctor: the files of the machine that is examined, and the list of findings. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor/doctor.h"

/* None that is read is larger, but for a kernel's symbols, which nobody needs. */
#define MAX_BYTES	(4U << 20)

void doctor_say(struct doctor *d, enum finding_kind kind, const char *check, const char *remedy,
		const char *fmt, ...)
{
	struct finding *f;
	va_list args;

	if (d->nr == DOCTOR_MAX_FINDINGS)
		return;
	f = &d->findings[d->nr++];
	f->kind = kind;
	f->check = check;
	snprintf(f->remedy, sizeof(f->remedy), "%s", remedy ? remedy : "");
	va_start(args, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, args);
	va_end(args);
}

const char *doctor_path(const struct doctor *d, char path[PATH_MAX], const char *fmt, ...)
{
	int len = snprintf(path, PATH_MAX, "%s", d->root), more;
	va_list args;

	if (len < 0 || len >= PATH_MAX)
		return NULL;
	va_start(args, fmt);
	more = vsnprintf(path + len, PATH_MAX - len, fmt, args);
	va_end(args);
	return more < 0 || more >= PATH_MAX - len ? NULL : path;
}

bool doctor_has(const struct doctor *d, const char *path)
{
	char real[PATH_MAX];

	return doctor_path(d, real, "%s", path) && access(real, F_OK) == 0;
}

char *doctor_read(const struct doctor *d, const char *path, size_t *bytes)
{
	char real[PATH_MAX];
	size_t room = 4096, len = 0, got;
	char *text, *more;
	FILE *f;

	if (!doctor_path(d, real, "%s", path))
		return NULL;
	f = fopen(real, "re");
	text = f ? malloc(room) : NULL;
	while (text && (got = fread(text + len, 1, room - 1 - len, f)) > 0) {
		len += got;
		if (len + 1 < room)
			continue;
		if (room >= MAX_BYTES)
			break;
		room *= 2;
		more = realloc(text, room);
		if (!more)
			free(text);
		text = more;
	}
	if (f && ferror(f)) {
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	if (text) {
		text[len] = '\0';
		if (bytes)
			*bytes = len;
	}
	return text;
}

void doctor_word(const struct doctor *d, const char *path, char *word, size_t bytes)
{
	char *text = doctor_read(d, path, NULL);

	snprintf(word, bytes, "%.*s", text ? (int)strcspn(text, " \t\n") : 0, text ? text : "");
	free(text);
}

bool doctor_id(const struct doctor *d, const char *file, const char *name, unsigned int *id)
{
	char *text = doctor_read(d, file, NULL), *line, *rest;
	size_t len = strlen(name);
	bool found = false;

	for (line = text; line && !found; line = rest) {
		rest = strchr(line, '\n');
		if (rest)
			rest++;
		if (!strncmp(line, name, len) && line[len] == ':')
			found = sscanf(line + len, ":%*[^:]:%u", id) == 1;
	}
	free(text);
	return found;
}
