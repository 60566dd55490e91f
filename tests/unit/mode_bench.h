/* SPDX-License-Identifier: GPL-2.0-only */
/* A mode machine with what it looks at, for the tests of its rules. */
#ifndef _MLPROXY_TEST_MODE_BENCH_H
#define _MLPROXY_TEST_MODE_BENCH_H

#include "unit.h"

#include "mode_rules.h"
#include "mode_sim.h"

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

static inline int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	mode_config_defaults(&b->config);
	b->config.ramp_ns = 0;
	mode_machine_init(&b->m, 0);
	b->in.sums = &b->sums;
	b->in.logic = trust_logic(MLPROXY_SRC_MODEL, 1);
	*state = b;
	return 0;
}

static inline int teardown(void **state)
{
	free(*state);
	return 0;
}

static inline bool look(struct bench *b)
{
	return sim_look(&b->m, &b->config, &b->in, &b->t);
}

/* An outcome of @arm with mean @mean and standard deviation 100, without luck. */
static inline void outcome(struct bench *b, u32 arm, s64 mean)
{
	eff_add(&b->sums, arm, EFF_CLUSTERS, mean + (b->sums.arm[arm].n & 1 ? 100 : -100));
}

/*
 * Outcomes as the present mode shares them, baseline with mean 0, until the mode changes.
 * Return: outcomes until then, 0 if it did not within @limit.
 */
static inline u32 run(struct bench *b, s64 model_mean, u32 limit)
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

static inline void assert_transition(const struct bench *b, u32 from, u32 to, u32 reason)
{
	assert_int_equal(b->t.from, from);
	assert_int_equal(b->t.to, to);
	assert_int_equal(b->t.reason, reason);
	assert_int_equal(b->t.time_ns, b->in.now_ns);
	assert_int_equal(b->m.mode, to);
}

static inline void climb(struct bench *b)
{
	assert_true(run(b, 50, 100000));
	assert_transition(b, MLPROXY_MODE_LEARNING, MLPROXY_MODE_COLLABORATION,
			  MLPROXY_REASON_NOT_WORSE);
	assert_true(run(b, 50, 100000));
	assert_transition(b, MLPROXY_MODE_COLLABORATION, MLPROXY_MODE_RECOMMENDATION,
			  MLPROXY_REASON_BETTER);
}

#endif /* _MLPROXY_TEST_MODE_BENCH_H */
