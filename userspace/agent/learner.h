/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the agent holds for one proxy, a "learner"; who does what with it:
 *
 *	loop.c		session, heartbeat, when a refit or a save is due
 *	rows.c		records of the rings: outcomes, errors, changes of mode
 *	versions.c	models in use: refit, swap, watch, roll back, resume
 *	status.c	the status file
 *	save.c		what is kept on disk
 *
 * Each calls only those below it. All of it runs in the loop's thread, but for the
 * run() of jobs.
 */
#ifndef MLPROXYD_LEARNER_H
#define MLPROXYD_LEARNER_H

#include <limits.h>

#include <mlproxy/mlproxy.h>

#include "config.h"
#include "drift.h"
#include "persist.h"
#include "replay.h"
#include "worker.h"

/**
 * struct version - a model that is or was in use; counted, by the loop's thread
 * @refs: users
 * @serial: the agent's number of it
 * @kernel_version: the kernel's, 0 while it is not loaded
 * @abs_error: mean absolute error in its test, in reward units; negative if unknown
 * @model: float model
 * @mlp: fixed-point form
 * @mlp_len: its bytes
 */
struct version {
	unsigned int refs;
	uint32_t serial;
	uint32_t kernel_version;
	double abs_error;
	struct mltrain_model *model;
	void *mlp;
	size_t mlp_len;
};

/**
 * struct learner - one proxy
 * @config: its section
 * @agent: the whole configuration
 * @worker: for jobs
 * @s: session, NULL while the proxy can't be bound
 * @open_error: why not, to be told once
 * @dir: its directory
 * @dir_lock: holds its lock, or -1
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
 * @setup_check_ns: when to look whether the operator's part is in force, 0: done
 * @refit_ns: of the last refit
 */
struct learner {
	struct proxy_config config;
	const struct agent_config *agent;
	struct worker *worker;
	struct mlproxy_session *s;
	char open_error[300];
	char dir[PATH_MAX];
	int dir_lock;
	struct mlds_schema schema;
	struct mlproxy_join *join;
	struct replay replay;
	struct persist_state state;
	struct version *current;
	struct version *previous;
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
	uint64_t setup_check_ns;
	uint64_t refit_ns;
};

#endif /* MLPROXYD_LEARNER_H */
