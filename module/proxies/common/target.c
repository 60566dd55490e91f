// SPDX-License-Identifier: GPL-2.0-only
/*
 * Choosing filesystems: see target.h. The list is read under RCU, and replaced as a whole;
 * but the device that a name means changes in it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blkdev.h>
#include <linux/magic.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "mounts.h"
#include "target.h"

enum target_kind {
	TARGET_NUMBER,
	TARGET_NAME,
	TARGET_FSTYPE,
	TARGET_LOCAL,
};

/**
 * struct target - one word of the choice
 * @text: the word
 * @name: of a type, its name; of a device, the last part of its name
 * @kind: what it is
 * @dev: number of the device or filesystem; 0 if nothing has this name
 */
struct target {
	const char *text;
	const char *name;
	enum target_kind kind;
	u32 dev;
};

/**
 * struct proxy_target_list - what is chosen
 * @rcu: for kfree_rcu()
 * @nr: targets
 * @target: these
 * @words: the text
 */
struct proxy_target_list {
	struct rcu_head rcu;
	unsigned int nr;
	struct target target[PROXY_MAX_TARGETS];
	char words[];
};

static struct proxy_target_list *list_of(const struct proxy_targets *targets)
{
	/* The caller's mutex. */
	return rcu_dereference_protected(targets->list, true);
}

static bool has_device(const struct super_block *sb, u32 dev)
{
	if (!dev)
		return false;
	if (dev == sb->s_dev)
		return true;
	return sb->s_bdev && (dev == sb->s_bdev->bd_dev || dev == disk_devt(sb->s_bdev->bd_disk));
}

/* Chosen, if it is one that can be. */
static bool is_meant(const struct target *t, const struct super_block *sb)
{
	switch (t->kind) {
	case TARGET_LOCAL:
		return true;
	case TARGET_FSTYPE:
		return !strcmp(sb->s_type->name, t->name);
	case TARGET_NAME:
		/* It has a number of its own, and the name of one of its devices. */
		if (sb->s_magic == BTRFS_SUPER_MAGIC && !strcmp(sb->s_id, t->name))
			return true;
		break;
	case TARGET_NUMBER:
		break;
	}
	return has_device(sb, READ_ONCE(t->dev));
}

bool proxy_target_match(const struct proxy_targets *targets, const struct super_block *sb)
{
	const struct proxy_target_list *list;
	bool match = false;
	unsigned int i;

	if (proxy_fs_left_alone(sb))
		return false;
	rcu_read_lock();
	list = rcu_dereference(targets->list);
	for (i = 0; list && i < list->nr && !match; i++)
		match = is_meant(&list->target[i], sb);
	rcu_read_unlock();
	return match;
}

/* ------------------------------------------------------------------ */
/* Words                                                               */

static int parse_number(struct target *t)
{
	unsigned int major, minor;
	char rest;

	if (sscanf(t->text, "%u:%u%c", &major, &minor, &rest) != 2 ||
	    major >> (32 - MINORBITS) || minor >> MINORBITS || !(major || minor))
		return -EINVAL;
	t->kind = TARGET_NUMBER;
	t->dev = MKDEV(major, minor);
	return 0;
}

static int parse_target(struct target *t, const char *word)
{
	t->text = word;
	if (!strcmp(word, "local")) {
		t->kind = TARGET_LOCAL;
		return 0;
	}
	if (strstarts(word, "fstype:")) {
		t->kind = TARGET_FSTYPE;
		t->name = word + strlen("fstype:");
		return *t->name ? 0 : -EINVAL;
	}
	if (word[0] != '/' && strchr(word, ':') && !strchr(word, '/'))
		return parse_number(t);
	t->kind = TARGET_NAME;
	t->name = kbasename(word);
	return 0;
}

static int parse_targets(struct proxy_target_list *list)
{
	char *text = list->words, *word;
	unsigned int i;
	int err;

	while ((word = strsep(&text, ", \t\n"))) {
		if (!*word)
			continue;
		for (i = 0; i < list->nr && strcmp(list->target[i].text, word); i++)
			;
		if (i < list->nr)
			continue;
		if (list->nr == PROXY_MAX_TARGETS) {
			pr_err("more than %d targets\n", PROXY_MAX_TARGETS);
			return -E2BIG;
		}
		err = parse_target(&list->target[list->nr++], word);
		if (err) {
			pr_err("target \"%s\": neither a device's name, MAJOR:MINOR, a directory, fstype:NAME, nor local\n",
			       word);
			return err;
		}
	}
	return 0;
}

/* ------------------------------------------------------------------ */
/* What is there                                                       */

/*
 * look_up() - what has a name, a node in /dev or a directory that something is mounted on
 * @why: out: what is wrong with it, else left as it is
 * Return: the number; 0 for none
 */
static u32 look_up(const struct target *t, const char **why)
{
	char *name = t->text[0] == '/' ? NULL : kasprintf(GFP_KERNEL, "/dev/%s", t->text);
	const char *alone;
	struct inode *inode;
	struct path path;
	u32 dev = 0;
	int err = kern_path(name ?: t->text, LOOKUP_FOLLOW, &path);

	kfree(name);
	if (err) {
		*why = "not there";
		return 0;
	}
	inode = d_backing_inode(path.dentry);
	alone = proxy_fs_left_alone(path.dentry->d_sb);
	if (S_ISBLK(inode->i_mode))
		dev = inode->i_rdev;
	else if (!S_ISDIR(inode->i_mode))
		*why = "neither a block device nor a directory";
	else if (path.dentry != path.mnt->mnt_root)
		*why = "nothing is mounted on this directory";
	else if (alone)
		*why = alone;
	else
		dev = path.dentry->d_sb->s_dev;
	path_put(&path);
	return dev;
}

