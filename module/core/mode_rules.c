// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of the mode machine: what a look at the counters leads to. The rules are
 * told in mode_rules.h.
 */
#include "mode_alarm.h"
#include "mode_rules.h"
#include "outer.h"

/* The hold doubles with each recurrence, so often at most: 64 times hold_ns. */
#define HOLD_MAX_DOUBLINGS	6
/* Good time after which emergencies are forgotten, in hold_ns. */
#define FORGET_HOLDS		64
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
	config->ramp_ns = 5000000000ULL;
	config->verdict.ledger_margin_q16 = 6554;	/* 0.1 sd */
	config->verdict.outer_margin_q16 = 6554;	/* 0.1 of the baseline's cost */
}

static void name_logic(struct mlproxy_evidence *e, u64 logic)
{
	e->source = trust_source(logic);
	e->model_version = trust_version(logic);
}

static void clear_evidence(struct mode_machine *m)
{
	memset(&m->evidence, 0, sizeof(m->evidence));
	m->evidence.verdict = MLPROXY_VERDICT_REWARD;
	m->evidence.nr_arms = MLPROXY_NR_ARMS;
	m->evidence.low_q16 = S64_MIN;
	m->evidence.high_q16 = S64_MAX;
	name_logic(&m->evidence, m->logic);
	m->losses_differ = false;
	m->losses_surely_differ = false;
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
	m->experiment_since_ns = now_ns;
	verdicts_init(&m->verdicts, now_ns);
	clear_evidence(m);
}

