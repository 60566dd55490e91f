// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user space may map, and what it may not do with it: the data and producer
 * pages stay read-only, nothing becomes executable, private, larger or inherited.
 *
 * guest-test: timeout=300
 */
#include <setjmp.h>
#include <signal.h>

#include "util.h"

#define PROXY "ctx-decision"

static size_t page;
static int fd;
static struct mlproxy_ring_setup setup;

static void begin(void)
{
	page = sysconf(_SC_PAGESIZE);
	fd = dev_bound(PROXY);
	ASSERT_RET(ring_setup(fd, 4 * page, 0, 0, 0, &setup), 0);
}

static int try_map(size_t bytes, int prot, int flags, off_t offset)
{
	void *p = mmap(NULL, bytes, prot, flags, fd, offset);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, bytes);
	return 0;
}

static size_t ro_bytes(void)
{
	return page + 2 * setup.data_bytes;
}

static void protections(void)
{
	begin();
	EXPECT_RET(try_map(page, PROT_READ | PROT_WRITE, MAP_SHARED, 0), 0);
	EXPECT_RET(try_map(page, PROT_READ, MAP_SHARED, 0), 0);
	EXPECT_RET(try_map(page, PROT_READ | PROT_EXEC, MAP_SHARED, 0), -EACCES);
	EXPECT_RET(try_map(ro_bytes(), PROT_READ, MAP_SHARED, page), 0);
	EXPECT_RET(try_map(ro_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, page), -EACCES);
	EXPECT_RET(try_map(ro_bytes(), PROT_WRITE, MAP_SHARED, page), -EACCES);
	EXPECT_RET(try_map(ro_bytes(), PROT_READ | PROT_EXEC, MAP_SHARED, page), -EACCES);
	/* A private mapping would be a snapshot, and writable. */
	EXPECT_RET(try_map(page, PROT_READ, MAP_PRIVATE, 0), -EINVAL);
	EXPECT_RET(try_map(ro_bytes(), PROT_READ, MAP_PRIVATE, page), -EINVAL);
	EXPECT_RET(try_map(ro_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE, page), -EINVAL);
}

