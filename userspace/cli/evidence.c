// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy tool: the numbers that a mode is judged by; see evidence.h. */
#include <stdio.h>

#include "evidence.h"

#define Q16 65536.0

static json_t *end_json(int64_t q16)
{
	return q16 == INT64_MIN || q16 == INT64_MAX ? json_null() : json_real(q16 / Q16);
}

json_t *evidence_json(const struct mlproxy_evidence *e)
{
	json_t *arms = json_object();
	uint32_t i;

	for (i = 0; i < MLPROXY_NR_ARMS; i++)
		json_object_set_new(arms, mlproxy_arm_name(i),
				    json_pack("{s:o, s:f, s:f}", "n", cli_uint(e->n[i]),
					      "mean", e->mean_q16[i] / Q16,
					      "sd", e->sd_q16[i] / Q16));
	return json_pack("{s:o, s:f, s:o, s:o, s:I, s:I, s:I, s:I}", "arms", arms,
			 "gain", e->gain_q16 / Q16, "low", end_json(e->low_q16),
			 "high", end_json(e->high_q16), "value", (json_int_t)e->value,
			 "limit", (json_int_t)e->limit,
			 "model_version", (json_int_t)e->model_version,
			 "clusters", (json_int_t)e->clusters);
}

void evidence_gain(const struct mlproxy_evidence *e, char *text, size_t size)
{
	if (!e->n[MLPROXY_ARM_BASELINE] || !e->n[MLPROXY_ARM_MODEL])
		snprintf(text, size, "unknown: no outcomes of %s",
			 e->n[MLPROXY_ARM_MODEL] ? "the baseline" : "a model");
	else if (e->low_q16 == INT64_MIN || e->high_q16 == INT64_MAX)
		snprintf(text, size, "%+.4g, too few outcomes for an interval", e->gain_q16 / Q16);
	else
		snprintf(text, size, "%+.4g [%+.4g, %+.4g]", e->gain_q16 / Q16,
			 e->low_q16 / Q16, e->high_q16 / Q16);
}

void evidence_limit(const struct mlproxy_evidence *e, uint32_t reason, char *text, size_t size)
{
	double value = e->value, limit = e->limit;

	switch (reason) {
	case MLPROXY_REASON_DROP:
		snprintf(text, size, "gain %+.4g, allowed %+.4g", value / Q16, limit / Q16);
		break;
	case MLPROXY_REASON_ERRORS:
		snprintf(text, size, "%.1f %% failed or refused, allowed %.1f %%",
			 100 * value / Q16, 100 * limit / Q16);
		break;
	case MLPROXY_REASON_LATENCY:
		snprintf(text, size, "%.1f %% slower than the budget, allowed %.1f %%",
			 100 * value / Q16, 100 * limit / Q16);
		break;
	case MLPROXY_REASON_AGENT_LOST:
		snprintf(text, size, "silent for %.3f s, allowed %.3f s", value / 1e9,
			 limit / 1e9);
		break;
	default:
		*text = 0;
	}
}
