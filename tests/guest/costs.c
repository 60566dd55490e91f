// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a policy costs that its reward does not say: ledgers, late outcomes, and the outer
 * experiment, with policies of mlproxy_synth that are better by their reward.
 *
 * Decisions are paced (20 in each millisecond), since arms are held for a time.
 */
#include <inttypes.h>

#include "util_mode.h"

#define GOOD		1	/* an action with a better reward than the baseline's */
#define KEYS		16
#define NONE		0	/* values of the parameter "hidden" */
#define DELAYED		1
#define OTHERS		2
#define LOST		3
#define AT_ONCE		4
#define SAVED		5
#define MAX_DECISIONS	400000

static int fd;

/* The world anew: what it reports, and what an action costs beside its reward. */
static void world(const char *params, unsigned int hidden)
{
	synth_reload_with(params);
	fd = synth_begin(MLPROXY_MAX_ACTIONS);
	synth_set("keys", KEYS);
	synth_set("burst", 20);
	synth_set("hidden", hidden);
	synth_model(fd, GOOD);
}

static struct mlproxy_evidence verdict(uint32_t which)
{
	struct mlproxy_evidence verdicts[MLPROXY_NR_VERDICTS];
	struct mlproxy_efficiency cmd = {
		.size = sizeof(cmd), .verdicts = (uintptr_t)verdicts,
		.verdict_size = sizeof(*verdicts), .nr_verdicts = MLPROXY_NR_VERDICTS,
	};

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_EFFICIENCY, &cmd), 0);
	ASSERT_EQ(cmd.nr_verdicts, MLPROXY_NR_VERDICTS);
	EXPECT_EQ(verdicts[which].verdict, which);
	return verdicts[which];
}

/*
 * Decisions until a policy falls from a higher mode, or is kept from it; it is not to be
 * recommended before. Which of the two depends on the time that decisions take.
 */
static void falls(uint32_t reason, uint32_t which)
{
	bool higher = false, kept = false;
	unsigned int done;

	for (done = 0; done < MAX_DECISIONS; done += 200) {
		struct mlproxy_efficiency e;

		ASSERT_RET(synth_run(200), 0);
		e = efficiency(fd);
		ASSERT(e.mode != RECOMMENDATION, "(after %u decisions)", done);
		higher |= e.mode == COLLABORATION;
		kept = !higher && verdict(which).stance == MLPROXY_STANCE_CONTRADICTS;
		if (kept || (higher && e.mode == LEARNING))
			break;
	}
	ktap_note("%s after %u decisions", kept ? "kept back" : "fell", done);
	ASSERT(done < MAX_DECISIONS);
	if (!kept) {
		EXPECT_EQ(transitions[0].from, COLLABORATION);
		EXPECT_EQ(transitions[0].to, LEARNING);
		EXPECT_EQ(transitions[0].reason, reason);
		EXPECT_EQ(transitions[0].evidence.verdict, which);
		EXPECT(transitions[0].evidence.high_q16 < 0);
	}
	/* The reward does not bring it back. */
	ASSERT_RET(synth_run(20000), 0);
	EXPECT_EQ(efficiency(fd).mode, LEARNING);
}

/*
 * The outer experiment of a recommended policy, once it knows of both arms. It begins anew
 * with each of its blocks, and how many decisions one takes depends on the machine.
 */
static struct mlproxy_evidence both_arms(void)
{
	struct mlproxy_evidence e;
	unsigned int done;

	for (done = 0; done < MAX_DECISIONS; done += 200) {
		e = verdict(MLPROXY_VERDICT_OUTER);
		if (e.n[MLPROXY_ARM_BASELINE] && e.n[MLPROXY_ARM_MODEL])
			return e;
		ASSERT_RET(synth_run(200), 0);
	}
	ktap_fail("an arm has nothing after %u decisions: %u, %u", done,
		  (unsigned int)e.n[MLPROXY_ARM_BASELINE], (unsigned int)e.n[MLPROXY_ARM_MODEL]);
	return e;
}

