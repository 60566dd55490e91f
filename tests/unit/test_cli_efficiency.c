// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tool says of an experiment: run in this process, with a device whose answers
 * the test makes up.
 */
#include "unit.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/explain.h"
#include "common/clock.h"

#define SECOND	1000000000ULL

static struct {
	struct mlproxy_schema schema;
	struct mlproxy_efficiency e;
	struct mlproxy_evidence verdicts[MLPROXY_NR_VERDICTS];
	struct mlproxy_transition t[2];
	bool old;			/* it knows of no verdicts */
	uint32_t unknown_param;
} kernel;

static char device[] = "/tmp/mlproxy-efficiency-XXXXXX";
static char said[16384];

static int answer_efficiency(struct mlproxy_efficiency *cmd)
{
	struct mlproxy_transition *t = (void *)(uintptr_t)cmd->transitions;
	struct mlproxy_evidence *v = (void *)(uintptr_t)cmd->verdicts;
	struct mlproxy_efficiency answer = kernel.e;

	if (kernel.old && v) {
		errno = E2BIG;
		return -1;
	}
	memcpy(t, kernel.t, kernel.e.count * sizeof(*t));
	if (v)
		memcpy(v, kernel.verdicts, sizeof(kernel.verdicts));
	answer.size = cmd->size;
	answer.nr_verdicts = v ? MLPROXY_NR_VERDICTS : 0;
	*cmd = answer;
	return 0;
}

/* Takes the place of the C library's in this program. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	(void)fd;
	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	switch (request) {
	case MLPROXY_IOC_INFO:
		((struct mlproxy_info *)arg)->abi_version = MLPROXY_ABI_VERSION;
		return 0;
	case MLPROXY_IOC_SCHEMA: {
		struct mlproxy_schema *cmd = arg;
		uint32_t size = cmd->size;

		*cmd = kernel.schema;
		cmd->size = size;
		return 0;
	}
	case MLPROXY_IOC_EFFICIENCY:
		return answer_efficiency(arg);
	case MLPROXY_IOC_PARAM:
		if (((struct mlproxy_param *)arg)->param >= kernel.unknown_param) {
			errno = EINVAL;
			return -1;
		}
		return 0;
	default:
		return 0;
	}
}

static int run(const struct cli_verb *verb, bool json)
{
	struct cli cli = { .verb = verb, .device = device, .json = json };
	char *argv[] = { "mlproxy", "p", NULL };
	int old = dup(STDOUT_FILENO), ret;
	FILE *file = tmpfile();

	fflush(NULL);
	dup2(fileno(file), STDOUT_FILENO);
	optind = 0;
	ret = verb->fn(&cli, 2, argv);
	fflush(NULL);
	dup2(old, STDOUT_FILENO);
	close(old);
	rewind(file);
	said[fread(said, 1, sizeof(said) - 1, file)] = '\0';
	fclose(file);
	return ret;
}

#define says(what) do {								\
	if (!strstr(said, what))						\
		fail_msg("no \"%s\" in\n%s", what, said);			\
} while (0)

static struct mlproxy_evidence evidence(uint32_t verdict, uint32_t stance, double gain,
					double low, double high)
{
	return (struct mlproxy_evidence){
		.verdict = verdict, .stance = stance, .source = MLPROXY_SRC_MODEL,
		.model_version = 3, .nr_arms = 2, .n = { 400, 500 },
		.mean_q16 = { 100 * 65536, 110 * 65536 }, .sd_q16 = { 65536, 65536 },
		.gain_q16 = gain * 65536, .low_q16 = low * 65536, .high_q16 = high * 65536,
	};
}

static int setup_file(void **state)
{
	int fd = mkstemp(device);

	(void)state;
	if (fd < 0)
		return -1;
	return close(fd);
}

static int teardown_file(void **state)
{
	(void)state;
	return unlink(device);
}

/* A proxy with a reward alone, in collaboration mode. */
static int setup(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	kernel.unknown_param = MLPROXY_NR_PARAMS;
	strcpy(kernel.schema.reward_name, "score");
	strcpy(kernel.schema.reward_unit, "points");
	kernel.verdicts[0] = evidence(MLPROXY_VERDICT_REWARD, MLPROXY_STANCE_SUPPORTS, 10, 5, 15);
	kernel.e.mode = MLPROXY_MODE_COLLABORATION;
	kernel.e.automatic = 1;
	kernel.e.trial = 2;
	kernel.e.evaluations = 12;
	kernel.e.evidence = kernel.verdicts[0];
	kernel.e.count = 2;
	kernel.t[0] = (struct mlproxy_transition){
		.time_ns = clock_ns_now() - 5 * SECOND, .from = MLPROXY_MODE_LEARNING,
		.to = MLPROXY_MODE_COLLABORATION, .reason = MLPROXY_REASON_NOT_WORSE,
		.evidence = evidence(MLPROXY_VERDICT_REWARD, MLPROXY_STANCE_SUPPORTS, 1, -1, 3),
	};
	kernel.t[1] = (struct mlproxy_transition){
		.time_ns = kernel.t[0].time_ns, .from = MLPROXY_MODE_RECOMMENDATION,
		.to = MLPROXY_MODE_LEARNING, .reason = MLPROXY_REASON_OUTER,
		.evidence = evidence(MLPROXY_VERDICT_OUTER, MLPROXY_STANCE_CONTRADICTS,
				     -0.2, -0.3, -0.1),
	};
	return 0;
}

