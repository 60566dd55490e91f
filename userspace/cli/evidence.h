/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mlproxy tool: the numbers that a mode is judged by, in words and in JSON.
 *
 * There are several measures: the reward of single decisions, the ledger that some proxies
 * keep beside it, and what the system pays for its work. An evidence says which one it is
 * about, and with that the unit of its numbers.
 */
#ifndef MLPROXY_CLI_EVIDENCE_H
#define MLPROXY_CLI_EVIDENCE_H

#include "cli.h"
#include "value.h"

/* Room for any text of this file. */
#define EVIDENCE_BYTES	(4 * VALUE_BYTES)

/**
 * struct measures - what a proxy is judged by, each described as a feature is
 * @reward: of single decisions
 * @ledger: what they bring, without a name if the proxy has none
 * @cost: what the system pays, without a name if that is not measured
 * @work: what it pays for, the same
 * @reward_direction: MLPROXY_REWARD_*
 */
struct measures {
	struct mlproxy_feature reward;
	struct mlproxy_feature ledger;
	struct mlproxy_feature cost;
	struct mlproxy_feature work;
	uint32_t reward_direction;
};

/** measures_of() - the measures of a schema */
struct measures measures_of(const struct mlproxy_schema *schema);

/** measures_has() - does a proxy have that measure, of MLPROXY_VERDICT_* */
bool measures_has(const struct measures *m, uint32_t verdict);

/** evidence_q16() - a Q16 number; infinite at both ends of s64, which stand for none */
double evidence_q16(int64_t q16);

/**
 * evidence_json() - all of it, in the measure's unit
 * @e: evidence
 * @m: measures_of()
 *
 * Ends of the interval that there is none of are null. @value and @limit stay as the
 * kernel gives them, since their unit depends on the reason. Gains of the outer experiment
 * are parts of the baseline's cost, its means are costs of one unit of work, and its n is
 * work.
 */
json_t *evidence_json(const struct mlproxy_evidence *e, const struct measures *m);

/**
 * evidence_gain() - the gain and its interval
 *
 * As "+1.50 [+0.500, +2.50] ms"; of the outer experiment as "costs 3.1% less [1.0% less,
 * 5.2% less]".
 */
void evidence_gain(const struct mlproxy_evidence *e, const struct measures *m, char *text,
		   size_t size);

/** evidence_mean() - the mean of an arm, with its unit: "700 ns", "0.0310 ms of stalled a ms" */
const char *evidence_mean(const struct mlproxy_evidence *e, uint32_t arm,
			  const struct measures *m, char *text, size_t size);

/**
 * evidence_limit() - which limit was passed by what, for the reasons of an emergency
 * @value: see struct mlproxy_evidence
 * @limit: the same
 * @reason: MLPROXY_REASON_*
 * @reward: value_reward()
 * @text: out: words, empty for other reasons
 * @size: of @text
 *
 * Return: whether the reason has a limit.
 */
bool evidence_limit(int64_t value, int64_t limit, uint32_t reason,
		    const struct mlproxy_feature *reward, char *text, size_t size);

/**
 * evidence_reason() - what a change of mode was taken on
 * @e: evidence
 * @reason: MLPROXY_REASON_*
 * @m: measures_of()
 * @text: out: the limit that was passed and by what, for an emergency; the gain, of what,
 *	and the outcomes that it is of, for another change that was judged; else empty
 * @size: of @text
 */
void evidence_reason(const struct mlproxy_evidence *e, uint32_t reason,
		     const struct measures *m, char *text, size_t size);

/** evidence_young() - there are too few outcomes for an interval */
bool evidence_young(const struct mlproxy_evidence *e);

/** evidence_tested() - what is tested: "the model, version 3", "nothing" */
const char *evidence_tested(const struct mlproxy_evidence *e, char *text, size_t size);

/**
 * evidence_verdict() - what a measure says of the next step up, and by which gain
 *
 * As "supports: +1.50 [+0.500, +2.50] ms", "waits: unknown, ...".
 */
void evidence_verdict(const struct mlproxy_evidence *e, const struct measures *m, char *text,
		      size_t size);

#endif /* MLPROXY_CLI_EVIDENCE_H */
