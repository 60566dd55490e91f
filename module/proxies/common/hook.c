// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replacing functions of the kernel: see hook.h.
 *
 * A call is redirected where the function begins, before its first instruction, unless it
 * comes out of this module. Each replacement counts itself in and out, and what was entered
 * but not yet counted is waited for by synchronize_rcu_tasks().
 *
 * Locks: the chain of module notifiers > hook_mutex. The notifier is registered by the
 * module's init, so that attaching, under whatever lock of its caller, takes hook_mutex
 * only.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include "hook.h"
#include "symbol.h"

DEFINE_PER_CPU(long, proxy_hook_calls);

static DEFINE_MUTEX(hook_mutex);
static struct proxy_hook *hooks;	/* hook_mutex; and the next three */
static unsigned int nr_hooks;
static unsigned int nr_attached;
static bool wanted;

void notrace proxy_hook_redirect(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct proxy_hook *hook = container_of(ops, struct proxy_hook, ops);

	if (!within_module(parent_ip, THIS_MODULE))
		compat_ftrace_redirect(fregs, (unsigned long)hook->replacement);
}

/* @loaded: the function's module is there, so that the function has to be, too */
static int hook_attach(struct proxy_hook *hook, bool loaded)
{
	int err;

	if (hook->attached)
		return 0;
	if (hook->prototype) {
		err = proxy_symbol_find(hook->module, hook->name, &hook->original);
		if (err == -ENOENT && loaded)
			pr_err("there is no function %s in %s\n", hook->name,
			       hook->module ?: "the kernel");
		if (!err)
			err = proxy_symbol_check(hook->module, hook->name, hook->prototype);
		if (!err && hook->check)
			err = hook->check();
		if (err)
			return err;
	}
	err = ftrace_set_filter_ip(&hook->ops, (unsigned long)hook->original, 0, 0);
	if (err)
		goto out;
	err = register_ftrace_function(&hook->ops);
	if (err)
		ftrace_set_filter_ip(&hook->ops, (unsigned long)hook->original, 1, 0);
out:
	if (err)
		pr_err("cannot replace %s: error %d%s\n", hook->name, err,
		       err == -EBUSY ? "; replaced already, or kernel.ftrace_enabled is 0" : "");
	hook->attached = !err;
	WRITE_ONCE(nr_attached, nr_attached + hook->attached);
	return err;
}

static void hook_detach(struct proxy_hook *hook)
{
	if (!hook->attached)
		return;
	unregister_ftrace_function(&hook->ops);
	ftrace_set_filter_ip(&hook->ops, (unsigned long)hook->original, 1, 0);
	hook->attached = false;
	WRITE_ONCE(nr_attached, nr_attached - 1);
}

static void detach_all(void)
{
	unsigned int i;

	wanted = false;
	if (!nr_attached)
		return;
	for (i = 0; i < nr_hooks; i++)
		hook_detach(&hooks[i]);
	/* What was entered has asked for its decision, or has slept. */
	synchronize_rcu_tasks();
}

/* A module that has one of the functions has to have them all. */
static int check_complete(void)
{
	unsigned int i, j;

	for (i = 0; i < nr_hooks; i++) {
		if (hooks[i].attached || !hooks[i].module)
			continue;
		for (j = 0; j < nr_hooks; j++) {
			if (!hooks[j].attached || !hooks[j].module ||
			    strcmp(hooks[j].module, hooks[i].module))
				continue;
			pr_err("there is no function %s in %s\n", hooks[i].name, hooks[i].module);
			return -ENOENT;
		}
	}
	return 0;
}

int proxy_hooks_attach(void)
{
	unsigned int i;
	int err = 0;

	mutex_lock(&hook_mutex);
	wanted = true;
	for (i = 0; i < nr_hooks && !err; i++) {
		err = hook_attach(&hooks[i], !hooks[i].module);
		if (err == -ENOENT && hooks[i].module) {
			pr_info("%s is replaced when module %s has it\n", hooks[i].name,
				hooks[i].module);
			err = 0;
		}
	}
	err = err ?: check_complete();
	if (err)
		detach_all();
	mutex_unlock(&hook_mutex);
	return err;
}

void proxy_hooks_detach(void)
{
	mutex_lock(&hook_mutex);
	detach_all();
	mutex_unlock(&hook_mutex);
}

static long calls(void)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(proxy_hook_calls, cpu));
	return sum;
}

/* Those that were entered are counted by then; those counted out have left the text. */
static void drain(void)
{
	synchronize_rcu_tasks();
	while (calls())
		msleep(20);
	synchronize_rcu_tasks();
}

unsigned int proxy_hooks_attached(void)
{
	return READ_ONCE(nr_attached);
}

/* A module's functions go with it, whoever still calls them: its replacements first. */
static void module_goes(const char *name)
{
	bool detached = false;
	unsigned int i;

	for (i = 0; i < nr_hooks; i++) {
		if (!hooks[i].attached || !hooks[i].module || strcmp(hooks[i].module, name))
			continue;
		hook_detach(&hooks[i]);
		detached = true;
	}
	if (detached)
		drain();
}

static void module_comes(const char *name)
{
	unsigned int i;
	int err = 0;

	for (i = 0; wanted && i < nr_hooks && !err; i++) {
		if (hooks[i].module && !strcmp(hooks[i].module, name))
			err = hook_attach(&hooks[i], true);
	}
	/* If one is refused, all stay the kernel's; the log says why. */
	if (err)
		module_goes(name);
}

static int module_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	const struct module *module = data;

	mutex_lock(&hook_mutex);
	if (action == MODULE_STATE_COMING)
		module_comes(module->name);
	else if (action == MODULE_STATE_GOING)
		module_goes(module->name);
	mutex_unlock(&hook_mutex);
	return NOTIFY_DONE;
}

static struct notifier_block module_nb = { .notifier_call = module_notify };

int proxy_hooks_init(struct proxy_hook *all, unsigned int nr)
{
	hooks = all;
	nr_hooks = nr;
	return register_module_notifier(&module_nb);
}

void proxy_hooks_exit(void)
{
	unregister_module_notifier(&module_nb);
	mutex_lock(&hook_mutex);
	detach_all();
	nr_hooks = 0;
	mutex_unlock(&hook_mutex);
	drain();
}
