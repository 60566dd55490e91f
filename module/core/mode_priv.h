/* SPDX-License-Identifier: GPL-2.0-only */
/* The mode machine of a proxy, for mode*.c and heartbeat.c alone. */
#ifndef _MLPROXY_MODE_PRIV_H
#define _MLPROXY_MODE_PRIV_H

#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "mode_round.h"
#include "mode_rules.h"
#include "mode_sums.h"

/* A request for emergency whose numbers are being written. */
#define MODE_REQUEST_CLAIMED	U32_MAX

#define MODE_MAX_AGENTS		64	/* sessions that send heartbeats */

/**
 * struct mode_silence - the agent that is to be heard first
 * @deadline_ns: when; 0 if no agent is waited for
 * @since_ns: last heartbeat of that one
 * @allowed_ns: how long it may be silent; 0 if it was closed without leaving
 */
struct mode_silence {
	u64 deadline_ns;
	u64 since_ns;
	u64 allowed_ns;
};

/**
 * struct mode_counts - what looks see of struct mlproxy_counters
 * @decisions: made
 * @candidates: by the source that proposed an action
 * @refused: proposed actions that were not legal
 * @errors: reported
 * @latency_samples: measured decisions
 * @latency_over: of these, beyond the budget
 */
struct mode_counts {
	u64 decisions;
	u64 candidates[MLPROXY_NR_SOURCES];
	u64 refused;
	u64 errors;
	u64 latency_samples;
	u64 latency_over;
};

/**
 * struct mode_cpu - what one CPU has for looks
 * @marked: it is in the bit map of those that have something; the CPU sets it, looks
 *	clear it
 * @sums: outcomes
 * @seen: counters as they were when a look took them; of looks
 */
struct mode_cpu {
	u32 marked;
	struct mode_sums sums;
	struct mode_counts seen;
};

/**
 * struct mlproxy_modes - the mode machine of a proxy
 * @lock: of all here but where said; lock_modes() and unlock_modes()
 * @machine: what it knows
 * @config: parameters
 * @total: sums of all CPUs and all experiments, as far as looks have gathered them
 * @ledger: the same of the ledger
 * @costs: the same of what the system paid, of all outer experiments
 * @counts: counters of all CPUs, as far as looks have gathered them
 * @next_cpu: where the next look goes on
 * @version: of the active model, 0 for none
 * @activated: it became active since the last look
 * @seen: candidates by source, as of the last look
 * @seen_at: decisions at the last look that found new candidates, by source
 * @proposed: does a source propose actions, by the last look
 * @silence: of the agents of the proxy, and of an instance's whole
 * @evaluations: looks
 * @changes: transitions since the initialisation
 * @told: of these, the kernel's log was told
 * @log: the last transitions, @changes modulo its size is the next place
 * @correct: reason for which a correction is due, 0 for none; for @work
 * @request_value: evidence of the request for emergency
 * @request_limit: the same
 * @looked_ns: clock of the last look; written under @lock
 * @gathered_ns: all that was counted before is gathered
 * @judged_ns: all that was counted before is judged; written under @lock
 * @to_judge: the last look gathered, and left judging to the next
 * @began_ns: begin of the look that is under way
 * @look_ns_max: longest look since the initialisation
 * @soon: a look was asked for, as soon as MODE_PAUSE_NS allows; no lock
 * @again: a look found @lock taken; no lock
 * @paused: no look is made; written under @lock
 * @agents: struct mlproxy_agent of the sessions that send heartbeats; proxy->lock
 * @nr_agents: their number; proxy->lock
 * @lost_ns: last heartbeat of an agent that was closed without leaving, 0 for none;
 *	proxy->lock
 * @whole_silence: of an instance: of the agents of its whole; proxy->lock
 * @proxy: whose
 * @look: makes a look, or sets @timer
 * @timer: makes a look
 * @work: publishes a snapshot and corrects
 * @marked: bit map of the CPUs that have something to gather; no lock
 * @unjudged: what was counted since the last look, up to MODE_LOOK_OUTCOMES; no lock
 */
struct mlproxy_modes {
	raw_spinlock_t lock;	/* taken with interrupts off */
	struct mode_machine machine;
	struct mode_config config;
	struct eff_sums total;
	struct eff_sums ledger;
	struct eff_sums costs;
	struct mode_counts counts;
	unsigned int next_cpu;
	u32 version;
	bool activated;
	u64 seen[MLPROXY_NR_SOURCES];
	u64 seen_at[MLPROXY_NR_SOURCES];
	bool proposed[MLPROXY_NR_SOURCES];
	struct mode_silence silence;
	u64 evaluations;
	u64 changes;
	u64 told;
	struct mlproxy_transition log[MLPROXY_MAX_TRANSITIONS];
	u32 correct;
	s64 request_value;
	s64 request_limit;
	u64 looked_ns;
	u64 gathered_ns;
	u64 judged_ns;
	bool to_judge;
	u64 began_ns;
	u64 look_ns_max;
	bool soon;
	atomic_t again;
	bool paused;
	struct list_head agents;
	u32 nr_agents;
	u64 lost_ns;
	struct mode_silence whole_silence;
	struct mlproxy *proxy;
	struct irq_work look;
	struct hrtimer timer;
	struct work_struct work;
	unsigned long *marked;
	/* The only line that CPUs which count write in common, and no more than needed. */
	atomic_t unjudged ____cacheline_aligned_in_smp;
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

/* mode_gather.c */
int mode_gather_init(struct mlproxy *proxy);
void mode_gather_reset(struct mlproxy *proxy);
void mode_gather_free(struct mlproxy *proxy);
bool mode_gather(struct mlproxy *proxy, struct mode_round *round, unsigned int budget);

/* mode_look.c */
unsigned long lock_and_gather(struct mlproxy *proxy, struct mode_input *in)
	__acquires(&proxy->modes->lock);
void mode_look_end(struct mlproxy_modes *ms);
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
