// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader: decisions joined with their feedback. Feedback goes into a hash
 * table by run and id, then the decisions stream past it; both in blocks, so that
 * a file may be larger than the rows that come out of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset_priv.h"

#define BLOCK_ROWS	4096
/* HDF5 waits twice as long at each attempt, from 1 ns on: 2^24 ns are 17 ms. */
#define READ_ATTEMPTS	24
#define OPEN_ATTEMPTS	10
#define FILE_ATTEMPTS	40	/* each waits 1 ms longer than the one before */

struct outcome {
	uint64_t id;		/* 0: free */
	int64_t reward;
	int64_t error;
	int64_t ledger;
	uint32_t run;
	uint16_t flags;
	bool used;
};

struct outcomes {
	struct outcome *slot;
	uint64_t mask;
	uint64_t nr;
};

static struct outcome *find_outcome(const struct outcomes *o, uint32_t run, uint64_t id)
{
	uint64_t at = (id * 0x9e3779b97f4a7c15ULL) ^ (run * 0xc2b2ae3d27d4eb4fULL);

	for (at ^= at >> 29;; at++) {
		struct outcome *s = &o->slot[at & o->mask];

		if (!s->id || (s->id == id && s->run == run))
			return s;
	}
}

/*
 * SWMR reading follows a file that is being written; only the superblock, which
 * the writer renews all the time, is read without HDF5's retries, so they are
 * here. A file of another origin may not be fit for it: plain reading comes last.
 */
hid_t mlds_open_read(const char *path)
{
	hid_t fapl, file = -1;
	int i;

	if (access(path, R_OK)) {
		int e = errno;

		mlds_fail(-e, "can't read %s: %s", path, strerror(e));
		return -e;
	}
	fapl = H5Pcreate(H5P_FILE_ACCESS);
	if (fapl < 0 || mlds_vfd_fapl(fapl) ||
	    H5Pset_metadata_read_attempts(fapl, READ_ATTEMPTS) < 0)
		return mlds_fail(-ENOMEM, "can't set up HDF5 to read %s", path);
	for (i = 0; file < 0 && i < OPEN_ATTEMPTS; i++) {
		if (i)
			usleep(1000);
		file = H5Fopen(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, fapl);
	}
	if (file < 0)
		file = H5Fopen(path, H5F_ACC_RDONLY, fapl);
	if (file < 0)
		mlds_keep_h5_error();
	H5Pclose(fapl);
	if (file < 0)
		return mlds_fail_h5(-EBADMSG, "can't read %s: not an HDF5 file, or damaged", path);
	return file;
}

/* The columns of struct mlds_data beside the features. */
#define COLUMN(name) { offsetof(struct mlds_data, name), sizeof(*((struct mlds_data *)0)->name) }
static const struct {
	size_t at;
	size_t bytes;
} columns[] = {
	COLUMN(reward),
	COLUMN(prob),
	COLUMN(key),
	COLUMN(id),
	COLUMN(time_ns),
	COLUMN(run),
	COLUMN(model_version),
	COLUMN(allowed),
	COLUMN(action),
	COLUMN(baseline),
	COLUMN(source),
	COLUMN(mode),
	COLUMN(candidate),
	COLUMN(predicted),
	COLUMN(error),
	COLUMN(feedback_flags),
	COLUMN(arm),
	COLUMN(ledger),
	COLUMN(stratum),
	COLUMN(outer_arm),
	COLUMN(instance),
};

#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void **column(struct mlds_data *d, size_t i)
{
	return (void **)((char *)d + columns[i].at);
}

static int grow(void **array, size_t bytes)
{
	void *p = realloc(*array, bytes ?: 1);

	if (!p)
		return mlds_fail(-ENOMEM, "no memory for the data set's rows");
	*array = p;
	return 0;
}

static int resize(struct mlds_data *d, size_t n)
{
	size_t i;
	int err;

	err = grow((void **)&d->features, n * d->nr_features * sizeof(*d->features));
	for (i = 0; !err && i < NR_COLUMNS; i++)
		err = grow(column(d, i), n * columns[i].bytes);
	return err;
}

