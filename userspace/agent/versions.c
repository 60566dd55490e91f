// SPDX-License-Identifier: GPL-2.0-only
/*
 * Models in use: refits, swaps, and what happens when the kernel measures the new
 * version worse than was thought.
 *
 * A version is on probation until the kernel has measured it better than the
 * baseline, or for a number of outcomes. Measured worse in that time, it is rolled
 * back, and a version that was rolled back is not loaded again. Measured worse
 * later, or after its errors have grown, it is the world that changed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "log.h"
#include "refit.h"
#include "save.h"
#include "versions.h"

/**
 * struct refit_work - a refit in the worker
 * @work: for the worker
 * @ln: proxy
 * @job: what to do
 * @result: what came of it
 * @current: the model that it started from
 * @save_error: why the version's files could not be written, or empty
 */
struct refit_work {
	struct work work;
	struct learner *ln;
	struct refit_job job;
	struct refit_result result;
	struct version *current;
	char save_error[400];
};

static struct version *hold(struct version *m)
{
	if (m)
		m->refs++;
	return m;
}

void version_drop(struct version *m)
{
	if (!m || --m->refs)
		return;
	mltrain_free(m->model);
	free(m->mlp);
	free(m);
}

/* The errors of another version, or in another world, are counted anew. */
static void count_anew(struct learner *ln)
{
	const struct version *m = ln->current;

	drift_reset(&ln->drift, ln->config.drift_delta, ln->config.drift_threshold,
		    m ? m->abs_error / m->model->reward_scale : -1);
	ln->model_rows = 0;
	ln->error_sum = 0;
}

static void use(struct learner *ln, struct version *m)
{
	ln->current = m;
	count_anew(ln);
}

/* Into the kernel, and active. Return: 0 or a negative errno, which was logged. */
static int load(struct learner *ln, struct version *m)
{
	struct mlproxy_model_load loaded = { 0 };
	int err;

	err = mlproxy_model_load(ln->s, m->mlp, m->mlp_len, &loaded);
	if (!err)
		err = mlproxy_model_ctl(ln->s, MLPROXY_MODEL_OP_ACTIVATE, loaded.version, NULL);
	if (err) {
		log_say(LOG_WARNING, ln->config.name, "version %u can't be loaded: %s", m->serial,
			mlproxy_errmsg(ln->s));
		return err;
	}
	m->kernel_version = loaded.version;
	return 0;
}

/* ------------------------------------------------------------------ */
/* Roll back                                                           */

static void roll_back(struct learner *ln, const char *why)
{
	struct version *bad = ln->current;
	uint32_t back_to = ln->previous ? ln->previous->kernel_version : 0;
	int err;

	err = mlproxy_model_ctl(ln->s, MLPROXY_MODEL_OP_ROLLBACK, back_to, NULL);
	if (err == -ENOENT && !back_to)
		err = mlproxy_model_ctl(ln->s, MLPROXY_MODEL_OP_UNLOAD, 0, NULL);
	if (err) {
		log_say(LOG_WARNING, ln->config.name, "version %u can't be rolled back: %s",
			bad->serial, mlproxy_errmsg(ln->s));
		return;
	}
	if (ln->previous)
		log_say(LOG_NOTICE, ln->config.name, "version %u is rolled back to version %u: %s",
			bad->serial, ln->previous->serial, why);
	else
		log_say(LOG_NOTICE, ln->config.name, "version %u is rolled back to none: %s",
			bad->serial, why);
	ln->state.rollbacks++;
	ln->state.rejected = bad->serial;
	ln->probation = false;
	use(ln, ln->previous);
	ln->previous = NULL;
	version_drop(bad);
	/* Only new outcomes can teach better. */
	ln->rows_since_refit = 0;
	save_start(ln);
}

/*
 * What was measured of it, in the world before, keeps it in a mode that explores too
 * little to learn another. As a new version it has to prove itself again, and it goes
 * on to decide in learning mode's share, where it may be still better than nothing.
 */
