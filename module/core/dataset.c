// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data-set requests: which decisions a reader takes, from when and until when.
 *
 * A request is an object that does not change, but for its state and counters, and
 * that publishing finds by RCU; without one a reader takes everything. So the
 * decision path takes no lock: a decision draws a ticket, and whoever is the last to
 * have written what was asked for completes the set.
 *
 * Each reader has a slot, a bit in struct mlproxy_decision, by which feedback finds who
 * took the decision; there are no more readers than bits. A slot is given away again
 * only when no decision is under way any more; ids up to @first_id were the owner's
 * before.
 *
 * A proxy counts the readers bound to it that take decisions now, since it explores for
 * them only; an instance does so for those bound to its proxy as well. They are those
 * without a request and those whose request is active, of sessions that may advise: who
 * only reads must not change what is decided. Whoever changes a state, by cmpxchg, counts
 * the change, so that each is counted once.
 */
#include <linux/bitops.h>
#include <linux/ktime.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "compat/timer.h"
#include "core.h"
#include "dataset.h"
#include "dataset_rule.h"
#include "reader.h"

/**
 * struct dataset - one request
 * @rule: what it takes
 * @trigger: MLPROXY_TRIGGER_*
 * @event: with MLPROXY_TRIGGER_EVENT
 * @max_decisions: 0 for no limit
 * @duration_ns: 0 for no limit
 * @end_ns: CLOCK_MONOTONIC, set once, before the state is ACTIVE
 * @state: MLPROXY_DATASET_*
 * @tickets: decisions that passed; the first @max_decisions belong to the set
 * @written: of these, how many are in a ring or lost
 * @filtered: decisions that did not pass
 * @rcu: for kfree_rcu()
 */
struct dataset {
	struct dataset_rule rule;
	u32 trigger;
	u32 event;
	u64 max_decisions;
	u64 duration_ns;
	u64 end_ns;
	u32 state;
	atomic64_t tickets;
	atomic64_t written;
	atomic64_t filtered;
	struct rcu_head rcu;
};

static bool dataset_pending(const struct dataset *ds)
{
	u32 state = READ_ONCE(ds->state);

	return state == MLPROXY_DATASET_WAITING || state == MLPROXY_DATASET_ACTIVE;
}

/* Wake from irq_work: the caller may hold any lock of the scheduler. */
static void dataset_kick(struct mlproxy_reader *reader)
{
	irq_work_queue(&reader->rings[smp_processor_id()]->work);
}

/* One reader more, or less, takes decisions. Context: any. */
static void count_taker(struct mlproxy_reader *reader, int change)
{
	if (reader->advises && reader_wants(reader, MLPROXY_REC_DECISION))
		atomic_add(change * USE_ONE_TAKER, &reader->proxy->uses);
}

/* Events are looked at only while a request may wait for one. */
static void count_trigger(struct mlproxy *whole, const struct dataset *ds, int change)
{
	if (ds && ds->trigger == MLPROXY_TRIGGER_EVENT)
		atomic_add(change, &whole->event_triggers);
}

static bool dataset_finish(struct mlproxy_reader *reader, struct dataset *ds)
{
	if (cmpxchg(&ds->state, MLPROXY_DATASET_ACTIVE, MLPROXY_DATASET_COMPLETE) !=
	    MLPROXY_DATASET_ACTIVE)
		return false;
	count_taker(reader, -1);
	return true;
}

static bool dataset_over(const struct dataset *ds)
{
	return ds->duration_ns && ktime_get_mono_fast_ns() >= READ_ONCE(ds->end_ns);
}

static bool dataset_begin(struct mlproxy_reader *reader, struct dataset *ds)
{
	u64 now_ns = ktime_get_mono_fast_ns();
	u64 end_ns = now_ns + min_t(u64, ds->duration_ns, KTIME_MAX - now_ns);

	cmpxchg64(&ds->end_ns, 0, end_ns);
	/* The end first: it is looked at by whoever sees ACTIVE. */
	if (cmpxchg(&ds->state, MLPROXY_DATASET_WAITING, MLPROXY_DATASET_ACTIVE) !=
	    MLPROXY_DATASET_WAITING)
		return false;
	count_taker(reader, 1);
	return true;
}

