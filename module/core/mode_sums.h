/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a CPU counts for the mode machine, and how looks take it over.
 *
 * A CPU adds outcomes to sums of its own; a look adds what is new in them to the totals
 * of all. Neither waits for the other. The CPU says which groups changed, so that a look
 * costs what happened, not what there is; the look keeps what it has seen of the CPU, and
 * takes the difference.
 *
 * The sums are those of one experiment, whose number stands beside them: with the first
 * outcome of a newer one they begin at 0. What was not taken over until then, and what an
 * older experiment adds later, is never counted for another one.
 *
 * Also compiled in user space for the unit tests, with stand-ins for the kernel's headers.
 */
#ifndef _MLPROXY_MODE_SUMS_H
#define _MLPROXY_MODE_SUMS_H

#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/seqlock.h>

#include "efficiency.h"

/* Times that the arms of a CPU are read while it counts, before it is left for later. */
#define MODE_SUMS_READS		16

/**
 * struct mode_seen - what looks have taken over of a CPU's sums
 * @experiment: of these
 * @known: groups in @sums, by arm, bit mask; the others are not initialised
 * @strata_known: those of @sums are initialised
 * @sums: as they were then
 */
struct mode_seen {
	u32 experiment;
	u64 known[MLPROXY_NR_ARMS];
	bool strata_known;
	struct eff_sums sums;
};

/**
 * struct mode_sums - outcomes of one experiment, counted by one CPU
 * @seq: of @experiment and @sums.arm
 * @experiment: whose
 * @changed: groups in @sums that changed since a look took them, by arm, bit mask; the CPU
 *	sets bits, looks clear them
 * @sums: since the CPU's first outcome of it
 * @seen: of looks, by the lock of these
 *
 * All 0 at first, but for @seq; numbers of experiments are not 0.
 */
struct mode_sums {
	seqcount_t seq;
	u32 experiment;
	u64 changed[MLPROXY_NR_ARMS];
	struct eff_sums sums;
	struct mode_seen seen ____cacheline_aligned_in_smp;
};

/**
 * mode_sums_begin() - begin to count in an experiment; mode_sums_end() has to follow
 * @s: of this CPU, interrupts off
 * @experiment: of the decision
 *
 * Return: false if the CPU has counted in a newer one: nothing is begun.
 */
static inline bool mode_sums_begin(struct mode_sums *s, u32 experiment)
{
	bool another = s->experiment != experiment;

	if (unlikely(another) && (s32)(experiment - s->experiment) < 0)
		return false;
	raw_write_seqcount_begin(&s->seq);
	if (unlikely(another)) {
		memset(&s->sums, 0, sizeof(s->sums));
		WRITE_ONCE(s->experiment, experiment);
	}
	return true;
}

/** mode_sums_end() - what was begun is counted. Context: as mode_sums_begin() */
static inline void mode_sums_end(struct mode_sums *s)
{
	raw_write_seqcount_end(&s->seq);
}

/*
 * A group changed. After the sums, by the barrier in mode_sums_end(). A look that clears the
 * bits meanwhile may find some of them set again, but none of them lost.
 */
static inline void mode_sums_changed(struct mode_sums *s, u32 arm, u32 group)
{
	WRITE_ONCE(s->changed[arm], READ_ONCE(s->changed[arm]) | 1ULL << group);
}

/**
 * mode_sums_add() - count an outcome
 * @s: of this CPU, interrupts off
 * @experiment: of the decision
 * @arm: below MLPROXY_NR_ARMS
 * @group: as for eff_add()
 * @reward: within s32
 */
static inline void mode_sums_add(struct mode_sums *s, u32 experiment, u32 arm, u32 group,
				 s64 reward)
{
	if (!mode_sums_begin(s, experiment))
		return;
	eff_add(&s->sums, arm, group, reward);
	mode_sums_end(s);
	if (group < EFF_CLUSTERS)
		mode_sums_changed(s, arm, group);
}

