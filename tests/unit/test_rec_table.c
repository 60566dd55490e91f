// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of recommendations, built as user space (see shim/): what it keeps,
 * what it evicts, and look-ups beside a writer. The source is included, so that
 * the shim's headers serve it alone.
 */
#include "unit.h"
#include <linux/mutex.h>

#include "rec_table.c"
#include "rng.h"

#define USED 4

static atomic_t uses = { 1 };

static struct rec_table *new_table(u32 entries)
{
	return rec_table_alloc(entries, &uses, USED, GFP_KERNEL);
}

static struct rec_entry entry(u64 key, u64 expires_ns, u16 action)
{
	return (struct rec_entry){ .key = key, .expires_ns = expires_ns, .action = action,
				   .version = (u32)key ^ action, .confidence = 7 };
}

static void insert(struct rec_table *table, u64 key, u64 expires_ns, u16 action, u64 now_ns)
{
	struct rec_entry e = entry(key, expires_ns, action);

	rec_table_insert(table, &e, now_ns);
}

/* @nr keys of the same set as @first, with @first. */
static void colliding_keys(struct rec_table *table, u64 first, u64 *keys, int nr)
{
	u64 key = first;

	for (int i = 0; i < nr; key++) {
		if (table_set(table, key) == table_set(table, first))
			keys[i++] = key;
	}
}

static void finds_what_was_put_in(void **state)
{
	struct rec_table *table = new_table(64);
	struct rec_entry out;

	(void)state;
	assert_int_equal(rec_table_lookup(table, 5, 0, &out), REC_MISS);
	insert(table, 5, 1000, 3, 0);
	assert_int_equal(rec_table_lookup(table, 5, 999, &out), REC_FRESH);
	assert_int_equal(out.key, 5);
	assert_int_equal(out.action, 3);
	assert_int_equal(out.version, 5 ^ 3);
	assert_int_equal(out.confidence, 7);
	assert_int_equal(rec_table_lookup(table, 6, 999, &out), REC_MISS);
	rec_table_free(table);
}

static void says_whether_there_may_be_any(void **state)
{
	struct rec_table *table = new_table(4);

	(void)state;
	rec_table_clear(table);
	assert_int_equal(atomic_read(&uses), 1);
	insert(table, 5, 1000, 3, 0);
	insert(table, 6, 1000, 3, 0);
	assert_int_equal(atomic_read(&uses), 1 | USED);
	rec_table_clear(table);
	assert_int_equal(atomic_read(&uses), 1);
	rec_table_free(table);
}

static void key_zero_is_a_key(void **state)
{
	struct rec_table *table = new_table(4);
	struct rec_entry out;

	(void)state;
	/* an empty place has key 0, too */
	assert_int_equal(rec_table_lookup(table, 0, 0, &out), REC_MISS);
	insert(table, 0, 10, 2, 0);
	assert_int_equal(rec_table_lookup(table, 0, 9, &out), REC_FRESH);
	assert_int_equal(out.action, 2);
	rec_table_free(table);
}

static void expires_at_its_time(void **state)
{
	struct rec_table *table = new_table(4);
	struct rec_entry out;

	(void)state;
	insert(table, 1, 1000, 0, 0);
	assert_int_equal(rec_table_lookup(table, 1, 999, &out), REC_FRESH);
	assert_int_equal(rec_table_lookup(table, 1, 1000, &out), REC_EXPIRED);
	assert_int_equal(rec_table_lookup(table, 1, UINT64_MAX, &out), REC_EXPIRED);
	rec_table_free(table);
}

static void replaces_the_key_in_place(void **state)
{
	struct rec_table *table = new_table(4);
	struct rec_entry out;
	int found = 0;

	(void)state;
	for (u16 a = 0; a < 10; a++)
		insert(table, 77, 1000 + a, a, 0);
	assert_int_equal(rec_table_lookup(table, 77, 0, &out), REC_FRESH);
	assert_int_equal(out.action, 9);
	assert_int_equal(rec_table_evicted(table), 0);
	for (int i = 0; i < REC_WAYS; i++)
		found += table->places[i].entry.expires_ns && table->places[i].entry.key == 77;
	assert_int_equal(found, 1);
	rec_table_free(table);
}

static void evicts_the_first_to_expire(void **state)
{
	struct rec_table *table = new_table(64);
	u64 keys[REC_WAYS + 1];
	struct rec_entry out;

	(void)state;
	colliding_keys(table, 3, keys, REC_WAYS + 1);
	insert(table, keys[0], 400, 0, 0);
	insert(table, keys[1], 200, 1, 0);	/* the first to expire */
	insert(table, keys[2], 300, 2, 0);
	insert(table, keys[3], 500, 3, 0);
	assert_int_equal(rec_table_evicted(table), 0);
	insert(table, keys[4], 600, 4, 100);
	assert_int_equal(rec_table_evicted(table), 1);
	for (int i = 0; i <= REC_WAYS; i++)
		assert_int_equal(rec_table_lookup(table, keys[i], 100, &out),
				 i == 1 ? REC_MISS : REC_FRESH);
	rec_table_free(table);
}

