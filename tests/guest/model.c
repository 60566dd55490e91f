// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model slots: load, activate, roll back, unload, in every order; the reasons of
 * refusals; and swaps under a load of decisions. That each model computes what it
 * should is bitexact.c's part.
 *
 * guest-test: timeout=300
 */
#include <signal.h>

#include "mlp_build.h"
#include "tree_build.h"
#include "util.h"

#define UNIT "decision"
#define PROXY "ctx-decision"

static int fd;
static struct mlproxy_model_info slots;

static void begin(void)
{
	fd = dev_bound(PROXY);
	dev_fresh(fd);
}

/* Load a model that prefers @best; its version. */
static uint32_t load(unsigned int best)
{
	struct mlproxy_model_load cmd;
	uint32_t len;
	void *model = model_constant(fd, best, &len);

	ASSERT_RET(dev_model_load(fd, model, len, &cmd), 0);
	EXPECT(cmd.version && cmd.macs == 4 && cmd.reason == MLPROXY_REFUSED_NONE);
	free(model);
	return cmd.version;
}

#define ctl(op, version) dev_model_ctl(fd, MLPROXY_MODEL_OP_##op, version)

static void expect_slots(uint32_t active, uint32_t standby)
{
	slots = (struct mlproxy_model_info) { .size = sizeof(slots) };
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_MODEL_INFO, &slots), 0);
	EXPECT_EQ(slots.active_version, active);
	EXPECT_EQ(slots.standby_version, standby);
	EXPECT_EQ(!slots.active_version, !slots.active_macs);
	EXPECT_EQ(!slots.active_version, !slots.active_bytes);
	EXPECT_EQ(!slots.standby_version, !slots.standby_bytes);
	EXPECT_EQ(!slots.active_version, !slots.active_name[0]);
}

static void sequences(void)
{
	uint32_t a, b, c;

	begin();
	expect_slots(0, 0);
	EXPECT_EQ(ctl(ACTIVATE, 0), -ENOENT);
	EXPECT_EQ(ctl(ROLLBACK, 0), -ENOENT);
	EXPECT_EQ(ctl(UNLOAD, 0), 0);

	a = load(0);
	expect_slots(0, a);
	EXPECT_EQ(ctl(ROLLBACK, 0), -ENOENT);
	EXPECT_EQ(ctl(ACTIVATE, a + 1), -ENOENT);
	expect_slots(0, a);
	EXPECT_EQ(ctl(ACTIVATE, a), a);
	expect_slots(a, 0);
	EXPECT_EQ(ctl(ACTIVATE, 0), -ENOENT);
	/* Back to none, and forth. */
	EXPECT_EQ(ctl(ROLLBACK, 0), 0);
	expect_slots(0, a);
	EXPECT_EQ(ctl(ROLLBACK, 0), -ENOENT);
	EXPECT_EQ(ctl(ACTIVATE, 0), a);

	b = load(1);
	EXPECT(b > a);
	expect_slots(a, b);
	/* The slot to go back to is taken. */
	EXPECT_EQ(ctl(ROLLBACK, 0), -ENOENT);
	EXPECT_EQ(ctl(ACTIVATE, b), b);
	expect_slots(b, a);
	EXPECT_EQ(ctl(ROLLBACK, b), -ENOENT);
	EXPECT_EQ(ctl(ROLLBACK, a), a);
	expect_slots(a, b);
	EXPECT_EQ(ctl(ROLLBACK, 0), -ENOENT);
	EXPECT_EQ(ctl(ACTIVATE, b), b);

	/* A new one drops the old standby. */
	c = load(2);
	EXPECT(c > b);
	expect_slots(b, c);
	EXPECT_EQ(ctl(ACTIVATE, a), -ENOENT);
	EXPECT_EQ(ctl(UNLOAD, 0), 0);
	expect_slots(0, 0);
	EXPECT_EQ(ctl(ACTIVATE, 0), -ENOENT);
	EXPECT_EQ(ctl(ROLLBACK, 0), -ENOENT);
	EXPECT(load(3) > c);
	dev_fresh(fd);
	expect_slots(0, 0);
	EXPECT(load(3) > c + 1);
}

