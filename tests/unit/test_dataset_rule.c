// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which decisions a requested data set takes: ranges with both ends, a share that is
 * drawn as often as it says and alike whenever it is asked, and requests that cannot
 * be obeyed.
 */
#include "unit.h"
#include "rng.h"
#include "dataset_rule.h"

#define N 200000

static void ranges(void **state)
{
	struct dataset_rule rule = {
		.sample = MLPROXY_SHARE_ONE, .nr_filters = 2,
		.filters = {
			{ .feature = 1, .min = -5, .max = 5 },
			{ .feature = 0, .min = S64_MIN, .max = 0 },
		},
	};
	s64 f[2] = { 0, 0 };

	(void)state;
	for (f[1] = -7; f[1] <= 7; f[1]++)
		assert_int_equal(dataset_wants(&rule, 1, f), f[1] >= -5 && f[1] <= 5);
	f[1] = 0;
	f[0] = 1;
	assert_false(dataset_wants(&rule, 1, f));
	f[0] = S64_MIN;
	assert_true(dataset_wants(&rule, 1, f));
	rule.nr_filters = 0;
	f[0] = S64_MAX;
	assert_true(dataset_wants(&rule, 1, f));
}

/* Within five standard deviations of a binomial, for ids as the kernel gives them. */
static void shares(void **state)
{
	static const u32 samples[] = { 1, 64, 655, 16384, 32768, 65535, 65536 };
	struct rng rng = rng_seed(3);
	unsigned int s, i;

	(void)state;
	for (s = 0; s < sizeof(samples) / sizeof(samples[0]); s++) {
		struct dataset_rule rule = { .secret = rng_u64(&rng), .sample = samples[s] };
		double p = samples[s] / 65536.0, mean = N * p;
		double bound = 25 * N * p * (1 - p) + 25;
		double taken = 0;

		for (i = 0; i < N; i++) {
			u64 id = (u64)(i & 3) << 48 | (i >> 2);
			bool wants = dataset_wants(&rule, id, NULL);

			assert_int_equal(wants, dataset_wants(&rule, id, NULL));
			taken += wants;
		}
		assert_true((taken - mean) * (taken - mean) <= bound);
	}
}

/* Two requests draw independently. */
static void secrets(void **state)
{
	struct dataset_rule a = { .secret = 1, .sample = 32768 };
	struct dataset_rule b = { .secret = 2, .sample = 32768 };
	unsigned int i, both = 0;

	(void)state;
	for (i = 0; i < N; i++)
		both += dataset_wants(&a, i, NULL) && dataset_wants(&b, i, NULL);
	assert_in_range(both, N / 4 - 1000, N / 4 + 1000);
}

static void requests(void **state)
{
	struct mlproxy_dataset ok = {
		.nr_filters = 4, .sample = 65536,
		.filters = { { .feature = 2, .min = 7, .max = 7 } },
	}, cmd;

	(void)state;
	assert_true(dataset_rule_ok(&ok, 3));
	assert_false(dataset_rule_ok(&ok, 2));
#define BAD(field, value) do {						\
		cmd = ok;						\
		cmd.field = value;					\
		assert_false(dataset_rule_ok(&cmd, 3));			\
	} while (0)
	BAD(trigger, MLPROXY_NR_TRIGGERS);
	BAD(event, 1);
	BAD(sample, 65537);
	BAD(nr_filters, MLPROXY_MAX_FILTERS + 1);
	BAD(filters[3].feature, 3);
	BAD(filters[3].reserved, 1);
	BAD(filters[0].min, 8);
	cmd = ok;
	cmd.trigger = MLPROXY_TRIGGER_EVENT;
	cmd.event = MLPROXY_EVENT_SNAPSHOT - 1;
	assert_true(dataset_rule_ok(&cmd, 3));
	cmd.event++;
	assert_false(dataset_rule_ok(&cmd, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		cmocka_unit_test(shares),
		cmocka_unit_test(secrets),
		cmocka_unit_test(requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
