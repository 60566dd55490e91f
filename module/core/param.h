/* SPDX-License-Identifier: GPL-2.0-only */
/* Parameters of a proxy; see param.c. */
#ifndef _MLPROXY_CORE_PARAM_H
#define _MLPROXY_CORE_PARAM_H

#include <linux/types.h>

struct mlproxy;

void mlproxy_param_defaults(struct mlproxy *proxy);
int mlproxy_set_param(struct mlproxy *proxy, u32 param, u32 index, u64 value);
int mlproxy_get_param(struct mlproxy *proxy, u32 param, u32 index, u64 *value);

#endif /* _MLPROXY_CORE_PARAM_H */
