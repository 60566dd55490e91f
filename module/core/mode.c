// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mode machine in the kernel: gathering what the CPUs counted, looking at it,
 * carrying out what the rules say, and telling of it.
 *
 * Outcomes of each arm are summed per CPU and never set back while the proxy runs;
 * an experiment subtracts what there was at its begin. A look reads the sums of other
 * CPUs while these count: it may see half of one outcome of each, no more.
 *
 * Contexts: all here may sleep and takes proxy->lock, or has it where said, but for the
 * looks; what the decision path needs is in mode_path.c.
 */
#include <linux/irq_work.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "device.h"
#include "mode.h"
#include "mode_path.h"
#include "mode_priv.h"
#include "publish.h"
#include "state.h"

/* Versions of logic that is no model; models count from 1. */
#define VERSION_BPF		(U32_MAX - 1)
#define VERSION_RECOMMENDATION	U32_MAX

/* ------------------------------------------------------------------ */
/* Gathering                                                           */

/* Has a source proposed actions lately? That it stopped only shows in decisions. */
static bool proposes(struct mlproxy_modes *ms, u32 source, const u64 *candidates,
		     u64 decisions)
{
	if (candidates[source] != ms->seen[source]) {
		ms->seen[source] = candidates[source];
		ms->seen_at[source] = decisions;
		ms->proposed[source] = true;
	} else if (decisions - ms->seen_at[source] >= MODE_LOOK_DECISIONS) {
		ms->proposed[source] = false;
	}
	return ms->proposed[source];
}

/*
 * Which logic the arm of the model is made of: an eBPF program goes before the model,
 * and recommendations count where there is neither.
 */
static u32 logic_version(struct mlproxy_modes *ms, const u64 *candidates, u64 decisions)
{
	bool bpf = proposes(ms, MLPROXY_SRC_BPF, candidates, decisions);
	bool rec = proposes(ms, MLPROXY_SRC_RECOMMENDATION, candidates, decisions);

	if (bpf)
		return VERSION_BPF;
	if (ms->version)
		return ms->version;
	return rec ? VERSION_RECOMMENDATION : 0;
}

static bool cause_lasts(struct mlproxy *proxy, u32 reason, u64 now_ns)
{
	u64 deadline_ns = READ_ONCE(proxy->agent_deadline_ns);

	switch (reason) {
	case MLPROXY_REASON_CRITICAL:
		return proxy->critical && mlproxy_is_running(proxy) &&
		       proxy->critical(proxy->priv);
	case MLPROXY_REASON_AGENT_LOST:
		return deadline_ns && now_ns > deadline_ns;
	case MLPROXY_REASON_BAD_STATE:
		return READ_ONCE(proxy->health) == MLPROXY_HEALTH_BAD;
	}
	return false;
}

static void gather(struct mlproxy *proxy, struct mode_input *in)
{
	struct mlproxy_modes *ms = proxy->modes;
	u64 candidates[MLPROXY_NR_SOURCES] = {};
	u64 decisions = 0;
	unsigned int cpu, i;

	*in = (struct mode_input) { .now_ns = ktime_get_mono_fast_ns(), .sums = &ms->total };
	memset(&ms->total, 0, sizeof(ms->total));
	for_each_possible_cpu(cpu) {
		const struct mlproxy_counters *c = per_cpu_ptr(proxy->counters, cpu);

		eff_merge(&ms->total, per_cpu_ptr(proxy->sums, cpu), ms->config.clustered);
		for (i = 0; i < MLPROXY_NR_SOURCES; i++)
			candidates[i] += READ_ONCE(c->candidates[i]);
		for (i = 0; i < MLPROXY_NR_MODES; i++)
			decisions += READ_ONCE(c->by_mode[i]);
		in->failures += READ_ONCE(c->refused) + READ_ONCE(c->errors);
		in->candidates += READ_ONCE(c->refused);
		in->latency_samples += READ_ONCE(c->latency_samples);
		in->latency_over += READ_ONCE(c->latency_over);
	}
	for (i = 0; i < MLPROXY_NR_SOURCES; i++)
		in->candidates += candidates[i];
	in->logic = logic_version(ms, candidates, decisions);
}