/**
 * mode_sums_add_stratum() - count an outcome in its context, beside mode_sums_add()
 * @s: of this CPU, interrupts off
 * @experiment: of the decision
 * @arm: below MLPROXY_NR_ARMS
 * @stratum: below EFF_MAX_STRATA
 * @reward: within s32
 */
static inline void mode_sums_add_stratum(struct mode_sums *s, u32 experiment, u32 arm,
					 u32 stratum, s64 reward)
{
	if (!mode_sums_begin(s, experiment))
		return;
	eff_add_stratum(&s->sums, arm, stratum, reward);
	mode_sums_end(s);
}

/**
 * mode_sums_add_cost() - count what was paid
 * @s: of this CPU, of costs alone, interrupts off
 * @experiment: number of the outer experiment
 * @arm: below MLPROXY_NR_ARMS
 * @group: of pairs, below EFF_CLUSTERS
 * @cost: what was paid
 * @work: for what
 */
static inline void mode_sums_add_cost(struct mode_sums *s, u32 experiment, u32 arm, u32 group,
				      u64 cost, u64 work)
{
	if (!mode_sums_begin(s, experiment))
		return;
	eff_add_cost(&s->sums, arm, group, cost, work);
	mode_sums_end(s);
	mode_sums_changed(s, arm, group);
}

/** mode_sums_lose() - count an outcome that never comes; as mode_sums_add() */
static inline void mode_sums_lose(struct mode_sums *s, u32 experiment, u32 arm)
{
	if (!mode_sums_begin(s, experiment))
		return;
	s->sums.arm[arm].lost++;
	mode_sums_end(s);
}

/*
 * The arms of a CPU as they were at one time, and of which experiment.
 * Return: false if it counts all the time.
 */
static inline bool mode_sums_read(const struct mode_sums *s, u32 *experiment,
				  struct eff_arm arms[MLPROXY_NR_ARMS])
{
	unsigned int reads, seq;

	for (reads = 0; reads < MODE_SUMS_READS; reads++) {
		seq = raw_read_seqcount(&s->seq);
		*experiment = READ_ONCE(s->experiment);
		memcpy(arms, s->sums.arm, sizeof(s->sums.arm));
		if (!(seq & 1) && !read_seqcount_retry(&s->seq, seq))
			return true;
		cpu_relax();
	}
	return false;
}

/* Of an arm, by context. Return: false if that can't be read, or the experiment is over. */
static inline bool mode_sums_read_strata(const struct mode_sums *s, u32 experiment,
					 unsigned int arm, u32 strata, struct eff_arm *now)
{
	unsigned int reads, seq;
	u32 whose;

	for (reads = 0; reads < MODE_SUMS_READS; reads++) {
		seq = raw_read_seqcount(&s->seq);
		whose = READ_ONCE(s->experiment);
		memcpy(now, s->sums.stratum[arm], strata * sizeof(*now));
		if (!(seq & 1) && !read_seqcount_retry(&s->seq, seq))
			return whose == experiment;
		cpu_relax();
	}
	return false;
}

/**
 * mode_take_arm() - take over what is new in an arm
 * @total: to add it to
 * @seen: in and out: of it, taken before
 * @now: as it is
 */
static inline void mode_take_arm(struct eff_arm *total, struct eff_arm *seen,
				 const struct eff_arm *now)
{
	__uint128_t squares = (__uint128_t)total->sq_hi << 64 | total->sq_lo;

	if (now->n == seen->n && now->lost == seen->lost)
		return;
	squares += (__uint128_t)now->sq_hi << 64 | now->sq_lo;
	squares -= (__uint128_t)seen->sq_hi << 64 | seen->sq_lo;
	total->sq_lo = (u64)squares;
	total->sq_hi = (u64)(squares >> 64);
	total->n += now->n - seen->n;
	total->sum = (s64)((u64)total->sum + (u64)now->sum - (u64)seen->sum);
	total->lost += now->lost - seen->lost;
	*seen = *now;
}

