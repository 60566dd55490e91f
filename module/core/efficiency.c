// SPDX-License-Identifier: GPL-2.0-only
/*
 * Efficiency: sums of outcomes, and the confidence sequence of the gain over the
 * baseline. The formulas and their sources are in efficiency.h.
 */
#include "efficiency.h"
#include "scaled.h"

/* A drop is beyond so many standard errors, squared; it is the model's beyond so many. */
#define DROP_Z2			16
#define DROP_MODEL_Z2		9
/* Units of the reference, and units in a stretch that can exonerate the model. */
#define DROP_MIN_REFERENCE	16
#define DROP_SHARED_MIN		8
/* Outcomes, or groups with outcomes, of each arm below which a context is left out. */
#define STRATUM_MIN		16
#define STRATUM_MIN_GROUPS	8
/* Larger exponents of e: so few units that the interval is as good as infinite. */
#define MAX_EXPONENT		40

/**
 * struct arm_view - what is known of one arm
 * @n: outcomes
 * @mean: of the rewards
 * @m2: sum of squares of their deviations from the mean
 * @var_mean: variance of the mean
 * @groups: groups with outcomes; 0 where outcomes are independent
 * @units: what @var_mean was estimated from: outcomes, or groups weighed by size
 */
struct arm_view {
	u64 n;
	struct scaled mean;
	struct scaled m2;
	struct scaled var_mean;
	u32 groups;
	struct scaled units;
};

s64 eff_mul_q16(u64 x, u32 q16)
{
	u64 whole = x >> 16;

	if (q16 && whole > S64_MAX / 2 / q16)
		return S64_MAX;
	return (s64)(whole * q16 + ((x & 0xffff) * q16 >> 16));
}

/* Sum of squared deviations from the mean, exact but for the last unit. @n is not 0. */
static struct scaled arm_m2(const struct eff_arm *arm)
{
	u64 mag = arm->sum < 0 ? -(u64)arm->sum : (u64)arm->sum;
	u64 quotient = mag / arm->n;
	u64 rest = mag % arm->n;
	__uint128_t squares = eff_squares(arm);
	__uint128_t whole;

	/* sum^2 / n, with sum = quotient * n + rest, without a product beyond 128 bits */
	whole = (__uint128_t)quotient * (mag - rest) + (__uint128_t)(2 * quotient) * rest;
	if (squares <= whole)
		return scaled_u64(0);
	return scaled_sub(scaled_u128(squares - whole),
			  scaled_div(scaled_u128((__uint128_t)rest * rest), scaled_u64(arm->n)));
}

/*
 * Independent outcomes. To the squares one more outcome is added that is off by one
 * unit, the rewards' resolution: rewards that were all equal so far (none of 200
 * failed) don't prove that they always will be.
 */
static void view_outcomes(struct arm_view *view)
{
	struct scaled n = scaled_u64(view->n);

	view->units = n;
	view->var_mean = scaled_div(scaled_add(view->m2, scaled_u64(1)),
				    scaled_mul(n, scaled_u64(view->n - 1)));
}

/**
 * struct group_moments - moments of the groups of an arm
 * @n: sum of all n_g
 * @rest: sum of all R_g, that is of S_g - pivot * n_g
 * @pivot: the mean, rounded to an integer
 * @used: groups with outcomes
 * @rr: sum of R_g^2
 * @rn: sum of R_g * n_g
 * @nn: sum of n_g^2
 */
struct group_moments {
	u64 n;
	s64 rest;
	s64 pivot;
	u32 used;
	__uint128_t rr;
	__int128_t rn;
	__uint128_t nn;
};

/* What a group has beyond the pivot. */
static s64 group_rest(const struct eff_group *group, s64 pivot)
{
	return (s64)((u64)group->sum - (u64)pivot * group->n);
}

/* @sum / @n, rounded; @n is not 0. */
static s64 rounded_mean(s64 sum, u64 n)
{
	u64 mag = sum < 0 ? -(u64)sum : (u64)sum;
	u64 mean = mag / n + (mag % n > n / 2);

	return (s64)(sum < 0 ? -mean : mean);
}

/*
 * All in integers, and exact: about the pivot the sums have 64 bits, their products less
 * than 128, as long as n and the sum of all are below 2^60. Beyond, nothing traps.
 */
