// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may do what, as docs/security.md has it: each ioctl and each kind of sysfs file, for
 * files that were opened by different users, with the device's permissions as the udev
 * rule of packaging/ sets them. The calls are good ones as far as the right goes, and
 * change nothing.
 *
 * guest-test: timeout=300
 */
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

#define PROXY "synth"
#define RUN "/sys/module/mlproxy_synth/parameters/run"

/* Users of no name: the agent owns the device, the reader is in its group. */
#define AGENT 60001
#define READERS 60002
#define OTHER 60003

#define R MLPROXY_RIGHT_READ
#define A MLPROXY_RIGHT_ADVISE
#define O MLPROXY_RIGHT_OPERATE

union any {
	struct { uint32_t size, flags; } head;
	struct mlproxy_mode mode;
	uint8_t bytes[1024];
};

/**
 * struct call - an ioctl whose right is tested
 * @name: its name, with its flag
 * @cmd: number
 * @size: of its structure
 * @flags: set
 * @right: MLPROXY_RIGHT_* that it needs
 * @want: what it returns to who has them: all but the head is zero
 */
struct call {
	const char *name;
	unsigned long cmd;
	uint32_t size;
	uint32_t flags;
	uint32_t right;
	int want;
};

#define CALL(_op, _struct, _right, _want) \
	{ #_op, MLPROXY_IOC_##_op, sizeof(struct _struct), 0, _right, _want }
#define CALL_FLAG(_op, _flag, _struct, _right, _want)				\
	{ #_op " " #_flag, MLPROXY_IOC_##_op, sizeof(struct _struct),		\
	  MLPROXY_##_flag, _right, _want }

static const struct call calls[] = {
	CALL(INFO, mlproxy_info, 0, 0),
	CALL(LIST, mlproxy_list, 0, -ENOBUFS),
	CALL(BIND, mlproxy_bind, 0, -ENOENT),
	CALL(SCHEMA, mlproxy_schema, 0, -ENOBUFS),
	CALL(CONTROL, mlproxy_control, O, -EINVAL),
	CALL(MODE, mlproxy_mode, 0, 0),
	CALL_FLAG(MODE, MODE_F_SET, mlproxy_mode, O, 0),
	CALL_FLAG(MODE, MODE_F_AUTO, mlproxy_mode, O, 0),
	CALL(PARAM, mlproxy_param, 0, -EINVAL),
	CALL_FLAG(PARAM, PARAM_F_SET, mlproxy_param, O, -EINVAL),
	CALL(RING_SETUP, mlproxy_ring_setup, R, -EINVAL),
	CALL_FLAG(RING_SETUP, RING_F_QUIET, mlproxy_ring_setup, R, -EINVAL),
	CALL(RING_STATS, mlproxy_ring_stats, R, -ENOENT),
	CALL(RING_CONSUME, mlproxy_ring_consume, R, -ENOENT),
	CALL(RECOMMEND_SETUP, mlproxy_recommend_setup, A, -EINVAL),
	CALL(RECOMMEND_DRAIN, mlproxy_recommend_drain, A, -ENOENT),
	CALL(MODEL_LOAD, mlproxy_model_load, A, -EINVAL),
	CALL(MODEL_CTL, mlproxy_model_ctl, A, -EINVAL),
	CALL(MODEL_INFO, mlproxy_model_info, 0, 0),
	CALL(MODEL_EVAL, mlproxy_model_eval, R, -EINVAL),
	CALL_FLAG(MODEL_EVAL, EVAL_F_STANDBY, mlproxy_model_eval, R, -EINVAL),
	CALL(STATS, mlproxy_stats, 0, 0),
	CALL(SNAPSHOT, mlproxy_snapshot, 0, 0),
	CALL(EFFICIENCY, mlproxy_efficiency, 0, 0),
	CALL(HEARTBEAT, mlproxy_heartbeat, A, -EINVAL),
	CALL_FLAG(HEARTBEAT, HEARTBEAT_F_LEAVE, mlproxy_heartbeat, A, 0),
	CALL(DATASET, mlproxy_dataset, R, -ENOENT),
	CALL_FLAG(DATASET, DATASET_F_REQUEST, mlproxy_dataset, R, -ENOENT),
	CALL_FLAG(DATASET, DATASET_F_CANCEL, mlproxy_dataset, R, -ENOENT),
	CALL(POINT_REGISTER, mlproxy_point, A, -EBUSY),
	CALL_FLAG(POINT_REGISTER, POINT_F_START, mlproxy_point, A, -EBUSY),
	CALL(POINT_ADD, mlproxy_point_instance, A, -ENXIO),
	CALL(POINT_DROP, mlproxy_point_instance, A, -ENXIO),
	CALL(POINT_DECIDE, mlproxy_point_decide, A, -ENXIO),
	CALL(POINT_FEEDBACK, mlproxy_point_outcome, A, -ENXIO),
	CALL_FLAG(POINT_FEEDBACK, OUTCOME_F_FAILED, mlproxy_point_outcome, A, -ENXIO),
	CALL(POINT_EVENT, mlproxy_point_event, A, -ENXIO),
	CALL(POINT_STATE, mlproxy_point_state, A, -ENXIO),
	CALL_FLAG(POINT_STATE, POINT_STATE_F_SNAPSHOT, mlproxy_point_state, A, -ENXIO),
	CALL_FLAG(POINT_STATE, POINT_STATE_F_CRITICAL, mlproxy_point_state, A, -ENXIO),
	CALL(POINT_COST, mlproxy_point_cost, A, -ENXIO),
	CALL(POINT_NOTICE, mlproxy_point_notice, A, -ENXIO),
};

/* The device as packaging/60-mlproxy.rules leaves it. */
static void device_rule(void)
{
	ASSERT(!chown(DEVICE, AGENT, READERS) && !chmod(DEVICE, 0640), "(%s)",
	       strerror(errno));
}

static void become(uid_t uid, gid_t gid)
{
	ASSERT(!setgroups(0, NULL) && !setresgid(gid, gid, gid) && !setresuid(uid, uid, uid),
	       "(%s)", strerror(errno));
}

static int try_open(int flags)
{
	int fd = open(DEVICE, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static uint32_t rights_of(int fd)
{
	struct mlproxy_info info = { .size = sizeof(info) };

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_INFO, &info), 0);
	EXPECT_EQ(info.reserved, 0);
	return info.rights;
}

/* All calls on a file with @rights. */
static void check_calls(int fd, uint32_t rights)
{
	const struct call *call;

	EXPECT_EQ(rights_of(fd), rights);
	ASSERT_RET(dev_bind(fd, PROXY), 0);
	for (call = calls; call < calls + ARRAY_SIZE(calls); call++) {
		bool has = (rights & call->right) == call->right;
		int want = has ? call->want : -EPERM, ret;
		union any arg = { .head = { call->size, call->flags } };

		/* The flag alone counts, and the mode stays what it is. */
		if (call->cmd == MLPROXY_IOC_MODE)
			arg.mode.mode = MLPROXY_MODE_LEARNING;
		/* A session is bound once. */
		if (call->cmd == MLPROXY_IOC_BIND)
			want = -ENOENT;
		ret = xioctl(fd, call->cmd, &arg);
		EXPECT(ret == want, "(%s with rights %#x: %d, expected %d)", call->name, rights,
		       ret, want);
	}
}

static void everybody_else(void)
{
	device_rule();
	become(OTHER, OTHER);
	EXPECT_EQ(try_open(O_RDONLY), -EACCES);
	EXPECT_EQ(try_open(O_WRONLY), -EACCES);
	EXPECT_EQ(try_open(O_RDWR), -EACCES);
}

static void reader(void)
{
	int fd;

	device_rule();
	become(OTHER, READERS);
	EXPECT_EQ(try_open(O_WRONLY), -EACCES);
	EXPECT_EQ(try_open(O_RDWR), -EACCES);
	fd = try_open(O_RDONLY);
	ASSERT(fd >= 0);
	check_calls(fd, R);
}

static void agent(void)
{
	device_rule();
	become(AGENT, AGENT);
	check_calls(dev_open(O_RDWR), R | A);
	check_calls(dev_open(O_RDONLY), R);
	check_calls(dev_open(O_WRONLY), A);
}

static void operator(void)
{
	check_calls(dev_open(O_RDWR), R | A | O);
	check_calls(dev_open(O_WRONLY), A | O);
	/* Who opens it for reading means to change nothing. */
	check_calls(dev_open(O_RDONLY), R);
}

static void drop_capability(unsigned int cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	unsigned int i = cap / 32;

	ASSERT(!syscall(SYS_capget, &head, data));
	data[i].effective &= ~(1U << cap % 32);
	data[i].permitted &= ~(1U << cap % 32);
	ASSERT(!syscall(SYS_capset, &head, data), "(%s)", strerror(errno));
}

/* A daemon that is root but was left without the capability, as units do. */
static void root_without_capability(void)
{
	drop_capability(CAP_SYS_ADMIN);
	check_calls(dev_open(O_RDWR), R | A);
}

/* Root of a container: all capabilities, in a user namespace of its own. */
static void root_of_container(void)
{
	device_rule();
	become(AGENT, AGENT);
	if (unshare(CLONE_NEWUSER))
		ktap_skip("no user namespaces: %s", strerror(errno));
	check_calls(dev_open(O_RDWR), R | A);
}

/* Rights are the file's: what the task becomes later is all the same. */
static void opened_before(void)
{
	int as_root = dev_open(O_RDWR), fd;

	device_rule();
	if (!fork()) {
		become(OTHER, OTHER);
		check_calls(as_root, R | A | O);
		_exit(ktap_status());
	}
	ASSERT(!seteuid(AGENT));
	fd = dev_open(O_RDWR);
	ASSERT(!seteuid(0));
	check_calls(fd, R | A);
	int status;
	ASSERT(wait(&status) > 0);
	EXPECT_EQ(status, 0);
}

/* A reader gets whole records by read(), and asks for the data set that it wants. */
static void reader_reads(void)
{
	struct mlproxy_dataset request = {
		.size = sizeof(request), .flags = MLPROXY_DATASET_F_REQUEST, .max_decisions = 5,
	};
	struct mlproxy_ring_setup setup;
	unsigned int n = 0, bytes = 0;
	static uint8_t buf[1 << 16];
	int root = dev_bound(PROXY), fd;
	pid_t pid;

	device_rule();
	dev_fresh(root);
	ASSERT_RET(dev_control(root, MLPROXY_CTL_START), 0);
	pid = ktap_fork();
	if (pid) {
		ktap_join(pid);
		dev_fresh(root);
		return;
	}
	fd = open(RUN, O_WRONLY | O_CLOEXEC);
	ASSERT(fd >= 0);
	/* The test's own load; the rest is done by the reader. */
	become(OTHER, READERS);
	int ro = dev_open(O_RDONLY);
	ssize_t len;

	ASSERT_RET(dev_bind(ro, PROXY), 0);
	ASSERT_RET(ring_setup(ro, 1 << 16, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_DECISION),
			      &setup), 0);
	ASSERT_RET(xioctl(ro, MLPROXY_IOC_DATASET, &request), 0);
	/* Positions are given back by read() alone: no page of it can be written. */
	EXPECT(mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, ro,
		    setup.ring_offset) == MAP_FAILED && errno == EACCES);
	ASSERT_EQ(write(fd, "20", 2), 2);
	fcntl(ro, F_SETFL, O_NONBLOCK);
	while ((len = read(ro, buf, sizeof(buf))) > 0)
		for (bytes = 0; bytes < len; n++)
			bytes += ((struct mlproxy_rec_hdr *)(buf + bytes))->len;
	EXPECT(len < 0 && errno == EAGAIN);
	EXPECT_EQ(n, 5);
	_exit(ktap_status());
}

