// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy top: figures out of two samples, and the order by them; see rates.h. */
#include <math.h>
#include <string.h>

#include "evidence.h"
#include "rates.h"

/* Counters only go back when they are set to 0: then there is nothing to compare. */
static bool comparable(const struct top_sample *before, const struct top_sample *now)
{
	unsigned int i;

	if (before->entry.id != now->entry.id || now->time_ns <= before->time_ns ||
	    now->stats.decisions < before->stats.decisions ||
	    now->stats.feedbacks < before->stats.feedbacks)
		return false;
	for (i = 0; i < MLPROXY_NR_SOURCES; i++) {
		if (now->stats.by_source[i] < before->stats.by_source[i])
			return false;
	}
	return true;
}

static void shares(const __u64 *count, const __u64 *less, double *share)
{
	double sum = 0;
	unsigned int i;

	for (i = 0; i < MLPROXY_NR_SOURCES; i++) {
		share[i] = count[i] - (less ? less[i] : 0);
		sum += share[i];
	}
	for (i = 0; i < MLPROXY_NR_SOURCES && sum > 0; i++)
		share[i] /= sum;
}

void top_rates(const struct top_sample *before, const struct top_sample *now,
	       struct top_rates *rates)
{
	double seconds;

	memset(rates, 0, sizeof(*rates));
	if (before && comparable(before, now)) {
		seconds = (now->time_ns - before->time_ns) / 1e9;
		rates->known = true;
		rates->decisions_s = (now->stats.decisions - before->stats.decisions) / seconds;
		rates->feedbacks_s = (now->stats.feedbacks - before->stats.feedbacks) / seconds;
		/* of the readers of now: it falls when one of them ends */
		if (before->lost_known && now->lost_known && now->lost >= before->lost)
			rates->lost_s = (now->lost - before->lost) / seconds;
		rates->lately = now->stats.decisions > before->stats.decisions;
	}
	shares(now->stats.by_source, rates->lately ? before->stats.by_source : NULL,
	       rates->share);
}

static double gain_of(const struct top_sample *s)
{
	const struct mlproxy_evidence *e = &s->eff.evidence;

	return s->judged && e->n[MLPROXY_ARM_MODEL] && e->n[MLPROXY_ARM_BASELINE] ?
	       evidence_q16(e->gain_q16) : -INFINITY;
}

int top_compare(enum top_order order, const struct top_sample *a, const struct top_rates *ra,
		const struct top_sample *b, const struct top_rates *rb)
{
	double va = 0, vb = 0;

	if (order == TOP_BY_RATE) {
		va = ra->decisions_s;
		vb = rb->decisions_s;
	} else if (order == TOP_BY_GAIN) {
		va = gain_of(a);
		vb = gain_of(b);
	} else if (order == TOP_BY_MODE) {
		va = a->mode.mode;
		vb = b->mode.mode;
	}
	if (va != vb)
		return va > vb ? -1 : 1;
	return strcmp(a->entry.name, b->entry.name);
}

const char *top_order_name(enum top_order order)
{
	static const char *const names[TOP_NR_ORDERS] = { "name", "rate", "gain", "mode" };

	return order < TOP_NR_ORDERS ? names[order] : "?";
}
