// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which segments to clean first.
 */
#include <string.h>

#include "policy.h"

/* A live block that will die soon costs so many times what another does. */
#define SOON_WEIGHT	3
/* Older than that is no better; keeps products within 64 bits. */
#define OLDEST		(1ULL << 32)

static uint64_t age(const struct segment *s, const struct policy_view *view)
{
	uint64_t seconds = view->now > s->lastmod ? view->now - s->lastmod : 0;

	return seconds < OLDEST ? seconds : OLDEST;
}

static int64_t timestamp_cost(const struct segment *s, const struct policy_view *view)
{
	(void)view;
	return s->lastmod < INT64_MAX ? s->lastmod : INT64_MAX;
}

static int64_t greedy_cost(const struct segment *s, const struct policy_view *view)
{
	(void)view;
	return segment_live(s);
}

static int64_t cost_benefit_cost(const struct segment *s, const struct policy_view *view)
{
	int64_t all = view->blocks_per_segment, live = segment_live(s);

	if (live > all)
		live = all;
	/* one more second, so that among segments of this second the emptiest comes first */
	return -(int64_t)((age(s, view) + 1) * (all - live) * 16 / (all + live));
}

static int64_t lifetime_cost(const struct segment *s, const struct policy_view *view)
{
	(void)view;
	return segment_live(s) + (int64_t)(s->counted ? s->soon : 0) * (SOON_WEIGHT - 1);
}

const struct policy policies[NR_POLICIES] = {
	[POLICY_TIMESTAMP]	= { "timestamp", timestamp_cost, false },
	[POLICY_GREEDY]		= { "greedy", greedy_cost, true },
	[POLICY_COST_BENEFIT]	= { "cost-benefit", cost_benefit_cost, true },
	[POLICY_LIFETIME]	= { "lifetime", lifetime_cost, true },
};

const struct policy *policy_find(const char *name)
{
	size_t i;

	for (i = 0; i < NR_POLICIES; i++)
		if (!strcmp(policies[i].name, name))
			return &policies[i];
	return NULL;
}

bool policy_eligible(const struct segment *s, const struct policy_view *view)
{
	if (!s->reclaimable || s->refused)
		return false;
	if (view->protect_seconds && (s->lastmod > view->now ||
				      view->now - s->lastmod < view->protect_seconds))
		return false;
	/* what was not counted may have died: the call counts, and leaves it if it is not so */
	return !s->counted ||
	       (uint64_t)s->live + view->min_reclaimable <= view->blocks_per_segment;
}

size_t policy_rank(const struct segment *segments, size_t nr, const struct policy *policy,
		   const struct policy_view *view, size_t *best, size_t most)
{
	size_t i, at, found = 0;

	for (i = 0; i < nr && most; i++) {
		int64_t cost;

		if (!policy_eligible(&segments[i], view))
			continue;
		cost = policy->cost(&segments[i], view);
		for (at = found; at > 0; at--)
			if (policy->cost(&segments[best[at - 1]], view) <= cost)
				break;
		if (at == most)
			continue;
		if (found < most)
			found++;
		memmove(&best[at + 1], &best[at], (found - at - 1) * sizeof(*best));
		best[at] = i;
	}
	return found;
}