static void takes_stale_places_without_eviction(void **state)
{
	struct rec_table *table = new_table(64);
	u64 keys[REC_WAYS + 1];
	struct rec_entry out;

	(void)state;
	colliding_keys(table, 3, keys, REC_WAYS + 1);
	for (int i = 0; i < REC_WAYS; i++)
		insert(table, keys[i], i == 2 ? 50 : 1000, 0, 0);
	insert(table, keys[REC_WAYS], 1000, 1, 100);
	assert_int_equal(rec_table_evicted(table), 0);
	assert_int_equal(rec_table_lookup(table, keys[2], 100, &out), REC_MISS);
	assert_int_equal(rec_table_lookup(table, keys[REC_WAYS], 100, &out), REC_FRESH);
	rec_table_free(table);
}

static void clear_forgets_all(void **state)
{
	struct rec_table *table = new_table(256);
	struct rec_entry out;

	(void)state;
	for (u64 key = 0; key < 5000; key++)
		insert(table, key, 1000, 1, 0);
	assert_true(rec_table_evicted(table) > 4000);
	rec_table_clear(table);
	assert_int_equal(rec_table_evicted(table), 0);
	for (u64 key = 0; key < 5000; key++)
		assert_int_equal(rec_table_lookup(table, key, 0, &out), REC_MISS);
	rec_table_free(table);
}

static void sizes_round_up(void **state)
{
	static const u32 sizes[][2] = { { 0, 4 }, { 1, 4 }, { 4, 4 }, { 5, 8 }, { 8, 8 },
					{ 1000, 1024 }, { 1024, 1024 }, { 65536, 65536 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct rec_table *table = new_table(sizes[i][0]);

		assert_int_equal((table->set_mask + 1) * REC_WAYS, sizes[i][1]);
		/* every place can be reached, and none beyond: the sanitizer looks */
		for (u64 key = 0; key < 4 * sizes[i][1]; key++)
			insert(table, key, 1000, 1, 0);
		for (u32 p = 0; sizes[i][1] <= 1024 && p < sizes[i][1]; p++)
			assert_int_equal(table->places[p].entry.expires_ns, 1000);
		rec_table_free(table);
	}
}

/* Against a plain list: what is found is the last that was put in for the key. */
static void random_run_is_never_wrong(void **state)
{
	enum { KEYS = 300 };
	struct rec_table *table = new_table(128);
	struct rec_entry last[KEYS] = {};
	struct rng rng = rng_seed(15);
	u32 fresh = 0, missed = 0;
	u64 now = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		u64 key = rng_below(&rng, KEYS);
		struct rec_entry out;
		int ret;

		now += rng_below(&rng, 3);
		if (rng_below(&rng, 2)) {
			last[key] = entry(key, now + 1 + rng_below(&rng, 1000),
					  (u16)rng_below(&rng, 32));
			rec_table_insert(table, &last[key], now);
			continue;
		}
		ret = rec_table_lookup(table, key, now, &out);
		if (ret == REC_MISS) {
			missed += last[key].expires_ns > now;
			continue;
		}
		fresh += ret == REC_FRESH;
		assert_memory_equal(&out, &last[key], sizeof(out));
		assert_int_equal(ret, last[key].expires_ns > now ? REC_FRESH : REC_EXPIRED);
	}
	/* a fresh one is missing only if it was evicted */
	assert_true(fresh > 1000);
	assert_true(missed == 0 || rec_table_evicted(table) > 0);
	rec_table_free(table);
}

/* What another CPU does in the middle of a call, at the access numbered @at. */
static struct {
	struct rec_table *table;
	u64 key;	/* of the one that is inserted or looked up */
	u64 victim;	/* must be found whole, or not at all */
	int at;
	int count;
	bool done;
} other;

static void check_whole(u64 key)
{
	struct rec_entry out;

	if (rec_table_lookup(other.table, key, 0, &out) == REC_MISS)
		return;
	assert_int_equal(out.key, key);
	assert_int_equal(out.version, (u32)key ^ out.action);
	assert_int_equal(out.expires_ns, 1000 + (key ^ out.action));
}

static void insert_whole(u64 key, u16 action)
{
	insert(other.table, key, 1000 + (key ^ action), action, 0);
}

