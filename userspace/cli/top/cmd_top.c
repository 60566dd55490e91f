// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy top: options, and frames without a terminal.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collect.h"
#include "json.h"
#include "screen.h"
#include "text.h"
#include "top.h"

#define BATCH_TRANSITIONS	3

volatile sig_atomic_t top_stopped;

static void on_signal(int sig)
{
	(void)sig;
	top_stopped = 1;
}

static void catch_signals(void)
{
	/* no SA_RESTART: a wait is to end */
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGQUIT, &sa, NULL);
}

static int print_json(const struct top *top)
{
	json_t *list = json_array(), *frame;
	unsigned int i;
	int ret;

	for (i = 0; i < top->nr; i++)
		json_array_append_new(list, top_json(&top->view[i].sample, &top->view[i].rates));
	frame = json_pack("{s:I, s:o}", "time", (json_int_t)time(NULL), "proxies", list);
	if (!frame)
		return cli_error("no memory for the JSON output");
	ret = json_dumpf(frame, stdout, JSON_COMPACT);
	json_decref(frame);
	putchar('\n');
	return ret ? CLI_FAILURE : CLI_OK;
}

static int print_text(const struct top *top)
{
	struct top_page page = { 0 };
	unsigned int i;
	int ret = CLI_OK;

	if (*top->problem)
		top_add(&page, TOP_WARN, "%s", top->problem);
	for (i = 0; i < top->nr; i++) {
		top_block(&page, &top->view[i].sample, &top->view[i].rates);
		top_log(&page, &top->view[i].sample, BATCH_TRANSITIONS);
	}
	for (i = 0; i < page.nr; i++)
		puts(page.line[i].text);
	putchar('\n');
	if (page.failed)
		ret = cli_error("out of memory");
	top_page_free(&page);
	return ret;
}

static int batch(struct top *top)
{
	struct timespec pause = {
		.tv_sec = top->interval_ns / 1000000000,
		.tv_nsec = top->interval_ns % 1000000000,
	};
	uint64_t frame;
	int ret = CLI_OK;

	for (frame = 0; ret == CLI_OK && !top_stopped; frame++) {
		if (top->frames && frame == top->frames)
			break;
		if (frame && nanosleep(&pause, NULL))
			break;
		top_collect(top);
		if (top->exit_code != CLI_OK) {
			cli_error("%s", top->problem);
			return top->exit_code;
		}
		ret = top->cli->json ? print_json(top) : print_text(top);
		if (ret == CLI_OK && (fflush(stdout) || ferror(stdout)))
			ret = cli_error("cannot write to the standard output: %s",
					strerror(errno));
	}
	return ret;
}

static int top_verb(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "frames", required_argument, NULL, 'n' },
		{ "status-dir", required_argument, NULL, 256 },
		{ "batch", no_argument, NULL, 'b' },
		{ 0 }
	};
	struct top top = {
		.cli = cli,
		.status_dir = "/var/lib/mlproxy",
		.interval_ns = 1000000000,
	};
	bool no_terminal = false;
	int opt, ret;

	while ((opt = cli_getopt(cli, argc, argv, "i:n:b", options, &ret)) != -1) {
		if (opt == '?')
			return ret;
		if (opt == 'b')
			no_terminal = true;
		else if (opt == 256)
			top.status_dir = optarg;
		else if (opt == 'n' && (parse_u64(optarg, UINT64_MAX, &top.frames) ||
					!top.frames))
			return cli_usage(cli, "'%s' is no number of frames", optarg);
		else if (opt == 'i' && (parse_ns(optarg, "s", &top.interval_ns) ||
					top.interval_ns < 10000000))
			return cli_usage(cli, "'%s' is no interval: 2 or 500ms are", optarg);
	}
	ret = cli_check_operands(cli, argc, argv, 0, 0);
	if (ret)
		return ret;
	if (cli->json && !no_terminal)
		return cli_usage(cli, "JSON is for --batch");
	if (!no_terminal && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
		return cli_usage(cli, "this is no terminal: use --batch");
	catch_signals();
	ret = no_terminal ? batch(&top) : top_screen(&top);
	free(top.view);
	return ret;
}

const struct cli_verb verb_top = {
	.name = "top",
	.fn = top_verb,
	.summary = "watch all proxies: modes and why, arms, gain, agent",
	.synopsis = "[-i INTERVAL] [-n FRAMES] [--batch] [--status-dir=DIR]",
	.help = "A live view of all proxies. Each line has state and mode with its reason, decisions\n"
		"a second, the share that the model (or recommendations, or a program) decided and the\n"
		"share that was explored at random, the gain with its confidence interval against 0\n"
		"('|'), what the measures say of the next step up ('rlo': reward, ledger, outer\n"
		"experiment; + supports, ? waits, - contradicts), records lost and the agent's age;\n"
		"below it the selected proxy with both arms, and what is missing until that step.\n"
		"\n"
		"  -i, --interval=TIME    between frames (2, 500ms), 1 s without it\n"
		"  -n, --frames=COUNT     end after so many\n"
		"  -b, --batch            print frames, needs no terminal; with -j each frame is a\n"
		"                         line of JSON\n"
		"      --status-dir=DIR   where mlproxyd writes PROXY.status.json, instead of\n"
		"                         /var/lib/mlproxy\n"
		"\n"
		"Keys: up, down select; enter details and changes of mode; s sort; p pause; q quit.\n"
		"Sources in a bar: B baseline, R recommendation, M model, P bpf program, X explored.\n"
		"\n"
		"Example:\n"
		"  mlproxy top --batch -j -n 2 | tail -n 1 | jq .proxies[0].evidence\n",
};
