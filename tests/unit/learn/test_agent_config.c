// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent's configuration: what is read, and that what is wrong is named by its
 * line with the remedy.
 */
#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "config.h"

static char error[1200];

static int parse(struct agent_config *c, const char *text)
{
	error[0] = '\0';
	return config_parse(c, text, "test.conf", error, sizeof(error));
}

static void reads_all_kinds(void **state)
{
	const struct proxy_config *p;
	struct agent_config c;

	(void)state;
	assert_int_equal(parse(&c,
			       "[mlproxyd]\nuser = nobody ; a comment\nstatus_period = 500ms\n"
			       "# another\n[proxy synth]\nstart = yes\nheartbeat = 2s\n"
			       "ring_size = 64K\nhidden = 12, 8\nrefit_period = 5m\n"
			       "explore.learning = 1/8\nholdout=0.3\n[proxy other]\nmin_rows = 300\n"),
			 0);
	assert_string_equal(c.user, "nobody");
	assert_int_equal(c.status_ms, 500);
	assert_int_equal(c.nr_proxies, 2);
	p = config_find(&c, "synth");
	assert_non_null(p);
	assert_true(p->start);
	assert_int_equal(p->heartbeat_ms, 2000);
	assert_int_equal(p->ring_bytes, 65536);
	assert_int_equal(p->fit.nr_hidden, 2);
	assert_int_equal(p->fit.hidden[1], 8);
	assert_int_equal(p->refit_ms, 300000);
	assert_int_equal(p->explore[MLPROXY_MODE_LEARNING], MLPROXY_SHARE_ONE / 8);
	assert_true(p->explore[MLPROXY_MODE_RECOMMENDATION] == CONFIG_UNSET);
	assert_true(p->holdout == 0.3);
	p = config_find(&c, "other");
	assert_int_equal(p->min_rows, 300);
	assert_false(p->start);
	assert_null(config_find(&c, "none"));
	config_free(&c);
}

static void names_line_and_remedy(void **state)
{
	static const struct {
		const char *text;
		const char *line;
		const char *remedy;
	} bad[] = {
		{ "[mlproxyd]\n\nuzer = x\n[proxy a]\nstart=no\n", "line 3", "user" },
		{ "[proxy a]\nrefitrows = 5\n", "line 2", "refit_rows" },
		{ "[proxy a]\nstart = no\nheartbeat = soon\n", "line 3", "500ms" },
		{ "[proxy a]\nheartbeat = 1ms\n", "line 2", "300" },
		{ "[proxy a]\nholdout = 2\n", "line 2", "0.05" },
		{ "[proxy a]\nholdout = some\n", "line 2", "number" },
		{ "[proxy a]\nhidden = 0\n", "line 2", "24,16" },
		{ "[proxy a]\nhidden = 1,2,3,4,5,6,7,8,9\n", "line 2", "24,16" },
		{ "[proxy a]\nmodel = oracle\n", "line 2", "mlp" },
		{ "[proxy a]\nstart = perhaps\n", "line 2", "yes or no" },
		{ "[proxy a]\nexplore.learning = 3/2\n", "line 2", "1/16" },
		{ "[proxy a]\nring_size = 1G\n", "line 2", "64M" },
		{ "[proxy ../x]\nstart = no\n", "line 2", "mlproxy list" },
		{ "[other]\nstart = no\n", "line 2", "[proxy NAME]" },
		{ "start = no\n", "line 1", "[mlproxyd]" },
		{ "[proxy a]\nstart = no\nnonsense\n", "line 3", "KEY = VALUE" },
		{ "[proxy a]\nstart = no\n[proxy *]\nstart = no\n", "line 4", "above them" },
		{ "[proxy a]\nexplore.recommendation = 1/64\n", "share.recommendation",
		  "control group" },
		{ "[proxy *]\nshare.learning = 15/16\n", "explore.learning", "below 1" },
		{ "[proxy *]\nshare.collaboration = 1\nexplore.collaboration = 0\n",
		  "explore.collaboration", "control group" },
		{ "[proxy a]\nstart = no\n[proxy a:x]\nstart = no\n", "line 5", "keep one" },
		{ "[proxy a:x]\nstart = no\n[proxy a:y]\nstart = no\n", "line 5", "one model" },
		{ "[proxy a]\nmin_rows = 5000\nrecent_rows = 1000\n", "line 4", "lower it" },
	};
	struct agent_config c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(&c, bad[i].text), -EINVAL);
		if (!strstr(error, bad[i].line) || !strstr(error, bad[i].remedy))
			fail_msg("\"%s\": %s", bad[i].text, error);
		assert_null(c.proxy);
	}
}

