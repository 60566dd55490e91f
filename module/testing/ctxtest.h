/* SPDX-License-Identifier: GPL-2.0-only */
/* The two halves of mlproxy_ctxtest. */
#ifndef _MLPROXY_TESTING_CTXTEST_H
#define _MLPROXY_TESTING_CTXTEST_H

#include <mlproxy/mlproxy.h>

int ctxtest_api(void);

#endif /* _MLPROXY_TESTING_CTXTEST_H */
