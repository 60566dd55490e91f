// SPDX-License-Identifier: GPL-2.0-only
/*
 * Choosing filesystems: see target.h. The list is read under RCU or with a reference, and
 * replaced as a whole; but the device that a name means changes in it.
 *
 * A path is looked up as it may be, with its filesystems read or asked, only for who chooses
 * it; no lock is held by that. Afterwards it is looked up in the kernel's cache of names,
 * where all is that something is mounted on; in /dev, which is in memory; or in the list of
 * what is mounted.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blkdev.h>
#include <linux/magic.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/namei.h"
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
 * @literal: of a directory, it is as it stands in the list of what is mounted
 * @dev: number of the device or filesystem; 0 if nothing has this name
 */
struct target {
	const char *text;
	const char *name;
	enum target_kind kind;
	bool literal;
	u32 dev;
};

/**
 * struct proxy_target_list - what is chosen
 * @rcu: for kfree_rcu()
 * @users: references: one for as long as it is chosen
 * @nr: targets
 * @target: these
 * @words: the text
 */
struct proxy_target_list {
	struct rcu_head rcu;
	refcount_t users;
	unsigned int nr;
	struct target target[PROXY_MAX_TARGETS];
	char words[];
};

static struct proxy_target_list *list_get(const struct proxy_targets *targets)
{
	struct proxy_target_list *list;

	rcu_read_lock();
	list = rcu_dereference(targets->list);
	if (list && !refcount_inc_not_zero(&list->users))
		list = NULL;
	rcu_read_unlock();
	return list;
}

static void list_put(struct proxy_target_list *list)
{
	if (list && refcount_dec_and_test(&list->users))
		kfree_rcu(list, rcu);
}

static bool has_device(const struct proxy_fs *fs, u32 dev)
{
	return dev && (dev == fs->dev || dev == fs->bdev || dev == fs->disk);
}

/* Chosen, if it is one that can be. */
static bool is_meant(const struct target *t, const struct proxy_fs *fs)
{
	switch (t->kind) {
	case TARGET_LOCAL:
		return true;
	case TARGET_FSTYPE:
		return !strcmp(fs->type, t->name);
	case TARGET_NAME:
		/* It has a number of its own, and the name of one of its devices. */
		if (fs->kind == PROXY_FS_BTRFS && !strcmp(fs->id, t->name))
			return true;
		break;
	case TARGET_NUMBER:
		break;
	}
	return has_device(fs, READ_ONCE(t->dev));
}

bool proxy_target_meant(const struct proxy_targets *targets, const struct proxy_fs *fs)
{
	const struct proxy_target_list *list;
	bool match = false;
	unsigned int i;

	if (proxy_fs_left_alone(fs))
		return false;
	rcu_read_lock();
	list = rcu_dereference(targets->list);
	for (i = 0; list && i < list->nr && !match; i++)
		match = is_meant(&list->target[i], fs);
	rcu_read_unlock();
	return match;
}

