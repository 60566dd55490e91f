/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few names of the kernel that module/core/rec_table.c and module/core/mode_sums.h
 * use, for building them as user space: C11 atomics where the kernel's memory barriers stand, so that
 * the order they promise is what the threads of the test get.
 */
#ifndef _TEST_SHIM_KERNEL_H
#define _TEST_SHIM_KERNEL_H

#include <pthread.h>
#include <stdlib.h>

#include "shared/port.h"

struct mutex {
	pthread_mutex_t lock;
};

#define mutex_init(m)		pthread_mutex_init(&(m)->lock, NULL)
#define mutex_destroy(m)	pthread_mutex_destroy(&(m)->lock)
#define mutex_lock(m)		pthread_mutex_lock(&(m)->lock)
#define mutex_unlock(m)		pthread_mutex_unlock(&(m)->lock)

/*
 * Called before each access, where a test has set it: there it may do what
 * another CPU could do just then.
 */
static void (*shim_step)(void);

static inline void shim_access(void)
{
	if (shim_step)
		shim_step();
}

#define READ_ONCE(x)		(shim_access(), __atomic_load_n(&(x), __ATOMIC_RELAXED))
#define WRITE_ONCE(x, v)	(shim_access(), __atomic_store_n(&(x), (v), __ATOMIC_RELAXED))
#define smp_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)	/* as its user says */
#define smp_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)	/* as its user says */

#define xchg(p, v)		(shim_access(), __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST))
#define likely(x)		(x)
#define unlikely(x)		(x)
#define hweight64(x)		__builtin_popcountll(x)
#define cpu_relax()		shim_access()
#define ____cacheline_aligned_in_smp

typedef unsigned int gfp_t;
#define GFP_KERNEL		0
#define GFP_KERNEL_ACCOUNT	0
#define kvzalloc(bytes, gfp)	((void)(gfp), calloc(1, bytes))
#define kvfree(p)		free(p)
#define struct_size(p, member, n)	(sizeof(*(p)) + (n) * sizeof((p)->member[0]))
#define max_t(type, a, b)	((type)(a) > (type)(b) ? (type)(a) : (type)(b))

static inline unsigned long find_next_bit(const unsigned long *map, unsigned long nr,
					  unsigned long from)
{
	while (from < nr && !(map[from / 64] >> (from % 64) & 1))
		from++;
	return from < nr ? from : nr;
}

static inline unsigned long roundup_pow_of_two(unsigned long n)
{
	return n <= 1 ? 1 : 1UL << (64 - __builtin_clzl(n - 1));
}

#endif /* _TEST_SHIM_KERNEL_H */
