// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy efficiency: is the model better than the kernel's own algorithm, and which
 * changes of mode followed from that.
 */
#include <stdio.h>

#include "common/clock.h"
#include "evidence.h"

struct report {
	struct mlproxy_efficiency e;
	struct mlproxy_transition transitions[MLPROXY_MAX_TRANSITIONS];
};

static json_t *transitions_json(const struct report *r)
{
	json_t *array = json_array();
	uint32_t i;

	for (i = 0; i < r->e.count; i++) {
		const struct mlproxy_transition *t = &r->transitions[i];

		json_array_append_new(array, json_pack("{s:o, s:s, s:s, s:s, s:o}",
						       "time_ns", cli_uint(t->time_ns),
						       "from", mlproxy_mode_name(t->from),
						       "to", mlproxy_mode_name(t->to),
						       "reason", mlproxy_mode_reason_name(t->reason),
						       "evidence", evidence_json(&t->evidence)));
	}
	return array;
}

static int print_json(const char *proxy, const struct report *r)
{
	return cli_print_json(json_pack("{s:s, s:s, s:b, s:I, s:o, s:o, s:o, s:o}",
					"proxy", proxy, "mode", mlproxy_mode_name(r->e.mode),
					"automatic", (int)r->e.automatic,
					"trial", (json_int_t)r->e.trial,
					"hold_ns", cli_uint(r->e.hold_ns),
					"evaluations", cli_uint(r->e.evaluations),
					"evidence", evidence_json(&r->e.evidence),
					"transitions", transitions_json(r)));
}

static void print_arms(const struct mlproxy_evidence *e, const struct mlproxy_schema *schema)
{
	char text[96];
	uint32_t i;

	printf("%s", schema->reward_name);
	if (*schema->reward_unit)
		printf(" [%s]", schema->reward_unit);
	printf(", %s is better, in the running experiment with version %u\n",
	       mlproxy_direction_name(schema->reward_direction), e->model_version);
	printf("  %-10s %12s %14s %14s\n", "arm", "outcomes", "mean", "sd");
	for (i = 0; i < MLPROXY_NR_ARMS; i++)
		printf("  %-10s %12llu %14.6g %14.6g\n", mlproxy_arm_name(i),
		       (unsigned long long)e->n[i], e->mean_q16[i] / 65536.0,
		       e->sd_q16[i] / 65536.0);
	evidence_gain(e, text, sizeof(text));
	printf("  gain of the model: %s", text);
	if (e->clusters)
		printf(" (%u independent units)", e->clusters);
	putchar('\n');
}

static void print_transitions(const struct report *r)
{
	char text[96];
	uint32_t i;

	printf("changes of mode, the last one first\n");
	for (i = 0; i < r->e.count; i++) {
		const struct mlproxy_transition *t = &r->transitions[i];

		printf("  %10.1f s ago  %s -> %s: %s", clock_seconds_since(t->time_ns),
		       mlproxy_mode_name(t->from), mlproxy_mode_name(t->to),
		       mlproxy_mode_reason_name(t->reason));
		evidence_limit(&t->evidence, t->reason, text, sizeof(text));
		if (!*text && t->evidence.n[MLPROXY_ARM_MODEL]) {
			printf(", gain ");
			evidence_gain(&t->evidence, text, sizeof(text));
		} else if (*text) {
			printf(", ");
		}
		printf("%s\n", text);
	}
	if (!r->e.count)
		printf("  none since the initialisation\n");
}

static void print_text(const char *proxy, const struct report *r,
		       const struct mlproxy_schema *schema)
{
	printf("%s: %s, governed by the %s, judged %llu times\n", proxy,
	       mlproxy_mode_name(r->e.mode), r->e.automatic ? "kernel" : "operator",
	       (unsigned long long)r->e.evaluations);
	if (r->e.trial)
		printf("test %u of this version in collaboration mode\n", r->e.trial);
	if (r->e.hold_ns)
		printf("the emergency lasts at least %.3f s\n", r->e.hold_ns / 1e9);
	print_arms(&r->e.evidence, schema);
	print_transitions(r);
}

static int report(const struct cli *cli, struct mlproxy_session *s, const char *proxy)
{
	struct mlproxy_schema_desc *schema;
	struct report r;
	int ret;

	ret = mlproxy_efficiency_get(s, &r.e, r.transitions, MLPROXY_MAX_TRANSITIONS);
	if (ret < 0)
		return cli_fail(s, ret);
	if (cli->json)
		return print_json(proxy, &r);
	ret = mlproxy_schema_get(s, &schema);
	if (ret)
		return cli_fail(s, ret);
	print_text(proxy, &r, &schema->s);
	mlproxy_schema_free(schema);
	return CLI_OK;
}

static int efficiency(struct cli *cli, int argc, char **argv)
{
	struct mlproxy_session *s;
	char **operands;
	int ret;

	operands = cli_operands(cli, argc, argv, 1, 1, &ret);
	if (!operands)
		return ret;
	ret = cli_open(cli, operands[0], MLPROXY_OPEN_RDONLY, &s);
	if (ret)
		return ret;
	ret = report(cli, s, operands[0]);
	mlproxy_close(s);
	return ret;
}

const struct cli_verb verb_efficiency = {
	.name = "efficiency",
	.fn = efficiency,
	.summary = "is the model better than the kernel, and what followed from that",
	.synopsis = "PROXY",
	.help = "Prints both arms of the running experiment, the kernel's own algorithm and the\n"
		"model, with the gain of the model and its interval: a confidence sequence, which\n"
		"may be looked at as often as one likes. The gain is positive where the model is\n"
		"better, whatever the direction of the reward. Below are the last changes of mode,\n"
		"each with its reason and the numbers that it was taken on.\n"
		"\n"
		"Example:\n"
		"  mlproxy efficiency readahead\n",
};
