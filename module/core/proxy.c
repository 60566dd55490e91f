// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proxies: the registry, the lifecycle and its checked states, and
 * parameters.
 *
 *	create -> CREATED -> init -> INITIALIZED -> start -> RUNNING
 *	RUNNING -> stop -> STOPPED -> start -> RUNNING
 *	INITIALIZED, STOPPED -> reinit -> INITIALIZED
 *	any -> destroy -> DESTROYED
 *
 * Everything else is -EINVAL. A proxy lives until its last session lets go of it;
 * what belongs to the subsystem's module is not touched once it is DESTROYED.
 */
#include <linux/log2.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "core.h"
#include "event.h"
#include "mode.h"
#include "pending.h"
#include "rec_table.h"
#include "state.h"

#define DEFAULT_TABLE_ENTRIES	1024
#define DEFAULT_WINDOW_NS	(100 * NSEC_PER_MSEC)
#define DEFAULT_PENDING_NS	(60 * NSEC_PER_SEC)
#define MIN_WINDOW_NS		NSEC_PER_MSEC
#define MAX_WINDOW_NS		(3600ULL * NSEC_PER_SEC)

static DEFINE_MUTEX(registry_lock);
static LIST_HEAD(registry);
static u32 last_id;	/* never used twice; registry_lock */
static unsigned int nr_proxies;

static const u32 default_share[MLPROXY_NR_MODES] = {
	[MLPROXY_MODE_LEARNING] = MLPROXY_SHARE_ONE / 16,
	[MLPROXY_MODE_COLLABORATION] = MLPROXY_SHARE_ONE / 2,
	[MLPROXY_MODE_RECOMMENDATION] = MLPROXY_SHARE_ONE - MLPROXY_SHARE_ONE / 64,
};

static const u32 default_explore[MLPROXY_NR_MODES] = {
	[MLPROXY_MODE_LEARNING] = MLPROXY_SHARE_ONE / 16,
	[MLPROXY_MODE_COLLABORATION] = MLPROXY_SHARE_ONE / 64,
};

/**
 * mlproxy_gone() - was the proxy destroyed
 * @proxy: the proxy
 *
 * Stable while its lock is held.
 */
bool mlproxy_gone(const struct mlproxy *proxy)
{
	return READ_ONCE(proxy->state) == MLPROXY_STATE_DESTROYED;
}

static void set_defaults(struct mlproxy *proxy)
{
	memcpy(proxy->share, default_share, sizeof(proxy->share));
	if (proxy->trial_share)
		proxy->share[MLPROXY_MODE_LEARNING] = proxy->trial_share;
	memcpy(proxy->explore, default_explore, sizeof(proxy->explore));
	proxy->window_ns = DEFAULT_WINDOW_NS;
	proxy->pending_ns = DEFAULT_PENDING_NS;
	proxy->state_period_ns = 0;
	proxy->seed = get_random_u64();
}

static void proxy_free(struct mlproxy *proxy)
{
	mlproxy_mode_free(proxy);
	mlproxy_pending_exit(proxy);
	mlproxy_event_exit(proxy);
	rec_table_free(proxy->table);
	free_percpu(proxy->counters);
	mlproxy_schema_free(proxy);
	mutex_destroy(&proxy->lock);
	kfree(proxy);
}

static void proxy_release(struct kref *kref)
{
	proxy_free(container_of(kref, struct mlproxy, kref));
}

static struct mlproxy *proxy_alloc(const struct mlproxy_desc *desc, void *priv)
{
	u32 entries = desc->table_entries ? desc->table_entries : DEFAULT_TABLE_ENTRIES;
	struct mlproxy *proxy;
	int ret;

	proxy = kzalloc(sizeof(*proxy), GFP_KERNEL);
	if (!proxy)
		return ERR_PTR(-ENOMEM);
	mutex_init(&proxy->lock);
	kref_init(&proxy->kref);
	INIT_LIST_HEAD(&proxy->readers);
	mlproxy_state_init(proxy);
	ret = mlproxy_schema_init(proxy, desc);
	if (ret)
		goto err;
	proxy->trial_share = desc->trial_share;
	proxy->min_samples = desc->min_samples;
	ret = -ENOMEM;
	proxy->counters = alloc_percpu(struct mlproxy_counters);
	proxy->table = rec_table_alloc(entries);
	if (!proxy->counters || !proxy->table)
		goto err;
	ret = mlproxy_event_init(proxy) ?: mlproxy_pending_init(proxy, desc->pending_entries);
	if (ret)
		goto err;
	ret = mlproxy_mode_init(proxy);
	if (ret)
		goto err;

