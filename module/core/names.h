/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of values, for sysfs and messages; see names.c. Never NULL. */
#ifndef _MLPROXY_CORE_NAMES_H
#define _MLPROXY_CORE_NAMES_H

#include <linux/types.h>
#include <linux/mlproxy.h>

const char *mlproxy_mode_name(u32 mode);
const char *mlproxy_state_name(u32 state);
const char *mlproxy_health_name(u32 health);
const char *mlproxy_reason_name(u32 reason);
int mlproxy_mode_by_name(const char *name);

#endif /* _MLPROXY_CORE_NAMES_H */
