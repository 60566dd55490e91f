/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers, times, sizes and shares, as they stand in arguments and in configuration
 * files. Each function returns 0 or -EINVAL.
 */
#ifndef MLPROXY_COMMON_PARSE_H
#define MLPROXY_COMMON_PARSE_H

#include <stdint.h>

/** parse_u64() - decimal, or hexadecimal with 0x, up to @max */
int parse_u64(const char *text, uint64_t max, uint64_t *value);

/** parse_bytes() - number with an optional suffix K, M or G (powers of 1024) */
int parse_bytes(const char *text, uint64_t max, uint64_t *bytes);

/** parse_ns() - number with a unit, ns us ms s m or h, @unit if there is none */
int parse_ns(const char *text, const char *unit, uint64_t *ns);

/** parse_share() - "1/16", "6.25%" or "0.0625" as a share of MLPROXY_SHARE_ONE */
int parse_share(const char *text, uint64_t *share);

#endif /* MLPROXY_COMMON_PARSE_H */
