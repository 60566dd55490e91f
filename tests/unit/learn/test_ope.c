// SPDX-License-Identifier: GPL-2.0-only
/*
 * Off-policy estimates against the truth: many logs of a world whose mean rewards
 * are known. The estimates must be unbiased, also with a wrong reward model, and
 * their 95 % intervals must hold the truth about that often.
 */
#include <math.h>
#include <stdio.h>

#include "../unit.h"
#include "bandit.h"
#include "mlproxy_train.h"

#define LOGS	200
#define ROWS	800

/* A policy that is neither the best nor a constant. */
static uint32_t policy(const int64_t *f)
{
	return f[0] < 100 ? 1 : f[2] == 3 ? 0 : f[1] > 5000 ? 2 : 3;
}

enum { POLICY, BASELINE, ALWAYS_2, NR_TRUTHS };

/* Every context is as likely as any other. */
static void truths(const struct bandit *b, double *truth)
{
	int64_t f[BANDIT_FEATURES];
	int n = 0, size;

	memset(truth, 0, NR_TRUTHS * sizeof(*truth));
	for (f[0] = 0; f[0] < 256; f[0]++)
		for (size = 0; size < 21; size++)
			for (f[2] = 0; f[2] < 4; f[2]++, n++) {
				f[1] = 1LL << size;
				truth[POLICY] += bandit_mean(b, policy(f), f);
				truth[BASELINE] += bandit_mean(b, 0, f);
				truth[ALWAYS_2] += bandit_mean(b, 2, f);
			}
	for (size = 0; size < NR_TRUTHS; size++)
		truth[size] /= n;
}

/* Sums over the logs of one estimator. */
struct tally {
	double sum;
	double sum2;
	int covered;
};

static void add(struct tally *t, const struct mltrain_estimate *e, double truth)
{
	double d = e->value - truth;

	t->sum += d;
	t->sum2 += d * d;
	t->covered += e->low <= truth && truth <= e->high;
}

static void check(const char *what, const struct tally *t, bool unbiased)
{
	double mean = t->sum / LOGS;
	double se = sqrt((t->sum2 / LOGS - mean * mean) / LOGS);

	print_message("# %-18s error %7.3f (standard error %.3f), interval holds %d of %d\n", what,
		      mean, se, t->covered, LOGS);
	/* 4 standard errors: one in 16000. Self-normalising has a bias of order 1/n. */
	assert_true(fabs(mean) < 4 * se + (unbiased ? 0 : 3));
	/* 95 % of 200 are 190, with a standard deviation of 3.1. */
	assert_true(t->covered >= 178);
}

static void run_logs(bool lower, double explore, double (*q_of)(const struct bandit *,
							      uint32_t, const int64_t *))
{
	struct bandit b = { .explore = explore, .noise = 300, .lower = lower };
	struct tally t[8] = { 0 };
	struct mltrain_rows rows;
	struct mltrain_test test;
	struct mlds_data d;
	double truth[NR_TRUTHS];
	double *q = malloc(sizeof(*q) * ROWS * BANDIT_ACTIONS);
	uint8_t action[ROWS];
	int log, i, a;

	truths(&b, truth);
	for (log = 0; log < LOGS; log++) {
		struct mltrain_candidate cand = { "policy", action };

		b.seed = 1000 + log;
		assert_int_equal(bandit_log(&b, ROWS, &d), 0);
		for (i = 0; i < ROWS; i++) {
			const int64_t *f = d.features + i * BANDIT_FEATURES;

			action[i] = policy(f);
			for (a = 0; q_of && a < BANDIT_ACTIONS; a++)
				q[i * BANDIT_ACTIONS + a] = q_of(&b, a, f);
		}
		assert_int_equal(mltrain_rows_all(&d, &rows), 0);
		if (mltrain_evaluate(&d, &rows, q_of ? q : NULL, &cand, 1, &test))
			fail_msg("%s", mltrain_error());
		assert_string_equal(test.policy[0].name, "policy");
		assert_string_equal(test.policy[2].name, "baseline");
		assert_string_equal(test.policy[5].name, "always middle");
		add(&t[0], &test.policy[0].ips, truth[POLICY]);
		add(&t[1], &test.policy[0].snips, truth[POLICY]);
		add(&t[2], &test.policy[0].dr, truth[POLICY]);
		add(&t[3], &test.policy[0].gain,
		    (lower ? -1 : 1) * (truth[POLICY] - truth[BASELINE]));
		add(&t[4], &test.policy[2].dr, truth[BASELINE]);
		add(&t[5], &test.policy[5].ips, truth[ALWAYS_2]);
		add(&t[6], &test.policy[5].snips, truth[ALWAYS_2]);
		add(&t[7], &test.policy[5].dr, truth[ALWAYS_2]);
		mltrain_rows_free(&rows);
		mlds_free(&d);
	}
	check("policy ips", &t[0], true);
	check("policy snips", &t[1], false);
	check("policy dr", &t[2], true);
	check("policy gain", &t[3], true);
	check("baseline dr", &t[4], true);
	check("always ips", &t[5], true);
	check("always snips", &t[6], false);
	check("always dr", &t[7], true);
	free(q);
}

