// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy report: one page with everything in it, that needs nothing from elsewhere.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "evidence.h"
#include "html.h"
#include "plot.h"
#include "verdict.h"

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n";

static const char style[] =
	"<style>\n"
	"body { font: 15px/1.45 sans-serif; color: #222; max-width: 1040px; margin: 2em auto;\n"
	"  padding: 0 1em }\n"
	"h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em }\n"
	"table { border-collapse: collapse; font-variant-numeric: tabular-nums }\n"
	"th, td { padding: .2em .7em; border-bottom: 1px solid #ddd; text-align: left }\n"
	"td.n { text-align: right } .good { color: #187018 } .bad { color: #a02020 }\n"
	"#verdict { font-size: 1.15em } p.note { color: #555 } svg { width: 100%; height: auto }\n"
	"span.m { padding: 0 .5em; margin-right: .4em }\n"
	"</style>\n";

static void escape(FILE *f, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '&':
			fputs("&amp;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		default:
			putc((unsigned char)*text < ' ' ? ' ' : *text, f);
		}
	}
}

static void cell(FILE *f, const char *text)
{
	fputs("<td>", f);
	escape(f, text);
	fputs("</td>", f);
}

static void cell_count(FILE *f, uint64_t n)
{
	fprintf(f, "<td class=\"n\">%llu</td>", (unsigned long long)n);
}

static void cell_value(FILE *f, double value)
{
	char text[VALUE_BYTES];

	if (isfinite(value))
		fprintf(f, "<td class=\"n\">%s</td>", value_digits(text, sizeof(text), value));
	else
		fputs("<td class=\"n\">&ndash;</td>", f);
}

/* Figures are in the unit, which the heading of the page names. */
static void cell_interval(FILE *f, const struct report_stat *s, bool gain, const char *class)
{
	static const struct mlproxy_feature number;
	char text[4 * VALUE_BYTES];

	if (!isfinite(s->mean)) {
		fputs("<td class=\"n\">&ndash;</td>", f);
		return;
	}
	if (gain)
		value_interval(text, sizeof(text), &number, s->mean, s->low, s->high);
	else
		value_range(text, sizeof(text), s->mean, s->low, s->high);
	fprintf(f, "<td class=\"%s\">%s</td>", class, text);
}

static void cell_stat(FILE *f, const struct report_stat *s)
{
	cell_interval(f, s, false, "n");
}

static void cell_gain(FILE *f, const struct report_stat *s)
{
	cell_interval(f, s, true, s->low > 0 ? "n good" : s->high < 0 ? "n bad" : "n");
}

static void write_verdict(FILE *f, const struct report *r)
{
	char text[REPORT_VERDICT];
	int better = report_verdict(r, text, sizeof(text));

	fprintf(f, "<p id=\"verdict\"%s>", better > 0 ? " class=\"good\"" :
		better < 0 ? " class=\"bad\"" : "");
	escape(f, text);
	fputs("</p>\n", f);
}

static bool has_model(const struct report *r)
{
	return r->stratum[0].arm[MLPROXY_ARM_MODEL].n || r->nr_versions;
}

static void cell_share(FILE *f, uint64_t n, uint64_t all)
{
	if (all)
		fprintf(f, "<td class=\"n\">%.1f %%</td>", 100.0 * n / all);
	else
		fputs("<td class=\"n\">&ndash;</td>", f);
}

static void write_actions(FILE *f, const struct report *r)
{
	uint64_t sum[MLPROXY_NR_ARMS] = { 0 };
	unsigned int i, arm;

	for (i = 0; i < r->data.nr_actions; i++) {
		for (arm = 0; arm < MLPROXY_NR_ARMS; arm++)
			sum[arm] += r->action[i].arm[arm];
	}
	fprintf(f, "<h2>Actions</h2>\n<p class=\"note\">How often each was taken, and the mean reward then, which also depends on when it is taken.</p>\n<table><tr><th>action</th>%s<th>all decisions</th><th>share</th><th>mean reward</th></tr>\n",
		has_model(r) ? "<th>baseline arm</th><th>model arm</th>" : "");
	for (i = 0; i < r->data.nr_actions; i++) {
		const struct report_action *a = &r->action[i];

		if (!a->all)
			continue;
		fputs("<tr>", f);
		cell(f, r->data.schema.actions[i].name);
		for (arm = 0; arm < MLPROXY_NR_ARMS && has_model(r); arm++)
			cell_share(f, a->arm[arm], sum[arm]);
		cell_count(f, a->all);
		cell_share(f, a->all, r->data.n);
		cell_stat(f, &a->reward);
		fputs("</tr>\n", f);
	}
	fputs("</table>\n", f);
}

