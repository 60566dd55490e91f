// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's log is told of modes: each emergency, why, and when it is over. From
 * the work that follows a transition, never from the decision path.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/math64.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>

#include "core.h"
#include "mode_priv.h"
#include "names.h"

#define TEXT_LEN	160

/* A share of MLPROXY_SHARE_ONE in per cent. */
static u32 percent(s64 share)
{
	return clamp_t(s64, share, 0, MLPROXY_SHARE_ONE) * 100 / MLPROXY_SHARE_ONE;
}

/* Hundredths of a standard deviation that @gain is below 0, both in the same unit. */
static u64 deviations(s64 gain, u64 sd)
{
	u64 below = gain < 0 ? -(u64)gain : 0;

	return below > U64_MAX / 100 ? U64_MAX : div64_u64(below * 100, max(sd, 1ULL));
}

static void say_drop(char *text, const struct mlproxy_evidence *e)
{
	u64 sd = e->sd_q16[MLPROXY_ARM_BASELINE];
	u64 is = deviations(e->value, sd), limit = deviations(e->limit, sd);

	scnprintf(text, TEXT_LEN,
		  "the model's outcomes are %llu.%02llu sd below the baseline's, more than %llu.%02llu",
		  is / 100, is % 100, limit / 100, limit % 100);
}

static void say_lost(char *text, const struct mlproxy_evidence *e)
{
	if (e->limit)
		scnprintf(text, TEXT_LEN, "an agent was silent for %lld ms, more than %lld",
			  div_s64(e->value, NSEC_PER_MSEC), div_s64(e->limit, NSEC_PER_MSEC));
	else
		scnprintf(text, TEXT_LEN, "an agent was closed without having left");
}

/* Why, in words and with its numbers. */
static void say_why(char *text, const struct mlproxy_transition *t)
{
	const struct mlproxy_evidence *e = &t->evidence;

	switch (t->reason) {
	case MLPROXY_REASON_CRITICAL:
		scnprintf(text, TEXT_LEN, "the subsystem is critical");
		break;
	case MLPROXY_REASON_BAD_STATE:
		scnprintf(text, TEXT_LEN, "the subsystem is in a bad state");
		break;
	case MLPROXY_REASON_OPERATOR:
		scnprintf(text, TEXT_LEN, "the operator said so");
		break;
	case MLPROXY_REASON_ERRORS:
		scnprintf(text, TEXT_LEN,
			  "%u %% of the proposed actions were refused or failed, more than %u %%",
			  percent(e->value), percent(e->limit));
		break;
	case MLPROXY_REASON_LATENCY:
		scnprintf(text, TEXT_LEN,
			  "%u %% of the decisions took longer than their budget, more than %u %%",
			  percent(e->value), percent(e->limit));
		break;
	case MLPROXY_REASON_DROP:
		say_drop(text, e);
		break;
	case MLPROXY_REASON_AGENT_LOST:
		say_lost(text, e);
		break;
	default:
		scnprintf(text, TEXT_LEN, "%s", mlproxy_reason_name(t->reason));
	}
}

static void tell(const char *name, const struct mlproxy_transition *t)
{
	char text[TEXT_LEN];

	if (t->to == MLPROXY_MODE_EMERGENCY && t->from != t->to) {
		say_why(text, t);
		pr_warn_ratelimited("%s: emergency: %s; decisions are the kernel's own\n", name,
				    text);
	} else if (t->from == MLPROXY_MODE_EMERGENCY && t->from != t->to) {
		pr_notice_ratelimited("%s: the emergency is over (%s), %s mode\n", name,
				      mlproxy_reason_name(t->reason), mlproxy_mode_name(t->to));
	}
}

static bool next_untold(struct mlproxy_modes *ms, struct mlproxy_transition *t)
{
	unsigned long flags = lock_modes(ms);
	bool is_one = ms->told < ms->changes;

	if (is_one) {
		if (ms->changes - ms->told > MLPROXY_MAX_TRANSITIONS)
			ms->told = ms->changes - MLPROXY_MAX_TRANSITIONS;
		*t = ms->log[ms->told++ % MLPROXY_MAX_TRANSITIONS];
	}
	unlock_modes(ms, flags);
	return is_one;
}

/**
 * mode_tell() - tell the kernel's log of emergencies that it does not know of
 * @proxy: the proxy, its lock held
 *
 * Context: may sleep.
 */
void mode_tell(struct mlproxy *proxy)
{
	struct mlproxy_transition t;
	unsigned int i;

	/* More than this can't be known; what comes meanwhile has a follow-up of its own. */
	for (i = 0; i < MLPROXY_MAX_TRANSITIONS && next_untold(proxy->modes, &t); i++)
		tell(proxy->name, &t);
}
