// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy tool: the numbers that a mode is judged by; see evidence.h. */
#include <math.h>
#include <stdio.h>

#include "evidence.h"

double evidence_q16(int64_t q16)
{
	if (q16 == INT64_MIN)
		return -INFINITY;
	if (q16 == INT64_MAX)
		return INFINITY;
	return q16 / 65536.0;
}

static json_t *arm_json(const struct mlproxy_evidence *e, uint32_t arm,
			const struct mlproxy_feature *reward)
{
	bool any = e->n[arm];

	return json_pack("{s:o, s:o, s:o}", "n", cli_uint(e->n[arm]), "mean",
			 value_json_real(reward, any ? evidence_q16(e->mean_q16[arm]) : NAN),
			 "sd", value_json_real(reward, any ? e->sd_q16[arm] / 65536.0 : NAN));
}

json_t *evidence_json(const struct mlproxy_evidence *e, const struct mlproxy_feature *reward)
{
	bool both = e->n[MLPROXY_ARM_BASELINE] && e->n[MLPROXY_ARM_MODEL];
	json_t *arms = json_object();
	uint32_t i;

	for (i = 0; i < MLPROXY_NR_ARMS; i++)
		json_object_set_new(arms, mlproxy_arm_name(i), arm_json(e, i, reward));
	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "arms", arms, "gain",
			 value_json_real(reward, both ? evidence_q16(e->gain_q16) : NAN),
			 "low", value_json_real(reward, evidence_q16(e->low_q16)),
			 "high", value_json_real(reward, evidence_q16(e->high_q16)),
			 "value", (json_int_t)e->value, "limit", (json_int_t)e->limit,
			 "model_version", (json_int_t)e->model_version,
			 "clusters", (json_int_t)e->clusters);
}

bool evidence_young(const struct mlproxy_evidence *e)
{
	return !e->n[MLPROXY_ARM_BASELINE] || !e->n[MLPROXY_ARM_MODEL] ||
	       e->low_q16 == INT64_MIN || e->high_q16 == INT64_MAX;
}

void evidence_gain(const struct mlproxy_evidence *e, const struct mlproxy_feature *reward,
		   char *text, size_t size)
{
	char gain[EVIDENCE_BYTES];

	if (!e->n[MLPROXY_ARM_BASELINE] || !e->n[MLPROXY_ARM_MODEL]) {
		snprintf(text, size, "unknown: no outcomes of %s",
			 e->n[MLPROXY_ARM_MODEL] ? "the baseline" : "a model");
		return;
	}
	value_interval(gain, sizeof(gain), reward, evidence_q16(e->gain_q16),
		       evidence_q16(e->low_q16), evidence_q16(e->high_q16));
	snprintf(text, size, "%s%s", gain,
		 evidence_young(e) ? ", too few outcomes for an interval" : "");
}

bool evidence_limit(int64_t value, int64_t limit, uint32_t reason,
		    const struct mlproxy_feature *reward, char *text, size_t size)
{
	char is[VALUE_BYTES], allowed[VALUE_BYTES];

	*text = '\0';
	switch (reason) {
	case MLPROXY_REASON_DROP:
		value_gain(is, sizeof(is), reward, evidence_q16(value));
		value_gain(allowed, sizeof(allowed), reward, evidence_q16(limit));
		snprintf(text, size, "gain %s, allowed %s%s%s", is, allowed,
			 *reward->unit ? " " : "", reward->unit);
		return true;
	case MLPROXY_REASON_ERRORS:
		snprintf(text, size, "%.1f%% failed or refused, allowed %.1f%%",
			 100 * evidence_q16(value), 100 * evidence_q16(limit));
		return true;
	case MLPROXY_REASON_LATENCY:
		snprintf(text, size, "%.1f%% slower than the budget, allowed %.1f%%",
			 100 * evidence_q16(value), 100 * evidence_q16(limit));
		return true;
	case MLPROXY_REASON_AGENT_LOST:
		snprintf(text, size, "silent for %s, allowed %s",
			 value_quantity(is, sizeof(is), value, "ns"),
			 value_quantity(allowed, sizeof(allowed), limit, "ns"));
		return true;
	default:
		return false;
	}
}

void evidence_reason(const struct mlproxy_evidence *e, uint32_t reason,
		     const struct mlproxy_feature *reward, char *text, size_t size)
{
	char gain[EVIDENCE_BYTES];

	if (evidence_limit(e->value, e->limit, reason, reward, text, size) ||
	    !e->n[MLPROXY_ARM_MODEL])
		return;
	evidence_gain(e, reward, gain, sizeof(gain));
	snprintf(text, size, "gain %s; %llu and %llu outcomes", gain,
		 (unsigned long long)e->n[MLPROXY_ARM_BASELINE],
		 (unsigned long long)e->n[MLPROXY_ARM_MODEL]);
}
