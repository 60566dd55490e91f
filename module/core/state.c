// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of the subsystem: snapshots, the health that its proxy sees in them, and
 * taking them periodically while it runs.
 *
 * A bad state asks the mode machine for emergency. The periodic work takes the
 * proxy's lock, so who holds that one only cancels it without waiting; work that has
 * begun by then finds the proxy stopped. Only destruction waits, without the lock.
 */
#include <linux/jiffies.h>
#include <linux/workqueue.h>

#include "core.h"
#include "event.h"
#include "mode_path.h"
#include "preprocess.h"
#include "state.h"

#define MIN_PERIOD_NS	NSEC_PER_MSEC
#define MAX_PERIOD_NS	(3600ULL * NSEC_PER_SEC)

/* Differences are to the published snapshot before, which is kept as it was measured. */
static void keep(struct mlproxy *proxy, const s64 *values, u32 nr)
{
	u32 described = min(nr, proxy->schema.nr_states);

	memcpy(proxy->last_states, values, described * sizeof(*values));
	proxy->nr_last_states = max(proxy->nr_last_states, described);
}

static void preprocess(const struct mlproxy *proxy, const s64 *last, u32 nr_last, s64 *values,
		       u32 nr)
{
	u32 described = min(nr, proxy->schema.nr_states), i;

	for (i = 0; i < described; i++)
		if (proxy->states[i].preprocess == MLPROXY_PRE_DELTA)
			values[i] = i < nr_last ? (u64)values[i] - last[i] : 0;
	preprocess_log2(values, preprocess_mask(proxy->states, described));
}

static u32 estimate(struct mlproxy *proxy, const s64 *values, u32 nr)
{
	u32 health;

	if (!proxy->ops->estimate)
		return MLPROXY_HEALTH_UNKNOWN;
	health = proxy->ops->estimate(proxy->priv, values, nr);
	return health < MLPROXY_NR_HEALTH ? health : MLPROXY_HEALTH_UNKNOWN;
}

/* Return: false if the proxy has no snapshots. */
static bool measure(struct mlproxy *proxy, struct mlproxy_snapshot *out)
{
	out->nr = 0;
	out->health = MLPROXY_HEALTH_UNKNOWN;
	if (!proxy->ops || !proxy->ops->snapshot)
		return false;
	out->nr = min_t(u32, MLPROXY_SNAPSHOT_MAX,
			proxy->ops->snapshot(proxy->priv, out->values, MLPROXY_SNAPSHOT_MAX));
	out->health = estimate(proxy, out->values, out->nr);
	return true;
}

static void snapshot_locked(struct mlproxy *proxy, struct mlproxy_snapshot *out)
{
	s64 last[MLPROXY_MAX_STATES];
	u32 nr_last = proxy->nr_last_states;

	mlproxy_event_flush(proxy);
	if (!measure(proxy, out))
		return;
	WRITE_ONCE(proxy->health, out->health);
	if (out->health == MLPROXY_HEALTH_BAD)
		mlproxy_mode_request_emergency(proxy, MLPROXY_REASON_BAD_STATE, 0, 0);
	memcpy(last, proxy->last_states, sizeof(last));
	keep(proxy, out->values, out->nr);
	preprocess(proxy, last, nr_last, out->values, out->nr);
	mlproxy_event(proxy, MLPROXY_EVENT_SNAPSHOT, out->health, out->values, out->nr);
}

/**
 * mlproxy_state_publish() - publish a snapshot
 * @proxy: the proxy, its lock held, not destroyed
 *
 * Context: may sleep.
 */
void mlproxy_state_publish(struct mlproxy *proxy)
{
	struct mlproxy_snapshot snapshot;

	snapshot_locked(proxy, &snapshot);
}

/**
 * mlproxy_take_snapshot() - ask for the state of the subsystem and publish it
 * @proxy: the proxy
 * @out: out: values, number and health
 *
 * Context: may sleep. Return: 0, or -ENODEV.
 */
