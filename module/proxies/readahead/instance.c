// SPDX-License-Identifier: GPL-2.0-only
/*
 * An instance of the proxy for each device: a mode, evidence and an experiment of its own, so
 * that what suits one device is not tried on all (parameter per_device).
 *
 * A device's instance is made by a work item after its first miss; until then nobody decides
 * for it. It goes with the device's slot. Those that share the last slot share an instance.
 *
 * Locks: ra_instances_lock > those of the core > main.c's ra_mutex. So no callback of the
 * core takes the first, and it is not taken with ra_mutex held.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/kdev_t.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "file.h"
#include "instance.h"
#include "readahead.h"
#include "target.h"

static bool per_device;
module_param(per_device, bool, 0444);
MODULE_PARM_DESC(per_device, "an instance of the proxy for each device that files are read from, up to 16, and one for all further ones (default 0: one proxy for all)");

static DEFINE_MUTEX(ra_instances_lock);
static struct mlproxy *ra_whole;	/* NULL: instances may not be made, or no more */

static void make_wanted(struct work_struct *work);
static DECLARE_WORK(ra_instances_work, make_wanted);

/* Who decides for the files of a device, or NULL. In an RCU read-side section. */
static struct mlproxy *proxy_of(const struct ra_target *target)
{
	return per_device ? rcu_dereference(target->instance) : ra_proxy;
}

/**
 * ra_decide() - mlproxy_decide() for a file
 * @target: its device
 * @req: as for that
 * @decision: the same
 *
 * Context: as that. Return: as that.
 */
u32 ra_decide(const struct ra_target *target, const struct mlproxy_request *req,
	      struct mlproxy_decision *decision)
{
	static const struct mlproxy_decision nothing = {
		.arm = MLPROXY_ARM_NONE,
		.outer_arm = MLPROXY_ARM_NONE,
	};
	struct mlproxy *proxy;
	u32 action = req->baseline;

	rcu_read_lock();
	proxy = proxy_of(target);
	if (proxy)
		action = mlproxy_decide(proxy, req, decision);
	else
		*decision = nothing;
	rcu_read_unlock();
	return action;
}

/**
 * ra_feedback() - mlproxy_feedback_outcome() for a file
 * @target: its device
 * @decision: as for that
 * @outcome: the same
 *
 * Context: as that.
 */
void ra_feedback(const struct ra_target *target, const struct mlproxy_decision *decision,
		 const struct mlproxy_outcome *outcome)
{
	struct mlproxy *proxy;

	rcu_read_lock();
	proxy = proxy_of(target);
	if (proxy)
		mlproxy_feedback_outcome(proxy, decision, outcome);
	rcu_read_unlock();
}

/**
 * ra_is_control() - mlproxy_is_control() for a file
 * @target: its device
 * @key: as for that
 *
 * Context: as that. Return: as that; true where nobody decides.
 */
bool ra_is_control(const struct ra_target *target, u64 key)
{
	struct mlproxy *proxy;
	bool control;

	rcu_read_lock();
	proxy = proxy_of(target);
	control = !proxy || mlproxy_is_control(proxy, key);
	rcu_read_unlock();
	return control;
}

/**
 * ra_cost() - mlproxy_cost() for a file
 * @target: its device
 * @key: as for that
 * @cost: the same
 * @work: the same
 *
 * Context: as that.
 */
void ra_cost(const struct ra_target *target, u64 key, u64 cost, u64 work)
{
	struct mlproxy *proxy;

	rcu_read_lock();
	proxy = proxy_of(target);
	if (proxy)
		mlproxy_cost(proxy, key, cost, work);
	rcu_read_unlock();
}

static struct mlproxy *instance_of(struct ra_target *target)
{
	return rcu_dereference_protected(target->instance, lockdep_is_held(&ra_instances_lock));
}

/* The name of the device, of what a name may have; its number if that is too long or taken. */
static struct mlproxy *create(struct ra_target *target)
{
	struct mlproxy *instance;
	char name[MLPROXY_NAME_LEN], *c;

	strscpy(name, target->name, sizeof(name));
	for (c = name; *c; c++)
		if (!isalnum(*c) && *c != '-')
			*c = '_';
	instance = mlproxy_create_instance(ra_whole, name, target);
	if (!IS_ERR(instance))
		return instance;
	scnprintf(name, sizeof(name), "%u-%u", MAJOR(ra_target_dev(target)),
		  MINOR(ra_target_dev(target)));
	return mlproxy_create_instance(ra_whole, name, target);
}

