// SPDX-License-Identifier: GPL-2.0-only
/*
 * Efficiency: sums of outcomes, and the confidence sequence of the model's gain.
 * What is computed and where it is from: efficiency.h.
 */
#include "efficiency.h"
#include "scaled.h"

#define LN2_Q16	45427	/* ln(2) in 1/65536, rounded up */
#define LN_PPM_Q16	905418	/* ln(10^6) in 1/65536, rounded up */

static u64 magnitude(s64 v)
{
	return v < 0 ? 0 - (u64)v : (u64)v;
}

void eff_add(struct eff_sums *sums, u32 arm, u32 group, s64 reward)
{
	struct eff_arm *a = &sums->arm[arm];
	u64 square = magnitude(reward) * magnitude(reward);

	a->n++;
	a->sum += reward;
	a->sq_lo += square;
	a->sq_hi += a->sq_lo < square;
	if (group < EFF_CLUSTERS) {
		sums->group[arm][group].n++;
		sums->group[arm][group].sum += reward;
	}
}

void eff_merge(struct eff_sums *sums, const struct eff_sums *more, bool clustered)
{
	u32 arm, g;

	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
		struct eff_arm *a = &sums->arm[arm];
		const struct eff_arm *b = &more->arm[arm];

		a->n += b->n;
		a->sum += b->sum;
		a->sq_lo += b->sq_lo;
		a->sq_hi += b->sq_hi + (a->sq_lo < b->sq_lo);
		for (g = 0; clustered && g < EFF_CLUSTERS; g++) {
			sums->group[arm][g].n += more->group[arm][g].n;
			sums->group[arm][g].sum += more->group[arm][g].sum;
		}
	}
}

void eff_subtract(struct eff_sums *sums, const struct eff_sums *base)
{
	u32 arm, g;

	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
		struct eff_arm *a = &sums->arm[arm];
		const struct eff_arm *b = &base->arm[arm];

		a->n -= b->n;
		a->sum -= b->sum;
		a->sq_hi -= b->sq_hi + (a->sq_lo < b->sq_lo);
		a->sq_lo -= b->sq_lo;
		for (g = 0; g < EFF_CLUSTERS; g++) {
			sums->group[arm][g].n -= base->group[arm][g].n;
			sums->group[arm][g].sum -= base->group[arm][g].sum;
		}
	}
}

/* n > 0 */
static s64 mean_q16(s64 sum, u64 n)
{
	u64 m = magnitude(sum);
	u64 mean = ((m / n) << 16) + ((m % n) << 16) / n;

	return sum < 0 ? -(s64)mean : (s64)mean;
}

/*
 * Variance of one outcome. Rewards are whole numbers: each stands for anything within
 * half a unit, a variance of 1/12, so that equal rewards do not look like certainty.
 */
static struct scaled variance(const struct eff_arm *a)
{
	u128 squares = (u128)a->sq_hi << 64 | a->sq_lo;
	u128 square = (u128)magnitude(a->sum) * magnitude(a->sum);
	struct scaled quantum = sc_div(sc_u64(1), sc_u64(12));
	u128 q = squares * a->n;

	q = q > square ? q - square : 0;
	return sc_add(quantum, sc_div(sc_u128(q), sc_mul(sc_u64(a->n), sc_u64(a->n - 1))));
}

static u32 occupied(const struct eff_group *groups)
{
	u32 g, nr = 0;

	for (g = 0; g < EFF_CLUSTERS; g++)
		nr += groups[g].n != 0;
	return nr;
}

/*
 * Variance of the mean, as a ratio of sums over groups (Cochran, Sampling Techniques,
 * 1977, 6.4): K / (K - 1) * sum((S_g - mean * n_g)^2) / n^2.
 */
static struct scaled cluster_variance(const struct eff_sums *sums, u32 arm, u32 nr)
{
	const struct eff_arm *a = &sums->arm[arm];
	struct scaled n2 = sc_mul(sc_u64(a->n), sc_u64(a->n));
	struct scaled total = { 0, 0 };
	u32 g;

	for (g = 0; g < EFF_CLUSTERS; g++) {
		const struct eff_group *group = &sums->group[arm][g];
		__int128 d = (__int128)group->sum * (__int128)a->n -
			     (__int128)a->sum * (__int128)group->n;
		struct scaled s = sc_u128(d < 0 ? (u128)-d : (u128)d);

		total = sc_add(total, sc_mul(s, s));
	}
	/* once for the residuals, which are n-fold here, and once for the mean */
	total = sc_div(sc_div(total, n2), n2);
	total = sc_div(sc_mul(total, sc_u64(nr)), sc_u64(nr - 1));
	return sc_add(total, sc_div(variance(a), sc_u64(a->n * 64)));
}

