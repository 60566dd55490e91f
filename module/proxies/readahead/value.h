/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an epoch was worth: plain arithmetic, shared with the unit tests.
 *
 * An epoch's time says little of its action: what is computed in it, is computed on pages
 * that epochs before have read; and what it reads is used later. So an epoch is worth the
 * pages that it brought and that are used, sooner or later (use.c), less what they cost the
 * others (rent.c), and each of them is worth the time that is computed on a page of this
 * file. The reward is the share of that time in log2, of it and of what was waited:
 *
 *	r = log2(t u / (t u + s))
 *
 * with t the time computed on a page, u the pages, s the time waited. Between actions in one
 * file only s / u differs, the time waited for a page used; t has the file's scale. Being a
 * logarithm, a doubling of the speed counts the same wherever it happens.
 *
 * Logarithms hide a few that lose much behind many that gain little. So the ledger has the
 * same in units that add up: what the kernel would have waited for the pages, less what was.
 */
#ifndef _MLPROXY_RA_VALUE_H
#define _MLPROXY_RA_VALUE_H

#include "../../shared/log2.h"
#include "../../shared/port.h"

#define RA_VALUE_ONE	16	/* page */
#define RA_VALUE_LEAST	(RA_VALUE_ONE / 4)
#define RA_VALUE_MOST	(65536 * RA_VALUE_ONE)
/* Epochs that the time on a page, and what the kernel waits for one, are the mean of. */
#define RA_VALUE_EPOCHS	16
/* Less time than this says nothing. */
#define RA_VALUE_MIN_NS	20000

/**
 * struct ra_value - what the pages of a file are worth, of its last epochs
 * @think: time computed, in 256 ns
 * @used: pages used, in 1/RA_VALUE_ONE
 * @kernel_stall: time waited under the kernel's own choice, in 256 ns
 * @kernel_used: pages used that it brought, in 1/RA_VALUE_ONE
 */
struct ra_value {
	u32 think;
	u32 used;
	u32 kernel_stall;
	u32 kernel_used;
};

/**
 * ra_value_pages() - pages that an epoch was worth
 * @asked: pages that were asked for
 * @read: pages that were read, with those
 * @use: share of the others that is used, Q8
 * @rent: what a page that is read costs others, in pages, Q8; those that were asked for are
 *	read under every action, and pay none
 *
 * Return: pages in 1/RA_VALUE_ONE, RA_VALUE_LEAST and up.
 */
static inline u32 ra_value_pages(u64 asked, u64 read, u32 use, u32 rent)
{
	u64 ahead = read > asked ? read - asked : 0;
	s64 pages = asked * RA_VALUE_ONE +
		    (s64)ahead * ((s64)use - (s64)rent) * RA_VALUE_ONE / 256;

	if (pages < RA_VALUE_LEAST)
		return RA_VALUE_LEAST;
	return pages < RA_VALUE_MOST ? pages : RA_VALUE_MOST;
}

/**
 * ra_value_log() - the reward
 * @v: of the file, before this epoch is counted in it
 * @pages: from ra_value_pages()
 * @think_ns: time computed in the epoch, which counts if nothing is known of the file
 * @stall_ns: time waited in it
 *
 * Return: log2 in Q8, 0 or less.
 */
static inline s64 ra_value_log(const struct ra_value *v, u32 pages, u64 think_ns, u64 stall_ns)
{
	u64 worth_ns = v->used ? ((u64)v->think * pages / v->used) << 8 : think_ns;

	return log2_share_q8(worth_ns, worth_ns + stall_ns);
}

/**
 * ra_value_saved() - the ledger
 * @v: of the file
 * @pages: from ra_value_pages()
 * @stall_ns: time waited
 *
 * Return: microseconds; 0 while nothing is known of the kernel's choice in this file.
 */
static inline s64 ra_value_saved(const struct ra_value *v, u32 pages, u64 stall_ns)
{
	if (!v->kernel_used)
		return 0;
	return ((s64)(((u64)v->kernel_stall * pages / v->kernel_used) << 8) - (s64)stall_ns) /
	       1000;
}

static inline u32 ra_value_mean(u32 sum, u64 x)
{
	u64 next = (u64)sum - sum / RA_VALUE_EPOCHS + x;

	return next < (u32)-1 ? next : (u32)-1;
}

/**
 * ra_value_learn() - count an epoch
 * @v: of the file
 * @pages: from ra_value_pages()
 * @think_ns: time computed
 * @stall_ns: time waited
 * @kernel: under the kernel's own choice
 */
static inline void ra_value_learn(struct ra_value *v, u32 pages, u64 think_ns, u64 stall_ns,
				  bool kernel)
{
	v->think = ra_value_mean(v->think, think_ns >> 8);
	v->used = ra_value_mean(v->used, pages);
	if (!kernel)
		return;
	v->kernel_stall = ra_value_mean(v->kernel_stall, stall_ns >> 8);
	v->kernel_used = ra_value_mean(v->kernel_used, pages);
}

#endif /* _MLPROXY_RA_VALUE_H */
