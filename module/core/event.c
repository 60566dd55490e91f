// SPDX-License-Identifier: GPL-2.0-only
/*
 * Raw events: publishing, and aggregation where the schema gives a period.
 *
 * An aggregated event is added to its CPU's accumulator, with interrupts off for a
 * few instructions. Whoever finds the period over takes the accumulator out, and
 * publishes it with interrupts as they were. What is left is flushed by an IPI when
 * the proxy stops and before each snapshot, so that the counts of all records add up
 * to the number of events.
 */
#include <linux/cpu.h>
#include <linux/hardirq.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/smp.h>

#include "core.h"
#include "dataset.h"
#include "event.h"
#include "publish.h"

/**
 * struct accumulator - events of one kind on one CPU, since the last record
 * @start_ns: time of the first one
 * @count: how many
 * @sum: of each value; saturates
 * @min: of each value
 * @max: of each value
 */
struct accumulator {
	u64 start_ns;
	u64 count;
	s64 sum[EVENT_MAX_AGGREGATED];
	s64 min[EVENT_MAX_AGGREGATED];
	s64 max[EVENT_MAX_AGGREGATED];
};

/**
 * struct event_accumulators - the accumulators of one CPU
 * @by_event: by the number of the event
 */
struct event_accumulators {
	struct accumulator by_event[MLPROXY_MAX_EVENTS];
};

static void publish_aggregate(struct mlproxy *proxy, u16 event, const struct accumulator *acc)
{
	u32 nr = proxy->events[event].nr_values, i;
	s64 values[1 + 3 * EVENT_MAX_AGGREGATED] = { acc->count };

	for (i = 0; i < nr; i++) {
		values[1 + i] = acc->sum[i];
		values[1 + nr + i] = acc->min[i];
		values[1 + 2 * nr + i] = acc->max[i];
	}
	mlproxy_publish_event(proxy, event, 0, values, 1 + 3 * nr);
}

static void accumulate(struct accumulator *acc, const s64 *values, u32 nr, u64 now_ns)
{
	bool first = !acc->count++;
	u32 i;

	if (first)
		acc->start_ns = now_ns;
	for (i = 0; i < nr; i++) {
		s64 v = values[i];

		if (first)
			acc->sum[i] = v;
		else if (check_add_overflow(acc->sum[i], v, &acc->sum[i]))
			acc->sum[i] = v < 0 ? S64_MIN : S64_MAX;
		acc->min[i] = first ? v : min(acc->min[i], v);
		acc->max[i] = first ? v : max(acc->max[i], v);
	}
}

/* Context: as mlproxy_publish_event(), but not in NMI. */
static void aggregate(struct mlproxy *proxy, u16 event, const s64 *values, u32 nr)
{
	struct accumulator *acc = &this_cpu_ptr(proxy->accumulators)->by_event[event];
	u64 period_ns = (u64)proxy->events[event].period_ms * NSEC_PER_MSEC;
	struct accumulator due = {};
	unsigned long irq_flags;
	u64 now_ns;

	local_irq_save(irq_flags);
	/* Not before: an interrupt that comes between may begin the next period. */
	now_ns = ktime_get_mono_fast_ns();
	if (acc->count && now_ns - acc->start_ns >= period_ns) {
		due = *acc;
		acc->count = 0;
	}
	accumulate(acc, values, nr, now_ns);
	local_irq_restore(irq_flags);
	if (due.count)
		publish_aggregate(proxy, event, &due);
}

static bool is_described(const struct mlproxy *proxy, u16 event)
{
	return event < proxy->schema.nr_events;
}

