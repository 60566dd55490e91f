// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy.ko: the misc device /dev/mlproxy, and the workqueue. */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "core.h"
#include "session.h"

static struct workqueue_struct *mlproxy_wq;

static struct miscdevice mlproxy_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mlproxy",
	.fops = &mlproxy_fops,
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

static int __init mlproxy_module_init(void)
{
	int ret;

	mlproxy_wq = alloc_workqueue("mlproxy", WQ_MEM_RECLAIM | WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!mlproxy_wq)
		return -ENOMEM;
	ret = misc_register(&mlproxy_misc);
	if (ret)
		destroy_workqueue(mlproxy_wq);
	return ret;
}

static void __exit mlproxy_module_exit(void)
{
	misc_deregister(&mlproxy_misc);
	destroy_workqueue(mlproxy_wq);
}

module_init(mlproxy_module_init);
module_exit(mlproxy_module_exit);

MODULE_DESCRIPTION("Machine-learning model proxies beside kernel decisions");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
