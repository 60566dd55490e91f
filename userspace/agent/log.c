// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages; see log.h.
 */
#include <stdarg.h>
#include <stdio.h>

#include "log.h"

static bool to_journal;
static bool say_all;

void log_setup(bool journal, bool verbose)
{
	to_journal = journal;
	say_all = verbose;
}

void log_say(int level, const char *proxy, const char *fmt, ...)
{
	char text[1200], mark[16] = "";
	va_list args;

	if (level >= LOG_DEBUG && !say_all)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (to_journal)
		snprintf(mark, sizeof(mark), "<%d>", level);
	/* One call a line: lines of two threads don't mix. */
	fprintf(stderr, "%s%s%s%s%s\n", to_journal ? mark : "mlproxyd: ", proxy ? proxy : "",
		proxy ? ": " : "", to_journal || level > LOG_WARNING ? "" :
		level == LOG_WARNING ? "warning: " : "error: ", text);
}