static void try_again(struct learner *ln)
{
	if (!ln->current || ln->mode <= MLPROXY_MODE_LEARNING || load(ln, ln->current))
		return;
	version_drop(ln->previous);
	ln->previous = NULL;
	ln->probation = false;
	log_say(LOG_INFO, ln->config.name, "version %u has to prove itself again",
		ln->current->serial);
}

void versions_world_changed(struct learner *ln, uint64_t since, const char *why)
{
	if (ln->state.alarm)
		return;
	ln->state.alarm = true;
	replay_new_regime(&ln->replay, since);
	log_say(LOG_NOTICE, ln->config.name,
		"the world changed, some %llu outcomes ago: %s; learning anew from these",
		(unsigned long long)(ln->replay.next_serial - since), why);
	try_again(ln);
}

void versions_measured_worse(struct learner *ln, const char *why)
{
	uint64_t since = ln->drift.n ? ln->drift.onset + 1 : ln->replay.next_serial;

	if (!ln->current)
		return;
	if (ln->probation && !ln->state.alarm)
		roll_back(ln, why);
	else
		versions_world_changed(ln, since, why);
}

/* ------------------------------------------------------------------ */
/* Watch                                                               */

static int get_efficiency(struct learner *ln, struct mlproxy_efficiency *e)
{
	if (!(ln->features & MLPROXY_FEAT_AUTO))
		return -ENOTTY;
	return mlproxy_efficiency_get(ln->s, e, NULL, 0);
}

static bool measured(const struct mlproxy_evidence *e)
{
	return e->low_q16 != INT64_MIN && e->high_q16 != INT64_MAX;
}

static void watch_gain(struct learner *ln)
{
	struct mlproxy_efficiency e;
	char why[200];

	ln->evidence_known = !get_efficiency(ln, &e);
	if (!ln->evidence_known)
		return;
	ln->mode = e.mode;
	/* Of the instance in the lowest mode, now this one, now that: nothing to compare. */
	ln->evidence_known = !e.instance || strchr(ln->config.name, ':');
	if (ln->evidence_known)
		ln->evidence = e.evidence;
	if (ln->probation && ln->model_rows > ln->config.probation_rows)
		ln->probation = false;
	if (!ln->evidence_known || !ln->probation || !ln->current || !ln->previous || !ln->previous_gain_known ||
	    ln->state.alarm || ln->evidence.model_version != ln->current->kernel_version ||
	    !measured(&ln->evidence) || ln->evidence.high_q16 / 65536.0 >= ln->previous_gain)
		return;
	snprintf(why, sizeof(why),
		 "its gain is measured as at most %.4g, that of the version before was %.4g",
		 ln->evidence.high_q16 / 65536.0, ln->previous_gain);
	roll_back(ln, why);
}

/* The operator loaded another model, or rolled ours back. */
static void follow_operator(struct learner *ln, const struct mlproxy_model_info *info)
{
	struct version *gone = ln->current;

	if (ln->previous && info->active_version == ln->previous->kernel_version) {
		log_say(LOG_NOTICE, ln->config.name,
			"somebody else rolled version %u back to version %u", gone->serial,
			ln->previous->serial);
		use(ln, ln->previous);
		ln->previous = NULL;
		version_drop(gone);
	} else {
		log_say(LOG_NOTICE, ln->config.name,
			"somebody else took version %u out of use; the kernel runs %s",
			gone->serial, info->active_version ? info->active_name : "no model");
		version_drop(ln->previous);
		ln->previous = NULL;
		use(ln, NULL);
		version_drop(gone);
	}
	ln->probation = false;
}

void versions_watch(struct learner *ln)
{
	struct mlproxy_model_info info;

	if (mlproxy_model_get_info(ln->s, &info))
		return;
	/* An instance that is re-initialised keeps the model. */
	if (info.active_version)
		ln->reload = false;
	if (ln->reload && ln->current && !info.active_version) {
		ln->reload = false;
		log_say(LOG_INFO, ln->config.name,
			"it was re-initialised: version %u is loaded again", ln->current->serial);
		version_drop(ln->previous);
		ln->previous = NULL;
		load(ln, ln->current);
	} else if (ln->current && info.active_version != ln->current->kernel_version) {
		follow_operator(ln, &info);
	}
	watch_gain(ln);
}

