/* SPDX-License-Identifier: GPL-2.0-only */
/* What is mounted, as the calling process sees it. */
#ifndef _MLPROXY_PROXIES_MOUNTS_H
#define _MLPROXY_PROXIES_MOUNTS_H

#include <linux/fs.h>

/**
 * proxy_fs_left_alone() - is a filesystem none that a proxy looks after
 * @sb: filesystem, in use by the caller
 *
 * Context: any. Return: why, or NULL if it is local; see target.h.
 */
const char *proxy_fs_left_alone(const struct super_block *sb);

/**
 * struct proxy_mount - a filesystem, mounted somewhere
 * @dev: its number
 * @type: name of its type
 * @sb: the filesystem, if it has a block device or is btrfs; else NULL: to look at a
 *	network's may take for ever
 */
struct proxy_mount {
	u32 dev;
	char type[32];
	struct super_block *sb;
};

/**
 * proxy_mounts_walk() - for each mounted filesystem
 * @each: called for each place that one is mounted on; may sleep; the filesystem stays
 *	during it
 * @arg: for it
 *
 * Context: may sleep. Return: 0, or why /proc could not be read.
 */
int proxy_mounts_walk(void (*each)(const struct proxy_mount *mount, void *arg), void *arg);

#endif /* _MLPROXY_PROXIES_MOUNTS_H */
