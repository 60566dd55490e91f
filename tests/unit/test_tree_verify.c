// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verifier of trees: each reason of refusal by one change to a valid file,
 * limits at their boundary, and damaged files, which must be refused or be sound.
 */
#include "unit.h"
#include "mlp_build.h"
#include "model.h"
#include "ref_mlp.h"
#include "ref_tree.h"
#include "tree_gen.h"

#define SCHEMA_HASH	0x0123456789abcdefULL
#define NR_FEATURES	4
#define NR_ACTIONS	3
#define NR_TREES	3
#define FIRST		(sizeof(struct mlproxy_model_hdr) + \
			 NR_TREES * sizeof(struct mlproxy_model_tree))

static const struct mlp_limits limits = {
	.schema_hash = SCHEMA_HASH, .nr_features = NR_FEATURES, .nr_actions = NR_ACTIONS,
	.max_macs = MLPROXY_MODEL_MACS_PER_NODE * (3 + 1 + 2),
};

/* Of depth 2, 0 and 1; five, one and three nodes. */
static const struct tree_spec_node deep[] = {
	{ 0, 3, 1, 100, 0 }, { 1, 2, 4, -7, 0 }, { -1, 0, 0, 0, -5 },
	{ -1, 0, 0, 0, 9 }, { -1, 0, 0, 0, 30 },
};
static const struct tree_spec_node leaf[] = { { -1, 0, 0, 0, 12 } };
static const struct tree_spec_node stump[] = {
	{ 3, 1, 2, S64_MIN, 0 }, { -1, 0, 0, 0, 1 }, { -1, 0, 0, 0, 2 },
};

struct sample {
	union {
		void *data;
		struct mlproxy_model_hdr *hdr;
	};
	size_t len;
	struct mlproxy_model_tree *tree;
	struct mlproxy_model_node *node;
};

static int setup(void **state)
{
	static const struct tree_spec_tree trees[NR_TREES] = {
		{ 0, 5, deep }, { 2, 1, leaf }, { 0, 3, stump },
	};
	static const struct tree_spec spec = {
		.schema_hash = SCHEMA_HASH, .name = "sample", .margin = 5, .out_mul = 3,
		.out_shift = 2, .out_offset = 1000, .nr_features = NR_FEATURES,
		.nr_outputs = NR_ACTIONS, .nr_trees = NR_TREES, .trees = trees,
	};
	struct sample *s = calloc(1, sizeof(*s));

	if (!s || tree_build(&spec, &s->data, &s->len))
		return -1;
	s->tree = (void *)(s->hdr + 1);
	s->node = (void *)(s->tree + NR_TREES);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct sample *s = *state;

	free(s->data);
	free(s);
	return 0;
}

/* Verify a heap copy of exactly @len bytes, so that reading past it is found. */
static int verify_exact(const void *data, size_t len, const struct mlp_limits *lim,
			struct mlp_report *report)
{
	void *copy = malloc(len ? len : 1);
	struct model model;
	int err;

	assert_non_null(copy);
	memcpy(copy, data, len);
	err = model_verify(copy, len, lim, &model, report);
	if (err) {
		assert_int_equal(err, -EBADMSG);
		assert_int_not_equal(report->reason, MLPROXY_REFUSED_NONE);
		assert_true(report->reason < MLPROXY_NR_REFUSED);
		assert_true(report->text[0]);
		/* a text that was cut off would end at the last byte */
		assert_true(strlen(report->text) < sizeof(report->text) - 1);
	} else {
		assert_int_equal(model.kind, MLPROXY_MODEL_KIND_TREES);
		assert_int_equal(report->reason, MLPROXY_REFUSED_NONE);
	}
	free(copy);
	return err;
}

#define CHANGED(change, want, word, want_arg) do {					\
	struct mlp_report report_;							\
	struct sample *s;								\
	void *state_;									\
	int ret_;									\
											\
	assert_int_equal(setup(&state_), 0);						\
	s = state_;									\
	change;										\
	mlp_seal(s->data, s->len);							\
	ret_ = verify_exact(s->data, s->len, &limits, &report_);			\
	if ((ret_ ? report_.reason : 0) != MLPROXY_REFUSED_##want)			\
		fail_msg("line %d: reason %u \"%s\"", __LINE__, report_.reason,		\
			 report_.text);							\
	if (!strstr(report_.text, word) || (ret_ && report_.arg != (u64)(want_arg)))	\
		fail_msg("line %d: arg %#llx \"%s\"", __LINE__,				\
			 (unsigned long long)report_.arg, report_.text);		\
	teardown(&state_);								\
} while (0)

#define AT(tree, node)	((u64)(tree) << 32 | (node))

