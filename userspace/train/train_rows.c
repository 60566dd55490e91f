// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows by index: the parts of a data set, and the inputs that the network gets.
 *
 * A part never shares a block of time (or a key) with another. Records close in
 * time, or of one entity, are alike; a random split by row would put near copies
 * of the training rows into the test.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mlp_arith.h"
#include "train_priv.h"

#define TIME_BLOCKS	40

void mltrain_rows_free(struct mltrain_rows *rows)
{
	free(rows->row);
	rows->row = NULL;
	rows->n = 0;
}

static int alloc_rows(struct mltrain_rows *rows, size_t room)
{
	rows->n = 0;
	rows->row = malloc((room ?: 1) * sizeof(*rows->row));
	return rows->row ? 0 : mltrain_fail(-ENOMEM, "no memory for %zu rows", room);
}

int mltrain_rows_all(const struct mlds_data *data, struct mltrain_rows *rows)
{
	size_t i;

	if (data->n > UINT32_MAX)
		return mltrain_fail(-EFBIG, "%zu rows are too many: use fewer files", data->n);
	if (alloc_rows(rows, data->n))
		return -ENOMEM;
	for (i = 0; i < data->n; i++)
		rows->row[i] = i;
	rows->n = data->n;
	return 0;
}

/*
 * Whether block @block of @nr goes to the second part: spread evenly, so that
 * each part sees all of the recording; the seed shifts the pattern.
 */
static bool second_block(size_t block, double share, uint64_t seed)
{
	double at = block * share + mltrain_uniform(seed);

	return (int64_t)(at + share) > (int64_t)at;
}

int mltrain_split_rows(const struct mlds_data *data, const struct mltrain_rows *from,
		       enum mltrain_split split, double share, uint64_t seed,
		       struct mltrain_rows *first, struct mltrain_rows *second)
{
	size_t i;

	memset(first, 0, sizeof(*first));
	memset(second, 0, sizeof(*second));
	if (split == MLTRAIN_SPLIT_AUTO)
		split = data->schema.schema.unit == MLPROXY_UNIT_ENTITY ? MLTRAIN_SPLIT_KEY :
									  MLTRAIN_SPLIT_TIME;
	if (alloc_rows(first, from->n) || alloc_rows(second, from->n)) {
		mltrain_rows_free(first);
		mltrain_rows_free(second);
		return -ENOMEM;
	}
	for (i = 0; i < from->n; i++) {
		uint32_t row = from->row[i];
		bool to_second;

		if (split == MLTRAIN_SPLIT_KEY)
			to_second = mltrain_uniform(data->key[row] ^ mix64(seed)) < share;
		else
			to_second = second_block(i * TIME_BLOCKS / from->n, share, seed);
		if (to_second)
			second->row[second->n++] = row;
		else
			first->row[first->n++] = row;
	}
	return 0;
}

static int by_value(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return a < b ? -1 : a > b;
}

int mltrain_pick_rows(const struct mltrain_model *model, const struct mlds_data *data, bool seen,
		      struct mltrain_rows *rows)
{
	size_t i;

	if (alloc_rows(rows, data->n))
		return -ENOMEM;
	for (i = 0; i < data->n; i++) {
		uint64_t hash = mltrain_row_hash(data, i);

		if (seen == !!bsearch(&hash, model->seen, model->nr_seen, sizeof(hash), by_value))
			rows->row[rows->n++] = i;
	}
	return 0;
}

int mltrain_note_seen(struct mltrain_model *m, const struct mlds_data *data)
{
	size_t i;

	m->seen = malloc((data->n ?: 1) * sizeof(*m->seen));
	if (!m->seen)
		return mltrain_fail(-ENOMEM, "no memory for %zu rows", data->n);
	for (i = 0; i < data->n; i++)
		m->seen[i] = mltrain_row_hash(data, i);
	m->nr_seen = data->n;
	qsort(m->seen, m->nr_seen, sizeof(*m->seen), by_value);
	return 0;
}

bool mltrain_provenance_known(const struct mltrain_model *m)
{
	return !m->imported || m->nr_seen;
}

float *mltrain_inputs(const struct mlproxy_model_input *inputs, uint32_t nr_inputs,
		      const struct mlds_data *data, const struct mltrain_rows *rows)
{
	float *x = malloc((rows->n ?: 1) * nr_inputs * sizeof(*x)), *p = x;
	size_t i;
	uint32_t j;

	if (!x) {
		mltrain_fail(-ENOMEM, "no memory for the inputs of %zu rows", rows->n);
		return NULL;
	}
	for (i = 0; i < rows->n; i++) {
		const int64_t *f = data->features + (size_t)rows->row[i] * data->nr_features;

		for (j = 0; j < nr_inputs; j++)
			*p++ = mlp_preprocess(&inputs[j], f[inputs[j].feature]) / 127.0F;
	}
	return x;
}
