/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trust: the mode, and the logic that has earned it, in one word, so that no decision
 * sees the mode of one and the logic of another. Plain C, shared with the unit tests.
 *
 * A logic is what proposes actions: a source and the version that the source gives it.
 * One logic is tested at a time. What another one proposes was tested by nobody: it
 * gets no more than the share of learning mode, and its outcomes count for no arm.
 */
#ifndef _MLPROXY_TRUST_H
#define _MLPROXY_TRUST_H

#include "../shared/port.h"
#include <linux/mlproxy.h>

#define TRUST_LOGIC	0xffffffffffULL	/* version, and source above it */
#define TRUST_MODE_BIT	40
#define TRUST_FIXED	0x1000000000000ULL	/* by the operator, whatever proposes */
#define TRUST_RAMP	0x2000000000000ULL	/* collaboration mode with the ramp's share */
#define TRUST_DOUBT	0x4000000000000ULL	/* recommended, and seems to cost more */

/**
 * trust_logic() - the identity of what proposes an action
 * @source: MLPROXY_SRC_*
 * @version: as the source counts them: the kernel's number of a model, the agent's of
 *	its recommendations, an eBPF program's own
 *
 * Return: never 0 for a source that proposes; 0 stands for none.
 */
static inline u64 trust_logic(u32 source, u32 version)
{
	return (u64)source << 32 | version;
}

/** trust_version() - the version of a logic, 0 for none */
static inline u32 trust_version(u64 logic)
{
	return (u32)logic;
}

/** trust_source() - the MLPROXY_SRC_* of a logic, MLPROXY_SRC_BASELINE for none */
static inline u32 trust_source(u64 logic)
{
	return (u32)(logic >> 32) & 0xff;
}

/**
 * trust_make() - the word
 * @mode: MLPROXY_MODE_*
 * @automatic: the mode machine governs
 * @logic: that is tested, 0 for none
 */
static inline u64 trust_make(u32 mode, bool automatic, u64 logic)
{
	return (logic & TRUST_LOGIC) | (u64)mode << TRUST_MODE_BIT |
	       (automatic ? 0 : TRUST_FIXED);
}

/** trust_mode() - the mode of a decision that nothing proposes an action for */
static inline u32 trust_mode(u64 trust)
{
	return (u32)(trust >> TRUST_MODE_BIT) & 0xff;
}

/** trust_tests() - is @logic the one that is tested */
static inline bool trust_tests(u64 trust, u64 logic)
{
	return !((trust ^ logic) & TRUST_LOGIC);
}

/**
 * trust_limit() - the mode of a decision that an untested logic proposes an action for
 * @trust: the word
 * @mode: MLPROXY_MODE_* of the decision so far
 *
 * Return: learning at most, unless the operator fixed the mode.
 */
static inline u32 trust_limit(u64 trust, u32 mode)
{
	if (trust & TRUST_FIXED || mode < MLPROXY_MODE_LEARNING)
		return mode;
	return MLPROXY_MODE_LEARNING;
}

#endif /* _MLPROXY_TRUST_H */
