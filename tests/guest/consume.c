// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest-test: timeout=120
 *
 * Who may only read maps the data of the rings, and tells the kernel how far he is by an
 * ioctl: libmlproxy does so by itself.
 */
#include "util.h"

#include <unistd.h>

#include <mlproxy/mlproxy.h>

#define UNIT "decision"
#define PROXY "ctx-" UNIT

static struct mlproxy_ring_setup setup;
static int fd, operator_fd;
static size_t page;

static void *map(off_t offset, size_t bytes, int prot)
{
	return mmap(NULL, bytes, prot, MAP_SHARED, fd, offset);
}

static int consume(uint32_t cpu, uint64_t pos)
{
	struct mlproxy_ring_consume cmd = { .size = sizeof(cmd), .cpu = cpu, .pos = pos };

	return xioctl(fd, MLPROXY_IOC_RING_CONSUME, &cmd);
}

static void begin(int flags)
{
	page = sysconf(_SC_PAGESIZE);
	operator_fd = dev_bound(PROXY);
	dev_fresh(operator_fd);
	ASSERT_RET(dev_control(operator_fd, MLPROXY_CTL_START), 0);
	fd = dev_open(flags);
	ASSERT_RET(dev_bind(fd, PROXY), 0);
	ASSERT_RET(ring_setup(fd, 4096, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_DECISION), &setup), 0);
}

static void end(void)
{
	close(fd);
	close(operator_fd);
}

static void positions(void)
{
	const volatile struct mlproxy_ring_page *prod;
	struct mlproxy_ring_stats s;
	uint64_t head;

	begin(O_RDONLY);
	EXPECT_RET(consume(0, 0), -EBUSY);
	/* A page that nobody can write would keep the ring full. */
	EXPECT(map(0, page, PROT_READ) == MAP_FAILED && errno == EACCES);
	EXPECT(map(0, page, PROT_READ | PROT_WRITE) == MAP_FAILED && errno == EACCES);
	prod = map(page, page + 2 * setup.data_bytes, PROT_READ);
	ASSERT(prod != MAP_FAILED);
	ASSERT_RET(ctx_run(UNIT, "task", 5, 1), 0);
	head = prod->pos;
	EXPECT_EQ(head, 5 * CTX_REC_BYTES);
	EXPECT_RET(consume(0, head + 8), -EPROTO);
	EXPECT_RET(consume(0, ~0ULL), -EPROTO);
	EXPECT_RET(consume(0, 4), -EPROTO);
	EXPECT_RET(consume(setup.nr_rings, 0), -EINVAL);
	EXPECT_RET(consume(~0U, 0), -EINVAL);
	EXPECT_RET(consume(0, 2 * CTX_REC_BYTES), 0);
	EXPECT_RET(consume(0, CTX_REC_BYTES), -EPROTO);
	EXPECT_RET(consume(0, head), 0);
	/* All of the ring is free again, and then full. */
	ASSERT_RET(ctx_run(UNIT, "task", 4096 / CTX_REC_BYTES, 1), 0);
	ASSERT_RET(ring_stats(fd, 0, &s), 0);
	EXPECT_EQ(s.lost_full, 0);
	ASSERT_RET(ctx_run(UNIT, "task", 1, 1), 0);
	ASSERT_RET(ring_stats(fd, 0, &s), 0);
	EXPECT_EQ(s.lost_full, 1);
	EXPECT_EQ(s.lost_badpos, 0);
	end();
}

/* Beside a consumer page, and beside read(), there would be two positions. */
static void others(void)
{
	struct ring ring;
	char buf[4096];

	begin(O_RDWR | O_NONBLOCK);
	ASSERT_RET(ring_map(fd, &setup, 0, &ring), 0);
	EXPECT_RET(consume(0, 0), -EBUSY);
	end();
	begin(O_RDONLY | O_NONBLOCK);
	EXPECT(read(fd, buf, sizeof(buf)) < 0 && errno == EAGAIN);
	EXPECT_RET(consume(0, 0), -EBUSY);
	end();
}

static int count(const struct mlproxy_rec_hdr *rec, unsigned int cpu, uint64_t lost, void *arg)
{
	(void)cpu;
	EXPECT_EQ(lost, 0);
	*(unsigned int *)arg += rec->type == MLPROXY_REC_DECISION;
	return 0;
}

/* Many times the ring's size, without a loss. */
static void library(void)
{
	const struct mlproxy_ring_opts opts = { .size = sizeof(opts), .data_bytes = 4096 };
	struct mlproxy_session *s;
	unsigned int i, seen = 0;

	begin(O_RDONLY);
	ASSERT_RET(mlproxy_open(&s, NULL, MLPROXY_OPEN_RDONLY), 0);
	ASSERT_RET(mlproxy_bind(s, PROXY), 0);
	ASSERT_RET(mlproxy_ring_setup(s, &opts), 0);
	for (i = 0; i < 100; i++) {
		ASSERT_RET(ctx_run(UNIT, "task", 10, online_mask()), 0);
		ASSERT(mlproxy_ring_consume(s, 0, count, &seen) > 0);
	}
	EXPECT_EQ(seen, 1000 * __builtin_popcount(online_mask()));
	mlproxy_close(s);
	end();
}

static const struct ktap_test tests[] = {
	KTAP_TEST(positions),
	KTAP_TEST(others),
	KTAP_TEST(library),
};

KTAP_MAIN(tests)
