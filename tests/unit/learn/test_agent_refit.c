// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refits on the world with a known best policy: a first model, no swap without a
 * gain, and a changed world.
 */
#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bandit.h"
#include "shared/mix64.h"
#include "config.h"
#include "refit.h"

#define ROWS	3000

static volatile bool cancel;

static void make_job(struct refit_job *j, uint32_t serial, uint64_t seed)
{
	const struct bandit b = { .seed = seed, .explore = 0.8, .noise = 100 };
	struct agent_config c;
	char error[200];

	memset(j, 0, sizeof(*j));
	assert_int_equal(config_parse(&c, "[proxy bandit]\nhidden = 12\nepochs = 30\nrestarts = 1\n",
				      "test", error, sizeof(error)), 0);
	j->config = c.proxy[0];
	config_free(&c);
	assert_int_equal(bandit_log(&b, ROWS, &j->data), 0);
	j->serial = serial;
	j->cancel = &cancel;
}

/* The best action moves on by one: what was learned is wrong. */
static void change_world(struct mlds_data *d, size_t from)
{
	uint64_t seed = 77;
	size_t i;

	for (i = from; i < d->n; i++) {
		int best = (bandit_best(d->features + i * BANDIT_FEATURES) + 1) % BANDIT_ACTIONS;

		d->reward[i] = 1000 - 300 * abs((int)d->action[i] - best) +
			       (int64_t)(mix64_next(&seed) % 201) - 100;
	}
}

static void use_as_current(struct refit_job *j, const struct refit_result *r)
{
	j->current = r->model;
	j->current_mlp = r->mlp;
	j->current_len = r->mlp_len;
}

static void first_model_is_used(void **state)
{
	struct refit_result r;
	struct refit_job j;

	(void)state;
	make_job(&j, 1, 1);
	refit_run(&j, &r);
	assert_int_equal(r.err, 0);
	assert_false(r.warm);
	assert_true(r.verdict.swap);
	assert_true(r.verdict.gain.low > 0);
	assert_true(r.verdict.rows > ROWS / 6);
	assert_true(r.verdict.support > 0.8 && r.verdict.support < 1.25);
	assert_true(r.abs_error > 0 && r.abs_error < 300);
	assert_string_equal(r.model->name, "bandit-1");
	refit_result_free(&r);
	mlds_free(&j.data);
}

/* The same world again: going on is tried, and what it gains is not worth a swap. */
static void no_swap_without_gain(void **state)
{
	struct refit_result first, second;
	struct refit_job a, b;

	(void)state;
	make_job(&a, 1, 1);
	a.config.fit.epochs = 60;
	refit_run(&a, &first);
	assert_int_equal(first.err, 0);
	make_job(&b, 2, 2);
	b.present = ROWS / 3;
	use_as_current(&b, &first);
	refit_run(&b, &second);
	assert_int_equal(second.err, 0);
	assert_true(second.replayed > 0);
	assert_false(second.verdict.swap);
	assert_true(second.verdict.over_current.value < 0.05 * second.verdict.sd ||
		    second.verdict.over_current.low <= 0);
	refit_result_free(&first);
	refit_result_free(&second);
	mlds_free(&a.data);
	mlds_free(&b.data);
}

static void changed_world_is_learned_anew(void **state)
{
	struct refit_result first, second;
	struct refit_job a, b;

	(void)state;
	make_job(&a, 1, 1);
	refit_run(&a, &first);
	assert_int_equal(first.err, 0);
	make_job(&b, 2, 2);
	b.present = ROWS / 3;
	change_world(&b.data, b.present);
	b.alarm = true;
	use_as_current(&b, &first);
	refit_run(&b, &second);
	assert_int_equal(second.err, 0);
	assert_int_equal(second.replayed, 0);
	assert_true(second.verdict.swap);
	assert_true(second.verdict.over_current.low > 0);
	assert_true(second.verdict.gain.low > 0);
	refit_result_free(&first);
	refit_result_free(&second);
	mlds_free(&a.data);
	mlds_free(&b.data);
}

static void cancelled_refit_gives_nothing(void **state)
{
	struct refit_result r;
	struct refit_job j;

	(void)state;
	make_job(&j, 1, 1);
	cancel = true;
	refit_run(&j, &r);
	cancel = false;
	assert_int_equal(r.err, -ECANCELED);
	assert_null(r.model);
	refit_result_free(&r);
	mlds_free(&j.data);
}

static void judges(void **state)
{
	static const struct {
		struct refit_verdict v;
		bool has_current;
		bool alarm;
		bool swap;
	} cases[] = {
#define V(nr, eff, w, gain_low, over_low, over, cur_high) \
	{ .rows = nr, .ess = eff, .support = w, .sd = 100, .gain = { 10, gain_low, 20 }, \
	  .over_current = { over, over_low, 30 }, .current_gain = { 0, -50, cur_high } }
		/* the first one must be better than the baseline */
		{ V(500, 200, 1, 1, 0, 0, 0), false, false, true },
		{ V(500, 200, 1, -1, 0, 0, 0), false, false, false },
		/* no evidence */
		{ V(10, 200, 1, 1, 1, 20, 1), true, false, false },
		{ V(500, 5, 1, 1, 1, 20, 1), true, false, false },
		{ V(500, 200, 0.1, 1, 1, 20, 1), true, false, false },
		{ V(500, 200, 3, 1, 1, 20, 1), true, false, false },
		/* against the model in use */
		{ V(500, 200, 1, 1, 1, 20, 1), true, false, true },
		{ V(500, 200, 1, 1, -1, 20, 1), true, false, false },
		{ V(500, 200, 1, 1, 1, 2, 1), true, false, false },
		/* which does not fit any more, or is worse than the baseline */
		{ V(500, 200, 1, -1, -1, 2, 1), true, true, true },
		{ V(500, 200, 1, -1, -1, 2, -1), true, false, true },
		/* but never what may be worse than the baseline */
		{ V(500, 200, 1, -20, -1, 20, 1), true, true, false },
		{ V(500, 200, 1, -20, 5, 20, 1), true, false, false },
#undef V
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct refit_verdict v = cases[i].v;

		refit_judge(&v, cases[i].has_current, cases[i].alarm, 0.05, 0.05);
		if (v.swap != cases[i].swap)
			fail_msg("case %zu: %s", i, v.why);
		assert_true(strlen(v.why) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_model_is_used),
		cmocka_unit_test(no_swap_without_gain),
		cmocka_unit_test(changed_world_is_learned_anew),
		cmocka_unit_test(cancelled_refit_gives_nothing),
		cmocka_unit_test(judges),
	};

	mltorch_set_threads(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