static void add_measures(void)
{
	strcpy(kernel.schema.ledger_name, "saved");
	strcpy(kernel.schema.ledger_unit, "us");
	strcpy(kernel.schema.cost_name, "stalled");
	strcpy(kernel.schema.cost_unit, "ms");
	strcpy(kernel.schema.work_name, "time");
	strcpy(kernel.schema.work_unit, "s");
	kernel.schema.outer_unit = MLPROXY_OUTER_ENTITY;
	kernel.verdicts[1] = evidence(MLPROXY_VERDICT_LEDGER, MLPROXY_STANCE_WAITS, 2, -1, 5);
	kernel.verdicts[2] = evidence(MLPROXY_VERDICT_OUTER, MLPROXY_STANCE_SUPPORTS,
				      0.031, -0.01, 0.052);
}

static void reward_alone(void **state)
{
	(void)state;
	assert_int_equal(run(&verb_efficiency, false), CLI_OK);
	says("p: collaboration, governed by the kernel, judged 12 times by score, higher is better");
	says("ago  learning -> collaboration: not worse, gain +1.00 [-1.00, +3.00] points; 400 and 5");
	says("that is: the policy is not worse by more than the margin, with confidence\n");
	says("running experiment, of the model, version 3, its test 2 in collaboration mode\n");
	says("gain of the model: +10.0 [+5.0, +15.0] points");
	says("recommendation -> learning: outer, costs 20.0% more [30.0% more, 10.0% more]; 400 and");
	assert_null(strstr(said, "ledger"));
	assert_null(strstr(said, "measures"));
	assert_null(strstr(said, "missing"));
}

static void every_measure(void **state)
{
	(void)state;
	add_measures();
	kernel.e.evidence.strata = 3;
	assert_int_equal(run(&verb_efficiency, false), CLI_OK);
	says("+15.0] points, within 3 contexts\n");
	says("reward   supports: +10.0 [+5.0, +15.0] points\n");
	says("ledger   waits: +2.00 [-1.00, +5.00] us\n");
	says("saved 100 us by the baseline, 110 us by the model\n");
	says("outer    supports: costs 3.1% less [1.0% more, 5.2% less]\n");
	says("stalled 100 ms for one s by the baseline, 110 ms for one s by the model\n");
	/* nothing was measured yet */
	memset(kernel.verdicts[2].n, 0, sizeof(kernel.verdicts[2].n));
	kernel.verdicts[2].stance = MLPROXY_STANCE_WAITS;
	kernel.verdicts[1].stance = MLPROXY_STANCE_NONE;
	assert_int_equal(run(&verb_efficiency, false), CLI_OK);
	says("ledger   says nothing yet\n");
	says("outer    waits: unknown: no work of a model\n");
}

