// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records of the rings: decisions joined with their outcomes go into the replay
 * buffer; errors of the model in use into the drift test; changes of mode are what
 * the kernel measured.
 */
#include <math.h>
#include <string.h>

#include "log.h"
#include "rows.h"
#include "versions.h"

/* Records of one turn of the loop, so that a heartbeat is never far. */
#define MAX_RECORDS	65536

static bool row_valid(const struct learner *ln, const struct mlproxy_rec_decision *d)
{
	uint32_t nr = ln->schema.schema.nr_actions;
	uint32_t legal = nr >= 32 ? ~0U : (1U << nr) - 1;

	return d->nr_features == ln->schema.schema.nr_features && d->action < nr &&
	       d->baseline < nr && !(d->allowed & ~legal) && (d->allowed >> d->action & 1) &&
	       (d->allowed >> d->baseline & 1) && d->prob_q31 && d->prob_q31 <= MLPROXY_PROB_ONE;
}

/* Back-propagation: prediction, outcome and error of the version in use. */
static void take_error(struct learner *ln, const struct mlproxy_joined *pair, uint64_t row)
{
	const struct mlproxy_rec_decision *d = pair->decision;
	const struct mlproxy_rec_feedback *f = pair->feedback;
	double error;
	char why[160];

	if (!ln->current || !d->model_version || d->model_version != ln->current->kernel_version)
		return;
	if (f->hdr.flags & MLPROXY_FEEDBACK_PREDICTED)
		error = fabs((double)f->error);
	else if (d->candidate == d->action && d->candidate_source == MLPROXY_SRC_MODEL)
		error = fabs((double)f->reward - (double)d->predicted);
	else
		return;
	ln->model_rows++;
	ln->error_sum += error;
	if (!drift_add(&ln->drift, error / ln->current->model->reward_scale, row))
		return;
	snprintf(why, sizeof(why),
		 "the error of version %u's predictions rose from %.3g to %.3g standard deviations",
		 ln->current->serial, ln->drift.mean, ln->drift.recent);
	versions_world_changed(ln, ln->drift.onset, why);
}

static void take_pair(struct learner *ln, const struct mlproxy_joined *pair)
{
	const struct mlproxy_rec_decision *d = pair->decision;
	const struct replay_row row = {
		.key = d->key,
		.time_ns = d->hdr.time_ns + ln->clock_offset_ns,
		.reward = pair->feedback->reward,
		.predicted = d->predicted,
		.prob_q31 = d->prob_q31,
		.model_version = d->model_version,
		.allowed = d->allowed,
		.action = d->action,
		.baseline = d->baseline,
		.source = d->source,
		.mode = d->mode,
		.candidate = d->candidate,
	};
	uint64_t serial;

	if (!row_valid(ln, d))
		return;
	serial = replay_add(&ln->replay, &row, (const int64_t *)mlproxy_rec_features(d));
	ln->state.rows++;
	ln->rows_since_refit++;
	ln->rows_since_save++;
	take_error(ln, pair, serial);
}

/*
 * One of several instances: its model is that of all, and what is wrong there is seen to
 * by the kernel, which takes it away there alone.
 */
static bool of_a_part(const struct learner *ln, const struct mlproxy_rec_change *c)
{
	return c->instance && !strchr(ln->config.name, ':');
}

static void take_mode(struct learner *ln, const struct mlproxy_rec_change *c)
{
	const struct mlproxy_rec_mode *m = (const void *)c;
	bool ours = ln->current;
	char why[160];

	if (of_a_part(ln, c)) {
		log_say(LOG_INFO, ln->config.name, "mode of instance %u: %s -> %s: %s", c->instance,
			mlproxy_mode_name(c->from), mlproxy_mode_name(c->to),
			mlproxy_mode_reason_name(c->reason));
		return;
	}
	ln->mode = c->to;
	log_say(LOG_INFO, ln->config.name, "mode %s -> %s: %s", mlproxy_mode_name(c->from),
		mlproxy_mode_name(c->to), mlproxy_mode_reason_name(c->reason));
	if (c->hdr.len >= sizeof(*m) && m->evidence.model_version)
		ours = ln->current && m->evidence.model_version == ln->current->kernel_version;
	if (!ours)
		return;
	switch (c->reason) {
	case MLPROXY_REASON_BETTER:
		if (ln->probation)
			log_say(LOG_INFO, ln->config.name, "version %u has proven itself",
				ln->current->serial);
		ln->probation = false;
		break;
	case MLPROXY_REASON_LEDGER:
	case MLPROXY_REASON_OUTER:
	case MLPROXY_REASON_LOSSES:
		/* The rewards don't show it: to learn anew from them would be of no use. */
		if (!ln->probation)
			break;
		/* fall through */
	case MLPROXY_REASON_WORSE:
	case MLPROXY_REASON_DROP:
		snprintf(why, sizeof(why), "the kernel left %s mode: %s",
			 mlproxy_mode_name(c->from), mlproxy_mode_reason_name(c->reason));
		versions_measured_worse(ln, why);
		break;
	}
}

static int take_record(const struct mlproxy_rec_hdr *rec, unsigned int cpu, uint64_t lost,
		       void *ctx)
{
	const struct mlproxy_rec_feedback *f = (const void *)rec;
	const struct mlproxy_rec_change *c = (const void *)rec;
	struct learner *ln = ctx;
	struct mlproxy_joined pair;
	int ret = 0;

	(void)cpu;
	(void)lost;
	switch (rec->type) {
	case MLPROXY_REC_FEEDBACK:
		/* Without an outcome there is nothing to learn. */
		if (f->hdr.flags & MLPROXY_FEEDBACK_EXPIRED)
			return 0;
		ret = mlproxy_join_add(ln->join, rec, &pair);
		break;
	case MLPROXY_REC_DECISION:
		ret = mlproxy_join_add(ln->join, rec, &pair);
		break;
	case MLPROXY_REC_MODE:
		take_mode(ln, c);
		break;
	case MLPROXY_REC_STATE:
		/* Re-initialised: it forgot its models. */
		if (c->to == MLPROXY_STATE_INITIALIZED && !of_a_part(ln, c))
			ln->reload = true;
		break;
	default:
		break;
	}
	if (ret == 1)
		take_pair(ln, &pair);
	return ret < 0 ? ret : 0;
}

int rows_take(struct learner *ln)
{
	int ret = mlproxy_ring_consume(ln->s, MAX_RECORDS, take_record, ln);

	/* Nothing now, or nothing ever: a proxy that is gone would wake us for ever. */
	if (ret == 0 && mlproxy_wait(ln->s, 0) == -ENODEV)
		ret = -ENODEV;
	return ret;
}