static void write_runs(FILE *f, const struct report *r)
{
	char when[64];
	struct tm tm;
	time_t t;
	size_t i;

	fputs("<h2>Runs</h2>\n<table><tr><th>run</th><th>recorded from (UTC)</th><th>kernel</th><th>begins at [s]</th></tr>\n", f);
	for (i = 0; i < r->log.nr_runs; i++) {
		t = r->log.runs[i].start_ns / 1000000000;
		if (!gmtime_r(&t, &tm) || !strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm))
			strcpy(when, "?");
		fprintf(f, "<tr><td>%zu</td>", i);
		cell(f, when);
		cell(f, r->log.runs[i].kernel);
		cell_value(f, r->offset_s[i]);
		fputs("</tr>\n", f);
	}
	fputs("</table>\n", f);
}

static void write_counts(FILE *f, const struct report *r)
{
	const struct mlds_counts *c = &r->data.counts;

	fprintf(f, "<p>%llu decisions, %llu outcomes, of which %zu belong together; %llu outcomes expired, %llu decisions have none; <b%s>%llu records lost</b> in %llu gaps; %.3g s in all.</p>\n",
		(unsigned long long)c->decisions, (unsigned long long)c->feedback, r->data.n,
		(unsigned long long)r->data.expired, (unsigned long long)r->data.no_feedback,
		c->lost ? " class=\"bad\"" : "", (unsigned long long)c->lost,
		(unsigned long long)c->gaps, r->length_s);
}

static void write_strata(FILE *f, const struct report *r, const struct report_stratum *strata)
{
	unsigned int i;

	fprintf(f, "<table><tr><th>mode</th><th>baseline n</th><th>baseline mean</th>%s</tr>\n",
		has_model(r) ? "<th>model n</th><th>model mean</th><th>gain</th>" : "");
	for (i = 0; i < REPORT_NR_STRATA; i++) {
		const struct report_stratum *s = &strata[i];

		if (i && !s->arm[0].n && !s->arm[1].n)
			continue;
		fputs("<tr>", f);
		cell(f, s->name);
		cell_count(f, s->arm[MLPROXY_ARM_BASELINE].n);
		cell_stat(f, &s->arm[MLPROXY_ARM_BASELINE]);
		if (has_model(r)) {
			cell_count(f, s->arm[MLPROXY_ARM_MODEL].n);
			cell_stat(f, &s->arm[MLPROXY_ARM_MODEL]);
			cell_gain(f, &s->gain);
		}
		fputs("</tr>\n", f);
	}
	fputs("</table>\n", f);
}

static void write_unit(FILE *f, const char *unit)
{
	if (!*unit)
		return;
	fputs(" in ", f);
	escape(f, unit);
}

/* What decisions brought beside their rewards. */
static void write_ledger(FILE *f, const struct report *r)
{
	if (!measures_has(&r->m, MLPROXY_VERDICT_LEDGER))
		return;
	fputs("<h2>Ledger: ", f);
	escape(f, r->m.ledger.name);
	write_unit(f, r->m.ledger.unit);
	fprintf(f, "</h2>\n<p class=\"note\">What decisions brought, in units that add up, %s is better; as the table above, of the outcomes that say so.</p>\n",
		mlproxy_direction_name(r->data.schema.schema.ledger_direction));
	write_strata(f, r, r->ledger);
}

static void write_arms(FILE *f, const struct report *r)
{
	fputs("<h2>Arms</h2>\n<p class=\"note\">Mean reward with a 95 % interval, taken between keys or blocks of decisions. The gain of all modes is the mean of the modes' gains by their decisions, since arms are drawn at random only within a mode; positive is better for the model.</p>\n", f);
	if (!r->arms_known)
		fputs("<p class=\"note\">The records do not say which arm they count for; arms are told by what was done where the model had proposed something.</p>\n", f);
	write_strata(f, r, r->stratum);
}

