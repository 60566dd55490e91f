/* SPDX-License-Identifier: GPL-2.0-only */
/* The list of proxies; see registry.c. */
#ifndef _MLPROXY_CORE_REGISTRY_H
#define _MLPROXY_CORE_REGISTRY_H

#include <linux/types.h>

struct mlproxy;
struct mlproxy_list_entry;

int mlproxy_registry_init(void);
void mlproxy_registry_exit(void);
int mlproxy_registry_add(struct mlproxy *proxy);
void mlproxy_registry_show(struct mlproxy *proxy);
void mlproxy_registry_del(struct mlproxy *proxy);
void mlproxy_registry_forget_owner(struct mlproxy *proxy);
void mlproxy_registry_put_owner(struct mlproxy *proxy);
struct mlproxy *mlproxy_find(const char *name, u32 instance);
u32 mlproxy_list_fill(struct mlproxy_list_entry *entries, u32 room);

#endif /* _MLPROXY_CORE_REGISTRY_H */
