// SPDX-License-Identifier: GPL-2.0-only
/*
 * The replay buffer keeps what it says, and the drift test finds a change where it
 * is, and none where there is none.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bandit.h"
#include "drift.h"
#include "replay.h"

#define RECENT	100
#define ARCHIVE	60

static void add_rows(struct replay *r, int n, int64_t reward)
{
	const int64_t features[BANDIT_FEATURES] = { reward, 2, 3 };
	struct replay_row row = { .reward = reward, .prob_q31 = MLPROXY_PROB_ONE / 4,
				  .allowed = 0xf, .action = 1, .candidate = 0xff };

	while (n--) {
		row.key = r->next_serial % 7;
		row.time_ns = 1000 * r->next_serial;
		replay_add(r, &row, features);
	}
}

static void make(struct replay *r)
{
	struct mlds_schema schema;

	bandit_schema(&schema, false);
	assert_int_equal(replay_init(r, &schema, RECENT, ARCHIVE), 0);
}

static void newest_are_all_there(void **state)
{
	struct mlds_data d;
	struct replay r;
	size_t i;

	(void)state;
	make(&r);
	add_rows(&r, 1000, 5);
	assert_int_equal(replay_snapshot(&r, &d), 0);
	assert_int_equal(d.n, RECENT + ARCHIVE);
	for (i = 1; i < d.n; i++)
		assert_true(d.id[i] > d.id[i - 1]);
	for (i = 0; i < RECENT; i++)
		assert_int_equal(d.id[ARCHIVE + i], 1000 - RECENT + 1 + i);
	assert_int_equal(d.features[(d.n - 1) * BANDIT_FEATURES], 5);
	assert_true(d.prob[0] == 0.25);
	mlds_free(&d);
	replay_free(&r);
}

/* The mean age of a uniform sample is the middle. */
static void archive_is_uniform(void **state)
{
	struct mlds_data d;
	struct replay r;
	double sum = 0;
	int run, i;

	(void)state;
	for (run = 0; run < 20; run++) {
		make(&r);
		r.random = run * 1000003ULL;
		add_rows(&r, 2000 + RECENT, 1);
		assert_int_equal(replay_snapshot(&r, &d), 0);
		for (i = 0; i < ARCHIVE; i++)
			sum += d.id[i];
		mlds_free(&d);
		replay_free(&r);
	}
	/* 1200 draws of 1 to 2000: the mean's standard deviation is 17 */
	assert_true(sum / (20 * ARCHIVE) > 930 && sum / (20 * ARCHIVE) < 1070);
}

static void short_regimes_are_kept(void **state)
{
	struct mlds_data d;
	int count[3] = { 0 };
	struct replay r;
	size_t i;

	(void)state;
	make(&r);
	add_rows(&r, 5000, 0);
	replay_new_regime(&r, r.next_serial);
	add_rows(&r, 40, 1);
	replay_new_regime(&r, r.next_serial);
	add_rows(&r, 5000, 2);
	assert_int_equal(replay_snapshot(&r, &d), 0);
	for (i = 0; i < d.n - RECENT; i++) {
		count[d.reward[i]]++;
		assert_int_equal(d.run[i], d.reward[i]);
	}
	assert_int_equal(count[0], ARCHIVE / 3);
	assert_int_equal(count[1], ARCHIVE / 3);
	assert_int_equal(count[2], ARCHIVE / 3);
	mlds_free(&d);
	replay_free(&r);
}

static void change_relabels_the_rows_since(void **state)
{
	struct mlds_data d;
	struct replay r;

	(void)state;
	make(&r);
	add_rows(&r, 150, 0);
	replay_new_regime(&r, 121);
	assert_int_equal(replay_regime_rows(&r), 30);
	add_rows(&r, 10, 1);
	assert_int_equal(replay_regime_rows(&r), 40);
	assert_int_equal(replay_snapshot(&r, &d), 0);
	assert_int_equal(d.run[d.n - 41], 0);
	assert_int_equal(d.run[d.n - 40], 1);
	mlds_free(&d);
	replay_free(&r);
}

static void regimes_are_bounded(void **state)
{
	struct mlds_data d;
	struct replay r;
	size_t i;
	int k;

	(void)state;
	make(&r);
	for (k = 0; k < 3 * REPLAY_MAX_REGIMES; k++) {
		add_rows(&r, 50, k);
		replay_new_regime(&r, r.next_serial);
	}
	assert_int_equal(r.nr_regimes, REPLAY_MAX_REGIMES);
	assert_int_equal(r.nr_archive, ARCHIVE);
	for (i = 0, k = 0; i < r.nr_regimes; i++)
		k += r.regime[i].kept;
	assert_int_equal(k, ARCHIVE);
	assert_int_equal(replay_snapshot(&r, &d), 0);
	for (i = 0; i < d.n; i++)
		assert_true(d.run[i] < r.nr_regimes);
	mlds_free(&d);
	replay_free(&r);
}

