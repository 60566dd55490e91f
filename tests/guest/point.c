// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decision points of user space: what a daemon can do with one, what others see of it,
 * and how it goes. What it can't do is in point_hostile.c.
 *
 * guest-test: timeout=300 modules=mlproxy
 */
#include <sys/socket.h>
#include <sys/syscall.h>

#include "util_point.h"

#define NAME "daemon"
#define PROXY POINT(NAME)
#define START MLPROXY_POINT_F_START

static struct mlproxy_stats stats_of(const char *proxy)
{
	struct mlproxy_stats stats;
	int fd = dev_bound(proxy);

	dev_stats(fd, &stats);
	close(fd);
	return stats;
}

static uint32_t state_of(const char *proxy)
{
	int fd = dev_open(O_RDWR);
	uint32_t state = dev_state(fd, proxy);

	close(fd);
	return state;
}

static void life(void)
{
	struct mlproxy_point cmd = point_desc(NAME, 0);
	struct mlproxy_point_decide d;
	struct mlproxy_stats stats;
	int fd = dev_open(O_RDWR), operator;

	ASSERT_RET(point_register(fd, &cmd), 0);
	EXPECT(!strcmp(cmd.name, PROXY), "(%s)", cmd.name);
	EXPECT(cmd.id);
	EXPECT_EQ(state_of(PROXY), MLPROXY_STATE_INITIALIZED);
	/* Stopped: the baseline, of which nothing is kept. */
	ASSERT_RET(point_decide(fd, 0, &d), 0);
	EXPECT(!d.id && d.action == 1 && d.source == MLPROXY_SRC_BASELINE);
	/* and nothing of the kernel's stack */
	EXPECT(!d.predicted && !d.model_version && !d.has_prediction);
	EXPECT_RET(point_feedback(fd, 0, d.id, 5), -ENOENT);
	operator = dev_bound(PROXY);
	ASSERT_RET(dev_control(operator, MLPROXY_CTL_START), 0);
	ASSERT_RET(point_decide(fd, 0, &d), 0);
	EXPECT(d.id && d.action == 1 && d.prob_q31 == MLPROXY_PROB_ONE);
	EXPECT_EQ(d.mode, MLPROXY_MODE_LEARNING);
	EXPECT_RET(point_feedback(fd, 0, d.id, 5), 0);
	EXPECT_RET(point_feedback(fd, 0, d.id, 5), -ENOENT);
	dev_stats(operator, &stats);
	EXPECT_EQ(stats.decisions, 1);
	EXPECT_EQ(stats.feedbacks, 1);
	EXPECT_EQ(stats.reward_sum[MLPROXY_SRC_BASELINE], 5);
	close(fd);
	EXPECT_EQ(state_of(PROXY), 0);
	EXPECT_RET(dev_control(operator, MLPROXY_CTL_START), -ENODEV);
	close(operator);
	fd = dev_open(O_RDWR);
	EXPECT_RET(dev_bind(fd, PROXY), -ENOENT);
}

/* It is a user of the module as others are. */
static void module_stays(void)
{
	uint64_t before = file_u64("/sys/module/mlproxy/refcnt");
	int fd = point_new(NAME, START);

	EXPECT_EQ(file_u64("/sys/module/mlproxy/refcnt"), before + 1);
	EXPECT(syscall(SYS_delete_module, "mlproxy", O_NONBLOCK) && errno == EWOULDBLOCK);
	EXPECT_EQ(state_of(PROXY), MLPROXY_STATE_RUNNING);
	close(fd);
	EXPECT_EQ(file_u64("/sys/module/mlproxy/refcnt"), before);
}

