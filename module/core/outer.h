/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The outer experiment: which arm a unit, an entity or all alike, is in now, and whether
 * what is paid now counts. Plain arithmetic, shared with the unit tests and the simulator.
 *
 * The inner experiment compares decisions by their own outcomes. What an action does later,
 * or to others, is no outcome of it. So units are drawn for one of two arms and held there
 * for some time: in one all decisions are the baseline's, in the other they follow the
 * policy, and what the system pays for its work is compared. A unit that has changed its
 * arm is not counted at first (washout), since what went before still works on.
 *
 * The arm is mix64() of a secret, the unit and the number of its period, so that nothing
 * is kept. Entities begin their periods at times of their own, so that not all change at
 * once. Periods that all share are few, so their arms are balanced, as in split.h.
 */
#ifndef _MLPROXY_OUTER_H
#define _MLPROXY_OUTER_H

#include "split.h"

#define OUTER_DEFAULT_HOLD_NS	5000000000ULL
#define OUTER_MIN_HOLD_NS	1000000ULL
#define OUTER_MAX_HOLD_NS	3600000000000ULL
#define OUTER_GROUPS		64	/* of units' periods, see efficiency.h */

#endif /* _MLPROXY_OUTER_H */