static void upgrades(void)
{
	void *cons, *ro;

	begin();
	cons = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ro = mmap(NULL, ro_bytes(), PROT_READ, MAP_SHARED, fd, page);
	ASSERT(cons != MAP_FAILED && ro != MAP_FAILED);
	EXPECT(mprotect(ro, page, PROT_READ | PROT_WRITE) && errno == EACCES);
	EXPECT(mprotect(ro + page, 2 * setup.data_bytes, PROT_WRITE) && errno == EACCES);
	EXPECT(mprotect(ro, ro_bytes(), PROT_READ | PROT_EXEC) && errno == EACCES);
	EXPECT(mprotect(cons, page, PROT_READ | PROT_EXEC) && errno == EACCES);
	EXPECT(!mprotect(cons, page, PROT_READ));
	EXPECT(!mprotect(cons, page, PROT_READ | PROT_WRITE));
	EXPECT(!mprotect(ro, page, PROT_NONE) && !mprotect(ro, page, PROT_READ));
	/* Moving is fine, growing is not. */
	EXPECT(mremap(ro, ro_bytes(), ro_bytes() + page, MREMAP_MAYMOVE) == MAP_FAILED &&
	       errno == EFAULT);
	EXPECT(mremap(cons, page, 2 * page, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
	cons = mremap(cons, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, ro + 64 * ro_bytes());
	EXPECT(cons != MAP_FAILED);
}

static void offsets_and_lengths(void)
{
	uint64_t end = (uint64_t)setup.nr_rings * setup.ring_stride;
	unsigned int i, nr_ro;

	begin();
	end = setup.nr_rings * setup.ring_stride;
	nr_ro = ro_bytes() / page;
	EXPECT_RET(try_map(2 * page, PROT_READ, MAP_SHARED, 0), -EINVAL);
	EXPECT_RET(try_map(setup.ring_stride, PROT_READ, MAP_SHARED, 0), -EINVAL);
	EXPECT_RET(try_map(ro_bytes() - page, PROT_READ, MAP_SHARED, page), -EINVAL);
	EXPECT_RET(try_map(ro_bytes() + page, PROT_READ, MAP_SHARED, page), -EINVAL);
	EXPECT_RET(try_map(page, PROT_READ, MAP_SHARED, page), -EINVAL);
	/* No part begins at any other page. */
	for (i = 2; i < setup.ring_stride / page; i++) {
		EXPECT_RET(try_map(page, PROT_READ, MAP_SHARED, i * page), -EINVAL);
		EXPECT_RET(try_map(nr_ro * page, PROT_READ, MAP_SHARED, i * page), -EINVAL);
	}
	EXPECT_RET(try_map(page, PROT_READ, MAP_SHARED, end), -EINVAL);
	EXPECT_RET(try_map(ro_bytes(), PROT_READ, MAP_SHARED, end + page), -EINVAL);
	EXPECT_RET(try_map(page, PROT_READ, MAP_SHARED, 1LL << 39), -EINVAL);
	/* The recommendation ring is not set up; and then has two parts only. */
	EXPECT_RET(try_map(page, PROT_READ, MAP_SHARED, 1LL << 40), -ENXIO);
}

static void recommendation_ring(void)
{
	struct recs r;
	void *kern;

	begin();
	ASSERT_RET(recs_map(fd, 256, &r), 0);
	kern = (void *)r.cons;
	EXPECT_RET(try_map(r.setup.kern_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			   r.setup.kern_offset), -EACCES);
	EXPECT_RET(try_map(r.setup.kern_bytes, PROT_READ, MAP_PRIVATE, r.setup.kern_offset),
		   -EINVAL);
	EXPECT_RET(try_map(r.setup.user_bytes, PROT_READ | PROT_EXEC, MAP_SHARED,
			   r.setup.user_offset), -EACCES);
	EXPECT_RET(try_map(page, PROT_READ, MAP_SHARED, r.setup.user_offset), -EINVAL);
	EXPECT_RET(try_map(page, PROT_READ, MAP_SHARED, r.setup.kern_offset), -EINVAL);
	EXPECT_RET(try_map(r.setup.user_bytes + page, PROT_READ, MAP_SHARED,
			   r.setup.user_offset), -EINVAL);
	EXPECT_RET(try_map(page, PROT_READ, MAP_SHARED, r.setup.user_offset + page), -EINVAL);
	EXPECT_RET(try_map(page, PROT_READ, MAP_SHARED, 1LL << 42), -EINVAL);
	EXPECT(mprotect(kern, page, PROT_READ | PROT_WRITE) && errno == EACCES);
	EXPECT(mremap((void *)r.prod, r.setup.user_bytes, r.setup.user_bytes + page,
		      MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
}

static void read_only_file(void)
{
	/* The rings belong to the file: another descriptor opened read-only has none. */
	begin();
	close(fd);
	fd = dev_open(O_RDONLY);
	ASSERT_RET(dev_bind(fd, PROXY), 0);
	EXPECT_RET(try_map(page, PROT_READ, MAP_SHARED, 0), -ENXIO);
	EXPECT_RET(try_map(page, PROT_READ | PROT_WRITE, MAP_SHARED, 0), -EACCES);
}

static void mirrored(void)
{
	struct ring r;
	unsigned int i;

	begin();
	ASSERT_RET(ring_map(fd, &setup, 0, &r), 0);
	/* Nothing stale is mapped; dev_fresh() publishes the first records. */
	for (i = 0; i < r.size; i++)
		ASSERT(!r.data[i], "(byte %u of a new ring is %#x)", i, r.data[i]);
	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	for (i = 0; i < 20; i++) {
		ASSERT_RET(ctx_run("decision", "task", 100, 1), 0);
		EXPECT(!memcmp(r.data, r.data + r.size, r.size));
		ring_consume(&r, 0, NULL, NULL);
	}
	ring_check(fd, 0, &r);
	EXPECT(r.pos > 2 * r.size);
}

static sigjmp_buf fault;

static void on_fault(int sig)
{
	(void)sig;
	siglongjmp(fault, 1);
}

static bool faults(volatile uint8_t *p, bool write)
{
	if (sigsetjmp(fault, 1))
		return true;
	if (write)
		*p = 1;
	else
		(void)*p;
	return false;
}

static void stores_fault(void)
{
	struct sigaction sa = { .sa_handler = on_fault };
	struct ring r;

	begin();
	ASSERT_RET(ring_map(fd, &setup, 0, &r), 0);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	EXPECT(faults((void *)r.prod, true));
	EXPECT(faults((void *)r.data, true));
	EXPECT(faults((void *)(r.data + 2 * r.size - 1), true));
	EXPECT(!faults((void *)r.data, false));
	EXPECT(!faults((void *)r.cons, true));
}

/* Debuggers write through /proc/self/mem, past the page protection. */
static void proc_self_mem(void)
{
	static const char text[8] = "written";
	struct ring r;
	int mem;

	begin();
	ASSERT_RET(ring_map(fd, &setup, 0, &r), 0);
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ASSERT(mem >= 0);
	EXPECT(pwrite(mem, text, 8, (uintptr_t)r.prod) < 0);
	EXPECT(pwrite(mem, text, 8, (uintptr_t)r.data) < 0);
	EXPECT(pwrite(mem, text, 8, (uintptr_t)r.data + r.size) < 0);
	EXPECT_EQ(r.prod->pos, 0);
	EXPECT_EQ(r.data[0], 0);
}

static void not_inherited(void)
{
	struct sigaction sa = { .sa_handler = on_fault };
	struct ring r;
	struct recs recs;
	pid_t child;

	begin();
	ASSERT_RET(ring_map(fd, &setup, 0, &r), 0);
	ASSERT_RET(recs_map(fd, 16, &recs), 0);
	child = ktap_fork();
	if (!child) {
		sigaction(SIGSEGV, &sa, NULL);
		EXPECT(faults((void *)r.cons, false));
		EXPECT(faults((void *)r.data, false));
		EXPECT(faults((void *)recs.prod, false));
		EXPECT(faults((void *)recs.cons, false));
		_exit(ktap_status());
	}
	ktap_join(child);
}

/* A refused mmap() leaves the way of access open. */
static void refused_is_no_claim(void)
{
	char byte[8];

	begin();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	EXPECT_RET(try_map(page, PROT_READ, MAP_SHARED, page), -EINVAL);
	EXPECT_RET(try_map(ro_bytes(), PROT_READ | PROT_EXEC, MAP_SHARED, page), -EACCES);
	EXPECT(read(fd, byte, sizeof(byte)) < 0 && errno == EAGAIN);
}

static void twice(void)
{
	struct ring a, b;

	begin();
	ASSERT_RET(ring_map(fd, &setup, 0, &a), 0);
	ASSERT_RET(ring_map(fd, &setup, 0, &b), 0);
	a.cons->pos = 0x1230;
	EXPECT_EQ(b.cons->pos, 0x1230);
	munmap((void *)a.cons, page);
	munmap((void *)a.prod, ro_bytes());
	EXPECT_EQ(b.cons->pos, 0x1230);
	/* Still in mmap access. */
	EXPECT(read(fd, &a, sizeof(a)) < 0 && errno == EBUSY);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(protections),
	KTAP_TEST(upgrades),
	KTAP_TEST(offsets_and_lengths),
	KTAP_TEST(recommendation_ring),
	KTAP_TEST(read_only_file),
	KTAP_TEST(mirrored),
	KTAP_TEST(stores_fault),
	KTAP_TEST(proc_self_mem),
	KTAP_TEST(not_inherited),
	KTAP_TEST(refused_is_no_claim),
	KTAP_TEST(twice),
};

KTAP_MAIN(tests)
