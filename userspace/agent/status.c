// SPDX-License-Identifier: GPL-2.0-only
/*
 * The status file; see status.h.
 */
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "persist.h"
#include "status.h"

static json_t *realised(const struct learner *ln)
{
	const struct mlproxy_evidence *e = &ln->evidence;
	struct mltrain_estimate g = { e->gain_q16 / 65536.0, e->low_q16 / 65536.0,
				      e->high_q16 / 65536.0 };

	if (!ln->evidence_known || e->low_q16 == INT64_MIN || e->high_q16 == INT64_MAX)
		return json_null();
	return persist_estimate(&g);
}

void status_write(const struct learner *ln)
{
	char path[PATH_MAX];
	json_t *status;

	status = json_pack("{s:s, s:I, s:i, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}",
			   "proxy", ln->config.name, "time", (json_int_t)time(NULL),
			   "pid", (int)getpid(), "mode", mlproxy_mode_name(ln->mode),
			   "bound", ln->s != NULL, "rows", (json_int_t)ln->state.rows,
			   "recent_rows", (json_int_t)ln->replay.nr_recent,
			   "archived_rows", (json_int_t)ln->replay.nr_archive,
			   "refits", (json_int_t)ln->state.refits,
			   "swaps", (json_int_t)ln->state.swaps,
			   "rollbacks", (json_int_t)ln->state.rollbacks,
			   "heartbeats", (json_int_t)ln->heartbeats,
			   "refitting", ln->refitting);
	if (status) {
		json_object_set_new(status, "last_refit_time",
				    json_integer(ln->state.last_refit_s));
		json_object_set_new(status, "last_test", ln->state.last_refit_s ?
				    persist_estimate(&ln->state.gain) : json_null());
		json_object_set_new(status, "realised", realised(ln));
		json_object_set_new(status, "version",
				    json_integer(ln->current ? ln->current->serial : 0));
		json_object_set_new(status, "model_version",
				    json_integer(ln->current ? ln->current->kernel_version : 0));
		json_object_set_new(status, "error_mean", ln->model_rows ?
				    json_real(ln->error_sum / ln->model_rows) : json_null());
		json_object_set_new(status, "error_recent", ln->current && ln->drift.n ?
				    json_real(ln->drift.recent * ln->current->model->reward_scale) :
				    json_null());
		json_object_set_new(status, "alarm", json_boolean(ln->state.alarm));
		json_object_set_new(status, "regimes", json_integer(ln->replay.nr_regimes));
	}
	if (snprintf(path, sizeof(path), "%s/%s.status.json", ln->agent->state_dir,
		     ln->config.name) >= (int)sizeof(path))
		return;
	if (persist_write_json(path, status, false))
		log_say(LOG_DEBUG, ln->config.name, "%s", persist_error());
}