static void group_moments(struct group_moments *m, const struct eff_group *group, u32 nr)
{
	__uint128_t rn = 0;
	u64 sum = 0, mag;
	s64 rest;
	u32 g;

	memset(m, 0, sizeof(*m));
	for (g = 0; g < nr; g++) {
		m->n += group[g].n;
		sum += (u64)group[g].sum;
		m->used += !!group[g].n;
	}
	if (!m->n)
		return;
	m->pivot = rounded_mean((s64)sum, m->n);
	m->rest = (s64)(sum - (u64)m->pivot * m->n);
	for (g = 0; g < nr; g++) {
		rest = group_rest(&group[g], m->pivot);
		mag = rest < 0 ? -(u64)rest : (u64)rest;
		m->rr += (__uint128_t)mag * mag;
		rn += (__uint128_t)((__int128_t)rest * (s64)group[g].n);
		m->nn += (__uint128_t)group[g].n * group[g].n;
	}
	m->rn = (__int128_t)rn;
}

/* Sum of (S_g - mean * n_g)^2; with q = rest / n that is rr - 2 q rn + q^2 nn. */
static struct scaled group_residuals(const struct group_moments *m)
{
	struct scaled q = scaled_div(scaled_s64(m->rest), scaled_u64(m->n));
	struct scaled cross = scaled_mul(scaled_shift(q, 1), scaled_s128(m->rn));
	struct scaled square = scaled_mul(scaled_mul(q, q), scaled_u128(m->nn));
	struct scaled sum = scaled_add(scaled_sub(scaled_u128(m->rr), cross), square);

	/* what was truncated, of a sum that is 0 */
	return sum.neg ? scaled_u64(0) : sum;
}

/*
 * Groups: the mean is a ratio of two sums over groups, its variance by linearisation
 *
 *	K / (K - 1) * sum of (S_g - mean * n_g)^2 / n^2
 *
 * where K is Kish's effective number, n^2 / sum of n_g^2: few large groups tell less
 * than many of equal size. For the resolution, as above, one more group is added
 * whose n / K outcomes are each off by one unit, independently.
 */
static void view_groups(struct arm_view *view, const struct eff_group *group, u32 nr)
{
	struct scaled n, nn, squares;
	struct group_moments m;

	group_moments(&m, group, nr);
	view->groups = m.used;
	view->units = scaled_u64(0);
	view->var_mean = scaled_u64(0);
	if (!m.n)
		return;
	n = scaled_u64(m.n);
	nn = scaled_u128(m.nn);
	squares = scaled_mul(n, n);
	view->units = scaled_div(squares, nn);
	if (scaled_cmp(view->units, scaled_make(3, -1, false)) < 0)
		return;		/* all in one group */
	/* K / (K - 1) / n^2 = 1 / (n^2 - nn), and n / K / n^2 = nn / n^3 */
	view->var_mean = scaled_add(scaled_div(group_residuals(&m), scaled_sub(squares, nn)),
				    scaled_div(nn, scaled_mul(n, squares)));
}

/* Of the outcomes @a, with their groups, or NULL where they are independent. */
static void view_arm(struct arm_view *view, const struct eff_arm *a,
		     const struct eff_group *groups, u32 nr)
{
	memset(view, 0, sizeof(*view));
	view->n = a->n;
	if (a->n) {
		view->mean = scaled_div(scaled_s64(a->sum), scaled_u64(a->n));
		view->m2 = arm_m2(a);
	}
	if (groups)
		view_groups(view, groups, nr);
	else if (a->n > 1)
		view_outcomes(view);
}

static void arm_view(struct arm_view *view, const struct eff_sums *sums, u32 arm,
		     bool clustered)
{
	view_arm(view, &sums->arm[arm], clustered ? sums->group[arm] : NULL, EFF_CLUSTERS);
}

/* The same over all contexts: a unit's groups in these are one. */
static void arm_view_folded(struct arm_view *view, const struct eff_sums *sums, u32 arm,
			    const struct eff_test *test)
{
	struct eff_group folded[EFF_CLUSTERS / 2] = {};
	u32 each, g;

	if (!test->clustered || test->strata <= 1) {
		arm_view(view, sums, arm, test->clustered);
		return;
	}
	each = EFF_CLUSTERS / test->strata;
	for (g = 0; g < each * test->strata; g++) {
		folded[g % each].n += sums->group[arm][g].n;
		folded[g % each].sum = (s64)((u64)folded[g % each].sum +
					     (u64)sums->group[arm][g].sum);
	}
	view_arm(view, &sums->arm[arm], folded, each);
}

