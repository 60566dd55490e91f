/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clocks in nanoseconds. The kernel's times are of the monotonic one; files and people
 * have the real one.
 */
#ifndef MLPROXY_COMMON_CLOCK_H
#define MLPROXY_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

/** clock_ns() - what @clock says */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/** clock_ns_now() - since the machine was started, as the kernel counts it */
static inline uint64_t clock_ns_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/** clock_seconds_since() - since a time of the monotonic clock; 0 if it is to come */
static inline double clock_seconds_since(uint64_t time_ns)
{
	uint64_t now_ns = clock_ns_now();

	return now_ns > time_ns ? (now_ns - time_ns) / 1e9 : 0;
}

#endif /* MLPROXY_COMMON_CLOCK_H */