static void what_is_missing(void **state)
{
	(void)state;
	add_measures();
	kernel.e.needs = MLPROXY_NEEDS_REWARD | MLPROXY_NEEDS_OUTER;
	assert_int_equal(run(&verb_efficiency, false), CLI_OK);
	says("missing until recommendation mode\n  - a reward (score) that is better, with confid");
	says("  - a cost of the system (stalled for time) that is no higher, with confidence\n");
	kernel.e.needs |= MLPROXY_NEEDS_TIME;
	kernel.e.stage = MLPROXY_STAGE_RAMP;
	kernel.e.stage_since_ns = clock_ns_now() - 4 * SECOND;
	assert_int_equal(run(&verb_efficiency, false), CLI_OK);
	says("its test 2 in collaboration mode, with a larger share for ");
	says("missing until recommendation mode\n  - a reward (score) that still has a gain\n");
	says("  - a cost of the system (stalled for time) that does not contradict\n");
	says("  - time: the test with a larger share is not over\n");
	kernel.e.mode = MLPROXY_MODE_LEARNING;
	kernel.e.automatic = 0;
	kernel.e.needs = MLPROXY_NEEDS_REWARD | (1U << 20);
	assert_int_equal(run(&verb_efficiency, false), CLI_OK);
	says("no step is taken while the operator governs; missing until collaboration mode would b");
	says("score) that is not worse by more than the margin, with confidence\n");
	says("  - something that this program does not know of (0x100000)\n");
	/* without a policy nothing else is worth telling */
	kernel.e.automatic = 1;
	kernel.e.needs |= MLPROXY_NEEDS_POLICY;
	kernel.e.stage = MLPROXY_STAGE_NONE;
	memset(&kernel.e.evidence, 0, sizeof(kernel.e.evidence));
	assert_int_equal(run(&verb_efficiency, false), CLI_OK);
	says("running experiment, of nothing, has just begun");
	says("missing until collaboration mode\n  - something that proposes actions");
	assert_null(strstr(said, "score) that"));
	kernel.e.mode = MLPROXY_MODE_RECOMMENDATION;
	assert_int_equal(run(&verb_efficiency, false), CLI_OK);
	assert_null(strstr(said, "missing"));
}

static void every_reason_is_explained(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 1; i < MLPROXY_NR_REASONS; i++)
		assert_string_not_equal(explain_reason(i), "");
	assert_string_equal(explain_reason(MLPROXY_NR_REASONS), "");
}

static void older_kernel(void **state)
{
	(void)state;
	kernel.old = true;
	kernel.e.evidence.source = 0;
	assert_int_equal(run(&verb_efficiency, false), CLI_OK);
	says("running experiment, of version 3, ");
	assert_int_equal(run(&verb_efficiency, true), CLI_OK);
	kernel.unknown_param = MLPROXY_PARAM_RAMP_NS;
	assert_int_equal(run(&verb_param, false), CLI_OK);
	says("hold ");
	assert_null(strstr(said, "ramp"));
}

static void params_of_measures(void **state)
{
	(void)state;
	assert_int_equal(run(&verb_param, false), CLI_OK);
	says("ramp_share ");
	assert_null(strstr(said, "outer"));
	assert_null(strstr(said, "ledger"));
	add_measures();
	assert_int_equal(run(&verb_param, false), CLI_OK);
	says("ledger_margin ");
	says("outer.collaboration ");
	says("outer_washout ");
}

static json_t *in(const json_t *object, const char *a, const char *b)
{
	return json_object_get(json_object_get(object, a), b);
}

static void as_json(void **state)
{
	json_t *j;

	(void)state;
	add_measures();
	kernel.e.needs = MLPROXY_NEEDS_LEDGER;
	assert_int_equal(run(&verb_efficiency, true), CLI_OK);
	j = json_loads(said, 0, NULL);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_array_get(json_object_get(j, "needs"), 0)),
			    "ledger");
	assert_string_equal(json_string_value(json_object_get(j, "stage")), "none");
	assert_string_equal(json_string_value(in(j, "evidence", "source")), "model");
	assert_string_equal(json_string_value(json_object_get(in(j, "verdicts", "ledger"),
							      "stance")), "waits");
	assert_true(json_number_value(json_object_get(in(j, "verdicts", "outer"), "low")) < 0);
	assert_true(json_is_null(in(json_object_get(in(j, "verdicts", "outer"), "arms"), "model",
				    "sd")));
	json_decref(j);
	*kernel.schema.ledger_name = '\0';
	assert_int_equal(run(&verb_efficiency, true), CLI_OK);
	j = json_loads(said, 0, NULL);
	assert_true(json_is_null(in(j, "verdicts", "ledger")));
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(reward_alone, setup),
		cmocka_unit_test_setup(every_measure, setup),
		cmocka_unit_test_setup(what_is_missing, setup),
		cmocka_unit_test(every_reason_is_explained),
		cmocka_unit_test_setup(older_kernel, setup),
		cmocka_unit_test_setup(params_of_measures, setup),
		cmocka_unit_test_setup(as_json, setup),
	};

	return cmocka_run_group_tests(tests, setup_file, teardown_file);
}
