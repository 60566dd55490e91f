/* SPDX-License-Identifier: GPL-2.0-only */
/* A proxy as the whole of its instances; see whole.c. */
#ifndef _MLPROXY_CORE_WHOLE_H
#define _MLPROXY_CORE_WHOLE_H

#include "core.h"

/* Those that are initialised, with the lock of @whole; one may be destroyed already. */
#define for_each_instance(instance, whole)				\
	list_for_each_entry(instance, &(whole)->instances, sibling)

/* Life of one instance. */
void mlproxy_instance_join(struct mlproxy *instance);
void mlproxy_instance_take_over(struct mlproxy *instance, u32 version);
void mlproxy_instance_leave(struct mlproxy *instance);

/* What is ordered of a proxy, and so of all its instances. */
int mlproxy_order_mode(struct mlproxy *proxy, u32 mode, bool automatic);
int mlproxy_order_param(struct mlproxy *proxy, u32 param, u32 index, u64 value);

/* What is shown of a proxy: that of the instance that has come least far. */
struct mlproxy *mlproxy_shown_lock(struct mlproxy *proxy);
void mlproxy_shown_unlock(struct mlproxy *proxy);

/* What instances share with their proxy. */
void mlproxy_instances_set_model(struct mlproxy *whole, u32 version);
void mlproxy_recommended(struct mlproxy *proxy, u32 version);

#endif /* _MLPROXY_CORE_WHOLE_H */
