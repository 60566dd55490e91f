// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lifecycle: every transition from user space and from the kernel, one after
 * the other and from many processes at once, and what each one leaves behind.
 *
 * guest-test: timeout=300
 */
#include <sched.h>

#include "util.h"

#define UNIT "decision"
#define PROXY "ctx-decision"

/* Is @op allowed in @state, and where does it lead. */
static uint32_t next_state(uint32_t state, uint32_t op)
{
	bool running = state == MLPROXY_STATE_RUNNING;

	switch (op) {
	case MLPROXY_CTL_START:
		return running ? 0 : MLPROXY_STATE_RUNNING;
	case MLPROXY_CTL_STOP:
		return running ? MLPROXY_STATE_STOPPED : 0;
	case MLPROXY_CTL_REINIT:
		return running ? 0 : MLPROXY_STATE_INITIALIZED;
	}
	return 0;
}

static void step(int fd, uint32_t *state, uint32_t op)
{
	struct mlproxy_control cmd = { .size = sizeof(cmd), .op = op };
	uint32_t next = next_state(*state, op);
	int ret = xioctl(fd, MLPROXY_IOC_CONTROL, &cmd);

	EXPECT(ret == (next ? 0 : -EINVAL), "(op %u in state %u: %d)", op, *state, ret);
	if (next) {
		EXPECT_EQ(cmd.state, next);
		*state = next;
	}
	EXPECT_EQ(dev_state(fd, PROXY), *state);
}

/* All sequences of three operations, and unknown ones in each state. */
static void transitions(void)
{
	static const uint32_t ops[] = {
		MLPROXY_CTL_START, MLPROXY_CTL_STOP, MLPROXY_CTL_REINIT,
	};
	const unsigned int n = ARRAY_SIZE(ops);
	int fd = dev_bound(PROXY);
	unsigned int i, j;

	for (i = 0; i < n * n * n; i++) {
		uint32_t state = MLPROXY_STATE_INITIALIZED;
		const uint32_t sequence[] = { ops[i % n], ops[i / n % n], ops[i / n / n] };

		dev_fresh(fd);
		for (j = 0; j < 3; j++) {
			step(fd, &state, sequence[j]);
			step(fd, &state, 0);
			step(fd, &state, MLPROXY_CTL_REINIT + 1);
			step(fd, &state, ~0U);
		}
	}
}

/* Callbacks come in pairs, and one that fails leaves the state as it was. */
static void callbacks(void)
{
	int fd = dev_bound(PROXY);
	long long starts, stops;

	dev_fresh(fd);
	starts = ctx_get("starts");
	stops = ctx_get("stops");
	ASSERT(!ctx_set("start_error", -EILSEQ));
	EXPECT_RET(dev_control(fd, MLPROXY_CTL_START), -EILSEQ);
	EXPECT_EQ(dev_state(fd, PROXY), MLPROXY_STATE_INITIALIZED);
	ASSERT(!ctx_set("start_error", 0));
	EXPECT_EQ(ctx_get("starts"), starts);
	EXPECT_RET(dev_control(fd, MLPROXY_CTL_STOP), -EINVAL);
	EXPECT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	EXPECT_RET(dev_control(fd, MLPROXY_CTL_START), -EINVAL);
	EXPECT_EQ(ctx_get("starts"), starts + 1);
	EXPECT_RET(dev_control(fd, MLPROXY_CTL_STOP), 0);
	EXPECT_EQ(ctx_get("stops"), stops + 1);
	EXPECT_EQ(dev_state(fd, PROXY), MLPROXY_STATE_STOPPED);
}

/* Only a running proxy decides. */
static void decides_only_running(void)
{
	struct mlproxy_stats s;
	int fd = dev_bound(PROXY);

	dev_fresh(fd);
	ASSERT_RET(ctx_run(UNIT, "task", 10, 1), 0);
	dev_stats(fd, &s);
	EXPECT_EQ(s.decisions + s.feedbacks, 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ctx_run(UNIT, "task", 10, 1), 0);
	dev_stats(fd, &s);
	EXPECT_EQ(s.decisions, 10);
	EXPECT_EQ(s.feedbacks, 10);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_STOP), 0);
	ASSERT_RET(ctx_run(UNIT, "task", 10, 1), 0);
	dev_stats(fd, &s);
	EXPECT_EQ(s.decisions, 10);
}

