/* SPDX-License-Identifier: GPL-2.0-only */
/* Filesystems as proxies see them, and what is mounted. */
#ifndef _MLPROXY_PROXIES_MOUNTS_H
#define _MLPROXY_PROXIES_MOUNTS_H

#include <linux/fs.h>

/* What becomes of a filesystem: the first two are looked after, the others left alone. */
enum proxy_fs_kind {
	PROXY_FS_DEVICE,	/* on a block device */
	PROXY_FS_BTRFS,		/* on some: it has a number of its own */
	PROXY_FS_PROGRAM,	/* a program serves it */
	PROXY_FS_OTHER,		/* a network's, in memory, on another filesystem */
};

/**
 * struct proxy_fs - what a filesystem is known by
 * @dev: its number
 * @bdev: that of its block device; 0 without one, or if that is not known
 * @disk: that of the whole disk; the same
 * @kind: an &enum proxy_fs_kind
 * @type: name of its type
 * @id: name of its device
 */
struct proxy_fs {
	u32 dev;
	u32 bdev;
	u32 disk;
	enum proxy_fs_kind kind;
	const char *type;
	const char *id;
};

/**
 * proxy_fs_of() - what a filesystem is known by
 * @fs: out: that; the names are the filesystem's
 * @sb: filesystem, in use by the caller
 *
 * Context: any.
 */
void proxy_fs_of(struct proxy_fs *fs, const struct super_block *sb);

/**
 * proxy_fs_left_alone() - is a filesystem none that a proxy looks after
 * @fs: filesystem
 *
 * Context: any. Return: why, or NULL if it is local; see target.h.
 */
const char *proxy_fs_left_alone(const struct proxy_fs *fs);

/**
 * struct proxy_mount - a filesystem, mounted somewhere
 * @fs: filesystem; as its disk, the device
 * @dir: directory that it is mounted on
 */
struct proxy_mount {
	struct proxy_fs fs;
	const char *dir;
};

/**
 * proxy_disk_of() - the disk that a device is a partition of
 * @dev: number of a block device
 *
 * Context: may sleep. Return: the disk's number, @dev of what is none.
 */
u32 proxy_disk_of(u32 dev);

/**
 * proxy_mounts_walk() - for each mounted filesystem
 * @each: called for each place that one is mounted on, those that hide others after these; may
 *	sleep
 * @arg: for it
 *
 * As the kernel's own threads see it, by one of which @each is called. No filesystem is asked
 * for anything: one whose server is gone does not stop this.
 *
 * Context: may sleep. Return: 0, or why /proc could not be read.
 */
int proxy_mounts_walk(void (*each)(const struct proxy_mount *mount, void *arg), void *arg);

#endif /* _MLPROXY_PROXIES_MOUNTS_H */
