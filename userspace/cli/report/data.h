/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy report: time, bins, arms, changes of mode, losses. */
#ifndef MLPROXY_CLI_REPORT_DATA_H
#define MLPROXY_CLI_REPORT_DATA_H

#include "report.h"

/** report_data() - fill in all but the versions, from @data and @log; an exit code */
int report_data(struct report *r);

/** report_time() - seconds of a record on the scale of all runs */
double report_time(const struct report *r, uint32_t run, uint64_t time_ns);

/** report_bin_at() - bin of a time, below @nr_bins */
size_t report_bin_at(const struct report *r, double time_s);

/** report_arm() - arm that a row counts for, or MLPROXY_ARM_NONE */
unsigned int report_arm(const struct report *r, size_t row);

#endif /* MLPROXY_CLI_REPORT_DATA_H */
