// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy efficiency: is the model better than the kernel's own algorithm, and which
 * changes of mode followed from that.
 */
#include <stdio.h>

#include "common/clock.h"
#include "explain.h"

/**
 * struct report - all that is printed
 * @e: the running experiment
 * @transitions: changes of mode, the last one first
 * @verdicts: what each measure says
 * @m: the measures
 */
struct report {
	struct mlproxy_efficiency e;
	struct mlproxy_transition transitions[MLPROXY_MAX_TRANSITIONS];
	struct mlproxy_evidence verdicts[MLPROXY_ROOM_VERDICTS];
	struct measures m;
};

/* The verdict of a measure, NULL if the proxy does not have it. */
static const struct mlproxy_evidence *verdict(const struct report *r, uint32_t i)
{
	return i < r->e.nr_verdicts && measures_has(&r->m, i) ? &r->verdicts[i] : NULL;
}

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
						       evidence_json(&t->evidence, &r->m)));
	}
	return array;
}

static json_t *verdicts_json(const struct report *r)
{
	json_t *object = json_object();
	uint32_t i;

	for (i = 0; i < MLPROXY_NR_VERDICTS; i++) {
		const struct mlproxy_evidence *e = verdict(r, i);

		json_object_set_new(object, mlproxy_verdict_name(i),
				    e ? evidence_json(e, &r->m) : json_null());
	}
	return object;
}

static int print_json(const char *proxy, const char *of, const struct report *r)
{
	json_t *object;

	object = json_pack("{s:s, s:s, s:b, s:I, s:o, s:o, s:s, s:s, s:o, s:o}",
			   "proxy", proxy, "mode", mlproxy_mode_name(r->e.mode),
			   "automatic", (int)r->e.automatic, "trial", (json_int_t)r->e.trial,
			   "hold_ns", cli_uint(r->e.hold_ns),
			   "evaluations", cli_uint(r->e.evaluations),
			   "reward", r->m.reward.name, "unit", r->m.reward.unit,
			   "evidence", evidence_json(&r->e.evidence, &r->m),
			   "transitions", transitions_json(r));
	if (!object)
		return cli_print_json(NULL);
	json_object_set_new(object, "of", json_string(of));
	json_object_set_new(object, "stage", json_string(mlproxy_stage_name(r->e.stage)));
	json_object_set_new(object, "stage_since_ns", cli_uint(r->e.stage_since_ns));
	json_object_set_new(object, "needs", explain_needs_json(r->e.needs));
	json_object_set_new(object, "verdicts", verdicts_json(r));
	json_object_set_new(object, "look_ns_max", cli_uint(r->e.look_ns_max));
	return cli_print_json(object);
}

static void print_change(const struct report *r, const struct mlproxy_transition *t)
{
	char text[EVIDENCE_BYTES];

	evidence_reason(&t->evidence, t->reason, &r->m, text, sizeof(text));
	printf("%.1f s ago  %s -> %s: %s%s%s\n", clock_seconds_since(t->time_ns),
	       mlproxy_mode_name(t->from), mlproxy_mode_name(t->to),
	       mlproxy_mode_reason_name(t->reason), *text ? ", " : "", text);
}

/* A change begins a new experiment: without a word, the empty arms look like a contradiction. */
static void print_experiment(const struct report *r)
{
	const struct mlproxy_evidence *e = &r->e.evidence;
	char tested[VALUE_BYTES];

	if (r->e.count) {
		const char *why = explain_reason(r->transitions[0].reason);

		printf("last change: ");
		print_change(r, &r->transitions[0]);
		if (*why)
			printf("  that is: %s\n", why);
	}
	printf("running experiment, of %s", evidence_tested(e, tested, sizeof(tested)));
	if (r->e.trial && r->e.mode == MLPROXY_MODE_COLLABORATION)
		printf(", its test %u in collaboration mode", r->e.trial);
	if (r->e.stage == MLPROXY_STAGE_RAMP)
		printf(", with a larger share for %.1f s now",
		       clock_seconds_since(r->e.stage_since_ns));
	if (r->e.count && evidence_young(e))
		printf(", has just begun: it says nothing yet, and the last change stands");
	putchar('\n');
}

static void print_arms(const struct report *r)
{
	const struct mlproxy_evidence *e = &r->e.evidence;
	char mean[EVIDENCE_BYTES], sd[VALUE_BYTES], gain[EVIDENCE_BYTES];
	uint32_t i;

	printf("  %-10s %12s  %-28s %s\n", "arm", "outcomes", "mean", "sd");
	for (i = 0; i < MLPROXY_NR_ARMS; i++) {
		evidence_mean(e, i, &r->m, mean, sizeof(mean));
		value_quantity(sd, sizeof(sd), value_number(&r->m.reward, e->sd_q16[i] / 65536.0),
			       r->m.reward.unit);
		printf("  %-10s %12llu  %-28s %s\n", mlproxy_arm_name(i),
		       (unsigned long long)e->n[i], e->n[i] ? mean : "-", e->n[i] ? sd : "-");
	}
	evidence_gain(e, &r->m, gain, sizeof(gain));
	printf("  gain of the model: %s", gain);
	if (e->clusters)
		printf(" (%u independent units)", e->clusters);
	if (e->strata > 1)
		printf(", within %u contexts", e->strata);
	putchar('\n');
}