static double wrong_q(const struct bandit *b, uint32_t a, const int64_t *f)
{
	(void)b;
	return 300.0 * a - f[0];
}

static void no_reward_model(void **state)
{
	(void)state;
	run_logs(false, 1, NULL);
}

static void wrong_reward_model(void **state)
{
	(void)state;
	run_logs(false, 0.5, wrong_q);
}

static void true_reward_model(void **state)
{
	(void)state;
	run_logs(true, 0.25, bandit_mean);
}

/* The logged policy's own mean is the mean of the rewards, and all of its rows count. */
static void logged_mean(void **state)
{
	struct bandit b = { .seed = 5, .explore = 0.5, .noise = 100 };
	struct mltrain_rows rows;
	struct mltrain_test test;
	struct mlds_data d;
	double sum = 0;
	size_t i;

	(void)state;
	assert_int_equal(bandit_log(&b, 500, &d), 0);
	for (i = 0; i < d.n; i++)
		sum += d.reward[i];
	mltrain_rows_all(&d, &rows);
	assert_int_equal(mltrain_evaluate(&d, &rows, NULL, NULL, 0, &test), 0);
	assert_string_equal(test.policy[0].name, "logged");
	assert_true(fabs(test.policy[0].ips.value - sum / d.n) < 1e-9);
	assert_true(fabs(test.policy[0].snips.value - sum / d.n) < 1e-9);
	assert_true(fabs(test.policy[0].ess - d.n) < 1e-9);
	/* Against itself the baseline gains nothing, for sure. */
	assert_true(test.policy[1].gain.low == 0 && test.policy[1].gain.high == 0);
	assert_true(test.policy[1].deviates == 0);
	mltrain_rows_free(&rows);
	assert_int_equal(mltrain_evaluate(&d, &rows, NULL, NULL, 0, &test), -ENODATA);
	mlds_free(&d);
}

/* An action that is not allowed gives way to the baseline. */
static void constant_where_allowed(void **state)
{
	struct bandit b = { .seed = 6, .explore = 1, .noise = 0, .omit = 1 << 2 };
	struct mltrain_rows rows;
	struct mltrain_test test;
	struct mlds_data d;

	(void)state;
	assert_int_equal(bandit_log(&b, 500, &d), 0);
	mltrain_rows_all(&d, &rows);
	assert_int_equal(mltrain_evaluate(&d, &rows, NULL, NULL, 0, &test), 0);
	assert_string_equal(test.policy[4].name, "always middle");
	assert_true(test.policy[4].deviates == 0);
	assert_true(test.policy[4].ips.value == test.policy[1].ips.value);
	mltrain_rows_free(&rows);
	mlds_free(&d);
}

/* Rows of one key that are all alike tell no more than one row. */
static void clusters_widen(void **state)
{
	struct bandit b = { .seed = 7, .explore = 1, .noise = 0 };
	struct mltrain_test test[2];
	struct mltrain_rows rows;
	struct mlds_data d;
	size_t i;
	int k;

	(void)state;
	assert_int_equal(bandit_log(&b, 2000, &d), 0);
	for (i = 0; i < d.n; i++)
		d.reward[i] = (i / 20) % 7 * 100;
	mltrain_rows_all(&d, &rows);
	for (k = 0; k < 2; k++) {
		for (i = 0; i < d.n; i++)
			d.key[i] = k ? i / 20 : i;
		assert_int_equal(mltrain_evaluate(&d, &rows, NULL, NULL, 0, &test[k]), 0);
		assert_string_equal(test[k].cluster_by, "key");
	}
	assert_int_equal(test[1].clusters, 100);
	assert_true(test[1].policy[0].ips.high - test[1].policy[0].ips.low >
		    3 * (test[0].policy[0].ips.high - test[0].policy[0].ips.low));
	/* Too few keys: blocks of time. */
	memset(d.key, 0, d.n * sizeof(*d.key));
	assert_int_equal(mltrain_evaluate(&d, &rows, NULL, NULL, 0, &test[0]), 0);
	assert_string_not_equal(test[0].cluster_by, "key");
	assert_int_equal(test[0].clusters, 44);
	mltrain_rows_free(&rows);
	mlds_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_reward_model),
		cmocka_unit_test(wrong_reward_model),
		cmocka_unit_test(true_reward_model),
		cmocka_unit_test(logged_mean),
		cmocka_unit_test(constant_where_allowed),
		cmocka_unit_test(clusters_widen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
