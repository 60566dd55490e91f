// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each ioctl with good and bad arguments, against what uapi/linux/mlproxy.h says
 * of it. What holds for all of them: ioctl.c.
 *
 * guest-test: timeout=300
 */
#include "util.h"

#define PROXY "ctx-decision"

static void info(void)
{
	struct mlproxy_info cmd = { .size = sizeof(cmd) };
	int fd = dev_open(O_RDONLY);

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_INFO, &cmd), 0);
	EXPECT_EQ(cmd.abi_version, MLPROXY_ABI_VERSION);
	EXPECT(cmd.nr_proxies >= 4);
	EXPECT_EQ(cmd.nr_cpus, nr_cpus());
	EXPECT_EQ(cmd.bound_id, 0);
	EXPECT_EQ(cmd.features & 0xf, 0xf);
	ASSERT_RET(dev_bind(fd, PROXY), 0);
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_INFO, &cmd), 0);
	EXPECT(cmd.bound_id > 0);
}

static void list(void)
{
	struct mlproxy_list_entry e[MLPROXY_MAX_PROXIES];
	struct mlproxy_list cmd = {
		.size = sizeof(cmd), .entries = (uintptr_t)e, .entry_size = sizeof(*e),
	};
	int fd = dev_open(O_RDONLY);
	unsigned int i, nr;

	EXPECT_RET(xioctl(fd, MLPROXY_IOC_LIST, &cmd), -ENOBUFS);
	nr = cmd.count;
	EXPECT(nr >= 4);
	/* As many as fit, and not a byte more. */
	memset(e, 0x5a, sizeof(e));
	cmd.count = 1;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_LIST, &cmd), -ENOBUFS);
	EXPECT_EQ(cmd.count, nr);
	EXPECT(e[0].id > 0);
	EXPECT_EQ(e[1].name[0], 0x5a);
	cmd.count = ~0U;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_LIST, &cmd), 0);
	for (i = 0; i < nr; i++) {
		EXPECT(e[i].id && e[i].state >= MLPROXY_STATE_INITIALIZED &&
		       e[i].state <= MLPROXY_STATE_STOPPED);
		EXPECT(e[i].mode < MLPROXY_NR_MODES && e[i].nr_features && e[i].nr_actions > 1);
		EXPECT(!i || e[i].id != e[i - 1].id);
	}
	cmd.entries = 8;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_LIST, &cmd), -EFAULT);
}

static void bind_(void)
{
	struct mlproxy_bind cmd = { .size = sizeof(cmd) };
	int fd = dev_open(O_RDWR);

	EXPECT_RET(dev_bind(fd, ""), -ENOENT);
	EXPECT_RET(dev_bind(fd, "ctx"), -ENOENT);
	EXPECT_RET(dev_bind(fd, PROXY "x"), -ENOENT);
	memset(cmd.name, 'a', sizeof(cmd.name));
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_BIND, &cmd), -EINVAL);
	memset(&cmd.name, 0, sizeof(cmd.name));
	strcpy(cmd.name, PROXY);
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_BIND, &cmd), 0);
	EXPECT(cmd.id > 0);
	EXPECT_EQ(cmd.schema_version, 1);
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_BIND, &cmd), -EBUSY);
	EXPECT_RET(dev_bind(fd, "synth"), -EBUSY);
	EXPECT_RET(dev_bind(fd, "none"), -ENOENT);
}

static void schema(void)
{
	struct mlproxy_feature f[4];
	struct mlproxy_action a[5];
	struct mlproxy_schema cmd = {
		.size = sizeof(cmd), .features = (uintptr_t)f, .actions = (uintptr_t)a,
		.feature_size = sizeof(*f), .action_size = sizeof(*a),
	};
	int fd = dev_bound("synth");

	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &cmd), -ENOBUFS);
	EXPECT_EQ(cmd.nr_features, 3);
	EXPECT_EQ(cmd.nr_actions, 4);
	cmd.nr_features = 2;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &cmd), -ENOBUFS);
	cmd.nr_actions = 3;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &cmd), -ENOBUFS);
	memset(f, 0x5a, sizeof(f));
	cmd.nr_features = 4;
	cmd.nr_actions = 5;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &cmd), 0);
	EXPECT_EQ(cmd.nr_features, 3);
	EXPECT(!strcmp(f[1].name, "size") && !strcmp(f[1].unit, "bytes"));
	EXPECT_EQ(f[2].type, MLPROXY_TYPE_ENUM);
	EXPECT_EQ(f[3].name[0], 0x5a);
	EXPECT(!strcmp(a[3].name, "high") && a[3].value == 3);
	EXPECT(!strcmp(cmd.reward_name, "score") && cmd.reward_max == 2000);
	EXPECT(cmd.schema_hash && cmd.max_macs == 8192 && cmd.schema_version == 1);
	cmd.features = 8;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &cmd), -EFAULT);
	cmd.features = (uintptr_t)f;
	cmd.actions = 8;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &cmd), -EFAULT);
}

