// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trust is earned by one logic, a source and its version: what was not tested gets the
 * share of learning mode from its very first decision on, whatever mode is in force.
 *
 * guest-test: timeout=300
 */
#include "util_mode.h"

#define NO_MODEL	MLPROXY_MAX_ACTIONS
#define GOOD		1	/* the best constant action */
#define KEYS		16
#define HOUR_MS		3600000
#define LEARNING_SHARE	4096	/* of 65536: of the candidate, and of exploration */

static int fd;
static struct recs recs;
static struct ring ring;

/* Decisions that had a candidate, by its source and the mode they were made in. */
struct tally {
	unsigned int by_mode[MLPROXY_NR_SOURCES][MLPROXY_NR_MODES];
	unsigned int counted[MLPROXY_NR_SOURCES];	/* for an arm */
	unsigned int followed;				/* the recommendation */
	uint32_t version;				/* of the last recommendation */
};

static struct tally tally;

static void tally_one(const struct mlproxy_rec_hdr *rec, void *arg)
{
	const struct mlproxy_rec_decision *d = (const void *)rec;
	uint32_t share = LEARNING_SHARE << 15;

	(void)arg;
	if (d->candidate >= MLPROXY_MAX_ACTIONS)
		return;
	tally.by_mode[d->candidate_source][d->mode]++;
	tally.counted[d->candidate_source] += d->arm != MLPROXY_ARM_NONE;
	if (d->candidate_source != MLPROXY_SRC_RECOMMENDATION)
		return;
	tally.version = d->model_version;
	if (d->source != MLPROXY_SRC_RECOMMENDATION)
		return;
	tally.followed++;
	if (d->mode == LEARNING && d->baseline != d->candidate)
		EXPECT_EQ(d->prob_q31, share + share / 4);
}

static void decide(unsigned int n)
{
	memset(&tally, 0, sizeof(tally));
	for (; n; n -= n < 32 ? n : 32) {
		ASSERT_RET(synth_run(n < 32 ? n : 32), 0);
		ring_consume(&ring, 0, tally_one, NULL);
	}
}

static void begin(unsigned int action)
{
	struct mlproxy_ring_setup setup;

	pin_to(0);
	fd = synth_begin(action);
	synth_set("keys", KEYS);
	ASSERT_RET(recs_map(fd, 64, &recs), 0);
	ASSERT_RET(ring_setup(fd, 1 << 16, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_DECISION),
			      &setup), 0);
	ASSERT_RET(ring_map(fd, &setup, 0, &ring), 0);
}

static void push(unsigned int first, unsigned int n, uint32_t version)
{
	unsigned int key;

	for (key = first; key < first + n; key++)
		ASSERT_RET(recommend_version(fd, &recs, key, GOOD, HOUR_MS, version), 0);
}

static void climb(void)
{
	run_until(fd, COLLABORATION, 40000);
	run_until(fd, RECOMMENDATION, 40000);
	ring_consume(&ring, 0, tally_one, NULL);
}

/* All @n decisions were made as in learning mode, and no more than its share followed. */
static void expect_learning(unsigned int source, unsigned int n)
{
	EXPECT_EQ(tally.by_mode[source][LEARNING], n);
	EXPECT_EQ(tally.by_mode[source][COLLABORATION], 0);
	EXPECT_EQ(tally.by_mode[source][RECOMMENDATION], 0);
	/* a sixteenth; six standard deviations more */
	EXPECT(tally.followed <= n / 16 + 6 * (n / 64 + 3), "(%u of %u)", tally.followed, n);
}

