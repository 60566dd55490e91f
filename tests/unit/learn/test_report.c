// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy report: its figures against what was counted while a log was made of two
 * models, the parts of the page, and logs that are empty, or of a killed recorder.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../unit.h"
#include "bandit.h"
#include "shared/mix64.h"
#include "cli/report/data.h"
#include "cli/report/html.h"
#include "cli/report/plot.h"
#include "cli/report/table.h"
#include "cli/report/verdict.h"

#define ROWS		12000
#define ROW_NS		10000000ULL	/* 120 s in all */
#define BIAS		25		/* the first model promises too much */
#define NR_PHASES	6

/* Where a piece of the log begins, and how it is drawn. */
static const struct phase {
	size_t from;
	uint8_t mode;
	uint32_t reason;
	uint32_t version;
	double share;
	double explore;
} phases[NR_PHASES] = {
	{ 0, MLPROXY_MODE_LEARNING, 0, 0, 0, 0.5 },
	{ 3000, MLPROXY_MODE_LEARNING, 0, 1, 1 / 16.0, 1 / 16.0 },
	{ 5000, MLPROXY_MODE_COLLABORATION, MLPROXY_REASON_NOT_WORSE, 1, 0.5, 0 },
	{ 8000, MLPROXY_MODE_RECOMMENDATION, MLPROXY_REASON_BETTER, 1, 63 / 64.0, 0 },
	{ 10000, MLPROXY_MODE_LEARNING, MLPROXY_REASON_NEW_MODEL, 2, 1 / 16.0, 1 / 16.0 },
	{ 11000, MLPROXY_MODE_EMERGENCY, MLPROXY_REASON_DROP, 2, 0, 0 },
};

/**
 * struct tally - what is known of the log without reading it
 * @n: outcomes by mode and arm
 * @sum: of the rewards
 * @errors: of the first model
 * @error_sum: of these
 * @truth: mean reward of the first model, if it were always followed
 * @worst: the same of the second
 */
static struct tally {
	uint64_t n[MLPROXY_NR_MODES][MLPROXY_NR_ARMS];
	double sum[MLPROXY_NR_MODES][MLPROXY_NR_ARMS];
	uint64_t errors;
	double error_sum;
	double truth;
	double worst;
} tally;

static char dir[] = "/tmp/mlproxy-test-report-XXXXXX";
static char path[64], model_path[64], out_path[64];
static struct mlds_data world;		/* contexts */
static uint8_t *proposed;		/* by the first model */

static uint32_t worst(const struct bandit *b, const int64_t *f)
{
	uint32_t a, at = 0;

	for (a = 1; a < BANDIT_ACTIONS; a++)
		at = bandit_mean(b, a, f) < bandit_mean(b, at, f) ? a : at;
	return at;
}

/* The first model is a tree that was trained on a log of before this one. */
static void make_model(const struct bandit *b)
{
	struct mltrain_options o;
	struct mltrain_fit_report fit;
	struct mltrain_model *m;
	struct mltrain_rows all;
	struct mlds_data past;
	float *scores;
	size_t i;

	assert_int_equal(bandit_log(&(struct bandit){ .seed = 99, .explore = 1, .noise = 50 },
				    4000, &past), 0);
	mltrain_default_options(&o);
	o.kind = MLTRAIN_TREE;
	if (mltrain_fit(&m, &past, &o, &fit) || mltrain_save(m, model_path))
		fail_msg("%s", mltrain_error());
	scores = malloc(ROWS * BANDIT_ACTIONS * sizeof(*scores));
	proposed = malloc(ROWS);
	assert_int_equal(mltrain_rows_all(&world, &all), 0);
	assert_int_equal(mltrain_predict(m, &world, &all, scores), 0);
	for (i = 0; i < ROWS; i++) {
		const int64_t *f = world.features + i * BANDIT_FEATURES;

		proposed[i] = mltrain_choose(m, scores + i * BANDIT_ACTIONS, m->margin, 0, 0xf);
		tally.truth += bandit_mean(b, proposed[i], f) / ROWS;
		tally.worst += bandit_mean(b, worst(b, f), f) / ROWS;
	}
	free(scores);
	mltrain_rows_free(&all);
	mltrain_fit_report_free(&fit);
	mltrain_free(m);
	mlds_free(&past);
}

