// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cleaner for NILFS2, as far as it is plain C: which blocks must be kept, which segments
 * are chosen, when, and in what order blocks are written.
 */
#include "unit.h"

#include "nilfs2/live.h"
#include "nilfs2/order.h"
#include "nilfs2/pace.h"
#include "nilfs2/policy.h"

#define NEVER	NILFS_CNO_MAX

static struct nilfs_vdesc block(uint64_t cno, uint64_t start, uint64_t end)
{
	return (struct nilfs_vdesc) { .vd_cno = cno, .vd_period = { start, end } };
}

static bool kept(uint64_t start, uint64_t end, uint64_t protect, const uint64_t *snapshots,
		 size_t nr)
{
	const struct live_view view = { 100, protect, snapshots, nr };
	struct nilfs_vdesc v = block(start, start, end);

	return live_block(&v, &view);
}

static void what_is_in_use_is_kept(void **state)
{
	(void)state;
	assert_true(kept(5, NEVER, 100, NULL, 0));
	assert_false(kept(5, 9, 100, NULL, 0));
}

/* A block that went with checkpoint 9 is in those up to 8. */
static void protected_checkpoints_keep_their_blocks(void **state)
{
	(void)state;
	assert_true(kept(5, 9, 8, NULL, 0));
	assert_false(kept(5, 9, 9, NULL, 0));
	assert_true(kept(5, 9, 1, NULL, 0));
	assert_true(kept(5, UINT64_MAX - 1, UINT64_MAX - 2, NULL, 0));
}

static void snapshots_keep_their_blocks(void **state)
{
	static const uint64_t snapshots[] = { 3, 8, 9, 20, 1ULL << 40 };

	(void)state;
	for (size_t nr = 0; nr <= ARRAY_SIZE(snapshots); nr++) {
		for (uint64_t start = 1; start < 25; start++) {
			for (uint64_t end = start; end < 25; end++) {
				bool expected = false;

				for (size_t i = 0; i < nr; i++)
					expected |= start <= snapshots[i] && snapshots[i] < end;
				assert_int_equal(kept(start, end, 99, snapshots, nr), expected);
			}
		}
	}
	assert_true(kept(30, (1ULL << 40) + 1, NEVER, snapshots, ARRAY_SIZE(snapshots)));
	assert_false(kept(30, 1ULL << 40, NEVER, snapshots, ARRAY_SIZE(snapshots)));
}

/* The files of checkpoints and segments: an old block of theirs must never be copied. */
static void metadata_is_in_no_snapshot(void **state)
{
	static const uint64_t snapshots[] = { 6 };
	const struct live_view view = { 100, 1, snapshots, 1 };
	struct nilfs_vdesc old = block(0, 5, 9), now = block(0, 5, NEVER);

	(void)state;
	assert_false(live_block(&old, &view));
	assert_true(live_block(&now, &view));
}

static void dat_blocks_are_where_they_are(void **state)
{
	struct nilfs_bdesc b = { .bd_oblocknr = 7, .bd_blocknr = 7 };

	(void)state;
	assert_true(live_dat_block(&b));
	b.bd_blocknr = 0;
	assert_false(live_dat_block(&b));
}

/* Every checkpoint in a period is in the unified ones, and no other one. */
static void periods_are_unified(void **state)
{
	struct nilfs_period p[] = { { 9, 12 }, { 1, 3 }, { 3, 5 }, { 20, 20 }, { 2, 3 },
				    { 10, 11 }, { 13, 14 } };
	bool in[32] = {};
	size_t nr, i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(p); i++)
		for (uint64_t c = p[i].p_start; c < p[i].p_end; c++)
			in[c] = true;
	nr = live_unify_periods(p, ARRAY_SIZE(p));
	assert_int_equal(nr, 4);
	for (uint64_t c = 0; c < ARRAY_SIZE(in); c++) {
		bool found = false;

		for (i = 0; i < nr; i++)
			found |= p[i].p_start <= c && c < p[i].p_end;
		assert_int_equal(found, in[c]);
	}
	assert_int_equal(live_unify_periods(NULL, 0), 0);
}

