// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decision points through libmlproxy, against a device that the test plays: what is passed
 * on, programs of another day, and the words for each failure.
 */
#include "lib_kernel.h"

#include <mlproxy/point.h>

static const struct mlproxy_feature features[] = { { .name = "f" } };
static const struct mlproxy_action actions[] = { { .name = "a" }, { .name = "b" } };
static struct mlproxy_point_desc desc;

static int setup_point(void **state)
{
	desc = (struct mlproxy_point_desc) {
		.name = "daemon", .schema_version = 3, .flags = MLPROXY_POINT_F_START,
		.features = features, .nr_features = 1, .actions = actions, .nr_actions = 2,
		.reward_name = "reward", .reward_min = -4, .reward_max = 5,
		.pending_entries = 99, .ledger_name = "ledger", .outer_washout_ns = 17,
	};
	return setup(state);
}

static void fails_with(int err)
{
	kernel.fail_errno = err;
}

static void registers(void **state)
{
	struct mlproxy_session *s = *state;

	assert_int_equal(mlproxy_point_register(s, &desc), 0);
	assert_string_equal(mlproxy_bound_name(s), "user-daemon");
	assert_int_equal(kernel.point.size, sizeof(struct mlproxy_point));
	assert_int_equal(kernel.point.flags, MLPROXY_POINT_F_START);
	assert_string_equal(kernel.point.name, "daemon");
	assert_int_equal(kernel.point.features, (uintptr_t)features);
	assert_int_equal(kernel.point.feature_size, sizeof(features[0]));
	assert_int_equal(kernel.point.nr_actions, 2);
	assert_string_equal(kernel.point.reward_name, "reward");
	assert_string_equal(kernel.point.reward_unit, "");
	assert_int_equal(kernel.point.reward_min, -4);
	assert_int_equal(kernel.point.pending_entries, 99);
	assert_string_equal(kernel.point.ledger_name, "ledger");
	assert_int_equal(kernel.point.outer_washout_ns, 17);
}

/* What such a program does not know of is 0; what it knows more has to be. */
static void programs_of_another_day(void **state)
{
	struct { struct mlproxy_point_desc d; uint64_t more; } longer = { .d = desc };
	struct { struct mlproxy_point_decide d; uint64_t more; } decide = { .more = 0 };
	struct mlproxy_schema_sizes sizes = {
		sizeof(sizes), offsetof(struct mlproxy_point_desc, states), 0, 80, 48, 80, 48, 40,
	};
	struct mlproxy_point_outcome outcome = { .id = 1 };
	struct mlproxy_session *s = *state;

	assert_int_equal(mlproxy_point_register_sized(s, &desc, &sizes), 0);
	assert_int_equal(kernel.point.pending_entries, 99);
	assert_string_equal(kernel.point.ledger_name, "");
	assert_int_equal(kernel.point.action_size, 48);
	sizes.desc = sizeof(longer);
	assert_int_equal(mlproxy_point_register_sized(s, &longer.d, &sizes), 0);
	longer.more = 1;
	assert_int_equal(mlproxy_point_register_sized(s, &longer.d, &sizes), -E2BIG);
	assert_says(s, "does not know");
	sizes.desc = 8;
	assert_int_equal(mlproxy_point_register_sized(s, &desc, &sizes), -EINVAL);
	assert_says(s, "8 bytes");
	sizes.size = 8;
	assert_int_equal(mlproxy_point_register_sized(s, &desc, &sizes), -EINVAL);
	assert_int_equal(mlproxy_point_decide_sized(s, &decide.d, sizeof(decide)), 0);
	assert_int_equal(kernel.decide.size, sizeof(decide));
	assert_int_equal(mlproxy_point_decide_sized(s, &decide.d, 8), -EINVAL);
	assert_int_equal(mlproxy_point_outcome_sized(s, &outcome, 8), -EINVAL);
}

static void is_refused(void **state)
{
	struct mlproxy_session *s = *state;

	desc.name = "refused";
	assert_int_equal(mlproxy_point_register(s, &desc), -EBADMSG);
	assert_says(s, "refuses the decision point 'refused': zzz");
	assert_string_equal(mlproxy_bound_name(s), "");
	desc.name = "a name that is longer than any may be";
	assert_int_equal(mlproxy_point_register(s, &desc), -EINVAL);
	assert_says(s, "too long for the name");
	desc.name = "daemon";
	desc.cost_unit = "sixteen letters.";
	assert_int_equal(mlproxy_point_register(s, &desc), -EINVAL);
	assert_says(s, "cost's unit");
	desc.cost_unit = NULL;
	fails_with(EEXIST);
	assert_int_equal(mlproxy_point_register(s, &desc), -EEXIST);
	assert_says(s, "'daemon' is in use");
	fails_with(EDQUOT);
	assert_int_equal(mlproxy_point_register(s, &desc), -EDQUOT);
	assert_says(s, "at most 64");
	fails_with(ENOSPC);
	assert_int_equal(mlproxy_point_add(s, "x"), -ENOSPC);
	assert_says(s, "as many as there may be");
	fails_with(EBUSY);
	assert_int_equal(mlproxy_point_register(s, &desc), -EBUSY);
	assert_says(s, "open another one");
	fails_with(EPERM);
	assert_int_equal(mlproxy_point_register(s, &desc), -EPERM);
	assert_says(s, "opened for writing");
	fails_with(ENOTTY);
	assert_int_equal(mlproxy_point_register(s, &desc), -ENOTTY);
	assert_says(s, "older than this library");
}

