// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of the mode machine: each transition with its reason, hysteresis, the
 * spending of the error probability, and the hold of an emergency.
 */
#include "unit.h"

#include "mode_bench.h"

static void good_model_climbs(void **state)
{
	struct bench *b = *state;

	climb(b);
	assert_true(b->t.evidence.n[0] >= 200 && b->t.evidence.n[1] >= 200);
	assert_true(b->t.evidence.low_q16 > 0);
	assert_int_equal(b->t.evidence.gain_q16, 50 << 16);
	assert_int_equal(b->t.evidence.model_version, 1);
	assert_int_equal(run(b, 50, 200000), 0);
}

static void worse_model_falls(void **state)
{
	struct bench *b = *state;

	climb(b);
	assert_true(run(b, -60, 100000));
	assert_transition(b, MLPROXY_MODE_RECOMMENDATION, MLPROXY_MODE_LEARNING,
			  MLPROXY_REASON_WORSE);
	assert_true(b->t.evidence.high_q16 < 0);
}

static void not_better_twice_steps_down(void **state)
{
	struct bench *b = *state;
	u32 n;

	climb(b);
	/* a block without gain, one with gain, and two without */
	b->config.block = 16384;
	assert_int_equal(run(b, -2, 17000), 0);
	assert_int_equal(b->m.blocks_without_gain, 1);
	assert_int_equal(run(b, 30, 17000), 0);
	assert_int_equal(b->m.blocks_without_gain, 0);
	n = run(b, -2, 60000);
	assert_transition(b, MLPROXY_MODE_RECOMMENDATION, MLPROXY_MODE_COLLABORATION,
			  MLPROXY_REASON_NOT_BETTER);
	assert_true(n > 16384);
	assert_int_equal(b->m.blocks_without_gain, 0);
	assert_true(b->t.evidence.n[0] >= 200);
}

/* Control groups too small for a gain don't keep a block open for ever. */
static void no_control_group_is_no_gain(void **state)
{
	struct bench *b = *state;
	u32 n = 0;

	climb(b);
	while (!look(b) && n++ < 1000000)
		outcome(b, MLPROXY_ARM_MODEL, 50);
	assert_transition(b, MLPROXY_MODE_RECOMMENDATION, MLPROXY_MODE_COLLABORATION,
			  MLPROXY_REASON_NOT_BETTER);
	assert_in_range(n, 8 * 16384 - 64, 8 * 16384 + 64);
}

static void worse_in_collaboration_falls(void **state)
{
	struct bench *b = *state;

	assert_true(run(b, 50, 100000));
	assert_true(run(b, -60, 100000));
	assert_transition(b, MLPROXY_MODE_COLLABORATION, MLPROXY_MODE_LEARNING,
			  MLPROXY_REASON_WORSE);
	/* a worse model stays there */
	assert_int_equal(run(b, -60, 100000), 0);
}

static void margin_decides_in_learning(void **state)
{
	struct bench *b = *state;

	/* worse by 0.05 sd: within the margin of 0.1 */
	assert_true(run(b, -5, 400000));
	assert_transition(b, MLPROXY_MODE_LEARNING, MLPROXY_MODE_COLLABORATION,
			  MLPROXY_REASON_NOT_WORSE);
	assert_true(b->t.evidence.gain_q16 < 0);
	setup(state);
	free(b);
	b = *state;
	b->config.margin_q16 = 0;
	assert_int_equal(run(b, -5, 400000), 0);
}