static void reinit_forgets(void)
{
	struct mlproxy_model_info info = { .size = sizeof(info) };
	struct mlproxy_model_load load;
	struct mlproxy_stats s;
	struct recs recs;
	int fd = dev_bound(PROXY);
	uint32_t len;
	void *model = model_constant(fd, 2, &len);

	dev_fresh(fd);
	ASSERT_RET(recs_map(fd, 4, &recs), 0);
	ASSERT_RET(dev_model_load(fd, model, len, &load), 0);
	ASSERT(dev_model_ctl(fd, MLPROXY_MODEL_OP_ACTIVATE, 0) > 0);
	ASSERT_RET(dev_model_load(fd, model, len, &load), 0);
	ASSERT_EQ(recommend(fd, &recs, 5, 3, 3600000), 0);
	ASSERT(!ctx_set("keys", 6));
	ASSERT_RET(dev_set_mode(fd, MLPROXY_MODE_RECOMMENDATION), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ctx_run(UNIT, "task", 200, 1), 0);
	dev_stats(fd, &s);
	EXPECT(s.decisions == 200 && s.rec_hits && s.by_source[MLPROXY_SRC_MODEL]);
	dev_fresh(fd);
	dev_stats(fd, &s);
	EXPECT_EQ(s.decisions + s.feedbacks + s.rec_hits + s.rec_drained, 0);
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_MODEL_INFO, &info), 0);
	EXPECT_EQ(info.active_version + info.standby_version, 0);
	ASSERT_RET(dev_set_mode(fd, MLPROXY_MODE_RECOMMENDATION), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ctx_run(UNIT, "task", 200, 1), 0);
	ctx_set("keys", 64);
	dev_stats(fd, &s);
	EXPECT_EQ(s.rec_hits, 0);
	EXPECT_EQ(s.by_source[MLPROXY_SRC_BASELINE] + s.by_source[MLPROXY_SRC_EXPLORE], 200);
}

/* Change, at random, everything that can be changed. */
static void disturb(unsigned int seed, unsigned int n)
{
	int fd = dev_bound(PROXY);
	struct mlproxy_model_load load;
	uint32_t len;
	void *model = model_constant(fd, seed % 4, &len);

	while (n--) {
		unsigned int r = rand_r(&seed);
		int ret = 0;

		switch (r % 8) {
		case 0: ret = dev_control(fd, MLPROXY_CTL_START); break;
		case 1: ret = dev_control(fd, MLPROXY_CTL_STOP); break;
		case 2: ret = dev_control(fd, MLPROXY_CTL_REINIT); break;
		case 3: ret = dev_set_mode(fd, r / 8 % MLPROXY_NR_MODES); break;
		case 4: ret = dev_set_param(fd, MLPROXY_PARAM_SHARE, 1 + r / 8 % 3, r % 65537); break;
		case 5: ret = dev_model_load(fd, model, len, &load); break;
		case 6: ret = dev_model_ctl(fd, 1 + r / 8 % 3, 0); break;
		case 7: close(fd); fd = dev_bound(PROXY); break;
		}
		EXPECT(ret >= 0 || ret == -EINVAL || ret == -ENOENT, "(%u: %d)", r % 8, ret);
	}
	_exit(ktap_status());
}

/* Everybody at once, under load: the state stays one of the states. */
static void concurrent(void)
{
	const unsigned int n = scaled(400);
	pid_t pids[4], load;
	unsigned int i;
	int fd = dev_bound(PROXY);
	uint64_t starts, stops;
	uint32_t state;

	dev_fresh(fd);
	starts = ctx_get("starts");
	stops = ctx_get("stops");
	ASSERT(!ctx_set("masks", 1));
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = ktap_fork();
		if (!pids[i])
			disturb(1234 + i, n);
	}
	load = load_start(UNIT, "mixed", scaled(30000), online_mask());
	while (load_running(&load)) {
		state = dev_state(fd, PROXY);
		EXPECT(state >= MLPROXY_STATE_INITIALIZED && state <= MLPROXY_STATE_STOPPED);
		sched_yield();
	}
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		ktap_join(pids[i]);
	ctx_set("masks", 0);
	EXPECT_EQ(ctx_get("violations"), 0);
	dev_control(fd, MLPROXY_CTL_STOP);
	EXPECT_EQ(ctx_get("starts") - starts, ctx_get("stops") - stops);
	dev_fresh(fd);
}

/* The kernel side: descriptions, states, limits. */
static void kernel_api(void)
{
	EXPECT_RET(file_write("/sys/module/mlproxy_ctxtest/parameters/api", "1"), 0);
}

