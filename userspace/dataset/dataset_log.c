// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader of what happened beside the decisions: runs, changes, gaps.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataset_priv.h"

#define BLOCK_ROWS	256

/**
 * struct log_reader - one file that is being read
 * @log: rows go here
 * @file: file
 * @format: its format
 * @first_run: number of its first run over all files
 */
struct log_reader {
	struct mlds_log *log;
	hid_t file;
	uint32_t format;
	uint32_t first_run;
};

typedef void (*take_fn)(struct log_reader *r, const void *row);

/* Makes room for @more entries of an array. */
static int grow(void *array, size_t nr, size_t more, size_t bytes)
{
	void **p = array, *grown = realloc(*p, (nr + more ? nr + more : 1) * bytes);

	if (!grown)
		return mlds_fail(-ENOMEM, "no memory for the data set's runs and changes");
	*p = grown;
	return 0;
}

/* Gives each row of a table to @take, after room was made for all. */
static int read_table(struct log_reader *r, const char *name, const struct mlds_field *fields,
		      void *array, size_t nr, size_t bytes, take_fn take)
{
	struct mlds_table t;
	uint8_t *rows;
	uint64_t at;
	int err;

	err = mlds_table_open(&t, r->file, name, fields, NULL, r->format, 0);
	if (err)
		return err;
	rows = malloc(BLOCK_ROWS * t.row_bytes);
	err = rows ? grow(array, nr, t.stored, bytes) : mlds_fail(-ENOMEM, "out of memory");
	for (at = 0; !err && at < t.stored; at += BLOCK_ROWS) {
		uint64_t n = t.stored - at < BLOCK_ROWS ? t.stored - at : BLOCK_ROWS, i;

		err = mlds_table_read(&t, at, n, rows);
		for (i = 0; !err && i < n; i++)
			take(r, rows + i * t.row_bytes);
	}
	free(rows);
	mlds_table_close(&t);
	return err;
}

static void take_run(struct log_reader *r, const void *row)
{
	const struct mlds_run_row *from = row;
	struct mlds_run *run = &r->log->runs[r->log->nr_runs++];

	run->start_ns = from->start_ns;
	run->start_mono_ns = from->start_mono_ns;
	memcpy(run->kernel, from->kernel, sizeof(run->kernel));
	run->kernel[sizeof(run->kernel) - 1] = '\0';
}

static void take_change(struct log_reader *r, const void *row)
{
	const struct mlds_change_row *from = row;

	/* /modes has these with their numbers */
	if (from->type == MLPROXY_REC_MODE && r->format >= 2)
		return;
	r->log->changes[r->log->nr_changes++] = (struct mlds_change){
		.run = r->first_run + from->run, .time_ns = from->time_ns, .type = from->type,
		.from = from->from, .to = from->to, .reason = from->reason,
		.instance = r->format < 3 ? 0 : from->instance,
	};
}

static void take_mode(struct log_reader *r, const void *row)
{
	const struct mlds_mode_row *from = row;

	r->log->changes[r->log->nr_changes++] = (struct mlds_change){
		.run = r->first_run + from->run, .time_ns = from->time_ns,
		.type = MLPROXY_REC_MODE, .from = from->from, .to = from->to,
		.reason = from->reason, .judged = true, .n = { from->n[0], from->n[1] },
		.gain = from->gain, .low = from->low, .high = from->high,
		.value = from->value, .limit = from->limit,
		.model_version = from->model_version,
		.verdict = r->format < 3 ? MLPROXY_VERDICT_REWARD : from->verdict,
		.stance = r->format < 3 ? MLPROXY_STANCE_NONE : from->stance,
		.source = r->format < 3 ? MLPROXY_SRC_BASELINE : from->source,
		.instance = r->format < 3 ? 0 : from->instance,
	};
}

static void take_instance(struct log_reader *r, const void *row)
{
	const struct mlds_instance_row *from = row;
	struct mlds_instance *to = &r->log->instances[r->log->nr_instances++];

	to->run = r->first_run + from->run;
	to->instance = from->instance;
	memcpy(to->name, from->name, sizeof(to->name));
	to->name[sizeof(to->name) - 1] = '\0';
}

static void take_gap(struct log_reader *r, const void *row)
{
	const struct mlds_lost_row *from = row;

	r->log->gaps[r->log->nr_gaps++] = (struct mlds_gap){
		.run = r->first_run + from->run, .cpu = from->cpu, .time_ns = from->time_ns,
		.count = from->count,
	};
}

static int read_file(struct log_reader *r)
{
	struct mlds_log *log = r->log;
	int err;

	r->first_run = log->nr_runs;
	err = read_table(r, "runs", mlds_run_fields, &log->runs, log->nr_runs,
			 sizeof(*log->runs), take_run);
	err = err ?: read_table(r, "changes", mlds_change_fields, &log->changes,
				log->nr_changes, sizeof(*log->changes), take_change);
	if (!err && r->format >= 2)
		err = read_table(r, "modes", mlds_mode_fields, &log->changes, log->nr_changes,
				 sizeof(*log->changes), take_mode);
	if (!err && r->format >= 3)
		err = read_table(r, "instances", mlds_instance_fields, &log->instances,
				 log->nr_instances, sizeof(*log->instances), take_instance);
	return err ?: read_table(r, "lost", mlds_lost_fields, &log->gaps, log->nr_gaps,
				 sizeof(*log->gaps), take_gap);
}

static int load_file(struct mlds_log *log, const char *path)
{
	struct log_reader r = { .log = log };
	struct mlds_schema schema;
	int err;

	r.file = mlds_open_read(path);
	if (r.file < 0)
		return r.file;
	err = mlds_schema_read_format(r.file, path, MLDS_KIND_DATA, &schema, &r.format);
	err = err ?: read_file(&r);
	H5Fclose(r.file);
	return err;
}

int mlds_load_log(struct mlds_log *log, const char *const *paths, size_t nr_paths)
{
	size_t i;
	int err = 0;

	mlds_h5_quiet();
	memset(log, 0, sizeof(*log));
	for (i = 0; !err && i < nr_paths; i++) {
		const struct mlds_log before = *log;
		unsigned int tries = 0;

		do {
			/* the arrays may have grown: only their lengths go back */
			log->nr_runs = before.nr_runs;
			log->nr_changes = before.nr_changes;
			log->nr_gaps = before.nr_gaps;
			log->nr_instances = before.nr_instances;
			err = load_file(log, paths[i]);
		} while (mlds_worth_another_try(paths[i], err, &tries));
	}
	if (err)
		mlds_log_free(log);
	return err;
}

void mlds_log_free(struct mlds_log *log)
{
	free(log->runs);
	free(log->changes);
	free(log->instances);
	free(log->gaps);
	memset(log, 0, sizeof(*log));
}
