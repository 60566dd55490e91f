// SPDX-License-Identifier: GPL-2.0-only
/*
 * The replay buffer; see replay.h for what it keeps. Rows of the queue are a ring
 * in the first part of the arrays; the archive is the second part, in no order, and
 * each regime knows its slots in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mix64.h"
#include "replay.h"
#include "unit_real.h"

/* Consecutive rows that have one role: rows close in time are alike. */
#define ROLE_BLOCK	32

static uint64_t draw(struct replay *r, uint64_t below)
{
	r->random++;
	return mix64(r->random) % below;
}

static double uniform(uint64_t x)
{
	return unit_real(mix64(x));
}

enum replay_role replay_role_of(bool by_key, uint64_t serial, uint64_t key, double holdout,
				double validation)
{
	uint64_t group = by_key ? mix64(key) : serial / ROLE_BLOCK;

	if (uniform(group) < holdout)
		return REPLAY_TEST;
	return uniform(group ^ 0x5bd1e995ULL << 32) < validation ? REPLAY_VALID : REPLAY_TRAIN;
}

int replay_init(struct replay *r, const struct mlds_schema *schema, uint32_t recent,
		uint32_t archive)
{
	size_t rows = (size_t)recent + archive;

	memset(r, 0, sizeof(*r));
	r->schema = *schema;
	r->recent_room = recent;
	r->archive_room = archive;
	r->next_serial = 1;
	r->rows = malloc(rows * sizeof(*r->rows));
	r->features = malloc(rows * schema->schema.nr_features * sizeof(*r->features));
	r->regime[0].slot = malloc(((size_t)archive + 1) * sizeof(uint32_t));
	r->nr_regimes = 1;
	if (r->rows && r->features && r->regime[0].slot)
		return 0;
	replay_free(r);
	return -ENOMEM;
}

void replay_free(struct replay *r)
{
	uint32_t i;

	for (i = 0; i < REPLAY_MAX_REGIMES; i++)
		free(r->regime[i].slot);
	free(r->rows);
	free(r->features);
	memset(r, 0, sizeof(*r));
}

static int64_t *features_of(const struct replay *r, uint32_t slot)
{
	return r->features + (size_t)slot * r->schema.schema.nr_features;
}

static void put_row(struct replay *r, uint32_t slot, const struct replay_row *row,
		    const int64_t *features)
{
	r->rows[slot] = *row;
	memcpy(features_of(r, slot), features,
	       r->schema.schema.nr_features * sizeof(*features));
}

static struct replay_regime *present(struct replay *r)
{
	return &r->regime[r->nr_regimes - 1];
}

/* Rows of regimes that were merged away belong to the oldest that is left. */
static struct replay_regime *regime_of(struct replay *r, uint32_t number)
{
	uint32_t i;

	for (i = r->nr_regimes - 1; i > 0; i--)
		if (r->regime[i].number <= number)
			return &r->regime[i];
	return &r->regime[0];
}

/* A slot for a row of regime @g, or none where the sample does without it. */
static bool archive_slot(struct replay *r, struct replay_regime *g, uint32_t *slot)
{
	struct replay_regime *largest = g;
	uint32_t i, sharing = 0, victim;
	uint64_t j;

	g->offered++;
	if (!r->archive_room)
		return false;
	if (r->nr_archive < r->archive_room) {
		*slot = r->recent_room + r->nr_archive++;
		g->slot[g->kept++] = *slot;
		return true;
	}
	for (i = 0; i < r->nr_regimes; i++) {
		sharing += r->regime[i].kept || &r->regime[i] == g;
		if (r->regime[i].kept > largest->kept)
			largest = &r->regime[i];
	}
	if (largest != g && g->kept < r->archive_room / sharing) {
		victim = draw(r, largest->kept);
		*slot = largest->slot[victim];
		largest->slot[victim] = largest->slot[--largest->kept];
		g->slot[g->kept++] = *slot;
		return true;
	}
	j = draw(r, g->offered);
	if (j >= g->kept)
		return false;
	*slot = g->slot[j];
	return true;
}

static void archive_row(struct replay *r, const struct replay_row *row, const int64_t *features)
{
	uint32_t slot;

	if (archive_slot(r, regime_of(r, row->regime), &slot))
		put_row(r, slot, row, features);
}

uint64_t replay_add(struct replay *r, const struct replay_row *row, const int64_t *features)
{
	uint32_t slot;

	if (r->nr_recent == r->recent_room) {
		archive_row(r, &r->rows[r->head], features_of(r, r->head));
		r->head = (r->head + 1) % r->recent_room;
		r->nr_recent--;
	}
	slot = (r->head + r->nr_recent++) % r->recent_room;
	put_row(r, slot, row, features);
	r->rows[slot].serial = r->next_serial;
	r->rows[slot].regime = present(r)->number;
	return r->next_serial++;
}

/* The two oldest become one. */
static void merge_oldest(struct replay *r)
{
	struct replay_regime *a = &r->regime[0], *b = &r->regime[1];

	memcpy(b->slot + b->kept, a->slot, a->kept * sizeof(*a->slot));
	b->kept += a->kept;
	b->offered += a->offered;
	free(a->slot);
	memmove(a, b, (r->nr_regimes - 1) * sizeof(*a));
	r->nr_regimes--;
	memset(&r->regime[r->nr_regimes], 0, sizeof(*a));
}

static bool add_regime(struct replay *r, uint32_t number)
{
	uint32_t *slot = malloc(((size_t)r->archive_room + 1) * sizeof(*slot));

	if (!slot)
		return false;
	if (r->nr_regimes == REPLAY_MAX_REGIMES)
		merge_oldest(r);
	r->regime[r->nr_regimes++] = (struct replay_regime){ .number = number, .slot = slot };
	return true;
}

