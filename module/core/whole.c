// SPDX-License-Identifier: GPL-2.0-only
/*
 * A proxy as the whole of its instances: what reaches all of them, and what is shown for
 * all. Where there are none it is the proxy itself. How instances come and go, and are
 * started and stopped, is in instance.c.
 */
#include "heartbeat.h"
#include "mode.h"
#include "mode_path.h"
#include "param.h"
#include "whole.h"

/**
 * mlproxy_instance_join() - be one of those that orders reach
 * @instance: being initialised, its lock and that of its proxy held
 */
void mlproxy_instance_join(struct mlproxy *instance)
{
	lockdep_assert_held(&instance->whole->lock);
	list_add_tail(&instance->sibling, &instance->whole->instances);
}

/* Some depend on others, in pairs: a second turn sets what the first could not. */
static void take_over_params(struct mlproxy *instance)
{
	u32 turn, param, index;
	u64 value;

	for (turn = 0; turn < 2; turn++)
		for (param = 1; param < MLPROXY_NR_PARAMS; param++)
			for (index = 0; index < MLPROXY_NR_MODES; index++)
				if (param != MLPROXY_PARAM_SEED &&
				    !mlproxy_get_param(instance->whole, param, index, &value))
					mlproxy_set_param(instance, param, index, value);
}

/**
 * mlproxy_instance_take_over() - begin with what was ordered of the proxy
 * @instance: just initialised; its lock is not held, that of its proxy is
 * @version: of the active model, 0 for none
 *
 * Context: may sleep.
 */
void mlproxy_instance_take_over(struct mlproxy *instance, u32 version)
{
	struct mlproxy *whole = instance->whole;

	lockdep_assert_held(&whole->lock);
	mutex_lock(&instance->lock);
	mlproxy_heartbeat_take_over(instance);
	mlproxy_mode_set_model(instance, version);
	mutex_unlock(&instance->lock);
	take_over_params(instance);
	if (!mlproxy_is_automatic(whole))
		mlproxy_set_mode(instance, mlproxy_mode_of(whole), false);
}

/**
 * mlproxy_instance_leave() - not to be reached any more
 * @instance: destroyed, without users; no lock is held
 *
 * Context: may sleep.
 */
void mlproxy_instance_leave(struct mlproxy *instance)
{
	struct mlproxy *whole = instance->whole;

	mutex_lock(&whole->lock);
	list_del_init(&instance->sibling);
	mlproxy_stats_depart(instance);
	mutex_unlock(&whole->lock);
}

/* ------------------------------------------------------------------ */
/* Orders                                                              */

/**
 * mlproxy_order_mode() - fix the mode of a proxy and all its instances, or hand it back
 * @proxy: the proxy, or an instance, for that one alone
 * @mode: MLPROXY_MODE_*; ignored where handed back
 * @automatic: hand it back
 *
 * A mode that is fixed is that of later instances, too.
 * Context: may sleep. Return: as mlproxy_set_mode().
 */
int mlproxy_order_mode(struct mlproxy *proxy, u32 mode, bool automatic)
{
	int ret = mlproxy_set_mode(proxy, mode, automatic);
	struct mlproxy *instance;

	if (ret || !READ_ONCE(proxy->is_class))
		return ret;
	mutex_lock(&proxy->lock);
	/* None fails but one that is gone. */
	for_each_instance(instance, proxy)
		mlproxy_set_mode(instance, mode, automatic);
	mutex_unlock(&proxy->lock);
	return 0;
}

/* Set a parameter, and keep what it was. */
static int replace_param(struct mlproxy *proxy, u32 param, u32 index, u64 value, u64 *old)
{
	int ret = mlproxy_get_param(proxy, param, index, old);

	return ret ? ret : mlproxy_set_param(proxy, param, index, value);
}

