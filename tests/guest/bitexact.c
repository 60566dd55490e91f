// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's inference against the same source in user space, through the
 * device: random models of each kind, random and extreme features, damaged files. The
 * scores, the action, the prediction and each reason of refusal must be the same, bit for
 * bit and word for word.
 *
 * guest-test: timeout=240 modules=mlproxy_synth debug=thorough
 */
#include "mlp_gen.h"
#include "model.h"
#include "ref_mlp.h"
#include "ref_tree.h"
#include "tree_gen.h"
#include "util.h"

#define PROXY "synth"

struct target {
	int fd;
	struct mlp_limits limits;
};

static struct target target_open(void)
{
	struct mlproxy_schema schema = { .size = sizeof(schema) };
	struct target t = { .fd = dev_bound(PROXY) };

	EXPECT_RET(xioctl(t.fd, MLPROXY_IOC_SCHEMA, &schema), -ENOBUFS);
	t.limits = (struct mlp_limits) {
		.schema_hash = schema.schema_hash,
		.nr_features = schema.nr_features,
		.nr_actions = schema.nr_actions,
		.max_macs = schema.max_macs,
	};
	ASSERT(t.limits.nr_features && t.limits.nr_features <= MLPROXY_MAX_FEATURES);
	return t;
}

/* What make_model() makes now. */
static u32 kind = MLPROXY_MODEL_KIND_MLP;

/* A random model, verified here; 8-byte aligned, to be freed. */
static void *make_model(struct rng *rng, const struct target *t, struct model *model, size_t *len)
{
	struct mlp_report report;
	void *data;

	if (kind == MLPROXY_MODEL_KIND_TREES)
		ASSERT_EQ(tree_random_model(rng, &t->limits, &data, len), 0);
	else
		ASSERT_EQ(mlp_random_model(rng, &t->limits, &data, len), 0);
	ASSERT(!model_verify(data, *len, &t->limits, model, &report), "(%s)", report.text);
	return data;
}

static void random_features(struct rng *rng, const struct model *model, s64 *features, u32 nr)
{
	if (model->kind == MLPROXY_MODEL_KIND_TREES)
		tree_random_features(rng, &model->trees, features, nr);
	else
		mlp_random_features(rng, &model->mlp, features, nr);
}

/* One evaluation in the kernel and here. */
static void compare(const struct target *t, const struct model *model, u32 flags, u32 version,
		    const s64 *features, u32 baseline, u32 allowed)
{
	struct mlproxy_model_eval cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.features = (uintptr_t)features,
		.nr_features = t->limits.nr_features,
		.baseline = baseline,
		.allowed = allowed,
	};
	s32 out[MLPROXY_MAX_ACTIONS];
	u32 action, o;

	ASSERT_RET(xioctl(t->fd, MLPROXY_IOC_MODEL_EVAL, &cmd), 0);
	model_eval(model, features, out);
	action = model_choose(model, out, baseline, allowed);
	EXPECT_EQ(cmd.nr_outputs, t->limits.nr_actions);
	EXPECT_EQ(cmd.version, version);
	for (o = 0; o < t->limits.nr_actions; o++)
		EXPECT(cmd.outputs[o] == out[o], "(output %u: kernel %d, here %d)", o,
		       cmd.outputs[o], out[o]);
	EXPECT(cmd.action == action, "(kernel %u, here %u)", cmd.action, action);
	EXPECT(cmd.predicted == model_predict(model, out[action]), "(kernel %lld)",
	       (long long)cmd.predicted);
}

static void compare_random(const struct target *t, struct rng *rng, const struct model *model,
			   u32 flags, u32 version, unsigned int times)
{
	u32 all = (1U << t->limits.nr_actions) - 1;
	s64 features[MLPROXY_MAX_FEATURES];

	while (times--) {
		u32 baseline = rng_below(rng, t->limits.nr_actions);
		u32 allowed = ((u32)rng_u64(rng) & all) | 1U << baseline;

		random_features(rng, model, features, t->limits.nr_features);
		compare(t, model, flags, version, features, baseline, allowed);
	}
}

static void compare_models(unsigned long nr)
{
	struct target t = target_open();
	struct rng rng = rng_seed(2024);
	unsigned long i;

	for (i = 0; i < nr; i++) {
		struct mlproxy_model_load load;
		struct model model;
		size_t len;
		void *data = make_model(&rng, &t, &model, &len);

		ASSERT_RET(dev_model_load(t.fd, data, len, &load), 0);
		EXPECT_EQ(load.macs, model_cost(&model));
		EXPECT_EQ(load.reason, MLPROXY_REFUSED_NONE);
		compare_random(&t, &rng, &model, MLPROXY_EVAL_F_STANDBY, load.version, 20);
		free(data);
		if (ktap_failures) {
			ktap_note("model %lu differs", i);
			return;
		}
	}
	ktap_note("%lu models, 20 evaluations each", nr);
}

