// SPDX-License-Identifier: GPL-2.0-only
/* Rings, as user space sees them; see util.h. */
#include "util.h"

int ring_setup(int fd, uint32_t data_bytes, uint32_t watermark, uint32_t timeout_us,
	       uint32_t type_mask, struct mlproxy_ring_setup *setup)
{
	*setup = (struct mlproxy_ring_setup) {
		.size = sizeof(*setup), .data_bytes = data_bytes,
		.watermark_bytes = watermark, .timeout_us = timeout_us,
		.type_mask = type_mask,
	};
	return xioctl(fd, MLPROXY_IOC_RING_SETUP, setup);
}

int ring_map(int fd, const struct mlproxy_ring_setup *setup, unsigned int cpu,
	     struct ring *ring)
{
	size_t page = sysconf(_SC_PAGESIZE);
	off_t offset = setup->ring_offset + cpu * setup->ring_stride;
	void *cons, *prod;

	cons = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	if (cons == MAP_FAILED)
		return -errno;
	prod = mmap(NULL, page + 2 * setup->data_bytes, PROT_READ, MAP_SHARED, fd,
		    offset + page);
	if (prod == MAP_FAILED) {
		munmap(cons, page);
		return -errno;
	}
	*ring = (struct ring) {
		.cons = cons, .prod = prod, .data = (uint8_t *)prod + page,
		.size = setup->data_bytes,
	};
	return 0;
}

int ring_stats(int fd, unsigned int cpu, struct mlproxy_ring_stats *stats)
{
	*stats = (struct mlproxy_ring_stats) { .size = sizeof(*stats), .cpu = cpu };
	return xioctl(fd, MLPROXY_IOC_RING_STATS, stats);
}

void ring_account(struct ring *ring, const struct mlproxy_rec_hdr *rec)
{
	ASSERT(rec->len >= sizeof(*rec) && rec->len <= MLPROXY_REC_MAX_BYTES &&
	       rec->len % 8 == 0, "(length %u)", rec->len);
	ASSERT(rec->type > 0 && rec->type < MLPROXY_NR_REC_TYPES, "(type %u)", rec->type);
	ASSERT(rec->seq > ring->seq, "(%llu after %llu)", (unsigned long long)rec->seq,
	       (unsigned long long)ring->seq);
	EXPECT(rec->time_ns >= ring->last_ns);
	ring->gaps += rec->seq - ring->seq - 1;
	ring->seq = rec->seq;
	ring->last_ns = rec->time_ns;
	ring->seen++;
}

unsigned int ring_consume(struct ring *ring, unsigned int max, record_fn fn, void *arg)
{
	uint64_t prod = __atomic_load_n(&ring->prod->pos, __ATOMIC_ACQUIRE);
	unsigned int n = 0;

	ASSERT(prod - ring->pos <= ring->size);
	while (ring->pos != prod && (!max || n < max)) {
		const struct mlproxy_rec_hdr *rec =
			(const void *)(ring->data + (ring->pos & (ring->size - 1)));

		ring_account(ring, rec);
		if (fn)
			fn(rec, arg);
		ring->pos += rec->len;
		n++;
	}
	__atomic_store_n(&ring->cons->pos, ring->pos, __ATOMIC_RELEASE);
	return n;
}

void ring_check(int fd, unsigned int cpu, const struct ring *ring)
{
	struct mlproxy_ring_stats s;
	uint64_t lost;

	ASSERT_RET(ring_stats(fd, cpu, &s), 0);
	lost = s.lost_full + s.lost_badpos + s.lost_nmi + s.lost_big;
	EXPECT_EQ(s.written + lost, s.published);
	EXPECT_EQ(ring->seen, s.written);
	/* Losses behind the last record have no record after them to show the gap. */
	EXPECT_EQ(ring->gaps + (s.published - ring->seq), lost);
}

ssize_t read_consume(int fd, struct ring *rings, unsigned int *cpu_of_record, void *buf,
		     size_t size, record_fn fn, void *arg)
{
	ssize_t n = read(fd, buf, size), done = 0;

	if (n < 0)
		return -errno;
	while (done < n) {
		const struct mlproxy_rec_hdr *rec = (const void *)((char *)buf + done);
		const struct mlproxy_rec_decision *d = (const void *)rec;

		/* The CPU is in the id's upper bits. */
		if (rec->type == MLPROXY_REC_DECISION)
			*cpu_of_record = d->id >> 48;
		ring_account(&rings[*cpu_of_record], rec);
		if (fn)
			fn(rec, arg);
		done += rec->len;
	}
	EXPECT_EQ(done, n);
	return n;
}

int recs_map(int fd, uint32_t entries, struct recs *recs)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *user, *kern;
	int ret;

	recs->setup = (struct mlproxy_recommend_setup) {
		.entry_size = sizeof(struct mlproxy_recommendation),
		.size = sizeof(recs->setup), .entries = entries,
	};
	ret = xioctl(fd, MLPROXY_IOC_RECOMMEND_SETUP, &recs->setup);
	if (ret)
		return ret;
	user = mmap(NULL, recs->setup.user_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    recs->setup.user_offset);
	kern = mmap(NULL, recs->setup.kern_bytes, PROT_READ, MAP_SHARED, fd,
		    recs->setup.kern_offset);
	if (user == MAP_FAILED || kern == MAP_FAILED)
		return -errno;
	recs->prod = user;
	recs->entries = (void *)((char *)user + page);
	recs->cons = kern;
	recs->results = (void *)((char *)kern + page);
	recs->nr = recs->setup.entries;
	return 0;
}

int recs_drain(int fd, uint32_t max, struct mlproxy_recommend_drain *out)
{
	*out = (struct mlproxy_recommend_drain) { .size = sizeof(*out), .max = max };
	return xioctl(fd, MLPROXY_IOC_RECOMMEND_DRAIN, out);
}

int recommend(int fd, struct recs *recs, uint64_t key, uint32_t action, uint32_t ttl_ms)
{
	return recommend_version(fd, recs, key, action, ttl_ms, 7);
}

int recommend_version(int fd, struct recs *recs, uint64_t key, uint32_t action,
		      uint32_t ttl_ms, uint32_t version)
{
	struct mlproxy_recommend_drain drain;
	uint64_t pos = recs->prod->pos;

	recs->entries[pos & (recs->nr - 1)] = (struct mlproxy_recommendation) {
		.key = key, .ttl_ms = ttl_ms, .version = version, .action = action,
		.confidence = 65535,
	};
	__atomic_store_n(&recs->prod->pos, pos + 1, __ATOMIC_RELEASE);
	ASSERT_RET(recs_drain(fd, 0, &drain), 0);
	ASSERT_EQ(drain.drained, 1);
	return recs->results[pos & (recs->nr - 1)];
}
