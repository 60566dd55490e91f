/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mlproxy top: asking the kernel and the agent, and the two ways of showing it.
 *
 *	cmd_top.c	options, --batch
 *	collect.c	one sample of each proxy, and what came before it
 *	agent.c		the agent's status
 *	rates.c		figures out of two samples, and the order by them
 *	figure.c	numbers and bars as characters
 *	text.c		lines, into a page (page.c)
 *	json.c		JSON
 *	screen.c	the terminal
 */
#ifndef MLPROXY_TOP_H
#define MLPROXY_TOP_H

#include <signal.h>

#include "cli.h"
#include "rates.h"
#include "sample.h"

/**
 * struct top_view - a proxy as it is shown
 * @sample: now
 * @rates: since the view before it
 */
struct top_view {
	struct top_sample sample;
	struct top_rates rates;
};

/**
 * struct top - all of a running top
 * @cli: options of all verbs
 * @status_dir: where the agent writes its status
 * @interval_ns: between frames
 * @frames: end after so many, 0 for no end
 * @view: proxies of now, @nr of them
 * @nr: number
 * @order: how @view is sorted
 * @problem: why there is nothing to see, "" if all is well
 * @exit_code: of @problem
 */
struct top {
	const struct cli *cli;
	const char *status_dir;
	uint64_t interval_ns;
	uint64_t frames;
	struct top_view *view;
	unsigned int nr;
	enum top_order order;
	char problem[512];
	int exit_code;
};

/** top_stopped - set by SIGINT, SIGTERM, SIGHUP and SIGQUIT */
extern volatile sig_atomic_t top_stopped;

#endif /* MLPROXY_TOP_H */
