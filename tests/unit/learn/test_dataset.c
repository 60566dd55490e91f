// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data sets: what is written comes back joined, runs append, schemas are checked,
 * damage is found, and a writer that is killed leaves all that it flushed. What a file
 * holds beside that is in test_dataset_format.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <hdf5.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit.h"
#include "bandit.h"
#include "dataset_file.h"
#include "shared/mix64.h"

#define KILLS		60
#define KILL_FLUSH	37	/* rows between flushes */
#define KILL_CHUNK	64	/* rows of a chunk */

static void write_log(const struct mlds_data *d, const struct mlds_options *o)
{
	struct bandit_decision dec;
	struct mlproxy_rec_feedback fb;
	struct mlds_writer *w;
	size_t i;

	if (mlds_open_writer(&w, path, &d->schema, o))
		fail_msg("%s", mlds_error());
	for (i = 0; i < d->n; i++) {
		bandit_records(d, i, &dec, &fb);
		assert_int_equal(mlds_write(w, 0, &dec.d.hdr), 0);
		assert_int_equal(mlds_write(w, 1, &fb.hdr), 0);
	}
	assert_int_equal(mlds_close_writer(w), 0);
}

static void comes_back(void **state)
{
	struct bandit b = { .seed = 1, .explore = 0.5, .noise = 100 };
	struct mlds_data d, back;

	(void)state;
	assert_int_equal(bandit_log(&b, 5000, &d), 0);
	write_log(&d, NULL);
	load(&back);
	assert_int_equal(back.n, d.n);
	assert_int_equal(back.counts.decisions, 5000);
	assert_int_equal(back.counts.feedback, 5000);
	assert_memory_equal(back.features, d.features, d.n * BANDIT_FEATURES * 8);
	assert_memory_equal(back.reward, d.reward, d.n * 8);
	assert_memory_equal(back.key, d.key, d.n * 8);
	assert_memory_equal(back.action, d.action, d.n);
	assert_memory_equal(back.allowed, d.allowed, d.n * 4);
	assert_memory_equal(&back.schema, &d.schema, sizeof(d.schema));
	assert_true(back.prob[7] == d.prob[7]);
	mlds_free(&back);
	mlds_free(&d);
}

static void appends_runs(void **state)
{
	struct bandit b = { .seed = 2, .explore = 0.5 };
	struct mlds_options o = { .append = true };
	struct mlds_data d, back;
	struct mlds_counts c;
	struct mlds_schema s;

	(void)state;
	unlink(path);
	assert_int_equal(bandit_log(&b, 1500, &d), 0);
	write_log(&d, &o);	/* creates */
	write_log(&d, &o);
	write_log(&d, &o);
	load(&back);
	/* The same ids three times, in three runs. */
	assert_int_equal(back.n, 4500);
	assert_int_equal(back.duplicates, 0);
	assert_int_equal(back.run[0], 0);
	assert_int_equal(back.run[1500], 1);
	assert_int_equal(back.run[4499], 2);
	assert_memory_equal(back.reward + 3000, d.reward, d.n * 8);
	assert_int_equal(mlds_read_schema(path, &s, &c), 0);
	assert_int_equal(c.decisions, 4500);
	assert_string_equal(s.proxy, "bandit");
	mlds_free(&back);
	mlds_free(&d);
}

static void checks_schema(void **state)
{
	struct bandit b = { .seed = 3, .explore = 0.5 };
	struct mlds_options o = { .append = true };
	const char *paths[2] = { path, NULL };
	struct mlds_writer *w;
	struct mlds_schema other;
	char path2[80];
	struct mlds_data d;

	(void)state;
	assert_int_equal(bandit_log(&b, 100, &d), 0);
	write_log(&d, NULL);
	bandit_schema(&other, true);
	assert_int_equal(mlds_open_writer(&w, path, &other, &o), -EBADMSG);
	assert_non_null(strstr(mlds_error(), "record to a new file"));
	/* Two files of two schemas. */
	snprintf(path2, sizeof(path2), "%s/other.h5", dir);
	assert_int_equal(mlds_open_writer(&w, path2, &other, NULL), 0);
	assert_int_equal(mlds_close_writer(w), 0);
	paths[1] = path2;
	mlds_free(&d);
	assert_int_equal(mlds_load(&d, paths, 2), -EBADMSG);
	assert_non_null(strstr(mlds_error(), "one schema"));
	assert_int_equal(d.n, 0);
}

