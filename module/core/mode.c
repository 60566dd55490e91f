// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mode machine in the kernel, as it is set and asked from user space and by the
 * lifecycle of its proxy. What the decision path needs is in mode_path.c, looks at the
 * counters are in mode_look.c.
 */
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "heartbeat.h"
#include "mode.h"
#include "mode_path.h"
#include "mode_priv.h"

/**
 * mlproxy_set_mode() - fix the mode, or hand it back
 * @proxy: the proxy
 * @mode: MLPROXY_MODE_*; ignored where handed back
 * @automatic: hand it back
 *
 * Context: may sleep. Return: 0, -EINVAL for another @mode, -ENODEV.
 */
int mlproxy_set_mode(struct mlproxy *proxy, u32 mode, bool automatic)
{
	struct mlproxy_modes *ms = proxy->modes;
	struct mlproxy_transition t;
	struct mode_input in;
	unsigned long flags;
	int ret = 0;

	if (!automatic && mode >= MLPROXY_NR_MODES)
		return -EINVAL;
	mutex_lock(&proxy->lock);
	if (mlproxy_gone(proxy)) {
		ret = -ENODEV;
		goto out;
	}
	/* He knows of an agent that was lost, and does without it. */
	mlproxy_heartbeat_forget(proxy);
	flags = lock_and_gather(proxy, &in);
	mode_machine_set(&ms->machine, &in, mode, automatic, &t);
	mode_note(proxy, &t);
	mode_pace(proxy, &in);
	atomic_set(&proxy->emergency, 0);
	mode_look_end(ms);
	unlock_modes(ms, flags);
	mode_follow_up(proxy);
out:
	mutex_unlock(&proxy->lock);
	return ret;
}

/**
 * mlproxy_mode_set_model() - another model is about to become active
 * @proxy: the proxy, its lock held
 * @version: its version, 0 for none
 *
 * To be called before any decision can see it, so that none is made with it in a mode
 * that another one earned. Context: may sleep.
 */
void mlproxy_mode_set_model(struct mlproxy *proxy, u32 version)
{
	struct mlproxy_modes *ms = proxy->modes;
	unsigned long flags;

	lockdep_assert_held(&proxy->lock);
	flags = lock_modes(ms);
	ms->version = version;
	ms->activated = version;
	unlock_modes(ms, flags);
	mode_look_now(proxy);
}

/**
 * mlproxy_mode_restart() - the arms are drawn in another way from now on
 * @proxy: the proxy, its lock held
 *
 * To be called once decisions can see it: outcomes of those that are made from here on
 * belong to another experiment. Context: may sleep.
 */
void mlproxy_mode_restart(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;
	struct mode_input in;
	unsigned long flags;

	lockdep_assert_held(&proxy->lock);
	flags = lock_and_gather(proxy, &in);
	mode_machine_restart(&ms->machine, &in);
	mode_show(proxy);
	mode_look_end(ms);
	unlock_modes(ms, flags);
}

/* The last transition; with the lock held. */
static const struct mlproxy_transition *last(const struct mlproxy_modes *ms)
{
	return &ms->log[(ms->changes - 1) % MLPROXY_MAX_TRANSITIONS];
}

/**
 * mlproxy_mode_evidence() - the running experiment, as of the last look
 * @proxy: the proxy, not being destroyed
 * @verdict: MLPROXY_VERDICT_*
 * @out: out
 *
 * Context: any but NMI.
 */
void mlproxy_mode_evidence(struct mlproxy *proxy, u32 verdict, struct mlproxy_evidence *out)
{
	struct mlproxy_modes *ms = proxy->modes;
	unsigned long flags;

	flags = lock_modes(ms);
	if (verdict == MLPROXY_VERDICT_LEDGER)
		*out = ms->machine.verdicts.ledger;
	else if (verdict == MLPROXY_VERDICT_OUTER)
		*out = ms->machine.verdicts.outer;
	else
		*out = ms->machine.evidence;
	unlock_modes(ms, flags);
}

