// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data sets: what a file holds beside the rows of decisions and their rewards, and files
 * of older formats.
 */
#include <errno.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>

#include "../unit.h"
#include "bandit.h"
#include "dataset_file.h"

/* Prediction and error, arms, and outcomes that never came. */
static void flags_and_arms(void **state)
{
	struct bandit b = { .seed = 6, .explore = 1 };
	struct bandit_decision dec;
	struct mlproxy_rec_feedback fb;
	struct mlds_writer *w;
	struct mlds_data d, back;
	size_t i;

	(void)state;
	assert_int_equal(bandit_log(&b, 10, &d), 0);
	assert_int_equal(mlds_open_writer(&w, path, &d.schema, NULL), 0);
	for (i = 0; i < d.n; i++) {
		bandit_records(&d, i, &dec, &fb);
		dec.d.arm = i % 2;
		fb.arm = i % 2;
		fb.predicted = fb.reward + 7;
		fb.error = -7;
		fb.hdr.flags = i == 4 ? MLPROXY_FEEDBACK_DEFERRED | MLPROXY_FEEDBACK_EXPIRED :
			       MLPROXY_FEEDBACK_PREDICTED;
		assert_int_equal(mlds_write(w, 0, &dec.d.hdr), 0);
		assert_int_equal(mlds_write(w, 0, &fb.hdr), 0);
	}
	assert_int_equal(mlds_close_writer(w), 0);
	load(&back);
	assert_int_equal(back.n, 9);
	assert_int_equal(back.expired, 1);
	assert_int_equal(back.no_feedback, 1);
	assert_int_equal(back.orphans, 0);
	for (i = 0; i < back.n; i++) {
		assert_int_not_equal(back.id[i], 5);
		assert_int_equal(back.error[i], -7);
		assert_int_equal(back.feedback_flags[i], MLPROXY_FEEDBACK_PREDICTED);
		assert_int_equal(back.arm[i], (back.id[i] - 1) % 2);
	}
	mlds_free(&back);
	mlds_free(&d);
}

/* Ledgers where there are some, contexts, and arms of the outer experiment. */
static void ledgers(void **state)
{
	struct bandit b = { .seed = 7, .explore = 1 };
	const uint32_t old_len = offsetof(struct mlproxy_rec_feedback, ledger);
	struct bandit_decision dec;
	struct mlproxy_rec_feedback fb;
	struct mlds_writer *w;
	struct mlds_data d, back;
	size_t i;

	(void)state;
	assert_int_equal(bandit_log(&b, 10, &d), 0);
	assert_int_equal(mlds_open_writer(&w, path, &d.schema, NULL), 0);
	for (i = 0; i < d.n; i++) {
		bandit_records(&d, i, &dec, &fb);
		dec.d.stratum = i % 3;
		dec.d.outer_arm = i % 2 ? i % 4 / 2 : MLPROXY_ARM_NONE;
		fb.ledger = -1000 * (int64_t)i;
		if (i < 8)
			fb.hdr.flags = MLPROXY_FEEDBACK_LEDGER;
		/* as older kernels write it; and with a ledger that is not in it */
		if (i == 0 || i == 9)
			fb.hdr.len = old_len;
		assert_int_equal(mlds_write(w, 0, &dec.d.hdr), 0);
		assert_int_equal(mlds_write(w, 0, &fb.hdr), 0);
	}
	assert_int_equal(mlds_counts(w)->skipped, 1);
	assert_int_equal(mlds_close_writer(w), 0);
	load(&back);
	assert_int_equal(back.n, 9);
	for (i = 0; i < back.n; i++) {
		uint64_t n = back.id[i] - 1;

		assert_int_not_equal(n, 0);
		assert_int_equal(back.ledger[i], n < 8 ? -1000 * (int64_t)n : 0);
		assert_int_equal(back.feedback_flags[i], n < 8 ? MLPROXY_FEEDBACK_LEDGER : 0);
		assert_int_equal(back.stratum[i], n % 3);
		assert_int_equal(back.outer_arm[i], n % 2 ? n % 4 / 2 : MLPROXY_ARM_NONE);
	}
	mlds_free(&back);
	mlds_free(&d);
}

