// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy top: the lines it shows, for the terminal as for --batch.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "figure.h"
#include "text.h"

#define BAR_WIDTH	25
#define SHARE_WIDTH	20
#define NUMBER_BYTES	40

static const char *number(char *text, double value)
{
	if (isfinite(value))
		snprintf(text, NUMBER_BYTES, "%.6g", value);
	else
		snprintf(text, NUMBER_BYTES, "-");
	return text;
}

static const char *signed_number(char *text, double value)
{
	if (isfinite(value))
		snprintf(text, NUMBER_BYTES, "%+.6g", value);
	else
		snprintf(text, NUMBER_BYTES, "-");
	return text;
}

static const char *rate(char *text, const struct top_rates *r, double value)
{
	if (!r->known)
		return strcpy(text, "-");
	top_count(text, NUMBER_BYTES - 2, value);
	return strcat(text, "/s");
}

static double seconds_between(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (to_ns - from_ns) / 1e9 : 0;
}

static enum top_tone mode_tone(uint32_t mode)
{
	if (mode == MLPROXY_MODE_EMERGENCY)
		return TOP_BAD;
	return mode == MLPROXY_MODE_RECOMMENDATION ? TOP_GOOD : TOP_PLAIN;
}

static bool agent_silent(const struct top_sample *s)
{
	return s->realtime_s - s->agent.time_s > TOP_AGENT_SILENT_S;
}

/* Both ends, or '-' where the samples are too few for them. */
static const char *interval(char *text, size_t bytes, const struct mlproxy_evidence *e)
{
	char low[NUMBER_BYTES], high[NUMBER_BYTES];

	if (!e->n[0] || !e->n[1] || e->low_q16 == INT64_MIN || e->high_q16 == INT64_MAX)
		snprintf(text, bytes, "[too few]");
	else
		snprintf(text, bytes, "[%s, %s]", signed_number(low, top_q16(e->low_q16)),
			 signed_number(high, top_q16(e->high_q16)));
	return text;
}

static void interval_bar(char *text, const struct mlproxy_evidence *e)
{
	top_interval_bar(text, BAR_WIDTH, top_q16(e->gain_q16), top_q16(e->low_q16),
			 top_q16(e->high_q16));
}

void top_heading(struct top_page *page)
{
	top_add(page, TOP_TITLE, "%-14s %-11s %-14s %-10s %6s %8s %6s %-*s %5s %-6s", "proxy",
		"state", "mode", "why", "since", "dec/s", "model", BAR_WIDTH,
		"gain, with its interval", "lost", "agent");
}

static const char *agent_word(char *text, const struct top_sample *s)
{
	if (!s->agent.known)
		return "none";
	if (s->agent.alarm)
		return "ALARM";
	if (agent_silent(s))
		return "silent";
	return top_age(text, NUMBER_BYTES, s->realtime_s - s->agent.time_s);
}

void top_row(struct top_page *page, const struct top_sample *s, const struct top_rates *r)
{
	char since[NUMBER_BYTES], per_s[NUMBER_BYTES], lost[NUMBER_BYTES], agent[NUMBER_BYTES];
	char bar[BAR_WIDTH + 1] = "", share[NUMBER_BYTES];
	bool running = s->entry.state == MLPROXY_STATE_RUNNING;

	if (s->judged)
		interval_bar(bar, &s->eff.evidence);
	snprintf(share, sizeof(share), "%.1f%%", 100 * (1 - r->share[MLPROXY_SRC_BASELINE]));
	if (!s->stats.decisions)
		strcpy(share, "-");
	top_add(page, running ? mode_tone(s->mode.mode) : TOP_PLAIN,
		"%-14s %-11s %-14s %-10s %6s %8s %6s %-*s %5s %-6s", s->entry.name,
		mlproxy_state_name(s->entry.state), mlproxy_mode_name(s->mode.mode),
		mlproxy_mode_reason_name(s->mode.reason),
		top_age(since, sizeof(since), seconds_between(s->mode.since_ns, s->time_ns)),
		rate(per_s, r, r->decisions_s), share, BAR_WIDTH, bar,
		s->lost_known ? top_count(lost, sizeof(lost), s->lost) : "-",
		agent_word(agent, s));
}

static void add_mode(struct top_page *page, const struct top_sample *s)
{
	char since[NUMBER_BYTES], hold[NUMBER_BYTES];

	top_add(page, mode_tone(s->mode.mode), "  mode       %s for %s, reason: %s; %s, %" PRIu64
		" changes", mlproxy_mode_name(s->mode.mode),
		top_age(since, sizeof(since), seconds_between(s->mode.since_ns, s->time_ns)),
		mlproxy_mode_reason_name(s->mode.reason),
		s->mode.automatic ? "automatic" : "fixed by the operator",
		(uint64_t)s->mode.changes);
	if (s->judged && s->eff.hold_ns)
		top_add(page, TOP_WARN, "             emergency lasts %s at least",
			top_age(hold, sizeof(hold), s->eff.hold_ns / 1e9));
}

