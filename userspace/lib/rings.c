// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmlproxy: set up, map, wait for and read the dataset rings of a session.
 *
 * The consumer page is mapped for writing, the producer page and the data (twice
 * in a row, so that no record wraps) for reading. A session that was opened for reading
 * only has a consumer page of its own, and tells the kernel by an ioctl.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "session.h"

/* The default becomes no smaller than this where the memory is limited. */
#define SMALLEST_DEFAULT	(64U << 10)
#define RING_OPTS_MIN		MLPX_UP_TO(struct mlproxy_ring_opts, flags)

static size_t ro_bytes(const struct mlproxy_session *s)
{
	return s->page_bytes + 2 * (size_t)s->rings.data_bytes;
}

/* A file that was opened for reading only: the kernel is told, since it sees no page. */
static void tell_kernel(void *ctx, unsigned int cpu, uint64_t pos)
{
	struct mlproxy_ring_consume cmd = { .size = sizeof(cmd), .cpu = cpu, .pos = pos };
	struct mlproxy_session *s = ctx;

	ioctl(s->fd, MLPROXY_IOC_RING_CONSUME, &cmd);
}

/* The page that says how far we are: the kernel's, or one of our own. */
static void *map_consumer(struct mlproxy_session *s, uint64_t offset)
{
	if (s->read_only)
		return mmap(NULL, s->page_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return mmap(NULL, s->page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, offset);
}

/* Return: 1 if there is a ring, 0 if there is none since the CPU is not possible. */
static int map_ring(struct mlproxy_session *s, struct mlpx_ring *ring, unsigned int cpu,
		    uint64_t offset)
{
	void *consumer, *ro;
	int err;

	ro = mmap(NULL, ro_bytes(s), PROT_READ, MAP_SHARED, s->fd, offset + s->page_bytes);
	if (ro == MAP_FAILED && errno == EINVAL)
		return 0;
	if (ro == MAP_FAILED)
		goto fail;
	consumer = map_consumer(s, offset);
	if (consumer == MAP_FAILED) {
		err = errno;
		munmap(ro, ro_bytes(s));
		errno = err;
		goto fail;
	}
	mlpx_ring_init(ring, consumer, ro, (const char *)ro + s->page_bytes, s->rings.data_bytes,
		       cpu);
	if (s->read_only) {
		ring->give = tell_kernel;
		ring->give_ctx = s;
	}
	return 1;

fail:
	err = errno;
	return mlpx_fail(s, err, "cannot map the ring of CPU %u: %s", cpu,
			 err == ENOMEM || err == EAGAIN ?
			 "no memory; ask for smaller rings" : strerror(err));
}

void mlpx_rings_release(struct mlproxy_session *s)
{
	unsigned int i;

	for (i = 0; s->rings.ring && i < s->rings.nr; i++) {
		struct mlpx_ring *ring = &s->rings.ring[i];

		munmap(ring->consumer, s->page_bytes);
		munmap((void *)ring->producer, ro_bytes(s));
	}
	free(s->rings.ring);
	free(s->rings.heap);
	s->rings.ring = NULL;
	s->rings.heap = NULL;
	s->rings.nr = 0;
	s->rings.nr_cpus = 0;
}

static int map_rings(struct mlproxy_session *s, const struct mlproxy_ring_setup *setup)
{
	unsigned int i;
	int ret;

	if (setup->nr_rings == 0 || setup->data_bytes == 0 ||
	    (setup->data_bytes & (setup->data_bytes - 1)))
		return mlpx_fail(s, EPROTO, "the kernel gave %u rings of %u bytes, which makes no "
				 "sense; install the same release of module and library",
				 setup->nr_rings, setup->data_bytes);
	s->rings.data_bytes = setup->data_bytes;
	s->rings.nr_cpus = setup->nr_rings;
	s->rings.ring = calloc(setup->nr_rings, sizeof(*s->rings.ring));
	s->rings.heap = calloc(setup->nr_rings, sizeof(*s->rings.heap));
	if (!s->rings.ring || !s->rings.heap)
		return mlpx_fail(s, ENOMEM, "no memory for %u rings", setup->nr_rings);
	for (i = 0; i < setup->nr_rings; i++) {
		ret = map_ring(s, &s->rings.ring[s->rings.nr], i,
			       setup->ring_offset + i * setup->ring_stride);
		if (ret < 0)
			return ret;
		s->rings.nr += ret;
	}
	if (!s->rings.nr)
		return mlpx_fail(s, EPROTO, "none of the %u rings can be mapped; install the same "
				 "release of module and library", setup->nr_rings);
	return 0;
}

int mlproxy_ring_setup(struct mlproxy_session *s, const struct mlproxy_ring_opts *opts)
{
	struct mlproxy_ring_opts own = {};
	struct mlproxy_ring_setup setup = { .size = sizeof(setup) };
	uint32_t smallest;
	int ret;

	if (opts && (opts->size < RING_OPTS_MIN || opts->size > UINT16_MAX))
		return mlpx_fail(s, EINVAL, "the options for the rings have a size of %zu bytes, "
				 "at least %zu are needed; set it to sizeof()", opts->size,
				 RING_OPTS_MIN);
	if (opts)
		memcpy(&own, opts, opts->size < sizeof(own) ? opts->size : sizeof(own));
	opts = &own;
	setup.data_bytes = opts->data_bytes ? opts->data_bytes : MLPROXY_RING_DEFAULT_BYTES;
	smallest = opts->data_bytes ? opts->data_bytes : SMALLEST_DEFAULT;
	setup.watermark_bytes = opts->watermark_bytes;
	setup.timeout_us = opts->timeout_us;
	setup.type_mask = opts->type_mask;
	setup.flags = opts->flags;
	for (;;) {
		ret = mlpx_ioctl(s, MLPROXY_IOC_RING_SETUP, &setup, "set up the dataset rings");
		if (ret != -ENOMEM || setup.data_bytes <= smallest)
			break;
		setup.data_bytes /= 2;
	}
	switch (ret) {
	case 0:
		break;
	case -EINVAL:
		return mlpx_fail(s, EINVAL, "the kernel does not take these rings: data of %u "
				 "bytes (%u to %u are legal), watermark %u, time-out %u us",
				 setup.data_bytes, MLPROXY_RING_MIN_BYTES, MLPROXY_RING_MAX_BYTES,
				 setup.watermark_bytes, setup.timeout_us);
	case -EBUSY:
		return mlpx_fail(s, EBUSY, "this session has rings already, or %u others of %s "
				 "have, and more are not possible", MLPROXY_MAX_READERS, s->name);
	case -ENOMEM:
		return mlpx_fail(s, ENOMEM, "no memory for rings of %u bytes per CPU, or more than "
				 "this user may lock: ask for smaller ones, or raise the limit "
				 "(ulimit -l, LimitMEMLOCK=)", setup.data_bytes);
	default:
		return ret;
	}
	ret = map_rings(s, &setup);
	if (ret)
		mlpx_rings_release(s);
	return ret;
}

uint32_t mlproxy_ring_bytes(const struct mlproxy_session *s)
{
	return s->rings.ring ? s->rings.data_bytes : 0;
}

unsigned int mlproxy_ring_count(const struct mlproxy_session *s)
{
	return s->rings.nr_cpus;
}

static int need_rings(struct mlproxy_session *s)
{
	if (s->rings.ring)
		return 0;
	return mlpx_fail(s, ENXIO, "this session has no dataset rings; set them up first");
}

int mlproxy_wait(struct mlproxy_session *s, int timeout_ms)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLIN };
	int ret = need_rings(s);

	if (ret)
		return ret;
	ret = poll(&pfd, 1, timeout_ms);
	if (ret < 0)
		return mlpx_fail(s, errno, "cannot wait for records: %s", strerror(errno));
	if (ret == 0)
		return 0;
	if (pfd.revents & POLLIN)
		return 1;
	if (pfd.revents & POLLHUP)
		return mlpx_fail(s, ENODEV, "the proxy %s is gone, and its last record was read; "
				 "open a new session once it is there again", s->name);
	return mlpx_fail(s, EIO, "the device reports an error while waiting for records; open a "
			 "new session");
}