static struct scaled view_sd(const struct arm_view *view)
{
	if (view->n < 2)
		return scaled_u64(0);
	return scaled_sqrt(scaled_div(view->m2, scaled_u64(view->n - 1)));
}

static bool view_enough(const struct arm_view *view, const struct eff_test *test)
{
	if (view->n < 2 || view->n < test->min_samples)
		return false;
	if (!test->clustered)
		return true;
	return view->groups >= EFF_MIN_CLUSTERS &&
	       scaled_cmp(view->units, scaled_u64(2)) >= 0;
}

static struct scaled harmonic(struct scaled a, struct scaled b)
{
	return scaled_div(scaled_mul(a, b), scaled_add(a, b));
}

static struct scaled min_scaled(struct scaled a, struct scaled b)
{
	return scaled_cmp(a, b) < 0 ? a : b;
}

/* Have both arms met the context often enough for a variance of their means? */
static bool stratum_met(const struct eff_sums *sums, u32 k, const struct eff_test *test)
{
	u32 nr = EFF_CLUSTERS / test->strata, arm, g, groups;

	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
		if (sums->stratum[arm][k].n < STRATUM_MIN)
			return false;
		for (g = 0, groups = 0; test->clustered && g < nr; g++)
			groups += !!sums->group[arm][k * nr + g].n;
		if (test->clustered && groups < STRATUM_MIN_GROUPS)
			return false;
	}
	return true;
}

/* One context's part of the averages; @w is its share of all outcomes. */
static void add_stratum(struct arm_view *all, const struct arm_view *one, struct scaled w,
			bool clustered)
{
	struct scaled variance = scaled_mul(scaled_mul(w, w), one->var_mean);

	all->n += one->n;
	all->groups += one->groups;
	all->mean = scaled_add(all->mean, scaled_mul(w, one->mean));
	all->m2 = scaled_add(all->m2, one->m2);
	if (!clustered) {
		all->var_mean = scaled_add(all->var_mean, variance);
		all->units = scaled_add(all->units, one->units);
		return;
	}
	/* of the deviations, squared at the end */
	all->var_mean = scaled_add(all->var_mean, scaled_sqrt(variance));
	if (!all->units.mant || scaled_cmp(one->units, all->units) < 0)
		all->units = one->units;
}

/*
 * Both arms, compared within contexts; those that one arm has not met are left out, and
 * weigh nothing. @view has an entry for each arm. Return: contexts compared.
 */
static u32 strata_view(struct arm_view *view, const struct eff_sums *sums,
		       const struct eff_test *test)
{
	u32 nr = EFF_CLUSTERS / test->strata, met = 0, used = 0, arm, k;
	struct arm_view one;
	u64 total = 0;

	memset(view, 0, MLPROXY_NR_ARMS * sizeof(*view));
	for (k = 0; k < test->strata; k++) {
		if (!stratum_met(sums, k, test))
			continue;
		met |= 1U << k;
		used++;
		for (arm = 0; arm < MLPROXY_NR_ARMS; arm++)
			total += sums->stratum[arm][k].n;
	}
	for (k = 0; k < test->strata; k++) {
		u64 n = sums->stratum[0][k].n + sums->stratum[1][k].n;

		for (arm = 0; met & 1U << k && arm < MLPROXY_NR_ARMS; arm++) {
			view_arm(&one, &sums->stratum[arm][k],
				 test->clustered ? &sums->group[arm][k * nr] : NULL, nr);
			add_stratum(&view[arm], &one, scaled_div(scaled_u64(n), scaled_u64(total)),
				    test->clustered);
		}
	}
	for (arm = 0; test->clustered && arm < MLPROXY_NR_ARMS; arm++)
		view[arm].var_mean = scaled_mul(view[arm].var_mean, view[arm].var_mean);
	return used;
}

static struct scaled gain_of(const struct arm_view *base, const struct arm_view *model,
			     bool lower_is_better)
{
	if (!base->n || !model->n)
		return scaled_u64(0);
	return lower_is_better ? scaled_sub(base->mean, model->mean) :
				 scaled_sub(model->mean, base->mean);
}

