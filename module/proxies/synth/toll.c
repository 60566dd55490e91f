// SPDX-License-Identifier: GPL-2.0-only
/*
 * What mlproxy_synth's system pays.
 *
 * A decision costs an entity about a thousand, the one more than the other. With the
 * parameter "hidden" an action other than the baseline's costs "toll" more, in a way that
 * its reward does not say: later, to all others, or as a bad outcome that never comes; or it
 * costs so much less. So what the outer experiment makes of it can be checked without doubt.
 */
#include <linux/module.h>
#include <linux/string.h>

#include "toll.h"

#define ENTITIES	64
#define COST		1000
#define PAY_PART	8	/* of a debt, with each decision */
#define BAD_PART	4	/* of the outcomes is bad, where these are lost */
#define LEDGER_MAX	1000000

/* What "hidden" says. */
enum hidden {
	HIDDEN_NONE,
	HIDDEN_DELAYED,
	HIDDEN_OTHERS,
	HIDDEN_LOST,
	HIDDEN_AT_ONCE,
	HIDDEN_SAVED,
};

static char *outer = "none";
module_param(outer, charp, 0444);
MODULE_PARM_DESC(outer, "costs are reported, and arms held, by entity or window; none (default)");

static unsigned int hold_ms = 20;
module_param(hold_ms, uint, 0444);
MODULE_PARM_DESC(hold_ms, "how long an arm is held at first (default 20)");

static bool ledger;
module_param(ledger, bool, 0444);
MODULE_PARM_DESC(ledger, "a ledger of what each decision costs at once (default 0)");

static bool deferred;
module_param(deferred, bool, 0444);
MODULE_PARM_DESC(deferred, "outcomes are resolved late (default 0)");

static unsigned int hidden;
module_param(hidden, uint, 0644);
MODULE_PARM_DESC(hidden, "what actions cost beside: 0 nothing, 1 later, 2 others, 3 lost outcomes, 4 at once, 5 less at once");

static unsigned int toll = 400;
module_param(toll, uint, 0644);
MODULE_PARM_DESC(toll, "how much that is, of about 1000 (default 400)");

static bool audited;
module_param(audited, bool, 0644);
MODULE_PARM_DESC(audited, "an outcome that did not come is told when asked for (default 0)");

static u64 debt[ENTITIES], debt_of_all;
static u32 outer_unit;

int synth_toll_describe(struct mlproxy_desc *desc)
{
	static const char * const units[] = {
		[MLPROXY_OUTER_NONE] = "none",
		[MLPROXY_OUTER_ENTITY] = "entity",
		[MLPROXY_OUTER_WINDOW] = "window",
	};
	int nr = match_string(units, ARRAY_SIZE(units), outer);

	if (nr < 0)
		return -EINVAL;
	outer_unit = nr;
	desc->outer_unit = nr;
	if (nr != MLPROXY_OUTER_NONE) {
		desc->outer_hold_ns = (u64)hold_ms * NSEC_PER_MSEC;
		desc->cost_name = "paid";
		desc->work_name = "decisions";
	}
	if (ledger) {
		desc->ledger_name = "cost";
		desc->ledger_direction = MLPROXY_REWARD_LOWER;
		desc->ledger_max = LEDGER_MAX;
	}
	if (deferred)
		desc->pending_entries = 4096;
	return 0;
}

bool synth_has_toll(void)
{
	return outer_unit != MLPROXY_OUTER_NONE || ledger || deferred;
}

/* A part of a debt is paid, all of it in the end. */
static u64 pay(u64 *owed)
{
	u64 part = DIV_ROUND_UP(*owed, PAY_PART);

	*owed -= part;
	return part;
}

void synth_toll(u64 key, bool follows, u64 random, struct synth_toll *t)
{
	u32 entity = key % ENTITIES, extra = READ_ONCE(toll);
	bool bad = follows && random >> 32 & 1 && !(random >> 33 & (BAD_PART / 2 - 1));

	t->cost = COST / 2 + entity * (COST / ENTITIES) + (random & 255);
	t->lost = false;
	t->cost += pay(&debt[entity]) + pay(&debt_of_all);
	t->ledger = t->cost;
	if (!follows)
		return;
	switch (READ_ONCE(hidden)) {
	case HIDDEN_DELAYED:
		debt[entity] += extra;
		break;
	case HIDDEN_OTHERS:
		debt_of_all += extra;
		break;
	case HIDDEN_LOST:
		t->lost = bad;
		t->cost += bad ? extra * BAD_PART : 0;
		t->ledger = t->cost;
		break;
	case HIDDEN_AT_ONCE:
		t->cost += extra;
		t->ledger = t->cost;
		break;
	case HIDDEN_SAVED:
		t->cost -= min_t(u64, extra, t->cost);
		t->ledger = t->cost;
		break;
	}
}

void synth_toll_report(struct mlproxy *proxy, u64 key, const struct mlproxy_decision *decision,
		       s64 reward, const struct synth_toll *t)
{
	const struct mlproxy_outcome outcome = { .reward = reward, .ledger = t->ledger };

	if (deferred)
		mlproxy_defer(proxy, decision, decision->id);
	if (deferred && !t->lost)
		mlproxy_resolve_outcome(proxy, decision->id, &outcome);
	else if (!t->lost)
		mlproxy_feedback_outcome(proxy, decision, &outcome);
	/* After the outcome: a stop of the proxy may fall between the two. */
	if (outer_unit != MLPROXY_OUTER_NONE)
		mlproxy_cost(proxy, key, t->cost, 1);
}

bool synth_audit(void *priv, u64 token, const struct mlproxy_decision *decision, u32 why,
		 struct mlproxy_outcome *outcome)
{
	if (!READ_ONCE(audited))
		return false;
	/* Only bad outcomes do not come by themselves. */
	outcome->reward = S32_MIN;
	outcome->ledger = LEDGER_MAX;
	return true;
}
