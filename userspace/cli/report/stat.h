/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy report: means with their intervals. */
#ifndef MLPROXY_CLI_REPORT_STAT_H
#define MLPROXY_CLI_REPORT_STAT_H

#include "mlproxy_train.h"

/* Fewer outcomes than this have a mean, but no interval. */
#define REPORT_LEAST		5

/**
 * struct report_stat - a mean with its 95 % interval
 * @n: outcomes
 * @mean: NAN without any
 * @low: NAN where there are too few
 * @high: the same
 */
struct report_stat {
	uint64_t n;
	double mean;
	double low;
	double high;
};

/**
 * struct report_sum - a mean in the making
 * @n: values
 * @mean: of these
 * @m2: sum of the squares of their distances to it
 */
struct report_sum {
	uint64_t n;
	double mean;
	double m2;
};

/** report_add() - a value more */
void report_add(struct report_sum *sum, double value);

/** report_mean() - its mean, with an interval as if the values were independent */
struct report_stat report_mean(const struct report_sum *sum);

/** report_nothing() - a figure that can't be had */
struct report_stat report_nothing(void);

/**
 * report_mean_of() - mean reward of rows, with an interval between clusters of them
 * @data: data
 * @rows: rows of it
 *
 * See mltrain_evaluate().
 */
struct report_stat report_mean_of(const struct mlds_data *data, const struct mltrain_rows *rows);

/** report_difference() - of two independent means, as a gain */
struct report_stat report_difference(const struct mlds_data *data,
				     const struct report_stat *model,
				     const struct report_stat *baseline);

#endif /* MLPROXY_CLI_REPORT_STAT_H */
