/* SPDX-License-Identifier: GPL-2.0-only */
/* Decisions that wait for a delayed outcome; see pending.c. */
#ifndef _MLPROXY_CORE_PENDING_H
#define _MLPROXY_CORE_PENDING_H

#include <linux/types.h>

struct mlproxy;
struct mlproxy_decision;

#define PENDING_WAYS		8
#define PENDING_MAX_ENTRIES	65536U
#define PENDING_DEFAULT_NS	60000000000ULL
#define PENDING_MIN_NS		1000000ULL
#define PENDING_MAX_NS		86400000000000ULL

int mlproxy_pending_init(struct mlproxy *proxy, u32 entries);
void mlproxy_pending_exit(struct mlproxy *proxy);
bool mlproxy_pending_get(struct mlproxy *proxy, u64 token, struct mlproxy_decision *decision);
void mlproxy_pending_start(struct mlproxy *proxy);
void mlproxy_pending_stop(struct mlproxy *proxy);
int mlproxy_pending_set_ns(struct mlproxy *proxy, u64 value);
u64 mlproxy_pending_longest_ns(const struct mlproxy *proxy);

#endif /* _MLPROXY_CORE_PENDING_H */