static void take_request(struct mlproxy *proxy, struct mode_input *in)
{
	struct mlproxy_modes *ms = proxy->modes;
	/* Its numbers before; pairs with mlproxy_mode_request_emergency(). */
	u32 reason = atomic_read_acquire(&proxy->emergency);

	if (!reason || reason == MODE_REQUEST_CLAIMED)
		return;
	in->value = ms->request_value;
	in->limit = ms->request_limit;
	if (reason == MLPROXY_REASON_AGENT_LOST) {
		in->value = in->now_ns - ms->beat_ns;
		in->limit = READ_ONCE(proxy->agent_deadline_ns) - ms->beat_ns;
		/* Heard since. */
		if (!cause_lasts(proxy, reason, in->now_ns))
			reason = 0;
	}
	in->emergency = reason;
	atomic_set(&proxy->emergency, 0);
}

/* ------------------------------------------------------------------ */
/* Carrying out                                                        */

/* Show decisions the mode and the experiment that they are made in. */
static void show(struct mlproxy *proxy)
{
	const struct mode_machine *m = &proxy->modes->machine;

	WRITE_ONCE(proxy->automatic, m->automatic);
	WRITE_ONCE(proxy->mode, m->mode);
	/* Who sees the experiment sees its mode; pairs with decide_running(). */
	smp_store_release(&proxy->experiment, m->experiment);
}

static void note(struct mlproxy *proxy, const struct mlproxy_transition *t)
{
	struct mlproxy_modes *ms = proxy->modes;

	ms->log[ms->changes++ % MLPROXY_MAX_TRANSITIONS] = *t;
	if (t->to == MLPROXY_MODE_EMERGENCY && t->from != t->to)
		ms->correct = t->reason;
	show(proxy);
	mlproxy_publish_mode(proxy, t);
}

/* When a decision in emergency asks for the next look, after one at @in. */
static void pace(struct mlproxy *proxy, const struct mode_input *in)
{
	struct mlproxy_modes *ms = proxy->modes;
	u64 pause_ns = MODE_RECHECK_NS, hold_ns;

	if (!ms->machine.automatic) {
		WRITE_ONCE(proxy->next_look_ns, U64_MAX);
		return;
	}
	hold_ns = mode_hold_ns(&ms->machine, &ms->config);
	/* Each look at a bad state takes a snapshot. */
	if (ms->machine.reason == MLPROXY_REASON_BAD_STATE)
		pause_ns = max(pause_ns, hold_ns);
	WRITE_ONCE(proxy->next_look_ns,
		   max(ms->machine.since_ns + hold_ns, in->now_ns + pause_ns));
}

/* With the lock held. True if the work has something to do. */
static bool look_locked(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;
	struct mlproxy_transition t;
	struct mode_input in;
	bool changed;

	gather(proxy, &in);
	take_request(proxy, &in);
	in.cause_lasts = ms->machine.mode == MLPROXY_MODE_EMERGENCY &&
			 cause_lasts(proxy, ms->machine.reason, in.now_ns);
	ms->evaluations++;
	changed = mode_machine_look(&ms->machine, &ms->config, &in, &t);
	if (changed)
		note(proxy, &t);
	else
		show(proxy);
	pace(proxy, &in);
	return changed || (in.cause_lasts && ms->machine.reason == MLPROXY_REASON_BAD_STATE);
}

static void look(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;
	unsigned long flags;
	bool follow;

	raw_spin_lock_irqsave(&ms->lock, flags);
	follow = look_locked(proxy);
	raw_spin_unlock_irqrestore(&ms->lock, flags);
	if (follow)
		queue_work(mlproxy_workqueue(), &ms->work);
}

static void look_work(struct irq_work *work)
{
	look(container_of(work, struct mlproxy_modes, look)->proxy);
}

/* What may sleep and follows a transition; with proxy->lock held. */
static void follow_up(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;
	unsigned long flags;
	u32 reason;

	raw_spin_lock_irqsave(&ms->lock, flags);
	reason = ms->correct;
	ms->correct = 0;
	raw_spin_unlock_irqrestore(&ms->lock, flags);
	if (reason && proxy->ops && proxy->ops->correct)
		proxy->ops->correct(proxy, proxy->priv, reason);
	mlproxy_state_publish(proxy);
}

