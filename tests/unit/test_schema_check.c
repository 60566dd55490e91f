// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a description of a decision point is checked for: each limit from both sides, each
 * text at its end, with nothing behind it that may be read.
 */
#include "unit.h"

#include <stdlib.h>

#include <mlproxy/mlproxy.h>

#include "schema_check.h"

static struct module owner;
static struct mlproxy_feature features[MLPROXY_MAX_FEATURES], states[MLPROXY_MAX_STATES];
static struct mlproxy_action actions[MLPROXY_MAX_ACTIONS];
static struct mlproxy_event_desc events[MLPROXY_MAX_EVENTS];
static struct mlproxy_stratum strata[MLPROXY_MAX_STRATA];
static struct mlproxy_desc desc;
static char text[MLPROXY_TEXT_LEN];

/* As full as it may be. */
static int good(void **state)
{
	unsigned int i;

	(void)state;
	memset(features, 0, sizeof(features));
	memset(states, 0, sizeof(states));
	memset(events, 0, sizeof(events));
	for (i = 0; i < MLPROXY_MAX_FEATURES; i++)
		snprintf(features[i].name, MLPROXY_NAME_LEN, "feature-%u", i);
	for (i = 0; i < MLPROXY_MAX_ACTIONS; i++)
		snprintf(actions[i].name, MLPROXY_NAME_LEN, "action_%u", i);
	for (i = 0; i < MLPROXY_MAX_STATES; i++)
		snprintf(states[i].name, MLPROXY_NAME_LEN, "%u", i);
	for (i = 0; i < MLPROXY_MAX_EVENTS; i++)
		snprintf(events[i].name, MLPROXY_NAME_LEN, "E%u", i);
	for (i = 0; i < MLPROXY_MAX_STRATA; i++)
		snprintf(strata[i].name, MLPROXY_NAME_LEN, "-%u", i);
	desc = (struct mlproxy_desc) {
		.owner = &owner, .name = "thirty-one-characters-is-a-name",
		.nr_features = MLPROXY_MAX_FEATURES, .features = features,
		.nr_actions = MLPROXY_MAX_ACTIONS, .actions = actions,
		.nr_states = MLPROXY_MAX_STATES, .states = states,
		.nr_events = MLPROXY_MAX_EVENTS, .events = events,
		.nr_strata = MLPROXY_MAX_STRATA, .strata = strata,
		.reward_name = "r", .reward_unit = "fifteen chars !",
		.reward_min = S32_MIN, .reward_max = S32_MAX,
	};
	return 0;
}

static void taken(void)
{
	assert_int_equal(mlproxy_desc_check(&desc, text), 0);
}

static void refused(const char *why)
{
	memset(text, 'x', sizeof(text));
	assert_int_equal(mlproxy_desc_check(&desc, text), -EINVAL);
	assert_non_null(memchr(text, 0, sizeof(text)));
	if (!strstr(text, why))
		fail_msg("\"%s\" does not say \"%s\"", text, why);
	good(NULL);
}

static void full(void **state)
{
	(void)state;
	taken();
	desc.reward_unit = NULL;
	desc.strata = NULL;	/* without names */
	taken();
}

/* Allocated to the byte, so that the sanitizer sees what is read behind them. */
static void texts_without_an_end(void **state)
{
	char *name = malloc(MLPROXY_NAME_LEN), *unit = malloc(MLPROXY_UNIT_LEN);

	(void)state;
	memset(name, 'n', MLPROXY_NAME_LEN);
	memset(unit, 'u', MLPROXY_UNIT_LEN);
	assert_false(mlproxy_name_ok(name));
	assert_false(mlproxy_name_ok(NULL));
	assert_false(mlproxy_name_ok(""));
	desc.name = name;
	refused("the name must be");
	desc.reward_name = name;
	refused("reward: the name");
	desc.reward_unit = unit;
	refused("reward 'r': the unit");
	memset(features[31].name, 'f', MLPROXY_NAME_LEN);
	refused("feature 31: the name");
	memset(features[31].unit, 'f', MLPROXY_UNIT_LEN);
	refused("feature 31: the unit");
	memset(strata[7].name, 's', MLPROXY_NAME_LEN);
	refused("stratum 7: the name");
	free(name);
	free(unit);
}

/* All bytes, in a name and in a unit. */
static void characters(void **state)
{
	char one[2] = "";
	int c;

	(void)state;
	for (c = 1; c < 256; c++) {
		bool is_name = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			       (c >= 'a' && c <= 'z') || c == '-' || c == '_';

		one[0] = (char)c;
		assert_int_equal(mlproxy_name_ok(one), is_name);
		desc.reward_unit = one;
		if (c >= ' ' && c <= '~')
			taken();
		else
			refused("printable");
	}
}

static void numbers(void **state)
{
	(void)state;
	desc.nr_features = 0;
	refused("1 to 32 features are needed, not 0");
	desc.nr_features = U32_MAX;
	refused("not 4294967295");
	desc.features = NULL;
	refused("features");
	desc.nr_actions = 1;
	refused("2 to 32 actions are needed, not 1");
	desc.nr_states = MLPROXY_MAX_STATES + 1;
	refused("up to 16 states");
	desc.nr_events = MLPROXY_MAX_EVENTS + 1;
	refused("up to 16 events");
	desc.nr_strata = MLPROXY_MAX_STRATA + 1;
	refused("9 strata are more than 8");
	desc.unit = MLPROXY_UNIT_ENTITY;
	refused("8 strata are more than 4");
	desc.owner = NULL;
	refused("owner");
	desc.reward_max = (s64)S32_MAX + 1;
	refused("reward: -2147483648 to 2147483648");
	desc.min_samples = 1;
	refused("min_samples 1");
	desc.min_samples = 2;
	taken();
	desc.trial_share = MLPROXY_SHARE_ONE / 2;
	taken();
	desc.trial_share++;
	refused("trial_share 32769");
	desc.pending_ns = 999999;
	refused("pending_ns");
	desc.pending_ns = 86400000000000ULL;
	taken();
	desc.pending_ns++;
	refused("pending_ns");
	events[15].period_ms = 1;
	events[15].nr_values = 4;
	taken();
	events[15].nr_values = 5;
	refused("event 15: 5 values are more than 4");
	states[15].preprocess = MLPROXY_PRE_DELTA;
	taken();
	features[0].preprocess = MLPROXY_PRE_DELTA;
	refused("feature 0: preprocessing 2");
	features[0].preprocess = MLPROXY_PRE_LOG2;
	refused("Q8");
}

static void names_alike(void **state)
{
	(void)state;
	strcpy(actions[31].name, "action_0");
	refused("action 31: action 0 is called 'action_0', too");
	strcpy(events[1].name, "E0");
	refused("event 1: event 0");
	strcpy(states[1].name, "15");
	refused("state 15: state 1");
}

static void outer(void **state)
{
	(void)state;
	desc.outer_unit = MLPROXY_OUTER_WINDOW;
	refused("cost: the name");
	desc.outer_unit = MLPROXY_OUTER_ENTITY;
	desc.cost_name = "c";
	desc.work_name = "w";
	taken();
	desc.outer_washout_ns = 5000000000ULL;	/* all of the default's time */
	refused("outer_washout_ns");
	desc.outer_unit = MLPROXY_OUTER_WINDOW + 1;
	refused("unit 3 of the outer experiment");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(full, good),
		cmocka_unit_test_setup(texts_without_an_end, good),
		cmocka_unit_test_setup(characters, good),
		cmocka_unit_test_setup(numbers, good),
		cmocka_unit_test_setup(names_alike, good),
		cmocka_unit_test_setup(outer, good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