static void models_come_and_go(void **state)
{
	struct bench *b = *state;
	u32 experiment;

	climb(b);
	b->in.logic = trust_logic(MLPROXY_SRC_MODEL, 2);
	assert_true(look(b));
	assert_transition(b, MLPROXY_MODE_RECOMMENDATION, MLPROXY_MODE_LEARNING,
			  MLPROXY_REASON_NEW_MODEL);
	assert_int_equal(b->t.evidence.model_version, 1);
	assert_int_equal(b->m.trial, 0);
	assert_int_equal(b->m.learning_trial, 1);
	/* in learning: only another experiment */
	run(b, 0, 640);
	experiment = b->m.experiment;
	b->in.logic = trust_logic(MLPROXY_SRC_MODEL, 3);
	assert_false(look(b));
	assert_true(b->m.experiment != experiment);
	assert_false(look(b));
	assert_int_equal(b->m.evidence.n[0], 0);
	assert_int_equal(b->m.evidence.model_version, 3);
	climb(b);
	b->in.logic = 0;
	assert_true(look(b));
	assert_transition(b, MLPROXY_MODE_RECOMMENDATION, MLPROXY_MODE_LEARNING,
			  MLPROXY_REASON_NO_MODEL);
	/* without a model nothing climbs */
	assert_int_equal(run(b, 50, 20000), 0);
	/* the same one again has not a fresh alpha */
	b->in.logic = trust_logic(MLPROXY_SRC_MODEL, 3);
	look(b);
	assert_int_equal(b->m.trial, 1);
	assert_int_equal(b->m.learning_trial, 3);
}

static void each_experiment_spends_alpha(void **state)
{
	struct bench *b = *state;

	for (u32 k = 1; k < 6; k++) {
		assert_int_equal(b->m.learning_trial, k);
		assert_true(run(b, 50, 100000));
		assert_int_equal(b->m.mode, MLPROXY_MODE_COLLABORATION);
		assert_int_equal(b->m.trial, k);
		assert_true(run(b, -80, 100000));
		assert_int_equal(b->t.reason, MLPROXY_REASON_WORSE);
	}
}

/* The machine judges by the trial, not only counts it. */
static void trial_widens_the_interval(void **state)
{
	struct bench *b = *state;
	s64 low;

	run(b, 0, 6400);
	low = b->m.evidence.low_q16;
	assert_true(low > S64_MIN);
	b->m.learning_trial = 9;
	look(b);
	assert_true(b->m.evidence.low_q16 < low);
}

static void drop_is_an_emergency(void **state)
{
	struct bench *b = *state;
	u32 n;

	climb(b);
	run(b, 50, 30 * LOOK_EVERY);
	n = run(b, -250, 10000);
	assert_transition(b, MLPROXY_MODE_RECOMMENDATION, MLPROXY_MODE_EMERGENCY,
			  MLPROXY_REASON_DROP);
	assert_true(b->t.evidence.value < b->t.evidence.limit);
	assert_true(b->t.evidence.limit < 0);
	/* outcomes with the control group's 1/64 */
	assert_true(n <= 2 * 256 * 65 / 64 + 2 * LOOK_EVERY);
}

static void drop_in_learning_too(void **state)
{
	struct bench *b = *state;

	assert_true(run(b, -150, 256 * 16 + LOOK_EVERY));
	assert_transition(b, MLPROXY_MODE_LEARNING, MLPROXY_MODE_EMERGENCY,
			  MLPROXY_REASON_DROP);
}

static void environment_s_drop_is_none(void **state)
{
	struct bench *b = *state;

	climb(b);
	for (u32 i = 1; i <= 20000; i++) {
		u32 arm = i % 64 ? MLPROXY_ARM_MODEL : MLPROXY_ARM_BASELINE;

		outcome(b, arm, arm == MLPROXY_ARM_MODEL ? -350 : -400);
		if (i % LOOK_EVERY == 0)
			assert_false(look(b));
	}
}

static void errors_are_an_emergency(void **state)
{
	struct bench *b = *state;

	/* 1/16 is not above 1/16 */
	for (u32 i = 0; i < 5000; i++) {
		b->in.candidates += 16;
		b->in.failures++;
		assert_false(look(b));
	}
	/* 31 of 31 are too few: a stretch of 1024 has just begun */
	b->in.candidates += 1024;
	assert_false(look(b));
	b->in.candidates += 31;
	b->in.failures += 31;
	assert_false(look(b));
	b->in.candidates++;
	b->in.failures++;
	assert_true(look(b));
	assert_transition(b, MLPROXY_MODE_LEARNING, MLPROXY_MODE_EMERGENCY,
			  MLPROXY_REASON_ERRORS);
	assert_int_equal(b->t.evidence.value, 65536);
	assert_int_equal(b->t.evidence.limit, 4096);
}

static void errors_can_be_switched_off(void **state)
{
	struct bench *b = *state;

	b->config.error_share = MLPROXY_SHARE_ONE;
	b->in.candidates = 10000;
	b->in.failures = 20000;
	assert_false(look(b));
}

