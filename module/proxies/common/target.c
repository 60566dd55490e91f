// SPDX-License-Identifier: GPL-2.0-only
/*
 * Choosing devices: see target.h. Slots are read without a lock; the writer is serialised by
 * the caller.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "target.h"

/* A directory stands for the filesystem that it is on. */
static int of_directory(const char *name, dev_t *dev)
{
	struct super_block *sb;
	struct path path;
	int err = kern_path(name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);

	if (err)
		return err;
	sb = path.dentry->d_sb;
	if (sb->s_bdev) {
		*dev = sb->s_bdev->bd_dev;
	} else {
		pr_err("target \"%s\": a filesystem of type %s has no block device of its own\n",
		       name, sb->s_type->name);
		err = -EOPNOTSUPP;
	}
	path_put(&path);
	return err;
}

static int of_number(const char *word, unsigned int major, unsigned int minor, dev_t *dev)
{
	if (major >> (32 - MINORBITS) || minor >> MINORBITS)
		return -EINVAL;
	if (!major) {
		pr_err("target \"%s\": no block device, but the number of a filesystem without one\n",
		       word);
		return minor ? -EOPNOTSUPP : -EINVAL;
	}
	*dev = MKDEV(major, minor);
	return 0;
}

static int parse_target(const char *word, dev_t *dev)
{
	unsigned int major, minor;
	char path[64], rest;
	int err;

	if (sscanf(word, "%u:%u%c", &major, &minor, &rest) == 2)
		return of_number(word, major, minor, dev);
	if (word[0] != '/') {
		if (snprintf(path, sizeof(path), "/dev/%s", word) >= (int)sizeof(path))
			return -EINVAL;
		word = path;
	}
	err = lookup_bdev(word, dev);
	if (err == -ENOTBLK) {
		err = of_directory(word, dev);
		if (err == -EOPNOTSUPP)
			return err;
	}
	if (err)
		pr_err("target \"%s\": no such block device (error %d); name it as in /dev, as major:minor, or a directory on it\n",
		       word, err);
	/* The module loader takes -ENOENT for a parameter that does not exist. */
	return err == -ENOENT ? -ENODEV : err;
}

static int parse_targets(char *text, dev_t *dev)
{
	unsigned int n = 0, i;
	char *word;
	int err;

	while ((word = strsep(&text, ", \t\n"))) {
		if (!*word)
			continue;
		if (n == PROXY_MAX_TARGETS) {
			pr_err("more than %d targets\n", PROXY_MAX_TARGETS);
			return -E2BIG;
		}
		err = parse_target(word, &dev[n]);
		if (err)
			return err;
		for (i = 0; dev[i] != dev[n]; i++)
			;
		n += i == n;
	}
	return n;
}

int proxy_targets_set(struct proxy_targets *targets, const char *text)
{
	dev_t dev[PROXY_MAX_TARGETS] = {};
	char *copy = kstrdup(text, GFP_KERNEL);
	int i, n;

	if (!copy)
		return -ENOMEM;
	n = parse_targets(copy, dev);
	kfree(copy);
	if (n < 0)
		return n;
	for (i = 0; i < PROXY_MAX_TARGETS; i++)
		WRITE_ONCE(targets->dev[i], i < n ? dev[i] : 0);
	return 0;
}

int proxy_targets_show(const struct proxy_targets *targets, char *buf, size_t size)
{
	int i, len = 0;

	for (i = 0; i < PROXY_MAX_TARGETS && targets->dev[i]; i++)
		len += scnprintf(buf + len, size - len, "%s%u:%u", i ? "," : "",
				 MAJOR(targets->dev[i]), MINOR(targets->dev[i]));
	return len + scnprintf(buf + len, size - len, "\n");
}
