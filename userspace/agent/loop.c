// SPDX-License-Identifier: GPL-2.0-only
/*
 * One proxy's loop: bind, heartbeat, records, and when a refit or a save is due.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "log.h"
#include "loop.h"
#include "rows.h"
#include "save.h"
#include "setup.h"
#include "status.h"
#include "versions.h"

#define MS		1000000ULL
#define RETRY_NS	(1000 * MS)
/* What the operator sets, udev has set by then where the proxy came just now. */
#define SETUP_NS	(5000 * MS)
#define WAKE_TIMEOUT_US	100000
#define JOIN_ENTRIES	65536
/* Outcomes that a refit by time must have got, as a part of refit_rows. */
#define PERIOD_PART	10

void learner_init(struct learner *ln, const struct proxy_config *config,
		  const struct agent_config *agent, struct worker *worker)
{
	memset(ln, 0, sizeof(*ln));
	ln->config = *config;
	ln->agent = agent;
	ln->worker = worker;
	ln->mode = MLPROXY_MODE_LEARNING;
	ln->dir_lock = -1;
	snprintf(ln->dir, sizeof(ln->dir), "%s/%s", agent->state_dir, config->name);
}

/* ------------------------------------------------------------------ */
/* Heartbeat                                                           */

/* timeout_ms: until the next one, 0 where none will come */
static int beat(struct learner *ln, uint32_t timeout_ms)
{
	struct mlproxy_heartbeat answer;
	int err = mlproxy_heartbeat(ln->s, timeout_ms, &answer);

	if (!err)
		ln->mode = answer.mode;
	return err;
}

static void heartbeat(struct learner *ln, uint64_t now_ns)
{
	int err;

	if (ln->no_heartbeat || now_ns < ln->next_heartbeat_ns)
		return;
	err = beat(ln, ln->config.heartbeat_ms);
	if (err && !(ln->features & MLPROXY_FEAT_AUTO)) {
		ln->no_heartbeat = true;
		log_say(LOG_WARNING, ln->config.name,
			"this kernel module knows no heartbeats: it would not notice our death; install a newer one");
		return;
	}
	if (err)
		log_say(LOG_WARNING, ln->config.name, "the heartbeat failed: %s", strerror(-err));
	else
		ln->heartbeats++;
	ln->heartbeat_ns = now_ns;
	ln->next_heartbeat_ns = now_ns + ln->config.heartbeat_ms * MS / 3;
}

/* ------------------------------------------------------------------ */
/* Bind                                                                */

static int open_failed(struct learner *ln, int err, const char *text)
{
	/* Once, not at every attempt. */
	if (strcmp(text, ln->open_error))
		log_say(LOG_WARNING, ln->config.name, "%s; trying again", text);
	snprintf(ln->open_error, sizeof(ln->open_error), "%s", text);
	mlproxy_close(ln->s);
	ln->s = NULL;
	ln->next_open_ns = clock_ns_now() + RETRY_NS;
	return err;
}

static int take_schema(struct learner *ln)
{
	struct mlproxy_schema_desc *desc;
	int err = mlproxy_schema_get(ln->s, &desc);

	if (err)
		return err;
	memset(&ln->schema, 0, sizeof(ln->schema));
	strcpy(ln->schema.proxy, desc->proxy);
	ln->schema.schema = desc->s;
	memcpy(ln->schema.features, desc->features,
	       desc->s.nr_features * sizeof(ln->schema.features[0]));
	memcpy(ln->schema.actions, desc->actions,
	       desc->s.nr_actions * sizeof(ln->schema.actions[0]));
	mlproxy_schema_free(desc);
	return 0;
}

/*
 * One agent a proxy, whatever its state directory: a lock on the device, on the byte
 * that the proxy's name hashes to. It ends with the session.
 */