bool proxy_target_match(const struct proxy_targets *targets, const struct super_block *sb)
{
	struct proxy_fs fs;

	proxy_fs_of(&fs, sb);
	return proxy_target_meant(targets, &fs);
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

static bool is_in_dev(const struct target *t)
{
	return t->text[0] != '/' || strstarts(t->text, "/dev/");
}

/* Not beyond it: then nothing is waited for but the root filesystem. */
static int path_in_dev(const struct target *t, struct path *path)
{
	const char *name = t->text[0] == '/' ? t->text + strlen("/dev/") : t->text;
	struct path dev;
	int err = kern_path("/dev", LOOKUP_FOLLOW | LOOKUP_MOUNTPOINT, &dev);

	if (err)
		return err;
	err = -EAGAIN;
	if (dev.dentry->d_sb->s_magic == TMPFS_MAGIC || dev.dentry->d_sb->s_magic == RAMFS_MAGIC)
		err = vfs_path_lookup(dev.dentry, dev.mnt, name,
				      LOOKUP_FOLLOW | LOOKUP_BENEATH | LOOKUP_NO_XDEV, path);
	path_put(&dev);
	return err == -EXDEV ? -EAGAIN : err;
}

static int path_of(const struct target *t, unsigned int flags, struct path *path)
{
	char *name;
	int err = is_in_dev(t) ? path_in_dev(t, path) : -EAGAIN;

	if (err != -EAGAIN)
		return err;
	name = t->text[0] == '/' ? NULL : kasprintf(GFP_KERNEL, "/dev/%s", t->text);
	err = kern_path(name ?: t->text, LOOKUP_FOLLOW | LOOKUP_MOUNTPOINT | flags, path);
	kfree(name);
	return err;
}

/* Return: the number of what is there; 0 for nothing that can be looked after. */
static u32 dev_of(const struct path *path, const char **why)
{
	const struct inode *inode = d_backing_inode(path->dentry);
	const char *alone;
	struct proxy_fs fs;

	if (S_ISBLK(inode->i_mode))
		return inode->i_rdev;
	proxy_fs_of(&fs, path->dentry->d_sb);
	alone = proxy_fs_left_alone(&fs);
	if (!S_ISDIR(inode->i_mode))
		*why = "neither a block device nor a directory";
	else if (path->dentry != path->mnt->mnt_root)
		*why = "nothing is mounted on this directory";
	else if (alone)
		*why = alone;
	else
		return fs.dev;
	return 0;
}

/**
 * look_up() - what has a name, a node in /dev or a directory that something is mounted on
 * @t: whose name
 * @dev: out: its number, as from dev_of(); left as it is if that can't be told
 * @why: out: what is wrong with it, else left as it is
 *
 * Return: 0, or -EAGAIN if it can't be told without waiting.
 */
static int look_up(const struct target *t, u32 *dev, const char **why)
{
	struct path path;
	int err = path_of(t, LOOKUP_CACHED, &path);

	if (err == -EAGAIN) {
		*why = t->literal ? "nothing is mounted on this directory" :
				    "not to be looked up without waiting for a filesystem";
		return err;
	}
	if (err) {
		*why = "not there";
		*dev = 0;
		return 0;
	}
	*dev = dev_of(&path, why);
	path_put(&path);
	return 0;
}

/* For who chooses it, and may wait. */
static void look_up_first(struct target *t, char *buf)
{
	struct path path;
	const char *why;

	if (path_of(t, 0, &path)) {
		t->literal = !is_in_dev(t);
		return;
	}
	t->dev = dev_of(&path, &why);
	t->literal = !is_in_dev(t) && !strcmp(d_path(&path, buf, PATH_MAX), t->text);
	path_put(&path);
}

static int look_first(struct proxy_target_list *list)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
	unsigned int i;

	if (!buf)
		return -ENOMEM;
	for (i = 0; i < list->nr; i++)
		if (list->target[i].kind == TARGET_NAME)
			look_up_first(&list->target[i], buf);
	kfree(buf);
	return 0;
}

/**
 * struct sought - directories to be found in the list of what is mounted
 * @list: of these targets
 * @open: which of them are sought
 * @dev: out: number of what is mounted there, 0 for nothing
 */
struct sought {
	struct proxy_target_list *list;
	unsigned long open;
	u32 dev[PROXY_MAX_TARGETS];
};

static void find_dirs(const struct proxy_mount *mount, void *arg)
{
	struct sought *s = arg;
	unsigned int i;

	for (i = 0; i < s->list->nr; i++)
		if (s->open & BIT(i) && !strcmp(s->list->target[i].text, mount->dir))
			s->dev[i] = proxy_fs_left_alone(&mount->fs) ? 0 : mount->fs.dev;
}