int mlproxy_take_snapshot(struct mlproxy *proxy, struct mlproxy_snapshot *out)
{
	int ret = 0;

	mutex_lock(&proxy->lock);
	if (mlproxy_gone(proxy))
		ret = -ENODEV;
	else
		snapshot_locked(proxy, out);
	mutex_unlock(&proxy->lock);
	return ret;
}

/**
 * mlproxy_peek_snapshot() - ask for the state of the subsystem, for the asker alone
 * @proxy: the proxy
 * @out: out: values, number and health
 *
 * As mlproxy_take_snapshot(), but nothing is published, and neither the health nor what
 * the next difference is to changes. Context: may sleep. Return: 0, or -ENODEV.
 */
int mlproxy_peek_snapshot(struct mlproxy *proxy, struct mlproxy_snapshot *out)
{
	int ret = 0;

	mutex_lock(&proxy->lock);
	if (mlproxy_gone(proxy))
		ret = -ENODEV;
	else if (measure(proxy, out))
		preprocess(proxy, proxy->last_states, proxy->nr_last_states, out->values,
			   out->nr);
	mutex_unlock(&proxy->lock);
	return ret;
}

static void state_work(struct work_struct *work)
{
	struct mlproxy *proxy = container_of(to_delayed_work(work), struct mlproxy,
					     state_work);

	mutex_lock(&proxy->lock);
	if (proxy->state == MLPROXY_STATE_RUNNING && proxy->state_period_ns) {
		mlproxy_state_publish(proxy);
		mlproxy_state_start(proxy);
	}
	mutex_unlock(&proxy->lock);
}

/**
 * mlproxy_state_start() - take snapshots periodically, if there is a period
 * @proxy: running, its lock held
 */
void mlproxy_state_start(struct mlproxy *proxy)
{
	if (proxy->state_period_ns)
		mod_delayed_work(system_unbound_wq, &proxy->state_work,
				 nsecs_to_jiffies(proxy->state_period_ns) ?: 1);
}

/**
 * mlproxy_state_stop() - no periodic snapshots any more
 * @proxy: the proxy, its lock held
 */
void mlproxy_state_stop(struct mlproxy *proxy)
{
	cancel_delayed_work(&proxy->state_work);
}

/**
 * mlproxy_state_set_period() - change the period of snapshots
 * @proxy: the proxy, its lock held
 * @value: new value of MLPROXY_PARAM_STATE_PERIOD_NS
 *
 * Return: 0, or -EINVAL out of range.
 */
int mlproxy_state_set_period(struct mlproxy *proxy, u64 value)
{
	if (value && (value < MIN_PERIOD_NS || value > MAX_PERIOD_NS))
		return -EINVAL;
	WRITE_ONCE(proxy->state_period_ns, value);
	if (!value)
		mlproxy_state_stop(proxy);
	else if (proxy->state == MLPROXY_STATE_RUNNING)
		mlproxy_state_start(proxy);
	return 0;
}

/**
 * mlproxy_state_reset() - forget earlier snapshots
 * @proxy: the proxy, its lock held
 */
void mlproxy_state_reset(struct mlproxy *proxy)
{
	proxy->nr_last_states = 0;
	WRITE_ONCE(proxy->health, MLPROXY_HEALTH_UNKNOWN);
}

/**
 * mlproxy_state_init() - prepare
 * @proxy: being made
 */
void mlproxy_state_init(struct mlproxy *proxy)
{
	INIT_DELAYED_WORK(&proxy->state_work, state_work);
}

/**
 * mlproxy_state_exit() - wait until no periodic snapshot is under way
 * @proxy: destroyed or never started, its lock not held
 *
 * Context: may sleep.
 */
void mlproxy_state_exit(struct mlproxy *proxy)
{
	cancel_delayed_work_sync(&proxy->state_work);
}
