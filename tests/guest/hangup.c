// SPDX-License-Identifier: GPL-2.0-only
/*
 * The subsystem takes its proxy away: whoever waits for records is woken, is given what
 * is left, and then told that no more will come. No test asserts a time: a hang-up that
 * is not told shows as a wait that runs into a limit far beyond any delay.
 *
 * guest-test: timeout=300
 */
#include <signal.h>
#include <sys/epoll.h>

#include "util.h"

#define UNIT "decision"
#define PROXY "ctx-decision"
#define LONG_MS 60000

static int fd;
static struct mlproxy_ring_setup setup;

/* A running proxy, and a session that wants decisions and is woken by half a ring. */
static void begin(uint32_t types)
{
	fd = dev_bound(PROXY);
	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ring_setup(fd, 1 << 16, 1 << 15, 0, types, &setup), 0);
}

static void destroy(void)
{
	ASSERT_RET(ctx_set("present", 0), 0);
}

/* For the test that follows; what is bound to the old one stays as it is. */
static void back_again(void)
{
	ASSERT_RET(ctx_set("present", 1), 0);
}

static int poll_for(int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLPRI };
	int n = poll(&pfd, 1, timeout_ms);

	return n < 0 ? -errno : pfd.revents;
}

static void poll_is_woken(void)
{
	pid_t pids[3];
	unsigned int i;

	begin(MLPROXY_REC_MASK(MLPROXY_REC_DECISION));
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = ktap_fork();
		if (pids[i])
			continue;
		EXPECT_EQ(poll_for(LONG_MS), POLLHUP);
		_exit(ktap_status());
	}
	sleep_ms(50);
	destroy();
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		ktap_join(pids[i]);
	/* And so it stays. */
	EXPECT_EQ(poll_for(0), POLLHUP);
	back_again();
	EXPECT_EQ(poll_for(0), POLLHUP);
}

/* Too little for the watermark before, all there will ever be now. */
static void rest_is_ready(void)
{
	struct ring ring;

	begin(MLPROXY_REC_MASK(MLPROXY_REC_DECISION));
	ASSERT_RET(ring_map(fd, &setup, 0, &ring), 0);
	ASSERT_RET(ctx_run(UNIT, "task", 3, 1), 0);
	EXPECT_EQ(poll_for(0), 0);
	destroy();
	EXPECT_EQ(poll_for(LONG_MS), POLLIN | POLLHUP);
	EXPECT_EQ(ring_consume(&ring, 2, NULL, NULL), 2);
	EXPECT_EQ(poll_for(0), POLLIN | POLLHUP);
	EXPECT_EQ(ring_consume(&ring, 0, NULL, NULL), 1);
	EXPECT_EQ(poll_for(0), POLLHUP);
	ring_check(fd, 0, &ring);
	back_again();
}

/* The last record of all says what happened. */
static void last_record(void)
{
	struct mlproxy_rec_change rec[4];
	ssize_t n;

	/* Records are in order on one CPU, and destroy() sleeps between the two. */
	pin_to(0);
	begin(MLPROXY_REC_MASK(MLPROXY_REC_STATE));
	destroy();
	alarm(LONG_MS / 1000);
	n = read(fd, rec, sizeof(rec));
	ASSERT_EQ(n, 2 * sizeof(rec[0]));
	EXPECT_EQ(rec[0].to, MLPROXY_STATE_STOPPED);
	EXPECT_EQ(rec[1].to, MLPROXY_STATE_DESTROYED);
	EXPECT_EQ(read(fd, rec, sizeof(rec)), 0);
	back_again();
}

static void read_is_woken(void)
{
	char buf[8 * CTX_REC_BYTES];
	pid_t pid;

	begin(MLPROXY_REC_MASK(MLPROXY_REC_DECISION));
	pid = ktap_fork();
	if (!pid) {
		/* The end of one that is never woken. */
		alarm(LONG_MS / 1000);
		EXPECT_EQ(read(fd, buf, sizeof(buf)), 0);
		_exit(ktap_status());
	}
	sleep_ms(50);
	destroy();
	ktap_join(pid);
	back_again();
}

static void read_to_the_end(void)
{
	char buf[8 * CTX_REC_BYTES];

	begin(MLPROXY_REC_MASK(MLPROXY_REC_DECISION));
	ASSERT_RET(ctx_run(UNIT, "task", 5, 1), 0);
	destroy();
	alarm(LONG_MS / 1000);
	EXPECT_EQ(read(fd, buf, 2 * CTX_REC_BYTES), 2 * CTX_REC_BYTES);
	EXPECT_EQ(read(fd, buf, sizeof(buf)), 3 * CTX_REC_BYTES);
	EXPECT_EQ(read(fd, buf, sizeof(buf)), 0);
	EXPECT_EQ(read(fd, buf, sizeof(buf)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	EXPECT_EQ(read(fd, buf, sizeof(buf)), 0);
	back_again();
}

static void epoll(bool edge)
{
	struct epoll_event ev = { .events = EPOLLIN | (edge ? EPOLLET : 0) }, got;
	int ep = epoll_create1(EPOLL_CLOEXEC);
	pid_t pid;

	begin(MLPROXY_REC_MASK(MLPROXY_REC_DECISION));
	ASSERT(ep >= 0 && !epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	EXPECT_EQ(epoll_wait(ep, &got, 1, 0), 0);
	pid = ktap_fork();
	if (!pid) {
		ASSERT_EQ(epoll_wait(ep, &got, 1, LONG_MS), 1);
		EXPECT_EQ(got.events, EPOLLHUP);
		EXPECT_EQ(epoll_wait(ep, &got, 1, 0), edge ? 0 : 1);
		_exit(ktap_status());
	}
	sleep_ms(50);
	destroy();
	ktap_join(pid);
	back_again();
}

static void epoll_level(void)
{
	epoll(false);
}

static void epoll_edge(void)
{
	epoll(true);
}

/* A session that was bound in time can't begin to wait for what will not come. */
static void nothing_new(void)
{
	struct mlproxy_recommend_drain drain;
	struct recs recs;
	int late = dev_bound(PROXY);

	begin(MLPROXY_REC_MASK(MLPROXY_REC_DECISION));
	ASSERT_RET(recs_map(fd, 4, &recs), 0);
	destroy();
	EXPECT_RET(ring_setup(late, 4096, 0, 0, 0, &setup), -ENODEV);
	EXPECT_RET(recs_drain(fd, 0, &drain), -ENODEV);
	back_again();
}

/* The sessions of other proxies are not concerned. */
static void others_wait_on(void)
{
	begin(MLPROXY_REC_MASK(MLPROXY_REC_DECISION));
	fd = dev_bound("synth");
	ASSERT_RET(ring_setup(fd, 1 << 16, 1 << 15, 0, 0, &setup), 0);
	destroy();
	EXPECT_EQ(poll_for(0), 0);
	back_again();
}

static const struct ktap_test tests[] = {
	KTAP_TEST(poll_is_woken),
	KTAP_TEST(rest_is_ready),
	KTAP_TEST(last_record),
	KTAP_TEST(read_is_woken),
	KTAP_TEST(read_to_the_end),
	KTAP_TEST(epoll_level),
	KTAP_TEST(epoll_edge),
	KTAP_TEST(nothing_new),
	KTAP_TEST(others_wait_on),
};

KTAP_MAIN(tests)
