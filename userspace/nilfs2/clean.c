// SPDX-License-Identifier: GPL-2.0-only
/*
 * One step of the cleaner: look, decide, clean.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "batch.h"

/* A segment with less alive than this part of it is as good as empty. */
#define EMPTY_PART	16
/* Segments looked at in a step: while cleaning, in an emergency, and while idle. */
#define LOOK		32
#define LOOK_URGENT	128
#define LOOK_IDLE	8
/* More candidates than needed: some turn out to be protected, or fuller than was known. */
#define SPARE		16
/* Clean segments that copies leave alone: others write meanwhile. */
#define KEEP		2

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* Reads and writes that the device has done, 0 if unknown. */
static uint64_t device_ios(const struct fs *fs)
{
	unsigned long long reads = 0, writes = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/stat", major(fs->devno),
		 minor(fs->devno));
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%llu %*u %*u %*u %llu", &reads, &writes) != 2)
		reads = writes = 0;
	fclose(f);
	return reads + writes;
}

static struct policy_view judge(const struct cleaner *c, bool emergency)
{
	uint32_t least = (uint64_t)c->fs.blocks_per_segment * c->min_reclaimable / 100;

	return (struct policy_view) {
		.now = time(NULL),
		.protect_seconds = c->protect_seconds,
		.blocks_per_segment = c->fs.blocks_per_segment,
		.min_reclaimable = !emergency ? least :
				   (c->fs.blocks_per_segment + 63) / 64,
	};
}

/* What will die within the time in which a sixteenth of the segments is written is worth a wait. */
static void set_horizon(struct cleaner *c)
{
	uint64_t cnos = c->fs.checkpoints.cs_cno - c->last.cno0;
	uint64_t written = c->last.written ? c->last.written : 1;

	if (cnos > UINT32_MAX)
		cnos = UINT32_MAX;
	c->survey.horizon = cnos * (c->fs.nr_segments / 16 + 1) / written;
}

static int view(struct cleaner *c)
{
	uint64_t now = time(NULL);

	fs_view_free(&c->survey.view);
	return fs_view(&c->fs, now > c->protect_seconds ? now - c->protect_seconds : 0,
		       &c->survey.view);
}

/* Adds one candidate; what cannot be cleaned now is passed over. */
static int try_segment(struct cleaner *c, struct batch *b, struct segment *seg,
		       const struct policy_view *pv, bool *protected)
{
	int ret = survey_segment(&c->survey, &c->fs, seg);

	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	if (!policy_eligible(seg, pv))
		return 0;
	/* recovery may need it */
	if ((int64_t)(seg->seq - c->fs.stat.ss_prot_seq) >= 0) {
		*protected = true;
		return 0;
	}
	ret = batch_add(b, &c->survey, seg->num);
	return ret == -ENOSPC ? 0 : ret;
}

static int fill(struct cleaner *c, struct batch *b, const struct policy *policy,
		unsigned int segments, bool emergency, bool *protected)
{
	struct policy_view pv = judge(c, emergency);
	size_t best[CLEAN_MOST + SPARE], i, nr;
	uint64_t clean = c->fs.stat.ss_ncleansegs;
	int ret;

	b->room = clean > KEEP ? (clean - KEEP) * c->fs.blocks_per_segment / 4 * 3 : 0;
	nr = policy_rank(c->fs.segments, c->fs.nr_segments, policy, &pv, best,
			 segments + SPARE);
	for (i = 0; i < nr && b->nr < segments; i++) {
		ret = try_segment(c, b, &c->fs.segments[best[i]], &pv, protected);
		if (ret)
			return ret;
	}
	return 0;
}

static int call(struct cleaner *c, struct batch *b)
{
	uint64_t copies = batch_copies(b), freed;
	unsigned int i;

	if (order_blocks(b->live.at, b->live.nr, c->order, c->survey.view.now,
			 &c->survey.life))
		fprintf(stderr, "no memory to put blocks in order\n");
	b->periods.nr = live_unify_periods(b->periods.at, b->periods.nr);
	if (*c->stop)
		return -EINTR;
	if (nilfs_clean_segments(c->fs.nilfs, b->live.at, b->live.nr, b->periods.at,
				 b->periods.nr, (__u64 *)b->dead.at, b->dead.nr, b->dat.at,
				 b->dat.nr, (__u64 *)b->nums, b->nr) < 0)
		return -errno;

	freed = (uint64_t)b->nr * c->fs.blocks_per_segment;
	freed -= copies < freed ? copies : freed;
	for (i = 0; i < b->nr; i++)
		c->fs.segments[b->nums[i]].reclaimable = false;
	c->totals.calls++;
	c->totals.segments += b->nr;
	c->totals.copied += copies;
	c->totals.freed += freed;
	if (c->verbose)
		printf("segments=%u copied=%" PRIu64 " freed=%" PRIu64 " clean=%" PRIu64 "\n",
		       b->nr, copies, freed, (uint64_t)c->fs.stat.ss_ncleansegs);
	return b->nr;
}

/*
 * Looks at the victims once more, and has them cleaned, with no other cleaner in between: what
 * was read before the lock was taken does not count. Return: how many, or an error.
 */
