// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks of the mode machine: having what the CPUs counted gathered, having the rules judge
 * it, carrying out what they say.
 *
 * A look is made with interrupts off, so its work is bounded (see mode_gather.c), and looks
 * are apart: irq_work makes one, or sets a timer for when the pause is over. What a look did
 * not get to is left for one that follows then, and where there is much to gather a look does
 * that, and the next one judges. One CPU looks at a time; another that finds it at work leaves
 * a note, which is seen when the lock is let go. No look that was asked for gets lost, and
 * what was counted is judged MODE_JUDGE_NS after the look before.
 */
#include <linux/ktime.h>

#include "compat/timer.h"
#include "device.h"
#include "mode_path.h"
#include "mode_priv.h"
#include "pending.h"
#include "publish.h"
#include "state.h"

/* ------------------------------------------------------------------ */
/* What is seen                                                        */

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
 * Which logic is tested: the active model, as long as it is asked at all; else an eBPF
 * program; else recommendations. What another one proposes stays untested meanwhile.
 */
static u64 logic_under_test(struct mlproxy *proxy, const u64 *candidates, u64 decisions)
{
	struct mlproxy_modes *ms = proxy->modes;
	bool model = proposes(ms, MLPROXY_SRC_MODEL, candidates, decisions);
	bool bpf = proposes(ms, MLPROXY_SRC_BPF, candidates, decisions);
	bool rec = proposes(ms, MLPROXY_SRC_RECOMMENDATION, candidates, decisions);

	if (ms->activated) {
		/* It has as many decisions to be asked in as any other. */
		ms->activated = false;
		ms->seen_at[MLPROXY_SRC_MODEL] = decisions;
		ms->proposed[MLPROXY_SRC_MODEL] = true;
		model = true;
	}
	model = model && ms->version;
	if (bpf && !model)
		return trust_logic(MLPROXY_SRC_BPF, READ_ONCE(proxy->bpf_version));
	if (rec && !model)
		return trust_logic(MLPROXY_SRC_RECOMMENDATION,
				   READ_ONCE(proxy->whole->rec_version));
	return ms->version ? trust_logic(MLPROXY_SRC_MODEL, ms->version) : 0;
}

static bool cause_lasts(struct mlproxy *proxy, u32 reason, u64 now_ns)
{
	u64 deadline_ns = READ_ONCE(proxy->agent_deadline_ns);

	switch (reason) {
	case MLPROXY_REASON_CRITICAL:
		return proxy->critical && mlproxy_running(proxy) &&
		       proxy->critical(proxy->priv);
	case MLPROXY_REASON_AGENT_LOST:
		return deadline_ns && now_ns > deadline_ns;
	case MLPROXY_REASON_BAD_STATE:
		return READ_ONCE(proxy->health) == MLPROXY_HEALTH_BAD;
	}
	return false;
}

/*
 * What one look may gather, see mode_gather.c; and what it may gather and judge as well:
 * judging takes as long as gathering some hundred groups, however few outcomes there are.
 */
#define GATHER_UNITS	512
#define MORE_SUMS_UNITS	128	/* less of it for each other kind of sums: see mode_gather() */
#define JUDGE_UNITS	64
/* Looks in a row that judge, for who asks: all parts, and a drop that one suspects. */
#define MAX_PARTS	8

/* The last CPU may have all groups of all kinds of sums. */
static unsigned int gather_units(const struct mlproxy *proxy)
{
	return GATHER_UNITS - MORE_SUMS_UNITS * (!!proxy->ledger + !!proxy->costs);
}

