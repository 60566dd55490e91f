/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy top: figures out of two samples, and the order of proxies by them. */
#ifndef MLPROXY_TOP_RATES_H
#define MLPROXY_TOP_RATES_H

#include "sample.h"

/**
 * struct top_rates - what happened between two samples
 * @known: the rates count: there is an earlier sample, of the same counters
 * @decisions_s: decisions a second
 * @feedbacks_s: outcomes a second
 * @lost_s: records lost a second
 * @lately: @share is of the time between the samples; else of all decisions
 * @share: of the decisions by MLPROXY_SRC_*, 0 to 1; all 0 if there were none
 */
struct top_rates {
	bool known;
	double decisions_s;
	double feedbacks_s;
	double lost_s;
	bool lately;
	double share[MLPROXY_NR_SOURCES];
};

/* Orders of the list. */
enum top_order {
	TOP_BY_NAME,
	TOP_BY_RATE,
	TOP_BY_GAIN,
	TOP_BY_MODE,
	TOP_NR_ORDERS,
};

/**
 * top_rates() - figures out of two samples
 * @before: earlier sample, or NULL
 * @now: later sample
 * @rates: out
 *
 * Not known where a counter went back, as after a re-initialisation, or where the
 * proxy is another one of the same name.
 */
void top_rates(const struct top_sample *before, const struct top_sample *now,
	       struct top_rates *rates);

/** top_compare() - for sorting; < 0 if a comes before b */
int top_compare(enum top_order order, const struct top_sample *a, const struct top_rates *ra,
		const struct top_sample *b, const struct top_rates *rb);

/** top_order_name() - "name", "rate", "gain" or "mode" */
const char *top_order_name(enum top_order order);

#endif /* MLPROXY_TOP_RATES_H */
