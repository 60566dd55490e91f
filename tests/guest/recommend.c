// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recommendations: a fresh one is applied, a stale one never, an illegal one is
 * refused with its reason, and the table gives way within its bounds.
 *
 * guest-test: timeout=300
 */
#include "util.h"

#define UNIT "decision"
#define PROXY "ctx-decision"
#define TABLE_ENTRIES 64	/* of mlproxy_ctxtest's proxies */
#define HOUR_MS 3600000

static int fd;
static struct recs recs;
static struct mlproxy_ring_setup setup;
static struct ring ring;

/* Every decision follows the candidate. */
static void begin(void)
{
	fd = dev_bound(PROXY);
	dev_fresh(fd);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SHARE, MLPROXY_MODE_RECOMMENDATION,
				 MLPROXY_SHARE_ONE), 0);
	ASSERT_RET(dev_set_mode(fd, MLPROXY_MODE_RECOMMENDATION), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(recs_map(fd, 256, &recs), 0);
	ASSERT_RET(ring_setup(fd, 1 << 16, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_DECISION),
			      &setup), 0);
	ASSERT_RET(ring_map(fd, &setup, 0, &ring), 0);
	ctx_set("masks", 0);
	ctx_set("keys", 64);
}

struct tally {
	unsigned int total;
	unsigned int recommended[64];	/* by key */
	unsigned int wrong;
};

/* The action recommended for a key is key % 4 throughout. */
static void tally_one(const struct mlproxy_rec_hdr *rec, void *arg)
{
	const struct mlproxy_rec_decision *d = (const void *)rec;
	struct tally *t = arg;

	t->total++;
	if (d->source != MLPROXY_SRC_RECOMMENDATION) {
		t->wrong += d->source != MLPROXY_SRC_BASELINE || d->action != d->baseline ||
			    d->model_version;
		return;
	}
	t->recommended[d->key % 64]++;
	t->wrong += d->action != d->key % 4 || d->model_version != 7 ||
		    d->candidate != d->action ||
		    d->candidate_source != MLPROXY_SRC_RECOMMENDATION ||
		    d->prob_q31 != MLPROXY_PROB_ONE;
}

static struct tally decide(unsigned int n)
{
	struct tally t = { 0 };

	while (n) {
		unsigned int part = n < 200 ? n : 200;

		ASSERT_RET(ctx_run(UNIT, "task", part, 1), 0);
		EXPECT_EQ(ring_consume(&ring, 0, tally_one, &t), part);
		n -= part;
	}
	EXPECT_EQ(t.wrong, 0);
	return t;
}

static unsigned int sum(const struct tally *t)
{
	unsigned int i, n = 0;

	for (i = 0; i < 64; i++)
		n += t->recommended[i];
	return n;
}

static void fresh_applies(void)
{
	struct mlproxy_stats s;
	struct tally t;

	begin();
	t = decide(200);
	EXPECT_EQ(sum(&t), 0);
	EXPECT_EQ(recommend(fd, &recs, 5, 1, HOUR_MS), 0);
	EXPECT_EQ(recommend(fd, &recs, 6, 2, HOUR_MS), 0);
	t = decide(2000);
	EXPECT(t.recommended[5] && t.recommended[6]);
	EXPECT_EQ(sum(&t), t.recommended[5] + t.recommended[6]);
	dev_stats(fd, &s);
	EXPECT_EQ(s.rec_hits, sum(&t));
	EXPECT_EQ(s.by_source[MLPROXY_SRC_RECOMMENDATION], sum(&t));
	EXPECT_EQ(s.rec_drained, 2);
	EXPECT_EQ(s.rec_accepted, 2);
}

