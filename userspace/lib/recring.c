// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmlproxy: fill a recommendation ring on plain memory.
 *
 * An entry is written before the producer position is stored with release; a
 * slot is reused only after the consumer position, read with acquire, passed it.
 */
#include <errno.h>

#include "barrier.h"
#include "recring.h"

int mlpx_recring_push(struct mlpx_recring *ring, const struct mlproxy_recommendation *entry)
{
	if (ring->head - mlpx_load_acquire(ring->consumer) >= ring->nr)
		return -EAGAIN;
	ring->entries[ring->head & (ring->nr - 1)] = *entry;
	ring->head++;
	mlpx_store_release(ring->producer, ring->head);
	return 0;
}

unsigned int mlpx_recring_results(const struct mlpx_recring *ring, uint64_t from, int32_t *results,
				  unsigned int room)
{
	uint64_t taken = mlpx_load_acquire(ring->consumer) - from;
	uint64_t i;

	if (taken > ring->nr)
		taken = ring->nr;
	for (i = 0; results && i < taken && i < room; i++)
		results[i] = ring->results[(from + i) & (ring->nr - 1)];
	return taken;
}
