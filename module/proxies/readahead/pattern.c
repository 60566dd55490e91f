// SPDX-License-Identifier: GPL-2.0-only
/*
 * Backward and strided reads, which the kernel does not look for, by read() and by
 * page faults; several streams in one file.
 *
 * Three misses of one distance, or each directly below the one before, start a
 * stream; others may come between them. It is prefetched ahead of its reader, a little
 * at first and twice as far each time that the reader follows, up to the action's
 * depth. One page of what was prefetched is marked, so that the reader comes by here
 * before it runs dry. Forward reads without gaps are the kernel's, interleaved ones
 * too: it looks at the page cache for those.
 *
 * What bounds a wrong guess: a stream begins with a few pages; a file whose streams
 * are left at once starts no more for a while; and the device's budget (target.c).
 *
 * Places are kept in 32 bits: beyond 16 TiB a file has no streams.
 */
#include <linux/blkdev.h>

#include "call.h"
#include "congested.h"
#include "file.h"
#include "pattern.h"
#include "readahead.h"
#include "target.h"

#define RA_FIRST_BACKWARD	16	/* pages that a stream begins with */
#define RA_FIRST_PIECES		4
#define RA_MAX_USELESS		8	/* streams left at once, in a row */
#define RA_STREAM_AWAY_US	(2 << 20)	/* in 1024 ns: about two seconds */
#define RA_MAX_DELTA		(16 << 20)

/* Does @index lie directly below @upper, or below what was read around it? */
static bool is_below(const struct ra_order *o, u32 index, u32 upper, u32 req)
{
	u32 gap = upper - index;

	return gap - 1 <= req || (o->reach && gap - o->reach <= 2);
}

/* Is it below a recent miss; and that below another one, so that it is a stream? */
static bool learn_backward(const struct ra_order *o, u32 index, u32 req, bool *stream)
{
	unsigned int i, j;
	bool below = false;

	for (i = 0; i < o->nr_recent; i++) {
		if (!is_below(o, index, o->recent[i], req))
			continue;
		below = true;
		for (j = i + 1; j < o->nr_recent; j++)
			*stream |= is_below(o, o->recent[i], o->recent[j], req);
	}
	return below;
}

/* Their lowest bits, as a set: most misses have no order, and comparing all places costs. */
static u64 recent_set(const struct ra_order *o)
{
	unsigned int i;
	u64 set = 0;

	for (i = 0; i < o->nr_recent; i++)
		set |= BIT_ULL(o->recent[i] % 64);
	return set;
}

/* The distance to a recent miss that is the same as from that one to another. */
static s32 learn_stride(const struct ra_order *o, u32 index, u32 req)
{
	u64 set = recent_set(o);
	unsigned int i, j;

	for (i = 0; i < o->nr_recent; i++) {
		s32 delta = index - o->recent[i];

		if (!(set & BIT_ULL((o->recent[i] - delta) % 64)))
			continue;
		/* Forward without a gap is what the kernel knows best. */
		if (!delta || (delta > 0 && delta <= (s32)req) || abs(delta) > RA_MAX_DELTA)
			continue;
		for (j = i + 1; j < o->nr_recent; j++)
			if ((s32)(o->recent[i] - o->recent[j]) == delta)
				return delta;
	}
	return 0;
}

static bool miss_continues(const struct ra_stream *s, u32 index, u32 req)
{
	s32 off = index - s->frontier;

	if (!s->depth)
		return false;
	if (!s->delta)
		return off < 0 && (s32)(off + req + 1) >= 0;
	return off % s->delta == 0 && abs(off / s->delta) <= RA_MAX_PIECES;
}

static bool mark_continues(const struct ra_stream *s, u32 index)
{
	s32 off = index - s->frontier;

	if (!s->depth)
		return false;
	if (!s->delta)
		return off >= 0 && off <= 2 * s->depth;
	return off % s->delta == 0 && abs(off / s->delta) <= RA_MAX_PIECES + 1;
}

