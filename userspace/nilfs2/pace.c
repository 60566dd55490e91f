// SPDX-License-Identifier: GPL-2.0-only
/*
 * When to clean, and how many segments.
 */
#include "pace.h"

/* What is missing up to the high limit is to be cleaned in so many calls. */
#define SPREAD		8

static uint64_t at_least(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void pace_limits_init(struct pace_limits *l, uint64_t nsegs, uint64_t reserved,
		      unsigned int low_percent, unsigned int high_percent)
{
	uint64_t margin = at_least(nsegs / 100, 2);

	l->emergency = reserved + margin;
	l->low = at_least(nsegs / 100 * low_percent + nsegs % 100 * low_percent / 100,
			  l->emergency + margin);
	l->high = at_least(nsegs / 100 * high_percent + nsegs % 100 * high_percent / 100,
			   l->low);
}

/* What writers will take until the next call, if they go on so. */
static uint64_t demand(const struct pace_limits *l, const struct pace_view *v)
{
	if (!v->elapsed_ms)
		return v->written;
	if (v->written > UINT32_MAX)
		return UINT32_MAX;
	return (v->written * l->interval_ms + v->elapsed_ms - 1) / v->elapsed_ms;
}

struct pace_plan pace_plan(struct pace *p, const struct pace_limits *l,
			   const struct pace_view *v)
{
	struct pace_plan plan = { 0, l->check_ms, false };
	uint64_t want;

	if (v->clean <= l->emergency) {
		p->running = true;
		return (struct pace_plan) { l->most, 0, true };
	}
	if (v->clean < l->low)
		p->running = true;
	else if (v->clean >= l->high)
		p->running = false;

	if (p->running) {
		want = demand(l, v) + (l->high - v->clean + SPREAD - 1) / SPREAD;
		plan.segments = want < l->most ? want : l->most;
		plan.wait_ms = l->interval_ms;
	} else if (v->idle && v->best_is_empty) {
		/* costs nearly nothing, and nobody waits */
		plan.segments = 1;
		plan.wait_ms = l->interval_ms;
	}
	return plan;
}
