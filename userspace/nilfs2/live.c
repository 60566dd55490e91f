// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which blocks of a segment must be kept.
 */
#include "live.h"

/* Is there a snapshot in [start, end)? */
static bool in_snapshot(uint64_t start, uint64_t end, const struct live_view *view)
{
	size_t low = 0, high = view->nr_snapshots;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (view->snapshots[mid] < start)
			low = mid + 1;
		else
			high = mid;
	}
	return low < view->nr_snapshots && view->snapshots[low] < end;
}

bool live_block(const struct nilfs_vdesc *v, const struct live_view *view)
{
	const struct nilfs_period *p = &v->vd_period;

	if (p->p_end == NILFS_CNO_MAX)
		return true;
	/*
	 * The files of checkpoints and of segments are in no checkpoint. Were old blocks of
	 * them kept, two would have the same place in one file, and the kernel refuses that.
	 */
	if (v->vd_cno == 0)
		return false;
	return p->p_end > view->protect || in_snapshot(p->p_start, p->p_end, view);
}

static int compare_periods(const void *a, const void *b)
{
	const struct nilfs_period *x = a, *y = b;

	return x->p_start < y->p_start ? -1 : x->p_start > y->p_start;
}

size_t live_unify_periods(struct nilfs_period *p, size_t nr)
{
	size_t i, left = 0;

	if (!nr)
		return 0;
	qsort(p, nr, sizeof(*p), compare_periods);
	for (i = 1; i < nr; i++) {
		if (p[i].p_start > p[left].p_end)
			p[++left] = p[i];
		else if (p[i].p_end > p[left].p_end)
			p[left].p_end = p[i].p_end;
	}
	return left + 1;
}