/* A task's own order is not told that the file was seen afresh. */
static bool is_old(const struct ra_stream *s, const struct ra_call *call)
{
	return (u32)(call->enter_ns >> 10) - s->used_us > RA_STREAM_AWAY_US;
}

static struct ra_stream *find_stream(struct ra_order *o, const struct ra_call *call, u32 req)
{
	unsigned int i;

	for (i = 0; i < RA_STREAMS; i++) {
		struct ra_stream *s = &o->streams[i];

		if (is_old(s, call))
			continue;
		if (call->kind == RA_ASYNC ? mark_continues(s, call->index) :
					     miss_continues(s, call->index, req))
			return s;
	}
	return NULL;
}

/* The one used least lately gives way. */
static struct ra_stream *new_stream(struct ra_file *f, struct ra_order *o)
{
	struct ra_stream *s = &o->streams[0];
	unsigned int i;

	for (i = 1; i < RA_STREAMS && s->depth; i++)
		if (!o->streams[i].depth || (s32)(o->streams[i].used_us - s->used_us) < 0)
			s = &o->streams[i];
	if (s->depth && !s->followed)
		f->useless++;
	memset(s, 0, sizeof(*s));
	return f->useless < RA_MAX_USELESS ? s : NULL;
}

static void follow(struct ra_file *f, struct ra_stream *s, unsigned int depth)
{
	if (!s->followed) {
		s->followed = true;
		f->useless /= 2;
	}
	s->depth = min(2U * s->depth, depth);
}

static unsigned int stride_pieces(const struct ra_stream *s)
{
	return clamp_t(unsigned int, s->depth / max_t(unsigned int, s->req, 1), 2, RA_MAX_PIECES);
}

/* Keep the pieces within the file. */
static void plan_stride(struct ra_stream *s, u32 first, unsigned int pieces, u32 end,
			struct ra_plan *plan)
{
	u32 room = s->delta > 0 ? end - first : first;

	if (first > end) {
		s->depth = 0;
		return;
	}
	pieces = min_t(u32, pieces, room / abs(s->delta) + 1);
	plan->first = first;
	plan->delta = s->delta;
	plan->pages = s->req;
	plan->pieces = pieces;
	plan->mark_page = 0;
	if (s->delta < 0 && first < (u32)pieces * -s->delta)
		s->depth = 0;
	s->frontier = first + s->delta * (s32)pieces;
}

static void plan_backward(struct ra_stream *s, u32 below, u32 top, unsigned int pages,
			  struct ra_plan *plan)
{
	u32 low = below > pages ? below - pages : 0;

	plan->first = low;
	plan->delta = 0;
	plan->pages = top - low;
	plan->pieces = low < top;
	plan->mark = 0;
	s->frontier = low;
	if (!low)
		s->depth = 0;
}

/* The reader has reached the mark, with half of the depth before it: add the rest. */
static void plan_mark(struct ra_stream *s, u32 end, struct ra_plan *plan)
{
	if (s->delta) {
		plan_stride(s, s->frontier, stride_pieces(s) / 2, end, plan);
		plan->mark = 0;
	} else {
		plan_backward(s, s->frontier, s->frontier, s->depth / 2, plan);
		plan->mark_page = plan->pages - 1;
	}
}

static void plan_miss(struct ra_stream *s, u32 index, u32 req, u32 end, struct ra_plan *plan)
{
	if (s->delta) {
		plan_stride(s, index, stride_pieces(s) + 1, end, plan);
		plan->mark = plan->pieces / 2;
	} else {
		plan_backward(s, index, min(index + req, end + 1), s->depth, plan);
		plan->mark_page = (index - plan->first) / 2;
	}
}

/* A miss of no known stream: is it the third of one? */
static struct ra_stream *start_stream(struct ra_file *f, struct ra_order *o,
				      const struct ra_call *call, u32 req, unsigned int depth,
				      enum ra_pattern *pattern)
{
	u32 index = call->index;
	bool backward = false;
	struct ra_stream *s;
	s32 delta;