/* Which instance a record is of, and what that is called; a run each has its own numbers. */
static void instances(void **state)
{
	struct mlproxy_rec_change change = {
		.hdr = { .len = sizeof(change), .type = MLPROXY_REC_STATE }, .from = 3, .to = 4,
		.instance = 2,
	};
	struct bandit b = { .seed = 8, .explore = 1 };
	struct mlds_options append = { .append = true };
	const char *paths[] = { path };
	struct bandit_decision dec;
	struct mlproxy_rec_feedback fb;
	struct mlds_writer *w;
	struct mlds_data d, back;
	struct mlds_log log;
	size_t i;

	(void)state;
	assert_int_equal(bandit_log(&b, 10, &d), 0);
	assert_int_equal(mlds_open_writer(&w, path, &d.schema, NULL), 0);
	assert_int_equal(mlds_write_instance(w, 2, "sda"), 0);
	for (i = 0; i < d.n; i++) {
		bandit_records(&d, i, &dec, &fb);
		dec.d.instance = i % 3;
		fb.instance = i % 3;
		assert_int_equal(mlds_write(w, 0, &dec.d.hdr), 0);
		assert_int_equal(mlds_write(w, 0, &fb.hdr), 0);
	}
	assert_int_equal(mlds_write(w, 0, &change.hdr), 0);
	assert_int_equal(mlds_close_writer(w), 0);
	assert_int_equal(mlds_open_writer(&w, path, &d.schema, &append), 0);
	assert_int_equal(mlds_write_instance(w, 2, "sdb"), 0);
	assert_int_equal(mlds_close_writer(w), 0);
	load(&back);
	assert_int_equal(back.n, 10);
	for (i = 0; i < back.n; i++)
		assert_int_equal(back.instance[i], (back.id[i] - 1) % 3);
	assert_int_equal(mlds_load_log(&log, paths, 1), 0);
	assert_int_equal(log.changes[0].instance, 2);
	assert_int_equal(log.nr_instances, 2);
	assert_int_equal(log.instances[0].run, 0);
	assert_int_equal(log.instances[1].run, 1);
	assert_int_equal(log.instances[1].instance, 2);
	assert_string_equal(log.instances[0].name, "sda");
	assert_string_equal(log.instances[1].name, "sdb");
	mlds_log_free(&log);
	mlds_free(&back);
	mlds_free(&d);
}

/* States, events and preprocessing come back, and may be none. */
static void whole_schema(void **state)
{
	struct mlds_schema s, back;
	struct mlds_writer *w;
	int i;

	(void)state;
	bandit_schema(&s, false);
	s.features[1].preprocess = MLPROXY_PRE_LOG2;
	s.schema.nr_states = MLPROXY_MAX_STATES;
	s.schema.nr_events = 2;
	for (i = 0; i < MLPROXY_MAX_STATES; i++) {
		snprintf(s.states[i].name, sizeof(s.states[i].name), "state%d", i);
		strcpy(s.states[i].unit, "pages");
		s.states[i].preprocess = i % MLPROXY_NR_PRE;
		s.states[i].type = MLPROXY_TYPE_Q8;
		s.states[i].min = -i;
		s.states[i].max = 1LL << i;
	}
	strcpy(s.events[0].name, "miss");
	s.events[0].nr_values = 3;
	strcpy(s.events[1].name, "tick");
	s.events[1].nr_values = 1;
	s.events[1].period_ms = 500;
	strcpy(s.schema.ledger_name, "saved");
	strcpy(s.schema.ledger_unit, "us");
	s.schema.ledger_direction = MLPROXY_REWARD_LOWER;
	strcpy(s.schema.cost_name, "stalled");
	strcpy(s.schema.work_name, "time");
	strcpy(s.schema.work_unit, "ms");
	s.schema.outer_unit = MLPROXY_OUTER_WINDOW;
	s.schema.nr_strata = 2;
	strcpy(s.strata[0].name, "sequential");
	strcpy(s.strata[1].name, "random");
	assert_int_equal(mlds_open_writer(&w, path, &s, NULL), 0);
	assert_int_equal(mlds_close_writer(w), 0);
	assert_int_equal(mlds_read_schema(path, &back, NULL), 0);
	assert_memory_equal(&back, &s, sizeof(s));
	s.schema.nr_events = MLPROXY_MAX_EVENTS + 1;
	assert_int_equal(mlds_open_writer(&w, path, &s, NULL), -EINVAL);
	s.schema.nr_events = 0;
	s.schema.nr_strata = MLPROXY_MAX_STRATA + 1;
	assert_int_equal(mlds_open_writer(&w, path, &s, NULL), -EINVAL);
}

