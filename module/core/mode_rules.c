// SPDX-License-Identifier: GPL-2.0-only
/* The rules of the mode machine; what they are is in mode_rules.h. */
#include "mode_rules.h"

#define MIN_FAILURES	32U	/* fewer are no rate */
#define MIN_LATENCY	16U	/* measured decisions: fewer are no share */
#define LATENCY_SHARE	(MLPROXY_SHARE_ONE / 4)
#define MAX_DOUBLINGS	6U
#define FORGET_HOLDS	64U	/* an emergency so long ago has no say any more */

void mode_config_defaults(struct mode_config *config)
{
	*config = (struct mode_config) {
		.min_samples = 200,
		.alpha_ppm = 50000,
		.margin_q16 = 65536 / 10,
		.block = 16384,
		.drop_q16 = 65536,
		.drop_samples = 256,
		.error_share = MLPROXY_SHARE_ONE / 16,
		.hold_ns = 1000000000ULL,
	};
}

void mode_machine_init(struct mode_machine *m, u64 now_ns)
{
	memset(m, 0, sizeof(*m));
	m->mode = MLPROXY_MODE_LEARNING;
	m->reason = MLPROXY_REASON_START;
	m->automatic = true;
	m->experiment = 1;
	m->since_ns = now_ns;
}

void mode_machine_reset(struct mode_machine *m, u64 now_ns)
{
	u32 experiment = m->experiment;

	mode_machine_init(m, now_ns);
	m->reason = MLPROXY_REASON_REINIT;
	m->experiment = experiment + 1;
}

u64 mode_hold_ns(const struct mode_machine *m, const struct mode_config *config)
{
	if (m->reason == MLPROXY_REASON_AGENT_LOST)
		return 0;
	return config->hold_ns << (m->recurrences < MAX_DOUBLINGS ? m->recurrences :
								    MAX_DOUBLINGS);
}

static void begin_stretch(struct mode_machine *m, const struct mode_input *in)
{
	m->recent = *in->sums;
	m->base_candidates = in->candidates;
	m->base_failures = in->failures;
	m->base_latency_samples = in->latency_samples;
	m->base_latency_over = in->latency_over;
}

static void begin_experiment(struct mode_machine *m, const struct mode_input *in)
{
	m->base = *in->sums;
	m->experiment++;
	begin_stretch(m, in);
}

static struct eff_test test_of(const struct mode_machine *m, const struct mode_config *config)
{
	struct eff_test test = {
		.alpha_ppm = config->alpha_ppm,
		.trial = 1,
		.min_samples = config->min_samples,
		.clustered = config->clustered,
		.lower_is_better = config->lower_is_better,
	};

	if (m->mode == MLPROXY_MODE_LEARNING)
		test.trial = m->trial + 1;
	else if (m->mode == MLPROXY_MODE_COLLABORATION)
		test.trial = m->trial;
	return test;
}

static void judge(struct mode_machine *m, const struct mode_config *config,
		  const struct mode_input *in)
{
	struct eff_test test = test_of(m, config);

	m->work = *in->sums;
	eff_subtract(&m->work, &m->base);
	memset(&m->evidence, 0, sizeof(m->evidence));
	eff_judge(&m->work, &test, &m->evidence);
	m->evidence.model_version = m->model_version;
}

/* Change the mode: a new experiment, whose evidence starts from nothing. */
static bool change(struct mode_machine *m, const struct mode_input *in, u32 mode, u32 reason,
		   struct mlproxy_transition *t)
{
	*t = (struct mlproxy_transition) {
		.time_ns = in->now_ns,
		.from = m->mode,
		.to = mode,
		.reason = reason,
		.evidence = m->evidence,
	};
	if (mode == MLPROXY_MODE_COLLABORATION && m->mode != mode)
		m->trial++;
	if (mode == MLPROXY_MODE_RECOMMENDATION)
		m->good_since_ns = 0;
	if (mode != m->mode)
		m->since_ns = in->now_ns;
	m->mode = mode;
	m->reason = reason;
	m->blocks_without_gain = 0;
	begin_experiment(m, in);
	return true;
}

