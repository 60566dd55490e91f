/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy tool: why the mode is what it is, and what is missing until the next step up. */
#ifndef MLPROXY_CLI_EXPLAIN_H
#define MLPROXY_CLI_EXPLAIN_H

#include "evidence.h"

/** explain_reason() - a reason for a change of mode as half a sentence; "" if not known */
const char *explain_reason(uint32_t reason);

/* Room for one need in words. */
#define EXPLAIN_BYTES	(2 * VALUE_BYTES)

/**
 * explain_need() - one thing that the next step up waits for, in words
 * @need: one of MLPROXY_NEEDS_*
 * @e: efficiency: the step depends on mode and stage
 * @m: measures_of()
 * @text: out: "a reward (score) that is better, with confidence"
 * @size: of @text
 *
 * Return: @text.
 */
const char *explain_need(uint32_t need, const struct mlproxy_efficiency *e,
		       const struct measures *m, char *text, size_t size);

/**
 * explain_needs() - MLPROXY_NEEDS_* that are worth telling
 *
 * Without a policy all the rest is missing as well. Return: 0 where there is no step up.
 */
uint32_t explain_needs(const struct mlproxy_efficiency *e);

/** explain_needs_json() - the names of all, as an array */
json_t *explain_needs_json(uint32_t needs);

/** explain_step() - what the next step up leads to: "collaboration mode", "" for nothing */
const char *explain_step(const struct mlproxy_efficiency *e);

#endif /* MLPROXY_CLI_EXPLAIN_H */
