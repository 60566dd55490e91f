/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy tool: the state of all proxies in the text format of OpenMetrics 1.0. */
#ifndef MLPROXY_CLI_OPENMETRICS_H
#define MLPROXY_CLI_OPENMETRICS_H

#include <stdio.h>

#include "cli.h"
#include "evidence.h"

/**
 * struct exported - what is told of a proxy
 * @entry: as it is listed
 * @nr_actions: entries in @actions
 * @actions: by number
 * @measures: measures_of()
 * @stats: its counters
 * @efficiency: its experiment
 * @verdicts: efficiency.nr_verdicts of them, by MLPROXY_VERDICT_*
 */
struct exported {
	struct mlproxy_list_entry entry;
	uint32_t nr_actions;
	struct mlproxy_action actions[MLPROXY_MAX_ACTIONS];
	struct measures measures;
	struct mlproxy_stats stats;
	struct mlproxy_efficiency efficiency;
	struct mlproxy_evidence verdicts[MLPROXY_ROOM_VERDICTS];
};

/** openmetrics_print() - print them, each family of metrics in one piece, as the format wants */
void openmetrics_print(FILE *out, const struct exported *proxies, unsigned int nr);

#endif /* MLPROXY_CLI_OPENMETRICS_H */
