/* SPDX-License-Identifier: GPL-2.0-only */
/* Instances of a proxy; see instance.c. */
#ifndef _MLPROXY_CORE_INSTANCE_H
#define _MLPROXY_CORE_INSTANCE_H

#include "core.h"

int mlproxy_order(struct mlproxy *proxy, u32 op);
struct mlproxy *mlproxy_shown(struct mlproxy *proxy);

#endif /* _MLPROXY_CORE_INSTANCE_H */
