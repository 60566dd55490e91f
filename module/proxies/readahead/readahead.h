/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mlproxy_readahead: a readahead window per file, decided once per epoch.
 *
 *   hook.c      redirects the kernel's cache-miss functions to this module
 *   fault.c     the one that page faults come by
 *   call.c      one such call: accounts it, tells the hook what to do
 *   epoch.c     statistics of an epoch: features, reward, the decision
 *   rest.c      files that have nothing to gain are left alone for a while
 *   action.h    what can be done, one table
 *   schema.c    names, units and ranges of features and actions
 *   file.c      bounded table of the files seen
 *   task.c      bounded table of the tasks seen: think time and wall time
 *   progress.h  what of that is progress
 *   target.c    the chosen devices, a slot for the state of each
 *   instance.c  an instance of the proxy for each of them
 *   device.c    what a device is doing, and what may be prefetched from it
 *   bdp.h       the window that its bandwidth and its latency ask for
 *   memory.c    the memory that a reader may fill
 *   congested.c whether a reader is held back
 *   override.c  window of an open file, in force only within one call
 *   use.c       which pages that were read ahead were used
 *   rent.c      what they cost, while memory is short
 *   value.h     what an epoch was worth, by that
 *   pattern.c   prefetcher for backward and strided reads
 *   mmap_miss.c the kernel's own algorithm with its accounting corrected, to compare with
 *
 * Nothing here holds a reference to an inode, a file or a device beyond the
 * call that brought it: a file that is closed or unlinked, an unmount and a
 * device that goes away need no notice. State is found again by device, inode
 * number and generation.
 *
 * Locks: struct ra_file.lock (trylock only; whoever fails skips the statistics
 * of that call, but not a decision) > nothing. ra_override's locks are taken alone. Decisions
 * are made with none of them held.
 */
#ifndef _MLPROXY_READAHEAD_H
#define _MLPROXY_READAHEAD_H

#include <linux/percpu.h>
#include <linux/types.h>

struct mlproxy;

/* Counters, for sysfs: a miss writes to those of its own CPU only. */
struct ra_counters {
	s64 calls;
	s64 rested;
	s64 skipped;
	s64 advised;
	s64 corrections;
	s64 evicted;
	s64 decisions;
	s64 dropped;
	s64 changes;
	s64 looks;
	s64 rewards;
	s64 sampled;
	s64 used;
	s64 unused;
	s64 reclaimed;
	s64 returned;
	s64 reward_sum;
	s64 overridden;
	s64 prefetched;
	s64 refused;
	s64 unlocked;
	s64 think_ns;
	s64 wall_ns;
};

DECLARE_PER_CPU(struct ra_counters, ra_counters);
extern unsigned int ra_epoch_calls;
extern unsigned int ra_epoch_us;
extern unsigned int ra_wait_cpu_ns;	/* CPU time of a wait for a page */
extern unsigned int ra_use_ms;		/* for a page to be used, in 2^20 ns */
extern int ra_pin;
extern bool ra_fix_mmap_miss;
extern struct mlproxy *ra_proxy;

#endif /* _MLPROXY_READAHEAD_H */
