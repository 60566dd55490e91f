// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaches to the kernel's cache-miss functions, and to that for an application's own
 * readahead, by ftrace: a call of one of them goes to the replacement here, which calls
 * the original. Reads that hit the page cache do not come by; without a target, nothing
 * is attached.
 */
#include <linux/backing-dev.h>
#include <linux/fadvise.h>
#include <linux/fs.h>
#include <linux/pagemap.h>

#include "common/hook.h"
#include "call.h"
#include "congested.h"
#include "fault.h"
#include "hook.h"
#include "readahead.h"

/* Upper bound of one exact read, as the kernel's own force_page_cache_ra(). */
#define RA_EXACT_PAGES	((2 * 1024 * 1024) >> PAGE_SHIFT)

/*
 * Within a stream the kernel never reads less at once than the last time
 * (ondemand_readahead() keeps the larger size, for MADV_HUGEPAGE). So a window that
 * was larger would last, whatever was decided since. Where the last reading ended, and
 * its mark, stay.
 */
static void shorten(const struct readahead_control *ractl, struct file_ra_state *ra,
		    unsigned long req)
{
	unsigned long io_pages = inode_to_bdi(ractl->mapping->host)->io_pages;
	unsigned long most = max_t(unsigned long, ra->ra_pages, min(req, io_pages));

	if (!most || ra->size <= most)
		return;
	ra->start += ra->size - most;
	ra->size = most;
}

/* Run an original with another window, which nobody but it sees. */
static pgoff_t with_window(struct readahead_control *ractl, struct folio *folio,
			   unsigned long req, unsigned long pages)
{
	struct file_ra_state *kernel_ra = ractl->ra;
	struct file_ra_state ra = *kernel_ra;

	ra.ra_pages = pages;
	shorten(ractl, &ra, req);
	ractl->ra = &ra;
	if (folio)
		page_cache_async_ra(ractl, folio, req);
	else
		page_cache_sync_ra(ractl, req);
	ractl->ra = kernel_ra;
	kernel_ra->start = ra.start;
	kernel_ra->size = ra.size;
	kernel_ra->async_size = ra.async_size;
	this_cpu_inc(ra_counters.overridden);
	return ra.start + ra.size;
}

static void sync_ra(struct readahead_control *ractl, unsigned long req)
{
	pgoff_t expected = readahead_index(ractl) + req;
	struct ra_call call ra_filled_in;

	ra_call_init(&call, RA_SYNC, readahead_index(ractl), req);
	if (!ractl->file || ractl->ra != &ractl->file->f_ra ||
	    !ra_call_enter(&call, ractl->file, ractl->mapping)) {
		page_cache_sync_ra(ractl, req);
		return;
	}
	/* The kernel reads less than was asked for while the group's reads are held back. */
	if (call.action == RA_NONE && call.entry && !ra_congested()) {
		struct ra_plan exact = {
			.first = call.index,
			.pages = min_t(unsigned long, req, RA_EXACT_PAGES),
			.pieces = 1,
			.mark = 1,
		};

		ra_pattern_read(&exact, ractl, ra_mapping_end(ractl->mapping));
	} else if (call.plan.pieces) {
		ra_pattern_read(&call.plan, ractl, ra_mapping_end(ractl->mapping));
	} else if (ra_action_windows(call.action)) {
		expected = max(expected, with_window(ractl, NULL, req, call.window_pages));
	} else {
		if (call.grown)
			shorten(ractl, ractl->ra, req);
		page_cache_sync_ra(ractl, req);
		expected = max_t(pgoff_t, expected, ractl->ra->start + ractl->ra->size);
	}
	ra_use_find(&call, ractl->mapping);
	ra_call_exit(&call, expected);
	ra_use_mark(&call, ractl->mapping);
}

static void async_ra(struct readahead_control *ractl, struct folio *folio, unsigned long req)
{
	struct ra_call call ra_filled_in;
	pgoff_t expected;

	/* A page that was watched for its first use: nothing is read on. */
	if (ra_use_touch(ractl->mapping, folio))
		return;
	ra_call_init(&call, RA_ASYNC, readahead_index(ractl), req);
	if (!ractl->file || ractl->ra != &ractl->file->f_ra ||
	    !ra_call_enter(&call, ractl->file, ractl->mapping)) {
		page_cache_async_ra(ractl, folio, req);
		return;
	}
	expected = ractl->ra->start + ractl->ra->size;
	if (call.plan.pieces && !folio_test_writeback(folio)) {
		folio_clear_readahead(folio);
		ra_pattern_read(&call.plan, ractl, ra_mapping_end(ractl->mapping));
	} else if (ra_action_windows(call.action)) {
		/* A fault asks for the whole window of the kernel. */
		if (call.in_fault)
			req = min(req, call.window_pages);
		expected = with_window(ractl, folio, req, call.window_pages);
	} else if (call.action != RA_NONE) {
		if (call.grown)
			shorten(ractl, ractl->ra, req);
		page_cache_async_ra(ractl, folio, req);
		expected = ractl->ra->start + ractl->ra->size;
	}
	ra_use_find(&call, ractl->mapping);
	ra_call_exit(&call, expected);
	ra_use_mark(&call, ractl->mapping);
}

/*
 * An application that reads ahead itself, as RocksDB does: finding pages and queueing
 * them is the same work as in the kernel's own readahead, and no progress either.
 */
static int fadvise(struct file *file, loff_t offset, loff_t len, int advice)
{
	struct ra_call call ra_filled_in;
	int ret;

	ra_call_init(&call, RA_WILLNEED, offset >> PAGE_SHIFT, 0);
	if (advice != POSIX_FADV_WILLNEED || !file->f_mapping ||
	    !ra_call_enter(&call, file, file->f_mapping))
		return generic_fadvise(file, offset, len, advice);
	ret = generic_fadvise(file, offset, len, advice);
	ra_call_exit(&call, 0);
	return ret;
}

/* The replacements: count the task in and out around all that may sleep. */
static void replace_sync_ra(struct readahead_control *ractl, unsigned long req)
{
	proxy_hook_enter();
	sync_ra(ractl, req);
	proxy_hook_leave();
}

static void replace_async_ra(struct readahead_control *ractl, struct folio *folio,
			     unsigned long req)
{
	proxy_hook_enter();
	async_ra(ractl, folio, req);
	proxy_hook_leave();
}

static vm_fault_t replace_fault(struct vm_fault *vmf)
{
	vm_fault_t ret;

	proxy_hook_enter();
	ret = ra_fault(vmf);
	proxy_hook_leave();
	return ret;
}

static int replace_fadvise(struct file *file, loff_t offset, loff_t len, int advice)
{
	int ret;

	proxy_hook_enter();
	ret = fadvise(file, offset, len, advice);
	proxy_hook_leave();
	return ret;
}

static struct proxy_hook hooks[] = {
	PROXY_HOOK(page_cache_sync_ra, replace_sync_ra),
	PROXY_HOOK(page_cache_async_ra, replace_async_ra),
	PROXY_HOOK(filemap_fault, replace_fault),
	PROXY_HOOK(generic_fadvise, replace_fadvise),
};

/**
 * ra_hooks_init() - proxy_hooks_init() for the functions of this file
 *
 * Context: may sleep. Return: as that.
 */
int ra_hooks_init(void)
{
	ra_congested_init();
	return proxy_hooks_init(hooks, ARRAY_SIZE(hooks));
}
