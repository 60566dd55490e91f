// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy tool: the numbers that a mode is judged by; see evidence.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "evidence.h"

static struct mlproxy_feature named(const char *name, const char *unit)
{
	struct mlproxy_feature what = { .type = MLPROXY_TYPE_INT };

	snprintf(what.name, sizeof(what.name), "%s", name);
	snprintf(what.unit, sizeof(what.unit), "%s", unit);
	return what;
}

struct measures measures_of(const struct mlproxy_schema *schema)
{
	return (struct measures){
		.reward = value_reward(schema),
		.ledger = named(schema->ledger_name, schema->ledger_unit),
		.cost = named(schema->cost_name, schema->cost_unit),
		.work = named(schema->work_name, schema->work_unit),
		.reward_direction = schema->reward_direction,
	};
}

bool measures_has(const struct measures *m, uint32_t verdict)
{
	switch (verdict) {
	case MLPROXY_VERDICT_REWARD:
		return true;
	case MLPROXY_VERDICT_LEDGER:
		return *m->ledger.name;
	case MLPROXY_VERDICT_OUTER:
		return *m->cost.name;
	default:
		return false;
	}
}

double evidence_q16(int64_t q16)
{
	if (q16 == INT64_MIN)
		return -INFINITY;
	if (q16 == INT64_MAX)
		return INFINITY;
	return q16 / 65536.0;
}

static bool is_outer(const struct mlproxy_evidence *e)
{
	return e->verdict == MLPROXY_VERDICT_OUTER;
}

/* A part of the baseline's cost, or a cost: no type and no unit to be read by. */
static const struct mlproxy_feature number;

/* How the gain of an evidence is to be read, and its means. */
static const struct mlproxy_feature *measure(const struct mlproxy_evidence *e,
					     const struct measures *m)
{
	if (is_outer(e))
		return &number;
	return e->verdict == MLPROXY_VERDICT_LEDGER ? &m->ledger : &m->reward;
}

static json_t *arm_json(const struct mlproxy_evidence *e, uint32_t arm,
			const struct mlproxy_feature *what)
{
	bool any = e->n[arm];

	return json_pack("{s:o, s:o, s:o}", "n", cli_uint(e->n[arm]), "mean",
			 value_json_real(what, any ? evidence_q16(e->mean_q16[arm]) : NAN), "sd",
			 value_json_real(what, any && !is_outer(e) ? e->sd_q16[arm] / 65536.0 :
							   NAN));
}

json_t *evidence_json(const struct mlproxy_evidence *e, const struct measures *m)
{
	bool both = e->n[MLPROXY_ARM_BASELINE] && e->n[MLPROXY_ARM_MODEL];
	const struct mlproxy_feature *what = measure(e, m);
	json_t *arms = json_object();
	uint32_t i;

	for (i = 0; i < MLPROXY_NR_ARMS; i++)
		json_object_set_new(arms, mlproxy_arm_name(i), arm_json(e, i, what));
	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:I}",
			 "arms", arms, "gain",
			 value_json_real(what, both ? evidence_q16(e->gain_q16) : NAN),
			 "low", value_json_real(what, evidence_q16(e->low_q16)),
			 "high", value_json_real(what, evidence_q16(e->high_q16)),
			 "value", (json_int_t)e->value, "limit", (json_int_t)e->limit,
			 "model_version", (json_int_t)e->model_version,
			 "clusters", (json_int_t)e->clusters,
			 "verdict", mlproxy_verdict_name(e->verdict),
			 "stance", mlproxy_stance_name(e->stance),
			 "source", mlproxy_source_name(e->source),
			 "strata", (json_int_t)e->strata);
}

bool evidence_young(const struct mlproxy_evidence *e)
{
	return !e->n[MLPROXY_ARM_BASELINE] || !e->n[MLPROXY_ARM_MODEL] ||
	       e->low_q16 == INT64_MIN || e->high_q16 == INT64_MAX;
}

/* "3.1% less": what a gain in parts of the cost means for it. */
static const char *cost_words(char *text, size_t size, double gain)
{
	snprintf(text, size, "%.1f%% %s", 100 * fabs(gain), gain < 0 ? "more" : "less");
	return text;
}

