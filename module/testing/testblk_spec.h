/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the test block device is like: the module's parameters, and presets of them.
 */
#ifndef _MLPROXY_TESTING_TESTBLK_SPEC_H
#define _MLPROXY_TESTING_TESTBLK_SPEC_H

#include "testblk_model.h"

/**
 * struct testblk_queues - what blk-mq is told when the module is loaded
 * @depth: tags of a hardware queue
 * @queues: hardware queues
 * @rotational: it has a head
 * @scheduled: it has the kernel's default scheduler, else none
 */
struct testblk_queues {
	unsigned int depth;
	unsigned int queues;
	bool rotational;
	bool scheduled;
};

/**
 * testblk_spec_queues() - the queues that the parameters ask for
 *
 * Context: module's init. Return: the queues, with at least one, and one tag.
 */
struct testblk_queues testblk_spec_queues(void);

/**
 * testblk_spec_get() - the device that the parameters describe now
 *
 * While a preset is being written, some may be of it and others of the one before.
 * Context: any. Return: the device; all 0 while "instant" is set.
 */
struct testblk_spec testblk_spec_get(void);

#endif /* _MLPROXY_TESTING_TESTBLK_SPEC_H */