/**
 * mode_take_groups() - take over what is new in an arm's groups
 * @total: to add it to
 * @seen: in and out: of them, taken before
 * @known: in and out: groups in @seen, bit mask; the others count as 0
 * @now: as they are; a CPU may be adding to them
 * @changed: which to look at, bit mask
 *
 * Of an outcome that is being added, n may be taken now and the sum with the next look.
 * Return: how many groups.
 */
static inline unsigned int mode_take_groups(struct eff_group *total, struct eff_group *seen,
					    u64 *known, const struct eff_group *now,
					    u64 changed)
{
	u64 left, n, sum;
	unsigned int g;

	for (left = changed; left; left &= left - 1) {
		g = __builtin_ctzll(left);
		n = READ_ONCE(now[g].n);
		sum = (u64)READ_ONCE(now[g].sum);
		total[g].n += n;
		total[g].sum = (s64)((u64)total[g].sum + sum);
		if (*known >> g & 1) {
			total[g].n -= seen[g].n;
			total[g].sum = (s64)((u64)total[g].sum - (u64)seen[g].sum);
		}
		seen[g].n = n;
		seen[g].sum = (s64)sum;
	}
	*known |= changed;
	return (unsigned int)hweight64(changed);
}

/**
 * mode_sums_take() - take over what a CPU counted
 * @s: of any CPU
 * @experiment: that runs; nothing else is taken
 * @total: to add it to
 * @units: in and out: work done, in groups
 *
 * The running experiment doesn't change meanwhile. Return: false if the CPU counts all the
 * time: nothing was taken.
 */
static inline bool mode_sums_take(struct mode_sums *s, u32 experiment, struct eff_sums *total,
				  unsigned int *units)
{
	struct eff_arm now[MLPROXY_NR_ARMS];
	struct mode_seen *seen = &s->seen;
	unsigned int arm;
	u32 whose;
	u64 changed;

	if (!mode_sums_read(s, &whose, now))
		return false;
	if (whose != experiment)
		return true;
	if (seen->experiment != experiment) {
		seen->experiment = experiment;
		memset(seen->known, 0, sizeof(seen->known));
		memset(seen->sums.arm, 0, sizeof(seen->sums.arm));
		seen->strata_known = false;
	}
	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
		mode_take_arm(&total->arm[arm], &seen->sums.arm[arm], &now[arm]);
		if (!READ_ONCE(s->changed[arm]))
			continue;
		/* Before the groups are read, so that what is added to one later is kept. */
		changed = xchg(&s->changed[arm], 0);
		*units += mode_take_groups(total->group[arm], seen->sums.group[arm],
					   &seen->known[arm], s->sums.group[arm], changed);
	}
	return true;
}

/**
 * mode_sums_take_strata() - take over what a CPU counted by context
 * @s: of any CPU, after mode_sums_take()
 * @experiment: that runs; nothing else is taken
 * @strata: contexts, at most EFF_MAX_STRATA
 * @total: to add it to
 *
 * Return: false if the CPU counts all the time: some of it is left for later.
 */
static inline bool mode_sums_take_strata(struct mode_sums *s, u32 experiment, u32 strata,
					 struct eff_sums *total)
{
	struct eff_arm now[EFF_MAX_STRATA];
	struct mode_seen *seen = &s->seen;
	unsigned int arm, k;

	if (seen->experiment != experiment)
		return true;
	if (!seen->strata_known)
		memset(seen->sums.stratum, 0, sizeof(seen->sums.stratum));
	seen->strata_known = true;
	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
		if (!mode_sums_read_strata(s, experiment, arm, strata, now))
			return false;
		for (k = 0; k < strata; k++)
			mode_take_arm(&total->stratum[arm][k], &seen->sums.stratum[arm][k],
				      &now[k]);
	}
	return true;
}

#endif /* _MLPROXY_MODE_SUMS_H */