/* ---- policies ---- */

static const struct policy_view view = {
	.now = 1000, .protect_seconds = 100, .blocks_per_segment = 100, .min_reclaimable = 10,
};

static struct segment segment(uint64_t lastmod, uint32_t live, uint32_t soon)
{
	return (struct segment) {
		.lastmod = lastmod, .live = live, .soon = soon, .counted = 5, .written = 100,
		.reclaimable = true,
	};
}

static size_t first(const struct segment *s, size_t nr, int policy)
{
	size_t best = 999;

	policy_rank(s, nr, &policies[policy], &view, &best, 1);
	return best;
}

static void each_policy_has_its_choice(void **state)
{
	const struct segment s[] = {
		segment(100, 80, 0), segment(800, 30, 25), segment(850, 35, 0),
		segment(300, 50, 20),
	};

	(void)state;
	assert_int_equal(first(s, ARRAY_SIZE(s), POLICY_TIMESTAMP), 0);
	assert_int_equal(first(s, ARRAY_SIZE(s), POLICY_GREEDY), 1);
	assert_int_equal(first(s, ARRAY_SIZE(s), POLICY_COST_BENEFIT), 3);
	assert_int_equal(first(s, ARRAY_SIZE(s), POLICY_LIFETIME), 2);
}

static void what_must_not_be_cleaned_is_not_chosen(void **state)
{
	struct segment s[] = {
		segment(100, 0, 0), segment(100, 0, 0), segment(901, 0, 0), segment(100, 91, 0),
		segment(900, 90, 0),
	};

	(void)state;
	s[0].reclaimable = false;
	s[1].refused = true;
	for (int policy = 0; policy < NR_POLICIES; policy++)
		assert_int_equal(first(s, ARRAY_SIZE(s), policy), 4);
	assert_int_equal(first(s, 4, POLICY_GREEDY), 999);
}

/* Where nothing is protected, a clock that was put back does not stop all cleaning. */
static void clock_that_was_put_back(void **state)
{
	struct policy_view p = view;
	struct segment s = segment(5000, 0, 0);

	(void)state;
	assert_false(policy_eligible(&s, &p));
	p.protect_seconds = 0;
	assert_true(policy_eligible(&s, &p));
}

/* Also with the largest numbers there are: nothing overflows, the sanitizer would say so. */
static void extreme_segments_are_ranked(void **state)
{
	struct segment s[] = {
		segment(0, 0, 0), segment(0, UINT32_MAX, UINT32_MAX), segment(1ULL << 62, 1, 1),
	};
	const struct policy_view huge = {
		.now = UINT64_MAX, .blocks_per_segment = UINT32_MAX,
	};
	size_t best[3];

	(void)state;
	for (int policy = 0; policy < NR_POLICIES; policy++)
		assert_int_equal(policy_rank(s, 3, &policies[policy], &huge, best, 3), 3);
}

static void ranking_is_sorted_and_bounded(void **state)
{
	struct segment s[200];
	size_t best[17], nr;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = segment(100, i * 7919 % 83, 0);
	nr = policy_rank(s, ARRAY_SIZE(s), &policies[POLICY_GREEDY], &view, best, 17);
	assert_int_equal(nr, 17);
	for (size_t i = 1; i < nr; i++) {
		assert_true(s[best[i - 1]].live <= s[best[i]].live);
		if (s[best[i - 1]].live == s[best[i]].live)
			assert_true(best[i - 1] < best[i]);
	}
	assert_int_equal(policy_rank(s, 200, &policies[POLICY_GREEDY], &view, best, 0), 0);
	assert_ptr_equal(policy_find("greedy"), &policies[POLICY_GREEDY]);
	assert_null(policy_find("greed"));
}

static void counts_end_with_the_segment(void **state)
{
	struct segment s = segment(100, 5, 0);

	(void)state;
	segment_update(&s, 100, 100, true);
	assert_int_equal(segment_live(&s), 5);
	segment_update(&s, 101, 100, true);
	assert_int_equal(segment_live(&s), 100);
	s.counted = 5;
	segment_update(&s, 101, 100, false);
	assert_int_equal(s.counted, 0);
}

