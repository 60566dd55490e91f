/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A contextual bandit whose best policy is known, the world of mlproxy_synth, as
 * an in-memory data set and as kernel records.
 */
#ifndef _MLPROXY_TEST_BANDIT_H
#define _MLPROXY_TEST_BANDIT_H

#include <stdbool.h>
#include "mlproxy_dataset.h"

#define BANDIT_ACTIONS	4
#define BANDIT_FEATURES	3

/**
 * struct bandit - how a log is made
 * @seed: of everything
 * @explore: share of uniformly random actions; the rest is the baseline, 0
 * @noise: largest noise on the reward, of 1000
 * @lower: the reward is a cost
 * @omit: bit mask of actions that are never allowed
 */
struct bandit {
	uint64_t seed;
	double explore;
	int noise;
	bool lower;
	uint32_t omit;
};

/* 0 to below 1; @state is mix64_next()'s */
double bandit_uniform(uint64_t *state);

void bandit_schema(struct mlds_schema *schema, bool lower);
void bandit_context(uint64_t *state, int64_t *f);
uint32_t bandit_best(const int64_t *f);
int64_t bandit_reward(const struct bandit *b, uint32_t action, const int64_t *f,
		      uint64_t *state);
/* Mean reward of an action, without the noise. */
double bandit_mean(const struct bandit *b, uint32_t action, const int64_t *f);

/* A log of @n decisions; mlds_free() it. */
int bandit_log(const struct bandit *b, size_t n, struct mlds_data *data);

/* The records of row @i, as the kernel would write them. */
struct bandit_decision {
	struct mlproxy_rec_decision d;
	int64_t features[BANDIT_FEATURES];
};

void bandit_records(const struct mlds_data *data, size_t i, struct bandit_decision *d,
		    struct mlproxy_rec_feedback *f);

#endif /* _MLPROXY_TEST_BANDIT_H */