static int make(struct ra_target *target)
{
	struct mlproxy *instance = create(target);
	int err;

	if (IS_ERR(instance))
		return PTR_ERR(instance);
	err = mlproxy_init(instance);
	if (err) {
		mlproxy_destroy(instance);
		return err;
	}
	/* Whoever starts or stops the proxy just now does that to its instances, too. */
	if (mlproxy_running(ra_whole)) {
		mlproxy_start(instance);
		/* or has done, before this one ran; pairs with mlproxy_order() */
		smp_mb();
		if (!mlproxy_running(ra_whole))
			mlproxy_stop(instance);
	}
	rcu_assign_pointer(target->instance, instance);
	return 0;
}

/* What was decided by another one has no outcome. */
static void settle(void)
{
	synchronize_rcu();
	ra_files_undecide();
}

static void make_wanted(struct work_struct *work)
{
	bool gone[RA_TARGET_SLOTS];
	unsigned int i, made = 0;

	/* Are they to be seen, as they are mounted now? */
	ra_targets_look(gone);
	if (!per_device)
		return;
	mutex_lock(&ra_instances_lock);
	for (i = 0; ra_whole && i < RA_TARGET_SLOTS; i++) {
		struct ra_target *target = ra_target_slot(i);
		int err = 0;

		if (!ra_target_dev(target) || instance_of(target))
			continue;
		err = make(target);
		made += !err;
		if (err)
			pr_warn("no instance for %s (error %d): it has the kernel's own readahead\n",
				target->name, err);
	}
	if (made)
		settle();
	mutex_unlock(&ra_instances_lock);
}

static void drop(struct ra_target *target)
{
	struct mlproxy *instance = instance_of(target);

	if (!instance)
		return;
	RCU_INIT_POINTER(target->instance, NULL);
	settle();
	mlproxy_destroy(instance);
}

/**
 * ra_instances_want() - look after a slot that was just taken, and make its instance
 * @target: slot
 *
 * Context: any.
 */
void ra_instances_want(struct ra_target *target)
{
	WRITE_ONCE(target->fresh, false);
	queue_work(system_unbound_wq, &ra_instances_work);
}

static void forget(struct ra_target *target)
{
	drop(target);
	ra_target_give_back(target);
}

/**
 * ra_instances_choose() - forget the devices that are chosen no more
 *
 * Context: may sleep, without a lock of this module or of the core.
 */
void ra_instances_choose(void)
{
	unsigned int i;

	mutex_lock(&ra_instances_lock);
	for (i = 0; i < RA_TARGET_SLOTS; i++) {
		struct ra_target *target = ra_target_slot(i);

		if (ra_target_dev(target) && !ra_target_chosen(target))
			forget(target);
	}
	mutex_unlock(&ra_instances_lock);
}

/**
 * ra_instances_look() - forget the devices that are gone
 *
 * Context: as ra_instances_choose().
 */
void ra_instances_look(void)
{
	bool gone[RA_TARGET_SLOTS];
	unsigned int i;

	if (!ra_targets_idle() || !ra_targets_look(gone))
		return;
	mutex_lock(&ra_instances_lock);
	for (i = 0; i < RA_TARGET_SLOTS; i++)
		if (gone[i])
			forget(ra_target_slot(i));
	mutex_unlock(&ra_instances_lock);
}

/**
 * ra_instances_init() - instances may be made from now on
 * @proxy: the proxy, initialised
 *
 * Context: may sleep.
 */
void ra_instances_init(struct mlproxy *proxy)
{
	mutex_lock(&ra_instances_lock);
	ra_whole = proxy;
	mutex_unlock(&ra_instances_lock);
	/* It may have been started by now. */
	if (per_device)
		queue_work(system_unbound_wq, &ra_instances_work);
}

/**
 * ra_instances_exit() - destroy them, for good, before the proxy
 *
 * Context: may sleep; the hooks are drained.
 */
void ra_instances_exit(void)
{
	unsigned int i;

	mutex_lock(&ra_instances_lock);
	ra_whole = NULL;
	for (i = 0; i < RA_TARGET_SLOTS; i++)
		drop(ra_target_slot(i));
	mutex_unlock(&ra_instances_lock);
	cancel_work_sync(&ra_instances_work);
}