static void one_of_each(void)
{
	struct mlproxy_point cmd = point_desc(NAME, 0);
	struct mlproxy_point_notice notice;
	struct mlproxy_point_decide d;
	int fd = point_new(NAME, START), other = dev_open(O_RDWR);

	EXPECT_RET(point_register(fd, &cmd), -EBUSY);
	EXPECT_RET(dev_bind(fd, PROXY), -EBUSY);
	EXPECT_RET(point_register(other, &cmd), -EEXIST);
	/* No point: nothing to do with one. */
	EXPECT_RET(point_decide(other, 0, &d), -ENXIO);
	EXPECT_RET(point_feedback(other, 0, 1, 0), -ENXIO);
	EXPECT_RET(point_add(other, "a"), -ENXIO);
	EXPECT_RET(point_notice(other, &notice), -ENXIO);
	ASSERT_RET(dev_bind(other, PROXY), 0);
	EXPECT_RET(point_register(other, &cmd), -EBUSY);
	/* And what a bound session has. */
	EXPECT_RET(dev_control(fd, MLPROXY_CTL_STOP), -ENXIO);
}

static void records(void)
{
	struct {
		struct mlproxy_rec_decision d;
		int64_t features[2];
		struct mlproxy_rec_feedback f;
	} rec;
	struct mlproxy_ring_setup setup;
	int fd = point_new(NAME, START), reader = dev_bound(PROXY);
	uint64_t id;

	pin_to(0);
	ASSERT_RET(ring_setup(reader, 8192, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_DECISION) |
			      MLPROXY_REC_MASK(MLPROXY_REC_FEEDBACK), &setup), 0);
	id = point_id(fd, 0);
	EXPECT_RET(point_feedback(fd, 0, id, 5000), 0);
	ASSERT_EQ(read(reader, &rec, sizeof(rec)), sizeof(rec));
	EXPECT_EQ(rec.d.id, id);
	EXPECT_EQ(rec.d.key, 42);
	EXPECT_EQ(rec.features[0], 100);
	EXPECT_EQ(rec.features[1], 2);
	EXPECT_EQ(rec.f.id, id);
	EXPECT_EQ(rec.f.reward, 1000);	/* clamped */
}

static void instances(void)
{
	struct mlproxy_point_decide d;
	int fd = point_new(NAME, START), operator = dev_bound(PROXY), a, b;
	struct mlproxy_stats stats;
	uint64_t id;

	a = point_add(fd, "a");
	b = point_add(fd, "b");
	ASSERT(a > 0 && b > a);
	EXPECT_RET(point_add(fd, "a"), -EEXIST);
	EXPECT_RET(point_add(fd, ""), -EINVAL);
	EXPECT_RET(point_add(fd, "a:b"), -EINVAL);
	EXPECT_RET(point_add(fd, "as-long-as-no-name-may-be"), -EINVAL);
	EXPECT_EQ(state_of(PROXY ":a"), MLPROXY_STATE_RUNNING);
	EXPECT_RET(point_decide(fd, 0, &d), -EINVAL);
	EXPECT_RET(point_decide(fd, b + 1, &d), -ENOENT);
	id = point_id(fd, a);
	EXPECT(id);
	EXPECT_RET(point_feedback(fd, b, id, 1), -ENOENT);
	EXPECT_RET(point_feedback(fd, 0, id, 1), -ENOENT);
	EXPECT_RET(point_feedback(fd, a, id, 1), 0);
	id = point_id(fd, a);
	EXPECT_RET(point_drop(fd, a), 0);
	EXPECT_RET(point_drop(fd, a), -ENOENT);
	EXPECT_RET(point_drop(fd, 0), -ENOENT);
	EXPECT_RET(point_decide(fd, a, &d), -ENOENT);
	EXPECT_RET(point_feedback(fd, a, id, 1), -ENOENT);
	dev_stats(operator, &stats);
	EXPECT_EQ(stats.decisions, 2);
	ASSERT_RET(dev_control(operator, MLPROXY_CTL_STOP), 0);
	EXPECT(!point_id(fd, b));
	a = point_add(fd, "a");
	ASSERT(a > b);
	EXPECT_EQ(state_of(PROXY ":a"), MLPROXY_STATE_INITIALIZED);
	ASSERT_RET(dev_control(operator, MLPROXY_CTL_START), 0);
	EXPECT(point_id(fd, a) && point_id(fd, b));
	close(fd);
	EXPECT_EQ(state_of(PROXY ":a") + state_of(PROXY ":b") + state_of(PROXY), 0);
}

