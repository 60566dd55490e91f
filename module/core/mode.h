/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mode of a proxy: the mode machine of mode_rules.h in the kernel.
 *
 * What a decision needs is in struct mlproxy: the mode, the number of the running
 * experiment, a request for emergency. Everything else belongs to
 * struct mlproxy_modes and its raw spinlock, which is taken with interrupts off, for
 * a bounded time, and inside of proxy->lock where both are held.
 *
 * A look at the counters is made by irq_work, in the middle of whatever the CPU does,
 * so that no scheduler, and no real-time hog, can delay a step back. Snapshots and
 * corrections, which may sleep, follow on a workqueue.
 */
#ifndef _MLPROXY_MODE_H
#define _MLPROXY_MODE_H

#include <linux/atomic.h>

#include "core.h"
#include "efficiency.h"

#define MODE_LOOK_OUTCOMES	64	/* of a CPU, between two looks */
#define MODE_LOOK_DECISIONS	256	/* the same, where no outcomes come */
#define MODE_LOOK_ERRORS	16	/* the same, of reported errors */
#define MODE_LATENCY_EVERY	16	/* decisions of a CPU, of which one is timed */
#define MODE_RECHECK_NS		NSEC_PER_MSEC	/* between two looks in emergency */

int mlproxy_mode_init(struct mlproxy *proxy);
void mlproxy_mode_exit(struct mlproxy *proxy);
void mlproxy_mode_free(struct mlproxy *proxy);
void mlproxy_mode_reset(struct mlproxy *proxy);
void mlproxy_mode_sync(struct mlproxy *proxy);

int mlproxy_set_mode(struct mlproxy *proxy, u32 mode, bool automatic);
int mlproxy_mode_heartbeat(struct mlproxy *proxy, struct mlproxy_heartbeat *beat);
void mlproxy_mode_evidence(struct mlproxy *proxy, struct mlproxy_evidence *out);
void mlproxy_mode_fill(struct mlproxy *proxy, struct mlproxy_mode *out);
int mlproxy_mode_efficiency(struct mlproxy *proxy, struct mlproxy_efficiency *out,
			    struct mlproxy_transition *transitions, u32 room);
int mlproxy_mode_set_param(struct mlproxy *proxy, u32 param, u64 value);
int mlproxy_mode_get_param(struct mlproxy *proxy, u32 param, u64 *value);
void mlproxy_mode_set_model(struct mlproxy *proxy, u32 version);

void mlproxy_mode_kick(struct mlproxy *proxy);
void mlproxy_mode_measure(struct mlproxy *proxy, u64 begin_ns);
u32 mlproxy_mode_alarm(struct mlproxy *proxy, u64 now_ns);
void mlproxy_mode_request_emergency(struct mlproxy *proxy, u32 reason, s64 value, s64 limit);
void mlproxy_mode_count(struct mlproxy *proxy, const struct mlproxy_decision *decision,
			s64 reward);

const char *mlproxy_reason_name(u32 reason);

/**
 * mode_of_decision() - the mode that a decision is made in
 * @proxy: running
 * @now_ns: clock
 *
 * Emergency already for the very decision that finds its cause. Context: as
 * mlproxy_decide().
 */
static inline u32 mode_of_decision(struct mlproxy *proxy, u64 now_ns)
{
	u32 mode = READ_ONCE(proxy->mode);

	if (mode != MLPROXY_MODE_EMERGENCY &&
	    (proxy->critical || unlikely(READ_ONCE(proxy->agent_deadline_ns)) ||
	     unlikely(atomic_read(&proxy->emergency))))
		mode = mlproxy_mode_alarm(proxy, now_ns);
	return mode;
}

/**
 * mode_after_decision() - measure, and have a look made where one is due
 * @proxy: running
 * @d: the decision
 * @begin_ns: clock when it began
 *
 * A look follows outcomes; this is for where none come, and for the way out of an
 * emergency. Context: as mlproxy_decide(), preemption off.
 */
static inline void mode_after_decision(struct mlproxy *proxy,
				       const struct mlproxy_decision *d, u64 begin_ns)
{
	u32 count = (u32)d->id;

	if (d->mode == MLPROXY_MODE_EMERGENCY) {
		if (unlikely(begin_ns >= READ_ONCE(proxy->next_look_ns)))
			mlproxy_mode_kick(proxy);
		return;
	}
	if (unlikely(count % MODE_LATENCY_EVERY == 0))
		mlproxy_mode_measure(proxy, begin_ns);
	if (unlikely(count % MODE_LOOK_DECISIONS == 0))
		mlproxy_mode_kick(proxy);
}

#endif /* _MLPROXY_MODE_H */
