/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of the mode machine, without clocks, locks or CPUs: what it knows, and
 * what it does on a look at the counters. Plain C, shared with the unit tests and the
 * simulator; mode.c runs it in the kernel.
 *
 *	learning --not worse--> collaboration --better--> ramp --gain--> recommendation
 *	collaboration <--no gain-- ramp
 *	collaboration <--not better, twice-- recommendation
 *	learning <--worse, losses, ledger, outer, no logic, new logic-- all above
 *	emergency <--critical, drop, errors, latency, agent lost, bad state-- any
 *	learning <--held long enough, cause gone-- emergency
 *
 * What is tested is a logic: a source and a version of it, see trust.h. An experiment
 * begins with each mode, each logic, each change of what the arms are drawn by and, in
 * recommendation mode, each block of outcomes; only outcomes of decisions made in it
 * count (struct mlproxy_decision.experiment). Hysteresis: up needs the lower end of the
 * confidence sequence, down needs the upper end, or two blocks in a row without gain. A
 * logic once demoted as worse leaves learning mode only when it is better; else one that
 * is worse within the margin would go up and down for ever.
 *
 * The ramp is a stage of collaboration mode: the state of a system shifts with the share
 * that a policy has of it, so the policy is tested again with the share that it is about
 * to get, for a stated time, and there has to be a gain.
 *
 * The reward is not all: before a step up the ledger and the outer experiment are asked,
 * where the proxy has them, and when one contradicts the policy goes to learning mode,
 * whatever the reward says. verdict.h has them.
 *
 * Outcomes that never come are counted for their arm. While the shares of the two arms
 * differ there is no step up, and a block has no gain: what is missing may be the bad
 * ones. If they differ beyond doubt the policy goes to learning mode. An outcome is lost
 * no sooner than it has been waited for, so where outcomes are late an experiment lasts
 * twice as long as that before it leads to a step up, or a block ends.
 *
 * Error probabilities, one-sided, for each logic: all experiments in learning mode
 * together alpha / 2, all in collaboration mode alpha / 2, each block in recommendation
 * mode alpha / 4 (it only errs downwards).
 *
 * docs/modes.md has the parameters, reaction times and simulated error rates.
 */
#ifndef _MLPROXY_MODE_RULES_H
#define _MLPROXY_MODE_RULES_H

#include "efficiency.h"
#include "trust.h"
#include "verdict.h"

#define MODE_MAX_MIN_SAMPLES	16777216U
#define MODE_MAX_RAMP_NS	3600000000000ULL

/* Logics that are remembered when another one is tested. */
#define MODE_REMEMBERED		8

/**
 * struct mode_memory - what is known of a logic that is not tested now
 * @logic: which; 0 for a free place
 * @trial: as in struct mode_machine
 * @learning_trial: the same
 * @outer_trial: as in struct verdicts
 * @measured_worse: as in struct mode_machine
 * @ledger_worse: as in struct verdicts
 * @outer_worse: the same
 *
 * So that who puts one logic in place of another, and back, gains nothing by it.
 */
struct mode_memory {
	u64 logic;
	u32 trial;
	u32 learning_trial;
	u32 outer_trial;
	bool measured_worse;
	bool ledger_worse;
	bool outer_worse;
};

/**
 * struct mode_config - parameters; MLPROXY_PARAM_* has their meaning
 * @min_samples: MLPROXY_PARAM_MIN_SAMPLES
 * @alpha_ppm: MLPROXY_PARAM_ALPHA_PPM
 * @margin_q16: MLPROXY_PARAM_MARGIN_Q16
 * @block: MLPROXY_PARAM_BLOCK
 * @drop_q16: MLPROXY_PARAM_DROP_Q16
 * @drop_samples: MLPROXY_PARAM_DROP_SAMPLES
 * @error_share: MLPROXY_PARAM_ERROR_SHARE
 * @hold_ns: MLPROXY_PARAM_HOLD_NS
 * @ramp_ns: MLPROXY_PARAM_RAMP_NS
 * @pending_ns: longest time that an outcome is waited for, 0 if none is late
 * @clustered: the unit of randomisation is an entity or a window
 * @lower_is_better: direction of the reward
 * @strata: contexts that outcomes are compared in, 0 or 1 for one
 * @verdict: of the ledger and the outer experiment
 */
