/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The outer experiment: which arm a unit, an entity or all alike, is in now, and whether
 * what is paid now counts. Plain arithmetic, shared with the unit tests and the simulator.
 *
 * The inner experiment compares decisions by their own outcomes. What an action does later,
 * or to others, is no outcome of it. So units are held in an arm for some time: in one all
 * decisions are the baseline's, in the other they follow the policy, and what the system
 * pays for its work is compared. The begin of a period is not counted (washout), since what
 * went before still works on.
 *
 * Periods come in pairs, and a pair that is in the experiment has one of each arm, in an
 * order that is drawn (a crossover design): so a unit is compared with itself, and with how
 * things are now. Entities differ, and loads change, by far more than policies do.
 *
 * The arm is a hash of a secret, the unit and the number of the pair, so that nothing is
 * kept. Entities begin their periods at times of their own, so that not all change at once.
 */
#ifndef _MLPROXY_OUTER_H
#define _MLPROXY_OUTER_H

#include "split.h"

#define OUTER_DEFAULT_HOLD_NS	5000000000ULL
#define OUTER_MIN_HOLD_NS	1000000ULL
#define OUTER_MAX_HOLD_NS	3600000000000ULL
#define OUTER_WASHOUT(hold_ns)	((hold_ns) / 5 * 2)	/* by default */
#define OUTER_MAX_COST		0x10000000000ULL	/* of one report */

/* Not of the unit's hash as it is for the inner experiment. */
#define OUTER_SALT		0x6f75746572ULL

/* Pairs in the experiment during the ramp, and in recommendation mode in doubt, of 65536. */
#define OUTER_RAMP_SHARE	(MLPROXY_SHARE_ONE / 4)
#define OUTER_DOUBT_SHARE	(MLPROXY_SHARE_ONE / 2)

/**
 * struct outer_draw - how units are drawn
 * @seed: secret
 * @hold_ns: length of a period, not 0
 * @entity: periods are an entity's own
 * @share: share of pairs of periods that are in the experiment, of 65536
 */
struct outer_draw {
	u64 seed;
	u64 hold_ns;
	bool entity;
	u32 share;
};

/**
 * outer_is_block() - is the model's arm what the inner experiment makes of it
 * @mode: MLPROXY_MODE_*
 * @ramp: in the ramp of collaboration mode
 *
 * In learning and collaboration mode all decisions of a unit in the model's arm follow the
 * policy. In the ramp and in recommendation mode, where nearly all do so anyway, they are
 * drawn as those of units in no arm.
 */
static inline bool outer_is_block(u32 mode, bool ramp)
{
	return ramp || mode == MLPROXY_MODE_RECOMMENDATION;
}

/**
 * outer_share() - share of pairs that are in the experiment
 * @share: that of the mode, of 65536
 * @ramp: in the ramp of collaboration mode
 * @doubt: the policy is recommended, and seems to cost more
 *
 * Within a pair nothing depends on it, so it may change at any time. Return: of 65536; 0
 * where @share is.
 */
static inline u32 outer_share(u32 share, bool ramp, bool doubt)
{
	if (ramp && share)
		return OUTER_RAMP_SHARE;
	return doubt && share && share < OUTER_DOUBT_SHARE ? OUTER_DOUBT_SHARE : share;
}

/**
 * struct outer_place - where a unit is
 * @arm: MLPROXY_ARM_*, MLPROXY_ARM_NONE if it is in neither
 * @group: of pairs, 0 to 63
 * @into_ns: since the period's begin
 */
struct outer_place {
	u8 arm;
	u8 group;
	u64 into_ns;
};

/**
 * outer_place() - where a unit is now
 * @draw: how units are drawn
 * @key: the entity; ignored where all are alike
 * @now_ns: clock
 *
 * Over the seeds each unit is in either arm for half of @draw->share. Context: any.
 */
static inline struct outer_place outer_place(const struct outer_draw *draw, u64 key, u64 now_ns)
{
	u64 seed = draw->seed ^ OUTER_SALT, unit = 0, period, r;
	struct outer_place place = { .arm = MLPROXY_ARM_NONE };

	if (draw->entity) {
		unit = mix64(seed ^ mix64(key));
		/* a time of its own to begin */
		now_ns += (unit >> 48) * draw->hold_ns >> 16;
	}
	period = now_ns / draw->hold_ns;
	place.into_ns = now_ns - period * draw->hold_ns;
	r = mix64(seed + mix64(unit ^ period >> 1));
	place.group = split_group(r);
	if (r >> 48 < draw->share)
		place.arm = (period ^ r >> 8) & 1 ? MLPROXY_ARM_MODEL : MLPROXY_ARM_BASELINE;
	return place;
}

/**
 * outer_prob() - probability of an action, with that of its unit's arm
 * @inner: under the inner experiment, in units of 2^-31
 * @base: share of units that are the baseline's, of 65536
 * @model: share of units that follow the policy
 * @is_base: is it the baseline's action
 * @is_model: is it the policy's
 *
 * Over all actions it is 1, as @inner is, but for what is rounded off: less than 2^-31 for
 * each. Return: in units of 2^-31.
 */
static inline u32 outer_prob(u32 inner, u32 base, u32 model, bool is_base, bool is_model)
{
	u64 rest = MLPROXY_SHARE_ONE - base - model;

	return (u32)(inner * rest >> 16) + (is_base ? base << 15 : 0) +
	       (is_model ? model << 15 : 0);
}

#endif /* _MLPROXY_OUTER_H */
