/* SPDX-License-Identifier: GPL-2.0-only */
/* The mode machine of a proxy, for mode*.c and heartbeat.c alone. */
#ifndef _MLPROXY_MODE_PRIV_H
#define _MLPROXY_MODE_PRIV_H

#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "mode_rules.h"

/* A request for emergency whose numbers are being written. */
#define MODE_REQUEST_CLAIMED	U32_MAX

#define MODE_MAX_AGENTS		64	/* sessions that send heartbeats */

/**
 * struct mode_sums - outcomes counted by one CPU
 * @seq: of @sums.arm: a look that meets an outcome being added reads again
 * @sums: since the module was loaded
 */
struct mode_sums {
	seqcount_t seq;
	struct eff_sums sums;
};

/**
 * struct mlproxy_modes - the mode machine of a proxy
 * @lock: of all here but where said; lock_modes() and unlock_modes()
 * @machine: what it knows
 * @config: parameters
 * @total: sums of all CPUs, as of the last look
 * @version: of the active model, 0 for none
 * @activated: it became active since the last look
 * @seen: candidates by source, as of the last look
 * @seen_at: decisions at the last look that found new candidates, by source
 * @proposed: does a source propose actions, by the last look
 * @silent_since_ns: last heartbeat of the agent whose deadline is the earliest
 * @silence_ns: how long that one may be silent; 0 if it was closed without leaving
 * @evaluations: looks
 * @changes: transitions since the initialisation
 * @told: of these, the kernel's log was told
 * @log: the last transitions, @changes modulo its size is the next place
 * @correct: reason for which a correction is due, 0 for none; for @work
 * @request_value: evidence of the request for emergency
 * @request_limit: the same
 * @looked_ns: clock of the last look; written under @lock
 * @pause_ns: shortest time between two looks that nothing forces; constant
 * @soon: a look was asked for, as soon as @pause_ns allows; no lock
 * @again: a look found @lock taken; no lock
 * @paused: no look is made; written under @lock
 * @agents: struct mlproxy_agent of the sessions that send heartbeats; proxy->lock
 * @nr_agents: their number; proxy->lock
 * @lost_ns: last heartbeat of an agent that was closed without leaving, 0 for none;
 *	proxy->lock
 * @proxy: whose
 * @look: makes a look, or sets @timer
 * @timer: makes a look
 * @work: publishes a snapshot and corrects
 */
struct mlproxy_modes {
	raw_spinlock_t lock;	/* taken with interrupts off */
	struct mode_machine machine;
	struct mode_config config;
	struct eff_sums total;
	u32 version;
	bool activated;
	u64 seen[MLPROXY_NR_SOURCES];
	u64 seen_at[MLPROXY_NR_SOURCES];
	bool proposed[MLPROXY_NR_SOURCES];
	u64 silent_since_ns;
	u64 silence_ns;
	u64 evaluations;
	u64 changes;
	u64 told;
	struct mlproxy_transition log[MLPROXY_MAX_TRANSITIONS];
	u32 correct;
	s64 request_value;
	s64 request_limit;
	u64 looked_ns;
	u64 pause_ns;
	bool soon;
	atomic_t again;
	bool paused;
	struct list_head agents;
	u32 nr_agents;
	u64 lost_ns;
	struct mlproxy *proxy;
	struct irq_work look;
	struct hrtimer timer;
	struct work_struct work;
};

/**
 * lock_modes() - take the machine's lock
 * @ms: the machine
 *
 * Context: any but NMI. Return: for unlock_modes().
 */
static inline unsigned long lock_modes(struct mlproxy_modes *ms)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ms->lock, flags);
	return flags;
}

/**
 * unlock_modes() - let go of it; a look that found it taken is made after all
 * @ms: the machine
 * @flags: from lock_modes()
 */
static inline void unlock_modes(struct mlproxy_modes *ms, unsigned long flags)
{
	raw_spin_unlock_irqrestore(&ms->lock, flags);
	smp_mb(); /* let go, before it is asked who came meanwhile; see try_lock_modes() */
	if (unlikely(atomic_read(&ms->again)) && atomic_xchg(&ms->again, 0))
		irq_work_queue(&ms->look);
}

/**
 * try_lock_modes() - take the lock, or leave a note that a look is wanted
 * @ms: the machine
 * @flags: out: for unlock_modes()
 *
 * Context: any but NMI. Return: is it taken.
 */
static inline bool try_lock_modes(struct mlproxy_modes *ms, unsigned long *flags)
{
	if (raw_spin_trylock_irqsave(&ms->lock, *flags))
		return true;
	atomic_set(&ms->again, 1);
	smp_mb(); /* the note, before a last try; pairs with unlock_modes() */
	return raw_spin_trylock_irqsave(&ms->lock, *flags);
}

/* mode_look.c */
unsigned long lock_and_gather(struct mlproxy *proxy, struct mode_input *in)
	__acquires(&proxy->modes->lock);
void mode_note(struct mlproxy *proxy, const struct mlproxy_transition *t);
void mode_show(struct mlproxy *proxy);
void mode_pace(struct mlproxy *proxy, const struct mode_input *in);
bool mode_judge(struct mlproxy *proxy, struct mode_input *in);
void mode_follow_up(struct mlproxy *proxy);
void mode_look_now(struct mlproxy *proxy);
void mode_look_init(struct mlproxy_modes *ms);
void mode_look_pause(struct mlproxy_modes *ms);

/* mode_log.c */
void mode_tell(struct mlproxy *proxy);

/* mode_param.c */
void mlproxy_mode_defaults(struct mlproxy *proxy);

#endif /* _MLPROXY_MODE_PRIV_H */
