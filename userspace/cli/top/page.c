// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy top: lines to be shown; see page.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"

/* Names come out of model files and status files: nothing of them may steer a terminal. */
static void make_printable(char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

void top_add(struct top_page *page, enum top_tone tone, const char *fmt, ...)
{
	struct top_line *line;
	va_list args;

	if (page->nr == page->room) {
		unsigned int room = page->room ? 2 * page->room : 64;

		line = realloc(page->line, room * sizeof(*line));
		if (!line) {
			page->failed = true;
			return;
		}
		page->line = line;
		page->room = room;
	}
	line = &page->line[page->nr++];
	line->tone = tone;
	va_start(args, fmt);
	vsnprintf(line->text, sizeof(line->text), fmt, args);
	va_end(args);
	make_printable(line->text);
}

void top_clear(struct top_page *page)
{
	page->nr = 0;
	page->failed = false;
}

void top_page_free(struct top_page *page)
{
	free(page->line);
	memset(page, 0, sizeof(*page));
}