static double mode_value(hid_t row_type, const uint8_t *row, const char *name)
{
	int member = H5Tget_member_index(row_type, name);
	double v;

	assert_true(member >= 0);
	memcpy(&v, row + H5Tget_member_offset(row_type, member), sizeof(v));
	return v;
}

/* A change of mode, with the numbers that it was made on. */
static void evidence(void **state)
{
	struct mlproxy_rec_mode mode = {
		.hdr = { .len = sizeof(mode), .type = MLPROXY_REC_MODE }, .from = 1, .to = 2,
		.reason = MLPROXY_REASON_NOT_WORSE, .instance = 3,
		.evidence = {
			.n = { 100, 200 }, .mean_q16 = { 65536, 98304 }, .gain_q16 = 32768,
			.low_q16 = INT64_MIN, .high_q16 = INT64_MAX,
			.verdict = MLPROXY_VERDICT_OUTER, .stance = MLPROXY_STANCE_CONTRADICTS,
			.source = MLPROXY_SRC_BPF,
		},
	};
	const char *paths[] = { path };
	struct mlds_log log;
	hid_t file, dset, type;
	struct mlds_counts c;
	struct mlds_writer *w;
	struct mlds_schema s;
	uint8_t row[512];

	(void)state;
	bandit_schema(&s, false);
	assert_int_equal(mlds_open_writer(&w, path, &s, NULL), 0);
	assert_int_equal(mlds_write(w, 0, &mode.hdr), 0);
	assert_int_equal(mlds_close_writer(w), 0);
	assert_int_equal(mlds_read_schema(path, &s, &c), 0);
	assert_int_equal(c.changes, 1);
	file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
	dset = H5Dopen2(file, "modes", H5P_DEFAULT);
	assert_true(dset >= 0);
	type = H5Dget_type(dset);
	assert_true(H5Tget_size(type) <= sizeof(row));
	assert_true(H5Dread(dset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, row) >= 0);
	assert_true(mode_value(type, row, "mean_model") == 1.5);
	assert_true(mode_value(type, row, "gain") == 0.5);
	assert_true(mode_value(type, row, "low") == -INFINITY);
	assert_true(mode_value(type, row, "high") == INFINITY);
	H5Tclose(type);
	H5Dclose(dset);
	H5Fclose(file);
	assert_int_equal(mlds_load_log(&log, paths, 1), 0);
	assert_int_equal(log.nr_changes, 1);
	assert_int_equal(log.changes[0].verdict, MLPROXY_VERDICT_OUTER);
	assert_int_equal(log.changes[0].stance, MLPROXY_STANCE_CONTRADICTS);
	assert_int_equal(log.changes[0].source, MLPROXY_SRC_BPF);
	assert_int_equal(log.changes[0].instance, 3);
	mlds_log_free(&log);
}

