/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Efficiency: is the model better than the baseline, from sums of the outcomes of
 * both arms of the running experiment. Plain integer arithmetic, shared with the
 * unit tests and the simulator.
 *
 * The gain is the difference of the arms' means, with a confidence sequence: an
 * interval that holds at all sample sizes at once, so that it may be looked at after
 * every outcome. It is Robbins' normal mixture (Robbins, Annals of Mathematical
 * Statistics 1970; as used for A/B tests by Johari et al., Always Valid Inference,
 * 2015, and with estimated variances by Waudby-Smith et al., Time-uniform central
 * limit theory, 2021). With V the estimated variance of the gain and r = n_eff / n_0:
 *
 *	z^2 = (1 + 1/r) * (ln(1 + r) + 2 * ln(1 / alpha))
 *	radius^2 = V * nu * (e^(c^2 * z^2 / nu) - 1),  c = (8 nu + 3) / (8 nu + 1)
 *
 * n_eff = n_a * n_b / (n_a + n_b); the mixture's n_0 sets where the interval is tight:
 * about from 2 to 30 n_0. Without the second line radius^2 were V * z^2; it makes of a
 * normal deviate z Student's, for nu = units of the smaller arm - 1 (Wallace, Annals of
 * Mathematical Statistics 1959), since V is estimated, and from few groups at that.
 *
 * One-sided use errs with alpha / 2. The k-th experiment with one model has
 * alpha / 2^k, so that all of them together keep alpha.
 *
 * Independent outcomes: V = s_a^2 / n_a + s_b^2 / n_b, n_0 = min_samples. Where outcomes
 * of one entity or one time window depend on each other, V is that of a ratio of sums
 * over clusters, entities or windows hashed into EFF_CLUSTERS groups; the units of nu are
 * groups, weighed by their size; n_eff is the number of independent outcomes with the
 * same V (but at least that of the groups), n_0 is EFF_MIN_CLUSTERS.
 *
 * Strata: outcomes are compared within each context, and the differences averaged with the
 * contexts' shares of all outcomes as weights w (direct standardisation), so that arms that
 * meet contexts unequally often are not compared across them (Simpson's paradox).
 * Independent outcomes: V = sum of w^2 V_k. Where units meet several contexts their outcomes
 * depend on each other across these, to a degree that nobody knows; so with clusters
 * V = (sum of w sqrt(V_k))^2, which no dependence exceeds (Cauchy and Schwarz). Contexts
 * that only one arm has met are left out.
 *
 * Outer: a cost for work, a ratio of sums over groups of pairs of periods, each with a
 * period of either arm. V is that of the difference of the ratios, by linearisation over the
 * groups, so that what both arms of a group have in common cancels. The units of nu are
 * groups. n_eff is their number, too, n_0 is EFF_MIN_UNITS: of periods nothing is kept, so
 * r stays at what 64 groups can tell, and the error probability is kept for about 45 n_0
 * pairs. Beyond, a policy that costs exactly the margin more will pass some time. One that
 * costs more is ever less likely to, and one that costs less to be held back.
 */
#ifndef _MLPROXY_EFFICIENCY_H
#define _MLPROXY_EFFICIENCY_H

#include "../shared/port.h"
#include <linux/mlproxy.h>

#define EFF_CLUSTERS		64
#define EFF_NO_CLUSTER		0xff	/* as in records: MLPROXY_CLUSTER_NONE */
#define EFF_MIN_CLUSTERS	20	/* groups with outcomes, in each arm */
#define EFF_MAX_OUTCOMES	0x40000000U	/* of an experiment, about */
#define EFF_LOSS_SHARE		64	/* losses differ by more than 1 of so many outcomes */
#define EFF_MIN_UNITS		8	/* groups with costs in both arms */
#define EFF_MAX_STRATA		MLPROXY_MAX_STRATA

/**
 * struct eff_arm - outcomes of one arm
 * @n: how many; below 2^32
 * @sum: of the rewards, each within s32
 * @sq_lo: sum of their squares, low word
 * @sq_hi: the same, high word
 * @lost: outcomes that never come: expired or evicted while they were waited for
 *
 * Of many experiments together all of these wrap, and the difference of two copies is
 * right all the same.
 */
struct eff_arm {
	u64 n;
	s64 sum;
	u64 sq_lo;
	u64 sq_hi;
	u64 lost;
};

/** eff_squares() - sum of the squared rewards of an arm */
static inline __uint128_t eff_squares(const struct eff_arm *arm)
{
	return (__uint128_t)arm->sq_hi << 64 | arm->sq_lo;
}

/**
 * struct eff_group - outcomes of one group of clusters, of one arm
 * @n: how many
 * @sum: of the rewards
 */
struct eff_group {
	u64 n;
	s64 sum;
};

/**
 * struct eff_sums - outcomes of an experiment; the difference of two is one, too
 * @arm: by MLPROXY_ARM_*
 * @group: by arm and group; all 0 where outcomes are independent. With strata each has an
 *	equal part of the groups, one after the other
 * @stratum: by arm and stratum, what @arm has in all; all 0 where there is but one
 */
struct eff_sums {
	struct eff_arm arm[MLPROXY_NR_ARMS];
	struct eff_group group[MLPROXY_NR_ARMS][EFF_CLUSTERS];
	struct eff_arm stratum[MLPROXY_NR_ARMS][EFF_MAX_STRATA];
};

/**
 * eff_add() - count one outcome
 * @sums: to add to
 * @arm: MLPROXY_ARM_BASELINE or MLPROXY_ARM_MODEL
 * @group: below EFF_CLUSTERS, or more where outcomes are independent
 * @reward: within s32
 *
 * Not atomic: the caller keeps others out.
 */
void eff_add(struct eff_sums *sums, u32 arm, u32 group, s64 reward);

/**
 * eff_add_stratum() - count one outcome of a context, beside eff_add()
 * @sums: to add to
 * @arm: MLPROXY_ARM_BASELINE or MLPROXY_ARM_MODEL
 * @stratum: below EFF_MAX_STRATA
 * @reward: within s32
 */
void eff_add_stratum(struct eff_sums *sums, u32 arm, u32 stratum, s64 reward);

/**
 * eff_stratum_group() - the group of a stratum that a unit belongs to
 * @group: the unit's, below EFF_CLUSTERS
 * @stratum: its context, below @strata
 * @strata: number of contexts
 */
static inline u32 eff_stratum_group(u32 group, u32 stratum, u32 strata)
{
	u32 each = EFF_CLUSTERS / strata;

	return stratum * each + group % each;
}

/**
 * eff_merge() - add other outcomes, of another CPU or another experiment
 * @sums: to add to
 * @more: what to add
 * @clustered: the groups, too; without, those of @more are all 0
 */
void eff_merge(struct eff_sums *sums, const struct eff_sums *more, bool clustered);

/** eff_merge_arm() - the outcomes of one arm alone, without its groups */
void eff_merge_arm(struct eff_arm *arm, const struct eff_arm *more);

/** eff_merge_groups() - the groups alone */
void eff_merge_groups(struct eff_sums *sums, const struct eff_sums *more);

/**
 * eff_difference() - outcomes since an earlier copy
 * @to: out; may be @sums itself. What is not asked for is left alone
 * @sums: outcomes
 * @base: the copy
 * @clustered: the groups, too; without, those of @sums are all 0
 * @strata: contexts, at most EFF_MAX_STRATA, or less than 2 for none
 */
void eff_difference(struct eff_sums *to, const struct eff_sums *sums,
		    const struct eff_sums *base, bool clustered, u32 strata);

/**
 * eff_losses_differ() - do outcomes of one arm get lost more often than the other's
 * @sums: outcomes of the experiment
 *
 * By more than 1 of EFF_LOSS_SHARE. Without outcomes in both arms they don't.
 */
bool eff_losses_differ(const struct eff_sums *sums);

/** eff_losses_surely_differ() - the same, and by more than 4 standard errors beyond that */
bool eff_losses_surely_differ(const struct eff_sums *sums);

/**
 * eff_add_cost() - count what was paid, of an outer experiment
 * @sums: costs: only their groups count: n is work, sum the cost
 * @arm: MLPROXY_ARM_BASELINE or MLPROXY_ARM_MODEL
 * @group: of pairs, below EFF_CLUSTERS
 * @cost: what was paid
 * @work: for what
 *
 * Not atomic: the caller keeps others out.
 */
static inline void eff_add_cost(struct eff_sums *sums, u32 arm, u32 group, u64 cost, u64 work)
{
	sums->group[arm][group].n += work;
	sums->group[arm][group].sum = (s64)((u64)sums->group[arm][group].sum + cost);
}

/**
 * struct eff_test - how an experiment is judged
 * @alpha_ppm: error probability, 1 to 500000, in 1e-6
 * @trial: number of this experiment with the model, 1 and up: alpha / 2^trial
 * @min_samples: outcomes of each arm below which there is no interval, >= 2; also
 *	n_0 of independent outcomes
 * @clustered: judge by groups
 * @lower_is_better: direction of the reward
 * @strata: contexts to compare in, 0 or 1 for one
 */
struct eff_test {
	u32 alpha_ppm;
	u32 trial;
	u32 min_samples;
	bool clustered;
	bool lower_is_better;
	u32 strata;
};

/**
 * eff_judge() - means, deviations and the confidence sequence of the gain
 * @sums: outcomes of the experiment
 * @test: how
 * @evidence: out: n, mean_q16, sd_q16, gain_q16, low_q16, high_q16, clusters; the
 *	rest is left alone
 *
 * Rounds outwards. Context: any; a few microseconds, no lock.
 */
void eff_judge(const struct eff_sums *sums, const struct eff_test *test,
	       struct mlproxy_evidence *evidence);

/**
 * eff_outer_judge() - what the arms pay for their work, and the confidence sequence
 * @sums: costs of the experiment
 * @test: how; of it alpha_ppm and trial
 * @margin_q16: excess of the model's cost, in 1/65536 of the baseline's, that the lower end
 *	is to be compared with: it holds for the difference with such an excess, too
 * @evidence: out: as of MLPROXY_VERDICT_OUTER, see struct mlproxy_evidence; @clusters are
 *	groups
 *
 * The share of the baseline's cost is taken with that cost as it was measured. Context: any.
 */
void eff_outer_judge(const struct eff_sums *sums, const struct eff_test *test, u32 margin_q16,
		     struct mlproxy_evidence *evidence);

/** eff_mul_q16() - @x * @q16 / 65536, at most S64_MAX */
s64 eff_mul_q16(u64 x, u32 q16);

/* What eff_drop() finds. */
#define EFF_DROP_NONE	0	/* no drop, or too few samples */
#define EFF_DROP_MODEL	1	/* the model fell */
#define EFF_DROP_SHARED	2	/* the environment did: the baseline fell as well */
#define EFF_DROP_UNSURE	3	/* a drop, and more outcomes will tell whose */

/**
 * eff_drop_suspected() - eff_drop() without what takes long, the groups
 * @recent: as for eff_drop()
 * @reference: as for eff_drop()
 * @test: as for eff_drop()
 * @drop_q16: as for eff_drop()
 *
 * Return: false if eff_drop() finds EFF_DROP_NONE.
 */
bool eff_drop_suspected(const struct eff_sums *recent, const struct eff_sums *reference,
			const struct eff_test *test, u32 drop_q16);

/**
 * eff_drop() - did the model's recent outcomes fall far below the baseline?
 * @recent: outcomes of a short stretch
 * @reference: outcomes whose baseline arm @recent's model arm is compared with; may be
 *	@recent itself
 * @test: how; alpha_ppm, trial and min_samples don't matter
 * @drop_q16: bound, in standard deviations of the reference's baseline arm
 * @gain_q16: out: the recent gain
 * @limit_q16: out: the bound, in units of the reward
 *
 * There is a drop if the gain is below the bound and below 4 standard errors. Whose it
 * is, the few outcomes of the baseline in @recent tell: the model's, if it is 3 standard
 * errors below these; the environment's, if it is not below them by half the bound.
 *
 * Context: any; a few microseconds, no lock.
 * Return: EFF_DROP_*
 */
int eff_drop(const struct eff_sums *recent, const struct eff_sums *reference,
	     const struct eff_test *test, u32 drop_q16, s64 *gain_q16, s64 *limit_q16);

/** eff_units() - independent units in an arm: groups with outcomes, or outcomes */
u64 eff_units(const struct eff_sums *sums, u32 arm, bool clustered);

#endif /* _MLPROXY_EFFICIENCY_H */
