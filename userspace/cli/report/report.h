/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mlproxy report: what a run was, in figures, and the ways to write them down.
 *
 *	cmd_report.c	options
 *	report.c	all figures
 *	data.c		time, bins, arms, changes of mode, losses
 *	verdict.c	the result in a sentence or two
 *	versions.c	each model version: before it ran, and while it ran
 *	stat.c		means with their intervals
 *	table.c		CSV and JSON
 *	plot.c		gnuplot
 *	html.c		the page
 *
 * A figure that can't be had is NAN, and is left out wherever it is written.
 */
#ifndef MLPROXY_CLI_REPORT_H
#define MLPROXY_CLI_REPORT_H

#include "evidence.h"
#include "learn_report.h"
#include "stat.h"

#define REPORT_MAX_VERSIONS	64
#define REPORT_MAX_MODELS	16
#define REPORT_TEXT		320
#define REPORT_NR_STRATA	(MLPROXY_NR_MODES + 1)

/**
 * struct report_bin - a piece of time
 * @time_s: its middle
 * @arm: reward by arm
 * @lost: records lost in it
 */
struct report_bin {
	double time_s;
	struct report_stat arm[MLPROXY_NR_ARMS];
	uint64_t lost;
};

/**
 * struct report_stratum - decisions of one mode, or of all
 * @name: of the mode, or "all"
 * @arm: reward by arm
 * @gain: of the model's arm over the other, positive is better; for all modes
 *	together it is the mean of the modes' gains by their decisions, since arms
 *	are drawn at random only within a mode
 */
struct report_stratum {
	const char *name;
	struct report_stat arm[MLPROXY_NR_ARMS];
	struct report_stat gain;
};

/**
 * struct report_version - one version of the in-kernel model
 * @version: number
 * @from_s: first decision that asked it
 * @to_s: last one
 * @realised: reward where it was followed
 * @realised_gain: over the baseline's arm of the same decisions
 * @own: what always following it would earn, inverse propensity over the drawn
 *	decisions that asked it
 * @before: NAN, or what always following it would earn, doubly robust, from records
 *	of before it ran
 * @before_ips: the same by inverse propensity alone
 * @before_gain: the same, over the baseline
 * @note: why @before is NAN, or what to keep in mind
 * @error: outcome less prediction
 * @abs_error: mean of its size
 * @error_bin: @error by bin
 * @abs_error_bin: @abs_error by bin
 */
struct report_version {
	uint32_t version;
	double from_s;
	double to_s;
	struct report_stat realised;
	struct report_stat realised_gain;
	struct report_stat own;
	struct report_stat before;
	struct report_stat before_ips;
	struct report_stat before_gain;
	char note[REPORT_TEXT];
	struct report_stat error;
	struct report_stat abs_error;
	struct report_stat *error_bin;
	struct report_stat *abs_error_bin;
};

/**
 * struct report_action - how often an action was taken
 * @arm: by arm
 * @all: in all decisions, the explored ones among them
 * @reward: of all
 */
struct report_action {
	uint64_t arm[MLPROXY_NR_ARMS];
	uint64_t all;
	struct report_stat reward;
};

/**
 * struct report_change - a change of mode
 * @time_s: when
 * @c: what
 */
struct report_change {
	double time_s;
	struct mlds_change c;
};

/**
 * struct report_model - a model file that the user gave
 * @version: that the kernel gave it, 0 if it is the only one
 * @path: file
 */
struct report_model {
	uint32_t version;
	const char *path;
};

/**
 * struct report - all that is written down
 * @data: decisions with outcome
 * @log: the rest
 * @nr_bins: entries in @bin
 * @bin: pieces of time
 * @length_s: of all runs, one behind the other
 * @offset_s: start of each run on that scale, by run
 * @start_ns: time of the first record of each run, by run
 * @nr_runs: entries in both
 * @m: what it is judged by
 * @reward: what is rewarded. All figures are in its unit, but for those in @data and @log,
 *	and the value and limit of a change; a change that another measure was asked for is
 *	in that one's
 * @stratum: all, then by mode
 * @ledger: the same of the ledger, of the rows that have one, in its unit
 * @action: by action
 * @arms_known: the records say which arm they count for; else it is derived
 * @nr_versions: entries in @version
 * @version: model versions, in ascending order
 * @nr_changes: entries in @change
 * @change: changes of mode, by time
 * @first_mode: mode before the first change
 */
struct report {
	struct mlds_data data;
	struct mlds_log log;
	size_t nr_bins;
	struct report_bin *bin;
	double length_s;
	double *offset_s;
	uint64_t *start_ns;
	size_t nr_runs;
	struct measures m;
	struct mlproxy_feature reward;
	struct report_stratum stratum[REPORT_NR_STRATA];
	struct report_stratum ledger[REPORT_NR_STRATA];
	struct report_action action[MLPROXY_MAX_ACTIONS];
	bool arms_known;
	unsigned int nr_versions;
	struct report_version version[REPORT_MAX_VERSIONS];
	size_t nr_changes;
	struct report_change *change;
	uint32_t first_mode;
};

/**
 * report_make() - the figures of data sets
 * @r: out, all zero before; report_free() it
 * @paths: files
 * @nr_paths: how many
 * @nr_bins: pieces of time
 * @models: model files
 * @nr_models: how many
 *
 * Return: an exit code.
 */
int report_make(struct report *r, char **paths, int nr_paths, size_t nr_bins,
		const struct report_model *models, unsigned int nr_models);

/** report_free() - free it */
void report_free(struct report *r);

#endif /* MLPROXY_CLI_REPORT_H */