static enum hrtimer_restart dataset_timer(struct hrtimer *timer)
{
	struct mlproxy_reader *reader = container_of(timer, struct mlproxy_reader,
						     dataset_timer);
	struct dataset *ds;

	rcu_read_lock();
	ds = rcu_dereference(reader->dataset);
	if (ds && dataset_finish(reader, ds))
		wake_up_all(&reader->wait);
	rcu_read_unlock();
	return HRTIMER_NORESTART;
}

/**
 * mlproxy_dataset_init() - a reader without a request
 * @reader: being made
 */
void mlproxy_dataset_init(struct mlproxy_reader *reader)
{
	compat_hrtimer_setup(&reader->dataset_timer, dataset_timer, CLOCK_MONOTONIC,
			     HRTIMER_MODE_ABS);
}

/**
 * mlproxy_dataset_quiet() - begin with a request that takes nothing
 * @reader: not attached yet
 *
 * Context: may sleep. Return: 0, or -ENOMEM.
 */
int mlproxy_dataset_quiet(struct mlproxy_reader *reader)
{
	struct dataset *ds = kzalloc(sizeof(*ds), GFP_KERNEL_ACCOUNT);

	if (!ds)
		return -ENOMEM;
	ds->state = MLPROXY_DATASET_CANCELLED;
	RCU_INIT_POINTER(reader->dataset, ds);
	return 0;
}

/**
 * mlproxy_dataset_exit() - free what a detached reader holds
 * @reader: the reader; its irq_work does not run any more
 *
 * Context: may sleep.
 */
void mlproxy_dataset_exit(struct mlproxy_reader *reader)
{
	hrtimer_cancel(&reader->dataset_timer);
	kfree(rcu_dereference_protected(reader->dataset, true));
}

/**
 * mlproxy_dataset_attach() - take a slot, and decisions, unless it begins quietly
 * @reader: not in the proxy's list yet
 * @proxy: its proxy, the whole of which is locked
 *
 * Return: 0, or -EBUSY if all slots are taken.
 */
int mlproxy_dataset_attach(struct mlproxy_reader *reader, struct mlproxy *proxy)
{
	struct mlproxy *whole = proxy->whole;
	u32 taken = whole->reader_slots;
	unsigned int cpu;

	BUILD_BUG_ON(BITS_PER_TYPE(whole->reader_slots) != MLPROXY_MAX_READERS);
	/* Readers can't keep the agent out. */
	if (!reader->advises)
		taken |= ~0U << (MLPROXY_MAX_READERS - MLPROXY_RESERVED_READERS);
	if (taken == ~0U)
		return -EBUSY;
	reader->slot = reader->advises ? fls(~taken) - 1 : ffz(taken);
	whole->reader_slots |= BIT(reader->slot);
	for_each_possible_cpu(cpu)
		reader->rings[cpu]->first_id =
			READ_ONCE(per_cpu_ptr(whole->counters, cpu)->next_id);
	reader->proxy = proxy;
	reader->only = mlproxy_is_instance(proxy) ? proxy : NULL;
	if (!rcu_access_pointer(reader->dataset))
		count_taker(reader, 1);
	return 0;
}

/**
 * mlproxy_dataset_detach() - take nothing any more, give the slot back
 * @reader: the reader; no decision that saw it is under way any more; the whole of its
 *	proxy is locked
 *
 * The timer of a data set may still run, and finds it cancelled.
 */
void mlproxy_dataset_detach(struct mlproxy_reader *reader)
{
	if (rcu_access_pointer(reader->dataset))
		mlproxy_dataset_cancel(reader);
	else
		count_taker(reader, -1);
	count_trigger(reader->proxy->whole, rcu_dereference_protected(reader->dataset, true), -1);
	reader->proxy->whole->reader_slots &= ~BIT(reader->slot);
}