static void mode(void)
{
	struct mlproxy_mode cmd = { .size = sizeof(cmd) }, before;
	int fd = dev_bound(PROXY);
	uint32_t m;

	dev_fresh(fd);
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_MODE, &cmd), 0);
	EXPECT_EQ(cmd.mode, MLPROXY_MODE_LEARNING);
	EXPECT_EQ(cmd.changes, 0);
	for (m = 0; m < MLPROXY_NR_MODES; m++) {
		before = cmd;
		cmd.flags = MLPROXY_MODE_F_SET;
		cmd.mode = m;
		ASSERT_RET(xioctl(fd, MLPROXY_IOC_MODE, &cmd), 0);
		cmd.flags = 0;
		cmd.mode = 99;
		ASSERT_RET(xioctl(fd, MLPROXY_IOC_MODE, &cmd), 0);
		EXPECT_EQ(cmd.mode, m);
		EXPECT_EQ(cmd.reason, MLPROXY_REASON_OPERATOR);
		EXPECT_EQ(cmd.changes, m + 1);
		EXPECT(cmd.since_ns >= before.since_ns && cmd.since_ns <= now_ns());
	}
	EXPECT_RET(dev_set_mode(fd, MLPROXY_NR_MODES), -EINVAL);
	EXPECT_RET(dev_set_mode(fd, ~0U), -EINVAL);
	dev_fresh(fd);
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_MODE, &cmd), 0);
	EXPECT_EQ(cmd.mode, MLPROXY_MODE_LEARNING);
	EXPECT_EQ(cmd.reason, MLPROXY_REASON_REINIT);
}

static int get_param(int fd, uint32_t param, uint32_t index, uint64_t *value)
{
	struct mlproxy_param cmd = { .size = sizeof(cmd), .param = param, .index = index };
	int ret = xioctl(fd, MLPROXY_IOC_PARAM, &cmd);

	*value = cmd.value;
	return ret;
}

static void param_shares(int fd, uint32_t param)
{
	uint64_t value;
	uint32_t m;

	EXPECT_RET(dev_set_param(fd, param, MLPROXY_MODE_EMERGENCY, 0), -EINVAL);
	EXPECT_RET(dev_set_param(fd, param, MLPROXY_MODE_EMERGENCY, 1), -EINVAL);
	EXPECT_RET(get_param(fd, param, MLPROXY_MODE_EMERGENCY, &value), 0);
	EXPECT_EQ(value, 0);
	for (m = 1; m < MLPROXY_NR_MODES; m++) {
		EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_SHARE, m, 0), 0);
		EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_EXPLORE, m, 0), 0);
		EXPECT_RET(dev_set_param(fd, param, m, MLPROXY_SHARE_ONE), 0);
		EXPECT_RET(get_param(fd, param, m, &value), 0);
		EXPECT_EQ(value, MLPROXY_SHARE_ONE);
		EXPECT_RET(dev_set_param(fd, param, m, MLPROXY_SHARE_ONE + 1), -EINVAL);
		EXPECT_RET(dev_set_param(fd, param, m, 1ULL << 32), -EINVAL);
		EXPECT_RET(dev_set_param(fd, param, m, ~0ULL), -EINVAL);
	}
	EXPECT_RET(dev_set_param(fd, param, MLPROXY_NR_MODES, 0), -EINVAL);
	EXPECT_RET(get_param(fd, param, MLPROXY_NR_MODES, &value), -EINVAL);
}

