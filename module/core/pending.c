// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delayed ground truth: decisions that wait for an outcome known much later.
 *
 * A hash table of buckets of eight, each with a raw spinlock that is held, interrupts
 * off, for one scan of the eight; nothing is published under it. Every decision that
 * is deferred leaves the table once, and is counted by how: resolved, expired, or
 * evicted. A worker looks for what has expired, so that this does not depend on
 * traffic; it takes no lock but a bucket's. Stopping empties the table: the subsystem
 * does not see outcomes any more.
 */
#include <linux/hardirq.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "core.h"
#include "pending.h"
#include "split.h"

#define MIN_SWEEP_NS		(10 * NSEC_PER_MSEC)
#define MAX_SWEEP_NS		(10ULL * NSEC_PER_SEC)

/**
 * struct pending_entry - one place
 * @token: what the outcome will be found by
 * @expires_ns: CLOCK_MONOTONIC; 0 for an empty place
 * @decision: copy of the caller's
 */
struct pending_entry {
	u64 token;
	u64 expires_ns;
	struct mlproxy_decision decision;
};

struct pending_bucket {
	raw_spinlock_t lock;
	struct pending_entry entries[PENDING_WAYS];
};

struct pending_table {
	struct mlproxy *proxy;
	struct delayed_work sweep;
	u64 secret;		/* of the hash: a token may come from user space */
	u32 mask;
	struct pending_bucket buckets[];
};

static struct pending_bucket *bucket_of(struct pending_table *table, u64 token)
{
	return &table->buckets[(u32)mix64(table->secret ^ token) & table->mask];
}

/* What came of it, as far as the subsystem knows; nothing once it does not run. */
static bool audit(struct mlproxy *proxy, const struct pending_entry *e, u32 why,
		  struct mlproxy_outcome *outcome)
{
	bool (*ask)(void *priv, u64 token, const struct mlproxy_decision *decision, u32 why,
		    struct mlproxy_outcome *outcome) = proxy->audit;
	bool known = false;

	rcu_read_lock_sched_notrace();
	if (ask && mlproxy_running(proxy))
		known = ask(proxy->priv, e->token, &e->decision, why, outcome);
	rcu_read_unlock_sched_notrace();
	return known;
}

static void give_up(struct mlproxy *proxy, const struct pending_entry *e, u32 why)
{
	struct mlproxy_outcome outcome = {};

	if (audit(proxy, e, why, &outcome)) {
		this_cpu_inc(proxy->counters->pending_resolved);
		mlproxy_feedback_flags(proxy, &e->decision, &outcome, MLPROXY_FEEDBACK_DEFERRED |
								     MLPROXY_FEEDBACK_AUDITED);
		return;
	}
	if (why == MLPROXY_AUDIT_DEADLINE)
		this_cpu_inc(proxy->counters->pending_expired);
	else
		this_cpu_inc(proxy->counters->pending_evicted);
	mlproxy_feedback_flags(proxy, &e->decision, &outcome, MLPROXY_FEEDBACK_DEFERRED |
							      MLPROXY_FEEDBACK_EXPIRED);
}

static struct pending_entry *find(struct pending_bucket *bucket, u64 token)
{
	int i;

	for (i = 0; i < PENDING_WAYS; i++)
		if (bucket->entries[i].expires_ns && bucket->entries[i].token == token)
			return &bucket->entries[i];
	return NULL;
}

/**
 * mlproxy_pending_get() - what was decided, of a decision that waits
 * @proxy: the proxy
 * @token: as for mlproxy_defer()
 * @decision: out: copy of it
 *
 * Context: as mlproxy_decide(). Return: true if it waits; it may have its outcome at once.
 */
bool mlproxy_pending_get(struct mlproxy *proxy, u64 token, struct mlproxy_decision *decision)
{
	struct pending_bucket *bucket;
	struct pending_entry *place;
	unsigned long flags;

	if (!proxy->pending || in_nmi())
		return false;
	bucket = bucket_of(proxy->pending, token);
	raw_spin_lock_irqsave(&bucket->lock, flags);
	place = find(bucket, token);
	if (place)
		*decision = place->decision;
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	return place;
}