/* In all instances or, with an error, in none. */
static int order_param_instances(struct mlproxy *whole, u32 param, u32 index, u64 value)
{
	struct mlproxy *instance;
	int ret = 0;

	mutex_lock(&whole->lock);
	for_each_instance(instance, whole) {
		ret = replace_param(instance, param, index, value, &instance->old_param);
		if (ret == -ENODEV)
			ret = 0;
		if (ret)
			break;
	}
	if (ret)
		list_for_each_entry_continue_reverse(instance, &whole->instances, sibling)
			mlproxy_set_param(instance, param, index, instance->old_param);
	mutex_unlock(&whole->lock);
	return ret;
}

/**
 * mlproxy_order_param() - change a parameter of a proxy and all its instances
 * @proxy: the proxy, or an instance, for that one alone
 * @param: MLPROXY_PARAM_*
 * @index: mode, for the shares; else 0
 * @value: new value
 *
 * Later instances have it, too. One that can't take it, since it does not go with another
 * parameter of its own, makes it fail for all: then all have what they had.
 * Context: may sleep. Return: as mlproxy_set_param().
 */
int mlproxy_order_param(struct mlproxy *proxy, u32 param, u32 index, u64 value)
{
	u64 old;
	int ret;

	if (!READ_ONCE(proxy->is_class))
		return mlproxy_set_param(proxy, param, index, value);
	ret = replace_param(proxy, param, index, value, &old);
	if (ret)
		return ret;
	ret = order_param_instances(proxy, param, index, value);
	if (ret)
		mlproxy_set_param(proxy, param, index, old);
	return ret;
}

/* ------------------------------------------------------------------ */
/* What is shown                                                       */

static struct mlproxy *least(struct mlproxy *whole)
{
	struct mlproxy *instance, *found = NULL;

	lockdep_assert_held(&whole->lock);
	for_each_instance(instance, whole)
		if (!mlproxy_gone(instance) &&
		    (!found || mlproxy_mode_of(instance) < mlproxy_mode_of(found)))
			found = instance;
	return found ? found : whole;
}

/**
 * mlproxy_shown_lock() - whose mode and evidence are shown for a proxy
 * @proxy: the proxy, its lock not held
 *
 * Experiments of several instances can't be judged as one: their modes differ, and so
 * their shares. So it is the one in the lowest mode, of these the oldest; the proxy
 * itself where it has no instances.
 * Context: may sleep. Return: it, which stays until mlproxy_shown_unlock().
 */
struct mlproxy *mlproxy_shown_lock(struct mlproxy *proxy)
{
	mutex_lock(&proxy->lock);
	return proxy->is_class ? least(proxy) : proxy;
}

/** mlproxy_shown_unlock() - let go of it */
void mlproxy_shown_unlock(struct mlproxy *proxy)
{
	mutex_unlock(&proxy->lock);
}

/* ------------------------------------------------------------------ */
/* What they share                                                     */

/**
 * mlproxy_instances_set_model() - mlproxy_mode_set_model() of all instances
 * @whole: the proxy, its lock held
 * @version: version of the model, 0 for none
 *
 * Context: may sleep.
 */
void mlproxy_instances_set_model(struct mlproxy *whole, u32 version)
{
	struct mlproxy *instance;

	lockdep_assert_held(&whole->lock);
	for_each_instance(instance, whole) {
		mutex_lock(&instance->lock);
		if (!mlproxy_gone(instance))
			mlproxy_mode_set_model(instance, version);
		mutex_unlock(&instance->lock);
	}
}

static void kick_instances(struct mlproxy *whole)
{
	struct mlproxy *instance;

	mutex_lock(&whole->lock);
	for_each_instance(instance, whole)
		mlproxy_mode_kick(instance);
	mutex_unlock(&whole->lock);
}

/**
 * mlproxy_recommended() - a recommendation is about to be taken
 * @proxy: the proxy, not an instance, its lock not held
 * @version: its version
 *
 * The version that came last is the one that may be tested; those of others that are
 * still in the table are untested from the next look on. Context: may sleep.
 */
void mlproxy_recommended(struct mlproxy *proxy, u32 version)
{
	if (READ_ONCE(proxy->rec_version) == version)
		return;
	WRITE_ONCE(proxy->rec_version, version);
	mlproxy_mode_kick(proxy);
	if (READ_ONCE(proxy->is_class))
		kick_instances(proxy);
}
