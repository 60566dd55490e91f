// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmlproxy: join feedback to decisions by decision id, in bounded memory.
 *
 * Records that wait lie in a pool of slots, linked from oldest to newest. An
 * open-addressing index (linear probing, at most half full, deletion by shifting
 * back, so no tombstones pile up) finds a slot by id. A slot that is freed keeps
 * its bytes until the next call, which is what makes struct mlproxy_joined valid
 * until then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

#define MAX_ENTRIES	(1U << 24)
#define NONE		UINT32_MAX

/**
 * struct join_slot - one record that waits
 * @id: decision id
 * @time_ns: of the record
 * @older: slot before this one, NONE for the oldest
 * @newer: slot behind this one, NONE for the newest; next free slot
 * @type: MLPROXY_REC_DECISION or _FEEDBACK
 */
struct join_slot {
	uint64_t id;
	uint64_t time_ns;
	uint32_t older;
	uint32_t newer;
	uint16_t type;
};

/**
 * struct mlproxy_join - the table
 * @slots: @nr_slots slots
 * @bytes: @nr_slots records of @stride_bytes each
 * @index: slot + 1 by hash of the id, 0 for an empty place
 * @index_mask: places in @index, less one
 * @oldest: first to be given up
 * @newest: last one
 * @free: first free slot
 */
struct mlproxy_join {
	struct join_slot *slots;
	unsigned char *bytes;
	uint32_t *index;
	uint32_t nr_slots;
	uint32_t stride_bytes;
	uint32_t index_mask;
	uint32_t oldest;
	uint32_t newest;
	uint32_t free;
	struct mlproxy_join_counts counts;
	mlproxy_join_drop_fn drop;
	void *drop_ctx;
};

static uint32_t home(const struct mlproxy_join *j, uint64_t id)
{
	return (uint32_t)((id * 0x9e3779b97f4a7c15ULL) >> 32) & j->index_mask;
}

static void *slot_bytes(const struct mlproxy_join *j, uint32_t slot)
{
	return j->bytes + (size_t)slot * j->stride_bytes;
}

/* The place of @id in the index, or the empty place where it would go. */
static uint32_t find_place(const struct mlproxy_join *j, uint64_t id)
{
	uint32_t place = home(j, id);

	while (j->index[place] && j->slots[j->index[place] - 1].id != id)
		place = (place + 1) & j->index_mask;
	return place;
}

/* Close the hole, so that no later search stops at it too early. */
static void index_remove(struct mlproxy_join *j, uint32_t hole)
{
	uint32_t place = hole;

	for (;;) {
		uint32_t want;

		place = (place + 1) & j->index_mask;
		if (!j->index[place])
			break;
		want = home(j, j->slots[j->index[place] - 1].id);
		if (((place - want) & j->index_mask) < ((place - hole) & j->index_mask))
			continue;
		j->index[hole] = j->index[place];
		hole = place;
	}
	j->index[hole] = 0;
}

static void slot_remove(struct mlproxy_join *j, uint32_t place)
{
	uint32_t slot = j->index[place] - 1;
	struct join_slot *old = &j->slots[slot];

	if (old->older == NONE)
		j->oldest = old->newer;
	else
		j->slots[old->older].newer = old->newer;
	if (old->newer == NONE)
		j->newest = old->older;
	else
		j->slots[old->newer].older = old->older;
	index_remove(j, place);
	old->newer = j->free;
	j->free = slot;
	j->counts.pending--;
}

static void give_up_oldest(struct mlproxy_join *j)
{
	uint32_t slot = j->oldest;

	if (j->slots[slot].type == MLPROXY_REC_DECISION) {
		j->counts.dropped_decisions++;
		if (j->drop)
			j->drop(slot_bytes(j, slot), j->drop_ctx);
	} else {
		j->counts.dropped_feedbacks++;
	}
	slot_remove(j, find_place(j, j->slots[slot].id));
}

/* Make the slots longer: a schema's decisions are all alike, so this is rare. */
static int widen(struct mlproxy_join *j, uint32_t stride_bytes)
{
	unsigned char *bytes;
	uint32_t slot;

	bytes = calloc(j->nr_slots, stride_bytes);
	if (!bytes)
		return -ENOMEM;
	for (slot = j->oldest; slot != NONE; slot = j->slots[slot].newer)
		memcpy(bytes + (size_t)slot * stride_bytes, slot_bytes(j, slot), j->stride_bytes);
	free(j->bytes);
	j->bytes = bytes;
	j->stride_bytes = stride_bytes;
	return 0;
}

