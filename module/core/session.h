/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session: one open file of /dev/mlproxy.
 *
 * @rights are those of the file: they are found out when it is opened and stay with
 * it, whoever uses it later.
 *
 * @proxy, @reader, @recs and @point are set once, under @lock, with release; they stay
 * until the file is gone, so mmap(), poll() and read() use them after an acquire,
 * without the lock (which could not be taken in mmap(): user memory is copied
 * under it nowhere, but mmap() runs under the process's mmap lock). A file has @proxy or
 * @point, never both.
 */
#ifndef _MLPROXY_SESSION_H
#define _MLPROXY_SESSION_H

#include <linux/fs.h>
#include <linux/mutex.h>

#include "heartbeat.h"

struct mlproxy;
struct mlproxy_reader;
struct mlproxy_rec_ring;
struct point_owner;

struct mlproxy_session {
	struct file *file;	/* whose session it is */
	u32 rights;		/* MLPROXY_RIGHT_*; constant */
	struct mutex lock;	/* set-up, and draining of @recs */
	struct mlproxy *proxy;
	struct mlproxy_reader *reader;
	struct mlproxy_rec_ring *recs;
	struct point_owner *point;
	struct mlproxy_agent agent;
};

/* Publish one of the four, under the session's lock. */
#define session_set(session, field, value) \
	smp_store_release(&(session)->field, value) /* its contents first */

/* Use one of the four without the lock; pairs with session_set(). */
#define session_get(session, field) \
	smp_load_acquire(&(session)->field) /* its contents after */

extern const struct file_operations mlproxy_fops;

long mlproxy_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* _MLPROXY_SESSION_H */