struct mode_config {
	u32 min_samples;
	u32 alpha_ppm;
	u32 margin_q16;
	u32 block;
	u32 drop_q16;
	u32 drop_samples;
	u32 error_share;
	u64 hold_ns;
	u64 ramp_ns;
	u64 pending_ns;
	bool clustered;
	bool lower_is_better;
	u32 strata;
	struct verdict_config verdict;
};

/**
 * struct mode_input - what the machine sees in one look
 * @now_ns: clock
 * @sums: outcomes since the module was loaded; they only grow
 * @ledger: the same for the ledger, NULL if the proxy has none
 * @costs: costs since the module was loaded, NULL if the proxy reports none
 * @outer_hold_ns: length of a period of the outer experiment
 * @all: bring all verdicts up to date, however lately that was done
 * @candidates: decisions in which something proposed an action, growing
 * @failures: refused actions and reported errors, growing
 * @latency_samples: measured decisions, growing
 * @latency_over: of these, beyond the budget, growing
 * @logic: what is to be tested, see trust_logic(); 0 for none
 * @emergency: MLPROXY_REASON_* that asks for an emergency now, 0 for none
 * @cause_lasts: that cause is still there (critical, agent late, bad state)
 * @value: for @emergency: see struct mlproxy_evidence
 * @limit: for @emergency
 */
struct mode_input {
	u64 now_ns;
	const struct eff_sums *sums;
	const struct eff_sums *ledger;
	const struct eff_sums *costs;
	u64 outer_hold_ns;
	bool all;
	u64 candidates;
	u64 failures;
	u64 latency_samples;
	u64 latency_over;
	u64 logic;
	u32 emergency;
	bool cause_lasts;
	s64 value;
	s64 limit;
};

/*
 * Parts of judging, of which a look does one, since each takes long: the first that is due.
 * The rewards' is the last, and the one that steps follow, so that they see all the others.
 */
#define MODE_PART_DROP		1	/* a drop is suspected */
#define MODE_PART_LEDGER	2
#define MODE_PART_OUTER		4
#define MODE_PART_REWARD	8

/**
 * struct mode_machine - what it knows
 * @mode: MLPROXY_MODE_*
 * @due: MODE_PART_* that are to be judged, bit mask; another look is to come while any is
 * @automatic: it governs; else the operator fixed the mode
 * @stage: MLPROXY_STAGE_*
 * @stage_since_ns: begin of the stage, 0 for none
 * @needs: MLPROXY_NEEDS_* of the next step up, by the last look
 * @experiment: number of the running experiment, changes with each
 * @experiment_since_ns: its begin
 * @trial: number of the experiment in collaboration mode with this logic
 * @blocks_without_gain: in a row
 * @recurrences: emergencies in a row, for the doubling of the hold
 * @since_ns: begin of the mode
 * @good_since_ns: begin of the time without emergency, for forgetting @recurrences
 * @reason: of the last transition, MLPROXY_REASON_*
 * @logic: of the running experiment
 * @base: outcomes when the experiment began
 * @recent: outcomes when the present stretch of drop_samples began
 * @base_candidates: counters when the present stretch of candidates began
 * @base_failures: see @base_candidates
 * @base_latency_samples: counters when the present stretch of measurements began
 * @base_latency_over: see @base_latency_samples
 * @unsure: model's outcomes in all when a drop was judged: more are needed to judge again
 * @evidence: of the running experiment, by the last look
 * @learning_trial: number of the experiment in learning mode with this logic
 * @tested: last logic; taking a model away and giving it back does not reset @trial and
 *	@learning_trial
 * @memory: of those tested before, the last one first
 * @measured_worse: that logic was demoted as worse, or dropped: no margin any more
 * @losses_differ: by the last look, more outcomes of one arm never come
 * @losses_surely_differ: the same beyond doubt
 * @verdicts: of the ledger and the outer experiment
 * @cause: MLPROXY_REASON_* of the present emergency
 * @past: outcomes of the experiment before, or of more, for a drop's baseline until the
 *	running experiment has its own
 * @scratch: outcomes of the running experiment; here, since too large for the stack
 * @stretch: outcomes of the present stretch
 */
