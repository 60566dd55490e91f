// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of the mode machine: what a look at the counters leads to. The rules are
 * told in mode_rules.h.
 */
#include "mode_rules.h"

/* The hold doubles with each recurrence, so often at most: 64 times hold_ns. */
#define HOLD_MAX_DOUBLINGS	6
/* Good time after which emergencies are forgotten, in hold_ns. */
#define FORGET_HOLDS		64
/* Failures, or slow decisions, below which a share means little. */
#define MIN_FAILURES		32
#define MIN_SLOW		16
/* Slow decisions, of those measured, beyond which the budget is exceeded; of 65536. */
#define SLOW_SHARE		(MLPROXY_SHARE_ONE / 4)
/* A stretch of measured decisions. */
#define LATENCY_STRETCH		(2 * MIN_SLOW * 4)
/* Longest stretch of candidates, for a small error_share. */
#define MAX_CANDIDATES		1048576U
/* Groups in the model's arm before a drop is judged, where outcomes are clustered. */
#define DROP_MIN_GROUPS		16
/* A stretch this many times too long ends though it has not so many groups. */
#define DROP_MAX_STRETCH	64
/* So many times too long a stretch may become to tell whose a drop is. */
#define DROP_PATIENCE		4
/* A block this many times too long ends though the control group tells nothing. */
#define MAX_BLOCKS		4

void mode_config_defaults(struct mode_config *config)
{
	memset(config, 0, sizeof(*config));
	config->min_samples = 200;
	config->alpha_ppm = 50000;
	config->margin_q16 = 6554;		/* 0.1 */
	config->block = 16384;
	config->drop_q16 = 49152;		/* 0.75 */
	config->drop_samples = 256;
	config->error_share = MLPROXY_SHARE_ONE / 16;
	config->hold_ns = 1000000000;
}

static void clear_evidence(struct mode_machine *m)
{
	memset(&m->evidence, 0, sizeof(m->evidence));
	m->evidence.verdict = MLPROXY_VERDICT_REWARD;
	m->evidence.nr_arms = MLPROXY_NR_ARMS;
	m->evidence.low_q16 = S64_MIN;
	m->evidence.high_q16 = S64_MAX;
	m->evidence.source = trust_source(m->logic);
	m->evidence.model_version = trust_version(m->logic);
	m->losses_differ = false;
}

void mode_machine_init(struct mode_machine *m, u64 now_ns)
{
	memset(m, 0, sizeof(*m));
	m->mode = MLPROXY_MODE_LEARNING;
	m->reason = MLPROXY_REASON_START;
	m->automatic = true;
	m->experiment = 1;
	m->learning_trial = 1;
	m->since_ns = now_ns;
	m->good_since_ns = now_ns;
	clear_evidence(m);
}

void mode_machine_reset(struct mode_machine *m, u64 now_ns)
{
	u32 experiment = m->experiment;

	mode_machine_init(m, now_ns);
	m->reason = MLPROXY_REASON_REINIT;
	m->experiment = experiment + 1;
}

/* An agent that is heard again is no reason to wait. */
static bool cause_holds(u32 cause)
{
	return cause && cause != MLPROXY_REASON_AGENT_LOST;
}

u64 mode_hold_ns(const struct mode_machine *m, const struct mode_config *config)
{
	u32 doublings = m->recurrences ? m->recurrences - 1 : 0;

	if (m->mode != MLPROXY_MODE_EMERGENCY || !cause_holds(m->cause))
		return 0;
	if (doublings > HOLD_MAX_DOUBLINGS)
		doublings = HOLD_MAX_DOUBLINGS;
	if (config->hold_ns > U64_MAX >> doublings)
		return U64_MAX;
	return config->hold_ns << doublings;
}

static void restart_candidates(struct mode_machine *m, const struct mode_input *in)
{
	m->base_candidates = in->candidates;
	m->base_failures = in->failures;
}

static void restart_latency(struct mode_machine *m, const struct mode_input *in)
{
	m->base_latency_samples = in->latency_samples;
	m->base_latency_over = in->latency_over;
}

