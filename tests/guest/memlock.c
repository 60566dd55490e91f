// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings are memory that can't be reclaimed: what a user may have of it is what
 * RLIMIT_MEMLOCK says, all sessions and processes of the user together, and it is given
 * back with the last reference to the session, whoever holds that one.
 *
 * guest-test: timeout=300
 */
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "util.h"

#define PROXY "ctx-decision"
#define USER 65534
#define RING_BYTES (64U << 10)

static size_t page;

/* Whole pages of the rings of one session: two and the data for each possible CPU. */
static size_t ring_bytes(void)
{
	return nr_cpus() * (RING_BYTES + 2 * page);
}

static void limit(size_t bytes)
{
	struct rlimit lim = { .rlim_cur = bytes, .rlim_max = bytes };

	ASSERT(!setrlimit(RLIMIT_MEMLOCK, &lim), "(%m)");
}

static void become_user(size_t bytes)
{
	gid_t group = USER;

	page = sysconf(_SC_PAGESIZE);
	limit(bytes);
	ASSERT(!setgroups(1, &group) && !setgid(USER) && !setuid(USER), "(%m)");
}

/* The device is the user's to open, as a udev rule would do it; then become one. */
static void as_user(size_t bytes)
{
	ASSERT(!chown(DEVICE, 0, USER) && !chmod(DEVICE, 0660), "(%m)");
	become_user(bytes);
}

static int setup_rings(int fd)
{
	struct mlproxy_ring_setup setup;

	return ring_setup(fd, RING_BYTES, 0, 0, 0, &setup);
}

static int setup_recs(int fd, uint32_t entries)
{
	struct mlproxy_recommend_setup s = {
		.size = sizeof(s), .entries = entries,
		.entry_size = sizeof(struct mlproxy_recommendation),
	};

	return xioctl(fd, MLPROXY_IOC_RECOMMEND_SETUP, &s);
}

/* One of them fits, a second does not, and does again when the first is gone. */
static void one_at_a_time(void)
{
	unsigned int i;
	int a, b;

	page = sysconf(_SC_PAGESIZE);
	as_user(2 * ring_bytes() - page);
	for (i = 0; i < 5; i++) {
		a = dev_bound(PROXY);
		b = dev_bound(PROXY);
		EXPECT_RET(setup_rings(a), 0);
		EXPECT_RET(setup_rings(b), -ENOMEM);
		/* Refused is not set up: it may be tried again, with less. */
		EXPECT_RET(setup_rings(b), -ENOMEM);
		close(a);
		EXPECT_RET(setup_rings(b), 0);
		close(b);
	}
}

static void exact(void)
{
	int fd;

	page = sysconf(_SC_PAGESIZE);
	as_user(ring_bytes());
	fd = dev_bound(PROXY);
	EXPECT_RET(setup_rings(fd), 0);
	EXPECT_RET(setup_recs(fd, 1), -ENOMEM);
	close(fd);
	limit(ring_bytes() - page);
	fd = dev_bound(PROXY);
	EXPECT_RET(setup_rings(fd), -ENOMEM);
	EXPECT_RET(setup_recs(fd, 1), 0);
}

/* 65536 recommendations of 24 bytes and results of 4, and two pages. */
static void recommendations(void)
{
	size_t bytes = MLPROXY_REC_MAX_ENTRIES * (24 + 4);
	int fd;

	page = sysconf(_SC_PAGESIZE);
	as_user(bytes + page);
	fd = dev_bound(PROXY);
	EXPECT_RET(setup_recs(fd, MLPROXY_REC_MAX_ENTRIES), -ENOMEM);
	EXPECT_RET(setup_recs(fd, MLPROXY_REC_MAX_ENTRIES / 2), 0);
	close(fd);
}

