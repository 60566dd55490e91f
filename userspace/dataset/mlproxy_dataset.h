/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Data sets on disk: what a recorder writes and a trainer reads, in HDF5.
 *
 * A file holds the records of one proxy (one schema hash), of any number of
 * runs; every recorder session is a run, since decision ids start again when the
 * module is loaded again. Layout, each table a chunked, extendible, compressed
 * compound data set:
 *
 *	/			attributes: format, proxy, schema (hash, version,
 *				reward, unit of randomisation, max_macs, ledger, cost
 *				and work)
 *	/schema/features	name, unit, type, min, max, field, preprocess
 *	/schema/actions		name, value
 *	/schema/states		name, unit, type, preprocess, min, max: what the
 *				values of a snapshot (event 65535) are
 *	/schema/events		name, nr_values, period_ms, by number of the event
 *	/schema/strata		name, by number of the stratum
 *	/runs			run, start times, kernel release, boot id
 *	/instances		run, instance, name: what the numbers of instances are
 *	/decisions		run, id, key, time_ns, cpu, prob, prob_q31,
 *				model_version, allowed, baseline, action, source,
 *				mode, candidate, candidate_source, predicted, arm,
 *				stratum, outer_arm, instance, then one int64 a feature under
 *				the feature's name
 *	/feedback		run, id, time_ns, cpu, reward, action, source,
 *				model_version, predicted, error, flags, arm, ledger,
 *				instance;
 *				where flags has 4 (MLPROXY_FEEDBACK_EXPIRED) the
 *				outcome never came and reward is none; ledger counts
 *				where flags has 8 (MLPROXY_FEEDBACK_LEDGER)
 *	/events			run, time_ns, cpu, event, key, nr, values, instance
 *	/changes		run, time_ns, cpu, type, from, to, reason,
 *				instance
 *	/modes			the changes of mode again, with the numbers that they
 *				were made on: n, mean and sd of both arms, gain with
 *				its low and high end, value and limit, model_version,
 *				clusters, verdict, stance, source and instance. By the verdict (of the
 *				reward, the ledger, the outer experiment) these are in
 *				the unit of the reward, in that of the ledger, or costs
 *				for one unit of work, and shares of the baseline's cost
 *	/lost			run, cpu, seq, time_ns, count
 *
 * An instance is 0 in records of a proxy that has none.
 *
 * A file of format 2 has no /schema/strata and /instances, no ledger, cost and work among its
 * attributes, and of the fields no stratum, outer_arm, ledger, instance, verdict, stance and source
 * (of a change of mode). One of format 1 has no /schema/states, /schema/events and /modes
 * either, and of the fields no preprocess, arm, flags and error. Both are read, but not
 * appended to.
 *
 * A writer that is killed at any moment leaves a file that a plain
 * h5py.File(path, "r") opens, with every row that was flushed. While it is being
 * written, mlds_load() reads it, and h5py.File(path, "r", swmr=True). How: see
 * dataset_vfd.c.
 *
 * Functions return 0 or a negative errno unless they say otherwise;
 * mlds_error() has the cause and the remedy in words. A writer is for one
 * thread at a time. libhdf5 itself is one-threaded: do not use two writers or
 * readers in two threads at once.
 */
#ifndef _MLPROXY_DATASET_H
#define _MLPROXY_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/mlproxy.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MLDS_FORMAT		3	/* those from 1 on are read, too */
#define MLDS_EVENT_VALUES	16	/* values kept of one raw event */

/**
 * struct mlds_schema - what a data set is about
 * @proxy: name of the proxy
 * @schema: its schema as MLPROXY_IOC_SCHEMA returned it; @schema.features and
 *	@schema.actions are ignored, nr_features, nr_actions and schema_hash are
 *	not; what a file of an older format does not say is 0
 * @features: schema.nr_features features
 * @actions: schema.nr_actions actions
 * @states: schema.nr_states values of a snapshot
 * @events: schema.nr_events kinds of raw events
 * @strata: schema.nr_strata contexts that outcomes are compared in
 */
