// SPDX-License-Identifier: GPL-2.0-only
/* Values as the tool prints them: by type, preprocessing and unit. */
#include "unit.h"

#include <math.h>
#include <stdio.h>

#include "cli/value.h"
#include "common/parse.h"

static struct mlproxy_feature what(uint32_t type, const char *unit)
{
	struct mlproxy_feature f = { .type = type };

	snprintf(f.unit, sizeof(f.unit), "%s", unit);
	return f;
}

static void digits(void **state)
{
	static const struct {
		double number;
		const char *text;
	} cases[] = {
		{ 0, "0" }, { 1, "1.00" }, { -1, "-1.00" }, { 12.345, "12.3" }, { 123.45, "123" },
		{ 12345.6, "12346" }, { 0.012345, "0.0123" }, { -0.00012345, "-0.000123" },
		{ 1e-12, "1e-12" }, { NAN, "-" }, { INFINITY, "-" }, { -INFINITY, "-" },
	};
	char text[VALUE_BYTES];
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(value_digits(text, sizeof(text), cases[i].number),
				    cases[i].text);
}

static void texts(void **state)
{
	static const struct {
		uint32_t type;
		const char *unit;
		double raw;
		const char *text;
	} cases[] = {
		{ MLPROXY_TYPE_INT, "", 0, "0" },
		{ MLPROXY_TYPE_INT, "points", -1234567, "-1234567 points" },
		{ MLPROXY_TYPE_COUNT, "files", 12, "12 files" },
		{ MLPROXY_TYPE_BOOL, "", 1, "1" },
		{ MLPROXY_TYPE_INT, "points", 12.345, "12.3 points" },
		{ MLPROXY_TYPE_COUNT, "ns", 999, "999 ns" },
		{ MLPROXY_TYPE_COUNT, "ns", 1048576, "1.05 ms" },
		{ MLPROXY_TYPE_COUNT, "ns", 90e9, "1.50 min" },
		{ MLPROXY_TYPE_COUNT, "bytes", 1 << 22, "4.00 MiB" },
		{ MLPROXY_TYPE_Q8, "of calls", 128, "0.500 of calls" },
		{ MLPROXY_TYPE_Q16, "", 65536 * 3, "3.00" },
		{ MLPROXY_TYPE_Q8, "log2 ns", 20 << 8, "20.0 log2 ns (1.05 ms)" },
		{ MLPROXY_TYPE_Q8, "log2 pages", 0, "0 log2 pages (0 pages)" },
		{ MLPROXY_TYPE_Q8, "log2 bytes/ms", 20 << 8, "20.0 log2 bytes/ms (1000 MiB/s)" },
		{ MLPROXY_TYPE_Q8, "log2", -256, "-1.00 log2" },
		{ MLPROXY_TYPE_INT, "log2 ns", 10, "10.0 log2 ns (1.02 us)" },
		{ MLPROXY_TYPE_Q8, "log2 ns", NAN, "- log2 ns" },
	};
	char text[VALUE_BYTES];
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mlproxy_feature f = what(cases[i].type, cases[i].unit);

		assert_string_equal(value_text(text, sizeof(text), &f, cases[i].raw),
				    cases[i].text);
	}
}

/* All digits, where a value is to be read by a program or compared. */
static void plain(void **state)
{
	struct mlproxy_feature q8 = what(MLPROXY_TYPE_Q8, "log2 ns");
	struct mlproxy_feature number = what(MLPROXY_TYPE_INT, "ns");
	char text[VALUE_BYTES];

	(void)state;
	assert_string_equal(value_plain(text, sizeof(text), &q8, 40 << 8), "40");
	assert_string_equal(value_plain(text, sizeof(text), &q8, 5), "0.0195312");
	assert_string_equal(value_plain(text, sizeof(text), &number, INT64_MIN),
			    "-9223372036854775808");
}

static void gains(void **state)
{
	struct mlproxy_feature points = what(MLPROXY_TYPE_INT, "points");
	struct mlproxy_feature log = what(MLPROXY_TYPE_Q8, "log2");
	struct mlproxy_feature time = what(MLPROXY_TYPE_INT, "ns");
	char text[4 * VALUE_BYTES];

	(void)state;
	assert_string_equal(value_interval(text, sizeof(text), &points, 12.34, 8.1, 16.5),
			    "+12.3 [+8.1, +16.5] points");
	assert_string_equal(value_interval(text, sizeof(text), &points, -1, -INFINITY, INFINITY),
			    "-1.00 points");
	assert_string_equal(value_interval(text, sizeof(text), &log, 256, 0, 512),
			    "+1.00 [+0.00, +2.00] log2 (2.00 times)");
	assert_string_equal(value_interval(text, sizeof(text), &time, 2e9, -1e6, 4e9),
			    "+2.00 [-0.00, +4.00] s");
	assert_string_equal(value_gain(text, sizeof(text), &log, NAN), "-");
}

static void reward(void **state)
{
	struct mlproxy_schema schema = {
		.reward_name = "progress", .reward_unit = "log2", .reward_type = MLPROXY_TYPE_Q8,
		.reward_min = -4096,
	};
	struct mlproxy_feature f = value_reward(&schema);
	char text[VALUE_BYTES];

	(void)state;
	assert_string_equal(value_text(text, sizeof(text), &f, f.min), "-16.0 log2");
	assert_string_equal(f.name, "progress");
}

/* What is printed can be given back, and is the same time then. */
static void times(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0ns" }, { 1, "1ns" }, { 1500, "1.5us" }, { 50000000, "50ms" },
		{ 1000000000, "1s" }, { 90000000000, "1.5m" }, { 3600000000000, "1h" },
		{ 3661000000000, "3661s" }, { 10000000000, "10s" }, { 1234567, "1234.567us" },
		{ 8999999999999999999ULL, "8999999999999999.999us" },
	};
	char text[VALUE_BYTES];
	unsigned int i;
	uint64_t ns;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_string_equal(value_time(text, sizeof(text), cases[i].ns), cases[i].text);
		if (cases[i].ns > 1ULL << 53)
			continue;
		assert_int_equal(parse_ns(text, "h", &ns), 0);
		assert_int_equal(ns, cases[i].ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits),
		cmocka_unit_test(texts),
		cmocka_unit_test(plain),
		cmocka_unit_test(gains),
		cmocka_unit_test(reward),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
