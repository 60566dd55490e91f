/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libmlproxy: the only place with memory ordering.
 *
 * A ring position is written by one side with release and read by the other
 * with acquire: who sees the position also sees what was written before it
 * (records behind a producer position), and who is told of free room knows that
 * all reads of it are over (consumer position).
 */
#ifndef LIBMLPROXY_BARRIER_H
#define LIBMLPROXY_BARRIER_H

#include <stdint.h>

#include <linux/mlproxy.h>

static inline uint64_t mlpx_load_acquire(const struct mlproxy_ring_page *page)
{
	return __atomic_load_n(&page->pos, __ATOMIC_ACQUIRE);
}

static inline void mlpx_store_release(struct mlproxy_ring_page *page, uint64_t pos)
{
	__atomic_store_n(&page->pos, pos, __ATOMIC_RELEASE);
}

#endif /* LIBMLPROXY_BARRIER_H */
