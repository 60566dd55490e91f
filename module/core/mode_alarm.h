/* SPDX-License-Identifier: GPL-2.0-only */
/* What takes a policy to emergency mode; see mode_alarm.c. For mode_rules.c alone. */
#ifndef _MLPROXY_MODE_ALARM_H
#define _MLPROXY_MODE_ALARM_H

#include "mode_rules.h"

/** mode_alarm_begin() - new stretches begin, with a mode, a stage or a logic */
void mode_alarm_begin(struct mode_machine *m, const struct mode_input *in);

/** mode_is_reference() - has @sums a baseline that a drop can be judged by */
bool mode_is_reference(const struct eff_sums *sums, const struct mode_config *config);

/**
 * mode_alarm() - is there cause for emergency
 * @m: machine; @m->scratch is changed
 * @config: parameters
 * @test: how the experiment is judged
 * @in: counters
 * @part: of judging, MODE_PART_*: a drop is suspected with that of the rewards, and judged
 *	with its own
 * @shared: out: a drop was seen, and it is the environment's
 *
 * Return: MLPROXY_REASON_*, with its numbers in the evidence, or 0.
 */
u32 mode_alarm(struct mode_machine *m, const struct mode_config *config,
	       const struct eff_test *test, const struct mode_input *in, u32 part, bool *shared);

#endif /* _MLPROXY_MODE_ALARM_H */
