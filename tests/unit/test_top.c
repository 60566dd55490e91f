// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy top: rates out of counters, also when these start again; bars; numbers
 * in few characters; the agent's status; lines that can't steer a terminal; JSON.
 */
#include <math.h>

#include "unit.h"
#include "cli/top/agent.h"
#include "cli/top/figure.h"
#include "cli/top/json.h"
#include "cli/top/text.h"

#define SECOND	1000000000ULL

static struct top_sample sample(uint64_t time_ns, uint64_t decisions)
{
	struct top_sample s = { .time_ns = time_ns, .realtime_s = 1000 };

	strcpy(s.entry.name, "synth");
	strcpy(s.m.reward.name, "time");
	strcpy(s.m.reward.unit, "ns");
	s.entry.id = 3;
	s.entry.state = MLPROXY_STATE_RUNNING;
	s.stats.decisions = decisions;
	s.stats.feedbacks = decisions / 2;
	s.stats.by_source[MLPROXY_SRC_BASELINE] = decisions / 4;
	s.stats.by_source[MLPROXY_SRC_MODEL] = decisions - decisions / 4;
	return s;
}

static void rates_are_differences(void **state)
{
	struct top_sample a = sample(10 * SECOND, 1000), b = sample(12 * SECOND, 5000);
	struct top_rates r;

	(void)state;
	a.lost_known = b.lost_known = true;
	b.lost = 6;
	/* all new decisions are explored, so that the share of the past is not seen */
	memcpy(b.stats.by_source, a.stats.by_source, sizeof(a.stats.by_source));
	b.stats.by_source[MLPROXY_SRC_EXPLORE] = 4000;
	top_rates(&a, &b, &r);
	assert_true(r.known);
	assert_true(r.lately);
	assert_true(r.decisions_s == 2000);
	assert_true(r.feedbacks_s == 1000);
	assert_true(r.lost_s == 3);
	assert_true(r.share[MLPROXY_SRC_EXPLORE] == 1);
	assert_true(r.share[MLPROXY_SRC_MODEL] == 0);
}

static void first_frame_has_shares_only(void **state)
{
	struct top_sample a = sample(SECOND, 1000);
	struct top_rates r;

	(void)state;
	top_rates(NULL, &a, &r);
	assert_false(r.known);
	assert_false(r.lately);
	assert_true(r.share[MLPROXY_SRC_BASELINE] == 0.25);
	/* nothing was decided meanwhile: the shares are those since the start */
	struct top_sample b = sample(2 * SECOND, 1000);

	top_rates(&a, &b, &r);
	assert_true(r.known);
	assert_true(r.decisions_s == 0);
	assert_false(r.lately);
	assert_true(r.share[MLPROXY_SRC_MODEL] == 0.75);
}

static void counters_start_again(void **state)
{
	struct top_sample a = sample(SECOND, 1000), b = sample(2 * SECOND, 10);
	struct top_rates r;

	(void)state;
	top_rates(&a, &b, &r);		/* re-initialised */
	assert_false(r.known);
	assert_true(r.decisions_s == 0);
	assert_true(isfinite(r.share[0]));
	b = sample(2 * SECOND, 2000);
	b.entry.id = 4;			/* another proxy of that name */
	top_rates(&a, &b, &r);
	assert_false(r.known);
	b = sample(SECOND, 2000);	/* no time has passed */
	top_rates(&a, &b, &r);
	assert_false(r.known);
	/* only one source went back: more was decided since the re-initialisation */
	b = sample(2 * SECOND, 2000);
	b.stats.by_source[MLPROXY_SRC_BASELINE] = 3;
	top_rates(&a, &b, &r);
	assert_false(r.known);
	/* a reader that had lost records is gone */
	b = sample(2 * SECOND, 2000);
	a.lost_known = b.lost_known = true;
	a.lost = 100;
	top_rates(&a, &b, &r);
	assert_true(r.known);
	assert_true(r.lost_s == 0);
}