static int load_outcomes(struct outcomes *o, hid_t file, uint32_t format, struct mlds_data *d)
{
	struct mlds_feedback_row *rows = NULL;
	struct mlds_table t;
	uint64_t at, size = 1024;
	int err;

	memset(o, 0, sizeof(*o));
	err = mlds_table_open(&t, file, "feedback", mlds_feedback_fields, NULL, format, 0);
	if (err)
		return err;
	while (size < 2 * t.stored)
		size *= 2;
	o->mask = size - 1;
	o->slot = calloc(size, sizeof(*o->slot));
	rows = malloc(BLOCK_ROWS * sizeof(*rows));
	if (!o->slot || !rows)
		err = mlds_fail(-ENOMEM, "no memory for %llu rows of feedback",
				(unsigned long long)t.stored);
	d->counts.feedback += t.stored;
	for (at = 0; !err && at < t.stored; at += BLOCK_ROWS) {
		uint64_t nr = t.stored - at < BLOCK_ROWS ? t.stored - at : BLOCK_ROWS, i;

		err = mlds_table_read(&t, at, nr, rows);
		for (i = 0; !err && i < nr; i++) {
			struct outcome *s;

			if (!rows[i].id) {
				d->orphans++;
				continue;
			}
			if (format >= 2 && rows[i].flags & MLPROXY_FEEDBACK_EXPIRED) {
				d->expired++;
				continue;
			}
			s = find_outcome(o, rows[i].run, rows[i].id);
			d->duplicates += s->id != 0;
			o->nr += s->id == 0;
			s->id = rows[i].id;
			s->run = rows[i].run;
			s->reward = rows[i].reward;
			s->error = format < 2 ? 0 : rows[i].error;
			s->flags = format < 2 ? 0 : rows[i].flags;
			s->ledger = format < 3 ? 0 : rows[i].ledger;
		}
	}
	free(rows);
	mlds_table_close(&t);
	return err;
}

static bool row_valid(const struct mlds_data *d, const struct mlds_decision_row *r)
{
	uint32_t legal = d->nr_actions >= 32 ? ~0U : (1U << d->nr_actions) - 1;

	if (r->action >= d->nr_actions || r->baseline >= d->nr_actions || (r->allowed & ~legal))
		return false;
	return (r->allowed >> r->action & 1) && (r->allowed >> r->baseline & 1) &&
	       r->prob > 0 && r->prob <= 1;
}

static void take_row(struct mlds_data *d, const struct mlds_decision_row *r,
		     const struct outcome *s, uint32_t format, uint32_t first_run)
{
	size_t n = d->n++;

	memcpy(d->features + n * d->nr_features, r->features,
	       d->nr_features * sizeof(*d->features));
	d->reward[n] = s->reward;
	d->error[n] = s->error;
	d->feedback_flags[n] = s->flags;
	d->arm[n] = format < 2 ? MLPROXY_ARM_NONE : r->arm;
	d->ledger[n] = s->ledger;
	d->stratum[n] = format < 3 ? 0 : r->stratum;
	d->outer_arm[n] = format < 3 ? MLPROXY_ARM_NONE : r->outer_arm;
	d->instance[n] = format < 3 ? 0 : r->instance;
	d->prob[n] = r->prob;
	d->key[n] = r->key;
	d->id[n] = r->id;
	d->time_ns[n] = r->time_ns;
	d->run[n] = first_run + r->run;
	d->model_version[n] = r->model_version;
	d->allowed[n] = r->allowed;
	d->action[n] = r->action;
	d->baseline[n] = r->baseline;
	d->source[n] = r->source;
	d->mode[n] = r->mode;
	d->candidate[n] = r->candidate;
	d->predicted[n] = r->predicted;
}

static int load_decisions(struct outcomes *o, hid_t file, uint32_t format, struct mlds_data *d,
			  uint32_t first_run)
{
	struct mlds_table t;
	uint8_t *rows = NULL;
	uint64_t at, used = 0;
	int err;

	err = mlds_table_open(&t, file, "decisions", mlds_decision_fields, &d->schema, format,
			      0);
	if (err)
		return err;
	rows = malloc(BLOCK_ROWS * t.row_bytes);
	if (!rows)
		err = mlds_fail(-ENOMEM, "no memory to read decisions");
	err = err ?: resize(d, d->n + (o->nr < t.stored ? o->nr : t.stored));
	d->counts.decisions += t.stored;
	for (at = 0; !err && at < t.stored; at += BLOCK_ROWS) {
		uint64_t nr = t.stored - at < BLOCK_ROWS ? t.stored - at : BLOCK_ROWS, i;

		err = mlds_table_read(&t, at, nr, rows);
		for (i = 0; !err && i < nr; i++) {
			struct mlds_decision_row *r = (void *)(rows + i * t.row_bytes);
			struct outcome *s = find_outcome(o, r->run, r->id);

			/* An id is unique in a run: a second row of it is not used. */
			if (!r->id || !s->id || s->used) {
				d->no_feedback++;
				continue;
			}
			s->used = true;
			used++;
			if (row_valid(d, r))
				take_row(d, r, s, format, first_run);
			else
				d->invalid++;
		}
	}
	d->orphans += o->nr - used;
	free(rows);
	mlds_table_close(&t);
	return err;
}

