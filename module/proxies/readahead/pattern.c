// SPDX-License-Identifier: GPL-2.0-only
/*
 * Backward and strided reads, which the kernel does not look for.
 *
 * Two equal distances between misses, or three misses each directly before the
 * last, start a stream: it is prefetched a bounded depth ahead, one page of it
 * marked so that the reader comes by here before it runs dry. A read that does
 * not fit ends the stream, and the kernel's own readahead goes on. Page faults
 * are left to the kernel, which reads around them.
 */
#include <linux/blkdev.h>

#include "readahead.h"

static unsigned int depth_pages(enum ra_action action)
{
	switch (action) {
	case RA_PATTERN_128K:
		return (128 * 1024) >> PAGE_SHIFT;
	case RA_PATTERN_1M:
		return (1024 * 1024) >> PAGE_SHIFT;
	default:
		return 0;
	}
}

static unsigned int stride_pieces(const struct ra_stream *s, unsigned int depth)
{
	return clamp_t(unsigned int, depth / max(s->req, 1U), 2, RA_MAX_PIECES);
}

/* Does a miss continue the stream being followed? */
static bool miss_continues(const struct ra_stream *s, pgoff_t index, unsigned long req)
{
	long off;

	if (s->backward)
		return index < s->frontier && index + req + 1 >= s->frontier;
	off = (long)(index - s->frontier);
	return off % s->delta == 0 && abs(off / s->delta) <= RA_MAX_PIECES;
}

static bool mark_continues(const struct ra_stream *s, pgoff_t index, unsigned int depth)
{
	if (s->backward)
		return index >= s->frontier && index - s->frontier <= 2UL * depth;
	return abs((long)(s->frontier - index)) <= abs(s->delta) * (RA_MAX_PIECES + 1L);
}

/* Follow the distances of misses that belong to no stream yet. */
static enum ra_pattern miss_learn(struct ra_file *f, pgoff_t index, unsigned long req)
{
	struct ra_stream *s = &f->stream;
	long delta = (long)index - (long)f->recent[0];

	if (!f->nr_recent)
		return RA_PAT_OTHER;
	if (delta < 0 && (unsigned long)-delta <= req + 1)
		s->backward_run = min(s->backward_run + 1, 100);
	else
		s->backward_run = 0;
	if (delta && delta == s->delta)
		s->repeats = min(s->repeats + 1, 100);
	else
		s->repeats = 0;
	s->delta = delta;
	s->req = min_t(unsigned long, req, RA_MAX_PIECES);
	if (s->backward_run)
		return RA_PAT_BACK;
	/* Forward without a gap is what the kernel knows best. */
	if (s->repeats && (delta < 0 || delta > (long)req))
		return RA_PAT_STRIDE;
	return RA_PAT_OTHER;
}

/* Keep the pieces within the file. */
static void plan_stride(struct ra_stream *s, pgoff_t first, unsigned int pieces, pgoff_t end,
			struct ra_plan *plan)
{
	long room = s->delta > 0 ? (long)(end - first) : (long)first;

	if (first > end || room < 0) {
		s->active = false;
		return;
	}
	pieces = min_t(long, pieces, room / abs(s->delta) + 1);
	plan->first = first;
	plan->delta = s->delta;
	plan->pages = s->req;
	plan->pieces = pieces;
	plan->mark_page = 0;
	s->frontier = first + s->delta * (long)pieces;
	if (s->delta < 0 && (long)s->frontier < 0)
		s->active = false;
}

static void plan_backward(struct ra_stream *s, pgoff_t below, pgoff_t top, unsigned int depth,
			  struct ra_plan *plan)
{
	pgoff_t low = below > depth ? below - depth : 0;

	plan->first = low;
	plan->delta = 0;
	plan->pages = top - low;
	plan->pieces = low < top;
	plan->mark = 0;
	s->frontier = low;
	if (!low)
		s->active = false;
}

