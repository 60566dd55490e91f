// SPDX-License-Identifier: GPL-2.0-only
/*
 * The targets of mlproxy_synth, and the parameters by which they are made, chosen and
 * taken away.
 *
 * A run finds them by RCU. One that is taken away is not found any more, and destroyed
 * once no decision for it is under way.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "target.h"

#define MAX_TARGETS 16
#define ALL NULL

/**
 * struct synth_target - a place for one
 * @name: of the instance; empty for the proxy itself
 * @proxy: by which it decides, NULL in a free place
 */
struct synth_target {
	char name[MLPROXY_NAME_LEN];
	struct mlproxy __rcu *proxy;
};

static struct synth_target targets[MAX_TARGETS];	/* targets_lock */
static DEFINE_MUTEX(targets_lock);
static struct mlproxy *synth;				/* targets_lock */
static struct synth_target *on = ALL;			/* targets_lock, or READ_ONCE */
static struct synth_target *affected = ALL;		/* the same */

static char *instances = "";
module_param(instances, charp, 0444);
MODULE_PARM_DESC(instances, "names of instances, with commas; none: one proxy (default)");

static struct mlproxy *proxy_locked(const struct synth_target *target)
{
	return rcu_dereference_protected(target->proxy, lockdep_is_held(&targets_lock));
}

static struct synth_target *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < MAX_TARGETS; i++)
		if (proxy_locked(&targets[i]) && !strcmp(targets[i].name, name))
			return &targets[i];
	return NULL;
}

static struct synth_target *free_place(void)
{
	unsigned int i;

	for (i = 0; i < MAX_TARGETS; i++)
		if (!proxy_locked(&targets[i]))
			return &targets[i];
	return NULL;
}

static int add(const char *name)
{
	struct synth_target *target = free_place();
	struct mlproxy *proxy;
	int ret;

	if (!target)
		return -ENOSPC;
	proxy = mlproxy_create_instance(synth, name, target);
	if (IS_ERR(proxy))
		return PTR_ERR(proxy);
	ret = mlproxy_init(proxy);
	if (!ret && mlproxy_running(synth))
		ret = mlproxy_start(proxy);
	if (ret) {
		mlproxy_destroy(proxy);
		return ret;
	}
	strscpy(target->name, name, sizeof(target->name));
	rcu_assign_pointer(target->proxy, proxy);
	return 0;
}

static void take_away(struct synth_target *target)
{
	struct mlproxy *proxy = proxy_locked(target);

	RCU_INIT_POINTER(target->proxy, NULL);
	if (on == target)
		WRITE_ONCE(on, ALL);
	if (affected == target)
		WRITE_ONCE(affected, ALL);
	synchronize_rcu();
	mlproxy_destroy(proxy);
}

/* Names with commas. */
static int add_all(void)
{
	char buf[MAX_TARGETS * MLPROXY_NAME_LEN], *rest = buf, *name;
	int ret = 0;

	if (strscpy(buf, instances, sizeof(buf)) < 0)
		return -EINVAL;
	while (!ret && (name = strsep(&rest, ",")))
		ret = add(name);
	return ret;
}

static void exit_locked(void)
{
	struct mlproxy *proxy = synth;
	unsigned int i;

	for (i = 0; i < MAX_TARGETS; i++)
		if (proxy_locked(&targets[i]))
			take_away(&targets[i]);
	synth = NULL;
	if (*instances)
		mlproxy_destroy(proxy);
}

int synth_targets_init(const struct mlproxy_desc *desc)
{
	struct mlproxy *proxy = mlproxy_register(desc, NULL);
	int ret = 0;

	if (IS_ERR(proxy))
		return PTR_ERR(proxy);
	mutex_lock(&targets_lock);
	synth = proxy;
	if (*instances)
		ret = add_all();
	else
		rcu_assign_pointer(targets[0].proxy, proxy);
	if (ret)
		exit_locked();
	mutex_unlock(&targets_lock);
	return ret;
}

void synth_targets_exit(void)
{
	mutex_lock(&targets_lock);
	exit_locked();
	mutex_unlock(&targets_lock);
}

struct mlproxy *synth_target_next(unsigned int nr, const struct synth_target **target)
{
	struct mlproxy *proxy, *found[MAX_TARGETS];
	u8 place[MAX_TARGETS];
	unsigned int i, count = 0;

	*target = READ_ONCE(on);
	if (*target)
		return rcu_dereference((*target)->proxy);
	for (i = 0; i < MAX_TARGETS; i++) {
		proxy = rcu_dereference(targets[i].proxy);
		if (!proxy)
			continue;
		place[count] = i;
		found[count++] = proxy;
	}
	if (!count)
		return NULL;
	*target = &targets[place[nr % count]];
	return found[nr % count];
}

bool synth_is_affected(const struct synth_target *target)
{
	const struct synth_target *only = READ_ONCE(affected);

	return !only || only == target;
}

/* The words of a parameter that is a name: without the newline of echo. */
static void name_of(char *name, const char *val)
{
	strscpy(name, val, MLPROXY_NAME_LEN);
	name[strcspn(name, "\n")] = '\0';
}

static int choose(const char *val, const struct kernel_param *kp)
{
	struct synth_target **choice = kp->arg, *target = ALL;
	char name[MLPROXY_NAME_LEN];
	int ret = 0;

	name_of(name, val);
	mutex_lock(&targets_lock);
	if (*name)
		target = find(name);
	if (*name && !target)
		ret = -ENOENT;
	else
		WRITE_ONCE(*choice, target);
	mutex_unlock(&targets_lock);
	return ret;
}

static int chosen(char *buf, const struct kernel_param *kp)
{
	struct synth_target **choice = kp->arg;
	int ret;

	mutex_lock(&targets_lock);
	ret = sysfs_emit(buf, "%s\n", *choice ? (*choice)->name : "");
	mutex_unlock(&targets_lock);
	return ret;
}

static const struct kernel_param_ops choice_ops = { .set = choose, .get = chosen };
module_param_cb(on, &choice_ops, &on, 0644);
MODULE_PARM_DESC(on, "instance that a run decides for; none: all in turn (default)");
module_param_cb(affected, &choice_ops, &affected, 0644);
MODULE_PARM_DESC(affected,
		 "instance with which penalty, critical, health and fail are wrong; none: all (default)");

static int add_set(const char *val, const struct kernel_param *kp)
{
	char name[MLPROXY_NAME_LEN];
	int ret = -EINVAL;

	name_of(name, val);
	mutex_lock(&targets_lock);
	if (synth && *instances)
		ret = add(name);
	mutex_unlock(&targets_lock);
	return ret;
}

static const struct kernel_param_ops add_ops = { .set = add_set };
module_param_cb(add, &add_ops, NULL, 0200);
MODULE_PARM_DESC(add, "write a name: make another instance, and start it if the proxy runs");

static int remove_set(const char *val, const struct kernel_param *kp)
{
	struct synth_target *target;
	char name[MLPROXY_NAME_LEN];
	int ret = -ENOENT;

	name_of(name, val);
	mutex_lock(&targets_lock);
	target = *name ? find(name) : NULL;
	if (target && *instances) {
		take_away(target);
		ret = 0;
	}
	mutex_unlock(&targets_lock);
	return ret;
}

static const struct kernel_param_ops remove_ops = { .set = remove_set };
module_param_cb(remove, &remove_ops, NULL, 0200);
MODULE_PARM_DESC(remove, "write a name: destroy this instance");
