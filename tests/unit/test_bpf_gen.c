// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generated eBPF programs, compiled for this machine, against the evaluation that
 * they stand for: random models, random and extreme features.
 */
#include "unit.h"

#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/mlproxy_bpf.h>

#include "bpf/gen.h"
#include "mlp_gen.h"
#include "tree_gen.h"

#define MODELS	10
#define TIMES	400
#define SCHEMA	0x1122334455667788ULL

typedef int (*program_fn)(struct bpf_raw_tracepoint_args *args);

static const struct mlp_limits limits = {
	.schema_hash = SCHEMA, .nr_features = 7, .nr_actions = 5, .max_macs = 4096,
};

static char dir[] = "/tmp/mlproxy-bpfgen-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(dir);
}

/* The program of @model, to be given to dlclose(). */
static void *load_program(const struct model *model, program_fn *fn)
{
	char src[64], lib[64], cmd[512], error[BPFGEN_ERROR_LEN];
	void *handle;
	FILE *out;

	snprintf(src, sizeof(src), "%s/program.c", dir);
	snprintf(lib, sizeof(lib), "%s/program.so", dir);
	out = fopen(src, "w");
	assert_non_null(out);
	assert_int_equal(bpfgen_write(out, model, error), 0);
	fclose(out);
	/* what would overflow in the kernel's arithmetic stops it here */
	snprintf(cmd, sizeof(cmd),
		 "cc -O1 -shared -fPIC -Wall -Werror -fsanitize=undefined -fno-sanitize-recover=all -fno-sanitize=shift -I%s -o %s %s",
		 UAPI_DIR, lib, src);
	assert_int_equal(system(cmd), 0);
	handle = dlopen(lib, RTLD_NOW | RTLD_LOCAL);
	assert_non_null(handle);
	unlink(src);
	unlink(lib);
	*(void **)fn = dlsym(handle, "decide");
	assert_non_null(*fn);
	return handle;
}

static struct mlproxy_bpf_ctx ask(program_fn fn, u64 schema, const s64 *features, u32 baseline,
				  u32 allowed)
{
	struct mlproxy_bpf_ctx ctx = {
		.schema_hash = schema, .baseline = baseline, .allowed = allowed,
		.nr_features = limits.nr_features, .action = MLPROXY_BPF_NO_ACTION,
	};
	struct {
		__u64 args[1];
	} args = { { (uintptr_t)&ctx } };

	memcpy(ctx.features, features, limits.nr_features * sizeof(*features));
	assert_int_equal(fn((void *)&args), 0);
	return ctx;
}

static void compare(struct rng *rng, const struct model *model, program_fn fn)
{
	s64 features[MLPROXY_MAX_FEATURES];
	s32 out[MLPROXY_MAX_ACTIONS];
	struct mlproxy_bpf_ctx ctx;
	u32 i, baseline, allowed, action;

	for (i = 0; i < TIMES; i++) {
		baseline = rng_below(rng, limits.nr_actions);
		allowed = ((u32)rng_u64(rng) & ((1U << limits.nr_actions) - 1)) | 1U << baseline;
		if (model->kind == MLPROXY_MODEL_KIND_TREES)
			tree_random_features(rng, &model->trees, features, limits.nr_features);
		else
			mlp_random_features(rng, &model->mlp, features, limits.nr_features);
		model_eval(model, features, out);
		action = model_choose(model, out, baseline, allowed);
		ctx = ask(fn, SCHEMA, features, baseline, allowed);
		assert_int_equal(ctx.action, action);
		assert_true(ctx.predicted == model_predict(model, out[action]));
		assert_int_equal(ctx.flags, MLPROXY_BPF_F_PREDICTED);
		assert_int_equal(ctx.version, model->hdr->crc32);
	}
	ctx = ask(fn, SCHEMA + 1, features, baseline, allowed);
	assert_int_equal(ctx.action, MLPROXY_BPF_NO_ACTION);
}

static void random_models(u64 seed, int (*make)(struct rng *, const struct mlp_limits *,
						void **, size_t *))
{
	struct rng rng = rng_seed(seed);
	int i;

	for (i = 0; i < MODELS; i++) {
		struct mlp_report report;
		struct model model;
		program_fn fn;
		void *data, *handle;
		size_t len;

		assert_int_equal(make(&rng, &limits, &data, &len), 0);
		assert_int_equal(model_verify(data, len, &limits, &model, &report), 0);
		handle = load_program(&model, &fn);
		compare(&rng, &model, fn);
		dlclose(handle);
		free(data);
	}
}

static void test_mlp(void **state)
{
	(void)state;
	random_models(11, mlp_random_model);
}

static void test_trees(void **state)
{
	(void)state;
	random_models(12, tree_random_model);
}

/* The baseline stays unless the score is higher by more than the margin: just that. */
static void test_margin(void **state)
{
	u32 baseline = 0, all = (1U << limits.nr_actions) - 1, best, m;
	s64 features[MLPROXY_MAX_FEATURES] = { 0 };
	s32 out[MLPROXY_MAX_ACTIONS], margin;
	struct rng rng = rng_seed(13);
	struct mlp_report report;
	struct model model;
	void *data, *handle;
	program_fn fn;
	size_t len;

	(void)state;
	do {
		assert_int_equal(mlp_random_model(&rng, &limits, &data, &len), 0);
		((struct mlproxy_model_hdr *)data)->margin = 0;
		mlp_seal(data, len);
		assert_int_equal(model_verify(data, len, &limits, &model, &report), 0);
		model_eval(&model, features, out);
		best = model_choose(&model, out, baseline, all);
		if (best == baseline)
			free(data);
	} while (best == baseline);
	margin = out[best] - out[baseline];
	for (m = 0; m < 2; m++) {
		((struct mlproxy_model_hdr *)data)->margin = margin - m;
		handle = load_program(&model, &fn);
		assert_int_equal(ask(fn, SCHEMA, features, baseline, all).action,
				 m ? best : baseline);
		dlclose(handle);
	}
	free(data);
}

/* Refused, with the numbers, and not cut. */
static void test_too_big(void **state)
{
	struct mlproxy_model_hdr hdr = { .nr_outputs = 5, .nr_inputs = 64, .nr_layers = 1 };
	struct mlproxy_model_layer layer = { .nr_in = 64, .nr_out = 5 };
	struct model model = {
		.kind = MLPROXY_MODEL_KIND_MLP, .hdr = &hdr,
		.mlp = { .hdr = &hdr, .layers = &layer, .macs = 1 << 20 },
	};
	char error[BPFGEN_ERROR_LEN];
	FILE *out = fopen("/dev/null", "w");

	(void)state;
	assert_non_null(out);
	assert_int_equal(bpfgen_write(out, &model, error), -E2BIG);
	assert_non_null(strstr(error, "1048576"));
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mlp),
		cmocka_unit_test(test_trees),
		cmocka_unit_test(test_margin),
		cmocka_unit_test(test_too_big),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