static void look(struct proxy_target_list *list)
{
	const char *why;
	unsigned int i;

	for (i = 0; list && i < list->nr; i++) {
		struct target *t = &list->target[i];

		if (t->kind == TARGET_NAME)
			WRITE_ONCE(t->dev, look_up(t, &why));
	}
}

void proxy_targets_look(struct proxy_targets *targets)
{
	look(list_of(targets));
}

/**
 * struct found - what is mounted from a target
 * @target: the target
 * @nr: filesystems
 * @alone: why one that is meant is left alone
 * @buf: text
 * @size: room
 * @len: length
 */
struct found {
	const struct target *target;
	unsigned int nr;
	const char *alone;
	char *buf;
	size_t size;
	size_t len;
};

/* One that is not touched; of btrfs and what has a block device @sb is known. */
static const char *left_untouched(const struct target *t, const struct proxy_mount *mount)
{
	bool meant = t->kind == TARGET_FSTYPE ? !strcmp(mount->type, t->name) :
						t->kind == TARGET_NUMBER && mount->dev == t->dev;

	return meant ? "without a block device of its own" : NULL;
}

static void find_one(const struct proxy_mount *mount, void *arg)
{
	struct super_block *sb = mount->sb;
	const char *alone;
	struct found *f = arg;
	char entry[64];

	if (sb && !is_meant(f->target, sb))
		return;
	alone = sb ? proxy_fs_left_alone(sb) : left_untouched(f->target, mount);
	if (alone)
		f->alone = alone;
	if (alone || !sb)
		return;
	scnprintf(entry, sizeof(entry), " %s on %u:%u (%s)", sb->s_type->name, MAJOR(sb->s_dev),
		  MINOR(sb->s_dev), sb->s_id);
	/* It may be mounted on several directories. */
	if (f->nr && strstr(f->buf, entry))
		return;
	f->len += scnprintf(f->buf + f->len, f->size - f->len, "%s%s", f->nr ? "," : "", entry);
	f->nr++;
}

/* Return: false if nothing is mounted from it. */
static bool write_state(const struct target *t, char *buf, size_t size, size_t *len)
{
	struct found found = { .target = t, .buf = buf + *len, .size = size - *len };
	const char *why = "nothing is mounted from it";

	if (size - *len > 0)
		buf[*len] = 0;
	if (proxy_mounts_walk(find_one, &found) < 0)
		why = "what is mounted is not to be seen";
	*len += found.len;
	if (found.nr)
		return true;
	if (found.alone)
		why = found.alone;
	if (t->kind == TARGET_NAME)
		look_up(t, &why);
	*len += scnprintf(buf + *len, size - *len, " none: %s", why);
	return false;
}

int proxy_targets_state(struct proxy_targets *targets, char *buf, size_t size)
{
	const struct proxy_target_list *list = list_of(targets);
	unsigned int i;
	size_t len = 0;

	proxy_targets_look(targets);
	for (i = 0; list && i < list->nr; i++) {
		len += scnprintf(buf + len, size - len, "%s:", list->target[i].text);
		write_state(&list->target[i], buf, size, &len);
		len += scnprintf(buf + len, size - len, "\n");
	}
	return len;
}

static void tell(const struct proxy_target_list *list)
{
	char *buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
	unsigned int i;

	for (i = 0; buf && i < list->nr; i++) {
		size_t len = 0;

		if (!write_state(&list->target[i], buf, PAGE_SIZE, &len))
			pr_warn("target \"%s\":%s; it is taken up when it comes\n",
				list->target[i].text, buf);
	}
	kfree(buf);
}

/* ------------------------------------------------------------------ */

static void replace(struct proxy_targets *targets, struct proxy_target_list *list)
{
	struct proxy_target_list *old = list_of(targets);

	rcu_assign_pointer(targets->list, list);
	if (old)
		kfree_rcu(old, rcu);
}

int proxy_targets_set(struct proxy_targets *targets, const char *text)
{
	size_t size = strlen(text) + 1;
	struct proxy_target_list *list = kzalloc(struct_size(list, words, size), GFP_KERNEL);
	int err;

	if (!list)
		return -ENOMEM;
	memcpy(list->words, text, size);
	err = parse_targets(list);
	if (err || !list->nr) {
		kfree(list);
		list = NULL;
	}
	if (err)
		return err;
	look(list);
	replace(targets, list);
	if (list)
		tell(list);
	return 0;
}

void proxy_targets_free(struct proxy_targets *targets)
{
	replace(targets, NULL);
}

int proxy_targets_show(const struct proxy_targets *targets, char *buf, size_t size)
{
	const struct proxy_target_list *list = list_of(targets);
	unsigned int i;
	int len = 0;

	for (i = 0; list && i < list->nr; i++)
		len += scnprintf(buf + len, size - len, "%s%s", i ? "," : "",
				 list->target[i].text);
	return len + scnprintf(buf + len, size - len, "\n");
}
