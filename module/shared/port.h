/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the shared code needs from its surroundings, in the kernel's names:
 * integer types, errno, string functions, snprintf. The kernel has them; user
 * space gets them from libc.
 */
#ifndef _MLPROXY_SHARED_PORT_H
#define _MLPROXY_SHARED_PORT_H

/*
 * Of a variable of a hot path that is written before it is read: kernels may be built so that
 * all of the stack is zeroed first.
 */
#if defined(__has_attribute) && __has_attribute(uninitialized)
#define no_auto_init __attribute__((uninitialized))
#else
#define no_auto_init
#endif

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>
#else
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))

/* Some of libc's headers have it, in earnest. */
#ifndef __always_inline
#define __always_inline inline
#endif

#ifndef S32_MAX
#define S32_MAX INT32_MAX
#define S32_MIN INT32_MIN
#define U32_MAX UINT32_MAX
#define U64_MAX UINT64_MAX
#define S64_MAX INT64_MAX
#define S64_MIN INT64_MIN
#endif
#endif /* __KERNEL__ */

#endif /* _MLPROXY_SHARED_PORT_H */
