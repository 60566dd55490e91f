/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy tool: the numbers that a mode is judged by, in words and in JSON. */
#ifndef MLPROXY_CLI_EVIDENCE_H
#define MLPROXY_CLI_EVIDENCE_H

#include "cli.h"

/** evidence_json() - all of it; ends of the interval that there is none of are null */
json_t *evidence_json(const struct mlproxy_evidence *e);

/** evidence_gain() - the gain and its interval into @text, as "+1.5 [+0.5, +2.5]" */
void evidence_gain(const struct mlproxy_evidence *e, char *text, size_t size);

/**
 * evidence_limit() - which limit was passed by what, for the reasons of an emergency
 * @e: evidence
 * @reason: MLPROXY_REASON_*
 * @text: out: words, empty for other reasons
 * @size: of @text
 */
void evidence_limit(const struct mlproxy_evidence *e, uint32_t reason, char *text, size_t size);

#endif /* MLPROXY_CLI_EVIDENCE_H */