static void restores_what_was_saved(void **state)
{
	struct replay_regime regimes[REPLAY_MAX_REGIMES];
	struct mlds_data a, b;
	struct replay r, back;

	(void)state;
	make(&r);
	add_rows(&r, 400, 0);
	replay_new_regime(&r, r.next_serial - 20);
	add_rows(&r, 130, 1);
	memcpy(regimes, r.regime, sizeof(regimes));
	assert_int_equal(replay_snapshot(&r, &a), 0);
	make(&back);
	assert_int_equal(replay_restore(&back, &a, regimes, r.nr_regimes), 0);
	assert_int_equal(back.next_serial, r.next_serial);
	assert_int_equal(back.nr_recent, r.nr_recent);
	assert_int_equal(back.nr_archive, r.nr_archive);
	assert_int_equal(back.regime[0].offered, r.regime[0].offered);
	assert_int_equal(replay_regime_rows(&back), replay_regime_rows(&r));
	assert_int_equal(replay_snapshot(&back, &b), 0);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.id, b.id, a.n * sizeof(*a.id));
	assert_memory_equal(a.run, b.run, a.n * sizeof(*a.run));
	assert_memory_equal(a.prob, b.prob, a.n * sizeof(*a.prob));
	assert_memory_equal(a.features, b.features, a.n * BANDIT_FEATURES * sizeof(*a.features));
	mlds_free(&a);
	mlds_free(&b);
	replay_free(&r);
	replay_free(&back);
}

static void roles_are_for_ever(void **state)
{
	int nr[3] = { 0 };
	uint64_t i;

	(void)state;
	for (i = 1; i <= 100000; i++) {
		enum replay_role role = replay_role_of(false, i, 3, 0.25, 0.2);

		nr[role]++;
		assert_int_equal(role, replay_role_of(false, i, 99, 0.25, 0.2));
		/* by key: the number has no say */
		assert_int_equal(replay_role_of(true, i, i % 50, 0.25, 0.2),
				 replay_role_of(true, 0, i % 50, 0.25, 0.2));
	}
	assert_in_range(nr[REPLAY_TEST], 22000, 28000);
	assert_in_range(nr[REPLAY_VALID], 12000, 18000);
}

static double noise(uint64_t *seed)
{
	return bandit_uniform(seed) + bandit_uniform(seed);
}

static void no_alarm_without_change(void **state)
{
	struct drift d;
	uint64_t seed = 7;
	int i;

	(void)state;
	drift_reset(&d, 0.1, 50, -1);
	for (i = 0; i < 200000; i++)
		assert_false(drift_add(&d, noise(&seed), i));
	drift_reset(&d, 0.1, 50, 1);
	for (i = 0; i < 200000; i++)
		assert_false(drift_add(&d, noise(&seed), i));
}

static void alarm_soon_after_a_change(void **state)
{
	struct drift d;
	uint64_t seed = 7;
	int i, at = 0;

	(void)state;
	drift_reset(&d, 0.1, 50, -1);
	for (i = 0; i < 5300 && !at; i++)
		if (drift_add(&d, noise(&seed) + (i >= 5000 ? 0.7 : 0), i))
			at = i;
	assert_in_range(at, 5001, 5200);
	assert_in_range(d.onset, 4900, 5040);
	/* one alarm a change */
	assert_false(drift_add(&d, 4, i));
}

/* A model that never fitted raises no mean: the test of it says what to expect. */
static void alarm_where_it_never_fitted(void **state)
{
	struct drift d;
	uint64_t seed = 7;
	int i, at = -1;

	(void)state;
	drift_reset(&d, 0.1, 50, 0.3);
	for (i = 0; i < 400 && at < 0; i++)
		if (drift_add(&d, noise(&seed), i))
			at = i;
	assert_in_range(at, 60, 300);
	assert_in_range(d.onset, 0, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_are_all_there),
		cmocka_unit_test(archive_is_uniform),
		cmocka_unit_test(short_regimes_are_kept),
		cmocka_unit_test(change_relabels_the_rows_since),
		cmocka_unit_test(regimes_are_bounded),
		cmocka_unit_test(restores_what_was_saved),
		cmocka_unit_test(roles_are_for_ever),
		cmocka_unit_test(no_alarm_without_change),
		cmocka_unit_test(alarm_soon_after_a_change),
		cmocka_unit_test(alarm_where_it_never_fitted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
