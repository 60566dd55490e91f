/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy top: what was asked of the kernel and of the agent at one time. */
#ifndef MLPROXY_TOP_SAMPLE_H
#define MLPROXY_TOP_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include <mlproxy/mlproxy.h>

#include "evidence.h"

/* An agent writes its status every few seconds. */
#define TOP_AGENT_SILENT_S	15

/**
 * struct top_agent - what the agent says in PROXY.status.json
 * @known: there is such a file, and it makes sense
 * @time_s: CLOCK_REALTIME of the file
 * @pid: process
 * @rows: decisions with outcome that it learned from
 * @refits: trainings
 * @swaps: models it loaded
 * @rollbacks: models it took back
 * @last_refit_s: CLOCK_REALTIME of the last training, 0 for none
 * @tested: @gain, @low and @high count
 * @gain: of the last model over the baseline, off-policy, in reward units
 * @low: lower end of its interval
 * @high: upper end
 * @model_version: as the kernel numbers models, 0 for none
 * @error_mean: mean error of its predictions, NAN if unknown
 * @alarm: its predictions went wrong, it retrains
 */
struct top_agent {
	bool known;
	int64_t time_s;
	int64_t pid;
	int64_t rows;
	int64_t refits;
	int64_t swaps;
	int64_t rollbacks;
	int64_t last_refit_s;
	bool tested;
	double gain;
	double low;
	double high;
	int64_t model_version;
	double error_mean;
	bool alarm;
};

/**
 * struct top_sample - one proxy at one time
 * @time_ns: CLOCK_MONOTONIC
 * @realtime_s: CLOCK_REALTIME
 * @entry: its entry in the list
 * @mode: mode
 * @stats: counters
 * @judged: @eff, @verdicts and @transitions are filled in
 * @eff: efficiency
 * @verdicts: what each measure says, eff.nr_verdicts entries
 * @nr_transitions: entries in @transitions
 * @transitions: changes of mode, newest first
 * @models: model slots
 * @lost: records that readers of now have lost
 * @lost_known: @lost counts
 * @m: what it is judged by, and how its values are to be read
 * @agent: status of the agent
 */
struct top_sample {
	uint64_t time_ns;
	int64_t realtime_s;
	struct mlproxy_list_entry entry;
	struct mlproxy_mode mode;
	struct mlproxy_stats stats;
	bool judged;
	struct mlproxy_efficiency eff;
	struct mlproxy_evidence verdicts[MLPROXY_ROOM_VERDICTS];
	unsigned int nr_transitions;
	struct mlproxy_transition transitions[MLPROXY_MAX_TRANSITIONS];
	struct mlproxy_model_info models;
	uint64_t lost;
	bool lost_known;
	struct measures m;
	struct top_agent agent;
};

#endif /* MLPROXY_TOP_SAMPLE_H */