/* ---- pacing ---- */

static void limits_are_in_order(void **state)
{
	static const uint64_t sizes[] = { 8, 16, 32, 100, 128, 131072, 1ULL << 40 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct pace_limits l;

		pace_limits_init(&l, sizes[i], sizes[i] / 20, 0, 0);
		assert_true(sizes[i] / 20 < l.emergency && l.emergency < l.low &&
			    l.low <= l.high);
		pace_limits_init(&l, sizes[i], sizes[i] / 20, 10, 20);
		assert_true(l.emergency < l.low && l.low <= l.high);
	}
}

static const struct pace_limits limits = {
	.emergency = 7, .low = 10, .high = 26, .most = 8, .interval_ms = 1000, .check_ms = 5000,
};

static struct pace_plan plan_at(struct pace *p, uint64_t clean)
{
	const struct pace_view v = { .clean = clean };

	return pace_plan(p, &limits, &v);
}

static void cleaning_runs_from_low_to_high(void **state)
{
	struct pace p = {};

	(void)state;
	assert_int_equal(plan_at(&p, 15).segments, 0);
	assert_int_equal(plan_at(&p, 10).wait_ms, 5000);
	assert_int_equal(plan_at(&p, 9).segments, 3);
	assert_int_equal(plan_at(&p, 25).segments, 1);
	assert_int_equal(plan_at(&p, 26).segments, 0);
	assert_int_equal(plan_at(&p, 25).segments, 0);
}

static void few_clean_segments_are_an_emergency(void **state)
{
	struct pace p = {};
	struct pace_plan plan = plan_at(&p, 7);

	(void)state;
	assert_true(plan.emergency);
	assert_int_equal(plan.segments, 8);
	assert_int_equal(plan.wait_ms, 0);
	plan = plan_at(&p, 8);
	assert_false(plan.emergency);
	assert_true(plan.segments > 0);
	assert_true(plan_at(&p, 0).emergency);
}

/* It frees as fast as writers take, and does not overflow. */
static void pace_follows_writers(void **state)
{
	struct pace_view v = { .clean = 25, .written = 8, .elapsed_ms = 2000 };
	struct pace p = { .running = true };

	(void)state;
	assert_int_equal(pace_plan(&p, &limits, &v).segments, 5);
	v.written = UINT64_MAX;
	assert_int_equal(pace_plan(&p, &limits, &v).segments, 8);
}

static void idle_time_is_for_empty_segments_only(void **state)
{
	struct pace_view v = { .clean = 100, .idle = true };
	struct pace p = {};

	(void)state;
	assert_int_equal(pace_plan(&p, &limits, &v).segments, 0);
	v.best_is_empty = true;
	assert_int_equal(pace_plan(&p, &limits, &v).segments, 1);
	v.idle = false;
	assert_int_equal(pace_plan(&p, &limits, &v).segments, 0);
}

/* ---- order and lifetimes ---- */

static struct life_table life;

static void lifetimes_are_learned_by_file(void **state)
{
	uint64_t left;

	(void)state;
	memset(&life, 0, sizeof(life));
	assert_int_equal(life_remaining(&life, 1, 40), 40);
	for (int i = 0; i < 100; i++) {
		life_died(&life, 1, 8);
		life_died(&life, 2, 4000);
	}
	assert_in_range(life_remaining(&life, 1, 2), 4, 8);
	left = life_remaining(&life, 2, 100);
	assert_in_range(left, 3000, 4500);
	/* it outlived the others */
	assert_int_equal(life_remaining(&life, 1, 500), 500);
	life_died(&life, 3, UINT64_MAX);
	life_died(&life, 3, 0);
	assert_true(life_remaining(&life, 3, 0) > 0);
}

