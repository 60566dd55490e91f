/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's sequence counters, for module/core/mode_sums.h; see mutex.h beside it. */
#ifndef _TEST_SHIM_SEQLOCK_H
#define _TEST_SHIM_SEQLOCK_H

#include <linux/mutex.h>

typedef struct {
	unsigned int sequence;
} seqcount_t;

static inline void raw_write_seqcount_begin(seqcount_t *s)
{
	WRITE_ONCE(s->sequence, s->sequence + 1);
	smp_wmb();
}

static inline void raw_write_seqcount_end(seqcount_t *s)
{
	smp_wmb();
	WRITE_ONCE(s->sequence, s->sequence + 1);
}

static inline unsigned int raw_read_seqcount(const seqcount_t *s)
{
	unsigned int seq = READ_ONCE(s->sequence);

	smp_rmb();
	return seq;
}

static inline int read_seqcount_retry(const seqcount_t *s, unsigned int start)
{
	smp_rmb();
	return READ_ONCE(s->sequence) != start;
}

#endif /* _TEST_SHIM_SEQLOCK_H */