/* Other processes of the user have no budget of their own. */
static void all_processes(void)
{
	int go[2], done[2], fd;
	char byte = 0;
	pid_t pid;

	page = sysconf(_SC_PAGESIZE);
	as_user(2 * ring_bytes() - page);
	ASSERT(!pipe(go) && !pipe(done));
	pid = ktap_fork();
	if (!pid) {
		fd = dev_bound(PROXY);
		EXPECT_RET(setup_rings(fd), 0);
		ASSERT_EQ(write(done[1], &byte, 1), 1);
		ASSERT_EQ(read(go[0], &byte, 1), 1);
		_exit(ktap_status());
	}
	ASSERT_EQ(read(done[0], &byte, 1), 1);
	fd = dev_bound(PROXY);
	EXPECT_RET(setup_rings(fd), -ENOMEM);
	ASSERT_EQ(write(go[1], &byte, 1), 1);
	ktap_join(pid);
	EXPECT_RET(setup_rings(fd), 0);
}

/* Set up by a child that is gone, closed by its parent: given back all the same. */
static void closed_by_another(void)
{
	unsigned int i;
	pid_t pid;
	int fd;

	page = sysconf(_SC_PAGESIZE);
	as_user(2 * ring_bytes() - page);
	for (i = 0; i < 5; i++) {
		fd = dev_bound(PROXY);
		pid = ktap_fork();
		if (!pid) {
			EXPECT_RET(setup_rings(fd), 0);
			_exit(ktap_status());
		}
		ktap_join(pid);
		EXPECT_RET(setup_rings(fd), -EBUSY);
		close(fd);
	}
}

/* The file counts, not who happens to hold it. */
static void passed_to_root(void)
{
	int fd, status;
	pid_t pid;

	page = sysconf(_SC_PAGESIZE);
	ASSERT(!chown(DEVICE, 0, USER) && !chmod(DEVICE, 0660), "(%m)");
	/* Opened by root: not limited, who ever uses it. */
	fd = dev_bound(PROXY);
	pid = ktap_fork();
	if (!pid) {
		become_user(page);
		EXPECT_RET(setup_rings(fd), 0);
		_exit(ktap_status());
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
}

static uint64_t status_kb(const char *field)
{
	char line[128];
	uint64_t kb = 0;
	FILE *f = fopen("/proc/self/status", "re");

	ASSERT(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, field, strlen(field)))
			kb = strtoull(line + strlen(field), NULL, 0);
	fclose(f);
	return kb;
}

/* Root is not limited; and it can be seen who has how much. */
static void seen(void)
{
	uint64_t before;
	int fd = dev_bound(PROXY);

	page = sysconf(_SC_PAGESIZE);
	limit(0);
	before = status_kb("VmPin:");
	ASSERT_RET(setup_rings(fd), 0);
	EXPECT_EQ((status_kb("VmPin:") - before) * 1024, ring_bytes());
	ASSERT_RET(setup_recs(fd, 1), 0);
	EXPECT_EQ((status_kb("VmPin:") - before) * 1024, ring_bytes() + 4 * page);
	close(fd);
	EXPECT_EQ(status_kb("VmPin:"), before);
}

/* However many sessions: the limit is reached long before the memory is. */
static void many_sessions(void)
{
	int fd, ret = 0;
	unsigned int n;

	page = sysconf(_SC_PAGESIZE);
	as_user(4 * ring_bytes() + page);
	for (n = 0; n < MLPROXY_MAX_READERS && !ret; n++) {
		fd = dev_bound(PROXY);
		ret = setup_rings(fd);
	}
	EXPECT_EQ(n, 5);
	EXPECT_EQ(ret, -ENOMEM);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(one_at_a_time),
	KTAP_TEST(exact),
	KTAP_TEST(recommendations),
	KTAP_TEST(all_processes),
	KTAP_TEST(closed_by_another),
	KTAP_TEST(passed_to_root),
	KTAP_TEST(seen),
	KTAP_TEST(many_sessions),
};

KTAP_MAIN(tests)
