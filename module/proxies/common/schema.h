/* SPDX-License-Identifier: GPL-2.0-only */
/* Features as many proxies have them, for the tables of a struct mlproxy_desc. */
#ifndef _MLPROXY_PROXIES_SCHEMA_H
#define _MLPROXY_PROXIES_SCHEMA_H

#include <mlproxy/mlproxy.h>

#include "shared/log2.h"

/* A share of 256. */
#define PROXY_SHARE(_name, _unit) \
	{ .name = _name, .unit = _unit, .min = 0, .max = 256, .type = MLPROXY_TYPE_Q8 }

/* What log2_q8() gives of a number below 2^_bits. */
#define PROXY_LOG2(_name, _unit, _bits) \
	{ .name = _name, .unit = _unit, .min = 0, .max = (_bits) << 8, .type = MLPROXY_TYPE_Q8 }

/* A number up to _max. */
#define PROXY_COUNT(_name, _unit, _max) \
	{ .name = _name, .unit = _unit, .min = 0, .max = _max, .type = MLPROXY_TYPE_COUNT }

#endif /* _MLPROXY_PROXIES_SCHEMA_H */
