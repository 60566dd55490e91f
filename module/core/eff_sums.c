// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sums of outcomes: adding, taking off, and what is lost. What they say is in
 * efficiency.c.
 */
#include "efficiency.h"
#include "scaled.h"

/* Losses differ surely beyond so many standard errors, squared. */
#define LOSS_Z2			16

static void set_squares(struct eff_arm *arm, __uint128_t squares)
{
	arm->sq_lo = (u64)squares;
	arm->sq_hi = (u64)(squares >> 64);
}

static s64 sum_wrap(s64 a, s64 b)
{
	return (s64)((u64)a + (u64)b);
}

static s64 difference_wrap(s64 a, s64 b)
{
	return (s64)((u64)a - (u64)b);
}

static void add_to_arm(struct eff_arm *arm, s64 reward)
{
	arm->n++;
	arm->sum = sum_wrap(arm->sum, reward);
	set_squares(arm, eff_squares(arm) + (u64)(reward * reward));
}

void eff_add(struct eff_sums *sums, u32 arm, u32 group, s64 reward)
{
	add_to_arm(&sums->arm[arm], reward);
	if (group < EFF_CLUSTERS) {
		sums->group[arm][group].n++;
		sums->group[arm][group].sum = sum_wrap(sums->group[arm][group].sum, reward);
	}
}

void eff_add_stratum(struct eff_sums *sums, u32 arm, u32 stratum, s64 reward)
{
	add_to_arm(&sums->stratum[arm][stratum], reward);
}

void eff_merge_arm(struct eff_arm *arm, const struct eff_arm *more)
{
	arm->n += more->n;
	arm->sum = sum_wrap(arm->sum, more->sum);
	set_squares(arm, eff_squares(arm) + eff_squares(more));
	arm->lost += more->lost;
}

void eff_merge_groups(struct eff_sums *sums, const struct eff_sums *more)
{
	u32 arm, g;

	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
		for (g = 0; g < EFF_CLUSTERS; g++) {
			struct eff_group *to = &sums->group[arm][g];

			to->n += more->group[arm][g].n;
			to->sum = sum_wrap(to->sum, more->group[arm][g].sum);
		}
	}
}

void eff_merge(struct eff_sums *sums, const struct eff_sums *more, bool clustered)
{
	u32 arm, k;

	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++)
		eff_merge_arm(&sums->arm[arm], &more->arm[arm]);
	if (clustered)
		eff_merge_groups(sums, more);
	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++)
		for (k = 0; k < EFF_MAX_STRATA; k++)
			eff_merge_arm(&sums->stratum[arm][k], &more->stratum[arm][k]);
}

static void arm_difference(struct eff_arm *to, const struct eff_arm *arm,
			   const struct eff_arm *base)
{
	to->n = arm->n - base->n;
	to->sum = difference_wrap(arm->sum, base->sum);
	to->lost = arm->lost - base->lost;
	set_squares(to, eff_squares(arm) - eff_squares(base));
}

static void group_difference(struct eff_group *to, const struct eff_group *groups,
			     const struct eff_group *base)
{
	u32 g;

	for (g = 0; g < EFF_CLUSTERS; g++) {
		to[g].n = groups[g].n - base[g].n;
		to[g].sum = difference_wrap(groups[g].sum, base[g].sum);
	}
}

void eff_difference(struct eff_sums *to, const struct eff_sums *sums,
		    const struct eff_sums *base, bool clustered, u32 strata)
{
	u32 arm, k;

	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
		arm_difference(&to->arm[arm], &sums->arm[arm], &base->arm[arm]);
		if (clustered)
			group_difference(to->group[arm], sums->group[arm], base->group[arm]);
		for (k = 0; strata > 1 && k < strata; k++)
			arm_difference(&to->stratum[arm][k], &sums->stratum[arm][k],
				       &base->stratum[arm][k]);
	}
}

bool eff_losses_differ(const struct eff_sums *sums)
{
	const struct eff_arm *a = &sums->arm[MLPROXY_ARM_BASELINE];
	const struct eff_arm *b = &sums->arm[MLPROXY_ARM_MODEL];
	__uint128_t all_a = a->n + a->lost, all_b = b->n + b->lost;
	__uint128_t lost_a = a->lost * all_b, lost_b = b->lost * all_a;
	__uint128_t difference = lost_a > lost_b ? lost_a - lost_b : lost_b - lost_a;

	return difference * EFF_LOSS_SHARE > all_a * all_b;
}

bool eff_losses_surely_differ(const struct eff_sums *sums)
{
	const struct eff_arm *a = &sums->arm[MLPROXY_ARM_BASELINE];
	const struct eff_arm *b = &sums->arm[MLPROXY_ARM_MODEL];
	struct scaled all_a = scaled_u64(a->n + a->lost), all_b = scaled_u64(b->n + b->lost);
	struct scaled all = scaled_add(all_a, all_b), lost = scaled_u64(a->lost + b->lost);
	struct scaled excess, variance;

	if (!eff_losses_differ(sums))
		return false;
	excess = scaled_sub(scaled_div(scaled_u64(a->lost), all_a),
			    scaled_div(scaled_u64(b->lost), all_b));
	excess.neg = false;
	excess = scaled_sub(excess, scaled_div(scaled_u64(1), scaled_u64(EFF_LOSS_SHARE)));
	/* p (1 - p) (1 / n_a + 1 / n_b) */
	variance = scaled_div(scaled_mul(lost, scaled_sub(all, lost)),
			      scaled_mul(all, scaled_mul(all_a, all_b)));
	return !excess.neg && scaled_cmp(scaled_mul(excess, excess),
					 scaled_mul(variance, scaled_u64(LOSS_Z2))) > 0;
}

u64 eff_units(const struct eff_sums *sums, u32 arm, bool clustered)
{
	u64 groups = 0;
	u32 g;

	if (!clustered)
		return sums->arm[arm].n;
	for (g = 0; g < EFF_CLUSTERS; g++)
		groups += !!sums->group[arm][g].n;
	return groups;
}