static void counts_and_ages_are_short(void **state)
{
	static const struct {
		double value;
		const char *text;
	} counts[] = {
		{ 0, "0" }, { 0.4, "0.4" }, { 7, "7" }, { 999, "999" }, { 999.6, "1.00k" },
		{ 1234, "1.23k" }, { 45678, "45.7k" }, { 999499, "999k" }, { 999999, "1.00M" },
		{ 18446744073709551615.0, "18.4E" },
	}, ages[] = {
		{ -3, "0s" }, { 59.9, "59s" }, { 60, "1m00s" }, { 3599, "59m59s" },
		{ 3600, "1h00m" }, { 90000, "1d01h" }, { 86400.0 * 365, "365d" },
	};
	char text[32];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		assert_string_equal(top_count(text, sizeof(text), counts[i].value),
				    counts[i].text);
		assert_true(strlen(text) <= 6);
	}
	for (i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		assert_string_equal(top_age(text, sizeof(text), ages[i].value), ages[i].text);
		assert_true(strlen(text) <= 6);
	}
}

static void interval_bars(void **state)
{
	char bar[64];

	(void)state;
	top_interval_bar(bar, 21, 5, 0, 10);
	assert_string_equal(bar, "----------|====o===]-");
	top_interval_bar(bar, 21, 8, 6, 10);
	assert_string_equal(bar, "----------|----[=o=]-");
	top_interval_bar(bar, 21, -8, -10, -6);
	assert_string_equal(bar, "-[=o=]----|----------");
	/* even widths are made odd, so that 0 is in the middle */
	top_interval_bar(bar, 22, 0, -1, 1);
	assert_string_equal(bar, "-[========o========]-");
	/* not known yet, or a point */
	top_interval_bar(bar, 9, 3, -INFINITY, INFINITY);
	assert_string_equal(bar, "----|----");
	top_interval_bar(bar, 9, 0, 0, 0);
	assert_string_equal(bar, "----|----");
	top_interval_bar(bar, 4, 1, 0, 2);
	assert_string_equal(bar, "");
	/* an estimate outside of its interval stays within the bar */
	top_interval_bar(bar, 9, 1e300, -1, 1);
	assert_int_equal(strlen(bar), 9);
	assert_int_equal(bar[8], 'o');
}

static void share_bars(void **state)
{
	double share[MLPROXY_NR_SOURCES] = { 0 };
	char bar[64];

	(void)state;
	top_share_bar(bar, 10, share);
	assert_string_equal(bar, "..........");
	share[MLPROXY_SRC_BASELINE] = 0.5;
	share[MLPROXY_SRC_MODEL] = 0.5;
	top_share_bar(bar, 10, share);
	assert_string_equal(bar, "BBBBBMMMMM");
	/* one in a hundred is seen, too */
	share[MLPROXY_SRC_BASELINE] = 0.01;
	share[MLPROXY_SRC_MODEL] = 0.98;
	share[MLPROXY_SRC_EXPLORE] = 0.01;
	top_share_bar(bar, 10, share);
	assert_string_equal(bar, "BMMMMMMMMX");
	top_share_bar(bar, 3, share);
	assert_string_equal(bar, "...");
}

static const char status[] =
	"{\"proxy\": \"synth\", \"time\": 990, \"pid\": 42, \"rows\": 5000, \"refits\": 3,"
	" \"swaps\": 2, \"rollbacks\": 1, \"last_refit_time\": 900, \"last_test\":"
	" {\"gain\": 1.5, \"low\": 0.5, \"high\": 2.5}, \"model_version\": 7,"
	" \"error_mean\": -0.25, \"alarm\": true}";

