/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of a segment. Counting its live blocks takes a dry run, so counts are kept;
 * one that is old is too high at most, as blocks only die, except when a snapshot is made of
 * an old checkpoint: then all are counted again.
 */
#ifndef MLPROXY_NILFS2_SEGMENT_H
#define MLPROXY_NILFS2_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct segment - one segment
 * @num: its number
 * @lastmod: when it was written, in seconds since the epoch
 * @seq: sequence number of its logs when they were counted
 * @counted: checkpoint at which that was, 0 for never
 * @written: blocks written into it, dead or alive
 * @live: blocks that cleaning would copy, as of @counted
 * @soon: those of @live that are expected to die within the horizon
 * @reclaimable: written, not being written, and without an error
 * @refused: its logs could not be read to their end: it is never cleaned
 */
struct segment {
	uint64_t num;
	uint64_t lastmod;
	uint64_t seq;
	uint64_t counted;
	uint32_t written;
	uint32_t live;
	uint32_t soon;
	bool reclaimable;
	bool refused;
};

/**
 * segment_live() - blocks that cleaning it would copy, as far as is known
 */
static inline uint32_t segment_live(const struct segment *s)
{
	return s->counted ? s->live : s->written;
}

/**
 * segment_update() - take over what the kernel says of it
 *
 * What was counted is dropped if the segment was written since. A count that no longer is
 * of this segment would be harmless: the cleaning call counts again.
 */
static inline void segment_update(struct segment *s, uint64_t lastmod, uint32_t written,
				  bool reclaimable)
{
	if (!reclaimable || s->lastmod != lastmod || s->written != written) {
		s->counted = 0;
		s->refused = false;
	}
	s->lastmod = lastmod;
	s->written = written;
	s->reclaimable = reclaimable;
}

#endif /* MLPROXY_NILFS2_SEGMENT_H */
