// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy tool: values as people read them; see value.h. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "value.h"

#define LOG2_UNIT	"log2"

struct mlproxy_feature value_reward(const struct mlproxy_schema *schema)
{
	struct mlproxy_feature what = {
		.min = schema->reward_min, .max = schema->reward_max, .type = schema->reward_type,
	};

	memcpy(what.name, schema->reward_name, sizeof(what.name));
	memcpy(what.unit, schema->reward_unit, sizeof(what.unit));
	return what;
}

double value_number(const struct mlproxy_feature *what, double raw)
{
	switch (what->type) {
	case MLPROXY_TYPE_Q8:
		return raw / 256;
	case MLPROXY_TYPE_Q16:
		return raw / 65536;
	default:
		return raw;
	}
}

/* Digits behind the point, for 3 significant ones. */
static int decimals(double number)
{
	int nr = number != 0 ? 2 - (int)floor(log10(fabs(number))) : 0;

	return nr > 0 ? nr : 0;
}

const char *value_digits(char *text, size_t bytes, double number)
{
	if (!isfinite(number))
		snprintf(text, bytes, "-");
	else if (decimals(number) > 9)
		snprintf(text, bytes, "%.3g", number);
	else
		snprintf(text, bytes, "%.*f", decimals(number), number);
	return text;
}

static bool is_fixed_point(const struct mlproxy_feature *what)
{
	return what->type == MLPROXY_TYPE_Q8 || what->type == MLPROXY_TYPE_Q16;
}

json_t *value_json(const struct mlproxy_feature *what, int64_t raw)
{
	return is_fixed_point(what) ? json_real(value_number(what, raw)) : json_integer(raw);
}

json_t *value_json_real(const struct mlproxy_feature *what, double raw)
{
	return isfinite(raw) ? json_real(value_number(what, raw)) : json_null();
}

const char *value_plain(char *text, size_t bytes, const struct mlproxy_feature *what,
			int64_t raw)
{
	if (is_fixed_point(what))
		snprintf(text, bytes, "%.6g", value_number(what, raw));
	else
		snprintf(text, bytes, "%" PRId64, raw);
	return text;
}

/* The largest step of its scale that is not above the number. */
struct step {
	const char *unit;
	double size;
	const char *name;
};

static const struct step steps[] = {
	{ "ns", 3600e9, "h" }, { "ns", 60e9, "min" }, { "ns", 1e9, "s" }, { "ns", 1e6, "ms" },
	{ "ns", 1e3, "us" }, { "us", 60e6, "min" }, { "us", 1e6, "s" }, { "us", 1e3, "ms" },
	{ "ms", 60e3, "min" }, { "ms", 1e3, "s" },
	{ "bytes", 1099511627776.0, "TiB" }, { "bytes", 1073741824.0, "GiB" },
	{ "bytes", 1048576.0, "MiB" }, { "bytes", 1024.0, "KiB" },
	{ "bytes/ms", 1073741824.0 / 1000, "GiB/s" }, { "bytes/ms", 1048576.0 / 1000, "MiB/s" },
	{ "bytes/ms", 1024.0 / 1000, "KiB/s" },
};

/* Into the unit that makes it a short number, if its unit has such. */
static const char *scale(double *number, const char *unit)
{
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (strcmp(steps[i].unit, unit) || !(fabs(*number) >= steps[i].size))
			continue;
		*number /= steps[i].size;
		return steps[i].name;
	}
	return unit;
}

const char *value_quantity(char *text, size_t bytes, double number, const char *unit)
{
	const char *name = isfinite(number) ? scale(&number, unit) : unit;
	char digits[VALUE_BYTES];

	snprintf(text, bytes, "%s%s%s", value_digits(digits, sizeof(digits), number),
		 *name ? " " : "", name);
	return text;
}

/* What is behind "log2 ", NULL if it is no logarithm; "" for one without a unit. */
static const char *unit_of_log2(const struct mlproxy_feature *what)
{
	size_t len = strlen(LOG2_UNIT);

	if (strncmp(what->unit, LOG2_UNIT, len))
		return NULL;
	if (what->unit[len] == ' ')
		return what->unit + len + 1;
	return what->unit[len] ? NULL : "";
}