static int lock_proxy(struct learner *ln)
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	const char *c;

	for (c = ln->config.name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3ULL;
	lock.l_start = hash >> 2;
	if (!fcntl(mlproxy_fd(ln->s), F_OFD_SETLK, &lock))
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

static int bind_proxy(struct learner *ln)
{
	uint32_t bytes = ln->config.ring_bytes ? ln->config.ring_bytes :
						 MLPROXY_RING_DEFAULT_BYTES;
	const struct mlproxy_ring_opts rings = {
		.size = sizeof(rings),
		.data_bytes = ln->config.ring_bytes,
		.watermark_bytes = bytes / 8,
		.timeout_us = WAKE_TIMEOUT_US,
	};
	const char *device = *ln->agent->device ? ln->agent->device : NULL;
	struct mlproxy_info info;
	int err;

	err = mlproxy_open(&ln->s, device, 0);
	if (err) {
		ln->s = NULL;
		return err;
	}
	err = mlproxy_get_info(ln->s, &info);
	err = err ? err : mlproxy_bind(ln->s, ln->config.name);
	err = err ? err : take_schema(ln);
	err = err ? err : mlproxy_ring_setup(ln->s, &rings);
	if (!err)
		ln->features = info.features;
	return err;
}

static int make_buffers(struct learner *ln)
{
	int err;

	ln->clock_offset_ns = clock_ns(CLOCK_REALTIME) - clock_ns_now();
	err = mlproxy_join_new(&ln->join, JOIN_ENTRIES, NULL, NULL);
	err = err ? err : replay_init(&ln->replay, &ln->schema, ln->config.recent_rows,
				      ln->config.archive_rows);
	err = err ? err : save_restore(ln);
	if (!err)
		return 0;
	mlproxy_join_free(ln->join);
	ln->join = NULL;
	replay_free(&ln->replay);
	save_unlock(ln);
	return err;
}

int learner_open(struct learner *ln)
{
	uint64_t now_ns = clock_ns_now();
	int err = bind_proxy(ln);

	if (err)
		return open_failed(ln, err, mlproxy_errmsg(ln->s));
	err = lock_proxy(ln);
	if (err)
		return open_failed(ln, err, err == -EBUSY ?
				   "another mlproxyd learns for this proxy: stop that one first" :
				   "the device can't be locked");
	/* Heard before the slow part: reading the state. */
	heartbeat(ln, now_ns);
	err = make_buffers(ln);
	if (err)
		return open_failed(ln, err, err == -ENOMEM ? "no memory for the replay buffer" :
				   persist_error());
	versions_resume(ln);
	ln->open_error[0] = '\0';
	ln->refit_ns = now_ns;
	ln->next_status_ns = now_ns;
	ln->next_save_ns = now_ns + ln->agent->save_ms * MS;
	ln->setup_check_ns = now_ns + SETUP_NS;
	log_say(LOG_INFO, ln->config.name, "learning");
	return 0;
}

void learner_retry(struct learner *ln)
{
	if (!ln->s)
		ln->next_open_ns = 0;
}

/* The rings are broken: begin again, once no job has pointers into this. */
static void lost(struct learner *ln)
{
	if (!ln->failed)
		log_say(LOG_WARNING, ln->config.name, "the proxy is lost: %s",
			mlproxy_errmsg(ln->s));
	ln->failed = true;
	if (ln->busy)
		return;
	learner_close(ln);
	ln->failed = false;
	ln->next_open_ns = clock_ns_now() + RETRY_NS;
}

/* ------------------------------------------------------------------ */
/* Loop                                                                */

static bool refit_due(const struct learner *ln, uint64_t now_ns)
{
	uint64_t due = ln->config.refit_rows;

	if (ln->refitting || replay_regime_rows(&ln->replay) < ln->config.min_rows)
		return false;
	/* Without a model that fits, every little helps. */
	if (!ln->current || ln->state.alarm)
		due = ln->fitted ? due / 2 : 0;
	if (ln->rows_since_refit >= due)
		return true;
	return now_ns - ln->refit_ns >= ln->config.refit_ms * MS &&
	       ln->rows_since_refit >= ln->config.refit_rows / PERIOD_PART;
}

static void periodic(struct learner *ln, uint64_t now_ns)
{
	if (now_ns >= ln->next_status_ns) {
		ln->next_status_ns = now_ns + ln->agent->status_ms * MS;
		versions_watch(ln);
		status_write(ln);
	}
	if (ln->setup_check_ns && now_ns >= ln->setup_check_ns) {
		ln->setup_check_ns = 0;
		setup_in_force(ln->s, &ln->config, ln->config.name);
	}
	if (now_ns >= ln->next_save_ns) {
		ln->next_save_ns = now_ns + ln->agent->save_ms * MS;
		if (ln->rows_since_save)
			save_start(ln);
	}
	if (refit_due(ln, now_ns))
		versions_refit(ln);
}

void learner_step(struct learner *ln)
{
	uint64_t now_ns = clock_ns_now();
	int ret;

	if (!ln->s) {
		if (now_ns >= ln->next_open_ns)
			learner_open(ln);
		return;
	}
	heartbeat(ln, now_ns);
	ret = ln->failed ? -EIO : rows_take(ln);
	if (ret < 0) {
		lost(ln);
		return;
	}
	heartbeat(ln, clock_ns_now());
	periodic(ln, now_ns);
}

uint32_t learner_wait_ms(const struct learner *ln)
{
	uint64_t now_ns = clock_ns_now(), next = ln->next_status_ns;

	if (!ln->s)
		next = ln->next_open_ns;
	else if (!ln->no_heartbeat && ln->next_heartbeat_ns < next)
		next = ln->next_heartbeat_ns;
	return next <= now_ns ? 0 : (next - now_ns) / MS + 1;
}

void learner_close(struct learner *ln)
{
	if (ln->s) {
		save_now(ln);
		if (!ln->no_heartbeat)
			beat(ln, 0);
		mlproxy_close(ln->s);
		ln->s = NULL;
		status_write(ln);
	}
	mlproxy_join_free(ln->join);
	ln->join = NULL;
	replay_free(&ln->replay);
	save_unlock(ln);
	version_drop(ln->current);
	version_drop(ln->previous);
	ln->current = NULL;
	ln->previous = NULL;
}