/* r, the amount of evidence in units of n_0. */
static struct scaled evidence_ratio(const struct arm_view *a, const struct arm_view *b,
				    struct scaled variance, const struct eff_test *test)
{
	struct scaled n_eff = harmonic(a->units, b->units);
	struct scaled outcomes;

	if (!test->clustered)
		return scaled_div(n_eff, scaled_u64(test->min_samples));
	/* as many independent outcomes, of the pooled variance, would tell as much */
	outcomes = scaled_div(scaled_add(a->m2, b->m2),
			      scaled_mul(scaled_u64(a->n + b->n - 2), variance));
	if (scaled_cmp(n_eff, outcomes) < 0)
		n_eff = outcomes;
	return scaled_div(n_eff, scaled_u64(EFF_MIN_CLUSTERS));
}

/*
 * Square of Student's deviate for the normal one's square @z2, where the variance was
 * estimated from @units. Return: false where it is as good as infinite.
 */
static bool students_square(struct scaled z2, struct scaled units, struct scaled *t2)
{
	struct scaled nu = scaled_sub(units, scaled_u64(1));
	struct scaled eight_nu = scaled_shift(nu, 3);
	struct scaled c = scaled_div(scaled_add(eight_nu, scaled_u64(3)),
				     scaled_add(eight_nu, scaled_u64(1)));
	struct scaled x;

	if (!nu.mant || nu.neg)
		return false;
	x = scaled_div(scaled_mul(z2, scaled_mul(c, c)), nu);
	if (scaled_cmp(x, scaled_u64(MAX_EXPONENT)) > 0)
		return false;
	*t2 = scaled_mul(nu, scaled_expm1(x));
	return true;
}

/*
 * Square of the confidence sequence's deviate, for evidence @r, in units of n_0, and a
 * variance that was estimated from @units. Return: false where it is infinite.
 */
static bool sequence_square(struct scaled r, struct scaled units, const struct eff_test *test,
			    struct scaled *t2)
{
	struct scaled one = scaled_u64(1), ln_alpha, z2;

	/* ln(1 / alpha_k) = ln(10^6 / ppm) + k * ln(2) */
	ln_alpha = scaled_ln(scaled_div(scaled_u64(1000000), scaled_u64(test->alpha_ppm)));
	ln_alpha = scaled_add(ln_alpha, scaled_mul(scaled_u64(test->trial), scaled_ln2()));
	z2 = scaled_add(scaled_ln(scaled_add(one, r)), scaled_shift(ln_alpha, 1));
	z2 = scaled_mul(z2, scaled_add(one, scaled_div(one, r)));
	return students_square(z2, units, t2);
}

/* Half the width of the confidence sequence. Return: false where it is infinite. */
static bool sequence_radius(const struct arm_view *a, const struct arm_view *b,
			    const struct eff_test *test, struct scaled *radius)
{
	struct scaled variance = scaled_add(a->var_mean, b->var_mean), t2;

	if (!sequence_square(evidence_ratio(a, b, variance, test),
			     min_scaled(a->units, b->units), test, &t2))
		return false;
	*radius = scaled_sqrt(scaled_mul(variance, t2));
	return true;
}

static void set_interval(struct mlproxy_evidence *evidence, struct scaled gain,
			 struct scaled radius)
{
	s64 low = scaled_to_s64(scaled_sub(gain, radius), 16, SCALED_DOWN);
	s64 high = scaled_to_s64(scaled_add(gain, radius), 16, SCALED_UP);

	/* one more for what the operations before truncated */
	evidence->low_q16 = low == S64_MIN ? low : low - 1;
	evidence->high_q16 = high == S64_MAX ? high : high + 1;
}

static void show_arm(struct mlproxy_evidence *evidence, u32 arm, const struct arm_view *v)
{
	evidence->n[arm] = v->n;
	evidence->mean_q16[arm] = scaled_to_s64(v->mean, 16, SCALED_NEAREST);
	evidence->sd_q16[arm] = (u64)scaled_to_s64(view_sd(v), 16, SCALED_NEAREST);
}

