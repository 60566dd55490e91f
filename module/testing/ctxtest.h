/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of mlproxy_ctxtest show to one another. */
#ifndef _MLPROXY_TESTING_CTXTEST_H
#define _MLPROXY_TESTING_CTXTEST_H

#include <mlproxy/mlproxy.h>

int ctxtest_api(void);
int ctxtest_data_create(void);
void ctxtest_data_destroy(void);

#endif /* _MLPROXY_TESTING_CTXTEST_H */