static int store(struct mlproxy_join *j, uint64_t id, const struct mlproxy_rec_hdr *rec)
{
	struct join_slot *slot;
	uint32_t i;
	int ret;

	if (rec->len > j->stride_bytes) {
		ret = widen(j, (rec->len + 7) & ~7U);
		if (ret)
			return ret;
	}
	if (j->free == NONE)
		give_up_oldest(j);
	i = j->free;
	slot = &j->slots[i];
	j->free = slot->newer;
	*slot = (struct join_slot) {
		.id = id,
		.time_ns = rec->time_ns,
		.older = j->newest,
		.newer = NONE,
		.type = rec->type,
	};
	if (j->newest == NONE)
		j->oldest = i;
	else
		j->slots[j->newest].newer = i;
	j->newest = i;
	memcpy(slot_bytes(j, i), rec, rec->len);
	j->index[find_place(j, id)] = i + 1;
	j->counts.pending++;
	return 0;
}

int mlproxy_join_new(struct mlproxy_join **jp, uint32_t entries, mlproxy_join_drop_fn drop,
		     void *ctx)
{
	struct mlproxy_join *j;
	uint32_t i;

	*jp = NULL;
	if (entries == 0 || entries > MAX_ENTRIES)
		return -EINVAL;
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	j->nr_slots = entries;
	j->index_mask = 1;
	while (j->index_mask < 2 * entries)
		j->index_mask *= 2;
	j->index = calloc(j->index_mask, sizeof(*j->index));
	j->index_mask--;
	j->slots = calloc(entries, sizeof(*j->slots));
	j->stride_bytes = sizeof(struct mlproxy_rec_decision);
	j->bytes = calloc(entries, j->stride_bytes);
	j->drop = drop;
	j->drop_ctx = ctx;
	if (!j->index || !j->slots || !j->bytes) {
		mlproxy_join_free(j);
		return -ENOMEM;
	}
	for (i = 0; i < entries; i++)
		j->slots[i].newer = i + 1 < entries ? i + 1 : NONE;
	j->oldest = NONE;
	j->newest = NONE;
	*jp = j;
	return 0;
}

void mlproxy_join_free(struct mlproxy_join *j)
{
	if (!j)
		return;
	free(j->index);
	free(j->slots);
	free(j->bytes);
	free(j);
}

int mlproxy_join_add_sized(struct mlproxy_join *j, const struct mlproxy_rec_hdr *rec,
			   struct mlproxy_joined *out, size_t bytes)
{
	uint32_t place, slot;
	uint64_t id;

	if (bytes < MLPX_UP_TO(struct mlproxy_joined, feedback))
		return -EINVAL;

	if (rec->type == MLPROXY_REC_DECISION)
		id = ((const struct mlproxy_rec_decision *)rec)->id;
	else if (rec->type == MLPROXY_REC_FEEDBACK)
		id = ((const struct mlproxy_rec_feedback *)rec)->id;
	else
		return 0;

	place = find_place(j, id);
	if (!j->index[place])
		return store(j, id, rec);
	slot = j->index[place] - 1;
	if (j->slots[slot].type == rec->type) {
		j->counts.duplicates++;
		return 0;
	}
	memset(out, 0, bytes);
	out->size = bytes < sizeof(*out) ? bytes : sizeof(*out);
	if (rec->type == MLPROXY_REC_FEEDBACK) {
		out->decision = slot_bytes(j, slot);
		out->feedback = (const struct mlproxy_rec_feedback *)rec;
	} else {
		out->decision = (const struct mlproxy_rec_decision *)rec;
		out->feedback = slot_bytes(j, slot);
	}
	slot_remove(j, place);
	if (out->feedback->hdr.flags & MLPROXY_FEEDBACK_EXPIRED) {
		j->counts.expired++;
		return 2;
	}
	j->counts.matched++;
	return 1;
}

void mlproxy_join_flush(struct mlproxy_join *j, uint64_t before_ns)
{
	while (j->oldest != NONE && j->slots[j->oldest].time_ns < before_ns)
		give_up_oldest(j);
}

void mlproxy_join_get_counts_sized(const struct mlproxy_join *j,
				   struct mlproxy_join_counts *counts, size_t bytes)
{
	mlpx_give(counts, bytes, &j->counts, sizeof(j->counts));
}
