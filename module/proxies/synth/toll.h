/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What mlproxy_synth's system pays, and what its policies cost it that no reward says;
 * see toll.c.
 */
#ifndef _SYNTH_TOLL_H
#define _SYNTH_TOLL_H

#include <mlproxy/mlproxy.h>

/**
 * struct synth_toll - what comes of one decision, beside its reward
 * @cost: what the system pays now
 * @ledger: what the decision brings in the ledger
 * @lost: its outcome will not come
 */
struct synth_toll {
	u64 cost;
	s64 ledger;
	bool lost;
};

/**
 * synth_toll_describe() - have the proxy report costs, a ledger, and defer decisions, as the
 * parameters say
 * @desc: in and out: description
 *
 * Return: 0, or -EINVAL for a parameter that makes no sense.
 */
int synth_toll_describe(struct mlproxy_desc *desc);

/** synth_has_toll() - is there anything to report but the reward */
bool synth_has_toll(void);

/**
 * synth_toll() - what a decision costs
 * @key: entity, any
 * @follows: the action is not the baseline's
 * @random: 64 random bits
 * @toll: out
 *
 * Context: one at a time.
 */
void synth_toll(u64 key, bool follows, u64 random, struct synth_toll *toll);

/**
 * synth_toll_report() - tell the proxy of the cost, and of the outcome
 * @proxy: the proxy
 * @key: entity
 * @decision: what was decided
 * @reward: of it
 * @toll: from synth_toll()
 *
 * Context: as mlproxy_decide().
 */
void synth_toll_report(struct mlproxy *proxy, u64 key, const struct mlproxy_decision *decision,
		       s64 reward, const struct synth_toll *toll);

/** synth_audit() - callback: what came of a decision that nobody resolved */
bool synth_audit(void *priv, u64 token, const struct mlproxy_decision *decision, u32 why,
		 struct mlproxy_outcome *outcome);

#endif /* _SYNTH_TOLL_H */