static int clean_locked(struct cleaner *c, const struct policy *policy, unsigned int segments,
			bool emergency, bool *protected)
{
	struct batch b = {};
	int ret;

	ret = lock_take(&c->lock, &c->fs, c->stop);
	if (ret)
		return ret;
	ret = fs_update(&c->fs) ?: view(c) ?:
	      fill(c, &b, policy, segments, emergency, protected);
	if (!ret && b.nr)
		ret = call(c, &b);
	lock_drop(&c->lock, &c->fs);
	batch_free(&b);
	return ret;
}

static int clean(struct cleaner *c, const struct policy *policy, unsigned int segments,
		 bool emergency)
{
	bool protected = false;
	int ret;

	if (segments > CLEAN_MOST)
		segments = CLEAN_MOST;
	for (;;) {
		ret = clean_locked(c, policy, segments, emergency, &protected);
		if (!ret && protected) {
			ret = fs_push_cursor(&c->fs) ?:
			      clean_locked(c, policy, segments, emergency, &protected);
		}
		/* too much for memory or space: less may do */
		if ((ret != -ENOMEM && ret != -ENOSPC) || segments == 1)
			break;
		segments /= 2;
	}
	switch (ret) {
	case -EAGAIN:	/* a snapshot came or went */
	case -EBUSY:	/* the same, between the look and the call */
	case -EINTR:
		return 0;
	case -ENOMEM:
	case -ENOSPC:
		fprintf(stderr, "%s: cannot clean a segment now: %s\n", c->fs.dir,
			strerror(-ret));
		return 0;
	}
	if (ret < 0)
		fprintf(stderr, "%s: cannot clean: %s\n", c->fs.dir, strerror(-ret));
	return ret;
}

/* Of 1000, what is alive in the best segment by each policy. */
static void best_live(const struct cleaner *c, const struct policy_view *pv, uint32_t *live)
{
	size_t i, best;

	for (i = 0; i < NR_POLICIES; i++) {
		live[i] = 1000;
		if (policy_rank(c->fs.segments, c->fs.nr_segments, &policies[i], pv, &best, 1))
			live[i] = segment_live(&c->fs.segments[best]) * 1000ULL /
				  c->fs.blocks_per_segment;
	}
}

static void look_around(struct cleaner *c, struct pace_view *v, uint64_t ms)
{
	uint64_t clean = c->fs.stat.ss_ncleansegs, ios = device_ios(&c->fs);

	*v = (struct pace_view) { .clean = clean };
	if (c->last.ms) {
		v->elapsed_ms = ms - c->last.ms;
		v->written = c->last.clean > clean ? c->last.clean - clean : 0;
		v->idle = ios && ios == c->last.ios;
	} else {
		c->last.cno0 = c->fs.checkpoints.cs_cno;
	}
	c->last.written += v->written;
}

int clean_step(struct cleaner *c, uint32_t *wait_ms)
{
	struct decide_context context = { .limits = &c->limits };
	struct clean_totals before = c->totals;
	const struct policy *policy;
	uint64_t ms = now_ms();
	struct policy_view pv;
	struct pace_plan plan;
	struct pace_view v;
	unsigned int look;
	int ret;

	*wait_ms = c->limits.interval_ms;
	ret = fs_update(&c->fs);
	if (ret)
		return ret;
	look_around(c, &v, ms);
	set_horizon(c);
	pv = judge(c, false);
	best_live(c, &pv, context.best_live);
	v.best_is_empty = context.best_live[POLICY_GREEDY] < 1000 / EMPTY_PART;
	plan = pace_plan(&c->pace, &c->limits, &v);

	look = plan.emergency ? LOOK_URGENT : plan.segments ? LOOK : v.idle ? LOOK_IDLE : 0;
	if (look) {
		pv = judge(c, plan.emergency);
		ret = view(c);
		/* a snapshot that comes just now: the next step sees it */
		if (ret == -EAGAIN)
			return 0;
		ret = ret ?: survey_some(&c->survey, &c->fs, &pv, look);
		if (ret)
			return ret;
		best_live(c, &pv, context.best_live);
	}
	context.pace = &v;
	context.nr_segments = c->fs.nr_segments;
	policy = decide(&c->decider, &context, &plan);
	if (plan.segments) {
		ret = clean(c, policy, plan.segments, plan.emergency);
		if (ret < 0)
			return ret;
		c->totals.emergencies += plan.emergency;
		/* nothing to be had: do not spin */
		if (!ret && !plan.wait_ms)
			plan.wait_ms = c->limits.interval_ms;
	}
	decide_outcome(&c->decider, c->totals.copied - before.copied,
		       c->totals.freed - before.freed);
	*wait_ms = plan.wait_ms;

	ret = nilfs_get_sustat(c->fs.nilfs, &c->fs.stat) ? -errno : 0;
	c->last.ms = ms;
	c->last.clean = c->fs.stat.ss_ncleansegs;
	c->last.ios = device_ios(&c->fs);
	return ret;
}

int clean_now(struct cleaner *c, unsigned int segments)
{
	struct policy_view pv = judge(c, false);
	int ret;

	ret = fs_update(&c->fs) ?: view(c);
	if (!ret && c->decider.policy->counts)
		ret = survey_some(&c->survey, &c->fs, &pv, c->fs.nr_segments > 4096 ? 4096 :
				  c->fs.nr_segments);
	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	return clean(c, c->decider.policy, segments, false);
}

void clean_free(struct cleaner *c)
{
	fs_view_free(&c->survey.view);
	fs_blocks_free(&c->survey.scratch);
}
