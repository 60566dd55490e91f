// SPDX-License-Identifier: GPL-2.0-only
/*
 * What holds for every ioctl, from one table, against the errno contract at the top
 * of uapi/linux/mlproxy.h. What each one says about itself: ioctl_each.c.
 *
 * guest-test: timeout=300
 */
#include "util_point.h"

#define PROXY "ctx-decision"

union any {
	uint32_t size;
	struct { uint32_t size, flags; } head;
	struct mlproxy_info info;
	struct mlproxy_list list;
	struct mlproxy_bind bind;
	struct mlproxy_schema schema;
	struct mlproxy_control control;
	struct mlproxy_mode mode;
	struct mlproxy_efficiency efficiency;
	struct mlproxy_heartbeat heartbeat;
	struct mlproxy_param param;
	struct mlproxy_ring_setup ring_setup;
	struct mlproxy_ring_stats ring_stats;
	struct mlproxy_ring_consume ring_consume;
	struct mlproxy_recommend_setup recommend_setup;
	struct mlproxy_recommend_drain recommend_drain;
	struct mlproxy_model_load model_load;
	struct mlproxy_model_ctl model_ctl;
	struct mlproxy_model_info model_info;
	struct mlproxy_model_eval model_eval;
	struct mlproxy_stats stats;
	struct mlproxy_snapshot snapshot;
	struct mlproxy_dataset dataset;
	struct mlproxy_point point;
	struct mlproxy_point_instance point_instance;
	struct mlproxy_point_decide point_decide;
	struct mlproxy_point_outcome point_outcome;
	struct mlproxy_point_event point_event;
	struct mlproxy_point_state point_state;
	struct mlproxy_point_cost point_cost;
	uint8_t bytes[2048];
};

/**
 * struct op - what holds for an ioctl
 * @cmd: number
 * @size: of its structure
 * @first: its size when it was first published
 * @flags: that it knows
 * @bound: needs a bound session
 * @writes: needs a file open for writing
 * @prepare: make a good call of it
 * @want: what the good call returns
 */
struct op {
	const char *name;
	unsigned long cmd;
	uint32_t size;
	uint32_t first;
	uint32_t flags;
	bool bound;
	bool writes;
	void (*prepare)(int fd, union any *arg);
	int want;
};

static void prep_bind(int fd, union any *arg)
{
	(void)fd;
	strcpy(arg->bind.name, PROXY);
}

static void prep_control(int fd, union any *arg)
{
	dev_control(fd, MLPROXY_CTL_STOP);
	arg->control.op = MLPROXY_CTL_REINIT;
}

static void prep_param(int fd, union any *arg)
{
	(void)fd;
	arg->param.param = MLPROXY_PARAM_SHARE;
	arg->param.index = MLPROXY_MODE_LEARNING;
}

static void prep_ring_setup(int fd, union any *arg)
{
	(void)fd;
	arg->ring_setup.data_bytes = MLPROXY_RING_MIN_BYTES;
}

static void prep_ring_stats(int fd, union any *arg)
{
	struct mlproxy_ring_setup setup;

	(void)arg;
	ring_setup(fd, MLPROXY_RING_MIN_BYTES, 0, 0, 0, &setup);
}

static void prep_heartbeat(int fd, union any *arg)
{
	(void)fd;
	arg->heartbeat.timeout_ms = MLPROXY_HEARTBEAT_MAX_MS;
}

/* Rings whose data is mapped, but not the consumer page. */
static void prep_ring_consume(int fd, union any *arg)
{
	struct mlproxy_ring_setup setup;
	size_t page = sysconf(_SC_PAGESIZE);

	(void)arg;
	ASSERT_RET(ring_setup(fd, 4096, 0, 0, 0, &setup), 0);
	ASSERT(mmap(NULL, page + 2 * setup.data_bytes, PROT_READ, MAP_SHARED, fd, page) !=
	       MAP_FAILED);
}

