// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmlproxy: recommendations: set up and map the ring, queue, submit.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "barrier.h"
#include "session.h"

#define DEFAULT_ENTRIES	1024

/* Do the lengths that the kernel stated hold the ring that it stated? */
static bool setup_sane(const struct mlproxy_session *s,
		       const struct mlproxy_recommend_setup *setup)
{
	uint64_t nr = setup->entries;

	return nr && (nr & (nr - 1)) == 0 &&
	       setup->user_bytes >= s->page_bytes + nr * sizeof(struct mlproxy_recommendation) &&
	       setup->kern_bytes >= s->page_bytes + nr * sizeof(int32_t);
}

static int map_recring(struct mlproxy_session *s, const struct mlproxy_recommend_setup *setup)
{
	char *user, *kern;
	int err;

	user = mmap(NULL, setup->user_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd,
		    setup->user_offset);
	if (user == MAP_FAILED)
		goto fail;
	kern = mmap(NULL, setup->kern_bytes, PROT_READ, MAP_SHARED, s->fd, setup->kern_offset);
	if (kern == MAP_FAILED) {
		err = errno;
		munmap(user, setup->user_bytes);
		errno = err;
		goto fail;
	}
	s->rec_user_bytes = setup->user_bytes;
	s->rec_kern_bytes = setup->kern_bytes;
	s->rec = (struct mlpx_recring) {
		.producer = (void *)user,
		.entries = (void *)(user + s->page_bytes),
		.consumer = (const void *)kern,
		.results = (const void *)(kern + s->page_bytes),
		.nr = setup->entries,
	};
	return 0;

fail:
	err = errno;
	return mlpx_fail(s, err, "cannot map the recommendation ring: %s", strerror(err));
}

void mlpx_recring_release(struct mlproxy_session *s)
{
	if (!s->rec.nr)
		return;
	munmap(s->rec.producer, s->rec_user_bytes);
	munmap((void *)s->rec.consumer, s->rec_kern_bytes);
	s->rec.nr = 0;
}

int mlproxy_recommend_setup(struct mlproxy_session *s, uint32_t entries)
{
	struct mlproxy_recommend_setup setup = {
		.size = sizeof(setup),
		.entry_size = sizeof(struct mlproxy_recommendation),
	};
	int ret;

	setup.entries = entries ? entries : DEFAULT_ENTRIES;
	ret = mlpx_ioctl(s, MLPROXY_IOC_RECOMMEND_SETUP, &setup, "set up the recommendation ring");
	if (ret == -EINVAL)
		return mlpx_fail(s, EINVAL, "a recommendation ring of %u entries is not possible; "
				 "1 to %u are", setup.entries, MLPROXY_REC_MAX_ENTRIES);
	if (ret == -EBUSY)
		return mlpx_fail(s, EBUSY, "this session has a recommendation ring already");
	if (ret)
		return ret;
	if (!setup_sane(s, &setup))
		return mlpx_fail(s, EPROTO, "the kernel gave a recommendation ring of %u entries "
				 "in %llu bytes, which makes no sense; install the same release "
				 "of module and library", setup.entries,
				 (unsigned long long)setup.user_bytes);
	return map_recring(s, &setup);
}

static int need_recring(struct mlproxy_session *s)
{
	if (s->rec.nr)
		return 0;
	return mlpx_fail(s, ENXIO, "this session has no recommendation ring; set it up first");
}

int mlproxy_recommend(struct mlproxy_session *s, uint64_t key, uint16_t action,
		      uint16_t confidence, uint32_t ttl_ms, uint32_t version)
{
	const struct mlproxy_recommendation entry = {
		.key = key,
		.ttl_ms = ttl_ms,
		.version = version,
		.action = action,
		.confidence = confidence,
	};
	int ret = need_recring(s);

	if (ret)
		return ret;
	ret = mlpx_recring_push(&s->rec, &entry);
	if (ret)
		return mlpx_fail(s, -ret, "the recommendation ring is full (%u entries); "
				 "submit them first", s->rec.nr);
	return 0;
}

int mlproxy_submit_sized(struct mlproxy_session *s, struct mlproxy_recommend_drain *drain,
			 int32_t *results, unsigned int nr_results, size_t bytes)
{
	struct mlproxy_recommend_drain local;
	uint64_t from;
	int ret = need_recring(s);

	if (!drain) {
		drain = &local;
		bytes = sizeof(local);
	}
	if (!ret)
		ret = mlpx_begin(s, drain, bytes,
				 MLPX_UP_TO(struct mlproxy_recommend_drain, rejected));
	if (ret)
		return ret;
	from = mlpx_load_acquire(s->rec.consumer);
	ret = mlpx_ioctl(s, MLPROXY_IOC_RECOMMEND_DRAIN, drain, "submit the recommendations");
	if (ret == -EPROTO)
		return mlpx_fail(s, EPROTO, "the kernel finds the ring's producer position "
				 "impossible: something else writes the mapping");
	if (ret)
		return ret;
	return mlpx_recring_results(&s->rec, from, results, nr_results);
}
