// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mode machine at work: each transition with its reason and its numbers, in a
 * world whose best action is known. Distances are counted in decisions; the bounds
 * are several times what a right machine needs.
 *
 * guest-test: timeout=300
 */
#include <inttypes.h>
#include <stdlib.h>

#include "util_mode.h"

#define NO_MODEL MLPROXY_MAX_ACTIONS
#define GOOD 1		/* the best constant action */
#define EQUAL 0		/* the baseline's */

static int fd;

static const struct mlproxy_evidence *evidence(void)
{
	return &transitions[0].evidence;
}

/* Up to a mode, as a good model does. */
static void climb(uint32_t to)
{
	run_until(fd, COLLABORATION, 20000);
	if (to == RECOMMENDATION)
		run_until(fd, RECOMMENDATION, 20000);
}

static void begin_in(uint32_t mode)
{
	fd = synth_begin(GOOD);
	if (mode != LEARNING)
		climb(mode);
	ASSERT_EQ(mode_get(fd).mode, mode);
}

static uint64_t nr_emergency_decisions(void)
{
	struct mlproxy_stats stats;

	dev_stats(fd, &stats);
	return stats.by_mode[EMERGENCY];
}

/* A good model climbs, each step on its own evidence. */
static void climbs(void)
{
	uint64_t min = 200;
	unsigned int n;

	fd = synth_begin(GOOD);
	EXPECT_EQ(mode_get(fd).automatic, 1);
	EXPECT_EQ(mode_get(fd).mode, LEARNING);
	n = run_until(fd, COLLABORATION, 20000);
	expect_transition(fd, LEARNING, COLLABORATION, NOT_WORSE);
	EXPECT(evidence()->n[0] >= min && evidence()->n[1] >= min);
	EXPECT_EQ(evidence()->clusters, evidence()->n[1]);
	/* not worse by a tenth of the standard deviation */
	EXPECT(evidence()->low_q16 >= -(int64_t)evidence()->sd_q16[0] / 10 - 1);
	EXPECT(evidence()->low_q16 < evidence()->gain_q16 &&
	       evidence()->gain_q16 < evidence()->high_q16);
	ktap_note("collaboration after %u decisions", n);

	n = run_until(fd, RECOMMENDATION, 20000);
	expect_transition(fd, COLLABORATION, RECOMMENDATION, BETTER);
	EXPECT(evidence()->n[0] >= min && evidence()->n[1] >= min);
	EXPECT(evidence()->low_q16 > 0);
	/* 204 of 1000 by construction */
	EXPECT(evidence()->low_q16 >> 16 < 204 && evidence()->high_q16 >> 16 >= 203);
	EXPECT(llabs(evidence()->gain_q16 - evidence()->mean_q16[1] + evidence()->mean_q16[0]) <= 1);
	EXPECT_EQ(efficiency(fd).trial, 1);
	ktap_note("recommendation after %u more", n);

	/* It stays there. */
	ASSERT_RET(synth_run(scaled(100000)), 0);
	EXPECT_EQ(mode_get(fd).mode, RECOMMENDATION);
	/* with the ramp in between */
	EXPECT_EQ(mode_get(fd).changes, 3);
}

static void no_model_stays(void)
{
	fd = synth_begin(NO_MODEL);
	ASSERT_RET(synth_run(scaled(20000)), 0);
	EXPECT_EQ(mode_get(fd).mode, LEARNING);
	EXPECT_EQ(mode_get(fd).changes, 0);
	EXPECT_EQ(efficiency(fd).evidence.n[0] + efficiency(fd).evidence.n[1], 0);
}

/* Made worse in flight: back within 4000 decisions, from collaboration. */
static void worse_in_collaboration(void)
{
	unsigned int n;

	begin_in(COLLABORATION);
	synth_set("penalty", 400);
	n = run_until(fd, LEARNING, 4000);
	expect_transition(fd, COLLABORATION, LEARNING, WORSE);
	EXPECT(evidence()->high_q16 < 0);
	EXPECT_EQ(efficiency(fd).evidence.model_version, evidence()->model_version);
	ktap_note("demoted after %u decisions", n);
}