static void write_plot(FILE *f, char *const *svg, enum report_plot plot, const char *title,
		       const char *note, const char *nothing)
{
	fprintf(f, "<h2 id=\"%s\">%s</h2>\n<p class=\"note\">%s</p>\n", report_plot_name(plot), title,
		svg[plot] || !nothing ? note : nothing);
	if (svg[plot])
		fprintf(f, "<figure>\n%s\n</figure>\n", svg[plot]);
}

/* What a change was taken on, if not the reward: a part of the cost, or of the ledger. */
static void cell_measure(FILE *f, const struct report *r, const struct mlds_change *c)
{
	double scale = c->verdict == MLPROXY_VERDICT_OUTER ? 100 : 1;
	struct report_stat gain = {
		c->n[0] + c->n[1], scale * c->gain, scale * c->low, scale * c->high,
	};

	if (!c->n[0] || !c->n[1])
		gain = report_nothing();
	cell_gain(f, &gain);
	fputs("<td>", f);
	if (c->verdict == MLPROXY_VERDICT_OUTER)
		fputs("% of the cost less", f);
	else
		escape(f, c->verdict == MLPROXY_VERDICT_LEDGER ? r->m.ledger.name :
								 r->reward.name);
	fputs("</td>", f);
}

/* @judged: the table has the columns of what a change was taken on. */
static void write_change(FILE *f, const struct report *r, const struct report_change *change,
			 bool judged)
{
	const struct mlds_change *c = &change->c;
	struct mlproxy_feature reward = r->reward;
	char limit[4 * VALUE_BYTES] = "";

	fputs("<tr>", f);
	cell_value(f, change->time_s);
	cell(f, mlproxy_mode_name(c->from));
	cell(f, mlproxy_mode_name(c->to));
	cell(f, c->reason ? mlproxy_mode_reason_name(c->reason) : "not recorded");
	if (judged && c->judged) {
		cell_count(f, c->n[MLPROXY_ARM_BASELINE]);
		cell_count(f, c->n[MLPROXY_ARM_MODEL]);
		cell_measure(f, r, c);
		evidence_limit(c->value, c->limit, c->reason, &reward, limit, sizeof(limit));
		cell(f, limit);
		fprintf(f, "<td class=\"n\">%u</td>", c->model_version);
	} else if (judged) {
		fputs("<td></td><td></td><td></td><td></td><td></td><td></td>", f);
	}
	fputs("</tr>\n", f);
}

static void write_changes(FILE *f, const struct report *r)
{
	bool judged = false;
	size_t i;

	for (i = 0; i < r->nr_changes; i++)
		judged |= r->change[i].c.judged &&
			  (r->change[i].c.n[MLPROXY_ARM_MODEL] || r->change[i].c.limit);
	if (!r->nr_changes)
		return;
	fprintf(f, "<table><tr><th>at [s]</th><th>from</th><th>to</th><th>reason</th>%s</tr>\n",
		judged ? "<th>baseline n</th><th>model n</th><th>gain</th><th>of</th><th>limit</th><th>version</th>" : "");
	for (i = 0; i < r->nr_changes; i++)
		write_change(f, r, &r->change[i], judged);
	fputs("</table>\n", f);
}

static void write_version(FILE *f, const struct report_version *v, bool expected, bool errors)
{
	fprintf(f, "<tr><td class=\"n\">%u</td>", v->version);
	cell_value(f, v->from_s);
	cell_value(f, v->to_s);
	if (expected) {
		cell_stat(f, &v->before);
		cell_stat(f, &v->before_ips);
		cell_gain(f, &v->before_gain);
	}
	cell_stat(f, &v->own);
	cell_count(f, v->realised.n);
	cell_stat(f, &v->realised);
	cell_gain(f, &v->realised_gain);
	if (errors)
		cell_stat(f, &v->error);
	fputs("</tr>\n", f);
}