	strscpy(proxy->name, desc->name, sizeof(proxy->name));
	proxy->owner = desc->owner;
	proxy->ops = desc->ops;
	proxy->critical = desc->ops ? desc->ops->critical : NULL;
	proxy->priv = priv;
	proxy->unit = desc->unit;
	proxy->nr_features = desc->nr_features;
	proxy->all_actions = GENMASK(desc->nr_actions - 1, 0);
	proxy->state = MLPROXY_STATE_CREATED;
	set_defaults(proxy);
	return proxy;
err:
	proxy_free(proxy);
	return ERR_PTR(ret);
}

static struct mlproxy *find_locked(const char *name)
{
	struct mlproxy *proxy;

	list_for_each_entry(proxy, &registry, node)
		if (!strcmp(proxy->name, name))
			return proxy;
	return NULL;
}

static int registry_add(struct mlproxy *proxy)
{
	int ret = 0;

	mutex_lock(&registry_lock);
	if (find_locked(proxy->name)) {
		ret = -EEXIST;
	} else if (nr_proxies == MLPROXY_MAX_PROXIES) {
		ret = -ENOSPC;
	} else {
		proxy->id = ++last_id;
		list_add_tail(&proxy->node, &registry);
		nr_proxies++;
	}
	mutex_unlock(&registry_lock);
	return ret;
}

struct mlproxy *mlproxy_create(const struct mlproxy_desc *desc, void *priv)
{
	struct mlproxy *proxy = proxy_alloc(desc, priv);
	int ret;

	if (IS_ERR(proxy))
		return proxy;
	ret = registry_add(proxy);
	if (ret) {
		proxy_free(proxy);
		return ERR_PTR(ret);
	}
	return proxy;
}
EXPORT_SYMBOL_GPL(mlproxy_create);

/* Change the state, with the lock held. */
static void set_state(struct mlproxy *proxy, u32 state)
{
	u32 old = proxy->state;

	/* What start() prepared, before decisions see RUNNING. */
	smp_store_release(&proxy->state, state);
	mlproxy_publish_change(proxy, MLPROXY_REC_STATE, old, state, 0);
}

