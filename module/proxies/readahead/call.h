/* SPDX-License-Identifier: GPL-2.0-only */
/* One call of a hooked function. */
#ifndef _MLPROXY_RA_CALL_H
#define _MLPROXY_RA_CALL_H

#include <linux/pagemap.h>

#include "action.h"
#include "order.h"
#include "pattern.h"
#include "use.h"

struct ra_file;
struct ra_target;
struct ra_task;

/* What is filled in where it is used: kernels that clear the stack would do so on each miss. */
#if __has_attribute(__uninitialized__)
#define ra_filled_in __attribute__((__uninitialized__))
#else
#define ra_filled_in
#endif

enum ra_kind {
	RA_SYNC,	/* read() missed the cache */
	RA_ASYNC,	/* somebody reached a page marked "read on" */
	RA_FAULT,	/* page fault that missed the cache */
	/* Those from here on are no misses: their time is accounted for, no more. */
	RA_FAULT_HIT,	/* page fault on a cached page, or retried */
	RA_WILLNEED,	/* the application reads ahead itself */
};

/**
 * struct ra_call - one call of a hooked function, on the hook's stack
 * @kind: why
 * @index: page that is missing or marked; of RA_WILLNEED the first one
 * @req: pages asked for
 * @locked: it holds a lock that it can't let go: nothing may be submitted for it but what the
 *	original does
 * @in_fault: it is a page fault, or within one
 * @action: what to do, an &enum ra_action
 * @window_pages: window of @action, where it has one
 * @plan: for RA_PATTERN_*, what to read; pieces is 0 to leave it to the kernel
 * @distance: from the last read, or from the last one of its stream, in pages
 * @in_stream: it went on with a stream that is prefetched
 * @grown: &ra_file.grown, before this call
 * @opened: the first read() of an open file
 * @watch: pages of it that are watched for their use
 * @own: order of the task in the file, NULL unless several tasks read it by turns
 * @reach: pages below @index that were read with it
 * @task: time of the task, NULL if the table was full
 * @outer: @task is there, and the call is not within another hooked one
 * @target: device
 * @entry: file; NULL if it is left alone
 * @dev: of the file, since @entry may be another's after the call
 * @generation: the same
 * @ino: the same
 * @enter_ns: local clock
 * @read_bytes: bytes read by the task before the call
 */
struct ra_call {
	enum ra_kind kind;
	pgoff_t index;
	unsigned long req;
	bool locked;
	bool in_fault;
	enum ra_action action;
	unsigned long window_pages;
	struct ra_plan plan;
	u32 distance;
	bool in_stream;
	bool grown;
	bool opened;
	struct ra_watch watch;
	struct ra_order *own;
	unsigned long reach;
	struct ra_task *task;
	bool outer;
	struct ra_target *target;
	struct ra_file *entry;
	u32 dev;
	u32 generation;
	u64 ino;
	u64 enter_ns;
	u64 read_bytes;
};

/**
 * ra_mapping_end() - the last page of a file
 * @mapping: its page cache; the file is not empty
 */
static inline pgoff_t ra_mapping_end(struct address_space *mapping)
{
	return (i_size_read(mapping->host) - 1) >> PAGE_SHIFT;
}

void ra_call_advised(void);
bool ra_call_enter(struct ra_call *call, struct file *file, struct address_space *mapping);
void ra_call_exit(struct ra_call *call, pgoff_t expected);

/**
 * ra_call_init() - what the hook says of a call; the rest is ra_call_enter()'s
 * @call: the call. It is not cleared: every miss would pay for that
 * @kind: why
 * @index: page that is missing or marked
 * @req: pages asked for
 */
static inline void ra_call_init(struct ra_call *call, enum ra_kind kind, pgoff_t index,
				unsigned long req)
{
	call->kind = kind;
	call->index = index;
	call->req = req;
	call->locked = false;
}

/**
 * ra_is_fault() - is a call a page fault
 * @call: the call
 *
 * Return: true if so, whether the page was cached or not.
 */
static inline bool ra_is_fault(const struct ra_call *call)
{
	return call->kind == RA_FAULT || call->kind == RA_FAULT_HIT;
}

/**
 * ra_is_miss() - does a call count for the epoch, or only its time
 * @call: the call
 */
static inline bool ra_is_miss(const struct ra_call *call)
{
	return call->kind < RA_FAULT_HIT;
}

#endif /* _MLPROXY_RA_CALL_H */