/* A block ended, or a mode or logic did: outcomes of decisions made before don't count. */
static void begin_experiment(struct mode_machine *m, const struct mode_input *in)
{
	m->past = *in->sums;
	eff_subtract(&m->past, &m->base);
	m->base = *in->sums;
	m->experiment++;
	clear_evidence(m);
}

static void begin_stretches(struct mode_machine *m, const struct mode_input *in)
{
	m->recent = *in->sums;
	restart_candidates(m, in);
	restart_latency(m, in);
}

static void note_logic(struct mode_machine *m, const struct mode_input *in)
{
	m->logic = in->logic;
	if (in->logic && in->logic != m->tested) {
		m->tested = in->logic;
		m->trial = 0;
		m->learning_trial = 0;
		m->measured_worse = false;
	}
}

static void count_up(u32 *n)
{
	if (*n < S32_MAX)
		++*n;
}

/* One more test of the logic in this mode. */
static void count_trial(struct mode_machine *m)
{
	if (m->mode == MLPROXY_MODE_COLLABORATION)
		count_up(&m->trial);
	else if (m->mode == MLPROXY_MODE_LEARNING)
		count_up(&m->learning_trial);
}

/* The experiment of a mode or logic that is new. */
static void begin_mode(struct mode_machine *m, const struct mode_input *in, u32 mode)
{
	m->mode = mode;
	note_logic(m, in);
	count_trial(m);
	m->blocks_without_gain = 0;
	begin_experiment(m, in);
	begin_stretches(m, in);
}

static void fill_transition(const struct mode_machine *m, const struct mode_input *in,
			    u32 to, u32 reason, struct mlproxy_transition *t)
{
	memset(t, 0, sizeof(*t));
	t->time_ns = in->now_ns;
	t->from = m->mode;
	t->to = to;
	t->reason = reason;
	t->evidence = m->evidence;
}

static bool change(struct mode_machine *m, const struct mode_input *in, u32 to, u32 reason,
		   struct mlproxy_transition *t)
{
	fill_transition(m, in, to, reason, t);
	if (m->mode == MLPROXY_MODE_EMERGENCY)
		m->good_since_ns = in->now_ns;
	if (to == MLPROXY_MODE_RECOMMENDATION)
		m->recurrences = 0;
	if (reason == MLPROXY_REASON_WORSE || reason == MLPROXY_REASON_DROP)
		m->measured_worse = true;
	m->since_ns = in->now_ns;
	m->reason = reason;
	m->cause = 0;
	begin_mode(m, in, to);
	return true;
}

static bool enter_emergency(struct mode_machine *m, const struct mode_config *config,
			    const struct mode_input *in, u32 reason,
			    struct mlproxy_transition *t)
{
	u64 good_ns = in->now_ns - m->good_since_ns;

	if (good_ns / FORGET_HOLDS >= config->hold_ns)
		m->recurrences = 0;
	if (cause_holds(reason))
		count_up(&m->recurrences);
	change(m, in, MLPROXY_MODE_EMERGENCY, reason, t);
	m->cause = reason;
	return true;
}

static u32 trial_of_mode(const struct mode_machine *m)
{
	u32 trial = 1;		/* of a block in recommendation mode */

	if (m->mode == MLPROXY_MODE_COLLABORATION)
		trial = m->trial;
	else if (m->mode == MLPROXY_MODE_LEARNING)
		trial = m->learning_trial;
	return trial ? trial : 1;
}

static struct eff_test test_of_mode(const struct mode_machine *m,
				    const struct mode_config *config)
{
	return (struct eff_test){
		.alpha_ppm = config->alpha_ppm,
		.trial = trial_of_mode(m),
		.min_samples = config->min_samples,
		.clustered = config->clustered,
		.lower_is_better = config->lower_is_better,
	};
}