static void not_appended(const char *old, const struct mlds_schema *schema)
{
	struct mlds_options append = { .append = true };
	struct mlds_writer *w;
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "cp %s %s", old, path);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(mlds_open_writer(&w, path, schema, &append), -EBADMSG);
	assert_non_null(strstr(mlds_error(), "record to a new file"));
}

/*
 * A file as the first format had it: 40 rows of a bandit with seed 9, whose feature
 * "arm" has the name of a field that came later.
 */
static void first_format(void **state)
{
	struct bandit b = { .seed = 9, .explore = 0.5, .noise = 100 };
	const char *paths[] = { FORMAT1_FILE };
	struct mlds_data d, back;
	size_t i;

	(void)state;
	assert_int_equal(bandit_log(&b, 40, &d), 0);
	if (mlds_load(&back, paths, 1))
		fail_msg("%s", mlds_error());
	assert_int_equal(back.n, 40);
	assert_int_equal(back.counts.changes, 1);
	assert_int_equal(back.schema.schema.nr_states, 0);
	assert_string_equal(back.schema.features[0].name, "arm");
	assert_int_equal(back.schema.features[0].preprocess, MLPROXY_PRE_NONE);
	assert_memory_equal(back.features, d.features, d.n * BANDIT_FEATURES * 8);
	assert_memory_equal(back.reward, d.reward, d.n * 8);
	for (i = 0; i < back.n; i++)
		assert_true(!back.feedback_flags[i] && !back.error[i] &&
			    back.arm[i] == MLPROXY_ARM_NONE);
	not_appended(paths[0], &back.schema);
	mlds_free(&back);
	mlds_free(&d);
}

/*
 * The same of the second format: with predictions, arms, a state and a change of mode,
 * and the feature "stratum" in the place of the second one.
 */
static void second_format(void **state)
{
	struct bandit b = { .seed = 9, .explore = 0.5, .noise = 100 };
	const char *paths[] = { FORMAT2_FILE };
	struct mlds_data d, back;
	struct mlds_log log;
	size_t i;

	(void)state;
	assert_int_equal(bandit_log(&b, 40, &d), 0);
	if (mlds_load(&back, paths, 1) || mlds_load_log(&log, paths, 1))
		fail_msg("%s", mlds_error());
	assert_int_equal(back.n, 40);
	assert_int_equal(back.schema.schema.nr_states, 1);
	assert_int_equal(back.schema.schema.nr_strata, 0);
	assert_string_equal(back.schema.schema.ledger_name, "");
	assert_string_equal(back.schema.features[1].name, "stratum");
	assert_memory_equal(back.features, d.features, d.n * BANDIT_FEATURES * 8);
	assert_memory_equal(back.reward, d.reward, d.n * 8);
	for (i = 0; i < back.n; i++) {
		assert_int_equal(back.feedback_flags[i], MLPROXY_FEEDBACK_PREDICTED);
		assert_int_equal(back.error[i], -7);
		assert_int_equal(back.arm[i], i % 2);
		assert_int_equal(back.ledger[i], 0);
		assert_int_equal(back.stratum[i], 0);
		assert_int_equal(back.outer_arm[i], MLPROXY_ARM_NONE);
		assert_int_equal(back.instance[i], 0);
	}
	assert_int_equal(log.nr_instances, 0);
	assert_int_equal(log.nr_changes, 1);
	assert_true(log.changes[0].judged && log.changes[0].gain == 0.5);
	assert_int_equal(log.changes[0].verdict, MLPROXY_VERDICT_REWARD);
	assert_int_equal(log.changes[0].stance, MLPROXY_STANCE_NONE);
	not_appended(paths[0], &back.schema);
	mlds_log_free(&log);
	mlds_free(&back);
	mlds_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_and_arms),
		cmocka_unit_test(ledgers),
		cmocka_unit_test(instances),
		cmocka_unit_test(whole_schema),
		cmocka_unit_test(evidence),
		cmocka_unit_test(first_format),
		cmocka_unit_test(second_format),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