/* The place of the token itself; else an empty one; else the oldest. */
static struct pending_entry *choose_place(struct pending_bucket *bucket, u64 token)
{
	struct pending_entry *place = find(bucket, token);
	int i;

	if (place)
		return place;
	place = bucket->entries;
	for (i = 1; i < PENDING_WAYS; i++)
		if (bucket->entries[i].expires_ns < place->expires_ns)
			place = &bucket->entries[i];
	return place;
}

static void defer_running(struct mlproxy *proxy, const struct mlproxy_decision *decision,
			  u64 token)
{
	struct pending_bucket *bucket = bucket_of(proxy->pending, token);
	u64 now_ns = ktime_get_mono_fast_ns();
	struct pending_entry *place, old;
	unsigned long flags;

	raw_spin_lock_irqsave(&bucket->lock, flags);
	place = choose_place(bucket, token);
	old = *place;
	place->token = token;
	place->expires_ns = now_ns + READ_ONCE(proxy->pending_ns);
	place->decision = *decision;
	raw_spin_unlock_irqrestore(&bucket->lock, flags);

	this_cpu_inc(proxy->counters->pending_deferred);
	if (old.expires_ns)
		give_up(proxy, &old, old.expires_ns <= now_ns ? MLPROXY_AUDIT_DEADLINE :
								MLPROXY_AUDIT_EVICTED);
}

bool mlproxy_defer(struct mlproxy *proxy, const struct mlproxy_decision *decision,
		   u64 token)
{
	bool kept = false;

	if (!decision->id || !proxy->pending || in_nmi())
		return false;
	rcu_read_lock_sched_notrace();
	if (READ_ONCE(proxy->state) == MLPROXY_STATE_RUNNING &&
	    decision->generation == READ_ONCE(proxy->generation)) {
		defer_running(proxy, decision, token);
		kept = true;
	}
	rcu_read_unlock_sched_notrace();
	return kept;
}
EXPORT_SYMBOL_GPL(mlproxy_defer);

bool mlproxy_resolve_outcome(struct mlproxy *proxy, u64 token,
			     const struct mlproxy_outcome *outcome)
{
	struct pending_bucket *bucket;
	struct pending_entry *place, old = {};
	unsigned long flags;
	u64 now_ns;
	bool found;

	if (!proxy->pending || in_nmi())
		return false;
	bucket = bucket_of(proxy->pending, token);
	now_ns = ktime_get_mono_fast_ns();
	raw_spin_lock_irqsave(&bucket->lock, flags);
	place = find(bucket, token);
	if (place) {
		old = *place;
		place->expires_ns = 0;
	}
	raw_spin_unlock_irqrestore(&bucket->lock, flags);

	found = old.expires_ns > now_ns;
	if (old.expires_ns && !found)
		give_up(proxy, &old, MLPROXY_AUDIT_DEADLINE);
	if (!found) {
		this_cpu_inc(proxy->counters->pending_missed);
		return false;
	}
	this_cpu_inc(proxy->counters->pending_resolved);
	mlproxy_feedback_flags(proxy, &old.decision, outcome, MLPROXY_FEEDBACK_DEFERRED);
	return true;
}
EXPORT_SYMBOL_GPL(mlproxy_resolve_outcome);

bool mlproxy_resolve(struct mlproxy *proxy, u64 token, s64 reward)
{
	const struct mlproxy_outcome outcome = { .reward = reward };

	return mlproxy_resolve_outcome(proxy, token, &outcome);
}
EXPORT_SYMBOL_GPL(mlproxy_resolve);

/* Take out what expires up to a time. */
static void sweep_bucket(struct mlproxy *proxy, struct pending_bucket *bucket, u64 until_ns)
{
	struct pending_entry *place, old;
	unsigned long flags;
	int i;

	for (i = 0; i < PENDING_WAYS; i++) {
		place = &bucket->entries[i];
		raw_spin_lock_irqsave(&bucket->lock, flags);
		old = *place;
		if (old.expires_ns && old.expires_ns <= until_ns)
			place->expires_ns = 0;
		else
			old.expires_ns = 0;
		raw_spin_unlock_irqrestore(&bucket->lock, flags);
		if (old.expires_ns)
			give_up(proxy, &old, MLPROXY_AUDIT_DEADLINE);
	}
}

