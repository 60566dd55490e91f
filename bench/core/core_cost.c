// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the core costs, beside its peers: instructions of one call each, in a guest whose time
 * counts instructions (scripts/vm --icount). Prints "NAME;OURS;PEER;THEIRS", a row a line.
 * bench/core/cost starts it.
 *
 * The calls are made by mlproxy_pathtest, in the kernel; the readers are here.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core_cost.h"
#include "models.h"

#define RUNS		20000
#define MODEL_RUNS	4000
#define KEY		1
#define OTHER_KEY	2
#define RING_BYTES	(16U << 20)
#define LONG_MS		3600000

static void row(const char *name, double ours, const char *peer, double theirs)
{
	if (peer)
		printf("%s;%.1f;%s;%.1f\n", name, ours, peer, theirs);
	else
		printf("%s;%.1f;;\n", name, ours);
	fflush(stdout);
}

/* Of the row that a profile is wanted of, by its name; NULL for none. */
static const char *profiled;

/* Without the loop around the calls; for the row of that name. */
static double own(const char *name, const char *proxy, const char *what, unsigned int n, unsigned long arg,
		  double *outcome)
{
	static double loop = -1;
	struct path_times t;

	if (loop < 0) {
		path_run("path", "loop", RUNS, 0, &t);
		loop = t.call;
	}
	/* The first calls touch what is not mapped, or not decided, yet. */
	path_run(proxy, what, 64, arg, &t);
	path_mark(name && profiled && !strcmp(name, profiled));
	path_run(proxy, what, n, arg, &t);
	path_mark(false);
	if (outcome)
		*outcome = t.outcome - loop;
	return t.call - loop;
}

static void control(struct mlproxy_session *s, uint32_t op)
{
	uint32_t state;

	check(s, mlproxy_control(s, op, &state), "control");
}

static double decide(const char *name, unsigned long key, double *outcome)
{
	return own(name, "path", "decide", RUNS, key, outcome);
}

/* A row of a decision that is compared with nothing. */
static void decide_row(const char *name, unsigned long key)
{
	row(name, decide(name, key, NULL), NULL, 0);
}

static void decisions(struct mlproxy_session *s)
{
	struct mlproxy_recommend_drain drain;
	double call, outcome, empty = peer_call("empty");
	const char *name;

	decide_row("decision, stopped", KEY);
	control(s, MLPROXY_CTL_START);
	check(s, mlproxy_mode_set(s, MLPROXY_MODE_EMERGENCY), "mode");
	decide_row("decision, emergency mode", KEY);
	check(s, mlproxy_mode_set(s, MLPROXY_MODE_LEARNING), "mode");
	check(s, mlproxy_mode_auto(s), "mode");

	name = "decision and outcome, no model";
	call = decide(name, KEY, &outcome);
	row("decision, no model", call, "empty eBPF program", empty);
	row("its outcome", outcome, "empty eBPF program", empty);
	row(name, call + outcome, "empty eBPF program", empty);
	name = "outcome, deferred and resolved";
	own(name, "path", "defer", RUNS, KEY, &outcome);
	row(name, outcome, NULL, 0);

	name = "decision, empty eBPF program";
	peer_attach("decide");
	row(name, decide(name, KEY, NULL), "empty eBPF program", empty);
	peer_detach();

	check(s, mlproxy_recommend_setup(s, 64), "recommendation ring");
	check(s, mlproxy_recommend(s, KEY, 1, 0, LONG_MS, 1), "recommend");
	check(s, mlproxy_submit(s, &drain, NULL, 0), "submit");
	if (drain.accepted != 1)
		die("the recommendation was refused");
	name = "decision, recommendation found";
	row(name, decide(name, KEY, &outcome), NULL, 0);
	row("its outcome, of an arm", outcome, NULL, 0);
	decide_row("decision, none for this key", OTHER_KEY);
}

static void drain_many(struct mlproxy_session *s)
{
	struct mlproxy_recommend_drain drain;
	unsigned int i, n = 0, round;
	uint64_t ns = 0, since;

	for (round = 0; round < 32; round++) {
		for (i = 0; i < 64; i++)
			check(s, mlproxy_recommend(s, 1000 + i, 1, 0, LONG_MS, 1), "recommend");
		since = now_ns();
		check(s, mlproxy_submit(s, &drain, NULL, 0), "submit");
		ns += now_ns() - since;
		n += drain.drained;
	}
	row("recommendation taken, of 64 a call", (double)ns / n, NULL, 0);
}

static void model_row(const char *proxy, const struct model_file *m)
{
	struct mlproxy_session *s = session(proxy);
	uint32_t version = 0;
	double none, with;
	char name[128];

	control(s, MLPROXY_CTL_START);
	none = own(NULL, proxy, "decide", RUNS, OTHER_KEY, NULL);
	check(s, mlproxy_model_load(s, m->data, m->len, NULL), m->name);
	check(s, mlproxy_model_ctl(s, MLPROXY_MODEL_OP_ACTIVATE, 0, &version), m->name);
	snprintf(name, sizeof(name), "beside a decision: %s", m->name);
	with = own(name, proxy, "decide", MODEL_RUNS, OTHER_KEY, NULL);
	row(name, with - none, NULL, 0);
	if (m->macs) {
		snprintf(name, sizeof(name), "a multiply-accumulate of it: %s", m->name);
		printf("%s;%.3f;;\n", name, (with - none) / m->macs);
	}
	check(s, mlproxy_model_ctl(s, MLPROXY_MODEL_OP_UNLOAD, 0, &version), m->name);
	control(s, MLPROXY_CTL_STOP);
	mlproxy_close(s);
}