/* Who only reads turns no exploration on, which decides otherwise than the kernel. */
static void reader_is_no_learner(void)
{
	struct mlproxy_ring_setup setup;
	struct mlproxy_stats stats;
	int root = dev_bound(PROXY), ro = dev_open(O_RDONLY), rw = dev_bound(PROXY);

	dev_fresh(root);
	ASSERT_RET(dev_set_param(root, MLPROXY_PARAM_EXPLORE, MLPROXY_MODE_LEARNING,
				 MLPROXY_SHARE_ONE / 2), 0);
	ASSERT_RET(dev_control(root, MLPROXY_CTL_START), 0);
	ASSERT_RET(dev_bind(ro, PROXY), 0);
	ASSERT_RET(ring_setup(ro, 1 << 16, 0, 0, 0, &setup), 0);
	ASSERT_RET(synth_run(1000), 0);
	dev_stats(root, &stats);
	EXPECT_EQ(stats.decisions, 1000);
	EXPECT_EQ(stats.by_source[MLPROXY_SRC_EXPLORE], 0);
	ASSERT_RET(ring_setup(rw, 1 << 16, 0, 0, 0, &setup), 0);
	ASSERT_RET(synth_run(1000), 0);
	dev_stats(root, &stats);
	EXPECT(stats.by_source[MLPROXY_SRC_EXPLORE] > 0);
	close(rw);
	dev_fresh(root);
}

