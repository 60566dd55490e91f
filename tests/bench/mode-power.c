// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power of the mode machine, by simulation (tests/common/mode_sim.h): how soon a model
 * that is better is promoted, how often one that is not, and how soon one that turned
 * bad is noticed. Prints CSV; tests/bench/mode-power builds and runs it.
 *
 *	mode-power climb RUNS OUTCOMES UNIT	effect, outcomes, share in recommendation
 *	mode-power times RUNS OUTCOMES UNIT	medians and wrong demotions by effect
 *	mode-power fall RUNS OUTCOMES UNIT	reaction to a model that turned bad
 *	mode-power shift RUNS OUTCOMES UNIT	to an environment that did, for both arms
 *
 * UNIT is decision, entity or window; OUTCOMES is the length of a run. TRIAL_SHARE, of
 * 65536, and MIN_SAMPLES are those of a proxy's description.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mode_sim.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define MAX_RUNS	10000
#define NEVER		UINT32_MAX

static const double effects[] = { 0, 0.02, 0.05, 0.1, 0.2, 0.5 };
static const double falls[] = { -0.5, -1, -2 };
static const uint32_t lengths[] = { 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000,
				    500000 };

/**
 * struct climb - one run
 * @collaboration: outcomes until first in collaboration mode, or NEVER
 * @recommendation: outcomes until first in recommendation mode, or NEVER
 * @emergency: was in emergency mode
 * @worse: was sent to learning mode
 * @not_better: was sent from recommendation to collaboration mode
 */
struct climb {
	uint32_t collaboration;
	uint32_t recommendation;
	bool emergency;
	bool worse;
	bool not_better;
};

static struct sim sim;
static uint32_t trial_share, min_samples;	/* 0: the default */
static struct climb climbs[MAX_RUNS];
static uint32_t delays[MAX_RUNS];

static void begin(enum sim_unit unit, uint64_t seed)
{
	sim_init(&sim, SIM_GAUSS, unit, seed);
	if (trial_share)
		sim.trial_share = trial_share;
	if (min_samples)
		sim.config.min_samples = min_samples;
}

static struct climb climb(enum sim_unit unit, double effect, uint64_t seed, uint32_t outcomes)
{
	struct climb c = { .collaboration = NEVER, .recommendation = NEVER };

	begin(unit, seed);
	sim.effect = effect;
	while (sim.outcomes < outcomes) {
		if (!sim_step(&sim))
			continue;
		if (sim.t.to == MLPROXY_MODE_COLLABORATION && c.collaboration == NEVER)
			c.collaboration = sim.outcomes;
		if (sim.t.to == MLPROXY_MODE_RECOMMENDATION && c.recommendation == NEVER)
			c.recommendation = sim.outcomes;
		c.emergency |= sim.t.to == MLPROXY_MODE_EMERGENCY;
		c.worse |= sim.t.reason == MLPROXY_REASON_WORSE;
		c.not_better |= sim.t.reason == MLPROXY_REASON_NOT_BETTER;
	}
	return c;
}