void eff_judge(const struct eff_sums *sums, const struct eff_test *test,
	       struct mlproxy_evidence *evidence)
{
	struct arm_view view[MLPROXY_NR_ARMS];
	const struct arm_view *base = &view[MLPROXY_ARM_BASELINE];
	const struct arm_view *model = &view[MLPROXY_ARM_MODEL];
	struct scaled gain, radius;
	u64 units = U32_MAX, n;
	u32 arm;

	evidence->strata = test->strata > 1 ? strata_view(view, sums, test) : 0;
	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
		if (test->strata <= 1)
			arm_view(&view[arm], sums, arm, test->clustered);
		show_arm(evidence, arm, &view[arm]);
		n = test->clustered ? view[arm].groups : view[arm].n;
		units = n < units ? n : units;
	}
	evidence->clusters = (u32)units;
	gain = gain_of(base, model, test->lower_is_better);
	evidence->gain_q16 = scaled_to_s64(gain, 16, SCALED_NEAREST);
	evidence->low_q16 = S64_MIN;
	evidence->high_q16 = S64_MAX;
	if (view_enough(base, test) && view_enough(model, test) &&
	    sequence_radius(base, model, test, &radius))
		set_interval(evidence, gain, radius);
}

/**
 * struct pair_moments - moments of the groups of both arms of an outer experiment
 * @arm: of each; @arm.used is not asked for
 * @used: groups with work in both arms
 * @units: groups, weighed by their work (Kish), no more than @used
 * @r0r1: sum of R_g of both arms, multiplied
 * @r0n1: sum of the baseline's R_g and the model's n_g
 * @r1n0: the reverse
 * @n0n1: sum of the n_g
 */
struct pair_moments {
	struct group_moments arm[MLPROXY_NR_ARMS];
	u32 used;
	struct scaled units;
	__int128_t r0r1;
	__int128_t r0n1;
	__int128_t r1n0;
	__uint128_t n0n1;
};

static void pair_moments(struct pair_moments *m, const struct eff_sums *sums)
{
	const struct eff_group *base = sums->group[MLPROXY_ARM_BASELINE];
	const struct eff_group *model = sums->group[MLPROXY_ARM_MODEL];
	__uint128_t r0r1 = 0, r0n1 = 0, r1n0 = 0, nn = 0, all = 0;
	u32 g;

	memset(m, 0, sizeof(*m));
	group_moments(&m->arm[MLPROXY_ARM_BASELINE], base, EFF_CLUSTERS);
	group_moments(&m->arm[MLPROXY_ARM_MODEL], model, EFF_CLUSTERS);
	for (g = 0; g < EFF_CLUSTERS; g++) {
		s64 r0 = group_rest(&base[g], m->arm[MLPROXY_ARM_BASELINE].pivot);
		s64 r1 = group_rest(&model[g], m->arm[MLPROXY_ARM_MODEL].pivot);
		u64 n = base[g].n + model[g].n;

		r0r1 += (__uint128_t)((__int128_t)r0 * r1);
		r0n1 += (__uint128_t)((__int128_t)r0 * (s64)model[g].n);
		r1n0 += (__uint128_t)((__int128_t)r1 * (s64)base[g].n);
		m->n0n1 += (__uint128_t)base[g].n * model[g].n;
		nn += (__uint128_t)n * n;
		all += n;
		m->used += base[g].n && model[g].n;
	}
	m->r0r1 = (__int128_t)r0r1;
	m->r0n1 = (__int128_t)r0n1;
	m->r1n0 = (__int128_t)r1n0;
	m->units = scaled_u64(0);
	if (all)
		m->units = min_scaled(scaled_u64(m->used),
				      scaled_div(scaled_mul(scaled_u128(all), scaled_u128(all)),
						 scaled_u128(nn)));
}

/* Sum of the residuals of both arms, multiplied; q0 and q1 are what the pivots left over. */
static struct scaled pair_products(const struct pair_moments *m, struct scaled n0,
				   struct scaled n1)
{
	struct scaled q0 = scaled_div(scaled_s64(m->arm[MLPROXY_ARM_BASELINE].rest), n0);
	struct scaled q1 = scaled_div(scaled_s64(m->arm[MLPROXY_ARM_MODEL].rest), n1);
	struct scaled sum = scaled_s128(m->r0r1);

