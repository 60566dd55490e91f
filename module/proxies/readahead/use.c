// SPDX-License-Identifier: GPL-2.0-only
/*
 * Was a page that was read ahead used later? One in some tens is watched for that, since an
 * outcome that ends with the epoch would not see it: pages around a fault are hits later, or
 * push out others in vain.
 *
 * Some of the pages that a call may read, beside those that were asked for, are chosen before
 * it reads. Those that were not cached then, and are afterwards, are marked "read on"
 * (PG_readahead). That mark is the kernel's own way to hear of the first use of a page: read()
 * stops at it, and a fault maps the pages around without it. So the first use comes to one of
 * the hooks, which finds the page among the file's samples, takes the mark off, and goes on as
 * if there had been none. What is not used for a second (use_ms), or is gone from the cache by
 * then, was read in vain. A mark that nobody knows any more, since its file has given way to
 * another one or the module was removed, makes the kernel read on once.
 *
 * The share that is used is that of the samples taken, but for those taken just now, which had
 * no time to be used: what counts a use at once and its absence later would begin with all.
 * It is known for each file and action. A mapped page that is watched costs its
 * user a fault of its own. So few are where much is known already, of the file or at least of
 * the device's others.
 */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/minmax.h>
#include <linux/pagemap.h>
#include <linux/sched/clock.h>
#include <linux/xarray.h>

#include "call.h"
#include "file.h"
#include "key.h"
#include "readahead.h"
#include "shared/mix64.h"
#include "target.h"
#include "use.h"

/* One in so many pages of a small window; of a large one RA_USE_A_CALL at all. */
#define RA_USE_PAGES	4
#define RA_AUDIT_MS	100
/* Of the time that a page may take to be used: a sample is young. */
#define RA_USE_YOUNG	8
/* Known well: so many. Then one in so many calls is watched, and one page of it. */
#define RA_USE_KNOWN	32
#define RA_USE_SELDOM	32
#define RA_USE_OFTEN	8
#define RA_USE_MOST	(2 * RA_USE_KNOWN)
/* So many calls in a row that read nothing of what was chosen: fewer are tried. */
#define RA_USE_VAIN	8
/* A file counts the device's other files as so many pages of its own. */
#define RA_USE_PRIOR	4

static u16 in_ms(u64 ns)
{
	return ns >> 20;
}

/**
 * ra_use_room() - how many samples a call may take
 * @f: its file, locked
 * @target: its device
 *
 * Return: 0 to RA_USE_A_CALL.
 */
u8 ra_use_room(struct ra_file *f, const struct ra_target *target)
{
	struct ra_use *use = &f->use;
	unsigned int one_in, room = RA_USE_SAMPLES - use->nr;

	if (use->share[f->action].of >= RA_USE_KNOWN)
		one_in = RA_USE_SELDOM;
	else if (READ_ONCE(target->use[f->action].of) >= RA_USE_KNOWN ||
		 use->vain >= RA_USE_VAIN)
		one_in = RA_USE_OFTEN;
	else
		return min(room, RA_USE_A_CALL);
	return use->calls++ % one_in ? 0 : min(room, 1);
}

static u64 sieve_bit(u32 index)
{
	return BIT_ULL(hash_32(index, 6));
}

static bool is_cached(struct address_space *mapping, u32 index)
{
	struct folio *folio;

	rcu_read_lock();
	folio = xa_load(&mapping->i_pages, index);
	rcu_read_unlock();
	return folio && !xa_is_value(folio);
}

/* Of the first @nr chosen? */
static bool is_among(const struct ra_call *call, unsigned int nr, u32 index)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (call->watch.index[i] == index)
			return true;
	return false;
}

/* The nth of all its pieces in a row. */
static pgoff_t planned_page(const struct ra_plan *plan, u32 n)
{
	return plan->first + plan->delta * (long)(n / plan->pages) + n % plan->pages;
}

/* Where what a call reads begins, beside a fault's window. A mark's request is the window. */
static pgoff_t first_read(const struct ra_call *call)
{
	return call->index + (call->kind == RA_ASYNC && call->in_fault ? 1 : call->req);
}

