// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocations and user copies that fail, one after the other: each system call of
 * a session is repeated with its first, second, ... fault until it gets through.
 * Every failure must be a documented one, and the same session must then work as
 * if nothing had been. Needs fault injection, so a debug kernel.
 *
 * Where a module's events cannot get memory, the kernel's own tracing warns.
 *
 * guest-test: timeout=600 allow-dmesg=trace_events\.c:[0-9]+.event_define_fields
 */

#include <sys/stat.h>
#include <sys/syscall.h>

#include "util_point.h"

#define PROXY "ctx-decision"
#define MAX_NTH 2000
#define MANY 8

static int nth_fd = -1;

static void set(const char *path, const char *text)
{
	char full[128];

	snprintf(full, sizeof(full), "/sys/kernel/debug/%s", path);
	file_write(full, text);
}

static void begin(void)
{
	nth_fd = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		ktap_skip("this kernel has no fault injection");
	set("failslab/ignore-gfp-wait", "N");
	set("failslab/verbose", "0");
	set("fail_page_alloc/ignore-gfp-wait", "N");
	set("fail_page_alloc/ignore-gfp-highmem", "N");
	set("fail_page_alloc/min-order", "0");
	set("fail_page_alloc/verbose", "0");
	set("fail_usercopy/verbose", "0");
}

static void arm(unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	ASSERT_EQ(pwrite(nth_fd, text, n, 0), n);
}

/* Was the fault used; and no more faults. A fault that is left over may hit these
 * very calls, which copy to and from user space.
 */
static bool disarm(void)
{
	char text[16] = "";
	bool used;
	int ret;

	ret = pread(nth_fd, text, sizeof(text) - 1, 0);
	ASSERT(ret > 0 || errno == EFAULT);
	used = ret > 0 && atoi(text) == 0;
	ret = pwrite(nth_fd, "0", 1, 0);
	if (ret < 0 && errno == EFAULT)
		ret = pwrite(nth_fd, "0", 1, 0);
	ASSERT_EQ(ret, 1);
	return used;
}

/**
 * struct call - a call to be failed
 * @name: for messages
 * @fresh: it can succeed once a session only, so each try has a new one
 * @fn: makes it; 0 or more, or a negative errno
 */
struct call {
	const char *name;
	bool fresh;
	int (*fn)(int fd);
};

static void *model;
static uint32_t model_len;
static struct recs recs;

static int call_open(int fd)
{
	int own = open(DEVICE, O_RDWR | O_CLOEXEC);

	(void)fd;
	if (own < 0)
		return -errno;
	close(own);
	return 0;
}

static int call_info(int fd)
{
	struct mlproxy_info cmd = { .size = sizeof(cmd) };

	return xioctl(fd, MLPROXY_IOC_INFO, &cmd);
}

static int call_list(int fd)
{
	struct mlproxy_list_entry e[8];
	struct mlproxy_list cmd = {
		.size = sizeof(cmd), .entries = (uintptr_t)e, .count = 8, .entry_size = sizeof(*e),
	};

	return xioctl(fd, MLPROXY_IOC_LIST, &cmd);
}

static int call_schema(int fd)
{
	struct mlproxy_feature f[8];
	struct mlproxy_action a[8];
	struct mlproxy_schema cmd = {
		.size = sizeof(cmd), .features = (uintptr_t)f, .actions = (uintptr_t)a,
		.nr_features = 8, .nr_actions = 8,
		.feature_size = sizeof(*f), .action_size = sizeof(*a),
	};

	return xioctl(fd, MLPROXY_IOC_SCHEMA, &cmd);
}

static int call_bind(int fd)
{
	int own = open(DEVICE, O_RDWR | O_CLOEXEC), ret;

	(void)fd;
	if (own < 0)
		return -errno;
	ret = dev_bind(own, PROXY);
	close(own);
	return ret;
}

static int call_control(int fd)
{
	int ret = dev_control(fd, MLPROXY_CTL_START);

	if (ret && ret != -EINVAL)
		return ret;
	ret = dev_control(fd, MLPROXY_CTL_STOP);
	if (ret && ret != -EINVAL)
		return ret;
	return dev_control(fd, MLPROXY_CTL_REINIT);
}

static int call_mode(int fd)
{
	return dev_set_mode(fd, MLPROXY_MODE_LEARNING);
}