	sum = scaled_sub(sum, scaled_mul(q1, scaled_s128(m->r0n1)));
	sum = scaled_sub(sum, scaled_mul(q0, scaled_s128(m->r1n0)));
	return scaled_add(sum, scaled_mul(scaled_mul(q0, q1), scaled_u128(m->n0n1)));
}

/*
 * Variance of the model's ratio less @excess times the baseline's, by linearisation, over
 * the groups, each of which has both arms of the same pairs:
 *
 *	K / (K - 1) * sum of (R1_g / n1 - excess * R0_g / n0)^2
 *
 * For the resolution one more group is added in each arm that is off by one unit of cost.
 */
static struct scaled pair_variance(const struct pair_moments *m, struct scaled excess)
{
	struct scaled one = scaled_u64(1);
	struct scaled n0 = scaled_u64(m->arm[MLPROXY_ARM_BASELINE].n);
	struct scaled n1 = scaled_u64(m->arm[MLPROXY_ARM_MODEL].n);
	struct scaled a = scaled_div(one, n1), b = scaled_div(excess, n0);
	struct scaled rr1, rr0, cross, sum;

	rr1 = scaled_add(group_residuals(&m->arm[MLPROXY_ARM_MODEL]), one);
	rr0 = scaled_add(group_residuals(&m->arm[MLPROXY_ARM_BASELINE]), one);
	cross = scaled_mul(scaled_mul(a, b), pair_products(m, n0, n1));
	sum = scaled_add(scaled_mul(scaled_mul(a, a), rr1), scaled_mul(scaled_mul(b, b), rr0));
	sum = scaled_sub(sum, scaled_shift(cross, 1));
	if (sum.neg)
		sum = scaled_u64(0);
	return scaled_div(scaled_mul(sum, m->units), scaled_sub(m->units, one));
}

static struct scaled cost_ratio(const struct eff_group *group, u64 *work)
{
	u64 sum = 0, n = 0;
	u32 g;

	for (g = 0; g < EFF_CLUSTERS; g++) {
		n += group[g].n;
		sum += (u64)group[g].sum;
	}
	*work = n;
	return n ? scaled_div(scaled_u64(sum), scaled_u64(n)) : scaled_u64(0);
}

static void outer_interval(const struct eff_sums *sums, const struct eff_test *test,
			   u32 margin_q16, struct scaled gain, struct scaled unit,
			   struct mlproxy_evidence *evidence)
{
	struct scaled excess = scaled_make((u64)MLPROXY_SHARE_ONE + margin_q16, -16, false);
	struct scaled t2, radius;
	struct pair_moments m;
	s64 low, high;

	pair_moments(&m, sums);
	evidence->clusters = m.used;
	if (m.used < EFF_MIN_UNITS || scaled_cmp(m.units, scaled_u64(2)) < 0 ||
	    !sequence_square(scaled_div(m.units, scaled_u64(EFF_MIN_UNITS)), m.units, test, &t2))
		return;
	radius = scaled_sqrt(scaled_mul(pair_variance(&m, scaled_u64(1)), t2));
	set_interval(evidence, gain, scaled_div(radius, unit));
	if (!margin_q16)
		return;
	/* the lower end is compared with the margin, so its variance is that of such a cost */
	low = evidence->low_q16;
	high = evidence->high_q16;
	radius = scaled_sqrt(scaled_mul(pair_variance(&m, excess), t2));
	set_interval(evidence, gain, scaled_div(radius, unit));
	evidence->low_q16 = low < evidence->low_q16 ? low : evidence->low_q16;
	evidence->high_q16 = high;
}

