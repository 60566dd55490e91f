/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the ledger and the outer experiment say of a policy, beside the reward: the mode
 * machine asks them before a step up, and steps down when one of them contradicts. Plain C,
 * shared with the unit tests and the simulator.
 *
 * The ledger belongs to the inner experiment: the same decisions, the same arms, begun with
 * it. It may have any distribution, so it is not asked for a gain with confidence, but for
 * no loss beyond a margin, with confidence; beyond a quarter of it if there is one in the
 * mean.
 *
 * The outer experiment lasts longer: in learning and collaboration mode its arms are the
 * same, all decisions of a unit or none, so that one experiment goes through both. In the
 * ramp and in recommendation mode a few units are held to the baseline, and compared with
 * what they are under the policy's share; such experiments are blocks, one after the other.
 * outer.h says how units are drawn.
 *
 * Error probabilities, one-sided, for each logic: alpha / 2 for all outer experiments in
 * learning and collaboration mode together, alpha / 4 for each block (it only errs
 * downwards).
 */
#ifndef _MLPROXY_VERDICT_H
#define _MLPROXY_VERDICT_H

#include "efficiency.h"

/* Verdicts of all but the reward are brought up to date so often, unless asked for. */
#define VERDICT_EVERY_NS	10000000ULL

/**
 * struct verdict_config - parameters
 * @ledger: the proxy has a ledger
 * @ledger_lower: direction of the ledger
 * @ledger_margin_q16: MLPROXY_PARAM_LEDGER_MARGIN_Q16
 * @outer: the proxy reports costs
 * @outer_margin_q16: MLPROXY_PARAM_OUTER_MARGIN_Q16
 */
struct verdict_config {
	bool ledger;
	bool ledger_lower;
	u32 ledger_margin_q16;
	bool outer;
	u32 outer_margin_q16;
};

/**
 * struct verdicts - the ledger's and the outer experiment's
 * @ledger: evidence of the running inner experiment
 * @outer: evidence of the running outer experiment
 * @ledger_worse: this logic was once demoted for its ledger: it has to be shown that
 *	there is no loss, from learning mode on
 * @outer_worse: the same, for the system's cost
 * @outer_experiment: number of the running outer experiment, changes with each
 * @outer_trial: number of the experiment in learning and collaboration mode with this logic
 * @block: the running outer experiment is a block
 * @doubt: the policy is recommended, and seemed to cost more in this block
 * @outer_since_ns: begin of the outer experiment
 * @outer_from_ns: a period that began before does not count: the experiment is younger, or
 *	the share of pairs in it has changed since
 * @judged_ns: when the verdicts were brought up to date
 * @ledger_base: ledger when the inner experiment began
 * @outer_base: costs when the outer experiment began
 * @ledger_sums: of the running experiment; here, since too large for the stack
 * @outer_sums: the same
 */
struct verdicts {
	struct mlproxy_evidence ledger;
	struct mlproxy_evidence outer;
	bool ledger_worse;
	bool outer_worse;
	u32 outer_experiment;
	u32 outer_trial;
	bool block;
	bool doubt;
	u64 outer_since_ns;
	u64 outer_from_ns;
	u64 judged_ns;
	struct eff_sums ledger_base;
	struct eff_sums outer_base;
	struct eff_sums ledger_sums;
	struct eff_sums outer_sums;
};

/**
 * verdicts_init() - nothing is known
 * @v: zeroed, or with the number of the last outer experiment
 * @now_ns: clock
 */
void verdicts_init(struct verdicts *v, u64 now_ns);

/**
 * verdicts_begin_inner() - another inner experiment begins
 * @v: verdicts
 * @ledger: sums of all outcomes, or NULL without a ledger
 */
void verdicts_begin_inner(struct verdicts *v, const struct eff_sums *ledger);

/**
 * verdicts_begin_outer() - another outer experiment begins
 * @v: verdicts
 * @costs: sums of all costs, or NULL where none are reported
 * @now_ns: clock
 * @logic_is_new: of another logic, whose trials @v has already
 */
void verdicts_begin_outer(struct verdicts *v, const struct eff_sums *costs, u64 now_ns,
			  bool logic_is_new);

/**
 * verdicts_judge() - bring the evidence up to date
 * @v: verdicts
 * @config: parameters
 * @test: how the inner experiment is judged
 * @ledger: sums of all outcomes, or NULL
 * @costs: sums of all costs, or NULL
 * @block: the outer experiment is a block of the ramp or of recommendation mode
 * @now_ns: clock
 */
void verdicts_judge(struct verdicts *v, const struct verdict_config *config,
		    const struct eff_test *test, const struct eff_sums *ledger,
		    const struct eff_sums *costs, bool block, u64 now_ns);

/**
 * verdicts_share_changes() - another share of pairs is in the outer experiment from now on
 * @v: verdicts
 * @now_ns: clock
 *
 * Periods under way may have changed their arm, and do not count.
 */
void verdicts_share_changes(struct verdicts *v, u64 now_ns);

/** verdict_contradicts() - is it worse, with confidence */
bool verdict_contradicts(const struct mlproxy_evidence *e);

/** verdict_doubts() - does it seem to be worse, as far as can be told */
static inline bool verdict_doubts(const struct mlproxy_evidence *e)
{
	return e->low_q16 != S64_MIN && e->gain_q16 < 0;
}

/** verdict_ledger_supports() - the ledger allows the step to more than half of the decisions */
bool verdict_ledger_supports(const struct verdicts *v, const struct verdict_config *config);

/** verdict_ledger_bears() - there is no loss beyond the margin in the mean, sure or not */
bool verdict_ledger_bears(const struct verdicts *v, const struct verdict_config *config);

/** verdict_outer_supports() - the system's cost is no higher than the margin, with confidence */
bool verdict_outer_supports(const struct verdicts *v, const struct verdict_config *config);

/**
 * verdict_block_over() - has a block seen enough for the next one to begin
 * @v: verdicts
 * @now_ns: clock
 * @hold_ns: length of a period
 */
bool verdict_block_over(const struct verdicts *v, u64 now_ns, u64 hold_ns);

/**
 * verdict_stance() - what an evidence says of the next step
 * @measured: is there such a measure
 * @e: the evidence
 * @supports: does it allow the step
 *
 * Return: MLPROXY_STANCE_*
 */
u32 verdict_stance(bool measured, const struct mlproxy_evidence *e, bool supports);

#endif /* _MLPROXY_VERDICT_H */