/* Columns that no version has a figure in are left out. */
static void write_versions(FILE *f, const struct report *r)
{
	bool expected = false, errors = false;
	unsigned int i;

	if (!r->nr_versions)
		return;
	for (i = 0; i < r->nr_versions; i++) {
		expected |= isfinite(r->version[i].before.mean);
		errors |= isfinite(r->version[i].error.mean);
	}
	fprintf(f, "<table><tr><th>version</th><th>from [s]</th><th>to [s]</th>%s<th>its own log (IPS)</th><th>realised n</th><th>realised</th><th>realised gain</th>%s</tr>\n",
		expected ? "<th>expected before (DR)</th><th>expected before (IPS)</th><th>expected gain</th>" : "",
		errors ? "<th>mean error</th>" : "");
	for (i = 0; i < r->nr_versions; i++)
		write_version(f, &r->version[i], expected, errors);
	fputs("</table>\n<ul>\n", f);
	for (i = 0; i < r->nr_versions; i++) {
		if (!*r->version[i].note)
			continue;
		fprintf(f, "<li>Version %u, expected before: ", r->version[i].version);
		escape(f, r->version[i].note);
		fputs("</li>\n", f);
	}
	fputs("</ul>\n", f);
}

static void write_title(FILE *f, const struct report *r, char *const *paths, int nr_paths)
{
	const struct mlproxy_schema *s = &r->data.schema.schema;
	int i;

	fputs("<title>mlproxy report: ", f);
	escape(f, r->data.schema.proxy);
	fprintf(f, "</title>\n%s</head>\n<body>\n<h1>Report of proxy ", style);
	escape(f, r->data.schema.proxy);
	fputs("</h1>\n<p>Reward: ", f);
	escape(f, s->reward_name);
	write_unit(f, s->reward_unit);
	fprintf(f, ", %s is better. Data:",
		s->reward_direction == MLPROXY_REWARD_LOWER ? "lower" : "higher");
	for (i = 0; i < nr_paths; i++) {
		fputs(i ? ", <code>" : " <code>", f);
		escape(f, paths[i]);
		fputs("</code>", f);
	}
	fprintf(f, ". Written by mlproxy %s; all figures are in the CSV file beside this page.</p>\n",
		mlproxy_version());
}

static void write_model(FILE *f, const struct report *r, char *const *svg)
{
	write_plot(f, svg, REPORT_PLOT_VERSIONS, "Model versions: expected and realised",
		   "Expected before it ran: off-policy, from records of before its first decision that it was not trained on. Its own log: inverse propensity over all decisions that asked it. Realised: the mean where it was followed; other times have other contexts, so compare the gains, too.",
		   "No decision was made by a model.");
	write_versions(f, r);
	write_plot(f, svg, REPORT_PLOT_ERRORS, "Prediction error over time",
		   "Outcome less prediction, where the model's own proposal was done: its mean with a 95 % band, and dashed the mean of its size.",
		   "The records have no predictions.");
}

static void write_page(FILE *f, const struct report *r, char *const *svg, char *const *paths,
		       int nr_paths)
{
	fputs(head, f);
	write_title(f, r, paths, nr_paths);
	write_verdict(f, r);
	write_counts(f, r);
	write_arms(f, r);
	write_ledger(f, r);
	write_actions(f, r);
	write_plot(f, svg, REPORT_PLOT_REWARD, "Reward over time",
		   "Mean by piece of time with its 95 % band; pieces with fewer than 5 outcomes are left out. The background is the mode: <span class=\"m\" style=\"background:#f6d5d5\">emergency</span><span class=\"m\" style=\"background:#eeeeee\">learning</span><span class=\"m\" style=\"background:#dfeaf5\">collaboration</span><span class=\"m\" style=\"background:#dcf0dc\">recommendation</span>",
		   "There are too few outcomes in either arm to draw.");
	write_plot(f, svg, REPORT_PLOT_MODES, "Modes", "Changes of mode, with the reason and the numbers that they were made on: n is outcomes, or the work that was paid for where the cost of the system was compared.",
		   NULL);
	write_changes(f, r);
	if (has_model(r))
		write_model(f, r, svg);
	write_plot(f, svg, REPORT_PLOT_LOST, "Records lost",
		   "Records that the recorder did not get in time, by when that happened.",
		   "None was lost.");
	write_runs(f, r);
	fputs("</body>\n</html>\n", f);
}
char *report_html(const struct report *r, char *const *svg, char *const *paths, int nr_paths)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	write_page(f, r, svg, paths, nr_paths);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}