/* A tree beside a perceptron: each slot says its kind, and each is swapped alike. */
static void kinds(void)
{
	static const struct tree_spec_node leaf = { -1, 0, 0, 0, 100 };
	const struct tree_spec_tree tree = { 2, 1, &leaf };
	struct mlproxy_schema schema = { .size = sizeof(schema) };
	struct tree_spec spec = { .name = "leaf", .nr_trees = 1, .trees = &tree };
	struct mlproxy_info info = { .size = sizeof(info) };
	struct mlproxy_model_load cmd;
	uint32_t mlp;
	size_t len;
	void *file;

	begin();
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_INFO, &info), 0);
	EXPECT(info.features & MLPROXY_FEAT_MODEL_TREES);
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_SCHEMA, &schema), -ENOBUFS);
	spec.schema_hash = schema.schema_hash;
	spec.nr_features = schema.nr_features;
	spec.nr_outputs = schema.nr_actions;
	ASSERT_EQ(tree_build(&spec, &file, &len), 0);
	mlp = load(1);
	ctl(ACTIVATE, mlp);
	ASSERT_RET(dev_model_load(fd, file, len, &cmd), 0);
	EXPECT_EQ(cmd.macs, MLPROXY_MODEL_MACS_PER_NODE);
	expect_slots(mlp, cmd.version);
	EXPECT_EQ(slots.active_kind, MLPROXY_MODEL_KIND_MLP);
	EXPECT_EQ(slots.standby_kind, MLPROXY_MODEL_KIND_TREES);
	EXPECT_EQ(ctl(ACTIVATE, cmd.version), cmd.version);
	expect_slots(cmd.version, mlp);
	EXPECT_EQ(slots.active_kind, MLPROXY_MODEL_KIND_TREES);
	EXPECT_EQ(slots.standby_kind, MLPROXY_MODEL_KIND_MLP);
	EXPECT_EQ(slots.active_macs, MLPROXY_MODEL_MACS_PER_NODE);
	EXPECT_EQ(ctl(ROLLBACK, 0), mlp);
	free(file);
}

static void note_change(const struct mlproxy_rec_hdr *rec, void *arg)
{
	const struct mlproxy_rec_change *c = (const void *)rec;
	uint32_t **out = arg;

	*(*out)++ = c->from;
	*(*out)++ = c->to;
	*(*out)++ = c->reason;
}

static void recorded(void)
{
	struct mlproxy_ring_setup setup;
	uint32_t got[64], *end = got, a, b;
	struct ring ring;

	pin_to(0);
	begin();
	ASSERT_RET(ring_setup(fd, 4096, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_MODEL), &setup), 0);
	ASSERT_RET(ring_map(fd, &setup, 0, &ring), 0);
	a = load(1);
	ctl(ACTIVATE, 0);
	b = load(2);
	ctl(ACTIVATE, 0);
	ctl(ROLLBACK, 0);
	ctl(UNLOAD, 0);
	ring_consume(&ring, 0, note_change, &end);
	{
		const uint32_t want[] = {
			0, a, MLPROXY_MODEL_OP_ACTIVATE, a, b, MLPROXY_MODEL_OP_ACTIVATE,
			b, a, MLPROXY_MODEL_OP_ROLLBACK, a, 0, MLPROXY_MODEL_OP_UNLOAD,
		};

		ASSERT_EQ(end - got, (long)ARRAY_SIZE(want));
		EXPECT(!memcmp(got, want, sizeof(want)));
	}
}

/* What one changed field of a good model is refused for. */
static void refuse(const char *what, void *model, uint32_t len, uint32_t reason)
{
	struct mlproxy_model_load cmd;
	int ret;

	mlp_seal(model, len);
	ret = dev_model_load(fd, model, len, &cmd);
	EXPECT(ret == -EBADMSG && cmd.reason == reason && cmd.text[0] && !cmd.version,
	       "(%s: %d, reason %u \"%s\", expected %u)", what, ret, cmd.reason, cmd.text,
	       reason);
}

#define REFUSE(_field, _value, _reason) do {					\
	uint32_t __len;								\
	struct mlproxy_model_hdr *hdr = model_constant(fd, 1, &__len);		\
	struct mlproxy_model_input *input = (void *)(hdr + 1);			\
	struct mlproxy_model_layer *layer = (void *)(input + 1);		\
										\
	(void)layer;								\
	_field = _value;							\
	refuse(#_field, hdr, __len, MLPROXY_REFUSED_##_reason);			\
	free(hdr);								\
} while (0)

static void refusals(void)
{
	begin();
	load(2);
	REFUSE(hdr->magic, 1, MAGIC);
	REFUSE(hdr->format, 2, FORMAT);
	REFUSE(hdr->kind, 9, KIND);
	REFUSE(hdr->total_len, hdr->total_len + 8, LENGTH);
	REFUSE(hdr->schema_hash, hdr->schema_hash + 1, SCHEMA);
	REFUSE(hdr->reserved[3], 1, RESERVED);
	REFUSE(hdr->nr_outputs, 3, SHAPE);
	REFUSE(hdr->nr_inputs, 65, SHAPE);
	REFUSE(hdr->nr_layers, 0, SHAPE);
	REFUSE(hdr->margin, -1, SCALE);
	REFUSE(memset(hdr->name, 'x', 32); input->reserved, 0, NAME);
	REFUSE(input->feature, 2, INPUT);
	REFUSE(input->op, MLPROXY_NR_INPUT_OPS, INPUT);
	REFUSE(input->mul, 40000, SCALE);
	REFUSE(layer->bias_offset, 0xfffffff8, OFFSET);
	REFUSE(layer->weight_offset, layer->weight_offset + 1, OFFSET);
	REFUSE(layer->flags, 2, FLAGS);
	REFUSE(layer->mul, 1, SCALE);
	/* None of them touched the slots. */
	slots = (struct mlproxy_model_info) { .size = sizeof(slots) };
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_MODEL_INFO, &slots), 0);
	EXPECT(slots.standby_version && !slots.active_version);
}