int mlproxy_ring_consume(struct mlproxy_session *s, unsigned int max, mlproxy_record_fn fn,
			 void *ctx)
{
	int ret = need_rings(s);

	if (ret)
		return ret;
	return mlpx_rings_consume(s->rings.ring, s->rings.nr, s->rings.heap, max, fn, ctx,
				  &s->rings.counts);
}

int mlproxy_ring_consume_batch(struct mlproxy_session *s, unsigned int max, mlproxy_batch_fn fn,
			       void *ctx)
{
	int ret = need_rings(s);

	if (ret)
		return ret;
	return mlpx_rings_consume_batch(s->rings.ring, s->rings.nr, s->rings.heap, max, fn, ctx,
					&s->rings.counts);
}

void mlproxy_ring_get_counts_sized(const struct mlproxy_session *s,
				   struct mlproxy_ring_counts *counts, size_t bytes)
{
	mlpx_give(counts, bytes, &s->rings.counts, sizeof(s->rings.counts));
}

int mlproxy_ring_get_stats_sized(struct mlproxy_session *s, uint32_t cpu,
				 struct mlproxy_ring_stats *stats, size_t bytes)
{
	int ret = mlpx_begin(s, stats, bytes,
			     MLPX_UP_TO(struct mlproxy_ring_stats, wakeups));

	if (ret)
		return ret;
	stats->cpu = cpu;
	return mlpx_ioctl(s, MLPROXY_IOC_RING_STATS, stats, "ask for the ring counters");
}
