/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent of one proxy: the loop that takes its outcomes, and what goes with it.
 *
 *	proxy_agent.c	session, loop, heartbeat, when a refit is due
 *	proxy_rows.c	records of the rings: outcomes, errors, changes of mode
 *	proxy_model.c	models in use: swap, watch, roll back, resume
 *	proxy_save.c	what is kept on disk, and the status file
 *
 * All of it runs in the loop's thread, but for the run() of jobs.
 */
#ifndef MLPROXYD_PROXY_AGENT_H
#define MLPROXYD_PROXY_AGENT_H

#include <limits.h>

#include <mlproxy/mlproxy.h>

#include "config.h"
#include "drift.h"
#include "persist.h"
#include "replay.h"
#include "worker.h"

/**
 * struct agent_model - a model that is or was in use; counted, by the loop's thread
 * @refs: users
 * @serial: the agent's number of it
 * @kernel_version: the kernel's, 0 while it is not loaded
 * @abs_error: mean absolute error in its test, in reward units; negative if unknown
 * @model: float model
 * @mlp: fixed-point form
 * @mlp_len: its bytes
 */
struct agent_model {
	unsigned int refs;
	uint32_t serial;
	uint32_t kernel_version;
	double abs_error;
	struct mltrain_model *model;
	void *mlp;
	size_t mlp_len;
};

/**
 * struct proxy_agent - one proxy
 * @config: its section
 * @agent: the whole configuration
 * @worker: for jobs
 * @s: session, NULL while the proxy can't be bound
 * @open_error: why not, to be told once
 * @dir: its directory
 * @schema: schema
 * @join: decisions that wait for their outcome
 * @replay: outcomes
 * @state: counters, as they are saved
 * @current: model in use, or NULL
 * @previous: the one to roll back to, or NULL
 * @drift: test on the errors of @current
 * @model_rows: outcomes of decisions of @current
 * @error_sum: of their absolute errors, in reward units
 * @probation: @current may still be rolled back
 * @previous_gain: realised gain of @previous over the baseline, when it was replaced
 * @previous_gain_known: there is such a figure, of the same world
 * @evidence: what the kernel measured
 * @evidence_known: there is such a figure
 * @mode: the kernel's
 * @reload: the proxy was re-initialised: its model is to be loaded again
 * @clock_offset_ns: CLOCK_REALTIME less CLOCK_MONOTONIC
 * @features: MLPROXY_FEAT_* of the kernel
 * @rows_since_refit: outcomes
 * @rows_since_save: outcomes
 * @fitted: refits of this process
 * @busy: jobs of this proxy in the worker
 * @refitting: a refit is under way
 * @saving: a save is under way
 * @failed: the session is of no use any more
 * @no_heartbeat: the kernel knows none
 * @heartbeats: sent
 * @heartbeat_ns: CLOCK_MONOTONIC of the last one
 * @next_heartbeat_ns: when the next is due
 * @next_status_ns: of the status file
 * @next_save_ns: of saving
 * @next_open_ns: of the next attempt to bind
 * @refit_ns: of the last refit
 */
struct proxy_agent {
	struct proxy_config config;
	const struct agent_config *agent;
	struct worker *worker;
	struct mlproxy_session *s;
	char open_error[300];
	char dir[PATH_MAX];
	struct mlds_schema schema;
	struct mlproxy_join *join;
	struct replay replay;
	struct persist_state state;
	struct agent_model *current;
	struct agent_model *previous;
	struct drift drift;
	uint64_t model_rows;
	double error_sum;
	bool probation;
	double previous_gain;
	bool previous_gain_known;
	struct mlproxy_evidence evidence;
	bool evidence_known;
	uint32_t mode;
	bool reload;
	int64_t clock_offset_ns;
	uint64_t features;
	uint64_t rows_since_refit;
	uint64_t rows_since_save;
	uint64_t fitted;
	unsigned int busy;
	bool refitting;
	bool saving;
	bool failed;
	bool no_heartbeat;
	uint64_t heartbeats;
	uint64_t heartbeat_ns;
	uint64_t next_heartbeat_ns;
	uint64_t next_status_ns;
	uint64_t next_save_ns;
	uint64_t next_open_ns;
	uint64_t refit_ns;
};

/** proxy_now_ns() - CLOCK_MONOTONIC */
uint64_t proxy_now_ns(void);

/**
 * proxy_agent_init() - prepare the agent of a proxy
 * @pa: out
 * @config: its section; copied
 * @agent: configuration; must stay
 * @worker: worker; must stay
 */
void proxy_agent_init(struct proxy_agent *pa, const struct proxy_config *config,
		      const struct agent_config *agent, struct worker *worker);

/**
 * proxy_agent_open() - bind to the proxy, set the rings up, take up where it was left
 * @pa: agent
 *
 * Return: 0, or a negative errno; what failed has been logged.
 */
int proxy_agent_open(struct proxy_agent *pa);

/**
 * proxy_agent_step() - one turn of the loop: heartbeat, records, what is due
 * @pa: agent
 */
void proxy_agent_step(struct proxy_agent *pa);

/** proxy_agent_wait_ms() - how long the loop may sleep for this proxy */
uint32_t proxy_agent_wait_ms(const struct proxy_agent *pa);

/**
 * proxy_agent_close() - save, tell the kernel, let go; the worker has stopped
 * @pa: agent
 */
void proxy_agent_close(struct proxy_agent *pa);

/* ------------------------------------------------------------------ */
/* Between the files                                                   */

/* proxy_rows.c */

/** Take what is in the rings, bounded. Return: as mlproxy_ring_consume(). */
int proxy_take_rows(struct proxy_agent *pa);
/** The world changed, from row @since on. */
void proxy_world_changed(struct proxy_agent *pa, uint64_t since, const char *why);

/* proxy_model.c */

void proxy_model_drop(struct agent_model *m);
/** Take up the persisted model, or the one that the kernel runs. */
void proxy_model_resume(struct proxy_agent *pa);
/** What the kernel runs, and how it fares: called every now and then. */
void proxy_model_watch(struct proxy_agent *pa);
/** The kernel measured the version in use as worse: roll back, or see a change. */
void proxy_model_measured_worse(struct proxy_agent *pa, const char *why);
/**
 * The model in use is of another world: have the kernel try it from the beginning, so
 * that the proxy explores as in learning mode.
 */
void proxy_model_try_again(struct proxy_agent *pa);
/** Queue a refit. */
void proxy_refit_start(struct proxy_agent *pa);

/* proxy_save.c */

/** Read what is on disk; opens the directory. Return: 0 or a negative errno. */
int proxy_restore(struct proxy_agent *pa);
/** Queue a save. */
void proxy_save_start(struct proxy_agent *pa);
/** Save now, in this thread: the worker has stopped. */
void proxy_save_now(struct proxy_agent *pa);
void proxy_write_status(struct proxy_agent *pa);

#endif /* MLPROXYD_PROXY_AGENT_H */
