// SPDX-License-Identifier: GPL-2.0-only
/*
 * Schema and efficiency, whose arrays and structures grow, against a device that the test
 * plays: of this day, and of another one.
 */
#include "lib_kernel.h"

#include <errno.h>

static void schema_arrays(void **state)
{
	struct mlproxy_schema_desc *schema;

	mlproxy_bind(*state, "synth");
	assert_int_equal(mlproxy_schema_get(*state, &schema), 0);
	assert_string_equal(schema->proxy, "synth");
	assert_int_equal(schema->s.nr_features, 3);
	assert_int_equal(mlproxy_schema_feature(schema, "f2"), 2);
	assert_int_equal(mlproxy_schema_feature(schema, "f3"), -ENOENT);
	assert_int_equal(mlproxy_schema_action(schema, "on"), 1);
	assert_int_equal(mlproxy_schema_action(schema, ""), -ENOENT);
	assert_int_equal(schema->s.nr_states, 1);
	/* without an end in the kernel's answer */
	assert_int_equal(strlen(schema->states[0].name), MLPROXY_NAME_LEN - 1);
	assert_int_equal(mlproxy_schema_event(schema, "second"), 1);
	assert_int_equal(mlproxy_schema_event(schema, "third"), -ENOENT);
	assert_int_equal(schema->s.nr_strata, 0);
	assert_string_equal(mlproxy_schema_stratum(schema, 0), "?");
	assert_int_equal(strlen(schema->s.ledger_name), MLPROXY_NAME_LEN - 1);
	mlproxy_schema_free(schema);
	mlproxy_schema_free(NULL);
	kernel.nr_states = MLPROXY_MAX_STATES + 1;
	assert_int_equal(mlproxy_schema_get(*state, &schema), -EPROTO);
	kernel.nr_states = 1;
	kernel.nr_features = MLPROXY_MAX_FEATURES + 1;
	assert_int_equal(mlproxy_schema_get(*state, &schema), -EPROTO);
	assert_null(schema);
}

static void strata(void **state)
{
	struct mlproxy_schema_sizes sizes = {
		offsetof(struct mlproxy_schema_sizes, stratum),
		offsetof(struct mlproxy_schema_desc, s) + 168, 168,
		sizeof(struct mlproxy_feature), sizeof(struct mlproxy_action),
		sizeof(struct mlproxy_feature), sizeof(struct mlproxy_event_desc), 0,
	};
	struct mlproxy_schema_desc *schema;

	mlproxy_bind(*state, "synth");
	kernel.nr_strata = 2;
	assert_int_equal(mlproxy_schema_get(*state, &schema), 0);
	assert_int_equal(schema->s.nr_strata, 2);
	assert_int_equal(mlproxy_schema_stratum(schema, 1)[0], '1');
	assert_int_equal(strlen(mlproxy_schema_stratum(schema, 1)), MLPROXY_NAME_LEN - 1);
	assert_string_equal(mlproxy_schema_stratum(schema, 2), "?");
	mlproxy_schema_free(schema);
	/* a program that knows nothing of them */
	assert_int_equal(mlproxy_schema_get_sized(*state, &schema, &sizes), 0);
	assert_string_equal(mlproxy_schema_stratum(schema, 0), "?");
	mlproxy_schema_free(schema);
	kernel.nr_strata = MLPROXY_MAX_STRATA + 1;
	assert_int_equal(mlproxy_schema_get(*state, &schema), -EPROTO);
	assert_null(schema);
}

static void efficiency(void **state)
{
	struct mlproxy_session *s = *state;
	struct mlproxy_transition t[4];
	struct mlproxy_efficiency e;

	mlproxy_bind(s, "synth");
	kernel.nr_transitions = 2;
	assert_int_equal(mlproxy_efficiency_get(s, &e, t, 4), 2);
	assert_int_equal(e.trial, 3);
	assert_int_equal(e.transitions, 0);
	assert_int_equal(t[1].reason, 2);
	kernel.nr_transitions = 0;
	assert_int_equal(mlproxy_efficiency_get(s, &e, NULL, 0), 0);
	/* an answer that no good kernel gives: who reads the array must not go by it */
	kernel.nr_transitions = 5;
	assert_int_equal(mlproxy_efficiency_get(s, &e, t, 4), -EPROTO);
	assert_says(s, "wrote 5 changes of mode where 4 fit");
	kernel.fail_errno = ENXIO;
	assert_int_equal(mlproxy_efficiency_get(s, &e, t, 4), -ENXIO);
}

static void verdicts(void **state)
{
	struct mlproxy_evidence v[MLPROXY_ROOM_VERDICTS];
	struct mlproxy_session *s = *state;
	struct mlproxy_transition t[4];
	struct mlproxy_efficiency e;

	mlproxy_bind(s, "synth");
	kernel.nr_transitions = 2;
	kernel.nr_verdicts = 3;
	memset(v, 1, sizeof(v));
	assert_int_equal(mlproxy_efficiency_verdicts(s, &e, t, 4, v, MLPROXY_ROOM_VERDICTS), 2);
	assert_int_equal(e.nr_verdicts, 3);
	assert_int_equal(e.verdicts, 0);
	assert_int_equal(v[2].verdict, MLPROXY_VERDICT_OUTER);
	assert_int_equal(v[3].verdict, 0);
	/* an older program asks as before */
	assert_int_equal(mlproxy_efficiency_get_sized(s, &e, t, 4, offsetof(struct mlproxy_efficiency,
			 stage), sizeof(t[0])), 2);
	/* a kernel that does not know of them */
	kernel.nr_verdicts = 0;
	assert_int_equal(mlproxy_efficiency_verdicts(s, &e, t, 4, v, 2), 2);
	assert_int_equal(e.nr_verdicts, 1);
	assert_int_equal(v[0].model_version, 8);
	assert_int_equal(mlproxy_efficiency_verdicts(s, &e, t, 4, NULL, 0), 2);
	assert_int_equal(e.nr_verdicts, 0);
	kernel.nr_verdicts = 3;
	assert_int_equal(mlproxy_efficiency_verdicts(s, &e, t, 4, v, 2), -EPROTO);
	assert_says(s, "wrote 3 verdicts where 2 fit");
	assert_int_equal(mlproxy_efficiency_verdicts_sized(s, &e, t, 4, v, 2, 352, sizeof(t[0])),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(schema_arrays),
		SESSION_TEST(strata),
		SESSION_TEST(efficiency),
		SESSION_TEST(verdicts),
	};

	return cmocka_run_group_tests(tests, setup_file, teardown_file);
}