static void damaged(void)
{
	struct mlproxy_model_load cmd;
	uint32_t len, i;
	uint8_t *model;

	begin();
	model = model_constant(fd, 1, &len);
	for (i = 16; i < len; i++) {
		model[i] ^= 1U << (i % 8);
		EXPECT_RET(dev_model_load(fd, model, len, &cmd), -EBADMSG);
		EXPECT_EQ(cmd.reason, MLPROXY_REFUSED_CHECKSUM);
		model[i] ^= 1U << (i % 8);
	}
	for (i = 1; i < len; i += 7)
		EXPECT_RET(dev_model_load(fd, model, i, &cmd), -EBADMSG);
	EXPECT_RET(dev_model_load(fd, model, len, &cmd), 0);
}

/* Every decision follows the model, and says which one. */
struct seen {
	uint32_t versions[2];
	uint32_t actions[2];
	uint64_t count[2];
	uint64_t none;
};

static void check_source(const struct mlproxy_rec_hdr *rec, void *arg)
{
	const struct mlproxy_rec_decision *d = (const void *)rec;
	struct seen *s = arg;
	unsigned int i;

	if (d->source == MLPROXY_SRC_BASELINE && !d->model_version) {
		s->none++;
		return;
	}
	for (i = 0; i < 2; i++)
		if (d->model_version == s->versions[i])
			break;
	ASSERT(i < 2, "(version %u)", d->model_version);
	s->count[i]++;
	/* The whole of one model, never parts of two. */
	EXPECT(d->action == s->actions[i] && d->predicted == 1000 &&
	       d->source == MLPROXY_SRC_MODEL);
}

/* Swap the two models for ever. */
static pid_t swapper(void)
{
	pid_t pid = ktap_fork();

	if (pid)
		return pid;
	for (;;)
		if (ctl(ACTIVATE, 0) <= 0)
			_exit(KTAP_FAIL);
}

static void swaps_under_load(void)
{
	struct mlproxy_ring_setup setup;
	struct ring rings[32];
	struct seen seen = { .actions = { 1, 2 } };
	unsigned int cpu, loads = 1;
	pid_t pid, swaps;
	int status;

	begin();
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SHARE, MLPROXY_MODE_RECOMMENDATION,
				 MLPROXY_SHARE_ONE), 0);
	ASSERT_RET(dev_set_mode(fd, MLPROXY_MODE_RECOMMENDATION), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ring_setup(fd, 1 << 18, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_DECISION),
			      &setup), 0);
	for (cpu = 0; cpu < nr_cpus(); cpu++)
		ASSERT_RET(ring_map(fd, &setup, cpu, &rings[cpu]), 0);
	seen.versions[0] = load(1);
	ASSERT(ctl(ACTIVATE, 0) > 0);
	seen.versions[1] = load(2);
	swaps = swapper();
	pid = load_start(UNIT, "task", scaled(100000), 1);
	while (load_running(&pid)) {
		for (cpu = 0; cpu < nr_cpus(); cpu++)
			ring_consume(&rings[cpu], 0, check_source, &seen);
		/* The swapper needs the other CPU more than we do; on a busy host it may wait. */
		sleep_ms(10);
		if (!load_running(&pid) && !(seen.count[0] && seen.count[1]) && loads++ < 20)
			pid = load_start(UNIT, "task", scaled(100000), 1);
	}
	EXPECT_EQ(waitpid(swaps, &status, WNOHANG), 0);
	kill(swaps, SIGKILL);
	waitpid(swaps, &status, 0);
	for (cpu = 0; cpu < nr_cpus(); cpu++) {
		ring_consume(&rings[cpu], 0, check_source, &seen);
		ring_check(fd, cpu, &rings[cpu]);
	}
	EXPECT(seen.count[0] && seen.count[1]);
	EXPECT_EQ(seen.none, 0);
	EXPECT_EQ(ctx_get("violations"), 0);
}

/* Load, activate, unload all the time, with actions restricted at random. */
static void churn_under_load(void)
{
	struct mlproxy_stats stats;
	unsigned int i;
	pid_t pid;

	begin();
	ASSERT_RET(dev_set_mode(fd, MLPROXY_MODE_RECOMMENDATION), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT(!ctx_set("masks", 1));
	pid = load_start(UNIT, "mixed", scaled(50000), online_mask());
	for (i = 0; load_running(&pid); i++) {
		load(i % 4);
		EXPECT(ctl(ACTIVATE, 0) > 0);
		if (i % 3 == 0)
			EXPECT_EQ(ctl(UNLOAD, 0), 0);
	}
	ctx_set("masks", 0);
	EXPECT_EQ(ctx_get("violations"), 0);
	dev_stats(fd, &stats);
	EXPECT(stats.by_source[MLPROXY_SRC_MODEL] > 0 && i > 2);
	EXPECT_EQ(stats.bad_calls, 0);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(sequences),
	KTAP_TEST(kinds),
	KTAP_TEST(recorded),
	KTAP_TEST(refusals),
	KTAP_TEST(damaged),
	KTAP_TEST(swaps_under_load),
	KTAP_TEST(churn_under_load),
};

KTAP_MAIN(tests)