void eff_outer_judge(const struct eff_sums *sums, const struct eff_test *test, u32 margin_q16,
		     struct mlproxy_evidence *evidence)
{
	struct scaled ratio[MLPROXY_NR_ARMS], unit, gain;
	u64 work;
	u32 arm;

	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
		ratio[arm] = cost_ratio(sums->group[arm], &work);
		evidence->n[arm] = work;
		evidence->mean_q16[arm] = scaled_to_s64(ratio[arm], 16, SCALED_NEAREST);
		evidence->sd_q16[arm] = 0;
	}
	evidence->clusters = 0;
	evidence->gain_q16 = 0;
	evidence->low_q16 = S64_MIN;
	evidence->high_q16 = S64_MAX;
	/* where the baseline pays nothing, in shares of what the model pays */
	unit = ratio[MLPROXY_ARM_BASELINE].mant ? ratio[MLPROXY_ARM_BASELINE] :
						  ratio[MLPROXY_ARM_MODEL];
	if (!unit.mant || !evidence->n[MLPROXY_ARM_BASELINE] || !evidence->n[MLPROXY_ARM_MODEL])
		return;
	gain = scaled_div(scaled_sub(ratio[MLPROXY_ARM_BASELINE], ratio[MLPROXY_ARM_MODEL]),
			  unit);
	evidence->gain_q16 = scaled_to_s64(gain, 16, SCALED_NEAREST);
	outer_interval(sums, test, margin_q16, gain, unit, evidence);
}

/* Whose is the drop, by the baseline's outcomes in the same stretch? */
static int drop_of_whom(const struct eff_sums *recent, const struct arm_view *model,
			const struct arm_view *base, const struct eff_test *test,
			struct scaled limit)
{
	struct scaled gain, variance, sd = view_sd(base);
	struct arm_view own;

	arm_view_folded(&own, recent, MLPROXY_ARM_BASELINE, test);
	if (!own.n || !own.units.mant)
		return EFF_DROP_UNSURE;
	/* too few to estimate their own variance: a unit may vary as outcomes do */
	variance = scaled_add(model->var_mean, scaled_div(scaled_mul(sd, sd), own.units));
	gain = gain_of(&own, model, test->lower_is_better);
	if (gain.neg && scaled_cmp(scaled_mul(gain, gain),
				   scaled_mul(variance, scaled_u64(DROP_MODEL_Z2))) > 0)
		return EFF_DROP_MODEL;
	if (scaled_cmp(own.units, scaled_u64(DROP_SHARED_MIN)) >= 0 &&
	    scaled_cmp(gain, scaled_shift(limit, -1)) >= 0)
		return EFF_DROP_SHARED;
	return EFF_DROP_UNSURE;
}

/* The gain and its bound. Return: is it below, with outcomes enough to say so. */
static bool below_bound(const struct arm_view *base, const struct arm_view *model,
			const struct eff_test *test, u32 drop_q16, struct scaled *gain,
			struct scaled *limit)
{
	*gain = gain_of(base, model, test->lower_is_better);
	*limit = scaled_neg(scaled_shift(scaled_mul(view_sd(base), scaled_u64(drop_q16)), -16));
	return base->n >= DROP_MIN_REFERENCE && model->n >= 2 && gain->neg &&
	       scaled_cmp(*gain, *limit) < 0;
}

bool eff_drop_suspected(const struct eff_sums *recent, const struct eff_sums *reference,
			const struct eff_test *test, u32 drop_q16)
{
	struct arm_view base, model;
	struct scaled gain, limit;

	arm_view(&base, reference, MLPROXY_ARM_BASELINE, false);
	arm_view(&model, recent, MLPROXY_ARM_MODEL, false);
	return below_bound(&base, &model, test, drop_q16, &gain, &limit);
}

int eff_drop(const struct eff_sums *recent, const struct eff_sums *reference,
	     const struct eff_test *test, u32 drop_q16, s64 *gain_q16, s64 *limit_q16)
{
	struct scaled gain, limit, variance, t2;
	struct arm_view base, model;
	bool below;

	arm_view_folded(&base, reference, MLPROXY_ARM_BASELINE, test);
	arm_view_folded(&model, recent, MLPROXY_ARM_MODEL, test);
	below = below_bound(&base, &model, test, drop_q16, &gain, &limit);
	*gain_q16 = scaled_to_s64(gain, 16, SCALED_NEAREST);
	*limit_q16 = scaled_to_s64(limit, 16, SCALED_NEAREST);
	if (!below)
		return EFF_DROP_NONE;
	variance = scaled_add(base.var_mean, model.var_mean);
	if (!students_square(scaled_u64(DROP_Z2), min_scaled(base.units, model.units), &t2) ||
	    scaled_cmp(scaled_mul(gain, gain), scaled_mul(variance, t2)) <= 0)
		return EFF_DROP_NONE;
	if (recent == reference)
		return EFF_DROP_MODEL;
	return drop_of_whom(recent, &model, &base, test, limit);
}