/* What the rules see of what was gathered. */
static void fill_input(struct mlproxy *proxy, struct mode_input *in)
{
	struct mlproxy_modes *ms = proxy->modes;
	const struct mode_counts *c = &ms->counts;
	unsigned int i;

	*in = (struct mode_input) {
		.now_ns = ktime_get_mono_fast_ns(),
		.sums = &ms->total,
		.ledger = proxy->ledger ? &ms->ledger : NULL,
		.costs = proxy->costs ? &ms->costs : NULL,
		.outer_hold_ns = READ_ONCE(proxy->outer_hold_ns),
		.candidates = c->refused,
		.failures = c->refused + c->errors,
		.latency_samples = c->latency_samples,
		.latency_over = c->latency_over,
	};
	ms->config.pending_ns = mlproxy_pending_longest_ns(proxy);
	for (i = 0; i < MLPROXY_NR_SOURCES; i++)
		in->candidates += c->candidates[i];
	in->logic = logic_under_test(proxy, c->candidates, c->decisions);
	WRITE_ONCE(ms->looked_ns, in->now_ns);
	ms->to_judge = false;
}

static unsigned long lock_and_begin(struct mlproxy_modes *ms)
	__acquires(&ms->lock)
{
	unsigned long flags = lock_modes(ms);

	ms->began_ns = ktime_get_mono_fast_ns();
	return flags;
}

static unsigned long break_look(struct mlproxy_modes *ms, unsigned long flags)
	__must_hold(&ms->lock)
{
	mode_look_end(ms);
	unlock_modes(ms, flags);
	cond_resched();
	return lock_and_begin(ms);
}

/**
 * lock_and_gather() - take the lock, with all gathered that was counted before
 * @proxy: the proxy
 * @in: out: what it says
 *
 * In slices, between which the lock is let go. mode_look_end() is to follow. Context: may
 * sleep. Return: for unlock_modes().
 */
unsigned long lock_and_gather(struct mlproxy *proxy, struct mode_input *in)
	__acquires(&proxy->modes->lock)
{
	struct mlproxy_modes *ms = proxy->modes;
	u64 asked_ns = ktime_get_mono_fast_ns();
	unsigned long flags = lock_and_begin(ms);
	struct mode_round round;

	for (;;) {
		round = mode_round_begin(nr_cpu_ids);
		while (mode_gather(proxy, &round, gather_units(proxy)) || round.units > JUDGE_UNITS)
			flags = break_look(ms, flags);
		if (!round.missed)
			break;
		flags = break_look(ms, flags);
	}
	ms->gathered_ns = asked_ns;
	fill_input(proxy, in);
	return flags;
}

/**
 * mode_look_end() - a look, or a part of it, is over
 * @ms: the machine, its lock held
 */
void mode_look_end(struct mlproxy_modes *ms)
{
	u64 ns = ktime_get_mono_fast_ns() - ms->began_ns;

	if (ns > ms->look_ns_max)
		ms->look_ns_max = ns;
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
		in->value = in->now_ns - ms->silence.since_ns;
		in->limit = ms->silence.allowed_ns;
		/* Heard since. */
		if (!cause_lasts(proxy, reason, in->now_ns))
			reason = 0;
	}
	in->emergency = reason;
	atomic_set(&proxy->emergency, 0);
}

/* ------------------------------------------------------------------ */
/* Carrying out                                                        */

/**
 * mode_show() - show decisions the mode, the logic and the experiment of now
 * @proxy: the proxy, its machine's lock held
 */
void mode_show(struct mlproxy *proxy)
{
	const struct mode_machine *m = &proxy->modes->machine;

	WRITE_ONCE(proxy->trust, trust_make(m->mode, m->automatic, m->logic) |
				 (m->stage == MLPROXY_STAGE_RAMP ? TRUST_RAMP : 0) |
				 (mode_in_doubt(m) ? TRUST_DOUBT : 0));
	WRITE_ONCE(proxy->outer_begin_ns, m->verdicts.outer_from_ns);
	/*
	 * Who sees an experiment sees its mode and logic; pairs with decide_running() and
	 * count() in cost.c.
	 */
	smp_store_release(&proxy->outer_experiment, m->verdicts.outer_experiment);
	/* The same. */
	smp_store_release(&proxy->experiment, m->experiment);
}

/**
 * mode_note() - log and publish a transition
 * @proxy: the proxy, its machine's lock held
 * @t: it
 */
