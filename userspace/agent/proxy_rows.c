// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records of the rings: decisions joined with their outcomes go into the replay
 * buffer; errors of the model in use into the drift test; changes of mode are what
 * the kernel measured.
 */
#include <math.h>
#include <string.h>

#include "log.h"
#include "proxy_agent.h"

/* Records of one turn of the loop, so that a heartbeat is never far. */
#define MAX_RECORDS	65536

void proxy_world_changed(struct proxy_agent *pa, uint64_t since, const char *why)
{
	if (pa->state.alarm)
		return;
	pa->state.alarm = true;
	replay_new_regime(&pa->replay, since);
	log_say(LOG_NOTICE, pa->config.name,
		"the world changed, some %llu outcomes ago: %s; learning anew from these",
		(unsigned long long)(pa->replay.next_serial - since), why);
	proxy_model_try_again(pa);
}

static bool row_valid(const struct proxy_agent *pa, const struct mlproxy_rec_decision *d)
{
	uint32_t nr = pa->schema.schema.nr_actions;
	uint32_t legal = nr >= 32 ? ~0U : (1U << nr) - 1;

	return d->nr_features == pa->schema.schema.nr_features && d->action < nr &&
	       d->baseline < nr && !(d->allowed & ~legal) && (d->allowed >> d->action & 1) &&
	       (d->allowed >> d->baseline & 1) && d->prob_q31 && d->prob_q31 <= MLPROXY_PROB_ONE;
}

/* Back-propagation: prediction, outcome and error of the version in use. */
static void take_error(struct proxy_agent *pa, const struct mlproxy_joined *pair, uint64_t row)
{
	const struct mlproxy_rec_decision *d = pair->decision;
	const struct mlproxy_rec_feedback *f = pair->feedback;
	double error;
	char why[160];

	if (!pa->current || !d->model_version || d->model_version != pa->current->kernel_version)
		return;
	if (f->hdr.flags & MLPROXY_FEEDBACK_PREDICTED)
		error = fabs((double)f->error);
	else if (d->candidate == d->action && d->candidate_source == MLPROXY_SRC_MODEL)
		error = fabs((double)f->reward - (double)d->predicted);
	else
		return;
	pa->model_rows++;
	pa->error_sum += error;
	if (!drift_add(&pa->drift, error / pa->current->model->reward_scale, row))
		return;
	snprintf(why, sizeof(why),
		 "the error of version %u's predictions rose from %.3g to %.3g standard deviations",
		 pa->current->serial, pa->drift.mean, pa->drift.recent);
	proxy_world_changed(pa, pa->drift.onset, why);
}

static void take_pair(struct proxy_agent *pa, const struct mlproxy_joined *pair)
{
	const struct mlproxy_rec_decision *d = pair->decision;
	const struct replay_row row = {
		.key = d->key,
		.time_ns = d->hdr.time_ns + pa->clock_offset_ns,
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

	if (!row_valid(pa, d))
		return;
	serial = replay_add(&pa->replay, &row, (const int64_t *)d->features);
	pa->state.rows++;
	pa->rows_since_refit++;
	pa->rows_since_save++;
	take_error(pa, pair, serial);
}

static void take_mode(struct proxy_agent *pa, const struct mlproxy_rec_change *c)
{
	const struct mlproxy_rec_mode *m = (const void *)c;
	bool ours = pa->current;
	char why[160];

	pa->mode = c->to;
	log_say(LOG_INFO, pa->config.name, "mode %s -> %s: %s", mlproxy_mode_name(c->from),
		mlproxy_mode_name(c->to), mlproxy_mode_reason_name(c->reason));
	if (c->hdr.len >= sizeof(*m) && m->evidence.model_version)
		ours = pa->current && m->evidence.model_version == pa->current->kernel_version;
	if (!ours)
		return;
	switch (c->reason) {
	case MLPROXY_REASON_BETTER:
		if (pa->probation)
			log_say(LOG_INFO, pa->config.name, "version %u has proven itself",
				pa->current->serial);
		pa->probation = false;
		break;
	case MLPROXY_REASON_WORSE:
	case MLPROXY_REASON_DROP:
		snprintf(why, sizeof(why), "the kernel left %s mode: %s",
			 mlproxy_mode_name(c->from), mlproxy_mode_reason_name(c->reason));
		proxy_model_measured_worse(pa, why);
		break;
	}
}

static int take_record(const struct mlproxy_rec_hdr *rec, unsigned int cpu, uint64_t lost,
		       void *ctx)
{
	const struct mlproxy_rec_feedback *f = (const void *)rec;
	const struct mlproxy_rec_change *c = (const void *)rec;
	struct proxy_agent *pa = ctx;
	struct mlproxy_joined pair;
	int ret = 0;

	(void)cpu;
	(void)lost;
	switch (rec->type) {
	case MLPROXY_REC_FEEDBACK:
		/* Without an outcome there is nothing to learn. */
		if (f->hdr.flags & MLPROXY_FEEDBACK_EXPIRED)
			return 0;
		ret = mlproxy_join_add(pa->join, rec, &pair);
		break;
	case MLPROXY_REC_DECISION:
		ret = mlproxy_join_add(pa->join, rec, &pair);
		break;
	case MLPROXY_REC_MODE:
		take_mode(pa, c);
		break;
	case MLPROXY_REC_STATE:
		/* Re-initialised: it forgot its models. */
		if (c->to == MLPROXY_STATE_INITIALIZED)
			pa->reload = true;
		break;
	default:
		break;
	}
	if (ret == 1)
		take_pair(pa, &pair);
	return ret < 0 ? ret : 0;
}

int proxy_take_rows(struct proxy_agent *pa)
{
	return mlproxy_ring_consume(pa->s, MAX_RECORDS, take_record, pa);
}