static void models(void)
{
	static const struct {
		const char *proxy;
		unsigned int widths[MODEL_LAYERS + 1];
	} nets[] = {
		{ "path", { 16, 32, 16, 3 } },
		{ "path-wide", { 24, 64, 32, 11 } },
		{ "path-31", { 31, 128, 2 } },
		{ "path-31", { 31, 256, 2 } },
	};
	struct model_file m;
	unsigned int i;

	for (i = 0; i < sizeof(nets) / sizeof(*nets); i++) {
		if (model_net(nets[i].proxy, nets[i].widths, &m))
			continue;
		model_row(nets[i].proxy, &m);
		free(m.data);
	}
	for (i = 0; i < 2; i++) {
		/* About 100 nodes: of one tree, or of three. */
		if (i ? model_trees("path", 3, 3, 4, &m) : model_trees("path", 1, 3, 6, &m))
			die("trees");
		model_row("path", &m);
		free(m.data);
	}
}

static double consume(struct mlproxy_session *s, unsigned int n)
{
	uint64_t since;
	int got;

	since = now_ns();
	got = mlproxy_ring_consume(s, 0, nothing, NULL);
	since = now_ns() - since;
	if (got < (int)n)
		die("records are missing");
	return (double)since / got;
}

static double consume_batch(struct mlproxy_session *s, unsigned int n)
{
	uint64_t since = now_ns();
	int got = mlproxy_ring_consume_batch(s, 0, nothing_of_many, NULL);

	since = now_ns() - since;
	if (got < (int)n)
		die("records are missing");
	return (double)since / got;
}

static void events(struct mlproxy_session *s)
{
	static const struct {
		unsigned int values, bytes;
		const char *peer;
		const char *program;
	} sizes[] = {
		{ 1, 48, "BPF ring buffer, reserve", "reserve_48" },
		{ 3, 64, "BPF ring buffer, reserve", "reserve_64" },
		{ 3, 64, "BPF ring buffer, output", "output_64" },
		{ 3, 64, "perf buffer", "perf_64" },
		{ 27, 256, "BPF ring buffer, reserve", "reserve_256" },
	};
	double ours, theirs;
	unsigned int i, round;
	char name[64];

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		snprintf(name, sizeof(name), "record of %u bytes, with its time", sizes[i].bytes);
		/* Twice: the first run touches what is not mapped yet. */
		own(NULL, "path", "event", RUNS, sizes[i].values, NULL);
		consume(s, RUNS);
		ours = own(name, "path", "event", RUNS, sizes[i].values, NULL);
		consume(s, RUNS);
		row(name, ours, sizes[i].peer, peer_call(sizes[i].program));
	}
	/* The ring was read to its end before: all pages are mapped. */
	for (round = 0; round < 8; round++) {
		own(NULL, "path", "event", RUNS, 3, NULL);
		ours = consume(s, RUNS);
	}
	theirs = peer_consume();
	row("consume a record, one CPU", ours, "libbpf ring_buffer__consume", theirs);
	row("consume a record, of 4 rings", consume_fake(4, false), NULL, 0);
	for (round = 0; round < 2; round++) {
		own(NULL, "path", "event", RUNS, 3, NULL);
		ours = consume_batch(s, RUNS);
	}
	row("consume a record, many a call, one CPU", ours, "libbpf ring_buffer__consume", theirs);
	row("consume a record, many a call, of 4 rings", consume_fake(4, true), NULL, 0);
}

static void publishing(void)
{
	struct mlproxy_ring_opts opts = { .size = sizeof(opts), .data_bytes = RING_BYTES };
	struct mlproxy_session *s = session("path");
	const char *name = "decision and outcome, their records";
	double call, outcome;

	control(s, MLPROXY_CTL_START);
	check(s, mlproxy_ring_setup(s, &opts), "rings");
	decide(NULL, OTHER_KEY, NULL);
	consume(s, RUNS);
	call = decide(name, OTHER_KEY, &outcome);
	consume(s, RUNS);
	row("decision, explored, its record of 216 bytes", call, NULL, 0);
	row("its outcome, its record of 80 bytes", outcome, NULL, 0);
	row(name, call + outcome, NULL, 0);
	events(s);
	control(s, MLPROXY_CTL_STOP);
	mlproxy_close(s);
}

int main(int argc, char **argv)
{
	struct mlproxy_session *s;

	profiled = argc > 1 ? argv[1] : NULL;
	peers_open();
	s = session("path");
	decisions(s);
	drain_many(s);
	control(s, MLPROXY_CTL_STOP);
	control(s, MLPROXY_CTL_REINIT);
	mlproxy_close(s);
	models();
	publishing();
	return 0;
}
