/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Positions of the dataset and recommendation rings: plain arithmetic, shared
 * with user space (the library and the unit tests compile it too).
 *
 * A position is a 64-bit count of bytes or entries since set-up and never wraps
 * in practice; the place in the data is the position modulo the size, which is
 * a power of two. One side of every ring is user space, whose position is only
 * believed after ring_pos_valid().
 */
#ifndef _MLPROXY_RING_POS_H
#define _MLPROXY_RING_POS_H

#include <linux/mlproxy.h>

#include "../shared/port.h"

/**
 * ring_pos_valid() - is a pair of positions possible
 * @prod: producer position
 * @cons: consumer position
 * @size: size of the ring, a power of two
 */
static inline bool ring_pos_valid(u64 prod, u64 cons, u64 size)
{
	return prod - cons <= size;
}

/**
 * ring_pos_free() - room left to the producer
 * @prod: producer position
 * @cons: consumer position, valid
 * @size: size of the ring
 */
static inline u64 ring_pos_free(u64 prod, u64 cons, u64 size)
{
	return size - (prod - cons);
}

/**
 * ring_pos_fits() - are the positions possible, and is there room
 * @prod: producer position
 * @cons: consumer position, any value
 * @size: size of the ring
 * @len: what is to fit, at most @size
 */
static inline bool ring_pos_fits(u64 prod, u64 cons, u64 size, u64 len)
{
	return prod - cons <= size - len;
}

/**
 * ring_pos_index() - place of a position in the data
 * @pos: position
 * @size: size of the ring, a power of two
 */
static inline u64 ring_pos_index(u64 pos, u64 size)
{
	return pos & (size - 1);
}

/**
 * ring_rec_valid() - can a record be as long as it says
 * @len: its length, read once
 * @unread: bytes from its header to the producer position
 *
 * What passes is a header at least, stays within what is there, and leaves the
 * position where a header may be.
 */
static inline bool ring_rec_valid(u32 len, u64 unread)
{
	return len >= sizeof(struct mlproxy_rec_hdr) && len <= MLPROXY_REC_MAX_BYTES &&
	       !(len & 7) && len <= unread;
}

/**
 * ring_rec_len() - length of a record with this many bytes, as it is stored
 * @bytes: header and payload
 */
static inline u32 ring_rec_len(u32 bytes)
{
	return (bytes + 7U) & ~7U;
}

#endif /* _MLPROXY_RING_POS_H */
