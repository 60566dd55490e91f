// SPDX-License-Identifier: GPL-2.0-only
/*
 * The writer: kernel records to rows. A new file is built under another name and
 * renamed when every table is in it, so that a file of the right name is always
 * whole; or later, when the caller says that it is worth more than the one there.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <mlproxy/mlproxy.h>

#include "common/clock.h"
#include "dataset_priv.h"

enum { T_DECISIONS, T_FEEDBACK, T_EVENTS, T_CHANGES, T_MODES, T_LOST, T_RUNS, T_INSTANCES, NR_TABLES };

static const struct {
	const char *name;
	const struct mlds_field *fields;
} tables[NR_TABLES] = {
	[T_DECISIONS] = { "decisions", mlds_decision_fields },
	[T_FEEDBACK] = { "feedback", mlds_feedback_fields },
	[T_EVENTS] = { "events", mlds_event_fields },
	[T_CHANGES] = { "changes", mlds_change_fields },
	[T_MODES] = { "modes", mlds_mode_fields },
	[T_LOST] = { "lost", mlds_lost_fields },
	[T_RUNS] = { "runs", mlds_run_fields },
	[T_INSTANCES] = { "instances", mlds_instance_fields },
};

struct mlds_writer {
	hid_t file;
	int fd;			/* owned by the file */
	bool sync;
	uint32_t run;
	uint32_t nr_features;
	struct mlds_table table[NR_TABLES];
	struct mlds_counts counts;
	char *path;		/* until it is published */
	char *target;		/* its name then; NULL once it is published */
};

static hid_t writer_fapl(void)
{
	hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
	hbool_t clear = true;

	if (fapl < 0)
		return -1;
	if (H5Pset_libver_bounds(fapl, H5F_LIBVER_V110, H5F_LIBVER_V110) < 0 ||
	    mlds_vfd_fapl(fapl)) {
		H5Pclose(fapl);
		return -1;
	}
	/*
	 * Undocumented, but what h5clear uses: open also where the flags of
	 * a writer that another program left behind are set.
	 */
	H5Pset(fapl, "clear_status_flags", &clear);
	return fapl;
}

static int fail_busy(const char *path)
{
	return mlds_fail(-EBUSY,
			 "%s: another recorder is writing it; choose another file or stop that one",
			 path);
}

static int open_failed(const char *path, const char *what)
{
	int e = mlds_vfd_errno();

	if (e == EBUSY)
		return fail_busy(path);
	if (e)
		return mlds_fail(-e, "can't %s %s: %s", what, path, strerror(e));
	return mlds_fail_h5(-EBADMSG, "can't %s %s: not an HDF5 file, or damaged", what, path);
}

static void read_line(const char *path, char *out, size_t len)
{
	FILE *f = fopen(path, "re");

	out[0] = 0;
	if (f) {
		if (fgets(out, len, f))
			out[strcspn(out, "\n")] = 0;
		fclose(f);
	}
}

static int add_run(struct mlds_writer *w)
{
	struct mlds_run_row *row = mlds_table_add(&w->table[T_RUNS]);
	struct utsname uts;

	if (!row)
		return -EIO;
	row->run = w->run;
	row->start_ns = clock_ns(CLOCK_REALTIME);
	row->start_mono_ns = clock_ns_now();
	if (!uname(&uts))
		snprintf(row->kernel, sizeof(row->kernel), "%.63s", uts.release);
	read_line("/proc/sys/kernel/random/boot_id", row->boot_id, sizeof(row->boot_id));
	return mlds_table_flush(&w->table[T_RUNS]);
}

static void free_writer(struct mlds_writer *w)
{
	int i;

	for (i = 0; i < NR_TABLES; i++)
		mlds_table_close(&w->table[i]);
	if (w->file > 0)
		H5Fclose(w->file);
	if (w->target)
		unlink(w->path);
	free(w->path);
	free(w->target);
	free(w);
}

/* Blocks smaller than a page don't cross one; dataset_vfd.c says why that matters. */
static hid_t create_paged(const char *path, hid_t fapl)
{
	hid_t fcpl = H5Pcreate(H5P_FILE_CREATE), file = -1;

	if (fcpl >= 0 &&
	    H5Pset_file_space_strategy(fcpl, H5F_FSPACE_STRATEGY_PAGE, false, 1) >= 0 &&
	    H5Pset_file_space_page_size(fcpl, MLDS_PAGE_BYTES) >= 0)
		file = H5Fcreate(path, H5F_ACC_TRUNC, fcpl, fapl);
	H5Pclose(fcpl);
	return file;
}

