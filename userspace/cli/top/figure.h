/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy top: numbers and bars as characters. */
#ifndef MLPROXY_TOP_FIGURE_H
#define MLPROXY_TOP_FIGURE_H

#include <stddef.h>

/** top_count() - a count in at most 6 characters: 999, 12.3k, 4.56M … */
const char *top_count(char *text, size_t bytes, double count);

/** top_age() - a duration in at most 6 characters: 9s, 3m20s, 2h05m, 4d11h */
const char *top_age(char *text, size_t bytes, double seconds);

/**
 * top_interval_bar() - an interval against 0, as a line of characters
 * @text: out: @width characters and NUL; empty if @width is below 5
 * @width: characters
 * @value: estimate
 * @low: lower end; not finite where it is not known
 * @high: upper end
 *
 * '-' is the axis, '|' is 0, in the middle; "[==o==]" the interval. All '-' but
 * the 0 if the interval is not known.
 */
void top_interval_bar(char *text, unsigned int width, double value, double low, double high);

/**
 * top_share_bar() - shares of sources, as a line of characters
 * @text: out: @width characters and NUL
 * @width: characters
 * @share: by MLPROXY_SRC_*
 *
 * One letter of "BRMPX" a piece: baseline, recommendation, model, bpf program,
 * explore. A source that is there at all has a letter while there is room.
 */
void top_share_bar(char *text, unsigned int width, const double *share);

#endif /* MLPROXY_TOP_FIGURE_H */
