/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the agent keeps on disk, for each proxy in a directory of its own:
 *
 *	replay.h5	rows of the replay buffer: a data set as `mlproxy record`
 *			writes it, a run a regime, the row's number for an id and
 *			CLOCK_REALTIME for a time
 *	state.json	counters, numbers of versions, regimes
 *	versions/N.*	version N: N.float (network and optimiser), N.mlp (fixed
 *			point), N.json (how it came about and how it was tested)
 *
 * Each file is written under another name, synced and renamed: a kill or a power
 * failure at any time leaves the old or the new one, whole. Files of different
 * times fit together: the rows say themselves which is the newest.
 *
 * All use libhdf5, which is for one thread: the callers keep others out.
 */
#ifndef MLPROXYD_PERSIST_H
#define MLPROXYD_PERSIST_H

#include <jansson.h>

#include "mlproxy_train.h"
#include "replay.h"

/**
 * struct persist_state - state.json
 * @schema_hash: of the proxy
 * @serial: number of the newest version, 0 for none
 * @current: version in use, 0 for none
 * @previous: the one before it, 0 for none
 * @rejected: version that was rolled back last, 0 for none
 * @next_row: number of the next row
 * @rows: outcomes taken so far
 * @refits: models fitted
 * @swaps: models that went into use
 * @rollbacks: models that were rolled back
 * @last_refit_s: CLOCK_REALTIME of the last refit
 * @alarm: the world changed, and no model was found for it yet
 * @gain: off-policy gain of the last test
 * @nr_regimes: entries in @regime
 * @regime: number and offered rows
 */
struct persist_state {
	uint64_t schema_hash;
	uint32_t serial;
	uint32_t current;
	uint32_t previous;
	uint32_t rejected;
	uint64_t next_row;
	uint64_t rows;
	uint64_t refits;
	uint64_t swaps;
	uint64_t rollbacks;
	uint64_t last_refit_s;
	bool alarm;
	struct mltrain_estimate gain;
	uint32_t nr_regimes;
	struct replay_regime regime[REPLAY_MAX_REGIMES];
};

/** persist_error() - reason of this thread's last failure, in words */
const char *persist_error(void);

/**
 * persist_open() - make the directory of a proxy, remove what a kill left half-done
 * @dir: directory; its parent must be there
 *
 * Each function returns 0 or a negative errno; -ENOENT for what is not there.
 */
int persist_open(const char *dir);

/**
 * persist_lock() - keep other agents out of a directory
 * @dir: directory, made by persist_open()
 *
 * Return: a descriptor that holds the lock until it is closed; -EBUSY if another agent
 * has it, or another negative errno.
 */
int persist_lock(const char *dir);

/** persist_set_aside() - keep what is of another schema under the name DIR.old */
int persist_set_aside(const char *dir);

/** persist_save_rows() - write replay.h5 */
int persist_save_rows(const char *dir, const struct mlds_data *data, uint32_t nr_regimes);

/** persist_load_rows() - read replay.h5; mlds_free() @data */
int persist_load_rows(const char *dir, struct mlds_data *data);

/** persist_save_state() - write state.json */
int persist_save_state(const char *dir, const struct persist_state *state);

/** persist_load_state() - read state.json; -EBADMSG for one that makes no sense */
int persist_load_state(const char *dir, struct persist_state *state);

/** persist_save_version() - write the files of a version; drops @report */
int persist_save_version(const char *dir, uint32_t serial, const struct mltrain_model *model,
			 const void *mlp, size_t mlp_len, json_t *report);

/**
 * persist_load_version() - read a version
 * @dir: directory
 * @serial: version
 * @schema: what it must be for
 * @model: out: float model
 * @mlp: out: fixed-point model, verified; for free()
 * @mlp_len: out: its bytes
 */
int persist_load_version(const char *dir, uint32_t serial, const struct mlds_schema *schema,
			 struct mltrain_model **model, void **mlp, size_t *mlp_len);

/**
 * persist_version_error() - mean absolute error of a version's test, by its report
 *
 * Return: the error in reward units, or -1 if it is not known.
 */
double persist_version_error(const char *dir, uint32_t serial);

/** persist_prune() - remove all versions but the newest @keep, @a and @b */
void persist_prune(const char *dir, uint32_t newest, uint32_t keep, uint32_t a, uint32_t b);

/**
 * persist_write_json() - replace a file by a JSON text
 * @path: file
 * @value: value; dropped
 * @sync: it must survive a power failure
 */
int persist_write_json(const char *path, json_t *value, bool sync);

/** persist_estimate() - an estimate for JSON, null where it is not finite */
json_t *persist_estimate(const struct mltrain_estimate *e);

#endif /* MLPROXYD_PERSIST_H */
