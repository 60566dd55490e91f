// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy efficiency: is the model better than the kernel's own algorithm, and which
 * changes of mode followed from that.
 */
#include <stdio.h>

#include "common/clock.h"
#include "evidence.h"

/**
 * struct report - all that is printed
 * @e: the running experiment
 * @transitions: changes of mode, the last one first
 * @reward: what is rewarded
 * @direction: MLPROXY_REWARD_*
 */
struct report {
	struct mlproxy_efficiency e;
	struct mlproxy_transition transitions[MLPROXY_MAX_TRANSITIONS];
	struct mlproxy_feature reward;
	uint32_t direction;
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
						       "evidence",
						       evidence_json(&t->evidence, &r->reward)));
	}
	return array;
}

static int print_json(const char *proxy, const struct report *r)
{
	return cli_print_json(json_pack("{s:s, s:s, s:b, s:I, s:o, s:o, s:s, s:s, s:o, s:o}",
					"proxy", proxy, "mode", mlproxy_mode_name(r->e.mode),
					"automatic", (int)r->e.automatic,
					"trial", (json_int_t)r->e.trial,
					"hold_ns", cli_uint(r->e.hold_ns),
					"evaluations", cli_uint(r->e.evaluations),
					"reward", r->reward.name, "unit", r->reward.unit,
					"evidence", evidence_json(&r->e.evidence, &r->reward),
					"transitions", transitions_json(r)));
}

static void print_change(const struct report *r, const struct mlproxy_transition *t)
{
	char text[EVIDENCE_BYTES];

	evidence_reason(&t->evidence, t->reason, &r->reward, text, sizeof(text));
	printf("%.1f s ago  %s -> %s: %s%s%s\n", clock_seconds_since(t->time_ns),
	       mlproxy_mode_name(t->from), mlproxy_mode_name(t->to),
	       mlproxy_mode_reason_name(t->reason), *text ? ", " : "", text);
}

/* A change begins a new experiment: without a word, the empty arms look like a contradiction. */
static void print_experiment(const struct report *r)
{
	const struct mlproxy_evidence *e = &r->e.evidence;

	if (r->e.count) {
		printf("last change: ");
		print_change(r, &r->transitions[0]);
	}
	printf("running experiment, with version %u", e->model_version);
	if (r->e.count && evidence_young(e))
		printf(", has just begun: it says nothing yet, and the last change stands");
	putchar('\n');
}

static void print_arms(const struct report *r)
{
	const struct mlproxy_evidence *e = &r->e.evidence;
	char mean[VALUE_BYTES], sd[VALUE_BYTES], gain[EVIDENCE_BYTES];
	uint32_t i;

	printf("  %-10s %12s  %-28s %s\n", "arm", "outcomes", "mean", "sd");
	for (i = 0; i < MLPROXY_NR_ARMS; i++) {
		value_text(mean, sizeof(mean), &r->reward, evidence_q16(e->mean_q16[i]));
		value_quantity(sd, sizeof(sd), value_number(&r->reward, e->sd_q16[i] / 65536.0),
			       r->reward.unit);
		printf("  %-10s %12llu  %-28s %s\n", mlproxy_arm_name(i),
		       (unsigned long long)e->n[i], e->n[i] ? mean : "-", e->n[i] ? sd : "-");
	}
	evidence_gain(e, &r->reward, gain, sizeof(gain));
	printf("  gain of the model: %s", gain);
	if (e->clusters)
		printf(" (%u independent units)", e->clusters);
	putchar('\n');
}

static void print_text(const char *proxy, const struct report *r)
{
	uint32_t i;

	printf("%s: %s, governed by the %s, judged %llu times by %s, %s is better\n", proxy,
	       mlproxy_mode_name(r->e.mode), r->e.automatic ? "kernel" : "operator",
	       (unsigned long long)r->e.evaluations, r->reward.name,
	       mlproxy_direction_name(r->direction));
	if (r->e.trial)
		printf("test %u of this version in collaboration mode\n", r->e.trial);
	if (r->e.hold_ns)
		printf("the emergency lasts at least %.3f s\n", r->e.hold_ns / 1e9);
	print_experiment(r);
	print_arms(r);
	if (!r->e.count)
		printf("no change of mode since the initialisation\n");
	if (r->e.count > 1)
		printf("changes of mode before that, the last one first\n");
	for (i = 1; i < r->e.count; i++) {
		printf("  ");
		print_change(r, &r->transitions[i]);
	}
}

static int print_report(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	struct mlproxy_schema_desc *schema;
	struct report r;
	int ret;

	(void)arg;
	ret = mlproxy_efficiency_get(s, &r.e, r.transitions, MLPROXY_MAX_TRANSITIONS);
	if (ret < 0)
		return cli_fail(s, ret);
	ret = mlproxy_schema_get(s, &schema);
	if (ret)
		return cli_fail(s, ret);
	r.reward = value_reward(&schema->s);
	r.direction = schema->s.reward_direction;
	mlproxy_schema_free(schema);
	if (cli->json)
		return print_json(mlproxy_bound_name(s), &r);
	print_text(mlproxy_bound_name(s), &r);
	return CLI_OK;
}

static int efficiency(struct cli *cli, int argc, char **argv)
{
	char **operands;
	int ret;

	operands = cli_operands(cli, argc, argv, 1, 1, &ret);
	return operands ? cli_run(cli, operands[0], CLI_READ, print_report, NULL) : ret;
}

const struct cli_verb verb_efficiency = {
	.name = "efficiency",
	.fn = efficiency,
	.summary = "is the model better than the kernel, and what followed from that",
	.synopsis = "PROXY",
	.help = "Prints the last change of mode with what it was taken on, and both arms of the\n"
		"running experiment, the kernel's own algorithm and the model, with the gain of the\n"
		"model and its interval: a confidence sequence, which may be looked at as often as\n"
		"one likes. The gain is positive where the model is better, whatever the direction\n"
		"of the reward. Each change of mode begins a new experiment, which says nothing at\n"
		"first. Below are the changes before, each with its reason and its numbers.\n"
		"\n"
		"Example:\n"
		"  mlproxy efficiency readahead\n",
};
