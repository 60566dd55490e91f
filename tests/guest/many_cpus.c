// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks of the mode machine, with all CPUs that there are: each outcome is judged, once,
 * for the experiment that its decision was made in, and soon, on whichever CPU it came.
 *
 * For two CPUs as for 64; tests/bench/look-cost takes the length of looks from here.
 *
 * guest-test: timeout=600
 */
#include <inttypes.h>
#include <math.h>

#include "util_mode.h"

#define KEYS	4096	/* entities: outcomes in each group of clusters */

static int fd;

static unsigned int nr_online(void)
{
	return __builtin_popcountll(online_mask());
}

static uint64_t nr_judged(const struct mlproxy_efficiency *e)
{
	return e->evidence.n[0] + e->evidence.n[1];
}

/* The proxy of @unit anew; each decision has a candidate, and so counts for an arm. */
static void begin(const char *unit)
{
	struct mlproxy_model_load load;
	char name[32];
	uint32_t len;
	void *model;

	snprintf(name, sizeof(name), "ctx-%s", unit);
	fd = dev_bound(name);
	dev_fresh(fd);
	ctx_set("keys", KEYS);
	model = model_constant(fd, 1, &len);
	ASSERT_RET(dev_model_load(fd, model, len, &load), 0);
	free(model);
	ASSERT_EQ(dev_model_ctl(fd, MLPROXY_MODEL_OP_ACTIVATE, load.version),
		  (int)load.version);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	/* Where the machine does not govern, an experiment lasts. */
	ASSERT_RET(dev_set_mode(fd, COLLABORATION), 0);
}

/* What the last look saw. Nothing is asked of the machine. */
static double gain_shown(void)
{
	char text[64];

	ASSERT(file_read(SYSFS_DIR "synth/gain", text, sizeof(text)) >= 0);
	return atof(text) / 65536;
}

/* From the counters of outcomes; 0 until both arms have some. */
static double gain_counted(void)
{
	struct mlproxy_stats s;

	dev_stats(fd, &s);
	if (!s.reward_count[MLPROXY_SRC_MODEL] || !s.reward_count[MLPROXY_SRC_BASELINE])
		return 0;
	return s.reward_sum[MLPROXY_SRC_MODEL] / (double)s.reward_count[MLPROXY_SRC_MODEL] -
	       s.reward_sum[MLPROXY_SRC_BASELINE] / (double)s.reward_count[MLPROXY_SRC_BASELINE];
}

/* One decision, and no more: its outcome is judged all the same. */
static void one_is_judged(void)
{
	unsigned int i, tries;

	fd = synth_begin(2);
	ASSERT_RET(dev_set_mode(fd, COLLABORATION), 0);
	for (i = 0; i < 24; i++) {
		pin_to(i * 7 % nr_online());
		ASSERT_RET(synth_run(1), 0);
		for (tries = 0; tries < 3000; tries++) {
			if (fabs(gain_shown() - gain_counted()) < 0.001)
				break;
			sleep_ms(10);
		}
		EXPECT(tries < 3000, "(outcome %u)", i);
	}
	EXPECT(fabs(gain_counted()) > 0);
}

static void each_is_judged_once(void)
{
	static const char *const units[] = { "decision", "entity" };
	static const char *const contexts[] = { "task", "hardirq", "mixed" };
	struct mlproxy_efficiency e;
	struct mlproxy_stats s;
	unsigned int u, c;

	for (u = 0; u < ARRAY_SIZE(units); u++) {
		begin(units[u]);
		for (c = 0; c < ARRAY_SIZE(contexts); c++) {
			ASSERT_RET(ctx_run(units[u], contexts[c], scaled(1000), online_mask()), 0);
			e = efficiency(fd);
			dev_stats(fd, &s);
			EXPECT_EQ(e.evidence.n[0], s.by_arm[0]);
			EXPECT_EQ(e.evidence.n[1], s.by_arm[1]);
			EXPECT(nr_judged(&e) >= (c + 1) * scaled(1000) * nr_online());
		}
		/* by groups, of which some may have met no outcome on a debug kernel */
		if (u)
			EXPECT(e.evidence.clusters > 32 && e.evidence.clusters <= 64);
		close(fd);
	}
}

/* CPUs that are at work when an experiment ends don't carry its outcomes into the next. */
static void none_is_judged_for_another(void)
{
	struct mlproxy_efficiency e;
	unsigned int restarts = 0;
	pid_t load;

	begin("entity");
	load = load_start("entity", "mixed", scaled(3000), online_mask());
	while (load_running(&load)) {
		ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SEED, 0, ++restarts), 0);
		e = efficiency(fd);
		EXPECT(nr_judged(&e) <= scaled(3000) * nr_online() * 3);
	}
	ktap_note("%u experiments", restarts);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SEED, 0, ++restarts), 0);
	e = efficiency(fd);
	EXPECT_EQ(nr_judged(&e), 0);
	ASSERT_RET(ctx_run("entity", "task", 10, online_mask()), 0);
	e = efficiency(fd);
	EXPECT_EQ(nr_judged(&e), 10 * nr_online());
}

/* All have much to gather: what one look does not get to, those that follow do. */
static void looks_share_the_work(void)
{
	uint64_t shortest = UINT64_MAX, evaluations = 0;
	struct mlproxy_efficiency e;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		begin("entity");
		ASSERT_RET(ctx_run("entity", "task", scaled(1000), online_mask()), 0);
		/* Let the looks that are to come come. */
		sleep_ms(200);
		e = efficiency(fd);
		EXPECT_EQ(nr_judged(&e), scaled(1000) * nr_online());
		EXPECT(e.look_ns_max);
		evaluations += e.evaluations;
		if (e.look_ns_max < shortest)
			shortest = e.look_ns_max;
		close(fd);
	}
	ktap_note("%u CPUs of %u, %" PRIu64 " looks", nr_online(), nr_cpus(), evaluations);
	ktap_note("longest look of the luckiest of 8 runs: %" PRIu64 " ns", shortest);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(one_is_judged),
	KTAP_TEST(each_is_judged_once),
	KTAP_TEST(none_is_judged_for_another),
	KTAP_TEST(looks_share_the_work),
};

KTAP_MAIN(tests)
