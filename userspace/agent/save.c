// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is kept on disk for a proxy; see save.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "save.h"

/**
 * struct save_job - a save
 * @work: for the worker
 * @ln: proxy
 * @data: rows, a copy
 * @state: counters, a copy
 * @err: how it went
 * @error: in words
 */
struct save_job {
	struct work work;
	struct learner *ln;
	struct mlds_data data;
	struct persist_state state;
	int err;
	char error[400];
};

static void fill_state(const struct learner *ln, struct persist_state *state)
{
	uint32_t i;

	*state = ln->state;
	state->schema_hash = ln->schema.schema.schema_hash;
	state->current = ln->current ? ln->current->serial : 0;
	state->previous = ln->previous ? ln->previous->serial : 0;
	state->next_row = ln->replay.next_serial;
	state->nr_regimes = ln->replay.nr_regimes;
	for (i = 0; i < state->nr_regimes; i++)
		state->regime[i] = (struct replay_regime){
			.number = ln->replay.regime[i].number,
			.offered = ln->replay.regime[i].offered,
		};
}

/* The rows first: a state that names rows which are not there yet would be wrong. */
static void run_save(struct work *work)
{
	struct save_job *job = (struct save_job *)work;
	const struct learner *ln = job->ln;

	job->err = persist_save_rows(ln->dir, &job->data, job->state.nr_regimes);
	if (!job->err)
		job->err = persist_save_state(ln->dir, &job->state);
	if (job->err) {
		snprintf(job->error, sizeof(job->error), "%s", persist_error());
		return;
	}
	persist_prune(ln->dir, job->state.serial, ln->config.versions, job->state.current,
		      job->state.previous);
}

static void end_save(struct work *work)
{
	struct save_job *job = (struct save_job *)work;
	struct learner *ln = job->ln;

	if (job->err)
		log_say(LOG_WARNING, ln->config.name, "nothing was saved: %s", job->error);
	mlds_free(&job->data);
	ln->saving = false;
	ln->busy--;
	free(job);
}

static struct save_job *make_save(struct learner *ln)
{
	struct save_job *job = calloc(1, sizeof(*job));

	if (!job || replay_snapshot(&ln->replay, &job->data)) {
		free(job);
		log_say(LOG_WARNING, ln->config.name, "no memory to save %u rows",
			ln->replay.nr_recent + ln->replay.nr_archive);
		return NULL;
	}
	job->work.run = run_save;
	job->work.done = end_save;
	job->ln = ln;
	fill_state(ln, &job->state);
	ln->rows_since_save = 0;
	ln->saving = true;
	ln->busy++;
	return job;
}

void save_start(struct learner *ln)
{
	struct save_job *job = ln->saving ? NULL : make_save(ln);

	if (job)
		worker_add(ln->worker, &job->work);
}

void save_now(struct learner *ln)
{
	struct save_job *job = make_save(ln);

	if (!job)
		return;
	run_save(&job->work);
	end_save(&job->work);
}

static int restore_rows(struct learner *ln)
{
	struct mlds_data data;
	int err;

	err = persist_load_rows(ln->dir, &data);
	if (err == -ENOENT)
		return 0;
	if (err) {
		log_say(LOG_WARNING, ln->config.name, "rows of earlier runs are lost: %s",
			persist_error());
		return 0;
	}
	if (data.schema.schema.schema_hash == ln->schema.schema.schema_hash)
		err = replay_restore(&ln->replay, &data, ln->state.regime, ln->state.nr_regimes);
	mlds_free(&data);
	if (ln->state.next_row > ln->replay.next_serial)
		ln->replay.next_serial = ln->state.next_row;
	return err;
}

void save_unlock(struct learner *ln)
{
	if (ln->dir_lock >= 0)
		close(ln->dir_lock);
	ln->dir_lock = -1;
}

/* The directory, for this agent alone. */
static int open_dir(struct learner *ln)
{
	int err = persist_open(ln->dir);

	if (err)
		return err;
	ln->dir_lock = persist_lock(ln->dir);
	return ln->dir_lock < 0 ? ln->dir_lock : 0;
}

/* What belongs to another schema makes room for what comes. */
static int begin_anew(struct learner *ln)
{
	int err;

	log_say(LOG_NOTICE, ln->config.name,
		"its schema changed: what was learned of the old one is set aside in %s.old",
		ln->dir);
	memset(&ln->state, 0, sizeof(ln->state));
	err = persist_set_aside(ln->dir);
	save_unlock(ln);
	return err ? err : open_dir(ln);
}

int save_restore(struct learner *ln)
{
	int err;

	err = open_dir(ln);
	if (err)
		return err;
	err = persist_load_state(ln->dir, &ln->state);
	if (!err && ln->state.schema_hash != ln->schema.schema.schema_hash)
		return begin_anew(ln);
	if (err && err != -ENOENT)
		log_say(LOG_WARNING, ln->config.name, "counters of earlier runs are lost: %s",
			persist_error());
	if (err)
		memset(&ln->state, 0, sizeof(ln->state));
	err = restore_rows(ln);
	if (!err && ln->replay.nr_recent)
		log_say(LOG_INFO, ln->config.name, "resumes with %u recent and %u archived rows",
			ln->replay.nr_recent, ln->replay.nr_archive);
	return err;
}
