/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's atomic words, as far as module/core/rec_table.c uses them; see mutex.h. */
#ifndef _TEST_SHIM_ATOMIC_H
#define _TEST_SHIM_ATOMIC_H

typedef struct {
	int counter;
} atomic_t;

static inline int atomic_read(const atomic_t *v)
{
	return __atomic_load_n(&v->counter, __ATOMIC_RELAXED);
}

static inline void atomic_or(int bits, atomic_t *v)
{
	__atomic_fetch_or(&v->counter, bits, __ATOMIC_RELAXED);
}

static inline void atomic_andnot(int bits, atomic_t *v)
{
	__atomic_fetch_and(&v->counter, ~bits, __ATOMIC_RELAXED);
}

#endif /* _TEST_SHIM_ATOMIC_H */