static void random_models(void)
{
	compare_models(scaled(600));
}

static void random_trees(void)
{
	kind = MLPROXY_MODEL_KIND_TREES;
	compare_models(scaled(600));
	kind = MLPROXY_MODEL_KIND_MLP;
}

/* The largest shapes that the proxy allows, and every sum at its largest. */
static void largest_models(void)
{
	static const s8 ends[] = { -128, 127 };
	struct target t = target_open();
	u32 nr_out = t.limits.nr_actions, width = MLPROXY_MODEL_MAX_WIDTH, nr_in, c, f, i;

	/* as many inputs as fit beside the second layer */
	nr_in = (t.limits.max_macs - width * nr_out) / width;
	nr_in = nr_in < MLPROXY_MODEL_MAX_INPUTS ? nr_in : MLPROXY_MODEL_MAX_INPUTS;
	for (c = 0; c < 4; c++) {
		struct mlproxy_model_input in[MLPROXY_MODEL_MAX_INPUTS];
		static s8 w[2][MLPROXY_MODEL_MAX_WIDTH * MLPROXY_MODEL_MAX_WIDTH];
		static s32 bias[2][MLPROXY_MODEL_MAX_WIDTH];
		struct mlp_spec_layer layers[2] = {
			{ nr_in, width, 0, 1, 0, bias[0], w[0] },
			{ width, nr_out, 0, 0, 0, bias[1], w[1] },
		};
		struct mlp_spec spec = {
			.schema_hash = t.limits.schema_hash, .name = "largest",
			.out_mul = S32_MIN, .out_offset = -(1LL << 46),
			.nr_inputs = nr_in, .inputs = in, .nr_layers = 2, .layers = layers,
		};
		s64 features[MLPROXY_MAX_FEATURES];
		struct mlproxy_model_load load;
		struct mlp_report report;
		struct model model;
		size_t len;
		void *data;

		for (i = 0; i < nr_in; i++)
			in[i] = (struct mlproxy_model_input){
				.clamp_min = -128, .clamp_max = 127, .mul = 1,
				.feature = i % t.limits.nr_features,
			};
		memset(w[0], ends[c & 1], sizeof(w[0]));
		memset(w[1], ends[c >> 1], sizeof(w[1]));
		/* within 2^21 of the ends, where the widest sum just fits */
		for (i = 0; i < width; i++)
			bias[1][i] = i & 1 ? S32_MAX - (1 << 21) : S32_MIN + (1 << 21);
		ASSERT_EQ(mlp_build(&spec, &data, &len), 0);
		ASSERT(!model_verify(data, len, &t.limits, &model, &report), "(%s)", report.text);
		ASSERT_RET(dev_model_load(t.fd, data, len, &load), 0);
		for (f = 0; f < 2; f++) {
			for (i = 0; i < t.limits.nr_features; i++)
				features[i] = f ? S64_MAX : S64_MIN;
			compare(&t, &model, MLPROXY_EVAL_F_STANDBY, load.version, features, 0,
				(1U << nr_out) - 1);
		}
		free(data);
	}
}

/* Against the definition itself, not only against the same source. */
static void compare_reference(void)
{
	struct target t = target_open();
	struct rng rng = rng_seed(7);
	unsigned long i;

	for (i = 0; i < scaled(200); i++) {
		int64_t want[MLPROXY_MODEL_MAX_WIDTH];
		s64 features[MLPROXY_MAX_FEATURES];
		struct mlproxy_model_load load;
		struct model model;
		size_t len;
		void *data = make_model(&rng, &t, &model, &len);
		struct mlproxy_model_eval cmd = {
			.size = sizeof(cmd), .flags = MLPROXY_EVAL_F_STANDBY,
			.features = (uintptr_t)features, .nr_features = t.limits.nr_features,
			.allowed = (1U << t.limits.nr_actions) - 1,
		};
		u32 o;

		ASSERT_RET(dev_model_load(t.fd, data, len, &load), 0);
		random_features(&rng, &model, features, t.limits.nr_features);
		ASSERT_RET(xioctl(t.fd, MLPROXY_IOC_MODEL_EVAL, &cmd), 0);
		if (kind == MLPROXY_MODEL_KIND_TREES)
			ref_tree_eval(data, features, want);
		else
			ref_eval(data, features, want);
		for (o = 0; o < t.limits.nr_actions; o++)
			EXPECT_EQ(cmd.outputs[o], want[o]);
		EXPECT_EQ(cmd.action, ref_choose(data, want, 0, cmd.allowed));
		EXPECT(cmd.predicted == ref_predict(data, want[cmd.action]));
		free(data);
	}
}