static void look(struct proxy_target_list *list)
{
	struct sought sought = { .list = list };
	const char *why;
	unsigned int i;

	for (i = 0; i < list->nr; i++) {
		struct target *t = &list->target[i];
		u32 dev = READ_ONCE(t->dev);

		if (t->kind != TARGET_NAME)
			continue;
		if (look_up(t, &dev, &why) && t->literal)
			sought.open |= BIT(i);
		WRITE_ONCE(t->dev, dev);
	}
	if (!sought.open || proxy_mounts_walk(find_dirs, &sought) < 0)
		return;
	for (i = 0; i < list->nr; i++)
		if (sought.open & BIT(i))
			WRITE_ONCE(list->target[i].dev, sought.dev[i]);
}

/* Who reads the new version sees what it is of. */
static void changed(struct proxy_targets *targets)
{
	(void)atomic_inc_return_release(&targets->version);
}

void proxy_targets_look(struct proxy_targets *targets)
{
	struct proxy_target_list *list = list_get(targets);

	if (!list)
		return;
	look(list);
	changed(targets);
	list_put(list);
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

static void find_one(const struct proxy_mount *mount, void *arg)
{
	struct found *f = arg;
	const struct target *t = f->target;
	struct proxy_fs fs = mount->fs;
	const char *alone = proxy_fs_left_alone(&fs);
	char entry[96];

	if (alone) {
		if (t->kind != TARGET_LOCAL &&
		    (is_meant(t, &fs) || (t->literal && !strcmp(t->text, mount->dir))))
			f->alone = alone;
		return;
	}
	if (fs.bdev)
		fs.disk = proxy_disk_of(fs.bdev);
	if (!is_meant(t, &fs))
		return;
	scnprintf(entry, sizeof(entry), " %s on %u:%u (%s)", fs.type, MAJOR(fs.dev),
		  MINOR(fs.dev), fs.id);
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
	u32 dev;

	if (size - *len > 0)
		buf[*len] = 0;
	if (proxy_mounts_walk(find_one, &found) < 0)
		why = "what is mounted is not to be seen";
	*len += found.len;
	if (found.nr)
		return true;
	if (t->kind == TARGET_NAME)
		look_up(t, &dev, &why);
	if (found.alone)
		why = found.alone;
	*len += scnprintf(buf + *len, size - *len, " none: %s", why);
	return false;
}

int proxy_targets_state(struct proxy_targets *targets, char *buf, size_t size)
{
	struct proxy_target_list *list = list_get(targets);
	unsigned int i;
	size_t len = 0;

	if (!list)
		return 0;
	look(list);
	changed(targets);
	for (i = 0; i < list->nr; i++) {
		len += scnprintf(buf + len, size - len, "%s:", list->target[i].text);
		write_state(&list->target[i], buf, size, &len);
		len += scnprintf(buf + len, size - len, "\n");
	}
	list_put(list);
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
	list = unrcu_pointer(xchg(&targets->list, RCU_INITIALIZER(list)));
	changed(targets);
	list_put(list);
}

int proxy_targets_set(struct proxy_targets *targets, const char *text)
{
	size_t size = strlen(text) + 1;
	struct proxy_target_list *list = kzalloc(struct_size(list, words, size), GFP_KERNEL);
	int err;

	if (!list)
		return -ENOMEM;
	refcount_set(&list->users, 1);
	memcpy(list->words, text, size);
	err = parse_targets(list) ?: look_first(list);
	if (err) {
		kfree(list);
		return err;
	}
	if (!list->nr) {
		kfree(list);
		list = NULL;
	}
	if (list)
		tell(list);
	replace(targets, list);
	return 0;
}

void proxy_targets_free(struct proxy_targets *targets)
{
	replace(targets, NULL);
}

int proxy_targets_show(const struct proxy_targets *targets, char *buf, size_t size)
{
	struct proxy_target_list *list = list_get(targets);
	unsigned int i;
	int len = 0;

	for (i = 0; list && i < list->nr; i++)
		len += scnprintf(buf + len, size - len, "%s%s", i ? "," : "",
				 list->target[i].text);
	list_put(list);
	return len + scnprintf(buf + len, size - len, "\n");
}
