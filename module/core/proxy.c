// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proxies: the lifecycle and its checked states.
 *
 *	create -> CREATED -> init -> INITIALIZED -> start -> RUNNING
 *	RUNNING -> stop -> STOPPED -> start -> RUNNING
 *	INITIALIZED, STOPPED -> reinit -> INITIALIZED
 *	any -> destroy -> DESTROYED
 *
 * Everything else is -EINVAL. An instance lives as a proxy does. A proxy lives until its
 * last session lets go of it; what belongs to the subsystem's module is not touched once
 * it is DESTROYED.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "core.h"
#include "dataset.h"
#include "event.h"
#include "mode.h"
#include "param.h"
#include "pending.h"
#include "publish.h"
#include "reader.h"
#include "rec_table.h"
#include "registry.h"
#include "state.h"
#include "whole.h"

#define DEFAULT_TABLE_ENTRIES	1024

static void proxy_free(struct mlproxy *proxy)
{
	mlproxy_mode_free(proxy);
	mlproxy_pending_exit(proxy);
	mlproxy_event_exit(proxy);
	rec_table_free(proxy->table);
	free_percpu(proxy->counters);
	mlproxy_schema_free(proxy);
	kfree(proxy->departed);
	mutex_destroy(&proxy->lock);
	if (mlproxy_is_instance(proxy))
		mlproxy_put_ref(proxy->whole);
	kfree(proxy);
}

static void proxy_release(struct kref *kref)
{
	proxy_free(container_of(kref, struct mlproxy, kref));
}

/**
 * mlproxy_get_ref() - hold a proxy's memory
 * @proxy: held by somebody
 */
void mlproxy_get_ref(struct mlproxy *proxy)
{
	kref_get(&proxy->kref);
}

/**
 * mlproxy_put_ref() - let go of it
 * @proxy: from mlproxy_get_ref()
 *
 * Context: may sleep.
 */
void mlproxy_put_ref(struct mlproxy *proxy)
{
	kref_put(&proxy->kref, proxy_release);
}

/* What instances share. */
static int alloc_whole(struct mlproxy *proxy, const struct mlproxy_desc *desc)
{
	u32 entries = desc->table_entries ? desc->table_entries : DEFAULT_TABLE_ENTRIES;
	int ret = mlproxy_schema_init(proxy, desc);

	if (ret)
		return ret;
	proxy->table = rec_table_alloc(entries, &proxy->uses, USE_TABLE, proxy->gfp);
	return proxy->table ? 0 : -ENOMEM;
}

static void join_whole(struct mlproxy *proxy, struct mlproxy *whole)
{
	static struct lock_class_key instance_lock;	/* taken inside of the whole's */

	lockdep_set_class(&proxy->lock, &instance_lock);
	mlproxy_get_ref(whole);
	proxy->whole = whole;
	mlproxy_schema_share(proxy, whole);
}

/**
 * mlproxy_alloc() - make a proxy or an instance, without a name
 * @desc: description
 * @whole: the proxy that it is to be an instance of, or NULL
 * @priv: for the callbacks
 *
 * Context: may sleep. Return: it, in state CREATED, for mlproxy_put_ref(); or ERR_PTR.
 */
struct mlproxy *mlproxy_alloc(const struct mlproxy_desc *desc, struct mlproxy *whole,
			      void *priv)
{
	/* What user space asked for, it pays for. */
	gfp_t gfp = desc->owner == THIS_MODULE ? GFP_KERNEL_ACCOUNT : GFP_KERNEL;
	struct mlproxy *proxy;
	unsigned int cpu;
	int ret = 0;

	proxy = kzalloc(sizeof(*proxy), gfp);
	if (!proxy)
		return ERR_PTR(-ENOMEM);
	proxy->gfp = gfp;
	mutex_init(&proxy->lock);
	kref_init(&proxy->kref);
	INIT_LIST_HEAD(&proxy->readers);
	INIT_LIST_HEAD(&proxy->instances);
	INIT_LIST_HEAD(&proxy->sibling);
	mlproxy_state_init(proxy);
	proxy->whole = proxy;
	if (whole)
		join_whole(proxy, whole);
	else
		ret = alloc_whole(proxy, desc);
	if (ret)
		goto err;
	proxy->trial_share = desc->trial_share;
	proxy->min_samples = desc->min_samples;
	proxy->ramp_ns = desc->ramp_ns;
	proxy->desc_pending_ns = desc->pending_ns ?: PENDING_DEFAULT_NS;
	ret = -ENOMEM;
	proxy->counters = alloc_percpu_gfp(struct mlproxy_counters, gfp);
	if (!proxy->counters)
		goto err;
	for_each_possible_cpu(cpu)
		per_cpu_ptr(proxy->counters, cpu)->next_id = (u64)cpu << MLPROXY_CPU_ID_SHIFT;
	ret = mlproxy_event_init(proxy) ?: mlproxy_pending_init(proxy, desc->pending_entries);
	if (ret)
		goto err;
	ret = mlproxy_mode_init(proxy);
	if (ret)
		goto err;

	proxy->desc = desc;
	proxy->owner = desc->owner;
	proxy->ops = desc->ops;
	proxy->critical = desc->ops ? desc->ops->critical : NULL;
	proxy->audit = desc->ops ? desc->ops->audit : NULL;
	proxy->priv = priv;
	proxy->unit = desc->unit;
	proxy->nr_features = desc->nr_features;
	proxy->nr_actions = desc->nr_actions;
	proxy->all_actions = GENMASK(desc->nr_actions - 1, 0);
	proxy->reward_min = proxy->schema.reward_min;
	proxy->reward_max = proxy->schema.reward_max;
	if (proxy->critical || proxy->log2_features || proxy->costs ||
	    proxy->unit != MLPROXY_UNIT_DECISION)
		mlproxy_use(proxy, USE_CONTEXT, true);
	proxy->state = MLPROXY_STATE_CREATED;
	mlproxy_param_defaults(proxy);
	return proxy;
err:
	proxy_free(proxy);
	return ERR_PTR(ret);
}

