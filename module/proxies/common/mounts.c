// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is mounted: see mounts.h. The kernel exports no way to go through all filesystems, but
 * writes a list for every process.
 */
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/workqueue.h>

#include "mounts.h"

#define MOUNTS "/proc/self/mountinfo"
#define LINE_MAX 2048

void proxy_fs_of(struct proxy_fs *fs, const struct super_block *sb)
{
	struct block_device *bdev = sb->s_type->fs_flags & FS_REQUIRES_DEV ? sb->s_bdev : NULL;

	fs->dev = sb->s_dev;
	fs->bdev = bdev ? bdev->bd_dev : 0;
	fs->disk = bdev ? disk_devt(bdev->bd_disk) : 0;
	fs->type = sb->s_type->name;
	fs->id = sb->s_id;
	if (sb->s_magic == BTRFS_SUPER_MAGIC)
		fs->kind = PROXY_FS_BTRFS;
	else if (sb->s_magic == FUSE_SUPER_MAGIC)
		fs->kind = PROXY_FS_PROGRAM;
	else
		fs->kind = bdev ? PROXY_FS_DEVICE : PROXY_FS_OTHER;
}

const char *proxy_fs_left_alone(const struct proxy_fs *fs)
{
	switch (fs->kind) {
	case PROXY_FS_DEVICE:
	case PROXY_FS_BTRFS:
		return NULL;
	case PROXY_FS_PROGRAM:
		return "served by a program";
	default:
		return "without a block device of its own";
	}
}

/**
 * struct walk - a walk through the list
 * @each: as for proxy_mounts_walk()
 * @arg: the same
 * @dir: room for the name of a directory
 * @type: the same for a type
 * @source: the same for a device
 */
struct walk {
	void (*each)(const struct proxy_mount *mount, void *arg);
	void *arg;
	char dir[LINE_MAX];
	char type[32];
	char source[128];
};

u32 proxy_disk_of(u32 dev)
{
	char name[64], text[32];
	unsigned int major, minor;
	struct file *file;
	loff_t pos = 0;
	ssize_t len;

	/* A partition's directory is in that of the disk. */
	scnprintf(name, sizeof(name), "/sys/dev/block/%u:%u/../dev", MAJOR(dev), MINOR(dev));
	file = filp_open(name, O_RDONLY, 0);
	if (IS_ERR(file))
		return dev;
	len = kernel_read(file, text, sizeof(text) - 1, &pos);
	filp_close(file, NULL);
	text[max_t(ssize_t, len, 0)] = 0;
	return sscanf(text, "%u:%u", &major, &minor) == 2 ? MKDEV(major, minor) : dev;
}

static void fs_of_line(struct proxy_fs *fs, u32 dev, const struct walk *walk)
{
	fs->dev = dev;
	fs->bdev = MAJOR(dev) ? dev : 0;
	fs->disk = fs->bdev;
	fs->type = walk->type;
	fs->id = kbasename(walk->source);
	if (!strcmp(walk->type, "btrfs"))
		fs->kind = PROXY_FS_BTRFS;
	else if (strstarts(walk->type, "fuse"))
		fs->kind = PROXY_FS_PROGRAM;
	else
		fs->kind = fs->bdev ? PROXY_FS_DEVICE : PROXY_FS_OTHER;
}

/* "36 35 98:0 /sub /mnt rw,noatime shared:1 - ext4 /dev/sda1 rw" */
static void walk_line(struct walk *walk, const char *line)
{
	const char *type = strstr(line, " - ");
	struct proxy_mount mount = { .dir = walk->dir };
	unsigned int major, minor;

	walk->source[0] = 0;
	if (!type || sscanf(type, " - %31s %127s", walk->type, walk->source) < 1 ||
	    sscanf(line, "%*u %*u %u:%u %*s %2047s", &major, &minor, walk->dir) != 3)
		return;
	string_unescape_inplace(walk->dir, UNESCAPE_OCTAL);
	fs_of_line(&mount.fs, MKDEV(major, minor), walk);
	walk->each(&mount, walk->arg);
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

static int walk_mounts(void (*each)(const struct proxy_mount *mount, void *arg), void *arg)
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

/**
 * struct walk_work - a walk by one of the kernel's threads
 * @work: it
 * @done: it is
 * @each: as for proxy_mounts_walk()
 * @arg: the same
 * @ret: out: what that returns
 */
struct walk_work {
	struct work_struct work;
	struct completion done;
	void (*each)(const struct proxy_mount *mount, void *arg);
	void *arg;
	int ret;
};

static void walk_work(struct work_struct *work)
{
	struct walk_work *w = container_of(work, struct walk_work, work);

	w->ret = walk_mounts(w->each, w->arg);
	complete(&w->done);
}

/*
 * Who reads or writes a parameter holds the locks of a file in /sys, of the kind that is taken
 * to read another one there or in /proc.
 */
int proxy_mounts_walk(void (*each)(const struct proxy_mount *mount, void *arg), void *arg)
{
	struct walk_work w = {
		.done = COMPLETION_INITIALIZER_ONSTACK(w.done),
		.each = each,
		.arg = arg,
	};

	if (current->flags & PF_KTHREAD)
		return walk_mounts(each, arg);
	INIT_WORK_ONSTACK(&w.work, walk_work);
	queue_work(system_unbound_wq, &w.work);
	wait_for_completion(&w.done);
	destroy_work_on_stack(&w.work);
	return w.ret;
}