static int call_param(int fd)
{
	return dev_set_param(fd, MLPROXY_PARAM_SEED, 0, 1);
}

static int call_ring_setup(int fd)
{
	struct mlproxy_ring_setup setup;

	return ring_setup(fd, 16384, 0, 1000, 0, &setup);
}

static int call_ring_map(int fd)
{
	struct mlproxy_ring_setup setup = { .ring_offset = 0, .data_bytes = 16384 };
	struct ring ring;
	int ret = ring_map(fd, &setup, 0, &ring);

	if (!ret) {
		munmap((void *)ring.cons, sysconf(_SC_PAGESIZE));
		munmap((void *)ring.prod, sysconf(_SC_PAGESIZE) + 2 * ring.size);
	}
	return ret;
}

static int call_ring_stats(int fd)
{
	struct mlproxy_ring_stats s;

	return ring_stats(fd, 0, &s);
}

static int call_poll(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) < 0 ? -errno : 0;
}

static int call_recommend_setup(int fd)
{
	struct mlproxy_recommend_setup s = {
		.size = sizeof(s), .entries = 1024,
		.entry_size = sizeof(struct mlproxy_recommendation),
	};

	return xioctl(fd, MLPROXY_IOC_RECOMMEND_SETUP, &s);
}

static int call_drain(int fd)
{
	struct mlproxy_recommend_drain d;

	recs.entries[recs.prod->pos % recs.nr] = (struct mlproxy_recommendation) {
		.key = 1, .ttl_ms = 1, .action = 1,
	};
	if (recs.prod->pos == recs.cons->pos)
		recs.prod->pos++;
	return recs_drain(fd, 0, &d);
}

static int call_model_load(int fd)
{
	struct mlproxy_model_load load;

	return dev_model_load(fd, model, model_len, &load);
}

static int call_model_ctl(int fd)
{
	int ret = dev_model_ctl(fd, MLPROXY_MODEL_OP_ACTIVATE, 0);

	return ret == -ENOENT ? 0 : ret;
}

static int call_model_info(int fd)
{
	struct mlproxy_model_info info = { .size = sizeof(info) };

	return xioctl(fd, MLPROXY_IOC_MODEL_INFO, &info);
}

static int call_model_eval(int fd)
{
	int64_t f[2] = { 1, 2 };
	struct mlproxy_model_eval cmd = {
		.size = sizeof(cmd), .features = (uintptr_t)f, .nr_features = 2,
		.allowed = 0xf,
	};
	int ret = xioctl(fd, MLPROXY_IOC_MODEL_EVAL, &cmd);

	return ret == -ENOENT ? 0 : ret;
}

static int call_stats(int fd)
{
	struct mlproxy_stats s = { .size = sizeof(s) };

	return xioctl(fd, MLPROXY_IOC_STATS, &s);
}

static int call_snapshot(int fd)
{
	struct mlproxy_snapshot s = { .size = sizeof(s) };

	return xioctl(fd, MLPROXY_IOC_SNAPSHOT, &s);
}

static int call_dataset(int fd)
{
	struct mlproxy_dataset d = { .size = sizeof(d), .flags = MLPROXY_DATASET_F_CANCEL };
	int ret = xioctl(fd, MLPROXY_IOC_DATASET, &d);

	d.flags = MLPROXY_DATASET_F_REQUEST;
	return ret ? ret : xioctl(fd, MLPROXY_IOC_DATASET, &d);
}

static int call_efficiency(int fd)
{
	struct mlproxy_transition transitions[2];
	struct mlproxy_efficiency e = {
		.size = sizeof(e), .transitions = (uintptr_t)transitions, .count = 2,
		.transition_size = sizeof(*transitions),
	};

	return xioctl(fd, MLPROXY_IOC_EFFICIENCY, &e);
}

static int call_heartbeat(int fd)
{
	struct mlproxy_heartbeat beat = { .size = sizeof(beat), .timeout_ms = 3600000 };

	return xioctl(fd, MLPROXY_IOC_HEARTBEAT, &beat);
}

static int call_sysfs(int fd)
{
	char buf[64];
	int ret = file_read(SYSFS_DIR PROXY "/decisions", buf, sizeof(buf));

	(void)fd;
	return ret ? ret : file_write(SYSFS_DIR PROXY "/mode", "learning");
}

