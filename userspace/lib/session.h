/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libmlproxy: the session, shared by the library's files, and how they report
 * failures.
 *
 * A session belongs to one thread at a time, so nothing here is locked.
 */
#ifndef LIBMLPROXY_SESSION_H
#define LIBMLPROXY_SESSION_H

#include <mlproxy/mlproxy.h>

#include "recring.h"
#include "ring.h"

#define MLPX_ERR_BYTES	512

/**
 * struct mlpx_rings - the mapped dataset rings of a session
 * @ring: one a possible CPU, NULL before mlproxy_ring_setup()
 * @heap: scratch space of the merge
 * @nr: number of rings
 * @nr_cpus: numbers of CPUs are below it; it is more than @nr where the numbers
 *	of the possible CPUs have holes
 * @data_bytes: data of one ring
 * @counts: what was read
 */
struct mlpx_rings {
	struct mlpx_ring *ring;
	struct mlpx_head *heap;
	unsigned int nr;
	unsigned int nr_cpus;
	uint32_t data_bytes;
	struct mlproxy_ring_counts counts;
};

/**
 * struct mlproxy_session - an open device
 * @fd: file
 * @path: device that was opened
 * @page_bytes: size of a page
 * @read_only: opened for reading only
 * @name: bound proxy, "" if none
 * @rings: dataset rings
 * @rec: recommendation ring
 * @rec_user_bytes: length of the mapping at @rec.producer
 * @rec_kern_bytes: length of the mapping at @rec.consumer
 * @err: text of the last failure
 */
struct mlproxy_session {
	int fd;
	char *path;
	size_t page_bytes;
	bool read_only;
	char name[MLPROXY_NAME_LEN];
	struct mlpx_rings rings;
	struct mlpx_recring rec;
	size_t rec_user_bytes;
	size_t rec_kern_bytes;
	char err[MLPX_ERR_BYTES];
};

/**
 * mlpx_fail() - keep the text of a failure
 * @s: session
 * @err: errno, positive
 * @fmt: the text
 *
 * Return: -@err.
 */
int mlpx_fail(struct mlproxy_session *s, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * mlpx_ioctl() - ioctl with a text for what each errno means in general
 * @s: session
 * @request: MLPROXY_IOC_*
 * @arg: its structure, with size filled in
 * @what: what failed, for the text: "cannot <what>"
 *
 * Return: 0 or a negative errno.
 */
int mlpx_ioctl(struct mlproxy_session *s, unsigned long request, void *arg, const char *what);

/**
 * mlpx_terminate() - make sure that a string from the kernel ends
 * @str: character array
 */
#define mlpx_terminate(str)	((str)[sizeof(str) - 1] = '\0')

/** Unmap the dataset rings. */
void mlpx_rings_release(struct mlproxy_session *s);

/** Unmap the recommendation ring. */
void mlpx_recring_release(struct mlproxy_session *s);

/*
 * The size of a structure up to a member: of all of it when it was first published. What
 * is added later does not change this, so that older programs go on.
 */
#define MLPX_UP_TO(type, last)	(offsetof(type, last) + sizeof(((type *)0)->last))

/*
 * mlpx_begin() - make a structure of the program ready for its ioctl: all 0 but its size
 *
 * @bytes is what the program was compiled with, @min the size when the structure was
 * first published.
 */
int mlpx_begin(struct mlproxy_session *s, void *arg, size_t bytes, size_t min);

/* mlpx_give() - hand a structure of the library's own out, as far as the program knows it */
void mlpx_give(void *to, size_t bytes, const void *from, size_t known);

#endif /* LIBMLPROXY_SESSION_H */