void mode_machine_reset(struct mode_machine *m, u64 now_ns)
{
	u32 experiment = m->experiment, outer = m->verdicts.outer_experiment;

	mode_machine_init(m, now_ns);
	m->reason = MLPROXY_REASON_REINIT;
	m->experiment = experiment + 1;
	m->verdicts.outer_experiment = outer + 1;
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

/* A block ended, or a mode or logic did: outcomes of decisions made before don't count. */
static void begin_experiment(struct mode_machine *m, const struct mode_input *in)
{
	eff_difference(&m->past, in->sums, &m->base, true, EFF_MAX_STRATA);
	m->base = *in->sums;
	m->experiment++;
	m->experiment_since_ns = in->now_ns;
	verdicts_begin_inner(&m->verdicts, in->ledger);
	clear_evidence(m);
}

/*
 * What is known of the logic that was tested goes into the memory, in place of the one that
 * left it the longest ago, and what is known of @logic comes out of it.
 */
static void recall(struct mode_machine *m, u64 logic)
{
	struct mode_memory old = {
		.logic = m->tested, .trial = m->trial, .learning_trial = m->learning_trial,
		.outer_trial = m->verdicts.outer_trial, .measured_worse = m->measured_worse,
		.ledger_worse = m->verdicts.ledger_worse, .outer_worse = m->verdicts.outer_worse,
	};
	struct mode_memory found = { .logic = logic, .outer_trial = 1 };
	u32 i;

	for (i = 0; i < MODE_REMEMBERED && m->memory[i].logic != logic; i++)
		;
	if (i < MODE_REMEMBERED)
		found = m->memory[i];
	else
		i = MODE_REMEMBERED - 1;
	for (; i; i--)
		m->memory[i] = m->memory[i - 1];
	m->memory[0] = old;
	m->tested = logic;
	m->trial = found.trial;
	m->learning_trial = found.learning_trial;
	m->measured_worse = found.measured_worse;
	m->verdicts.outer_trial = found.outer_trial;
	m->verdicts.ledger_worse = found.ledger_worse;
	m->verdicts.outer_worse = found.outer_worse;
}

/* Return: is it another one than was tested before. */
static bool note_logic(struct mode_machine *m, const struct mode_input *in)
{
	bool is_new = in->logic && in->logic != m->tested;

	m->logic = in->logic;
	if (is_new)
		recall(m, in->logic);
	return is_new;
}

/* Is the outer experiment one of blocks? */
static bool in_blocks(u32 mode, u32 stage)
{
	return outer_is_block(mode, stage == MLPROXY_STAGE_RAMP);
}

/* May one outer experiment go on from the present mode and stage in those? */
static bool outer_goes_on(const struct mode_machine *m, u32 mode, u32 stage)
{
	return m->mode != MLPROXY_MODE_EMERGENCY && mode != MLPROXY_MODE_EMERGENCY &&
	       !in_blocks(m->mode, m->stage) && !in_blocks(mode, stage);
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

/* The experiment of a mode, stage or logic that is new. */
static void begin_mode(struct mode_machine *m, const struct mode_input *in, u32 mode,
		       u32 stage)
{
	bool goes_on = outer_goes_on(m, mode, stage) && in->logic == m->logic &&
		       !m->verdicts.outer_worse;
	/* In the same mode, what could have led to no step was no test. */
	bool no_test = mode == m->mode && m->evidence.low_q16 == S64_MIN, is_new;

	m->mode = mode;
	m->stage = stage;
	m->stage_since_ns = stage == MLPROXY_STAGE_NONE ? 0 : in->now_ns;
	is_new = note_logic(m, in);
	if (stage == MLPROXY_STAGE_NONE && (is_new || !no_test))
		count_trial(m);
	m->blocks_without_gain = 0;
	begin_experiment(m, in);
	mode_alarm_begin(m, in);
	if (is_new || !goes_on)
		verdicts_begin_outer(&m->verdicts, in->costs, in->now_ns, is_new);
	else
		verdicts_share_changes(&m->verdicts, in->now_ns);
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
	if (reason == MLPROXY_REASON_LEDGER)
		t->evidence = m->verdicts.ledger;
	if (reason == MLPROXY_REASON_OUTER)
		t->evidence = m->verdicts.outer;
}

static bool change_stage(struct mode_machine *m, const struct mode_input *in, u32 to, u32 stage,
			 u32 reason, struct mlproxy_transition *t)
{
	fill_transition(m, in, to, reason, t);
	if (m->mode == MLPROXY_MODE_EMERGENCY)
		m->good_since_ns = in->now_ns;
	if (to == MLPROXY_MODE_RECOMMENDATION)
		m->recurrences = 0;
	if (reason == MLPROXY_REASON_WORSE || reason == MLPROXY_REASON_DROP ||
	    reason == MLPROXY_REASON_LOSSES)
		m->measured_worse = true;
	m->verdicts.ledger_worse |= reason == MLPROXY_REASON_LEDGER;
	m->verdicts.outer_worse |= reason == MLPROXY_REASON_OUTER;
	if (to != m->mode || stage == MLPROXY_STAGE_NONE)
		m->since_ns = in->now_ns;
	m->reason = reason;
	m->cause = 0;
	begin_mode(m, in, to, stage);
	return true;
}

static bool change(struct mode_machine *m, const struct mode_input *in, u32 to, u32 reason,
		   struct mlproxy_transition *t)
{
	return change_stage(m, in, to, MLPROXY_STAGE_NONE, reason, t);
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
		.strata = config->strata,
	};
}

/*
 * What this look is to judge, MODE_PART_*, or 0 where there is no time for it. All parts have
 * their turn, however far apart looks are.
 */
static u32 choose_part(struct mode_machine *m, const struct mode_input *in)
{
	struct verdicts *v = &m->verdicts;
	u32 part;

	if ((in->ledger || in->costs) &&
	    (in->all || (!(m->due & ~MODE_PART_DROP) &&
			 in->now_ns - v->judged_ns >= VERDICT_EVERY_NS))) {
		v->judged_ns = in->now_ns;
		m->due |= in->ledger ? MODE_PART_LEDGER : 0;
		m->due |= in->costs ? MODE_PART_OUTER : 0;
	}
	m->due |= MODE_PART_REWARD;
	if (in->emergency)
		return 0;
	part = m->due & -m->due;
	m->due &= ~part;
	return part;
}

static void refresh_verdict(struct mode_machine *m, const struct mode_config *config,
			    const struct eff_test *test, const struct mode_input *in, u32 part)
{
	struct verdicts *v = &m->verdicts;

	verdicts_judge(v, &config->verdict, test,
		       part == MODE_PART_LEDGER ? in->ledger : NULL,
		       part == MODE_PART_OUTER ? in->costs : NULL, in_blocks(m->mode, m->stage),
		       in->now_ns);
	name_logic(&v->ledger, m->logic);
	name_logic(&v->outer, m->logic);
}

static void refresh_reward(struct mode_machine *m, const struct eff_test *test)
{
	eff_judge(&m->scratch, test, &m->evidence);
	m->losses_differ = eff_losses_differ(&m->scratch);
	m->losses_surely_differ = m->losses_differ && eff_losses_surely_differ(&m->scratch);
	name_logic(&m->evidence, m->logic);
}

/* Brings m->scratch, and the evidence of one part up to date. */
static void refresh(struct mode_machine *m, const struct mode_config *config,
		    const struct eff_test *test, const struct mode_input *in, u32 part)
{
	m->evidence.value = 0;
	m->evidence.limit = 0;
	if (part & (MODE_PART_LEDGER | MODE_PART_OUTER))
		refresh_verdict(m, config, test, in, part);
	if (part & (MODE_PART_REWARD | MODE_PART_DROP))
		eff_difference(&m->scratch, in->sums, &m->base, config->clustered,
			       config->strata);
	if (part == MODE_PART_REWARD)
		refresh_reward(m, test);
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
	verdicts_begin_outer(&m->verdicts, in->costs, in->now_ns, false);
	if (m->stage != MLPROXY_STAGE_NONE)
		m->stage_since_ns = in->now_ns;
}

static bool look_emergency(struct mode_machine *m, const struct mode_config *config,
			   const struct mode_input *in, struct mlproxy_transition *t)
{
	if (in->emergency || in->cause_lasts ||
	    in->now_ns - m->since_ns < mode_hold_ns(m, config))
		return false;
	return change(m, in, MLPROXY_MODE_LEARNING, MLPROXY_REASON_RECOVERED, t);
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
	       m->evidence.low_q16 >= -eff_mul_q16(sd, config->margin_q16);
}

/* May a policy have more than learning mode's share? */
static bool verdicts_allow(const struct mode_machine *m, const struct mode_config *config)
{
	const struct verdicts *v = &m->verdicts;

	if (verdict_contradicts(&v->ledger) || verdict_contradicts(&v->outer))
		return false;
	return (!v->ledger_worse || verdict_ledger_supports(v, &config->verdict)) &&
	       (!v->outer_worse || verdict_outer_supports(v, &config->verdict));
}

/* May it have more than half of the decisions? */
static bool verdicts_support(const struct mode_machine *m, const struct mode_config *config)
{
	return verdict_ledger_supports(&m->verdicts, &config->verdict) &&
	       verdict_outer_supports(&m->verdicts, &config->verdict);
}

/* Could outcomes that never come be known by now? */
static bool is_settled(const struct mode_machine *m, const struct mode_config *config,
		       const struct mode_input *in)
{
	return (in->now_ns - m->experiment_since_ns) / 2 >= config->pending_ns;
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
	if (!mode_is_reference(&m->past, config))
		eff_merge(&m->past, &m->scratch, config->clustered);
}

static bool look_recommendation(struct mode_machine *m, const struct mode_config *config,
				const struct mode_input *in, struct mlproxy_transition *t)
{
	bool gained;

	if (!block_over(m, config, &gained) || !is_settled(m, config, in))
		return false;
	m->blocks_without_gain = gained ? 0 : m->blocks_without_gain + 1;
	if (m->blocks_without_gain >= 2)
		return change(m, in, MLPROXY_MODE_COLLABORATION,
			      MLPROXY_REASON_NOT_BETTER, t);
	next_block(m, config, in);
	return false;
}

/* The ramp is over once it has lasted, and both arms can be compared. */
static bool ramp_over(const struct mode_machine *m, const struct mode_config *config,
		      const struct mode_input *in)
{
	return in->now_ns - m->stage_since_ns >= config->ramp_ns && is_settled(m, config, in) &&
	       m->evidence.n[MLPROXY_ARM_BASELINE] >= config->min_samples &&
	       m->evidence.n[MLPROXY_ARM_MODEL] >= config->min_samples;
}

static bool ramp_gained(const struct mode_machine *m, const struct mode_config *config)
{
	return m->evidence.gain_q16 > 0 && !m->losses_differ &&
	       verdict_ledger_bears(&m->verdicts, &config->verdict);
}

static bool look_learning(struct mode_machine *m, const struct mode_config *config,
			  const struct mode_input *in, struct mlproxy_transition *t)
{
	if (!m->logic || !not_worse(m, config) || !is_settled(m, config, in))
		return false;
	return verdicts_allow(m, config) &&
	       change(m, in, MLPROXY_MODE_COLLABORATION, MLPROXY_REASON_NOT_WORSE, t);
}

static bool look_ramp(struct mode_machine *m, const struct mode_config *config,
		      const struct mode_input *in, struct mlproxy_transition *t)
{
	if (!ramp_over(m, config, in))
		return false;
	if (verdict_contradicts(&m->verdicts.outer))
		return change(m, in, MLPROXY_MODE_LEARNING, MLPROXY_REASON_OUTER, t);
	if (ramp_gained(m, config))
		return change(m, in, MLPROXY_MODE_RECOMMENDATION, MLPROXY_REASON_BETTER, t);
	return change(m, in, MLPROXY_MODE_COLLABORATION, MLPROXY_REASON_RAMP_ENDED, t);
}

static bool look_collaboration(struct mode_machine *m, const struct mode_config *config,
			       const struct mode_input *in, struct mlproxy_transition *t)
{
	if (m->stage == MLPROXY_STAGE_RAMP)
		return look_ramp(m, config, in, t);
	if (!better(m) || !is_settled(m, config, in))
		return false;
	if (!verdicts_support(m, config))
		return false;
	if (!config->ramp_ns)
		return change(m, in, MLPROXY_MODE_RECOMMENDATION, MLPROXY_REASON_BETTER, t);
	return change_stage(m, in, MLPROXY_MODE_COLLABORATION, MLPROXY_STAGE_RAMP,
			    MLPROXY_REASON_RAMP, t);
}

/* MLPROXY_REASON_* to take a policy back to learning mode, or 0. */
static u32 reason_to_fall(const struct mode_machine *m)
{
	if (m->evidence.high_q16 < 0)
		return MLPROXY_REASON_WORSE;
	if (verdict_contradicts(&m->verdicts.outer))
		return MLPROXY_REASON_OUTER;
	if (verdict_contradicts(&m->verdicts.ledger))
		return MLPROXY_REASON_LEDGER;
	if (m->losses_surely_differ)
		return MLPROXY_REASON_LOSSES;
	return 0;
}

static bool look_up_or_down(struct mode_machine *m, const struct mode_config *config,
			    const struct mode_input *in, struct mlproxy_transition *t)
{
	u32 reason;

	if (m->mode == MLPROXY_MODE_LEARNING)
		return look_learning(m, config, in, t);
	reason = reason_to_fall(m);
	if (reason)
		return change(m, in, MLPROXY_MODE_LEARNING, reason, t);
	if (m->mode == MLPROXY_MODE_RECOMMENDATION)
		return look_recommendation(m, config, in, t);
	return look_collaboration(m, config, in, t);
}

/* Is the reward all that the next step asks of it? */
static bool reward_supports(const struct mode_machine *m, const struct mode_config *config)
{
	if (m->mode == MLPROXY_MODE_LEARNING)
		return not_worse(m, config);
	if (m->mode == MLPROXY_MODE_RECOMMENDATION || m->stage == MLPROXY_STAGE_RAMP)
		return m->evidence.gain_q16 > 0 && !m->losses_differ;
	return better(m);
}

static u32 needs_of_rise(const struct mode_machine *m, bool reward, bool ledger, bool outer)
{
	u32 needs = 0;

	if (!m->logic)
		needs |= MLPROXY_NEEDS_POLICY;
	if (m->evidence.low_q16 == S64_MIN)
		needs |= MLPROXY_NEEDS_SAMPLES;
	if (!reward)
		needs |= MLPROXY_NEEDS_REWARD;
	if (!ledger)
		needs |= MLPROXY_NEEDS_LEDGER;
	if (!outer)
		needs |= MLPROXY_NEEDS_OUTER;
	if (m->losses_differ)
		needs |= MLPROXY_NEEDS_LOSSES;
	if (m->stage == MLPROXY_STAGE_RAMP)
		needs |= MLPROXY_NEEDS_TIME;
	return needs;
}

/* Stances, and what is missing until the next step up: to be shown, nothing depends on it. */
static void explain(struct mode_machine *m, const struct mode_config *config)
{
	const struct verdict_config *vc = &config->verdict;
	struct verdicts *v = &m->verdicts;
	bool reward = reward_supports(m, config), ledger, outer;

	if (m->mode == MLPROXY_MODE_COLLABORATION && m->stage == MLPROXY_STAGE_NONE) {
		ledger = verdict_ledger_supports(v, vc);
		outer = verdict_outer_supports(v, vc);
	} else {
		ledger = !verdict_contradicts(&v->ledger) &&
			 (!v->ledger_worse || verdict_ledger_supports(v, vc));
		outer = !verdict_contradicts(&v->outer) &&
			(!v->outer_worse || verdict_outer_supports(v, vc));
	}
	m->evidence.stance = verdict_stance(m->logic, &m->evidence, reward);
	v->ledger.stance = verdict_stance(vc->ledger && m->logic, &v->ledger,
					  ledger && v->ledger.low_q16 != S64_MIN);
	v->outer.stance = verdict_stance(vc->outer && m->logic, &v->outer,
					 outer && v->outer.low_q16 != S64_MIN);
	if (m->mode == MLPROXY_MODE_EMERGENCY)
		m->needs = MLPROXY_NEEDS_TIME;
	else if (m->mode == MLPROXY_MODE_RECOMMENDATION)
		m->needs = 0;
	else
		m->needs = needs_of_rise(m, reward, ledger, outer);
}

/* Another logic, or none. Return: true if the mode changed. */
static bool look_logic(struct mode_machine *m, const struct mode_input *in,
		       struct mlproxy_transition *t)
{
	if (m->automatic && (m->mode == MLPROXY_MODE_COLLABORATION ||
			     m->mode == MLPROXY_MODE_RECOMMENDATION))
		return change(m, in, MLPROXY_MODE_LEARNING, in->logic ?
			      MLPROXY_REASON_NEW_MODEL : MLPROXY_REASON_NO_MODEL, t);
	begin_mode(m, in, m->mode, MLPROXY_STAGE_NONE);
	return false;
}

/* The sums are bounded, so this ends an experiment that nothing else ends. */
static bool is_full(const struct mode_machine *m)
{
	return m->evidence.n[MLPROXY_ARM_BASELINE] + m->evidence.n[MLPROXY_ARM_MODEL] >=
	       EFF_MAX_OUTCOMES;
}

static bool look(struct mode_machine *m, const struct mode_config *config,
		 const struct mode_input *in, struct mlproxy_transition *t)
{
	struct eff_test test = test_of_mode(m, config);
	u32 part = choose_part(m, in), emergency;
	bool shared = false;

	refresh(m, config, &test, in, part);
	if (m->automatic && m->mode == MLPROXY_MODE_EMERGENCY) {
		if (note_logic(m, in))
			verdicts_begin_outer(&m->verdicts, in->costs, in->now_ns, true);
		return look_emergency(m, config, in, t);
	}
	if (m->automatic) {
		/* an old logic's sins are not the new one's; those of the outside stay */
		emergency = in->logic == m->logic || in->emergency ?
			    mode_alarm(m, config, &test, in, part, &shared) : 0;
		if (emergency)
			return enter_emergency(m, config, in, emergency, t);
		if (shared && m->mode == MLPROXY_MODE_RECOMMENDATION)
			forget_past(m, in);
	}
	if (part != MODE_PART_REWARD)
		return false;
	if (in->logic != m->logic ||
	    (!in->logic && (m->mode == MLPROXY_MODE_COLLABORATION ||
			     m->mode == MLPROXY_MODE_RECOMMENDATION) && m->automatic))
		return look_logic(m, in, t);
	if (m->automatic && look_up_or_down(m, config, in, t))
		return true;
	if (is_full(m))
		begin_again(m, in);
	if (in_blocks(m->mode, m->stage) &&
	    verdict_block_over(&m->verdicts, in->now_ns, in->outer_hold_ns))
		verdicts_begin_outer(&m->verdicts, in->costs, in->now_ns, false);
	return false;
}

bool mode_machine_look(struct mode_machine *m, const struct mode_config *config,
		       const struct mode_input *in, struct mlproxy_transition *t)
{
	bool changed = look(m, config, in, t);

	explain(m, config);
	return changed;
}

void mode_machine_set(struct mode_machine *m, const struct mode_input *in, u32 mode,
		      bool automatic, struct mlproxy_transition *t)
{
	if (automatic)
		mode = m->mode == MLPROXY_MODE_EMERGENCY ? MLPROXY_MODE_LEARNING : m->mode;
	change(m, in, mode, automatic ? MLPROXY_REASON_AUTO : MLPROXY_REASON_OPERATOR, t);
	m->automatic = automatic;
}