static bool is_asked(const struct ra_call *call, pgoff_t index)
{
	return index == call->index ||
	       (call->kind != RA_ASYNC && index >= call->index && index - call->index < call->req);
}

/**
 * ra_use_choose() - choose pages that a call may read
 * @call: the call, with its window and room
 * @mapping: page cache of its file
 *
 * Of what is planned; else around a fault, or from what was asked for on, as far as two windows:
 * marks lie within the last one. A small window has fewer samples. Context: task context.
 */
void ra_use_choose(struct ra_call *call, struct address_space *mapping)
{
	u64 pages = call->plan.pieces ? (u64)call->plan.pieces * call->plan.pages :
					call->window_pages;
	u64 nr = min_t(u64, call->watch.room, pages / RA_USE_PAGES), random = call->enter_ns;
	pgoff_t first = first_read(call), end = ra_mapping_end(mapping);

	call->watch.nr = 0;
	if (call->kind == RA_FAULT)
		first = call->index - min_t(u64, call->index, pages / 2);
	else if (!call->plan.pieces)
		pages *= 2;
	if (!call->plan.pieces)
		pages = first > end ? 0 : min_t(u64, pages, end - first + 1);
	while (nr-- && pages) {
		u32 n = ((u64)(u32)mix64_next(&random) * pages) >> 32;
		pgoff_t index = call->plan.pieces ? planned_page(&call->plan, n) : first + n;

		if (index <= U32_MAX && !is_asked(call, index) &&
		    !is_among(call, call->watch.nr, index) && !is_cached(mapping, index))
			call->watch.index[call->watch.nr++] = index;
	}
}

/* The bit is another one while a folio is written back, and soon will be if it is dirty. */
static bool has_mark_bit(struct folio *folio)
{
	return !folio_test_writeback(folio) && !folio_test_dirty(folio);
}

/* It has no mark, nothing of it was asked for, and nobody has used it by now. */
static bool may_be_marked(struct folio *folio, const struct ra_call *call)
{
	return has_mark_bit(folio) && !folio_test_readahead(folio) &&
	       !folio_test_referenced(folio) && !folio_mapped(folio) &&
	       (folio->index > call->index || folio_next_index(folio) <= call->index);
}

/**
 * ra_use_find() - which of the pages chosen were read, and are not marked yet
 * @call: the call
 * @mapping: page cache of its file, in use by the caller
 *
 * Context: task context.
 */
void ra_use_find(struct ra_call *call, struct address_space *mapping)
{
	unsigned int i, nr = 0;

	for (i = 0; i < call->watch.nr; i++) {
		struct folio *folio = filemap_get_folio(mapping, call->watch.index[i]);

		if (IS_ERR_OR_NULL(folio))
			continue;
		if (may_be_marked(folio, call) && !is_among(call, nr, folio->index))
			call->watch.index[nr++] = folio->index;
		folio_put(folio);
	}
	call->watch.nr = nr;
}

/**
 * ra_use_mark() - mark the samples of a call
 * @call: the call, after ra_call_exit()
 * @mapping: page cache of its file, in use by the caller
 *
 * Context: task context.
 */
void ra_use_mark(const struct ra_call *call, struct address_space *mapping)
{
	unsigned int i;

	for (i = 0; i < call->watch.nr; i++) {
		struct folio *folio = filemap_get_folio(mapping, call->watch.index[i]);

		if (IS_ERR_OR_NULL(folio))
			continue;
		if (has_mark_bit(folio))
			folio_set_readahead(folio);
		folio_put(folio);
	}
}

/*
 * Files that share a device write there as they come: it is but a guess for new ones, and a
 * count may be lost.
 */
static void count_taken(struct ra_use_share *share)
{
	u8 of = READ_ONCE(share->of);

	if (of >= RA_USE_MOST) {
		of /= 2;
		WRITE_ONCE(share->used, READ_ONCE(share->used) / 2);
	}
	WRITE_ONCE(share->of, of + 1);
}

