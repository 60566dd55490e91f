// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy tool: the mode, explained; see explain.h. */
#include <stdio.h>

#include "explain.h"

static const char *const reasons[] = {
	[MLPROXY_REASON_START] = "it begins at the bottom",
	[MLPROXY_REASON_OPERATOR] = "the operator fixed it",
	[MLPROXY_REASON_REINIT] = "it was re-initialised, and begins at the bottom",
	[MLPROXY_REASON_CRITICAL] = "the subsystem says that it is in a critical moment",
	[MLPROXY_REASON_NOT_WORSE] = "the policy is not worse by more than the margin, with confidence",
	[MLPROXY_REASON_BETTER] = "the policy is better, with confidence, and no measure contradicts",
	[MLPROXY_REASON_WORSE] = "the policy is worse, with confidence",
	[MLPROXY_REASON_NOT_BETTER] = "the policy showed no gain, twice in a row",
	[MLPROXY_REASON_NO_MODEL] = "nothing proposes actions any more",
	[MLPROXY_REASON_NEW_MODEL] = "another policy is tested now, which has to earn the mode",
	[MLPROXY_REASON_DROP] = "the gain fell below what is allowed",
	[MLPROXY_REASON_ERRORS] = "too many actions failed, or were refused",
	[MLPROXY_REASON_LATENCY] = "too many decisions took longer than the budget",
	[MLPROXY_REASON_AGENT_LOST] = "the agent that the policy depends on is not heard any more",
	[MLPROXY_REASON_BAD_STATE] = "the subsystem is in a bad state",
	[MLPROXY_REASON_RECOVERED] = "the cause of the emergency is gone, and its time over",
	[MLPROXY_REASON_AUTO] = "the operator handed the mode back to the kernel",
	[MLPROXY_REASON_LEDGER] = "the ledger is worse with the policy, with confidence",
	[MLPROXY_REASON_OUTER] = "the system pays more with the policy, with confidence",
	[MLPROXY_REASON_RAMP] = "the policy is better; before it gets more, it is tested again with a larger share",
	[MLPROXY_REASON_RAMP_ENDED] = "the policy showed no gain with the larger share",
	[MLPROXY_REASON_LOSSES] = "outcomes of one arm get lost more often than the other's",
};

const char *explain_reason(uint32_t reason)
{
	if (reason >= sizeof(reasons) / sizeof(reasons[0]) || !reasons[reason])
		return "";
	return reasons[reason];
}

const char *explain_step(const struct mlproxy_efficiency *e)
{
	switch (e->mode) {
	case MLPROXY_MODE_EMERGENCY:
		return "learning mode";
	case MLPROXY_MODE_LEARNING:
		return "collaboration mode";
	case MLPROXY_MODE_COLLABORATION:
		return "recommendation mode";
	default:
		return "";
	}
}

/* Where more than half of the decisions is at stake, no contradiction is not enough. */
static bool wants_confidence(const struct mlproxy_efficiency *e)
{
	return e->mode == MLPROXY_MODE_COLLABORATION && e->stage == MLPROXY_STAGE_NONE;
}

static const char *wanted_reward(const struct mlproxy_efficiency *e)
{
	if (e->mode == MLPROXY_MODE_LEARNING)
		return "is not worse by more than the margin, with confidence";
	return wants_confidence(e) ? "is better, with confidence" : "still has a gain";
}

const char *explain_need(uint32_t need, const struct mlproxy_efficiency *e,
		       const struct measures *m, char *text, size_t size)
{
	switch (need) {
	case MLPROXY_NEEDS_POLICY:
		snprintf(text, size,
			 "something that proposes actions: a model, recommendations or a program");
		break;
	case MLPROXY_NEEDS_SAMPLES:
		snprintf(text, size, "more outcomes in both arms");
		break;
	case MLPROXY_NEEDS_REWARD:
		snprintf(text, size, "a reward (%s) that %s", m->reward.name, wanted_reward(e));
		break;
	case MLPROXY_NEEDS_LEDGER:
		snprintf(text, size, "a ledger (%s) that %s", m->ledger.name,
			 wants_confidence(e) ? "is no worse, with confidence" :
					       "does not contradict");
		break;
	case MLPROXY_NEEDS_OUTER:
		snprintf(text, size, "a cost of the system (%s for %s) that %s", m->cost.name,
			 m->work.name, wants_confidence(e) ? "is no higher, with confidence" :
							     "does not contradict");
		break;
	case MLPROXY_NEEDS_LOSSES:
		snprintf(text, size, "outcomes that get lost alike in both arms");
		break;
	case MLPROXY_NEEDS_TIME:
		snprintf(text, size, "time: %s", e->mode == MLPROXY_MODE_EMERGENCY ?
			 "the emergency lasts longer" : e->stage == MLPROXY_STAGE_RAMP ?
			 "the test with a larger share is not over" :
			 "a test with a larger share comes first");
		break;
	default:
		snprintf(text, size, "something that this program does not know of (%#x)", need);
	}
	return text;
}

uint32_t explain_needs(const struct mlproxy_efficiency *e)
{
	if (!*explain_step(e))
		return 0;
	return e->needs & MLPROXY_NEEDS_POLICY ? MLPROXY_NEEDS_POLICY : e->needs;
}

json_t *explain_needs_json(uint32_t needs)
{
	json_t *array = json_array();
	uint32_t need;

	for (need = 1; need; need <<= 1)
		if (needs & need)
			json_array_append_new(array, json_string(mlproxy_need_name(need)));
	return array;
}