/* A recommendation of 1 ms is over by the time that a decision asks. */
static void stale_never_applies(void)
{
	struct mlproxy_stats s;
	struct tally t;
	unsigned int i;

	begin();
	for (i = 0; i < 32; i++)
		EXPECT_EQ(recommend(fd, &recs, i, i % 4, 1), 0);
	sleep_ms(50);
	t = decide(2000);
	EXPECT_EQ(sum(&t), 0);
	dev_stats(fd, &s);
	EXPECT_EQ(s.rec_hits, 0);
	EXPECT(s.rec_expired > 0);
	/* A new one for the same key takes over, and gives way again. */
	EXPECT_EQ(recommend(fd, &recs, 1, 1, HOUR_MS), 0);
	t = decide(1000);
	EXPECT(sum(&t) && sum(&t) == t.recommended[1]);
	EXPECT_EQ(recommend(fd, &recs, 1, 1, 1), 0);
	sleep_ms(50);
	t = decide(1000);
	EXPECT_EQ(sum(&t), 0);
}

/* In a mode without share, and for what is not legal here, the baseline decides. */
static void not_everywhere(void)
{
	struct mlproxy_stats s;
	unsigned int i;

	begin();
	for (i = 0; i < 64; i++)
		EXPECT_EQ(recommend(fd, &recs, i, 3, HOUR_MS), 0);
	ASSERT_RET(dev_set_mode(fd, MLPROXY_MODE_EMERGENCY), 0);
	ASSERT_RET(ctx_run(UNIT, "task", 200, 1), 0);
	dev_stats(fd, &s);
	EXPECT_EQ(s.by_source[MLPROXY_SRC_BASELINE], 200);
	EXPECT_EQ(s.rec_hits, 0);
	/* A subsystem in need is as good as the emergency mode. */
	ASSERT_RET(dev_set_mode(fd, MLPROXY_MODE_RECOMMENDATION), 0);
	ASSERT(!ctx_set("critical", 1));
	ASSERT_RET(ctx_run(UNIT, "task", 200, 1), 0);
	ctx_set("critical", 0);
	dev_stats(fd, &s);
	EXPECT_EQ(s.critical, 200);
	EXPECT_EQ(s.by_mode[MLPROXY_MODE_EMERGENCY], 400);
	EXPECT_EQ(s.by_source[MLPROXY_SRC_BASELINE], 400);
	/* Actions restricted at random: never one that is not legal. */
	ASSERT(!ctx_set("masks", 1));
	ASSERT_RET(ctx_run(UNIT, "mixed", 1000, online_mask()), 0);
	ctx_set("masks", 0);
	dev_stats(fd, &s);
	EXPECT(s.by_source[MLPROXY_SRC_RECOMMENDATION] > 0);
	EXPECT_EQ(ctx_get("violations"), 0);
}

static int one(struct mlproxy_recommendation r)
{
	struct mlproxy_recommend_drain d;
	uint64_t pos = recs.prod->pos;

	recs.entries[pos % recs.nr] = r;
	recs.prod->pos = pos + 1;
	ASSERT_RET(recs_drain(fd, 0, &d), 0);
	ASSERT_EQ(d.drained, 1);
	EXPECT_EQ(d.accepted, recs.results[pos % recs.nr] == 0);
	EXPECT_EQ(recs.cons->pos, pos + 1);
	return recs.results[pos % recs.nr];
}

#define REC(...) ((struct mlproxy_recommendation) {			\
	.key = 1, .ttl_ms = 1000, .action = 1, __VA_ARGS__ })
#pragma GCC diagnostic ignored "-Woverride-init"

static void refused(void)
{
	struct mlproxy_stats s;
	struct tally t;

	begin();
	EXPECT_EQ(one(REC(.flags = 1)), -EINVAL);
	EXPECT_EQ(one(REC(.flags = ~0U)), -EINVAL);
	EXPECT_EQ(one(REC(.ttl_ms = 0)), -ERANGE);
	EXPECT_EQ(one(REC(.ttl_ms = MLPROXY_REC_MAX_TTL_MS + 1)), -ERANGE);
	EXPECT_EQ(one(REC(.ttl_ms = ~0U)), -ERANGE);
	EXPECT_EQ(one(REC(.action = 4)), -EDOM);
	EXPECT_EQ(one(REC(.action = 0xffff)), -EDOM);
	t = decide(1000);
	EXPECT_EQ(sum(&t), 0);
	dev_stats(fd, &s);
	EXPECT_EQ(s.rec_rejected, 7);
	EXPECT_EQ(s.rec_accepted, 0);
	EXPECT_EQ(one(REC(.ttl_ms = MLPROXY_REC_MAX_TTL_MS)), 0);
	EXPECT_EQ(one(REC(.key = ~0ULL, .confidence = 0xffff)), 0);
	EXPECT_EQ(one(REC(.key = 0, .version = ~0U)), 0);
}