static void the_sample_is_accepted(void **state)
{
	struct sample *s = *state;
	struct mlp_report report;
	struct model model;

	assert_int_equal(s->len, FIRST + 9 * sizeof(struct mlproxy_model_node));
	assert_int_equal(sizeof(struct mlproxy_model_node), 16);
	assert_int_equal(sizeof(struct mlproxy_model_tree), 16);
	assert_int_equal(model_verify(s->data, s->len, &limits, &model, &report), 0);
	assert_int_equal(model_cost(&model), limits.max_macs);
	assert_int_equal(model_packed_bytes(&model), (model.hdr->nr_layers + 9) * 16);
	/* breadth first, with the leaf in the middle */
	assert_int_equal(s->node[0].child, 1);
	assert_int_equal(s->node[1].feature, MLPROXY_NODE_LEAF);
	assert_int_equal(s->node[1].value, 9);
	assert_int_equal(s->node[2].child, 3);
}

static void header_is_checked(void **state)
{
	(void)state;
	CHANGED(s->hdr->kind = 9, KIND, "kind 9", 9);
	CHANGED(s->hdr->nr_inputs = 5, SHAPE, "4 features", 5);
	CHANGED(s->hdr->nr_outputs = 2, SHAPE, "3 actions", 2);
	CHANGED(s->hdr->nr_layers = 0, SHAPE, "0 trees", 0);
	CHANGED(s->hdr->nr_layers = 1025, SHAPE, "1025 trees", 1025);
	CHANGED(s->hdr->nr_layers = 1024, LENGTH, "1024 trees", 112 + 1024 * 16);
	CHANGED(s->hdr->margin = -1, SCALE, "margin", U32_MAX);
	CHANGED(s->hdr->out_shift = 47, SCALE, "shift", 47);
	CHANGED(s->hdr->reserved[3] = 1, RESERVED, "header", 0);
	CHANGED(memset(s->hdr->name, 'x', 32), NAME, "name", 0);
	CHANGED(s->hdr->schema_hash++, SCHEMA, "schema", SCHEMA_HASH + 1);
}

static void descriptors_are_checked(void **state)
{
	(void)state;
	CHANGED(s->tree[1].reserved = 1, RESERVED, "tree 1", AT(1, 0));
	CHANGED(s->tree[2].output = 3, TREE, "output 3", AT(2, 0));
	CHANGED(s->tree[2].output = 1, NONE, "", 0);
	CHANGED(s->tree[0].depth = 17, TREE, "at most 16", AT(0, 0));
	CHANGED(s->tree[0].depth = 1, TREE, "2 deep, but says 1", AT(0, 0));
	CHANGED(s->tree[0].depth = 3, TREE, "2 deep, but says 3", AT(0, 0));
	CHANGED(s->tree[1].nr_nodes = 0, TREE, "0 nodes", AT(1, 0));
	CHANGED(s->tree[1].nr_nodes = 8192, TREE, "8192 nodes", AT(1, 0));
	CHANGED(s->tree[1].nr_nodes = 5, TREE, "the file has 9", AT(1, 0));
	CHANGED(s->tree[2].nr_nodes = 4, TREE, "the file has 9", AT(2, 0));
	CHANGED(s->tree[1].first_node = 4, TREE, "starts at node 4", AT(1, 0));
	CHANGED(s->tree[1].first_node = U32_MAX, TREE, "starts at", AT(1, 0));
	CHANGED(s->tree[0].first_node = 1, TREE, "starts at", AT(0, 0));
}

static void nodes_are_checked(void **state)
{
	(void)state;
	CHANGED(s->node[0].feature = 4, NODE, "feature 4", AT(0, 0));
	CHANGED(s->node[2].feature = 0xfffe, NODE, "feature 65534", AT(0, 2));
	CHANGED(s->node[0].value = 1, NODE, "value 1", AT(0, 0));
	CHANGED(s->node[1].threshold = -1, NODE, "threshold -1", AT(0, 1));
	CHANGED(s->node[5].child = 1, NODE, "leaf with child", AT(1, 0));
	CHANGED(s->node[0].child = 0, NODE, "children at 0", AT(0, 0));
	CHANGED(s->node[2].child = 1, NODE, "children at 1", AT(0, 2));
	CHANGED(s->node[2].child = 2, NODE, "children at 2", AT(0, 2));
	CHANGED(s->node[2].child = 4, NODE, "children at 4", AT(0, 2));
	CHANGED(s->node[2].child = 0xffff, NODE, "children at 65535", AT(0, 2));
	/* an inner node where a leaf was: no room for its children */
	CHANGED((s->node[4] = s->node[0], s->node[4].child = 5), NODE, "has 5 nodes", AT(0, 4));
	/* a leaf where an inner node was: nodes 3 and 4 out of reach */
	CHANGED(s->node[2] = s->node[1], NODE, "no node leads to it", AT(0, 3));
	CHANGED(s->node[0].threshold = S64_MIN, NONE, "", 0);
}