static void one_section_for_all(void **state)
{
	const struct proxy_config *p;
	struct agent_config c;

	(void)state;
	assert_int_equal(parse(&c, "[proxy *]\nstart = yes\nheartbeat = 2s\n[proxy a]\nheartbeat = 4s\n"),
			 0);
	assert_true(c.any);
	assert_int_equal(c.nr_proxies, 1);
	p = config_find(&c, "a");
	assert_string_equal(p->name, "a");
	assert_true(p->start);
	assert_int_equal(p->heartbeat_ms, 4000);
	p = config_find(&c, "b");
	assert_non_null(p);
	assert_int_equal(p->heartbeat_ms, 2000);
	config_free(&c);
	/* Nothing said: all proxies, and nothing is set. */
	assert_int_equal(parse(&c, "[mlproxyd]\nnice = 5\n"), 0);
	p = config_find(&c, "a");
	assert_non_null(p);
	assert_false(p->start);
	assert_true(p->share[MLPROXY_MODE_LEARNING] == CONFIG_UNSET);
	config_free(&c);
}

/* All models go to the proxy: it is learned from as a whole, or from one instance. */
static void instances(void **state)
{
	struct agent_config c;

	(void)state;
	assert_int_equal(parse(&c, "[proxy *]\nstart = yes\n[proxy a:x]\nnice = 5\n"), -EINVAL);
	assert_int_equal(parse(&c, "[proxy *]\nheartbeat = 2s\n[proxy a:x]\nheartbeat = 4s\n"),
			 0);
	assert_string_equal(config_find(&c, "a:x")->name, "a:x");
	assert_null(config_find(&c, "a:y"));
	assert_null(config_find(&c, "a"));
	assert_non_null(config_find(&c, "ab"));
	assert_null(config_find(&c, "ab:x"));
	config_free(&c);
}

/* What is shipped keeps a control group: it is read, and the sums are below 1. */
static void shipped_keeps_a_control_group(void **state)
{
	struct agent_config c;
	uint32_t mode;

	(void)state;
	if (config_load(&c, SHIPPED_CONFIG, error, sizeof(error)))
		fail_msg("%s", error);
	for (mode = MLPROXY_MODE_LEARNING; mode < MLPROXY_NR_MODES; mode++)
		assert_true(c.any_proxy.explore[mode] > 0 &&
			    c.any_proxy.explore[mode] <= MLPROXY_SHARE_ONE / 16);
	assert_true(c.any_proxy.share[MLPROXY_MODE_RECOMMENDATION] +
		    c.any_proxy.explore[MLPROXY_MODE_RECOMMENDATION] <=
		    MLPROXY_SHARE_ONE - MLPROXY_SHARE_ONE / 64);
	config_free(&c);
}

static void names_the_file(void **state)
{
	struct agent_config c;

	(void)state;
	assert_int_equal(config_load(&c, "/nonexistent/mlproxyd.conf", error, sizeof(error)),
			 -ENOENT);
	assert_non_null(strstr(error, "/nonexistent/mlproxyd.conf"));
	assert_non_null(strstr(error, "-c"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_kinds),
		cmocka_unit_test(names_line_and_remedy),
		cmocka_unit_test(one_section_for_all),
		cmocka_unit_test(instances),
		cmocka_unit_test(shipped_keeps_a_control_group),
		cmocka_unit_test(names_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
