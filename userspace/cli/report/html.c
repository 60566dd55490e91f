// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy report: one page with everything in it, that needs nothing from elsewhere.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "html.h"
#include "plot.h"

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
	"p.note { color: #555 } svg { width: 100%; height: auto }\n"
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
	if (isfinite(value))
		fprintf(f, "<td class=\"n\">%.6g</td>", value);
	else
		fputs("<td class=\"n\">&ndash;</td>", f);
}

static void interval(FILE *f, const struct report_stat *s)
{
	if (isfinite(s->low) && isfinite(s->high))
		fprintf(f, " [%.6g, %.6g]", s->low, s->high);
}

static void cell_stat(FILE *f, const struct report_stat *s)
{
	if (!isfinite(s->mean)) {
		fputs("<td class=\"n\">&ndash;</td>", f);
		return;
	}
	fprintf(f, "<td class=\"n\">%.6g", s->mean);
	interval(f, s);
	fputs("</td>", f);
}

static void cell_gain(FILE *f, const struct report_stat *s)
{
	const char *class = s->low > 0 ? "n good" : s->high < 0 ? "n bad" : "n";

	if (!isfinite(s->mean)) {
		fputs("<td class=\"n\">&ndash;</td>", f);
		return;
	}
	fprintf(f, "<td class=\"%s\">%+.6g", class, s->mean);
	interval(f, s);
	fputs("</td>", f);
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
		fprintf(f, "<td class=\"n\">%.3f</td></tr>\n", r->offset_s[i]);
	}
	fputs("</table>\n", f);
}

static void write_counts(FILE *f, const struct report *r)
{
	const struct mlds_counts *c = &r->data.counts;

	fprintf(f, "<p>%llu decisions, %llu outcomes, of which %zu belong together; %llu outcomes expired, %llu decisions have none; <b%s>%llu records lost</b> in %llu gaps; %.3f s in all.</p>\n",
		(unsigned long long)c->decisions, (unsigned long long)c->feedback, r->data.n,
		(unsigned long long)r->data.expired, (unsigned long long)r->data.no_feedback,
		c->lost ? " class=\"bad\"" : "", (unsigned long long)c->lost,
		(unsigned long long)c->gaps, r->length_s);
}

static void write_arms(FILE *f, const struct report *r)
{
	unsigned int i;

	fputs("<h2>Arms</h2>\n<p class=\"note\">Mean reward with a 95 % interval, taken between keys or blocks of decisions. The gain of all modes is the mean of the modes' gains by their decisions, since arms are drawn at random only within a mode; positive is better for the model.</p>\n", f);
	if (!r->arms_known)
		fputs("<p class=\"note\">The records do not say which arm they count for; arms are told by what was done where the model had proposed something.</p>\n", f);
	fputs("<table><tr><th>mode</th><th>baseline n</th><th>baseline mean</th><th>model n</th><th>model mean</th><th>gain</th></tr>\n", f);
	for (i = 0; i < REPORT_NR_STRATA; i++) {
		const struct report_stratum *s = &r->stratum[i];

		if (i && !s->arm[0].n && !s->arm[1].n)
			continue;
		fputs("<tr>", f);
		cell(f, s->name);
		cell_count(f, s->arm[MLPROXY_ARM_BASELINE].n);
		cell_stat(f, &s->arm[MLPROXY_ARM_BASELINE]);
		cell_count(f, s->arm[MLPROXY_ARM_MODEL].n);
		cell_stat(f, &s->arm[MLPROXY_ARM_MODEL]);
		cell_gain(f, &s->gain);
		fputs("</tr>\n", f);
	}
	fputs("</table>\n", f);
}

static void write_plot(FILE *f, char *const *svg, enum report_plot plot, const char *title,
		       const char *note, const char *nothing)
{
	fprintf(f, "<h2 id=\"%s\">%s</h2>\n<p class=\"note\">%s</p>\n", report_plot_name(plot), title,
		svg[plot] || !nothing ? note : nothing);
	if (svg[plot])
		fprintf(f, "<figure>\n%s\n</figure>\n", svg[plot]);
}