static void latency_is_an_emergency(void **state)
{
	struct bench *b = *state;

	/* 15 of 100 are tolerated, as often as it happens */
	for (u32 i = 0; i < 100; i++) {
		b->in.latency_samples += 100;
		b->in.latency_over += 15;
		assert_false(look(b));
	}
	b->in.latency_samples += 100;
	assert_false(look(b));
	b->in.latency_samples += 16;
	b->in.latency_over += 16;
	/* a stretch ends at 128 measurements */
	if (!look(b)) {
		b->in.latency_samples += 32;
		b->in.latency_over += 32;
		assert_true(look(b));
	}
	assert_transition(b, MLPROXY_MODE_LEARNING, MLPROXY_MODE_EMERGENCY,
			  MLPROXY_REASON_LATENCY);
	assert_true(b->t.evidence.value > b->t.evidence.limit);
	assert_int_equal(b->t.evidence.limit, 16384);
}

static void ask_emergency(struct bench *b, u32 reason)
{
	b->in.emergency = reason;
	b->in.cause_lasts = true;
	b->in.value = 70;
	b->in.limit = 50;
	assert_true(look(b));
	assert_int_equal(b->t.to, MLPROXY_MODE_EMERGENCY);
	assert_int_equal(b->t.reason, reason);
	assert_int_equal(b->t.evidence.value, 70);
	assert_int_equal(b->t.evidence.limit, 50);
}

static void end_cause(struct bench *b)
{
	b->in.emergency = 0;
	b->in.cause_lasts = false;
}

static void emergency_from_each_mode(void **state)
{
	struct bench *b = *state;

	for (u32 mode = MLPROXY_MODE_LEARNING; mode < MLPROXY_NR_MODES; mode++) {
		while (b->m.mode != mode)
			assert_true(run(b, 50, 100000));
		ask_emergency(b, MLPROXY_REASON_CRITICAL);
		assert_int_equal(b->t.from, mode);
		b->in.now_ns += 1000 * b->config.hold_ns;
		assert_false(look(b));
		end_cause(b);
		assert_true(look(b));
		assert_transition(b, MLPROXY_MODE_EMERGENCY, MLPROXY_MODE_LEARNING,
				  MLPROXY_REASON_RECOVERED);
	}
}

static void hold_doubles_and_is_forgotten(void **state)
{
	struct bench *b = *state;
	u64 hold = b->config.hold_ns, expected = hold;

	for (u32 k = 0; k < 10; k++) {
		ask_emergency(b, MLPROXY_REASON_BAD_STATE);
		end_cause(b);
		assert_int_equal(mode_hold_ns(&b->m, &b->config), expected);
		b->in.now_ns += expected - 1;
		assert_false(look(b));
		b->in.now_ns++;
		assert_true(look(b));
		assert_int_equal(b->t.reason, MLPROXY_REASON_RECOVERED);
		assert_int_equal(mode_hold_ns(&b->m, &b->config), 0);
		if (k < 6)
			expected *= 2;
	}
	b->in.now_ns += 64 * hold - 1;
	ask_emergency(b, MLPROXY_REASON_BAD_STATE);
	end_cause(b);
	assert_int_equal(mode_hold_ns(&b->m, &b->config), 64 * hold);
	b->in.now_ns += 64 * hold;
	assert_true(look(b));
	b->in.now_ns += 64 * hold;
	ask_emergency(b, MLPROXY_REASON_BAD_STATE);
	end_cause(b);
	assert_int_equal(mode_hold_ns(&b->m, &b->config), hold);
	b->in.now_ns += hold;
	assert_true(look(b));
	/* recommendation mode forgives, too */
	climb(b);
	ask_emergency(b, MLPROXY_REASON_BAD_STATE);
	assert_int_equal(mode_hold_ns(&b->m, &b->config), hold);
}

static void lost_agent_is_not_held(void **state)
{
	struct bench *b = *state;

	for (u32 k = 0; k < 5; k++) {
		ask_emergency(b, MLPROXY_REASON_AGENT_LOST);
		assert_int_equal(mode_hold_ns(&b->m, &b->config), 0);
		assert_false(look(b));
		end_cause(b);
		assert_true(look(b));
		assert_int_equal(b->t.reason, MLPROXY_REASON_RECOVERED);
	}
	ask_emergency(b, MLPROXY_REASON_CRITICAL);
	assert_int_equal(mode_hold_ns(&b->m, &b->config), b->config.hold_ns);
}

