/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random bits as a real number. Not beside mix64.h, which the kernel has too, and the kernel
 * has no floating point.
 */
#ifndef _MLPROXY_INFER_UNIT_REAL_H
#define _MLPROXY_INFER_UNIT_REAL_H

#include <stdint.h>

/**
 * unit_real() - a number from 0 to below 1
 * @bits: 64 random bits; the upper 53 count, as many as a double holds
 */
static inline double unit_real(uint64_t bits)
{
	return (double)(bits >> 11) * 0x1p-53;
}

#endif /* _MLPROXY_INFER_UNIT_REAL_H */
