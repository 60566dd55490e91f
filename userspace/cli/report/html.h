/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy report: the page. */
#ifndef MLPROXY_CLI_REPORT_HTML_H
#define MLPROXY_CLI_REPORT_HTML_H

#include "report.h"

/**
 * report_html() - the page
 * @r: report
 * @svg: by plot, NULL where there is nothing to draw
 * @paths: files it is about
 * @nr_paths: how many
 *
 * Return: text to be given to free(), NULL without memory.
 */
char *report_html(const struct report *r, char *const *svg, char *const *paths, int nr_paths);

#endif /* MLPROXY_CLI_REPORT_HTML_H */