static void agent_status(void **state)
{
	static const char *const bad[] = {
		"", "{", "[]", "{}", "{\"time\": \"x\"}", "null", "{\"time\": 1e300}",
	};
	struct top_agent a;
	size_t i;

	(void)state;
	top_agent_parse(status, &a);
	assert_true(a.known);
	assert_int_equal(a.pid, 42);
	assert_int_equal(a.refits, 3);
	assert_true(a.tested);
	assert_true(a.low == 0.5);
	assert_true(a.error_mean == -0.25);
	assert_true(a.alarm);
	top_agent_parse("{\"time\": 1, \"last_test\": null, \"error_mean\": null}", &a);
	assert_true(a.known);
	assert_false(a.tested);
	assert_true(isnan(a.error_mean));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		top_agent_parse(bad[i], &a);
		assert_false(a.known);
	}
}

static struct top_sample judged(void)
{
	struct top_sample s = sample(100 * SECOND, 1000);
	struct mlproxy_evidence *e = &s.eff.evidence;

	s.judged = true;
	s.mode.mode = MLPROXY_MODE_RECOMMENDATION;
	s.mode.reason = MLPROXY_REASON_BETTER;
	s.mode.since_ns = 40 * SECOND;
	s.mode.automatic = 1;
	e->n[MLPROXY_ARM_BASELINE] = 100;
	e->n[MLPROXY_ARM_MODEL] = 900;
	e->mean_q16[MLPROXY_ARM_BASELINE] = 500 * 65536;
	e->mean_q16[MLPROXY_ARM_MODEL] = 700 * 65536 + 32768;
	e->sd_q16[MLPROXY_ARM_MODEL] = 20 * 65536;
	e->gain_q16 = 200 * 65536 + 32768;
	e->low_q16 = 150 * 65536;
	e->high_q16 = 250 * 65536;
	s.nr_transitions = 1;
	s.transitions[0] = (struct mlproxy_transition){
		.time_ns = 40 * SECOND, .from = MLPROXY_MODE_COLLABORATION,
		.to = MLPROXY_MODE_RECOMMENDATION, .reason = MLPROXY_REASON_BETTER,
		.evidence = *e,
	};
	s.models.active_version = 7;
	strcpy(s.models.active_name, "by \033[2Jhand");
	top_agent_parse(status, &s.agent);
	return s;
}

static const char *all_lines(const struct top_page *page)
{
	static char text[64 * TOP_LINE_BYTES];
	unsigned int i;
	size_t len = 0;

	*text = '\0';
	for (i = 0; i < page->nr && len < sizeof(text); i++)
		len += snprintf(text + len, sizeof(text) - len, "%s\n", page->line[i].text);
	return text;
}

static void lines_say_all(void **state)
{
	static const char *const parts[] = {
		"recommendation for 1m00s, reason: better; automatic",
		"n 900    mean 700 ns, sd 20.0 ns", "gain       +200 [+150, +250] ns",
		"version 7 'by ?[2Jhand' is active", "pid 42, heard 10s ago, ALARM",
		"collaboration -> recommendation: better, gain +200 [+150, +250] ns; 100 and 900 outc",
		"last test  gain +1.50 [+0.50, +2.50] ns before",
	};
	struct top_sample s = judged();
	struct top_page page = { 0 };
	struct top_rates r;
	const char *text;
	size_t i;

	(void)state;
	top_rates(NULL, &s, &r);
	top_heading(&page);
	top_row(&page, &s, &r);
	top_details(&page, &s, &r);
	text = all_lines(&page);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!strstr(text, parts[i]))
			fail_msg("no \"%s\" in\n%s", parts[i], text);
	}
	assert_null(strchr(text, 27));
	top_page_free(&page);
}

/* What is drawn at random is not what the model decided. */
static void exploration_is_not_the_model(void **state)
{
	struct top_sample a = sample(SECOND, 1000), b = sample(2 * SECOND, 2000);
	struct top_page page = { 0 };
	struct top_rates r;

	(void)state;
	memcpy(b.stats.by_source, a.stats.by_source, sizeof(a.stats.by_source));
	b.stats.by_source[MLPROXY_SRC_BASELINE] += 250;
	b.stats.by_source[MLPROXY_SRC_MODEL] += 100;
	b.stats.by_source[MLPROXY_SRC_BPF] += 50;
	b.stats.by_source[MLPROXY_SRC_EXPLORE] += 600;
	top_rates(&a, &b, &r);
	top_row(&page, &b, &r);
	if (!strstr(all_lines(&page), "  15.0% 60.0%"))
		fail_msg("no share of 15 %% and 60 %% in %s", all_lines(&page));
	top_page_free(&page);
}