/* All of a daemon's life, in a file of its own. */
static int call_point(int fd)
{
	struct mlproxy_point cmd = point_desc("daemon", MLPROXY_POINT_F_START);
	struct mlproxy_point_decide d;
	int own = open(DEVICE, O_RDWR | O_CLOEXEC), ret, instance = 0;

	(void)fd;
	if (own < 0)
		return -errno;
	ret = point_register(own, &cmd);
	if (!ret)
		ret = instance = point_add(own, "a");
	if (ret > 0)
		ret = point_decide(own, instance, &d);
	if (!ret)
		ret = point_feedback(own, instance, d.id, 1);
	if (!ret)
		ret = point_state(own, MLPROXY_POINT_STATE_F_SNAPSHOT, 0, 0, 1);
	close(own);
	return ret;
}

static const struct call calls[] = {
	{ "open", false, call_open },
	{ "info", false, call_info },
	{ "list", false, call_list },
	{ "schema", false, call_schema },
	{ "bind", false, call_bind },
	{ "control", false, call_control },
	{ "mode", false, call_mode },
	{ "param", false, call_param },
	{ "ring_setup", true, call_ring_setup },
	{ "recommend_setup", true, call_recommend_setup },
	{ "ring_map", false, call_ring_map },
	{ "ring_stats", false, call_ring_stats },
	{ "dataset", false, call_dataset },
	{ "poll", false, call_poll },
	{ "drain", false, call_drain },
	{ "model_load", false, call_model_load },
	{ "model_ctl", false, call_model_ctl },
	{ "model_info", false, call_model_info },
	{ "model_eval", false, call_model_eval },
	{ "stats", false, call_stats },
	{ "snapshot", false, call_snapshot },
	{ "efficiency", false, call_efficiency },
	{ "heartbeat", false, call_heartbeat },
	{ "sysfs", false, call_sysfs },
	{ "point", false, call_point },
};

/* All of a point's life has hundreds of faults, with grace periods after each. */
static bool is_due(const struct call *call)
{
	const char *thorough = getenv("GUEST_THOROUGH");

	return call->fn != call_point || (thorough && *thorough);
}

static bool documented(int err)
{
	return err == -ENOMEM || err == -EFAULT;
}

/* Fail each fault of a call in turn; how many there were. */
static unsigned int fail_each(const struct call *call, int fd)
{
	unsigned int nth;
	bool used;
	int ret;

	for (nth = 1; nth < MAX_NTH; nth++) {
		int own = call->fresh ? dev_bound(PROXY) : fd;

		arm(nth);
		ret = call->fn(own);
		used = disarm();
		if (used)
			EXPECT(ret >= 0 || documented(ret), "(%s, fault %u: %d)", call->name,
			       nth, ret);
		else
			EXPECT(ret >= 0, "(%s without a fault: %d)", call->name, ret);
		/*
		 * Once more, without a fault. What was set up before the result
		 * could not be copied is set up.
		 */
		if (ret < 0) {
			ret = call->fn(own);
			EXPECT(ret >= 0 || (call->fresh && ret == -EBUSY),
			       "(%s after fault %u: %d)", call->name, nth, ret);
		}
		if (call->fresh)
			close(own);
		if (!used)
			return nth - 1;
	}
	ktap_fail("%s: no end of faults", call->name);
	return nth;
}

static void ioctls(void)
{
	struct mlproxy_ring_setup setup;
	unsigned int i;
	int fd;

	begin();
	fd = dev_bound(PROXY);
	model = model_constant(fd, 1, &model_len);
	ASSERT_RET(ring_setup(fd, 16384, 0, 1000, 0, &setup), 0);
	ASSERT_RET(recs_map(fd, 16, &recs), 0);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (is_due(&calls[i]))
			ktap_note("%s: %u faults", calls[i].name, fail_each(&calls[i], fd));
}

/* The state after every single failure is one that a new session can use. */
static void under_load(void)
{
	struct mlproxy_ring_setup setup;
	unsigned int i;
	pid_t load;
	int fd;

	begin();
	fd = dev_bound(PROXY);
	model = model_constant(fd, 1, &model_len);
	ASSERT_RET(ring_setup(fd, 16384, 0, 1000, 0, &setup), 0);
	ASSERT_RET(recs_map(fd, 16, &recs), 0);
	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	load = load_start("decision", "mixed", 3000, online_mask());
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		/* a point of its own is no matter of load */
		if (calls[i].fn != call_control && calls[i].fn != call_point)
			fail_each(&calls[i], fd);
	ktap_join(load);
	EXPECT_EQ(ctx_get("violations"), 0);
	dev_fresh(fd);
}