static void reference(void)
{
	compare_reference();
	kind = MLPROXY_MODEL_KIND_TREES;
	compare_reference();
	kind = MLPROXY_MODEL_KIND_MLP;
}

/* After activation and rollback each slot still holds the model it should. */
static void both_slots(void)
{
	struct target t = target_open();
	struct rng rng = rng_seed(99);
	struct mlproxy_model_load load[2];
	struct model model[2];
	size_t len[2];
	void *data[2];
	int i;

	dev_model_ctl(t.fd, MLPROXY_MODEL_OP_UNLOAD, 0);
	for (i = 0; i < 2; i++) {
		kind = i ? MLPROXY_MODEL_KIND_TREES : MLPROXY_MODEL_KIND_MLP;
		data[i] = make_model(&rng, &t, &model[i], &len[i]);
		ASSERT_RET(dev_model_load(t.fd, data[i], len[i], &load[i]), 0);
		ASSERT_EQ(dev_model_ctl(t.fd, MLPROXY_MODEL_OP_ACTIVATE, load[i].version),
			  load[i].version);
	}
	kind = MLPROXY_MODEL_KIND_MLP;
	compare_random(&t, &rng, &model[1], 0, load[1].version, 50);
	compare_random(&t, &rng, &model[0], MLPROXY_EVAL_F_STANDBY, load[0].version, 50);
	ASSERT_EQ(dev_model_ctl(t.fd, MLPROXY_MODEL_OP_ROLLBACK, 0), load[0].version);
	compare_random(&t, &rng, &model[0], 0, load[0].version, 50);
	compare_random(&t, &rng, &model[1], MLPROXY_EVAL_F_STANDBY, load[1].version, 50);
	ASSERT_RET(dev_model_ctl(t.fd, MLPROXY_MODEL_OP_UNLOAD, 0), 0);
	for (i = 0; i < 2; i++)
		free(data[i]);
}

/* The device and model_verify() say the same of a file. Return the reason. */
static u32 same_verdict(const struct target *t, const void *file, size_t len)
{
	struct mlproxy_model_load load;
	struct mlp_report report;
	struct model model;
	int want = model_verify(file, len, &t->limits, &model, &report);

	EXPECT_RET(dev_model_load(t->fd, file, len, &load), want);
	EXPECT_EQ(load.reason, report.reason);
	EXPECT_EQ(load.arg, report.arg);
	EXPECT(!strcmp(load.text, report.text), "(kernel \"%s\", here \"%s\")", load.text,
	       report.text);
	if (!want) {
		struct rng rng = rng_seed(len);

		EXPECT_EQ(load.macs, model_cost(&model));
		compare_random(t, &rng, &model, MLPROXY_EVAL_F_STANDBY, load.version, 2);
	}
	return report.reason;
}

