// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdicts of the ledger and of the outer experiment; see verdict.h.
 */
#include "verdict.h"

/* A block of the outer experiment ends with so many groups, after so many periods. */
#define BLOCK_GROUPS	(EFF_CLUSTERS - 4)
#define BLOCK_PERIODS	32

static void clear(struct mlproxy_evidence *e, u32 verdict)
{
	memset(e, 0, sizeof(*e));
	e->verdict = verdict;
	e->nr_arms = MLPROXY_NR_ARMS;
	e->low_q16 = S64_MIN;
	e->high_q16 = S64_MAX;
}

void verdicts_init(struct verdicts *v, u64 now_ns)
{
	u32 experiment = v->outer_experiment;

	memset(v, 0, sizeof(*v));
	v->outer_experiment = experiment + 1;
	v->outer_trial = 1;
	v->outer_since_ns = now_ns;
	v->outer_from_ns = now_ns;
	clear(&v->ledger, MLPROXY_VERDICT_LEDGER);
	clear(&v->outer, MLPROXY_VERDICT_OUTER);
}

void verdicts_begin_inner(struct verdicts *v, const struct eff_sums *ledger)
{
	if (ledger)
		v->ledger_base = *ledger;
	clear(&v->ledger, MLPROXY_VERDICT_LEDGER);
}

void verdicts_begin_outer(struct verdicts *v, const struct eff_sums *costs, u64 now_ns,
			  bool logic_is_new)
{
	if (!logic_is_new && !v->block && v->outer.low_q16 != S64_MIN && v->outer_trial < S32_MAX)
		v->outer_trial++;	/* it could have led to a step */
	if (costs)
		v->outer_base = *costs;
	v->outer_experiment++;
	v->outer_since_ns = now_ns;
	v->outer_from_ns = now_ns;
	v->block = false;
	v->doubt = false;
	clear(&v->outer, MLPROXY_VERDICT_OUTER);
}

void verdicts_share_changes(struct verdicts *v, u64 now_ns)
{
	v->outer_from_ns = now_ns;
}

void verdicts_judge(struct verdicts *v, const struct verdict_config *config,
		    const struct eff_test *test, const struct eff_sums *ledger,
		    const struct eff_sums *costs, bool block, u64 now_ns)
{
	struct eff_test own = *test;

	if (ledger) {
		own.lower_is_better = config->ledger_lower;
		eff_difference(&v->ledger_sums, ledger, &v->ledger_base, own.clustered,
			       own.strata);
		eff_judge(&v->ledger_sums, &own, &v->ledger);
	}
	v->block = block;
	if (costs) {
		own.trial = block ? 1 : v->outer_trial;
		eff_difference(&v->outer_sums, costs, &v->outer_base, true, 0);
		eff_outer_judge(&v->outer_sums, &own, config->outer_margin_q16, &v->outer);
		if (block && !v->doubt && verdict_doubts(&v->outer)) {
			v->doubt = true;
			verdicts_share_changes(v, now_ns);
		}
	}
}

bool verdict_contradicts(const struct mlproxy_evidence *e)
{
	return e->high_q16 < 0;
}

/* Is it above -@margin_q16 of @unit_q16, with confidence? */
static bool above_margin(const struct mlproxy_evidence *e, u64 unit_q16, u32 margin_q16)
{
	return e->low_q16 != S64_MIN && e->low_q16 >= -eff_mul_q16(unit_q16, margin_q16);
}

bool verdict_ledger_supports(const struct verdicts *v, const struct verdict_config *config)
{
	u64 sd = v->ledger.sd_q16[MLPROXY_ARM_BASELINE];
	u32 margin = config->ledger_margin_q16;

	if (!config->ledger)
		return true;
	/* one that is 0 is as often below as above, and may be so for long */
	return above_margin(&v->ledger, sd, v->ledger.gain_q16 < 0 ? margin / 4 : margin);
}

bool verdict_ledger_bears(const struct verdicts *v, const struct verdict_config *config)
{
	u64 sd = v->ledger.sd_q16[MLPROXY_ARM_BASELINE];

	return !config->ledger ||
	       v->ledger.gain_q16 >= -eff_mul_q16(sd, config->ledger_margin_q16);
}

bool verdict_outer_supports(const struct verdicts *v, const struct verdict_config *config)
{
	return !config->outer ||
	       above_margin(&v->outer, MLPROXY_SHARE_ONE, config->outer_margin_q16);
}

bool verdict_block_over(const struct verdicts *v, u64 now_ns, u64 hold_ns)
{
	return v->outer.clusters >= BLOCK_GROUPS &&
	       (now_ns - v->outer_since_ns) / BLOCK_PERIODS >= hold_ns;
}

u32 verdict_stance(bool measured, const struct mlproxy_evidence *e, bool supports)
{
	if (!measured)
		return MLPROXY_STANCE_NONE;
	if (verdict_contradicts(e))
		return MLPROXY_STANCE_CONTRADICTS;
	return supports ? MLPROXY_STANCE_SUPPORTS : MLPROXY_STANCE_WAITS;
}
