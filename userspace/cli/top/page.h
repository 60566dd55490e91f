/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy top: lines to be shown, on a terminal or elsewhere. */
#ifndef MLPROXY_TOP_PAGE_H
#define MLPROXY_TOP_PAGE_H

#include <stdbool.h>

#define TOP_LINE_BYTES	256

/* How a line is to be looked at. */
enum top_tone {
	TOP_PLAIN,
	TOP_TITLE,
	TOP_GOOD,
	TOP_WARN,
	TOP_BAD,
};

struct top_line {
	enum top_tone tone;
	char text[TOP_LINE_BYTES];
};

/**
 * struct top_page - lines to be shown
 * @line: lines; printable ASCII only
 * @nr: how many
 * @room: lines there is room for
 * @failed: there was no memory for a line
 */
struct top_page {
	struct top_line *line;
	unsigned int nr;
	unsigned int room;
	bool failed;
};

/** top_add() - add a line; what is not printable ASCII becomes '?' */
void top_add(struct top_page *page, enum top_tone tone, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** top_clear() - forget the lines, keep the room */
void top_clear(struct top_page *page);

/** top_page_free() - free the room */
void top_page_free(struct top_page *page);

#endif /* MLPROXY_TOP_PAGE_H */
