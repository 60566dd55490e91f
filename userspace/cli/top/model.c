// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy top: rates, bars, numbers for people, the agent's status.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

double top_q16(int64_t q16)
{
	if (q16 == INT64_MIN)
		return -INFINITY;
	if (q16 == INT64_MAX)
		return INFINITY;
	return q16 / 65536.0;
}

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

const char *top_count(char *text, size_t bytes, double count)
{
	static const char suffix[] = { 'k', 'M', 'G', 'T', 'P', 'E' };
	unsigned int i;

	if (!isfinite(count) || count < 999.5) {
		snprintf(text, bytes, isfinite(count) && count > 0 && count < 9.95 &&
			 count != floor(count) ? "%.1f" : "%.0f", count);
		return text;
	}
	for (i = 0, count /= 1000; count >= 999.5 && i + 1 < sizeof(suffix); i++)
		count /= 1000;
	snprintf(text, bytes, "%.*f%c", count < 9.995 ? 2 : count < 99.95 ? 1 : 0, count,
		 suffix[i]);
	return text;
}

const char *top_age(char *text, size_t bytes, double seconds)
{
	unsigned long long s = seconds > 0 ? seconds : 0;

	if (s < 60)
		snprintf(text, bytes, "%llus", s);
	else if (s < 3600)
		snprintf(text, bytes, "%llum%02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, bytes, "%lluh%02llum", s / 3600, s / 60 % 60);
	else if (s < 100 * 86400)
		snprintf(text, bytes, "%llud%02lluh", s / 86400, s / 3600 % 24);
	else
		snprintf(text, bytes, "%llud", s / 86400);
	return text;
}

/* Column of a value on an axis of -span to span. */
static unsigned int column(double value, double span, unsigned int width)
{
	double at = (value / span + 1) / 2 * (width - 1);

	return at < 0 ? 0 : at > width - 1 ? width - 1 : (unsigned int)lround(at);
}

void top_interval_bar(char *text, unsigned int width, double value, double low, double high)
{
	unsigned int from, to, at;
	double span;

	if (width < 5) {
		*text = '\0';
		return;
	}
	width -= 1 - width % 2;		/* 0 is in the middle */
	memset(text, '-', width);
	text[width] = '\0';
	text[width / 2] = '|';
	if (!isfinite(low) || !isfinite(high) || !isfinite(value))
		return;
	span = 1.1 * fmax(fabs(low), fabs(high));
	if (!(span > 0))
		return;
	from = column(low, span, width);
	to = column(high, span, width);
	at = column(value, span, width);
	memset(text + from, '=', to - from + 1);
	text[from] = '[';
	text[to] = ']';
	/* of what falls onto one character, what matters most comes last */
	if (from <= width / 2 && to >= width / 2)
		text[width / 2] = '|';
	text[at] = 'o';
}

void top_share_bar(char *text, unsigned int width, const double *share)
{
	static const char letter[MLPROXY_NR_SOURCES] = { 'B', 'R', 'M', 'P', 'X' };
	unsigned int cells[MLPROXY_NR_SOURCES] = { 0 }, used = 0, most = 0, i;
	double sum = 0;

	for (i = 0; i < MLPROXY_NR_SOURCES; i++) {
		sum += share[i];
		if (share[i] > share[most])
			most = i;
	}
	memset(text, '.', width);
	text[width] = '\0';
	if (!(sum > 0) || width < MLPROXY_NR_SOURCES)
		return;
	for (i = 0; i < MLPROXY_NR_SOURCES; i++) {
		cells[i] = i == most ? 0 : (unsigned int)floor(share[i] / sum * width + 0.5);
		if (i != most && share[i] > 0 && !cells[i])
			cells[i] = 1;
		used += cells[i];
	}
	cells[most] = used < width ? width - used : 0;
	for (i = 0, used = 0; i < MLPROXY_NR_SOURCES; i++) {
		while (cells[i]-- && used < width)
			text[used++] = letter[i];
	}
}

static int64_t get_int(const json_t *root, const char *key)
{
	const json_t *value = json_object_get(root, key);

	return json_is_integer(value) ? json_integer_value(value) : 0;
}

void top_agent_parse(const char *text, struct top_agent *agent)
{
	json_t *root = json_loads(text, 0, NULL);
	const json_t *test, *error;

	memset(agent, 0, sizeof(*agent));
	agent->error_mean = NAN;
	agent->known = json_is_object(root) && json_is_integer(json_object_get(root, "time"));
	if (agent->known) {
		agent->time_s = get_int(root, "time");
		agent->pid = get_int(root, "pid");
		agent->rows = get_int(root, "rows");
		agent->refits = get_int(root, "refits");
		agent->swaps = get_int(root, "swaps");
		agent->rollbacks = get_int(root, "rollbacks");
		agent->last_refit_s = get_int(root, "last_refit_time");
		agent->model_version = get_int(root, "model_version");
		agent->alarm = json_is_true(json_object_get(root, "alarm"));
		error = json_object_get(root, "error_mean");
		if (json_is_number(error))
			agent->error_mean = json_number_value(error);
		test = json_object_get(root, "last_test");
		agent->tested = json_is_number(json_object_get(test, "gain"));
		agent->gain = json_number_value(json_object_get(test, "gain"));
		agent->low = json_number_value(json_object_get(test, "low"));
		agent->high = json_number_value(json_object_get(test, "high"));
	}
	json_decref(root);
}

static double gain_of(const struct top_sample *s)
{
	const struct mlproxy_evidence *e = &s->eff.evidence;

	return s->judged && e->n[MLPROXY_ARM_MODEL] && e->n[MLPROXY_ARM_BASELINE] ?
	       top_q16(e->gain_q16) : -INFINITY;
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