/* More keys than the table holds: the newest of each set stay, the rest gives way. */
static void eviction(void)
{
	struct mlproxy_recommend_drain d;
	struct mlproxy_stats s;
	struct tally t;
	unsigned int i, key, have = 0;

	begin();
	for (key = 0; key < 4096;) {
		for (i = 0; i < recs.nr; i++, key++)
			recs.entries[(recs.prod->pos + i) % recs.nr] =
				(struct mlproxy_recommendation) {
					.key = key, .ttl_ms = HOUR_MS, .version = 7,
					.action = key % 4,
				};
		recs.prod->pos += recs.nr;
		ASSERT_RET(recs_drain(fd, 0, &d), 0);
		ASSERT_EQ(d.accepted, recs.nr);
	}
	dev_stats(fd, &s);
	EXPECT_EQ(s.rec_evicted, 4096 - TABLE_ENTRIES);
	/* Of the old keys hardly any is left; put 64 in anew, and most are. */
	for (key = 0; key < 64; key++)
		ASSERT_EQ(recommend(fd, &recs, key, key % 4, HOUR_MS), 0);
	t = decide(4000);
	for (i = 0; i < 64; i++)
		have += t.recommended[i] > 0;
	EXPECT(have > 32 && have <= TABLE_ENTRIES, "(%u)", have);
	dev_stats(fd, &s);
	EXPECT_EQ(s.rec_evicted, 4096);
}

/* The drain takes what it is told, in order, and shows the position. */
static void draining(void)
{
	struct mlproxy_recommend_drain d;
	unsigned int i;

	begin();
	for (i = 0; i < recs.nr; i++)
		recs.entries[i] = REC(.key = i, .action = i % 8);
	recs.prod->pos = recs.nr;
	EXPECT_RET(recs_drain(fd, 10, &d), 0);
	EXPECT_EQ(d.drained, 10);
	EXPECT_EQ(d.accepted, 6);
	EXPECT_EQ(d.rejected, 4);
	EXPECT_EQ(recs.cons->pos, 10);
	EXPECT_RET(recs_drain(fd, ~0U, &d), 0);
	EXPECT_EQ(d.drained, recs.nr - 10);
	for (i = 0; i < recs.nr; i++)
		EXPECT_EQ(recs.results[i], i % 8 < 4 ? 0 : -EDOM);
	EXPECT_RET(recs_drain(fd, 0, &d), 0);
	EXPECT_EQ(d.drained, 0);
}

/* Decisions look up while the table is written all the time. */
static void under_load(void)
{
	struct mlproxy_stats s;
	unsigned int i;
	pid_t load;

	begin();
	load = load_start(UNIT, "mixed", scaled(30000), online_mask());
	for (i = 0; load_running(&load); i++)
		ASSERT_EQ(recommend(fd, &recs, i % 64, i % 4, i % 3 ? 1 : HOUR_MS), 0);
	dev_stats(fd, &s);
	EXPECT(s.rec_hits > 0);
	EXPECT_EQ(s.rec_accepted, i);
	EXPECT_EQ(ctx_get("violations"), 0);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(fresh_applies),
	KTAP_TEST(stale_never_applies),
	KTAP_TEST(not_everywhere),
	KTAP_TEST(refused),
	KTAP_TEST(eviction),
	KTAP_TEST(draining),
	KTAP_TEST(under_load),
};

KTAP_MAIN(tests)
