// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page-Hinkley's test on the errors of predictions; see drift.h.
 */
#include <string.h>

#include "drift.h"

/* A single outlier must not be an alarm. */
#define LARGEST_ERROR	4.0
/* Below it the mean is too uncertain to test against. */
#define LEAST_ERRORS	30
#define RECENT_WEIGHT	0.01

void drift_reset(struct drift *d, double delta, double threshold, double expected)
{
	memset(d, 0, sizeof(*d));
	d->delta = delta;
	d->threshold = threshold;
	if (expected >= 0) {
		d->mean = expected;
		d->weight = DRIFT_EXPECTED_N;
	}
}

bool drift_add(struct drift *d, double error, uint64_t row)
{
	if (!(error >= 0 && error < LARGEST_ERROR))
		error = LARGEST_ERROR;
	d->n++;
	d->weight++;
	d->mean += (error - d->mean) / d->weight;
	d->recent += (error - d->recent) * (d->n * RECENT_WEIGHT > 1 ? RECENT_WEIGHT :
								1.0 / d->n);
	if (d->n == 1)
		d->onset = row;
	if (d->weight < LEAST_ERRORS)
		return false;
	d->sum += error - d->mean - d->delta;
	if (d->sum < d->min) {
		d->min = d->sum;
		d->onset = row;
	}
	if (d->alarm || d->sum - d->min <= d->threshold)
		return false;
	d->alarm = true;
	return true;
}