static void sums_are_checked(void **state)
{
	(void)state;
	/* trees 0 and 2 are of output 0 */
	CHANGED(s->node[3].value = S32_MAX - 2, NONE, "", 0);
	CHANGED(s->node[3].value = S32_MAX - 1, OVERFLOW, "can reach 2147483648", AT(2, 0));
	CHANGED(s->node[3].value = -S32_MAX + 2, NONE, "", 0);
	CHANGED(s->node[3].value = -S32_MAX + 1, OVERFLOW, "tree 2", AT(2, 0));
	CHANGED(s->node[5].value = S32_MIN, OVERFLOW, "action 2", AT(1, 2));
	CHANGED(s->node[5].value = S32_MAX, NONE, "", 0);
}

static void length_and_cost_are_checked(void **state)
{
	struct sample *s = *state;
	struct mlp_limits lim = limits;
	struct mlp_report report;
	u64 longer[32] = {};

	for (size_t n = 0; n < s->len; n++) {
		assert_int_equal(verify_exact(s->data, n, &limits, &report), -EBADMSG);
		assert_int_equal(report.reason, MLPROXY_REFUSED_LENGTH);
	}
	/* a whole node more, or half a one, that no tree has */
	assert_true(s->len + 16 <= sizeof(longer) * 2);
	for (size_t more = 8; more <= 16; more += 8) {
		u8 *file = calloc(1, s->len + more);

		assert_non_null(file);
		memcpy(file, s->data, s->len);
		((struct mlproxy_model_hdr *)file)->total_len = (u32)(s->len + more);
		mlp_seal(file, s->len + more);
		assert_int_equal(verify_exact(file, s->len + more, &limits, &report), -EBADMSG);
		assert_int_equal(report.reason, MLPROXY_REFUSED_LENGTH);
		assert_non_null(strstr(report.text, more == 8 ? "cut off" : "10 nodes"));
		free(file);
	}
	lim.max_macs--;
	assert_int_equal(verify_exact(s->data, s->len, &lim, &report), -EBADMSG);
	assert_int_equal(report.reason, MLPROXY_REFUSED_COST);
	assert_int_equal(report.arg, limits.max_macs);
}

static void each_kind_refuses_the_other(void **state)
{
	struct sample *s = *state;
	struct mlp_report report;
	struct trees trees;
	struct mlp mlp;

	assert_int_equal(mlp_verify(s->data, s->len, &limits, &mlp, &report), -EBADMSG);
	assert_int_equal(report.reason, MLPROXY_REFUSED_KIND);
	s->hdr->kind = MLPROXY_MODEL_KIND_MLP;
	mlp_seal(s->data, s->len);
	assert_int_equal(tree_verify(s->data, s->len, &limits, &trees, &report), -EBADMSG);
	assert_int_equal(report.reason, MLPROXY_REFUSED_KIND);
}

static void builder_refuses_what_is_no_tree(void **state)
{
	static const struct tree_spec_node cycle[] = { { 0, 1, 0, 0, 0 }, { -1, 0, 0, 0, 0 } };
	static const struct tree_spec_node twice[] = { { 0, 1, 1, 0, 0 }, { -1, 0, 0, 0, 0 } };
	static const struct tree_spec_node beyond[] = { { 0, 1, 9, 0, 0 }, { -1, 0, 0, 0, 0 } };
	struct tree_spec_node list[40];
	struct tree_spec_tree tree = { 0, 2, cycle };
	struct tree_spec spec = { .nr_features = 1, .nr_outputs = 1, .nr_trees = 1, .trees = &tree };
	size_t len;
	void *data;

	(void)state;
	assert_int_equal(tree_build(&spec, &data, &len), -EINVAL);
	tree.nodes = twice;
	assert_int_equal(tree_build(&spec, &data, &len), -EINVAL);
	tree.nodes = beyond;
	assert_int_equal(tree_build(&spec, &data, &len), -EINVAL);
	for (u32 i = 0; i < 40; i++)
		list[i] = i % 2 || i > 33 ? (struct tree_spec_node){ .feature = -1 } :
			  (struct tree_spec_node){ 0, i + 1, i + 2, 0, 0 };
	/* 17 levels of inner nodes from 0, 16 from 2 */
	tree = (struct tree_spec_tree){ 0, 40, list };
	assert_int_equal(tree_build(&spec, &data, &len), -EINVAL);
	list[32].feature = -1;
	assert_int_equal(tree_build(&spec, &data, &len), 0);
	assert_int_equal(((struct mlproxy_model_tree *)
			  ((struct mlproxy_model_hdr *)data + 1))->depth, 16);
	free(data);
	spec.nr_trees = 0;
	assert_int_equal(tree_build(&spec, &data, &len), -EINVAL);
}