static void prep_recommend_setup(int fd, union any *arg)
{
	(void)fd;
	arg->recommend_setup.entries = 1;
	arg->recommend_setup.entry_size = sizeof(struct mlproxy_recommendation);
}

static void prep_recommend_drain(int fd, union any *arg)
{
	struct recs recs;

	(void)arg;
	recs_map(fd, 1, &recs);
}

static void prep_model_load(int fd, union any *arg)
{
	static void *model;
	uint32_t len = 0;

	if (!model)
		model = model_constant(fd, 1, &len);
	arg->model_load.data = (uintptr_t)model;
	arg->model_load.data_len = ((struct mlproxy_model_hdr *)model)->total_len;
}

static void prep_model_ctl(int fd, union any *arg)
{
	(void)fd;
	arg->model_ctl.op = MLPROXY_MODEL_OP_UNLOAD;
}

static void prep_model_eval(int fd, union any *arg)
{
	static int64_t features[2];

	(void)fd;
	arg->model_eval.features = (uintptr_t)features;
	arg->model_eval.nr_features = 2;
	arg->model_eval.allowed = 1;
}

/* The first part of it is what was published first. */
static void prep_register(int fd, union any *arg)
{
	uint32_t size = offsetof(struct mlproxy_point, states);
	struct mlproxy_point cmd = point_desc("ioctl", 0);

	(void)fd;
	memcpy(arg, &cmd, size);
}

/* A file with a running point, which has an instance where that is what the call is about. */
static void prep_point(int fd, union any *arg)
{
	struct mlproxy_point cmd = point_desc("ioctl", MLPROXY_POINT_F_START);

	(void)arg;
	ASSERT_RET(point_register(fd, &cmd), 0);
}

static void prep_add(int fd, union any *arg)
{
	prep_point(fd, arg);
	strcpy(arg->point_instance.name, "new");
}

static void prep_drop(int fd, union any *arg)
{
	prep_point(fd, arg);
	arg->point_instance.instance = point_add(fd, "old");
}

static void prep_decide(int fd, union any *arg)
{
	static int64_t features[2];

	prep_point(fd, arg);
	arg->point_decide.features = (uintptr_t)features;
	arg->point_decide.nr_features = 2;
}

static void prep_feedback(int fd, union any *arg)
{
	prep_point(fd, arg);
	arg->point_outcome.id = point_id(fd, 0);
}

static void prep_event(int fd, union any *arg)
{
	prep_point(fd, arg);
	arg->point_event.event = 100;
}

#define OP_GROWN(_op, _struct, _first, _flags, _bound, _writes, _prep, _want)	\
	{ #_op, MLPROXY_IOC_##_op, sizeof(struct _struct), _first, _flags, _bound, _writes, \
	  _prep, _want }
#define OP(_op, _struct, _flags, _bound, _writes, _prep, _want)			\
	OP_GROWN(_op, _struct, sizeof(struct _struct), _flags, _bound, _writes, _prep, _want)