static void param(void)
{
	const uint32_t m = MLPROXY_MODE_COLLABORATION;
	int fd = dev_bound(PROXY);
	uint64_t value;

	dev_fresh(fd);
	param_shares(fd, MLPROXY_PARAM_SHARE);
	param_shares(fd, MLPROXY_PARAM_EXPLORE);
	/* Together they leave something to the baseline. */
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_EXPLORE, m, 0), 0);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_SHARE, m, 60000), 0);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_EXPLORE, m, 5537), -EINVAL);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_EXPLORE, m, 5536), -EINVAL);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_EXPLORE, m, 5535), 0);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_SHARE, m, 60001), -EINVAL);
	EXPECT_RET(get_param(fd, MLPROXY_PARAM_SHARE, m, &value), 0);
	EXPECT_EQ(value, 60000);
	EXPECT_RET(get_param(fd, MLPROXY_PARAM_EXPLORE, m, &value), 0);
	EXPECT_EQ(value, 5535);

	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_WINDOW_NS, 0, 1000000), 0);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_WINDOW_NS, 0, 999999), -EINVAL);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_WINDOW_NS, 0, 0), -EINVAL);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_WINDOW_NS, 0, 3600000000000ULL), 0);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_WINDOW_NS, 0, 3600000000001ULL), -EINVAL);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_WINDOW_NS, 1, 1000000), -EINVAL);
	EXPECT_RET(get_param(fd, MLPROXY_PARAM_WINDOW_NS, 0, &value), 0);
	EXPECT_EQ(value, 3600000000000ULL);
	/* The seed stays secret. */
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_SEED, 0, 12345), 0);
	EXPECT_RET(get_param(fd, MLPROXY_PARAM_SEED, 0, &value), 0);
	EXPECT_EQ(value, 0);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_SEED, 1, 12345), -EINVAL);
	EXPECT_RET(dev_set_param(fd, 0, 0, 0), -EINVAL);
	EXPECT_RET(dev_set_param(fd, MLPROXY_NR_PARAMS, 0, 0), -EINVAL);
	EXPECT_RET(get_param(fd, 99, 0, &value), -EINVAL);
	dev_fresh(fd);
	EXPECT_RET(get_param(fd, MLPROXY_PARAM_SHARE, MLPROXY_MODE_LEARNING, &value), 0);
	EXPECT_EQ(value, MLPROXY_SHARE_ONE / 16);
}

static int try_rings(uint32_t bytes, uint32_t mask, uint32_t reserved,
		     struct mlproxy_ring_setup *out)
{
	int fd = dev_bound(PROXY), ret;

	*out = (struct mlproxy_ring_setup) {
		.size = sizeof(*out), .data_bytes = bytes, .type_mask = mask,
		.watermark_bytes = ~0U, .reserved = reserved,
	};
	ret = xioctl(fd, MLPROXY_IOC_RING_SETUP, out);
	close(fd);
	return ret;
}

static void ring_setup_(void)
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	struct mlproxy_ring_setup s;
	int fd;

	EXPECT_RET(try_rings(0, 0, 0, &s), -EINVAL);
	EXPECT_RET(try_rings(MLPROXY_RING_MIN_BYTES - 1, 0, 0, &s), -EINVAL);
	EXPECT_RET(try_rings(MLPROXY_RING_MAX_BYTES + 1, 0, 0, &s), -EINVAL);
	EXPECT_RET(try_rings(~0U, 0, 0, &s), -EINVAL);
	EXPECT_RET(try_rings(8192, 1U << MLPROXY_NR_REC_TYPES, 0, &s), -EINVAL);
	EXPECT_RET(try_rings(8192, 0, 1, &s), -EINVAL);
	EXPECT_RET(try_rings(8193, (1U << MLPROXY_NR_REC_TYPES) - 1, 0, &s), 0);
	EXPECT_EQ(s.data_bytes, 16384);
	EXPECT(s.watermark_bytes <= s.data_bytes / 2);
	EXPECT_EQ(s.nr_rings, nr_cpus());
	EXPECT(s.ring_offset % page == 0 && s.ring_stride % page == 0);
	EXPECT(s.ring_stride >= 2 * page + 2 * s.data_bytes);
	EXPECT_RET(try_rings(MLPROXY_RING_MIN_BYTES, 0, 0, &s), 0);
	EXPECT_EQ(s.data_bytes, page);

	fd = dev_bound(PROXY);
	EXPECT_RET(ring_setup(fd, 4096, 0, 0, 0, &s), 0);
	EXPECT_RET(ring_setup(fd, 4096, 0, 0, 0, &s), -EBUSY);
}