/* Set one to four places of a file to awkward values. */
static void damage(struct rng *rng, u8 *file, size_t len)
{
	static const u32 words[] = { 0, 1, 2, 3, 16, 17, 0xffff, 0x10000, 0x7fffffff,
				     0x80000000, 0xffffffff };
	struct mlproxy_model_hdr *hdr = (void *)file;
	u32 times = 1 + rng_below(rng, 4);

	if (!rng_below(rng, 64))
		memset(hdr->name, 'x', 32);
	while (times--) {
		u32 at = rng_below(rng, rng_below(rng, 3) && len > 200 ? 200 : (u32)len);

		if (rng_below(rng, 2))
			file[at] ^= 1 << rng_below(rng, 8);
		else
			memcpy(file + (at & ~3U), &words[rng_below(rng, 11)], 4);
	}
	if (rng_below(rng, 16)) {
		hdr->magic = MLPROXY_MODEL_MAGIC;
		hdr->format = MLPROXY_MODEL_FORMAT;
		hdr->kind = MLPROXY_MODEL_KIND_TREES;
		hdr->total_len = (u32)len;
		hdr->schema_hash = SCHEMA_HASH;
		hdr->nr_inputs = NR_FEATURES;
		hdr->nr_outputs = NR_ACTIONS;
		memset(hdr->reserved, 0, sizeof(hdr->reserved));
	}
	mlp_seal(file, len);
}

static void check_sound(struct rng *rng, const struct model *model, const void *file)
{
	int64_t want[MLPROXY_MAX_ACTIONS];
	s64 features[NR_FEATURES];
	s32 out[MLPROXY_MAX_ACTIONS];

	for (int k = 0; k < 4; k++) {
		tree_random_features(rng, &model->trees, features, NR_FEATURES);
		model_eval(model, features, out);
		ref_tree_eval(file, features, want);
		for (u32 o = 0; o < NR_ACTIONS; o++)
			assert_int_equal(out[o], want[o]);
		assert_int_equal(model_choose(model, out, 1, 7), ref_choose(file, want, 1, 7));
	}
}

static void damaged_trees_are_refused_or_sound(void **state)
{
	struct rng rng = rng_seed(77);
	u32 seen[MLPROXY_NR_REFUSED] = {};

	(void)state;
	for (int m = 0; m < 200; m++) {
		struct mlp_limits lim = limits;
		void *good;
		size_t len;
		u8 *file;

		lim.max_macs = 600;
		assert_int_equal(tree_random_model(&rng, &lim, &good, &len), 0);
		file = malloc(len);	/* its very length: over-reads are found */
		assert_non_null(file);
		for (int i = 0; i < 500; i++) {
			struct mlp_report report;
			struct model model;

			lim.max_macs = rng_below(&rng, 16) ? 600 : rng_below(&rng, 600);
			memcpy(file, good, len);
			damage(&rng, file, len);
			if (!model_verify(file, len, &lim, &model, &report) &&
			    model.kind == MLPROXY_MODEL_KIND_TREES)
				check_sound(&rng, &model, file);
			assert_true(report.reason < MLPROXY_NR_REFUSED);
			seen[report.reason]++;
		}
		free(file);
		free(good);
	}
	for (u32 r = 0; r < MLPROXY_NR_REFUSED; r++) {
		bool other = r == MLPROXY_REFUSED_CHECKSUM || r == MLPROXY_REFUSED_CHAIN ||
			     r == MLPROXY_REFUSED_OFFSET || r == MLPROXY_REFUSED_INPUT ||
			     r == MLPROXY_REFUSED_FLAGS;

		if (!other && !seen[r])
			fail_msg("no damaged file was refused for reason %u", r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_sample_is_accepted, setup, teardown),
		cmocka_unit_test(header_is_checked),
		cmocka_unit_test(descriptors_are_checked),
		cmocka_unit_test(nodes_are_checked),
		cmocka_unit_test(sums_are_checked),
		cmocka_unit_test_setup_teardown(length_and_cost_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(each_kind_refuses_the_other, setup, teardown),
		cmocka_unit_test(builder_refuses_what_is_no_tree),
		cmocka_unit_test(damaged_trees_are_refused_or_sound),
	};

	return cmocka_run_group_tests_name("tree verifier", tests, NULL, NULL);
}
