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

#include "log.h"
#include "proxy_agent.h"
#include "refit.h"

/**
 * struct refit_work - a refit in the worker
 * @work: for the worker
 * @pa: proxy
 * @job: what to do
 * @result: what came of it
 * @current: the model that it started from
 * @save_error: why the version's files could not be written, or empty
 */
struct refit_work {
	struct work work;
	struct proxy_agent *pa;
	struct refit_job job;
	struct refit_result result;
	struct agent_model *current;
	char save_error[400];
};

static struct agent_model *hold(struct agent_model *m)
{
	if (m)
		m->refs++;
	return m;
}

void proxy_model_drop(struct agent_model *m)
{
	if (!m || --m->refs)
		return;
	mltrain_free(m->model);
	free(m->mlp);
	free(m);
}

/* The errors of another version, or in another world, are counted anew. */
static void count_anew(struct proxy_agent *pa)
{
	const struct agent_model *m = pa->current;

	drift_reset(&pa->drift, pa->config.drift_delta, pa->config.drift_threshold,
		    m ? m->abs_error / m->model->reward_scale : -1);
	pa->model_rows = 0;
	pa->error_sum = 0;
}

static void use(struct proxy_agent *pa, struct agent_model *m)
{
	pa->current = m;
	count_anew(pa);
}

/* Into the kernel, and active. Return: 0 or a negative errno, which was logged. */
static int load(struct proxy_agent *pa, struct agent_model *m)
{
	struct mlproxy_model_load loaded = { 0 };
	int err;

	err = mlproxy_model_load(pa->s, m->mlp, m->mlp_len, &loaded);
	if (!err)
		err = mlproxy_model_ctl(pa->s, MLPROXY_MODEL_OP_ACTIVATE, loaded.version, NULL);
	if (err) {
		log_say(LOG_WARNING, pa->config.name, "version %u can't be loaded: %s", m->serial,
			mlproxy_errmsg(pa->s));
		return err;
	}
	m->kernel_version = loaded.version;
	return 0;
}

/* ------------------------------------------------------------------ */
/* Roll back                                                           */

static void roll_back(struct proxy_agent *pa, const char *why)
{
	struct agent_model *bad = pa->current;
	uint32_t back_to = pa->previous ? pa->previous->kernel_version : 0;
	int err;

	err = mlproxy_model_ctl(pa->s, MLPROXY_MODEL_OP_ROLLBACK, back_to, NULL);
	if (err == -ENOENT && !back_to)
		err = mlproxy_model_ctl(pa->s, MLPROXY_MODEL_OP_UNLOAD, 0, NULL);
	if (err) {
		log_say(LOG_WARNING, pa->config.name, "version %u can't be rolled back: %s",
			bad->serial, mlproxy_errmsg(pa->s));
		return;
	}
	if (pa->previous)
		log_say(LOG_NOTICE, pa->config.name, "version %u is rolled back to version %u: %s",
			bad->serial, pa->previous->serial, why);
	else
		log_say(LOG_NOTICE, pa->config.name, "version %u is rolled back to none: %s",
			bad->serial, why);
	pa->state.rollbacks++;
	pa->state.rejected = bad->serial;
	pa->probation = false;
	use(pa, pa->previous);
	pa->previous = NULL;
	proxy_model_drop(bad);
	/* Only new outcomes can teach better. */
	pa->rows_since_refit = 0;
	proxy_save_start(pa);
}

void proxy_model_measured_worse(struct proxy_agent *pa, const char *why)
{
	uint64_t since = pa->drift.n ? pa->drift.onset + 1 : pa->replay.next_serial;

	if (!pa->current)
		return;
	if (pa->probation && !pa->state.alarm)
		roll_back(pa, why);
	else
		proxy_world_changed(pa, since, why);
}

/*
 * What was measured of it, in the world before, keeps it in a mode that explores too
 * little to learn another. As a new version it has to prove itself again, and it goes
 * on to decide in learning mode's share, where it may be still better than nothing.
 */
void proxy_model_try_again(struct proxy_agent *pa)
{
	if (!pa->current || pa->mode <= MLPROXY_MODE_LEARNING || load(pa, pa->current))
		return;
	proxy_model_drop(pa->previous);
	pa->previous = NULL;
	pa->probation = false;
	log_say(LOG_INFO, pa->config.name, "version %u has to prove itself again",
		pa->current->serial);
}

/* ------------------------------------------------------------------ */
/* Watch                                                               */

static int get_efficiency(struct proxy_agent *pa, struct mlproxy_efficiency *e)
{
	if (!(pa->features & MLPROXY_FEAT_AUTO))
		return -ENOTTY;
	return mlproxy_efficiency_get(pa->s, e, NULL, 0);
}

static bool measured(const struct mlproxy_evidence *e)
{
	return e->low_q16 != INT64_MIN && e->high_q16 != INT64_MAX;
}

