// SPDX-License-Identifier: GPL-2.0-only
/* Names of numbers: every one has its own, what is not known has "?". */
#include "unit.h"

#include <errno.h>

#include <mlproxy/mlproxy.h>

static void mode_names(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 1; i < MLPROXY_NR_REASONS; i++)
		assert_string_not_equal(mlproxy_mode_reason_name(i), "?");
	assert_string_equal(mlproxy_mode_reason_name(MLPROXY_NR_REASONS), "?");
	assert_string_equal(mlproxy_arm_name(MLPROXY_ARM_MODEL), "model");
	assert_string_equal(mlproxy_arm_name(MLPROXY_ARM_NONE), "none");
	assert_string_equal(mlproxy_arm_name(2), "?");
}

static void names(void **state)
{
	uint32_t i;

	(void)state;
	assert_string_equal(mlproxy_mode_name(MLPROXY_MODE_LEARNING), "learning");
	assert_string_equal(mlproxy_mode_name(99), "?");
	assert_string_equal(mlproxy_state_name(0), "?");
	for (i = 0; i < MLPROXY_NR_MODES; i++)
		assert_int_equal(mlproxy_mode_by_name(mlproxy_mode_name(i)), i);
	assert_int_equal(mlproxy_mode_by_name("?"), -ENOENT);
	for (i = 0; i < MLPROXY_NR_SOURCES; i++)
		assert_string_not_equal(mlproxy_source_name(i), "?");
	for (i = 0; i < MLPROXY_NR_TYPES; i++)
		assert_string_not_equal(mlproxy_type_name(i), "?");
	for (i = 0; i < MLPROXY_NR_REFUSED; i++)
		assert_string_not_equal(mlproxy_refusal_name(i), "?");
	for (i = 0; i < MLPROXY_NR_HEALTH; i++)
		assert_string_not_equal(mlproxy_health_name(i), "?");
	for (i = 0; i < MLPROXY_NR_PRE; i++)
		assert_string_not_equal(mlproxy_preprocess_name(i), "?");
	for (i = 0; i < MLPROXY_NR_TRIGGERS; i++)
		assert_string_not_equal(mlproxy_trigger_name(i), "?");
	for (i = 0; i <= MLPROXY_DATASET_CANCELLED; i++)
		assert_string_not_equal(mlproxy_dataset_state_name(i), "?");
	assert_string_equal(mlproxy_dataset_state_name(i), "?");
	for (i = 1; i < MLPROXY_NR_REC_TYPES; i++)
		assert_string_not_equal(mlproxy_record_name(i), "?");
}

static void verdict_names(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 0; i < MLPROXY_NR_VERDICTS; i++)
		assert_string_not_equal(mlproxy_verdict_name(i), "?");
	assert_string_equal(mlproxy_verdict_name(i), "?");
	for (i = 0; i <= MLPROXY_STANCE_CONTRADICTS; i++)
		assert_string_not_equal(mlproxy_stance_name(i), "?");
	assert_string_equal(mlproxy_stance_name(i), "?");
	assert_string_equal(mlproxy_stage_name(MLPROXY_STAGE_RAMP), "ramp");
	assert_string_equal(mlproxy_stage_name(2), "?");
	assert_string_equal(mlproxy_outer_unit_name(MLPROXY_OUTER_WINDOW), "window");
	assert_string_equal(mlproxy_outer_unit_name(3), "?");
	for (i = 1; i <= MLPROXY_NEEDS_TIME; i <<= 1)
		assert_string_not_equal(mlproxy_need_name(i), "?");
	assert_string_equal(mlproxy_need_name(MLPROXY_NEEDS_OUTER), "outer");
	assert_string_equal(mlproxy_need_name(i), "?");
	assert_string_equal(mlproxy_need_name(0), "?");
	assert_string_equal(mlproxy_need_name(3), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mode_names),
		cmocka_unit_test(names),
		cmocka_unit_test(verdict_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
