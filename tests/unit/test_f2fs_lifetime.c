// SPDX-License-Identifier: GPL-2.0-only
/* How long blocks of F2FS live: the scale, births in 16 bits, shares of those that die. */
#include "unit.h"
#include "proxies/f2fs/lifetime.h"

#define CAPACITY 262144

static void scale(void **state)
{
	u64 blocks;
	u32 last = 0;

	(void)state;
	assert_int_equal(f2fs_life_log(0, CAPACITY), 0);
	assert_int_equal(f2fs_life_log(CAPACITY, CAPACITY), F2FS_LIFE_CAPACITY);
	assert_int_equal(f2fs_life_log(U64_MAX, CAPACITY), F2FS_LIFE_CAPACITY);
	for (blocks = 1; blocks < CAPACITY; blocks += blocks / 3 + 1) {
		u32 log = f2fs_life_log(blocks, CAPACITY);

		assert_true(log >= last && log <= F2FS_LIFE_CAPACITY);
		last = log;
	}
	/* half of a device is an octave less, of whatever size it is */
	for (blocks = 1024; blocks < 1ULL << 40; blocks <<= 3)
		assert_in_range(f2fs_life_log(blocks / 2, blocks), (15 << 8) - 1, (15 << 8) + 1);
	/* a device of nothing */
	assert_int_equal(f2fs_life_log(0, 0), F2FS_LIFE_CAPACITY);
}

static void births(void **state)
{
	u32 shift = f2fs_birth_shift(CAPACITY);
	u64 born, age, step = 1ULL << shift;

	(void)state;
	assert_true(CAPACITY >> shift >= 1024 && CAPACITY >> shift < 2048);
	assert_int_equal(f2fs_birth_shift(100), 0);
	for (born = 0; born < 40ULL * CAPACITY; born += 77777) {
		u16 birth = f2fs_birth(born, shift);

		assert_int_not_equal(birth, F2FS_BIRTH_UNKNOWN);
		/* to one step, until they begin anew */
		for (age = 0; age < 31ULL * CAPACITY; age += 1234567) {
			u64 told = f2fs_birth_age(birth, born + age, shift);

			assert_true(told < age + step && told + step > age);
		}
	}
}

static void shares(void **state)
{
	struct f2fs_lives lives = {};
	u32 i, short_life = f2fs_life_log(CAPACITY / 64, CAPACITY);

	(void)state;
	/* nothing is known */
	assert_int_equal(f2fs_lives_soon(&lives, 0, CAPACITY / 5, CAPACITY), 128);
	assert_int_equal(f2fs_lives_mean(&lives), F2FS_LIFE_CAPACITY / 2);
	for (i = 0; i < 100; i++) {
		f2fs_lives_add(&lives, short_life);
		f2fs_lives_add(&lives, F2FS_LIFE_CAPACITY);
	}
	assert_int_equal(f2fs_lives_count(&lives, 0), 200);
	/* a half of them dies soon */
	assert_in_range(f2fs_lives_soon(&lives, 0, CAPACITY / 5, CAPACITY), 124, 132);
	/* but none of those that have lived a quarter of the device, */
	assert_in_range(f2fs_lives_soon(&lives, CAPACITY / 4, CAPACITY / 5, CAPACITY), 0, 3);
	/* nor does anybody at once */
	assert_in_range(f2fs_lives_soon(&lives, 0, 1, CAPACITY), 0, 1);
	assert_in_range(f2fs_lives_mean(&lives), (13 << 8) - 128, (13 << 8) + 128);
	/* who lived on to the end is no longer waited for: nobody knows */
	assert_in_range(f2fs_lives_soon(&lives, CAPACITY, CAPACITY, CAPACITY), 0, 1);
}

/* Old lives give way to new ones, and no bin overflows. */
static void forgetting(void **state)
{
	struct f2fs_lives lives = {};
	u32 i;

	(void)state;
	for (i = 0; i < 100000; i++)
		f2fs_lives_add(&lives, F2FS_LIFE_CAPACITY);
	assert_true(f2fs_lives_count(&lives, 0) < F2FS_LIFE_FULL);
	for (i = 0; i < 4 * F2FS_LIFE_FULL; i++)
		f2fs_lives_add(&lives, 0);
	assert_true(f2fs_lives_soon(&lives, 0, CAPACITY / 5, CAPACITY) > 240);
}

static void fits(void **state)
{
	u32 mean = 14 << 16, i;

	(void)state;
	assert_int_equal(f2fs_fit(14 << 8, 14 << 8), 0);
	assert_int_equal(f2fs_fit(12 << 8, 14 << 8), -512);
	assert_int_equal(f2fs_fit(16 << 8, 14 << 8), -512);
	for (i = 0; i < 2000; i++)
		mean = f2fs_mean_add(mean, F2FS_LIFE_CAPACITY);
	assert_in_range(mean >> 8, F2FS_LIFE_CAPACITY - 2, F2FS_LIFE_CAPACITY);
	for (i = 0; i < 2000; i++)
		mean = f2fs_mean_add(mean, 0);
	assert_in_range(mean >> 8, 0, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scale),
		cmocka_unit_test(births),
		cmocka_unit_test(shares),
		cmocka_unit_test(forgetting),
		cmocka_unit_test(fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
