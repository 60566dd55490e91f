// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy top: the lines it shows, for the terminal as for --batch.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "figure.h"
#include "explain.h"
#include "text.h"

#define BAR_WIDTH	21
#define SHARE_WIDTH	20
#define NUMBER_BYTES	40
#define ROW_FORMAT	"%-14s %-11s %-14s %-10s %6s %8s %6s %5s %-*s %-3s %5s %-6s"

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

static void interval_bar(char *text, const struct mlproxy_evidence *e)
{
	top_interval_bar(text, BAR_WIDTH, evidence_q16(e->gain_q16), evidence_q16(e->low_q16),
			 evidence_q16(e->high_q16));
}

/*
 * What somebody proposed and was done. Explored actions are drawn at random whatever the
 * model says: they are not its.
 */
static double model_share(const struct top_rates *r)
{
	return r->share[MLPROXY_SRC_RECOMMENDATION] + r->share[MLPROXY_SRC_MODEL] +
	       r->share[MLPROXY_SRC_BPF];
}

static const char *percent(char *text, const struct top_sample *s, double share)
{
	if (s->stats.decisions)
		snprintf(text, NUMBER_BYTES, "%.1f%%", 100 * share);
	else
		strcpy(text, "-");
	return text;
}

void top_heading(struct top_page *page)
{
	top_add(page, TOP_TITLE, ROW_FORMAT, "proxy", "state", "mode", "why", "since", "dec/s",
		"model", "expl", BAR_WIDTH, "gain, its interval", "rlo", "lost", "agent");
}

static const struct mlproxy_evidence *verdict(const struct top_sample *s, uint32_t i)
{
	return s->judged && i < s->eff.nr_verdicts && measures_has(&s->m, i) ? &s->verdicts[i] :
									      NULL;
}

