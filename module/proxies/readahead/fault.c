// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page fault that misses the cache, in place of filemap_fault().
 *
 * A fault comes with the lock of the memory map, or of the mapping alone, held. What waits
 * for the device, or for a request to be free, must not make mmap() and munmap() of other
 * threads wait. So it is as in filemap_fault(): where something is read the lock is let go
 * first, the file is held instead, and the fault is made again once the page is there; and
 * where that is not allowed, nothing is prefetched.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/vmstat.h>

#include "compat/fault.h"
#include "compat/folio.h"
#include "call.h"
#include "fault.h"
#include "mmap_miss.h"
#include "override.h"
#include "readahead.h"
#include "target.h"

enum cached { NOT_CACHED, CACHED, READY };

/*
 * READY: the fault has but to map the page: it waits for nobody, and starts no reading.
 * A hint, since nothing keeps the page; so the flags are read without asking whose
 * they are.
 */
static enum cached page_state(struct address_space *mapping, pgoff_t index)
{
	const unsigned long mask = BIT(PG_locked) | BIT(PG_uptodate) | BIT(PG_readahead);
	enum cached state = NOT_CACHED;
	struct folio *folio;

	rcu_read_lock();
	folio = xa_load(&mapping->i_pages, index);
	if (folio && !xa_is_value(folio))
		state = (compat_folio_flags(folio) & mask) == BIT(PG_uptodate) ? READY : CACHED;
	rcu_read_unlock();
	return state;
}

/* Return: it was, and its first use is counted; so its mark is off. */
static bool was_watched(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = filemap_get_folio(mapping, index);
	bool watched;

	if (IS_ERR_OR_NULL(folio))
		return false;
	watched = folio_test_readahead(folio) && ra_use_touch(mapping, folio);
	folio_put(folio);
	return watched;
}

static vm_fault_t original_fault(struct vm_fault *vmf)
{
	return unlikely(READ_ONCE(ra_fix_mmap_miss)) ? ra_mmap_miss_fault(vmf) :
						       filemap_fault(vmf);
}

/* As the kernel's maybe_unlock_mmap_for_io(). */
static bool may_unlock(const struct vm_fault *vmf)
{
	return fault_flag_allow_retry_first(vmf->flags) &&
	       !(vmf->flags & FAULT_FLAG_RETRY_NOWAIT);
}

/* The second time a fault may not let go of its lock: so the page is waited for here. */
static void wait_for_page(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = filemap_get_folio(mapping, index);

	if (IS_ERR_OR_NULL(folio))
		return;
	/* Who made the fault sees the signal that ended the wait. */
	(void)folio_wait_locked_killable(folio);
	folio_put(folio);
}

/* Read what was planned. With the lock goes what keeps the mapping, and that its file. */
static vm_fault_t read_plan(struct vm_fault *vmf, const struct ra_plan *plan, struct file *file)
{
	struct address_space *mapping = file->f_mapping;
	pgoff_t index = vmf->pgoff;
	DEFINE_READAHEAD(ractl, file, &file->f_ra, mapping, index);

	get_file(file);
	count_vm_event(PGMAJFAULT);
	this_cpu_inc(ra_counters.unlocked);
	compat_release_fault_lock(vmf);
	ra_pattern_read(plan, &ractl, ra_mapping_end(mapping));
	wait_for_page(mapping, index);
	fput(file);
	return VM_FAULT_MAJOR | VM_FAULT_RETRY;
}

/* The original, with the window that was decided in force; it may let go of the lock, too. */
static vm_fault_t with_window(struct vm_fault *vmf, struct file *file, unsigned long pages)
{
	vm_fault_t ret;
	bool begun;

	get_file(file);
	begun = ra_override_begin(file, file->f_mapping->host, pages);
	ret = original_fault(vmf);
	if (begun) {
		ra_override_end(file);
		this_cpu_inc(ra_counters.overridden);
	}
	fput(file);
	return ret;
}

static vm_fault_t do_call(struct vm_fault *vmf, struct ra_call *call, struct file *file)
{
	if (call->plan.pieces)
		return read_plan(vmf, &call->plan, file);
	if (call->kind == RA_FAULT && (call->action == RA_NONE || ra_action_windows(call->action)))
		return with_window(vmf, file, call->window_pages);
	return original_fault(vmf);
}

/**
 * ra_fault() - what is done in place of filemap_fault()
 * @vmf: the fault
 *
 * Context: as filemap_fault(), may sleep. Return: as that.
 */
vm_fault_t ra_fault(struct vm_fault *vmf)
{
	struct file *file = vmf->vma->vm_file;
	struct address_space *mapping = file->f_mapping;
	bool own_way = vmf->vma->vm_flags & (VM_SEQ_READ | VM_HUGEPAGE);
	enum cached state;
	struct ra_call call ra_filled_in;
	vm_fault_t ret;
	bool watched;

	if (!ra_target_find(mapping->host->i_sb))
		return filemap_fault(vmf);
	/* The kernel reads nothing ahead, and none of the other functions is called. */
	if (vmf->vma->vm_flags & VM_RAND_READ) {
		ra_call_advised();
		return original_fault(vmf);
	}
	state = page_state(mapping, vmf->pgoff);
	if (state == CACHED && was_watched(mapping, vmf->pgoff))
		state = page_state(mapping, vmf->pgoff);
	/* No miss and no stall: there is nothing to account for. */
	if (state == READY)
		return original_fault(vmf);
	ra_call_init(&call, RA_FAULT, vmf->pgoff, 1);
	call.locked = !may_unlock(vmf);
	if (own_way || (vmf->flags & FAULT_FLAG_TRIED) || state == CACHED)
		call.kind = RA_FAULT_HIT;
	if (!ra_call_enter(&call, file, mapping))
		return filemap_fault(vmf);
	/* With the fault's lock may go the mapping. */
	watched = call.watch.nr;
	if (watched)
		get_file(file);
	ret = do_call(vmf, &call, file);
	if (call.plan.pieces)
		call.window_pages = 1;
	call.reach = min(call.index, call.window_pages / 2);
	ra_use_find(&call, mapping);
	ra_call_exit(&call, call.index - call.reach + max(call.window_pages, 1UL));
	ra_use_mark(&call, mapping);
	if (watched)
		fput(file);
	return ret;
}