static bool enter_emergency(struct mode_machine *m, const struct mode_config *config,
			    const struct mode_input *in, u32 reason, s64 value, s64 limit,
			    struct mlproxy_transition *t)
{
	bool again = m->good_since_ns &&
		     in->now_ns - m->good_since_ns < FORGET_HOLDS * config->hold_ns;

	/* A lost agent says nothing of the model. */
	if (reason != MLPROXY_REASON_AGENT_LOST)
		m->recurrences = again ? m->recurrences + 1 : 0;
	m->evidence.value = value;
	m->evidence.limit = limit;
	return change(m, in, MLPROXY_MODE_EMERGENCY, reason, t);
}

static bool leave_emergency(struct mode_machine *m, const struct mode_config *config,
			    const struct mode_input *in, struct mlproxy_transition *t)
{
	if (in->emergency || in->cause_lasts ||
	    in->now_ns - m->since_ns < mode_hold_ns(m, config))
		return false;
	if (m->reason != MLPROXY_REASON_AGENT_LOST)
		m->good_since_ns = in->now_ns;
	return change(m, in, MLPROXY_MODE_LEARNING, MLPROXY_REASON_RECOVERED, t);
}

/* Too many failures or slow decisions in the present stretch. */
static bool misbehaves(struct mode_machine *m, const struct mode_config *config,
		       const struct mode_input *in, struct mlproxy_transition *t)
{
	u64 candidates = in->candidates - m->base_candidates;
	u64 failures = in->failures - m->base_failures;
	u64 samples = in->latency_samples - m->base_latency_samples;
	u64 over = in->latency_over - m->base_latency_over;

	if (failures >= MIN_FAILURES && candidates &&
	    failures * MLPROXY_SHARE_ONE > candidates * config->error_share)
		return enter_emergency(m, config, in, MLPROXY_REASON_ERRORS,
				       (s64)(failures * MLPROXY_SHARE_ONE / candidates),
				       config->error_share, t);
	if (samples >= MIN_LATENCY && over * MLPROXY_SHARE_ONE > samples * LATENCY_SHARE)
		return enter_emergency(m, config, in, MLPROXY_REASON_LATENCY,
				       (s64)(over * MLPROXY_SHARE_ONE / samples),
				       LATENCY_SHARE, t);
	return false;
}

/*
 * The reward fell too far in the present stretch. In learning mode the model's small
 * share bounds the harm, and an emergency would end the exploration that helps.
 */
static bool dropped(struct mode_machine *m, const struct mode_config *config,
		    const struct mode_input *in, struct mlproxy_transition *t)
{
	struct eff_test test = test_of(m, config);
	s64 gain = 0, limit = 0;
	bool fell;

	/* m->work still is the experiment */
	if (m->work.arm[MLPROXY_ARM_BASELINE].n >= config->min_samples)
		m->reference = m->work.arm[MLPROXY_ARM_BASELINE];
	m->work = *in->sums;
	eff_subtract(&m->work, &m->recent);
	if (m->work.arm[MLPROXY_ARM_MODEL].n < config->drop_samples)
		return false;
	if (m->work.arm[MLPROXY_ARM_BASELINE].n >= config->min_samples)
		m->reference = m->work.arm[MLPROXY_ARM_BASELINE];
	fell = eff_dropped(&m->work, &m->reference, config->drop_q16, &test, &gain, &limit);
	if (fell && m->mode != MLPROXY_MODE_LEARNING)
		return enter_emergency(m, config, in, MLPROXY_REASON_DROP, gain, limit, t);
	/* With clusters, a stretch goes on until it has enough of them. */
	if (limit)
		begin_stretch(m, in);
	return false;
}

static bool other_model(struct mode_machine *m, const struct mode_input *in,
			struct mlproxy_transition *t)
{
	u32 mode = m->mode;

	if (in->model_version == m->model_version)
		return false;
	m->model_version = in->model_version;
	m->trial = 0;
	if (mode == MLPROXY_MODE_LEARNING) {
		begin_experiment(m, in);
		return false;
	}
	return change(m, in, MLPROXY_MODE_LEARNING,
		      in->model_version ? MLPROXY_REASON_NEW_MODEL : MLPROXY_REASON_NO_MODEL, t);
}

