// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy report: all figures as CSV and as JSON.
 *
 * The CSV is long: a line a figure, so that a spreadsheet or a data frame picks by
 * table and series. What is not known is empty there, and null in JSON.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "table.h"
#include "verdict.h"

static const char *const arm_names[MLPROXY_NR_ARMS] = { "baseline", "model" };

/* ------------------------------------------------------------------ */
/* CSV                                                                 */

static void put_number(FILE *f, double value)
{
	putc(',', f);
	if (isfinite(value))
		fprintf(f, "%.9g", value);
}

static void put_text(FILE *f, const char *text)
{
	fputs(",\"", f);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', f);
		putc((unsigned char)*text < ' ' ? ' ' : *text, f);
	}
	putc('"', f);
}

static void put_line(FILE *f, const char *table, const char *series, double time_s,
		     const struct report_stat *stat, const char *text)
{
	fprintf(f, "%s,%s", table, series);
	put_number(f, time_s);
	fprintf(f, ",%llu", (unsigned long long)stat->n);
	put_number(f, stat->mean);
	put_number(f, stat->low);
	put_number(f, stat->high);
	if (text)
		put_text(f, text);
	else
		putc(',', f);
	putc('\n', f);
}

static void put_strata(FILE *f, const char *table, const struct report_stratum *strata)
{
	char series[64];
	unsigned int i, arm;

	for (i = 0; i < REPORT_NR_STRATA; i++) {
		const struct report_stratum *s = &strata[i];

		for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
			snprintf(series, sizeof(series), "%s/%s", s->name, arm_names[arm]);
			put_line(f, table, series, NAN, &s->arm[arm], NULL);
		}
		snprintf(series, sizeof(series), "%s/gain", s->name);
		put_line(f, table, series, NAN, &s->gain, NULL);
	}
}

static void put_actions(FILE *f, const struct report *r)
{
	struct report_stat count = report_nothing();
	char series[MLPROXY_NAME_LEN + 16];
	unsigned int i, arm;

	for (i = 0; i < r->data.nr_actions; i++) {
		const char *name = r->data.schema.actions[i].name;

		for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
			snprintf(series, sizeof(series), "%s/%s", name, arm_names[arm]);
			count.n = r->action[i].arm[arm];
			put_line(f, "actions", series, NAN, &count, NULL);
		}
		snprintf(series, sizeof(series), "%s/all", name);
		put_line(f, "actions", series, NAN, &r->action[i].reward, NULL);
	}
}

static void put_changes(FILE *f, const struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr_changes; i++) {
		const struct mlds_change *c = &r->change[i].c;
		struct report_stat stat = report_nothing();
		bool other = c->judged && c->verdict != MLPROXY_VERDICT_REWARD;
		char text[128];

		if (c->judged)
			stat = (struct report_stat){ c->n[0] + c->n[1], c->gain, c->low, c->high };
		snprintf(text, sizeof(text), "%s -> %s: %s%s%s", mlproxy_mode_name(c->from),
			 mlproxy_mode_name(c->to),
			 c->reason ? mlproxy_mode_reason_name(c->reason) : "not recorded",
			 other ? ", by: " : "", other ? mlproxy_verdict_name(c->verdict) : "");
		put_line(f, "mode", mlproxy_mode_name(c->to), r->change[i].time_s, &stat, text);
	}
}

static void put_bins(FILE *f, const struct report *r)
{
	struct report_stat lost = report_nothing();
	unsigned int arm;
	size_t i;

	for (i = 0; i < r->nr_bins; i++) {
		for (arm = 0; arm < MLPROXY_NR_ARMS; arm++)
			put_line(f, "reward", arm_names[arm], r->bin[i].time_s,
				 &r->bin[i].arm[arm], NULL);
		lost.n = r->bin[i].lost;
		put_line(f, "lost", "records", r->bin[i].time_s, &lost, NULL);
	}
}

static void put_version(FILE *f, const struct report *r, const struct report_version *v)
{
	const struct {
		const char *name;
		const struct report_stat *stat;
	} figures[] = {
		{ "before, doubly robust", &v->before }, { "before, ips", &v->before_ips },
		{ "before, gain", &v->before_gain }, { "own log, ips", &v->own },
		{ "realised", &v->realised }, { "realised, gain", &v->realised_gain },
		{ "error", &v->error }, { "absolute error", &v->abs_error },
	};
	char series[64];
	size_t i;

	for (i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		snprintf(series, sizeof(series), "%u: %s", v->version, figures[i].name);
		fputs("version,\"", f);
		fprintf(f, "%s\"", series);
		put_number(f, v->from_s);
		fprintf(f, ",%llu", (unsigned long long)figures[i].stat->n);
		put_number(f, figures[i].stat->mean);
		put_number(f, figures[i].stat->low);
		put_number(f, figures[i].stat->high);
		put_text(f, i < 3 ? v->note : "");
		putc('\n', f);
	}
	snprintf(series, sizeof(series), "%u", v->version);
	for (i = 0; i < r->nr_bins; i++) {
		if (!v->error_bin[i].n)
			continue;
		put_line(f, "error", series, r->bin[i].time_s, &v->error_bin[i], NULL);
		put_line(f, "abs_error", series, r->bin[i].time_s, &v->abs_error_bin[i], NULL);
	}
}

char *report_csv(const struct report *r)
{
	char *text = NULL;
	unsigned int i;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fputs("table,series,time_s,n,value,low,high,text\n", f);
	put_strata(f, "arms", r->stratum);
	if (measures_has(&r->m, MLPROXY_VERDICT_LEDGER))
		put_strata(f, "ledger", r->ledger);
	put_actions(f, r);
	put_bins(f, r);
	put_changes(f, r);
	for (i = 0; i < r->nr_versions; i++)
		put_version(f, r, &r->version[i]);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

/* ------------------------------------------------------------------ */
/* JSON                                                                */

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *stat_json(const struct report_stat *stat)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "n", cli_uint(stat->n),
			 "mean", number(stat->mean), "low", number(stat->low),
			 "high", number(stat->high));
}

