// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy top: numbers and bars as characters; see figure.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <mlproxy/mlproxy.h>

#include "figure.h"

const char *top_count(char *text, size_t bytes, double count)
{
	static const char suffix[] = { 'k', 'M', 'G', 'T', 'P', 'E' };
	unsigned int i;

	if (!isfinite(count) || count < 999.5) {
		snprintf(text, bytes, isfinite(count) && count > 0 && count < 9.95 &&
			 count != floor(count) ? "%.1f" : "%.0f", count);
		return text;
	}
	for (i = 0, count /= 1000; count >= 999.5 && i + 1 < sizeof(suffix); i++)
		count /= 1000;
	snprintf(text, bytes, "%.*f%c", count < 9.995 ? 2 : count < 99.95 ? 1 : 0, count,
		 suffix[i]);
	return text;
}

const char *top_age(char *text, size_t bytes, double seconds)
{
	unsigned long long s = seconds > 0 ? seconds : 0;

	if (s < 60)
		snprintf(text, bytes, "%llus", s);
	else if (s < 3600)
		snprintf(text, bytes, "%llum%02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, bytes, "%lluh%02llum", s / 3600, s / 60 % 60);
	else if (s < 100 * 86400)
		snprintf(text, bytes, "%llud%02lluh", s / 86400, s / 3600 % 24);
	else
		snprintf(text, bytes, "%llud", s / 86400);
	return text;
}

/* Column of a value on an axis of -span to span. */
static unsigned int column(double value, double span, unsigned int width)
{
	double at = (value / span + 1) / 2 * (width - 1);

	return at < 0 ? 0 : at > width - 1 ? width - 1 : (unsigned int)lround(at);
}

void top_interval_bar(char *text, unsigned int width, double value, double low, double high)
{
	unsigned int from, to, at;
	double span;

	if (width < 5) {
		*text = '\0';
		return;
	}
	width -= 1 - width % 2;		/* 0 is in the middle */
	memset(text, '-', width);
	text[width] = '\0';
	text[width / 2] = '|';
	if (!isfinite(low) || !isfinite(high) || !isfinite(value))
		return;
	span = 1.1 * fmax(fabs(low), fabs(high));
	if (!(span > 0))
		return;
	from = column(low, span, width);
	to = column(high, span, width);
	at = column(value, span, width);
	memset(text + from, '=', to - from + 1);
	text[from] = '[';
	text[to] = ']';
	/* of what falls onto one character, what matters most comes last */
	if (from <= width / 2 && to >= width / 2)
		text[width / 2] = '|';
	text[at] = 'o';
}

void top_share_bar(char *text, unsigned int width, const double *share)
{
	static const char letter[MLPROXY_NR_SOURCES] = { 'B', 'R', 'M', 'P', 'X' };
	unsigned int cells[MLPROXY_NR_SOURCES] = { 0 }, used = 0, most = 0, i;
	double sum = 0;

	for (i = 0; i < MLPROXY_NR_SOURCES; i++) {
		sum += share[i];
		if (share[i] > share[most])
			most = i;
	}
	memset(text, '.', width);
	text[width] = '\0';
	if (!(sum > 0) || width < MLPROXY_NR_SOURCES)
		return;
	for (i = 0; i < MLPROXY_NR_SOURCES; i++) {
		cells[i] = i == most ? 0 : (unsigned int)floor(share[i] / sum * width + 0.5);
		if (i != most && share[i] > 0 && !cells[i])
			cells[i] = 1;
		used += cells[i];
	}
	cells[most] = used < width ? width - used : 0;
	for (i = 0, used = 0; i < MLPROXY_NR_SOURCES; i++) {
		while (cells[i]-- && used < width)
			text[used++] = letter[i];
	}
}