/* ------------------------------------------------------------------ */
/* Resume                                                              */

static struct version *read_version(struct learner *ln, uint32_t serial)
{
	struct version *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return NULL;
	m->refs = 1;
	m->serial = serial;
	err = persist_load_version(ln->dir, serial, &ln->schema, &m->model, &m->mlp, &m->mlp_len);
	if (!err) {
		m->abs_error = persist_version_error(ln->dir, serial);
		return m;
	}
	log_say(LOG_WARNING, ln->config.name, "version %u can't be read: %s", serial,
		persist_error());
	free(m);
	return NULL;
}

/* The agent's number of a model that the kernel runs, by its name; 0 for another's. */
static uint32_t serial_of(const struct learner *ln, const char *name)
{
	char prefix[32];
	unsigned int serial;
	char end;
	int len = snprintf(prefix, sizeof(prefix), "%.20s-", ln->config.name);

	if (strncmp(name, prefix, len) || sscanf(name + len, "%u%c", &serial, &end) != 1)
		return 0;
	return serial;
}

void versions_resume(struct learner *ln)
{
	struct mlproxy_model_info info;
	uint32_t serial = ln->state.current, serial_before;
	struct version *m;

	count_anew(ln);
	if (mlproxy_model_get_info(ln->s, &info))
		return;
	if (info.active_version) {
		serial = serial_of(ln, info.active_name);
		if (!serial) {
			log_say(LOG_NOTICE, ln->config.name,
				"the kernel runs %s, which is not ours; it stays until a better one is found",
				info.active_name);
			return;
		}
	}
	if (serial > ln->state.serial)
		ln->state.serial = serial;
	m = serial ? read_version(ln, serial) : NULL;
	if (!m)
		return;
	if (info.active_version)
		m->kernel_version = info.active_version;
	else if (load(ln, m)) {
		version_drop(m);
		return;
	}
	use(ln, m);
	serial_before = info.active_version ? serial_of(ln, info.standby_name) : 0;
	if (serial_before && serial_before == ln->state.previous)
		ln->previous = read_version(ln, serial_before);
	if (ln->previous)
		ln->previous->kernel_version = info.standby_version;
	log_say(LOG_INFO, ln->config.name, "goes on with version %u, %s", serial,
		info.active_version ? "which the kernel runs" : "loaded again");
}

/* ------------------------------------------------------------------ */
/* Refit and swap                                                      */

static json_t *report_of(const struct refit_work *w)
{
	const struct refit_verdict *v = &w->result.verdict;

	return json_pack("{s:s, s:I, s:I, s:b, s:b, s:I, s:I, s:I, s:o, s:o, s:o, s:f, s:f, s:f, s:s}",
			 "proxy", w->ln->config.name, "version", (json_int_t)w->job.serial,
			 "time", (json_int_t)time(NULL), "warm_start", w->result.warm,
			 "alarm", w->job.alarm, "train_rows", (json_int_t)w->result.train_rows,
			 "replayed_rows", (json_int_t)w->result.replayed,
			 "test_rows", (json_int_t)v->rows, "gain", persist_estimate(&v->gain),
			 "over_current", persist_estimate(&v->over_current),
			 "current", persist_estimate(&v->current_gain), "support", v->support,
			 "ess", v->ess, "abs_error",
			 w->result.abs_error, "verdict", v->why);
}

static void run_refit(struct work *work)
{
	struct refit_work *w = (struct refit_work *)work;
	int err;

	/* Trees go without libtorch, which takes long to load. */
	if (w->job.config.fit.kind == MLTRAIN_MLP || w->job.config.fit.kind == MLTRAIN_AUTO)
		mltorch_set_threads(w->ln->agent->threads);
	refit_run(&w->job, &w->result);
	if (w->result.err || !w->result.verdict.swap)
		return;
	err = persist_save_version(w->ln->dir, w->job.serial, w->result.model, w->result.mlp,
				   w->result.mlp_len, report_of(w));
	if (err)
		snprintf(w->save_error, sizeof(w->save_error), "%s", persist_error());
}

