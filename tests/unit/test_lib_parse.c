// SPDX-License-Identifier: GPL-2.0-only
/* Numbers in the tool's arguments, good and bad. */
#include "unit.h"

#include <errno.h>

#include "cli/cli.h"
#include "cli/record_request.h"

static void u64(void **state)
{
	static const char *const bad[] = {
		"", "-1", "+1", " 1", "1 ", "1x", "0x", "0xg", "abc", "1.5",
		"18446744073709551616", "0x10000000000000000", "1e3",
	};
	uint64_t value;
	unsigned int i;

	(void)state;
	assert_int_equal(parse_u64("0", UINT64_MAX, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(parse_u64("0x2A", UINT64_MAX, &value), 0);
	assert_int_equal(value, 42);
	assert_int_equal(parse_u64("010", UINT64_MAX, &value), 0);
	assert_int_equal(value, 10);
	assert_int_equal(parse_u64("18446744073709551615", UINT64_MAX, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(parse_u64("65535", UINT16_MAX, &value), 0);
	assert_int_equal(parse_u64("65536", UINT16_MAX, &value), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_u64(bad[i], UINT64_MAX, &value), -EINVAL);
}

static void bytes(void **state)
{
	static const char *const bad[] = {
		"", "K", "1KB", "1T", "-1K", "1.5M", "17179869184G", "65M", "4 K",
	};
	uint64_t value;
	unsigned int i;

	(void)state;
	assert_int_equal(parse_bytes("4096", 64 << 20, &value), 0);
	assert_int_equal(value, 4096);
	assert_int_equal(parse_bytes("4K", 64 << 20, &value), 0);
	assert_int_equal(value, 4096);
	assert_int_equal(parse_bytes("64m", 64 << 20, &value), 0);
	assert_int_equal(value, 64 << 20);
	assert_int_equal(parse_bytes("1G", UINT64_MAX, &value), 0);
	assert_int_equal(value, 1 << 30);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_bytes(bad[i], 64 << 20, &value), -EINVAL);
}

static void times(void **state)
{
	static const char *const bad[] = {
		"", "s", "1x", "-1", "1 s", "nan", "inf", "1e3", "1..2", ".", "1s1",
		"99999999999h", "0x10",
	};
	uint64_t ns;
	unsigned int i;

	(void)state;
	assert_int_equal(parse_ns("2", "s", &ns), 0);
	assert_int_equal(ns, 2000000000);
	assert_int_equal(parse_ns("2", "ms", &ns), 0);
	assert_int_equal(ns, 2000000);
	assert_int_equal(parse_ns("1.5s", "ns", &ns), 0);
	assert_int_equal(ns, 1500000000);
	assert_int_equal(parse_ns("50us", "s", &ns), 0);
	assert_int_equal(ns, 50000);
	assert_int_equal(parse_ns("7ns", "s", &ns), 0);
	assert_int_equal(ns, 7);
	assert_int_equal(parse_ns("1h", "s", &ns), 0);
	assert_int_equal(ns, 3600000000000);
	assert_int_equal(parse_ns("5m", "s", &ns), 0);
	assert_int_equal(ns, 300000000000);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_ns(bad[i], "s", &ns), -EINVAL);
}

static void shares(void **state)
{
	static const char *const bad[] = {
		"", "-0.1", "1.01", "101%", "17/16", "1/0", "1/", "/2", "50%%", "half", "1/2/2",
		"nan", "0.5x", "1 / 2",
	};
	uint64_t share;
	unsigned int i;

	(void)state;
	assert_int_equal(parse_share("0", &share), 0);
	assert_int_equal(share, 0);
	assert_int_equal(parse_share("1", &share), 0);
	assert_int_equal(share, MLPROXY_SHARE_ONE);
	assert_int_equal(parse_share("1/16", &share), 0);
	assert_int_equal(share, MLPROXY_SHARE_ONE / 16);
	assert_int_equal(parse_share("6.25%", &share), 0);
	assert_int_equal(share, MLPROXY_SHARE_ONE / 16);
	assert_int_equal(parse_share("0.0625", &share), 0);
	assert_int_equal(share, MLPROXY_SHARE_ONE / 16);
	assert_int_equal(parse_share("63/64", &share), 0);
	assert_int_equal(share, MLPROXY_SHARE_ONE / 64 * 63);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_share(bad[i], &share), -EINVAL);
}

static void ranges(void **state)
{
	static const char *const bad[] = {
		"x=", "x=a", "x=1..b", "x=2..1", "x=1...2", "x=+1", "x= 1", "x=1 ",
		"x=9223372036854775808", "x=1..2..3",
	};
	struct mlproxy_feature features[] = { { .name = "a" }, { .name = "x" } };
	struct mlproxy_schema_desc schema = {
		.s = { .nr_features = 2, .feature_size = sizeof(*features) },
		.features = features,
	};
	struct mlproxy_filter f;
	unsigned int i;

	(void)state;
	assert_int_equal(request_parse_filter("x=-5..0x10", &schema, &f), 0);
	assert_int_equal(f.feature, 1);
	assert_int_equal(f.min, -5);
	assert_int_equal(f.max, 16);
	assert_int_equal(request_parse_filter("a=7", &schema, &f), 0);
	assert_true(f.feature == 0 && f.min == 7 && f.max == 7);
	assert_int_equal(request_parse_filter("a=7..", &schema, &f), 0);
	assert_true(f.min == 7 && f.max == INT64_MAX);
	assert_int_equal(request_parse_filter("a=..-7", &schema, &f), 0);
	assert_true(f.min == INT64_MIN && f.max == -7);
	assert_int_equal(request_parse_filter("b=1", &schema, &f), -ENOENT);
	assert_int_equal(request_parse_filter("=1", &schema, &f), -ENOENT);
	assert_int_equal(request_parse_filter("x", &schema, &f), -ENOENT);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(request_parse_filter(bad[i], &schema, &f), -EINVAL);
	/* in the unit, as the schema is printed */
	features[1].type = MLPROXY_TYPE_Q8;
	assert_int_equal(request_parse_filter("x=-0.5..20", &schema, &f), 0);
	assert_true(f.min == -128 && f.max == 20 << 8);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (!strstr(bad[i], "9223372036854775808"))
			assert_int_equal(request_parse_filter(bad[i], &schema, &f), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(u64),
		cmocka_unit_test(bytes),
		cmocka_unit_test(times),
		cmocka_unit_test(shares),
		cmocka_unit_test(ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
