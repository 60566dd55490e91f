// SPDX-License-Identifier: GPL-2.0-only
/*
 * One cleaner at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "lock.h"

#define LOCK_MAGIC	0x6d6c6e32
#define TRY_MS		20
#define TRIES		(60 * 1000 / TRY_MS)

static int said(const char *path)
{
	int err = errno;

	fprintf(stderr, "%s: %m\n", path);
	return -err;
}

static int map_state(struct lock *l, const char *path)
{
	l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->fd < 0)
		return said(path);
	if (flock(l->fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return said(path);
		fprintf(stderr, "%s: another mlproxy-nilfs2 cleans this file system\n", path);
		return -EBUSY;
	}
	if (ftruncate(l->fd, sizeof(*l->state)))
		return said(path);
	l->state = mmap(NULL, sizeof(*l->state), PROT_READ | PROT_WRITE, MAP_SHARED, l->fd, 0);
	if (l->state == MAP_FAILED) {
		l->state = NULL;
		return said(path);
	}
	if (l->state->magic != LOCK_MAGIC)
		*l->state = (struct lock_state) { .magic = LOCK_MAGIC };
	return 0;
}

int lock_open(struct lock *l, struct fs *fs)
{
	char path[64];
	int ret;

	*l = (struct lock) { .fd = -1 };
	snprintf(path, sizeof(path), LOCK_DIR "/mlproxy-nilfs2-%u:%u", major(fs->devno),
		 minor(fs->devno));
	ret = map_state(l, path);
	if (ret) {
		lock_close(l);
		return ret;
	}
	/* it died with it, and whatever it did is over: the kernel ends a call before a process */
	if (l->state->held == LOCK_HELD) {
		fprintf(stderr, "%s: giving back the lock of a cleaner that was killed\n",
			fs->dir);
		nilfs_unlock_cleaner(fs->nilfs);
		l->state->held = LOCK_FREE;
	}
	return 0;
}

void lock_close(struct lock *l)
{
	if (l->state)
		munmap(l->state, sizeof(*l->state));
	if (l->fd >= 0)
		close(l->fd);
	*l = (struct lock) { .fd = -1 };
}

/* Written before the next thing is done: a signal may end the process at any place. */
static void set(struct lock *l, uint32_t held)
{
	__atomic_store_n(&l->state->held, held, __ATOMIC_SEQ_CST);
}

int lock_take(struct lock *l, struct fs *fs, const volatile int *stop)
{
	const struct timespec pause = { .tv_nsec = TRY_MS * 1000000L };
	unsigned int i;

	for (i = 0; i < TRIES && !*stop; i++) {
		set(l, LOCK_TRYING);
		if (!nilfs_trylock_cleaner(fs->nilfs)) {
			set(l, LOCK_HELD);
			return 0;
		}
		set(l, LOCK_FREE);
		if (errno != EAGAIN && errno != EINTR)
			return said(fs->dir);
		nanosleep(&pause, NULL);
	}
	if (*stop)
		return -EINTR;
	fprintf(stderr,
		"%s: another cleaner has had the lock for a minute. If none runs any more, one was killed: remove /dev/shm/sem.nilfs-cleaner-* and start again.\n",
		fs->dir);
	return -ETIMEDOUT;
}

void lock_drop(struct lock *l, struct fs *fs)
{
	/* in this order: given back twice, it would let two in */
	set(l, LOCK_FREE);
	nilfs_unlock_cleaner(fs->nilfs);
}
