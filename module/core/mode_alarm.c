// SPDX-License-Identifier: GPL-2.0-only
/*
 * What takes a policy to emergency mode: outcomes that fall far below the baseline's,
 * errors, latency. The rules of mode_rules.h, judged over stretches of outcomes that are
 * much shorter than an experiment.
 */
#include "mode_alarm.h"

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

void mode_alarm_begin(struct mode_machine *m, const struct mode_input *in)
{
	m->recent = *in->sums;
	restart_candidates(m, in);
	restart_latency(m, in);
}

bool mode_is_reference(const struct eff_sums *sums, const struct mode_config *config)
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
	if (mode_is_reference(&m->stretch, config))
		return &m->stretch;
	if (!mode_is_reference(&m->scratch, config))
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

/* Changes m->scratch: call it last of those that use it. */
static bool see_drop(struct mode_machine *m, const struct mode_config *config,
		     const struct eff_test *test, const struct mode_input *in, u32 part,
		     bool *shared)
{
	const struct eff_sums *reference;
	u64 all = in->sums->arm[MLPROXY_ARM_MODEL].n;
	u64 n = all - m->recent.arm[MLPROXY_ARM_MODEL].n;
	s64 gain, limit;
	int drop;

	if (n < config->drop_samples || (part == MODE_PART_REWARD && all == m->unsure))
		return false;
	eff_difference(&m->stretch, in->sums, &m->recent, config->clustered, config->strata);
	if (!stretch_is_enough(m, config, n))
		return false;
	reference = drop_reference(m, config);
	if (part == MODE_PART_REWARD &&
	    eff_drop_suspected(&m->stretch, reference, test, config->drop_q16)) {
		m->due |= MODE_PART_DROP;
		return false;
	}
	drop = part == MODE_PART_DROP ? eff_drop(&m->stretch, reference, test, config->drop_q16,
						 &gain, &limit) : EFF_DROP_NONE;
	m->unsure = all;
	if (drop == EFF_DROP_UNSURE && n / DROP_PATIENCE < config->drop_samples)
		return false;
	m->recent = *in->sums;
	*shared = drop == EFF_DROP_SHARED;
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

u32 mode_alarm(struct mode_machine *m, const struct mode_config *config,
	       const struct eff_test *test, const struct mode_input *in, u32 part, bool *shared)
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
	if (part & (MODE_PART_REWARD | MODE_PART_DROP) &&
	    see_drop(m, config, test, in, part, shared))
		return MLPROXY_REASON_DROP;
	return 0;
}
