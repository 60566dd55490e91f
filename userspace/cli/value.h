/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mlproxy tool: values as people read them.
 *
 * Features, states and rewards travel as whole numbers. Their schema says how these are
 * to be read: a value of MLPROXY_TYPE_Q8 is 256 times what it stands for, and one whose
 * unit begins with "log2 " is log2(1 + x) of the unit behind that. A difference of two
 * such values is a factor.
 */
#ifndef MLPROXY_CLI_VALUE_H
#define MLPROXY_CLI_VALUE_H

#include <stddef.h>

#include <jansson.h>
#include <mlproxy/mlproxy.h>

/* Room for any text of this file. */
#define VALUE_BYTES	96

/** value_reward() - the reward of a schema, described as a feature is */
struct mlproxy_feature value_reward(const struct mlproxy_schema *schema);

/** value_number() - a value in its unit; not finite where @raw is not */
double value_number(const struct mlproxy_feature *what, double raw);

/** value_digits() - a number with 3 significant digits, without an exponent; "-" if not finite */
const char *value_digits(char *text, size_t bytes, double number);

/** value_json() - a value in its unit, a whole number where it is one */
json_t *value_json(const struct mlproxy_feature *what, int64_t raw);

/** value_json_real() - a mean or a difference of values in its unit; null if not finite */
json_t *value_json_real(const struct mlproxy_feature *what, double raw);

/** value_plain() - a value in its unit, without naming it: all digits of a whole number */
const char *value_plain(char *text, size_t bytes, const struct mlproxy_feature *what,
			int64_t raw);

/** value_quantity() - number and unit, as "1.05 ms", "4.00 MiB", "12.3 points" */
const char *value_quantity(char *text, size_t bytes, double number, const char *unit);

/**
 * value_text() - a value with its unit
 * @text: out
 * @bytes: room in it
 * @what: feature, state or reward
 * @raw: value as it travels, or a mean of such
 *
 * As "12.3 points", "1.05 ms", "20.0 log2 ns (1.05 ms)". Return: @text.
 */
const char *value_text(char *text, size_t bytes, const struct mlproxy_feature *what, double raw);

/**
 * value_gain() - a difference of two values, with its sign
 * @text: out
 * @bytes: room in it
 * @what: feature, state or reward
 * @raw: difference
 *
 * As "+12.3", without the unit. Return: @text.
 */
const char *value_gain(char *text, size_t bytes, const struct mlproxy_feature *what, double raw);

/**
 * value_interval() - a difference with both ends of its interval
 * @text: out
 * @bytes: room in it
 * @what: feature, state or reward
 * @raw: difference
 * @low: lower end
 * @high: upper end
 *
 * As "+12.3 [+8.1, +16.5] points"; of logarithms "+0.138 [+0.050, +0.226] log2 (1.10
 * times)". Without the brackets where an end is not finite. Return: @text.
 */
const char *value_interval(char *text, size_t bytes, const struct mlproxy_feature *what,
			   double raw, double low, double high);

/** value_range() - a number with its interval, as value_interval(), without sign and unit */
const char *value_range(char *text, size_t bytes, double number, double low, double high);

/** value_time() - a time, as parse_ns() takes it, to the nanosecond: "50ms", "1.5s", "0ns" */
const char *value_time(char *text, size_t bytes, uint64_t ns);

#endif /* MLPROXY_CLI_VALUE_H */