/* One of those that the schema describes; in the section of mlproxy_event(), which it ends. */
static noinline void described_event(struct mlproxy *proxy, u16 event, u64 key,
				     const s64 *values, u32 nr)
	__releases(RCU_SCHED)
{
	const struct mlproxy_event_desc *desc = &proxy->events[event];

	if (unlikely(nr != desc->nr_values)) {
		this_cpu_inc(proxy->counters->bad_calls);
		goto out;
	}
	this_cpu_inc(proxy->counters->events);
	if (unlikely(atomic_read(&proxy->whole->event_triggers)))
		mlproxy_dataset_trigger(proxy, MLPROXY_TRIGGER_EVENT, event);
	/* In NMI context it is lost, and counted, as any other record. */
	if (desc->period_ms && !in_nmi())
		aggregate(proxy, event, values, nr);
	else if (atomic_read(&proxy->whole->uses) & USE_READERS)
		mlproxy_publish_event(proxy, event, key, values, nr);
out:
	rcu_read_unlock_sched_notrace();
}

/* The same, of another event that requests wait for. */
static noinline void triggering_event(struct mlproxy *proxy, u16 event, u64 key,
				      const s64 *values, u32 nr)
	__releases(RCU_SCHED)
{
	if (event != MLPROXY_EVENT_SNAPSHOT)
		mlproxy_dataset_trigger(proxy, MLPROXY_TRIGGER_EVENT, event);
	mlproxy_publish_event_last(proxy, event, key, values, nr);
}

void mlproxy_event(struct mlproxy *proxy, u16 event, u64 key, const s64 *values,
		   unsigned int nr)
{
	nr = min_t(unsigned int, nr, EVENT_MAX_VALUES);
	rcu_read_lock_sched_notrace();
	if (is_described(proxy, event)) {
		described_event(proxy, event, key, values, nr);
		return;
	}
	this_cpu_inc(proxy->counters->events);
	if (unlikely(atomic_read(&proxy->whole->event_triggers))) {
		triggering_event(proxy, event, key, values, nr);
		return;
	}
	if (atomic_read(&proxy->whole->uses) & USE_READERS) {
		mlproxy_publish_event_last(proxy, event, key, values, nr);
		return;
	}
	rcu_read_unlock_sched_notrace();
}
EXPORT_SYMBOL_GPL(mlproxy_event);

/* Interrupts off, on @accs' own CPU or while that one is offline. */
static void flush(struct mlproxy *proxy, struct event_accumulators *accs)
{
	u32 i;

	rcu_read_lock_sched_notrace();
	for (i = 0; i < proxy->schema.nr_events; i++) {
		struct accumulator *acc = &accs->by_event[i];

		if (!acc->count)
			continue;
		publish_aggregate(proxy, i, acc);
		acc->count = 0;
	}
	rcu_read_unlock_sched_notrace();
}

static void flush_this_cpu(void *arg)
{
	struct mlproxy *proxy = arg;

	flush(proxy, this_cpu_ptr(proxy->accumulators));
}

/**
 * mlproxy_event_flush() - publish what aggregated events have come together
 * @proxy: the proxy
 *
 * Context: may sleep.
 */
void mlproxy_event_flush(struct mlproxy *proxy)
{
	unsigned long irq_flags;
	unsigned int cpu;

	if (!proxy->accumulators)
		return;
	cpus_read_lock();
	on_each_cpu(flush_this_cpu, proxy, true);
	for_each_possible_cpu(cpu) {
		if (cpu_online(cpu))
			continue;
		local_irq_save(irq_flags);
		flush(proxy, per_cpu_ptr(proxy->accumulators, cpu));
		local_irq_restore(irq_flags);
	}
	cpus_read_unlock();
}

/**
 * mlproxy_event_init() - room for aggregation, where the schema wants it
 * @proxy: being made, with its schema
 *
 * Context: may sleep. Return: 0, or -ENOMEM.
 */
int mlproxy_event_init(struct mlproxy *proxy)
{
	u32 i;

	for (i = 0; i < proxy->schema.nr_events; i++)
		if (proxy->events[i].period_ms)
			break;
	if (i == proxy->schema.nr_events)
		return 0;
	proxy->accumulators = alloc_percpu_gfp(struct event_accumulators, proxy->gfp);
	return proxy->accumulators ? 0 : -ENOMEM;
}

/**
 * mlproxy_event_exit() - free it
 * @proxy: the proxy, without users
 */
void mlproxy_event_exit(struct mlproxy *proxy)
{
	free_percpu(proxy->accumulators);
}
