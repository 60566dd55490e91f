// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verifier: each reason of refusal by one change to a valid model, and the
 * interval analysis at its boundary.
 */
#include "unit.h"
#include "mlp_gen.h"
#include "ref_mlp.h"

#define SCHEMA_HASH	0x0123456789abcdefULL
#define NR_FEATURES	4
#define NR_ACTIONS	3

static const struct mlp_limits limits = {
	.schema_hash = SCHEMA_HASH,
	.nr_features = NR_FEATURES,
	.nr_actions = NR_ACTIONS,
	.max_macs = 4 * 5 + 5 * NR_ACTIONS,
};

/* A valid model with all that a refusal can be about; each test changes one thing. */
struct sample {
	union {
		void *data;
		struct mlproxy_model_hdr *hdr;
	};
	size_t len;
	struct mlproxy_model_input *in;
	struct mlproxy_model_layer *layer;
};

static int sample_setup(void **state)
{
	static const s32 bias[5] = { 1, -2, 3, -4, 5 };
	static const s8 weights[20] = { 1, -1, 127, -128, 5, 9, -9 };
	static const struct mlproxy_model_input inputs[4] = {
		{ .clamp_min = -100, .clamp_max = 100, .mul = 1, .feature = 0 },
		{ .clamp_max = 1 << 20, .mul = 8, .shift = 8, .feature = 1,
		  .op = MLPROXY_INPUT_LOG2 },
		{ .clamp_max = 9, .offset = 7, .feature = 2, .op = MLPROXY_INPUT_EQUAL },
		{ .clamp_min = -5, .clamp_max = 5, .mul = -20, .feature = 3 },
	};
	static const struct mlp_spec_layer layers[2] = {
		{ 4, 5, MLPROXY_LAYER_RELU, 1000, 17, bias, weights },
		{ 5, NR_ACTIONS, 0, 0, 0, bias, weights },
	};
	static const struct mlp_spec spec = {
		.schema_hash = SCHEMA_HASH, .name = "sample", .margin = 5, .out_mul = 3,
		.out_shift = 2, .out_offset = 1000, .nr_inputs = 4, .inputs = inputs,
		.nr_layers = 2, .layers = layers,
	};
	struct sample *s = calloc(1, sizeof(*s));

	if (!s || mlp_build(&spec, &s->data, &s->len))
		return -1;
	s->in = (void *)(s->hdr + 1);
	s->layer = (void *)(s->in + 4);
	*state = s;
	return 0;
}

static int sample_teardown(void **state)
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
	struct mlp mlp;
	int err;

	assert_non_null(copy);
	memcpy(copy, data, len);
	err = mlp_verify(copy, len, lim, &mlp, report);
	if (err) {
		assert_int_equal(err, -EBADMSG);
		assert_int_not_equal(report->reason, MLPROXY_REFUSED_NONE);
		assert_true(report->reason < MLPROXY_NR_REFUSED);
		assert_true(report->text[0]);
		assert_non_null(memchr(report->text, 0, sizeof(report->text)));
		/* a text that was cut off would end at the last byte */
		assert_true(strlen(report->text) < sizeof(report->text) - 1);
	} else {
		assert_int_equal(report->reason, MLPROXY_REFUSED_NONE);
		assert_string_equal(report->text, "");
	}
	free(copy);
	return err;
}

static void expect_accept(struct sample *s)
{
	struct mlp_report report;

	mlp_seal(s->data, s->len);
	if (verify_exact(s->data, s->len, &limits, &report))
		fail_msg("refused: %s", report.text);
}

#define expect_refusal(s, want, word)	expect_refusal_at(s, want, word, __LINE__)

static struct mlp_report expect_refusal_at(struct sample *s, u32 want, const char *word,
					   int line)
{
	struct mlp_report report;

	mlp_seal(s->data, s->len);
	if (!verify_exact(s->data, s->len, &limits, &report))
		fail_msg("line %d: accepted, reason %u was due", line, want);
	if (report.reason != want || !strstr(report.text, word))
		fail_msg("line %d: reason %u \"%s\", but %u with \"%s\" was due",
			 line, report.reason, report.text, want, word);
	return report;
}