/* (1 + 1/r) * (ln(1 + r) + 2 * ln(1 / alpha)): the square of the radius, in V. */
static struct scaled threshold(const struct eff_test *test, u64 n_a, u64 n_b)
{
	struct scaled one = sc_u64(1);
	struct scaled r = sc_div(sc_mul(sc_u64(n_a), sc_u64(n_b)),
				 sc_mul(sc_u64(n_a + n_b), sc_u64(test->min_samples)));
	u64 log_alpha = LN_PPM_Q16 + (u64)test->trial * LN2_Q16 -
			(u64)(sc_log2_q16(sc_u64(test->alpha_ppm)) * LN2_Q16 >> 16);
	u64 log_r = (u64)((sc_log2_q16(sc_add(one, r)) + 1) * LN2_Q16 >> 16) + 1;
	struct scaled sum = sc_shift(sc_u64(log_r + 2 * log_alpha), -16);

	return sc_mul(sum, sc_add(one, sc_div(one, r)));
}

/*
 * The variance is estimated from few groups: the quantile of Student's t at nr - 1
 * degrees of freedom is z + (z^3 + z) / (4 * nu) (Cornish, Fisher 1938), so its square
 * about z^2 * (1 + (z^2 + 1) / (2 * nu)).
 */
static struct scaled widen(struct scaled z2, u32 nr)
{
	struct scaled one = sc_u64(1);

	return sc_mul(z2, sc_add(one, sc_div(sc_add(z2, one), sc_u64(2 * (nr - 1)))));
}

void eff_judge(const struct eff_sums *sums, const struct eff_test *test,
	       struct mlproxy_evidence *e)
{
	const struct eff_arm *base = &sums->arm[MLPROXY_ARM_BASELINE];
	const struct eff_arm *model = &sums->arm[MLPROXY_ARM_MODEL];
	struct scaled v = { 0, 0 }, z2;
	bool enough = true;
	u32 arm, nr[MLPROXY_NR_ARMS] = { 0, 0 };
	s64 radius;

	e->gain_q16 = 0;
	e->low_q16 = S64_MIN;
	e->high_q16 = S64_MAX;
	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
		const struct eff_arm *a = &sums->arm[arm];

		e->n[arm] = a->n;
		e->mean_q16[arm] = a->n ? mean_q16(a->sum, a->n) : 0;
		e->sd_q16[arm] = a->n > 1 ? (u64)sc_q16(sc_sqrt(variance(a))) : 0;
		nr[arm] = occupied(sums->group[arm]);
		enough &= a->n >= 2 && a->n >= test->min_samples;
		enough &= !test->clustered || nr[arm] >= EFF_MIN_CLUSTERS;
	}
	e->clusters = nr[0] < nr[1] ? nr[0] : nr[1];
	if (!test->clustered)
		e->clusters = (u32)(base->n < model->n ? base->n : model->n);
	if (base->n && model->n) {
		e->gain_q16 = e->mean_q16[MLPROXY_ARM_MODEL] - e->mean_q16[MLPROXY_ARM_BASELINE];
		if (test->lower_is_better)
			e->gain_q16 = -e->gain_q16;
	}
	if (!enough)
		return;
	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
		const struct eff_arm *a = &sums->arm[arm];

		v = sc_add(v, test->clustered ? cluster_variance(sums, arm, nr[arm]) :
						sc_div(variance(a), sc_u64(a->n)));
	}
	z2 = threshold(test, base->n, model->n);
	if (test->clustered)
		z2 = widen(z2, e->clusters);
	/* rounded outwards: each step above rounds down by less than 2^-60 */
	radius = sc_q16(sc_sqrt(sc_mul(v, z2)));
	if (radius >= S64_MAX / 4)
		return;
	radius += 2 + (radius >> 40);
	e->low_q16 = e->gain_q16 - radius;
	e->high_q16 = e->gain_q16 + radius;
}

bool eff_dropped(const struct eff_sums *recent, const struct eff_arm *baseline, u32 drop_q16,
		 const struct eff_test *test, s64 *gain_q16, s64 *limit_q16)
{
	const struct eff_arm *model = &recent->arm[MLPROXY_ARM_MODEL];
	u32 nr = occupied(recent->group[MLPROXY_ARM_MODEL]);
	struct scaled sd, v;
	s64 gain;

	if (model->n < 2 || baseline->n < 2 || (test->clustered && nr < EFF_MIN_CLUSTERS))
		return false;
	gain = mean_q16(model->sum, model->n) - mean_q16(baseline->sum, baseline->n);
	if (test->lower_is_better)
		gain = -gain;
	sd = sc_sqrt(variance(baseline));
	v = sc_div(variance(baseline), sc_u64(baseline->n));
	v = sc_add(v, test->clustered ? cluster_variance(recent, MLPROXY_ARM_MODEL, nr) :
					sc_div(variance(model), sc_u64(model->n)));
	*gain_q16 = gain;
	*limit_q16 = -sc_q16(sc_shift(sc_mul(sd, sc_u64(drop_q16)), -16));
	return gain < *limit_q16 && -gain > sc_q16(sc_shift(sc_sqrt(v), 2));
}
