// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy_hooktest: replaces a function that opens a character device, which is named when
 * the module is loaded, for the guest test of module/proxies/common/hook.c. The kernel's
 * chrdev_open() and tun_chr_open() of the module tun are two. With an answer of its own it may
 * stand in for a function of other arguments, too.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/module.h>

#include "common/hook.h"
#include "common/params.h"

static char *module;
module_param(module, charp, 0444);
MODULE_PARM_DESC(module, "module that has the function; none: the kernel itself");

static char *function = "chrdev_open";
module_param(function, charp, 0444);
MODULE_PARM_DESC(function, "function to replace");

static char *prototype = "int(struct inode *, struct file *)";
module_param(prototype, charp, 0444);
MODULE_PARM_DESC(prototype, "prototype that it must have");

static bool hold;
module_param(hold, bool, 0644);
MODULE_PARM_DESC(hold, "calls wait in the replacement for as long");

static int answer = -1;
module_param(answer, int, 0644);
MODULE_PARM_DESC(answer, "what the replacement returns in place of the original; -1: calls that (default)");

static DEFINE_PER_CPU(s64, calls);
static DEFINE_PER_CPU(s64, returned);
PROXY_COUNTER(calls, calls, "calls that the replacement saw");
PROXY_COUNTER(returned, returned, "of these, those that the original has returned from");

static struct proxy_hook hooks[];

static int replace(struct inode *inode, struct file *file)
{
	int (*original)(struct inode *inode, struct file *file);
	int ret;

	proxy_hook_enter();
	this_cpu_inc(calls);
	while (READ_ONCE(hold))
		msleep(20);
	original = hooks[0].original;
	ret = READ_ONCE(answer);
	if (ret < 0)
		ret = original(inode, file);
	this_cpu_inc(returned);
	proxy_hook_leave();
	return ret;
}

/* Its names are parameters. */
static struct proxy_hook hooks[] = { PROXY_HOOK_NAMED(NULL, NULL, NULL, replace) };

static int attach_set(const char *val, const struct kernel_param *kp)
{
	bool on;
	int err = kstrtobool(val, &on);

	if (err)
		return err;
	if (on)
		return proxy_hooks_attach();
	proxy_hooks_detach();
	return 0;
}

static int attach_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%u\n", proxy_hooks_attached());
}

static const struct kernel_param_ops attach_ops = { .set = attach_set, .get = attach_get };
module_param_cb(attach, &attach_ops, NULL, 0644);
MODULE_PARM_DESC(attach, "write 1 to attach, 0 to detach; reads how many functions are replaced");

static int __init hooktest_init(void)
{
	hooks[0].module = module;
	hooks[0].name = function;
	hooks[0].prototype = prototype;
	return proxy_hooks_init(hooks, ARRAY_SIZE(hooks));
}

static void __exit hooktest_exit(void)
{
	proxy_hooks_exit();
}

module_init(hooktest_init);
module_exit(hooktest_exit);

MODULE_DESCRIPTION("Replaces a function that opens devices, to test how proxies do that");
MODULE_LICENSE("GPL");