/* The subsystem is corrected by a work item. */
static void expect_corrections(uint64_t n)
{
	int i;

	for (i = 0; i < 3000 && synth_get("corrections") < n; i++)
		sleep_ms(10);
	EXPECT_EQ(synth_get("corrections"), n);
}

/*
 * Made much worse in flight: emergency within so many decisions as have two stretches
 * of DROP_SAMPLES of the model, and 64, after which a look comes. In collaboration
 * mode half of the decisions are the model's.
 */
static void drop_in(uint32_t mode, unsigned int samples, unsigned int max)
{
	uint64_t corrections = synth_get("corrections");
	unsigned int n;

	begin_in(mode);
	if (mode == RECOMMENDATION)
		ASSERT_RET(synth_run(1000), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_DROP_SAMPLES, 0, samples), 0);
	synth_set("penalty", 2000);
	n = run_until(fd, EMERGENCY, max);
	expect_transition(fd, mode, EMERGENCY, DROP);
	EXPECT(evidence()->value < evidence()->limit && evidence()->limit < 0,
	       "(%" PRId64 ", %" PRId64 ")", (int64_t)evidence()->value,
	       (int64_t)evidence()->limit);
	ktap_note("emergency after %u decisions", n);
	expect_corrections(corrections + 1);
	EXPECT_EQ(synth_get("correction_reason"), MLPROXY_REASON_DROP);
	/* Left only through learning, and an equally bad model does not climb. */
	leave_emergency(fd);
	ASSERT_RET(synth_run(10000), 0);
	EXPECT(mode_get(fd).mode == LEARNING || mode_get(fd).mode == EMERGENCY);
	EXPECT(mode_get(fd).changes <= 6);
}

static void drop_in_collaboration(void)
{
	/* sooner than the test says "worse" */
	drop_in(COLLABORATION, 64, 384);
}

static void drop_in_recommendation(void)
{
	drop_in(RECOMMENDATION, 256, 640);
}

/* The gain goes, without a loss: two blocks without gain, and back to a test. */
static void not_better(void)
{
	fd = synth_begin(GOOD);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_MIN_SAMPLES, 0, 50), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_BLOCK, 0, 1000), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SHARE, RECOMMENDATION, 49152), 0);
	climb(RECOMMENDATION);
	/* a tenth of a standard deviation below the baseline: too little to be sure */
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_ALPHA_PPM, 0, 100), 0);
	synth_set("penalty", 240);
	run_until(fd, COLLABORATION, 100000);
	expect_transition(fd, RECOMMENDATION, COLLABORATION, NOT_BETTER);
	EXPECT(evidence()->gain_q16 <= 0 && evidence()->high_q16 >= 0);
	EXPECT(evidence()->n[1] >= 1000);
	/* another test of the same model, with less error probability */
	EXPECT_EQ(efficiency(fd).trial, 2);
}

/* The very decision that finds the subsystem critical is the baseline. */
static void critical(void)
{
	uint64_t corrections = synth_get("corrections"), before;
	struct mlproxy_stats stats;

	begin_in(COLLABORATION);
	before = nr_emergency_decisions();
	synth_set("critical", 1);
	ASSERT_RET(synth_run(1), 0);
	EXPECT_EQ(nr_emergency_decisions(), before + 1);
	expect_transition(fd, COLLABORATION, EMERGENCY, CRITICAL);
	/* It lasts as long as its cause. */
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_HOLD_NS, 0, 1000000), 0);
	sleep_ms(5);
	ASSERT_RET(synth_run(20000), 0);
	EXPECT_EQ(mode_get(fd).mode, EMERGENCY);
	EXPECT_EQ(nr_emergency_decisions(), before + 20001);
	dev_stats(fd, &stats);
	EXPECT(stats.critical >= 1 && stats.critical < 100);
	expect_corrections(corrections + 1);
	EXPECT_EQ(synth_get("correction_reason"), MLPROXY_REASON_CRITICAL);
	synth_set("critical", 0);
	leave_emergency(fd);
	climb(COLLABORATION);
	expect_transition(fd, LEARNING, COLLABORATION, NOT_WORSE);
}