/* The order of groups on disk: the kernel begins with the one mentioned last. */
static size_t written_order(const struct nilfs_vdesc *v, size_t nr, uint64_t *inos)
{
	size_t groups = 0;

	for (size_t i = nr; i > 0; i--)
		if (i == nr || v[i - 1].vd_ino != v[i].vd_ino || v[i - 1].vd_cno != v[i].vd_cno)
			inos[groups++] = v[i - 1].vd_ino;
	return groups;
}

static void fill(struct nilfs_vdesc *v, size_t nr)
{
	static const uint64_t births[] = { 990, 10, 600 };

	for (size_t i = 0; i < nr; i++)
		v[i] = (struct nilfs_vdesc) {
			.vd_ino = i % 3 + 1, .vd_cno = 5, .vd_offset = i,
			.vd_vblocknr = 1000 + i, .vd_blocknr = 500 - i,
			.vd_period = { births[i % 3], NEVER },
		};
}

static void order_keeps_every_block(void **state)
{
	struct nilfs_vdesc v[99], w[99];

	(void)state;
	memset(&life, 0, sizeof(life));
	for (int order = 0; order < NR_ORDERS; order++) {
		uint64_t seen = 0;

		fill(v, 99);
		memcpy(w, v, sizeof(v));
		assert_int_equal(order_blocks(w, 99, order, 1000, &life), 0);
		for (size_t i = 0; i < 99; i++) {
			const struct nilfs_vdesc *was = &v[w[i].vd_vblocknr - 1000];

			assert_memory_equal(was, &w[i], sizeof(*was));
			seen += w[i].vd_vblocknr;
		}
		assert_int_equal(seen, 99 * 1000 + 98 * 99 / 2);
	}
	assert_int_equal(order_blocks(NULL, 0, ORDER_AGE, 1, &life), 0);
}

static void orders_are_as_they_say(void **state)
{
	struct nilfs_vdesc v[30];
	uint64_t inos[30];

	(void)state;
	memset(&life, 0, sizeof(life));
	fill(v, 30);
	order_blocks(v, 30, ORDER_DISK, 1000, &life);
	for (size_t i = 1; i < 30; i++)
		assert_true(v[i - 1].vd_blocknr < v[i].vd_blocknr);
	order_blocks(v, 30, ORDER_AGE, 1000, &life);
	assert_int_equal(written_order(v, 30, inos), 3);
	assert_int_equal(inos[0], 2);
	assert_int_equal(inos[1], 3);
	assert_int_equal(inos[2], 1);
	/* file 1 is young, but its blocks live for long */
	for (int i = 0; i < 100; i++) {
		life_died(&life, 1, 1 << 20);
		life_died(&life, 3, 500);
	}
	order_blocks(v, 30, ORDER_LIFE, 1000, &life);
	assert_int_equal(written_order(v, 30, inos), 3);
	assert_int_equal(inos[0], 1);
	assert_int_equal(inos[1], 2);
	assert_int_equal(inos[2], 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_in_use_is_kept),
		cmocka_unit_test(protected_checkpoints_keep_their_blocks),
		cmocka_unit_test(snapshots_keep_their_blocks),
		cmocka_unit_test(metadata_is_in_no_snapshot),
		cmocka_unit_test(dat_blocks_are_where_they_are),
		cmocka_unit_test(periods_are_unified),
		cmocka_unit_test(each_policy_has_its_choice),
		cmocka_unit_test(what_must_not_be_cleaned_is_not_chosen),
		cmocka_unit_test(clock_that_was_put_back),
		cmocka_unit_test(extreme_segments_are_ranked),
		cmocka_unit_test(ranking_is_sorted_and_bounded),
		cmocka_unit_test(counts_end_with_the_segment),
		cmocka_unit_test(limits_are_in_order),
		cmocka_unit_test(cleaning_runs_from_low_to_high),
		cmocka_unit_test(few_clean_segments_are_an_emergency),
		cmocka_unit_test(pace_follows_writers),
		cmocka_unit_test(idle_time_is_for_empty_segments_only),
		cmocka_unit_test(lifetimes_are_learned_by_file),
		cmocka_unit_test(order_keeps_every_block),
		cmocka_unit_test(orders_are_as_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