static int create_file(struct mlds_writer *w, hid_t fapl, const char *path,
		       const struct mlds_schema *schema, const struct mlds_options *opt)
{
	int err, i;

	mlds_vfd_clear_errno();
	w->file = create_paged(path, fapl);
	if (w->file < 0)
		return open_failed(path, "create");
	err = mlds_schema_write(w->file, MLDS_KIND_DATA, schema);
	for (i = 0; !err && i < NR_TABLES; i++)
		err = mlds_table_create(&w->table[i], w->file, tables[i].name, tables[i].fields,
					i == T_DECISIONS ? schema : NULL, opt);
	return err;
}

static int append_file(struct mlds_writer *w, hid_t fapl, const char *path,
		       const struct mlds_schema *schema, const struct mlds_options *opt)
{
	struct mlds_schema old;
	uint32_t format;
	int err, i;

	mlds_vfd_clear_errno();
	w->file = H5Fopen(path, H5F_ACC_RDWR, fapl);
	if (w->file < 0)
		return open_failed(path, "append to");
	err = mlds_schema_read_format(w->file, path, MLDS_KIND_DATA, &old, &format);
	if (err)
		return err;
	if (format != MLDS_FORMAT)
		return mlds_fail(-EBADMSG,
				 "%s is of format %u, which has no place for all that is recorded now; record to a new file",
				 path, format);
	if (old.schema.schema_hash != schema->schema.schema_hash)
		return mlds_fail(-EBADMSG,
				 "%s holds records of proxy %s with schema %016llx, not of %s with %016llx; record to a new file",
				 path, old.proxy, (unsigned long long)old.schema.schema_hash,
				 schema->proxy, (unsigned long long)schema->schema.schema_hash);
	for (i = 0; !err && i < NR_TABLES; i++)
		err = mlds_table_open(&w->table[i], w->file, tables[i].name, tables[i].fields,
				      i == T_DECISIONS ? schema : NULL, format,
				      opt && opt->chunk_rows ? opt->chunk_rows : MLDS_CHUNK_ROWS);
	w->run = w->table[T_RUNS].stored;
	return err;
}

/* From here on the file on disk is consistent after every write. */
static int start_swmr(struct mlds_writer *w, const char *path)
{
	int *handle;

	if (H5Fflush(w->file, H5F_SCOPE_LOCAL) < 0 || H5Fstart_swmr_write(w->file) < 0)
		return mlds_fail_h5(-EIO, "can't start writing %s", path);
	if (H5Fget_vfd_handle(w->file, H5P_DEFAULT, (void **)&handle) < 0)
		return mlds_fail_h5(-EIO, "can't get the descriptor of %s", path);
	w->fd = *handle;
	return 0;
}

/* Without opening it as a data set, which would write to it. */
static int check_replaceable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return 0;
	if (!S_ISREG(st.st_mode))
		return mlds_fail(-EINVAL, "%s is no regular file: a data set can't be written to it",
				 path);
	return mlds_being_written(path) ? fail_busy(path) : 0;
}

int mlds_publish(struct mlds_writer *w)
{
	if (!w->target)
		return 0;
	if (rename(w->path, w->target))
		return mlds_fail(-errno, "can't rename %s to %s: %s", w->path, w->target,
				 strerror(errno));
	free(w->target);
	w->target = NULL;
	return 0;
}

/* A new file, under a name of its own until it is published. */
static int new_file(struct mlds_writer *w, hid_t fapl, const char *path,
		    const struct mlds_schema *schema, const struct mlds_options *options)
{
	int err = check_replaceable(path);

	if (err)
		return err;
	if (asprintf(&w->path, "%s.new-%d", path, getpid()) < 0) {
		w->path = NULL;
		return mlds_fail(-ENOMEM, "no memory for a data set writer");
	}
	w->target = strdup(path);
	if (!w->target)
		return mlds_fail(-ENOMEM, "no memory for a data set writer");
	return create_file(w, fapl, w->path, schema, options);
}