static void errors(void)
{
	struct mlproxy_stats stats;
	unsigned int n;

	begin_in(COLLABORATION);
	synth_set("fail", 1);
	n = run_until(fd, EMERGENCY, 1024);
	expect_transition(fd, COLLABORATION, EMERGENCY, ERRORS);
	EXPECT(evidence()->value > evidence()->limit);
	EXPECT_EQ(evidence()->limit, 65536 / 16);
	dev_stats(fd, &stats);
	EXPECT(stats.errors >= 32 && stats.errors <= n);
	EXPECT_EQ(stats.refused, 0);
}

/* No decision takes as little as 1 ns: one of 16 is measured, at least 16 of them. */
static void latency(void)
{
	struct mlproxy_stats stats;

	begin_in(COLLABORATION);
	dev_stats(fd, &stats);
	EXPECT_EQ(stats.latency_samples, 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_LATENCY_NS, 0, 1), 0);
	run_until(fd, EMERGENCY, 1024);
	expect_transition(fd, COLLABORATION, EMERGENCY, LATENCY);
	EXPECT(evidence()->value > evidence()->limit);
	dev_stats(fd, &stats);
	EXPECT(stats.latency_samples >= 16 && stats.latency_samples <= 64);
	EXPECT(stats.latency_over >= 16 && stats.latency_over <= stats.latency_samples);
}

/* What the operator fixed stays, whatever is measured. */
static void operator(void)
{
	struct mlproxy_mode both = {
		.size = sizeof(both), .mode = LEARNING,
		.flags = MLPROXY_MODE_F_SET | MLPROXY_MODE_F_AUTO,
	};
	uint64_t corrections, before;
	struct mlproxy_stats stats;

	begin_in(COLLABORATION);
	corrections = synth_get("corrections");
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_MODE, &both), -EINVAL);
	ASSERT_RET(dev_set_mode(fd, EMERGENCY), 0);
	expect_transition(fd, COLLABORATION, EMERGENCY, OPERATOR);
	EXPECT_EQ(synth_get("corrections"), corrections + 1);
	EXPECT_EQ(mode_get(fd).automatic, 0);
	ASSERT_RET(synth_run(10000), 0);
	EXPECT_EQ(mode_get(fd).mode, EMERGENCY);

	/* Fixed, it keeps a bad model, and only leaves critical decisions out. */
	ASSERT_RET(dev_set_mode(fd, RECOMMENDATION), 0);
	synth_set("penalty", 2000);
	synth_set("fail", 1);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_LATENCY_NS, 0, 1), 0);
	before = nr_emergency_decisions();
	ASSERT_RET(synth_run(10000), 0);
	EXPECT_EQ(nr_emergency_decisions(), before);
	synth_set("critical", 1);
	ASSERT_RET(synth_run(1000), 0);
	EXPECT_EQ(nr_emergency_decisions(), before + 1000);
	dev_stats(fd, &stats);
	EXPECT_EQ(stats.critical, 1000);
	synth_set("critical", 0);
	EXPECT_EQ(mode_get(fd).mode, RECOMMENDATION);
	EXPECT_EQ(mode_get(fd).reason, MLPROXY_REASON_OPERATOR);
	EXPECT_EQ(efficiency(fd).automatic, 0);
	EXPECT(efficiency(fd).evidence.n[1] > 1000);

	/* Handed back, it is judged again. */
	synth_calm();
	synth_set("shift", 1);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_LATENCY_NS, 0, 0), 0);
	ASSERT_RET(mode_auto(fd), 0);
	expect_transition(fd, RECOMMENDATION, RECOMMENDATION, AUTO);
	EXPECT_EQ(mode_get(fd).automatic, 1);
	ASSERT_RET(dev_set_mode(fd, EMERGENCY), 0);
	ASSERT_RET(mode_auto(fd), 0);
	expect_transition(fd, EMERGENCY, LEARNING, AUTO);
	climb(RECOMMENDATION);
}