/* Version 1 earns the mode; version 2, of the same agent, begins at the bottom. */
static void a_new_version_begins_at_the_bottom(void)
{
	begin(NO_MODEL);
	push(0, KEYS, 1);
	climb();
	EXPECT_EQ(evidence_version(fd), 1);
	decide(64);
	EXPECT_EQ(tally.by_mode[MLPROXY_SRC_RECOMMENDATION][RECOMMENDATION], 64);
	push(0, KEYS, 2);
	decide(512);
	EXPECT_EQ(tally.version, 2);
	expect_learning(MLPROXY_SRC_RECOMMENDATION, 512);
	expect_transition(fd, RECOMMENDATION, LEARNING, NEW_MODEL);
	EXPECT_EQ(evidence_version(fd), 2);
	climb();
	EXPECT_EQ(evidence_version(fd), 2);
}

/* The first of its recommendations is enough, and those of version 1 that are left are
 * untested then.
 */
static void one_recommendation_is_enough(void)
{
	begin(NO_MODEL);
	push(0, KEYS, 1);
	climb();
	push(0, 1, 2);
	EXPECT_EQ(evidence_version(fd), 2);
	decide(512);
	expect_learning(MLPROXY_SRC_RECOMMENDATION, 512);
	EXPECT_EQ(mode_get(fd).mode, LEARNING);
	/* one of 16 keys is version 2's */
	EXPECT(tally.counted[MLPROXY_SRC_RECOMMENDATION] <= 512 / KEYS, "(%u)",
	       tally.counted[MLPROXY_SRC_RECOMMENDATION]);
}

/* An agent that changes its version all the time has nothing tested. */
static void changing_versions_stay_in_learning(void)
{
	unsigned int i, rounds = scaled(200);

	begin(NO_MODEL);
	for (i = 0; i < rounds; i++) {
		push(0, KEYS, i & 1);
		decide(64);
		expect_learning(MLPROXY_SRC_RECOMMENDATION, 64);
	}
	EXPECT_EQ(mode_get(fd).mode, LEARNING);
}

/* A model that has earned its mode keeps it, and lends it to nobody. */
static void recommendations_beside_a_model(void)
{
	uint64_t changes;

	begin(GOOD);
	climb();
	changes = mode_get(fd).changes;
	push(0, KEYS / 4, 1);
	decide(512);
	expect_learning(MLPROXY_SRC_RECOMMENDATION, 128);
	EXPECT_EQ(tally.counted[MLPROXY_SRC_RECOMMENDATION], 0);
	EXPECT_EQ(tally.by_mode[MLPROXY_SRC_MODEL][RECOMMENDATION], 384);
	EXPECT_EQ(efficiency(fd).evidence.source, MLPROXY_SRC_MODEL);
	EXPECT_EQ(tally.counted[MLPROXY_SRC_MODEL], 384);
	EXPECT_EQ(mode_get(fd).changes, changes);
	/* Where the model is not asked any more, recommendations are what is tested. */
	push(0, KEYS, 1);
	decide(512);
	expect_learning(MLPROXY_SRC_RECOMMENDATION, 512);
	run_until(fd, LEARNING, 1024);
	expect_transition(fd, RECOMMENDATION, LEARNING, NEW_MODEL);
	EXPECT_EQ(evidence_version(fd), 1);
	EXPECT_EQ(efficiency(fd).evidence.source, MLPROXY_SRC_RECOMMENDATION);
	climb();
}

/* The operator answers for a mode that he fixed. */
static void a_fixed_mode_is_everybody_s(void)
{
	begin(GOOD);
	ASSERT_RET(dev_set_mode(fd, RECOMMENDATION), 0);
	push(0, KEYS / 4, 1);
	decide(512);
	EXPECT_EQ(tally.by_mode[MLPROXY_SRC_RECOMMENDATION][RECOMMENDATION], 128);
	EXPECT_EQ(tally.counted[MLPROXY_SRC_RECOMMENDATION], 0);
	EXPECT_EQ(tally.counted[MLPROXY_SRC_MODEL], 384);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(a_new_version_begins_at_the_bottom),
	KTAP_TEST(one_recommendation_is_enough),
	KTAP_TEST(changing_versions_stay_in_learning),
	KTAP_TEST(recommendations_beside_a_model),
	KTAP_TEST(a_fixed_mode_is_everybody_s),
};

KTAP_MAIN(tests)
