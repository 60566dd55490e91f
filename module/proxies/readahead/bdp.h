/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device's bandwidth-delay product, and the window for reads in order that it asks for:
 * plain arithmetic, shared with the unit tests.
 *
 * While the device answers one window, as much again has to be under way, or its link is idle.
 * Operators set read_ahead_kb to that by hand. Here the highest rate of late and the least
 * latency are taken for it, as Cardwell et al. do for a network path ("BBR: Congestion-Based
 * Congestion Control", ACM Queue 14(5), 2016): the mean rate is that of the readers, and the
 * mean latency is that of the queue that they make.
 *
 * A queue must not be taken for the device's latency: rate times latency is what is under way,
 * so a window would ask for a larger one, without an end. Of a read's duration the transfer
 * is no latency; and while several reads are in flight, nothing but a shorter one than ever
 * says anything of it. So an old latency gives way to a longer one only when reads are small, and
 * come one at a time: in the mean, a reader that pauses between large windows has few in flight,
 * too, but each window is a queue of its own.
 *
 * The rate that a window shows which is too small is too low, so the window is twice the product,
 * and up to a power of two: it grows with the rate until that grows no more.
 */
#ifndef _MLPROXY_RA_BDP_H
#define _MLPROXY_RA_BDP_H

#include "../../shared/port.h"

/* A small read. */
#define RA_BDP_SMALL	(64 * 1024)
/* A rate is of the last one to two of these, a latency of one or more. */
#define RA_BDP_NS	(5LL * 1000 * 1000 * 1000)
#define RA_BDP_LEAST	17	/* log2 bytes: the kernel's default */
#define RA_BDP_MOST	22

/**
 * struct ra_bdp_sample - what a device did in some milliseconds
 * @ios: reads
 * @nsecs: sum of their durations
 * @bytes: sum of their sizes
 * @elapsed_ns: how long that took
 */
struct ra_bdp_sample {
	u64 ios;
	u64 nsecs;
	u64 bytes;
	u64 elapsed_ns;
};

/**
 * struct ra_bdp - what a device has shown
 * @rate: highest bytes in 2^20 ns, of this period and the one before
 * @read_ns: mean duration of the reads of the sample with the shortest ones; 0 if there is none
 * @read_bytes: and their mean size
 * @rate_since_ns: when this period began
 * @read_since_ns: when those reads were seen
 */
struct ra_bdp {
	u32 rate[2];
	u32 read_ns;
	u32 read_bytes;
	u64 rate_since_ns;
	u64 read_since_ns;
};

static inline u32 ra_bdp_bound(u64 x)
{
	return x < 1U << 30 ? x : 1U << 30;
}

static inline u32 ra_bdp_rate(const struct ra_bdp *bdp)
{
	return bdp->rate[0] > bdp->rate[1] ? bdp->rate[0] : bdp->rate[1];
}

/*
 * A read's duration without its transfer, at the rate that is known by now. While that is too low,
 * the transfer seems to take all of the time, which it does not.
 */
static inline u32 ra_bdp_latency(const struct ra_bdp *bdp, u32 read_ns, u32 read_bytes)
{
	u64 transfer_ns = ((u64)read_bytes << 20) / (ra_bdp_rate(bdp) + 1);
	u32 most_ns = read_ns - read_ns / 8;

	return read_ns - (transfer_ns < most_ns ? (u32)transfer_ns : most_ns);
}

static inline void ra_bdp_add_rate(struct ra_bdp *bdp, u32 rate, u64 now_ns)
{
	if ((s64)(now_ns - bdp->rate_since_ns) >= RA_BDP_NS) {
		bdp->rate[1] = bdp->rate[0];
		bdp->rate[0] = 0;
		bdp->rate_since_ns = now_ns;
	}
	if (rate > bdp->rate[0])
		bdp->rate[0] = rate;
}

static inline void ra_bdp_add_read(struct ra_bdp *bdp, u32 read_ns, u32 read_bytes, bool alone,
				   u64 now_ns)
{
	bool known = bdp->read_ns;
	bool old = alone && (s64)(now_ns - bdp->read_since_ns) >= RA_BDP_NS;

	if (known && !old && read_ns >= bdp->read_ns)
		return;
	bdp->read_ns = read_ns;
	bdp->read_bytes = read_bytes;
	/* that of a queue is better than nothing, but old from the start */
	bdp->read_since_ns = known || alone ? now_ns : now_ns - RA_BDP_NS;
}

/**
 * ra_bdp_add() - count a sample
 * @bdp: of the device
 * @s: of its own counters; one without reads says nothing
 * @now_ns: a clock
 */
static inline void ra_bdp_add(struct ra_bdp *bdp, const struct ra_bdp_sample *s, u64 now_ns)
{
	if (!s->ios || !s->nsecs || !s->bytes || !s->elapsed_ns)
		return;
	ra_bdp_add_rate(bdp, ra_bdp_bound((s->bytes << 20) / s->elapsed_ns), now_ns);
	ra_bdp_add_read(bdp, ra_bdp_bound(s->nsecs / s->ios), ra_bdp_bound(s->bytes / s->ios),
			s->bytes / s->ios < RA_BDP_SMALL &&
			s->nsecs <= s->elapsed_ns + s->elapsed_ns / 4, now_ns);
}

/**
 * ra_bdp_window() - the window for reads in order
 * @bdp: of the device
 *
 * Return: log2 of bytes, RA_BDP_LEAST to RA_BDP_MOST.
 */
static inline unsigned int ra_bdp_window(const struct ra_bdp *bdp)
{
	u64 bytes = 2 * (u64)ra_bdp_rate(bdp) *
		    ra_bdp_latency(bdp, bdp->read_ns, bdp->read_bytes) >> 20;
	unsigned int window = RA_BDP_LEAST;

	while (window < RA_BDP_MOST && bytes > 1ULL << window)
		window++;
	return window;
}

#endif /* _MLPROXY_RA_BDP_H */