static void agent(void)
{
	struct mlproxy_heartbeat beat;
	int ro = dev_open(O_RDONLY);

	begin_in(COLLABORATION);
	/* None was heard, so none is missed. */
	EXPECT_EQ(mode_get(fd).mode, COLLABORATION);
	EXPECT_RET(heartbeat(fd, 0, 0, &beat), -EINVAL);
	EXPECT_RET(heartbeat(fd, 0, MLPROXY_HEARTBEAT_MAX_MS + 1, &beat), -EINVAL);
	EXPECT_RET(heartbeat(fd, MLPROXY_HEARTBEAT_F_LEAVE, 1, &beat), -EINVAL);
	EXPECT_RET(heartbeat(fd, 2, 1, &beat), -EINVAL);
	ASSERT_RET(dev_bind(ro, "synth"), 0);
	EXPECT_RET(heartbeat(ro, 0, 1000, &beat), -EPERM);
	ASSERT_RET(heartbeat(fd, 0, 3600000, &beat), 0);
	EXPECT_EQ(beat.age_ms, 0);
	EXPECT_EQ(beat.mode, COLLABORATION);
	sleep_ms(20);
	ASSERT_RET(synth_run(1), 0);
	EXPECT_EQ(mode_get(fd).mode, COLLABORATION);
	/* Late: the next decision is the baseline. */
	ASSERT_RET(heartbeat(fd, 0, 1, &beat), 0);
	EXPECT(beat.age_ms >= 20);
	sleep_ms(10);
	ASSERT_RET(synth_run(1), 0);
	EXPECT_EQ(nr_emergency_decisions(), 1);
	expect_transition(fd, COLLABORATION, EMERGENCY, AGENT_LOST);
	EXPECT_EQ(evidence()->limit, 1000000);
	EXPECT(evidence()->value >= 10000000);
	ASSERT_RET(synth_run(10000), 0);
	EXPECT_EQ(mode_get(fd).mode, EMERGENCY);
	/* Heard again. */
	ASSERT_RET(heartbeat(fd, 0, 3600000, &beat), 0);
	EXPECT_EQ(beat.mode, LEARNING);
	expect_transition(fd, EMERGENCY, LEARNING, RECOVERED);
	climb(COLLABORATION);
	/* Gone for good, and not missed. */
	ASSERT_RET(heartbeat(fd, 0, 1, &beat), 0);
	ASSERT_RET(heartbeat(fd, MLPROXY_HEARTBEAT_F_LEAVE, 0, &beat), 0);
	sleep_ms(10);
	ASSERT_RET(synth_run(100), 0);
	EXPECT(mode_get(fd).mode != EMERGENCY);
	EXPECT_EQ(mode_get(fd).reason, MLPROXY_REASON_NOT_WORSE);
}

/* Another model has to earn the mode that one before it had. */
static void new_model(void)
{
	uint32_t version;

	begin_in(RECOMMENDATION);
	version = synth_model(fd, GOOD);
	expect_transition(fd, RECOMMENDATION, LEARNING, NEW_MODEL);
	EXPECT_EQ(efficiency(fd).evidence.n[0] + efficiency(fd).evidence.n[1], 0);
	EXPECT_EQ(efficiency(fd).evidence.model_version, version);
	EXPECT_EQ(efficiency(fd).trial, 0);
	climb(RECOMMENDATION);
	ASSERT_EQ(dev_model_ctl(fd, MLPROXY_MODEL_OP_ROLLBACK, 0), (int)version - 1);
	expect_transition(fd, RECOMMENDATION, LEARNING, NEW_MODEL);
	climb(COLLABORATION);
	ASSERT_RET(dev_model_ctl(fd, MLPROXY_MODEL_OP_UNLOAD, 0), 0);
	expect_transition(fd, COLLABORATION, LEARNING, NO_MODEL);
	ASSERT_RET(synth_run(5000), 0);
	EXPECT_EQ(mode_get(fd).mode, LEARNING);
}

/* Recommendations are logic like a model; they are missed when they run out. */
static void recommendations(void)
{
	struct recs recs;
	unsigned int key;

	fd = synth_begin(NO_MODEL);
	synth_set("keys", 16);
	ASSERT_RET(recs_map(fd, 64, &recs), 0);
	for (key = 0; key < 16; key++)
		ASSERT_RET(recommend(fd, &recs, key, GOOD, 3600000), 0);
	run_until(fd, COLLABORATION, 20000);
	expect_transition(fd, LEARNING, COLLABORATION, NOT_WORSE);
	EXPECT(evidence()->model_version != 0);
	/* entities without one */
	synth_set("keys", 0);
	for (key = 0; key < 16; key++)
		ASSERT_RET(recommend(fd, &recs, key, GOOD, 1), 0);
	sleep_ms(5);
	run_until(fd, LEARNING, 2048);
	expect_transition(fd, COLLABORATION, LEARNING, NO_MODEL);
}

