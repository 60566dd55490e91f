/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that user space may map: charged to who asked for them, allocated, mapped.
 *
 * They can't be reclaimed. So they are charged to the memory cgroup, and to the user
 * who opened the file: all sessions and processes of a user together have what
 * RLIMIT_MEMLOCK says, as with io_uring and perf. A file that was opened with
 * CAP_IPC_LOCK is not limited.
 */
#ifndef _MLPROXY_PAGES_H
#define _MLPROXY_PAGES_H

#include <linux/types.h>

struct file;
struct mm_struct;
struct page;
struct user_struct;
struct vm_area_struct;

/**
 * struct mlproxy_charge - what was charged, and to whom
 * @user: owner of the file, NULL if that one is not limited; the file holds it
 * @mm: of the process that asked, which shows it as pinned; NULL for no charge
 * @nr: pages
 */
struct mlproxy_charge {
	struct user_struct *user;
	struct mm_struct *mm;
	unsigned long nr;
};

int mlproxy_charge(struct mlproxy_charge *charge, const struct file *file, u64 nr);
void mlproxy_uncharge(struct mlproxy_charge *charge);
int mlproxy_pages_alloc(struct page **pages, u32 nr, int node);
void mlproxy_pages_free(struct page **pages, u32 nr);
int mlproxy_map_pages(struct vm_area_struct *vma, struct page **pages, u32 nr,
		      bool writable);

#endif /* _MLPROXY_PAGES_H */
