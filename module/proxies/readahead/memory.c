// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory that a reader may fill: all of it, or what its memory cgroup is limited to.
 *
 * What is read ahead is charged to the reader's group, so a window that is small beside the
 * machine's memory may push out of a group what the group is about to use, its own pages
 * first.
 */
#include <linux/memcontrol.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "memory.h"

/* The least limit of the current task's groups, from its own one up to the root. */
static unsigned long group_pages(void)
{
	unsigned long pages = ULONG_MAX;
#ifdef CONFIG_MEMCG
	struct mem_cgroup *group;

	if (mem_cgroup_disabled())
		return pages;
	rcu_read_lock();
	for (group = mem_cgroup_from_task(current); group; group = parent_mem_cgroup(group)) {
		pages = min(pages, READ_ONCE(group->memory.max));
		pages = min(pages, READ_ONCE(group->memory.high));
	}
	rcu_read_unlock();
#endif
	return pages;
}

/**
 * ra_memory_share() - how much the current task may have read ahead at a time
 *
 * 1/RA_MEMORY_SHARE of the memory that it may fill. Does not sleep; takes the RCU read
 * lock.
 *
 * Return: bytes.
 */
u64 ra_memory_share(void)
{
	return ((u64)min(totalram_pages(), group_pages()) << PAGE_SHIFT) / RA_MEMORY_SHARE;
}