static void climb_all(enum sim_unit unit, double effect, uint32_t runs, uint32_t outcomes)
{
	for (uint32_t i = 0; i < runs; i++)
		climbs[i] = climb(unit, effect, i, outcomes);
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Sorts the first @n of delays and prints a quantile, or nothing where it is NEVER. */
static void print_quantile(uint32_t n, double q)
{
	uint32_t value;

	qsort(delays, n, sizeof(*delays), compare_u32);
	value = n ? delays[(uint32_t)(q * (n - 1) + 0.5)] : NEVER;
	if (value != NEVER)
		printf(",%u", value);
	else
		printf(",");
}

static void print_climb(enum sim_unit unit, uint32_t runs, uint32_t outcomes)
{
	puts("effect_sd,outcomes,promoted_share");
	for (size_t e = 0; e < ARRAY_SIZE(effects); e++) {
		climb_all(unit, effects[e], runs, outcomes);
		for (size_t l = 0; l < ARRAY_SIZE(lengths) && lengths[l] <= outcomes; l++) {
			uint32_t promoted = 0;

			for (uint32_t i = 0; i < runs; i++)
				promoted += climbs[i].recommendation <= lengths[l];
			printf("%g,%u,%.4f\n", effects[e], lengths[l], (double)promoted / runs);
		}
		fflush(stdout);
	}
}

static void print_times(enum sim_unit unit, uint32_t runs, uint32_t outcomes)
{
	puts("effect_sd,median_to_collaboration,median_to_recommendation,"
	     "recommendation_share,worse_share,not_better_share,emergency_share");
	for (size_t e = 0; e < ARRAY_SIZE(effects); e++) {
		uint32_t met = 0, worse = 0, not_better = 0, emergency = 0;

		climb_all(unit, effects[e], runs, outcomes);
		printf("%g", effects[e]);
		for (uint32_t i = 0; i < runs; i++)
			delays[i] = climbs[i].collaboration;
		print_quantile(runs, 0.5);
		for (uint32_t i = 0; i < runs; i++) {
			delays[i] = climbs[i].recommendation;
			met += climbs[i].recommendation != NEVER;
			worse += climbs[i].worse;
			not_better += climbs[i].not_better;
			emergency += climbs[i].emergency;
		}
		print_quantile(runs, 0.5);
		printf(",%.4f,%.4f,%.4f,%.4f\n", (double)met / runs, (double)worse / runs,
		       (double)not_better / runs, (double)emergency / runs);
		fflush(stdout);
	}
}

/* So long after the promotion the model turns bad, in outcomes. */
static uint32_t turn_after(uint64_t seed)
{
	struct rng rng = rng_seed(seed + 1000000);

	return rng_below(&rng, 40000);
}

/*
 * Outcomes from the turn of a model from +0.5 sd to @effect, or of the environment by
 * @effect, at a random moment in recommendation mode, until the mode is left. Return:
 * NEVER if it is not.
 */
static uint32_t fall(enum sim_unit unit, bool shared, double effect, uint64_t seed,
		     uint32_t outcomes)
{
	uint32_t turn;

	begin(unit, seed);
	sim.effect = 0.5;
	while (sim.machine.mode != MLPROXY_MODE_RECOMMENDATION) {
		if (sim.outcomes > outcomes)
			return NEVER;
		sim_step(&sim);
	}
	turn = sim.outcomes + turn_after(seed);
	while (sim.outcomes < turn)
		sim_step(&sim);
	if (shared)
		sim.environment = effect;
	else
		sim.effect = effect;
	while (sim.outcomes < turn + outcomes)
		if (sim_step(&sim))
			return sim.outcomes - turn;
	return NEVER;
}

static void print_fall(enum sim_unit unit, bool shared, uint32_t runs, uint32_t outcomes)
{
	puts("effect_sd,median_outcomes,p95_outcomes,drop_share,worse_share,"
	     "not_better_share,never_share");
	for (size_t e = 0; e < ARRAY_SIZE(falls); e++) {
		uint32_t by[MLPROXY_NR_REASONS] = { 0 }, never = 0;

		for (uint32_t i = 0; i < runs; i++) {
			delays[i] = fall(unit, shared, falls[e], i, outcomes);
			if (delays[i] == NEVER)
				never++;
			else
				by[sim.t.reason]++;
		}
		printf("%g", falls[e]);
		print_quantile(runs, 0.5);
		print_quantile(runs, 0.95);
		printf(",%.4f,%.4f,%.4f,%.4f\n", (double)by[MLPROXY_REASON_DROP] / runs,
		       (double)by[MLPROXY_REASON_WORSE] / runs,
		       (double)by[MLPROXY_REASON_NOT_BETTER] / runs, (double)never / runs);
		fflush(stdout);
	}
}

static int usage(void)
{
	fputs("usage: mode-power climb|times|fall|shift RUNS OUTCOMES decision|entity|window\n"
	      "                  [TRIAL_SHARE MIN_SAMPLES]\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const char * const units[] = { "decision", "entity", "window" };
	unsigned long runs, outcomes;
	size_t unit = 0;

	if (argc != 5 && argc != 7)
		return usage();
	if (argc == 7) {
		trial_share = strtoul(argv[5], NULL, 10);
		min_samples = strtoul(argv[6], NULL, 10);
	}
	runs = strtoul(argv[2], NULL, 10);
	outcomes = strtoul(argv[3], NULL, 10);
	while (unit < ARRAY_SIZE(units) && strcmp(argv[4], units[unit]))
		unit++;
	if (!runs || runs > MAX_RUNS || !outcomes || outcomes > 100000000 ||
	    unit == ARRAY_SIZE(units))
		return usage();
	if (!strcmp(argv[1], "climb"))
		print_climb(unit, runs, outcomes);
	else if (!strcmp(argv[1], "times"))
		print_times(unit, runs, outcomes);
	else if (!strcmp(argv[1], "fall"))
		print_fall(unit, false, runs, outcomes);
	else if (!strcmp(argv[1], "shift"))
		print_fall(unit, true, runs, outcomes);
	else
		return usage();
	return 0;
}