/* No digit of a whole number is dropped, unless it is large in its unit. */
static bool is_exact(const struct mlproxy_feature *what, double raw)
{
	double number = raw;

	return !is_fixed_point(what) && fabs(raw) < 1e15 && raw == floor(raw) &&
	       scale(&number, what->unit) == what->unit;
}

const char *value_text(char *text, size_t bytes, const struct mlproxy_feature *what, double raw)
{
	const char *unit = unit_of_log2(what);
	double number = value_number(what, raw);
	char log[VALUE_BYTES], real[VALUE_BYTES];

	if (unit && *unit && isfinite(number))
		snprintf(text, bytes, "%s %s (%s)", value_digits(log, sizeof(log), number),
			 what->unit, value_quantity(real, sizeof(real), exp2(number) - 1, unit));
	else if (is_exact(what, raw))
		snprintf(text, bytes, "%.0f%s%s", raw, *what->unit ? " " : "", what->unit);
	else
		value_quantity(text, bytes, number, what->unit);
	return text;
}

const char *value_gain(char *text, size_t bytes, const struct mlproxy_feature *what, double raw)
{
	char digits[VALUE_BYTES];

	value_digits(digits, sizeof(digits), value_number(what, raw));
	snprintf(text, bytes, "%s%s", isfinite(raw) && *digits != '-' ? "+" : "", digits);
	return text;
}

/* All three with the digits that the largest of them needs, in the unit that fits the first. */
static void put_interval(char *text, size_t bytes, const char **unit, double number, double low,
			 double high)
{
	double scaled = number, less = 1;
	int nr;

	if (number != 0) {
		*unit = scale(&scaled, *unit);
		less = scaled / number;
	}
	low *= less;
	high *= less;
	nr = decimals(fmax(fabs(scaled), fmax(fabs(low), fabs(high))));
	snprintf(text, bytes, "%+.*f [%+.*f, %+.*f]", nr, scaled, nr, low, nr, high);
}

const char *value_interval(char *text, size_t bytes, const struct mlproxy_feature *what,
			   double raw, double low, double high)
{
	char numbers[3 * VALUE_BYTES], factor[VALUE_BYTES], times[2 * VALUE_BYTES] = "";
	double number = value_number(what, raw);
	const char *unit = what->unit;

	if (unit_of_log2(what) && isfinite(raw))
		snprintf(times, sizeof(times), " (%s times)",
			 value_digits(factor, sizeof(factor), exp2(number)));
	if (isfinite(raw) && isfinite(low) && isfinite(high))
		put_interval(numbers, sizeof(numbers), &unit, number, value_number(what, low),
			     value_number(what, high));
	else
		value_gain(numbers, sizeof(numbers), what, raw);
	snprintf(text, bytes, "%s%s%s%s", numbers, *unit ? " " : "", unit, times);
	return text;
}

const char *value_range(char *text, size_t bytes, double number, double low, double high)
{
	int nr;

	if (!isfinite(number) || !isfinite(low) || !isfinite(high))
		return value_digits(text, bytes, number);
	nr = decimals(fmax(fabs(number), fmax(fabs(low), fabs(high))));
	snprintf(text, bytes, "%.*f [%.*f, %.*f]", nr, number, nr, low, nr, high);
	return text;
}

const char *value_time(char *text, size_t bytes, uint64_t ns)
{
	static const struct {
		uint64_t ns;
		const char *unit;
	} units[] = {
		{ 3600000000000ULL, "h" }, { 60000000000ULL, "m" }, { 1000000000ULL, "s" },
		{ 1000000, "ms" }, { 1000, "us" }, { 1, "ns" },
	};
	unsigned int i = 0, milli;
	int len;

	/* the largest unit in which three decimals are exact */
	while (units[i].ns > 1 && (ns < units[i].ns || ns % units[i].ns * 1000 % units[i].ns))
		i++;
	milli = ns % units[i].ns * 1000 / units[i].ns;
	len = snprintf(text, bytes, "%" PRIu64 ".%03u", ns / units[i].ns, milli);
	while (text[len - 1] == '0')
		len--;
	len -= text[len - 1] == '.';
	snprintf(text + len, bytes - len, "%s", units[i].unit);
	return text;
}