/* A snapshot in a bad state is cause enough, and another one the way back. */
static void bad_state(void)
{
	struct mlproxy_snapshot snapshot = { .size = sizeof(snapshot) };
	unsigned int i;

	begin_in(COLLABORATION);
	synth_set("health", MLPROXY_HEALTH_STRAINED);
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_SNAPSHOT, &snapshot), 0);
	ASSERT_RET(synth_run(1), 0);
	EXPECT_EQ(mode_get(fd).mode, COLLABORATION);
	synth_set("health", MLPROXY_HEALTH_BAD);
	snapshot = (struct mlproxy_snapshot) { .size = sizeof(snapshot) };
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_SNAPSHOT, &snapshot), 0);
	ASSERT_RET(synth_run(1), 0);
	EXPECT_EQ(nr_emergency_decisions(), 1);
	expect_transition(fd, COLLABORATION, EMERGENCY, BAD_STATE);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_HOLD_NS, 0, 1000000), 0);
	for (i = 0; i < 10; i++) {
		sleep_ms(5);
		ASSERT_RET(synth_run(100), 0);
	}
	EXPECT_EQ(mode_get(fd).mode, EMERGENCY);
	synth_set("health", MLPROXY_HEALTH_GOOD);
	for (i = 0; i < 1000 && mode_get(fd).mode == EMERGENCY; i++) {
		sleep_ms(5);
		ASSERT_RET(synth_run(10), 0);
	}
	expect_transition(fd, EMERGENCY, LEARNING, RECOVERED);
}

/* Each transition is a record, with the evidence of the log. */
static struct mlproxy_rec_mode records[64];
static unsigned int nr_records;

static void keep_mode(const struct mlproxy_rec_hdr *rec, void *arg)
{
	(void)arg;
	ASSERT_EQ(rec->len, sizeof(struct mlproxy_rec_mode));
	ASSERT(nr_records < ARRAY_SIZE(records));
	memcpy(&records[nr_records++], rec, rec->len);
}

static void recorded(void)
{
	struct mlproxy_ring_setup setup;
	struct mlproxy_efficiency e;
	struct ring ring;
	unsigned int i;

	pin_to(0);
	fd = synth_begin(GOOD);
	ASSERT_RET(ring_setup(fd, 1 << 16, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_MODE), &setup),
		   0);
	ASSERT_RET(ring_map(fd, &setup, 0, &ring), 0);
	climb(RECOMMENDATION);
	synth_set("penalty", 2000);
	run_until(fd, EMERGENCY, 2048);
	ASSERT_RET(dev_set_mode(fd, LEARNING), 0);
	ring_consume(&ring, 0, keep_mode, NULL);
	ring_check(fd, 0, &ring);
	e = efficiency(fd);
	ASSERT_EQ(e.count, 5);
	ASSERT_EQ(nr_records, 5);
	for (i = 0; i < 5; i++) {
		const struct mlproxy_transition *t = &transitions[4 - i];

		EXPECT_EQ(records[i].from, t->from);
		EXPECT_EQ(records[i].to, t->to);
		EXPECT_EQ(records[i].reason, t->reason);
		EXPECT(!memcmp(&records[i].evidence, &t->evidence, sizeof(t->evidence)));
		EXPECT(i == 4 || t->time_ns > transitions[4 - i - 1].time_ns ||
		       t->time_ns <= records[i].hdr.time_ns);
	}
}

