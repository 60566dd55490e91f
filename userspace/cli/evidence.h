/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy tool: the numbers that a mode is judged by, in words and in JSON. */
#ifndef MLPROXY_CLI_EVIDENCE_H
#define MLPROXY_CLI_EVIDENCE_H

#include "cli.h"
#include "value.h"

/* Room for any text of this file. */
#define EVIDENCE_BYTES	(4 * VALUE_BYTES)

/** evidence_q16() - a Q16 number; infinite at both ends of s64, which stand for none */
double evidence_q16(int64_t q16);

/**
 * evidence_json() - all of it, in the reward's unit
 * @e: evidence
 * @reward: value_reward()
 *
 * Ends of the interval that there is none of are null. @value and @limit stay as the
 * kernel gives them, since their unit depends on the reason.
 */
json_t *evidence_json(const struct mlproxy_evidence *e, const struct mlproxy_feature *reward);

/** evidence_gain() - the gain and its interval into @text, as "+1.50 [+0.500, +2.50] ms" */
void evidence_gain(const struct mlproxy_evidence *e, const struct mlproxy_feature *reward,
		   char *text, size_t size);

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
 * @reward: value_reward()
 * @text: out: the limit that was passed and by what, for an emergency; the gain and the
 *	outcomes that it is of, for another change that was judged; else empty
 * @size: of @text
 */
void evidence_reason(const struct mlproxy_evidence *e, uint32_t reason,
		     const struct mlproxy_feature *reward, char *text, size_t size);

/** evidence_young() - there are too few outcomes for an interval */
bool evidence_young(const struct mlproxy_evidence *e);

#endif /* MLPROXY_CLI_EVIDENCE_H */