static void write_change(FILE *f, const struct report_change *change)
{
	const struct mlds_change *c = &change->c;
	struct report_stat gain = { 0, c->gain, c->low, c->high };

	fprintf(f, "<tr><td class=\"n\">%.3f</td>", change->time_s);
	cell(f, mlproxy_mode_name(c->from));
	cell(f, mlproxy_mode_name(c->to));
	cell(f, c->reason ? mlproxy_mode_reason_name(c->reason) : "not recorded");
	if (!c->judged) {
		fputs("<td></td><td></td><td></td><td></td><td></td><td></td></tr>\n", f);
		return;
	}
	cell_count(f, c->n[MLPROXY_ARM_BASELINE]);
	cell_count(f, c->n[MLPROXY_ARM_MODEL]);
	if (!c->n[0] || !c->n[1])
		gain = report_nothing();
	cell_gain(f, &gain);
	if (c->value || c->limit)
		fprintf(f, "<td class=\"n\">%lld</td><td class=\"n\">%lld</td>", (long long)c->value,
			(long long)c->limit);
	else
		fputs("<td></td><td></td>", f);
	fprintf(f, "<td class=\"n\">%u</td></tr>\n", c->model_version);
}

static void write_changes(FILE *f, const struct report *r)
{
	size_t i;

	if (!r->nr_changes)
		return;
	fputs("<table><tr><th>at [s]</th><th>from</th><th>to</th><th>reason</th><th>baseline n</th><th>model n</th><th>gain</th><th>value</th><th>limit</th><th>model</th></tr>\n", f);
	for (i = 0; i < r->nr_changes; i++)
		write_change(f, &r->change[i]);
	fputs("</table>\n", f);
}

static void write_versions(FILE *f, const struct report *r)
{
	unsigned int i;

	if (!r->nr_versions)
		return;
	fputs("<table><tr><th>version</th><th>from [s]</th><th>to [s]</th><th>expected before (DR)</th><th>expected before (IPS)</th><th>expected gain</th><th>its own log (IPS)</th><th>realised n</th><th>realised</th><th>realised gain</th><th>mean error</th></tr>\n", f);
	for (i = 0; i < r->nr_versions; i++) {
		const struct report_version *v = &r->version[i];

		fprintf(f, "<tr><td class=\"n\">%u</td>", v->version);
		cell_value(f, v->from_s);
		cell_value(f, v->to_s);
		cell_stat(f, &v->before);
		cell_stat(f, &v->before_ips);
		cell_gain(f, &v->before_gain);
		cell_stat(f, &v->own);
		cell_count(f, v->realised.n);
		cell_stat(f, &v->realised);
		cell_gain(f, &v->realised_gain);
		cell_stat(f, &v->error);
		fputs("</tr>\n", f);
	}
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
	if (*s->reward_unit) {
		fputs(" in ", f);
		escape(f, s->reward_unit);
	}
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

static void write_page(FILE *f, const struct report *r, char *const *svg, char *const *paths,
		       int nr_paths)
{
	fputs(head, f);
	write_title(f, r, paths, nr_paths);
	write_counts(f, r);
	write_runs(f, r);
	write_arms(f, r);
	write_plot(f, svg, REPORT_PLOT_REWARD, "Reward over time",
		   "Mean by piece of time with its 95 % band; pieces with fewer than 5 outcomes are left out. The background is the mode: <span class=\"m\" style=\"background:#f6d5d5\">emergency</span><span class=\"m\" style=\"background:#eeeeee\">learning</span><span class=\"m\" style=\"background:#dfeaf5\">collaboration</span><span class=\"m\" style=\"background:#dcf0dc\">recommendation</span>",
		   "There are too few outcomes in either arm to draw.");
	write_plot(f, svg, REPORT_PLOT_MODES, "Modes", "Changes of mode, with the reason and the numbers that they were made on.",
		   NULL);
	write_changes(f, r);
	write_plot(f, svg, REPORT_PLOT_VERSIONS, "Model versions: expected and realised",
		   "Expected before it ran: off-policy, from records of before its first decision that it was not trained on. Its own log: inverse propensity over all decisions that asked it. Realised: the mean where it was followed; other times have other contexts, so compare the gains, too.",
		   "No decision was made by a model.");
	write_versions(f, r);
	write_plot(f, svg, REPORT_PLOT_ERRORS, "Prediction error over time",
		   "Outcome less prediction, where the model's own proposal was done: its mean with a 95 % band, and dashed the mean of its size.",
		   "The records have no predictions.");
	write_plot(f, svg, REPORT_PLOT_LOST, "Records lost",
		   "Records that the recorder did not get in time, by when that happened.",
		   "None was lost.");
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
