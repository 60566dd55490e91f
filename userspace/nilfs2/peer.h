/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nilfs_cleanerd, which mount.nilfs2 starts: suspended by its own protocol while this cleaner
 * works, and resumed at the end.
 */
#ifndef MLPROXY_NILFS2_PEER_H
#define MLPROXY_NILFS2_PEER_H

#include "lock.h"

/**
 * peer_suspend() - suspend nilfs_cleanerd if there is one that runs
 *
 * One that somebody else had suspended is not resumed later. May be called again and again:
 * one may come with a mount. Return: 0, also if there is none; or a negative error number,
 * said on stderr: it cleans then, and takes turns with us by the lock.
 */
int peer_suspend(struct fs *fs, struct lock *l);

/** peer_resume() - undo what peer_suspend() did, also that of a process that was killed */
int peer_resume(struct fs *fs, struct lock *l);

#endif /* MLPROXY_NILFS2_PEER_H */