/* The subsystem takes its proxy away while a session is bound to it. */
static void destroyed_under_session(void)
{
	const char *present = "/sys/module/mlproxy_ctxtest/parameters/present";
	struct mlproxy_mode mode = { .size = sizeof(mode), .flags = MLPROXY_MODE_F_SET };
	struct mlproxy_bind again = { .size = sizeof(again), .name = PROXY };
	struct mlproxy_info info = { .size = sizeof(info) };
	struct mlproxy_ring_setup setup;
	struct mlproxy_model_load load;
	struct recs recs;
	struct ring ring;
	int fd = dev_bound(PROXY), fd2 = dev_open(O_RDWR);
	uint32_t len;
	void *model = model_constant(fd, 1, &len);

	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ring_setup(fd, 1 << 16, 0, 0, 0, &setup), 0);
	ASSERT_RET(ring_map(fd, &setup, 0, &ring), 0);
	ASSERT_RET(recs_map(fd, 4, &recs), 0);
	ASSERT_RET(ctx_run(UNIT, "task", 5, 1), 0);
	ASSERT_RET(file_write(present, "0"), 0);
	EXPECT_EQ(dev_state(fd, PROXY), 0);
	EXPECT_RET(dev_bind(fd2, PROXY), -ENOENT);
	EXPECT_RET(dev_control(fd, MLPROXY_CTL_START), -ENODEV);
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_MODE, &mode), -ENODEV);
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_SEED, 0, 1), -ENODEV);
	EXPECT_RET(dev_model_load(fd, model, len, &load), -ENODEV);
	EXPECT_RET(dev_model_ctl(fd, MLPROXY_MODEL_OP_ACTIVATE, 0), -ENODEV);
	EXPECT_RET(ctx_run(UNIT, "task", 5, 1), -ENODEV);
	/* What was recorded is still there. */
	EXPECT(ring_consume(&ring, 0, NULL, NULL) >= 10);
	/* A new one of the same name is another one. */
	ASSERT_RET(file_write(present, "1"), 0);
	ASSERT_RET(xioctl(fd2, MLPROXY_IOC_BIND, &again), 0);
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_INFO, &info), 0);
	EXPECT(again.id > info.bound_id);
	EXPECT_RET(dev_control(fd2, MLPROXY_CTL_START), 0);
	EXPECT_RET(dev_control(fd, MLPROXY_CTL_START), -ENODEV);
	ring.seen = 0;
	ASSERT_RET(ctx_run(UNIT, "task", 5, 1), 0);
	EXPECT_EQ(ring_consume(&ring, 0, NULL, NULL), 0);
}

struct change {
	uint32_t type, from, to, reason;
};

static void note_change(const struct mlproxy_rec_hdr *rec, void *arg)
{
	const struct mlproxy_rec_change *c = (const void *)rec;
	struct change **out = arg;

	if (rec->type == MLPROXY_REC_EVENT)
		return;
	ASSERT_EQ(rec->len, rec->type == MLPROXY_REC_MODE ? sizeof(struct mlproxy_rec_mode) :
							    sizeof(*c));
	*(*out)++ = (struct change) { rec->type, c->from, c->to, c->reason };
}

/* Each change is a record, in order. */
static void changes_are_recorded(void)
{
	static const struct change want[] = {
		{ MLPROXY_REC_STATE, MLPROXY_STATE_INITIALIZED, MLPROXY_STATE_RUNNING, 0 },
		{ MLPROXY_REC_MODE, MLPROXY_MODE_LEARNING, MLPROXY_MODE_EMERGENCY,
		  MLPROXY_REASON_OPERATOR },
		{ MLPROXY_REC_STATE, MLPROXY_STATE_RUNNING, MLPROXY_STATE_STOPPED, 0 },
		{ MLPROXY_REC_MODE, MLPROXY_MODE_EMERGENCY, MLPROXY_MODE_LEARNING,
		  MLPROXY_REASON_REINIT },
		{ MLPROXY_REC_STATE, MLPROXY_STATE_STOPPED, MLPROXY_STATE_INITIALIZED, 0 },
	};
	struct change got[16], *end = got;
	struct mlproxy_ring_setup setup;
	struct ring ring;
	int fd;

	pin_to(0);
	fd = dev_bound(PROXY);
	dev_fresh(fd);
	ASSERT_RET(ring_setup(fd, 4096, 0, 0, 0, &setup), 0);
	ASSERT_RET(ring_map(fd, &setup, 0, &ring), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(dev_set_mode(fd, MLPROXY_MODE_EMERGENCY), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_STOP), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_REINIT), 0);
	EXPECT_RET(dev_control(fd, MLPROXY_CTL_STOP), -EINVAL);
	ring_consume(&ring, 0, note_change, &end);
	ASSERT_EQ(end - got, (long)ARRAY_SIZE(want));
	EXPECT(!memcmp(got, want, sizeof(want)));
}

static const struct ktap_test tests[] = {
	KTAP_TEST(transitions),
	KTAP_TEST(callbacks),
	KTAP_TEST(decides_only_running),
	KTAP_TEST(reinit_forgets),
	KTAP_TEST(changes_are_recorded),
	KTAP_TEST(concurrent),
	KTAP_TEST(kernel_api),
	KTAP_TEST(destroyed_under_session),
};

KTAP_MAIN(tests)
