/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When a proxy's hooks are in force: while it runs, and something is chosen for it to look
 * after. With the parameters by which an administrator chooses, and sees what came of it.
 */
#ifndef _MLPROXY_PROXIES_ATTACH_H
#define _MLPROXY_PROXIES_ATTACH_H

#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "target.h"

/**
 * struct proxy_attach - whether a proxy is attached
 * @chosen: what it looks after
 * @attach: attach the hooks; called with a mutex held. Returns 0, or an error, and then nothing
 *	is attached
 * @detach: the opposite, likewise
 * @look: called each second while attached, after the names of targets were looked at.
 *	No mutex is held: a filesystem may be waited for. Optional
 * @choose: called when something else was chosen, likewise
 * @mutex: held to change the next two
 * @running: the proxy is started
 * @attached: the hooks are attached
 * @again: calls @look
 *
 * To be written with PROXY_ATTACH(). All callbacks may sleep.
 */
struct proxy_attach {
	struct proxy_targets *chosen;
	int (*attach)(void);
	void (*detach)(void);
	void (*look)(void);
	void (*choose)(void);

	struct mutex mutex;	/* held to change the next two */
	bool running;
	bool attached;
	struct delayed_work again;
};

void proxy_attach_look(struct work_struct *work);

/* PROXY_ATTACH() - the initializer of the variable @_name; the callbacks come after it */
#define PROXY_ATTACH(_name, _chosen)							\
	.chosen = (_chosen),								\
	.mutex = __MUTEX_INITIALIZER((_name).mutex),					\
	.again = __DELAYED_WORK_INITIALIZER((_name).again, proxy_attach_look,		\
					    TIMER_DEFERRABLE)

/**
 * proxy_attach_start() - the proxy is started: for &mlproxy_ops.start of the proxy itself
 * @attach: whose
 *
 * Context: may sleep. Return: 0, or the error of &proxy_attach.attach; then it is not.
 */
int proxy_attach_start(struct proxy_attach *attach);

/**
 * proxy_attach_stop() - the opposite: for &mlproxy_ops.stop
 * @attach: whose
 *
 * Context: may sleep. When it returns, the hooks are not in force.
 */
void proxy_attach_stop(struct proxy_attach *attach);

/**
 * proxy_attach_exit() - wait for the last look
 * @attach: whose; stopped, and never to be started again
 *
 * Context: may sleep.
 */
void proxy_attach_exit(struct proxy_attach *attach);

extern const struct kernel_param_ops proxy_target_ops;
extern const struct kernel_param_ops proxy_target_state_ops;
extern const struct kernel_param_ops proxy_attached_ops;

/*
 * PROXY_ATTACH_PARAMS() - the parameters "target", "target_state" and "hooks"
 *
 * @_text says what the first one takes. It may be given as the module is loaded, and is
 * freed with the module, also if that could not be loaded.
 */
#define PROXY_ATTACH_PARAMS(_attach, _text)						\
	module_param_cb(target, &proxy_target_ops, &(_attach), 0644);			\
	MODULE_PARM_DESC(target, _text);						\
	module_param_cb(target_state, &proxy_target_state_ops, &(_attach), 0400);	\
	MODULE_PARM_DESC(target_state,							\
			 "what is mounted from each target, or why nothing is looked after"); \
	module_param_cb(hooks, &proxy_attached_ops, NULL, 0444);			\
	MODULE_PARM_DESC(hooks, "functions of the kernel that are replaced now")

#endif /* _MLPROXY_PROXIES_ATTACH_H */
