// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy report: the ledger by arm, and changes of mode that another measure than the
 * reward was asked for.
 */
#include <math.h>
#include <stdlib.h>

#include "../unit.h"
#include "bandit.h"
#include "dataset_file.h"
#include "cli/report/html.h"
#include "cli/report/plot.h"
#include "cli/report/table.h"

#define ROWS	400

static void put_change(struct mlds_writer *w, uint32_t verdict, uint32_t reason, double gain)
{
	struct mlproxy_rec_mode m = {
		.hdr = { .len = sizeof(m), .type = MLPROXY_REC_MODE, .time_ns = 100000 + reason },
		.from = MLPROXY_MODE_COLLABORATION, .to = MLPROXY_MODE_LEARNING,
		.reason = reason,
		.evidence = {
			.n = { 100, 200 }, .gain_q16 = gain * 65536,
			.low_q16 = 1.5 * gain * 65536, .high_q16 = 0.5 * gain * 65536,
			.verdict = verdict, .stance = MLPROXY_STANCE_CONTRADICTS,
			.source = MLPROXY_SRC_MODEL, .model_version = 3,
		},
	};

	assert_int_equal(mlds_write(w, 0, &m.hdr), 0);
}

/* Every second row is the model's; its ledger is lower by 6, and every fourth has none. */
static void put_rows(struct mlds_writer *w, const struct mlds_data *d)
{
	struct mlproxy_rec_feedback fb;
	struct bandit_decision dec;
	size_t i;

	for (i = 0; i < d->n; i++) {
		bandit_records(d, i, &dec, &fb);
		dec.d.arm = fb.arm = i / 2 % 2;
		dec.d.mode = MLPROXY_MODE_COLLABORATION;
		if (i % 4) {
			fb.hdr.flags = MLPROXY_FEEDBACK_LEDGER;
			fb.ledger = 10 + (int64_t)(i / 4 % 3) - 6 * fb.arm;
		}
		assert_int_equal(mlds_write(w, 0, &dec.d.hdr), 0);
		assert_int_equal(mlds_write(w, 0, &fb.hdr), 0);
	}
}

/* The report of such a log, with a ledger of which less is better, or without any. */
static struct report *make(bool measures)
{
	struct bandit b = { .seed = 11, .noise = 100 };
	struct report *r = calloc(1, sizeof(*r));
	char *paths[] = { path };
	struct mlds_writer *w;
	struct mlds_data d;

	assert_int_equal(bandit_log(&b, ROWS, &d), 0);
	if (measures) {
		strcpy(d.schema.schema.ledger_name, "wa<it");
		strcpy(d.schema.schema.ledger_unit, "us");
		d.schema.schema.ledger_direction = MLPROXY_REWARD_LOWER;
	}
	assert_int_equal(mlds_open_writer(&w, path, &d.schema, NULL), 0);
	put_rows(w, &d);
	put_change(w, MLPROXY_VERDICT_LEDGER, MLPROXY_REASON_LEDGER, -7);
	put_change(w, MLPROXY_VERDICT_OUTER, MLPROXY_REASON_OUTER, -0.2);
	put_change(w, MLPROXY_VERDICT_REWARD, MLPROXY_REASON_WORSE, -300);
	assert_int_equal(mlds_close_writer(w), 0);
	mlds_free(&d);
	assert_int_equal(report_make(r, paths, 1, 10, NULL, 0), CLI_OK);
	return r;
}

static void drop(struct report *r)
{
	report_free(r);
	free(r);
}

static void ledger_by_arm(void **state)
{
	struct report *r = make(true);
	const struct report_stratum *s = &r->ledger[1 + MLPROXY_MODE_COLLABORATION];

	(void)state;
	assert_int_equal(s->arm[MLPROXY_ARM_BASELINE].n, ROWS / 4);
	assert_int_equal(s->arm[MLPROXY_ARM_MODEL].n, ROWS / 2);
	assert_true(fabs(s->arm[MLPROXY_ARM_BASELINE].mean - 11) < 0.1);
	assert_true(fabs(s->arm[MLPROXY_ARM_MODEL].mean - 5) < 0.1);
	/* less is better, whatever the reward's direction is */
	assert_true(s->gain.mean > 5.5 && s->gain.low > 5);
	assert_true(fabs(r->ledger[0].gain.mean - s->gain.mean) < 1e-9);
	/* the rewards are not touched */
	assert_int_equal(r->stratum[0].arm[MLPROXY_ARM_MODEL].n, ROWS / 2);
	drop(r);
}

static void is_written(void **state)
{
	struct report *r = make(true);
	char *svg[REPORT_NR_PLOTS] = { NULL }, *paths[] = { path };
	char *html = report_html(r, svg, paths, 1), *csv = report_csv(r);
	json_t *j = report_json(r), *modes = json_object_get(j, "modes"), *ledger;

	(void)state;
	assert_non_null(strstr(html, "<h2>Ledger: wa&lt;it in us</h2>"));
	assert_non_null(strstr(html, "lower is better; as the table above"));
	assert_null(strstr(html, "wa<it"));
	assert_non_null(strstr(html, "-7.0 [-10.5, -3.5]</td><td>wa&lt;it</td>"));
	assert_non_null(strstr(html, "-20.0 [-30.0, -10.0]</td><td>% of the cost less</td>"));
	assert_non_null(strstr(html, "-300 [-450, -150]</td><td>score</td>"));
	assert_non_null(strstr(csv, "\nledger,collaboration/gain,,300,"));
	assert_non_null(strstr(csv, "\"collaboration -> learning: outer, by: outer\""));
	assert_non_null(strstr(csv, "\"collaboration -> learning: worse\""));
	ledger = json_object_get(j, "ledger");
	assert_string_equal(json_string_value(json_object_get(ledger, "unit")), "us");
	assert_non_null(json_object_get(json_object_get(ledger, "arms"), "collaboration"));
	assert_int_equal(json_array_size(modes), 3);
	assert_string_equal(json_string_value(json_object_get(json_array_get(modes, 2),
							      "verdict")), "outer");
	assert_string_equal(json_string_value(json_object_get(json_array_get(modes, 2),
							      "source")), "model");
	json_decref(j);
	free(csv);
	free(html);
	drop(r);
}

/* Who has no ledger reads nothing of one, whatever the flags of the records say. */
static void without_a_ledger(void **state)
{
	struct report *r = make(false);
	char *svg[REPORT_NR_PLOTS] = { NULL }, *paths[] = { path };
	char *html = report_html(r, svg, paths, 1), *csv = report_csv(r);
	json_t *j = report_json(r);

	(void)state;
	assert_null(strstr(html, "<h2>Ledger"));
	assert_null(strstr(csv, "\nledger,"));
	assert_true(json_is_null(json_object_get(j, "ledger")));
	json_decref(j);
	free(csv);
	free(html);
	drop(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ledger_by_arm),
		cmocka_unit_test(is_written),
		cmocka_unit_test(without_a_ledger),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