/* A character a measure: reward, ledger, outer experiment. */
static void stances(char *text, const struct top_sample *s)
{
	static const char says[] = { ' ', '?', '+', '-' };
	uint32_t i;

	for (i = 0; i < MLPROXY_NR_VERDICTS; i++) {
		const struct mlproxy_evidence *e = verdict(s, i);

		text[i] = e && e->stance < sizeof(says) ? says[e->stance] : ' ';
	}
	text[i] = '\0';
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
	char bar[BAR_WIDTH + 1] = "", model[NUMBER_BYTES], explored[NUMBER_BYTES];
	char says[MLPROXY_NR_VERDICTS + 1];
	bool running = s->entry.state == MLPROXY_STATE_RUNNING;

	if (s->judged)
		interval_bar(bar, &s->eff.evidence);
	stances(says, s);
	top_add(page, running ? mode_tone(s->mode.mode) : TOP_PLAIN,
		ROW_FORMAT, s->entry.name,
		mlproxy_state_name(s->entry.state), mlproxy_mode_name(s->mode.mode),
		mlproxy_mode_reason_name(s->mode.reason),
		top_age(since, sizeof(since), seconds_between(s->mode.since_ns, s->time_ns)),
		rate(per_s, r, r->decisions_s), percent(model, s, model_share(r)),
		percent(explored, s, r->share[MLPROXY_SRC_EXPLORE]), BAR_WIDTH, bar, says,
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
	char n[NUMBER_BYTES], mean[EVIDENCE_BYTES], sd[VALUE_BYTES];

	if (!e->n[arm]) {
		top_add(page, TOP_PLAIN, "  %-10s n 0", arm ? "model" : "baseline");
		return;
	}
	top_add(page, TOP_PLAIN, "  %-10s n %-6s mean %s, sd %s", arm ? "model" : "baseline",
		top_count(n, sizeof(n), e->n[arm]),
		evidence_mean(e, arm, &s->m, mean, sizeof(mean)),
		value_quantity(sd, sizeof(sd),
			       value_number(&s->m.reward, e->sd_q16[arm] / 65536.0),
			       s->m.reward.unit));
}

/* Behind a change of mode the arms are empty: what it was taken on is the last that is known. */
static void add_last_change(struct top_page *page, const struct top_sample *s)
{
	const struct mlproxy_transition *t = s->transitions;
	char text[EVIDENCE_BYTES];

	if (!s->nr_transitions || !evidence_young(&s->eff.evidence))
		return;
	evidence_reason(&t->evidence, t->reason, &s->m, text, sizeof(text));
	if (*text)
		top_add(page, TOP_PLAIN, "             just begun; the last change was taken on %s",
			text);
}

static void add_gain(struct top_page *page, const struct top_sample *s)
{
	const struct mlproxy_evidence *e = &s->eff.evidence;
	char gain[EVIDENCE_BYTES], bar[BAR_WIDTH + 1];
	enum top_tone tone = TOP_PLAIN;

	if (e->low_q16 > 0)
		tone = TOP_GOOD;
	else if (e->high_q16 < 0)
		tone = TOP_BAD;
	interval_bar(bar, e);
	evidence_gain(e, &s->m, gain, sizeof(gain));
	top_add(page, tone, "  gain       %s  %s", gain, bar);
	add_last_change(page, s);
}

static enum top_tone stance_tone(uint32_t stance)
{
	if (stance == MLPROXY_STANCE_CONTRADICTS)
		return TOP_BAD;
	return stance == MLPROXY_STANCE_SUPPORTS ? TOP_GOOD : TOP_PLAIN;
}

/* Ledger and outer experiment; the reward has more lines. */
static void add_measures(struct top_page *page, const struct top_sample *s)
{
	char text[EVIDENCE_BYTES], bar[BAR_WIDTH + 1];
	uint32_t i;

	for (i = MLPROXY_VERDICT_LEDGER; i < MLPROXY_NR_VERDICTS; i++) {
		const struct mlproxy_evidence *e = verdict(s, i);

		if (!e)
			continue;
		interval_bar(bar, e);
		evidence_verdict(e, &s->m, text, sizeof(text));
		top_add(page, stance_tone(e->stance), "  %-10s %s  %s", mlproxy_verdict_name(i),
			text, bar);
	}
}

static void add_needs(struct top_page *page, const struct top_sample *s)
{
	char text[EXPLAIN_BYTES], age[NUMBER_BYTES];
	const char *what = "missing";
	uint32_t need;

	if (s->eff.stage == MLPROXY_STAGE_RAMP)
		top_add(page, TOP_PLAIN, "  stage      tested again with a larger share, for %s now",
			top_age(age, sizeof(age),
				seconds_between(s->eff.stage_since_ns, s->time_ns)));
	for (need = 1; need && s->mode.automatic; need <<= 1) {
		if (!(explain_needs(&s->eff) & need))
			continue;
		top_add(page, TOP_PLAIN, "  %-10s %s", what,
			explain_need(need, &s->eff, &s->m, text, sizeof(text)));
		what = "";
	}
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
		mlproxy_state_name(s->entry.state), s->m.reward.name,
		*s->m.reward.unit ? " in " : "", s->m.reward.unit,
		mlproxy_direction_name(s->m.reward_direction));
	add_mode(page, s);
	add_decisions(page, s, r);
	if (s->judged) {
		add_arm(page, s, MLPROXY_ARM_BASELINE);
		add_arm(page, s, MLPROXY_ARM_MODEL);
		add_gain(page, s);
		add_measures(page, s);
		add_needs(page, s);
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
	char age[NUMBER_BYTES], text[EVIDENCE_BYTES], version[NUMBER_BYTES] = "";

	evidence_reason(e, t->reason, &s->m, text, sizeof(text));
	if (e->model_version)
		snprintf(version, sizeof(version), "%smodel %u", *text ? "; " : "",
			 e->model_version);
	top_add(page, mode_tone(t->to), "  %6s ago %s -> %s: %s%s%s%s",
		top_age(age, sizeof(age), seconds_between(t->time_ns, s->time_ns)),
		mlproxy_mode_name(t->from), mlproxy_mode_name(t->to),
		mlproxy_mode_reason_name(t->reason), *text || *version ? ", " : "", text, version);
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
	char a[NUMBER_BYTES], b[NUMBER_BYTES], d[NUMBER_BYTES], e[NUMBER_BYTES];

	top_add(page, TOP_PLAIN, "  outcomes   %s, %s in all, %s stale",
		rate(a, r, r->feedbacks_s), top_count(b, sizeof(b), c->feedbacks),
		top_count(d, sizeof(d), c->feedback_stale));
	top_add(page, c->refused || c->errors ? TOP_WARN : TOP_PLAIN,
		"  errors     %s actions refused, %s failed, %s illegal calls, %s left to the baseline as critical",
		top_count(a, sizeof(a), c->refused), top_count(b, sizeof(b), c->errors),
		top_count(d, sizeof(d), c->bad_calls), top_count(e, sizeof(e), c->critical));
	top_add(page, TOP_PLAIN, "  latency    %s of %s measured decisions over the budget",
		top_count(a, sizeof(a), c->latency_over),
		top_count(b, sizeof(b), c->latency_samples));
	top_add(page, TOP_PLAIN, "  pending    %s deferred, %s resolved, %s expired, %s evicted",
		top_count(a, sizeof(a), c->pending_deferred),
		top_count(b, sizeof(b), c->pending_resolved),
		top_count(d, sizeof(d), c->pending_expired),
		top_count(e, sizeof(e), c->pending_evicted));
}

/* The agent writes raw values, as the records have them. */
static void add_test(struct top_page *page, const struct top_sample *s)
{
	const struct top_agent *a = &s->agent;
	char text[EVIDENCE_BYTES];

	if (a->known && a->tested)
		top_add(page, TOP_PLAIN, "  last test  gain %s before it was loaded",
			value_interval(text, sizeof(text), &s->m.reward, a->gain, a->low, a->high));
	if (a->known && isfinite(a->error_mean))
		top_add(page, TOP_PLAIN,
			"  error      mean of outcome less prediction %s %s, model %" PRId64,
			value_gain(text, sizeof(text), &s->m.reward, a->error_mean),
			s->m.reward.unit, a->model_version);
}

void top_details(struct top_page *page, const struct top_sample *s, const struct top_rates *r)
{
	top_block(page, s, r);
	add_test(page, s);
	add_counters(page, s, r);
	if (s->judged)
		top_add(page, TOP_PLAIN, "  judged     %llu times; trial %u of this model",
			(unsigned long long)s->eff.evaluations, s->eff.trial);
	top_add(page, TOP_TITLE, "Changes of mode, the last first");
	top_log(page, s, MLPROXY_MAX_TRANSITIONS);
	if (!s->nr_transitions)
		top_add(page, TOP_PLAIN, "  none");
}
