// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy top: a sample as JSON, for --batch -j.
 */
#include <math.h>

#include "cli.h"
#include "json.h"
#include "explain.h"

/* JSON has no infinity and no NaN. */
static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *transitions_json(const struct top_sample *s)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < s->nr_transitions; i++) {
		const struct mlproxy_transition *t = &s->transitions[i];

		json_array_append_new(list, json_pack(
			"{s:o, s:s, s:s, s:s, s:o}", "time_ns", cli_uint(t->time_ns),
			"from", mlproxy_mode_name(t->from), "to", mlproxy_mode_name(t->to),
			"reason", mlproxy_mode_reason_name(t->reason),
			"evidence", evidence_json(&t->evidence, &s->m)));
	}
	return list;
}

static json_t *verdicts_json(const struct top_sample *s)
{
	json_t *object = json_object();
	uint32_t i;

	for (i = 0; i < MLPROXY_NR_VERDICTS; i++) {
		bool any = i < s->eff.nr_verdicts && measures_has(&s->m, i);

		json_object_set_new(object, mlproxy_verdict_name(i),
				    any ? evidence_json(&s->verdicts[i], &s->m) : json_null());
	}
	return object;
}

static json_t *agent_json(const struct top_sample *s)
{
	const struct top_agent *a = &s->agent;
	json_t *test = json_null();

	if (!a->known)
		return test;
	if (a->tested)
		test = json_pack("{s:o, s:o, s:o}", "gain", value_json_real(&s->m.reward, a->gain),
				 "low", value_json_real(&s->m.reward, a->low),
				 "high", value_json_real(&s->m.reward, a->high));
	return json_pack("{s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:o, s:b}",
			 "age_s", (json_int_t)(s->realtime_s - a->time_s),
			 "pid", (json_int_t)a->pid,
			 "silent", s->realtime_s - a->time_s > TOP_AGENT_SILENT_S,
			 "rows", (json_int_t)a->rows, "refits", (json_int_t)a->refits,
			 "swaps", (json_int_t)a->swaps, "rollbacks", (json_int_t)a->rollbacks,
			 "last_refit_time", (json_int_t)a->last_refit_s, "last_test", test,
			 "model_version", (json_int_t)a->model_version,
			 "error_mean", value_json_real(&s->m.reward, a->error_mean), "alarm", a->alarm);
}

static json_t *shares_json(const struct top_rates *r)
{
	json_t *object = json_object();
	unsigned int i;

	for (i = 0; i < MLPROXY_NR_SOURCES; i++)
		json_object_set_new(object, mlproxy_source_name(i), number(r->share[i]));
	return object;
}

/* Names out of model files need not be UTF-8, which JSON must be. */
static json_t *model_json(uint32_t version, const char *name)
{
	json_t *text;

	if (!version)
		return json_null();
	text = json_string(name);
	return json_pack("{s:I, s:o}", "version", (json_int_t)version,
			 "name", text ? text : json_null());
}

json_t *top_json(const struct top_sample *s, const struct top_rates *r)
{
	json_t *object = json_pack(
		"{s:s, s:I, s:s, s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:b, s:o}",
		"name", s->entry.name, "id", (json_int_t)s->entry.id,
		"state", mlproxy_state_name(s->entry.state),
		"mode", mlproxy_mode_name(s->mode.mode),
		"reason", mlproxy_mode_reason_name(s->mode.reason),
		"since_ns", cli_uint(s->mode.since_ns), "automatic", (int)s->mode.automatic,
		"changes", cli_uint(s->mode.changes),
		"decisions", cli_uint(s->stats.decisions),
		"decisions_s", r->known ? number(r->decisions_s) : json_null(),
		"feedbacks_s", r->known ? number(r->feedbacks_s) : json_null(),
		"share", shares_json(r), "share_lately", r->lately,
		"lost", s->lost_known ? cli_uint(s->lost) : json_null());

	if (!object)
		return NULL;
	json_object_set_new(object, "lost_s", r->known ? number(r->lost_s) : json_null());
	json_object_set_new(object, "reward", json_string(s->m.reward.name));
	json_object_set_new(object, "unit", json_string(s->m.reward.unit));
	json_object_set_new(object, "reward_direction",
			    json_string(mlproxy_direction_name(s->m.reward_direction)));
	json_object_set_new(object, "evidence",
			    s->judged ? evidence_json(&s->eff.evidence, &s->m) : json_null());
	json_object_set_new(object, "verdicts", s->judged ? verdicts_json(s) : json_null());
	json_object_set_new(object, "needs", explain_needs_json(s->judged ? s->eff.needs : 0));
	json_object_set_new(object, "stage", json_string(mlproxy_stage_name(s->eff.stage)));
	json_object_set_new(object, "hold_ns", s->judged ? cli_uint(s->eff.hold_ns) : json_null());
	json_object_set_new(object, "transitions", transitions_json(s));
	json_object_set_new(object, "active",
			    model_json(s->models.active_version, s->models.active_name));
	json_object_set_new(object, "standby",
			    model_json(s->models.standby_version, s->models.standby_name));
	json_object_set_new(object, "agent", agent_json(s));
	return object;
}
