// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy_initfail: a proxy whose module is not what the others are: its init takes as
 * long as it is told to, may fail after the proxy was registered, and the proxy may go
 * while the module stays.
 *
 * Init registers "initfail", then waits until the parameter "go" is written, a minute at
 * most; then it returns 0, or -ENODEV with fail=1. In a module that is loaded, writing
 * "destroy" destroys the proxy.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>

#include <mlproxy/mlproxy.h>

#define WAIT_MAX (60 * HZ)

static const struct mlproxy_feature features[] = { { .name = "x", .max = 1 } };
static const struct mlproxy_action actions[] = { { .name = "no" }, { .name = "yes" } };

static const struct mlproxy_desc desc = {
	.owner = THIS_MODULE,
	.name = "initfail",
	.schema_version = 1,
	.nr_features = ARRAY_SIZE(features),
	.features = features,
	.nr_actions = ARRAY_SIZE(actions),
	.actions = actions,
	.reward_name = "reward",
	.reward_max = 1,
};

static DEFINE_MUTEX(proxy_lock);
static struct mlproxy *proxy;	/* proxy_lock; NULL once it is destroyed */
static DECLARE_COMPLETION(may_go);

static bool fail;
module_param(fail, bool, 0444);
MODULE_PARM_DESC(fail, "init fails, after the proxy was registered (default 0)");

static int go_set(const char *val, const struct kernel_param *kp)
{
	complete_all(&may_go);
	return 0;
}

static const struct kernel_param_ops go_ops = { .set = go_set };
module_param_cb(go, &go_ops, NULL, 0200);
MODULE_PARM_DESC(go, "written: init goes on");

static void destroy(void)
{
	mutex_lock(&proxy_lock);
	mlproxy_destroy(proxy);
	proxy = NULL;
	mutex_unlock(&proxy_lock);
}

static int destroy_set(const char *val, const struct kernel_param *kp)
{
	destroy();
	return 0;
}

static const struct kernel_param_ops destroy_ops = { .set = destroy_set };
module_param_cb(destroy, &destroy_ops, NULL, 0200);
MODULE_PARM_DESC(destroy, "written: the proxy goes, the module stays");

static int __init initfail_init(void)
{
	struct mlproxy *made = mlproxy_register(&desc, NULL);
	long left;

	if (IS_ERR(made))
		return PTR_ERR(made);
	mutex_lock(&proxy_lock);
	proxy = made;
	mutex_unlock(&proxy_lock);
	left = wait_for_completion_killable_timeout(&may_go, WAIT_MAX);
	if (left > 0 && !fail)
		return 0;
	if (!left)
		pr_err("nobody wrote to the parameter go\n");
	destroy();
	return left < 0 ? left : -ENODEV;
}

static void __exit initfail_exit(void)
{
	destroy();
}

module_init(initfail_init);
module_exit(initfail_exit);

MODULE_DESCRIPTION("mlproxy test: a proxy of a module that is slow to load, or fails");
MODULE_LICENSE("GPL");
