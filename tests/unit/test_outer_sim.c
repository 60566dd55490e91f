// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulated runs with policies whose reward is better and which cost the system 20 % more
 * (tests/common/outer_sim.h): later, to others, or by outcomes that never come. They
 * never get to recommendation mode, and leave collaboration mode; without an outer
 * experiment, or a ledger, they are promoted, so that it is these that do it. A policy that
 * is good still climbs. Seeds are fixed: the counts are always the same. The rates of many
 * runs are made by tests/bench/mode-power.
 */
#include "unit.h"
#include <stdio.h>

#include "outer_sim.h"

#define RUNS	10

/**
 * struct count - runs that
 * @recommended: got to recommendation mode
 * @fell: went from a higher mode to learning, for @reason
 */
struct count {
	int recommended;
	int fell;
	uint32_t reason;
};

struct sim_case {
	enum osim_policy policy;
	bool entity;
	bool costs;
	bool ledger;
	uint64_t hold_ns;
	double seconds;
};

static struct count run_all(const struct sim_case *c)
{
	static struct osim sim;
	struct count count = { 0 };

	for (int run = 0; run < RUNS; run++) {
		bool recommended = false, fell = false;

		osim_init(&sim, c->policy, c->entity, run);
		sim.has_costs = c->costs;
		sim.config.verdict.outer = c->costs;
		sim.has_ledger = c->ledger;
		sim.config.verdict.ledger = c->ledger;
		if (c->hold_ns) {
			sim.draw.hold_ns = c->hold_ns;
			sim.washout_ns = OUTER_WASHOUT(c->hold_ns);
		}
		while (osim_seconds(&sim) < c->seconds) {
			if (!osim_step(&sim))
				continue;
			recommended |= sim.machine.mode == MLPROXY_MODE_RECOMMENDATION;
			if (sim.t.to == MLPROXY_MODE_LEARNING) {
				fell = true;
				count.reason = sim.t.reason;
			}
		}
		count.recommended += recommended;
		count.fell += fell;
	}
	print_message("# %s: of %d runs %d got to recommendation mode, %d fell\n",
		      osim_name(c->policy), RUNS, count.recommended, count.fell);
	return count;
}

static void delayed_cost_is_seen(void **state)
{
	struct sim_case c = { .policy = OSIM_DELAYED, .entity = true, .costs = true,
			      .seconds = 300 };
	struct count count = run_all(&c);

	(void)state;
	assert_int_equal(count.recommended, 0);
	assert_true(count.fell >= RUNS - 2);
	assert_int_equal(count.reason, MLPROXY_REASON_OUTER);
	c.costs = false;
	assert_int_equal(run_all(&c).recommended, RUNS);
}

static void cost_to_others_is_seen(void **state)
{
	struct sim_case c = { .policy = OSIM_OTHERS, .costs = true, .hold_ns = 2000000000,
			      .seconds = 400 };
	struct count count = run_all(&c);

	(void)state;
	assert_int_equal(count.recommended, 0);
	assert_true(count.fell >= RUNS - 2);
	assert_int_equal(count.reason, MLPROXY_REASON_OUTER);
	/* others are in both arms where these are by entity: it can't be seen */
	c.entity = true;
	assert_true(run_all(&c).recommended > RUNS / 2);
}

static void lost_outcomes_are_seen(void **state)
{
	struct sim_case c = { .policy = OSIM_LOST, .entity = true, .seconds = 100 };

	(void)state;
	assert_int_equal(run_all(&c).recommended, 0);
	c.policy = OSIM_HIDDEN;
	assert_int_equal(run_all(&c).recommended, RUNS);
	c.costs = true;
	c.seconds = 300;
	assert_int_equal(run_all(&c).recommended, 0);
}

static void ledger_contradicts(void **state)
{
	struct sim_case c = { .policy = OSIM_TAIL, .entity = true, .ledger = true,
			      .seconds = 100 };
	struct count count = run_all(&c);

	(void)state;
	assert_int_equal(count.recommended, 0);
	assert_true(count.fell >= RUNS - 2);
	assert_int_equal(count.reason, MLPROXY_REASON_LEDGER);
	c.ledger = false;
	assert_int_equal(run_all(&c).recommended, RUNS);
}

static void good_policies_climb(void **state)
{
	struct sim_case c = { .policy = OSIM_GOOD, .entity = true, .costs = true,
			      .ledger = true, .seconds = 200 };

	(void)state;
	assert_int_equal(run_all(&c).recommended, RUNS);
	c.entity = false;
	c.hold_ns = 2000000000;
	assert_int_equal(run_all(&c).recommended, RUNS);
}

static void equal_policies_do_not(void **state)
{
	struct sim_case c = { .policy = OSIM_EQUAL, .entity = true, .costs = true,
			      .ledger = true, .seconds = 200 };

	(void)state;
	assert_int_equal(run_all(&c).recommended, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(delayed_cost_is_seen),
		cmocka_unit_test(cost_to_others_is_seen),
		cmocka_unit_test(lost_outcomes_are_seen),
		cmocka_unit_test(ledger_contradicts),
		cmocka_unit_test(good_policies_climb),
		cmocka_unit_test(equal_policies_do_not),
	};

	return cmocka_run_group_tests_name("outer simulation", tests, NULL, NULL);
}
