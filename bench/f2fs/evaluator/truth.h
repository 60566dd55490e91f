/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long each write of a block really lived: noted in one run, told in another that does the
 * same writes.
 */
#ifndef _MLPROXY_F2FS_TRUTH_H
#define _MLPROXY_F2FS_TRUTH_H

#include <linux/types.h>

/* The write of @key, of its @kind, lived for @life blocks written; ~0 if it still does. */
void truth_note(u64 key, u32 kind, u32 life);
/* How long it will live; ~0 for longer than anybody saw, or unknown. */
u32 truth_of(u64 key, u32 kind);
/* Whether this is the very write's life, and not what its like can expect. */
bool truth_is_exact(void);
/* Notes all that are alive: policy.c's. */
void eval_living(void);

#endif /* _MLPROXY_F2FS_TRUTH_H */