static uint64_t time_of(size_t row)
{
	return 5000000000ULL + row * ROW_NS;
}

static void write_change(struct mlds_writer *w, unsigned int i)
{
	struct mlproxy_rec_mode m = {
		.hdr = { .len = sizeof(m), .type = MLPROXY_REC_MODE,
			 .time_ns = time_of(phases[i].from) - 1 },
		.from = phases[i - 1].mode, .to = phases[i].mode, .reason = phases[i].reason,
		.evidence = { .n = { 1000 + i, 70 }, .gain_q16 = 3 * 65536,
			      .low_q16 = i == 2 ? INT64_MIN : 65536, .high_q16 = 5 * 65536,
			      .model_version = phases[i].version },
	};

	if (m.reason)
		assert_int_equal(mlds_write(w, 0, &m.hdr), 0);
}

/* What happens in one row; the tally sees it, too. */
static void write_row(struct mlds_writer *w, const struct bandit *b, const struct phase *p,
		      size_t i, uint64_t *state)
{
	const int64_t *f = world.features + i * BANDIT_FEATURES;
	uint32_t candidate = p->version == 1 ? proposed[i] : p->version ? worst(b, f) : 0xff;
	uint32_t arm = MLPROXY_ARM_BASELINE, action = 0, source = MLPROXY_SRC_BASELINE;
	struct bandit_decision d = { 0 };
	struct mlproxy_rec_feedback fb = { 0 };
	double u = bandit_uniform(state);

	if (u < p->share) {
		arm = MLPROXY_ARM_MODEL;
		action = candidate;
		source = MLPROXY_SRC_MODEL;
	} else if (u < p->share + p->explore) {
		arm = MLPROXY_ARM_NONE;
		action = mix64_next(state) % BANDIT_ACTIONS;
		source = MLPROXY_SRC_EXPLORE;
	}
	if (candidate == 0xff || p->mode == MLPROXY_MODE_EMERGENCY)
		arm = MLPROXY_ARM_NONE;
	d.d = (struct mlproxy_rec_decision){
		.hdr = { .len = sizeof(d), .type = MLPROXY_REC_DECISION, .time_ns = time_of(i) },
		.id = i + 1, .key = i, .model_version = p->version, .allowed = 0xf,
		.action = action, .source = source, .mode = p->mode, .candidate = candidate,
		.candidate_source = MLPROXY_SRC_MODEL, .features_offset = sizeof(d.d),
		.nr_features = BANDIT_FEATURES, .arm = arm,
		.prob_q31 = MLPROXY_PROB_ONE * (p->share * (action == candidate) +
			p->explore / BANDIT_ACTIONS + (1 - p->share - p->explore) * !action),
	};
	memcpy(d.features, f, sizeof(d.features));
	fb = (struct mlproxy_rec_feedback){
		.hdr = { .len = sizeof(fb), .type = MLPROXY_REC_FEEDBACK, .time_ns = time_of(i) + 9 },
		.id = i + 1, .reward = bandit_reward(b, action, f, state), .action = action,
		.source = source, .arm = arm, .model_version = p->version,
	};
	if (source == MLPROXY_SRC_MODEL) {
		fb.hdr.flags = MLPROXY_FEEDBACK_PREDICTED;
		fb.predicted = bandit_mean(b, action, f) + (p->version == 1 ? BIAS : 600);
		fb.error = fb.reward - fb.predicted;
		tally.errors += p->version == 1;
		tally.error_sum += p->version == 1 ? fb.error : 0;
	}
	if (arm < MLPROXY_NR_ARMS) {
		tally.n[p->mode][arm]++;
		tally.sum[p->mode][arm] += fb.reward;
	}
	assert_int_equal(mlds_write(w, 0, &d.d.hdr), 0);
	assert_int_equal(mlds_write(w, 0, &fb.hdr), 0);
}

static void write_log(struct mlds_writer *w, const struct bandit *b)
{
	uint64_t state = 77;
	unsigned int at = 0;
	size_t i;

	for (i = 0; i < ROWS; i++) {
		while (at + 1 < NR_PHASES && i >= phases[at + 1].from)
			write_change(w, ++at);
		write_row(w, b, &phases[at], i, &state);
	}
	assert_int_equal(mlds_write_lost(w, 0, 17, time_of(6000), 123), 0);
	assert_int_equal(mlds_write_lost(w, 1, 18, 0, 7), 0);
}

