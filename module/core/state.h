/* SPDX-License-Identifier: GPL-2.0-only */
/* The state of the subsystem: snapshots and health; see state.c. */
#ifndef _MLPROXY_CORE_STATE_H
#define _MLPROXY_CORE_STATE_H

#include <linux/types.h>

struct mlproxy;
struct mlproxy_snapshot;

void mlproxy_state_init(struct mlproxy *proxy);
void mlproxy_state_exit(struct mlproxy *proxy);
void mlproxy_state_reset(struct mlproxy *proxy);
void mlproxy_state_start(struct mlproxy *proxy);
void mlproxy_state_stop(struct mlproxy *proxy);
void mlproxy_state_publish(struct mlproxy *proxy);
int mlproxy_state_set_period(struct mlproxy *proxy, u64 value);
int mlproxy_peek_snapshot(struct mlproxy *proxy, struct mlproxy_snapshot *out);
int mlproxy_take_snapshot(struct mlproxy *proxy, struct mlproxy_snapshot *out);

#endif /* _MLPROXY_CORE_STATE_H */