/* One file for every reason there is. */
static void each_refusal(void)
{
	struct target t = target_open();
	struct mlproxy_model_input in = { .clamp_max = 100, .mul = 1 };
	s32 bias[MLPROXY_MODEL_MAX_WIDTH] = {};
	static s8 w[MLPROXY_MODEL_MAX_WIDTH * MLPROXY_MODEL_MAX_WIDTH];
	struct mlp_spec_layer wide[MLPROXY_MODEL_MAX_LAYERS];
	struct mlp_spec_layer layer = { 1, t.limits.nr_actions, 0, 0, 0, bias, w };
	struct mlp_spec spec = {
		.schema_hash = t.limits.schema_hash, .name = "refused",
		.nr_inputs = 1, .inputs = &in, .nr_layers = 1, .layers = &layer,
	};
	struct mlproxy_model_hdr *hdr;
	struct mlproxy_model_input *fin;
	struct mlproxy_model_layer *flayer;
	u32 seen = 0, l;
	void *data, *file;
	size_t len;

	w[0] = 1;
	ASSERT_EQ(mlp_build(&spec, &data, &len), 0);
	file = malloc(len);
	ASSERT(file);
	hdr = file;
	fin = (void *)(hdr + 1);
	flayer = (void *)(fin + 1);
#define CHANGED(change, want) do {				\
	memcpy(file, data, len);				\
	change;							\
	mlp_seal(file, len);					\
	EXPECT_EQ(same_verdict(&t, file, len), want);		\
	seen |= 1U << (want);					\
} while (0)
	CHANGED(, MLPROXY_REFUSED_NONE);
	CHANGED(hdr->total_len += 8, MLPROXY_REFUSED_LENGTH);
	CHANGED(hdr->magic ^= 1, MLPROXY_REFUSED_MAGIC);
	CHANGED(hdr->format = 9, MLPROXY_REFUSED_FORMAT);
	CHANGED(hdr->kind = 9, MLPROXY_REFUSED_KIND);
	CHANGED(hdr->reserved[2] = 1, MLPROXY_REFUSED_RESERVED);
	CHANGED(hdr->schema_hash++, MLPROXY_REFUSED_SCHEMA);
	CHANGED(hdr->nr_layers = 9, MLPROXY_REFUSED_SHAPE);
	CHANGED(flayer->nr_in = 2, MLPROXY_REFUSED_CHAIN);
	CHANGED(flayer->bias_offset = 0xfffffff8, MLPROXY_REFUSED_OFFSET);
	CHANGED(fin->feature = 65535, MLPROXY_REFUSED_INPUT);
	CHANGED(fin->shift = 47, MLPROXY_REFUSED_SCALE);
	CHANGED(memset((char *)file + flayer->bias_offset, 0x7f, 4), MLPROXY_REFUSED_NONE);
	CHANGED(*(s32 *)((char *)file + flayer->bias_offset) = S32_MAX - 99,
		MLPROXY_REFUSED_OVERFLOW);
	CHANGED(*(s32 *)((char *)file + flayer->bias_offset) = S32_MAX - 100,
		MLPROXY_REFUSED_NONE);
	CHANGED(flayer->flags = 2, MLPROXY_REFUSED_FLAGS);
	CHANGED(memset(hdr->name, 'n', 32), MLPROXY_REFUSED_NAME);
#undef CHANGED
	memcpy(file, data, len);
	hdr->crc32 ^= 1;
	EXPECT_EQ(same_verdict(&t, file, len), MLPROXY_REFUSED_CHECKSUM);
	seen |= 1U << MLPROXY_REFUSED_CHECKSUM;
	free(file);
	free(data);

	/* dearer than any proxy may allow */
	for (l = 0; l < MLPROXY_MODEL_MAX_LAYERS; l++)
		wide[l] = (struct mlp_spec_layer){
			l ? MLPROXY_MODEL_MAX_WIDTH : 1,
			l < MLPROXY_MODEL_MAX_LAYERS - 1 ? MLPROXY_MODEL_MAX_WIDTH :
							   t.limits.nr_actions,
			0, l < MLPROXY_MODEL_MAX_LAYERS - 1, 0, bias, w,
		};
	spec.nr_layers = MLPROXY_MODEL_MAX_LAYERS;
	spec.layers = wide;
	ASSERT_EQ(mlp_build(&spec, &data, &len), 0);
	EXPECT_EQ(same_verdict(&t, data, len), MLPROXY_REFUSED_COST);
	seen |= 1U << MLPROXY_REFUSED_COST;
	free(data);
	/* those of trees follow them */
	EXPECT_EQ(seen, (1U << MLPROXY_REFUSED_TREE) - 1);
}

/* Every prefix of a file, and lengths that the device itself refuses. */
static void truncated_files(void)
{
	struct target t = target_open();
	struct rng rng = rng_seed(5);
	struct mlproxy_model_load load;
	struct model model;
	size_t len, n;
	void *data = make_model(&rng, &t, &model, &len);

	for (n = 1; n < len; n += 1 + n / 64)
		EXPECT_EQ(same_verdict(&t, data, n), MLPROXY_REFUSED_LENGTH);
	EXPECT_RET(dev_model_load(t.fd, data, 0, &load), -EINVAL);
	EXPECT_RET(dev_model_load(t.fd, data, MLPROXY_MODEL_MAX_BYTES + 8, &load), -EINVAL);
	EXPECT_RET(dev_model_load(t.fd, data, U32_MAX, &load), -EINVAL);
	EXPECT_RET(dev_model_load(t.fd, NULL, len, &load), -EFAULT);
	free(data);
}