static int setup(void **unused)
{
	struct bandit b = { .seed = 5, .noise = 200 };
	struct mlds_schema schema;
	struct mlds_writer *w;
	uint64_t state = 3;
	size_t i;

	(void)unused;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/run.h5", dir);
	snprintf(model_path, sizeof(model_path), "%s/first.float", dir);
	snprintf(out_path, sizeof(out_path), "%s/out", dir);
	bandit_schema(&schema, false);
	/* what would end a string of gnuplot's, or begin an element of the page's */
	strcpy(schema.schema.reward_name, "po'in<ts");
	assert_int_equal(mlds_alloc(&world, &schema, ROWS), 0);
	for (i = 0; i < ROWS; i++) {
		bandit_context(&state, world.features + i * BANDIT_FEATURES);
		world.allowed[i] = 0xf;
		world.key[i] = i;
	}
	make_model(&b);
	if (mlds_open_writer(&w, path, &schema, NULL))
		fail_msg("%s", mlds_error());
	write_log(w, &b);
	return mlds_close_writer(w);
}

static int teardown(void **unused)
{
	char cmd[64];

	(void)unused;
	free(proposed);
	mlds_free(&world);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return getenv("KEEP") ? 0 : system(cmd);
}

static struct report *make(const struct report_model *models, unsigned int nr)
{
	struct report *r = calloc(1, sizeof(*r));
	char *paths[] = { path };

	assert_int_equal(report_make(r, paths, 1, 40, models, nr), CLI_OK);
	return r;
}

static void drop(struct report *r)
{
	report_free(r);
	free(r);
}

static void assert_near(double value, double expected, double by)
{
	if (!(fabs(value - expected) <= by))
		fail_msg("%.9g is not within %.9g of %.9g", value, by, expected);
}

static void arms_are_what_was_counted(void **unused)
{
	struct report *r = make(NULL, 0);
	double gain = 0, weight = 0;
	unsigned int mode, arm;

	(void)unused;
	for (mode = 0; mode < MLPROXY_NR_MODES; mode++) {
		const struct report_stratum *s = &r->stratum[mode + 1];
		double mean[MLPROXY_NR_ARMS];

		for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
			mean[arm] = tally.sum[mode][arm] / tally.n[mode][arm];
			assert_int_equal(s->arm[arm].n, tally.n[mode][arm]);
			if (!s->arm[arm].n)
				continue;
			assert_near(s->arm[arm].mean, mean[arm], 1e-6);
			assert_true(s->arm[arm].low < mean[arm] && s->arm[arm].high > mean[arm]);
		}
		if (!s->arm[0].n)
			continue;
		assert_near(s->gain.mean, mean[1] - mean[0], 1e-6);
		gain += s->gain.n * s->gain.mean;
		weight += s->gain.n;
	}
	assert_near(r->stratum[0].gain.mean, gain / weight, 1e-6);
	assert_true(r->stratum[1 + MLPROXY_MODE_COLLABORATION].gain.low > 100);
	assert_true(r->stratum[1 + MLPROXY_MODE_EMERGENCY].arm[0].n == 0);
	assert_true(isnan(r->stratum[1 + MLPROXY_MODE_EMERGENCY].gain.mean));
	drop(r);
}

static void time_is_binned(void **unused)
{
	struct report *r = make(NULL, 0);
	uint64_t n = 0, expected = 0, lost = 0;
	unsigned int mode, arm;
	size_t i;

	(void)unused;
	assert_near(r->length_s, (ROWS - 1) * ROW_NS / 1e9, 0.01);
	for (i = 0; i < r->nr_bins; i++) {
		n += r->bin[i].arm[0].n + r->bin[i].arm[1].n;
		lost += r->bin[i].lost;
	}
	for (mode = 0; mode < MLPROXY_NR_MODES; mode++)
		for (arm = 0; arm < MLPROXY_NR_ARMS; arm++)
			expected += tally.n[mode][arm];
	assert_int_equal(n, expected);
	assert_int_equal(lost, 130);
	/* in the middle, and at the end where no record was behind it */
	assert_int_equal(r->bin[report_bin_at(r, 60.0)].lost, 123);
	assert_int_equal(r->bin[39].lost, 7);
	assert_int_equal(r->bin[0].arm[0].n, 0);
	/* in emergency nothing counts for the model */
	assert_true(r->bin[39].arm[1].n == 0 && isnan(r->bin[39].arm[1].mean));
	drop(r);
}

