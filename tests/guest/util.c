// SPDX-License-Identifier: GPL-2.0-only
/* Sessions, knobs of the test modules, model files; see util.h. */
#include <inttypes.h>
#include <sched.h>
#include <time.h>

#include "mlp_build.h"
#include "util.h"

int xioctl(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

int dev_open(int flags)
{
	int fd = open(DEVICE, flags | O_CLOEXEC);

	ASSERT(fd >= 0, "(%s)", strerror(errno));
	return fd;
}

int dev_bind(int fd, const char *proxy)
{
	struct mlproxy_bind cmd = { .size = sizeof(cmd) };

	snprintf(cmd.name, sizeof(cmd.name), "%s", proxy);
	return xioctl(fd, MLPROXY_IOC_BIND, &cmd);
}

int dev_bound(const char *proxy)
{
	int fd = dev_open(O_RDWR);

	ASSERT_RET(dev_bind(fd, proxy), 0);
	return fd;
}

int dev_control(int fd, uint32_t op)
{
	struct mlproxy_control cmd = { .size = sizeof(cmd), .op = op };

	return xioctl(fd, MLPROXY_IOC_CONTROL, &cmd);
}

int dev_set_mode(int fd, uint32_t mode)
{
	struct mlproxy_mode cmd = {
		.size = sizeof(cmd), .flags = MLPROXY_MODE_F_SET, .mode = mode,
	};

	return xioctl(fd, MLPROXY_IOC_MODE, &cmd);
}

int dev_set_param(int fd, uint32_t param, uint32_t index, uint64_t value)
{
	struct mlproxy_param cmd = {
		.size = sizeof(cmd), .flags = MLPROXY_PARAM_F_SET,
		.param = param, .index = index, .value = value,
	};

	return xioctl(fd, MLPROXY_IOC_PARAM, &cmd);
}

int dev_model_ctl(int fd, uint32_t op, uint32_t version)
{
	struct mlproxy_model_ctl cmd = { .size = sizeof(cmd), .op = op, .version = version };
	int ret = xioctl(fd, MLPROXY_IOC_MODEL_CTL, &cmd);

	return ret ? ret : (int)cmd.version;
}

int dev_model_load(int fd, const void *data, uint32_t len, struct mlproxy_model_load *out)
{
	*out = (struct mlproxy_model_load) {
		.size = sizeof(*out), .data = (uintptr_t)data, .data_len = len,
	};
	return xioctl(fd, MLPROXY_IOC_MODEL_LOAD, out);
}

uint32_t dev_state(int fd, const char *proxy)
{
	struct mlproxy_list_entry entries[MLPROXY_MAX_PROXIES];
	struct mlproxy_list cmd = {
		.size = sizeof(cmd), .entries = (uintptr_t)entries,
		.count = ARRAY_SIZE(entries), .entry_size = sizeof(*entries),
	};
	unsigned int i;

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_LIST, &cmd), 0);
	for (i = 0; i < cmd.count; i++)
		if (!strcmp(entries[i].name, proxy))
			return entries[i].state;
	return 0;
}

void dev_stats(int fd, struct mlproxy_stats *stats)
{
	*stats = (struct mlproxy_stats) { .size = sizeof(*stats) };
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_STATS, stats), 0);
}

void dev_fresh(int fd)
{
	dev_control(fd, MLPROXY_CTL_STOP);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_REINIT), 0);
}

bool on_debug_kernel(void)
{
	const char *debug = getenv("GUEST_DEBUG");

	return debug && *debug;
}

/* The first 64 CPUs of a list; @nr: out: one more than the last of all. */
static uint64_t cpu_list_mask(const char *path, unsigned int *nr)
{
	unsigned int first, last = 0;
	char buf[256], *word;
	uint64_t mask = 0;

	*nr = 1;
	if (file_read(path, buf, sizeof(buf)))
		return 1;
	for (word = strtok(buf, ","); word; word = strtok(NULL, ",")) {
		if (sscanf(word, "%u-%u", &first, &last) != 2)
			last = first = atoi(word);
		for (; first <= last && first < 64; first++)
			mask |= 1ULL << first;
	}
	*nr = last + 1;
	return mask;
}

