// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent's files: what is written is read again, what is torn is noticed, and a
 * kill at any time leaves the old or the new, whole.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "bandit.h"
#include "shared/mix64.h"
#include "persist.h"

static char top[] = "/tmp/mlproxy-persist-XXXXXX";
static char dir[PATH_MAX];

static int setup(void **state)
{
	(void)state;
	strcpy(top + sizeof(top) - 7, "XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(dir, sizeof(dir), "%s/proxy", top);
	return persist_open(dir);
}

static int teardown(void **state)
{
	char cmd[PATH_MAX + 16];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", top);
	return system(cmd);
}

static void make_rows(struct mlds_data *d, size_t n, int64_t mark)
{
	const struct bandit b = { .seed = 3, .explore = 0.5, .noise = 50 };
	size_t i;

	assert_int_equal(bandit_log(&b, n, d), 0);
	for (i = 0; i < n; i++) {
		d->run[i] = i * 3 / n;
		d->predicted[i] = mark;
		d->model_version[i] = 7;
	}
}

static void rows_come_back(void **state)
{
	struct mlds_data a, b;

	(void)state;
	assert_int_equal(persist_load_rows(dir, &b), -ENOENT);
	make_rows(&a, 3000, 11);
	assert_int_equal(persist_save_rows(dir, &a, 4), 0);
	assert_int_equal(persist_load_rows(dir, &b), 0);
	assert_int_equal(a.n, b.n);
#define SAME(column) assert_memory_equal(a.column, b.column, a.n * sizeof(*a.column))
	SAME(id);
	SAME(run);
	SAME(key);
	SAME(time_ns);
	SAME(reward);
	SAME(predicted);
	SAME(model_version);
	SAME(allowed);
	SAME(action);
	SAME(baseline);
	SAME(candidate);
#undef SAME
	assert_memory_equal(a.features, b.features, a.n * BANDIT_FEATURES * sizeof(*a.features));
	mlds_free(&a);
	mlds_free(&b);
}

static void fill_state(struct persist_state *s, uint64_t mark)
{
	memset(s, 0, sizeof(*s));
	s->schema_hash = 0xfedcba9876543210ULL;
	s->serial = 9;
	s->current = 8;
	s->previous = 7;
	s->rejected = 9;
	s->next_row = mark;
	s->rows = mark;
	s->alarm = true;
	s->gain = (struct mltrain_estimate){ 1.5, -INFINITY, 2.5 };
	s->nr_regimes = 2;
	s->regime[0] = (struct replay_regime){ .number = 3, .offered = 1000 };
	s->regime[1] = (struct replay_regime){ .number = 4, .offered = 0 };
}

static void state_comes_back(void **state)
{
	struct persist_state a, b;

	(void)state;
	assert_int_equal(persist_load_state(dir, &b), -ENOENT);
	fill_state(&a, 123456789012ULL);
	assert_int_equal(persist_save_state(dir, &a), 0);
	assert_int_equal(persist_load_state(dir, &b), 0);
	assert_true(b.schema_hash == a.schema_hash);
	assert_int_equal(b.current, 8);
	assert_int_equal(b.rejected, 9);
	assert_true(b.rows == a.rows);
	assert_true(b.alarm);
	assert_true(b.gain.value == 1.5 && isnan(b.gain.low));
	assert_int_equal(b.nr_regimes, 2);
	assert_int_equal(b.regime[0].offered, 1000);
}

static void overwrite(const char *name, const char *text, long keep)
{
	char path[PATH_MAX + 32];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (keep >= 0) {
		assert_int_equal(truncate(path, keep), 0);
		return;
	}
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* What the agent never writes, but a broken disk may hand out. */
static void torn_files_are_noticed(void **state)
{
	struct persist_state s;
	struct mlds_data d;

	(void)state;
	fill_state(&s, 5);
	assert_int_equal(persist_save_state(dir, &s), 0);
	overwrite("state.json", NULL, 40);
	assert_int_equal(persist_load_state(dir, &s), -EBADMSG);
	assert_non_null(strstr(persist_error(), "state.json"));
	overwrite("state.json", "{\"format\": 1, \"schema_hash\": \"1\", \"serial\": -1}", -1);
	assert_int_equal(persist_load_state(dir, &s), -EBADMSG);
	assert_non_null(strstr(persist_error(), "serial"));
	overwrite("state.json", "{\"format\": 2}", -1);
	assert_int_equal(persist_load_state(dir, &s), -EBADMSG);
	make_rows(&d, 500, 1);
	assert_int_equal(persist_save_rows(dir, &d, 3), 0);
	mlds_free(&d);
	overwrite("replay.h5", NULL, 3000);
	assert_int_not_equal(persist_load_rows(dir, &d), 0);
}

static void half_done_files_are_removed(void **state)
{
	char path[PATH_MAX + 32];

	(void)state;
	overwrite("replay.h5.tmp", "half", -1);
	overwrite("replay.h5.tmp.new-77", "half", -1);
	overwrite("versions/3.float.tmp", "half", -1);
	assert_int_equal(persist_open(dir), 0);
	snprintf(path, sizeof(path), "%s/replay.h5.tmp", dir);
	assert_int_not_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/replay.h5.tmp.new-77", dir);
	assert_int_not_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/versions/3.float.tmp", dir);
	assert_int_not_equal(access(path, F_OK), 0);
}

/* @saves: how many there were, for the parent */
static void save_for_ever(uint64_t from, volatile uint64_t *saves)
{
	struct persist_state s;
	struct mlds_data d;
	uint64_t mark, i;

	make_rows(&d, 400, 0);
	for (mark = from;; mark++) {
		for (i = 0; i < d.n; i++)
			d.predicted[i] = mark;
		fill_state(&s, mark);
		if (persist_save_rows(dir, &d, 3) || persist_save_state(dir, &s))
			_exit(1);
		saves[0]++;
	}
}

/* Whatever moment the kill comes at, both files are whole, and fit together. */
static void kill_leaves_whole_files(void **state)
{
	uint64_t mark = 1, seed = 5;
	volatile uint64_t *saves;
	struct persist_state s;
	struct mlds_data d;
	int round, status;
	size_t i;

	(void)state;
	make_rows(&d, 400, 1);
	fill_state(&s, 1);
	assert_int_equal(persist_save_rows(dir, &d, 3), 0);
	assert_int_equal(persist_save_state(dir, &s), 0);
	mlds_free(&d);
	saves = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(saves, MAP_FAILED);
	for (round = 0; round < 40; round++) {
		uint64_t before = saves[0];
		pid_t child = fork();

		if (!child)
			save_for_ever(mark + 1, saves);
		/* in the midst of the first save, or of a later one */
		while (round % 2 && saves[0] == before) {
			assert_int_equal(waitpid(child, &status, WNOHANG), 0);
			usleep(100);
		}
		usleep(3000 + mix64_next(&seed) % 40000);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(persist_open(dir), 0);
		assert_int_equal(persist_load_state(dir, &s), 0);
		assert_int_equal(persist_load_rows(dir, &d), 0);
		assert_int_equal(d.n, 400);
		for (i = 1; i < d.n; i++)
			assert_int_equal(d.predicted[i], d.predicted[0]);
		/* the rows are saved first */
		assert_in_range(d.predicted[0], s.rows, s.rows + 1);
		assert_true(s.rows >= mark);
		mark = s.rows;
		mlds_free(&d);
	}
	assert_true(mark > 1);
}

static void other_schema_is_set_aside(void **state)
{
	char path[PATH_MAX + 32];
	struct persist_state s;

	(void)state;
	fill_state(&s, 5);
	assert_int_equal(persist_save_state(dir, &s), 0);
	assert_int_equal(persist_set_aside(dir), 0);
	assert_int_equal(persist_load_state(dir, &s), -ENOENT);
	snprintf(path, sizeof(path), "%s.old/state.json", dir);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(persist_set_aside(dir), 0);
}

/* Both forms, and the error that is to be expected; of another schema: none. */
static void version_comes_back(void **state)
{
	const struct bandit b = { .seed = 3, .explore = 0.8, .noise = 50 };
	struct mltrain_options options;
	struct mltrain_fit_report fit;
	struct mltrain_quant_report quant;
	struct mltrain_model *model, *back;
	void *file, *file_back;
	size_t len, len_back;
	struct mlds_schema other;
	struct mlds_data d;

	(void)state;
	assert_int_equal(bandit_log(&b, 2000, &d), 0);
	mltrain_default_options(&options);
	options.kind = MLTRAIN_TREE;
	assert_int_equal(mltrain_fit(&model, &d, &options, &fit), 0);
	assert_int_equal(mltrain_quantise(model, &d, &fit.train, &file, &len, &quant), 0);
	assert_int_equal(persist_save_version(dir, 7, model, file, len,
					      json_pack("{s:f}", "abs_error", 12.5)), 0);
	assert_int_equal(persist_load_version(dir, 7, &d.schema, &back, &file_back, &len_back), 0);
	assert_int_equal(len_back, len);
	assert_memory_equal(file, file_back, len);
	assert_int_equal(back->nr_seen, model->nr_seen);
	assert_true(persist_version_error(dir, 7) == 12.5);
	mltrain_free(back);
	free(file_back);
	assert_int_not_equal(persist_load_version(dir, 8, &d.schema, &back, &file_back, &len_back),
			     0);
	assert_true(persist_version_error(dir, 8) < 0);
	bandit_schema(&other, true);
	assert_int_not_equal(persist_load_version(dir, 7, &other, &back, &file_back, &len_back),
			     0);
	assert_null(back);
	mltrain_fit_report_free(&fit);
	mltrain_free(model);
	free(file);
	mlds_free(&d);
}

static void versions_are_bounded(void **state)
{
	char path[PATH_MAX + 32], name[32];
	int i, left = 0;

	(void)state;
	for (i = 1; i <= 20; i++) {
		snprintf(name, sizeof(name), "versions/%d.mlp", i);
		overwrite(name, "x", -1);
	}
	persist_prune(dir, 20, 4, 3, 5);
	for (i = 1; i <= 20; i++) {
		snprintf(path, sizeof(path), "%s/versions/%d.mlp", dir, i);
		if (access(path, F_OK))
			continue;
		left++;
		assert_true(i == 3 || i == 5 || i > 16);
	}
	assert_int_equal(left, 6);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(rows_come_back),
		TEST(state_comes_back),
		TEST(torn_files_are_noticed),
		TEST(half_done_files_are_removed),
		TEST(kill_leaves_whole_files),
		TEST(other_schema_is_set_aside),
		TEST(version_comes_back),
		TEST(versions_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