int mlds_open_writer(struct mlds_writer **out, const char *path,
		     const struct mlds_schema *schema, const struct mlds_options *options)
{
	bool append = options && options->append && !access(path, F_OK);
	struct mlds_writer *w;
	hid_t fapl;
	int err;

	mlds_h5_quiet();
	*out = NULL;
	w = calloc(1, sizeof(*w));
	fapl = writer_fapl();
	if (!w || fapl < 0) {
		free(w);
		return mlds_fail(-ENOMEM, "no memory for a data set writer");
	}
	w->sync = options && options->sync;
	w->nr_features = schema->schema.nr_features;
	if (append)
		err = append_file(w, fapl, path, schema, options);
	else
		err = new_file(w, fapl, path, schema, options);
	err = err ?: start_swmr(w, path);
	err = err ?: add_run(w);
	if (!err && !(options && options->late))
		err = mlds_publish(w);
	H5Pclose(fapl);
	if (err)
		free_writer(w);
	else
		*out = w;
	return err;
}

static int add_decision(struct mlds_writer *w, uint32_t cpu, const struct mlproxy_rec_hdr *rec)
{
	const struct mlproxy_rec_decision *d = (const void *)rec;
	struct mlds_decision_row *row;

	if (d->nr_features != w->nr_features) {
		w->counts.skipped++;
		return 0;
	}
	row = mlds_table_add(&w->table[T_DECISIONS]);
	if (!row)
		return -EIO;
	row->run = w->run;
	row->id = d->id;
	row->key = d->key;
	row->time_ns = rec->time_ns;
	row->cpu = cpu;
	row->prob = (double)d->prob_q31 / MLPROXY_PROB_ONE;
	row->prob_q31 = d->prob_q31;
	row->model_version = d->model_version;
	row->allowed = d->allowed;
	row->baseline = d->baseline;
	row->action = d->action;
	row->source = d->source;
	row->mode = d->mode;
	row->candidate = d->candidate;
	row->candidate_source = d->candidate_source;
	row->predicted = d->predicted;
	row->arm = d->arm;
	row->stratum = d->stratum;
	row->outer_arm = d->outer_arm;
	row->instance = d->instance;
	memcpy(row->features, mlproxy_rec_features(d), d->nr_features * sizeof(row->features[0]));
	w->counts.decisions++;
	return 0;
}

static int add_feedback(struct mlds_writer *w, uint32_t cpu, const struct mlproxy_rec_hdr *rec)
{
	const struct mlproxy_rec_feedback *f = (const void *)rec;
	struct mlds_feedback_row *row;

	row = mlds_table_add(&w->table[T_FEEDBACK]);
	if (!row)
		return -EIO;
	row->run = w->run;
	row->id = f->id;
	row->time_ns = rec->time_ns;
	row->cpu = cpu;
	row->reward = f->reward;
	row->action = f->action;
	row->source = f->source;
	row->model_version = f->model_version;
	row->predicted = f->predicted;
	row->error = f->error;
	row->flags = rec->flags;
	row->arm = f->arm;
	row->instance = f->instance;
	/* the record of an older kernel ends before it */
	if (rec->flags & MLPROXY_FEEDBACK_LEDGER)
		row->ledger = f->ledger;
	w->counts.feedback++;
	return 0;
}

static int add_event(struct mlds_writer *w, uint32_t cpu, const struct mlproxy_rec_hdr *rec)
{
	const struct mlproxy_rec_event *e = (const void *)rec;
	struct mlds_event_row *row;
	uint32_t nr = e->nr_values;

	row = mlds_table_add(&w->table[T_EVENTS]);
	if (!row)
		return -EIO;
	row->run = w->run;
	row->time_ns = rec->time_ns;
	row->cpu = cpu;
	row->event = rec->flags;
	row->key = e->key;
	row->nr = nr;
	if (nr > MLDS_EVENT_VALUES)
		nr = MLDS_EVENT_VALUES;
	row->instance = e->instance;
	memcpy(row->values, mlproxy_rec_values(e), nr * sizeof(row->values[0]));
	w->counts.events++;
	return 0;
}