static void watch_gain(struct proxy_agent *pa)
{
	struct mlproxy_efficiency e;
	char why[200];

	pa->evidence_known = !get_efficiency(pa, &e);
	if (!pa->evidence_known)
		return;
	pa->evidence = e.evidence;
	pa->mode = e.mode;
	if (pa->probation && pa->model_rows > pa->config.probation_rows)
		pa->probation = false;
	if (!pa->probation || !pa->current || !pa->previous || !pa->previous_gain_known ||
	    pa->state.alarm || pa->evidence.model_version != pa->current->kernel_version ||
	    !measured(&pa->evidence) || pa->evidence.high_q16 / 65536.0 >= pa->previous_gain)
		return;
	snprintf(why, sizeof(why),
		 "its gain is measured as at most %.4g, that of the version before was %.4g",
		 pa->evidence.high_q16 / 65536.0, pa->previous_gain);
	roll_back(pa, why);
}

/* The operator loaded another model, or rolled ours back. */
static void follow_operator(struct proxy_agent *pa, const struct mlproxy_model_info *info)
{
	struct agent_model *gone = pa->current;

	if (pa->previous && info->active_version == pa->previous->kernel_version) {
		log_say(LOG_NOTICE, pa->config.name,
			"somebody else rolled version %u back to version %u", gone->serial,
			pa->previous->serial);
		use(pa, pa->previous);
		pa->previous = NULL;
		proxy_model_drop(gone);
	} else {
		log_say(LOG_NOTICE, pa->config.name,
			"somebody else took version %u out of use; the kernel runs %s",
			gone->serial, info->active_version ? info->active_name : "no model");
		proxy_model_drop(pa->previous);
		pa->previous = NULL;
		use(pa, NULL);
		proxy_model_drop(gone);
	}
	pa->probation = false;
}

void proxy_model_watch(struct proxy_agent *pa)
{
	struct mlproxy_model_info info;

	if (mlproxy_model_get_info(pa->s, &info))
		return;
	if (pa->reload && pa->current && !info.active_version) {
		pa->reload = false;
		log_say(LOG_INFO, pa->config.name,
			"it was re-initialised: version %u is loaded again", pa->current->serial);
		proxy_model_drop(pa->previous);
		pa->previous = NULL;
		load(pa, pa->current);
	} else if (pa->current && info.active_version != pa->current->kernel_version) {
		follow_operator(pa, &info);
	}
	watch_gain(pa);
}

/* ------------------------------------------------------------------ */
/* Resume                                                              */

static struct agent_model *read_version(struct proxy_agent *pa, uint32_t serial)
{
	struct agent_model *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return NULL;
	m->refs = 1;
	m->serial = serial;
	err = persist_load_version(pa->dir, serial, &pa->schema, &m->model, &m->mlp, &m->mlp_len);
	if (!err) {
		m->abs_error = persist_version_error(pa->dir, serial);
		return m;
	}
	log_say(LOG_WARNING, pa->config.name, "version %u can't be read: %s", serial,
		persist_error());
	free(m);
	return NULL;
}

/* The agent's number of a model that the kernel runs, by its name; 0 for another's. */
static uint32_t serial_of(const struct proxy_agent *pa, const char *name)
{
	char prefix[32];
	unsigned int serial;
	char end;
	int len = snprintf(prefix, sizeof(prefix), "%.20s-", pa->config.name);

	if (strncmp(name, prefix, len) || sscanf(name + len, "%u%c", &serial, &end) != 1)
		return 0;
	return serial;
}

void proxy_model_resume(struct proxy_agent *pa)
{
	struct mlproxy_model_info info;
	uint32_t serial = pa->state.current, serial_before;
	struct agent_model *m;

	count_anew(pa);
	if (mlproxy_model_get_info(pa->s, &info))
		return;
	if (info.active_version) {
		serial = serial_of(pa, info.active_name);
		if (!serial) {
			log_say(LOG_NOTICE, pa->config.name,
				"the kernel runs %s, which is not ours; it stays until a better one is found",
				info.active_name);
			return;
		}
	}
	if (serial > pa->state.serial)
		pa->state.serial = serial;
	m = serial ? read_version(pa, serial) : NULL;
	if (!m)
		return;
	if (info.active_version)
		m->kernel_version = info.active_version;
	else if (load(pa, m)) {
		proxy_model_drop(m);
		return;
	}
	use(pa, m);
	serial_before = info.active_version ? serial_of(pa, info.standby_name) : 0;
	if (serial_before && serial_before == pa->state.previous)
		pa->previous = read_version(pa, serial_before);
	if (pa->previous)
		pa->previous->kernel_version = info.standby_version;
	log_say(LOG_INFO, pa->config.name, "goes on with version %u, %s", serial,
		info.active_version ? "which the kernel runs" : "loaded again");
}