static void good_climbs(void)
{
	struct mlproxy_evidence e;

	/* a ledger of no difference is for long below the baseline's as often as above */
	world("outer=entity ledger=1", SAVED);
	run_until(fd, COLLABORATION, MAX_DECISIONS);
	EXPECT_EQ(verdict(MLPROXY_VERDICT_LEDGER).stance == MLPROXY_STANCE_NONE, 0);
	run_until(fd, RECOMMENDATION, MAX_DECISIONS);
	EXPECT_EQ(transitions[0].reason, MLPROXY_REASON_BETTER);
	EXPECT_EQ(transitions[1].reason, MLPROXY_REASON_RAMP);
	EXPECT_EQ(transitions[1].from, transitions[1].to);
	/* kept on, with a part of the units */
	ASSERT_RET(synth_run(20000), 0);
	e = both_arms();
	/* about a thousand for each decision */
	EXPECT(e.mean_q16[0] >> 16 > 500 && e.mean_q16[0] >> 16 < 1500, "(%lld)",
	       (long long)(e.mean_q16[0] >> 16));
	EXPECT_EQ(efficiency(fd).mode, RECOMMENDATION);
	EXPECT_EQ(efficiency(fd).needs, 0);
}

static void delayed_falls(void)
{
	world("outer=entity", DELAYED);
	falls(MLPROXY_REASON_OUTER, MLPROXY_VERDICT_OUTER);
	EXPECT(efficiency(fd).needs & MLPROXY_NEEDS_OUTER);
	EXPECT_EQ(verdict(MLPROXY_VERDICT_REWARD).stance, MLPROXY_STANCE_SUPPORTS);
}

static void others_falls(void)
{
	world("outer=window", OTHERS);
	falls(MLPROXY_REASON_OUTER, MLPROXY_VERDICT_OUTER);
}

/* The ledger knows as soon as the reward does: the policy does not get off the ground. */
static void ledger_holds_back(void)
{
	world("ledger=1", AT_ONCE);
	ASSERT_RET(synth_run(40000), 0);
	EXPECT_EQ(efficiency(fd).mode, LEARNING);
	EXPECT_EQ(efficiency(fd).needs, MLPROXY_NEEDS_LEDGER);
	EXPECT_EQ(verdict(MLPROXY_VERDICT_LEDGER).stance, MLPROXY_STANCE_CONTRADICTS);
	EXPECT_EQ(verdict(MLPROXY_VERDICT_REWARD).stance, MLPROXY_STANCE_SUPPORTS);
	EXPECT_EQ(verdict(MLPROXY_VERDICT_OUTER).stance, MLPROXY_STANCE_NONE);
}

/* One that is recommended, and begins to cost. */
static void ledger_falls(void)
{
	world("ledger=1", SAVED);
	run_until(fd, RECOMMENDATION, MAX_DECISIONS);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SHARE, RECOMMENDATION, 49152), 0);
	synth_set("hidden", AT_ONCE);
	run_until(fd, LEARNING, MAX_DECISIONS);
	EXPECT_EQ(transitions[0].reason, MLPROXY_REASON_LEDGER);
	EXPECT_EQ(transitions[0].evidence.verdict, MLPROXY_VERDICT_LEDGER);
}

/* Without any of these measures the same policy is recommended. */
static void reward_alone_climbs(void)
{
	world("deferred=1", DELAYED);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_PENDING_NS, 0, 20000000), 0);
	run_until(fd, RECOMMENDATION, MAX_DECISIONS);
}

