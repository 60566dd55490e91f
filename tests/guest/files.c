// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors, mappings and processes in every order of going away: the session
 * lives as long as one of them, and everything is given back after the last. That
 * nothing is left is checked by unloading the modules after this program.
 *
 * guest-test: timeout=300
 */
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "util.h"

#define UNIT "decision"
#define PROXY "ctx-decision"

static struct mlproxy_ring_setup setup;
static struct ring ring;

/* A running proxy and a session with a mapped ring. */
static int begin(void)
{
	int fd = dev_bound(PROXY);

	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ring_setup(fd, 1 << 16, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_DECISION),
			      &setup), 0);
	ASSERT_RET(ring_map(fd, &setup, 0, &ring), 0);
	return fd;
}

static void decide_and_see(unsigned int n)
{
	ASSERT_RET(ctx_run(UNIT, "task", n, 1), 0);
	EXPECT_EQ(ring_consume(&ring, 0, NULL, NULL), n);
}

/* How many hold the module of the proxies: the sessions that are bound. */
static uint64_t bound_sessions(void)
{
	return file_u64("/sys/module/mlproxy_ctxtest/refcnt");
}

static void mapping_outlives_close(void)
{
	uint64_t before = bound_sessions();
	int fd = begin();

	decide_and_see(10);
	close(fd);
	EXPECT_EQ(bound_sessions(), before + 1);
	decide_and_see(10);
	munmap((void *)ring.cons, sysconf(_SC_PAGESIZE));
	ASSERT_RET(ctx_run(UNIT, "task", 10, 1), 0);
	EXPECT_EQ(bound_sessions(), before + 1);
	munmap((void *)ring.prod, sysconf(_SC_PAGESIZE) + 2 * ring.size);
	EXPECT_EQ(bound_sessions(), before);
}

static void close_without_munmap(void)
{
	uint64_t before = bound_sessions();
	pid_t pid = ktap_fork();

	if (!pid) {
		int fd = begin();

		decide_and_see(10);
		close(fd);
		_exit(ktap_status());
	}
	ktap_join(pid);
	EXPECT_EQ(bound_sessions(), before);
	pid = ktap_fork();
	if (!pid) {
		begin();
		decide_and_see(10);
		_exit(ktap_status());
	}
	ktap_join(pid);
	EXPECT_EQ(bound_sessions(), before);
}

static void dup_and_close(void)
{
	uint64_t before = bound_sessions();
	int fd = begin(), copy = dup(fd);
	struct mlproxy_ring_stats s;

	close(fd);
	decide_and_see(5);
	EXPECT_RET(ring_stats(copy, 0, &s), 0);
	EXPECT_EQ(s.published, 5);
	EXPECT_RET(dev_bind(copy, PROXY), -EBUSY);
	fd = dup(copy);
	close(copy);
	EXPECT_RET(ring_setup(fd, 4096, 0, 0, 0, &setup), -EBUSY);
	close(fd);
	EXPECT_EQ(bound_sessions(), before + 1);
	munmap((void *)ring.cons, sysconf(_SC_PAGESIZE));
	munmap((void *)ring.prod, sysconf(_SC_PAGESIZE) + 2 * ring.size);
	EXPECT_EQ(bound_sessions(), before);
}

/* A child has the descriptor, not the mapping; either may close first. */
static void fork_orders(void)
{
	uint64_t before = bound_sessions();
	struct mlproxy_ring_stats s;
	int go[2], fd;
	char byte = 0;
	pid_t pid;

	ASSERT(!pipe(go));
	fd = begin();
	pid = ktap_fork();
	if (!pid) {
		close(go[1]);
		EXPECT_RET(ring_stats(fd, 0, &s), 0);
		EXPECT_EQ(read(go[0], &byte, 1), 0);
		/* The parent has closed it by now. */
		EXPECT_RET(ring_stats(fd, 0, &s), 0);
		EXPECT_EQ(s.published, 7);
		ring = (struct ring) { 0 };
		EXPECT_RET(ring_map(fd, &setup, 0, &ring), 0);
		EXPECT_EQ(ring_consume(&ring, 0, NULL, NULL), 7);
		_exit(ktap_status());
	}
	close(go[0]);
	ASSERT_RET(ctx_run(UNIT, "task", 7, 1), 0);
	close(fd);
	munmap((void *)ring.cons, sysconf(_SC_PAGESIZE));
	munmap((void *)ring.prod, sysconf(_SC_PAGESIZE) + 2 * ring.size);
	EXPECT_EQ(bound_sessions(), before + 1);
	close(go[1]);
	ktap_join(pid);
	EXPECT_EQ(bound_sessions(), before);
}

static void send_fd(int sock, int fd)
{
	char byte = 'x', control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	ASSERT_EQ(sendmsg(sock, &msg, 0), 1);
}