static void set(struct bench *b, u32 mode, bool automatic)
{
	mode_machine_set(&b->m, &b->in, mode, automatic, &b->t);
}

static void operator_fixes_the_mode(void **state)
{
	struct bench *b = *state;
	u32 experiment = b->m.experiment;

	set(b, MLPROXY_MODE_RECOMMENDATION, false);
	assert_transition(b, MLPROXY_MODE_LEARNING, MLPROXY_MODE_RECOMMENDATION,
			  MLPROXY_REASON_OPERATOR);
	assert_true(b->m.experiment != experiment);
	/* neither a bad model nor a cause of emergency moves it; the evidence is fresh */
	b->in.emergency = MLPROXY_REASON_CRITICAL;
	b->in.candidates = 1000;
	b->in.failures = 1000;
	assert_int_equal(run(b, -300, 40000), 0);
	assert_true(b->m.evidence.high_q16 < 0);
	b->in.logic = trust_logic(MLPROXY_SRC_MODEL, 2);
	assert_false(look(b));
	assert_int_equal(b->m.mode, MLPROXY_MODE_RECOMMENDATION);
	b->in.logic = 0;
	assert_false(look(b));
	end_cause(b);
	set(b, MLPROXY_MODE_EMERGENCY, false);
	b->in.now_ns += 1000 * b->config.hold_ns;
	assert_false(look(b));
	assert_int_equal(mode_hold_ns(&b->m, &b->config), 0);
	set(b, MLPROXY_MODE_RECOMMENDATION, true);
	assert_transition(b, MLPROXY_MODE_EMERGENCY, MLPROXY_MODE_LEARNING,
			  MLPROXY_REASON_AUTO);
	b->in.logic = trust_logic(MLPROXY_SRC_MODEL, 4);
	look(b);
	climb(b);
}

static void handed_back_it_stays(void **state)
{
	struct bench *b = *state;

	set(b, MLPROXY_MODE_COLLABORATION, false);
	assert_int_equal(run(b, -20, 20000), 0);
	set(b, MLPROXY_MODE_EMERGENCY, true);
	assert_transition(b, MLPROXY_MODE_COLLABORATION, MLPROXY_MODE_COLLABORATION,
			  MLPROXY_REASON_AUTO);
	/* what was before it does not count */
	assert_false(look(b));
	assert_int_equal(b->m.evidence.n[0] + b->m.evidence.n[1], 0);
	assert_true(run(b, -20, 20000));
	assert_int_equal(b->t.reason, MLPROXY_REASON_WORSE);
}

/* The same number from another source is another logic. */
static void sources_are_told_apart(void **state)
{
	struct bench *b = *state;

	b->in.logic = trust_logic(MLPROXY_SRC_RECOMMENDATION, 1);
	assert_true(run(b, 50, 100000));
	b->in.logic = trust_logic(MLPROXY_SRC_BPF, 1);
	assert_true(look(b));
	assert_transition(b, MLPROXY_MODE_COLLABORATION, MLPROXY_MODE_LEARNING,
			  MLPROXY_REASON_NEW_MODEL);
	/* An agent may well count from 0. */
	b->in.logic = trust_logic(MLPROXY_SRC_RECOMMENDATION, 0);
	assert_false(look(b));
	assert_true(run(b, 50, 100000));
	b->in.logic = 0;
	assert_true(look(b));
	assert_transition(b, MLPROXY_MODE_COLLABORATION, MLPROXY_MODE_LEARNING,
			  MLPROXY_REASON_NO_MODEL);
}

/* However good its outcomes, what changes all the time is not tested to the end. */
static void changing_versions_stay_in_learning(void **state)
{
	struct bench *b = *state;

	for (u32 i = 0; i < 2000; i++) {
		b->in.logic = trust_logic(MLPROXY_SRC_RECOMMENDATION, i & 1);
		assert_int_equal(run(b, 500, LOOK_EVERY), 0);
		assert_int_equal(b->m.mode, MLPROXY_MODE_LEARNING);
	}
}

