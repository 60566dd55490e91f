// SPDX-License-Identifier: GPL-2.0-only
/* The table of recommendations; see rec_table.h for the rules. */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "rec_table.h"
#include "split.h"

struct rec_place {
	u32 seq;
	struct rec_entry entry;
};

struct rec_table {
	struct mutex lock;	/* writers */
	atomic_t *uses;
	int used;
	u64 evicted;
	u32 set_mask;
	struct rec_place places[];
};

/**
 * rec_table_alloc() - allocate an empty table
 * @entries: places, rounded up to a power of two
 * @uses: where to say whether there may be anything in the table; lives as long
 * @used: bit of it that is set then
 * @gfp: how to allocate it
 *
 * Context: may sleep. Return: the table, or NULL.
 */
struct rec_table *rec_table_alloc(u32 entries, atomic_t *uses, int used, gfp_t gfp)
{
	u32 nr = max_t(u32, roundup_pow_of_two(entries), REC_WAYS);
	struct rec_table *table;

	table = kvzalloc(struct_size(table, places, nr), gfp);
	if (!table)
		return NULL;
	mutex_init(&table->lock);
	table->uses = uses;
	table->used = used;
	table->set_mask = nr / REC_WAYS - 1;
	return table;
}

/**
 * rec_table_free() - free a table that nobody looks at any more
 * @table: the table, or NULL
 */
void rec_table_free(struct rec_table *table)
{
	if (!table)
		return;
	mutex_destroy(&table->lock);
	kvfree(table);
}

static struct rec_place *table_set(const struct rec_table *table, u64 key)
{
	u32 set = (u32)mix64(key) & table->set_mask;

	return (struct rec_place *)&table->places[set * REC_WAYS];
}

static void place_write(struct rec_place *place, const struct rec_entry *entry)
{
	WRITE_ONCE(place->seq, place->seq + 1);
	smp_wmb(); /* odd before the contents; pairs with place_read() */
	WRITE_ONCE(place->entry.key, entry->key);
	WRITE_ONCE(place->entry.expires_ns, entry->expires_ns);
	WRITE_ONCE(place->entry.version, entry->version);
	WRITE_ONCE(place->entry.action, entry->action);
	WRITE_ONCE(place->entry.confidence, entry->confidence);
	smp_wmb(); /* the contents before even */
	WRITE_ONCE(place->seq, place->seq + 1);
}

static bool place_read(const struct rec_place *place, struct rec_entry *out)
{
	u32 seq = READ_ONCE(place->seq);

	if (seq & 1)
		return false;
	smp_rmb(); /* pairs with place_write() */
	out->key = READ_ONCE(place->entry.key);
	out->expires_ns = READ_ONCE(place->entry.expires_ns);
	out->version = READ_ONCE(place->entry.version);
	out->action = READ_ONCE(place->entry.action);
	out->confidence = READ_ONCE(place->entry.confidence);
	smp_rmb(); /* the contents before the second look */
	return READ_ONCE(place->seq) == seq;
}

/* The place of the key itself; else one that is empty or stale; else the one that
 * would expire first, which is evicted.
 */
static struct rec_place *choose_place(struct rec_table *table, u64 key, u64 now_ns)
{
	struct rec_place *set = table_set(table, key);
	struct rec_place *oldest = set;
	int i;

	for (i = 0; i < REC_WAYS; i++) {
		if (set[i].entry.expires_ns && set[i].entry.key == key)
			return &set[i];
		if (set[i].entry.expires_ns < oldest->entry.expires_ns)
			oldest = &set[i];
	}
	if (oldest->entry.expires_ns > now_ns)
		WRITE_ONCE(table->evicted, table->evicted + 1);
	return oldest;
}

/**
 * rec_table_insert() - put a recommendation in, or replace the key's
 * @table: the table
 * @entry: the recommendation, checked
 * @now_ns: CLOCK_MONOTONIC
 *
 * Context: may sleep.
 */
void rec_table_insert(struct rec_table *table, const struct rec_entry *entry, u64 now_ns)
{
	mutex_lock(&table->lock);
	if (!(atomic_read(table->uses) & table->used))
		atomic_or(table->used, table->uses);
	place_write(choose_place(table, entry->key, now_ns), entry);
	mutex_unlock(&table->lock);
}

/**
 * rec_table_lookup() - look a key up
 * @table: the table
 * @key: entity
 * @now_ns: CLOCK_MONOTONIC
 * @out: out: the recommendation, where found
 *
 * Context: any; never waits. Return: REC_FRESH, REC_EXPIRED or REC_MISS.
 */
int rec_table_lookup(const struct rec_table *table, u64 key, u64 now_ns,
		     struct rec_entry *out)
{
	const struct rec_place *set = table_set(table, key);
	int i;

	for (i = 0; i < REC_WAYS; i++) {
		if (READ_ONCE(set[i].entry.key) != key || !place_read(&set[i], out))
			continue;
		if (out->key != key || !out->expires_ns)
			continue;
		return out->expires_ns > now_ns ? REC_FRESH : REC_EXPIRED;
	}
	return REC_MISS;
}

/**
 * rec_table_clear() - empty the table
 * @table: the table
 *
 * Context: may sleep.
 */
void rec_table_clear(struct rec_table *table)
{
	static const struct rec_entry empty;
	u32 i;

	mutex_lock(&table->lock);
	for (i = 0; i < (table->set_mask + 1) * REC_WAYS; i++)
		place_write(&table->places[i], &empty);
	WRITE_ONCE(table->evicted, 0);
	atomic_andnot(table->used, table->uses);
	mutex_unlock(&table->lock);
}

/**
 * rec_table_evicted() - fresh recommendations that gave way to others
 * @table: the table
 */
u64 rec_table_evicted(const struct rec_table *table)
{
	return READ_ONCE(table->evicted);
}
