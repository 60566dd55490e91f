// SPDX-License-Identifier: GPL-2.0-only
/*
 * One proxy's loop: bind, heartbeat, records, and when a refit or a save is due.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "proxy_agent.h"

#define MS		1000000ULL
#define RETRY_NS	(5000 * MS)
#define WAKE_TIMEOUT_US	100000
#define JOIN_ENTRIES	65536
/* Outcomes that a refit by time must have got, as a part of refit_rows. */
#define PERIOD_PART	10

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

uint64_t proxy_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

void proxy_agent_init(struct proxy_agent *pa, const struct proxy_config *config,
		      const struct agent_config *agent, struct worker *worker)
{
	memset(pa, 0, sizeof(*pa));
	pa->config = *config;
	pa->agent = agent;
	pa->worker = worker;
	pa->mode = MLPROXY_MODE_LEARNING;
	snprintf(pa->dir, sizeof(pa->dir), "%s/%s", agent->state_dir, config->name);
}

/* ------------------------------------------------------------------ */
/* Heartbeat                                                           */

/* timeout_ms: until the next one, 0 where none will come */
static int beat(struct proxy_agent *pa, uint32_t timeout_ms)
{
	struct mlproxy_heartbeat answer;
	int err = mlproxy_heartbeat(pa->s, timeout_ms, &answer);

	if (!err)
		pa->mode = answer.mode;
	return err;
}

static void heartbeat(struct proxy_agent *pa, uint64_t now_ns)
{
	int err;

	if (pa->no_heartbeat || now_ns < pa->next_heartbeat_ns)
		return;
	err = beat(pa, pa->config.heartbeat_ms);
	if (err && !(pa->features & MLPROXY_FEAT_AUTO)) {
		pa->no_heartbeat = true;
		log_say(LOG_WARNING, pa->config.name,
			"this kernel module knows no heartbeats: it would not notice our death; install a newer one");
		return;
	}
	if (err)
		log_say(LOG_WARNING, pa->config.name, "the heartbeat failed: %s", strerror(-err));
	else
		pa->heartbeats++;
	pa->heartbeat_ns = now_ns;
	pa->next_heartbeat_ns = now_ns + pa->config.heartbeat_ms * MS / 3;
}

/* ------------------------------------------------------------------ */
/* Bind                                                                */

static int open_failed(struct proxy_agent *pa, int err, const char *text)
{
	/* Once, not at every attempt. */
	if (strcmp(text, pa->open_error))
		log_say(LOG_WARNING, pa->config.name, "%s; trying again", text);
	snprintf(pa->open_error, sizeof(pa->open_error), "%s", text);
	mlproxy_close(pa->s);
	pa->s = NULL;
	pa->next_open_ns = proxy_now_ns() + RETRY_NS;
	return err;
}

static int take_schema(struct proxy_agent *pa)
{
	struct mlproxy_schema_desc *desc;
	int err = mlproxy_schema_get(pa->s, &desc);

	if (err)
		return err;
	memset(&pa->schema, 0, sizeof(pa->schema));
	strcpy(pa->schema.proxy, desc->proxy);
	pa->schema.schema = desc->s;
	memcpy(pa->schema.features, desc->features,
	       desc->s.nr_features * sizeof(pa->schema.features[0]));
	memcpy(pa->schema.actions, desc->actions,
	       desc->s.nr_actions * sizeof(pa->schema.actions[0]));
	mlproxy_schema_free(desc);
	return 0;
}

static int bind_proxy(struct proxy_agent *pa)
{
	const struct mlproxy_ring_opts rings = {
		.data_bytes = pa->config.ring_bytes,
		.watermark_bytes = pa->config.ring_bytes / 8,
		.timeout_us = WAKE_TIMEOUT_US,
	};
	const char *device = *pa->agent->device ? pa->agent->device : NULL;
	struct mlproxy_info info;
	int err;

	err = mlproxy_open(&pa->s, device, 0);
	if (err) {
		pa->s = NULL;
		return err;
	}
	err = mlproxy_get_info(pa->s, &info);
	err = err ? err : mlproxy_bind(pa->s, pa->config.name);
	err = err ? err : take_schema(pa);
	err = err ? err : mlproxy_ring_setup(pa->s, &rings);
	if (!err)
		pa->features = info.features;
	return err;
}

static void set_exploration(struct proxy_agent *pa)
{
	uint32_t mode;

	for (mode = 0; mode < MLPROXY_NR_MODES; mode++) {
		if (pa->config.explore[mode] == CONFIG_UNSET)
			continue;
		if (mlproxy_param_set(pa->s, MLPROXY_PARAM_EXPLORE, mode,
				      pa->config.explore[mode]))
			log_say(LOG_WARNING, pa->config.name, "explore.%s: %s",
				mlproxy_mode_name(mode), mlproxy_errmsg(pa->s));
	}
}

