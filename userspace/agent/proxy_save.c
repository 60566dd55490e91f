// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is kept on disk for a proxy, and its status file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "proxy_agent.h"

/**
 * struct save_job - a save
 * @work: for the worker
 * @pa: proxy
 * @data: rows, a copy
 * @state: counters, a copy
 * @err: how it went
 * @error: in words
 */
struct save_job {
	struct work work;
	struct proxy_agent *pa;
	struct mlds_data data;
	struct persist_state state;
	int err;
	char error[400];
};

static void fill_state(const struct proxy_agent *pa, struct persist_state *state)
{
	uint32_t i;

	*state = pa->state;
	state->schema_hash = pa->schema.schema.schema_hash;
	state->current = pa->current ? pa->current->serial : 0;
	state->previous = pa->previous ? pa->previous->serial : 0;
	state->next_row = pa->replay.next_serial;
	state->nr_regimes = pa->replay.nr_regimes;
	for (i = 0; i < state->nr_regimes; i++)
		state->regime[i] = (struct replay_regime){
			.number = pa->replay.regime[i].number,
			.offered = pa->replay.regime[i].offered,
		};
}

/* The rows first: a state that names rows which are not there yet would be wrong. */
static void run_save(struct work *work)
{
	struct save_job *job = (struct save_job *)work;
	const struct proxy_agent *pa = job->pa;

	job->err = persist_save_rows(pa->dir, &job->data, job->state.nr_regimes);
	if (!job->err)
		job->err = persist_save_state(pa->dir, &job->state);
	if (job->err) {
		snprintf(job->error, sizeof(job->error), "%s", persist_error());
		return;
	}
	persist_prune(pa->dir, job->state.serial, pa->config.versions, job->state.current,
		      job->state.previous);
}

static void end_save(struct work *work)
{
	struct save_job *job = (struct save_job *)work;
	struct proxy_agent *pa = job->pa;

	if (job->err)
		log_say(LOG_WARNING, pa->config.name, "nothing was saved: %s", job->error);
	mlds_free(&job->data);
	pa->saving = false;
	pa->busy--;
	free(job);
}

static struct save_job *make_save(struct proxy_agent *pa)
{
	struct save_job *job = calloc(1, sizeof(*job));

	if (!job || replay_snapshot(&pa->replay, &job->data)) {
		free(job);
		log_say(LOG_WARNING, pa->config.name, "no memory to save %u rows",
			pa->replay.nr_recent + pa->replay.nr_archive);
		return NULL;
	}
	job->work.run = run_save;
	job->work.done = end_save;
	job->pa = pa;
	fill_state(pa, &job->state);
	pa->rows_since_save = 0;
	pa->saving = true;
	pa->busy++;
	return job;
}

void proxy_save_start(struct proxy_agent *pa)
{
	struct save_job *job = pa->saving ? NULL : make_save(pa);

	if (job)
		worker_add(pa->worker, &job->work);
}

void proxy_save_now(struct proxy_agent *pa)
{
	struct save_job *job = make_save(pa);

	if (!job)
		return;
	run_save(&job->work);
	end_save(&job->work);
}

static int restore_rows(struct proxy_agent *pa)
{
	struct mlds_data data;
	int err;

	err = persist_load_rows(pa->dir, &data);
	if (err == -ENOENT)
		return 0;
	if (err) {
		log_say(LOG_WARNING, pa->config.name, "rows of earlier runs are lost: %s",
			persist_error());
		return 0;
	}
	if (data.schema.schema.schema_hash == pa->schema.schema.schema_hash)
		err = replay_restore(&pa->replay, &data, pa->state.regime, pa->state.nr_regimes);
	mlds_free(&data);
	if (pa->state.next_row > pa->replay.next_serial)
		pa->replay.next_serial = pa->state.next_row;
	return err;
}

int proxy_restore(struct proxy_agent *pa)
{
	int err;

	err = persist_open(pa->dir);
	if (err) {
		log_say(LOG_ERR, pa->config.name, "%s", persist_error());
		return err;
	}
	err = persist_load_state(pa->dir, &pa->state);
	if (!err && pa->state.schema_hash != pa->schema.schema.schema_hash) {
		log_say(LOG_NOTICE, pa->config.name,
			"its schema changed: what was learned of the old one is set aside in %s.old",
			pa->dir);
		memset(&pa->state, 0, sizeof(pa->state));
		return persist_set_aside(pa->dir);
	}
	if (err && err != -ENOENT)
		log_say(LOG_WARNING, pa->config.name, "counters of earlier runs are lost: %s",
			persist_error());
	if (err)
		memset(&pa->state, 0, sizeof(pa->state));
	err = restore_rows(pa);
	if (!err && pa->replay.nr_recent)
		log_say(LOG_INFO, pa->config.name, "resumes with %u recent and %u archived rows",
			pa->replay.nr_recent, pa->replay.nr_archive);
	return err;
}

static json_t *realised(const struct proxy_agent *pa)
{
	const struct mlproxy_evidence *e = &pa->evidence;
	struct mltrain_estimate g = { e->gain_q16 / 65536.0, e->low_q16 / 65536.0,
				      e->high_q16 / 65536.0 };

	if (!pa->evidence_known || e->low_q16 == INT64_MIN || e->high_q16 == INT64_MAX)
		return json_null();
	return persist_estimate(&g);
}

void proxy_write_status(struct proxy_agent *pa)
{
	char path[PATH_MAX];
	json_t *status;

	status = json_pack("{s:s, s:I, s:i, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}",
			   "proxy", pa->config.name, "time", (json_int_t)time(NULL),
			   "pid", (int)getpid(), "mode", mlproxy_mode_name(pa->mode),
			   "bound", pa->s != NULL, "rows", (json_int_t)pa->state.rows,
			   "recent_rows", (json_int_t)pa->replay.nr_recent,
			   "archived_rows", (json_int_t)pa->replay.nr_archive,
			   "refits", (json_int_t)pa->state.refits,
			   "swaps", (json_int_t)pa->state.swaps,
			   "rollbacks", (json_int_t)pa->state.rollbacks,
			   "heartbeats", (json_int_t)pa->heartbeats,
			   "refitting", pa->refitting);
	if (status) {
		json_object_set_new(status, "last_refit_time",
				    json_integer(pa->state.last_refit_s));
		json_object_set_new(status, "last_test", pa->state.last_refit_s ?
				    persist_estimate(&pa->state.gain) : json_null());
		json_object_set_new(status, "realised", realised(pa));
		json_object_set_new(status, "version",
				    json_integer(pa->current ? pa->current->serial : 0));
		json_object_set_new(status, "model_version",
				    json_integer(pa->current ? pa->current->kernel_version : 0));
		json_object_set_new(status, "error_mean", pa->model_rows ?
				    json_real(pa->error_sum / pa->model_rows) : json_null());
		json_object_set_new(status, "error_recent", pa->current && pa->drift.n ?
				    json_real(pa->drift.recent * pa->current->model->reward_scale) :
				    json_null());
		json_object_set_new(status, "alarm", json_boolean(pa->state.alarm));
		json_object_set_new(status, "regimes", json_integer(pa->replay.nr_regimes));
	}
	if (snprintf(path, sizeof(path), "%s/%s.status.json", pa->agent->state_dir,
		     pa->config.name) >= (int)sizeof(path))
		return;
	if (persist_write_json(path, status, false))
		log_say(LOG_DEBUG, pa->config.name, "%s", persist_error());
}