/* Brings m->scratch and m->evidence up to date. */
static void refresh(struct mode_machine *m, const struct eff_test *test,
		    const struct mode_input *in)
{
	m->scratch = *in->sums;
	eff_subtract(&m->scratch, &m->base);
	eff_judge(&m->scratch, test, &m->evidence);
	m->losses_differ = eff_losses_differ(&m->scratch);
	m->evidence.value = 0;
	m->evidence.limit = 0;
	m->evidence.source = trust_source(m->logic);
	m->evidence.model_version = trust_version(m->logic);
}

/* Has @sums a baseline that a drop can be judged by? */
static bool is_reference(const struct eff_sums *sums, const struct mode_config *config)
{
	return sums->arm[MLPROXY_ARM_BASELINE].n >= config->min_samples &&
	       (!config->clustered ||
		eff_units(sums, MLPROXY_ARM_BASELINE, true) >= EFF_MIN_CLUSTERS);
}

/*
 * The baseline of a drop: that of the stretch itself, if large enough, since it has seen
 * the same; else that of the experiment, and of those before while this one is young.
 */
static const struct eff_sums *drop_reference(struct mode_machine *m,
					     const struct mode_config *config)
{
	if (is_reference(&m->stretch, config))
		return &m->stretch;
	if (!is_reference(&m->scratch, config))
		eff_merge(&m->scratch, &m->past, config->clustered);
	return &m->scratch;
}

/* Is it time to judge the stretch of @n model outcomes in m->stretch? */
static bool stretch_is_enough(const struct mode_machine *m, const struct mode_config *config,
			      u64 n)
{
	return !config->clustered || n / DROP_MAX_STRETCH >= config->drop_samples ||
	       eff_units(&m->stretch, MLPROXY_ARM_MODEL, true) >= DROP_MIN_GROUPS;
}

/* What was measured before is no reference for what comes. */
static void forget_past(struct mode_machine *m, const struct mode_input *in)
{
	begin_experiment(m, in);
	memset(&m->past, 0, sizeof(m->past));
}

/*
 * In the same mode, with the same logic: what was measured before is of no use any more.
 * If it could have led to a step, the test that begins is one more.
 */
static void begin_again(struct mode_machine *m, const struct mode_input *in)
{
	if (m->evidence.low_q16 != S64_MIN)
		count_trial(m);
	forget_past(m, in);
	m->recent = *in->sums;
}

void mode_machine_restart(struct mode_machine *m, const struct mode_input *in)
{
	begin_again(m, in);
}

/* Changes m->scratch: call it last of those that use it. */
static bool see_drop(struct mode_machine *m, const struct mode_config *config,
		     const struct eff_test *test, const struct mode_input *in)
{
	u64 n = in->sums->arm[MLPROXY_ARM_MODEL].n - m->recent.arm[MLPROXY_ARM_MODEL].n;
	s64 gain, limit;
	int drop;

	if (n < config->drop_samples)
		return false;
	m->stretch = *in->sums;
	eff_subtract(&m->stretch, &m->recent);
	if (!stretch_is_enough(m, config, n))
		return false;
	drop = eff_drop(&m->stretch, drop_reference(m, config), test, config->drop_q16,
			&gain, &limit);
	if (drop == EFF_DROP_UNSURE && n / DROP_PATIENCE < config->drop_samples)
		return false;
	m->recent = *in->sums;
	if (drop == EFF_DROP_SHARED && m->mode == MLPROXY_MODE_RECOMMENDATION)
		forget_past(m, in);
	if (drop == EFF_DROP_NONE || drop == EFF_DROP_SHARED)
		return false;
	m->evidence.value = gain;
	m->evidence.limit = limit;
	return true;
}

/* Is @part above @share (of 65536) of @whole? Says so in the evidence. */
static bool above_share(struct mode_machine *m, u64 part, u64 whole, u32 share)
{
	u64 is;

	if (!whole)
		return false;
	is = part >= whole ? MLPROXY_SHARE_ONE : part * MLPROXY_SHARE_ONE / whole;
	if (is <= share)
		return false;
	m->evidence.value = (s64)is;
	m->evidence.limit = share;
	return true;
}