/* One measure beside the reward: what it says, and on what. */
static void print_measure(const struct report *r, uint32_t i)
{
	const struct mlproxy_evidence *e = verdict(r, i);
	char text[EVIDENCE_BYTES], baseline[EVIDENCE_BYTES], model[EVIDENCE_BYTES];

	if (!e)
		return;
	evidence_verdict(e, &r->m, text, sizeof(text));
	printf("  %-8s %s\n", mlproxy_verdict_name(i), text);
	if (i == MLPROXY_VERDICT_REWARD || !e->n[0] || !e->n[1])
		return;
	printf("  %-8s %s %s by the baseline, %s by the model\n", "",
	       i == MLPROXY_VERDICT_LEDGER ? r->m.ledger.name : r->m.cost.name,
	       evidence_mean(e, 0, &r->m, baseline, sizeof(baseline)),
	       evidence_mean(e, 1, &r->m, model, sizeof(model)));
}

/* Where there is the reward alone, its gain stands above. */
static void print_verdicts(const struct report *r)
{
	uint32_t i;

	if (!verdict(r, MLPROXY_VERDICT_LEDGER) && !verdict(r, MLPROXY_VERDICT_OUTER))
		return;
	printf("what the measures say of the next step up\n");
	for (i = 0; i < MLPROXY_NR_VERDICTS; i++)
		print_measure(r, i);
}

static void print_needs(const struct report *r)
{
	uint32_t needs = explain_needs(&r->e), need;
	const char *step = explain_step(&r->e);
	char text[EXPLAIN_BYTES];

	if (!needs)
		return;
	if (!r->e.automatic)
		printf("no step is taken while the operator governs; missing until %s would be\n",
		       step);
	else
		printf("missing until %s\n", step);
	for (need = 1; need; need <<= 1)
		if (needs & need)
			printf("  - %s\n", explain_need(need, &r->e, &r->m, text, sizeof(text)));
}

static void print_text(const char *proxy, const struct report *r)
{
	uint32_t i;

	printf("%s: %s, governed by the %s, judged %llu times by %s, %s is better\n", proxy,
	       mlproxy_mode_name(r->e.mode), r->e.automatic ? "kernel" : "operator",
	       (unsigned long long)r->e.evaluations, r->m.reward.name,
	       mlproxy_direction_name(r->m.reward_direction));
	if (r->e.hold_ns)
		printf("the emergency lasts at least %.3f s\n", r->e.hold_ns / 1e9);
	print_experiment(r);
	print_arms(r);
	print_verdicts(r);
	print_needs(r);
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
	char buf[MLPROXY_NAME_LEN];
	struct report r;
	const char *name;
	int ret;

	(void)arg;
	ret = mlproxy_efficiency_verdicts(s, &r.e, r.transitions, MLPROXY_MAX_TRANSITIONS,
					  r.verdicts, MLPROXY_ROOM_VERDICTS);
	if (ret < 0)
		return cli_fail(s, ret);
	ret = mlproxy_schema_get(s, &schema);
	if (ret)
		return cli_fail(s, ret);
	r.m = measures_of(&schema->s);
	mlproxy_schema_free(schema);
	name = cli_shown_name(s, r.e.instance, buf);
	if (cli->json)
		return print_json(mlproxy_bound_name(s), name, &r);
	print_text(name, &r);
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
	.help = "Prints the last change of mode with its reason and the numbers that it was taken on,\n"
		"and the running experiment: what is tested, and both arms, the kernel's own algorithm\n"
		"and the model, with the gain of the model and its interval: a confidence sequence,\n"
		"which may be looked at as often as one likes. The gain is positive where the model is\n"
		"better, whatever the direction of the reward. Each change of mode begins a new\n"
		"experiment, which says nothing at first.\n"
		"\n"
		"All this is of one instance where a proxy has several: of PROXY:INSTANCE, or, for\n"
		"PROXY alone, of the one in the lowest mode, by whose name it begins.\n"
		"\n"
		"Some proxies keep a ledger beside the reward, in units that add up, or measure what the\n"
		"system pays for its work. Then each measure has a verdict: it supports the next step\n"
		"up, waits, or contradicts. Below stands what is missing until that step, and the\n"
		"changes of mode before, each with its reason and its numbers.\n"
		"\n"
		"Example:\n"
		"  mlproxy efficiency readahead\n",
};
