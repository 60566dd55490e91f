/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that have nothing to gain are not looked at for a while. */
#ifndef _MLPROXY_RA_REST_H
#define _MLPROXY_RA_REST_H

#include "action.h"

struct ra_call;
struct ra_file;

void ra_rest_begin(struct ra_file *f, enum ra_action before, bool may);
bool ra_rest_pass(struct ra_file *f, const struct ra_call *call);

#endif /* _MLPROXY_RA_REST_H */
