/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whom mlproxy_synth decides for: its proxy or, with the parameter "instances", the
 * instances of it. They come and go while decisions are made.
 */
#ifndef _SYNTH_TARGET_H
#define _SYNTH_TARGET_H

#include <mlproxy/mlproxy.h>

struct synth_target;

/**
 * synth_targets_init() - make the proxy, and the instances that the parameter names
 * @desc: description
 *
 * Return: 0 or -errno.
 */
int synth_targets_init(const struct mlproxy_desc *desc);

/**
 * synth_targets_exit() - destroy all; nothing decides any more
 */
void synth_targets_exit(void);

/**
 * synth_target_next() - the one to decide for: that of the parameter "on", or all in turn
 * @nr: number of the decision
 * @target: out: it
 *
 * Context: in an RCU read-side section, in which the result is good. Return: the proxy or
 * instance that decides for it, or NULL if there is none.
 */
struct mlproxy *synth_target_next(unsigned int nr, const struct synth_target **target);

/**
 * synth_is_affected() - is it one that what is wrong is wrong with
 * @target: it, or NULL for the proxy as a whole
 *
 * Return: true for all unless the parameter "affected" names one.
 */
bool synth_is_affected(const struct synth_target *target);

#endif /* _SYNTH_TARGET_H */
