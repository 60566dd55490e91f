/* SPDX-License-Identifier: GPL-2.0-only */
/* What the decision path needs of the mode machine; see mode_path.c. */
#ifndef _MLPROXY_MODE_PATH_H
#define _MLPROXY_MODE_PATH_H

#include <linux/atomic.h>
#include <linux/time64.h>

#include "core.h"
#include "trust.h"

/*
 * Looks are made MODE_PAUSE_NS apart at least; after MODE_LOOK_OUTCOMES outcomes and errors
 * of all CPUs together, or MODE_LOOK_DECISIONS decisions of one, as soon as that allows; and
 * MODE_JUDGE_NS after the one before, if there is anything new at all. A request for
 * emergency waits for nothing.
 */
#define MODE_PAUSE_NS		NSEC_PER_MSEC
#define MODE_JUDGE_NS		(20 * NSEC_PER_MSEC)
#define MODE_LOOK_OUTCOMES	64
#define MODE_LOOK_DECISIONS	256
#define MODE_LATENCY_EVERY	16	/* decisions of a CPU, of which one is timed */

void mlproxy_mode_kick(struct mlproxy *proxy);
void mlproxy_mode_unjudged(struct mlproxy *proxy);
void mlproxy_mode_stirred(struct mlproxy *proxy);
void mlproxy_mode_measure(struct mlproxy *proxy, u64 begin_ns);
u32 mlproxy_mode_alarm(struct mlproxy *proxy, u64 trust, bool critical, u64 now_ns);
void mlproxy_mode_refused(struct mlproxy *proxy);
void mlproxy_mode_untested(struct mlproxy *proxy, u32 source, u32 version);
void mlproxy_mode_request_emergency(struct mlproxy *proxy, u32 reason, s64 value, s64 limit);
void mlproxy_mode_count(struct mlproxy *proxy, const struct mlproxy_decision *decision,
			const struct mlproxy_outcome *outcome);
void mlproxy_mode_count_lost(struct mlproxy *proxy, const struct mlproxy_decision *decision);

/** mlproxy_mode_of() - MLPROXY_MODE_* that is in force. Context: any */
static inline u32 mlproxy_mode_of(const struct mlproxy *proxy)
{
	return trust_mode(READ_ONCE(proxy->trust));
}

/** mlproxy_is_automatic() - does the mode machine govern. Context: any */
static inline bool mlproxy_is_automatic(const struct mlproxy *proxy)
{
	return !(READ_ONCE(proxy->trust) & TRUST_FIXED);
}

/**
 * mode_count() - count an outcome, if it is one of an arm of the running experiment
 * @proxy: the proxy
 * @decision: whose outcome it is
 * @outcome: within the schema's ranges
 *
 * Outcomes of decisions of an earlier experiment are left out. Context: as
 * mlproxy_decide(), preemption off.
 */
static inline void mode_count(struct mlproxy *proxy, const struct mlproxy_decision *decision,
			      const struct mlproxy_outcome *outcome)
{
	if (decision->arm < MLPROXY_NR_ARMS &&
	    decision->experiment == READ_ONCE(proxy->experiment))
		mlproxy_mode_count(proxy, decision, outcome);
}

/**
 * mode_of_decision() - the mode that a decision is made in, so far
 * @proxy: running
 * @trust: its word, as read for this decision
 * @now_ns: clock
 *
 * Emergency already for the very decision that finds its cause. Context: as
 * mlproxy_decide().
 */
static inline u32 mode_of_decision(struct mlproxy *proxy, u64 trust, u64 now_ns)
{
	u32 mode = trust_mode(trust);
	bool critical;

	if (mode == MLPROXY_MODE_EMERGENCY)
		return mode;
	critical = proxy->critical && proxy->critical(proxy->priv);
	if (unlikely(critical || READ_ONCE(proxy->agent_deadline_ns) ||
		     atomic_read(&proxy->emergency)))
		return mlproxy_mode_alarm(proxy, trust, critical, now_ns);
	return mode;
}

/**
 * mode_measures_next() - is the next decision to be measured
 * @proxy: running
 * @mode: MLPROXY_MODE_* that it will be made in, as far as is known
 *
 * Context: as mlproxy_decide(), preemption off.
 */
static inline bool mode_measures_next(const struct mlproxy *proxy, u32 mode)
{
	return this_cpu_read(proxy->counters->by_mode[mode]) % MODE_LATENCY_EVERY ==
	       MODE_LATENCY_EVERY - 1;
}

/**
 * mode_after_decision() - measure, and have a look made where one is due
 * @proxy: running
 * @d: the decision
 * @count: decisions of its mode that this CPU has made
 * @begin_ns: clock when it began, 0 if it was not read
 *
 * A look follows outcomes; this is for where none come, and for the way out of an
 * emergency. Context: as mlproxy_decide(), preemption off.
 */
static inline void mode_after_decision(struct mlproxy *proxy,
				       const struct mlproxy_decision *d, u64 count,
				       u64 begin_ns)
{
	if (d->mode == MLPROXY_MODE_EMERGENCY) {
		if (unlikely(begin_ns && begin_ns >= READ_ONCE(proxy->next_look_ns)))
			mlproxy_mode_kick(proxy);
		return;
	}
	/* Without a begin an interrupt has made the decision that was to be measured. */
	if (unlikely(count % MODE_LATENCY_EVERY == 0 && begin_ns))
		mlproxy_mode_measure(proxy, begin_ns);
	if (unlikely(count % MODE_LOOK_DECISIONS == 0))
		mlproxy_mode_stirred(proxy);
}

#endif /* _MLPROXY_MODE_PATH_H */
