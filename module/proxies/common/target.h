/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The filesystems that a proxy looks after, as the administrator chooses them: by device,
 * by where they are mounted, by type, or all that are local. Nothing is held: neither a
 * device nor a filesystem has to be there, and it may come and go.
 *
 * Local are filesystems on a block device, and btrfs. All others are left alone, also if
 * they are named: what they read from is not to be seen (overlay: what that reads from a
 * filesystem below counts there), not a disk (NFS, tmpfs), or a program's (FUSE).
 */
#ifndef _MLPROXY_PROXIES_TARGET_H
#define _MLPROXY_PROXIES_TARGET_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/rcupdate.h>

#include "mounts.h"

#define PROXY_MAX_TARGETS 16

struct proxy_target_list;

/**
 * struct proxy_targets - what is chosen
 * @list: NULL for nothing
 * @version: another one whenever what is chosen, or what a name means, may have changed
 */
struct proxy_targets {
	struct proxy_target_list __rcu *list;
	atomic_t version;
};

/**
 * proxy_targets_set() - choose
 * @targets: where
 * @text: up to PROXY_MAX_TARGETS words with commas or blanks between them; empty for none:
 *	- the name of a block device as in /dev, or the path of its node; a whole disk stands
 *	  for the filesystems on its partitions, too
 *	- MAJOR:MINOR
 *	- the path of a directory that something is mounted on
 *	- fstype:NAME, for all filesystems of a type
 *	- local, for all
 *
 * What is not there, or has nothing mounted from it, is told of in the kernel's log, and kept:
 * see proxy_targets_look().
 *
 * Paths are looked up, which may take as long as their filesystems do. Context: may sleep, and
 * long: no lock should be held that others wait for.
 * Return: 0; then the choice is in force. Else nothing changed: -EINVAL for a word that is
 * none of these, -E2BIG, -ENOMEM; the kernel's log says which word.
 */
int proxy_targets_set(struct proxy_targets *targets, const char *text);

/**
 * proxy_targets_look() - see what devices and directories the names mean now
 * @targets: from where
 *
 * To be called now and then, with the root directory that names are to be looked up from:
 * a name may come, go, and mean something else. No filesystem is waited for: what can't be told
 * without stays as it was. Context: may sleep.
 */
void proxy_targets_look(struct proxy_targets *targets);

/**
 * proxy_targets_free() - choose nothing
 * @targets: from where
 *
 * Context: any.
 */
void proxy_targets_free(struct proxy_targets *targets);

/**
 * proxy_targets_show() - write what is chosen, as proxy_targets_set() takes it
 * @targets: from where
 * @buf: text, with a newline
 * @size: room
 *
 * Return: length.
 */
int proxy_targets_show(const struct proxy_targets *targets, char *buf, size_t size);

/**
 * proxy_targets_state() - write what became of each target, a line each
 * @targets: from where
 * @buf: text: the filesystems that are mounted from it, or why there are none
 * @size: room
 *
 * Looks at what is mounted where the kernel's own threads see it, and as proxy_targets_look()
 * does. Context: may sleep. Return: length.
 */
int proxy_targets_state(struct proxy_targets *targets, char *buf, size_t size);

/**
 * proxy_target_match() - is a filesystem chosen
 * @targets: from where
 * @sb: filesystem, in use by the caller
 *
 * Context: any.
 */
bool proxy_target_match(const struct proxy_targets *targets, const struct super_block *sb);

/**
 * proxy_target_meant() - proxy_target_match() by what a filesystem is known by
 * @targets: from where
 * @fs: filesystem
 *
 * Context: any.
 */
bool proxy_target_meant(const struct proxy_targets *targets, const struct proxy_fs *fs);

/**
 * proxy_targets_version() - for how long an answer of proxy_target_match() holds
 * @targets: from where
 *
 * To be read before it: while it is the same, so is the answer, for a filesystem that has the
 * number of its block device, and while that is of the same type.
 */
static inline u32 proxy_targets_version(const struct proxy_targets *targets)
{
	return atomic_read_acquire(&targets->version);
}

/**
 * proxy_targets_any() - is anything chosen, there or not
 * @targets: from where
 */
static inline bool proxy_targets_any(const struct proxy_targets *targets)
{
	return rcu_access_pointer(targets->list);
}

#endif /* _MLPROXY_PROXIES_TARGET_H */