/* Names of what user space registers are for that alone, which this module owns. */
static bool name_is_free(const struct mlproxy_desc *desc)
{
	size_t len = strlen(MLPROXY_POINT_PREFIX);

	return desc->owner == THIS_MODULE || !desc->name ||
	       strncmp(desc->name, MLPROXY_POINT_PREFIX, len);
}

struct mlproxy *mlproxy_create(const struct mlproxy_desc *desc, void *priv)
{
	struct mlproxy *proxy;
	int ret;

	if (!name_is_free(desc)) {
		pr_err("cannot create proxy '%.31s': names with " MLPROXY_POINT_PREFIX
		       " are for decision points of user space\n", desc->name);
		return ERR_PTR(-EINVAL);
	}
	proxy = mlproxy_alloc(desc, NULL, priv);
	if (IS_ERR(proxy))
		return proxy;
	strscpy(proxy->name, desc->name, sizeof(proxy->name));
	ret = mlproxy_registry_add(proxy);
	if (ret) {
		mlproxy_put_ref(proxy);
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

static int init_one(struct mlproxy *proxy)
{
	int ret = -EINVAL;

	mutex_lock(&proxy->lock);
	if (proxy->state != MLPROXY_STATE_CREATED)
		goto out;
	ret = mlproxy_sysfs_add(proxy);
	if (ret)
		goto out;
	set_state(proxy, MLPROXY_STATE_INITIALIZED);
	if (mlproxy_is_instance(proxy))
		mlproxy_instance_join(proxy);
out:
	mutex_unlock(&proxy->lock);
	return ret;
}

int mlproxy_init(struct mlproxy *proxy)
{
	int ret;

	if (mlproxy_is_instance(proxy)) {
		mutex_lock(&proxy->whole->lock);
		ret = init_one(proxy);
		if (!ret)
			mlproxy_instance_take_over(proxy, mlproxy_model_active(proxy->whole));
		mutex_unlock(&proxy->whole->lock);
	} else {
		ret = init_one(proxy);
	}
	if (!ret)
		mlproxy_registry_show(proxy);
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
	mlproxy_mode_pause(proxy);
	if (!mlproxy_is_instance(proxy)) {
		mlproxy_model_drop(proxy);
		mlproxy_instances_set_model(proxy, 0);
		rec_table_clear(proxy->table);
	}
	/* Before the counters, which the records of aggregated events add up to. */
	mlproxy_event_flush(proxy);
	mlproxy_stats_reset(proxy);
	mlproxy_state_reset(proxy);
	mlproxy_param_defaults(proxy);
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
 * mlproxy_control_one() - start, stop or re-initialise
 * @proxy: the proxy; to re-initialise an instance, the lock of its proxy is held
 * @op: MLPROXY_CTL_*
 *
 * Context: may sleep. Return: 0, -EINVAL for another @op or in a state that does
 * not allow it, -ENODEV, or what the start callback returned.
 */
int mlproxy_control_one(struct mlproxy *proxy, u32 op)
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
	if (!ret && op == MLPROXY_CTL_REINIT && mlproxy_is_instance(proxy))
		mlproxy_instance_take_over(proxy, mlproxy_model_active(proxy->whole));
	return ret;
}

/**
 * mlproxy_control() - start, stop or re-initialise a proxy without its instances, or one
 *	of these
 * @proxy: the proxy
 * @op: MLPROXY_CTL_*
 *
 * Context: may sleep. Return: as mlproxy_control_one().
 */
int mlproxy_control(struct mlproxy *proxy, u32 op)
{
	bool locks_whole = op == MLPROXY_CTL_REINIT && mlproxy_is_instance(proxy);
	int ret;

	if (locks_whole)
		mutex_lock(&proxy->whole->lock);
	ret = mlproxy_control_one(proxy, op);
	if (locks_whole)
		mutex_unlock(&proxy->whole->lock);
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
	mlproxy_registry_del(proxy);
	mlproxy_sysfs_remove(proxy);
	mutex_lock(&proxy->lock);
	stop_locked(proxy);
	/* Also what came while it did not run. */
	mlproxy_event_flush(proxy);
	if (!mlproxy_is_instance(proxy))
		mlproxy_model_drop(proxy);
	set_state(proxy, MLPROXY_STATE_DESTROYED);
	proxy->ops = NULL;
	proxy->priv = NULL;
	proxy->desc = NULL;
	mutex_unlock(&proxy->lock);
	mlproxy_state_exit(proxy);
	synchronize_rcu();
	if (mlproxy_is_instance(proxy))
		mlproxy_instance_leave(proxy);
	mlproxy_readers_hang_up(proxy);
	mlproxy_mode_exit(proxy);
	mlproxy_registry_forget_owner(proxy);
	mlproxy_put_ref(proxy);
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

/**
 * mlproxy_put() - let go of a proxy
 * @proxy: from mlproxy_find()
 *
 * Context: may sleep.
 */
void mlproxy_put(struct mlproxy *proxy)
{
	mlproxy_registry_put_owner(proxy);
	mlproxy_put_ref(proxy);
}