struct mlds_schema {
	char proxy[MLPROXY_NAME_LEN];
	struct mlproxy_schema schema;
	struct mlproxy_feature features[MLPROXY_MAX_FEATURES];
	struct mlproxy_action actions[MLPROXY_MAX_ACTIONS];
	struct mlproxy_feature states[MLPROXY_MAX_STATES];
	struct mlproxy_event_desc events[MLPROXY_MAX_EVENTS];
	struct mlproxy_stratum strata[MLPROXY_MAX_STRATA];
};

/**
 * struct mlds_options - of a writer; all zero is good
 * @append: add a run to an existing file (-EBADMSG if it is of another schema);
 *	without it an existing file is replaced
 * @late: replaced by mlds_publish(); until then the file has another name, and who never
 *	calls that leaves the one that was there. Of no use with @append
 * @sync: fdatasync() at each flush, for a machine that may lose power
 * @chunk_rows: rows of a chunk, 0 for 1024
 * @deflate: compression 1 to 9, 0 for 1, negative for none
 */
struct mlds_options {
	bool append;
	bool late;
	bool sync;
	uint32_t chunk_rows;
	int deflate;
};

/**
 * struct mlds_counts - rows of a writer's run (or, read back, of a file)
 * @decisions: rows of /decisions
 * @feedback: rows of /feedback
 * @events: rows of /events
 * @changes: rows of /changes
 * @gaps: rows of /lost
 * @lost: sum of the counts in /lost
 * @skipped: records of an unknown type, or malformed; not stored
 */
struct mlds_counts {
	uint64_t decisions;
	uint64_t feedback;
	uint64_t events;
	uint64_t changes;
	uint64_t gaps;
	uint64_t lost;
	uint64_t skipped;
};

struct mlds_writer;

/**
 * mlds_open_writer() - create a data set, or open one to append
 * @out: the writer
 * @path: file
 * @schema: the proxy's schema
 * @options: options, or NULL
 *
 * Takes a lock on the file, which a killed writer releases: -EBUSY when another
 * writer has it.
 */
int mlds_open_writer(struct mlds_writer **out, const char *path,
		     const struct mlds_schema *schema,
		     const struct mlds_options *options);

/**
 * mlds_write() - add one record
 * @w: writer
 * @cpu: ring that it came from
 * @rec: a decision, feedback, event or change record as the kernel wrote it;
 *	copied
 *
 * Records of an unknown type and malformed ones are counted as skipped. Rows are
 * buffered until the next mlds_flush(), or until a chunk is full.
 */
int mlds_write(struct mlds_writer *w, uint32_t cpu, const struct mlproxy_rec_hdr *rec);

/**
 * mlds_write_lost() - note a gap, where it happened
 * @w: writer
 * @cpu: ring
 * @seq: number of the first record that was lost
 * @time_ns: time of the record after the gap (0 if there was none)
 * @count: records lost
 *
 * The writer does not look for gaps in hdr.seq itself; the caller does.
 */
int mlds_write_lost(struct mlds_writer *w, uint32_t cpu, uint64_t seq, uint64_t time_ns,
		    uint64_t count);

/**
 * mlds_write_instance() - say which instance a number in records is
 * @w: writer
 * @instance: its number
 * @name: its name, without the proxy's
 */
int mlds_write_instance(struct mlds_writer *w, uint32_t instance, const char *name);

/**
 * mlds_flush() - bring all rows to the file
 * @w: writer
 *
 * Rows that were added before survive a SIGKILL from here on. Costs a partial
 * chunk per table that changed: once a second is reasonable.
 */
int mlds_flush(struct mlds_writer *w);

/**
 * mlds_publish() - give a file that is late its name, in place of the one that had it
 * @w: writer
 *
 * No error where that was done already, or the file is not late.
 */
int mlds_publish(struct mlds_writer *w);

/**
 * mlds_counts() - rows added by this writer
 * @w: writer
 */
