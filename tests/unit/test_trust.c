// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trust belongs to one logic: what another one proposes gets the share of learning mode
 * at most, from its very first decision on, however its versions are numbered.
 */
#include "unit.h"

#include "mode_rules.h"
#include "mode_sim.h"
#include "rng.h"

static void word_keeps_its_parts(void **state)
{
	static const u32 versions[] = { 0, 1, 7, U32_MAX };

	(void)state;
	for (u32 mode = 0; mode < MLPROXY_NR_MODES; mode++) {
		for (u32 source = 0; source < MLPROXY_NR_SOURCES; source++) {
			for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
				u64 logic = trust_logic(source, versions[v]);
				u64 fixed = trust_make(mode, false, logic);

				assert_int_equal(trust_mode(fixed), mode);
				assert_int_equal(trust_mode(trust_make(mode, true, logic)), mode);
				assert_int_equal(trust_source(logic), source);
				assert_int_equal(trust_version(logic), versions[v]);
				assert_true(trust_tests(fixed, logic));
				assert_false(trust_tests(fixed, trust_logic(source, 2)));
				assert_false(trust_tests(fixed, trust_logic(source ^ 1,
									    versions[v])));
			}
		}
	}
}

static void untested_is_as_in_learning(void **state)
{
	u64 logic = trust_logic(MLPROXY_SRC_MODEL, 3);
	u32 mode;

	(void)state;
	for (mode = 0; mode < MLPROXY_NR_MODES; mode++) {
		u32 is = trust_limit(trust_make(mode, true, logic), mode);

		assert_int_equal(is, mode > MLPROXY_MODE_LEARNING ? MLPROXY_MODE_LEARNING : mode);
		/* the operator answers for what he fixed */
		assert_int_equal(trust_limit(trust_make(mode, false, logic), mode), mode);
	}
}

/*
 * An agent whose versions come and go as it likes, all of them good, under a machine
 * that looks every 64 decisions and is told the version that came last. No decision with
 * a version that has not earned it is made in a higher mode; only a version that stays
 * for long gets there.
 */
static void hostile_versions_earn_nothing(void **state)
{
	struct rng rng = rng_seed(19);
	struct mode_machine m;
	struct mode_config config;
	struct eff_sums sums = {};
	struct mode_input in = { .sums = &sums };
	struct mlproxy_transition t;
	u64 earned[4] = {};	/* counted decisions since the version came under test */
	u32 last = 0, higher = 0;
	u64 trust;

	(void)state;
	mode_config_defaults(&config);
	mode_machine_init(&m, 0);
	for (u32 i = 0; i < 200000; i++) {
		/* stretches of one version, short and long, and a mixture in the table */
		u32 proposed = rng_below(&rng, 8) ? last : rng_below(&rng, 4);
		u64 logic = trust_logic(MLPROXY_SRC_RECOMMENDATION, proposed);
		u32 mode;

		if (!rng_below(&rng, i < 100000 ? 50 : 20000))
			last = rng_below(&rng, 4);
		trust = trust_make(m.mode, m.automatic, m.logic);
		mode = trust_mode(trust);
		if (!trust_tests(trust, logic)) {
			mode = trust_limit(trust, mode);
			assert_true(mode <= MLPROXY_MODE_LEARNING);
		} else {
			u32 arm = rng_below(&rng, 4) == 0;

			eff_add(&sums, arm, EFF_CLUSTERS,
				(arm ? 80 : 0) + rng_range(&rng, -99, 99));
			earned[proposed]++;
		}
		if (mode > MLPROXY_MODE_LEARNING) {
			assert_true(earned[proposed] >= 2 * config.min_samples);
			assert_true(i >= 100000);
			higher++;
		}
		in.now_ns += 1000;
		if (i % 64 == 63) {
			in.logic = trust_logic(MLPROXY_SRC_RECOMMENDATION, last);
			if (in.logic != m.logic)
				earned[last] = 0;
			sim_look(&m, &config, &in, &t);
		}
	}
	assert_true(m.experiment > 500);
	assert_true(higher > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(word_keeps_its_parts),
		cmocka_unit_test(untested_is_as_in_learning),
		cmocka_unit_test(hostile_versions_earn_nothing),
	};

	return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
