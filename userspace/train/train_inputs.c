// SPDX-License-Identifier: GPL-2.0-only
/*
 * Choice of the preprocessing: which of the fixed-point format's operations suits
 * a feature, by its type and by the training part of the data.
 *
 *  - a category with few values: one EQUAL input a value; a BOOL: one input
 *  - a long-tailed number: LOG2, which keeps the resolution where the values are
 *  - any other number: LINEAR between the quantiles
 *  - a feature that never changes: none
 *
 * An int8 has 8 bits for the range of a feature; clamping at quantiles keeps a
 * single outlier from taking them all.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mlp_arith.h"
#include "train_priv.h"

#define MAX_CATEGORIES	16
#define CLAMP_QUANTILE	0.002
/* A median below this share of the 99th percentile makes a long tail. */
#define TAIL_SHARE	0.15
#define TAIL_LEAST	64

static int by_s64(const void *pa, const void *pb)
{
	int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;

	return a < b ? -1 : a > b;
}

static int64_t quantile(const int64_t *sorted, size_t n, double q)
{
	return sorted[(size_t)(q * (n - 1) + 0.5)];
}

static int64_t limit(int64_t x)
{
	return x < -MLP_MAX_MAGNITUDE ? -MLP_MAX_MAGNITUDE :
	       x > MLP_MAX_MAGNITUDE ? MLP_MAX_MAGNITUDE : x;
}

/* The largest multiplier that the format takes, so the finest scale. */
static void set_scale(struct mlproxy_model_input *in, double scale)
{
	uint32_t shift = 0;

	while (shift < MLPROXY_MODEL_MAX_SHIFT && scale * 2 <= MLP_MAX_INPUT_MUL) {
		scale *= 2;
		shift++;
	}
	in->mul = scale > MLP_MAX_INPUT_MUL ? MLP_MAX_INPUT_MUL : lround(scale);
	in->shift = shift;
}

/* Map the range of the clamped values, after the operation, onto -127 to 127. */
static void set_range(struct mlproxy_model_input *in, int64_t lo, int64_t hi)
{
	int64_t a, b;

	in->clamp_min = limit(lo);
	in->clamp_max = limit(hi);
	a = in->op == MLPROXY_INPUT_LOG2 ? log2_signed_q8(in->clamp_min) : in->clamp_min;
	b = in->op == MLPROXY_INPUT_LOG2 ? log2_signed_q8(in->clamp_max) : in->clamp_max;
	if (b <= a)
		b = a + 1;
	in->offset = a + (b - a) / 2;
	set_scale(in, 254.0 / (double)(b - a));
}

void mltrain_linear_input(struct mlproxy_model_input *in, uint32_t feature, int64_t lo,
			  int64_t hi)
{
	memset(in, 0, sizeof(*in));
	in->feature = feature;
	in->op = MLPROXY_INPUT_LINEAR;
	set_range(in, lo, hi);
	/* The middle of a range is rounded: neither end may saturate. */
	set_scale(in, 127.0 / fmax(1, (double)(in->clamp_max - in->offset)));
}

/* Distinct values of a sorted array, up to @max; more: @max + 1. */
static uint32_t distinct(const int64_t *sorted, size_t n, int64_t *value, uint32_t max)
{
	uint32_t nr = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (i && sorted[i] == sorted[i - 1])
			continue;
		if (nr == max)
			return max + 1;
		value[nr++] = sorted[i];
	}
	return nr;
}

static bool long_tail(int64_t *sorted, size_t n)
{
	int64_t *mag = malloc(n * sizeof(*mag));
	bool tail;
	size_t i;

	if (!mag)
		return false;
	for (i = 0; i < n; i++)
		mag[i] = sorted[i] == INT64_MIN ? INT64_MAX : llabs(sorted[i]);
	qsort(mag, n, sizeof(*mag), by_s64);
	tail = quantile(mag, n, 0.99) >= TAIL_LEAST &&
	       (double)quantile(mag, n, 0.5) < TAIL_SHARE * (double)quantile(mag, n, 0.99);
	free(mag);
	return tail;
}

/* Return: inputs added at @in. @room: how many there is place for. */
static uint32_t choose_for(const struct mlproxy_feature *f, uint32_t index, int64_t *sorted,
			   size_t n, struct mlproxy_model_input *in, uint32_t room)
{
	bool category = f->type == MLPROXY_TYPE_ENUM || f->type == MLPROXY_TYPE_BOOL;
	int64_t value[MAX_CATEGORIES];
	uint32_t nr = distinct(sorted, n, value, MAX_CATEGORIES), i;
	int64_t lo, hi;

	if (nr < 2 || !room)
		return 0;
	memset(in, 0, sizeof(*in));
	in->feature = index;
	if (nr == 2 || (category && nr <= MAX_CATEGORIES && nr <= room)) {
		/* Of two values one input tells all. */
		uint32_t first = nr == 2 ? 1 : 0;

		for (i = first; i < nr; i++) {
			in[i - first] = (struct mlproxy_model_input){
				.clamp_min = limit(limit(value[i]) - 1),
				.clamp_max = limit(limit(value[i]) + 1),
				.offset = limit(value[i]),
				.op = MLPROXY_INPUT_EQUAL,
				.feature = index,
			};
		}
		return nr - first;
	}
	lo = quantile(sorted, n, CLAMP_QUANTILE);
	hi = quantile(sorted, n, 1 - CLAMP_QUANTILE);
	if (lo == hi) {
		lo = sorted[0];
		hi = sorted[n - 1];
	}
	in->op = long_tail(sorted, n) ? MLPROXY_INPUT_LOG2 : MLPROXY_INPUT_LINEAR;
	set_range(in, lo, hi);
	return 1;
}

int mltrain_choose_inputs(const struct mlds_data *data, const struct mltrain_rows *rows,
			  struct mlproxy_model_input *inputs)
{
	int64_t *values = malloc((rows->n ?: 1) * sizeof(*values));
	uint32_t f, nr = 0;
	size_t i;

	if (!values)
		return mltrain_fail(-ENOMEM, "no memory for %zu values", rows->n);
	for (f = 0; f < data->nr_features && rows->n; f++) {
		/* Every feature behind this one gets at least one input. */
		uint32_t room = MLPROXY_MODEL_MAX_INPUTS - nr - (data->nr_features - 1 - f);

		for (i = 0; i < rows->n; i++)
			values[i] = data->features[(size_t)rows->row[i] * data->nr_features + f];
		qsort(values, rows->n, sizeof(*values), by_s64);
		nr += choose_for(&data->schema.features[f], f, values, rows->n, inputs + nr,
				 room);
	}
	free(values);
	if (!nr)
		return mltrain_fail(-ENODATA,
				    "no feature changes in the %zu rows of the training part: record a longer or more varied load",
				    rows->n);
	return nr;
}
