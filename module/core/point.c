// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decision points of user space: how they live, who may have how many, what the kernel
 * asks of them and tells them. Built on what modules have, so that nothing of it is on the
 * decision path of theirs.
 *
 * The kernel never waits for a daemon: what a module is asked for in a callback, a daemon
 * has told before, and what a module is told by one, a daemon takes when it likes.
 *
 * A file that is released destroys its point before it is gone, in the context of whoever
 * let go of it last, a dying process perhaps. Sessions that are bound to the point have
 * references of their own, as with a module's.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/sched/user.h>
#include <linux/slab.h>

#include "point.h"
#include "schema_check.h"
#include "state.h"

static DEFINE_MUTEX(points_lock);	/* of points; inside of any other but a spinlock */
static LIST_HEAD(points);
static u32 nr_points;			/* points_lock */

/* ------------------------------------------------------------------ */
/* Quota                                                               */

static bool is_within_quota(const struct point_owner *owner)
{
	struct point_owner *other;
	u32 used = 0;

	lockdep_assert_held(&points_lock);
	if (!owner->limited)
		return true;
	list_for_each_entry(other, &points, node)
		if (other->limited && uid_eq(other->user, owner->user))
			used += other->nr;
	return used < MLPROXY_POINT_QUOTA;
}

/* A place for the point. Return: 0, -EDQUOT, -ENOSPC. */
static int enter(struct point_owner *owner)
{
	int ret = 0;

	mutex_lock(&points_lock);
	if (nr_points >= MLPROXY_MAX_POINTS)
		ret = -ENOSPC;
	else if (!is_within_quota(owner))
		ret = -EDQUOT;
	if (!ret) {
		list_add_tail(&owner->node, &points);
		owner->nr = 1;
		nr_points++;
	}
	mutex_unlock(&points_lock);
	return ret;
}

static void leave(struct point_owner *owner)
{
	mutex_lock(&points_lock);
	list_del(&owner->node);
	nr_points--;
	mutex_unlock(&points_lock);
}

/* A place for an instance. Return: 0, -EDQUOT, -ENOSPC. */
static int take_place(struct point_owner *owner)
{
	int ret = 0;

	mutex_lock(&points_lock);
	if (owner->nr > MLPROXY_POINT_MAX_INSTANCES)
		ret = -ENOSPC;
	else if (!is_within_quota(owner))
		ret = -EDQUOT;
	else
		owner->nr++;
	mutex_unlock(&points_lock);
	return ret;
}

static void give_place(struct point_owner *owner)
{
	mutex_lock(&points_lock);
	owner->nr--;
	mutex_unlock(&points_lock);
}

/* ------------------------------------------------------------------ */
/* What the core asks and tells                                        */

static void notify(struct point_target *target, u32 notice, u32 reason)
{
	spin_lock(&target->lock);
	if (!target->notices)
		atomic_inc(&target->owner->noticed);
	target->notices |= notice;
	if (notice == MLPROXY_NOTICE_CORRECT)
		target->reason = reason;
	spin_unlock(&target->lock);
	wake_up_interruptible_poll(&target->owner->wait, EPOLLPRI);
}

static int point_start(struct mlproxy *proxy, void *priv)
{
	notify(priv, MLPROXY_NOTICE_STARTED, 0);
	return 0;
}

static void point_stop(struct mlproxy *proxy, void *priv)
{
	notify(priv, MLPROXY_NOTICE_STOPPED, 0);
}

static void point_correct(struct mlproxy *proxy, void *priv, u32 reason)
{
	notify(priv, MLPROXY_NOTICE_CORRECT, reason);
}

static unsigned int point_snapshot(void *priv, s64 *values, unsigned int nr)
{
	struct point_target *target = priv;

	spin_lock(&target->lock);
	nr = min(nr, target->nr);
	memcpy(values, target->values, nr * sizeof(*values));
	spin_unlock(&target->lock);
	return nr;
}

static u32 point_estimate(void *priv, const s64 *values, unsigned int nr)
{
	struct point_target *target = priv;

	return READ_ONCE(target->health);
}

/* In each decision. */
static bool point_critical(void *priv)
{
	struct point_target *target = priv;

	return READ_ONCE(target->critical);
}

static const struct mlproxy_ops point_ops = {
	.start = point_start,
	.stop = point_stop,
	.snapshot = point_snapshot,
	.critical = point_critical,
	.estimate = point_estimate,
	.correct = point_correct,
};

/* Take what a target has to tell. Return: was there anything. */
static bool take_notice(struct point_target *target, struct mlproxy_point_notice *cmd)
{
	spin_lock(&target->lock);
	cmd->notices = target->notices;
	cmd->reason = target->notices & MLPROXY_NOTICE_CORRECT ? target->reason : 0;
	target->notices = 0;
	spin_unlock(&target->lock);
	if (!cmd->notices)
		return false;
	atomic_dec(&target->owner->noticed);
	cmd->running = mlproxy_running(target->proxy);
	return true;
}