/* Right behind a change of mode the arms are empty, which must not look like a loss of it. */
static void a_new_experiment_is_said(void **state)
{
	struct top_sample s = judged();
	struct top_page page = { 0 };
	struct top_rates r;

	(void)state;
	memset(&s.eff.evidence, 0, sizeof(s.eff.evidence));
	s.eff.evidence.low_q16 = INT64_MIN;
	s.eff.evidence.high_q16 = INT64_MAX;
	top_rates(NULL, &s, &r);
	top_block(&page, &s, &r);
	assert_non_null(strstr(all_lines(&page), "just begun; the last change was taken on gain "
			       "+200 [+150, +250] ns; 100 and 900 outcomes"));
	top_page_free(&page);
}

/* Whatever the numbers are, and in units of people. */
static void lines_fit_a_terminal(void **state)
{
	struct top_sample s = judged();
	struct mlproxy_evidence *e = &s.transitions[0].evidence;
	struct top_page page = { 0 };
	struct top_rates r;
	unsigned int i;

	(void)state;
	memset(&s.stats, 0x7f, sizeof(s.stats));
	s.mode.reason = MLPROXY_REASON_AGENT_LOST;
	s.transitions[0].reason = MLPROXY_REASON_AGENT_LOST;
	e->value = 3215678901LL;
	e->limit = 1000000000;
	e->model_version = 70000;
	s.transitions[1] = s.transitions[0];
	s.transitions[1].reason = MLPROXY_REASON_NOT_WORSE;
	s.transitions[1].evidence.gain_q16 = -123456789012345LL;
	s.transitions[1].evidence.low_q16 = -223456789012345LL;
	s.nr_transitions = 2;
	s.eff.evidence.mean_q16[0] = 123456789LL << 16;
	top_rates(NULL, &s, &r);
	top_heading(&page);
	top_row(&page, &s, &r);
	top_details(&page, &s, &r);
	for (i = 0; i < page.nr; i++) {
		if (strlen(page.line[i].text) > 120)
			fail_msg("%zu columns: %s", strlen(page.line[i].text), page.line[i].text);
	}
	assert_non_null(strstr(all_lines(&page), "silent for 3.22 s, allowed 1.00 s"));
	assert_non_null(strstr(all_lines(&page), "mean 123 ms"));
	top_page_free(&page);
}

/* Rewards of readahead: a logarithm in 1/256. */
static void rewards_are_scaled(void **state)
{
	struct top_sample s = judged();
	struct top_page page = { 0 };
	struct top_rates r;
	json_t *j;

	(void)state;
	strcpy(s.m.reward.unit, "log2");
	s.m.reward.type = MLPROXY_TYPE_Q8;
	s.eff.evidence.gain_q16 = 128LL << 16;
	top_rates(NULL, &s, &r);
	top_block(&page, &s, &r);
	assert_non_null(strstr(all_lines(&page), "gain       +0.500 [+0.586, +0.977] log2 (1.41 t"));
	assert_non_null(strstr(all_lines(&page), "mean 2.74 log2, sd 0.0781 log2"));
	top_page_free(&page);
	j = top_json(&s, &r);
	assert_true(json_number_value(json_object_get(json_object_get(j, "evidence"), "gain")) ==
		    0.5);
	json_decref(j);
}