/* Outcomes that get lost for one arm hold a policy back. */
static void lost_stays(void)
{
	struct mlproxy_stats stats = { .size = sizeof(stats) };

	world("deferred=1", LOST);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_PENDING_NS, 0, 20000000), 0);
	ASSERT_RET(synth_run(40000), 0);
	EXPECT_EQ(efficiency(fd).mode, LEARNING);
	EXPECT(efficiency(fd).needs & MLPROXY_NEEDS_LOSSES);
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_STATS, &stats), 0);
	/* an emulated CPU that is away for long may lose one of any arm */
	EXPECT(stats.lost_by_arm[MLPROXY_ARM_MODEL] > 10 * stats.lost_by_arm[MLPROXY_ARM_BASELINE]);
}

static int64_t mean(const struct mlproxy_stats *stats, uint32_t source)
{
	ASSERT(stats->reward_count[source] > 0);
	return stats->reward_sum[source] / (int64_t)stats->reward_count[source];
}

/* The same, but the proxy tells what came of them when it is asked. */
static void audit_tells(void)
{
	struct mlproxy_stats stats = { .size = sizeof(stats) };

	world("deferred=1", LOST);
	synth_set("audited", 1);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_PENDING_NS, 0, 2000000), 0);
	ASSERT_RET(synth_run(20000), 0);
	sleep_ms(200);
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_STATS, &stats), 0);
	EXPECT_EQ(stats.pending_expired + stats.pending_evicted, 0);
	EXPECT_EQ(stats.pending_resolved, stats.pending_deferred);
	EXPECT_EQ(stats.lost_by_arm[MLPROXY_ARM_MODEL], 0);
	/* and then the bad ones count */
	EXPECT(mean(&stats, MLPROXY_SRC_MODEL) < mean(&stats, MLPROXY_SRC_BASELINE));
	EXPECT(efficiency(fd).mode <= LEARNING);
}

/* ------------------------------------------------------------------ */
/* What a decision looks like                                          */

struct seen {
	uint64_t by_arm[3];
	uint64_t wrong;
	uint64_t ledgers;
};

static void see(const struct mlproxy_rec_hdr *rec, void *arg)
{
	struct seen *seen = arg;
	const struct mlproxy_rec_decision *d = (const void *)rec;
	const struct mlproxy_rec_feedback *f = (const void *)rec;
	uint32_t half = MLPROXY_PROB_ONE / 2;

	if (rec->type == MLPROXY_REC_FEEDBACK) {
		seen->ledgers += rec->flags & MLPROXY_FEEDBACK_LEDGER && f->ledger >= 400;
		return;
	}
	if (rec->type != MLPROXY_REC_DECISION || d->candidate != GOOD)
		return;
	switch (d->outer_arm) {
	case MLPROXY_ARM_BASELINE:
		seen->by_arm[0]++;
		seen->wrong += d->action != d->baseline || d->arm != MLPROXY_ARM_NONE;
		break;
	case MLPROXY_ARM_MODEL:
		seen->by_arm[1]++;
		seen->wrong += d->action != GOOD || d->arm != MLPROXY_ARM_NONE;
		break;
	case MLPROXY_ARM_NONE:
		seen->by_arm[2]++;
		seen->wrong += d->arm == MLPROXY_ARM_NONE;
		break;
	default:
		seen->wrong++;
	}
	/* one half of the decisions, held or not, in all of these */
	seen->wrong += d->prob_q31 < half - 4 || d->prob_q31 > half + 4;
}

