/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy report: all figures as CSV and as JSON. */
#ifndef MLPROXY_CLI_REPORT_TABLE_H
#define MLPROXY_CLI_REPORT_TABLE_H

#include "report.h"

/** report_csv() - all figures, one a line; to be given to free(), NULL without memory */
char *report_csv(const struct report *r);

/** report_json() - the same as JSON */
json_t *report_json(const struct report *r);

#endif /* MLPROXY_CLI_REPORT_TABLE_H */
