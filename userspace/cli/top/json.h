/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy top: a sample as JSON. */
#ifndef MLPROXY_TOP_JSON_H
#define MLPROXY_TOP_JSON_H

#include <jansson.h>

#include "rates.h"
#include "sample.h"

/** top_json() - all of a sample and its rates */
json_t *top_json(const struct top_sample *s, const struct top_rates *r);

#endif /* MLPROXY_TOP_JSON_H */
