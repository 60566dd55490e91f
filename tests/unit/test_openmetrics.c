// SPDX-License-Identifier: GPL-2.0-only
/* What mlproxy export prints is OpenMetrics, and says what the kernel said. */
#define _GNU_SOURCE
#include "unit.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/openmetrics.h"

static struct exported proxies[2];
static char *text;

static int make_proxies(void **state)
{
	struct exported *p = &proxies[0];

	(void)state;
	memset(proxies, 0, sizeof(proxies));
	strcpy(p->entry.name, "read\"ahead\\x");
	p->entry.state = MLPROXY_STATE_RUNNING;
	p->entry.mode = MLPROXY_MODE_COLLABORATION;
	p->nr_actions = 2;
	strcpy(p->actions[0].name, "kernel");
	strcpy(p->actions[1].name, "4M");
	strcpy(p->measures.reward.name, "time");
	p->measures.reward.type = MLPROXY_TYPE_Q8;
	p->stats.by_source[MLPROXY_SRC_MODEL] = UINT64_MAX;
	p->stats.by_action[1] = 7;
	p->stats.reward_count[MLPROXY_SRC_MODEL] = 3;
	p->stats.reward_sum[MLPROXY_SRC_MODEL] = -640;
	p->efficiency.nr_verdicts = MLPROXY_NR_VERDICTS;
	p->verdicts[MLPROXY_VERDICT_REWARD].gain_q16 = 65536 * 256;
	p->verdicts[MLPROXY_VERDICT_REWARD].low_q16 = INT64_MIN;
	p->verdicts[MLPROXY_VERDICT_REWARD].high_q16 = INT64_MAX;
	proxies[1] = proxies[0];
	strcpy(proxies[1].entry.name, "synth");
	return 0;
}

static void print(unsigned int nr)
{
	size_t len;
	FILE *out;

	free(text);
	out = open_memstream(&text, &len);
	assert_non_null(out);
	openmetrics_print(out, proxies, nr);
	fclose(out);
}

static void expect_line(const char *line)
{
	char *whole;

	assert_true(asprintf(&whole, "\n%s\n", line) > 0);
	if (!strstr(text, whole))
		fail_msg("no line: %s\nin:\n%s", line, text);
	free(whole);
}

static void says_what_the_kernel_said(void **state)
{
	(void)state;
	print(2);
	expect_line("mlproxy_running{proxy=\"synth\"} 1");
	expect_line("mlproxy_mode{proxy=\"synth\",mlproxy_mode=\"collaboration\"} 1");
	expect_line("mlproxy_mode{proxy=\"synth\",mlproxy_mode=\"learning\"} 0");
	expect_line("mlproxy_decisions_total{proxy=\"synth\",source=\"model\"} 18446744073709551615");
	expect_line("mlproxy_actions_total{proxy=\"synth\",action=\"4M\"} 7");
	expect_line("mlproxy_outcomes_total{proxy=\"synth\",source=\"model\"} 3");
	/* in the reward's unit */
	expect_line("mlproxy_reward_sum{proxy=\"synth\",source=\"model\"} -2.5");
	expect_line("mlproxy_gain{proxy=\"synth\",measure=\"reward\"} 1");
	expect_line("mlproxy_gain_low{proxy=\"synth\",measure=\"reward\"} -Inf");
	expect_line("mlproxy_gain_high{proxy=\"synth\",measure=\"reward\"} +Inf");
	/* measures that a proxy does not have are not told */
	assert_null(strstr(text, "measure=\"ledger\""));
	expect_line("mlproxy_running{proxy=\"read\\\"ahead\\\\x\"} 1");
	/* an instance can be told from the whole, which it is counted in */
	strcpy(proxies[1].entry.name, "synth:disk 1");
	print(2);
	expect_line("mlproxy_running{proxy=\"synth\",part=\"disk 1\"} 1");
}

/* A sample's family is the one announced last: counters have _total behind it. */
static void expect_sample(const char *line, const char *family, const char *type)
{
	size_t len = strlen(family);
	const char *rest = line + len, *at;
	bool quoted = false;

	assert_int_equal(strncmp(line, family, len), 0);
	if (!strcmp(type, "counter")) {
		assert_int_equal(strncmp(rest, "_total", 6), 0);
		rest += 6;
	}
	assert_int_equal(*rest, '{');
	for (at = rest; *at && (quoted || *at != '}'); at++) {
		if (*at == '\\')
			at++;
		else if (*at == '"')
			quoted = !quoted;
	}
	assert_int_equal(strncmp(at, "} ", 2), 0);
	at += 2;
	assert_true(isdigit((unsigned char)*at) || *at == '-' || *at == '+');
	assert_null(strchr(at, ' '));
}

static void is_open_metrics(void **state)
{
	char family[64] = "", type[16] = "", seen[4096] = "", *line, *rest;
	unsigned int nr;

	(void)state;
	for (nr = 0; nr <= 2; nr++) {
		print(nr);
		*seen = '\0';
		assert_true(strlen(text) > 6 && !strcmp(text + strlen(text) - 6, "# EOF\n"));
		for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
			if (!strcmp(line, "# EOF"))
				break;
			if (!strncmp(line, "# HELP ", 7))
				continue;
			if (sscanf(line, "# TYPE %63s %15s", family, type) == 2) {
				/* in one piece, once */
				strcat(family, " ");
				assert_null(strstr(seen, family));
				strcat(seen, family);
				family[strlen(family) - 1] = '\0';
				continue;
			}
			expect_sample(line, family, type);
		}
		assert_null(strtok_r(NULL, "\n", &rest));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(says_what_the_kernel_said, make_proxies),
		cmocka_unit_test_setup(is_open_metrics, make_proxies),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(text);
	return failed;
}
