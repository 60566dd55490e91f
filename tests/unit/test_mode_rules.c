// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of the mode machine: each transition with its reason, hysteresis, the
 * spending of the error probability, and the hold of an emergency.
 */
#include "unit.h"

#include "mode_rules.h"

#define LOOK_EVERY	64

/* A machine with what it looks at. */
struct bench {
	struct mode_machine m;
	struct mode_config config;
	struct mode_input in;
	struct eff_sums sums;
	struct mlproxy_transition t;
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
	b->in.model_version = 1;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static bool look(struct bench *b)
{
	return mode_machine_look(&b->m, &b->config, &b->in, &b->t);
}

/* An outcome of @arm with mean @mean and standard deviation 100, without luck. */
static void outcome(struct bench *b, u32 arm, s64 mean)
{
	eff_add(&b->sums, arm, EFF_CLUSTERS, mean + (b->sums.arm[arm].n & 1 ? 100 : -100));
}

/*
 * Outcomes as the present mode shares them, baseline with mean 0, until the mode changes.
 * Return: outcomes until then, 0 if it did not within @limit.
 */
static u32 run(struct bench *b, s64 model_mean, u32 limit)
{
	static const u32 every[] = { [MLPROXY_MODE_EMERGENCY] = 0, [MLPROXY_MODE_LEARNING] = 16,
				     [MLPROXY_MODE_COLLABORATION] = 2,
				     [MLPROXY_MODE_RECOMMENDATION] = 64 };

	for (u32 i = 1; i <= limit; i++) {
		u32 period = every[b->m.mode];
		u32 arm = period && b->step++ % period == 0 ? MLPROXY_ARM_MODEL :
							      MLPROXY_ARM_BASELINE;

		if (b->m.mode == MLPROXY_MODE_RECOMMENDATION)
			arm = !arm;
		outcome(b, arm, arm == MLPROXY_ARM_MODEL ? model_mean : 0);
		b->in.now_ns += 1000;
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
	assert_int_equal(b->t.time_ns, b->in.now_ns);
	assert_int_equal(b->m.mode, to);
}

static void climb(struct bench *b)
{
	assert_true(run(b, 50, 100000));
	assert_transition(b, MLPROXY_MODE_LEARNING, MLPROXY_MODE_COLLABORATION,
			  MLPROXY_REASON_NOT_WORSE);
	assert_true(run(b, 50, 100000));
	assert_transition(b, MLPROXY_MODE_COLLABORATION, MLPROXY_MODE_RECOMMENDATION,
			  MLPROXY_REASON_BETTER);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_model_climbs, setup, teardown),
		cmocka_unit_test_setup_teardown(worse_model_falls, setup, teardown),
	};

	return cmocka_run_group_tests_name("mode rules", tests, NULL, NULL);
}
