// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shares of the arms are exact: 50 % within 1 % in collaboration mode over 100,000
 * decisions, for each unit of randomisation, by the counters of the arms.
 *
 * By decision and by entity that is more than six standard deviations. Time windows
 * are few, so their arms are balanced in blocks of 64; synth makes as many decisions
 * in each, and the test takes whole blocks. It allows for windows that a busy host made
 * the guest miss (3 standard deviations of a draw of so many), and a debug kernel's
 * for fewer decisions.
 *
 * guest-test: timeout=300 debug=thorough
 */
#include <math.h>

#include "util_mode.h"

#define WINDOW_NS	4000000ULL

static int fd;

static void begin(const char *unit)
{
	synth_reload(unit);
	fd = synth_begin(1);
	ASSERT_RET(dev_set_mode(fd, COLLABORATION), 0);
}

/*
 * Half of all decisions are the model's. Exploration takes its share from the
 * baseline; what explores has no arm.
 */
static void expect_half(uint64_t decisions, double allowance)
{
	struct mlproxy_stats s;
	double share;

	dev_stats(fd, &s);
	EXPECT_EQ(s.decisions, decisions);
	EXPECT_EQ(s.by_arm[1], s.by_source[MLPROXY_SRC_MODEL]);
	EXPECT_EQ(s.by_arm[0], s.by_source[MLPROXY_SRC_BASELINE]);
	share = s.by_arm[1] / (double)s.decisions;
	EXPECT(fabs(share - 0.5) <= fmax(0.01, 3 / sqrt(decisions)) + allowance, "(%.4f)",
	       share);
	ktap_note("%.4f of %llu", share, (unsigned long long)s.decisions);
}

static void by_decision(void)
{
	begin("decision");
	ASSERT_RET(synth_run(scaled(100000)), 0);
	expect_half(scaled(100000), 0);
}

static void by_entity(void)
{
	begin("entity");
	synth_set("keys", 200000);
	ASSERT_RET(synth_run(scaled(100000)), 0);
	expect_half(scaled(100000), 0);
}

/* 18 blocks of 64 windows, from the last window before a block on. */
static void by_window(void)
{
	unsigned int burst = on_debug_kernel() ? 10 : 89, windows = 18 * 64, missed;

	begin("window");
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_WINDOW_NS, 0, WINDOW_NS), 0);
	synth_set("period_us", WINDOW_NS / 1000);
	synth_set("burst", burst);
	while (now_ns() / WINDOW_NS % 64 != 63)
		sleep_ms(1);
	ASSERT_RET(synth_run(windows * burst), 0);
	missed = synth_get("periods_missed");
	ktap_note("%u windows missed", missed);
	expect_half(windows * burst, 1.5 * sqrt(missed) / windows);
}

/* The begin of a window is left out of the test, not of the shares. */
static void washout(void)
{
	struct mlproxy_stats s;
	uint64_t n;

	begin("window");
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SHARE, COLLABORATION, 0), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_WINDOW_NS, 0, 3600000000000ULL), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_WASHOUT_NS, 0, 3600000000000ULL - 1), 0);
	/* All of them: there is but one window, with one arm. */
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_EXPLORE, COLLABORATION, 0), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SHARE, COLLABORATION, 65536), 0);
	ASSERT_RET(synth_run(1000), 0);
	dev_stats(fd, &s);
	EXPECT(s.by_source[MLPROXY_SRC_MODEL] > 900);
	EXPECT_EQ(s.by_arm[0] + s.by_arm[1], 0);
	EXPECT_EQ(efficiency(fd).evidence.n[1], 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_WASHOUT_NS, 0, 0), 0);
	ASSERT_RET(synth_run(1000), 0);
	dev_stats(fd, &s);
	n = s.by_arm[0] + s.by_arm[1];
	EXPECT(n > 900 && n <= 1000);
	EXPECT_EQ(efficiency(fd).evidence.n[0] + efficiency(fd).evidence.n[1], n);
}

/* Dependent outcomes are judged by groups: 20 of them, or there is no interval. */
static void clusters(void)
{
	struct mlproxy_evidence e;

	begin("entity");
	synth_set("keys", 8);
	ASSERT_RET(synth_run(20000), 0);
	e = efficiency(fd).evidence;
	EXPECT(e.clusters < 8);
	EXPECT(e.n[0] + e.n[1] > 19000);
	EXPECT_EQ(e.low_q16, INT64_MIN);
	EXPECT_EQ(e.high_q16, INT64_MAX);
	synth_set("keys", 20000);
	ASSERT_RET(synth_run(20000), 0);
	e = efficiency(fd).evidence;
	EXPECT(e.clusters >= 60 && e.clusters <= 64, "(%u)", e.clusters);
	EXPECT(e.low_q16 > INT64_MIN && e.high_q16 < INT64_MAX);
	EXPECT(e.low_q16 < e.gain_q16 && e.gain_q16 < e.high_q16);
}

/* A good model climbs with each unit; for windows and entities it takes longer. */
static void climbs(void)
{
	begin("entity");
	synth_set("keys", 5000);
	ASSERT_RET(mode_auto(fd), 0);
	ASSERT_RET(synth_run(20000), 0);
	run_until(fd, RECOMMENDATION, 20000);
	expect_transition(fd, COLLABORATION, RECOMMENDATION, BETTER);
	EXPECT(transitions[0].evidence.clusters >= 20);
	EXPECT(transitions[0].evidence.clusters <= 64);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(by_decision),
	KTAP_TEST(by_entity),
	KTAP_TEST(by_window),
	KTAP_TEST(washout),
	KTAP_TEST(clusters),
	KTAP_TEST(climbs),
};

KTAP_MAIN(tests)