static void modes_are_said(void **unused)
{
	struct report *r = make(NULL, 0);

	(void)unused;
	assert_int_equal(r->first_mode, MLPROXY_MODE_LEARNING);
	assert_int_equal(r->nr_changes, 4);
	assert_int_equal(r->change[0].c.to, MLPROXY_MODE_COLLABORATION);
	assert_int_equal(r->change[0].c.n[0], 1002);
	assert_true(isinf(r->change[0].c.low));
	assert_int_equal(r->change[1].c.reason, MLPROXY_REASON_BETTER);
	assert_true(r->change[1].c.gain == 3 && r->change[1].c.low == 1);
	assert_near(r->change[1].time_s, 80, 1e-3);
	assert_int_equal(r->change[3].c.to, MLPROXY_MODE_EMERGENCY);
	drop(r);
}

static void versions_without_files(void **unused)
{
	struct report *r = make(NULL, 0);
	const struct report_version *v = &r->version[0];
	uint64_t n = 0;
	double sum = 0;
	unsigned int mode;

	(void)unused;
	assert_int_equal(r->nr_versions, 2);
	/* of learning mode, this version has the part before the second model */
	for (mode = MLPROXY_MODE_COLLABORATION; mode < MLPROXY_NR_MODES; mode++) {
		n += tally.n[mode][MLPROXY_ARM_MODEL];
		sum += tally.sum[mode][MLPROXY_ARM_MODEL];
	}
	assert_int_equal(v->version, 1);
	assert_true(v->realised.n > n && v->realised.n < n + 300);
	assert_near(v->realised.mean, sum / n, 10);
	assert_near(v->own.mean, tally.truth, 3 * (v->own.high - v->own.mean));
	/* also where both arms agree, for which there was nothing to be drawn */
	assert_int_equal(v->own.n, phases[4].from - phases[1].from);
	assert_true(v->realised_gain.low > 0);
	assert_int_equal(v->error.n, tally.errors);
	assert_near(v->error.mean, tally.error_sum / tally.errors, 1e-6);
	assert_near(v->error.mean, -BIAS, 10);
	assert_true(v->abs_error.mean > BIAS);
	assert_true(isnan(v->before.mean));
	assert_non_null(strstr(v->note, "--model 1=FILE"));
	assert_true(r->version[1].realised_gain.high < 0);
	/* in emergency it was asked, and could not be followed: that is no low reward */
	v = &r->version[1];
	assert_near(v->own.mean, tally.worst, 2 * (v->own.high - v->own.mean));
	assert_true(v->own.mean > 0.85 * tally.worst);
	assert_near(v->to_s, r->length_s, 0.1);
	drop(r);
}

static void expected_from_before(void **unused)
{
	struct report_model models[] = { { .version = 1, .path = model_path } };
	struct report *r = make(models, 1);
	const struct report_version *v = &r->version[0];

	(void)unused;
	assert_string_equal(v->note, "");
	/* the records of before the first decision that asked it */
	assert_int_equal(v->before.n, phases[1].from);
	assert_near(v->before.mean, tally.truth, 2 * (v->before.high - v->before.mean));
	assert_near(v->before_ips.mean, tally.truth,
		    2 * (v->before_ips.high - v->before_ips.mean));
	/* doubly robust is the sharper one, and both find the gain */
	assert_true(v->before.high - v->before.low < v->before_ips.high - v->before_ips.low);
	assert_true(v->before_gain.low > 0);
	assert_near(v->realised.mean, v->before.mean,
		    (v->before.high - v->before.low) + (v->realised.high - v->realised.low));
	drop(r);
}