/* A share of MLPROXY_SHARE_ONE switches it off. */
static bool see_errors(struct mode_machine *m, const struct mode_config *config,
		       const struct mode_input *in)
{
	u64 candidates = in->candidates - m->base_candidates;
	u64 failures = in->failures - m->base_failures;
	u64 stretch = MAX_CANDIDATES;

	if (failures >= MIN_FAILURES &&
	    above_share(m, failures, candidates, config->error_share))
		return true;
	/* twice as long as MIN_FAILURES take at that share */
	if (config->error_share > 2 * MIN_FAILURES * MLPROXY_SHARE_ONE / MAX_CANDIDATES)
		stretch = 2 * MIN_FAILURES * MLPROXY_SHARE_ONE / config->error_share;
	if (candidates >= stretch)
		restart_candidates(m, in);
	return false;
}

static bool see_latency(struct mode_machine *m, const struct mode_input *in)
{
	u64 samples = in->latency_samples - m->base_latency_samples;
	u64 over = in->latency_over - m->base_latency_over;

	if (over >= MIN_SLOW && above_share(m, over, samples, SLOW_SHARE))
		return true;
	if (samples >= LATENCY_STRETCH)
		restart_latency(m, in);
	return false;
}

/* MLPROXY_REASON_* that asks for an emergency, or 0. */
static u32 see_emergency(struct mode_machine *m, const struct mode_config *config,
			 const struct eff_test *test, const struct mode_input *in)
{
	if (in->emergency) {
		m->evidence.value = in->value;
		m->evidence.limit = in->limit;
		return in->emergency;
	}
	if (see_errors(m, config, in))
		return MLPROXY_REASON_ERRORS;
	if (see_latency(m, in))
		return MLPROXY_REASON_LATENCY;
	if (see_drop(m, config, test, in))
		return MLPROXY_REASON_DROP;
	return 0;
}

static bool look_emergency(struct mode_machine *m, const struct mode_config *config,
			   const struct mode_input *in, struct mlproxy_transition *t)
{
	if (in->emergency || in->cause_lasts ||
	    in->now_ns - m->since_ns < mode_hold_ns(m, config))
		return false;
	return change(m, in, MLPROXY_MODE_LEARNING, MLPROXY_REASON_RECOVERED, t);
}

/* @x * @q16 / 65536, at most S64_MAX */
static s64 mul_q16(u64 x, u32 q16)
{
	u64 whole = x >> 16;

	if (q16 && whole > S64_MAX / 2 / q16)
		return S64_MAX;
	return (s64)(whole * q16 + ((x & 0xffff) * q16 >> 16));
}

static bool better(const struct mode_machine *m)
{
	return !m->losses_differ && m->evidence.low_q16 > 0;
}

static bool not_worse(const struct mode_machine *m, const struct mode_config *config)
{
	u64 sd = m->evidence.sd_q16[MLPROXY_ARM_BASELINE];

	if (m->losses_differ)
		return false;
	if (m->measured_worse)
		return better(m);
	return m->evidence.low_q16 != S64_MIN &&
	       m->evidence.low_q16 >= -mul_q16(sd, config->margin_q16);
}

/* Is the block over? One without a control group to speak of has shown no gain. */
static bool block_over(const struct mode_machine *m, const struct mode_config *config,
		       bool *gained)
{
	u64 control = m->evidence.n[MLPROXY_ARM_BASELINE];
	u64 model = m->evidence.n[MLPROXY_ARM_MODEL];

	if (model < config->block)
		return false;
	if (control >= config->min_samples && model >= config->min_samples) {
		*gained = m->evidence.gain_q16 > 0 && !m->losses_differ;
		return true;
	}
	*gained = false;
	return model / MAX_BLOCKS >= config->block;
}

/*
 * The stretches go on: the mode and the model are the same. A small control group may
 * need several blocks to become a reference for a drop.
 */
static void next_block(struct mode_machine *m, const struct mode_config *config,
		       const struct mode_input *in)
{
	m->scratch = m->past;
	begin_experiment(m, in);
	if (!is_reference(&m->past, config))
		eff_merge(&m->past, &m->scratch, config->clustered);
}