static void joins(void **state)
{
	struct bandit b = { .seed = 4, .explore = 1 };
	struct mlproxy_rec_hdr odd = { .len = sizeof(odd), .type = 99 };
	struct mlproxy_rec_mode change = {
		.hdr = { .len = sizeof(change), .type = MLPROXY_REC_MODE }, .from = 1, .to = 2,
	};
	struct { struct mlproxy_rec_event e; int64_t v[2]; } event = {
		.e.hdr = { .len = sizeof(event), .type = MLPROXY_REC_EVENT, .flags = 3 },
		.e.values_offset = sizeof(event.e), .e.nr_values = 2,
		.v = { 5, 6 },
	};
	struct bandit_decision dec;
	struct mlproxy_rec_feedback fb;
	struct mlds_writer *w;
	struct mlds_data d, back;
	size_t i;

	(void)state;
	assert_int_equal(bandit_log(&b, 10, &d), 0);
	assert_int_equal(mlds_open_writer(&w, path, &d.schema, NULL), 0);
	/* Feedback before its decision, and decisions out of time's order. */
	for (i = d.n; i--;) {
		bandit_records(&d, i, &dec, &fb);
		if (i != 3)
			assert_int_equal(mlds_write(w, 0, &fb.hdr), 0);
		if (i == 5)
			dec.d.prob_q31 = 0;
		if (i == 6)
			dec.d.action = 9;
		if (i == 7)
			dec.d.allowed &= ~(1U << dec.d.action);
		assert_int_equal(mlds_write(w, 0, &dec.d.hdr), 0);
	}
	fb.id = 77777;
	mlds_write(w, 0, &fb.hdr);
	fb.id = 1;
	fb.reward = -5;
	mlds_write(w, 0, &fb.hdr);
	mlds_write(w, 0, &odd);
	mlds_write(w, 0, &change.hdr);
	mlds_write(w, 0, &event.e.hdr);
	dec.d.nr_features = 2;	/* not this schema's */
	mlds_write(w, 0, &dec.d.hdr);
	mlds_write_lost(w, 2, 100, 5, 17);
	assert_int_equal(mlds_counts(w)->skipped, 2);
	assert_int_equal(mlds_counts(w)->lost, 17);
	assert_int_equal(mlds_close_writer(w), 0);
	load(&back);
	assert_int_equal(back.n, 6);
	assert_int_equal(back.no_feedback, 1);
	assert_int_equal(back.invalid, 3);
	assert_int_equal(back.orphans, 1);
	assert_int_equal(back.duplicates, 1);
	assert_int_equal(back.counts.events, 1);
	assert_int_equal(back.counts.changes, 1);
	assert_int_equal(back.counts.gaps, 1);
	assert_int_equal(back.counts.lost, 17);
	assert_int_equal(back.reward[0], -5);
	for (i = 1; i < back.n; i++)
		assert_true(back.time_ns[i] > back.time_ns[i - 1]);
	mlds_free(&back);
	mlds_free(&d);
}

static size_t rows_of_file(void)
{
	struct mlds_data d;
	size_t n;

	load(&d);
	n = d.n;
	mlds_free(&d);
	return n;
}

static size_t files_in_dir(void)
{
	glob_t found;
	char pattern[80];
	size_t n;

	snprintf(pattern, sizeof(pattern), "%s/*", dir);
	if (glob(pattern, 0, NULL, &found))
		return 0;
	n = found.gl_pathc;
	globfree(&found);
	return n;
}

/* What is there stays until the new file is said to be better, and for good without that. */
static void replaces_late(void **state)
{
	struct bandit b = { .seed = 21, .explore = 1 };
	struct mlds_options late = { .late = true };
	struct bandit_decision dec;
	struct mlproxy_rec_feedback fb;
	struct mlds_writer *w, *other;
	struct mlds_data d;
	size_t files;
	int i;

	(void)state;
	assert_int_equal(bandit_log(&b, 10, &d), 0);
	write_log(&d, NULL);
	files = files_in_dir();
	for (i = 0; i < 2; i++) {
		assert_int_equal(mlds_open_writer(&w, path, &d.schema, &late), 0);
		bandit_records(&d, 0, &dec, &fb);
		assert_int_equal(mlds_write(w, 0, &dec.d.hdr), 0);
		assert_int_equal(mlds_write(w, 0, &fb.hdr), 0);
		assert_int_equal(mlds_flush(w), 0);
		assert_int_equal(rows_of_file(), 10);
		if (i) {
			assert_int_equal(mlds_publish(w), 0);
			assert_int_equal(mlds_publish(w), 0);
			assert_int_equal(rows_of_file(), 1);
			assert_int_equal(mlds_open_writer(&other, path, &d.schema, &late), -EBUSY);
		}
		assert_int_equal(mlds_close_writer(w), 0);
		assert_int_equal(rows_of_file(), i ? 1 : 10);
		assert_int_equal(files_in_dir(), files);
	}
	mlds_free(&d);
}