static void models_must_be_named(void **unused)
{
	static struct report r;
	struct report_model of_two = { .path = model_path }, none = { 7, model_path };
	struct report_model nowhere = { 1, "/nonexistent" };
	const struct report_model *bad[] = { &of_two, &none, &nowhere };
	char *paths[] = { path }, *nothing[] = { "/nonexistent.h5" };
	size_t i;

	(void)unused;
	for (i = 0; i < 3; i++) {
		memset(&r, 0, sizeof(r));
		assert_int_equal(report_make(&r, paths, 1, 10, bad[i], 1), CLI_FAILURE);
		report_free(&r);
	}
	memset(&r, 0, sizeof(r));
	assert_int_equal(report_make(&r, nothing, 1, 10, NULL, 0), CLI_FAILURE);
	report_free(&r);
}

/* A file that is no model of this schema is said in the report, which is made. */
static void a_foreign_file_is_said(void **unused)
{
	struct report_model models[] = { { .version = 1, .path = path } };
	struct report *r = make(models, 1);

	(void)unused;
	assert_true(isnan(r->version[0].before.mean));
	assert_true(strlen(r->version[0].note) > 10);
	drop(r);
}

static void csv_and_json_agree(void **unused)
{
	struct report *r = make(NULL, 0);
	char *csv = report_csv(r), *line, want[128];
	json_t *j = report_json(r), *gain;
	double value;
	int i;

	(void)unused;
	assert_non_null(csv);
	assert_non_null(j);
	line = strstr(csv, "\narms,collaboration/gain,,");
	assert_non_null(line);
	assert_int_equal(sscanf(line, "\narms,collaboration/gain,,%d,%lf", &i, &value), 2);
	gain = json_object_get(json_object_get(json_object_get(j, "arms"), "collaboration"),
			       "gain");
	assert_near(value, json_number_value(json_object_get(gain, "mean")), 1e-4);
	snprintf(want, sizeof(want), "\nmode,recommendation,");
	line = strstr(csv, want);
	assert_non_null(line);
	assert_non_null(strstr(line, "\"collaboration -> recommendation: better\""));
	/* what is not known is left out */
	assert_null(strstr(csv, "nan"));
	assert_null(strstr(csv, "inf"));
	assert_int_equal(json_integer_value(json_object_get(j, "lost")), 130);
	assert_int_equal(json_array_size(json_object_get(j, "bins")), 40);
	assert_int_equal(json_array_size(json_object_get(j, "versions")), 2);
	assert_int_equal(json_array_size(json_object_get(j, "modes")), 4);
	json_decref(j);
	free(csv);
	drop(r);
}

/* Every decision has an action, and those of an arm add up to its outcomes. */
static void actions_add_up(void **unused)
{
	struct report *r = make(NULL, 0);
	uint64_t arm[MLPROXY_NR_ARMS] = { 0 }, all = 0;
	unsigned int i;

	(void)unused;
	for (i = 0; i < r->data.nr_actions; i++) {
		arm[0] += r->action[i].arm[0];
		arm[1] += r->action[i].arm[1];
		all += r->action[i].all;
		assert_int_equal(r->action[i].reward.n, r->action[i].all);
	}
	assert_int_equal(all, r->data.n);
	assert_int_equal(arm[0], r->stratum[0].arm[MLPROXY_ARM_BASELINE].n);
	assert_int_equal(arm[1], r->stratum[0].arm[MLPROXY_ARM_MODEL].n);
	drop(r);
}

