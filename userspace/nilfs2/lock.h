/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One cleaner at a time. Two that clean the same segment destroy it: the second one would copy
 * blocks from where others lie by then.
 *
 * The lock of NILFS2's own programs is a semaphore, which stays taken when its holder is
 * killed. So a file says whether a program of this kind has it, and a file lock says whether
 * such a program lives. The file also says whether nilfs_cleanerd was suspended by one.
 */
#ifndef MLPROXY_NILFS2_LOCK_H
#define MLPROXY_NILFS2_LOCK_H

#include "fs.h"

#define LOCK_DIR	"/run"

/**
 * struct lock_state - what the file has in it
 * @magic: LOCK_MAGIC
 * @held: LOCK_*: whether the semaphore is ours
 * @suspended: nilfs_cleanerd was suspended by us, and is to be resumed
 */
struct lock_state {
	uint32_t magic;
	uint32_t held;
	uint32_t suspended;
};

enum { LOCK_FREE, LOCK_TRYING, LOCK_HELD };

struct lock {
	int fd;
	struct lock_state *state;
};

/**
 * lock_open() - be the only program of this kind on a file system
 *
 * If another one had died with the semaphore, it is given back. Return: 0; -EBUSY if
 * another one runs; or another error. What is wrong is said on stderr.
 */
int lock_open(struct lock *l, struct fs *fs);
void lock_close(struct lock *l);

/**
 * lock_take() - keep all other cleaners from cleaning
 * @l: lock
 * @fs: file system
 * @stop: give up when this is set
 *
 * Return: 0; -EINTR; -ETIMEDOUT after a minute: said on stderr, with what to do.
 */
int lock_take(struct lock *l, struct fs *fs, const volatile int *stop);
void lock_drop(struct lock *l, struct fs *fs);

#endif /* MLPROXY_NILFS2_LOCK_H */
