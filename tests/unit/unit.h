/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every unit test includes: cmocka with the headers it needs before it.
 */
#ifndef _MLPROXY_TEST_UNIT_H
#define _MLPROXY_TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif /* _MLPROXY_TEST_UNIT_H */
