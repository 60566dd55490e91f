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

#include "instance.h"
#include "registry.h"
#include "schema_check.h"
#include "whole.h"

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
		whole->departed = kzalloc(sizeof(*whole->departed), whole->gfp);
	if (!whole->departed) {
		ret = -ENOMEM;
		goto out;
	}
	WRITE_ONCE(whole->is_class, true);
	WRITE_ONCE(whole->nr_actions, 0);
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
	/* else its owner, who makes it, may have done so just now */
	else if (!order->ret && ret != -ENODEV && may_do(proxy, order->op))
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
 * to be idle. One that its owner starts meanwhile, since the proxy ran, is stopped as well: the
 * owner has to look again whether it still does.
 * Context: may sleep. Return: 0, -EINVAL for another @op or where none is in a state for it,
 * -ENODEV, or the first error of a start callback: then the others run.
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
	/* pairs with the owner's barrier between the start of an instance and that look */
	smp_mb();
	if (!order.ret)
		order_instances(&order, proxy);
	return order.ret ?: order.done ? 0 : -EINVAL;
}

/* ------------------------------------------------------------------ */
/* What is shown                                                       */

/**
 * mlproxy_shown() - whose mode and evidence are shown for a proxy
 * @proxy: the proxy, its lock not held
 *
 * As mlproxy_shown_lock() says. Context: may sleep. Return: it, held; for mlproxy_put_ref().
 */
struct mlproxy *mlproxy_shown(struct mlproxy *proxy)
{
	struct mlproxy *shown = mlproxy_shown_lock(proxy);

	mlproxy_get_ref(shown);
	mlproxy_shown_unlock(proxy);
	return shown;
}