void replay_new_regime(struct replay *r, uint64_t since)
{
	uint32_t number = present(r)->number + 1, i;

	/* Without memory the old one goes on. */
	if (!add_regime(r, number))
		return;
	for (i = r->nr_recent; i > 0; i--) {
		struct replay_row *row = &r->rows[(r->head + i - 1) % r->recent_room];

		if (row->serial < since)
			break;
		row->regime = number;
	}
}

uint32_t replay_regime_rows(const struct replay *r)
{
	uint32_t number = r->regime[r->nr_regimes - 1].number, i;

	for (i = 0; i < r->nr_recent; i++)
		if (r->rows[(r->head + r->nr_recent - 1 - i) % r->recent_room].regime != number)
			break;
	return i;
}

struct order {
	uint64_t serial;
	uint32_t slot;
};

static int by_serial(const void *pa, const void *pb)
{
	const struct order *a = pa, *b = pb;

	return a->serial < b->serial ? -1 : a->serial > b->serial;
}

static void copy_row(const struct replay *r, uint32_t slot, struct mlds_data *d, size_t i)
{
	const struct replay_row *row = &r->rows[slot];

	memcpy(d->features + i * d->nr_features, features_of(r, slot),
	       d->nr_features * sizeof(*d->features));
	d->reward[i] = row->reward;
	d->prob[i] = (double)row->prob_q31 / MLPROXY_PROB_ONE;
	d->key[i] = row->key;
	d->id[i] = row->serial;
	d->time_ns[i] = row->time_ns;
	d->run[i] = regime_of((struct replay *)r, row->regime) - r->regime;
	d->model_version[i] = row->model_version;
	d->allowed[i] = row->allowed;
	d->action[i] = row->action;
	d->baseline[i] = row->baseline;
	d->source[i] = row->source;
	d->mode[i] = row->mode;
	d->candidate[i] = row->candidate;
	d->predicted[i] = row->predicted;
}

int replay_snapshot(const struct replay *r, struct mlds_data *data)
{
	size_t n = (size_t)r->nr_recent + r->nr_archive, i;
	struct order *order = malloc((n + 1) * sizeof(*order));

	if (!order || mlds_alloc(data, &r->schema, n)) {
		free(order);
		return -ENOMEM;
	}
	for (i = 0; i < r->nr_archive; i++)
		order[i].slot = r->recent_room + i;
	for (i = 0; i < r->nr_recent; i++)
		order[r->nr_archive + i].slot = (r->head + i) % r->recent_room;
	for (i = 0; i < n; i++)
		order[i].serial = r->rows[order[i].slot].serial;
	qsort(order, n, sizeof(*order), by_serial);
	for (i = 0; i < n; i++)
		copy_row(r, order[i].slot, data, i);
	free(order);
	return 0;
}

static int restore_regimes(struct replay *r, const struct mlds_data *data,
			   const struct replay_regime *regimes, uint32_t nr_regimes)
{
	uint32_t nr = nr_regimes ? nr_regimes : 1, i;
	size_t row;

	for (row = 0; row < data->n; row++)
		if (data->run[row] >= nr)
			nr = data->run[row] + 1;
	for (i = 0; i < nr; i++) {
		uint32_t number = i < nr_regimes ? regimes[i].number :
				  i ? present(r)->number + 1 : 0;

		if (!i)
			r->regime[0].number = number;
		else if (!add_regime(r, number))
			return -ENOMEM;
	}
	return 0;
}

static void restore_row(struct replay *r, const struct mlds_data *d, size_t i, bool recent,
			uint32_t number)
{
	const struct replay_row row = {
		.serial = d->id[i],
		.key = d->key[i],
		.time_ns = d->time_ns[i],
		.reward = d->reward[i],
		.predicted = d->predicted[i],
		.prob_q31 = d->prob[i] * MLPROXY_PROB_ONE + 0.5,
		.model_version = d->model_version[i],
		.allowed = d->allowed[i],
		.regime = number,
		.action = d->action[i],
		.baseline = d->baseline[i],
		.source = d->source[i],
		.mode = d->mode[i],
		.candidate = d->candidate[i],
	};
	const int64_t *features = d->features + i * d->nr_features;

	if (recent)
		put_row(r, r->nr_recent++, &row, features);
	else
		archive_row(r, &row, features);
	if (row.serial >= r->next_serial)
		r->next_serial = row.serial + 1;
}

int replay_restore(struct replay *r, const struct mlds_data *data,
		   const struct replay_regime *regimes, uint32_t nr_regimes)
{
	size_t first = data->n > r->recent_room ? data->n - r->recent_room : 0, i;
	struct order *order = malloc((data->n + 1) * sizeof(*order));
	uint32_t kept = nr_regimes < REPLAY_MAX_REGIMES ? nr_regimes : REPLAY_MAX_REGIMES, k;
	int err;

	if (!order)
		return -ENOMEM;
	for (i = 0; i < data->n; i++)
		order[i] = (struct order){ data->id[i], i };
	qsort(order, data->n, sizeof(*order), by_serial);
	err = restore_regimes(r, data, regimes, nr_regimes);
	for (i = 0; !err && i < data->n; i++) {
		size_t row = order[i].slot;
		uint32_t run = data->run[row];

		restore_row(r, data, row, i >= first, run < nr_regimes ? regimes[run].number : run);
	}
	/* What was offered before, too; the sample must go on from there. */
	for (k = 0; !err && k < kept; k++) {
		struct replay_regime *g = regime_of(r, regimes[k].number);

		if (regimes[k].offered > g->offered)
			g->offered = regimes[k].offered;
	}
	free(order);
	return err;
}