struct mode_machine {
	u32 mode;
	u32 due;
	bool automatic;
	u32 stage;
	u64 stage_since_ns;
	u32 needs;
	u32 experiment;
	u64 experiment_since_ns;
	u32 trial;
	u32 blocks_without_gain;
	u32 recurrences;
	u32 reason;
	u64 logic;
	u64 since_ns;
	u64 good_since_ns;
	struct eff_sums base;
	struct eff_sums recent;
	u64 base_candidates;
	u64 base_failures;
	u64 base_latency_samples;
	u64 base_latency_over;
	u64 unsure;
	struct mlproxy_evidence evidence;
	u32 learning_trial;
	u64 tested;
	struct mode_memory memory[MODE_REMEMBERED];
	bool measured_worse;
	bool losses_differ;
	bool losses_surely_differ;
	struct verdicts verdicts;
	u32 cause;
	struct eff_sums past;
	struct eff_sums scratch;
	struct eff_sums stretch;
};

/** mode_config_defaults() - safe defaults */
void mode_config_defaults(struct mode_config *config);

/**
 * mode_machine_init() - begin in learning mode, automatic
 * @m: machine
 * @now_ns: clock
 */
void mode_machine_init(struct mode_machine *m, u64 now_ns);

/**
 * mode_machine_reset() - begin anew, with another experiment
 * @m: machine
 * @now_ns: clock
 *
 * For counters that were set to zero.
 */
void mode_machine_reset(struct mode_machine *m, u64 now_ns);

/**
 * mode_machine_look() - look at the counters, and change the mode where it is due
 * @m: machine
 * @config: parameters
 * @in: counters
 * @t: out: the transition, with its evidence, where there is one
 *
 * One part of the judging is done; while @m->due says that others are to follow, call it
 * again, soon, and without @in->all. Context: any, the caller keeps others out. At most one
 * transition a call.
 * Return: true if the mode changed.
 */
bool mode_machine_look(struct mode_machine *m, const struct mode_config *config,
		       const struct mode_input *in, struct mlproxy_transition *t);

/**
 * mode_machine_set() - the operator fixes the mode, or hands it back
 * @m: machine
 * @in: counters
 * @mode: MLPROXY_MODE_*; ignored where handed back
 * @automatic: handed back
 * @t: out: the transition (from may equal to)
 */
void mode_machine_set(struct mode_machine *m, const struct mode_input *in, u32 mode,
		      bool automatic, struct mlproxy_transition *t);

/**
 * mode_machine_restart() - the arms are drawn in another way from now on
 * @m: machine
 * @in: counters
 *
 * Outcomes before it don't count any more. The mode stays.
 */
void mode_machine_restart(struct mode_machine *m, const struct mode_input *in);

/**
 * mode_in_doubt() - is a policy recommended that seems to cost more
 *
 * Then more of the units are left to the baseline, so that it shows sooner.
 */
static inline bool mode_in_doubt(const struct mode_machine *m)
{
	return m->mode == MLPROXY_MODE_RECOMMENDATION && m->verdicts.doubt;
}

/** mode_hold_ns() - shortest time of the present emergency */
u64 mode_hold_ns(const struct mode_machine *m, const struct mode_config *config);

#endif /* _MLPROXY_MODE_RULES_H */
