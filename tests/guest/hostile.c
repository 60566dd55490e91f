// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring positions as an attacker would write them. A dataset ring then loses
 * records (and counts them), a drain says EPROTO; neither reads or writes anything
 * outside, and both work again once the position is right.
 *
 * guest-test: timeout=300
 */
#include <pthread.h>

#include "util.h"

#define UNIT "decision"
#define PROXY "ctx-decision"

static int fd;
static struct mlproxy_ring_setup setup;
static struct ring ring;

static void begin(void)
{
	fd = dev_bound(PROXY);
	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ring_setup(fd, 4096, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_DECISION),
			      &setup), 0);
	ASSERT_RET(ring_map(fd, &setup, 0, &ring), 0);
}

/* Decisions while the consumer position is @pos: all lost as badpos. */
static void lose_all(uint64_t pos)
{
	struct mlproxy_ring_stats a, b;

	ASSERT_RET(ring_stats(fd, 0, &a), 0);
	ring.cons->pos = pos;
	ASSERT_RET(ctx_run(UNIT, "task", 50, 1), 0);
	ASSERT_RET(ring_stats(fd, 0, &b), 0);
	EXPECT_EQ(b.published - a.published, 50);
	EXPECT(b.lost_badpos - a.lost_badpos == 50, "(position %#llx: %llu lost)",
	       (unsigned long long)pos, (unsigned long long)(b.lost_badpos - a.lost_badpos));
	EXPECT_EQ(b.written, a.written);
	ring.cons->pos = ring.pos;
}

static void bad_positions(void)
{
	uint64_t far[] = {
		1ULL << 63, ~0ULL, 1ULL << 32, 1ULL << 31, 0x1000000, 4096 * 2,
	};
	unsigned int i, round;

	begin();
	for (round = 0; round < 3; round++) {
		ASSERT_RET(ctx_run(UNIT, "task", 20, 1), 0);
		EXPECT_EQ(ring_consume(&ring, 0, NULL, NULL), 20);
		for (i = 0; i < ARRAY_SIZE(far); i++)
			lose_all(ring.pos + far[i]);
		lose_all(ring.pos + 8);			/* beyond the producer */
		lose_all(ring.pos - 4096 - 8);		/* more unread than fits */
		for (i = 1; i < 8; i++)
			lose_all(ring.pos - i);		/* unaligned */
		/* Right again: records come again, the loss shows as a gap. */
		ASSERT_RET(ctx_run(UNIT, "task", 20, 1), 0);
		EXPECT_EQ(ring_consume(&ring, 0, NULL, NULL), 20);
		ring_check(fd, 0, &ring);
	}
}

/* Backwards within the ring is possible: old data, but less room. */
static void backwards(void)
{
	struct mlproxy_ring_stats s;

	begin();
	ASSERT_RET(ctx_run(UNIT, "task", 40, 1), 0);
	ring_consume(&ring, 0, NULL, NULL);
	ring.cons->pos = 0;
	ASSERT_RET(ctx_run(UNIT, "task", 40, 1), 0);
	ASSERT_RET(ring_stats(fd, 0, &s), 0);
	EXPECT(s.lost_full > 0 && !s.lost_badpos);
	ring_consume(&ring, 0, NULL, NULL);
	ring_check(fd, 0, &ring);
}

static volatile bool stop;

static uint64_t rnd_state = 88172645463325252ULL;

static uint64_t rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state;
}

static uint64_t hostile_value(uint64_t near)
{
	switch (rnd() % 6) {
	case 0: return rnd();
	case 1: return near + rnd() % 64;
	case 2: return near - rnd() % 8192;
	case 3: return near + (rnd() % 1024) * 8;
	case 4: return 0;
	default: return near;
	}
}

static void *scramble(void *arg)
{
	(void)arg;
	while (!stop)
		ring.cons->pos = hostile_value(ring.prod->pos);
	return NULL;
}

