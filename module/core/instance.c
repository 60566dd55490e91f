// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instances of a proxy: devices, filesystems. Each decides by itself, and what goes wrong
 * in one is no other's business.
 *
 * An instance is a struct mlproxy of its own, in the list of its proxy, "the whole", which
 * it holds. Its own are state, mode machine, counters, parameters, pending decisions,
 * health, and folder. The whole has the models and the table of recommendations, the
 * readers of all, and the count that decisions are numbered by, so that no two of them
 * have one id. The whole decides nothing once it had an instance: no action is legal
 * for it.
 *
 * What is ordered of the whole is ordered of all, and of the whole itself, where it stays
 * as what later instances begin with. The lock of the whole, which is taken before that of
 * an instance, keeps the list and the active model as they are meanwhile.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "heartbeat.h"
#include "instance.h"
#include "mode.h"
#include "mode_path.h"
#include "param.h"
#include "registry.h"

static bool is_idle_state(u32 state)
{
	return state == MLPROXY_STATE_INITIALIZED || state == MLPROXY_STATE_STOPPED;
}

/* ------------------------------------------------------------------ */
/* Life of one instance                                                */

/* Once is for ever: what was counted by the instances stays. */
static int become_class(struct mlproxy *whole)
{
	int ret = 0;

	mutex_lock(&whole->lock);
	if (mlproxy_gone(whole) || whole->state == MLPROXY_STATE_CREATED) {
		ret = -EINVAL;
		goto out;
	}
	if (!whole->departed)
		whole->departed = kzalloc(sizeof(*whole->departed), GFP_KERNEL);
	if (!whole->departed) {
		ret = -ENOMEM;
		goto out;
	}
	WRITE_ONCE(whole->is_class, true);
	WRITE_ONCE(whole->all_actions, 0);
out:
	mutex_unlock(&whole->lock);
	return ret;
}

struct mlproxy *mlproxy_create_instance(struct mlproxy *proxy, const char *name, void *priv)
{
	struct mlproxy *instance;
	int ret;

	if (!mlproxy_name_ok(name) || mlproxy_is_instance(proxy) ||
	    strlen(proxy->name) + 1 + strlen(name) >= MLPROXY_NAME_LEN) {
		pr_err("cannot create instance '%s' of '%s': a bad name, too long, or of an instance\n",
		       name ? name : "", proxy->name);
		return ERR_PTR(-EINVAL);
	}
	ret = become_class(proxy);
	if (ret)
		return ERR_PTR(ret);
	instance = mlproxy_alloc(proxy->desc, proxy, priv);
	if (IS_ERR(instance))
		return instance;
	scnprintf(instance->name, sizeof(instance->name), "%s:%s", proxy->name, name);
	ret = mlproxy_registry_add(instance);
	if (ret) {
		mlproxy_put_ref(instance);
		return ERR_PTR(ret);
	}
	return instance;
}
EXPORT_SYMBOL_GPL(mlproxy_create_instance);

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
 *
 * Context: may sleep.
 */
void mlproxy_instance_take_over(struct mlproxy *instance)
{
	struct mlproxy *whole = instance->whole;

	lockdep_assert_held(&whole->lock);
	mutex_lock(&instance->lock);
	mlproxy_heartbeat_take_over(instance);
	mlproxy_mode_set_model(instance, mlproxy_model_active(whole));
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

static bool may_do(const struct mlproxy *proxy, u32 op)
{
	u32 state = READ_ONCE(proxy->state);

	return op == MLPROXY_CTL_STOP ? state == MLPROXY_STATE_RUNNING : is_idle_state(state);
}

/**
 * struct order - what became of an order so far
 * @op: MLPROXY_CTL_*
 * @done: whom it was carried out by
 * @ret: the first error
 */
struct order {
	u32 op;
	u32 done;
	int ret;
};

/* Those for which there is nothing to do are left as they are. */
static void order_one(struct order *order, struct mlproxy *proxy)
{
	int ret;

	if (!may_do(proxy, order->op))
		return;
	ret = mlproxy_control_one(proxy, order->op);
	if (!ret)
		order->done++;
	else if (!order->ret && ret != -ENODEV)
		order->ret = ret;
}

static void order_instances(struct order *order, struct mlproxy *whole)
{
	struct mlproxy *instance;

	mutex_lock(&whole->lock);
	for_each_instance(instance, whole)
		order_one(order, instance);
	mutex_unlock(&whole->lock);
}

static bool all_idle(struct mlproxy *whole)
{
	struct mlproxy *instance;
	bool idle = true;

	mutex_lock(&whole->lock);
	for_each_instance(instance, whole)
		idle = idle && READ_ONCE(instance->state) != MLPROXY_STATE_RUNNING;
	mutex_unlock(&whole->lock);
	return idle;
}

/**
 * mlproxy_order() - start, stop or re-initialise a proxy with all its instances
 * @proxy: the proxy, or an instance, for that one alone
 * @op: MLPROXY_CTL_*
 *
 * Instances are stopped before their proxy and started after it; to re-initialise, all have
 * to be idle. Context: may sleep. Return: 0, -EINVAL for another @op or where none is in a
 * state for it, -ENODEV, or the first error of a start callback: then the others run.
 */
int mlproxy_order(struct mlproxy *proxy, u32 op)
{
	struct order order = { .op = op };

	if (!READ_ONCE(proxy->is_class))
		return mlproxy_control(proxy, op);
	if (mlproxy_gone(proxy))
		return -ENODEV;
	if (op < MLPROXY_CTL_START || op > MLPROXY_CTL_REINIT ||
	    (op == MLPROXY_CTL_REINIT && !(may_do(proxy, op) && all_idle(proxy))))
		return -EINVAL;
	if (op == MLPROXY_CTL_STOP)
		order_instances(&order, proxy);
	order_one(&order, proxy);
	if (op != MLPROXY_CTL_STOP && !order.ret)
		order_instances(&order, proxy);
	return order.ret ?: order.done ? 0 : -EINVAL;
}

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
 * mlproxy_shown() - whose mode and evidence are shown for a proxy
 * @proxy: the proxy, its lock not held
 *
 * Experiments of several instances can't be judged as one: their modes differ, and so
 * their shares. So it is the one in the lowest mode, of these the oldest; the proxy
 * itself where it has no instances.
 * Context: may sleep. Return: it, held; for mlproxy_put_ref().
 */
struct mlproxy *mlproxy_shown(struct mlproxy *proxy)
{
	struct mlproxy *shown = proxy;

	if (!READ_ONCE(proxy->is_class)) {
		mlproxy_get_ref(shown);
		return shown;
	}
	mutex_lock(&proxy->lock);
	shown = least(proxy);
	mlproxy_get_ref(shown);
	mutex_unlock(&proxy->lock);
	return shown;
}

/**
 * mlproxy_shown_mode() - the mode that is shown for a proxy
 * @proxy: the proxy, its lock held
 *
 * Return: MLPROXY_MODE_*.
 */
u32 mlproxy_shown_mode(struct mlproxy *proxy)
{
	return mlproxy_mode_of(proxy->is_class ? least(proxy) : proxy);
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

/**
 * mlproxy_instances_kick() - have a look made at each instance, soon
 * @whole: the proxy, its lock not held
 *
 * Context: may sleep.
 */
void mlproxy_instances_kick(struct mlproxy *whole)
{
	struct mlproxy *instance;

	mutex_lock(&whole->lock);
	for_each_instance(instance, whole)
		mlproxy_mode_kick(instance);
	mutex_unlock(&whole->lock);
}
