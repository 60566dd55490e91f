// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy.ko: the misc device /dev/mlproxy. */
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "core.h"
#include "session.h"

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

static int __init mlproxy_module_init(void)
{
	return misc_register(&mlproxy_misc);
}

static void __exit mlproxy_module_exit(void)
{
	misc_deregister(&mlproxy_misc);
}

module_init(mlproxy_module_init);
module_exit(mlproxy_module_exit);

MODULE_DESCRIPTION("Machine-learning model proxies beside kernel decisions");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