static int set_up_reader(int flags)
{
	struct mlproxy_ring_setup setup;
	int fd = dev_open(flags);

	ASSERT_RET(dev_bind(fd, PROXY), 0);
	return ring_setup(fd, MLPROXY_RING_MIN_BYTES, 0, 0, 0, &setup);
}

/* Readers leave places to those who advise, and these may take all. */
static void places(void)
{
	const unsigned int nr = MLPROXY_MAX_READERS - MLPROXY_RESERVED_READERS;
	unsigned int i;

	for (i = 0; i < nr; i++)
		ASSERT_RET(set_up_reader(O_RDONLY), 0);
	EXPECT_RET(set_up_reader(O_RDONLY), -EBUSY);
	for (i = 0; i < MLPROXY_RESERVED_READERS; i++)
		ASSERT_RET(set_up_reader(O_RDWR), 0);
	EXPECT_RET(set_up_reader(O_RDWR), -EBUSY);
}

/* In sysfs permissions are all there is: root's files are root's, and may be given away. */
static void sysfs(void)
{
	static const char * const writable[] = {
		"mode", "min_samples", "alpha_ppm", "margin_q16", "block", "drop_q16",
		"drop_samples", "error_share", "latency_ns", "hold_ns", "washout_ns",
		"window_ns", "pending_ns", "state_period_ns", "share_learning",
		"share_collaboration", "share_recommendation", "explore_learning",
		"explore_collaboration", "explore_recommendation",
	};
	static const char granted[] = SYSFS_DIR PROXY "/explore_learning";
	struct stat st;
	char path[128];
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(writable); i++) {
		snprintf(path, sizeof(path), SYSFS_DIR PROXY "/%s", writable[i]);
		ASSERT(!stat(path, &st), "(%s: %s)", path, strerror(errno));
		EXPECT(st.st_uid == 0 && (st.st_mode & 0777) == 0644, "(%s)", path);
	}
	pid = ktap_fork();
	if (!pid) {
		become(AGENT, READERS);
		for (i = 0; i < ARRAY_SIZE(writable); i++) {
			snprintf(path, sizeof(path), SYSFS_DIR PROXY "/%s", writable[i]);
			EXPECT_RET(file_write(path, "1"), -EACCES);
		}
		EXPECT_RET(file_write(SYSFS_DIR PROXY "/state", "running"), -EACCES);
		_exit(ktap_status());
	}
	ktap_join(pid);
	ASSERT(!chown(granted, 0, READERS) && !chmod(granted, 0664));
	pid = ktap_fork();
	if (!pid) {
		become(OTHER, READERS);
		EXPECT_RET(file_write(granted, "4096"), 0);
		_exit(ktap_status());
	}
	ktap_join(pid);
	ASSERT(!chown(granted, 0, 0) && !chmod(granted, 0644));
}

static const struct ktap_test tests[] = {
	KTAP_TEST(everybody_else),
	KTAP_TEST(reader),
	KTAP_TEST(agent),
	KTAP_TEST(operator),
	KTAP_TEST(root_without_capability),
	KTAP_TEST(root_of_container),
	KTAP_TEST(opened_before),
	KTAP_TEST(reader_reads),
	KTAP_TEST(reader_is_no_learner),
	KTAP_TEST(places),
	KTAP_TEST(sysfs),
};

KTAP_MAIN(tests)