/* Another thread changes it all the time, while every context publishes. */
static void changing(void)
{
	static const char * const contexts[] = { "task", "mixed", "hardirq" };
	struct mlproxy_ring_stats s;
	pthread_t thread;
	unsigned int i;

	begin();
	ASSERT(!pthread_create(&thread, NULL, scramble, NULL));
	for (i = 0; i < ARRAY_SIZE(contexts); i++)
		ASSERT_RET(ctx_run(UNIT, contexts[i], scaled(20000), online_mask()), 0);
	stop = true;
	pthread_join(thread, NULL);
	ASSERT_RET(ring_stats(fd, 0, &s), 0);
	EXPECT_EQ(s.published, s.written + s.lost_full + s.lost_badpos);
	EXPECT(s.lost_badpos > 0 && s.written > 0);
	EXPECT_EQ(ctx_get("violations"), 0);
	/* The kernel's own position was never lost. */
	ring.pos = ring.prod->pos;
	ring.cons->pos = ring.pos;
	ring.seq = s.published;
	ring.seen = 0;
	ring.gaps = 0;
	ASSERT_RET(ctx_run(UNIT, "task", 20, 1), 0);
	EXPECT_EQ(ring_consume(&ring, 0, NULL, NULL), 20);
	EXPECT_EQ(ring.gaps, 0);
}

/* poll() with a broken position wakes its owner instead of leaving it asleep. */
static void poll_wakes(void)
{
	struct pollfd pfd = { .events = POLLIN };

	begin();
	pfd.fd = fd;
	EXPECT_EQ(poll(&pfd, 1, 0), 0);
	ring.cons->pos = 1ULL << 40;
	EXPECT_EQ(poll(&pfd, 1, 0), 1);
}

static struct recs recs;

static void expect_eproto(uint64_t pos)
{
	struct mlproxy_recommend_drain d;
	struct mlproxy_stats a, b;
	uint64_t cons = recs.cons->pos;

	dev_stats(fd, &a);
	recs.prod->pos = pos;
	EXPECT(recs_drain(fd, 0, &d) == -EPROTO, "(position %#llx)", (unsigned long long)pos);
	EXPECT_EQ(d.drained + d.accepted + d.rejected, 0);
	EXPECT_EQ(recs.cons->pos, cons);
	dev_stats(fd, &b);
	EXPECT_EQ(b.rec_drained, a.rec_drained);
	recs.prod->pos = cons;
}

static void bad_producer(void)
{
	struct mlproxy_recommend_drain d;
	unsigned int round, i;

	begin();
	ASSERT_RET(recs_map(fd, 16, &recs), 0);
	for (round = 0; round < 5; round++) {
		uint64_t cons = recs.cons->pos;

		expect_eproto(cons + 17);
		expect_eproto(cons + (1ULL << 32));
		expect_eproto(cons + (1ULL << 63));
		expect_eproto(cons - 1);
		expect_eproto(cons - 16);
		expect_eproto(cons + ~0ULL);
		/* A full ring is possible. */
		for (i = 0; i < 16; i++)
			recs.entries[i] = (struct mlproxy_recommendation) {
				.key = i, .ttl_ms = 1000, .action = 1,
			};
		recs.prod->pos = cons + 16;
		EXPECT_RET(recs_drain(fd, 5, &d), 0);
		EXPECT_EQ(d.drained, 5);
		EXPECT_RET(recs_drain(fd, 0, &d), 0);
		EXPECT_EQ(d.accepted, 11);
		EXPECT_EQ(recs.cons->pos, cons + 16);
	}
}

/* Good and bad in turn, so that a check and a use apart would see different ones. */
static void *scramble_entries(void *arg)
{
	(void)arg;
	while (!stop) {
		volatile struct mlproxy_recommendation *r = &recs.entries[rnd() % recs.nr];

		r->key = rnd() % 64;
		r->ttl_ms = rnd() % 4 ? 1 + rnd() % 1000 : rnd();
		r->action = rnd() % 4 ? rnd() % 4 : rnd();
		r->flags = rnd() % 8 ? 0 : rnd();
		if (rnd() % 16 == 0)
			recs.prod->pos = hostile_value(recs.cons->pos);
	}
	return NULL;
}

