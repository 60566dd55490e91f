// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers in arguments and configuration files.
 *
 * Strict: an empty text, a sign where none belongs, trailing characters and
 * values out of range are errors.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <linux/mlproxy.h>

#include "common/parse.h"

static int parse_prefix(const char *text, uint64_t *value, const char **end)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long long v;
	char *stop;

	if (!isdigit((unsigned char)text[0]) || (hex && !isxdigit((unsigned char)text[2])))
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &stop, hex ? 16 : 10);
	if (errno)
		return -EINVAL;
	*value = v;
	*end = stop;
	return 0;
}

int parse_u64(const char *text, uint64_t max, uint64_t *value)
{
	const char *end;

	if (parse_prefix(text, value, &end) || *end || *value > max)
		return -EINVAL;
	return 0;
}

static int scaled(uint64_t number, uint64_t scale, uint64_t max, uint64_t *value)
{
	if (__builtin_mul_overflow(number, scale, value) || *value > max)
		return -EINVAL;
	return 0;
}

int parse_bytes(const char *text, uint64_t max, uint64_t *bytes)
{
	static const char suffixes[] = "KMG";
	uint64_t number, scale = 1;
	const char *end, *suffix;

	if (parse_prefix(text, &number, &end))
		return -EINVAL;
	if (*end) {
		suffix = strchr(suffixes, toupper((unsigned char)*end));
		if (!suffix || end[1])
			return -EINVAL;
		scale = 1ULL << (10 * (suffix - suffixes + 1));
	}
	return scaled(number, scale, max, bytes);
}

static int unit_ns(const char *unit, double *ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {
		{ "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 },
		{ "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(units[i].name, unit) == 0) {
			*ns = units[i].ns;
			return 0;
		}
	}
	return -EINVAL;
}

/* A decimal number without sign, exponent, or the words that strtod() takes. */
static int parse_decimal(const char *text, double *value, const char **end)
{
	size_t len = strspn(text, "0123456789.");
	char *stop;

	if (!len || len > 30)
		return -EINVAL;
	*value = strtod(text, &stop);
	if (stop != text + len)
		return -EINVAL;
	*end = stop;
	return 0;
}

int parse_ns(const char *text, const char *unit, uint64_t *ns)
{
	double number, scale;
	const char *end;

	if (parse_decimal(text, &number, &end))
		return -EINVAL;
	if (unit_ns(*end ? end : unit, &scale))
		return -EINVAL;
	if (number * scale >= 9e18)
		return -EINVAL;
	*ns = llround(number * scale);
	return 0;
}

int parse_share(const char *text, uint64_t *share)
{
	double number, divisor = 1;
	const char *end;

	if (parse_decimal(text, &number, &end))
		return -EINVAL;
	if (*end == '/') {
		if (parse_decimal(end + 1, &divisor, &end) || *end || divisor == 0)
			return -EINVAL;
	} else if (*end == '%') {
		divisor = 100;
		end++;
	}
	if (*end || !(number / divisor <= 1))
		return -EINVAL;
	*share = llround(number / divisor * MLPROXY_SHARE_ONE);
	return 0;
}
