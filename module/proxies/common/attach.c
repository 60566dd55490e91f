// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a proxy's hooks are in force.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/container_of.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/sysfs.h>

#include "attach.h"
#include "hook.h"

#define LOOK_JIFFIES HZ

/* Attach or detach as the state wants it. */
static int update(struct proxy_attach *a)
{
	bool want = a->running && proxy_targets_any(a->chosen);
	int err;

	lockdep_assert_held(&a->mutex);
	if (want == a->attached)
		return 0;
	if (want) {
		err = a->attach();
		if (err)
			return err;
		queue_delayed_work(system_power_efficient_wq, &a->again, LOOK_JIFFIES);
	} else {
		cancel_delayed_work(&a->again);
		a->detach();
	}
	a->attached = want;
	return 0;
}

/*
 * Names of devices come, go, and mean others; and filesystems go. To be told of that by the
 * kernel there is no way. No mutex is held: to unload waits for this alone.
 */
void proxy_attach_look(struct work_struct *work)
{
	struct proxy_attach *a = container_of(work, struct proxy_attach, again.work);

	proxy_targets_look(a->chosen);
	if (a->look)
		a->look();
	mutex_lock(&a->mutex);
	if (a->attached)
		queue_delayed_work(system_power_efficient_wq, &a->again, LOOK_JIFFIES);
	mutex_unlock(&a->mutex);
}

int proxy_attach_start(struct proxy_attach *attach)
{
	int err;

	mutex_lock(&attach->mutex);
	attach->running = true;
	err = update(attach);
	if (err)
		attach->running = false;
	mutex_unlock(&attach->mutex);
	return err;
}

void proxy_attach_stop(struct proxy_attach *attach)
{
	mutex_lock(&attach->mutex);
	attach->running = false;
	update(attach);
	mutex_unlock(&attach->mutex);
}

void proxy_attach_exit(struct proxy_attach *attach)
{
	cancel_delayed_work_sync(&attach->again);
}

static int target_set(const char *val, const struct kernel_param *kp)
{
	struct proxy_attach *a = kp->arg;
	int err;

	err = proxy_targets_set(a->chosen, val);
	if (err)
		return err;
	mutex_lock(&a->mutex);
	err = update(a);
	mutex_unlock(&a->mutex);
	a->choose();
	return err;
}

static int target_get(char *buf, const struct kernel_param *kp)
{
	const struct proxy_attach *a = kp->arg;

	return proxy_targets_show(a->chosen, buf, PAGE_SIZE);
}

/* The last one to touch them: also if the module could not be loaded. */
static void target_free(void *arg)
{
	const struct proxy_attach *a = arg;

	proxy_targets_free(a->chosen);
}

const struct kernel_param_ops proxy_target_ops = {
	.set = target_set,
	.get = target_get,
	.free = target_free,
};

static int target_state_get(char *buf, const struct kernel_param *kp)
{
	const struct proxy_attach *a = kp->arg;

	return proxy_targets_state(a->chosen, buf, PAGE_SIZE);
}

const struct kernel_param_ops proxy_target_state_ops = { .get = target_state_get };

static int attached_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%u\n", proxy_hooks_attached());
}

const struct kernel_param_ops proxy_attached_ops = { .get = attached_get };
