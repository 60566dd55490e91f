/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libmlproxy: producer of a recommendation ring on plain memory.
 *
 * Knows no file and no session, so that tests can run it on memory of their own.
 */
#ifndef LIBMLPROXY_RECRING_H
#define LIBMLPROXY_RECRING_H

#include <mlproxy/mlproxy.h>

/**
 * struct mlpx_recring - the ring and how far it was filled
 * @producer: page with the position up to which there are entries
 * @entries: @nr entries
 * @consumer: page with the position up to which the kernel took them
 * @results: one result an entry, written by the kernel
 * @nr: entries of the ring, a power of two; 0 if there is no ring
 * @head: what @producer holds; kept here, since no one else may change it
 */
struct mlpx_recring {
	struct mlproxy_ring_page *producer;
	struct mlproxy_recommendation *entries;
	const struct mlproxy_ring_page *consumer;
	const int32_t *results;
	uint32_t nr;
	uint64_t head;
};

/**
 * mlpx_recring_push() - add an entry
 * @ring: ring
 * @entry: entry
 *
 * Return: 0, or -EAGAIN if the ring is full.
 */
int mlpx_recring_push(struct mlpx_recring *ring, const struct mlproxy_recommendation *entry);

/**
 * mlpx_recring_results() - results of the entries taken between two positions
 * @ring: ring
 * @from: consumer position before the drain
 * @results: out
 * @room: entries in @results
 *
 * Return: entries taken since @from, at most the size of the ring; of these,
 * the first @room results are copied.
 */
unsigned int mlpx_recring_results(const struct mlpx_recring *ring, uint64_t from, int32_t *results,
				  unsigned int room);

#endif /* LIBMLPROXY_RECRING_H */
