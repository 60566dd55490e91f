// SPDX-License-Identifier: GPL-2.0-only
/*
 * The window of an open file, in force only within one call of filemap_fault().
 *
 * The fault path takes the window from the open file, so it has to be written
 * there; several tasks may fault on the same file at once. The first one saves
 * what the kernel had and the last one puts it back, so outside of these calls
 * a file always holds the kernel's own value, and nothing is left to restore
 * when the proxy stops. In between it holds that of the task that came last, since a
 * fault reads it before it waits for its page, which may take long. The caller holds a
 * reference to the file from begin to end: after a fault that dropped the mmap lock the
 * mapping may be gone.
 *
 * Advice of the application wins: a file whose value is not its device's default
 * is left alone, and a value that changed meanwhile is not overwritten.
 */
#include <linux/backing-dev.h>
#include <linux/hash.h>

#include "override.h"

#define RA_OVERRIDE_BITS	5
#define RA_OVERRIDE_WAYS	4

struct ra_override {
	struct file *file;
	unsigned int users;
	unsigned int kernel_pages;
	unsigned int kernel_miss;
	unsigned int pages;
};

struct ra_override_set {
	raw_spinlock_t lock;
	struct ra_override way[RA_OVERRIDE_WAYS];
};

static struct ra_override_set ra_overrides[1 << RA_OVERRIDE_BITS] = {
	[0 ... (1 << RA_OVERRIDE_BITS) - 1].lock = __RAW_SPIN_LOCK_UNLOCKED(ra_overrides.lock),
};

static struct ra_override_set *set_of(struct file *file)
{
	return &ra_overrides[hash_ptr(file, RA_OVERRIDE_BITS)];
}

static struct ra_override *override_find(struct ra_override_set *set, struct file *file)
{
	unsigned int i;

	for (i = 0; i < RA_OVERRIDE_WAYS; i++) {
		if (set->way[i].file == file)
			return &set->way[i];
	}
	return NULL;
}

/**
 * ra_file_advised() - did the application advise on this open file
 * @file: open file
 * @inode: its inode
 *
 * POSIX_FADV_RANDOM sets a mode bit, POSIX_FADV_SEQUENTIAL another window. A
 * default of the device that was changed after the open looks the same.
 * Context: task context. Return: true if so.
 */
bool ra_file_advised(struct file *file, struct inode *inode)
{
	struct ra_override_set *set = set_of(file);
	struct ra_override *o;
	bool advised;

	if (file->f_mode & FMODE_RANDOM)
		return true;
	if (READ_ONCE(file->f_ra.ra_pages) == inode_to_bdi(inode)->ra_pages)
		return false;
	raw_spin_lock(&set->lock);
	o = override_find(set, file);
	advised = READ_ONCE(file->f_ra.ra_pages) !=
		  (o ? o->pages : inode_to_bdi(inode)->ra_pages);
	raw_spin_unlock(&set->lock);
	return advised;
}

/**
 * ra_override_begin() - put a window in force for an open file
 * @file: open file, referenced by the caller
 * @inode: its inode
 * @pages: window
 *
 * The kernel gives up reading around after many misses (mmap_miss), which would
 * overrule the window: that count is set aside too.
 * Context: task context. Return: true if ra_override_end() has to follow.
 */
bool ra_override_begin(struct file *file, struct inode *inode, unsigned int pages)
{
	struct ra_override_set *set = set_of(file);
	struct file_ra_state *ra = &file->f_ra;
	struct ra_override *o;
	bool done = false;

	raw_spin_lock(&set->lock);
	o = override_find(set, file);
	if (o && READ_ONCE(ra->ra_pages) != o->pages)
		goto out;	/* advice arrived while in force */
	if (!o) {
		o = override_find(set, NULL);
		if (!o || READ_ONCE(ra->ra_pages) != inode_to_bdi(inode)->ra_pages)
			goto out;
		o->file = file;
		o->kernel_pages = ra->ra_pages;
		o->kernel_miss = READ_ONCE(ra->mmap_miss);
	}
	o->users++;
	o->pages = pages;
	WRITE_ONCE(ra->ra_pages, pages);
	WRITE_ONCE(ra->mmap_miss, 0);
	done = true;
out:
	raw_spin_unlock(&set->lock);
	return done;
}

/**
 * ra_override_none() - the kernel's own window for what comes next
 * @file: open file, in use by the caller
 * @inode: its inode
 *
 * Others may still wait under another one.
 * Context: task context.
 */
void ra_override_none(struct file *file, struct inode *inode)
{
	struct ra_override_set *set = set_of(file);
	struct file_ra_state *ra = &file->f_ra;
	struct ra_override *o;

	if (likely(READ_ONCE(ra->ra_pages) == inode_to_bdi(inode)->ra_pages))
		return;
	raw_spin_lock(&set->lock);
	o = override_find(set, file);
	if (o && READ_ONCE(ra->ra_pages) == o->pages) {
		o->pages = o->kernel_pages;
		WRITE_ONCE(ra->ra_pages, o->kernel_pages);
	}
	raw_spin_unlock(&set->lock);
}

/**
 * ra_override_end() - counterpart of ra_override_begin()
 * @file: open file, still referenced by the caller
 *
 * Context: task context.
 */
void ra_override_end(struct file *file)
{
	struct ra_override_set *set = set_of(file);
	struct file_ra_state *ra = &file->f_ra;
	struct ra_override *o;

	raw_spin_lock(&set->lock);
	o = override_find(set, file);
	if (!WARN_ON_ONCE(!o) && !--o->users) {
		if (READ_ONCE(ra->ra_pages) == o->pages)
			WRITE_ONCE(ra->ra_pages, o->kernel_pages);
		WRITE_ONCE(ra->mmap_miss, o->kernel_miss);
		o->file = NULL;
	}
	raw_spin_unlock(&set->lock);
}
