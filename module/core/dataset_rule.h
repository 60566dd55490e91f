/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which decisions belong to a requested data set: plain arithmetic, shared with the
 * unit tests.
 *
 * A decision must pass all ranges, and be drawn: a hash of its id and a secret, so
 * that the draw depends on nothing that was decided, and is the same for whoever
 * asks twice.
 */
#ifndef _MLPROXY_DATASET_RULE_H
#define _MLPROXY_DATASET_RULE_H

#include "split.h"

/**
 * struct dataset_rule - what a data set takes; constant, checked
 * @secret: of the draw
 * @sample: share of the decisions, 1 to 65536
 * @nr_filters: valid entries in @filters
 * @filters: ranges of features
 */
struct dataset_rule {
	u64 secret;
	u32 sample;
	u32 nr_filters;
	struct mlproxy_filter filters[MLPROXY_MAX_FILTERS];
};

/**
 * dataset_wants() - does a decision belong to the data set
 * @rule: the rule
 * @id: decision id
 * @features: the context, in schema order
 */
static inline bool dataset_wants(const struct dataset_rule *rule, u64 id,
				 const s64 *features)
{
	u32 i;

	for (i = 0; i < rule->nr_filters; i++) {
		const struct mlproxy_filter *f = &rule->filters[i];

		if (features[f->feature] < f->min || features[f->feature] > f->max)
			return false;
	}
	return (mix64(rule->secret ^ mix64(id)) >> 48) < rule->sample;
}

/**
 * dataset_rule_ok() - can a request be obeyed
 * @cmd: what user space asked for, a copy
 * @nr_features: features of the schema
 */
static inline bool dataset_rule_ok(const struct mlproxy_dataset *cmd, u32 nr_features)
{
	u32 i;

	if (cmd->trigger >= MLPROXY_NR_TRIGGERS || cmd->sample > MLPROXY_SHARE_ONE ||
	    cmd->nr_filters > MLPROXY_MAX_FILTERS)
		return false;
	if (cmd->event >= (cmd->trigger == MLPROXY_TRIGGER_EVENT ? MLPROXY_EVENT_SNAPSHOT : 1))
		return false;
	for (i = 0; i < cmd->nr_filters; i++) {
		const struct mlproxy_filter *f = &cmd->filters[i];

		if (f->feature >= nr_features || f->reserved || f->min > f->max)
			return false;
	}
	return true;
}

#endif /* _MLPROXY_DATASET_RULE_H */