/* By the interval of the gain, in plain words, and with what it is of. */
static void the_verdict_is_said(void **unused)
{
	struct report *r = make(NULL, 0);
	struct report_stat *gain = &r->stratum[0].gain;
	char text[REPORT_VERDICT], of[96];

	(void)unused;
	*gain = (struct report_stat){ 100, 0.138, 0.05, 0.226 };
	strcpy(r->reward.unit, "log2");
	assert_true(report_verdict(r, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "The model is better than the kernel's own choice: its gain "));
	assert_non_null(strstr(text, "is +0.138 [+0.050, +0.226] log2 (1.10 times), with 95 % c"));
	snprintf(of, sizeof(of), "%llu decisions of the model and %llu of the kernel's own",
		 (unsigned long long)r->stratum[0].arm[MLPROXY_ARM_MODEL].n,
		 (unsigned long long)r->stratum[0].arm[MLPROXY_ARM_BASELINE].n);
	assert_non_null(strstr(text, of));
	assert_non_null(strstr(text, "130 records were lost"));
	*gain = (struct report_stat){ 100, -2, -3, -1 };
	assert_true(report_verdict(r, text, sizeof(text)) < 0);
	assert_non_null(strstr(text, "worse"));
	*gain = (struct report_stat){ 100, 2, -1, 5 };
	assert_int_equal(report_verdict(r, text, sizeof(text)), 0);
	assert_non_null(strstr(text, "can't be told from"));
	*gain = (struct report_stat){ 0, NAN, NAN, NAN };
	r->stratum[0].arm[MLPROXY_ARM_MODEL].n = 0;
	assert_int_equal(report_verdict(r, text, sizeof(text)), 0);
	assert_non_null(strstr(text, "No model decided"));
	drop(r);
}

static unsigned int occurrences(const char *text, const char *what)
{
	unsigned int n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

static void the_page_has_its_parts(void **unused)
{
	struct report_model models[] = { { .version = 1, .path = model_path } };
	static const char *const parts[] = {
		"<h1>Report of proxy bandit", "<h2>Runs</h2>", "<h2>Arms</h2>", "id=\"reward\"",
		"id=\"modes\"", "id=\"versions\"", "id=\"errors\"", "id=\"lost\"",
		"130 records lost", "--model 2=FILE", "po'in&lt;ts", "<h2>Actions</h2>",
		"<p id=\"verdict\" class=\"good\">The model is better than the kernel's own choice: ",
		"<th>gain</th>",
	};
	struct report *r = make(models, 1);
	char *svg[REPORT_NR_PLOTS], *paths[] = { "<script>.h5" }, *html;
	unsigned int i;

	(void)unused;
	for (i = 0; i < REPORT_NR_PLOTS; i++) {
		assert_int_equal(report_draw(r, i, NULL, &svg[i]), CLI_OK);
		assert_non_null(svg[i]);
		assert_memory_equal(svg[i], "<svg", 4);
		assert_non_null(strstr(svg[i], "</svg>"));
	}
	html = report_html(r, svg, paths, 1);
	assert_int_equal(occurrences(html, "<svg"), REPORT_NR_PLOTS);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!strstr(html, parts[i]))
			fail_msg("the page has no %s", parts[i]);
	}
	assert_null(strstr(html, "<script"));
	assert_null(strstr(html, "in<ts"));
	/* it needs nothing from elsewhere, but for the names of XML */
	assert_null(strstr(html, "src=\"http"));
	free(html);
	for (i = 0; i < REPORT_NR_PLOTS; i++)
		free(svg[i]);
	drop(r);
}

static void files_are_written(void **unused)
{
	char *argv[] = { "report", path, "-m", model_path, "-o", out_path, "--png", NULL };
	char *named[] = { "report", path, "-o", out_path, "--png", "-m", NULL, NULL };
	char first[96], name[96];
	struct cli cli = { .verb = &verb_report };
	struct stat st;

	(void)unused;
	optind = 0;
	assert_int_equal(verb_report.fn(&cli, 7, argv), CLI_FAILURE);	/* of two versions */
	snprintf(first, sizeof(first), "1=%s", model_path);
	named[6] = first;
	optind = 0;
	assert_int_equal(verb_report.fn(&cli, 7, named), CLI_OK);
	snprintf(name, sizeof(name), "%s/report.html", out_path);
	assert_int_equal(stat(name, &st), 0);
	assert_true(st.st_size > 20000);
	snprintf(name, sizeof(name), "%s/report.csv", out_path);
	assert_int_equal(stat(name, &st), 0);
	snprintf(name, sizeof(name), "%s/reward.png", out_path);
	assert_int_equal(stat(name, &st), 0);
}

static void gnuplot_is_missed(void **unused)
{
	struct report *r = make(NULL, 0);
	char *old = strdup(getenv("PATH")), *svg;

	(void)unused;
	setenv("PATH", dir, 1);
	assert_int_equal(report_draw(r, REPORT_PLOT_REWARD, NULL, &svg), CLI_FAILURE);
	assert_null(svg);
	setenv("PATH", old, 1);
	free(old);
	drop(r);
}