static s64 margin_q16(const struct mode_machine *m, const struct mode_config *config)
{
	u64 sd = m->evidence.sd_q16[MLPROXY_ARM_BASELINE];

	/* in two parts: a product of both may pass 64 bits */
	return (s64)((sd >> 16) * config->margin_q16 + ((sd & 0xffff) * config->margin_q16 >> 16));
}

static bool judge_learning(struct mode_machine *m, const struct mode_config *config,
			   const struct mode_input *in, struct mlproxy_transition *t)
{
	const struct mlproxy_evidence *e = &m->evidence;

	if (e->low_q16 != S64_MIN && e->low_q16 >= -margin_q16(m, config))
		return change(m, in, MLPROXY_MODE_COLLABORATION, MLPROXY_REASON_NOT_WORSE, t);
	/* The world may have changed since: not to be held back by what was long ago. */
	if (e->n[MLPROXY_ARM_MODEL] >= config->block)
		begin_experiment(m, in);
	return false;
}

static bool judge_collaboration(struct mode_machine *m, const struct mode_input *in,
				struct mlproxy_transition *t)
{
	const struct mlproxy_evidence *e = &m->evidence;

	if (e->high_q16 < 0)
		return change(m, in, MLPROXY_MODE_LEARNING, MLPROXY_REASON_WORSE, t);
	if (e->low_q16 > 0)
		return change(m, in, MLPROXY_MODE_RECOMMENDATION, MLPROXY_REASON_BETTER, t);
	return false;
}

static bool judge_recommendation(struct mode_machine *m, const struct mode_config *config,
				 const struct mode_input *in, struct mlproxy_transition *t)
{
	const struct mlproxy_evidence *e = &m->evidence;

	if (e->high_q16 < 0)
		return change(m, in, MLPROXY_MODE_LEARNING, MLPROXY_REASON_WORSE, t);
	/* The control group is small: a block waits for it. */
	if (e->n[MLPROXY_ARM_MODEL] < config->block || e->low_q16 == S64_MIN)
		return false;
	if (e->gain_q16 > 0)
		m->blocks_without_gain = 0;
	else if (++m->blocks_without_gain == 2)
		return change(m, in, MLPROXY_MODE_COLLABORATION, MLPROXY_REASON_NOT_BETTER, t);
	begin_experiment(m, in);
	return false;
}

bool mode_machine_look(struct mode_machine *m, const struct mode_config *config,
		       const struct mode_input *in, struct mlproxy_transition *t)
{
	judge(m, config, in);
	if (!m->automatic) {
		if (m->model_version != in->model_version)
			begin_experiment(m, in);
		m->model_version = in->model_version;
		return false;
	}
	if (m->mode == MLPROXY_MODE_EMERGENCY)
		return leave_emergency(m, config, in, t);
	if (in->emergency)
		return enter_emergency(m, config, in, in->emergency, in->value, in->limit, t);
	if (other_model(m, in, t) || misbehaves(m, config, in, t) || dropped(m, config, in, t))
		return true;
	switch (m->mode) {
	case MLPROXY_MODE_LEARNING:
		return m->model_version && judge_learning(m, config, in, t);
	case MLPROXY_MODE_COLLABORATION:
		return judge_collaboration(m, in, t);
	default:
		return judge_recommendation(m, config, in, t);
	}
}

void mode_machine_set(struct mode_machine *m, const struct mode_input *in, u32 mode,
		      bool automatic, struct mlproxy_transition *t)
{
	m->automatic = automatic;
	if (automatic)
		mode = m->mode == MLPROXY_MODE_EMERGENCY ? MLPROXY_MODE_LEARNING : m->mode;
	if (m->model_version != in->model_version)
		m->trial = 0;
	m->model_version = in->model_version;
	/* Handed back in collaboration mode, it is a test like any other. */
	if (automatic && mode == MLPROXY_MODE_COLLABORATION && m->mode == mode)
		m->trial++;
	change(m, in, mode, automatic ? MLPROXY_REASON_AUTO : MLPROXY_REASON_OPERATOR, t);
}
