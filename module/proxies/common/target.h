/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The devices whose filesystems a proxy looks after, as the administrator names them. No
 * device is held: it is known by its number only, so it may come and go.
 */
#ifndef _MLPROXY_PROXIES_TARGET_H
#define _MLPROXY_PROXIES_TARGET_H

#include <linux/blkdev.h>
#include <linux/fs.h>

#define PROXY_MAX_TARGETS 8

/**
 * struct proxy_targets - the chosen devices
 * @dev: their numbers, up to the first 0; read without a lock
 */
struct proxy_targets {
	u32 dev[PROXY_MAX_TARGETS];
};

/**
 * proxy_targets_set() - choose the devices
 * @targets: where
 * @text: of each, its name as in /dev, a path of its node or of a directory of the filesystem
 *	on it, or major:minor; separated by commas; empty for none
 *
 * A filesystem without a block device of its own (btrfs, overlay, NFS) is refused.
 * Context: may sleep; callers are serialised by a mutex.
 * Return: 0; then the choice is in force. Else nothing changed: -EINVAL, -E2BIG, -ENODEV,
 * -EOPNOTSUPP, or what looking up a name returned; the kernel's log says which name.
 */
int proxy_targets_set(struct proxy_targets *targets, const char *text);

/**
 * proxy_targets_show() - write the chosen devices as major:minor
 * @targets: from where; callers are serialised by a mutex
 * @buf: text, with a newline
 * @size: room
 *
 * Return: length.
 */
int proxy_targets_show(const struct proxy_targets *targets, char *buf, size_t size);

/**
 * proxy_target_find() - is a filesystem on a chosen device
 * @targets: from where
 * @sb: filesystem, in use by the caller
 *
 * A whole disk stands for the filesystems on its partitions. Context: any.
 * Return: the device's slot, or -1.
 */
static inline int proxy_target_find(const struct proxy_targets *targets,
				    const struct super_block *sb)
{
	unsigned int i;

	for (i = 0; i < PROXY_MAX_TARGETS; i++) {
		u32 dev = READ_ONCE(targets->dev[i]);

		if (!dev)
			break;
		if (dev == sb->s_dev)
			return i;
		if (sb->s_bdev && (dev == sb->s_bdev->bd_dev ||
				   dev == disk_devt(sb->s_bdev->bd_disk)))
			return i;
	}
	return -1;
}

#endif /* _MLPROXY_PROXIES_TARGET_H */