void mode_note(struct mlproxy *proxy, const struct mlproxy_transition *t)
{
	struct mlproxy_modes *ms = proxy->modes;
	struct mlproxy_transition *entry = &ms->log[ms->changes++ % MLPROXY_MAX_TRANSITIONS];

	*entry = *t;
	entry->instance = proxy->instance;
	if (t->to == MLPROXY_MODE_EMERGENCY && t->from != t->to)
		ms->correct = t->reason;
	mode_show(proxy);
	mlproxy_publish_mode(proxy, entry);
}

/**
 * mode_pace() - when a decision in emergency asks for the next look
 * @proxy: the proxy, its machine's lock held
 * @in: what the last look saw
 */
void mode_pace(struct mlproxy *proxy, const struct mode_input *in)
{
	struct mlproxy_modes *ms = proxy->modes;
	u64 pause_ns = MODE_PAUSE_NS, hold_ns;

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

/**
 * mode_judge() - have the rules judge what was gathered, and do what they say
 * @proxy: the proxy, its machine's lock held
 * @in: what was gathered
 *
 * Return: true if mode_follow_up() has something to do.
 */
bool mode_judge(struct mlproxy *proxy, struct mode_input *in)
{
	struct mlproxy_modes *ms = proxy->modes;
	struct mlproxy_transition t;
	bool changed;

	take_request(proxy, in);
	in->cause_lasts = ms->machine.mode == MLPROXY_MODE_EMERGENCY &&
			  cause_lasts(proxy, ms->machine.reason, in->now_ns);
	changed = mode_machine_look(&ms->machine, &ms->config, in, &t);
	ms->evaluations += !ms->machine.due;
	if (changed)
		mode_note(proxy, &t);
	else
		mode_show(proxy);
	mode_pace(proxy, in);
	return changed || (in->cause_lasts && ms->machine.reason == MLPROXY_REASON_BAD_STATE);
}

static void wait_for(struct mlproxy_modes *ms, u64 wait_ns)
{
	hrtimer_start(&ms->timer, ns_to_ktime(wait_ns), HRTIMER_MODE_REL_HARD);
}

/*
 * Gather; what is left over is to be looked at as soon as the pause is over. Return: is there
 * time to judge as well. A look that had much to gather leaves that to the next one, which
 * gathers nothing, as do those that judge the parts that are left; a request for emergency is
 * not put off.
 */
static bool gather_once(struct mlproxy *proxy)
{
	struct mode_round round = mode_round_begin(nr_cpu_ids);
	struct mlproxy_modes *ms = proxy->modes;
	bool judge = ms->to_judge || ms->machine.due, more;
	unsigned int budget = judge ? 0 : gather_units(proxy);

	if (atomic_read(&proxy->emergency)) {
		judge = true;
		budget = JUDGE_UNITS;
	}
	more = mode_gather(proxy, &round, budget) || round.missed;
	if (!more)
		ms->gathered_ns = ms->began_ns;
	judge = judge || round.units <= JUDGE_UNITS;
	if (more || !judge) {
		WRITE_ONCE(ms->soon, true);
		wait_for(ms, MODE_PAUSE_NS);
	}
	return judge;
}

/* Another part is judged as soon as the pause is over; or all are that nobody asks for. */
static void judged(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;

	if (ms->machine.due) {
		WRITE_ONCE(ms->soon, true);
		wait_for(ms, MODE_PAUSE_NS);
	} else if (!proxy->ledger && !proxy->costs) {
		WRITE_ONCE(ms->judged_ns, ms->gathered_ns);
	}
}

/* Context: hard interrupt. */
static void look(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;
	u64 began_ns = ktime_get_mono_fast_ns();
	struct mode_input in;
	unsigned long flags;

	if (!try_lock_modes(ms, &flags))
		return;
	if (ms->paused) {
		unlock_modes(ms, flags);
		return;
	}
	ms->began_ns = began_ns;
	if (gather_once(proxy)) {
		fill_input(proxy, &in);
		if (mode_judge(proxy, &in))
			queue_work(mlproxy_workqueue(), &ms->work);
		judged(proxy);
	} else {
		WRITE_ONCE(ms->looked_ns, began_ns);
		ms->to_judge = true;
	}
	mode_look_end(ms);
	unlock_modes(ms, flags);
}

static void look_work(struct irq_work *work)
{
	struct mlproxy_modes *ms = container_of(work, struct mlproxy_modes, look);
	u64 now_ns = ktime_get_mono_fast_ns();
	u64 due_ns = READ_ONCE(ms->looked_ns) +
		     (READ_ONCE(ms->soon) ? MODE_PAUSE_NS : MODE_JUDGE_NS);

	if (READ_ONCE(ms->paused))
		return;
	if (now_ns >= due_ns || atomic_read(&ms->proxy->emergency))
		look(ms->proxy);
	else
		wait_for(ms, due_ns - now_ns);
}

static enum hrtimer_restart look_timer(struct hrtimer *timer)
{
	look(container_of(timer, struct mlproxy_modes, timer)->proxy);
	return HRTIMER_NORESTART;
}

/**
 * mode_look_now() - make a look, whenever the last one was
 * @proxy: the proxy, its lock held, not destroyed
 *
 * For what must not be done at will by everybody. Context: may sleep.
 */
void mode_look_now(struct mlproxy *proxy)
{
	struct mode_input in;
	unsigned long flags = lock_and_gather(proxy, &in);
	struct mlproxy_modes *ms = proxy->modes;
	u64 gathered_ns = ms->gathered_ns;
	unsigned int parts;
	bool follow;

	in.all = true;
	follow = mode_judge(proxy, &in);
	/* What looks that came between have judged need not be judged again. */
	for (parts = 1; ms->machine.due && parts < MAX_PARTS; parts++) {
		flags = break_look(ms, flags);
		fill_input(proxy, &in);
		follow |= mode_judge(proxy, &in);
	}
	WRITE_ONCE(ms->judged_ns, max(ms->judged_ns, gathered_ns));
	mode_look_end(proxy->modes);
	unlock_modes(proxy->modes, flags);
	if (follow)
		mode_follow_up(proxy);
}

/**
 * mode_follow_up() - what may sleep and follows a transition
 * @proxy: the proxy, its lock held, not destroyed
 *
 * Context: may sleep.
 */
void mode_follow_up(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;
	unsigned long flags;
	u32 reason;

	flags = lock_modes(ms);
	reason = ms->correct;
	ms->correct = 0;
	unlock_modes(ms, flags);
	mode_tell(proxy);
	if (reason && proxy->ops && proxy->ops->correct)
		proxy->ops->correct(proxy, proxy->priv, reason);
	mlproxy_state_publish(proxy);
}

static void follow_up_work(struct work_struct *work)
{
	struct mlproxy *proxy = container_of(work, struct mlproxy_modes, work)->proxy;

	mutex_lock(&proxy->lock);
	if (!mlproxy_gone(proxy))
		mode_follow_up(proxy);
	mutex_unlock(&proxy->lock);
}

/**
 * mode_look_init() - prepare
 * @ms: the machine, zeroed
 */
void mode_look_init(struct mlproxy_modes *ms)
{
	raw_spin_lock_init(&ms->lock);
	ms->look = IRQ_WORK_INIT_HARD(look_work);
	compat_hrtimer_setup(&ms->timer, look_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	INIT_WORK(&ms->work, follow_up_work);
}

/**
 * mode_look_pause() - make no looks, until the machine begins anew
 * @ms: of a proxy without decisions under way
 *
 * None is under way once this returns. Context: may sleep.
 */
void mode_look_pause(struct mlproxy_modes *ms)
{
	unsigned long flags = lock_modes(ms);

	WRITE_ONCE(ms->paused, true);
	unlock_modes(ms, flags);
	/* The one starts the other, but not any more. */
	irq_work_sync(&ms->look);
	hrtimer_cancel(&ms->timer);
	irq_work_sync(&ms->look);
}