static void ring_stats_(void)
{
	struct mlproxy_ring_setup setup;
	struct mlproxy_ring_stats s;
	int fd = dev_bound(PROXY);

	EXPECT_RET(ring_stats(fd, 0, &s), -ENOENT);
	ASSERT_RET(ring_setup(fd, 4096, 0, 0, 0, &setup), 0);
	EXPECT_RET(ring_stats(fd, 0, &s), 0);
	EXPECT_RET(ring_stats(fd, setup.nr_rings, &s), -EINVAL);
	EXPECT_RET(ring_stats(fd, ~0U, &s), -EINVAL);
	s = (struct mlproxy_ring_stats) { .size = sizeof(s), .reserved = 1 };
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_RING_STATS, &s), -EINVAL);
}

static void recommend_(void)
{
	struct mlproxy_recommend_setup s = {
		.size = sizeof(s), .entry_size = sizeof(struct mlproxy_recommendation),
	};
	struct mlproxy_recommend_drain d;
	int fd = dev_bound(PROXY);

	EXPECT_RET(recs_drain(fd, 0, &d), -ENOENT);
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_RECOMMEND_SETUP, &s), -EINVAL);
	s.entries = MLPROXY_REC_MAX_ENTRIES + 1;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_RECOMMEND_SETUP, &s), -EINVAL);
	s.entries = ~0U;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_RECOMMEND_SETUP, &s), -EINVAL);
	s.entries = 3;
	s.entry_size++;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_RECOMMEND_SETUP, &s), -EINVAL);
	s.entry_size--;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_RECOMMEND_SETUP, &s), 0);
	EXPECT_EQ(s.entries, 4);
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_RECOMMEND_SETUP, &s), -EBUSY);
	EXPECT_RET(recs_drain(fd, 0, &d), 0);
	EXPECT_EQ(d.drained + d.accepted + d.rejected, 0);
}

static void model_eval(void)
{
	int64_t f[3] = { 1, 2, 3 };
	struct mlproxy_model_eval good = {
		.size = sizeof(good), .features = (uintptr_t)f, .nr_features = 2,
		.baseline = 1, .allowed = 0xf,
	}, cmd = good;
	struct mlproxy_model_load load;
	int fd = dev_bound(PROXY);
	uint32_t len;
	void *model = model_constant(fd, 3, &len);

	dev_fresh(fd);
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_MODEL_EVAL, &cmd), -ENOENT);
	EXPECT_RET(dev_model_load(fd, model, len, &load), 0);
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_MODEL_EVAL, &cmd), -ENOENT);
	cmd.flags = MLPROXY_EVAL_F_STANDBY;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_MODEL_EVAL, &cmd), 0);
	EXPECT_EQ(cmd.action, 3);
	EXPECT_EQ(cmd.version, load.version);
	EXPECT_EQ(cmd.nr_outputs, 4);
	EXPECT_EQ(cmd.outputs[3], 1000);
	EXPECT_EQ(cmd.predicted, 1000);
	EXPECT(dev_model_ctl(fd, MLPROXY_MODEL_OP_ACTIVATE, 0) > 0);
#define BAD(field, value, err) ({						\
	cmd = good;								\
	cmd.field = value;							\
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_MODEL_EVAL, &cmd), err);		\
})
	BAD(size, sizeof(cmd), 0);
	BAD(nr_features, 3, -EINVAL);
	BAD(nr_features, 0, -EINVAL);
	BAD(nr_features, ~0U, -EINVAL);
	BAD(baseline, 4, -EINVAL);
	BAD(baseline, 32, -EINVAL);
	BAD(baseline, ~0U, -EINVAL);
	BAD(allowed, 0, -EINVAL);
	BAD(allowed, 0x1d, -EINVAL);
	BAD(allowed, 0xd, -EINVAL);
	BAD(allowed, ~0U, -EINVAL);
	BAD(features, 0, -EFAULT);
	BAD(features, 1ULL << 63, -EFAULT);
	/* The preferred action is not legal: the best of those that are. */
	cmd = good;
	cmd.allowed = 0x3;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_MODEL_EVAL, &cmd), 0);
	EXPECT(cmd.action < 2);
	dev_fresh(fd);
}