static void arms_are_held(void)
{
	struct mlproxy_ring_setup setup;
	struct seen seen;
	struct ring ring;
	uint64_t all;

	memset(&seen, 0, sizeof(seen));
	pin_to(0);
	world("outer=entity ledger=1", NONE);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_EXPLORE, COLLABORATION, 0), 0);
	ASSERT_RET(dev_set_mode(fd, COLLABORATION), 0);
	ASSERT_RET(ring_setup(fd, 1 << 20, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_DECISION) |
			      MLPROXY_REC_MASK(MLPROXY_REC_FEEDBACK), &setup), 0);
	ASSERT_RET(ring_map(fd, &setup, 0, &ring), 0);
	for (int i = 0; i < 10; i++) {
		ASSERT_RET(synth_run(2000), 0);
		ring_consume(&ring, 0, see, &seen);
	}
	EXPECT_EQ(seen.wrong, 0);
	all = seen.by_arm[0] + seen.by_arm[1] + seen.by_arm[2];
	EXPECT(all >= 19000, "(%" PRIu64 ")", all);
	EXPECT_EQ(seen.ledgers, all);
	/* three quarters of the pairs, one half of each */
	for (int arm = 0; arm < 2; arm++)
		EXPECT(seen.by_arm[arm] > all / 5 && seen.by_arm[arm] < all * 3 / 5);
	/* of those that are not, as many as the split says */
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_OUTER_SHARE, COLLABORATION, 0), 0);
	memset(&seen, 0, sizeof(seen));
	ASSERT_RET(synth_run(2000), 0);
	ring_consume(&ring, 0, see, &seen);
	EXPECT_EQ(seen.wrong, 0);
	EXPECT_EQ(seen.by_arm[0] + seen.by_arm[1], 0);
}

static void parameters(void)
{
	static const struct {
		uint32_t param, index;
		uint64_t good, bad;
	} params[] = {
		{ MLPROXY_PARAM_RAMP_NS, 0, 0, 3600000000001 },
		{ MLPROXY_PARAM_RAMP_SHARE, 0, 40000, 65536 },
		{ MLPROXY_PARAM_RAMP_SHARE, 0, 32768, 32767 },
		{ MLPROXY_PARAM_OUTER_SHARE, LEARNING, 65536, 65537 },
		{ MLPROXY_PARAM_OUTER_HOLD_NS, 0, 3600000000000, 999999 },
		{ MLPROXY_PARAM_OUTER_HOLD_NS, 0, 30000000, 3600000000001 },
		{ MLPROXY_PARAM_OUTER_WASHOUT_NS, 0, 0, 30000000 },
		{ MLPROXY_PARAM_OUTER_MARGIN_Q16, 0, 65536, 65537 },
		{ MLPROXY_PARAM_LEDGER_MARGIN_Q16, 0, 16 << 16, (16 << 16) + 1 },
	};
	struct mlproxy_info info = { .size = sizeof(info) };
	size_t i;

	world("outer=entity ledger=1", NONE);
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_INFO, &info), 0);
	EXPECT(info.features & MLPROXY_FEAT_OUTER);
	EXPECT_EQ(param_get(fd, MLPROXY_PARAM_OUTER_HOLD_NS), 20000000);
	EXPECT_EQ(param_get(fd, MLPROXY_PARAM_OUTER_WASHOUT_NS), 8000000);
	for (i = 0; i < ARRAY_SIZE(params); i++) {
		EXPECT_RET(dev_set_param(fd, params[i].param, params[i].index, params[i].bad),
			   -EINVAL);
		EXPECT_RET(dev_set_param(fd, params[i].param, params[i].index, params[i].good),
			   0);
		if (params[i].index == 0)
			EXPECT_EQ(param_get(fd, params[i].param), params[i].good);
	}
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_OUTER_SHARE, EMERGENCY, 1), -EINVAL);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_OUTER_SHARE, MLPROXY_NR_MODES, 1), -EINVAL);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_RAMP_NS, 1, 1), -EINVAL);
}

/* For the programs that follow. */
static void restored(void)
{
	synth_reload_with("");
}

static const struct ktap_test tests[] = {
	KTAP_TEST(good_climbs),
	KTAP_TEST(delayed_falls),
	KTAP_TEST(others_falls),
	KTAP_TEST(ledger_holds_back),
	KTAP_TEST(ledger_falls),
	KTAP_TEST(reward_alone_climbs),
	KTAP_TEST(lost_stays),
	KTAP_TEST(audit_tells),
	KTAP_TEST(arms_are_held),
	KTAP_TEST(parameters),
	KTAP_TEST(restored),
};

KTAP_MAIN(tests)