/* Set a field, expect the refusal, and put the field back. */
#define refuse_with(s, field, value, want, word) do {	\
	__auto_type _old = (field);			\
	(field) = (value);				\
	expect_refusal(s, want, word);			\
	(field) = _old;					\
	expect_accept(s);				\
} while (0)

static void accepts_the_sample(void **state)
{
	struct sample *s = *state;
	struct mlp_report report;
	struct mlp mlp;

	assert_int_equal(mlp_verify(s->data, s->len, &limits, &mlp, &report), 0);
	assert_ptr_equal(mlp.hdr, s->hdr);
	assert_ptr_equal(mlp.inputs, s->in);
	assert_ptr_equal(mlp.layers, s->layer);
	assert_int_equal(mlp.macs, limits.max_macs);
	assert_null(mlp.packed);
}

static void refuses_length(void **state)
{
	struct sample *s = *state;
	struct mlp_report report;

	/* every prefix, and so every place where an array could end */
	for (size_t len = 0; len < s->len; len++) {
		assert_int_equal(verify_exact(s->data, len, &limits, &report), -EBADMSG);
		assert_int_equal(report.reason, MLPROXY_REFUSED_LENGTH);
	}
	refuse_with(s, s->hdr->total_len, (u32)s->len + 8, MLPROXY_REFUSED_LENGTH, "header says");
	refuse_with(s, s->hdr->total_len, 0, MLPROXY_REFUSED_LENGTH, "header says");
}

/* Prefixes whose header is right about their length and checksum. */
static void refuses_sealed_prefixes(void **state)
{
	struct sample *s = *state;
	struct mlp_report report;

	for (size_t len = sizeof(*s->hdr); len < s->len; len++) {
		s->hdr->total_len = (u32)len;
		mlp_seal(s->data, len);
		assert_int_equal(verify_exact(s->data, len, &limits, &report), -EBADMSG);
		assert_true(report.reason == MLPROXY_REFUSED_LENGTH ||
			    report.reason == MLPROXY_REFUSED_OFFSET);
	}
}

static void refuses_too_long(void **state)
{
	struct sample *s = *state;
	size_t len = MLPROXY_MODEL_MAX_BYTES + 8;
	struct mlproxy_model_hdr *big = calloc(1, len);
	struct mlp_report report;

	assert_non_null(big);
	memcpy(big, s->data, s->len);
	big->total_len = MLPROXY_MODEL_MAX_BYTES;
	mlp_seal(big, MLPROXY_MODEL_MAX_BYTES);
	assert_int_equal(verify_exact(big, MLPROXY_MODEL_MAX_BYTES, &limits, &report), 0);
	big->total_len = (u32)len;
	mlp_seal(big, len);
	assert_int_equal(verify_exact(big, len, &limits, &report), -EBADMSG);
	assert_int_equal(report.reason, MLPROXY_REFUSED_LENGTH);
	assert_int_equal(report.arg, len);
	free(big);
}

static void refuses_identity(void **state)
{
	struct sample *s = *state;

	refuse_with(s, s->hdr->magic, 0x464c457f, MLPROXY_REFUSED_MAGIC, "0x464c457f");
	refuse_with(s, s->hdr->format, 2, MLPROXY_REFUSED_FORMAT, "format 2");
	refuse_with(s, s->hdr->format, 0, MLPROXY_REFUSED_FORMAT, "format 0");
	refuse_with(s, s->hdr->kind, 7, MLPROXY_REFUSED_KIND, "kind 7");
}