uint64_t online_mask(void)
{
	unsigned int nr;

	return cpu_list_mask("/sys/devices/system/cpu/online", &nr);
}

unsigned int nr_cpus(void)
{
	unsigned int nr;

	cpu_list_mask("/sys/devices/system/cpu/possible", &nr);
	return nr;
}

bool cpu_online(unsigned int cpu)
{
	return cpu < 64 && online_mask() >> cpu & 1;
}

void pin_to(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	ASSERT(!sched_setaffinity(0, sizeof(set), &set), "(CPU %u: %s)", cpu, strerror(errno));
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	err = n < 0 ? -errno : 0;
	close(fd);
	return err;
}

int file_read(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	err = n < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	buf[n] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return 0;
}

uint64_t file_u64(const char *path)
{
	char buf[64];
	int ret = file_read(path, buf, sizeof(buf));

	ASSERT(!ret, "(%s: %s)", path, strerror(-ret));
	return strtoull(buf, NULL, 0);
}

int synth_run(unsigned int n)
{
	char text[32];

	snprintf(text, sizeof(text), "%u", n);
	return file_write("/sys/module/mlproxy_synth/parameters/run", text);
}

#define CTX_PARAMS "/sys/module/mlproxy_ctxtest/parameters/"

int ctx_run(const char *unit, const char *context, unsigned int n, uint64_t cpu_mask)
{
	char text[96];

	snprintf(text, sizeof(text), "%s %s %u 0x%" PRIx64, unit, context, n, cpu_mask);
	return file_write(CTX_PARAMS "run", text);
}

pid_t load_start(const char *unit, const char *context, unsigned int n,
		 uint64_t cpu_mask)
{
	pid_t pid = ktap_fork();

	if (!pid) {
		EXPECT_RET(ctx_run(unit, context, n, cpu_mask), 0);
		_exit(ktap_status());
	}
	return pid;
}

bool load_running(pid_t *pid)
{
	int status;

	if (!*pid)
		return false;
	if (waitpid(*pid, &status, WNOHANG) != *pid)
		return true;
	EXPECT(WIFEXITED(status) && !WEXITSTATUS(status), "(the load failed)");
	*pid = 0;
	return false;
}

int ctx_set(const char *param, long long value)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), CTX_PARAMS "%s", param);
	snprintf(text, sizeof(text), "%lld", value);
	return file_write(path, text);
}

long long ctx_get(const char *param)
{
	char path[128], text[32];
	int ret;

	snprintf(path, sizeof(path), CTX_PARAMS "%s", param);
	ret = file_read(path, text, sizeof(text));
	ASSERT(!ret, "(%s: %s)", path, strerror(-ret));
	return strtoll(text, NULL, 0);
}

void *model_constant(int fd, unsigned int best, uint32_t *len)
{
	struct mlproxy_schema schema = { .size = sizeof(schema) };
	struct mlproxy_model_input input = {
		.clamp_min = 0, .clamp_max = 127, .mul = 1, .op = MLPROXY_INPUT_LINEAR,
	};
	int32_t bias[MLPROXY_MAX_ACTIONS] = { 0 };
	int8_t weights[MLPROXY_MAX_ACTIONS] = { 0 };
	struct mlp_spec_layer layer = { .nr_in = 1, .bias = bias, .weights = weights };
	struct mlp_spec spec = {
		.name = "constant", .out_mul = 1, .nr_inputs = 1, .inputs = &input,
		.nr_layers = 1, .layers = &layer,
	};
	size_t bytes;
	void *data;

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &schema), -ENOBUFS);
	ASSERT(best < schema.nr_actions);
	bias[best] = 1000;
	layer.nr_out = schema.nr_actions;
	spec.schema_hash = schema.schema_hash;
	ASSERT_EQ(mlp_build(&spec, &data, &bytes), 0);
	*len = bytes;
	return data;
}
