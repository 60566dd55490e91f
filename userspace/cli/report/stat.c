// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy report: means with their intervals; see stat.h. */
#include <math.h>
#include <stdlib.h>

#include "stat.h"

/* 97.5 % point of the normal distribution; bins of few outcomes have no interval. */
#define Z95	1.959964

void report_add(struct report_sum *sum, double value)
{
	double delta = value - sum->mean;

	sum->n++;
	sum->mean += delta / sum->n;
	sum->m2 += delta * (value - sum->mean);
}

struct report_stat report_nothing(void)
{
	return (struct report_stat){ 0, NAN, NAN, NAN };
}

struct report_stat report_mean(const struct report_sum *sum)
{
	struct report_stat stat = report_nothing();
	double half;

	stat.n = sum->n;
	if (!sum->n)
		return stat;
	stat.mean = sum->mean;
	if (sum->n < REPORT_LEAST)
		return stat;
	half = Z95 * sqrt(sum->m2 / (sum->n - 1) / sum->n);
	stat.low = stat.mean - half;
	stat.high = stat.mean + half;
	return stat;
}

struct report_stat report_mean_of(const struct mlds_data *data, const struct mltrain_rows *rows)
{
	struct report_stat stat = report_nothing();
	struct mltrain_test *test;

	stat.n = rows->n;
	if (!rows->n)
		return stat;
	test = calloc(1, sizeof(*test));
	/* without candidates, the first policy is the one that was logged */
	if (test && !mltrain_evaluate(data, rows, NULL, NULL, 0, test)) {
		stat.mean = test->policy[0].ips.value;
		if (rows->n >= REPORT_LEAST && isfinite(test->policy[0].ips.low)) {
			stat.low = test->policy[0].ips.low;
			stat.high = test->policy[0].ips.high;
		}
	}
	free(test);
	return stat;
}

struct report_stat report_difference(const struct mlds_data *data,
				     const struct report_stat *model,
				     const struct report_stat *baseline)
{
	double sign = data->schema.schema.reward_direction == MLPROXY_REWARD_LOWER ? -1 : 1;
	struct report_stat stat = report_nothing();
	double half;

	stat.n = model->n + baseline->n;
	stat.mean = sign * (model->mean - baseline->mean);
	half = hypot(model->high - model->mean, baseline->high - baseline->mean);
	stat.low = stat.mean - half;
	stat.high = stat.mean + half;
	return stat;
}
