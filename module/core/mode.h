/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mode of a proxy: the mode machine of mode_rules.h in the kernel.
 *
 * What a decision needs is in struct mlproxy: the mode, the number of the running
 * experiment, a request for emergency. Everything else belongs to
 * struct mlproxy_modes and its raw spinlock, which is taken with interrupts off, for
 * a bounded time, and inside of proxy->lock where both are held.
 *
 * A look at the counters is made by irq_work, in the middle of whatever the CPU does,
 * so that no scheduler, and no real-time hog, can delay a step back. Snapshots and
 * corrections, which may sleep, follow on a workqueue.
 */
#ifndef _MLPROXY_MODE_H
#define _MLPROXY_MODE_H

#include "core.h"

int mlproxy_mode_init(struct mlproxy *proxy);
void mlproxy_mode_exit(struct mlproxy *proxy);
void mlproxy_mode_free(struct mlproxy *proxy);
void mlproxy_mode_reset(struct mlproxy *proxy);
void mlproxy_mode_pause(struct mlproxy *proxy);

int mlproxy_set_mode(struct mlproxy *proxy, u32 mode, bool automatic);
void mlproxy_mode_evidence(struct mlproxy *proxy, u32 verdict, struct mlproxy_evidence *out);
void mlproxy_mode_fill(struct mlproxy *proxy, struct mlproxy_mode *out);
int mlproxy_mode_efficiency(struct mlproxy *proxy, struct mlproxy_efficiency *out,
			    struct mlproxy_transition *transitions, u32 room,
			    struct mlproxy_evidence *verdicts);
int mlproxy_mode_set_param(struct mlproxy *proxy, u32 param, u64 value);
int mlproxy_mode_get_param(struct mlproxy *proxy, u32 param, u64 *value);
void mlproxy_mode_set_model(struct mlproxy *proxy, u32 version);
void mlproxy_mode_restart(struct mlproxy *proxy);

#endif /* _MLPROXY_MODE_H */