/**
 * mlproxy_mode_fill() - the mode and why
 * @proxy: the proxy
 * @out: out: all but size and flags
 *
 * Context: any but NMI.
 */
void mlproxy_mode_fill(struct mlproxy *proxy, struct mlproxy_mode *out)
{
	struct mlproxy_modes *ms = proxy->modes;
	unsigned long flags;

	flags = lock_modes(ms);
	out->mode = ms->machine.mode;
	out->reason = ms->machine.reason;
	out->since_ns = ms->machine.since_ns;
	out->automatic = ms->machine.automatic;
	out->changes = ms->changes;
	out->instance = proxy->instance;
	memset(&out->evidence, 0, sizeof(out->evidence));
	if (ms->changes)
		out->evidence = last(ms)->evidence;
	unlock_modes(ms, flags);
}

static void fill_efficiency(const struct mlproxy_modes *ms, struct mlproxy_efficiency *out,
			    struct mlproxy_transition *transitions, u32 room,
			    struct mlproxy_evidence *verdicts)
{
	u32 i;

	memset(verdicts, 0, MLPROXY_NR_VERDICTS * sizeof(*verdicts));
	verdicts[MLPROXY_VERDICT_REWARD] = ms->machine.evidence;
	verdicts[MLPROXY_VERDICT_LEDGER] = ms->machine.verdicts.ledger;
	verdicts[MLPROXY_VERDICT_OUTER] = ms->machine.verdicts.outer;
	out->stage = ms->machine.stage;
	out->stage_since_ns = ms->machine.stage_since_ns;
	out->needs = ms->machine.needs;

	out->mode = ms->machine.mode;
	out->automatic = ms->machine.automatic;
	out->trial = ms->machine.trial;
	out->hold_ns = out->mode == MLPROXY_MODE_EMERGENCY ?
		       mode_hold_ns(&ms->machine, &ms->config) : 0;
	out->evaluations = ms->evaluations;
	out->look_ns_max = ms->look_ns_max;
	out->evidence = ms->machine.evidence;
	out->count = min_t(u64, ms->changes, min_t(u32, room, MLPROXY_MAX_TRANSITIONS));
	for (i = 0; i < out->count; i++)
		transitions[i] = ms->log[(ms->changes - 1 - i) % MLPROXY_MAX_TRANSITIONS];
}

/* Wait until a look may be made, unless one is since @asked_ns. */
static int wait_for_turn(const struct mlproxy_modes *ms, u64 asked_ns)
{
	for (;;) {
		u64 looked_ns = READ_ONCE(ms->looked_ns), now_ns = ktime_get_mono_fast_ns();
		ktime_t wait;

		if (READ_ONCE(ms->judged_ns) >= asked_ns || now_ns - looked_ns >= MODE_PAUSE_NS)
			return 0;
		if (fatal_signal_pending(current))
			return -EINTR;
		wait = ns_to_ktime(looked_ns + MODE_PAUSE_NS - now_ns);
		set_current_state(TASK_KILLABLE);
		schedule_hrtimeout(&wait, HRTIMER_MODE_REL);
	}
}

/**
 * mlproxy_mode_efficiency() - the running experiment, and the last transitions
 * @proxy: the proxy
 * @out: out: all but size, flags and the pointer
 * @transitions: out: newest first
 * @room: entries that fit
 * @verdicts: out: by MLPROXY_VERDICT_*
 *
 * As of now. Who asks too often waits for his turn, so that looks are apart however many
 * ask. Context: may sleep. Return: 0, -ENODEV, or -EINTR when killed.
 */
int mlproxy_mode_efficiency(struct mlproxy *proxy, struct mlproxy_efficiency *out,
			    struct mlproxy_transition *transitions, u32 room,
			    struct mlproxy_evidence *verdicts)
{
	struct mlproxy_modes *ms = proxy->modes;
	u64 asked_ns = ktime_get_mono_fast_ns();
	unsigned long flags;
	int ret = wait_for_turn(ms, asked_ns);