static void swap_in(struct learner *ln, struct refit_work *w)
{
	struct version *m = calloc(1, sizeof(*m)), *old = ln->current;

	if (!m)
		return;
	m->refs = 1;
	m->serial = w->job.serial;
	m->abs_error = w->result.abs_error;
	m->model = w->result.model;
	m->mlp = w->result.mlp;
	m->mlp_len = w->result.mlp_len;
	w->result.model = NULL;
	w->result.mlp = NULL;
	if (load(ln, m)) {
		version_drop(m);
		return;
	}
	ln->previous_gain_known = old && !ln->state.alarm && ln->evidence_known &&
				  ln->evidence.model_version == old->kernel_version &&
				  measured(&ln->evidence);
	ln->previous_gain = ln->evidence.gain_q16 / 65536.0;
	version_drop(ln->previous);
	ln->previous = old;
	use(ln, m);
	ln->probation = true;
	ln->state.swaps++;
	ln->state.alarm = false;
	save_start(ln);
}

static void say_verdict(const struct learner *ln, const struct refit_work *w)
{
	const struct refit_result *r = &w->result;
	const struct refit_verdict *v = &r->verdict;

	log_say(LOG_INFO, ln->config.name,
		"version %u (%s, %zu rows, %zu of them replayed), tested on %zu: gain %.4g (%.4g to %.4g) over the baseline, %.4g (%.4g to %.4g) over the model in use; %s: %s",
		w->job.serial, r->warm ? "goes on from the last one" :
		r->model->kind == MLPROXY_MODEL_KIND_TREES ? "new trees" : "new network",
		r->train_rows, r->replayed, v->rows, v->gain.value, v->gain.low, v->gain.high,
		v->over_current.value, v->over_current.low, v->over_current.high,
		v->swap ? "goes into use" : "not used", v->why);
}

static void end_refit(struct work *work)
{
	struct refit_work *w = (struct refit_work *)work;
	struct learner *ln = w->ln;

	if (w->result.err && w->result.err != -ECANCELED)
		log_say(LOG_WARNING, ln->config.name, "no new model: %s", w->result.error);
	if (!w->result.err && w->result.model) {
		say_verdict(ln, w);
		ln->state.refits++;
		ln->fitted++;
		ln->state.last_refit_s = time(NULL);
		ln->state.gain = w->result.verdict.gain;
		if (*w->save_error)
			log_say(LOG_WARNING, ln->config.name,
				"version %u does not survive a restart: %s", w->job.serial,
				w->save_error);
		/* What it was compared with must be what it replaces, in the same world. */
		if (w->result.verdict.swap && ln->s && !ln->worker->stop &&
		    w->current == ln->current && w->job.alarm == ln->state.alarm)
			swap_in(ln, w);
		else if (ln->s && ln->state.alarm && !ln->worker->stop)
			try_again(ln);
	}
	refit_result_free(&w->result);
	mlds_free(&w->job.data);
	version_drop(w->current);
	ln->refitting = false;
	ln->busy--;
	free(w);
}

void versions_refit(struct learner *ln)
{
	struct refit_work *w = calloc(1, sizeof(*w));
	uint32_t present = replay_regime_rows(&ln->replay);

	ln->rows_since_refit = 0;
	ln->refit_ns = clock_ns_now();
	if (!w || replay_snapshot(&ln->replay, &w->job.data)) {
		log_say(LOG_WARNING, ln->config.name, "no memory for a refit on %u rows", present);
		free(w);
		return;
	}
	w->work.run = run_refit;
	w->work.done = end_refit;
	w->ln = ln;
	w->current = hold(ln->current);
	w->job.config = ln->config;
	w->job.present = w->job.data.n - present;
	w->job.alarm = ln->state.alarm;
	w->job.serial = ++ln->state.serial;
	w->job.cancel = &ln->worker->stop;
	if (ln->current) {
		w->job.current = ln->current->model;
		w->job.current_mlp = ln->current->mlp;
		w->job.current_len = ln->current->mlp_len;
	}
	ln->refitting = true;
	ln->busy++;
	log_say(LOG_DEBUG, ln->config.name, "refit %u on %u present and %zu older rows",
		w->job.serial, present, w->job.present);
	worker_add(ln->worker, &w->work);
}
