// SPDX-License-Identifier: GPL-2.0-only
/*
 * Damaged models: valid files with random changes and a checksum that is right
 * again, so that the deep checks are reached. The verifier must refuse the file,
 * or the evaluation must be sound: no sanitizer report, and the same results as
 * the reference, which computes in 128 bits and so would show a wrapped sum.
 */
#include "unit.h"
#include "mlp_gen.h"
#include "ref_mlp.h"

#define NR_FEATURES	6
#define NR_MUTATIONS	100000
#define NR_MODELS	200

static const struct mlp_limits limits = {
	.schema_hash = 42, .nr_features = NR_FEATURES, .nr_actions = 5, .max_macs = 600,
};

static void eval_all_ways(struct rng *rng, struct mlp *mlp, const void *file)
{
	int64_t want[MLPROXY_MODEL_MAX_WIDTH];
	s32 out[MLPROXY_MAX_ACTIONS];
	s64 features[NR_FEATURES];
	u64 *packed = malloc(mlp_packed_bytes(mlp));

	assert_non_null(packed);
	for (int k = 0; k < 4; k++) {
		mlp_random_features(rng, mlp, features, NR_FEATURES);
		ref_eval(file, features, want);
		mlp->packed = NULL;
		mlp_eval(mlp, features, out);
		for (u32 o = 0; o < limits.nr_actions; o++)
			assert_int_equal(out[o], want[o]);
		mlp_pack(mlp, packed);
		mlp_eval(mlp, features, out);
		for (u32 o = 0; o < limits.nr_actions; o++) {
			assert_int_equal(out[o], want[o]);
			assert_true(mlp_predict(mlp, out[o]) == ref_predict(file, want[o]));
		}
		assert_int_equal(mlp_choose(mlp, out, 1, 0x1f), ref_choose(file, want, 1, 0x1f));
	}
	free(packed);
}

/* Change one to four places: a bit, a byte, or a word, set to an awkward value. */
static void damage(struct rng *rng, u8 *file, size_t len)
{
	static const u32 words[] = { 0, 1, 2, 7, 8, 46, 47, 64, 128, 129, 0x7fffffff,
				     0x80000000, 0xfffffff8, 0xffffffff };
	size_t tables = sizeof(struct mlproxy_model_hdr) + 300;
	u32 times = 1 + rng_below(rng, 4);

	/* no number of small changes would fill the name */
	if (!rng_below(rng, 64))
		memset(((struct mlproxy_model_hdr *)file)->name, 'x', 32);
	while (times--) {
		/* the tables are where the checks are; the weights hardly matter */
		size_t end = rng_below(rng, 4) && tables < len ? tables : len;
		u32 at = rng_below(rng, (u32)end);

		switch (rng_below(rng, 3)) {
		case 0:
			file[at] ^= 1 << rng_below(rng, 8);
			break;
		case 1:
			file[at] = (u8)rng_u64(rng);
			break;
		default:
			at &= ~3U;
			memcpy(file + at, &words[rng_below(rng, 14)], 4);
		}
	}
}

/*
 * The fields that nearly every change would hit first, and that hide the rest:
 * put right in most files, but not in all.
 */
static void repair(struct rng *rng, u8 *file, size_t len)
{
	struct mlproxy_model_hdr *hdr = (void *)file;

	if (rng_below(rng, 16)) {
		hdr->magic = MLPROXY_MODEL_MAGIC;
		hdr->format = MLPROXY_MODEL_FORMAT;
		hdr->kind = MLPROXY_MODEL_KIND_MLP;
		hdr->total_len = (u32)len;
		hdr->schema_hash = limits.schema_hash;
		hdr->nr_outputs = limits.nr_actions;
		memset(hdr->reserved, 0, sizeof(hdr->reserved));
	}
	mlp_seal(file, len);
}

static void damaged_models_are_refused_or_sound(void **state)
{
	struct rng rng = rng_seed(7);
	u32 seen[MLPROXY_NR_REFUSED] = {};

	(void)state;
	for (int m = 0; m < NR_MODELS; m++) {
		void *good;
		size_t len;
		u8 *file;

		assert_int_equal(mlp_random_model(&rng, &limits, &good, &len), 0);
		file = malloc(len);	/* its very length: over-reads are found */
		assert_non_null(file);
		for (int i = 0; i < NR_MUTATIONS / NR_MODELS; i++) {
			struct mlp_limits lim = limits;
			struct mlp_report report;
			struct mlp mlp;

			/* now and then below what the undamaged model costs */
			if (!rng_below(&rng, 16))
				lim.max_macs = rng_below(&rng, limits.max_macs);
			memcpy(file, good, len);
			damage(&rng, file, len);
			repair(&rng, file, len);
			if (!mlp_verify(file, len, &lim, &mlp, &report))
				eval_all_ways(&rng, &mlp, file);
			assert_true(report.reason < MLPROXY_NR_REFUSED);
			seen[report.reason]++;
		}
		free(file);
		free(good);
	}
	/* all of its reasons but a wrong checksum: no check hides another */
	for (u32 r = 0; r <= MLPROXY_REFUSED_NAME; r++) {
		print_message("# reason %u: %u files\n", r, seen[r]);
		if (r != MLPROXY_REFUSED_CHECKSUM && !seen[r])
			fail_msg("no damaged file was refused for reason %u", r);
	}
}

static void random_bytes_are_refused(void **state)
{
	struct rng rng = rng_seed(8);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t len = rng_below(&rng, 600);
		u64 *file = malloc(len + 8);
		struct mlp_report report;
		struct mlp mlp;

		assert_non_null(file);
		for (size_t k = 0; k < len / 8 + 1; k++)
			file[k] = rng_u64(&rng);
		assert_int_equal(mlp_verify(file, len, &limits, &mlp, &report), -EBADMSG);
		free(file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_models_are_refused_or_sound),
		cmocka_unit_test(random_bytes_are_refused),
	};

	return cmocka_run_group_tests_name("model fuzz", tests, NULL, NULL);
}