const struct mlds_counts *mlds_counts(const struct mlds_writer *w);

/**
 * mlds_close_writer() - flush and close
 * @w: writer, or NULL; freed in every case
 *
 * Return: the first error of flushing, which lost rows, or 0.
 */
int mlds_close_writer(struct mlds_writer *w);

/**
 * struct mlds_data - decisions joined with their feedback, as plain arrays
 * @schema: schema
 * @n: rows; a decision without feedback is not among them
 * @nr_features: schema.schema.nr_features
 * @nr_actions: schema.schema.nr_actions
 * @features: [n][nr_features], raw values
 * @reward: [n], raw, in reward units
 * @prob: [n], probability of @action, > 0 to 1
 * @key: [n]
 * @id: [n]
 * @time_ns: [n], of the decision
 * @run: [n], counted over all files
 * @model_version: [n]
 * @allowed: [n], bit mask
 * @action: [n]
 * @baseline: [n]
 * @source: [n]
 * @mode: [n]
 * @candidate: [n]
 * @predicted: [n]
 * @error: [n], reward less prediction, where @feedback_flags says so, else 0
 * @feedback_flags: [n], MLPROXY_FEEDBACK_*; never EXPIRED
 * @arm: [n], MLPROXY_ARM_*
 * @ledger: [n], what the decision brought in the schema's ledger, where @feedback_flags
 *	has MLPROXY_FEEDBACK_LEDGER, else 0
 * @stratum: [n], context that the outcome is compared in
 * @outer_arm: [n], MLPROXY_ARM_* of the outer experiment
 * @instance: [n], number of the instance in its run, 0 for none
 * @counts: rows in the files, joined or not
 * @no_feedback: decisions without feedback, with those that expired
 * @expired: outcomes that never came, as the kernel said
 * @orphans: feedback without a decision
 * @duplicates: feedback for a decision that had one; the last counts
 * @invalid: joined rows left out since the action is not legal or the
 *	probability is 0
 *
 * Rows are in order of file, run and time.
 */
struct mlds_data {
	struct mlds_schema schema;
	size_t n;
	uint32_t nr_features;
	uint32_t nr_actions;
	int64_t *features;
	int64_t *reward;
	double *prob;
	uint64_t *key;
	uint64_t *id;
	uint64_t *time_ns;
	uint32_t *run;
	uint32_t *model_version;
	uint32_t *allowed;
	uint8_t *action;
	uint8_t *baseline;
	uint8_t *source;
	uint8_t *mode;
	uint8_t *candidate;
	int64_t *predicted;
	int64_t *error;
	uint16_t *feedback_flags;
	uint8_t *arm;
	int64_t *ledger;
	uint8_t *stratum;
	uint8_t *outer_arm;
	uint32_t *instance;
	struct mlds_counts counts;
	uint64_t no_feedback;
	uint64_t expired;
	uint64_t orphans;
	uint64_t duplicates;
	uint64_t invalid;
};

/**
 * mlds_load() - read data sets
 * @data: out; mlds_free() it
 * @paths: files of the same schema
 * @nr_paths: how many
 *
 * Reads also a file that is being written, or whose writer was killed.
 * Return: 0; -EBADMSG for a file that is no data set, is corrupt, or is of
 * another schema than the first; -ENOENT, -EACCES, -ENOMEM.
 */
int mlds_load(struct mlds_data *data, const char *const *paths, size_t nr_paths);

/**
 * mlds_free() - free the arrays
 * @data: from mlds_load(), or all zero
 */
void mlds_free(struct mlds_data *data);

/**
 * mlds_alloc() - allocate the arrays, for tests and converters
 * @data: out; schema and sizes are set, the arrays are zero
 * @schema: schema
 * @n: rows
 */
int mlds_alloc(struct mlds_data *data, const struct mlds_schema *schema, size_t n);

/**
 * mlds_read_schema() - read the schema and the number of rows of a data set
 * @path: file
 * @schema: out
 * @counts: out, or NULL
 */
