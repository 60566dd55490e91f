/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions of the kernel that a proxy replaces by its own, through ftrace: what runs
 * in front of the original, behind it, or in its place, is the replacement's business.
 *
 * While a function is replaced no live patch and no other module can replace it, and the
 * sysctl kernel.ftrace_enabled can't be set to 0.
 *
 * A module has one set of hooks. It is compiled with PROXY_REPLACES, see proxy.mk, and
 * calls the original as any function, or through &struct proxy_hook.original: calls out of
 * the module itself are not redirected.
 */
#ifndef _MLPROXY_PROXIES_HOOK_H
#define _MLPROXY_PROXIES_HOOK_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/percpu.h>

#include "compat/ftrace.h"

void proxy_hook_redirect(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			 struct ftrace_regs *fregs);

/* Permanent: not to be switched off behind the back of a proxy that says it is running. */
#define PROXY_HOOK_OPS {								\
	.func = proxy_hook_redirect,							\
	.flags = COMPAT_FTRACE_REDIRECT | FTRACE_OPS_FL_PERMANENT,			\
}

/**
 * struct proxy_hook - one function
 * @name: its name
 * @module: module that it is in, which may come and go; NULL for the kernel itself
 * @prototype: as for proxy_symbol_check(); NULL if the compiler has compared it
 * @original: the function; while it is attached, if it is known by its name only
 * @replacement: called in its place
 * @check: what else has to be right before it is replaced, where its module is there; may sleep,
 *	returns 0 or an error, which it has said in the kernel's log. Optional
 * @ops: how ftrace knows it
 * @attached: it is in force
 *
 * To be written with PROXY_HOOK() or PROXY_HOOK_NAMED().
 */
struct proxy_hook {
	const char *name;
	const char *module;
	const char *prototype;
	void *original;
	void *replacement;
	int (*check)(void);
	struct ftrace_ops ops;
	bool attached;
};

/*
 * PROXY_HOOK() - a function that the kernel exports to modules
 *
 * The compiler compares both prototypes, and the kernel's version of the symbol, when the
 * module is loaded, that this is still the function's.
 */
#define PROXY_HOOK(_function, _replacement) {						\
	.ops = PROXY_HOOK_OPS,								\
	.name = #_function,								\
	.original = (void *)(_function) +						\
		    BUILD_BUG_ON_ZERO(!__same_type(_function, _replacement)),		\
	.replacement = _replacement,							\
}

/*
 * PROXY_HOOK_NAMED() - a function that is known by its name only
 *
 * In the kernel (_module is NULL) or in a module. The kernel's type information (BTF) must
 * give it this prototype, or one of several with '|' between them; else it is refused. Of
 * several functions of one name the first one in the symbol table is taken: choose another.
 */
#define PROXY_HOOK_NAMED(_module, _name, _prototype, _replacement) {			\
	.ops = PROXY_HOOK_OPS,								\
	.name = _name,									\
	.module = _module,								\
	.prototype = _prototype,							\
	.replacement = _replacement,							\
}

/* PROXY_HOOK_CHECKED() - PROXY_HOOK_NAMED() with a check, see &struct proxy_hook.check */
#define PROXY_HOOK_CHECKED(_module, _name, _prototype, _replacement, _check) {		\
	.ops = PROXY_HOOK_OPS,								\
	.name = _name,									\
	.module = _module,								\
	.prototype = _prototype,							\
	.replacement = _replacement,							\
	.check = _check,								\
}

/**
 * proxy_hooks_init() - say which functions, before anything else here
 * @hooks: all of the module's; attached later
 * @nr: how many
 *
 * Context: module_init, may sleep. Return: 0, or what register_module_notifier() returned.
 */
int proxy_hooks_init(struct proxy_hook *hooks, unsigned int nr);

/**
 * proxy_hooks_exit() - counterpart of proxy_hooks_init(): detach for good, and drain
 *
 * To be called before mlproxy_destroy(), which frees what a replacement may still use; not
 * with a lock that a replacement, or the original, may wait for: so not by the stop callback.
 *
 * Context: module_exit, or module_init that fails; may sleep, as long as the slowest of the
 * functions. No replacement runs, or will, once it has returned.
 */
void proxy_hooks_exit(void);

/**
 * proxy_hooks_attach() - replace the functions
 *
 * One whose module is not loaded is replaced when it comes, before that module's own
 * initialisation; when it goes, the replacements are drained. If a function of a module that
 * comes is refused, the kernel's log says so, and none of that module's is replaced.
 *
 * Context: may sleep. Return: 0; or the error of the first that can't be, which is said in
 * the kernel's log, and then none is: -ENOENT for no such function, -EPROTOTYPE for another
 * prototype, -ENODATA without type information, -EBUSY if something else has replaced it.
 */
int proxy_hooks_attach(void);

/**
 * proxy_hooks_detach() - give the functions back
 *
 * No call begins after it. Those that began may be asleep in a replacement or in the original;
 * what they ask the core for after that, a stopped proxy ignores. Context: may sleep.
 */
void proxy_hooks_detach(void);

/**
 * proxy_hooks_attached() - how many functions are replaced now
 *
 * Context: any; a hint.
 */
unsigned int proxy_hooks_attached(void);

DECLARE_PER_CPU(long, proxy_hook_calls);

/** proxy_hook_enter() - first thing that a replacement does */
static inline void proxy_hook_enter(void)
{
	this_cpu_inc(proxy_hook_calls);
}

/** proxy_hook_leave() - the last thing */
static inline void proxy_hook_leave(void)
{
	this_cpu_dec(proxy_hook_calls);
}

#endif /* _MLPROXY_PROXIES_HOOK_H */
