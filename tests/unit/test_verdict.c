// SPDX-License-Identifier: GPL-2.0-only
/*
 * Beside the reward: the ramp, the ledger, the outer experiment, each against its rules.
 */
#include "unit.h"

#include "mode_rules.h"
#include "mode_sim.h"
#include "outer.h"
#include "rng.h"

#define LOOK_EVERY	64
#define MINUTE		60000000000ULL

/* A machine with what it looks at. */
struct bench {
	struct mode_machine m;
	struct mode_config config;
	struct mode_input in;
	struct eff_sums sums;
	struct eff_sums ledger;
	struct eff_sums costs;
	struct mlproxy_transition t;
	struct rng rng;
	u32 step;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	mode_config_defaults(&b->config);
	mode_machine_init(&b->m, 0);
	b->in.sums = &b->sums;
	b->in.logic = trust_logic(MLPROXY_SRC_MODEL, 1);
	b->rng = rng_seed(1);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void with_ledger(struct bench *b)
{
	b->in.ledger = &b->ledger;
	b->config.verdict.ledger = true;
}

static void with_costs(struct bench *b)
{
	b->in.costs = &b->costs;
	b->config.verdict.outer = true;
}

static bool look(struct bench *b)
{
	return sim_look(&b->m, &b->config, &b->in, &b->t);
}

/**
 * struct world - what the policy does, in percent of a standard deviation, or of the cost
 * @reward: better by
 * @ledger: more by
 * @saves: costs less by
 */
struct world {
	s64 reward;
	s64 ledger;
	s64 saves;
};

/* Without luck: half of each arm's outcomes are as much above the mean as others below. */
static s64 noise(const struct eff_sums *sums, u32 arm)
{
	return sums->arm[arm].n & 1 ? 100 : -100;
}

/* Costs of one period, of a group, in both arms: 1000 for 100, and a noise of 5 %. */
static void pay(struct bench *b, s64 saves)
{
	u32 group = rng_u64(&b->rng) % EFF_CLUSTERS;
	s64 common = (s64)(rng_u64(&b->rng) % 1000);

	for (u32 arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
		s64 cost = 1000 + common + (s64)(rng_u64(&b->rng) % 150);

		if (arm == MLPROXY_ARM_MODEL)
			cost -= cost * saves / 100;
		eff_add_cost(&b->costs, arm, group, cost, 100);
	}
}

/* Decisions, 1 ms each, until the mode or the stage changes. Return: how many, or 0. */
static u32 run(struct bench *b, const struct world *w, u32 limit)
{
	static const u32 every[] = { 1, 16, 2, 64 };

	for (u32 i = 1; i <= limit; i++) {
		bool ramp = b->m.stage == MLPROXY_STAGE_RAMP;
		u32 period = ramp ? 8 : every[b->m.mode];
		u32 arm = b->step++ % period == 0 ? MLPROXY_ARM_MODEL : MLPROXY_ARM_BASELINE;

		if (ramp || b->m.mode == MLPROXY_MODE_RECOMMENDATION)
			arm = !arm;
		eff_add(&b->sums, arm, EFF_CLUSTERS,
			noise(&b->sums, arm) + (arm == MLPROXY_ARM_MODEL ? w->reward : 0));
		eff_add(&b->ledger, arm, EFF_CLUSTERS,
			noise(&b->ledger, arm) + (arm == MLPROXY_ARM_MODEL ? w->ledger : 0));
		if (b->in.costs && i % 500 == 0)
			pay(b, w->saves);
		b->in.now_ns += 1000000;
		if (i % LOOK_EVERY == 0 && look(b))
			return i;
	}
	return 0;
}

static void assert_transition(const struct bench *b, u32 from, u32 to, u32 reason)
{
	assert_int_equal(b->t.from, from);
	assert_int_equal(b->t.to, to);
	assert_int_equal(b->t.reason, reason);
	assert_int_equal(b->m.mode, to);
}

static void to_collaboration(struct bench *b, const struct world *w)
{
	assert_true(run(b, w, 100000));
	assert_transition(b, MLPROXY_MODE_LEARNING, MLPROXY_MODE_COLLABORATION,
			  MLPROXY_REASON_NOT_WORSE);
}

static void to_ramp(struct bench *b, const struct world *w)
{
	to_collaboration(b, w);
	assert_true(run(b, w, 200000));
	assert_transition(b, MLPROXY_MODE_COLLABORATION, MLPROXY_MODE_COLLABORATION,
			  MLPROXY_REASON_RAMP);
	assert_int_equal(b->m.stage, MLPROXY_STAGE_RAMP);
	assert_int_equal(b->m.stage_since_ns, b->in.now_ns);
}

static void to_recommendation(struct bench *b, const struct world *w)
{
	to_ramp(b, w);
	assert_true(run(b, w, 200000));
	assert_transition(b, MLPROXY_MODE_COLLABORATION, MLPROXY_MODE_RECOMMENDATION,
			  MLPROXY_REASON_BETTER);
	assert_int_equal(b->m.stage, MLPROXY_STAGE_NONE);
}

/* ------------------------------------------------------------------ */
/* The ramp                                                            */

static const struct world good = { 50, 50, 20 };

static void ramp_lasts(void **state)
{
	struct bench *b = *state;
	u64 begin;

	to_ramp(b, &good);
	begin = b->in.now_ns;
	assert_int_equal(b->m.trial, 1);
	look(b);
	assert_int_equal(b->m.needs & MLPROXY_NEEDS_TIME, MLPROXY_NEEDS_TIME);
	assert_true(run(b, &good, 100000));
	assert_true(b->in.now_ns - begin >= b->config.ramp_ns);
	assert_true(b->in.now_ns - begin < 2 * b->config.ramp_ns);
	assert_int_equal(b->m.mode, MLPROXY_MODE_RECOMMENDATION);
	/* on evidence of its own */
	assert_true(b->t.evidence.n[MLPROXY_ARM_BASELINE] < b->t.evidence.n[MLPROXY_ARM_MODEL] / 6);
	assert_int_equal(b->m.needs, 0);
}

static void ramp_without_gain_ends(void **state)
{
	const struct world no_gain = { -3, 0, 0 };
	struct bench *b = *state;

	to_ramp(b, &good);
	assert_true(run(b, &no_gain, 100000));
	assert_transition(b, MLPROXY_MODE_COLLABORATION, MLPROXY_MODE_COLLABORATION,
			  MLPROXY_REASON_RAMP_ENDED);
	assert_int_equal(b->m.stage, MLPROXY_STAGE_NONE);
	/* one more test of it, with less of the error probability */
	assert_int_equal(b->m.trial, 2);
}

static void ramp_without_ledger_ends(void **state)
{
	const struct world less = { 50, -11, 0 };
	struct bench *b = *state;

	with_ledger(b);
	to_ramp(b, &good);
	assert_true(run(b, &less, 100000));
	assert_transition(b, MLPROXY_MODE_COLLABORATION, MLPROXY_MODE_COLLABORATION,
			  MLPROXY_REASON_RAMP_ENDED);
}

static void ramp_that_harms_falls(void **state)
{
	const struct world bad = { -40, -40, 0 };
	struct bench *b = *state;

	to_ramp(b, &good);
	assert_true(run(b, &bad, 100000));
	assert_transition(b, MLPROXY_MODE_COLLABORATION, MLPROXY_MODE_LEARNING,
			  MLPROXY_REASON_WORSE);
	assert_int_equal(b->m.stage, MLPROXY_STAGE_NONE);
}

/* Few decisions: the ramp is not over before both arms can be compared. */
static void ramp_waits_for_outcomes(void **state)
{
	struct bench *b = *state;

	to_ramp(b, &good);
	b->in.now_ns += MINUTE;
	assert_false(look(b));
	assert_int_equal(b->m.stage, MLPROXY_STAGE_RAMP);
	assert_true(run(b, &good, 10000) >= 8 * 200);
	assert_int_equal(b->m.mode, MLPROXY_MODE_RECOMMENDATION);
}

/* ------------------------------------------------------------------ */
/* The ledger                                                          */

static void ledger_holds_a_policy_back(void **state)
{
	const struct world slightly_less = { 50, -3, 0 };
	struct bench *b = *state;

	with_ledger(b);
	to_collaboration(b, &slightly_less);
	/* better by reward for long, and no loss beyond the margin; but one in the mean */
	assert_int_equal(run(b, &slightly_less, 8000), 0);
	assert_true(b->m.evidence.low_q16 > 0);
	assert_int_equal(b->m.needs, MLPROXY_NEEDS_LEDGER);
	assert_int_equal(b->m.evidence.stance, MLPROXY_STANCE_SUPPORTS);
	assert_int_equal(b->m.verdicts.ledger.stance, MLPROXY_STANCE_WAITS);
	assert_int_equal(b->m.verdicts.outer.stance, MLPROXY_STANCE_NONE);
	assert_int_equal(b->m.verdicts.ledger.verdict, MLPROXY_VERDICT_LEDGER);
}

static void ledger_contradicts(void **state)
{
	const struct world slightly_less = { 50, -3, 0 };
	const struct world less = { 50, -40, 0 };
	struct bench *b = *state;

	with_ledger(b);
	to_recommendation(b, &good);
	assert_true(run(b, &less, 200000));
	assert_transition(b, MLPROXY_MODE_RECOMMENDATION, MLPROXY_MODE_LEARNING,
			  MLPROXY_REASON_LEDGER);
	assert_int_equal(b->t.evidence.verdict, MLPROXY_VERDICT_LEDGER);
	assert_true(b->t.evidence.high_q16 < 0);
	/* it does not come back for its reward */
	assert_int_equal(run(b, &less, 100000), 0);
	/* nor for a ledger that could be worse, and would do for one that never was */
	b->m.verdicts.ledger_base = b->ledger;
	assert_int_equal(run(b, &slightly_less, 20000), 0);
	assert_true(b->m.verdicts.ledger.high_q16 > 0);
	/* another policy is another story */
	b->in.logic = trust_logic(MLPROXY_SRC_MODEL, 2);
	look(b);
	assert_false(b->m.verdicts.ledger_worse);
	to_collaboration(b, &good);
}

static void direction_of_the_ledger(void **state)
{
	const struct world more = { 50, 40, 0 };
	struct bench *b = *state;

	with_ledger(b);
	b->config.verdict.ledger_lower = true;
	assert_int_equal(run(b, &more, 20000), 0);
	assert_int_equal(b->m.verdicts.ledger.stance, MLPROXY_STANCE_CONTRADICTS);
	assert_int_equal(b->m.mode, MLPROXY_MODE_LEARNING);
}

/* ------------------------------------------------------------------ */
/* The outer experiment                                                */

static void cost_has_to_be_shown(void **state)
{
	struct bench *b = *state;

	with_costs(b);
	/* the reward is better in seconds, but nothing was paid yet */
	b->in.costs = NULL;
	b->config.verdict.outer = true;
	to_collaboration(b, &good);
	assert_int_equal(run(b, &good, 20000), 0);
	assert_int_equal(b->m.needs, MLPROXY_NEEDS_OUTER);
	b->in.costs = &b->costs;
	assert_true(run(b, &good, 200000));
	assert_int_equal(b->m.stage, MLPROXY_STAGE_RAMP);
	assert_true(b->m.verdicts.outer_experiment > 1);
}

static void cost_contradicts(void **state)
{
	const struct world costs_more = { 50, 50, -20 };
	struct bench *b = *state;
	u32 experiment;

	with_costs(b);
	to_collaboration(b, &costs_more);
	experiment = b->m.verdicts.outer_experiment;
	assert_true(run(b, &costs_more, 400000));
	assert_transition(b, MLPROXY_MODE_COLLABORATION, MLPROXY_MODE_LEARNING,
			  MLPROXY_REASON_OUTER);
	assert_int_equal(b->t.evidence.verdict, MLPROXY_VERDICT_OUTER);
	assert_true(b->t.evidence.high_q16 < 0);
	/* about 20 %, of what the baseline pays */
	assert_true(b->t.evidence.gain_q16 < -65536 / 10 &&
		    b->t.evidence.gain_q16 > -65536 / 3);
	assert_true(b->m.verdicts.outer_worse);
	assert_int_equal(b->m.verdicts.outer_experiment, experiment + 1);
	assert_int_equal(b->m.verdicts.outer_trial, 2);
	/* the reward does not bring it back, a cost that is no higher does */
	assert_int_equal(run(b, &costs_more, 200000), 0);
	assert_int_equal(b->m.needs & MLPROXY_NEEDS_OUTER, MLPROXY_NEEDS_OUTER);
	memset(&b->costs, 0, sizeof(b->costs));
	memset(&b->m.verdicts.outer_base, 0, sizeof(b->m.verdicts.outer_base));
	to_collaboration(b, &good);
}

static void cost_keeps_in_learning(void **state)
{
	const struct world costs_more = { 50, 50, -20 };
	struct bench *b = *state;

	with_costs(b);
	look(b);
	for (int i = 0; i < 200; i++)
		pay(b, -20);
	assert_int_equal(run(b, &costs_more, 50000), 0);
	assert_int_equal(b->m.verdicts.outer.stance, MLPROXY_STANCE_CONTRADICTS);
	assert_int_equal(b->m.needs, MLPROXY_NEEDS_OUTER);
}

/* What recommendation mode knows of the cost is new, and stays so. */
static void blocks_follow_each_other(void **state)
{
	const struct world turned = { 50, 50, -20 };
	struct bench *b = *state;
	u32 experiment, i;

	with_costs(b);
	to_ramp(b, &good);
	experiment = b->m.verdicts.outer_experiment;
	assert_int_equal(b->m.verdicts.outer.n[0], 0);
	assert_true(run(b, &good, 200000));
	assert_int_equal(b->m.mode, MLPROXY_MODE_RECOMMENDATION);
	assert_int_equal(b->m.verdicts.outer_experiment, experiment + 1);
	experiment = b->m.verdicts.outer_experiment;
	assert_int_equal(b->m.verdicts.outer.n[0], 0);
	for (i = 0; i < 300; i++) {
		pay(b, 20);
		b->in.now_ns += VERDICT_EVERY_NS;
		look(b);
	}
	assert_false(mode_in_doubt(&b->m));
	/* all groups were met: another block has begun, with no less of the probability */
	assert_true(b->m.verdicts.outer_experiment > experiment);
	assert_int_equal(b->m.verdicts.outer_trial, 2);
	/* a few of them are enough for doubt */
	for (i = 0; i < 12; i++) {
		pay(b, -200);
		b->in.now_ns += VERDICT_EVERY_NS;
		if (look(b))
			break;
	}
	assert_true(mode_in_doubt(&b->m) || b->m.mode == MLPROXY_MODE_LEARNING);
	if (b->m.mode == MLPROXY_MODE_RECOMMENDATION)
		assert_true(run(b, &turned, 400000));
	assert_transition(b, MLPROXY_MODE_RECOMMENDATION, MLPROXY_MODE_LEARNING,
			  MLPROXY_REASON_OUTER);
	assert_false(mode_in_doubt(&b->m));
}

/* Who puts one policy in place of another, and back, gains nothing by it. */
static void a_logic_is_remembered(void **state)
{
	const struct world costs_more = { 50, 50, -20 };
	struct bench *b = *state;

	with_costs(b);
	to_collaboration(b, &costs_more);
	assert_true(run(b, &costs_more, 400000));
	assert_int_equal(b->t.reason, MLPROXY_REASON_OUTER);
	assert_int_equal(b->m.verdicts.outer_trial, 2);
	for (u32 version = 2; version < 2 + MODE_REMEMBERED; version++) {
		b->in.logic = trust_logic(MLPROXY_SRC_MODEL, version);
		look(b);
		assert_false(b->m.verdicts.outer_worse);
		assert_int_equal(b->m.learning_trial, 1);
		assert_int_equal(b->m.trial, 0);
	}
	b->in.logic = trust_logic(MLPROXY_SRC_MODEL, 1);
	look(b);
	assert_true(b->m.verdicts.outer_worse);
	assert_true(b->m.verdicts.outer_trial >= 2);
	assert_int_equal(b->m.trial, 1);
	assert_int_equal(run(b, &costs_more, 100000), 0);
}

/* One that comes during an emergency has nothing of the one before it. */
static void a_logic_that_comes_in_emergency(void **state)
{
	const struct world costs_more = { 50, 50, -20 };
	struct bench *b = *state;

	with_costs(b);
	to_collaboration(b, &costs_more);
	assert_true(run(b, &costs_more, 400000));
	assert_true(b->m.verdicts.outer_worse);
	b->in.emergency = MLPROXY_REASON_CRITICAL;
	assert_true(look(b));
	b->in.emergency = 0;
	b->in.logic = trust_logic(MLPROXY_SRC_MODEL, 2);
	b->in.now_ns += MINUTE;
	assert_true(look(b));
	assert_int_equal(b->m.mode, MLPROXY_MODE_LEARNING);
	assert_false(b->m.verdicts.outer_worse);
	assert_int_equal(b->m.verdicts.outer_trial, 1);
}

/* A source that comes and goes does not use up the error probability. */
static void interruptions_are_no_tests(void **state)
{
	struct bench *b = *state;

	look(b);
	for (int i = 0; i < 20; i++) {
		b->in.logic = 0;
		look(b);
		b->in.logic = trust_logic(MLPROXY_SRC_MODEL, 1);
		look(b);
	}
	assert_int_equal(b->m.learning_trial, 1);
}

/* What is waited for long is known to be lost late: no step before. */
static void steps_wait_for_late_outcomes(void **state)
{
	struct bench *b = *state;

	b->config.pending_ns = MINUTE;
	assert_int_equal(run(b, &good, 115000), 0);
	assert_true(b->m.evidence.low_q16 > 0);
	assert_true(run(b, &good, 20000));
	assert_int_equal(b->m.mode, MLPROXY_MODE_COLLABORATION);
	assert_int_equal(run(b, &good, 115000), 0);
}

/* Learning and collaboration mode share one outer experiment; emergency ends it. */
static void one_outer_experiment_for_both(void **state)
{
	struct bench *b = *state;
	u32 experiment = b->m.verdicts.outer_experiment;

	with_costs(b);
	look(b);
	/* a logic that is new begins one */
	assert_int_equal(b->m.verdicts.outer_experiment, experiment + 1);
	to_collaboration(b, &good);
	assert_int_equal(b->m.verdicts.outer_experiment, experiment + 1);
	b->in.emergency = MLPROXY_REASON_CRITICAL;
	assert_true(look(b));
	assert_int_equal(b->m.mode, MLPROXY_MODE_EMERGENCY);
	assert_int_equal(b->m.verdicts.outer_experiment, experiment + 2);
	assert_int_equal(b->m.needs, MLPROXY_NEEDS_TIME);
	mode_machine_restart(&b->m, &b->in);
	assert_int_equal(b->m.verdicts.outer_experiment, experiment + 3);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* A look has time for one of them; the rewards come last, and steps with them. */
static void a_look_judges_one_part(void **state)
{
	struct bench *b = *state;

	with_ledger(b);
	with_costs(b);
	for (u32 i = 0; i < 400; i++) {
		eff_add(&b->sums, i & 1, EFF_CLUSTERS, 100 + (i & 2));
		eff_add(&b->ledger, i & 1, EFF_CLUSTERS, 100 + (i & 2));
		pay(b, 0);
	}
	b->in.now_ns = 1000000000;
	b->in.all = true;
	assert_false(mode_machine_look(&b->m, &b->config, &b->in, &b->t));
	assert_int_equal(b->m.verdicts.ledger.n[0], 200);
	assert_int_equal(b->m.verdicts.outer.n[0], 0);
	assert_int_equal(b->m.evidence.n[0], 0);
	assert_int_equal(b->m.due, MODE_PART_OUTER | MODE_PART_REWARD);
	b->in.all = false;
	assert_false(mode_machine_look(&b->m, &b->config, &b->in, &b->t));
	assert_true(b->m.verdicts.outer.n[0] > 0);
	assert_int_equal(b->m.evidence.n[0], 0);
	/* it can't wait, and nothing is forgotten */
	b->in.emergency = MLPROXY_REASON_CRITICAL;
	assert_true(mode_machine_look(&b->m, &b->config, &b->in, &b->t));
	assert_int_equal(b->m.mode, MLPROXY_MODE_EMERGENCY);
	assert_int_equal(b->m.due, MODE_PART_REWARD);
}

/* Looks that are far apart: each would have time for the first of the parts again. */
static void all_parts_have_their_turn(void **state)
{
	struct bench *b = *state;
	u32 judged = 0;

	with_ledger(b);
	with_costs(b);
	/* the logic is noticed when the rewards are judged */
	for (u32 i = 0; i < 3; i++) {
		u32 due = b->m.due;

		b->in.now_ns += 2 * VERDICT_EVERY_NS;
		mode_machine_look(&b->m, &b->config, &b->in, &b->t);
		due = i ? due : MODE_PART_LEDGER | MODE_PART_OUTER | MODE_PART_REWARD;
		judged |= due & ~b->m.due;
	}
	assert_int_equal(judged, MODE_PART_LEDGER | MODE_PART_OUTER | MODE_PART_REWARD);
	assert_int_equal(b->m.logic, b->in.logic);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		RULE(a_look_judges_one_part),
		RULE(all_parts_have_their_turn),
		RULE(ramp_lasts),
		RULE(ramp_without_gain_ends),
		RULE(ramp_without_ledger_ends),
		RULE(ramp_that_harms_falls),
		RULE(ramp_waits_for_outcomes),
		RULE(ledger_holds_a_policy_back),
		RULE(ledger_contradicts),
		RULE(direction_of_the_ledger),
		RULE(cost_has_to_be_shown),
		RULE(cost_contradicts),
		RULE(cost_keeps_in_learning),
		RULE(blocks_follow_each_other),
		RULE(a_logic_is_remembered),
		RULE(a_logic_that_comes_in_emergency),
		RULE(interruptions_are_no_tests),
		RULE(steps_wait_for_late_outcomes),
		RULE(one_outer_experiment_for_both),
	};

	return cmocka_run_group_tests_name("verdicts", tests, NULL, NULL);
}