static int make_buffers(struct proxy_agent *pa)
{
	int err;

	pa->clock_offset_ns = clock_ns(CLOCK_REALTIME) - proxy_now_ns();
	err = mlproxy_join_new(&pa->join, JOIN_ENTRIES, NULL, NULL);
	err = err ? err : replay_init(&pa->replay, &pa->schema, pa->config.recent_rows,
				      pa->config.archive_rows);
	err = err ? err : proxy_restore(pa);
	if (!err)
		return 0;
	mlproxy_join_free(pa->join);
	pa->join = NULL;
	replay_free(&pa->replay);
	return err;
}

int proxy_agent_open(struct proxy_agent *pa)
{
	uint64_t now_ns = proxy_now_ns();
	int err = bind_proxy(pa);

	if (err)
		return open_failed(pa, err, mlproxy_errmsg(pa->s));
	/* Heard before the slow part: reading the state. */
	heartbeat(pa, now_ns);
	err = make_buffers(pa);
	if (err)
		return open_failed(pa, err, err == -ENOMEM ? "no memory for the replay buffer" :
				   persist_error());
	proxy_model_resume(pa);
	set_exploration(pa);
	if (pa->config.start && mlproxy_control(pa->s, MLPROXY_CTL_START, NULL) &&
	    pa->features)
		log_say(LOG_DEBUG, pa->config.name, "%s", mlproxy_errmsg(pa->s));
	pa->open_error[0] = '\0';
	pa->refit_ns = now_ns;
	pa->next_status_ns = now_ns;
	pa->next_save_ns = now_ns + pa->agent->save_ms * MS;
	log_say(LOG_INFO, pa->config.name, "learning");
	return 0;
}

/* The rings are broken: begin again, once no job has pointers into this. */
static void lost(struct proxy_agent *pa)
{
	if (!pa->failed)
		log_say(LOG_WARNING, pa->config.name, "the proxy is lost: %s",
			mlproxy_errmsg(pa->s));
	pa->failed = true;
	if (pa->busy)
		return;
	proxy_agent_close(pa);
	pa->failed = false;
	pa->next_open_ns = proxy_now_ns() + RETRY_NS;
}

/* ------------------------------------------------------------------ */
/* Loop                                                                */

static bool refit_due(const struct proxy_agent *pa, uint64_t now_ns)
{
	uint64_t due = pa->config.refit_rows;

	if (pa->refitting || replay_regime_rows(&pa->replay) < pa->config.min_rows)
		return false;
	/* Without a model that fits, every little helps. */
	if (!pa->current || pa->state.alarm)
		due = pa->fitted ? due / 2 : 0;
	if (pa->rows_since_refit >= due)
		return true;
	return now_ns - pa->refit_ns >= pa->config.refit_ms * MS &&
	       pa->rows_since_refit >= pa->config.refit_rows / PERIOD_PART;
}

static void periodic(struct proxy_agent *pa, uint64_t now_ns)
{
	if (now_ns >= pa->next_status_ns) {
		pa->next_status_ns = now_ns + pa->agent->status_ms * MS;
		proxy_model_watch(pa);
		proxy_write_status(pa);
	}
	if (now_ns >= pa->next_save_ns) {
		pa->next_save_ns = now_ns + pa->agent->save_ms * MS;
		if (pa->rows_since_save)
			proxy_save_start(pa);
	}
	if (refit_due(pa, now_ns))
		proxy_refit_start(pa);
}

void proxy_agent_step(struct proxy_agent *pa)
{
	uint64_t now_ns = proxy_now_ns();
	int ret;

	if (!pa->s) {
		if (now_ns >= pa->next_open_ns)
			proxy_agent_open(pa);
		return;
	}
	heartbeat(pa, now_ns);
	ret = pa->failed ? -EIO : proxy_take_rows(pa);
	if (ret < 0) {
		lost(pa);
		return;
	}
	heartbeat(pa, proxy_now_ns());
	periodic(pa, now_ns);
}

uint32_t proxy_agent_wait_ms(const struct proxy_agent *pa)
{
	uint64_t now_ns = proxy_now_ns(), next = pa->next_status_ns;

	if (!pa->s)
		next = pa->next_open_ns;
	else if (!pa->no_heartbeat && pa->next_heartbeat_ns < next)
		next = pa->next_heartbeat_ns;
	return next <= now_ns ? 0 : (next - now_ns) / MS + 1;
}

void proxy_agent_close(struct proxy_agent *pa)
{
	if (pa->s) {
		proxy_save_now(pa);
		if (!pa->no_heartbeat)
			beat(pa, 0);
		mlproxy_close(pa->s);
		pa->s = NULL;
		proxy_write_status(pa);
	}
	mlproxy_join_free(pa->join);
	pa->join = NULL;
	replay_free(&pa->replay);
	proxy_model_drop(pa->current);
	proxy_model_drop(pa->previous);
	pa->current = NULL;
	pa->previous = NULL;
}
