/* SPDX-License-Identifier: GPL-2.0-only */
/* Instances of a proxy; see instance.c. */
#ifndef _MLPROXY_CORE_INSTANCE_H
#define _MLPROXY_CORE_INSTANCE_H

#include "core.h"

/* Those that are initialised, with the lock of @whole; one may be destroyed already. */
#define for_each_instance(instance, whole)				\
	list_for_each_entry(instance, &(whole)->instances, sibling)

/* Life of one instance. */
void mlproxy_instance_join(struct mlproxy *instance);
void mlproxy_instance_take_over(struct mlproxy *instance);
void mlproxy_instance_leave(struct mlproxy *instance);

/* What is ordered of a proxy, and so of all its instances. */
int mlproxy_order(struct mlproxy *proxy, u32 op);
int mlproxy_order_mode(struct mlproxy *proxy, u32 mode, bool automatic);
int mlproxy_order_param(struct mlproxy *proxy, u32 param, u32 index, u64 value);

/* What is shown of a proxy: that of the instance that has come least far. */
struct mlproxy *mlproxy_shown(struct mlproxy *proxy);
u32 mlproxy_shown_mode(struct mlproxy *proxy);

/* What instances share with their proxy. */
void mlproxy_instances_set_model(struct mlproxy *whole, u32 version);
void mlproxy_instances_kick(struct mlproxy *whole);

#endif /* _MLPROXY_CORE_INSTANCE_H */
