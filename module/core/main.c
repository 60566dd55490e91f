// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy.ko: loading and unloading. */
#include <linux/module.h>

#include "core.h"
#include "device.h"
#include "registry.h"
#include "session.h"

static int __init mlproxy_module_init(void)
{
	int ret;

	mlproxy_key_init();
	ret = mlproxy_registry_init();
	if (ret)
		return ret;
	ret = mlproxy_device_init(&mlproxy_fops);
	if (ret)
		mlproxy_registry_exit();
	return ret;
}

static void __exit mlproxy_module_exit(void)
{
	mlproxy_device_exit();
	mlproxy_registry_exit();
}

module_init(mlproxy_module_init);
module_exit(mlproxy_module_exit);

MODULE_DESCRIPTION("Machine-learning model proxies beside kernel decisions");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