/* The log keeps the last 32 of them. */
static void log_wraps(void)
{
	struct mlproxy_efficiency e;
	unsigned int i;

	fd = synth_begin(NO_MODEL);
	for (i = 0; i < 40; i++)
		ASSERT_RET(dev_set_mode(fd, i % MLPROXY_NR_MODES), 0);
	EXPECT_EQ(mode_get(fd).changes, 40);
	e = efficiency(fd);
	ASSERT_EQ(e.count, MLPROXY_MAX_TRANSITIONS);
	for (i = 0; i < e.count; i++) {
		EXPECT_EQ(transitions[i].to, (39 - i) % MLPROXY_NR_MODES);
		EXPECT(!i || transitions[i].time_ns <= transitions[i - 1].time_ns);
	}
	memset(transitions, 0xff, sizeof(transitions));
	e = (struct mlproxy_efficiency) {
		.size = sizeof(e), .transitions = (uintptr_t)transitions, .count = 2,
		.transition_size = sizeof(*transitions),
	};
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_EFFICIENCY, &e), 0);
	EXPECT_EQ(e.count, 2);
	EXPECT_EQ(transitions[1].to, 2);
	EXPECT_EQ(transitions[2].to, 0xffffffff);
	e.transitions = 8;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_EFFICIENCY, &e), -EFAULT);
	e = (struct mlproxy_efficiency) { .size = sizeof(e), .transitions = 8 };
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_EFFICIENCY, &e), 0);
	/* A new initialisation forgets it. */
	dev_fresh(fd);
	EXPECT_EQ(efficiency(fd).count, 0);
	EXPECT_EQ(mode_get(fd).mode, LEARNING);
	EXPECT_EQ(mode_get(fd).reason, MLPROXY_REASON_REINIT);
	EXPECT_EQ(mode_get(fd).automatic, 1);
}

static const struct {
	uint32_t param;
	uint64_t min, max, initial;
	const char *file;
} params[] = {
	{ MLPROXY_PARAM_WASHOUT_NS, 0, 99999999, 0, "washout_ns" },
	{ MLPROXY_PARAM_MIN_SAMPLES, 2, 1 << 24, 200, "min_samples" },
	{ MLPROXY_PARAM_ALPHA_PPM, 1, 500000, 50000, "alpha_ppm" },
	{ MLPROXY_PARAM_MARGIN_Q16, 0, 16 << 16, 6554, "margin_q16" },
	{ MLPROXY_PARAM_BLOCK, 64, 1 << 28, 16384, "block" },
	{ MLPROXY_PARAM_DROP_Q16, 1, 1024 << 16, 49152, "drop_q16" },
	{ MLPROXY_PARAM_DROP_SAMPLES, 16, 1 << 24, 256, "drop_samples" },
	{ MLPROXY_PARAM_ERROR_SHARE, 1, 65536, 4096, "error_share" },
	{ MLPROXY_PARAM_LATENCY_NS, 0, 1000000000, 1000000, "latency_ns" },
	{ MLPROXY_PARAM_HOLD_NS, 1000000, 3600000000000, 1000000000, "hold_ns" },
};

static void parameters(void)
{
	char path[128];
	unsigned int i;

	fd = dev_bound("synth");
	dev_fresh(fd);
	for (i = 0; i < ARRAY_SIZE(params); i++) {
		uint32_t p = params[i].param;

		snprintf(path, sizeof(path), SYSFS_DIR "synth/%s", params[i].file);
		EXPECT_EQ(param_get(fd, p), params[i].initial);
		EXPECT_EQ(file_u64(path), params[i].initial);
		EXPECT_RET(dev_set_param(fd, p, 0, params[i].max + 1), -EINVAL);
		EXPECT_RET(dev_set_param(fd, p, 0, UINT64_MAX), -EINVAL);
		EXPECT_RET(dev_set_param(fd, p, 1, params[i].max), -EINVAL);
		if (params[i].min)
			EXPECT_RET(dev_set_param(fd, p, 0, params[i].min - 1), -EINVAL);
		EXPECT_EQ(param_get(fd, p), params[i].initial);
		EXPECT_RET(dev_set_param(fd, p, 0, params[i].min), 0);
		EXPECT_EQ(param_get(fd, p), params[i].min);
		EXPECT_RET(dev_set_param(fd, p, 0, params[i].max), 0);
		EXPECT_EQ(file_u64(path), params[i].max);
	}
	/* a washout is shorter than its window */
	EXPECT_RET(dev_set_param(fd, MLPROXY_PARAM_WINDOW_NS, 0, 99999999), -EINVAL);
	dev_fresh(fd);
	for (i = 0; i < ARRAY_SIZE(params); i++)
		EXPECT_EQ(param_get(fd, params[i].param), params[i].initial);
}

/* Feedback has what was predicted, where the model's action was taken. */
static int64_t predicted[65536];
static uint8_t arm_of[65536], is_models[65536];
static unsigned int nr_predicted, nr_other;