static const struct op ops[] = {
	OP(INFO, mlproxy_info, 0, false, false, NULL, 0),
	OP(LIST, mlproxy_list, 0, false, false, NULL, -ENOBUFS),
	OP(BIND, mlproxy_bind, 0, false, false, prep_bind, 0),
	OP_GROWN(SCHEMA, mlproxy_schema, 168, 0, true, false, NULL, -ENOBUFS),
	OP(CONTROL, mlproxy_control, 0, true, true, prep_control, 0),
	OP(MODE, mlproxy_mode, MLPROXY_MODE_F_SET | MLPROXY_MODE_F_AUTO, true, false, NULL, 0),
	OP(PARAM, mlproxy_param, MLPROXY_PARAM_F_SET, true, false, prep_param, 0),
	OP(RING_SETUP, mlproxy_ring_setup, MLPROXY_RING_F_QUIET, true, false, prep_ring_setup, 0),
	OP(RING_STATS, mlproxy_ring_stats, 0, true, false, prep_ring_stats, 0),
	OP(RING_CONSUME, mlproxy_ring_consume, 0, true, false, prep_ring_consume, 0),
	OP(RECOMMEND_SETUP, mlproxy_recommend_setup, 0, true, true, prep_recommend_setup, 0),
	OP(RECOMMEND_DRAIN, mlproxy_recommend_drain, 0, true, true, prep_recommend_drain, 0),
	OP(MODEL_LOAD, mlproxy_model_load, 0, true, true, prep_model_load, 0),
	OP(MODEL_CTL, mlproxy_model_ctl, 0, true, true, prep_model_ctl, 0),
	OP(MODEL_INFO, mlproxy_model_info, 0, true, false, NULL, 0),
	OP(MODEL_EVAL, mlproxy_model_eval, MLPROXY_EVAL_F_STANDBY, true, false,
	   prep_model_eval, -ENOENT),
	OP(STATS, mlproxy_stats, 0, true, false, NULL, 0),
	OP(SNAPSHOT, mlproxy_snapshot, 0, true, false, NULL, 0),
	OP_GROWN(EFFICIENCY, mlproxy_efficiency, 352, 0, true, false, NULL, 0),
	OP(HEARTBEAT, mlproxy_heartbeat, MLPROXY_HEARTBEAT_F_LEAVE, true, true, prep_heartbeat, 0),
	OP(DATASET, mlproxy_dataset, MLPROXY_DATASET_F_REQUEST | MLPROXY_DATASET_F_CANCEL, true,
	   false, prep_ring_stats, 0),
	OP_GROWN(POINT_REGISTER, mlproxy_point, 296, MLPROXY_POINT_F_START, false, true,
		 prep_register, 0),
	OP(POINT_ADD, mlproxy_point_instance, 0, false, true, prep_add, 0),
	OP(POINT_DROP, mlproxy_point_instance, 0, false, true, prep_drop, 0),
	OP(POINT_DECIDE, mlproxy_point_decide, 0, false, true, prep_decide, 0),
	OP(POINT_FEEDBACK, mlproxy_point_outcome, MLPROXY_OUTCOME_F_FAILED, false, true,
	   prep_feedback, 0),
	OP(POINT_EVENT, mlproxy_point_event, 0, false, true, prep_event, 0),
	OP(POINT_STATE, mlproxy_point_state, MLPROXY_POINT_STATE_F_SNAPSHOT |
	   MLPROXY_POINT_STATE_F_CRITICAL, false, true, prep_point, -EINVAL),
	OP(POINT_COST, mlproxy_point_cost, 0, false, true, prep_point, -EINVAL),
	OP(POINT_NOTICE, mlproxy_point_notice, 0, false, true, prep_point, 0),
};

#define for_each_op(op) for ((op) = ops; (op) < ops + ARRAY_SIZE(ops); (op)++)

/* A session that the ioctl needs, and a good argument. */
static int prepare(const struct op *op, union any *arg, uint32_t size)
{
	int fd = dev_open(O_RDWR);

	if (op->bound)
		ASSERT_RET(dev_bind(fd, PROXY), 0);
	memset(arg, 0, sizeof(*arg));
	if (op->prepare)
		op->prepare(fd, arg);
	arg->size = size;
	return fd;
}

static void try(const struct op *op, uint32_t size, uint32_t flags, int dirty, int want)
{
	union any arg;
	int fd = prepare(op, &arg, size), ret;

	arg.head.flags = flags;
	if (dirty >= 0)
		arg.bytes[dirty] = 1;
	ret = xioctl(fd, op->cmd, &arg);
	EXPECT(ret == want, "(%s, size %u of %u, flags %#x: %d, expected %d)", op->name, size,
	       op->size, flags, ret, want);
	close(fd);
}