static void lines_of_nothing(void **state)
{
	struct top_sample s = sample(SECOND, 0);
	struct top_page page = { 0 };
	struct top_rates r;
	const char *text;

	(void)state;
	s.judged = true;
	s.eff.evidence.low_q16 = INT64_MIN;
	s.eff.evidence.high_q16 = INT64_MAX;
	top_rates(NULL, &s, &r);
	top_row(&page, &s, &r);
	top_details(&page, &s, &r);
	text = all_lines(&page);
	assert_non_null(strstr(text, "gain       unknown: no outcomes of a model  "));
	assert_non_null(strstr(text, "models     none"));
	assert_non_null(strstr(text, "none has written a status"));
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf"));
	top_page_free(&page);
}

static void a_silent_agent_is_said(void **state)
{
	struct top_sample s = judged();
	struct top_page page = { 0 };
	struct top_rates r;

	(void)state;
	s.realtime_s = s.agent.time_s + TOP_AGENT_SILENT_S + 1;
	s.agent.alarm = false;
	top_rates(NULL, &s, &r);
	top_row(&page, &s, &r);
	assert_non_null(strstr(all_lines(&page), "silent"));
	top_clear(&page);
	s.realtime_s--;
	top_row(&page, &s, &r);
	assert_null(strstr(all_lines(&page), "silent"));
	top_page_free(&page);
}

static void json_is_complete(void **state)
{
	struct top_sample s = judged();
	struct top_rates r;
	json_t *j, *e;

	(void)state;
	top_rates(NULL, &s, &r);
	j = top_json(&s, &r);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_object_get(j, "mode")), "recommendation");
	assert_true(json_is_null(json_object_get(j, "decisions_s")));
	e = json_object_get(j, "evidence");
	assert_true(json_number_value(json_object_get(e, "gain")) == 200.5);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(json_object_get(e, "arms"), "model"), "n")),
			 900);
	assert_int_equal(json_array_size(json_object_get(j, "transitions")), 1);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "agent"), "pid")),
			 42);
	json_decref(j);
	/* no ends yet: JSON has no infinity */
	s.eff.evidence.low_q16 = INT64_MIN;
	memset(s.models.active_name, 0xff, 8);
	j = top_json(&s, &r);
	assert_true(json_is_null(json_object_get(json_object_get(j, "evidence"), "low")));
	assert_true(json_is_null(json_object_get(json_object_get(j, "active"), "name")));
	json_decref(j);
}

static struct top_sample with_measures(void)
{
	struct top_sample s = judged();
	struct mlproxy_evidence *ledger = &s.verdicts[MLPROXY_VERDICT_LEDGER];
	struct mlproxy_evidence *outer = &s.verdicts[MLPROXY_VERDICT_OUTER];

	s.eff.nr_verdicts = MLPROXY_NR_VERDICTS;
	s.eff.mode = MLPROXY_MODE_COLLABORATION;
	s.eff.stage = MLPROXY_STAGE_RAMP;
	s.eff.stage_since_ns = 30 * SECOND;
	s.eff.needs = MLPROXY_NEEDS_LEDGER | MLPROXY_NEEDS_TIME;
	strcpy(s.m.ledger.name, "saved");
	strcpy(s.m.ledger.unit, "us");
	strcpy(s.m.cost.name, "stalled");
	strcpy(s.m.cost.unit, "ms");
	strcpy(s.m.work.name, "time");
	strcpy(s.m.work.unit, "s");
	s.verdicts[0] = s.eff.evidence;
	s.verdicts[0].stance = MLPROXY_STANCE_SUPPORTS;
	*ledger = s.eff.evidence;
	ledger->verdict = MLPROXY_VERDICT_LEDGER;
	ledger->stance = MLPROXY_STANCE_WAITS;
	*outer = (struct mlproxy_evidence){
		.verdict = MLPROXY_VERDICT_OUTER, .stance = MLPROXY_STANCE_CONTRADICTS,
		.n = { 100, 120 }, .mean_q16 = { 20 * 65536, 23 * 65536 },
		.gain_q16 = -9830, .low_q16 = -13107, .high_q16 = -655,
	};
	return s;
}