/*
 * Entries change while they are drained, and decisions run meanwhile: what is
 * taken was checked after it was copied, so no action is ever illegal.
 */
static void changing_entries(void)
{
	uint64_t drained = 0, accepted = 0, rejected = 0, eproto = 0;
	struct mlproxy_recommend_drain d;
	struct mlproxy_stats stats;
	pthread_t thread;
	pid_t load;
	int ret;

	begin();
	ASSERT_RET(recs_map(fd, 64, &recs), 0);
	ASSERT_RET(dev_set_mode(fd, MLPROXY_MODE_RECOMMENDATION), 0);
	ASSERT(!ctx_set("masks", 1));
	load = load_start(UNIT, "mixed", scaled(50000), online_mask());
	ASSERT(!pthread_create(&thread, NULL, scramble_entries, NULL));
	while (load_running(&load)) {
		ret = recs_drain(fd, 0, &d);
		EXPECT(ret == 0 || ret == -EPROTO, "(%d)", ret);
		EXPECT_EQ(d.accepted + d.rejected, d.drained);
		EXPECT(d.drained <= recs.nr);
		drained += d.drained;
		accepted += d.accepted;
		rejected += d.rejected;
		eproto += ret == -EPROTO;
		if (ret)
			recs.prod->pos = recs.cons->pos + rnd() % 65;
	}
	stop = true;
	pthread_join(thread, NULL);
	ctx_set("masks", 0);
	EXPECT_EQ(ctx_get("violations"), 0);
	dev_stats(fd, &stats);
	EXPECT_EQ(stats.rec_drained, drained);
	EXPECT_EQ(stats.rec_accepted, accepted);
	EXPECT_EQ(stats.rec_rejected, rejected);
	EXPECT(accepted && rejected && eproto);
}

static void *toggle_action(void *arg)
{
	volatile uint16_t *action = &recs.entries[0].action;

	(void)arg;
	while (!stop) {
		*action = 1;
		*action = 1 + 64;
	}
	return NULL;
}

/*
 * One entry, whose action is legal and illegal in turn as fast as can be: if what
 * is used were not what was checked, the illegal one would get through. 1 + 64
 * looks like 1 to a shift, so that no later check of a bit mask saves it.
 */
static void changed_after_check(void)
{
	const unsigned int n = scaled(30000);
	struct mlproxy_recommend_drain d;
	uint64_t accepted = 0, rejected = 0;
	pthread_t thread;
	unsigned int i;
	pid_t load;

	begin();
	ASSERT_RET(recs_map(fd, 1, &recs), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SHARE, MLPROXY_MODE_RECOMMENDATION,
				 MLPROXY_SHARE_ONE), 0);
	ASSERT_RET(dev_set_mode(fd, MLPROXY_MODE_RECOMMENDATION), 0);
	ASSERT(!ctx_set("keys", 1));
	recs.entries[0] = (struct mlproxy_recommendation) { .ttl_ms = 3600000, .action = 1 };
	ASSERT(!pthread_create(&thread, NULL, toggle_action, NULL));
	for (i = 0; i < 20; i++) {
		load = load_start(UNIT, "task", n / 20, 1);
		while (load_running(&load)) {
			recs.prod->pos++;
			ASSERT_RET(recs_drain(fd, 0, &d), 0);
			accepted += d.accepted;
			rejected += d.rejected;
		}
	}
	stop = true;
	pthread_join(thread, NULL);
	ctx_set("keys", 64);
	/* On a machine that runs one at a time it may be all of one kind. */
	EXPECT(accepted + rejected > 0);
	EXPECT_EQ(ctx_get("violations"), 0);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(bad_positions),
	KTAP_TEST(backwards),
	KTAP_TEST(changing),
	KTAP_TEST(poll_wakes),
	KTAP_TEST(bad_producer),
	KTAP_TEST(changing_entries),
	KTAP_TEST(changed_after_check),
};

KTAP_MAIN(tests)