int mlds_read_schema(const char *path, struct mlds_schema *schema,
		     struct mlds_counts *counts);

/**
 * struct mlds_run - one session of a recorder
 * @start_ns: CLOCK_REALTIME
 * @start_mono_ns: CLOCK_MONOTONIC, the clock of the records
 * @kernel: release of the kernel
 */
struct mlds_run {
	uint64_t start_ns;
	uint64_t start_mono_ns;
	char kernel[64];
};

/**
 * struct mlds_change - a change of mode, state or active model
 * @run: counted over all files
 * @time_ns: when
 * @type: MLPROXY_REC_MODE, MLPROXY_REC_STATE or MLPROXY_REC_MODEL
 * @from: as in struct mlproxy_rec_change
 * @to: the same
 * @reason: the same
 * @judged: the rest counts: the numbers a mode was changed on, in the unit of @verdict's
 *	measure; see /modes
 * @n: outcomes by arm; work of MLPROXY_VERDICT_OUTER
 * @gain: of the model
 * @low: lower end of its interval, -INFINITY if the samples are too few
 * @high: upper end
 * @value: as in struct mlproxy_evidence
 * @limit: the same
 * @model_version: the same
 * @verdict: MLPROXY_VERDICT_*
 * @stance: MLPROXY_STANCE_*
 * @source: MLPROXY_SRC_* of what was tested, MLPROXY_SRC_BASELINE if that is not known
 * @instance: number of the instance in its run, 0 for none
 */
struct mlds_change {
	uint32_t run;
	uint64_t time_ns;
	uint32_t type;
	uint32_t from;
	uint32_t to;
	uint32_t reason;
	bool judged;
	uint64_t n[MLPROXY_NR_ARMS];
	double gain;
	double low;
	double high;
	int64_t value;
	int64_t limit;
	uint32_t model_version;
	uint32_t verdict;
	uint32_t stance;
	uint32_t source;
	uint32_t instance;
};

/**
 * struct mlds_instance - an instance of the proxy
 * @run: counted over all files
 * @instance: its number in that run
 * @name: without the proxy's
 */
struct mlds_instance {
	uint32_t run;
	uint32_t instance;
	char name[MLPROXY_NAME_LEN];
};

/**
 * struct mlds_gap - records that were lost
 * @run: counted over all files
 * @cpu: ring
 * @time_ns: of the record after the gap, 0 if there was none
 * @count: records
 */
struct mlds_gap {
	uint32_t run;
	uint32_t cpu;
	uint64_t time_ns;
	uint64_t count;
};

/**
 * struct mlds_log - what happened beside the decisions
 * @nr_runs: entries in @runs
 * @runs: by number
 * @nr_changes: entries in @changes
 * @changes: as stored, a change of mode once, with its numbers where they are known
 * @nr_gaps: entries in @gaps
 * @gaps: as stored
 * @nr_instances: entries in @instances
 * @instances: as stored
 */
struct mlds_log {
	size_t nr_runs;
	struct mlds_run *runs;
	size_t nr_changes;
	struct mlds_change *changes;
	size_t nr_gaps;
	struct mlds_gap *gaps;
	size_t nr_instances;
	struct mlds_instance *instances;
};

/**
 * mlds_load_log() - read runs, changes and gaps of data sets
 * @log: out; mlds_log_free() it
 * @paths: files, in the order in which mlds_load() got them
 * @nr_paths: how many
 *
 * Numbers of runs are those of mlds_load(). Return: as mlds_load().
 */
int mlds_load_log(struct mlds_log *log, const char *const *paths, size_t nr_paths);

/** mlds_log_free() - free the arrays of mlds_load_log() */
void mlds_log_free(struct mlds_log *log);

/**
 * mlds_error() - cause and remedy of this thread's last failure, in words
 */
const char *mlds_error(void);

#ifdef __cplusplus
}
#endif

#endif /* _MLPROXY_DATASET_H */