/**
 * mlproxy_dataset_request() - ask for a data set
 * @reader: the reader
 * @proxy: its proxy
 * @cmd: what is asked for
 *
 * Context: the session's lock held, may sleep. Return: 0, -EINVAL, -EBUSY, -ENOMEM.
 */
int mlproxy_dataset_request(struct mlproxy_reader *reader, struct mlproxy *proxy,
			    const struct mlproxy_dataset *cmd)
{
	struct dataset *old = rcu_dereference_protected(reader->dataset, true);
	struct dataset *ds;

	if (!dataset_rule_ok(cmd, proxy->nr_features))
		return -EINVAL;
	if (old && dataset_pending(old))
		return -EBUSY;
	ds = kzalloc(sizeof(*ds), GFP_KERNEL_ACCOUNT);
	if (!ds)
		return -ENOMEM;
	ds->rule.secret = get_random_u64();
	ds->rule.sample = cmd->sample ? cmd->sample : MLPROXY_SHARE_ONE;
	ds->rule.nr_filters = cmd->nr_filters;
	memcpy(ds->rule.filters, cmd->filters, sizeof(ds->rule.filters));
	ds->trigger = cmd->trigger;
	ds->event = cmd->event;
	ds->max_decisions = cmd->max_decisions;
	ds->duration_ns = cmd->duration_ns;
	ds->state = MLPROXY_DATASET_WAITING;
	if (ds->trigger == MLPROXY_TRIGGER_NOW)
		dataset_begin(reader, ds);
	hrtimer_cancel(&reader->dataset_timer);
	count_trigger(proxy->whole, ds, 1);
	rcu_assign_pointer(reader->dataset, ds);
	count_trigger(proxy->whole, old, -1);
	if (old)
		kfree_rcu(old, rcu);
	else
		count_taker(reader, -1); /* it took everything until now */
	mlproxy_dataset_arm(reader);
	return 0;
}

/**
 * mlproxy_dataset_cancel() - end a request that is waiting or active
 * @reader: the reader
 *
 * Context: the session's lock held, or the last one to hold the session.
 */
void mlproxy_dataset_cancel(struct mlproxy_reader *reader)
{
	struct dataset *ds = rcu_dereference_protected(reader->dataset, true);
	u32 state = ds ? READ_ONCE(ds->state) : MLPROXY_DATASET_CONTINUOUS;

	/* At most two steps: it only moves on. */
	while (state == MLPROXY_DATASET_WAITING || state == MLPROXY_DATASET_ACTIVE) {
		u32 was = cmpxchg(&ds->state, state, MLPROXY_DATASET_CANCELLED);

		if (was == state && state == MLPROXY_DATASET_ACTIVE)
			count_taker(reader, -1);
		if (was == state)
			break;
		state = was;
	}
}

/**
 * mlproxy_dataset_fill() - state and counters of a request
 * @reader: the reader
 * @cmd: out
 *
 * Context: the session's lock held.
 */
void mlproxy_dataset_fill(struct mlproxy_reader *reader, struct mlproxy_dataset *cmd)
{
	struct dataset *ds = rcu_dereference_protected(reader->dataset, true);

	cmd->state = MLPROXY_DATASET_CONTINUOUS;
	cmd->decisions = 0;
	cmd->filtered = 0;
	if (!ds)
		return;
	cmd->state = READ_ONCE(ds->state);
	cmd->decisions = atomic64_read(&ds->written);
	cmd->filtered = atomic64_read(&ds->filtered);
}

/**
 * mlproxy_dataset_take() - does a reader with a request take a decision
 * @reader: the reader
 * @ds: its request
 * @id: decision id
 * @features: the context
 *
 * Without a request it takes all. Context: as mlproxy_decide(), preemption off.
 */
bool mlproxy_dataset_take(struct mlproxy_reader *reader, struct dataset *ds, u64 id,
			  const s64 *features)
{
	if (smp_load_acquire(&ds->state) != MLPROXY_DATASET_ACTIVE) /* pairs with begin */
		return false;
	if (dataset_over(ds)) {
		if (dataset_finish(reader, ds))
			dataset_kick(reader);
		return false;
	}
	if (!dataset_wants(&ds->rule, id, features)) {
		atomic64_inc(&ds->filtered);
		return false;
	}
	return atomic64_inc_return(&ds->tickets) <= ds->max_decisions || !ds->max_decisions;
}