static void sizes(void)
{
	const struct op *op;

	for_each_op(op) {
		try(op, op->size, 0, -1, op->want);
		try(op, 0, 0, -1, -EINVAL);
		try(op, 4, 0, -1, -EINVAL);
		/* The size when it was first published, and less. */
		try(op, op->first, 0, -1, op->want);
		try(op, op->first - 1, 0, -1, -EINVAL);
		try(op, op->size + 1, 0, op->size, -E2BIG);
		try(op, op->size + 8, 0, op->size + 7, -E2BIG);
		try(op, op->size + 8, 0, -1, op->want);
		try(op, sizeof(union any), 0, -1, op->want);
		try(op, sizeof(union any), 0, sizeof(union any) - 1, -E2BIG);
	}
}

static void unknown_flags(void)
{
	const struct op *op;
	unsigned int bit;

	for_each_op(op)
		for (bit = 0; bit < 32; bit++)
			if (!(op->flags & (1U << bit)))
				try(op, op->size, 1U << bit, -1, -EINVAL);
}

static bool is_known(unsigned int nr)
{
	const struct op *op;

	for_each_op(op)
		if (_IOC_NR(op->cmd) == nr)
			return true;
	return false;
}

static void unknown_numbers(void)
{
	union any arg = { .size = sizeof(arg) };
	int fd = dev_bound(PROXY);
	unsigned int nr;

	for (nr = 0; nr < 256; nr++)
		if (!is_known(nr))
			EXPECT_RET(xioctl(fd, _IO(MLPROXY_IOC_MAGIC, nr), &arg), -ENOTTY);
	/* Known numbers under another magic, direction or size. */
	for (nr = 0; nr < 256; nr++) {
		EXPECT_RET(xioctl(fd, _IO(MLPROXY_IOC_MAGIC + 1, nr), &arg), -ENOTTY);
		EXPECT_RET(xioctl(fd, _IOR(MLPROXY_IOC_MAGIC, nr, struct mlproxy_info), &arg),
			   -ENOTTY);
	}
}

static void unbound(void)
{
	const struct op *op;

	for_each_op(op) {
		union any arg = { .size = op->size };
		int fd = dev_open(O_RDWR);

		if (op->bound)
			EXPECT_RET(xioctl(fd, op->cmd, &arg), -ENXIO);
		close(fd);
	}
}

static void bad_pointers(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	const struct op *op;

	ASSERT(two != MAP_FAILED && !munmap(two + page, page));
	for_each_op(op) {
		union any arg, *cut;
		int fd = prepare(op, &arg, op->size);

		EXPECT_RET(xioctl(fd, op->cmd, NULL), -EFAULT);
		EXPECT_RET(xioctl(fd, op->cmd, (void *)~0xfffUL), -EFAULT);
		EXPECT_RET(xioctl(fd, op->cmd, two + page), -EFAULT);
		/* The head is there, the rest is not. */
		cut = (void *)(two + page - 8);
		memcpy(cut, &arg, 8);
		EXPECT_RET(xioctl(fd, op->cmd, cut), -EFAULT);
		close(fd);
	}
}

