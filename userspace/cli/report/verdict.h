/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy report: the result in a sentence or two. */
#ifndef MLPROXY_CLI_REPORT_VERDICT_H
#define MLPROXY_CLI_REPORT_VERDICT_H

#include "report.h"

/* Room for a verdict. */
#define REPORT_VERDICT	768

/**
 * report_verdict() - is the model better than the kernel's own choice, by how much, on what
 * @r: report
 * @text: out, plain text
 * @bytes: room in it
 *
 * Return: > 0 if the model is better, < 0 if it is worse, 0 if neither can be said.
 */
int report_verdict(const struct report *r, char *text, size_t bytes);

#endif /* MLPROXY_CLI_REPORT_VERDICT_H */