static json_t *strata_json(const struct report_stratum *strata)
{
	json_t *object = json_object();
	unsigned int i;

	for (i = 0; i < REPORT_NR_STRATA; i++) {
		const struct report_stratum *s = &strata[i];

		json_object_set_new(object, s->name, json_pack(
			"{s:o, s:o, s:o}", "baseline", stat_json(&s->arm[MLPROXY_ARM_BASELINE]),
			"model", stat_json(&s->arm[MLPROXY_ARM_MODEL]),
			"gain", stat_json(&s->gain)));
	}
	return object;
}

static json_t *actions_json(const struct report *r)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < r->data.nr_actions; i++) {
		const struct report_action *a = &r->action[i];

		json_array_append_new(list, json_pack(
			"{s:s, s:o, s:o, s:o, s:o}", "name", r->data.schema.actions[i].name,
			"baseline", cli_uint(a->arm[MLPROXY_ARM_BASELINE]),
			"model", cli_uint(a->arm[MLPROXY_ARM_MODEL]), "all", cli_uint(a->all),
			"reward", stat_json(&a->reward)));
	}
	return list;
}

static json_t *bins_json(const struct report *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->nr_bins; i++)
		json_array_append_new(list, json_pack(
			"{s:o, s:o, s:o, s:o}", "time_s", number(r->bin[i].time_s),
			"baseline", stat_json(&r->bin[i].arm[MLPROXY_ARM_BASELINE]),
			"model", stat_json(&r->bin[i].arm[MLPROXY_ARM_MODEL]),
			"lost", cli_uint(r->bin[i].lost)));
	return list;
}

static json_t *changes_json(const struct report *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->nr_changes; i++) {
		const struct mlds_change *c = &r->change[i].c;
		json_t *one = json_pack("{s:o, s:s, s:s, s:o}", "time_s",
					number(r->change[i].time_s),
					"from", mlproxy_mode_name(c->from),
					"to", mlproxy_mode_name(c->to), "reason", c->reason ?
					json_string(mlproxy_mode_reason_name(c->reason)) :
					json_null());

		if (c->judged) {
			json_object_set_new(one, "n_baseline", cli_uint(c->n[0]));
			json_object_set_new(one, "n_model", cli_uint(c->n[1]));
			json_object_set_new(one, "gain", number(c->gain));
			json_object_set_new(one, "low", number(c->low));
			json_object_set_new(one, "high", number(c->high));
			json_object_set_new(one, "value", json_integer(c->value));
			json_object_set_new(one, "limit", json_integer(c->limit));
			json_object_set_new(one, "model_version", json_integer(c->model_version));
			json_object_set_new(one, "verdict",
					    json_string(mlproxy_verdict_name(c->verdict)));
			json_object_set_new(one, "stance",
					    json_string(mlproxy_stance_name(c->stance)));
			json_object_set_new(one, "source",
					    json_string(mlproxy_source_name(c->source)));
		}
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *versions_json(const struct report *r)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < r->nr_versions; i++) {
		const struct report_version *v = &r->version[i];
		/* a file's name in it need not be UTF-8 */
		json_t *text = json_string(v->note);

		json_array_append_new(list, json_pack(
			"{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			"version", (json_int_t)v->version, "from_s", number(v->from_s),
			"to_s", number(v->to_s), "realised", stat_json(&v->realised),
			"realised_gain", stat_json(&v->realised_gain),
			"own_ips", stat_json(&v->own), "before_dr", stat_json(&v->before),
			"before_ips", stat_json(&v->before_ips),
			"before_gain", stat_json(&v->before_gain),
			"error", stat_json(&v->error), "abs_error", stat_json(&v->abs_error),
			"note", text ? text : json_null()));
	}
	return list;
}

static json_t *runs_json(const struct report *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->log.nr_runs; i++)
		json_array_append_new(list, json_pack(
			"{s:o, s:s, s:o}", "start_ns", cli_uint(r->log.runs[i].start_ns),
			"kernel", r->log.runs[i].kernel, "offset_s", number(r->offset_s[i])));
	return list;
}

static json_t *ledger_json(const struct report *r)
{
	if (!measures_has(&r->m, MLPROXY_VERDICT_LEDGER))
		return json_null();
	return json_pack("{s:s, s:s, s:o}", "name", r->m.ledger.name, "unit", r->m.ledger.unit,
			 "arms", strata_json(r->ledger));
}

json_t *report_json(const struct report *r)
{
	const struct mlproxy_schema *s = &r->data.schema.schema;
	const struct mlds_counts *c = &r->data.counts;
	char verdict[REPORT_VERDICT];

	report_verdict(r, verdict, sizeof(verdict));
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "proxy", r->data.schema.proxy, "verdict", verdict, "reward", s->reward_name,
			 "unit", s->reward_unit, "lower_is_better",
			 s->reward_direction == MLPROXY_REWARD_LOWER,
			 "decisions", cli_uint(c->decisions), "feedback", cli_uint(c->feedback),
			 "joined", cli_uint(r->data.n), "expired", cli_uint(r->data.expired),
			 "lost", cli_uint(c->lost), "length_s", number(r->length_s),
			 "arms_recorded", r->arms_known, "runs", runs_json(r),
			 "arms", strata_json(r->stratum), "actions", actions_json(r), "bins", bins_json(r),
			 "modes", changes_json(r), "versions", versions_json(r), "ledger",
			 ledger_json(r));
}