static bool look_recommendation(struct mode_machine *m, const struct mode_config *config,
				const struct mode_input *in, struct mlproxy_transition *t)
{
	bool gained;

	if (!block_over(m, config, &gained))
		return false;
	m->blocks_without_gain = gained ? 0 : m->blocks_without_gain + 1;
	if (m->blocks_without_gain >= 2)
		return change(m, in, MLPROXY_MODE_COLLABORATION,
			      MLPROXY_REASON_NOT_BETTER, t);
	next_block(m, config, in);
	return false;
}

static bool look_up_or_down(struct mode_machine *m, const struct mode_config *config,
			    const struct mode_input *in, struct mlproxy_transition *t)
{
	if (m->mode == MLPROXY_MODE_LEARNING) {
		if (m->logic && not_worse(m, config))
			return change(m, in, MLPROXY_MODE_COLLABORATION,
				      MLPROXY_REASON_NOT_WORSE, t);
		return false;
	}
	if (m->evidence.high_q16 < 0)
		return change(m, in, MLPROXY_MODE_LEARNING, MLPROXY_REASON_WORSE, t);
	if (m->mode == MLPROXY_MODE_RECOMMENDATION)
		return look_recommendation(m, config, in, t);
	if (better(m))
		return change(m, in, MLPROXY_MODE_RECOMMENDATION, MLPROXY_REASON_BETTER, t);
	return false;
}

/* Another logic, or none. Return: true if the mode changed. */
static bool look_logic(struct mode_machine *m, const struct mode_input *in,
		       struct mlproxy_transition *t)
{
	if (m->automatic && (m->mode == MLPROXY_MODE_COLLABORATION ||
			     m->mode == MLPROXY_MODE_RECOMMENDATION))
		return change(m, in, MLPROXY_MODE_LEARNING, in->logic ?
			      MLPROXY_REASON_NEW_MODEL : MLPROXY_REASON_NO_MODEL, t);
	begin_mode(m, in, m->mode);
	return false;
}

/* The sums are bounded, so this ends an experiment that nothing else ends. */
static bool is_full(const struct mode_machine *m)
{
	return m->evidence.n[MLPROXY_ARM_BASELINE] + m->evidence.n[MLPROXY_ARM_MODEL] >=
	       EFF_MAX_OUTCOMES;
}

bool mode_machine_look(struct mode_machine *m, const struct mode_config *config,
		       const struct mode_input *in, struct mlproxy_transition *t)
{
	struct eff_test test = test_of_mode(m, config);
	u32 emergency;

	refresh(m, &test, in);
	if (m->automatic && m->mode == MLPROXY_MODE_EMERGENCY) {
		note_logic(m, in);
		return look_emergency(m, config, in, t);
	}
	if (m->automatic) {
		/* an old logic's sins are not the new one's; those of the outside stay */
		emergency = in->logic == m->logic || in->emergency ?
			    see_emergency(m, config, &test, in) : 0;
		if (emergency)
			return enter_emergency(m, config, in, emergency, t);
	}
	if (in->logic != m->logic ||
	    (!in->logic && (m->mode == MLPROXY_MODE_COLLABORATION ||
			     m->mode == MLPROXY_MODE_RECOMMENDATION) && m->automatic))
		return look_logic(m, in, t);
	if (m->automatic && look_up_or_down(m, config, in, t))
		return true;
	if (is_full(m))
		begin_again(m, in);
	return false;
}

void mode_machine_set(struct mode_machine *m, const struct mode_input *in, u32 mode,
		      bool automatic, struct mlproxy_transition *t)
{
	if (automatic)
		mode = m->mode == MLPROXY_MODE_EMERGENCY ? MLPROXY_MODE_LEARNING : m->mode;
	change(m, in, mode, automatic ? MLPROXY_REASON_AUTO : MLPROXY_REASON_OPERATOR, t);
	m->automatic = automatic;
}
