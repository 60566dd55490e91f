/* SPDX-License-Identifier: GPL-2.0-only */
/* What the schema says that the kernel does to a value before anyone sees it. */
#ifndef _MLPROXY_PREPROCESS_H
#define _MLPROXY_PREPROCESS_H

#include <linux/bitops.h>

#include <mlproxy/mlproxy.h>

#include "../shared/log2.h"

/**
 * preprocess_mask() - which values have MLPROXY_PRE_LOG2
 * @f: descriptions
 * @nr: number, at most 32
 */
static inline u32 preprocess_mask(const struct mlproxy_feature *f, u32 nr)
{
	u32 mask = 0;

	while (nr--)
		if (f[nr].preprocess == MLPROXY_PRE_LOG2)
			mask |= BIT(nr);
	return mask;
}

/**
 * preprocess_log2() - take logarithms
 * @values: changed in place
 * @mask: of which
 */
static inline void preprocess_log2(s64 *values, u32 mask)
{
	for (; mask; mask &= mask - 1)
		values[__ffs(mask)] = log2_signed_q8(values[__ffs(mask)]);
}

#endif /* _MLPROXY_PREPROCESS_H */