static void one_writer(void **state)
{
	struct mlds_options o = { .append = true };
	struct mlds_writer *w, *w2;
	struct mlds_schema s;

	(void)state;
	bandit_schema(&s, false);
	assert_int_equal(mlds_open_writer(&w, path, &s, NULL), 0);
	assert_int_equal(mlds_open_writer(&w2, path, &s, &o), -EBUSY);
	assert_int_equal(mlds_open_writer(&w2, path, &s, NULL), -EBUSY);
	assert_non_null(strstr(mlds_error(), "another recorder"));
	assert_int_equal(mlds_close_writer(w), 0);
	assert_int_equal(mlds_open_writer(&w2, path, &s, &o), 0);
	assert_int_equal(mlds_close_writer(w2), 0);
}

static void finds_damage(void **state)
{
	struct bandit b = { .seed = 5, .explore = 1 };
	const char *paths[] = { path };
	struct mlds_data d, back;
	struct stat st;
	char junk[64];
	int fd, i;

	(void)state;
	assert_int_equal(bandit_log(&b, 3000, &d), 0);
	assert_int_equal(mlds_load(&back, (const char *const[]){ "/nonexistent" }, 1), -ENOENT);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, "this is no data set at all", 26), 26);
	close(fd);
	assert_int_equal(mlds_load(&back, paths, 1), -EBADMSG);
	assert_non_null(strstr(mlds_error(), "not an HDF5 file"));

	/* Bytes in the middle: the checksums of chunks and metadata see them. */
	write_log(&d, NULL);
	assert_int_equal(stat(path, &st), 0);
	memset(junk, 0xa5, sizeof(junk));
	fd = open(path, O_WRONLY);
	for (i = 1; i < 64; i++)
		assert_int_equal(pwrite(fd, junk, sizeof(junk), st.st_size / 64 * i), 64);
	close(fd);
	assert_int_equal(mlds_load(&back, paths, 1), -EBADMSG);
	assert_true(strlen(mlds_error()) > 10);

	/* Cut off. */
	write_log(&d, NULL);
	assert_int_equal(truncate(path, st.st_size / 2), 0);
	assert_int_equal(mlds_load(&back, paths, 1), -EBADMSG);
	mlds_free(&d);
}

/* Disk full: an error with a reason, and the rows flushed before stay. */
static void full_disk(void **state)
{
	struct mlds_writer *w;
	struct mlds_schema s;

	(void)state;
	bandit_schema(&s, false);
	assert_true(mlds_open_writer(&w, "/nonexistent/x.h5", &s, NULL) < 0);
	assert_non_null(strstr(mlds_error(), "No such file"));
	assert_true(mlds_open_writer(&w, "/dev/full", &s, NULL) < 0);
}

/* Other programs open with the default driver and no options, as h5py does. */
static void open_plain(uint64_t at_least)
{
	hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), dset, space;
	hssize_t rows;

	if (file < 0) {
		H5Eprint2(H5E_DEFAULT, stderr);
		fail_msg("a plain H5Fopen() failed");
	}
	dset = H5Dopen2(file, "decisions", H5P_DEFAULT);
	assert_true(dset >= 0);
	space = H5Dget_space(dset);
	rows = H5Sget_simple_extent_npoints(space);
	assert_true(rows >= (hssize_t)at_least);
	H5Sclose(space);
	H5Dclose(dset);
	H5Fclose(file);
}

/* Writes until it dies; tells in shared memory what is flushed. */
static void victim(const struct mlds_data *d, volatile uint64_t *flushed, uint32_t chunk_rows)
{
	struct mlds_options o = { .append = true, .chunk_rows = chunk_rows };
	struct bandit_decision dec;
	struct mlproxy_rec_feedback fb;
	struct mlds_writer *w;
	size_t i;

	/* A test that fails must not leave it writing. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mlds_open_writer(&w, path, &d->schema, &o)) {
		print_error("%s\n", mlds_error());
		_exit(1);
	}
	flushed[1] = 1;
	for (i = 0;; i++) {
		bandit_records(d, i % d->n, &dec, &fb);
		dec.d.id = i + 1;
		fb.id = i + 1;
		if (mlds_write(w, 0, &dec.d.hdr) || mlds_write(w, 0, &fb.hdr))
			_exit(2);
		if (i % KILL_FLUSH == KILL_FLUSH - 1) {
			if (mlds_flush(w))
				_exit(3);
			flushed[0] = i + 1;
		}
	}
}

static void kill_once(const struct mlds_data *d, volatile uint64_t *flushed, uint64_t *rnd,
		      bool at_open, uint32_t chunk_rows)
{
	pid_t pid;
	int status;

	flushed[0] = 0;
	flushed[1] = 0;
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		victim(d, flushed, chunk_rows);
	while (!at_open && !flushed[1]) {
		/* It does not end by itself, unless it can't write. */
		assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
		usleep(100);
	}
	usleep(mix64_next(rnd) % (at_open ? 8000 : 30000));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/*
 * One file, killed again and again, each run appended to what the one before left:
 * every row that was flushed in any run must be there and readable, by a plain
 * open too.
 */