/* ------------------------------------------------------------------ */
/* Refit and swap                                                      */

static json_t *report_of(const struct refit_work *w)
{
	const struct refit_verdict *v = &w->result.verdict;

	return json_pack("{s:s, s:I, s:I, s:b, s:b, s:I, s:I, s:I, s:o, s:o, s:o, s:f, s:f, s:f, s:s}",
			 "proxy", w->pa->config.name, "version", (json_int_t)w->job.serial,
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
		mltorch_set_threads(w->pa->agent->threads);
	refit_run(&w->job, &w->result);
	if (w->result.err || !w->result.verdict.swap)
		return;
	err = persist_save_version(w->pa->dir, w->job.serial, w->result.model, w->result.mlp,
				   w->result.mlp_len, report_of(w));
	if (err)
		snprintf(w->save_error, sizeof(w->save_error), "%s", persist_error());
}

static void swap_in(struct proxy_agent *pa, struct refit_work *w)
{
	struct agent_model *m = calloc(1, sizeof(*m)), *old = pa->current;

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
	if (load(pa, m)) {
		proxy_model_drop(m);
		return;
	}
	pa->previous_gain_known = old && !pa->state.alarm && pa->evidence_known &&
				  pa->evidence.model_version == old->kernel_version &&
				  measured(&pa->evidence);
	pa->previous_gain = pa->evidence.gain_q16 / 65536.0;
	proxy_model_drop(pa->previous);
	pa->previous = old;
	use(pa, m);
	pa->probation = true;
	pa->state.swaps++;
	pa->state.alarm = false;
	proxy_save_start(pa);
}

static void say_verdict(const struct proxy_agent *pa, const struct refit_work *w)
{
	const struct refit_result *r = &w->result;
	const struct refit_verdict *v = &r->verdict;

	log_say(LOG_INFO, pa->config.name,
		"version %u (%s, %zu rows, %zu of them replayed), tested on %zu: gain %.4g (%.4g to %.4g) over the baseline, %.4g (%.4g to %.4g) over the model in use; %s: %s",
		w->job.serial, r->warm ? "goes on from the last one" : "new network",
		r->train_rows, r->replayed, v->rows, v->gain.value, v->gain.low, v->gain.high,
		v->over_current.value, v->over_current.low, v->over_current.high,
		v->swap ? "goes into use" : "not used", v->why);
}

static void end_refit(struct work *work)
{
	struct refit_work *w = (struct refit_work *)work;
	struct proxy_agent *pa = w->pa;

	if (w->result.err && w->result.err != -ECANCELED)
		log_say(LOG_WARNING, pa->config.name, "no new model: %s", w->result.error);
	if (!w->result.err && w->result.model) {
		say_verdict(pa, w);
		pa->state.refits++;
		pa->fitted++;
		pa->state.last_refit_s = time(NULL);
		pa->state.gain = w->result.verdict.gain;
		if (*w->save_error)
			log_say(LOG_WARNING, pa->config.name,
				"version %u does not survive a restart: %s", w->job.serial,
				w->save_error);
		/* What it was compared with must be what it replaces, in the same world. */
		if (w->result.verdict.swap && pa->s && !pa->worker->stop &&
		    w->current == pa->current && w->job.alarm == pa->state.alarm)
			swap_in(pa, w);
		else if (pa->s && pa->state.alarm && !pa->worker->stop)
			proxy_model_try_again(pa);
	}
	refit_result_free(&w->result);
	mlds_free(&w->job.data);
	proxy_model_drop(w->current);
	pa->refitting = false;
	pa->busy--;
	free(w);
}

void proxy_refit_start(struct proxy_agent *pa)
{
	struct refit_work *w = calloc(1, sizeof(*w));
	uint32_t present = replay_regime_rows(&pa->replay);

	pa->rows_since_refit = 0;
	pa->refit_ns = proxy_now_ns();
	if (!w || replay_snapshot(&pa->replay, &w->job.data)) {
		log_say(LOG_WARNING, pa->config.name, "no memory for a refit on %u rows", present);
		free(w);
		return;
	}
	w->work.run = run_refit;
	w->work.done = end_refit;
	w->pa = pa;
	w->current = hold(pa->current);
	w->job.config = pa->config;
	w->job.present = w->job.data.n - present;
	w->job.alarm = pa->state.alarm;
	w->job.serial = ++pa->state.serial;
	w->job.cancel = &pa->worker->stop;
	if (pa->current) {
		w->job.current = pa->current->model;
		w->job.current_mlp = pa->current->mlp;
		w->job.current_len = pa->current->mlp_len;
	}
	pa->refitting = true;
	pa->busy++;
	log_say(LOG_DEBUG, pa->config.name, "refit %u on %u present and %zu older rows",
		w->job.serial, present, w->job.present);
	worker_add(pa->worker, &w->work);
}