/* The arms are drawn in another way: what was before it does not count. */
static void restart_forgets(void **state)
{
	struct bench *b = *state;
	u32 experiment;

	/* too few to have been judged: no test is spent */
	assert_int_equal(run(b, 50, 640), 0);
	experiment = b->m.experiment;
	mode_machine_restart(&b->m, &b->in);
	assert_int_equal(b->m.experiment, experiment + 1);
	assert_int_equal(b->m.learning_trial, 1);
	assert_int_equal(b->m.evidence.n[0] + b->m.evidence.n[1], 0);
	assert_false(look(b));
	assert_int_equal(b->m.evidence.n[0] + b->m.evidence.n[1], 0);
	climb(b);
	assert_int_equal(run(b, 50, 16384), 0);
	mode_machine_restart(&b->m, &b->in);
	assert_int_equal(b->m.mode, MLPROXY_MODE_RECOMMENDATION);
	assert_int_equal(b->m.past.arm[0].n, 0);
	assert_false(look(b));
	assert_int_equal(b->m.evidence.n[0] + b->m.evidence.n[1], 0);
}

static void restart_spends_a_test(void **state)
{
	struct bench *b = *state;

	b->config.margin_q16 = 0;
	assert_int_equal(run(b, 0, 6400), 0);
	assert_true(b->m.evidence.low_q16 != S64_MIN);
	mode_machine_restart(&b->m, &b->in);
	assert_int_equal(b->m.learning_trial, 2);
	assert_int_equal(b->m.mode, MLPROXY_MODE_LEARNING);
}

/* As run(), while of each arm's outcomes one of so many never comes; 0 for none. */
static u32 run_losing(struct bench *b, s64 model_mean, u32 limit, const u32 one_of[2])
{
	u64 seen[2] = { b->sums.arm[0].n, b->sums.arm[1].n };

	for (u32 done = 0; done < limit; done += LOOK_EVERY) {
		if (run(b, model_mean, LOOK_EVERY))
			return done + LOOK_EVERY;
		for (u32 arm = 0; arm < 2; arm++) {
			if (!one_of[arm])
				continue;
			b->sums.arm[arm].lost += b->sums.arm[arm].n / one_of[arm] -
						 seen[arm] / one_of[arm];
			seen[arm] = b->sums.arm[arm].n;
		}
	}
	return 0;
}

/* The model's bad outcomes may be those that are lost. */
static void losses_that_differ_stop_the_climb(void **state)
{
	static const u32 models[2] = { 0, 20 }, baselines[2] = { 20, 0 }, both[2] = { 20, 20 };
	struct bench *b = *state;

	assert_int_equal(run_losing(b, 50, 50000, models), 0);
	assert_true(b->m.losses_differ);
	assert_true(b->m.evidence.low_q16 > 0);
	b->in.logic = trust_logic(MLPROXY_SRC_MODEL, 2);
	assert_int_equal(run_losing(b, 50, 50000, baselines), 0);
	b->in.logic = trust_logic(MLPROXY_SRC_MODEL, 3);
	assert_true(run_losing(b, 50, 50000, both));
	assert_transition(b, MLPROXY_MODE_LEARNING, MLPROXY_MODE_COLLABORATION,
			  MLPROXY_REASON_NOT_WORSE);
	/* beyond doubt, it takes the policy back */
	assert_true(run_losing(b, 50, 50000, models));
	assert_transition(b, MLPROXY_MODE_COLLABORATION, MLPROXY_MODE_LEARNING,
			  MLPROXY_REASON_LOSSES);
	assert_true(b->m.measured_worse);
}

static void losses_that_differ_are_no_gain(void **state)
{
	static const u32 models[2] = { 0, 20 };
	struct bench *b = *state;

	climb(b);
	assert_true(run_losing(b, 50, 60000, models));
	assert_transition(b, MLPROXY_MODE_RECOMMENDATION, MLPROXY_MODE_COLLABORATION,
			  MLPROXY_REASON_NOT_BETTER);
	assert_true(b->t.evidence.gain_q16 > 0);
}

