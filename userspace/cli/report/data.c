// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy report: time, bins, arms, changes of mode, losses.
 *
 * The clock of the records starts again with each boot, and nothing is known of the
 * time between two recordings: runs are put one behind the other.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"

/* ------------------------------------------------------------------ */
/* Time                                                                */

struct span {
	uint64_t first;
	uint64_t last;
};

static void widen(struct span *span, size_t nr, uint32_t run, uint64_t time_ns)
{
	if (run >= nr || !time_ns)
		return;
	if (!span[run].first || time_ns < span[run].first)
		span[run].first = time_ns;
	if (time_ns > span[run].last)
		span[run].last = time_ns;
}

static int lay_out_time(struct report *r)
{
	const struct mlds_log *log = &r->log;
	struct span *span;
	size_t i;

	r->nr_runs = log->nr_runs;
	/* a killed recorder may have left rows of a run that is not described */
	for (i = 0; i < r->data.n; i++)
		r->nr_runs = r->data.run[i] >= r->nr_runs ? r->data.run[i] + 1 : r->nr_runs;
	span = calloc(r->nr_runs ? r->nr_runs : 1, sizeof(*span));
	r->offset_s = calloc(r->nr_runs ? r->nr_runs : 1, sizeof(*r->offset_s));
	r->start_ns = calloc(r->nr_runs ? r->nr_runs : 1, sizeof(*r->start_ns));
	if (!span || !r->offset_s || !r->start_ns) {
		free(span);
		return cli_error("out of memory");
	}
	for (i = 0; i < r->data.n; i++)
		widen(span, r->nr_runs, r->data.run[i], r->data.time_ns[i]);
	for (i = 0; i < log->nr_changes; i++)
		widen(span, r->nr_runs, log->changes[i].run, log->changes[i].time_ns);
	for (i = 0; i < log->nr_gaps; i++)
		widen(span, r->nr_runs, log->gaps[i].run, log->gaps[i].time_ns);
	for (i = 0; i < r->nr_runs; i++) {
		r->offset_s[i] = r->length_s;
		r->start_ns[i] = span[i].first;
		r->length_s += (span[i].last - span[i].first) / 1e9;
	}
	free(span);
	return CLI_OK;
}

double report_time(const struct report *r, uint32_t run, uint64_t time_ns)
{
	if (run >= r->nr_runs || time_ns < r->start_ns[run])
		return run < r->nr_runs ? r->offset_s[run] : r->length_s;
	return r->offset_s[run] + (time_ns - r->start_ns[run]) / 1e9;
}

size_t report_bin_at(const struct report *r, double time_s)
{
	double at = r->length_s > 0 ? time_s / r->length_s * r->nr_bins : 0;

	return at < 0 ? 0 : at >= r->nr_bins ? r->nr_bins - 1 : (size_t)at;
}

/* ------------------------------------------------------------------ */
/* Arms                                                                */

unsigned int report_arm(const struct report *r, size_t row)
{
	const struct mlds_data *d = &r->data;

	if (r->arms_known)
		return d->arm[row];
	/* Records of before there were arms: only what was asked can be told apart. */
	if (d->candidate[row] == 0xff || d->mode[row] == MLPROXY_MODE_EMERGENCY)
		return MLPROXY_ARM_NONE;
	switch (d->source[row]) {
	case MLPROXY_SRC_BASELINE:
		return MLPROXY_ARM_BASELINE;
	case MLPROXY_SRC_EXPLORE:
		return MLPROXY_ARM_NONE;
	default:
		return MLPROXY_ARM_MODEL;
	}
}

static int fill_bins(struct report *r)
{
	struct report_sum *sum = calloc(r->nr_bins * MLPROXY_NR_ARMS, sizeof(*sum));
	unsigned int arm;
	size_t i;

	r->bin = calloc(r->nr_bins, sizeof(*r->bin));
	if (!sum || !r->bin) {
		free(sum);
		return cli_error("out of memory");
	}
	for (i = 0; i < r->data.n; i++) {
		size_t at = report_bin_at(r, report_time(r, r->data.run[i], r->data.time_ns[i]));

		arm = report_arm(r, i);
		if (arm < MLPROXY_NR_ARMS)
			report_add(&sum[at * MLPROXY_NR_ARMS + arm], r->data.reward[i]);
	}
	for (i = 0; i < r->nr_bins; i++) {
		r->bin[i].time_s = (i + 0.5) * r->length_s / r->nr_bins;
		for (arm = 0; arm < MLPROXY_NR_ARMS; arm++)
			r->bin[i].arm[arm] = report_mean(&sum[i * MLPROXY_NR_ARMS + arm]);
	}
	for (i = 0; i < r->log.nr_gaps; i++) {
		const struct mlds_gap *gap = &r->log.gaps[i];
		/* a loss at the very end has no record behind it */
		double at = gap->time_ns ? report_time(r, gap->run, gap->time_ns) : r->length_s;

		r->bin[report_bin_at(r, at)].lost += gap->count;
	}
	free(sum);
	return CLI_OK;
}

/* Rows of an arm in a mode, with all of @flags; MLPROXY_NR_MODES for all modes. */
static void pick(const struct report *r, unsigned int mode, unsigned int arm, uint16_t flags,
		 struct mltrain_rows *rows)
{
	size_t i;

	rows->n = 0;
	for (i = 0; i < r->data.n; i++) {
		if ((mode == MLPROXY_NR_MODES || r->data.mode[i] == mode) &&
		    (r->data.feedback_flags[i] & flags) == flags && report_arm(r, i) == arm)
			rows->row[rows->n++] = i;
	}
}