/* Damaged files with a checksum that is right again. */
static void compare_damaged(unsigned long nr)
{
	struct target t = target_open();
	struct rng rng = rng_seed(12345);
	unsigned long refused = 0, i;
	void *good = NULL;
	size_t len = 0;
	u8 *file = NULL;

	for (i = 0; i < nr; i++) {
		u32 changes = 1 + rng_below(&rng, 3);

		if (i % 100 == 0) {
			struct model model;

			free(good);
			free(file);
			good = make_model(&rng, &t, &model, &len);
			file = malloc(len);
			ASSERT(file);
		}
		memcpy(file, good, len);
		while (changes--) {
			u32 end = rng_below(&rng, 4) && len > 500 ? 500 : (u32)len;

			file[rng_below(&rng, end)] = (u8)rng_u64(&rng);
		}
		((struct mlproxy_model_hdr *)file)->total_len = (u32)len;
		mlp_seal(file, len);
		refused += same_verdict(&t, file, len) != MLPROXY_REFUSED_NONE;
		if (ktap_failures) {
			ktap_note("file %lu differs", i);
			return;
		}
	}
	ktap_note("%lu damaged files, %lu refused", nr, refused);
	EXPECT(refused > nr / 10);
	EXPECT(refused < nr);
	free(good);
	free(file);
}

static void damaged_files(void)
{
	compare_damaged(scaled(10000));
	kind = MLPROXY_MODEL_KIND_TREES;
	compare_damaged(scaled(5000));
	kind = MLPROXY_MODEL_KIND_MLP;
}

/* The shape of trees, a change each: one verdict here and there. */
static void each_refusal_of_trees(void)
{
	static const struct tree_spec_node nodes[] = {
		{ 0, 1, 2, 5, 0 }, { 0, 3, 4, 2, 0 }, { -1, 0, 0, 0, 7 }, { -1, 0, 0, 0, 8 },
		{ -1, 0, 0, 0, 9 },
	};
	struct target t = target_open();
	struct tree_spec_tree trees[] = { { 0, 5, nodes }, { 1, 1, nodes + 2 } };
	struct tree_spec spec = {
		.schema_hash = t.limits.schema_hash, .name = "trees", .nr_trees = 2,
		.nr_features = t.limits.nr_features, .nr_outputs = t.limits.nr_actions,
		.trees = trees,
	};
	struct mlproxy_model_hdr *hdr;
	struct mlproxy_model_tree *tree;
	struct mlproxy_model_node *node;
	void *data, *file;
	size_t len;

	ASSERT_EQ(tree_build(&spec, &data, &len), 0);
	file = malloc(len);
	ASSERT(file);
	hdr = file;
	tree = (void *)(hdr + 1);
	node = (void *)(tree + 2);
#define CHANGED(change, want) do {				\
	memcpy(file, data, len);				\
	change;							\
	mlp_seal(file, len);					\
	EXPECT_EQ(same_verdict(&t, file, len), want);		\
} while (0)
	CHANGED(, MLPROXY_REFUSED_NONE);
	CHANGED(hdr->nr_layers = 0, MLPROXY_REFUSED_SHAPE);
	CHANGED(hdr->nr_inputs++, MLPROXY_REFUSED_SHAPE);
	CHANGED(hdr->nr_layers = 1024, MLPROXY_REFUSED_LENGTH);
	CHANGED(tree[1].reserved = 1, MLPROXY_REFUSED_RESERVED);
	CHANGED(tree[1].output = t.limits.nr_actions, MLPROXY_REFUSED_TREE);
	CHANGED(tree[0].depth = 1, MLPROXY_REFUSED_TREE);
	CHANGED(tree[0].depth = 65535, MLPROXY_REFUSED_TREE);
	CHANGED(tree[1].first_node = 0, MLPROXY_REFUSED_TREE);
	CHANGED(tree[1].nr_nodes = 2, MLPROXY_REFUSED_TREE);
	CHANGED(node[0].feature = t.limits.nr_features, MLPROXY_REFUSED_NODE);
	CHANGED(node[1].child = 0, MLPROXY_REFUSED_NODE);
	CHANGED(node[1].child = 65535, MLPROXY_REFUSED_NODE);
	CHANGED(node[2].child = 1, MLPROXY_REFUSED_NODE);
	CHANGED(node[1] = node[2], MLPROXY_REFUSED_NODE);
	CHANGED(node[2].value = S32_MIN, MLPROXY_REFUSED_OVERFLOW);
	CHANGED(hdr->kind = MLPROXY_MODEL_KIND_MLP, MLPROXY_REFUSED_LENGTH);
#undef CHANGED
	free(file);
	free(data);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(random_models),
	KTAP_TEST(random_trees),
	KTAP_TEST(largest_models),
	KTAP_TEST(reference),
	KTAP_TEST(both_slots),
	KTAP_TEST(each_refusal),
	KTAP_TEST(each_refusal_of_trees),
	KTAP_TEST(truncated_files),
	KTAP_TEST(damaged_files),
};

KTAP_MAIN(tests)