static int count_table(hid_t file, const char *name, const struct mlds_field *fields,
		       const struct mlds_schema *schema, uint32_t format, uint64_t *count)
{
	struct mlds_table t;
	int err = mlds_table_open(&t, file, name, fields, schema, format, 0);

	if (!err) {
		*count += t.stored;
		mlds_table_close(&t);
	}
	return err;
}

static int count_lost(hid_t file, uint32_t format, struct mlds_counts *counts)
{
	struct mlds_lost_row rows[64];
	struct mlds_table t;
	uint64_t at;
	int err;

	err = mlds_table_open(&t, file, "lost", mlds_lost_fields, NULL, format, 0);
	if (err)
		return err;
	counts->gaps += t.stored;
	for (at = 0; !err && at < t.stored; at += 64) {
		uint64_t nr = t.stored - at < 64 ? t.stored - at : 64, i;

		err = mlds_table_read(&t, at, nr, rows);
		for (i = 0; !err && i < nr; i++)
			counts->lost += rows[i].count;
	}
	mlds_table_close(&t);
	return err;
}

static int count_others(hid_t file, uint32_t format, struct mlds_counts *counts)
{
	int err;

	err = count_table(file, "events", mlds_event_fields, NULL, format, &counts->events);
	err = err ?: count_table(file, "changes", mlds_change_fields, NULL, format,
				 &counts->changes);
	return err ?: count_lost(file, format, counts);
}

static int load_file(struct mlds_data *d, const char *path, bool first, uint32_t *nr_runs)
{
	struct mlds_schema schema;
	struct outcomes o = { 0 };
	uint64_t runs = 0;
	uint32_t format;
	hid_t file;
	int err;

	file = mlds_open_read(path);
	if (file < 0)
		return file;
	err = mlds_schema_read_format(file, path, MLDS_KIND_DATA, &schema, &format);
	if (err)
		goto out;
	if (!first && schema.schema.schema_hash != d->schema.schema.schema_hash) {
		err = mlds_fail(-EBADMSG,
				"%s is of proxy %s, schema %016llx; the files before it are of %s, %016llx: use data sets of one schema",
				path, schema.proxy, (unsigned long long)schema.schema.schema_hash,
				d->schema.proxy,
				(unsigned long long)d->schema.schema.schema_hash);
		goto out;
	}
	d->schema = schema;
	d->nr_features = schema.schema.nr_features;
	d->nr_actions = schema.schema.nr_actions;
	err = load_outcomes(&o, file, format, d);
	err = err ?: load_decisions(&o, file, format, d, *nr_runs);
	err = err ?: count_others(file, format, &d->counts);
	err = err ?: count_table(file, "runs", mlds_run_fields, NULL, format, &runs);
	*nr_runs += runs;
	if (err) {
		char text[400];

		snprintf(text, sizeof(text), "%s", mlds_error());
		mlds_fail(err, "%s: %s", path, text);
	}
out:
	free(o.slot);
	H5Fclose(file);
	return err;
}

/* Another open file description holds the writer's lock (dataset_vfd.c). */
bool mlds_being_written(const char *path)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool locked;

	if (fd < 0)
		return false;
	locked = !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
	close(fd);
	return locked;
}

/*
 * Reading does not exclude writing, so a block may be read half old, half new. The
 * checksum tells, HDF5 tries again at once; but the writer may be off its CPU in
 * the middle of it: then only waiting helps.
 */
bool mlds_worth_another_try(const char *path, int err, unsigned int *tries)
{
	if (err != -EBADMSG || ++*tries > FILE_ATTEMPTS || !mlds_being_written(path))
		return false;
	usleep(*tries * 1000);
	return true;
}

/* Back to what was loaded before; arrays that have grown stay. */
static void forget_since(struct mlds_data *d, const struct mlds_data *before)
{
	struct mlds_data grown = *d;
	size_t i;

	*d = *before;
	d->features = grown.features;
	for (i = 0; i < NR_COLUMNS; i++)
		*column(d, i) = *column(&grown, i);
}

static int load_file_patiently(struct mlds_data *d, const char *path, bool first,
			       uint32_t *nr_runs)
{
	const struct mlds_data before = *d;
	const uint32_t runs_before = *nr_runs;
	unsigned int tries = 0;
	int err;

	for (;;) {
		err = load_file(d, path, first, nr_runs);
		if (!mlds_worth_another_try(path, err, &tries))
			return err;
		forget_since(d, &before);
		*nr_runs = runs_before;
	}
}

