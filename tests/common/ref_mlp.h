/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A second evaluation of a model file, written from the definition in
 * uapi/linux/mlproxy_model.h in the plainest way, to hold the real one against.
 * It shares no code with module/infer/.
 */
#ifndef _MLPROXY_TEST_REF_MLP_H
#define _MLPROXY_TEST_REF_MLP_H

#include <stdint.h>

__int128 ref_rshift_round(__int128 v, unsigned int shift);
__int128 ref_sat8(__int128 v);
int64_t ref_log2_q8(int64_t x);

/* @file must be valid; @outputs gets one score an action. */
void ref_eval(const void *file, const int64_t *features, int64_t *outputs);
unsigned int ref_choose(const void *file, const int64_t *outputs, unsigned int baseline,
			uint32_t allowed);
__int128 ref_predict(const void *file, int64_t score);

#endif /* _MLPROXY_TEST_REF_MLP_H */
