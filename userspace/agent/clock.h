/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clocks, in nanoseconds.
 */
#ifndef MLPROXYD_CLOCK_H
#define MLPROXYD_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/** clock_ns_now() - CLOCK_MONOTONIC */
static inline uint64_t clock_ns_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

#endif /* MLPROXYD_CLOCK_H */