/* An experiment ends before its sums are too large. */
static void experiment_is_bounded(void **state)
{
	struct bench *b = *state;
	u32 experiment;

	b->config.margin_q16 = 0;
	assert_int_equal(run(b, 0, 6400), 0);
	experiment = b->m.experiment;
	b->sums.arm[0].n += EFF_MAX_OUTCOMES - 10000;
	assert_false(look(b));
	assert_int_equal(b->m.experiment, experiment);
	b->sums.arm[0].n += 10000;
	assert_false(look(b));
	assert_int_equal(b->m.experiment, experiment + 1);
	assert_int_equal(b->m.learning_trial, 2);
	assert_false(look(b));
	assert_int_equal(b->m.evidence.n[0] + b->m.evidence.n[1], 0);
}

/* A good model stays where it is, an equal one does not swing. */
static void does_not_flap(void **state)
{
	struct bench *b = *state;
	u32 changes = 0;

	climb(b);
	assert_int_equal(run(b, 10, 500000), 0);
	for (u32 i = 0; i < 40; i++)
		changes += run(b, -2, 20000) > 0;
	/* down to collaboration, then to learning, and there it stays */
	assert_int_equal(changes, 2);
	assert_int_equal(b->m.mode, MLPROXY_MODE_LEARNING);
}

/*
 * A drop that is suspected is judged in a look of its own; one that nobody can be made out
 * for is not judged again before there is more to judge by.
 */
static void a_drop_is_judged_once(void **state)
{
	struct bench *b = *state;

	b->in.logic = trust_logic(MLPROXY_SRC_MODEL, 1);
	look(b);
	for (u32 i = 0; i < 8000; i++)
		outcome(b, i & 1, i & 1 ? -30 : 0);
	assert_false(look(b));
	/* the baseline is not met meanwhile: whose is it? */
	for (u32 i = 0; i < 300; i++)
		outcome(b, MLPROXY_ARM_MODEL, -500);
	assert_false(mode_machine_look(&b->m, &b->config, &b->in, &b->t));
	assert_int_equal(b->m.due, MODE_PART_DROP);
	assert_false(mode_machine_look(&b->m, &b->config, &b->in, &b->t));
	assert_int_equal(b->m.due, MODE_PART_REWARD);
	assert_false(mode_machine_look(&b->m, &b->config, &b->in, &b->t));
	assert_int_equal(b->m.due, 0);
	outcome(b, MLPROXY_ARM_MODEL, -500);
	assert_false(mode_machine_look(&b->m, &b->config, &b->in, &b->t));
	assert_int_equal(b->m.due, MODE_PART_DROP);
	for (u32 i = 0; i < 20; i++)
		outcome(b, MLPROXY_ARM_BASELINE, 0);
	assert_true(mode_machine_look(&b->m, &b->config, &b->in, &b->t));
	assert_transition(b, MLPROXY_MODE_LEARNING, MLPROXY_MODE_EMERGENCY,
			  MLPROXY_REASON_DROP);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RULE(a_drop_is_judged_once),
		RULE(good_model_climbs),
		RULE(worse_model_falls),
		RULE(worse_in_collaboration_falls),
		RULE(not_better_twice_steps_down),
		RULE(no_control_group_is_no_gain),
		RULE(margin_decides_in_learning),
		RULE(models_come_and_go),
		RULE(each_experiment_spends_alpha),
		RULE(trial_widens_the_interval),
		RULE(drop_is_an_emergency),
		RULE(drop_in_learning_too),
		RULE(environment_s_drop_is_none),
		RULE(errors_are_an_emergency),
		RULE(errors_can_be_switched_off),
		RULE(latency_is_an_emergency),
		RULE(emergency_from_each_mode),
		RULE(hold_doubles_and_is_forgotten),
		RULE(lost_agent_is_not_held),
		RULE(operator_fixes_the_mode),
		RULE(handed_back_it_stays),
		RULE(sources_are_told_apart),
		RULE(changing_versions_stay_in_learning),
		RULE(restart_forgets),
		RULE(restart_spends_a_test),
		RULE(losses_that_differ_stop_the_climb),
		RULE(losses_that_differ_are_no_gain),
		RULE(experiment_is_bounded),
		RULE(does_not_flap),
	};

	return cmocka_run_group_tests_name("mode rules", tests, NULL, NULL);
}