static void step_insert(void)
{
	if (other.count++ != other.at || other.done)
		return;
	other.done = true;
	shim_step = NULL;
	insert_whole(other.key, 31);
}

static void step_lookup(void)
{
	if (other.count++ != other.at || other.done)
		return;
	other.done = true;
	shim_step = NULL;
	check_whole(other.key);
	check_whole(other.victim);
}

/* One set, full; the key that is inserted is the victim's own or evicts it. */
static void fill_set(u64 *keys)
{
	other.table = new_table(64);
	colliding_keys(other.table, 1, keys, REC_WAYS + 1);
	for (int i = 0; i < REC_WAYS; i++)
		insert_whole(keys[i], (u16)(i + 1));
	other.count = 0;
	other.done = false;
}

/* The first of the keys to expire, which an insert of another evicts. */
static u64 first_to_expire(const u64 *keys)
{
	int first = 0;

	for (int i = 1; i < REC_WAYS; i++) {
		if ((keys[i] ^ (u64)(i + 1)) < (keys[first] ^ (u64)(first + 1)))
			first = i;
	}
	return keys[first];
}

static void write_at_any_point_of_a_lookup(void **state)
{
	u64 keys[REC_WAYS + 1];

	(void)state;
	for (int evict = 0; evict < 2; evict++) {
		for (other.at = 0, other.done = true; other.done; other.at++) {
			fill_set(keys);
			other.victim = first_to_expire(keys);
			other.key = evict ? keys[REC_WAYS] : other.victim;
			shim_step = step_insert;
			check_whole(other.victim);
			shim_step = NULL;
			rec_table_free(other.table);
		}
		assert_in_range(other.at, 8, 100);
	}
}

static void lookup_at_any_point_of_a_write(void **state)
{
	u64 keys[REC_WAYS + 1];

	(void)state;
	for (int evict = 0; evict < 2; evict++) {
		for (other.at = 0, other.done = true; other.done; other.at++) {
			fill_set(keys);
			other.victim = first_to_expire(keys);
			other.key = evict ? keys[REC_WAYS] : other.victim;
			shim_step = step_lookup;
			insert_whole(other.key, 31);
			shim_step = NULL;
			check_whole(other.key);
			check_whole(other.victim);
			rec_table_free(other.table);
		}
		assert_in_range(other.at, 8, 100);
	}
}

struct race {
	struct rec_table *table;
	u64 keys[REC_WAYS + 2];
	int stop;
};

/* Every field follows from the key and the action: a torn entry can't hide. */
static void *race_writer(void *arg)
{
	struct race *race = arg;
	struct rng rng = rng_seed(16);

	while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
		u64 key = race->keys[rng_below(&rng, REC_WAYS + 2)];
		u16 action = (u16)rng_u64(&rng);

		insert(race->table, key, 1000 + (key ^ action), action, 0);
	}
	return NULL;
}

static void lookups_beside_a_writer_are_whole(void **state)
{
	struct race race = { .table = new_table(64) };
	struct rng rng = rng_seed(17);
	pthread_t writer;
	u32 found = 0;

	(void)state;
	colliding_keys(race.table, 1, race.keys, REC_WAYS + 2);
	assert_int_equal(pthread_create(&writer, NULL, race_writer, &race), 0);
	for (int i = 0; i < 3000000 && (i < 300000 || found < 10000); i++) {
		u64 key = race.keys[rng_below(&rng, REC_WAYS + 2)];
		struct rec_entry out;

		if (rec_table_lookup(race.table, key, 0, &out) == REC_MISS)
			continue;
		found++;
		assert_int_equal(out.key, key);
		assert_int_equal(out.version, (u32)key ^ out.action);
		assert_int_equal(out.expires_ns, 1000 + (key ^ out.action));
	}
	__atomic_store_n(&race.stop, 1, __ATOMIC_RELAXED);
	pthread_join(writer, NULL);
	assert_true(found >= 10000);
	rec_table_free(race.table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_put_in),
		cmocka_unit_test(says_whether_there_may_be_any),
		cmocka_unit_test(key_zero_is_a_key),
		cmocka_unit_test(expires_at_its_time),
		cmocka_unit_test(replaces_the_key_in_place),
		cmocka_unit_test(evicts_the_first_to_expire),
		cmocka_unit_test(takes_stale_places_without_eviction),
		cmocka_unit_test(clear_forgets_all),
		cmocka_unit_test(sizes_round_up),
		cmocka_unit_test(random_run_is_never_wrong),
		cmocka_unit_test(write_at_any_point_of_a_lookup),
		cmocka_unit_test(lookup_at_any_point_of_a_write),
		cmocka_unit_test(lookups_beside_a_writer_are_whole),
	};

	return cmocka_run_group_tests_name("rec_table", tests, NULL, NULL);
}
