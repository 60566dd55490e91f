/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When a request to the test block device completes: integer arithmetic on a state,
 * without clocks, locks or allocations. Plain C, shared with the unit tests.
 *
 * A request goes through what a device has of these:
 *
 *  1. A cap of I/O operations a second, a token bucket: it waits for its tokens, one for
 *     each TESTBLK_IO_BYTES of it.
 *  2. Channels: it is cut at multiples of the chunk, and each piece takes the channel that
 *     is free first, for the base latency, the seek (once a request), and the piece at
 *     the channel's bandwidth. Without a number of channels none is waited for.
 *  3. The link, which all requests share: it takes the request when the first piece begins
 *     to come and the link is free, at the link's bandwidth. So it is cut through, not
 *     stored and forwarded.
 *
 * It completes when its last piece is there and the link has transferred it.
 *
 * A seek takes half of its mean for the rotation and the settling; the rest grows with the
 * root of the distance, in shares of the capacity, so that places at random cost the mean.
 * What lies a little ahead is not sought, but waited for as it passes under the head.
 */
#ifndef _MLPROXY_TESTING_TESTBLK_MODEL_H
#define _MLPROXY_TESTING_TESTBLK_MODEL_H

#include "../shared/port.h"

#define TESTBLK_MAX_CHANNELS	256
#define TESTBLK_IO_BYTES	(256U << 10)

/**
 * struct testblk_spec - what a device is like; 0 is "none" or "no limit" everywhere
 * @base_us: latency before the transfer, in us
 * @mbps: bandwidth of the link, in 10^6 bytes/s
 * @channels: pieces that are served at once, at most TESTBLK_MAX_CHANNELS
 * @channel_mbps: bandwidth of a channel, in 10^6 bytes/s
 * @chunk_kb: longest piece, in KiB
 * @iops: I/O operations a second
 * @iops_burst: how many of them go at once after a pause
 * @seek_us: mean time to a place at random, in us
 */
struct testblk_spec {
	u32 base_us;
	u32 mbps;
	u32 channels;
	u32 channel_mbps;
	u32 chunk_kb;
	u32 iops;
	u32 iops_burst;
	u32 seek_us;
};

/**
 * struct testblk_model - the state of a device
 * @sectors: capacity, in sectors of 512 bytes
 * @link_free_ns: when the link has transferred all requests
 * @tokens_ns: when the bucket is full again
 * @head: sector behind the last request
 * @channels: size of @free_ns
 * @free_ns: when each channel is free; a heap, so the first entry is the earliest
 * @link_busy_ns: time that the link has been transferring
 * @cap_wait_ns: sum over the requests of the time that they waited for tokens
 * @seeks: requests that were not where the head was
 */
struct testblk_model {
	u64 sectors;
	u64 link_free_ns;
	u64 tokens_ns;
	u64 head;
	u32 channels;
	u64 free_ns[TESTBLK_MAX_CHANNELS];
	u64 link_busy_ns;
	u64 cap_wait_ns;
	u64 seeks;
};

/**
 * testblk_model_init() - a device on which nothing has happened
 * @model: to be filled in
 * @sectors: capacity, not 0
 */
void testblk_model_init(struct testblk_model *model, u64 sectors);

/**
 * testblk_model_seek_ns() - time for the head to get to a place
 * @model: state
 * @spec: device
 * @start: sector, within the capacity
 *
 * Return: ns; 0 if the head is there, and on a device without seeks.
 */
u64 testblk_model_seek_ns(const struct testblk_model *model, const struct testblk_spec *spec,
			  u64 start);

/**
 * testblk_model_submit() - take up a request
 * @model: state; the request is added to it
 * @spec: device; it may be another one than the last time
 * @start: first sector
 * @bytes: length, a multiple of 512 and not 0, within the capacity
 * @now_ns: when it came; may be less than at the last call
 *
 * Requests are served in the order of the calls, but where channels are free they may
 * complete in another. Return: when it completes, in ns, at least @now_ns.
 */
u64 testblk_model_submit(struct testblk_model *model, const struct testblk_spec *spec,
			 u64 start, u32 bytes, u64 now_ns);

#endif /* _MLPROXY_TESTING_TESTBLK_MODEL_H */