static void add_decisions(struct top_page *page, const struct top_sample *s,
			  const struct top_rates *r)
{
	char per_s[NUMBER_BYTES], all[NUMBER_BYTES], bar[SHARE_WIDTH + 1], text[160] = "";
	unsigned int i;
	size_t len = 0;

	top_share_bar(bar, SHARE_WIDTH, r->share);
	for (i = 0; i < MLPROXY_NR_SOURCES && len < sizeof(text); i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%s %.1f%%", i ? "  " : "",
				mlproxy_source_name(i), 100 * r->share[i]);
	top_add(page, TOP_PLAIN, "  decisions  %s, %s in all  [%s] %s",
		rate(per_s, r, r->decisions_s), top_count(all, sizeof(all), s->stats.decisions),
		bar, r->lately ? "" : "(since the start)");
	top_add(page, TOP_PLAIN, "             %s", text);
}

static void add_arm(struct top_page *page, const struct top_sample *s, unsigned int arm)
{
	const struct mlproxy_evidence *e = &s->eff.evidence;
	char n[NUMBER_BYTES], mean[NUMBER_BYTES], sd[NUMBER_BYTES];

	if (!e->n[arm]) {
		top_add(page, TOP_PLAIN, "  %-10s n 0", arm ? "model" : "baseline");
		return;
	}
	top_add(page, TOP_PLAIN, "  %-10s n %-6s mean %s %s sd %s", arm ? "model" : "baseline",
		top_count(n, sizeof(n), e->n[arm]), number(mean, top_q16(e->mean_q16[arm])),
		s->reward_unit, number(sd, e->sd_q16[arm] / 65536.0));
}

static void add_gain(struct top_page *page, const struct top_sample *s)
{
	const struct mlproxy_evidence *e = &s->eff.evidence;
	char gain[NUMBER_BYTES], ends[3 * NUMBER_BYTES], bar[BAR_WIDTH + 1];
	enum top_tone tone = TOP_PLAIN;

	if (e->low_q16 > 0)
		tone = TOP_GOOD;
	else if (e->high_q16 < 0)
		tone = TOP_BAD;
	interval_bar(bar, e);
	top_add(page, tone, "  gain       %s %s %s  %s", e->n[0] && e->n[1] ?
		signed_number(gain, top_q16(e->gain_q16)) : "-",
		interval(ends, sizeof(ends), e), s->reward_unit, bar);
}

static void add_model(struct top_page *page, const struct top_sample *s)
{
	const struct mlproxy_model_info *m = &s->models;

	if (!m->active_version && !m->standby_version) {
		top_add(page, TOP_PLAIN, "  models     none");
		return;
	}
	if (m->active_version)
		top_add(page, TOP_PLAIN, "  models     version %u '%s' is active%s", m->active_version,
			m->active_name, m->standby_version ? ", another is in standby" : "");
	else
		top_add(page, TOP_PLAIN, "  models     version %u '%s' is in standby, none active",
			m->standby_version, m->standby_name);
}

static void add_lost(struct top_page *page, const struct top_sample *s,
		     const struct top_rates *r)
{
	char lost[NUMBER_BYTES], per_s[NUMBER_BYTES];

	if (!s->lost_known)
		return;
	top_add(page, r->lost_s > 0 ? TOP_BAD : s->lost ? TOP_WARN : TOP_PLAIN,
		"  lost       %s records by the readers of now, %s",
		top_count(lost, sizeof(lost), s->lost), rate(per_s, r, r->lost_s));
}

static void add_agent(struct top_page *page, const struct top_sample *s)
{
	const struct top_agent *a = &s->agent;
	char age[NUMBER_BYTES], refit[NUMBER_BYTES], rows[NUMBER_BYTES];

	if (!a->known) {
		top_add(page, TOP_PLAIN, "  agent      none has written a status");
		return;
	}
	top_add(page, a->alarm || agent_silent(s) ? TOP_BAD : TOP_PLAIN,
		"  agent      pid %" PRId64 ", heard %s ago%s%s; %s rows, %" PRId64 " refits, %" PRId64
		" swaps, %" PRId64 " rollbacks", a->pid,
		top_age(age, sizeof(age), s->realtime_s - a->time_s),
		agent_silent(s) ? ", SILENT" : "", a->alarm ? ", ALARM" : "",
		top_count(rows, sizeof(rows), a->rows), a->refits, a->swaps, a->rollbacks);
	if (a->last_refit_s)
		top_add(page, TOP_PLAIN, "             last refit %s ago",
			top_age(refit, sizeof(refit), s->realtime_s - a->last_refit_s));
}