static void check_prediction(const struct mlproxy_rec_hdr *rec, void *arg)
{
	const struct mlproxy_rec_decision *d = (const void *)rec;
	const struct mlproxy_rec_feedback *f = (const void *)rec;

	(void)arg;
	if (rec->type == MLPROXY_REC_DECISION) {
		predicted[d->id & 65535] = d->predicted;
		arm_of[d->id & 65535] = d->arm;
		is_models[d->id & 65535] = d->candidate == d->action;
		EXPECT(d->source != MLPROXY_SRC_EXPLORE || d->arm == MLPROXY_ARM_NONE);
		EXPECT(d->source != MLPROXY_SRC_MODEL || d->arm == MLPROXY_ARM_MODEL);
		EXPECT(d->source != MLPROXY_SRC_BASELINE || d->arm == MLPROXY_ARM_BASELINE);
		return;
	}
	EXPECT_EQ(f->arm, arm_of[f->id & 65535]);
	if (is_models[f->id & 65535]) {
		nr_predicted++;
		EXPECT_EQ(rec->flags, MLPROXY_FEEDBACK_PREDICTED);
		EXPECT_EQ(f->predicted, predicted[f->id & 65535]);
		EXPECT_EQ(f->error, f->reward - f->predicted);
	} else {
		nr_other++;
		EXPECT_EQ(rec->flags, 0);
		EXPECT_EQ(f->predicted, 0);
		EXPECT_EQ(f->error, 0);
	}
}

static void predictions(void)
{
	struct mlproxy_ring_setup setup;
	struct ring ring;
	unsigned int i;

	pin_to(0);
	fd = synth_begin(GOOD);
	ASSERT_RET(dev_set_mode(fd, COLLABORATION), 0);
	ASSERT_RET(ring_setup(fd, 1 << 18, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_DECISION) |
			      MLPROXY_REC_MASK(MLPROXY_REC_FEEDBACK), &setup), 0);
	ASSERT_RET(ring_map(fd, &setup, 0, &ring), 0);
	for (i = 0; i < 10; i++) {
		ASSERT_RET(synth_run(200), 0);
		ring_consume(&ring, 0, check_prediction, NULL);
	}
	ring_check(fd, 0, &ring);
	EXPECT(nr_predicted > 500 && nr_other > 500);
}

/* An action that is illegal here is refused, and its rate is cause for emergency. */
static void refused(void)
{
	struct mlproxy_stats stats;
	struct recs recs;
	unsigned int key, i;

	fd = dev_bound("ctx-decision");
	dev_fresh(fd);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_LATENCY_NS, 0, 0), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_HOLD_NS, 0, 3600000000000), 0);
	ASSERT_RET(recs_map(fd, 64, &recs), 0);
	for (key = 0; key < 64; key++)
		ASSERT_RET(recommend(fd, &recs, key, 3, 3600000), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT(!ctx_set("masks", 1));
	for (i = 0; i < 20 && mode_get(fd).mode != EMERGENCY; i++)
		ASSERT_RET(ctx_run("decision", "task", 100, 1), 0);
	ctx_set("masks", 0);
	expect_transition(fd, LEARNING, EMERGENCY, ERRORS);
	dev_stats(fd, &stats);
	EXPECT(stats.refused >= 32);
	EXPECT_EQ(stats.errors, 0);
	EXPECT_EQ(stats.by_source[MLPROXY_SRC_MODEL], 0);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(climbs),
	KTAP_TEST(no_model_stays),
	KTAP_TEST(worse_in_collaboration),
	KTAP_TEST(drop_in_collaboration),
	KTAP_TEST(drop_in_recommendation),
	KTAP_TEST(not_better),
	KTAP_TEST(critical),
	KTAP_TEST(errors),
	KTAP_TEST(latency),
	KTAP_TEST(operator),
	KTAP_TEST(agent),
	KTAP_TEST(new_model),
	KTAP_TEST(recommendations),
	KTAP_TEST(bad_state),
	KTAP_TEST(recorded),
	KTAP_TEST(log_wraps),
	KTAP_TEST(parameters),
	KTAP_TEST(predictions),
	KTAP_TEST(refused),
};

KTAP_MAIN(tests)
