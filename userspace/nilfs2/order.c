// SPDX-License-Identifier: GPL-2.0-only
/*
 * In what order one cleaning call has the blocks written.
 */
#include <errno.h>
#include <string.h>

#include "order.h"

const char *const order_names[NR_ORDERS] = {
	[ORDER_DISK] = "disk", [ORDER_AGE] = "age", [ORDER_LIFE] = "life",
};

/* a run of blocks with the same file and checkpoint */
struct group {
	size_t first, nr;
	unsigned int class;
	uint64_t ino, cno;
};

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_place(const void *a, const void *b)
{
	const struct nilfs_vdesc *x = a, *y = b;

	return compare(x->vd_blocknr, y->vd_blocknr);
}

static int by_group(const void *a, const void *b)
{
	const struct nilfs_vdesc *x = a, *y = b;

	return compare(x->vd_ino, y->vd_ino) ?: compare(x->vd_cno, y->vd_cno) ?: by_place(a, b);
}

/* Backwards: the kernel begins with the last one. */
static int by_class(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return compare(x->class, y->class) ?: compare(y->ino, x->ino) ?:
	       compare(y->cno, x->cno);
}

static unsigned int octave(uint64_t v)
{
	return v ? 64 - __builtin_clzll(v) : 0;
}

static unsigned int class_of(const struct nilfs_vdesc *v, size_t nr, enum order order,
			     uint64_t now, const struct life_table *life)
{
	uint64_t age, sum = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		age = now > v[i].vd_period.p_start ? now - v[i].vd_period.p_start : 0;
		if (order == ORDER_LIFE)
			age = life_remaining(life, v->vd_ino, age);
		sum += octave(age);
	}
	return sum / nr;
}

static size_t find_groups(const struct nilfs_vdesc *v, size_t nr, struct group *g)
{
	size_t i, groups = 0;

	for (i = 0; i < nr; i++) {
		if (!i || v[i].vd_ino != v[i - 1].vd_ino || v[i].vd_cno != v[i - 1].vd_cno)
			g[groups++] = (struct group) {
				.first = i, .ino = v[i].vd_ino, .cno = v[i].vd_cno,
			};
		g[groups - 1].nr++;
	}
	return groups;
}

int order_blocks(struct nilfs_vdesc *v, size_t nr, enum order order, uint64_t now,
		 const struct life_table *life)
{
	struct nilfs_vdesc *sorted = NULL;
	struct group *g = NULL;
	size_t i, groups, at = 0;
	int ret = 0;

	if (!nr)
		return 0;
	if (order == ORDER_DISK)
		goto place;
	sorted = malloc(nr * sizeof(*sorted));
	g = malloc(nr * sizeof(*g));
	if (!sorted || !g) {
		ret = -ENOMEM;
		goto place;
	}
	qsort(v, nr, sizeof(*v), by_group);
	groups = find_groups(v, nr, g);
	for (i = 0; i < groups; i++)
		g[i].class = class_of(v + g[i].first, g[i].nr, order, now, life);
	qsort(g, groups, sizeof(*g), by_class);
	for (i = 0; i < groups; at += g[i++].nr)
		memcpy(sorted + at, v + g[i].first, g[i].nr * sizeof(*v));
	memcpy(v, sorted, nr * sizeof(*v));
	goto out;
place:
	qsort(v, nr, sizeof(*v), by_place);
out:
	free(g);
	free(sorted);
	return ret;
}
