/* SPDX-License-Identifier: GPL-2.0-only */
/* What module/include/mlproxy/mlproxy.h needs of it, for building that as user space. */
#ifndef _TEST_SHIM_MODULE_H
#define _TEST_SHIM_MODULE_H

#include "shared/port.h"

struct module {
	int nothing;
};

#endif /* _TEST_SHIM_MODULE_H */
