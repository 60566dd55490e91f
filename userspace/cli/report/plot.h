/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy report: plots, drawn by gnuplot. */
#ifndef MLPROXY_CLI_REPORT_PLOT_H
#define MLPROXY_CLI_REPORT_PLOT_H

#include "report.h"

/* The plots. */
enum report_plot {
	REPORT_PLOT_REWARD,
	REPORT_PLOT_MODES,
	REPORT_PLOT_ERRORS,
	REPORT_PLOT_LOST,
	REPORT_PLOT_VERSIONS,
	REPORT_NR_PLOTS,
};

/** report_plot_name() - "reward", "modes", "errors", "lost", "versions" */
const char *report_plot_name(enum report_plot plot);

/**
 * report_draw() - draw a plot
 * @r: report
 * @plot: which
 * @png: file to write as PNG, or NULL for SVG
 * @svg: out: text of the <svg> element, to be given to free(); NULL where there is
 *	nothing to draw
 *
 * Return: an exit code.
 */
int report_draw(const struct report *r, enum report_plot plot, const char *png, char **svg);

#endif /* MLPROXY_CLI_REPORT_PLOT_H */