static void sweep_table(struct pending_table *table, u64 until_ns)
{
	u32 i;

	for (i = 0; i <= table->mask; i++) {
		sweep_bucket(table->proxy, &table->buckets[i], until_ns);
		cond_resched();
	}
}

static u64 sweep_ns(const struct mlproxy *proxy)
{
	return clamp_t(u64, READ_ONCE(proxy->pending_ns) / 4, MIN_SWEEP_NS, MAX_SWEEP_NS);
}

static unsigned long sweep_delay(const struct mlproxy *proxy)
{
	return nsecs_to_jiffies(sweep_ns(proxy)) ?: 1;
}

/**
 * mlproxy_pending_longest_ns() - how long it may take until an outcome is known to be lost
 * @proxy: the proxy
 *
 * Context: any. Return: nanoseconds, 0 if no decision waits for its outcome.
 */
u64 mlproxy_pending_longest_ns(const struct mlproxy *proxy)
{
	return proxy->pending ? READ_ONCE(proxy->pending_ns) + sweep_ns(proxy) : 0;
}

static void sweep_work(struct work_struct *work)
{
	struct pending_table *table = container_of(to_delayed_work(work),
						   struct pending_table, sweep);

	sweep_table(table, ktime_get_mono_fast_ns());
	queue_delayed_work(system_unbound_wq, &table->sweep, sweep_delay(table->proxy));
}

/**
 * mlproxy_pending_start() - look for what has expired, from now on
 * @proxy: running, its lock held
 */
void mlproxy_pending_start(struct mlproxy *proxy)
{
	if (proxy->pending)
		mod_delayed_work(system_unbound_wq, &proxy->pending->sweep,
				 sweep_delay(proxy));
}

/**
 * mlproxy_pending_stop() - give up all that waits
 * @proxy: not running any more, its lock held; no decision is under way
 *
 * Context: may sleep.
 */
void mlproxy_pending_stop(struct mlproxy *proxy)
{
	if (!proxy->pending)
		return;
	cancel_delayed_work_sync(&proxy->pending->sweep);
	sweep_table(proxy->pending, U64_MAX);
}

/**
 * mlproxy_pending_set_ns() - change how long a decision waits
 * @proxy: the proxy, its lock held
 * @value: new value of MLPROXY_PARAM_PENDING_NS, for those deferred from now on
 *
 * Return: 0, or -EINVAL out of range.
 */
int mlproxy_pending_set_ns(struct mlproxy *proxy, u64 value)
{
	if (value < PENDING_MIN_NS || value > PENDING_MAX_NS)
		return -EINVAL;
	WRITE_ONCE(proxy->pending_ns, value);
	if (proxy->state == MLPROXY_STATE_RUNNING)
		mlproxy_pending_start(proxy);
	return 0;
}

/**
 * mlproxy_pending_init() - allocate an empty table
 * @proxy: being made
 * @entries: places, rounded up to a power of two; 0 for no table
 *
 * Context: may sleep. Return: 0, or -ENOMEM.
 */
int mlproxy_pending_init(struct mlproxy *proxy, u32 entries)
{
	struct pending_table *table;
	u32 nr, i;

	if (!entries)
		return 0;
	nr = max_t(u32, roundup_pow_of_two(entries) / PENDING_WAYS, 1);
	table = kvzalloc(struct_size(table, buckets, nr), proxy->gfp);
	if (!table)
		return -ENOMEM;
	table->proxy = proxy;
	table->secret = get_random_u64();
	table->mask = nr - 1;
	INIT_DELAYED_WORK(&table->sweep, sweep_work);
	for (i = 0; i < nr; i++)
		raw_spin_lock_init(&table->buckets[i].lock);
	proxy->pending = table;
	return 0;
}

/**
 * mlproxy_pending_exit() - free the table
 * @proxy: the proxy, stopped, without users
 */
void mlproxy_pending_exit(struct mlproxy *proxy)
{
	kvfree(proxy->pending);
}