static int poll_of(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLPRI };

	poll(&pfd, 1, 0);
	return pfd.revents;
}

static void expect_notice(int fd, uint32_t instance, uint32_t notices, uint32_t reason,
			  uint32_t running)
{
	struct mlproxy_point_notice n;

	EXPECT_EQ(poll_of(fd), POLLPRI);
	ASSERT_RET(point_notice(fd, &n), 0);
	EXPECT(n.instance == instance && n.notices == notices && n.reason == reason &&
	       n.running == running, "(instance %u: %#x, reason %u, running %u)", n.instance,
	       n.notices, n.reason, n.running);
}

static void notices(void)
{
	struct mlproxy_point_notice n;
	int fd = point_new(NAME, 0), operator = dev_bound(PROXY), a;

	EXPECT_RET(point_notice(fd, &n), -EAGAIN);
	EXPECT_EQ(poll_of(fd), 0);
	dev_control(operator, MLPROXY_CTL_START);
	expect_notice(fd, 0, MLPROXY_NOTICE_STARTED, 0, 1);
	EXPECT_EQ(poll_of(fd), 0);
	ASSERT_RET(dev_set_mode(operator, MLPROXY_MODE_EMERGENCY), 0);
	expect_notice(fd, 0, MLPROXY_NOTICE_CORRECT, MLPROXY_REASON_OPERATOR, 1);
	/* Later instances would be in it as well. */
	ASSERT_RET(dev_set_mode(operator, MLPROXY_MODE_LEARNING), 0);
	dev_control(operator, MLPROXY_CTL_STOP);
	expect_notice(fd, 0, MLPROXY_NOTICE_STOPPED, 0, 0);
	a = point_add(fd, "a");
	dev_control(operator, MLPROXY_CTL_START);
	expect_notice(fd, 0, MLPROXY_NOTICE_STARTED, 0, 1);
	expect_notice(fd, a, MLPROXY_NOTICE_STARTED, 0, 1);
	dev_control(operator, MLPROXY_CTL_STOP);
	/* Goes with its instance. */
	ASSERT_RET(point_drop(fd, a), 0);
	expect_notice(fd, 0, MLPROXY_NOTICE_STOPPED, 0, 0);
	EXPECT_EQ(poll_of(fd), 0);
	EXPECT_RET(point_notice(fd, &n), -EAGAIN);
}

static void states(void)
{
	const uint32_t snapshot = MLPROXY_POINT_STATE_F_SNAPSHOT;
	const uint32_t critical = MLPROXY_POINT_STATE_F_CRITICAL;
	struct mlproxy_snapshot out = { .size = sizeof(out) };
	struct mlproxy_point_decide d;
	int fd = point_new(NAME, START), operator = dev_bound(PROXY);
	uint64_t before;

	ASSERT_RET(xioctl(operator, MLPROXY_IOC_SNAPSHOT, &out), 0);
	EXPECT_EQ(out.nr, 0);
	before = stats_of(PROXY).events;
	ASSERT_RET(point_state(fd, snapshot, MLPROXY_HEALTH_GOOD, 0, 4), 0);
	ASSERT_RET(point_state(fd, snapshot, MLPROXY_HEALTH_STRAINED, 0, 6), 0);
	EXPECT_EQ(stats_of(PROXY).events, before + 2);
	ASSERT_RET(xioctl(operator, MLPROXY_IOC_SNAPSHOT, &out), 0);
	EXPECT(out.nr == 2 && out.values[0] == 6 && !out.values[1], "(%u: %lld, %lld)", out.nr,
	       (long long)out.values[0], (long long)out.values[1]);
	EXPECT_EQ(out.health, MLPROXY_HEALTH_STRAINED);
	ASSERT_RET(point_state(fd, critical, 0, 1, 0), 0);
	EXPECT(point_id(fd, 0) && stats_of(PROXY).critical == 1);
	ASSERT_RET(point_state(fd, critical, 0, 0, 0), 0);
	EXPECT(point_id(fd, 0) && stats_of(PROXY).critical == 1);
	ASSERT_RET(point_state(fd, snapshot, MLPROXY_HEALTH_BAD, 0, 0), 0);
	ASSERT_RET(point_decide(fd, 0, &d), 0);
	EXPECT_EQ(d.mode, MLPROXY_MODE_EMERGENCY);
}

