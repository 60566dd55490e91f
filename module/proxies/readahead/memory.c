// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory that a reader may fill: all of it, or what its memory cgroup is limited to.
 *
 * What is read ahead is charged to the reader's group, so a window that is small beside the
 * machine's memory may push out of a group what the group is about to use, its own pages
 * first. And what is read ahead while memory is free costs nobody anything but the device's
 * time.
 */
#include <linux/memcontrol.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

#include "memory.h"

/*
 * The least limit of the current task's groups, from its own one up to the root; and the
 * least that one of them may still take before something of it is evicted.
 */
static unsigned long group_pages(unsigned long *room)
{
	unsigned long pages = ULONG_MAX;
#ifdef CONFIG_MEMCG
	struct mem_cgroup *group;

	if (mem_cgroup_disabled())
		return pages;
	rcu_read_lock();
	for (group = mem_cgroup_from_task(current); group; group = parent_mem_cgroup(group)) {
		unsigned long limit = min(READ_ONCE(group->memory.max),
					  READ_ONCE(group->memory.high));
		unsigned long used = page_counter_read(&group->memory);

		pages = min(pages, limit);
		*room = min(*room, limit > used ? limit - used : 0);
	}
	rcu_read_unlock();
#endif
	return pages;
}

/* Free, less what the kernel keeps free. */
static unsigned long free_pages_of_all(void)
{
	unsigned long free = global_zone_page_state(NR_FREE_PAGES), kept = 0;
	int node, i;

	for_each_online_node(node) {
		const struct zone *zones = NODE_DATA(node)->node_zones;

		for (i = 0; i < MAX_NR_ZONES; i++)
			kept += high_wmark_pages((&zones[i]));
	}
	return free > kept ? free - kept : 0;
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
	unsigned long room = 0;

	return ((u64)min(totalram_pages(), group_pages(&room)) << PAGE_SHIFT) / RA_MEMORY_SHARE;
}

/**
 * ra_memory_free() - what the current task may fill of memory without that any is evicted
 *
 * Does not sleep; takes the RCU read lock.
 *
 * Return: share of what it may fill at all, Q8: 0 to 256.
 */
u32 ra_memory_free(void)
{
	unsigned long room = free_pages_of_all();
	unsigned long pages = min(totalram_pages(), group_pages(&room));

	return pages ? (u64)min(room, pages) * 256 / pages : 0;
}

/**
 * ra_memory_stay() - how long a page that is read once stays in the cache
 *
 * While others are read: half of the file pages of the machine, or of what the current task's
 * groups may fill. The list of those that were used once is about as long, but not where
 * there are generations in place of lists (MGLRU). Does not sleep; takes the RCU read lock.
 *
 * Return: pages.
 */
unsigned long ra_memory_stay(void)
{
	unsigned long room = 0;
	unsigned long pages = global_node_page_state(NR_INACTIVE_FILE) +
			      global_node_page_state(NR_ACTIVE_FILE);

	return min(pages, group_pages(&room)) / 2;
}