static void model_load(void)
{
	struct mlproxy_model_load load;
	int fd = dev_bound(PROXY);
	uint32_t len;
	void *model = model_constant(fd, 1, &len);

	EXPECT_RET(dev_model_load(fd, model, 0, &load), -EINVAL);
	EXPECT_RET(dev_model_load(fd, model, MLPROXY_MODEL_MAX_BYTES + 1, &load), -EINVAL);
	EXPECT_RET(dev_model_load(fd, model, ~0U, &load), -EINVAL);
	EXPECT_RET(dev_model_load(fd, NULL, len, &load), -EFAULT);
	EXPECT_RET(dev_model_load(fd, (void *)8, MLPROXY_MODEL_MAX_BYTES, &load), -EFAULT);
	EXPECT_RET(dev_model_load(fd, model, len - 8, &load), -EBADMSG);
	EXPECT_EQ(load.reason, MLPROXY_REFUSED_LENGTH);
	EXPECT(load.text[0] && memchr(load.text, 0, sizeof(load.text)));
	EXPECT_EQ(load.version, 0);
	EXPECT_RET(dev_model_ctl(fd, 0, 0), -EINVAL);
	EXPECT_RET(dev_model_ctl(fd, MLPROXY_MODEL_OP_UNLOAD + 1, 0), -EINVAL);
}

static void snapshot(void)
{
	struct mlproxy_snapshot cmd = { .size = sizeof(cmd), .nr = 99 };
	int fd = dev_bound("synth"), ctx = dev_bound(PROXY);

	memset(cmd.values, 0x5a, sizeof(cmd.values));
	ASSERT(!file_write("/sys/module/mlproxy_synth/parameters/shift", "3"));
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SNAPSHOT, &cmd), 0);
	EXPECT_EQ(cmd.nr, 1);
	EXPECT_EQ(cmd.values[0], 3);
	EXPECT_EQ(cmd.values[1], 0);
	ASSERT(!file_write("/sys/module/mlproxy_synth/parameters/shift", "0"));
	EXPECT_RET(xioctl(ctx, MLPROXY_IOC_SNAPSHOT, &cmd), 0);
	EXPECT_EQ(cmd.nr, 0);
	cmd.reserved = 1;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SNAPSHOT, &cmd), -EINVAL);
}

/* The file itself: what is not an ioctl. */
static void file_ops(void)
{
	struct mlproxy_ring_setup setup;
	char byte[8];
	int fd = dev_open(O_RDWR);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	EXPECT(read(fd, byte, sizeof(byte)) < 0 && errno == ENXIO);
	EXPECT(write(fd, byte, sizeof(byte)) < 0 && errno == EINVAL);
	EXPECT(lseek(fd, 0, SEEK_SET) < 0 && errno == ESPIPE);
	EXPECT(pread(fd, byte, sizeof(byte), 0) < 0 && errno == ESPIPE);
	EXPECT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENXIO);
	EXPECT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 1LL << 40) == MAP_FAILED &&
	       errno == ENXIO);
	EXPECT_EQ(poll(&pfd, 1, 0), 1);
	EXPECT(pfd.revents & POLLERR);
	ASSERT_RET(dev_bind(fd, PROXY), 0);
	ASSERT_RET(ring_setup(fd, 4096, 0, 0, 0, &setup), 0);
	pfd.revents = 0;
	EXPECT_EQ(poll(&pfd, 1, 0), 0);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(info),
	KTAP_TEST(list),
	KTAP_TEST(bind_),
	KTAP_TEST(schema),
	KTAP_TEST(mode),
	KTAP_TEST(param),
	KTAP_TEST(ring_setup_),
	KTAP_TEST(ring_stats_),
	KTAP_TEST(recommend_),
	KTAP_TEST(model_load),
	KTAP_TEST(model_eval),
	KTAP_TEST(snapshot),
	KTAP_TEST(file_ops),
};

KTAP_MAIN(tests)
