// SPDX-License-Identifier: GPL-2.0-only
/* What all proxies share: the misc device /dev/mlproxy, and the workqueue. */
#include <linux/miscdevice.h>
#include <linux/workqueue.h>

#include "core.h"
#include "device.h"

static struct workqueue_struct *mlproxy_wq;

static struct miscdevice mlproxy_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mlproxy",
	.mode = 0660,
};

/**
 * mlproxy_device() - the device that the proxies' folders are below
 */
struct device *mlproxy_device(void)
{
	return mlproxy_misc.this_device;
}

/**
 * mlproxy_workqueue() - for what follows a change of mode
 *
 * With a rescuer, as a correction may be what reclaim needs.
 */
struct workqueue_struct *mlproxy_workqueue(void)
{
	return mlproxy_wq;
}

/**
 * mlproxy_device_announce() - send a uevent: a proxy can be bound, or not any more
 * @proxy: its name
 * @comes: it can
 *
 * A "change" of the device with MLPROXY_PROXY=NAME, and MLPROXY_EVENT=create or destroy:
 * the folder of a proxy is no device, and has no uevents. Context: may sleep.
 */
void mlproxy_device_announce(const char *proxy, bool comes)
{
	char name[sizeof("MLPROXY_PROXY=") + MLPROXY_NAME_LEN];
	char event[sizeof("MLPROXY_EVENT=destroy")];
	char *env[3] = { name, event };

	snprintf(name, sizeof(name), "MLPROXY_PROXY=%s", proxy);
	snprintf(event, sizeof(event), "MLPROXY_EVENT=%s", comes ? "create" : "destroy");
	kobject_uevent_env(&mlproxy_device()->kobj, KOBJ_CHANGE, env);
}

/**
 * mlproxy_device_init() - make the workqueue, then the device
 * @fops: what a file of the device does
 *
 * Context: may sleep. Return: 0 or -errno.
 */
int mlproxy_device_init(const struct file_operations *fops)
{
	int ret;

	mlproxy_wq = alloc_workqueue("mlproxy", WQ_MEM_RECLAIM | WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!mlproxy_wq)
		return -ENOMEM;
	mlproxy_misc.fops = fops;
	ret = misc_register(&mlproxy_misc);
	if (ret)
		destroy_workqueue(mlproxy_wq);
	return ret;
}

/**
 * mlproxy_device_exit() - undo mlproxy_device_init()
 *
 * Context: may sleep; no proxy is left.
 */
void mlproxy_device_exit(void)
{
	misc_deregister(&mlproxy_misc);
	destroy_workqueue(mlproxy_wq);
}