static void decides(void **state)
{
	int64_t x = 4;
	struct mlproxy_point_decide d = {
		.features = (uintptr_t)&x, .nr_features = 1, .instance = 2, .baseline = 0,
	};
	struct mlproxy_session *s = *state;

	assert_int_equal(mlproxy_point_decide(s, &d), 0);
	assert_int_equal(kernel.decide.instance, 2);
	assert_int_equal(d.id, 11);
	assert_int_equal(d.action, 1);
	assert_int_equal(mlproxy_point_feedback(s, d.id, d.instance, -3), 0);
	assert_int_equal(kernel.outcome.id, 11);
	assert_int_equal(kernel.outcome.instance, 2);
	assert_int_equal(kernel.outcome.reward, -3);
	/* One that was not recorded has no outcome. */
	kernel.last_request = 0;
	assert_int_equal(mlproxy_point_feedback(s, 0, 0, 1), 0);
	assert_int_equal(kernel.last_request, 0);
	/* In doubt the baseline, of which nothing is told. */
	fails_with(EINVAL);
	assert_int_equal(mlproxy_point_decide(s, &d), -EINVAL);
	assert_int_equal(d.id, 0);
	assert_int_equal(d.action, 0);
	assert_says(s, "1 features, baseline 0");
	fails_with(ENXIO);
	assert_int_equal(mlproxy_point_decide(s, &d), -ENXIO);
	assert_says(s, "register one first");
	fails_with(ENOENT);
	assert_int_equal(mlproxy_point_decide(s, &d), -ENOENT);
	assert_says(s, "has no instance 2");
	assert_int_equal(mlproxy_point_feedback(s, 5, 2, 1), -ENOENT);
	assert_says(s, "decision 5");
}

static void tells(void **state)
{
	int64_t values[MLPROXY_SNAPSHOT_MAX + 1] = { 1, 2 };
	struct mlproxy_point_notice notice;
	struct mlproxy_session *s = *state;

	assert_int_equal(mlproxy_point_add(s, "a"), 3);
	assert_int_equal(mlproxy_point_drop(s, 3), 0);
	assert_int_equal(mlproxy_point_snapshot(s, 3, MLPROXY_HEALTH_GOOD, values, 2), 0);
	assert_int_equal(kernel.state.flags, MLPROXY_POINT_STATE_F_SNAPSHOT);
	assert_int_equal(kernel.state.values[1], 2);
	assert_int_equal(mlproxy_point_critical(s, 3, true), 0);
	assert_int_equal(kernel.state.flags, MLPROXY_POINT_STATE_F_CRITICAL);
	assert_int_equal(kernel.state.critical, 1);
	assert_int_equal(mlproxy_point_event(s, 3, 9, 8, values, 2), 0);
	assert_int_equal(kernel.event.event, 9);
	assert_int_equal(kernel.event.values, (uintptr_t)values);
	assert_int_equal(mlproxy_point_cost(s, 3, 1, 2, 3), 1);
	assert_int_equal(mlproxy_point_notice(s, &notice), 1);
	fails_with(EAGAIN);
	assert_int_equal(mlproxy_point_notice(s, &notice), 0);
	fails_with(EINVAL);
	assert_int_equal(mlproxy_point_snapshot(s, 0, 1, values, ARRAY_SIZE(values)), -EINVAL);
	assert_says(s, "17 values and health 1");
	assert_int_equal(mlproxy_point_event(s, 0, 9, 8, values, 2), -EINVAL);
	assert_says(s, "event 9 with 2 values");
	assert_int_equal(mlproxy_point_cost(s, 0, 1, 2, 3), -EINVAL);
	assert_says(s, "below 2^40");
	assert_int_equal(mlproxy_point_add(s, "a b"), -EINVAL);
	assert_says(s, "'a b' is no name");
}

/* Whoever looks for one that is not there is not told to load a module. */
static void is_not_there(void **state)
{
	struct mlproxy_session *s = *state;

	kernel.fail_request = MLPROXY_IOC_BIND;
	fails_with(ENOENT);
	assert_int_equal(mlproxy_bind(s, "user-daemon"), -ENOENT);
	assert_says(s, "does its daemon run?");
}

#define POINT_TEST(test) \
	cmocka_unit_test_setup_teardown(test, setup_point, session_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		POINT_TEST(registers),
		POINT_TEST(programs_of_another_day),
		POINT_TEST(is_refused),
		POINT_TEST(decides),
		POINT_TEST(tells),
		POINT_TEST(is_not_there),
	};

	return cmocka_run_group_tests(tests, setup_file, teardown_file);
}