/**
 * mlproxy_point_notice() - what there is to tell a daemon
 * @owner: the point
 * @cmd: out: one target with all its notices
 *
 * Context: may sleep. Return: 0, or -EAGAIN.
 */
int mlproxy_point_notice(struct point_owner *owner, struct mlproxy_point_notice *cmd)
{
	struct point_target *target;
	unsigned long instance;
	int ret = -EAGAIN;

	cmd->instance = 0;
	if (take_notice(&owner->whole, cmd))
		return 0;
	mutex_lock(&owner->lock);
	xa_for_each(&owner->instances, instance, target) {
		if (take_notice(target, cmd)) {
			cmd->instance = instance;
			ret = 0;
			break;
		}
	}
	mutex_unlock(&owner->lock);
	return ret;
}

/**
 * mlproxy_point_poll() - the poll() of a file with a point
 * @owner: the point
 * @file: the file
 * @pt: who waits
 */
__poll_t mlproxy_point_poll(struct point_owner *owner, struct file *file,
			    struct poll_table_struct *pt)
{
	poll_wait(file, &owner->wait, pt);
	return atomic_read(&owner->noticed) ? EPOLLPRI : 0;
}

/* ------------------------------------------------------------------ */
/* What a daemon tells                                                 */

static void keep_snapshot(struct point_target *target, const struct mlproxy_point_state *cmd)
{
	spin_lock(&target->lock);
	WRITE_ONCE(target->health, cmd->health);
	target->nr = cmd->nr;
	memcpy(target->values, cmd->values, cmd->nr * sizeof(*cmd->values));
	spin_unlock(&target->lock);
}

static int tell_locked(struct point_owner *owner, const struct mlproxy_point_state *cmd)
{
	struct point_target *target = mlproxy_point_target(owner, cmd->instance);
	struct mlproxy_snapshot published = {};

	if (!target)
		return -ENOENT;
	if (cmd->flags & MLPROXY_POINT_STATE_F_CRITICAL)
		WRITE_ONCE(target->critical, cmd->critical);
	if (!(cmd->flags & MLPROXY_POINT_STATE_F_SNAPSHOT))
		return 0;
	keep_snapshot(target, cmd);
	return mlproxy_take_snapshot(target->proxy, &published);
}

/**
 * mlproxy_point_tell() - the state of a daemon's subsystem
 * @owner: the point
 * @cmd: what it is
 *
 * Context: may sleep. Return: 0, -EINVAL out of range, -ENOENT for no such instance.
 */
int mlproxy_point_tell(struct point_owner *owner, const struct mlproxy_point_state *cmd)
{
	int ret;

	if (cmd->critical > 1 || cmd->health >= MLPROXY_NR_HEALTH || !cmd->flags ||
	    (cmd->flags & MLPROXY_POINT_STATE_F_SNAPSHOT && cmd->nr != owner->spec.desc.nr_states))
		return -EINVAL;
	/* Which one instance keeps: a snapshot sleeps. */
	mutex_lock(&owner->lock);
	ret = tell_locked(owner, cmd);
	mutex_unlock(&owner->lock);
	return ret;
}

/* ------------------------------------------------------------------ */
/* Life                                                                */

static void target_init(struct point_target *target, struct point_owner *owner)
{
	target->owner = owner;
	spin_lock_init(&target->lock);
}

/* Not found any more; nobody of its file's callers uses it. */
static void target_exit(struct point_target *target)
{
	mlproxy_destroy(target->proxy);
	if (target->notices)
		atomic_dec(&target->owner->noticed);
}

/**
 * mlproxy_point_target() - find what decides
 * @owner: the point
 * @instance: number of the instance, 0 for the point itself
 *
 * Context: in an RCU read-side section, or with the owner's lock. Return: it, or NULL.
 */
struct point_target *mlproxy_point_target(struct point_owner *owner, u32 instance)
{
	return instance ? xa_load(&owner->instances, instance) : &owner->whole;
}

/* Started where its point runs, and stopped again if that was stopped meanwhile. */
static int add_target(struct point_owner *owner, struct point_target *target, const char *name)
{
	struct mlproxy *proxy = mlproxy_create_instance(owner->whole.proxy, name, target);
	int ret;

	if (IS_ERR(proxy))
		return PTR_ERR(proxy);
	target->proxy = proxy;
	ret = mlproxy_init(proxy) ?:
	      xa_err(xa_store(&owner->instances, proxy->instance, target, GFP_KERNEL_ACCOUNT));
	if (ret) {
		target_exit(target);
		return ret;
	}
	/* The operator may do so first. */
	if (mlproxy_running(owner->whole.proxy))
		mlproxy_start(proxy);
	/* pairs with the barrier in mlproxy_order() */
	smp_mb();
	if (!mlproxy_running(owner->whole.proxy))
		mlproxy_stop(proxy);
	return 0;
}