	if (ret)
		return ret;
	mutex_lock(&proxy->lock);
	if (mlproxy_gone(proxy)) {
		ret = -ENODEV;
		goto out;
	}
	if (READ_ONCE(ms->judged_ns) < asked_ns)
		mode_look_now(proxy);
	flags = lock_modes(ms);
	fill_efficiency(ms, out, transitions, room, verdicts);
	unlock_modes(ms, flags);
out:
	mutex_unlock(&proxy->lock);
	return ret;
}

/* ------------------------------------------------------------------ */
/* Life                                                                */

/**
 * mlproxy_mode_init() - allocate and prepare the machine, in learning mode
 * @proxy: being made, with its schema
 *
 * Context: may sleep. Return: 0 or -ENOMEM; mlproxy_mode_free() undoes both.
 */
int mlproxy_mode_init(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = kzalloc(sizeof(*ms), proxy->gfp);
	int ret;

	if (!ms)
		return -ENOMEM;
	ms->proxy = proxy;
	mode_look_init(ms);
	INIT_LIST_HEAD(&ms->agents);
	proxy->modes = ms;
	ret = mode_gather_init(proxy);
	if (ret)
		return ret;
	mlproxy_mode_defaults(proxy);
	mode_machine_init(&ms->machine, ktime_get_mono_fast_ns());
	mode_show(proxy);
	return 0;
}

/**
 * mlproxy_mode_reset() - begin anew, in learning mode
 * @proxy: not running, no decision or feedback under way, its lock held
 */
void mlproxy_mode_reset(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;
	struct mlproxy_transition t;
	unsigned long flags;

	mlproxy_heartbeat_reset(proxy);
	flags = lock_modes(ms);
	t = (struct mlproxy_transition) {
		.time_ns = ktime_get_mono_fast_ns(),
		.from = ms->machine.mode,
		.to = MLPROXY_MODE_LEARNING,
		.reason = MLPROXY_REASON_REINIT,
	};
	mode_gather_reset(proxy);
	mode_machine_reset(&ms->machine, t.time_ns);
	mlproxy_mode_defaults(proxy);
	ms->version = 0;
	ms->activated = false;
	proxy->bpf_version = 0;
	proxy->rec_version = 0;
	memset(ms->seen, 0, sizeof(ms->seen));
	memset(ms->seen_at, 0, sizeof(ms->seen_at));
	memset(ms->proposed, 0, sizeof(ms->proposed));
	ms->evaluations = 0;
	mode_note(proxy, &t);
	/* What went before is not of this initialisation, nor is that. */
	ms->changes = 0;
	ms->told = 0;
	ms->correct = 0;
	ms->soon = false;
	ms->look_ns_max = 0;
	WRITE_ONCE(ms->looked_ns, 0);
	ms->gathered_ns = 0;
	WRITE_ONCE(ms->judged_ns, 0);
	ms->to_judge = false;
	WRITE_ONCE(ms->paused, false);
	atomic_set(&proxy->emergency, 0);
	unlock_modes(ms, flags);
}

/**
 * mlproxy_mode_pause() - make no looks until mlproxy_mode_reset()
 * @proxy: without decisions under way
 *
 * None is under way once this returns. Context: may sleep.
 */
void mlproxy_mode_pause(struct mlproxy *proxy)
{
	mode_look_pause(proxy->modes);
}

/**
 * mlproxy_mode_exit() - nothing of the machine runs once this returns
 * @proxy: destroyed, its lock not held
 *
 * Context: may sleep.
 */
void mlproxy_mode_exit(struct mlproxy *proxy)
{
	mutex_lock(&proxy->lock);
	mlproxy_heartbeat_reset(proxy);
	mutex_unlock(&proxy->lock);
	mode_look_pause(proxy->modes);
	cancel_work_sync(&proxy->modes->work);
}

/**
 * mlproxy_mode_free() - free the machine
 * @proxy: the proxy, after mlproxy_mode_exit() or with a failed init
 */
void mlproxy_mode_free(struct mlproxy *proxy)
{
	if (!proxy->modes)
		return;
	mode_gather_free(proxy);
	kfree(proxy->modes);
}