static void count_used(struct ra_use_share *share)
{
	u8 used = READ_ONCE(share->used);

	if (used < READ_ONCE(share->of))
		WRITE_ONCE(share->used, used + 1);
}

static void resolve(struct ra_file *f, struct ra_target *target, unsigned int i, bool used)
{
	struct ra_use *use = &f->use;

	if (used) {
		count_used(&use->share[use->action[i]]);
		if (target)
			count_used(&target->use[use->action[i]]);
		this_cpu_inc(ra_counters.used);
	} else {
		this_cpu_inc(ra_counters.unused);
	}
	use->nr--;
	use->index[i] = use->index[use->nr];
	use->when_ms[i] = use->when_ms[use->nr];
	use->action[i] = use->action[use->nr];
}

/* Without those that are none any more. */
static void make_sieve(struct ra_use *use)
{
	u64 sieve = 0;
	unsigned int i;

	for (i = 0; i < use->nr; i++)
		sieve |= sieve_bit(use->index[i]);
	WRITE_ONCE(use->sieve, sieve);
}

static int find(const struct ra_use *use, u32 index)
{
	int i;

	for (i = 0; i < use->nr; i++)
		if (use->index[i] == index)
			return i;
	return -1;
}

/**
 * ra_use_take() - take over the samples of a call that has read
 * @f: its file, locked
 * @call: the call; those that there is no place for are none any more
 *
 * A page that is a sample already has been evicted since, or another call has chosen it, too.
 */
void ra_use_take(struct ra_file *f, struct ra_call *call)
{
	struct ra_use *use = &f->use;
	u16 now_ms = in_ms(local_clock());
	unsigned int i, nr = 0;
	int at;

	if (call->watch.room)
		use->vain = call->watch.nr ? 0 : min(use->vain + 1, RA_USE_VAIN);
	for (i = 0; i < call->watch.nr; i++) {
		u32 index = call->watch.index[i];

		at = find(use, index);
		if (at < 0 && use->nr >= RA_USE_SAMPLES)
			continue;
		if (at < 0) {
			at = use->nr++;
			use->index[at] = index;
			use->action[at] = call->action;
			WRITE_ONCE(use->sieve, use->sieve | sieve_bit(index));
			count_taken(&use->share[call->action]);
			count_taken(&call->target->use[call->action]);
			this_cpu_inc(ra_counters.sampled);
		}
		use->when_ms[at] = now_ms;
		call->watch.index[nr++] = index;
	}
	call->watch.nr = nr;
}

/**
 * ra_use_touch() - somebody came to a page that is marked "read on"
 * @mapping: its page cache, in use by the caller
 * @folio: that it is in, referenced by the caller
 *
 * Context: task context, no lock of the table held.
 * Return: true if it was a sample: then the mark is off, and meant nothing.
 */
bool ra_use_touch(struct address_space *mapping, struct folio *folio)
{
	struct inode *inode = mapping->host;
	pgoff_t index = folio->index;
	struct ra_file *f;
	u32 dev, generation;
	int i;

	if (!inode || !inode->i_sb || index > U32_MAX || folio_test_writeback(folio))
		return false;
	dev = ra_file_dev(inode);
	generation = inode->i_generation;
	f = ra_file_find(dev, inode->i_ino, generation);
	smp_rmb(); /* the mark before the sieve, which was written before */
	/* most marks are the kernel's own */
	if (!f || !(READ_ONCE(f->use.sieve) & sieve_bit(index)) ||
	    !ra_file_lock(f, dev, inode->i_ino, generation))
		return false;
	i = find(&f->use, index);
	if (i >= 0) {
		u16 age_ms = in_ms(local_clock()) - f->use.when_ms[i];

		resolve(f, ra_target_known(inode->i_sb->s_dev), i, age_ms <= READ_ONCE(ra_use_ms));
		make_sieve(&f->use);
		/* With the sample: whoever comes next finds neither. */
		folio_clear_readahead(folio);
	}
	ra_file_unlock(f);
	return i >= 0;
}

