// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the outer experiment finds, and how soon, by simulation (tests/common/outer_sim.h).
 * Prints one line of CSV; tests/bench/outer-power builds and runs it.
 *
 *	outer-power climb RUNS SECONDS POLICY entity|window HOLD_MS EXCESS [MEASURES]
 *		from learning mode on
 *	outer-power turn RUNS SECONDS POLICY entity|window HOLD_MS EXCESS
 *		a good policy that is recommended turns into POLICY
 *
 * MEASURES are letters: c for costs (the outer experiment), l for a ledger; "c" is the
 * default, "-" is neither.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outer_sim.h"

#define MAX_RUNS	10000
#define MAX_WAIT_S	3000.0	/* for a good policy to be recommended */

/**
 * struct quantiles - seconds, of those runs that have any
 * @n: of these
 * @s: seconds
 */
struct quantiles {
	int n;
	double s[MAX_RUNS];
};

/**
 * struct setting - of all runs
 * @policy: what it does
 * @entity: arms by entity, else by window
 * @hold_ns: of the outer experiment
 * @excess: of a worse policy
 * @costs: is there an outer experiment
 * @ledger: is there a ledger
 */
struct setting {
	enum osim_policy policy;
	bool entity;
	uint64_t hold_ns;
	double excess;
	bool costs;
	bool ledger;
};

static struct osim sim;
static struct quantiles rose, fell;

static void begin(const struct setting *s, enum osim_policy policy, uint64_t seed)
{
	osim_init(&sim, policy, s->entity, seed);
	sim.excess = s->excess;
	sim.draw.hold_ns = s->hold_ns;
	sim.washout_ns = OUTER_WASHOUT(s->hold_ns);
	sim.has_costs = s->costs;
	sim.config.verdict.outer = s->costs;
	sim.has_ledger = s->ledger;
	sim.config.verdict.ledger = s->ledger;
}

static void add(struct quantiles *q, double seconds)
{
	q->s[q->n++] = seconds;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A quantile over all runs: empty where so many never got there. */
static void print_quantile(struct quantiles *q, int runs, double p)
{
	int at = (int)(p * (runs - 1) + 0.5);

	qsort(q->s, q->n, sizeof(*q->s), compare);
	if (at < q->n)
		printf(",%.1f", q->s[at]);
	else
		printf(",");
}

/* One run from learning mode. Return: share of the time in a higher mode. */
static double climb(const struct setting *s, uint64_t seed, double seconds)
{
	bool recommended = false, left = false;
	double since = -1;
	uint64_t higher = 0;

	begin(s, s->policy, seed);
	while (osim_seconds(&sim) < seconds) {
		higher += sim.machine.mode > MLPROXY_MODE_LEARNING;
		if (!osim_step(&sim))
			continue;
		if (since < 0 && sim.machine.mode > MLPROXY_MODE_LEARNING)
			since = osim_seconds(&sim);
		if (!recommended && sim.machine.mode == MLPROXY_MODE_RECOMMENDATION) {
			recommended = true;
			add(&rose, osim_seconds(&sim));
		}
		if (!left && since >= 0 && sim.machine.mode == MLPROXY_MODE_LEARNING) {
			left = true;
			add(&fell, osim_seconds(&sim) - since);
		}
	}
	return (double)higher / sim.decisions;
}

static void print_climb(const struct setting *s, int runs, double seconds)
{
	double higher = 0, stalled = 0;

	for (int i = 0; i < runs; i++) {
		higher += climb(s, i, seconds);
		stalled += sim.stalled / sim.decisions;
	}
	printf("%s,%s,%.1f,%g,%.4f", osim_name(s->policy), s->entity ? "entity" : "window",
	       s->hold_ns / 1e9, s->excess, (double)rose.n / runs);
	print_quantile(&rose, runs, 0.5);
	print_quantile(&rose, runs, 0.95);
	printf(",%.4f", (double)fell.n / runs);
	print_quantile(&fell, runs, 0.5);
	print_quantile(&fell, runs, 0.95);
	printf(",%.4f,%.4f\n", higher / runs, stalled / runs);
}

/* Seconds from the turn of a recommended policy until recommendation mode is left. */
static void turn(const struct setting *s, uint64_t seed, double seconds)
{
	double at;

	begin(s, OSIM_GOOD, seed);
	while (sim.machine.mode != MLPROXY_MODE_RECOMMENDATION) {
		if (osim_seconds(&sim) > MAX_WAIT_S)
			return;
		osim_step(&sim);
	}
	at = osim_seconds(&sim) + seed * 7 % 100;
	while (osim_seconds(&sim) < at)
		osim_step(&sim);
	sim.policy = s->policy;
	while (osim_seconds(&sim) < at + seconds) {
		osim_step(&sim);
		if (sim.machine.mode != MLPROXY_MODE_RECOMMENDATION) {
			add(&fell, osim_seconds(&sim) - at);
			return;
		}
	}
}

static void print_turn(const struct setting *s, int runs, double seconds)
{
	for (int i = 0; i < runs; i++)
		turn(s, i, seconds);
	printf("%s,%s,%.1f,%g,%.4f", osim_name(s->policy), s->entity ? "entity" : "window",
	       s->hold_ns / 1e9, s->excess, (double)fell.n / runs);
	print_quantile(&fell, runs, 0.5);
	print_quantile(&fell, runs, 0.95);
	puts("");
}

static int usage(void)
{
	fputs("usage: outer-power climb|turn RUNS SECONDS POLICY entity|window HOLD_MS EXCESS [cl]\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct setting s = { .costs = true };
	int runs, policy = 0;
	double seconds;

	if (argc < 8 || argc > 9)
		return usage();
	runs = atoi(argv[2]);
	seconds = atof(argv[3]);
	while (policy < OSIM_NR_POLICIES && strcmp(argv[4], osim_name(policy)))
		policy++;
	s.policy = policy;
	s.entity = !strcmp(argv[5], "entity");
	s.hold_ns = strtoull(argv[6], NULL, 10) * 1000000;
	s.excess = atof(argv[7]);
	if (argc == 9) {
		s.costs = strchr(argv[8], 'c');
		s.ledger = strchr(argv[8], 'l');
	}
	if (runs < 1 || runs > MAX_RUNS || seconds <= 0 || policy == OSIM_NR_POLICIES ||
	    s.hold_ns < OUTER_MIN_HOLD_NS)
		return usage();
	if (!strcmp(argv[1], "climb"))
		print_climb(&s, runs, seconds);
	else if (!strcmp(argv[1], "turn"))
		print_turn(&s, runs, seconds);
	else
		return usage();
	return 0;
}
