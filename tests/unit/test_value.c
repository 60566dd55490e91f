// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an epoch of readahead is worth: the reward orders actions by the time waited for a page
 * that is used, and the ledger has what they save.
 */
#include "unit.h"
#include "value.h"

#define PAGE	RA_VALUE_ONE
#define US	1000ULL

static void pages_that_are_used(void **state)
{
	(void)state;
	assert_int_equal(ra_value_pages(4, 4, 0, 0), 4 * PAGE);
	assert_int_equal(ra_value_pages(4, 36, 0, 0), 4 * PAGE);
	assert_int_equal(ra_value_pages(4, 36, 256, 0), 36 * PAGE);
	assert_int_equal(ra_value_pages(4, 36, 128, 0), 20 * PAGE);
	/* found in the cache, some of them */
	assert_int_equal(ra_value_pages(4, 2, 256, 0), 4 * PAGE);
}

static void rent_is_paid_for_what_is_read_ahead(void **state)
{
	(void)state;
	assert_int_equal(ra_value_pages(4, 36, 256, 128), 20 * PAGE);
	assert_int_equal(ra_value_pages(4, 4, 256, 256), 4 * PAGE);
	/* in vain, and dear: never nothing, or the logarithm had no meaning */
	assert_int_equal(ra_value_pages(4, 36, 0, 256), RA_VALUE_LEAST);
	assert_int_equal(ra_value_pages(0, 0, 256, 0), RA_VALUE_LEAST);
	assert_int_equal(ra_value_pages(1ULL << 40, 1ULL << 40, 256, 0), RA_VALUE_MOST);
}

static struct ra_value known(void)
{
	struct ra_value v = {};
	int i;

	/* 10 us on a page; the kernel waits 5 us for one */
	for (i = 0; i < 200; i++)
		ra_value_learn(&v, 32 * PAGE, 320 * US, 160 * US, true);
	return v;
}

static void a_page_waited_for_less_is_better(void **state)
{
	struct ra_value v = known();
	s64 kernel = ra_value_log(&v, 32 * PAGE, 0, 160 * US);

	(void)state;
	/* half the time for the same; the same time for twice as much */
	assert_true(ra_value_log(&v, 32 * PAGE, 0, 80 * US) > kernel);
	assert_int_equal(ra_value_log(&v, 64 * PAGE, 0, 160 * US),
			 ra_value_log(&v, 32 * PAGE, 0, 80 * US));
	/* a short wait for the one page that was asked for is worse than a long one for many */
	assert_true(ra_value_log(&v, PAGE, 0, 80 * US) < kernel);
	/* what was computed meanwhile is not what the epoch has read */
	assert_int_equal(ra_value_log(&v, PAGE, 1000000 * US, 80 * US),
			 ra_value_log(&v, PAGE, 0, 80 * US));
	assert_in_range(kernel + 200, 0, 100);	/* log2(2/3) */
}

static void a_file_not_known_has_its_own_time(void **state)
{
	struct ra_value v = {};

	(void)state;
	assert_int_equal(ra_value_log(&v, PAGE, 100 * US, 100 * US), -256);
	assert_int_equal(ra_value_saved(&v, PAGE, 100 * US), 0);
}

static void the_ledger_adds_up(void **state)
{
	struct ra_value v = known();

	(void)state;
	assert_in_range(ra_value_saved(&v, 32 * PAGE, 0), 155, 160);
	assert_in_range(ra_value_saved(&v, 32 * PAGE, 160 * US) + 5, 0, 5);
	assert_in_range(-ra_value_saved(&v, PAGE, 105 * US), 95, 105);
}

static void others_do_not_count_for_the_kernel(void **state)
{
	struct ra_value v = known(), before = v;

	(void)state;
	ra_value_learn(&v, PAGE, 0, 1000000 * US, false);
	assert_int_equal(v.kernel_stall, before.kernel_stall);
	assert_int_equal(v.kernel_used, before.kernel_used);
	assert_true(v.used < before.used && v.think < before.think);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_that_are_used),
		cmocka_unit_test(rent_is_paid_for_what_is_read_ahead),
		cmocka_unit_test(a_page_waited_for_less_is_better),
		cmocka_unit_test(a_file_not_known_has_its_own_time),
		cmocka_unit_test(the_ledger_adds_up),
		cmocka_unit_test(others_do_not_count_for_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