static bool instance_name_ok(const struct point_owner *owner, const char *name)
{
	return mlproxy_name_ok(name) &&
	       strlen(owner->spec.cmd.name) + 1 + strlen(name) < MLPROXY_NAME_LEN;
}

/**
 * mlproxy_point_add() - add an instance
 * @owner: the point
 * @cmd: in: its name; out: its numbers
 *
 * Context: may sleep. Return: 0, -EINVAL for a bad name, -EEXIST, -EDQUOT, -ENOSPC, -ENOMEM.
 */
int mlproxy_point_add(struct point_owner *owner, struct mlproxy_point_instance *cmd)
{
	struct point_target *target;
	int ret;

	if (!instance_name_ok(owner, cmd->name))
		return -EINVAL;
	target = kzalloc(sizeof(*target), GFP_KERNEL_ACCOUNT);
	if (!target)
		return -ENOMEM;
	target_init(target, owner);
	mutex_lock(&owner->lock);
	ret = take_place(owner);
	if (!ret) {
		ret = add_target(owner, target, cmd->name);
		if (ret)
			give_place(owner);
	}
	if (!ret) {
		cmd->instance = target->proxy->instance;
		cmd->id = target->proxy->id;
	}
	mutex_unlock(&owner->lock);
	if (ret)
		kfree(target);
	return ret;
}

/* Those who found it have done with it once this returns. */
static void drop_target(struct point_owner *owner, struct point_target *target)
{
	xa_erase(&owner->instances, target->proxy->instance);
	synchronize_rcu();
	target_exit(target);
	kfree(target);
	give_place(owner);
}

/**
 * mlproxy_point_drop() - take an instance away
 * @owner: the point
 * @instance: its number
 *
 * Context: may sleep. Return: 0, or -ENOENT.
 */
int mlproxy_point_drop(struct point_owner *owner, u32 instance)
{
	struct point_target *target;
	int ret = -ENOENT;

	mutex_lock(&owner->lock);
	target = xa_load(&owner->instances, instance);
	if (target) {
		drop_target(owner, target);
		ret = 0;
	}
	mutex_unlock(&owner->lock);
	return ret;
}

static int enter_and_register(struct point_owner *owner)
{
	int ret = enter(owner);

	if (ret)
		return ret;
	owner->whole.proxy = mlproxy_register(&owner->spec.desc, &owner->whole);
	ret = PTR_ERR_OR_ZERO(owner->whole.proxy);
	if (ret)
		leave(owner);
	return ret;
}

/**
 * mlproxy_point_create() - register a decision point
 * @cmd: its description; out: name and id, or what is wrong
 * @file: that it will belong to
 * @limited: does it count against the user's quota
 *
 * User memory is read, so that no lock may be held. Context: a system call.
 * Return: the point, for mlproxy_point_free(); or ERR_PTR as struct mlproxy_point says.
 */
struct point_owner *mlproxy_point_create(struct mlproxy_point *cmd, const struct file *file,
					 bool limited)
{
	struct point_owner *owner = kzalloc(sizeof(*owner), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!owner)
		return ERR_PTR(-ENOMEM);
	owner->user = file->f_cred->user->uid;
	owner->limited = limited;
	mutex_init(&owner->lock);
	init_waitqueue_head(&owner->wait);
	xa_init(&owner->instances);
	target_init(&owner->whole, owner);
	ret = point_spec_get(&owner->spec, cmd);
	owner->spec.desc.ops = &point_ops;
	if (!ret)
		ret = enter_and_register(owner);
	if (ret) {
		point_spec_put(&owner->spec);
		mutex_destroy(&owner->lock);
		kfree(owner);
		return ERR_PTR(ret);
	}
	strscpy(cmd->name, owner->spec.cmd.name, sizeof(cmd->name));
	cmd->id = owner->whole.proxy->id;
	/* The operator may do so first. */
	if (cmd->flags & MLPROXY_POINT_F_START)
		mlproxy_start(owner->whole.proxy);
	return owner;
}

/**
 * mlproxy_point_free() - take a point down with all its instances
 * @owner: the point, whose file has no users any more; or NULL
 *
 * Context: may sleep.
 */
void mlproxy_point_free(struct point_owner *owner)
{
	struct point_target *target;
	unsigned long instance;

	if (!owner)
		return;
	mutex_lock(&owner->lock);
	xa_for_each(&owner->instances, instance, target)
		drop_target(owner, target);
	mutex_unlock(&owner->lock);
	target_exit(&owner->whole);
	leave(owner);
	xa_destroy(&owner->instances);
	point_spec_put(&owner->spec);
	mutex_destroy(&owner->lock);
	kfree(owner);
}