static int receive_fd(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	ASSERT_EQ(recvmsg(sock, &msg, 0), 1);
	ASSERT(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

/* A session in flight between two processes, neither of which holds it. */
static void sent_by_socket(void)
{
	uint64_t before = bound_sessions();
	int socks[2], fd;
	pid_t pid;

	ASSERT(!socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	pid = ktap_fork();
	if (!pid) {
		fd = begin();
		send_fd(socks[1], fd);
		_exit(ktap_status());
	}
	ktap_join(pid);
	EXPECT_EQ(bound_sessions(), before + 1);
	ASSERT_RET(ctx_run(UNIT, "task", 9, 1), 0);
	fd = receive_fd(socks[0]);
	setup.data_bytes = 1 << 16;
	setup.ring_offset = 0;
	ASSERT_RET(ring_map(fd, &setup, 0, &ring), 0);
	EXPECT_EQ(ring_consume(&ring, 0, NULL, NULL), 9);
	close(fd);
	munmap((void *)ring.cons, sysconf(_SC_PAGESIZE));
	munmap((void *)ring.prod, sysconf(_SC_PAGESIZE) + 2 * ring.size);
	/* Sent, never received, and the sockets go. */
	fd = dev_bound(PROXY);
	send_fd(socks[1], fd);
	close(fd);
	EXPECT_EQ(bound_sessions(), before + 1);
	close(socks[0]);
	close(socks[1]);
	/* Sockets are closed late: by a work item where the cycle is collected. */
	for (fd = 0; fd < 1000 && bound_sessions() != before; fd++)
		sleep_ms(10);
	EXPECT_EQ(bound_sessions(), before);
}

static void wait_killed(pid_t pid)
{
	int status;

	ASSERT(!kill(pid, SIGKILL));
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Wait until a process sleeps in the kernel. */
static void wait_asleep(pid_t pid)
{
	char path[64], buf[512], state;
	unsigned int i;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (i = 0; i < 3000; i++) {
		ASSERT(!file_read(path, buf, sizeof(buf)));
		state = strrchr(buf, ')')[2];
		if (state == 'S')
			return;
		sleep_ms(10);
	}
	ASSERT(!"asleep");
}

/* Wait until a process has become another program. */
static void wait_program(pid_t pid, const char *name)
{
	char path[64], comm[64];
	unsigned int i;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	for (i = 0; i < 3000; i++) {
		ASSERT(!file_read(path, comm, sizeof(comm)));
		if (!strcmp(comm, name))
			return;
		sleep_ms(10);
	}
	ASSERT(!"another program");
}

static void killed_in_wait(bool in_read)
{
	uint64_t before = bound_sessions();
	unsigned int i;

	for (i = 0; i < 5; i++) {
		pid_t pid = ktap_fork();

		if (!pid) {
			struct pollfd pfd = { .events = POLLIN };
			int fd = dev_bound(PROXY);
			char buf[256];

			dev_fresh(fd);
			ASSERT_RET(ring_setup(fd, 4096, 0, 100000000, 0, &setup), 0);
			pfd.fd = fd;
			if (in_read)
				read(fd, buf, sizeof(buf));
			else
				poll(&pfd, 1, -1);
			_exit(KTAP_FAIL);
		}
		sleep_ms(20);
		wait_asleep(pid);
		wait_killed(pid);
		EXPECT_EQ(bound_sessions(), before);
	}
}

#pragma GCC diagnostic ignored "-Wunused-result"

static void killed_in_poll(void)
{
	killed_in_wait(false);
}

static void killed_in_read(void)
{
	killed_in_wait(true);
}

/* Open and close from several processes, with everything set up, under load. */
static void open_close_storm(void)
{
	uint64_t before = bound_sessions();
	const unsigned int n = scaled(150);
	pid_t pids[3], load;
	unsigned int i, j;
	int fd = begin();

	load = load_start(UNIT, "mixed", scaled(20000), online_mask());
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = ktap_fork();
		if (pids[i])
			continue;
		for (j = 0; j < n; j++) {
			struct recs recs;
			int own = dev_bound(PROXY);

			ASSERT_RET(ring_setup(own, 4096 << (j % 4), 0, 10, 0, &setup), 0);
			ASSERT_RET(ring_map(own, &setup, 0, &ring), 0);
			ASSERT_RET(recs_map(own, 1 + j, &recs), 0);
			ring_consume(&ring, 0, NULL, NULL);
			munmap((void *)ring.cons, sysconf(_SC_PAGESIZE));
			close(own);
			munmap((void *)ring.prod, sysconf(_SC_PAGESIZE) + 2 * ring.size);
			munmap((void *)recs.prod, recs.setup.user_bytes);
			munmap((void *)recs.cons, recs.setup.kern_bytes);
		}
		_exit(ktap_status());
	}
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		ktap_join(pids[i]);
	ktap_join(load);
	EXPECT_EQ(bound_sessions(), before + 1);
	close(fd);
	EXPECT_EQ(ctx_get("violations"), 0);
}

/* exec() closes it, as every descriptor that is marked so. */
static void closed_by_exec(void)
{
	uint64_t before = bound_sessions();
	pid_t pid = ktap_fork();

	if (!pid) {
		begin();
		execl("/bin/sh", "sh", "-c", "exec sleep 1000", NULL);
		_exit(KTAP_FAIL);
	}
	wait_program(pid, "sleep");
	EXPECT_EQ(bound_sessions(), before);
	wait_killed(pid);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(mapping_outlives_close),
	KTAP_TEST(close_without_munmap),
	KTAP_TEST(dup_and_close),
	KTAP_TEST(fork_orders),
	KTAP_TEST(sent_by_socket),
	KTAP_TEST(killed_in_poll),
	KTAP_TEST(killed_in_read),
	KTAP_TEST(closed_by_exec),
	KTAP_TEST(open_close_storm),
};

KTAP_MAIN(tests)
