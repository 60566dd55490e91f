// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulated runs with a model that equals the baseline: it is promoted to
 * recommendation mode in at most alpha of them, whatever the outcomes look like.
 * Where "early" stands, a margin of 3 sd lets nearly every run pass learning mode, so
 * that the test in collaboration mode is put to the proof. Seeds are fixed: the counts
 * are always the same.
 */
#include "unit.h"
#include <stdio.h>

#include "mode_sim.h"

#define RUNS		200
#define OUTCOMES	20000

struct sim_case {
	const char *name;
	enum sim_shape shape;
	enum sim_unit unit;
	uint32_t margin_q16;	/* 0: the default */
	bool eager;		/* tried and judged as readahead wants it */
};

#define EARLY	(3 << 16)

/* Runs promoted to recommendation mode, and to collaboration mode at least. */
static void count_promoted(const struct sim_case *c, double effect, int *collaboration,
			   int *recommendation)
{
	static struct sim sim;

	*collaboration = 0;
	*recommendation = 0;
	for (int run = 0; run < RUNS; run++) {
		bool met = false;

		sim_init(&sim, c->shape, c->unit, run * 1000 + c->shape * 10 + c->unit);
		sim.effect = effect;
		if (c->margin_q16)
			sim.config.margin_q16 = c->margin_q16;
		if (c->eager) {
			sim.trial_share = MLPROXY_SHARE_ONE / 4;
			sim.config.min_samples = 50;
		}
		while (sim.outcomes < OUTCOMES && sim.machine.mode < MLPROXY_MODE_RECOMMENDATION)
			met |= sim_step(&sim) && sim.t.to == MLPROXY_MODE_COLLABORATION;
		*collaboration += met;
		*recommendation += sim.machine.mode == MLPROXY_MODE_RECOMMENDATION;
	}
}

static void equal_model_is_not_promoted(void **state)
{
	const struct sim_case *c = *state;
	int collaboration, recommendation;

	count_promoted(c, 0, &collaboration, &recommendation);
	print_message("# %s: of %d runs with an equal model %d to collaboration, "
		      "%d to recommendation\n", c->name, RUNS, collaboration, recommendation);
	assert_true(recommendation * 20 <= RUNS);
}

static void better_model_is_promoted(void **state)
{
	const struct sim_case normal = { "normal", SIM_GAUSS, SIM_DECISION, 0, false };
	int collaboration, recommendation;

	(void)state;
	count_promoted(&normal, 0.2, &collaboration, &recommendation);
	print_message("# normal: of %d runs with a model better by 0.2 sd %d to "
		      "recommendation\n", RUNS, recommendation);
	assert_true(recommendation * 10 >= RUNS * 9);
}

static struct sim_case cases[] = {
	{ "normal", SIM_GAUSS, SIM_DECISION, 0, false },
	{ "normal, early", SIM_GAUSS, SIM_DECISION, EARLY, false },
	{ "skewed, early", SIM_SKEWED, SIM_DECISION, EARLY, false },
	{ "0/1, early", SIM_BINARY, SIM_DECISION, EARLY, false },
	{ "rare 0/1, early", SIM_RARE, SIM_DECISION, EARLY, false },
	{ "normal, eager", SIM_GAUSS, SIM_DECISION, 0, true },
	{ "normal, eager, early", SIM_GAUSS, SIM_DECISION, EARLY, true },
	{ "skewed, eager, early", SIM_SKEWED, SIM_DECISION, EARLY, true },
	{ "0/1, eager, early", SIM_BINARY, SIM_DECISION, EARLY, true },
	{ "normal, by entity, early", SIM_GAUSS, SIM_ENTITY, EARLY, false },
	{ "skewed, by entity, early", SIM_SKEWED, SIM_ENTITY, EARLY, false },
	{ "0/1, by entity, early", SIM_BINARY, SIM_ENTITY, EARLY, false },
	{ "normal, by window, early", SIM_GAUSS, SIM_WINDOWED, EARLY, false },
	{ "skewed, by window, early", SIM_SKEWED, SIM_WINDOWED, EARLY, false },
	{ "0/1, by window, early", SIM_BINARY, SIM_WINDOWED, EARLY, false },
};

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(cases) + 1] = {
		[ARRAY_SIZE(cases)] = cmocka_unit_test(better_model_is_promoted),
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, equal_model_is_not_promoted,
						NULL, NULL, &cases[i] };
	return cmocka_run_group_tests_name("mode simulation", tests, NULL, NULL);
}