/* The gain within modes, weighted by their decisions. */
static void weigh_gains(struct report_stratum *stratum)
{
	struct report_stat *all = &stratum[0].gain;
	double mean = 0, var = 0, half;
	uint64_t n = 0;
	unsigned int i;

	*all = report_nothing();
	for (i = 1; i < REPORT_NR_STRATA; i++) {
		const struct report_stat *g = &stratum[i].gain;

		if (isfinite(g->mean) && isfinite(g->low))
			n += g->n;
	}
	if (!n)
		return;
	for (i = 1; i < REPORT_NR_STRATA; i++) {
		const struct report_stat *g = &stratum[i].gain;
		double weight = (double)g->n / n;

		if (!isfinite(g->mean) || !isfinite(g->low))
			continue;
		half = weight * (g->high - g->mean);
		mean += weight * g->mean;
		var += half * half;
	}
	half = sqrt(var);
	*all = (struct report_stat){ n, mean, mean - half, mean + half };
}

/* Both arms in each mode: means of @data's rewards, of the rows that have all of @flags. */
static int fill_strata(const struct report *r, const struct mlds_data *data, uint16_t flags,
		       struct report_stratum *stratum)
{
	struct mltrain_rows rows = { 0 };
	unsigned int i, arm;

	rows.row = malloc((r->data.n ? r->data.n : 1) * sizeof(*rows.row));
	if (!rows.row)
		return cli_error("out of memory");
	for (i = 0; i < REPORT_NR_STRATA; i++) {
		struct report_stratum *s = &stratum[i];

		s->name = i ? mlproxy_mode_name(i - 1) : "all";
		for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
			pick(r, i ? i - 1 : MLPROXY_NR_MODES, arm, flags, &rows);
			s->arm[arm] = report_mean_of(data, &rows);
		}
		s->gain = report_difference(data, &s->arm[MLPROXY_ARM_MODEL],
					    &s->arm[MLPROXY_ARM_BASELINE]);
	}
	weigh_gains(stratum);
	free(rows.row);
	return CLI_OK;
}

/* The ledger is summed up as the reward is: in its place. */
static int fill_ledger(struct report *r)
{
	struct mlds_data ledger = r->data;

	if (!measures_has(&r->m, MLPROXY_VERDICT_LEDGER))
		return CLI_OK;
	ledger.reward = r->data.ledger;
	ledger.schema.schema.reward_direction = r->data.schema.schema.ledger_direction;
	return fill_strata(r, &ledger, MLPROXY_FEEDBACK_LEDGER, r->ledger);
}

static void fill_actions(struct report *r)
{
	struct report_sum sum[MLPROXY_MAX_ACTIONS] = { { 0 } };
	size_t i;

	for (i = 0; i < r->data.n; i++) {
		unsigned int action = r->data.action[i], arm = report_arm(r, i);

		if (action >= r->data.nr_actions)
			continue;
		if (arm < MLPROXY_NR_ARMS)
			r->action[action].arm[arm]++;
		r->action[action].all++;
		report_add(&sum[action], r->data.reward[i]);
	}
	for (i = 0; i < r->data.nr_actions; i++)
		r->action[i].reward = report_mean(&sum[i]);
}

/* ------------------------------------------------------------------ */
/* Modes                                                               */

static int by_time(const void *pa, const void *pb)
{
	const struct report_change *a = pa, *b = pb;

	if (a->c.run != b->c.run)
		return a->c.run < b->c.run ? -1 : 1;
	return a->c.time_ns < b->c.time_ns ? -1 : a->c.time_ns > b->c.time_ns;
}

static void add_change(struct report *r, const struct mlds_change *c)
{
	r->change[r->nr_changes++] = (struct report_change){
		.time_s = report_time(r, c->run, c->time_ns), .c = *c,
	};
}

/* Where no record says so, the decisions show that the mode changed, but not why. */
static void changes_by_decisions(struct report *r)
{
	const struct mlds_data *d = &r->data;
	size_t i;

	for (i = 1; i < d->n; i++) {
		if (d->mode[i] != d->mode[i - 1])
			add_change(r, &(struct mlds_change){
				.run = d->run[i], .time_ns = d->time_ns[i],
				.type = MLPROXY_REC_MODE, .from = d->mode[i - 1],
				.to = d->mode[i],
			});
	}
}

static int fill_changes(struct report *r)
{
	size_t i;

	r->change = calloc(r->log.nr_changes + r->data.n + 1, sizeof(*r->change));
	if (!r->change)
		return cli_error("out of memory");
	for (i = 0; i < r->log.nr_changes; i++) {
		if (r->log.changes[i].type == MLPROXY_REC_MODE)
			add_change(r, &r->log.changes[i]);
	}
	qsort(r->change, r->nr_changes, sizeof(*r->change), by_time);
	r->first_mode = MLPROXY_MODE_LEARNING;
	if (r->data.n)
		r->first_mode = r->data.mode[0];
	if (r->nr_changes && (!r->data.n || r->change[0].time_s <=
			      report_time(r, r->data.run[0], r->data.time_ns[0])))
		r->first_mode = r->change[0].c.from;
	if (!r->nr_changes)
		changes_by_decisions(r);
	return CLI_OK;
}

int report_data(struct report *r)
{
	size_t i;
	int ret;

	for (i = 0; i < r->data.n && !r->arms_known; i++)
		r->arms_known = r->data.arm[i] != MLPROXY_ARM_NONE;
	ret = lay_out_time(r);
	if (ret == CLI_OK)
		ret = fill_bins(r);
	if (ret == CLI_OK)
		ret = fill_strata(r, &r->data, 0, r->stratum);
	if (ret == CLI_OK)
		ret = fill_ledger(r);
	if (ret == CLI_OK)
		fill_actions(r);
	if (ret == CLI_OK)
		ret = fill_changes(r);
	return ret;
}