/* A log of nothing has a report, too. */
static void of_nothing(void **unused)
{
	char empty[96], *paths[] = { empty }, *svg[REPORT_NR_PLOTS] = { NULL }, *html, *csv;
	struct report *r = calloc(1, sizeof(*r));
	struct mlds_writer *w;
	unsigned int i;
	json_t *j;

	(void)unused;
	snprintf(empty, sizeof(empty), "%s/empty.h5", dir);
	assert_int_equal(mlds_open_writer(&w, empty, &world.schema, NULL), 0);
	assert_int_equal(mlds_close_writer(w), 0);
	assert_int_equal(report_make(r, paths, 1, 10, NULL, 0), CLI_OK);
	for (i = 0; i < REPORT_NR_PLOTS; i++) {
		assert_int_equal(report_draw(r, i, NULL, &svg[i]), CLI_OK);
		assert_null(svg[i]);
	}
	html = report_html(r, svg, paths, 1);
	csv = report_csv(r);
	j = report_json(r);
	assert_non_null(strstr(html, "<p id=\"verdict\">There is no decision with an outcome"));
	assert_null(strstr(html, "<th>gain"));
	assert_null(strstr(html, "<th>model"));
	assert_null(strstr(html, "<td></td>"));
	assert_non_null(strstr(html, "too few outcomes"));
	assert_non_null(strstr(html, "None was lost"));
	assert_null(strstr(csv, "nan"));
	assert_int_equal(json_integer_value(json_object_get(j, "joined")), 0);
	json_decref(j);
	free(csv);
	free(html);
	drop(r);
}

/* Two runs, each with a clock of its own: one behind the other. */
static void two_runs_are_put_in_line(void **unused)
{
	struct report *r = calloc(1, sizeof(*r));
	char *paths[] = { path, path };

	(void)unused;
	assert_int_equal(report_make(r, paths, 2, 40, NULL, 0), CLI_OK);
	assert_int_equal(r->nr_runs, 2);
	assert_near(r->length_s, 2 * (ROWS - 1) * ROW_NS / 1e9, 0.01);
	assert_int_equal(r->nr_changes, 8);
	assert_near(r->change[5].time_s - r->change[1].time_s, r->length_s / 2, 1e-6);
	assert_int_equal(r->bin[30].lost, 123);
	drop(r);
}

static void recorder_was_killed(void **unused)
{
	struct bandit b = { .seed = 5, .noise = 200 };
	char killed[96], *paths[] = { killed };
	struct report *r = calloc(1, sizeof(*r));
	struct tally before = tally;
	struct mlds_writer *w;
	int status;
	pid_t pid;

	(void)unused;
	snprintf(killed, sizeof(killed), "%s/killed.h5", dir);
	pid = fork();
	if (!pid) {
		if (mlds_open_writer(&w, killed, &world.schema, NULL))
			_exit(1);
		write_log(w, &b);
		mlds_flush(w);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	tally = before;
	assert_int_equal(report_make(r, paths, 1, 40, NULL, 0), CLI_OK);
	assert_int_equal(r->data.n, ROWS);
	assert_int_equal(r->nr_changes, 4);
	assert_int_equal(r->stratum[1 + MLPROXY_MODE_COLLABORATION].arm[1].n,
			 tally.n[MLPROXY_MODE_COLLABORATION][1]);
	drop(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arms_are_what_was_counted),
		cmocka_unit_test(time_is_binned),
		cmocka_unit_test(modes_are_said),
		cmocka_unit_test(versions_without_files),
		cmocka_unit_test(expected_from_before),
		cmocka_unit_test(models_must_be_named),
		cmocka_unit_test(a_foreign_file_is_said),
		cmocka_unit_test(csv_and_json_agree),
		cmocka_unit_test(actions_add_up),
		cmocka_unit_test(the_verdict_is_said),
		cmocka_unit_test(the_page_has_its_parts),
		cmocka_unit_test(files_are_written),
		cmocka_unit_test(gnuplot_is_missed),
		cmocka_unit_test(of_nothing),
		cmocka_unit_test(two_runs_are_put_in_line),
		cmocka_unit_test(recorder_was_killed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