void top_block(struct top_page *page, const struct top_sample *s, const struct top_rates *r)
{
	top_add(page, TOP_TITLE, "%s: %s; %s%s%s, %s is better", s->entry.name,
		mlproxy_state_name(s->entry.state), s->reward_name,
		*s->reward_unit ? " in " : "", s->reward_unit,
		mlproxy_direction_name(s->reward_direction));
	add_mode(page, s);
	add_decisions(page, s, r);
	if (s->judged) {
		add_arm(page, s, MLPROXY_ARM_BASELINE);
		add_arm(page, s, MLPROXY_ARM_MODEL);
		add_gain(page, s);
	} else {
		top_add(page, TOP_WARN,
			"  gain       this kernel module does not judge: load a newer one");
	}
	add_model(page, s);
	add_lost(page, s, r);
	add_agent(page, s);
}

static void add_transition(struct top_page *page, const struct top_sample *s,
			   const struct mlproxy_transition *t)
{
	const struct mlproxy_evidence *e = &t->evidence;
	char age[NUMBER_BYTES], n0[NUMBER_BYTES], n1[NUMBER_BYTES], ends[3 * NUMBER_BYTES];
	char gain[NUMBER_BYTES], limit[80] = "";

	if (e->value || e->limit)
		snprintf(limit, sizeof(limit), "; %lld against a limit of %lld",
			 (long long)e->value, (long long)e->limit);
	top_add(page, mode_tone(t->to),
		"  %6s ago %-14s -> %-14s %-10s n %s/%s gain %s %s model %u%s",
		top_age(age, sizeof(age), seconds_between(t->time_ns, s->time_ns)),
		mlproxy_mode_name(t->from), mlproxy_mode_name(t->to),
		mlproxy_mode_reason_name(t->reason),
		top_count(n0, sizeof(n0), e->n[MLPROXY_ARM_BASELINE]),
		top_count(n1, sizeof(n1), e->n[MLPROXY_ARM_MODEL]),
		e->n[0] && e->n[1] ? signed_number(gain, top_q16(e->gain_q16)) : "-",
		interval(ends, sizeof(ends), e), e->model_version, limit);
}

void top_log(struct top_page *page, const struct top_sample *s, unsigned int max)
{
	unsigned int i;

	for (i = 0; i < s->nr_transitions && i < max; i++)
		add_transition(page, s, &s->transitions[i]);
}

static void add_counters(struct top_page *page, const struct top_sample *s,
			 const struct top_rates *r)
{
	const struct mlproxy_stats *c = &s->stats;
	char per_s[NUMBER_BYTES];

	top_add(page, TOP_PLAIN, "  outcomes   %s, %llu in all, %llu stale",
		rate(per_s, r, r->feedbacks_s), (unsigned long long)c->feedbacks,
		(unsigned long long)c->feedback_stale);
	top_add(page, c->refused || c->errors ? TOP_WARN : TOP_PLAIN,
		"  errors     %llu actions refused, %llu failed, %llu illegal calls, %llu left to the baseline as critical",
		(unsigned long long)c->refused, (unsigned long long)c->errors,
		(unsigned long long)c->bad_calls, (unsigned long long)c->critical);
	top_add(page, TOP_PLAIN, "  latency    %llu of %llu measured decisions over the budget",
		(unsigned long long)c->latency_over, (unsigned long long)c->latency_samples);
	top_add(page, TOP_PLAIN, "  pending    %llu deferred, %llu resolved, %llu expired, %llu evicted",
		(unsigned long long)c->pending_deferred, (unsigned long long)c->pending_resolved,
		(unsigned long long)c->pending_expired, (unsigned long long)c->pending_evicted);
}

static void add_test(struct top_page *page, const struct top_sample *s)
{
	const struct top_agent *a = &s->agent;
	char gain[NUMBER_BYTES], low[NUMBER_BYTES], high[NUMBER_BYTES], error[NUMBER_BYTES];

	if (a->known && a->tested)
		top_add(page, TOP_PLAIN, "  last test  gain %s [%s, %s] before it was loaded",
			signed_number(gain, a->gain), signed_number(low, a->low),
			signed_number(high, a->high));
	if (a->known && isfinite(a->error_mean))
		top_add(page, TOP_PLAIN, "  error      mean of outcome less prediction %s, model %" PRId64,
			signed_number(error, a->error_mean), a->model_version);
}

void top_details(struct top_page *page, const struct top_sample *s, const struct top_rates *r)
{
	top_block(page, s, r);
	add_test(page, s);
	add_counters(page, s, r);
	if (s->judged)
		top_add(page, TOP_PLAIN, "  judged     %llu times; trial %u of this model",
			(unsigned long long)s->eff.evaluations, s->eff.trial);
	top_add(page, TOP_TITLE, "Changes of mode, the last first (n: baseline/model)");
	top_log(page, s, MLPROXY_MAX_TRANSITIONS);
	if (!s->nr_transitions)
		top_add(page, TOP_PLAIN, "  none");
}