/* A module's file, read before any fault: what a fault does to the file system that
 * it lies on is not looked at here.
 */
struct image {
	void *data;
	size_t len;
};

static void image_read(struct image *image, const char *name)
{
	const char *dir = getenv("MODDIR");
	char path[512];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : ".", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT(fd >= 0, "(%s)", path);
	ASSERT(!fstat(fd, &st));
	image->len = st.st_size;
	image->data = malloc(image->len);
	ASSERT(image->data);
	ASSERT_EQ(read(fd, image->data, image->len), (ssize_t)image->len);
	close(fd);
}

static int load_module(const struct image *image)
{
	return syscall(SYS_init_module, image->data, image->len, "") ? -errno : 0;
}

static int unload_module(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

struct tries {
	unsigned int loads, failed;
};

/* Load with a fault, and unload. Return: 0, or 1 if the fault was not used. */
static int init_fails(const struct image *image, const char *name, unsigned int nth,
		      struct tries *tries)
{
	bool used;
	int ret;

	arm(nth);
	ret = load_module(image);
	used = disarm();
	tries->loads++;
	tries->failed += ret < 0;
	if (ret)
		EXPECT(used, "(%s without a fault: %d)", name, ret);
	else
		EXPECT_RET(unload_module(name), 0);
	return !used;
}

/*
 * The loader itself allocates, too; it may fail by ENOMEM and what it makes of it. So does
 * the kernel's tracing, for each field of an event: hundreds of faults that no load fails
 * of. Where MANY loads in a row didn't fail, only one fault in MANY is tried; where one
 * does, so are those that were passed over.
 */
static void init_of(const char *file, const char *name)
{
	unsigned int nth, step = 1, survived = 0, skipped;
	struct tries tries = { };
	struct image image;
	int end = 0;

	image_read(&image, file);
	for (nth = 1; !end && nth < MAX_NTH; nth += step) {
		unsigned int before = tries.failed;

		end = init_fails(&image, name, nth, &tries);
		if (tries.failed == before && !end) {
			survived++;
		} else {
			for (skipped = nth - step + 1; skipped < nth; skipped++)
				init_fails(&image, name, skipped, &tries);
			survived = 0;
		}
		step = survived < MANY ? 1 : MANY;
	}
	ktap_note("%s: %u loads for up to %u faults, %u failed", name, tries.loads, nth - 1,
		  tries.failed);
	EXPECT(end && tries.failed > 0);
	EXPECT_RET(load_module(&image), 0);
	free(image.data);
}

static void module_init(void)
{
	begin();
	ASSERT_RET(unload_module("mlproxy_ctxtest"), 0);
	ASSERT_RET(unload_module("mlproxy_synth"), 0);
	ASSERT_RET(unload_module("mlproxy"), 0);
	init_of("core/mlproxy.ko", "mlproxy");
	/* as many again */
	if (getenv("GUEST_THOROUGH") && *getenv("GUEST_THOROUGH"))
		init_of("proxies/synth/mlproxy_synth.ko", "mlproxy_synth");
}

/* What leaked shows here; objects younger than five seconds are not looked at. */
static void nothing_leaked(void)
{
	static char buf[1 << 16];
	int fd, n, i;

	if (access("/sys/kernel/debug/kmemleak", W_OK))
		ktap_skip("this kernel has no kmemleak");
	sleep_ms(6000);
	/* A pointer on the move may be missed by one scan. */
	for (i = 0; i < 2; i++)
		ASSERT_RET(file_write("/sys/kernel/debug/kmemleak", "scan"), 0);
	fd = open("/sys/kernel/debug/kmemleak", O_RDONLY);
	ASSERT(fd >= 0);
	n = read(fd, buf, sizeof(buf) - 1);
	if (n > 0) {
		buf[n] = 0;
		ktap_fail("leaked:\n%s", buf);
	}
}

static const struct ktap_test tests[] = {
	KTAP_TEST(ioctls),
	KTAP_TEST(under_load),
	KTAP_TEST(module_init),
	KTAP_TEST(nothing_leaked),
};

KTAP_MAIN(tests)