struct row_order {
	uint32_t run;
	uint64_t time_ns;
	size_t row;
};

static int by_time(const void *pa, const void *pb)
{
	const struct row_order *a = pa, *b = pb;

	if (a->run != b->run)
		return a->run < b->run ? -1 : 1;
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return a->row < b->row ? -1 : a->row > b->row;
}

/* Put the elements of an array into the order of the rows. */
static void permute(void *array, size_t bytes, const struct row_order *order, size_t n,
		    uint8_t *room)
{
	uint8_t *p = array;
	size_t i;

	for (i = 0; i < n; i++)
		memcpy(room + i * bytes, p + order[i].row * bytes, bytes);
	memcpy(p, room, n * bytes);
}

static int sort_rows(struct mlds_data *d)
{
	size_t row_bytes = d->nr_features * sizeof(*d->features), i;
	struct row_order *order;
	uint8_t *room;
	bool sorted = true;

	for (i = 1; i < d->n && sorted; i++)
		sorted = d->run[i] > d->run[i - 1] ||
			 (d->run[i] == d->run[i - 1] && d->time_ns[i] >= d->time_ns[i - 1]);
	if (sorted)
		return 0;
	order = malloc(d->n * sizeof(*order));
	room = malloc(d->n * (row_bytes > 8 ? row_bytes : 8));
	if (!order || !room) {
		free(order);
		free(room);
		return mlds_fail(-ENOMEM, "no memory to sort %zu rows", d->n);
	}
	for (i = 0; i < d->n; i++)
		order[i] = (struct row_order){ d->run[i], d->time_ns[i], i };
	qsort(order, d->n, sizeof(*order), by_time);
	permute(d->features, row_bytes, order, d->n, room);
	for (i = 0; i < NR_COLUMNS; i++)
		permute(*column(d, i), columns[i].bytes, order, d->n, room);
	free(order);
	free(room);
	return 0;
}

int mlds_load(struct mlds_data *data, const char *const *paths, size_t nr_paths)
{
	uint32_t nr_runs = 0;
	size_t i;
	int err = 0;

	mlds_h5_quiet();
	memset(data, 0, sizeof(*data));
	if (!nr_paths)
		return mlds_fail(-EINVAL, "no data set named");
	for (i = 0; !err && i < nr_paths; i++)
		err = load_file_patiently(data, paths[i], !i, &nr_runs);
	err = err ?: sort_rows(data);
	if (err)
		mlds_free(data);
	return err;
}

void mlds_free(struct mlds_data *data)
{
	size_t i;

	free(data->features);
	for (i = 0; i < NR_COLUMNS; i++)
		free(*column(data, i));
	memset(data, 0, sizeof(*data));
}

int mlds_alloc(struct mlds_data *data, const struct mlds_schema *schema, size_t n)
{
	size_t i;
	int err;

	memset(data, 0, sizeof(*data));
	data->schema = *schema;
	data->nr_features = schema->schema.nr_features;
	data->nr_actions = schema->schema.nr_actions;
	err = resize(data, n);
	if (err) {
		mlds_free(data);
		return err;
	}
	data->n = n;
	memset(data->features, 0, n * data->nr_features * sizeof(*data->features));
	for (i = 0; i < NR_COLUMNS; i++)
		memset(*column(data, i), 0, n * columns[i].bytes);
	return 0;
}

static int read_schema(const char *path, struct mlds_schema *schema, struct mlds_counts *counts)
{
	uint32_t format;
	hid_t file;
	int err;

	file = mlds_open_read(path);
	if (file < 0)
		return file;
	err = mlds_schema_read_format(file, path, MLDS_KIND_DATA, schema, &format);
	if (!err && counts) {
		memset(counts, 0, sizeof(*counts));
		err = count_table(file, "decisions", mlds_decision_fields, schema, format,
				  &counts->decisions);
		err = err ?: count_table(file, "feedback", mlds_feedback_fields, NULL, format,
					 &counts->feedback);
		err = err ?: count_others(file, format, counts);
	}
	H5Fclose(file);
	return err;
}

int mlds_read_schema(const char *path, struct mlds_schema *schema, struct mlds_counts *counts)
{
	unsigned int tries = 0;
	int err;

	mlds_h5_quiet();
	do {
		err = read_schema(path, schema, counts);
	} while (mlds_worth_another_try(path, err, &tries));
	return err;
}