static void events(void)
{
	int64_t values[64] = { 3, 4 };
	struct mlproxy_point_event e = {
		.size = sizeof(e), .key = 9, .values = (uintptr_t)values, .nr_values = 2,
	};
	struct { struct mlproxy_rec_event e; int64_t values[2]; } rec;
	struct mlproxy_ring_setup setup;
	int fd = point_new(NAME, START), reader = dev_bound(PROXY);

	pin_to(0);
	ASSERT_RET(ring_setup(reader, 8192, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_EVENT), &setup), 0);
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_EVENT, &e), 0);
	ASSERT_EQ(read(reader, &rec, sizeof(rec)), sizeof(rec));
	EXPECT(rec.e.hdr.flags == 0 && rec.e.key == 9 && rec.values[1] == 4);
	e.nr_values = 3;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_EVENT, &e), -EINVAL);
	e.event = 1;
	e.nr_values = 1;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_EVENT, &e), 0);
	e.event = 900;
	e.nr_values = 64;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_EVENT, &e), 0);
	e.nr_values = 65;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_EVENT, &e), -EINVAL);
	e.nr_values = 0;
	e.event = MLPROXY_EVENT_SNAPSHOT;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_EVENT, &e), -EINVAL);
	EXPECT_EQ(stats_of(PROXY).bad_calls, 0);
}

static void costs(void)
{
	struct mlproxy_point cmd = point_desc(NAME, START);
	struct mlproxy_point_cost cost = { .size = sizeof(cost), .cost = 3, .work = 8 };
	int fd = point_new("plain", START);

	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_COST, &cost), -EINVAL);
	cmd.outer_unit = MLPROXY_OUTER_WINDOW;
	strcpy(cmd.cost_name, "stalled");
	strcpy(cmd.work_name, "time");
	fd = dev_open(O_RDWR);
	ASSERT_RET(point_register(fd, &cmd), 0);
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_COST, &cost), 0);
	cost.work = 1ULL << 40;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_COST, &cost), -EINVAL);
	cost.work = 1;
	cost.instance = 1;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_COST, &cost), -ENOENT);
	EXPECT_EQ(stats_of(PROXY).bad_calls, 0);
}

/* Failures of a policy's actions lead to emergency; those of the baseline are its own. */
static void failures(void)
{
	struct mlproxy_point_outcome o = { .size = sizeof(o), .flags = MLPROXY_OUTCOME_F_FAILED };
	int fd = point_new(NAME, START), operator = dev_bound(PROXY);
	struct mlproxy_model_load load;
	uint32_t len, i;
	void *model = model_constant(operator, 3, &len);

	ASSERT_RET(dev_model_load(operator, model, len, &load), 0);
	ASSERT(dev_model_ctl(operator, MLPROXY_MODEL_OP_ACTIVATE, 0) > 0);
	ASSERT_RET(dev_set_mode(operator, MLPROXY_MODE_RECOMMENDATION), 0);
	ASSERT_RET(dev_set_param(operator, MLPROXY_PARAM_SHARE, MLPROXY_MODE_RECOMMENDATION,
				 MLPROXY_SHARE_ONE), 0);
	for (i = 0; i < 50; i++) {
		struct mlproxy_point_decide d;

		ASSERT_RET(point_decide(fd, 0, &d), 0);
		EXPECT(d.action == 3 && d.source == MLPROXY_SRC_MODEL && d.has_prediction);
		o.id = d.id;
		EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_FEEDBACK, &o), 0);
		EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_FEEDBACK, &o), -ENOENT);
	}
	EXPECT_EQ(stats_of(PROXY).errors, 50);
}

