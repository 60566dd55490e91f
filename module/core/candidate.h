/* SPDX-License-Identifier: GPL-2.0-only */
/* What is proposed for a decision; see candidate.c. */
#ifndef _MLPROXY_CORE_CANDIDATE_H
#define _MLPROXY_CORE_CANDIDATE_H

#include <linux/types.h>

struct mlproxy;
struct mlproxy_request;

#define NO_CANDIDATE 0xffU

/**
 * struct candidate - what the model side proposes for a decision
 * @action: action, NO_CANDIDATE for none
 * @source: MLPROXY_SRC_* of @action
 * @version: version of the model or recommendation
 * @predicted: predicted reward, 0 where unknown
 * @has_prediction: is @predicted one
 * @untested: is it of a logic that is not under test
 */
struct candidate {
	u32 action;
	u32 source;
	u32 version;
	s64 predicted;
	bool has_prediction;
	bool untested;
};

void mlproxy_candidate(struct mlproxy *proxy, const struct mlproxy_request *req,
		       u32 allowed, u64 now_ns, struct candidate *c);

#endif /* _MLPROXY_CORE_CANDIDATE_H */