static void kill_often(const struct mlds_data *d, uint64_t total, unsigned int kills,
		       uint32_t chunk_rows)
{
	volatile uint64_t *flushed;
	uint64_t rnd = 99, most = 0;
	unsigned int i, empty = 0;
	struct mlds_data back;

	flushed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(flushed, MAP_FAILED);
	for (i = 0; i < kills; i++) {
		kill_once(d, flushed, &rnd, i % 6 == 5, chunk_rows);
		total += flushed[0];
		empty += !flushed[0];
		if (access(path, F_OK)) {
			assert_int_equal(total, 0);
			continue;
		}
		open_plain(total);
		load(&back);
		assert_true(back.counts.decisions >= total);
		assert_true(back.counts.feedback >= total);
		assert_true(back.n >= total);
		/* All that is there counts from now on. */
		total = back.n;
		most = flushed[0] > most ? flushed[0] : most;
		mlds_free(&back);
	}
	print_message("# %u kills, %llu rows, at most %llu flushed in a run, %u before a flush\n",
		      kills, (unsigned long long)total, (unsigned long long)most, empty);
	assert_true(most > 0);
	munmap((void *)flushed, 4096);
}

static void survives_kills(void **state)
{
	struct bandit b = { .seed = 6, .explore = 1, .noise = 100 };
	struct mlds_data d;

	(void)state;
	unlink(path);
	assert_int_equal(bandit_log(&b, 1000, &d), 0);
	kill_often(&d, 0, KILLS, KILL_CHUNK);
	mlds_free(&d);
}

/*
 * What SIGKILL can tear in two: a buffered write over data that is there, across
 * pages. The linker leads the library's pwrite() here.
 */
static struct {
	bool on;
	off_t end;
	uint64_t tearable;
	uint64_t direct;
} writes;

ssize_t __real_pwrite(int fd, const void *buf, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *buf, size_t n, off_t at);

ssize_t __wrap_pwrite(int fd, const void *buf, size_t n, off_t at)
{
	bool direct = writes.on && fcntl(fd, F_GETFL) & O_DIRECT;

	if (writes.on && at < writes.end && at / 4096 != (off_t)(at + n - 1) / 4096)
		writes.tearable += !direct;
	writes.direct += direct;
	if (at + (off_t)n > writes.end)
		writes.end = at + n;
	return __real_pwrite(fd, buf, n, at);
}

/* The index of a table with thousands of chunks has blocks larger than a page. */
static void not_tearable(void **state)
{
	struct bandit b = { .seed = 8, .explore = 1, .noise = 100 };
	struct mlds_options o = { .chunk_rows = 1 };
	char probe[80];
	struct mlds_data d;
	int fd;

	(void)state;
	snprintf(probe, sizeof(probe), "%s/direct", dir);
	fd = open(probe, O_RDWR | O_CREAT | O_DIRECT, 0600);
	if (fd < 0)
		skip();	/* a file system in memory */
	close(fd);
	unlink(path);
	assert_int_equal(bandit_log(&b, 9000, &d), 0);
	memset(&writes, 0, sizeof(writes));
	writes.on = true;
	write_log(&d, &o);
	writes.on = false;
	print_message("# %llu direct writes\n", (unsigned long long)writes.direct);
	assert_true(writes.direct > 0);
	assert_int_equal(writes.tearable, 0);
	mlds_free(&d);
}

/* A reader beside a living writer. */
static void read_while_written(void **state)
{
	struct bandit b = { .seed = 7, .explore = 1 };
	volatile uint64_t *flushed;
	struct mlds_data d, back;
	uint64_t before;
	pid_t pid;
	int i;

	(void)state;
	unlink(path);
	flushed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_int_equal(bandit_log(&b, 1000, &d), 0);
	flushed[1] = 0;
	pid = fork();
	if (!pid)
		victim(&d, flushed, KILL_CHUNK);
	while (!flushed[1])
		usleep(100);
	for (i = 0; i < 10; i++) {
		usleep(10000);
		before = flushed[0];
		load(&back);
		assert_true(back.counts.decisions >= before);
		mlds_free(&back);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	mlds_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(appends_runs),
		cmocka_unit_test(checks_schema),
		cmocka_unit_test(joins),
		cmocka_unit_test(replaces_late),
		cmocka_unit_test(one_writer),
		cmocka_unit_test(finds_damage),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(survives_kills),
		cmocka_unit_test(not_tearable),
		cmocka_unit_test(read_while_written),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
