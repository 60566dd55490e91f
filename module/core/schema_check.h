/* SPDX-License-Identifier: GPL-2.0-only */
/* Is a description of a decision point a good one? See schema_check.c. */
#ifndef _MLPROXY_CORE_SCHEMA_CHECK_H
#define _MLPROXY_CORE_SCHEMA_CHECK_H

#include "shared/port.h"

struct mlproxy_desc;

bool mlproxy_name_ok(const char *name);
int mlproxy_desc_check(const struct mlproxy_desc *desc, char *text);

#endif /* _MLPROXY_CORE_SCHEMA_CHECK_H */
