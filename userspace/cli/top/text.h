/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mlproxy top: the lines it shows. Nothing here touches the device or the terminal.
 */
#ifndef MLPROXY_TOP_TEXT_H
#define MLPROXY_TOP_TEXT_H

#include "page.h"
#include "rates.h"
#include "sample.h"

/** top_heading() - the line above top_row() */
void top_heading(struct top_page *page);

/** top_row() - one line of the list */
void top_row(struct top_page *page, const struct top_sample *s, const struct top_rates *r);

/** top_block() - a proxy in a few lines */
void top_block(struct top_page *page, const struct top_sample *s, const struct top_rates *r);

/** top_log() - its changes of mode with their numbers, at most @max */
void top_log(struct top_page *page, const struct top_sample *s, unsigned int max);

/** top_details() - all that is known */
void top_details(struct top_page *page, const struct top_sample *s, const struct top_rates *r);

#endif /* MLPROXY_TOP_TEXT_H */
