// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the reads of the current task's group are held back (io.latency, io.cost): then the
 * kernel reads nothing ahead, and neither is anything prefetched here.
 *
 * The kernel does not export its function. What that takes and returns is declared.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blk-cgroup.h>
#include <linux/printk.h>

#include "common/symbol.h"
#include "congested.h"

#ifdef CONFIG_BLK_CGROUP

static typeof(blk_cgroup_congested) *congested;

/**
 * ra_congested_init() - find the kernel's function
 *
 * Context: before ra_congested(); may sleep.
 */
void ra_congested_init(void)
{
	void *address = NULL;

	if (proxy_symbol_find(NULL, "blk_cgroup_congested", &address))
		pr_warn("no blk_cgroup_congested(): prefetches don't see that a cgroup is held back\n");
	congested = address;
}

/**
 * ra_congested() - is the current task's group to read nothing ahead
 *
 * Context: task context.
 */
bool ra_congested(void)
{
	return congested && congested();
}

#else

void ra_congested_init(void)
{
}

bool ra_congested(void)
{
	return false;
}

#endif