static int add_change(struct mlds_writer *w, uint32_t cpu, const struct mlproxy_rec_hdr *rec)
{
	const struct mlproxy_rec_change *c = (const void *)rec;
	struct mlds_change_row *row;

	row = mlds_table_add(&w->table[T_CHANGES]);
	if (!row)
		return -EIO;
	row->run = w->run;
	row->time_ns = rec->time_ns;
	row->cpu = cpu;
	row->type = rec->type;
	row->from = c->from;
	row->to = c->to;
	row->reason = c->reason;
	row->instance = c->instance;
	w->counts.changes++;
	return 0;
}

/* Fixed point as the kernel has it; what is not known yet is infinite. */
static double q16(int64_t value)
{
	if (value == INT64_MIN || value == INT64_MAX)
		return value < 0 ? -INFINITY : INFINITY;
	return (double)value / 65536;
}

/* The numbers that a mode was changed on, beside the row of /changes. */
static int add_mode(struct mlds_writer *w, uint32_t cpu, const struct mlproxy_rec_hdr *rec)
{
	const struct mlproxy_rec_mode *m = (const void *)rec;
	const struct mlproxy_evidence *e = &m->evidence;
	struct mlds_mode_row *row;
	int i;

	row = mlds_table_add(&w->table[T_MODES]);
	if (!row)
		return -EIO;
	row->run = w->run;
	row->time_ns = rec->time_ns;
	row->cpu = cpu;
	row->from = m->from;
	row->to = m->to;
	row->reason = m->reason;
	for (i = 0; i < MLPROXY_NR_ARMS; i++) {
		row->n[i] = e->n[i];
		row->mean[i] = q16(e->mean_q16[i]);
		row->sd[i] = q16(e->sd_q16[i]);
	}
	row->gain = q16(e->gain_q16);
	row->low = q16(e->low_q16);
	row->high = q16(e->high_q16);
	row->value = e->value;
	row->limit = e->limit;
	row->model_version = e->model_version;
	row->clusters = e->clusters;
	row->verdict = e->verdict;
	row->stance = e->stance;
	row->source = e->source;
	row->instance = m->instance;
	return 0;
}

int mlds_write(struct mlds_writer *w, uint32_t cpu, const struct mlproxy_rec_hdr *rec)
{
	if (mlproxy_record_valid(rec, rec->len)) {
		w->counts.skipped++;
		return 0;
	}
	switch (rec->type) {
	case MLPROXY_REC_DECISION:
		return add_decision(w, cpu, rec);
	case MLPROXY_REC_FEEDBACK:
		return add_feedback(w, cpu, rec);
	case MLPROXY_REC_EVENT:
		return add_event(w, cpu, rec);
	case MLPROXY_REC_MODE:
		if (add_mode(w, cpu, rec))
			return -EIO;
		return add_change(w, cpu, rec);
	case MLPROXY_REC_STATE:
	case MLPROXY_REC_MODEL:
		return add_change(w, cpu, rec);
	default:
		w->counts.skipped++;
		return 0;
	}
}

int mlds_write_lost(struct mlds_writer *w, uint32_t cpu, uint64_t seq, uint64_t time_ns,
		    uint64_t count)
{
	struct mlds_lost_row *row = mlds_table_add(&w->table[T_LOST]);

	if (!row)
		return -EIO;
	row->run = w->run;
	row->cpu = cpu;
	row->seq = seq;
	row->time_ns = time_ns;
	row->count = count;
	w->counts.gaps++;
	w->counts.lost += count;
	return 0;
}

int mlds_write_instance(struct mlds_writer *w, uint32_t instance, const char *name)
{
	struct mlds_instance_row *row = mlds_table_add(&w->table[T_INSTANCES]);

	if (!row)
		return -EIO;
	row->run = w->run;
	row->instance = instance;
	snprintf(row->name, sizeof(row->name), "%s", name);
	return 0;
}

int mlds_flush(struct mlds_writer *w)
{
	int err = 0, e, i;

	for (i = 0; i < NR_TABLES; i++) {
		e = mlds_table_flush(&w->table[i]);
		err = err ?: e;
	}
	if (!err && w->sync && fdatasync(w->fd))
		err = mlds_fail(-errno, "can't sync the data set: %s", strerror(errno));
	return err;
}

const struct mlds_counts *mlds_counts(const struct mlds_writer *w)
{
	return &w->counts;
}

int mlds_close_writer(struct mlds_writer *w)
{
	int err;

	if (!w)
		return 0;
	err = mlds_flush(w);
	free_writer(w);
	return err;
}