static void measures_are_shown(void **state)
{
	static const char *const parts[] = {
		" +?-  ", "ledger     waits: +200 [+150, +250] us  ",
		"outer      contradicts: costs 15.0% more [20.0% more, 1.0% more]  ",
		"stage      tested again with a larger share, for 1m10s now",
		"missing    a ledger (saved) that does not contradict",
		"           time: the test with a larger share is not over",
		"collaboration -> learning: outer, costs 15.0% more [20.0% more, 1.0% more]; "
		"100 and 120 s of time",
	};
	struct top_sample s = with_measures();
	struct top_page page = { 0 };
	struct top_rates r;
	const char *text;
	json_t *j;
	size_t i;

	(void)state;
	s.transitions[0].reason = MLPROXY_REASON_OUTER;
	s.transitions[0].to = MLPROXY_MODE_LEARNING;
	s.transitions[0].evidence = s.verdicts[MLPROXY_VERDICT_OUTER];
	top_rates(NULL, &s, &r);
	top_row(&page, &s, &r);
	top_details(&page, &s, &r);
	text = all_lines(&page);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!strstr(text, parts[i]))
			fail_msg("no \"%s\" in\n%s", parts[i], text);
	}
	for (i = 0; i < page.nr; i++)
		assert_true(strlen(page.line[i].text) <= 120);
	j = top_json(&s, &r);
	assert_string_equal(json_string_value(json_object_get(json_object_get(json_object_get(j,
			    "verdicts"), "outer"), "stance")), "contradicts");
	assert_int_equal(json_array_size(json_object_get(j, "needs")), 2);
	assert_string_equal(json_string_value(json_object_get(j, "stage")), "ramp");
	json_decref(j);
	top_clear(&page);
	/* who has none sees none, and what the operator fixed waits for nothing */
	*s.m.ledger.name = *s.m.cost.name = '\0';
	s.mode.automatic = 0;
	top_row(&page, &s, &r);
	top_block(&page, &s, &r);
	text = all_lines(&page);
	assert_non_null(strstr(text, " +    "));
	assert_null(strstr(text, "ledger"));
	assert_null(strstr(text, "outer"));
	assert_null(strstr(text, "missing"));
	top_page_free(&page);
}

static void orders(void **state)
{
	struct top_sample a = judged(), b = judged();
	struct top_rates ra = { .decisions_s = 5 }, rb = { .decisions_s = 6 };

	(void)state;
	strcpy(b.entry.name, "zzz");
	assert_true(top_compare(TOP_BY_NAME, &a, &ra, &b, &rb) < 0);
	assert_true(top_compare(TOP_BY_RATE, &a, &ra, &b, &rb) > 0);
	assert_true(top_compare(TOP_BY_GAIN, &a, &ra, &b, &rb) < 0);	/* equal: by name */
	b.eff.evidence.gain_q16 *= 2;
	assert_true(top_compare(TOP_BY_GAIN, &a, &ra, &b, &rb) > 0);
	b.mode.mode = MLPROXY_MODE_EMERGENCY;
	assert_true(top_compare(TOP_BY_MODE, &a, &ra, &b, &rb) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_differences),
		cmocka_unit_test(first_frame_has_shares_only),
		cmocka_unit_test(counters_start_again),
		cmocka_unit_test(counts_and_ages_are_short),
		cmocka_unit_test(interval_bars),
		cmocka_unit_test(share_bars),
		cmocka_unit_test(agent_status),
		cmocka_unit_test(lines_say_all),
		cmocka_unit_test(exploration_is_not_the_model),
		cmocka_unit_test(a_new_experiment_is_said),
		cmocka_unit_test(lines_fit_a_terminal),
		cmocka_unit_test(rewards_are_scaled),
		cmocka_unit_test(lines_of_nothing),
		cmocka_unit_test(a_silent_agent_is_said),
		cmocka_unit_test(json_is_complete),
		cmocka_unit_test(measures_are_shown),
		cmocka_unit_test(orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
