// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks of the mode machine: gathering what the CPUs counted, having the rules judge it,
 * carrying out what they say.
 *
 * Outcomes of each arm are summed per CPU and never set back while the proxy runs;
 * an experiment subtracts what there was at its begin. A look reads the sums of other
 * CPUs while these count: the arms' as they were at one time, the groups' may have half
 * of one outcome of each CPU.
 *
 * A look takes long on many CPUs, with interrupts off, so looks are apart: irq_work makes
 * one, or sets a timer for when the pause is over. One CPU looks at a time; another that
 * finds it at work leaves a note, which is seen when the lock is let go. No look that was
 * asked for gets lost, and what was counted is judged MODE_JUDGE_NS after the look before.
 */
#include <linux/ktime.h>

#include "compat/timer.h"
#include "device.h"
#include "mode_path.h"
#include "mode_priv.h"
#include "publish.h"
#include "state.h"

/* Times that the sums of a CPU are read while it counts, before a look is put off. */
#define MAX_READS	16

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
		return trust_logic(MLPROXY_SRC_RECOMMENDATION, READ_ONCE(proxy->rec_version));
	return ms->version ? trust_logic(MLPROXY_SRC_MODEL, ms->version) : 0;
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

/* The arms of a CPU as they were at one time. Return: false if it counts all the time. */
static bool add_arms(struct eff_sums *total, const struct mode_sums *s)
{
	struct eff_arm arms[MLPROXY_NR_ARMS];
	unsigned int reads, seq, i;

	for (reads = 0; reads < MAX_READS; reads++) {
		seq = raw_read_seqcount(&s->seq);
		memcpy(arms, s->sums.arm, sizeof(arms));
		if (!(seq & 1) && !read_seqcount_retry(&s->seq, seq))
			break;
		cpu_relax();
	}
	for (i = 0; i < MLPROXY_NR_ARMS; i++)
		eff_merge_arm(&total->arm[i], &arms[i]);
	return reads < MAX_READS;
}

/* With the lock held. Return: false if not all could be read; then @in is of no use. */
static bool gather(struct mlproxy *proxy, struct mode_input *in)
{
	struct mlproxy_modes *ms = proxy->modes;
	u64 candidates[MLPROXY_NR_SOURCES] = {};
	u64 decisions = 0;
	unsigned int cpu, i;

	*in = (struct mode_input) { .now_ns = ktime_get_mono_fast_ns(), .sums = &ms->total };
	WRITE_ONCE(ms->soon, false);
	WRITE_ONCE(proxy->unjudged, false);
	smp_mb(); /* what is counted from here on asks for another look; see unjudged() */
	memset(&ms->total, 0, sizeof(ms->total));
	for_each_possible_cpu(cpu) {
		const struct mlproxy_counters *c = per_cpu_ptr(proxy->counters, cpu);
		const struct mode_sums *s = per_cpu_ptr(proxy->sums, cpu);

		if (!add_arms(&ms->total, s))
			return false;
		if (ms->config.clustered)
			eff_merge_groups(&ms->total, &s->sums);
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
	in->logic = logic_under_test(proxy, candidates, decisions);
	WRITE_ONCE(ms->looked_ns, in->now_ns);
	return true;
}

/**
 * lock_and_gather() - take the lock, with all counters read
 * @proxy: the proxy
 * @in: out: what they say
 *
 * Context: may sleep. Return: for unlock_modes().
 */
unsigned long lock_and_gather(struct mlproxy *proxy, struct mode_input *in)
	__acquires(&proxy->modes->lock)
{
	unsigned long flags = lock_modes(proxy->modes);

	while (!gather(proxy, in)) {
		unlock_modes(proxy->modes, flags);
		cond_resched();
		flags = lock_modes(proxy->modes);
	}
	return flags;
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
		in->value = in->now_ns - ms->silent_since_ns;
		in->limit = ms->silence_ns;
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

	WRITE_ONCE(proxy->trust, trust_make(m->mode, m->automatic, m->logic));
	/* Who sees the experiment sees its mode and logic; pairs with decide_running(). */
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

	ms->log[ms->changes++ % MLPROXY_MAX_TRANSITIONS] = *t;
	if (t->to == MLPROXY_MODE_EMERGENCY && t->from != t->to)
		ms->correct = t->reason;
	mode_show(proxy);
	mlproxy_publish_mode(proxy, t);
}

/**
 * mode_pace() - when a decision in emergency asks for the next look
 * @proxy: the proxy, its machine's lock held
 * @in: what the last look saw
 */
void mode_pace(struct mlproxy *proxy, const struct mode_input *in)
{
	struct mlproxy_modes *ms = proxy->modes;
	u64 pause_ns = ms->pause_ns, hold_ns;

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
	ms->evaluations++;
	changed = mode_machine_look(&ms->machine, &ms->config, in, &t);
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

/* Context: hard interrupt. */
static void look(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;
	bool gathered, follow = false;
	struct mode_input in;
	unsigned long flags;

	if (!try_lock_modes(ms, &flags))
		return;
	gathered = ms->paused || gather(proxy, &in);
	if (!ms->paused && gathered)
		follow = mode_judge(proxy, &in);
	else if (!gathered)
		wait_for(ms, ms->pause_ns);
	unlock_modes(ms, flags);
	if (follow)
		queue_work(mlproxy_workqueue(), &ms->work);
}

static void look_work(struct irq_work *work)
{
	struct mlproxy_modes *ms = container_of(work, struct mlproxy_modes, look);
	u64 now_ns = ktime_get_mono_fast_ns();
	u64 due_ns = READ_ONCE(ms->looked_ns) +
		     (READ_ONCE(ms->soon) ? ms->pause_ns : max_t(u64, ms->pause_ns, MODE_JUDGE_NS));

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
	bool follow = mode_judge(proxy, &in);

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
	ms->pause_ns = MODE_PAUSE_NS * DIV_ROUND_UP(num_possible_cpus(), 32);
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
