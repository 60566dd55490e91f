/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Did the world change: a test on the errors of applied predictions.
 *
 * Page-Hinkley's test for a rise of a mean (Page 1954; Hinkley 1970; as used on
 * prediction errors by Gama et al., A survey on concept drift adaptation, 2014):
 *
 *	U_t = sum of (x_i - mean_i - delta),  alarm if U_t - min U > threshold
 *
 * The minimum was reached when the change began, as far as can be told; so the
 * rows after it are known to be of the new world.
 */
#ifndef MLPROXYD_DRIFT_H
#define MLPROXYD_DRIFT_H

#include <stdbool.h>
#include <stdint.h>

#define DRIFT_EXPECTED_N	100

/**
 * struct drift - the test's state; plain numbers
 * @delta: rise that is no alarm
 * @threshold: of the alarm
 * @n: errors so far
 * @mean: of the errors, with the expected one
 * @weight: of @mean
 * @recent: exponentially weighted mean of the errors, over some 100
 * @sum: U_t
 * @min: smallest U so far
 * @onset: row at which @min was reached
 * @alarm: it was raised
 */
struct drift {
	double delta;
	double threshold;
	uint64_t n;
	double mean;
	double weight;
	double recent;
	double sum;
	double min;
	uint64_t onset;
	bool alarm;
};

/**
 * drift_reset() - begin anew, with another model or world
 * @d: out
 * @delta: rise that is no alarm
 * @threshold: of the alarm
 * @expected: error that is to be expected, from a test of the model; negative where
 *	there was none. Counts as DRIFT_EXPECTED_N errors, so that a model that fits
 *	badly from its first day on is an alarm, too
 */
void drift_reset(struct drift *d, double delta, double threshold, double expected);

/**
 * drift_add() - take one error
 * @d: state
 * @error: absolute error in standard deviations of the reward; cut off at 4
 * @row: number of the row that it is of
 *
 * Return: true where this raised the alarm.
 */
bool drift_add(struct drift *d, double error, uint64_t row);

#endif /* MLPROXYD_DRIFT_H */
