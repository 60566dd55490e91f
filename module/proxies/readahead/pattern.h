/* SPDX-License-Identifier: GPL-2.0-only */
/* Prefetching of backward and strided reads. */
#ifndef _MLPROXY_RA_PATTERN_H
#define _MLPROXY_RA_PATTERN_H

#include <linux/pagemap.h>

struct ra_call;
struct ra_file;

#define RA_MAX_PIECES	64	/* of a strided prefetch */

/* What a call looks like beside those before it. */
enum ra_pattern {
	RA_PAT_OTHER,
	RA_PAT_STRIDE,	/* the distance from the last one repeats */
	RA_PAT_BACK,	/* directly before the last one */
};

/**
 * struct ra_plan - what the pattern prefetcher reads
 * @first: first page of the first piece
 * @delta: distance of the pieces, in pages
 * @pages: pages of a piece
 * @pieces: number of pieces; 0 for no plan
 * @mark: piece that has a page marked "read on"; @pieces or more for none
 * @mark_page: which page of it
 */
struct ra_plan {
	pgoff_t first;
	long delta;
	u32 pages;
	u32 pieces;
	u32 mark;
	u32 mark_page;
};

enum ra_pattern ra_pattern_observe(struct ra_file *f, struct ra_call *call, pgoff_t end);
void ra_pattern_read(const struct ra_plan *plan, struct readahead_control *ractl, pgoff_t end);

#endif /* _MLPROXY_RA_PATTERN_H */
