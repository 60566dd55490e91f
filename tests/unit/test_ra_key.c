// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys of files: recommendations in files and records on disks hold them, so they stay as
 * they are; and each part of the identity counts.
 */
#include "unit.h"
#include "rng.h"
#include "key.h"

static void keys_stay(void **state)
{
	(void)state;
	assert_true(ra_key(0, 0, 0) == 0);
	assert_true(ra_key(8 << 20 | 1, 12, 3141592653u) == 0xd54dcc34c5027d53ULL);
	assert_true(ra_key(259 << 20, 1ULL << 40 | 5, 0) == 0x91a5499c3feab66dULL);
}

static void each_part_counts(void **state)
{
	struct rng rng = rng_seed(7);
	unsigned int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		u64 ino = rng_u64(&rng);
		u32 dev = rng_u64(&rng), generation = rng_u64(&rng), bit = i % 32;
		u64 key = ra_key(dev, ino, generation);

		assert_true(key != ra_key(dev ^ 1u << bit, ino, generation));
		assert_true(key != ra_key(dev, ino ^ 1ULL << (i % 64), generation));
		assert_true(key != ra_key(dev, ino, generation ^ 1u << bit));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_stay),
		cmocka_unit_test(each_part_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
