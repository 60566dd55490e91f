/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy report: each model version, before it ran and while it ran. */
#ifndef MLPROXY_CLI_REPORT_VERSIONS_H
#define MLPROXY_CLI_REPORT_VERSIONS_H

#include "report.h"

/** report_versions() - fill in the versions, after report_data(); an exit code */
int report_versions(struct report *r, const struct report_model *models,
		    unsigned int nr_models);

#endif /* MLPROXY_CLI_REPORT_VERSIONS_H */