/* Nobody would know the mark any more. */
static void unmark(struct address_space *mapping, u32 index)
{
	struct folio *folio = filemap_get_folio(mapping, index);

	if (IS_ERR_OR_NULL(folio))
		return;
	if (!folio_test_writeback(folio))
		folio_clear_readahead(folio);
	folio_put(folio);
}

/* Return: how many are none any more, but cached: @late. */
static unsigned int resolve_unused(struct ra_file *f, struct address_space *mapping, u32 *late)
{
	struct ra_use *use = &f->use;
	u16 now_ms = in_ms(local_clock());
	unsigned int i = 0, nr = 0;

	while (i < use->nr) {
		bool cached = is_cached(mapping, use->index[i]);

		if (cached && (u16)(now_ms - use->when_ms[i]) <= READ_ONCE(ra_use_ms)) {
			i++;
			continue;
		}
		if (cached)
			late[nr++] = use->index[i];
		resolve(f, NULL, i, false);
	}
	make_sieve(use);
	return nr;
}

static noinline void audit(struct ra_file *f, const struct ra_call *call,
			   struct address_space *mapping)
{
	u32 late[RA_USE_SAMPLES];
	unsigned int nr;

	if (!ra_file_trylock(f, call->dev, call->ino, call->generation))
		return;
	f->use.audited_ms = in_ms(call->enter_ns);
	nr = resolve_unused(f, mapping, late);
	ra_file_unlock(f);
	while (nr--)
		unmark(mapping, late[nr]);
}

/**
 * ra_use_audit() - look after the samples of a file, now and then
 * @f: entry of the file, not locked
 * @call: a call of it
 * @mapping: its page cache
 *
 * Context: task context, may sleep.
 */
void ra_use_audit(struct ra_file *f, const struct ra_call *call, struct address_space *mapping)
{
	u16 since_ms = in_ms(call->enter_ns) - READ_ONCE(f->use.audited_ms);

	/* Here for what there is to clear on its stack: each miss comes by. */
	if (READ_ONCE(f->use.nr) && since_ms >= RA_AUDIT_MS)
		audit(f, call, mapping);
}

/**
 * ra_use_guess() - what is known of an action's use counts as a guess from now on
 * @share: the samples
 */
void ra_use_guess(struct ra_use_share *share)
{
	while (share->of > RA_USE_PRIOR) {
		share->of /= 2;
		share->used /= 2;
	}
}

/**
 * ra_use_doubt() - the reads of a file have changed, or it is seen afresh
 * @f: file, locked
 *
 * What is known of it counts as a guess from now on.
 */
void ra_use_doubt(struct ra_file *f)
{
	unsigned int i;

	for (i = 0; i < RA_NR_ACTIONS; i++)
		ra_use_guess(&f->use.share[i]);
}

/* Samples of the action in force that had no time to be used. */
static unsigned int young(const struct ra_use *use, u8 action)
{
	u16 now_ms = in_ms(local_clock()), limit_ms = READ_ONCE(ra_use_ms) / RA_USE_YOUNG;
	unsigned int i, nr = 0;

	for (i = 0; i < use->nr; i++)
		nr += use->action[i] == action && (u16)(now_ms - use->when_ms[i]) <= limit_ms;
	return nr;
}

/**
 * ra_use_of() - the share of the pages that a file's action reads ahead that is used
 * @f: file, locked
 * @target: its device
 *
 * Return: share, Q8: 0 to 256.
 */
u32 ra_use_of(const struct ra_file *f, const struct ra_target *target)
{
	const struct ra_use_share *own = &f->use.share[f->action];
	const struct ra_use_share *all = &target->use[f->action];
	u32 guess = (READ_ONCE(all->used) + 1) * 256 / (READ_ONCE(all->of) + 2);
	u32 of = own->of - min_t(u32, young(&f->use, f->action), own->of - own->used);

	return min((own->used * 256 + RA_USE_PRIOR * guess) / (of + RA_USE_PRIOR), 256U);
}
