/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The replay buffer: outcomes to learn from, old and new, in bounded memory.
 *
 * The newest rows are in a queue, all of them. A row that leaves the queue is
 * offered to the archive, which keeps a uniform sample of each regime: a stretch of
 * time between two changes of the world, as the drift test told them. The archive's
 * room is shared evenly between its regimes, so that a long one does not crowd out a
 * short one that was before it (as classes in Chrysakis, Moens, Online Continual
 * Learning from Imbalanced Data, ICML 2020; within a regime Vitter's reservoir). Of
 * more than REPLAY_MAX_REGIMES, the two oldest become one.
 *
 * Rows are numbered as they come, for ever: the number is the row's id in the data
 * set, and says whether it is for training or for tests.
 */
#ifndef MLPROXYD_REPLAY_H
#define MLPROXYD_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "mlproxy_dataset.h"

#define REPLAY_MAX_REGIMES	16

/**
 * struct replay_row - an outcome, without its features
 * @serial: number of the row, > 0
 * @key: entity
 * @time_ns: CLOCK_REALTIME of the decision
 * @reward: outcome
 * @predicted: reward that the model predicted for its candidate
 * @prob_q31: probability of @action
 * @model_version: the kernel's
 * @allowed: legal actions
 * @regime: number of the regime
 * @action: taken
 * @baseline: the kernel's own choice
 * @source: MLPROXY_SRC_*
 * @mode: MLPROXY_MODE_*
 * @candidate: what the model proposed, 0xff for none
 */
struct replay_row {
	uint64_t serial;
	uint64_t key;
	uint64_t time_ns;
	int64_t reward;
	int64_t predicted;
	uint32_t prob_q31;
	uint32_t model_version;
	uint32_t allowed;
	uint32_t regime;
	uint8_t action;
	uint8_t baseline;
	uint8_t source;
	uint8_t mode;
	uint8_t candidate;
};

/**
 * struct replay_regime - a stretch of time in one world
 * @number: ascending
 * @offered: its rows that left the queue
 * @kept: of these, in the archive
 * @slot: where they are
 */
struct replay_regime {
	uint32_t number;
	uint64_t offered;
	uint32_t kept;
	uint32_t *slot;
};

/**
 * struct replay - the buffer
 * @schema: of the rows
 * @recent_room: room of the queue
 * @archive_room: room of the archive
 * @rows: the queue, then the archive
 * @features: of @rows, nr_features each
 * @head: oldest row of the queue
 * @nr_recent: rows in the queue
 * @nr_archive: rows in the archive
 * @nr_regimes: entries in @regime, at least 1
 * @regime: oldest first; the last is the present one
 * @next_serial: of the next row
 * @random: state of the sampling
 */
struct replay {
	struct mlds_schema schema;
	uint32_t recent_room;
	uint32_t archive_room;
	struct replay_row *rows;
	int64_t *features;
	uint32_t head;
	uint32_t nr_recent;
	uint32_t nr_archive;
	uint32_t nr_regimes;
	struct replay_regime regime[REPLAY_MAX_REGIMES];
	uint64_t next_serial;
	uint64_t random;
};

/**
 * replay_init() - an empty buffer
 * @r: out; replay_free() it
 * @schema: of the rows
 * @recent: room of the queue, > 0
 * @archive: room of the archive
 *
 * Return: 0 or -ENOMEM.
 */
int replay_init(struct replay *r, const struct mlds_schema *schema, uint32_t recent,
		uint32_t archive);

/** replay_free() - free the memory of a buffer, or of one that is all zero */
void replay_free(struct replay *r);

/**
 * replay_add() - add an outcome
 * @r: buffer
 * @row: outcome; its serial and regime are set here
 * @features: the context
 *
 * Return: number of the row.
 */
uint64_t replay_add(struct replay *r, const struct replay_row *row, const int64_t *features);

/**
 * replay_new_regime() - the world changed
 * @r: buffer
 * @since: first row of the new regime
 */
void replay_new_regime(struct replay *r, uint64_t since);

/**
 * replay_regime_rows() - rows in the queue that are of the present regime
 * @r: buffer
 */
uint32_t replay_regime_rows(const struct replay *r);

/**
 * replay_snapshot() - a copy of all rows, as a data set
 * @r: buffer
 * @data: out; mlds_free() it. Ordered by number, which is the id; run is the index
 *	of the regime
 *
 * Return: 0 or -ENOMEM.
 */
int replay_snapshot(const struct replay *r, struct mlds_data *data);

/**
 * replay_restore() - put the rows of a snapshot into an empty buffer
 * @r: buffer
 * @data: rows, in any order
 * @regimes: numbers and offered rows of the regimes, by the index in data->run
 * @nr_regimes: how many; others are taken as they appear
 *
 * The newest go into the queue, the others into the archive as far as there is room.
 * Return: 0 or -ENOMEM.
 */
int replay_restore(struct replay *r, const struct mlds_data *data,
		   const struct replay_regime *regimes, uint32_t nr_regimes);

/** What a row is for; for ever, so that no model was trained on what tests it. */
enum replay_role {
	REPLAY_TRAIN,
	REPLAY_VALID,
	REPLAY_TEST,
};

/**
 * replay_role_of() - what a row is for
 * @by_key: rows of one key are alike (the kernel randomises by entity)
 * @serial: number of the row
 * @key: its key
 * @holdout: share of REPLAY_TEST
 * @validation: share of REPLAY_VALID in the rest
 */
enum replay_role replay_role_of(bool by_key, uint64_t serial, uint64_t key, double holdout,
				double validation);

#endif /* MLPROXYD_REPLAY_H */
