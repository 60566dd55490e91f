/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device's bandwidth-delay product, and the window for reads in order that it asks for:
 * plain arithmetic, shared with the unit tests.
 *
 * While the device answers one window, as much again has to be under way, or its link is idle.
 * Operators set read_ahead_kb to that by hand. Here the highest rate and the least latency
 * of late are taken for it: the mean rate is that of the readers, and the mean latency is that of
 * a queue that a large window makes itself (Cardwell et al., "BBR: Congestion-Based Congestion
 * Control", ACM Queue 14(5), 2016, takes the same two for a network path). The rate seen under a
 * window that is too small is too low; so the window is twice the product, and grows with the
 * rate until that grows no more.
 */
#ifndef _MLPROXY_RA_BDP_H
#define _MLPROXY_RA_BDP_H

#include "../../shared/port.h"

/* What is older than one to two of these is forgotten, once there is something else. */
#define RA_BDP_NS	(5ULL * 1000 * 1000 * 1000)
#define RA_BDP_LEAST	17	/* log2 bytes: the kernel's default */
#define RA_BDP_MOST	22

/**
 * struct ra_bdp - what a device has shown lately, of this period and the one before
 * @rate: highest log2 (Q8) of bytes read in 2^20 ns; 0 if there was none
 * @latency: least log2 (Q8) of the mean ns of a read; 0 if there was none
 * @since_ns: when this period began
 */
struct ra_bdp {
	u32 rate[2];
	u32 latency[2];
	u64 since_ns;
};

/**
 * ra_bdp_add() - count a sample
 * @bdp: of the device
 * @rate: log2 (Q8) of bytes in 2^20 ns
 * @latency: log2 (Q8) of ns
 * @now_ns: a clock
 */
static inline void ra_bdp_add(struct ra_bdp *bdp, u32 rate, u32 latency, u64 now_ns)
{
	if (!rate || !latency)
		return;
	if (now_ns - bdp->since_ns >= RA_BDP_NS) {
		bdp->rate[1] = bdp->rate[0];
		bdp->latency[1] = bdp->latency[0];
		bdp->rate[0] = 0;
		bdp->latency[0] = 0;
		bdp->since_ns = now_ns;
	}
	if (rate > bdp->rate[0])
		bdp->rate[0] = rate;
	if (!bdp->latency[0] || latency < bdp->latency[0])
		bdp->latency[0] = latency;
}

/**
 * ra_bdp_window() - the window for reads in order
 * @bdp: of the device
 *
 * Return: log2 of bytes, RA_BDP_LEAST to RA_BDP_MOST.
 */
static inline unsigned int ra_bdp_window(const struct ra_bdp *bdp)
{
	u32 rate = bdp->rate[0] > bdp->rate[1] ? bdp->rate[0] : bdp->rate[1];
	u32 latency = bdp->latency[0], before = bdp->latency[1];
	s32 bytes;

	if (!latency || (before && before < latency))
		latency = before;
	if (!latency)
		return RA_BDP_LEAST;
	/* twice, and rounded up */
	bytes = ((s32)(rate + latency) - (20 << 8) + 256 + 255) >> 8;
	if (bytes < RA_BDP_LEAST)
		return RA_BDP_LEAST;
	return bytes < RA_BDP_MOST ? bytes : RA_BDP_MOST;
}

#endif /* _MLPROXY_RA_BDP_H */
