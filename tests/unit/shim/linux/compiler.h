/* SPDX-License-Identifier: GPL-2.0-only */
/* What module/include/mlproxy/mlproxy.h needs of it, for building that as user space. */
#ifndef _TEST_SHIM_COMPILER_H
#define _TEST_SHIM_COMPILER_H

#ifndef READ_ONCE
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#endif
#ifndef likely
#define likely(x)		__builtin_expect(!!(x), 1)
#endif
#define OPTIMIZER_HIDE_VAR(var)	__asm__("" : "=r" (var) : "0" (var))

#endif /* _TEST_SHIM_COMPILER_H */