static enum ra_pattern observe_mark(struct ra_stream *s, pgoff_t index, unsigned int depth,
				    pgoff_t end, struct ra_plan *plan)
{
	enum ra_pattern pattern = s->backward ? RA_PAT_BACK : RA_PAT_STRIDE;

	if (!s->active || !depth || !mark_continues(s, index, depth))
		return RA_PAT_OTHER;
	/* Half of the depth is still ahead: add the other half, marked first. */
	if (s->backward) {
		plan_backward(s, s->frontier, s->frontier, depth / 2, plan);
		plan->mark_page = plan->pages - 1;
	} else {
		plan_stride(s, s->frontier, stride_pieces(s, depth) / 2, end, plan);
		plan->mark = 0;
	}
	return pattern;
}

static enum ra_pattern observe_miss(struct ra_file *f, pgoff_t index, unsigned long req,
				    unsigned int depth, pgoff_t end, struct ra_plan *plan)
{
	struct ra_stream *s = &f->stream;
	enum ra_pattern pattern;

	if (s->active && depth && miss_continues(s, index, req)) {
		pattern = s->backward ? RA_PAT_BACK : RA_PAT_STRIDE;
	} else {
		s->active = false;
		pattern = miss_learn(f, index, req);
		s->backward = s->backward_run >= 2;
		if (!depth || req > RA_MAX_PIECES || (!s->backward && pattern != RA_PAT_STRIDE))
			return pattern;
		s->active = true;
	}
	if (s->backward) {
		plan_backward(s, index, min_t(pgoff_t, index + req, end + 1), depth, plan);
		plan->mark_page = (index - plan->first) / 2;
	} else {
		plan_stride(s, index, stride_pieces(s, depth) + 1, end, plan);
		plan->mark = plan->pieces / 2;
	}
	return pattern;
}

/**
 * ra_pattern_observe() - see a read, and plan what to prefetch
 * @f: file, locked, with its action decided
 * @call: the read
 * @end: last page of the file
 * @plan: out: what to read instead of the kernel; no pieces if nothing
 *
 * Return: what the read looks like.
 */
enum ra_pattern ra_pattern_observe(struct ra_file *f, const struct ra_call *call, pgoff_t end,
				   struct ra_plan *plan)
{
	unsigned int depth = depth_pages(f->action);

	plan->pieces = 0;
	switch (call->kind) {
	case RA_SYNC:
		return observe_miss(f, call->index, call->req, depth, end, plan);
	case RA_ASYNC:
		return observe_mark(&f->stream, call->index, depth, end, plan);
	case RA_FAULT:
		f->stream.active = false;
		return miss_learn(f, call->index, 1);
	default:
		return RA_PAT_OTHER;
	}
}

/**
 * ra_pattern_read() - read what was planned
 * @plan: the plan
 * @ractl: what the kernel gave to the hooked function
 * @end: last page of the file
 *
 * Pages beyond the end are not read. Context: may sleep, as the hooked function.
 */
void ra_pattern_read(const struct ra_plan *plan, struct readahead_control *ractl, pgoff_t end)
{
	/* The kernel's own state of its readahead stays as it is. */
	struct file_ra_state scratch = *ractl->ra;
	struct blk_plug plug;
	unsigned int i;

	blk_start_plug(&plug);
	for (i = 0; i < plan->pieces; i++) {
		pgoff_t first = plan->first + plan->delta * (long)i;
		unsigned long pages, mark = 0;
		DEFINE_READAHEAD(piece, ractl->file, &scratch, ractl->mapping, first);

		if (first > end)
			continue;
		pages = min_t(unsigned long, plan->pages, end - first + 1);
		if (i == plan->mark && plan->mark_page < pages)
			mark = pages - plan->mark_page;
		page_cache_ra_unbounded(&piece, pages, mark);
	}
	blk_finish_plug(&plug);
	atomic64_inc(&ra_counters.prefetched);
}