/* What can be read, but takes no answer. */
static void read_only_memory(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	union any *arg = mmap(NULL, page, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct op *op;

	ASSERT(arg != MAP_FAILED);
	for_each_op(op) {
		int fd, want = op->want == -ENOENT || op->want == -EINVAL ? op->want : -EFAULT;

		mprotect(arg, page, PROT_READ | PROT_WRITE);
		fd = prepare(op, arg, op->size);
		mprotect(arg, page, PROT_READ);
		EXPECT(xioctl(fd, op->cmd, arg) == want, "(%s)", op->name);
		close(fd);
	}
}

static void read_only_file(void)
{
	struct mlproxy_mode mode = { .size = sizeof(mode), .flags = MLPROXY_MODE_F_SET };
	const struct op *op;

	for_each_op(op) {
		int fd = dev_open(O_RDONLY);
		union any arg = { .size = op->size };

		ASSERT_RET(dev_bind(fd, PROXY), 0);
		if (op->writes)
			EXPECT_RET(xioctl(fd, op->cmd, &arg), -EPERM);
		close(fd);
	}
	for_each_op(op) {
		int fd = dev_open(O_RDONLY);

		ASSERT_RET(dev_bind(fd, PROXY), 0);
		EXPECT_RET(xioctl(fd, MLPROXY_IOC_MODE, &mode), -EPERM);
		EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_SEED, 0, 1), -EPERM);
		mode.flags = 0;
		EXPECT_RET(xioctl(fd, MLPROXY_IOC_MODE, &mode), 0);
		mode.flags = MLPROXY_MODE_F_SET;
		close(fd);
	}
}

/* The layout is the same everywhere: these are the published sizes. */
static void layout(void)
{
	static const struct { const char *name; size_t is, must; } sizes[] = {
#define SIZE(s, n) { #s, sizeof(struct s), n }
		SIZE(mlproxy_info, 40), SIZE(mlproxy_list, 24), SIZE(mlproxy_bind, 56),
		SIZE(mlproxy_schema, 336), SIZE(mlproxy_control, 16), SIZE(mlproxy_mode, 336),
		SIZE(mlproxy_param, 24), SIZE(mlproxy_ring_setup, 48),
		SIZE(mlproxy_ring_stats, 72), SIZE(mlproxy_ring_consume, 24),
		 SIZE(mlproxy_recommend_setup, 48),
		SIZE(mlproxy_recommend_drain, 24), SIZE(mlproxy_model_load, 168),
		SIZE(mlproxy_model_ctl, 16), SIZE(mlproxy_model_info, 104),
		SIZE(mlproxy_model_eval, 176), SIZE(mlproxy_recommendation, 32),
		SIZE(mlproxy_rec_hdr, 24), SIZE(mlproxy_rec_decision, 88),
		SIZE(mlproxy_rec_feedback, 80), SIZE(mlproxy_rec_event, 40),
		SIZE(mlproxy_rec_change, 40), SIZE(mlproxy_list_entry, 72),
		SIZE(mlproxy_feature, 72), SIZE(mlproxy_action, 40),
		SIZE(mlproxy_model_hdr, 112), SIZE(mlproxy_model_input, 40),
		SIZE(mlproxy_model_layer, 32), SIZE(mlproxy_evidence, 296),
		SIZE(mlproxy_rec_mode, 336), SIZE(mlproxy_event_desc, 40),
		SIZE(mlproxy_transition, 320), SIZE(mlproxy_efficiency, 392),
		SIZE(mlproxy_heartbeat, 32), SIZE(mlproxy_filter, 24),
		SIZE(mlproxy_dataset, 160), SIZE(mlproxy_stats, 1032),
		SIZE(mlproxy_snapshot, 152), SIZE(mlproxy_stratum, 32),
		SIZE(mlproxy_point, 552), SIZE(mlproxy_point_instance, 48),
		SIZE(mlproxy_point_decide, 96), SIZE(mlproxy_point_outcome, 40),
		SIZE(mlproxy_point_event, 40), SIZE(mlproxy_point_state, 152),
		SIZE(mlproxy_point_cost, 40), SIZE(mlproxy_point_notice, 24),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		EXPECT(sizes[i].is == sizes[i].must, "(struct %s: %zu, published %zu)",
		       sizes[i].name, sizes[i].is, sizes[i].must);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(layout),
	KTAP_TEST(sizes),
	KTAP_TEST(unknown_flags),
	KTAP_TEST(unknown_numbers),
	KTAP_TEST(unbound),
	KTAP_TEST(bad_pointers),
	KTAP_TEST(read_only_memory),
	KTAP_TEST(read_only_file),
};

KTAP_MAIN(tests)
