// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rent: while memory is short, each page that is read pushes out another one. The share of
 * those that are missed again, as long after as a page stays in the cache itself, is what a
 * page read costs the others, in pages used. While nothing is evicted it is 0.
 *
 * The kernel's count of refaults is not that: it has pages that readahead brought back, which
 * nobody may have missed, and pages that no list could have kept.
 *
 * One in 16 pages that reclaim takes leaves a ghost, with the number of the eviction, in a
 * table of fixed size; of a large memory one in more, so that there is a place for all that
 * leave in the time of a stay. A later one takes the place of an older one. Races lose a ghost.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/vmstat.h>

#include "call.h"
#include "key.h"
#include "memory.h"
#include "readahead.h"
#include "rent.h"
#include "shared/mix64.h"
#include "target.h"

#define RA_GHOST_BITS	11
#define RA_GHOST_SHIFT	4	/* one in so many pages, at least */
#define RA_GHOSTS_STAY	(1 << (RA_GHOST_BITS - 2))
#define RA_RENT_PAGES	16	/* of one read, that are looked up */
#define RA_RENT_LEAST	16	/* evictions that say something */
#define RA_RENT_MOST	256	/* and then each counts half */
#define RA_RENT_NS	NSEC_PER_SEC

#define RA_EVICT_EVENT	"mm_filemap_delete_from_page_cache"

static struct tracepoint *evict_event;
/* A hash of the page, and below it the number of the eviction. */
static u64 ra_ghosts[1 << RA_GHOST_BITS];
static unsigned int ra_ghost_shift = RA_GHOST_SHIFT;

static u64 page_hash(u32 dev, u64 ino, u32 generation, pgoff_t index)
{
	return mix64(mix64(ino ^ (u64)dev << 32) ^ generation ^ (u64)index << 20);
}

/* By the lowest bits of its hash; the highest ones are the ghost's. */
static bool is_watched(u64 hash)
{
	return !(hash & (BIT(READ_ONCE(ra_ghost_shift)) - 1));
}

static u64 *place_of(u64 hash)
{
	return &ra_ghosts[(u32)hash >> (32 - RA_GHOST_BITS)];
}

/*
 * A folio leaves the page cache; it is locked, and still in its mapping. What reclaim takes is
 * counted, not what is truncated, or dropped by hand.
 */
static void page_deleted(void *data, struct folio *folio)
{
	struct inode *inode = folio->mapping->host;
	struct ra_target *target;
	u64 hash;

	if (!(current->flags & PF_MEMALLOC) || !inode || !inode->i_sb)
		return;
	hash = page_hash(ra_file_dev(inode), inode->i_ino, inode->i_generation, folio->index);
	if (!is_watched(hash))
		return;
	target = ra_target_known(inode->i_sb->s_dev);
	if (!target)
		return;
	WRITE_ONCE(*place_of(hash), hash >> 32 << 32 | (u32)atomic_inc_return(&target->evicted));
	this_cpu_inc(ra_counters.reclaimed);
}

static void match(struct tracepoint *event, void *data)
{
	if (!strcmp(event->name, RA_EVICT_EVENT))
		evict_event = event;
}

/**
 * ra_rent_init() - find the trace event for evictions
 *
 * It is not exported to modules, but can be found by name. Context: may sleep.
 * Return: 0, or -EOPNOTSUPP after a message.
 */
int ra_rent_init(void)
{
	for_each_kernel_tracepoint(match, NULL);
	if (evict_event)
		return 0;
	pr_err("this kernel has no trace event " RA_EVICT_EVENT "\n");
	return -EOPNOTSUPP;
}

/**
 * ra_rent_attach() - begin to watch evictions
 *
 * Context: may sleep. Return: 0 or the kernel's error.
 */
int ra_rent_attach(void)
{
	return tracepoint_probe_register(evict_event, page_deleted, NULL);
}

/**
 * ra_rent_detach() - watch no more
 *
 * Context: may sleep; nothing of it runs after that.
 */
void ra_rent_detach(void)
{
	tracepoint_probe_unregister(evict_event, page_deleted, NULL);
	tracepoint_synchronize_unregister();
}

static void page_missed(const struct ra_call *call, pgoff_t index)
{
	u64 hash = page_hash(call->dev, call->ino, call->generation, index);
	u64 *place, ghost;
	u32 since;

	if (!is_watched(hash))
		return;
	place = place_of(hash);
	ghost = READ_ONCE(*place);
	if (!ghost || (ghost ^ hash) >> 32)
		return;
	WRITE_ONCE(*place, 0);
	since = (u32)atomic_read(&call->target->evicted) - (u32)ghost;
	if ((u64)since << READ_ONCE(ra_ghost_shift) > ra_memory_stay())
		return;
	atomic_inc(&call->target->returned);
	this_cpu_inc(ra_counters.returned);
}

/**
 * ra_rent_missed() - somebody may miss a page
 * @call: the call, with its device and its file's identity; of another kind it says nothing
 *
 * Also of a file that rests, or that is under advice: its pages are evicted, too.
 * Context: task context.
 */
void ra_rent_missed(const struct ra_call *call)
{
	unsigned long i, pages = min_t(unsigned long, call->req, RA_RENT_PAGES);

	if (call->kind == RA_FAULT)
		page_missed(call, call->index);
	else if (call->kind == RA_SYNC)
		for (i = 0; i < pages; i++)
			page_missed(call, call->index + i);
}

/**
 * ra_rent_sample() - bring a device's rent up to date
 * @target: its slot, being sampled by the caller alone
 * @now_ns: local clock
 */
void ra_rent_sample(struct ra_target *target, u64 now_ns)
{
	u32 evicted = atomic_read(&target->evicted), returned = atomic_read(&target->returned);

	if (evicted != target->evicted_before) {
		target->evicted_ns = now_ns;
	} else if ((s64)(now_ns - target->evicted_ns) > (s64)RA_RENT_NS) {
		target->rent_of = 0;
		target->rent_back = 0;
	}
	target->rent_of += evicted - target->evicted_before;
	target->rent_back += returned - target->returned_before;
	target->evicted_before = evicted;
	target->returned_before = returned;
	while (target->rent_of > RA_RENT_MOST) {
		target->rent_of /= 2;
		target->rent_back /= 2;
	}
	WRITE_ONCE(ra_ghost_shift,
		   max(RA_GHOST_SHIFT, ilog2(ra_memory_stay() / RA_GHOSTS_STAY + 1)));
	WRITE_ONCE(target->rent, target->rent_of < RA_RENT_LEAST ? 0 :
		   min_t(u32, target->rent_back * 256 / target->rent_of, 256));
}