/**
 * mlproxy_dataset_taken() - a decision that was taken is in the ring, or lost
 * @reader: the reader
 * @taken: the request that it was taken for
 *
 * Context: as mlproxy_decide(), preemption off.
 */
void mlproxy_dataset_taken(struct mlproxy_reader *reader, struct dataset *taken)
{
	if (atomic64_inc_return(&taken->written) == taken->max_decisions &&
	    dataset_finish(reader, taken))
		dataset_kick(reader);
}

/**
 * mlproxy_dataset_active() - does a reader take raw events now
 * @reader: the reader
 *
 * Context: as mlproxy_decide(), preemption off.
 */
bool mlproxy_dataset_active(struct mlproxy_reader *reader)
{
	struct dataset *ds = rcu_dereference_sched(reader->dataset);

	return !ds || (READ_ONCE(ds->state) == MLPROXY_DATASET_ACTIVE && !dataset_over(ds));
}

/**
 * mlproxy_dataset_wants_feedback() - was the decision published to a reader with a request
 * @reader: the reader
 * @d: the decision
 *
 * Without a request a reader takes all feedback.
 * Context: as mlproxy_decide(), preemption off.
 */
bool mlproxy_dataset_wants_feedback(struct mlproxy_reader *reader,
				    const struct mlproxy_decision *d)
{
	u64 cpu = d->id >> MLPROXY_CPU_ID_SHIFT;

	if (!(d->readers & BIT(reader->slot)) || cpu >= nr_cpu_ids || !reader->rings[cpu])
		return false;
	return d->id > reader->rings[cpu]->first_id;
}

/**
 * mlproxy_dataset_trigger() - something happened that requests may wait for
 * @proxy: the proxy
 * @trigger: MLPROXY_TRIGGER_*
 * @event: number of the event, else 0
 *
 * Context: as mlproxy_decide(), preemption off.
 */
void mlproxy_dataset_trigger(struct mlproxy *proxy, u32 trigger, u32 event)
{
	struct mlproxy_reader *reader;

	list_for_each_entry_rcu(reader, &proxy->whole->readers, node) {
		struct dataset *ds = rcu_dereference_sched(reader->dataset);

		if (!reader_takes(reader, proxy) || !ds || ds->trigger != trigger ||
		    ds->event != event || READ_ONCE(ds->state) != MLPROXY_DATASET_WAITING)
			continue;
		if (dataset_begin(reader, ds) && ds->duration_ns && !in_nmi())
			dataset_kick(reader);
	}
}

/**
 * mlproxy_dataset_arm() - let a set that is limited in time end without traffic
 * @reader: the reader
 *
 * Context: irq_work, or task.
 */
void mlproxy_dataset_arm(struct mlproxy_reader *reader)
{
	struct dataset *ds;

	rcu_read_lock();
	ds = rcu_dereference(reader->dataset);
	if (ds && ds->duration_ns && READ_ONCE(ds->state) == MLPROXY_DATASET_ACTIVE &&
	    !hrtimer_active(&reader->dataset_timer))
		hrtimer_start(&reader->dataset_timer, ns_to_ktime(READ_ONCE(ds->end_ns)),
			      HRTIMER_MODE_ABS);
	rcu_read_unlock();
}

/**
 * mlproxy_dataset_complete() - is all that was asked for published
 * @reader: the reader
 *
 * Context: any.
 */
bool mlproxy_dataset_complete(struct mlproxy_reader *reader)
{
	struct dataset *ds;
	bool complete;

	rcu_read_lock();
	ds = rcu_dereference(reader->dataset);
	complete = ds && READ_ONCE(ds->state) == MLPROXY_DATASET_COMPLETE;
	rcu_read_unlock();
	return complete;
}