static void hang_up(void)
{
	struct mlproxy_ring_setup setup;
	struct mlproxy_rec_change rec[4];
	int fd = point_new(NAME, START), reader = dev_bound(PROXY), i;
	pid_t pid;

	ASSERT_RET(ring_setup(reader, 8192, 4096, 0, MLPROXY_REC_MASK(MLPROXY_REC_STATE),
			      &setup), 0);
	pid = ktap_fork();
	if (!pid) {
		struct pollfd pfd = { .fd = reader, .events = POLLIN };

		close(fd);
		EXPECT_EQ(poll(&pfd, 1, 60000), 1);
		EXPECT_EQ(pfd.revents, POLLIN | POLLHUP);
		_exit(ktap_status());
	}
	sleep_ms(20);
	close(fd);
	ktap_join(pid);
	i = read(reader, rec, sizeof(rec)) / sizeof(*rec);
	ASSERT_EQ(i, 2);
	EXPECT_EQ(rec[0].to + rec[1].to, MLPROXY_STATE_STOPPED + MLPROXY_STATE_DESTROYED);
	EXPECT_EQ(read(reader, rec, sizeof(rec)), 0);
}

static void send_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	ASSERT_EQ(sendmsg(socket, &msg, 0), 1);
}

static int receive_fd(int socket)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	ASSERT_EQ(recvmsg(socket, &msg, 0), 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* Who has the file has the point: decides, and resolves what others decided. */
static void file_is_passed(void)
{
	int sockets[2], go[2], fd = point_new(NAME, START), copy = dup(fd);
	uint64_t id = point_id(fd, 0);
	char byte = 0;
	pid_t pid;

	ASSERT(!socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) && !pipe(go));
	pid = ktap_fork();
	if (!pid) {
		close(fd);
		close(copy);
		close(go[1]);
		fd = receive_fd(sockets[1]);
		ASSERT_EQ(read(go[0], &byte, 1), 1);
		EXPECT_RET(point_feedback(fd, 0, id, 1), 0);
		EXPECT(point_id(fd, 0));
		_exit(ktap_status());
	}
	send_fd(sockets[0], fd);
	close(fd);
	EXPECT_EQ(state_of(PROXY), MLPROXY_STATE_RUNNING);
	EXPECT(point_id(copy, 0));
	close(copy);
	/* In the socket, or the child's. */
	EXPECT_EQ(state_of(PROXY), MLPROXY_STATE_RUNNING);
	ASSERT_EQ(write(go[1], &byte, 1), 1);
	ktap_join(pid);
	EXPECT_EQ(state_of(PROXY), 0);
	/* One that is in a socket, and received by nobody. */
	fd = point_new(NAME, START);
	send_fd(sockets[0], fd);
	close(fd);
	EXPECT_EQ(state_of(PROXY), MLPROXY_STATE_RUNNING);
	close(sockets[0]);
	close(sockets[1]);
	EXPECT_EQ(state_of(PROXY), 0);
}

/* Programs of another day: smaller structures, and larger entries. */
static void grows(void)
{
	struct { struct mlproxy_feature f; uint64_t more; } features[2] = {
		{ .f = { .name = "a", .max = 1 } }, { .f = { .name = "b", .max = 1 } },
	};
	struct mlproxy_point cmd = point_desc(NAME, 0);
	int fd = dev_open(O_RDWR);

	cmd.features = (uintptr_t)features;
	cmd.feature_size = sizeof(*features);
	features[1].more = 1;
	EXPECT_RET(point_register(fd, &cmd), -E2BIG);
	features[1].more = 0;
	cmd.feature_size = 8;
	EXPECT_RET(point_register(fd, &cmd), -EINVAL);
	cmd.feature_size = sizeof(*features);
	cmd.size = offsetof(struct mlproxy_point, states);
	EXPECT_RET(point_register(fd, &cmd), 0);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(life),
	KTAP_TEST(module_stays),
	KTAP_TEST(one_of_each),
	KTAP_TEST(records),
	KTAP_TEST(instances),
	KTAP_TEST(notices),
	KTAP_TEST(states),
	KTAP_TEST(events),
	KTAP_TEST(costs),
	KTAP_TEST(failures),
	KTAP_TEST(hang_up),
	KTAP_TEST(file_is_passed),
	KTAP_TEST(grows),
};

KTAP_MAIN(tests)
