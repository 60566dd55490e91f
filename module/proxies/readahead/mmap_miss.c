// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own readahead of page faults with one of its counts corrected: not
 * learnt, but the fair hand-made policy to compare with.
 *
 * filemap_fault() stops to read around after MMAP_LOTSAMISS misses in a row more than
 * hits (mm/filemap.c, mmap_miss). But filemap_map_pages() counts each page that it maps
 * around a fault as a hit, used or not, and one miss that was read around brings up to
 * 16 of those, so that the count never rises. Here the count of a file is kept from one
 * fault to the next, and what fault-around did to it between them is undone. (So it is
 * on 6.1 and 6.12. 7.3 counts right by itself, and nothing is left to correct.)
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/sched/clock.h>

#include "file.h"
#include "key.h"
#include "mmap_miss.h"

static struct ra_file *file_entry(struct inode *inode)
{
	return ra_file_get(ra_file_dev(inode), inode->i_ino, inode->i_generation, local_clock());
}

/**
 * ra_mmap_miss_fault() - filemap_fault() with the count of before
 * @vmf: the fault
 *
 * The count is kept to 255. Context: as filemap_fault(), may sleep.
 * Return: what filemap_fault() returned.
 */
vm_fault_t ra_mmap_miss_fault(struct vm_fault *vmf)
{
	struct file *file = get_file(vmf->vma->vm_file);
	struct ra_file *f = file_entry(file_inode(file));
	vm_fault_t ret;

	if (f)
		WRITE_ONCE(file->f_ra.mmap_miss, READ_ONCE(f->mmap_miss));
	ret = filemap_fault(vmf);
	/* The entry may be another file's by now, which then starts with this count. */
	if (f)
		WRITE_ONCE(f->mmap_miss, min(READ_ONCE(file->f_ra.mmap_miss), 255U));
	fput(file);
	return ret;
}