int mlproxy_init(struct mlproxy *proxy)
{
	int ret = -EINVAL;

	mutex_lock(&proxy->lock);
	if (proxy->state != MLPROXY_STATE_CREATED)
		goto out;
	ret = mlproxy_sysfs_add(proxy);
	if (!ret)
		set_state(proxy, MLPROXY_STATE_INITIALIZED);
out:
	mutex_unlock(&proxy->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(mlproxy_init);

static bool is_idle(const struct mlproxy *proxy)
{
	return proxy->state == MLPROXY_STATE_INITIALIZED ||
	       proxy->state == MLPROXY_STATE_STOPPED;
}

static int reinit_locked(struct mlproxy *proxy)
{
	if (!is_idle(proxy))
		return -EINVAL;
	/* From here on feedback of earlier decisions is stale. */
	WRITE_ONCE(proxy->generation, proxy->generation + 1);
	synchronize_rcu();
	mlproxy_mode_sync(proxy);
	mlproxy_model_drop(proxy);
	rec_table_clear(proxy->table);
	/* Before the counters, which the records of aggregated events add up to. */
	mlproxy_event_flush(proxy);
	mlproxy_stats_reset(proxy);
	mlproxy_state_reset(proxy);
	set_defaults(proxy);
	mlproxy_mode_reset(proxy);
	set_state(proxy, MLPROXY_STATE_INITIALIZED);
	return 0;
}

static int start_locked(struct mlproxy *proxy)
{
	int ret = 0;

	if (!is_idle(proxy))
		return -EINVAL;
	if (proxy->ops && proxy->ops->start)
		ret = proxy->ops->start(proxy, proxy->priv);
	if (ret)
		return ret;
	set_state(proxy, MLPROXY_STATE_RUNNING);
	mlproxy_state_publish(proxy);
	mlproxy_state_start(proxy);
	mlproxy_pending_start(proxy);
	return 0;
}

static int stop_locked(struct mlproxy *proxy)
{
	if (proxy->state != MLPROXY_STATE_RUNNING)
		return -EINVAL;
	set_state(proxy, MLPROXY_STATE_STOPPED);
	synchronize_rcu();
	if (proxy->ops && proxy->ops->stop)
		proxy->ops->stop(proxy, proxy->priv);
	mlproxy_state_stop(proxy);
	mlproxy_pending_stop(proxy);
	mlproxy_event_flush(proxy);
	return 0;
}

/**
 * mlproxy_control() - start, stop or re-initialise
 * @proxy: the proxy
 * @op: MLPROXY_CTL_*
 *
 * Context: may sleep. Return: 0, -EINVAL for another @op or in a state that does
 * not allow it, -ENODEV, or what the start callback returned.
 */
int mlproxy_control(struct mlproxy *proxy, u32 op)
{
	int ret = -EINVAL;

	mutex_lock(&proxy->lock);
	if (mlproxy_gone(proxy))
		ret = -ENODEV;
	else if (op == MLPROXY_CTL_START)
		ret = start_locked(proxy);
	else if (op == MLPROXY_CTL_STOP)
		ret = stop_locked(proxy);
	else if (op == MLPROXY_CTL_REINIT)
		ret = reinit_locked(proxy);
	mutex_unlock(&proxy->lock);
	return ret;
}

int mlproxy_reinit(struct mlproxy *proxy)
{
	return mlproxy_control(proxy, MLPROXY_CTL_REINIT);
}
EXPORT_SYMBOL_GPL(mlproxy_reinit);

int mlproxy_start(struct mlproxy *proxy)
{
	return mlproxy_control(proxy, MLPROXY_CTL_START);
}
EXPORT_SYMBOL_GPL(mlproxy_start);

int mlproxy_stop(struct mlproxy *proxy)
{
	return mlproxy_control(proxy, MLPROXY_CTL_STOP);
}
EXPORT_SYMBOL_GPL(mlproxy_stop);

void mlproxy_destroy(struct mlproxy *proxy)
{
	if (IS_ERR_OR_NULL(proxy))
		return;
	mutex_lock(&registry_lock);
	list_del(&proxy->node);
	nr_proxies--;
	mutex_unlock(&registry_lock);

	mlproxy_sysfs_remove(proxy);
	mutex_lock(&proxy->lock);
	stop_locked(proxy);
	/* Also what came while it did not run. */
	mlproxy_event_flush(proxy);
	mlproxy_model_drop(proxy);
	set_state(proxy, MLPROXY_STATE_DESTROYED);
	proxy->ops = NULL;
	proxy->priv = NULL;
	mutex_unlock(&proxy->lock);
	mlproxy_state_exit(proxy);
	synchronize_rcu();
	mlproxy_mode_exit(proxy);
	kref_put(&proxy->kref, proxy_release);
}
EXPORT_SYMBOL_GPL(mlproxy_destroy);

struct mlproxy *mlproxy_register(const struct mlproxy_desc *desc, void *priv)
{
	struct mlproxy *proxy = mlproxy_create(desc, priv);
	int ret;

	if (IS_ERR(proxy))
		return proxy;
	ret = mlproxy_init(proxy);
	if (ret) {
		mlproxy_destroy(proxy);
		return ERR_PTR(ret);
	}
	return proxy;
}
EXPORT_SYMBOL_GPL(mlproxy_register);

bool mlproxy_running(const struct mlproxy *proxy)
{
	return READ_ONCE(proxy->state) == MLPROXY_STATE_RUNNING;
}
EXPORT_SYMBOL_GPL(mlproxy_running);

/**
 * mlproxy_get_by_name() - find a visible proxy and hold it and its module
 * @name: name
 *
 * Context: may sleep. Return: the proxy, to be given to mlproxy_put(), or NULL.
 */
struct mlproxy *mlproxy_get_by_name(const char *name)
{
	struct mlproxy *proxy;

	mutex_lock(&registry_lock);
	proxy = find_locked(name);
	if (proxy && (READ_ONCE(proxy->state) == MLPROXY_STATE_CREATED ||
		      !try_module_get(proxy->owner)))
		proxy = NULL;
	if (proxy)
		kref_get(&proxy->kref);
	mutex_unlock(&registry_lock);
	return proxy;
}

/**
 * mlproxy_put() - let go of a proxy
 * @proxy: from mlproxy_get_by_name()
 *
 * Context: may sleep.
 */
void mlproxy_put(struct mlproxy *proxy)
{
	struct module *owner = proxy->owner;

	kref_put(&proxy->kref, proxy_release);
	module_put(owner);
}

/**
 * mlproxy_list_fill() - describe all visible proxies
 * @entries: where to, may be NULL with no @room
 * @room: entries that fit
 *
 * Context: may sleep. Return: number of visible proxies.
 */
u32 mlproxy_list_fill(struct mlproxy_list_entry *entries, u32 room)
{
	struct mlproxy *proxy;
	u32 nr = 0;

	mutex_lock(&registry_lock);
	list_for_each_entry(proxy, &registry, node) {
		if (READ_ONCE(proxy->state) == MLPROXY_STATE_CREATED)
			continue;
		if (nr < room) {
			struct mlproxy_list_entry *e = &entries[nr];

			strscpy(e->name, proxy->name, sizeof(e->name));
			e->id = proxy->id;
			e->state = READ_ONCE(proxy->state);
			e->mode = READ_ONCE(proxy->mode);
			e->schema_version = proxy->schema.schema_version;
			e->nr_features = proxy->schema.nr_features;
			e->nr_actions = proxy->schema.nr_actions;
		}
		nr++;
	}
	mutex_unlock(&registry_lock);
	return nr;
}

static int set_share(u32 *shares, const u32 *others, u32 mode, u64 value)
{
	if (mode >= MLPROXY_NR_MODES || mode == MLPROXY_MODE_EMERGENCY)
		return -EINVAL;
	if (value > MLPROXY_SHARE_ONE - others[mode])
		return -EINVAL;
	WRITE_ONCE(shares[mode], value);
	return 0;
}

/**
 * mlproxy_set_param() - change a parameter
 * @proxy: the proxy
 * @param: MLPROXY_PARAM_*
 * @index: mode, for the shares; else 0
 * @value: new value
 *
 * Context: may sleep. Return: 0, -EINVAL, -ENODEV.
 */
int mlproxy_set_param(struct mlproxy *proxy, u32 param, u32 index, u64 value)
{
	int ret = -EINVAL;

	mutex_lock(&proxy->lock);
	if (mlproxy_gone(proxy)) {
		ret = -ENODEV;
		goto out;
	}
	switch (param) {
	case MLPROXY_PARAM_SHARE:
		ret = set_share(proxy->share, proxy->explore, index, value);
		break;
	case MLPROXY_PARAM_EXPLORE:
		ret = set_share(proxy->explore, proxy->share, index, value);
		break;
	case MLPROXY_PARAM_WINDOW_NS:
		if (index || value < MIN_WINDOW_NS || value > MAX_WINDOW_NS ||
		    value <= proxy->washout_ns)
			break;
		WRITE_ONCE(proxy->window_ns, value);
		ret = 0;
		break;
	case MLPROXY_PARAM_STATE_PERIOD_NS:
		if (!index)
			ret = mlproxy_state_set_period(proxy, value);
		break;
	case MLPROXY_PARAM_PENDING_NS:
		if (!index)
			ret = mlproxy_pending_set_ns(proxy, value);
		break;
	case MLPROXY_PARAM_SEED:
		if (index)
			break;
		WRITE_ONCE(proxy->seed, value);
		ret = 0;
		break;
	default:
		if (!index)
			ret = mlproxy_mode_set_param(proxy, param, value);
	}
out:
	mutex_unlock(&proxy->lock);
	return ret;
}

/**
 * mlproxy_get_param() - ask for a parameter
 * @proxy: the proxy
 * @param: MLPROXY_PARAM_*
 * @index: mode, for the shares; else 0
 * @value: out; 0 for the seed, which stays secret
 *
 * Return: 0, or -EINVAL.
 */
int mlproxy_get_param(struct mlproxy *proxy, u32 param, u32 index, u64 *value)
{
	bool per_mode = param == MLPROXY_PARAM_SHARE || param == MLPROXY_PARAM_EXPLORE;

	if (index >= (per_mode ? MLPROXY_NR_MODES : 1))
		return -EINVAL;
	switch (param) {
	case MLPROXY_PARAM_SHARE:
		*value = READ_ONCE(proxy->share[index]);
		return 0;
	case MLPROXY_PARAM_EXPLORE:
		*value = READ_ONCE(proxy->explore[index]);
		return 0;
	case MLPROXY_PARAM_WINDOW_NS:
		*value = READ_ONCE(proxy->window_ns);
		return 0;
	case MLPROXY_PARAM_STATE_PERIOD_NS:
		*value = READ_ONCE(proxy->state_period_ns);
		return 0;
	case MLPROXY_PARAM_PENDING_NS:
		*value = READ_ONCE(proxy->pending_ns);
		return 0;
	case MLPROXY_PARAM_SEED:
		*value = 0;
		return 0;
	}
	return mlproxy_mode_get_param(proxy, param, value);
}
