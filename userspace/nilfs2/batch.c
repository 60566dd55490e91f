// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one call of NILFS_IOCTL_CLEAN_SEGMENTS is given.
 */
#include <errno.h>

#include "batch.h"

static int add_virtual(struct batch *b, const struct nilfs_vdesc *v, bool live)
{
	struct nilfs_vdesc *copy;
	struct nilfs_period *p;
	uint64_t *dead;

	if (live) {
		copy = vec_add(&b->live);
		if (!copy)
			return -ENOMEM;
		*copy = *v;
		copy->vd_pad = 0;
		return 0;
	}
	dead = vec_add(&b->dead);
	if (!dead)
		return -ENOMEM;
	*dead = v->vd_vblocknr;
	/* the files of checkpoints and segments are in no checkpoint */
	if (!v->vd_cno)
		return 0;
	p = vec_add(&b->periods);
	if (!p)
		return -ENOMEM;
	*p = v->vd_period;
	return 0;
}

static int add_blocks(struct batch *b, const struct survey *s)
{
	struct nilfs_bdesc *dat;
	size_t i;
	int ret;

	for (i = 0; i < s->scratch.v.nr; i++) {
		const struct nilfs_vdesc *v = &s->scratch.v.at[i];

		ret = add_virtual(b, v, live_block(v, &s->view));
		if (ret)
			return ret;
	}
	for (i = 0; i < s->scratch.b.nr; i++) {
		if (!live_dat_block(&s->scratch.b.at[i]))
			continue;
		dat = vec_add(&b->dat);
		if (!dat)
			return -ENOMEM;
		*dat = s->scratch.b.at[i];
	}
	return batch_copies(b) > b->room ? -ENOSPC : 0;
}

int batch_add(struct batch *b, const struct survey *s, uint64_t num)
{
	size_t live = b->live.nr, dat = b->dat.nr, dead = b->dead.nr, periods = b->periods.nr;
	int ret;

	if (b->nr == CLEAN_MOST)
		return -ENOSPC;
	ret = add_blocks(b, s);
	if (ret) {
		b->live.nr = live;
		b->dat.nr = dat;
		b->dead.nr = dead;
		b->periods.nr = periods;
		return ret;
	}
	b->nums[b->nr++] = num;
	return 0;
}

void batch_free(struct batch *b)
{
	vec_free(&b->live);
	vec_free(&b->dat);
	vec_free(&b->dead);
	vec_free(&b->periods);
	b->nr = 0;
}