static void outer_gain(const struct mlproxy_evidence *e, char *text, size_t size)
{
	char gain[VALUE_BYTES], low[VALUE_BYTES], high[VALUE_BYTES];

	cost_words(gain, sizeof(gain), evidence_q16(e->gain_q16));
	if (evidence_young(e))
		snprintf(text, size, "costs %s, too few units for an interval", gain);
	else
		snprintf(text, size, "costs %s [%s, %s]", gain,
			 cost_words(low, sizeof(low), evidence_q16(e->low_q16)),
			 cost_words(high, sizeof(high), evidence_q16(e->high_q16)));
}

void evidence_gain(const struct mlproxy_evidence *e, const struct measures *m, char *text,
		   size_t size)
{
	char gain[EVIDENCE_BYTES];

	if (!e->n[MLPROXY_ARM_BASELINE] || !e->n[MLPROXY_ARM_MODEL]) {
		snprintf(text, size, "unknown: no %s of %s", is_outer(e) ? "work" : "outcomes",
			 e->n[MLPROXY_ARM_MODEL] ? "the baseline" : "a model");
		return;
	}
	if (is_outer(e)) {
		outer_gain(e, text, size);
		return;
	}
	value_interval(gain, sizeof(gain), measure(e, m), evidence_q16(e->gain_q16),
		       evidence_q16(e->low_q16), evidence_q16(e->high_q16));
	snprintf(text, size, "%s%s", gain,
		 evidence_young(e) ? ", too few outcomes for an interval" : "");
}

const char *evidence_mean(const struct mlproxy_evidence *e, uint32_t arm,
			  const struct measures *m, char *text, size_t size)
{
	double mean = evidence_q16(e->mean_q16[arm]);
	char digits[VALUE_BYTES];

	if (!is_outer(e))
		return value_text(text, size, measure(e, m), mean);
	snprintf(text, size, "%s%s%s for one%s%s", value_digits(digits, sizeof(digits), mean),
		 *m->cost.unit ? " " : "", m->cost.unit, *m->work.unit ? " " : "", m->work.unit);
	return text;
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
		     const struct measures *m, char *text, size_t size)
{
	unsigned long long baseline = e->n[MLPROXY_ARM_BASELINE], model = e->n[MLPROXY_ARM_MODEL];
	char gain[EVIDENCE_BYTES];

	if (evidence_limit(e->value, e->limit, reason, &m->reward, text, size) || !model)
		return;
	evidence_gain(e, m, gain, sizeof(gain));
	switch (e->verdict) {
	case MLPROXY_VERDICT_LEDGER:
		snprintf(text, size, "%s %s; %llu and %llu outcomes", m->ledger.name, gain,
			 baseline, model);
		break;
	case MLPROXY_VERDICT_OUTER:
		snprintf(text, size, "%s; %llu and %llu%s%s of %s", gain, baseline, model,
			 *m->work.unit ? " " : "", m->work.unit, m->work.name);
		break;
	default:
		snprintf(text, size, "gain %s; %llu and %llu outcomes", gain, baseline, model);
	}
}

const char *evidence_tested(const struct mlproxy_evidence *e, char *text, size_t size)
{
	static const char *const logic[] = {
		[MLPROXY_SRC_RECOMMENDATION] = "recommendations, ",
		[MLPROXY_SRC_MODEL] = "the model, ",
		[MLPROXY_SRC_BPF] = "the eBPF program, ",
	};

	if (e->source >= sizeof(logic) / sizeof(logic[0]) || (!e->source && !e->model_version))
		snprintf(text, size, "nothing");
	else
		snprintf(text, size, "%sversion %u", logic[e->source] ? logic[e->source] : "",
			 e->model_version);
	return text;
}

void evidence_verdict(const struct mlproxy_evidence *e, const struct measures *m, char *text,
		      size_t size)
{
	char gain[EVIDENCE_BYTES];

	if (e->stance == MLPROXY_STANCE_NONE) {
		snprintf(text, size, "says nothing yet");
		return;
	}
	evidence_gain(e, m, gain, sizeof(gain));
	snprintf(text, size, "%s: %s", mlproxy_stance_name(e->stance), gain);
}
