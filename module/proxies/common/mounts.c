// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is mounted: see mounts.h. The kernel exports no way to go through all filesystems, but
 * writes a list for every process.
 */
#include <linux/err.h>
#include <linux/magic.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/string_helpers.h>

#include "mounts.h"

#define MOUNTS "/proc/self/mountinfo"
#define LINE_MAX 2048

const char *proxy_fs_left_alone(const struct super_block *sb)
{
	if (sb->s_magic == FUSE_SUPER_MAGIC)
		return "served by a program";
	if (sb->s_magic == BTRFS_SUPER_MAGIC)
		return NULL;
	if (!sb->s_bdev || !(sb->s_type->fs_flags & FS_REQUIRES_DEV))
		return "without a block device of its own";
	return NULL;
}

/**
 * struct walk - a walk through the list
 * @each: as for proxy_mounts_walk()
 * @arg: the same
 * @dir: room for the name of a directory
 */
struct walk {
	void (*each)(const struct proxy_mount *mount, void *arg);
	void *arg;
	char dir[LINE_MAX];
};

/* "36 35 98:0 /sub /mnt rw,noatime shared:1 - ext4 /dev/sda1 rw" */
static void walk_line(struct walk *walk, const char *line)
{
	const char *type = strstr(line, " - ");
	unsigned int major, minor;
	struct proxy_mount mount;
	struct path path;

	if (!type || sscanf(type, " - %31s", mount.type) != 1 ||
	    sscanf(line, "%*u %*u %u:%u %*s %2047s", &major, &minor, walk->dir) != 3)
		return;
	mount.dev = MKDEV(major, minor);
	mount.sb = NULL;
	if (!major && strcmp(mount.type, "btrfs")) {
		walk->each(&mount, walk->arg);
		return;
	}
	string_unescape_inplace(walk->dir, UNESCAPE_OCTAL);
	if (kern_path(walk->dir, LOOKUP_FOLLOW, &path))
		return;
	mount.sb = path.dentry->d_sb;
	/* Something else may be mounted over it. */
	if (mount.sb->s_dev == mount.dev)
		walk->each(&mount, walk->arg);
	path_put(&path);
}

/* Cut @text into lines. Return: what remains, of one that is not complete. */
static size_t walk_text(struct walk *walk, char *text, size_t len)
{
	char *line = text, *end;

	text[len] = 0;
	while ((end = strchr(line, '\n'))) {
		*end = 0;
		walk_line(walk, line);
		line = end + 1;
	}
	len -= line - text;
	/* One that is too long is left out. */
	if (len == LINE_MAX - 1)
		len = 0;
	memmove(text, line, len);
	return len;
}

int proxy_mounts_walk(void (*each)(const struct proxy_mount *mount, void *arg), void *arg)
{
	struct file *file = filp_open(MOUNTS, O_RDONLY, 0);
	char *text = kmalloc(LINE_MAX, GFP_KERNEL);
	struct walk *walk = kmalloc(sizeof(*walk), GFP_KERNEL);
	size_t len = 0;
	loff_t pos = 0;
	ssize_t n = -ENOMEM;

	if (IS_ERR(file)) {
		n = PTR_ERR(file);
		goto out_free;
	}
	if (!text || !walk)
		goto out;
	walk->each = each;
	walk->arg = arg;
	while ((n = kernel_read(file, text + len, LINE_MAX - 1 - len, &pos)) > 0)
		len = walk_text(walk, text, len + n);
out:
	filp_close(file, NULL);
out_free:
	kfree(walk);
	kfree(text);
	return n;
}