static void follow_up_work(struct work_struct *work)
{
	struct mlproxy *proxy = container_of(work, struct mlproxy_modes, work)->proxy;

	mutex_lock(&proxy->lock);
	if (!mlproxy_gone(proxy))
		follow_up(proxy);
	mutex_unlock(&proxy->lock);
}

/* ------------------------------------------------------------------ */
/* From user space                                                     */

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
	raw_spin_lock_irqsave(&ms->lock, flags);
	gather(proxy, &in);
	mode_machine_set(&ms->machine, &in, mode, automatic, &t);
	note(proxy, &t);
	pace(proxy, &in);
	atomic_set(&proxy->emergency, 0);
	raw_spin_unlock_irqrestore(&ms->lock, flags);
	follow_up(proxy);
out:
	mutex_unlock(&proxy->lock);
	return ret;
}

/**
 * mlproxy_mode_heartbeat() - the agent is there, or leaves
 * @proxy: the proxy
 * @beat: as from the ioctl, checked; the results are filled in
 *
 * Context: may sleep. Return: 0, or -ENODEV.
 */
int mlproxy_mode_heartbeat(struct mlproxy *proxy, struct mlproxy_heartbeat *beat)
{
	struct mlproxy_modes *ms = proxy->modes;
	unsigned long flags;
	bool follow;
	u64 now_ns;
	int ret = 0;

	mutex_lock(&proxy->lock);
	if (mlproxy_gone(proxy)) {
		ret = -ENODEV;
		goto out;
	}
	raw_spin_lock_irqsave(&ms->lock, flags);
	now_ns = ktime_get_mono_fast_ns();
	beat->age_ms = ms->beat_ns ? div_u64(now_ns - ms->beat_ns, NSEC_PER_MSEC) : 0;
	ms->beat_ns = beat->flags & MLPROXY_HEARTBEAT_F_LEAVE ? 0 : now_ns;
	WRITE_ONCE(proxy->agent_deadline_ns,
		   ms->beat_ns ? now_ns + beat->timeout_ms * NSEC_PER_MSEC : 0);
	follow = look_locked(proxy);
	beat->mode = ms->machine.mode;
	raw_spin_unlock_irqrestore(&ms->lock, flags);
	if (follow)
		follow_up(proxy);
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
	bool follow;

	lockdep_assert_held(&proxy->lock);
	raw_spin_lock_irqsave(&ms->lock, flags);
	ms->version = version;
	follow = look_locked(proxy);
	raw_spin_unlock_irqrestore(&ms->lock, flags);
	if (follow)
		follow_up(proxy);
}

/* The last transition; with the lock held. */
static const struct mlproxy_transition *last(const struct mlproxy_modes *ms)
{
	return &ms->log[(ms->changes - 1) % MLPROXY_MAX_TRANSITIONS];
}

/**
 * mlproxy_mode_evidence() - the running experiment, as of now
 * @proxy: the proxy, not being destroyed
 * @out: out
 *
 * Context: any but NMI.
 */
void mlproxy_mode_evidence(struct mlproxy *proxy, struct mlproxy_evidence *out)
{
	struct mlproxy_modes *ms = proxy->modes;
	unsigned long flags;

	look(proxy);
	raw_spin_lock_irqsave(&ms->lock, flags);
	*out = ms->machine.evidence;
	raw_spin_unlock_irqrestore(&ms->lock, flags);
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

	raw_spin_lock_irqsave(&ms->lock, flags);
	out->mode = ms->machine.mode;
	out->reason = ms->machine.reason;
	out->since_ns = ms->machine.since_ns;
	out->automatic = ms->machine.automatic;
	out->changes = ms->changes;
	out->reserved = 0;
	memset(&out->evidence, 0, sizeof(out->evidence));
	if (ms->changes)
		out->evidence = last(ms)->evidence;
	raw_spin_unlock_irqrestore(&ms->lock, flags);
}

static void fill_efficiency(const struct mlproxy_modes *ms, struct mlproxy_efficiency *out,
			    struct mlproxy_transition *transitions, u32 room)
{
	u32 i;

