// SPDX-License-Identifier: GPL-2.0-only
/* Pages that user space may map; see pages.h. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/user_namespace.h>

#include "compat/vma.h"
#include "pages.h"

static int charge_user(struct user_struct *user, u64 nr)
{
	u64 limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	long locked = atomic_long_read(&user->locked_vm);

	do {
		if (nr > limit || locked > limit - nr)
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(&user->locked_vm, &locked, locked + nr));
	return 0;
}

/**
 * mlproxy_charge() - charge pages before they are allocated
 * @charge: out: for mlproxy_uncharge()
 * @file: whose user pays; outlives the charge
 * @nr: pages
 *
 * The limit is that of the calling process. Context: a system call.
 * Return: 0, or -ENOMEM beyond the limit, with @charge empty.
 */
int mlproxy_charge(struct mlproxy_charge *charge, const struct file *file, u64 nr)
{
	struct user_struct *user = file->f_cred->user;
	int ret;

	*charge = (struct mlproxy_charge) {};
	if (file_ns_capable(file, &init_user_ns, CAP_IPC_LOCK))
		user = NULL;
	ret = user ? charge_user(user, nr) : 0;
	if (ret)
		return ret;
	*charge = (struct mlproxy_charge) { .user = user, .mm = current->mm, .nr = nr };
	mmgrab(charge->mm);
	atomic64_add(nr, &charge->mm->pinned_vm);
	return 0;
}

/**
 * mlproxy_uncharge() - give back what was charged
 * @charge: from mlproxy_charge(), or empty; empty afterwards
 *
 * Context: may sleep; any process.
 */
void mlproxy_uncharge(struct mlproxy_charge *charge)
{
	if (!charge->mm)
		return;
	if (charge->user)
		atomic_long_sub(charge->nr, &charge->user->locked_vm);
	atomic64_sub(charge->nr, &charge->mm->pinned_vm);
	mmdrop(charge->mm);
	*charge = (struct mlproxy_charge) {};
}

/**
 * mlproxy_pages_alloc() - allocate pages that user space may map
 * @pages: out: the pages
 * @nr: how many, already charged
 * @node: NUMA node that they are wanted on
 *
 * Zeroed, so that nothing stale is ever mapped. Gives up early when the process is
 * killed, or when the OOM killer would have to make room.
 * Context: may sleep. Return: 0, or -ENOMEM, with nothing allocated.
 */
int mlproxy_pages_alloc(struct page **pages, u32 nr, int node)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_RETRY_MAYFAIL;
	u32 i;

	for (i = 0; i < nr; i++) {
		cond_resched();
		pages[i] = fatal_signal_pending(current) ? NULL : alloc_pages_node(node, gfp, 0);
		if (!pages[i]) {
			mlproxy_pages_free(pages, i);
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * mlproxy_pages_free() - free pages that the kernel has done with
 * @pages: the pages; those that are still mapped or pinned are freed by who does so
 * @nr: how many
 *
 * Context: may sleep.
 */
void mlproxy_pages_free(struct page **pages, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		cond_resched();
		__free_page(pages[i]);
	}
}

/**
 * mlproxy_map_pages() - map kernel pages into a process
 * @vma: where to, as mmap() made it; its length must be @nr pages
 * @pages: the pages
 * @nr: how many
 * @writable: may user space write them
 *
 * All is checked before the first page is there. The mapping can't be made writable
 * or executable later, is not inherited by a child and can't grow.
 * Context: the mmap file operation.
 * Return: 0, -EINVAL for a private mapping or a wrong length, -EACCES for a
 * protection that is not allowed, -ENOMEM.
 */
int mlproxy_map_pages(struct vm_area_struct *vma, struct page **pages, u32 nr,
		      bool writable)
{
	unsigned long addr = vma->vm_start;
	vm_flags_t clear = VM_MAYEXEC;
	int ret;
	u32 i;

	/* Not VM_SHARED, which mmap() takes off where the file is read-only. */
	if (!(vma->vm_flags & VM_MAYSHARE) || vma_pages(vma) != nr)
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EACCES;
	if (!writable) {
		if (vma->vm_flags & VM_WRITE)
			return -EACCES;
		clear |= VM_MAYWRITE;
	}
	compat_vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP, clear);
	for (i = 0; i < nr; i++, addr += PAGE_SIZE) {
		ret = vm_insert_page(vma, addr, pages[i]);
		if (ret)
			return ret;
	}
	return 0;
}