	if (learn_backward(o, index, req, &backward)) {
		*pattern = RA_PAT_BACK;
		delta = 0;
		if (!backward)
			return NULL;
	} else {
		/*
		 * Where the last window ended a read goes on in order; a fault by chance, but
		 * that of a thread among many: the kernel's marks are not of its own stream.
		 */
		if ((call->kind == RA_SYNC || call->own) && index == o->expected)
			return NULL;
		delta = learn_stride(o, index, req);
		if (!delta)
			return NULL;
		*pattern = RA_PAT_STRIDE;
	}
	if (!depth || req > RA_MAX_PIECES)
		return NULL;
	s = new_stream(f, o);
	if (s) {
		s->delta = delta;
		s->req = req;
		s->depth = min(depth, delta ? RA_FIRST_PIECES * max(req, 1U) : RA_FIRST_BACKWARD);
	}
	return s;
}

/*
 * A stream that several tasks read by turns shows in the file's order; not that each of them
 * reads a part of it, which looks like a stride until their own orders are known.
 */
static bool in_turns(const struct ra_call *call)
{
	return call->own && call->own->nr_recent >= 2 &&
	       !ra_order_continues(call->own, call->index);
}

/**
 * ra_pattern_observe() - see a read, and plan what to prefetch
 * @f: file, locked, with its action decided
 * @call: the read; its plan and its distance from the last one are filled in
 * @end: last page of the file
 *
 * Return: what the read looks like.
 */
enum ra_pattern ra_pattern_observe(struct ra_file *f, struct ra_call *call, pgoff_t end)
{
	u32 index = call->index, req = call->kind == RA_FAULT ? 1 : min(call->req, 4096UL);
	unsigned int depth = ra_action_depth(f->action);
	struct ra_order *o = call->own ? call->own : &f->order;
	enum ra_pattern pattern = RA_PAT_OTHER;
	struct ra_stream *s = NULL;

	call->distance = o->nr_recent ? abs((s32)(index - o->recent[0])) : 0;
	call->in_stream = false;
	if (end > S32_MAX || !ra_is_miss(call))
		return RA_PAT_OTHER;
	if (depth)
		s = find_stream(o, call, req);
	if (!s && depth && call->own)
		s = find_stream(&f->order, call, req);
	if (s) {
		pattern = s->delta ? RA_PAT_STRIDE : RA_PAT_BACK;
		call->distance = s->delta ? abs(s->delta) : 1;
		call->in_stream = true;
		follow(f, s, depth);
	} else if (call->kind != RA_ASYNC) {
		s = start_stream(f, o, call, req, depth, &pattern);
		if (!s && pattern == RA_PAT_OTHER && in_turns(call))
			s = start_stream(f, &f->order, call, req, depth, &pattern);
	}
	if (!s)
		return pattern;
	s->used_us = call->enter_ns >> 10;
	if (call->kind == RA_ASYNC)
		plan_mark(s, end, &call->plan);
	else
		plan_miss(s, index, req, end, &call->plan);
	if (call->locked || ra_congested() ||
	    !ra_target_afford(call->target, call->plan.pieces * call->plan.pages)) {
		this_cpu_inc(ra_counters.refused);
		call->plan.pieces = 0;
		s->depth = 0;
	}
	return pattern;
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
	loff_t size = i_size_read(ractl->mapping->host);
	/* The kernel's own state of its readahead stays as it is. */
	struct file_ra_state scratch = *ractl->ra;
	struct blk_plug plug;
	unsigned int i;

	/* Cut since @end was looked at: to less, or to nothing. */
	if (!size)
		return;
	end = min_t(pgoff_t, end, (size - 1) >> PAGE_SHIFT);
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
	this_cpu_inc(ra_counters.prefetched);
}
