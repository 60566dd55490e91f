/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A second evaluation of a file of trees, written from the definition in
 * uapi/linux/mlproxy_model.h in the plainest way; shares no code with
 * module/infer/. ref_choose() and ref_predict() of ref_mlp.h serve trees, too.
 */
#ifndef _MLPROXY_TEST_REF_TREE_H
#define _MLPROXY_TEST_REF_TREE_H

#include <stdint.h>

/* @file must be valid; @outputs gets one score an action. */
void ref_tree_eval(const void *file, const int64_t *features, int64_t *outputs);

#endif /* _MLPROXY_TEST_REF_TREE_H */
