// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counting live blocks, by dry runs.
 */
#include <errno.h>
#include <stdio.h>

#include "survey.h"

static void count_block(struct survey *s, struct segment *seg, const struct nilfs_vdesc *v,
			uint64_t counted_before)
{
	const struct nilfs_period *p = &v->vd_period;
	uint64_t age;

	/* dead or alive: its number is another block's */
	if (v->vd_pad == FS_ELSEWHERE)
		seg->refused = true;
	if (live_block(v, &s->view)) {
		seg->live++;
		age = s->view.now > p->p_start ? s->view.now - p->p_start : 0;
		if (p->p_end == NILFS_CNO_MAX &&
		    life_remaining(&s->life, v->vd_ino, age) < s->horizon)
			seg->soon++;
	}
	/* each death is learned from once */
	if (p->p_end != NILFS_CNO_MAX && p->p_end >= counted_before && p->p_end >= p->p_start)
		life_died(&s->life, v->vd_ino, p->p_end - p->p_start);
}

static int refuse(struct fs *fs, struct segment *seg, const char *why)
{
	if (!seg->refused)
		fprintf(stderr, "%s: segment %llu is left alone: %s\n", fs->device,
			(unsigned long long)seg->num, why);
	seg->refused = true;
	return -EAGAIN;
}

int survey_segment(struct survey *s, struct fs *fs, struct segment *seg)
{
	uint64_t before = seg->counted, seq = 0;
	size_t i;
	int ret;

	s->scratch.v.nr = s->scratch.b.nr = 0;
	ret = fs_collect(fs, seg->num, &s->scratch, &seq);
	if (ret == -EILSEQ)
		return refuse(fs, seg, "a log in it is damaged");
	if (ret == -EAGAIN)
		seg->reclaimable = false;
	if (ret)
		return ret;
	ret = fs_lookup(fs, &s->scratch);
	if (ret == -ENOENT)
		return refuse(fs, seg, "the file system does not know its blocks");
	if (ret)
		return ret;

	seg->seq = seq;
	seg->live = seg->soon = 0;
	for (i = 0; i < s->scratch.v.nr; i++)
		count_block(s, seg, &s->scratch.v.at[i], before);
	for (i = 0; i < s->scratch.b.nr; i++)
		seg->live += live_dat_block(&s->scratch.b.at[i]);
	seg->counted = s->view.now;
	if (seg->refused) {
		seg->refused = false;
		return refuse(fs, seg, "the file system has blocks of it elsewhere");
	}
	return 0;
}

/* The one to look at next: not counted before all counted ones, then the oldest count. */
static struct segment *next(struct survey *s, struct fs *fs, const struct policy_view *policy)
{
	struct segment *seg, *found = NULL;
	uint64_t i;

	for (i = 0; i < fs->nr_segments; i++) {
		seg = &fs->segments[i];
		/* a full one that was counted may have died since */
		if (!seg->counted && !policy_eligible(seg, policy))
			continue;
		if (!seg->reclaimable || seg->refused || seg->counted >= s->view.now)
			continue;
		if (!found || seg->counted < found->counted)
			found = seg;
	}
	return found;
}

int survey_some(struct survey *s, struct fs *fs, const struct policy_view *policy,
		unsigned int most)
{
	struct segment *seg;
	int ret;

	while (most--) {
		seg = next(s, fs, policy);
		if (!seg)
			break;
		ret = survey_segment(s, fs, seg);
		if (ret && ret != -EAGAIN)
			return ret;
	}
	return 0;
}
