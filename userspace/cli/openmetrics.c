// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy tool: OpenMetrics; see openmetrics.h. */
#include <math.h>
#include <string.h>

#include "openmetrics.h"

/* A label's value, up to a character: a name that a module chose, so anything may be in it. */
static void put_label(FILE *out, const char *name, const char *value, char end)
{
	fprintf(out, "%s=\"", name);
	for (; *value && *value != end; value++) {
		if (*value == '"' || *value == '\\')
			putc('\\', out);
		if (*value == '\n')
			fputs("\\n", out);
		else
			putc(*value, out);
	}
	putc('"', out);
}

static void put_name(FILE *out, const char *metric, const struct exported *p, const char *label,
		     const char *value)
{
	const char *part = strchr(p->entry.name, ':');

	fprintf(out, "mlproxy_%s{", metric);
	put_label(out, "proxy", p->entry.name, ':');
	/* An instance; without one it is the whole proxy. "instance" is Prometheus' own. */
	if (part) {
		putc(',', out);
		put_label(out, "part", part + 1, '\0');
	}
	if (label) {
		putc(',', out);
		put_label(out, label, value, '\0');
	}
	fputs("} ", out);
}

static void put_count(FILE *out, const char *metric, const struct exported *p, const char *label,
		      const char *value, uint64_t count)
{
	put_name(out, metric, p, label, value);
	fprintf(out, "%llu\n", (unsigned long long)count);
}

static void put_number(FILE *out, const char *metric, const struct exported *p, const char *label,
		       const char *value, double number)
{
	put_name(out, metric, p, label, value);
	if (isinf(number))
		fputs(number < 0 ? "-Inf\n" : "+Inf\n", out);
	else
		fprintf(out, "%.9g\n", number);
}

static void family(FILE *out, const char *metric, const char *type, const char *help)
{
	fprintf(out, "# HELP mlproxy_%s %s\n# TYPE mlproxy_%s %s\n", metric, help, metric, type);
}

/* Each of these prints what one proxy has of one family. */
static void running(FILE *out, const struct exported *p)
{
	put_count(out, "running", p, NULL, NULL, p->entry.state == MLPROXY_STATE_RUNNING);
}

static void mode(FILE *out, const struct exported *p)
{
	uint32_t i;

	for (i = 0; i < MLPROXY_NR_MODES; i++) {
		const char *name = mlproxy_mode_name(i);

		put_count(out, "mode", p, "mlproxy_mode", name, p->entry.mode == i);
	}
}

static void decisions(FILE *out, const struct exported *p)
{
	uint32_t i;

	for (i = 0; i < MLPROXY_NR_SOURCES; i++)
		put_count(out, "decisions_total", p, "source", mlproxy_source_name(i),
			  p->stats.by_source[i]);
}

static void actions(FILE *out, const struct exported *p)
{
	uint32_t i;

	for (i = 0; i < p->nr_actions; i++)
		put_count(out, "actions_total", p, "action", p->actions[i].name,
			  p->stats.by_action[i]);
}

static void outcomes(FILE *out, const struct exported *p)
{
	uint32_t i;

	for (i = 0; i < MLPROXY_NR_SOURCES; i++)
		put_count(out, "outcomes_total", p, "source", mlproxy_source_name(i),
			  p->stats.reward_count[i]);
}

static void reward(FILE *out, const struct exported *p)
{
	uint32_t i;

	for (i = 0; i < MLPROXY_NR_SOURCES; i++)
		put_number(out, "reward_sum", p, "source", mlproxy_source_name(i),
			   value_number(&p->measures.reward, p->stats.reward_sum[i]));
}

static void refused(FILE *out, const struct exported *p)
{
	put_count(out, "refused_total", p, NULL, NULL, p->stats.refused);
}

static void errors(FILE *out, const struct exported *p)
{
	put_count(out, "errors_total", p, NULL, NULL, p->stats.errors);
}

static void slow(FILE *out, const struct exported *p)
{
	put_count(out, "slow_decisions_total", p, NULL, NULL, p->stats.latency_over);
}

static const struct mlproxy_feature *unit_of(const struct exported *p, uint32_t verdict)
{
	static const struct mlproxy_feature part = { .type = MLPROXY_TYPE_INT };

	return verdict == MLPROXY_VERDICT_REWARD ? &p->measures.reward :
	       verdict == MLPROXY_VERDICT_LEDGER ? &p->measures.ledger : &part;
}

/* What each measure of the proxy says; what is not known yet has no bounds. */
static void gains(FILE *out, const struct exported *p, const char *metric, int end)
{
	uint32_t i;

	for (i = 0; i < p->efficiency.nr_verdicts && i < MLPROXY_NR_VERDICTS; i++) {
		const struct mlproxy_evidence *e = &p->verdicts[i];
		int64_t q16 = !end ? e->gain_q16 : end < 0 ? e->low_q16 : e->high_q16;

		if (measures_has(&p->measures, i))
			put_number(out, metric, p, "measure", mlproxy_verdict_name(i),
				   value_number(unit_of(p, i), evidence_q16(q16)));
	}
}

static void gain(FILE *out, const struct exported *p)
{
	gains(out, p, "gain", 0);
}

static void gain_low(FILE *out, const struct exported *p)
{
	gains(out, p, "gain_low", -1);
}

static void gain_high(FILE *out, const struct exported *p)
{
	gains(out, p, "gain_high", 1);
}

static const struct {
	const char *metric;
	const char *type;
	const char *help;
	void (*print)(FILE *out, const struct exported *p);
} families[] = {
	{ "running", "gauge", "Whether the proxy decides.", running },
	{ "mode", "stateset", "The mode that it is in.", mode },
	{ "decisions", "counter", "Decisions, by what made them.", decisions },
	{ "actions", "counter", "Decisions, by what was chosen.", actions },
	{ "outcomes", "counter", "Outcomes that came, by what had decided.", outcomes },
	{ "reward_sum", "gauge", "Sum of the rewards, in the schema's unit; of a cost, lower is better.",
	  reward },
	{ "refused", "counter", "Actions that were not legal, and not taken.", refused },
	{ "errors", "counter", "Models and programs that failed.", errors },
	{ "slow_decisions", "counter", "Sampled decisions that took longer than the limit.", slow },
	{ "gain", "gauge", "Gain over the kernel's own choice; positive is better.", gain },
	{ "gain_low", "gauge", "Lower end of the gain's confidence sequence.", gain_low },
	{ "gain_high", "gauge", "Upper end of it.", gain_high },
};

void openmetrics_print(FILE *out, const struct exported *proxies, unsigned int nr)
{
	unsigned int i, k;

	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		family(out, families[i].metric, families[i].type, families[i].help);
		for (k = 0; k < nr; k++)
			families[i].print(out, &proxies[k]);
	}
	fputs("# EOF\n", out);
}