	out->mode = ms->machine.mode;
	out->automatic = ms->machine.automatic;
	out->trial = ms->machine.trial;
	out->hold_ns = out->mode == MLPROXY_MODE_EMERGENCY ?
		       mode_hold_ns(&ms->machine, &ms->config) : 0;
	out->evaluations = ms->evaluations;
	out->evidence = ms->machine.evidence;
	out->count = min_t(u64, ms->changes, min_t(u32, room, MLPROXY_MAX_TRANSITIONS));
	for (i = 0; i < out->count; i++)
		transitions[i] = ms->log[(ms->changes - 1 - i) % MLPROXY_MAX_TRANSITIONS];
}

/**
 * mlproxy_mode_efficiency() - the running experiment, and the last transitions
 * @proxy: the proxy
 * @out: out: all but size, flags and the pointer
 * @transitions: out: newest first
 * @room: entries that fit
 *
 * As of now, whenever the last look was. Context: may sleep. Return: 0, or -ENODEV.
 */
int mlproxy_mode_efficiency(struct mlproxy *proxy, struct mlproxy_efficiency *out,
			    struct mlproxy_transition *transitions, u32 room)
{
	struct mlproxy_modes *ms = proxy->modes;
	unsigned long flags;
	bool follow;

	mutex_lock(&proxy->lock);
	if (mlproxy_gone(proxy)) {
		mutex_unlock(&proxy->lock);
		return -ENODEV;
	}
	raw_spin_lock_irqsave(&ms->lock, flags);
	follow = look_locked(proxy);
	fill_efficiency(ms, out, transitions, room);
	raw_spin_unlock_irqrestore(&ms->lock, flags);
	if (follow)
		follow_up(proxy);
	mutex_unlock(&proxy->lock);
	return 0;
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
	struct mlproxy_modes *ms = kzalloc(sizeof(*ms), GFP_KERNEL);

	if (!ms)
		return -ENOMEM;
	raw_spin_lock_init(&ms->lock);
	ms->proxy = proxy;
	ms->look = IRQ_WORK_INIT_HARD(look_work);
	INIT_WORK(&ms->work, follow_up_work);
	proxy->modes = ms;
	proxy->sums = alloc_percpu(struct eff_sums);
	if (!proxy->sums)
		return -ENOMEM;
	mlproxy_mode_defaults(proxy);
	mode_machine_init(&ms->machine, ktime_get_mono_fast_ns());
	show(proxy);
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
	unsigned int cpu;

	raw_spin_lock_irqsave(&ms->lock, flags);
	t = (struct mlproxy_transition) {
		.time_ns = ktime_get_mono_fast_ns(),
		.from = ms->machine.mode,
		.to = MLPROXY_MODE_LEARNING,
		.reason = MLPROXY_REASON_REINIT,
	};
	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(proxy->sums, cpu), 0, sizeof(struct eff_sums));
	mode_machine_reset(&ms->machine, t.time_ns);
	mlproxy_mode_defaults(proxy);
	ms->version = 0;
	memset(ms->seen, 0, sizeof(ms->seen));
	memset(ms->seen_at, 0, sizeof(ms->seen_at));
	memset(ms->proposed, 0, sizeof(ms->proposed));
	ms->beat_ns = 0;
	WRITE_ONCE(proxy->agent_deadline_ns, 0);
	ms->evaluations = 0;
	note(proxy, &t);
	/* What went before is not of this initialisation, nor is that. */
	ms->changes = 0;
	atomic_set(&proxy->emergency, 0);
	raw_spin_unlock_irqrestore(&ms->lock, flags);
}

/**
 * mlproxy_mode_sync() - wait for looks under way
 * @proxy: without decisions under way
 *
 * Context: may sleep.
 */
void mlproxy_mode_sync(struct mlproxy *proxy)
{
	irq_work_sync(&proxy->modes->look);
}

/**
 * mlproxy_mode_exit() - nothing of the machine runs once this returns
 * @proxy: destroyed, its lock not held
 *
 * Context: may sleep.
 */
void mlproxy_mode_exit(struct mlproxy *proxy)
{
	irq_work_sync(&proxy->modes->look);
	cancel_work_sync(&proxy->modes->work);
}

/**
 * mlproxy_mode_free() - free the machine
 * @proxy: the proxy, after mlproxy_mode_exit() or with a failed init
 */
void mlproxy_mode_free(struct mlproxy *proxy)
{
	free_percpu(proxy->sums);
	kfree(proxy->modes);
}