static void refuses_checksum(void **state)
{
	struct sample *s = *state;
	struct mlp_report report;
	u8 *bytes = s->data;

	/* any single bit after the field, and the field itself */
	for (size_t bit = 8 * offsetof(struct mlproxy_model_hdr, crc32); bit < 8 * s->len; bit++) {
		bytes[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(verify_exact(s->data, s->len, &limits, &report), -EBADMSG);
		assert_int_equal(report.reason, MLPROXY_REFUSED_CHECKSUM);
		bytes[bit / 8] ^= 1 << bit % 8;
	}
}

static void refuses_reserved(void **state)
{
	struct sample *s = *state;

	for (int i = 0; i < 4; i++)
		refuse_with(s, s->hdr->reserved[i], 1, MLPROXY_REFUSED_RESERVED, "header");
	refuse_with(s, s->in[3].reserved, 1, MLPROXY_REFUSED_RESERVED, "input 3");
	refuse_with(s, s->layer[1].reserved, 1, MLPROXY_REFUSED_RESERVED, "layer 1");
}

static void refuses_name(void **state)
{
	struct sample *s = *state;

	memset(s->hdr->name, 'x', sizeof(s->hdr->name) - 1);
	expect_accept(s);
	refuse_with(s, s->hdr->name[31], 'x', MLPROXY_REFUSED_NAME, "32 bytes");
}

static void refuses_schema(void **state)
{
	struct sample *s = *state;

	refuse_with(s, s->hdr->schema_hash, 0x1122334455667788ULL, MLPROXY_REFUSED_SCHEMA,
		    "0x1122334455667788");
}

static void refuses_shape(void **state)
{
	struct sample *s = *state;

	refuse_with(s, s->hdr->nr_inputs, 0, MLPROXY_REFUSED_SHAPE, "0 inputs");
	refuse_with(s, s->hdr->nr_inputs, 65, MLPROXY_REFUSED_SHAPE, "65 inputs");
	refuse_with(s, s->hdr->nr_inputs, U32_MAX, MLPROXY_REFUSED_SHAPE, "4294967295 inputs");
	refuse_with(s, s->hdr->nr_layers, 0, MLPROXY_REFUSED_SHAPE, "0 layers");
	refuse_with(s, s->hdr->nr_layers, 9, MLPROXY_REFUSED_SHAPE, "9 layers");
	refuse_with(s, s->hdr->nr_outputs, 2, MLPROXY_REFUSED_SHAPE, "3 actions");
	refuse_with(s, s->hdr->nr_outputs, 4, MLPROXY_REFUSED_SHAPE, "4 outputs");
	refuse_with(s, s->layer[0].nr_in, 0, MLPROXY_REFUSED_SHAPE, "layer 0");
	refuse_with(s, s->layer[1].nr_in, 129, MLPROXY_REFUSED_SHAPE, "129 in");
	refuse_with(s, s->layer[0].nr_out, 0, MLPROXY_REFUSED_SHAPE, "0 out");
	refuse_with(s, s->layer[1].nr_out, 65535, MLPROXY_REFUSED_SHAPE, "65535 out");
}

static void refuses_tables_beyond_the_file(void **state)
{
	struct sample *s = *state;

	refuse_with(s, s->hdr->nr_inputs, 64, MLPROXY_REFUSED_LENGTH, "64 inputs");
}

static void refuses_chain(void **state)
{
	struct sample *s = *state;

	refuse_with(s, s->hdr->nr_inputs, 3, MLPROXY_REFUSED_RESERVED, "layer");
	refuse_with(s, s->layer[0].nr_in, 3, MLPROXY_REFUSED_CHAIN, "layer 0 takes 3");
	refuse_with(s, s->layer[0].nr_out, 4, MLPROXY_REFUSED_CHAIN, "layer 1 takes 5");
	refuse_with(s, s->layer[1].nr_in, 4, MLPROXY_REFUSED_CHAIN, "layer 1 takes 4");
	refuse_with(s, s->layer[1].nr_out, 2, MLPROXY_REFUSED_CHAIN, "gives 2");
}

static void refuses_offsets(void **state)
{
	struct sample *s = *state;
	u32 tables = (u32)((u8 *)(s->layer + 2) - (u8 *)s->data);
	u32 len = (u32)s->len;

	for (int l = 0; l < 2; l++) {
		u32 *at[2] = { &s->layer[l].bias_offset, &s->layer[l].weight_offset };

		for (int k = 0; k < 2; k++) {
			const char *word = k ? "weights" : "biases";

			refuse_with(s, *at[k], 0, MLPROXY_REFUSED_OFFSET, word);
			refuse_with(s, *at[k], tables - 8, MLPROXY_REFUSED_OFFSET, word);
			refuse_with(s, *at[k], tables + 4, MLPROXY_REFUSED_OFFSET, word);
			refuse_with(s, *at[k], tables + 1, MLPROXY_REFUSED_OFFSET, word);
			refuse_with(s, *at[k], len, MLPROXY_REFUSED_OFFSET, word);
			refuse_with(s, *at[k], len - 8, MLPROXY_REFUSED_OFFSET, word);
			refuse_with(s, *at[k], len + 8, MLPROXY_REFUSED_OFFSET, word);
			refuse_with(s, *at[k], 0xfffffff8, MLPROXY_REFUSED_OFFSET, word);
		}
	}
}

static void accepts_an_array_at_the_very_end(void **state)
{
	struct sample *s = *state;
	struct mlp_report report;

	s->layer[1].weight_offset = (u32)s->len - 16;	/* 15 bytes */
	expect_accept(s);
	s->layer[0].weight_offset = (u32)s->len - 16;	/* 20 bytes */
	report = expect_refusal(s, MLPROXY_REFUSED_OFFSET, "layer 0: weights");
	assert_int_equal(report.arg, s->len - 16);
}

static void refuses_inputs(void **state)
{
	const s64 most = 1LL << 46;
	struct sample *s = *state;

	refuse_with(s, s->in[2].feature, NR_FEATURES, MLPROXY_REFUSED_INPUT, "feature 4");
	refuse_with(s, s->in[2].feature, 65535, MLPROXY_REFUSED_INPUT, "feature 65535");
	refuse_with(s, s->in[1].op, 3, MLPROXY_REFUSED_INPUT, "operation 3");
	refuse_with(s, s->in[1].op, 65535, MLPROXY_REFUSED_INPUT, "operation 65535");
	refuse_with(s, s->in[0].clamp_min, 101, MLPROXY_REFUSED_INPUT, "101 to 100");
	refuse_with(s, s->in[0].clamp_min, -most - 1, MLPROXY_REFUSED_INPUT, "input 0");
	refuse_with(s, s->in[0].clamp_min, S64_MIN, MLPROXY_REFUSED_INPUT, "input 0");
	refuse_with(s, s->in[0].clamp_max, most + 1, MLPROXY_REFUSED_INPUT, "input 0");
	refuse_with(s, s->in[0].clamp_max, S64_MAX, MLPROXY_REFUSED_INPUT, "input 0");
	refuse_with(s, s->in[3].offset, most + 1, MLPROXY_REFUSED_INPUT, "offset");
	refuse_with(s, s->in[3].offset, -most - 1, MLPROXY_REFUSED_INPUT, "offset");
	refuse_with(s, s->in[3].offset, S64_MIN, MLPROXY_REFUSED_INPUT, "offset");
	s->in[0].clamp_min = -most;
	s->in[0].clamp_max = most;
	s->in[3].offset = -most;
	expect_accept(s);
	s->in[3].offset = most;
	expect_accept(s);
}

static void refuses_scales(void **state)
{
	struct sample *s = *state;

	refuse_with(s, s->in[0].mul, 32768, MLPROXY_REFUSED_SCALE, "32768");
	refuse_with(s, s->in[0].mul, -32768, MLPROXY_REFUSED_SCALE, "-32768");
	refuse_with(s, s->in[0].mul, S32_MIN, MLPROXY_REFUSED_SCALE, "input 0");
	refuse_with(s, s->in[0].shift, 47, MLPROXY_REFUSED_SCALE, "shift 47");
	refuse_with(s, s->in[0].shift, U32_MAX, MLPROXY_REFUSED_SCALE, "input 0");
	refuse_with(s, s->layer[0].mul, 0, MLPROXY_REFUSED_SCALE, "layer 0");
	refuse_with(s, s->layer[0].mul, -1, MLPROXY_REFUSED_SCALE, "layer 0");
	refuse_with(s, s->layer[0].shift, 47, MLPROXY_REFUSED_SCALE, "shift 47");
	refuse_with(s, s->layer[1].mul, 1, MLPROXY_REFUSED_SCALE, "last layer");
	refuse_with(s, s->layer[1].shift, 1, MLPROXY_REFUSED_SCALE, "last layer");
	refuse_with(s, s->hdr->margin, -1, MLPROXY_REFUSED_SCALE, "margin -1");
	refuse_with(s, s->hdr->out_shift, 47, MLPROXY_REFUSED_SCALE, "shift 47");
	refuse_with(s, s->hdr->out_offset, (1LL << 46) + 1, MLPROXY_REFUSED_SCALE, "offset");
	refuse_with(s, s->hdr->out_offset, -(1LL << 46) - 1, MLPROXY_REFUSED_SCALE, "offset");
	s->in[0].mul = 32767;
	s->in[0].shift = 46;
	s->layer[0].mul = S32_MAX;
	s->layer[0].shift = 46;
	s->hdr->margin = S32_MAX;
	s->hdr->out_mul = S32_MIN;
	s->hdr->out_shift = 46;
	s->hdr->out_offset = -(1LL << 46);
	expect_accept(s);
}

static void refuses_flags(void **state)
{
	struct sample *s = *state;

	refuse_with(s, s->layer[0].flags, 2, MLPROXY_REFUSED_FLAGS, "0x2");
	refuse_with(s, s->layer[1].flags, 0x80000001, MLPROXY_REFUSED_FLAGS, "0x80000001");
	s->layer[1].flags = MLPROXY_LAYER_RELU;
	expect_accept(s);
}

static void refuses_cost(void **state)
{
	struct sample *s = *state;
	struct mlp_limits tight = limits;
	struct mlp_report report;

	tight.max_macs = limits.max_macs - 1;
	assert_int_equal(verify_exact(s->data, s->len, &tight, &report), -EBADMSG);
	assert_int_equal(report.reason, MLPROXY_REFUSED_COST);
	assert_int_equal(report.arg, limits.max_macs);
	assert_non_null(strstr(report.text, "35 multiply-accumulates"));
	assert_non_null(strstr(report.text, "allows 34"));
}

static void refuses_overflow(void **state)
{
	struct sample *s = *state;
	s32 *bias = (void *)((u8 *)s->data + s->layer[0].bias_offset);
	struct mlp_report report;

	bias[1] = S32_MAX;
	report = expect_refusal(s, MLPROXY_REFUSED_OVERFLOW, "layer 0 row 1");
	assert_int_equal(report.arg, 1);
	bias[1] = S32_MIN;
	expect_refusal(s, MLPROXY_REFUSED_OVERFLOW, "layer 0 row 1");
	/* row 4 has no weights: there the ends themselves are fine */
	bias[1] = 0;
	bias[4] = S32_MAX;
	expect_accept(s);
	bias[4] = S32_MIN;
	expect_accept(s);
}

/*
 * The boundary of the analysis: a row with one input whose interval is known, and
 * three constant ones that move its sum to the end of the range, or one too far.
 */
struct boundary {
	struct mlproxy_model_input in;
	s8 lo, hi;	/* the interval of the input */
};

static int verify_row(const struct mlproxy_model_input *in, s8 weight, s32 bias, s32 more,
		      struct mlp_report *report)
{
	static const struct mlproxy_model_input full = { .clamp_min = 127, .clamp_max = 127,
							 .mul = 1 };
	static const struct mlproxy_model_input one = { .clamp_min = 1, .clamp_max = 1,
							.mul = 1 };
	struct mlproxy_model_input inputs[4] = { *in, full, full, one };
	struct mlp_limits lim = { .nr_features = 1, .nr_actions = 1, .max_macs = 4 };
	s8 weights[4] = { weight, (s8)(more / 254), (s8)((more - more / 254 * 127) / 127) };
	struct mlp_spec_layer layer = { 4, 1, 0, 0, 0, &bias, weights };
	struct mlp_spec spec = { .nr_inputs = 4, .inputs = inputs, .nr_layers = 1,
				 .layers = &layer };
	struct mlp mlp;
	void *data;
	size_t len;
	int err;

	weights[3] = (s8)(more - 127 * (weights[1] + weights[2]));
	assert_int_equal(127 * (weights[1] + weights[2]) + weights[3], more);
	assert_int_equal(mlp_build(&spec, &data, &len), 0);
	err = mlp_verify(data, len, &lim, &mlp, report);
	free(data);
	return err;
}

static void check_boundary(const struct boundary *b, s8 weight)
{
	s32 top = weight * (weight >= 0 ? b->hi : b->lo);
	s32 bottom = weight * (weight >= 0 ? b->lo : b->hi);
	struct mlp_report report;

	assert_int_equal(verify_row(&b->in, weight, S32_MAX, -top, &report), 0);
	assert_int_equal(verify_row(&b->in, weight, S32_MAX, -top + 1, &report), -EBADMSG);
	assert_int_equal(report.reason, MLPROXY_REFUSED_OVERFLOW);
	assert_non_null(strstr(report.text, "2147483648"));
	assert_int_equal(verify_row(&b->in, weight, S32_MIN, -bottom, &report), 0);
	assert_int_equal(verify_row(&b->in, weight, S32_MIN, -bottom - 1, &report), -EBADMSG);
	assert_int_equal(report.reason, MLPROXY_REFUSED_OVERFLOW);
	assert_non_null(strstr(report.text, "-2147483649"));
}

static void interval_is_tight_for_inputs(void **state)
{
	static const struct boundary cases[] = {
		{ { .clamp_min = -10, .clamp_max = 20, .mul = 1 }, -10, 20 },
		{ { .clamp_min = -10, .clamp_max = 20, .mul = -1 }, -20, 10 },
		{ { .clamp_min = 5, .clamp_max = 20, .mul = 3, .shift = 1 }, 8, 30 },
		{ { .clamp_min = 5, .clamp_max = 20, .mul = -3, .shift = 1 }, -30, -7 },
		{ { .clamp_min = 5, .clamp_max = 20, .offset = 6, .mul = 2 }, -2, 28 },
		{ { .clamp_min = -1000, .clamp_max = 1000, .mul = 1 }, -128, 127 },
		{ { .clamp_min = 7, .clamp_max = 7, .mul = 1 }, 7, 7 },
		{ { .clamp_min = -7, .clamp_max = -7, .mul = 1 }, -7, -7 },
		{ { .clamp_min = 0, .clamp_max = 50, .mul = 0 }, 0, 0 },
		{ { .op = MLPROXY_INPUT_LOG2, .clamp_min = -3, .clamp_max = 15, .mul = 1,
		    .shift = 4 }, -32, 64 },
		{ { .op = MLPROXY_INPUT_LOG2, .clamp_min = 3, .clamp_max = 15, .mul = -1,
		    .shift = 4 }, -64, -32 },
		{ { .op = MLPROXY_INPUT_EQUAL, .clamp_min = 0, .clamp_max = 9, .offset = 4 },
		  0, 127 },
		{ { .op = MLPROXY_INPUT_EQUAL, .clamp_min = 0, .clamp_max = 9, .offset = 0 },
		  0, 127 },
		{ { .op = MLPROXY_INPUT_EQUAL, .clamp_min = 0, .clamp_max = 9, .offset = 10 },
		  0, 0 },
		{ { .op = MLPROXY_INPUT_EQUAL, .clamp_min = 4, .clamp_max = 4, .offset = 4 },
		  127, 127 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (int w = -128; w <= 127; w++)
			check_boundary(&cases[i], (s8)w);
	}
}

/* The exact ends by trying all features of a small clamped range, random inputs. */
static void interval_matches_exhaustion(void **state)
{
	struct rng rng = rng_seed(5);

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct boundary b = { .in = {
			.clamp_min = rng_range(&rng, -60, 60),
			.offset = rng_range(&rng, -300, 300) >> rng_below(&rng, 9),
			.mul = (s32)rng_range(&rng, -300, 300),
			.shift = rng_below(&rng, 9),
			.op = (u16)rng_below(&rng, MLPROXY_NR_INPUT_OPS),
		} };
		s32 bias = 0;
		s8 one = 1;
		struct mlp_spec_layer layer = { 1, 1, 0, 0, 0, &bias, &one };
		struct mlp_spec spec = { .nr_inputs = 1, .inputs = &b.in, .nr_layers = 1,
					 .layers = &layer };
		int64_t out, lo = INT64_MAX, hi = INT64_MIN;
		void *data;
		size_t len;

		b.in.clamp_max = b.in.clamp_min + rng_range(&rng, 0, 100);
		assert_int_equal(mlp_build(&spec, &data, &len), 0);
		for (int64_t f = b.in.clamp_min; f <= b.in.clamp_max; f++) {
			ref_eval(data, &f, &out);
			lo = out < lo ? out : lo;
			hi = out > hi ? out : hi;
		}
		free(data);
		b.lo = (s8)lo;
		b.hi = (s8)hi;
		check_boundary(&b, 1);
		check_boundary(&b, -1);
		check_boundary(&b, 127);
		check_boundary(&b, -128);
	}
}

/* Through a hidden layer: [-128, 127] * 100 + 50, RELU, / 128 gives [0, 100]. */
static int verify_two_layers(u32 flags, s32 bias1, s32 bias2, s8 w2, struct mlp_report *report)
{
	struct mlp_limits lim = { .nr_features = 1, .nr_actions = 1, .max_macs = 2 };
	struct mlproxy_model_input in = { .clamp_min = -128, .clamp_max = 127, .mul = 1 };
	s8 w1 = 100;
	struct mlp_spec_layer layers[2] = {
		{ 1, 1, flags, 1, 7, &bias1, &w1 },
		{ 1, 1, 0, 0, 0, &bias2, &w2 },
	};
	struct mlp_spec spec = { .nr_inputs = 1, .inputs = &in, .nr_layers = 2,
				 .layers = layers };
	struct mlp mlp;
	void *data;
	size_t len;
	int err;

	assert_int_equal(mlp_build(&spec, &data, &len), 0);
	err = mlp_verify(data, len, &lim, &mlp, report);
	free(data);
	return err;
}

static void interval_is_tight_through_layers(void **state)
{
	struct mlp_report report;

	(void)state;
	/* (12700 + 50 + 64) >> 7 = 100 */
	assert_int_equal(verify_two_layers(1, 50, S32_MAX - 1000, 10, &report), 0);
	assert_int_equal(verify_two_layers(1, 50, S32_MAX - 999, 10, &report), -EBADMSG);
	assert_int_equal(report.arg, 1ULL << 32);
	assert_non_null(strstr(report.text, "layer 1 row 0"));
	/* the RELU leaves nothing below 0 */
	assert_int_equal(verify_two_layers(1, 50, S32_MIN, 10, &report), 0);
	assert_int_equal(verify_two_layers(0, 50, S32_MIN, 10, &report), -EBADMSG);
	/* (-12800 + 50 + 64) >> 7 = -100 (rounded from -99.6) */
	assert_int_equal(verify_two_layers(0, 50, S32_MIN + 1000, 10, &report), 0);
	assert_int_equal(verify_two_layers(0, 50, S32_MIN + 999, 10, &report), -EBADMSG);
	/* a layer that is always saturated: exactly 127 */
	assert_int_equal(verify_two_layers(1, 1 << 20, S32_MAX - 1270, 10, &report), 0);
	assert_int_equal(verify_two_layers(1, 1 << 20, S32_MAX - 1269, 10, &report), -EBADMSG);
	assert_int_equal(verify_two_layers(1, 1 << 20, S32_MIN + 1270, -10, &report), 0);
	/* a layer that is always off: exactly 0 */
	assert_int_equal(verify_two_layers(1, -(1 << 20), S32_MAX, 127, &report), 0);
}

/* A hidden unit that is always off counts as 0 beside another, not as negative. */
static void interval_of_a_unit_that_is_off(void **state)
{
	struct mlp_limits lim = { .nr_features = 1, .nr_actions = 1, .max_macs = 4 };
	struct mlproxy_model_input in = { .clamp_min = -128, .clamp_max = 127, .mul = 1 };
	s32 bias1[2] = { -(1 << 20), 50 }, bias2;
	s8 w1[2] = { 100, 100 }, w2[2] = { 127, 10 };
	struct mlp_spec_layer layers[2] = {
		{ 1, 2, MLPROXY_LAYER_RELU, 1, 7, bias1, w1 },
		{ 2, 1, 0, 0, 0, &bias2, w2 },
	};
	struct mlp_spec spec = { .nr_inputs = 1, .inputs = &in, .nr_layers = 2,
				 .layers = layers };

	(void)state;
	for (int beyond = 0; beyond < 2; beyond++) {
		struct mlp_report report;
		struct mlp mlp;
		void *data;
		size_t len;

		bias2 = S32_MAX - 1000 + beyond;
		assert_int_equal(mlp_build(&spec, &data, &len), 0);
		assert_int_equal(mlp_verify(data, len, &lim, &mlp, &report),
				 beyond ? -EBADMSG : 0);
		free(data);
	}
}

static void accepts_random_models(void **state)
{
	struct rng rng = rng_seed(6);
	struct mlp_report report;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct mlp_limits lim = {
			.schema_hash = rng_u64(&rng),
			.nr_features = 1 + rng_below(&rng, MLPROXY_MAX_FEATURES),
			.nr_actions = 2 + rng_below(&rng, MLPROXY_MAX_ACTIONS - 1),
			.max_macs = 64 + rng_below(&rng, 8192),
		};
		void *data;
		size_t len;

		assert_int_equal(mlp_random_model(&rng, &lim, &data, &len), 0);
		if (verify_exact(data, len, &lim, &report))
			fail_msg("model %d refused: %s", i, report.text);
		free(data);
	}
}

#define sample_test(f)	cmocka_unit_test_setup_teardown(f, sample_setup, sample_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		sample_test(accepts_the_sample),
		sample_test(refuses_length),
		sample_test(refuses_sealed_prefixes),
		sample_test(refuses_too_long),
		sample_test(refuses_identity),
		sample_test(refuses_checksum),
		sample_test(refuses_reserved),
		sample_test(refuses_name),
		sample_test(refuses_schema),
		sample_test(refuses_shape),
		sample_test(refuses_tables_beyond_the_file),
		sample_test(refuses_chain),
		sample_test(refuses_offsets),
		sample_test(accepts_an_array_at_the_very_end),
		sample_test(refuses_inputs),
		sample_test(refuses_scales),
		sample_test(refuses_flags),
		sample_test(refuses_cost),
		sample_test(refuses_overflow),
		cmocka_unit_test(interval_is_tight_for_inputs),
		cmocka_unit_test(interval_matches_exhaustion),
		cmocka_unit_test(interval_is_tight_through_layers),
		cmocka_unit_test(interval_of_a_unit_that_is_off),
		cmocka_unit_test(accepts_random_models),
	};

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
