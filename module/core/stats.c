// SPDX-License-Identifier: GPL-2.0-only
/* Statistics of a proxy: sums over the CPUs' counters. */
#include <linux/cpumask.h>

#include "core.h"
#include "reader.h"
#include "rec_table.h"

static void sum(u64 *to, const u64 *from, unsigned int nr)
{
	while (nr--)
		to[nr] += READ_ONCE(from[nr]);
}

static void add_cpu(struct mlproxy_stats *s, const struct mlproxy_counters *c)
{
	unsigned int i;

	sum(s->by_source, c->by_source, MLPROXY_NR_SOURCES);
	sum(s->by_mode, c->by_mode, MLPROXY_NR_MODES);
	sum(s->by_action, c->by_action, MLPROXY_MAX_ACTIONS);
	sum(s->reward_count, c->reward_count, MLPROXY_NR_SOURCES);
	for (i = 0; i < MLPROXY_NR_SOURCES; i++)
		s->reward_sum[i] += READ_ONCE(c->reward_sum[i]);
	s->critical += READ_ONCE(c->critical);
	s->feedback_stale += READ_ONCE(c->feedback_stale);
	s->rec_hits += READ_ONCE(c->rec_hits);
	s->rec_expired += READ_ONCE(c->rec_expired);
	s->events += READ_ONCE(c->events);
	s->bad_calls += READ_ONCE(c->bad_calls);
	sum(s->by_arm, c->by_arm, MLPROXY_NR_ARMS);
	sum(s->lost_by_arm, c->lost_by_arm, MLPROXY_NR_ARMS);
	s->refused += READ_ONCE(c->refused);
	s->errors += READ_ONCE(c->errors);
	s->bpf_calls += READ_ONCE(c->bpf_calls);
	s->latency_samples += READ_ONCE(c->latency_samples);
	s->latency_over += READ_ONCE(c->latency_over);
	s->pending_deferred += READ_ONCE(c->pending_deferred);
	s->pending_resolved += READ_ONCE(c->pending_resolved);
	s->pending_expired += READ_ONCE(c->pending_expired);
	s->pending_evicted += READ_ONCE(c->pending_evicted);
	s->pending_missed += READ_ONCE(c->pending_missed);
}

static void add_all(struct mlproxy_stats *s, const struct mlproxy *proxy)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		add_cpu(s, per_cpu_ptr(proxy->counters, cpu));
}

/* Those that are there, and those that were. */
static void fill_instances(struct mlproxy *proxy, struct mlproxy_stats *stats)
{
	u32 size = stats->size, flags = stats->flags;
	struct mlproxy *instance;

	mutex_lock(&proxy->lock);
	if (proxy->departed)
		*stats = *proxy->departed;
	stats->size = size;
	stats->flags = flags;
	list_for_each_entry(instance, &proxy->instances, sibling)
		add_all(stats, instance);
	mutex_unlock(&proxy->lock);
}

/**
 * mlproxy_stats_fill() - statistics since the last initialisation
 * @proxy: the proxy
 * @stats: out: zeroed; size and flags are left alone
 *
 * Of a proxy with instances the sums of all. Counters of several CPUs are read one after
 * the other: sums only match while nothing is decided. Context: may sleep.
 */
void mlproxy_stats_fill(struct mlproxy *proxy, struct mlproxy_stats *stats)
{
	struct mlproxy *whole = proxy->whole;
	unsigned int i;

	if (READ_ONCE(proxy->is_class))
		fill_instances(proxy, stats);
	add_all(stats, proxy);
	for (i = 0; i < MLPROXY_NR_MODES; i++)
		stats->decisions += stats->by_mode[i];
	for (i = 0; i < MLPROXY_NR_SOURCES; i++)
		stats->feedbacks += stats->reward_count[i];
	stats->nr_sources = MLPROXY_NR_SOURCES;
	stats->nr_modes = MLPROXY_NR_MODES;
	stats->nr_actions = proxy->schema.nr_actions;
	stats->nr_arms = MLPROXY_NR_ARMS;
	stats->rec_drained = atomic64_read(&whole->rec_drained);
	stats->rec_accepted = atomic64_read(&whole->rec_accepted);
	stats->rec_rejected = atomic64_read(&whole->rec_rejected);
	stats->rec_evicted = rec_table_evicted(whole->table);
}

/**
 * mlproxy_stats_depart() - keep what an instance that goes has counted
 * @instance: destroyed; the lock of its proxy is held
 */
void mlproxy_stats_depart(const struct mlproxy *instance)
{
	if (instance->whole->departed)
		add_all(instance->whole->departed, instance);
}

/**
 * mlproxy_stats_reset() - set all to zero
 * @proxy: the proxy, not running
 *
 * Decision numbers go on, so that an id is never used twice.
 */
void mlproxy_stats_reset(struct mlproxy *proxy)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct mlproxy_counters *c = per_cpu_ptr(proxy->counters, cpu);

		*c = (struct mlproxy_counters) { .next_id = c->next_id };
	}
	atomic64_set(&proxy->rec_drained, 0);
	atomic64_set(&proxy->rec_accepted, 0);
	atomic64_set(&proxy->rec_rejected, 0);
	if (proxy->departed)
		*proxy->departed = (struct mlproxy_stats) {};
}

/**
 * mlproxy_stats_lost() - records lost by the readers of now
 * @proxy: the proxy, or an instance, for the readers that are bound to it
 */
u64 mlproxy_stats_lost(struct mlproxy *proxy)
{
	struct mlproxy_reader *reader;
	unsigned int cpu;
	u64 lost = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(reader, &proxy->whole->readers, node) {
		if (mlproxy_is_instance(proxy) && reader->only != proxy)
			continue;
		for_each_possible_cpu(cpu)
			lost += mlproxy_ring_lost(reader->rings[cpu]);
	}
	rcu_read_unlock();
	return lost;
}
