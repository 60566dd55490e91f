/* SPDX-License-Identifier: GPL-2.0-only */
/* What can be done for a file: one table, of which everything about an action comes. */
#ifndef _MLPROXY_RA_ACTION_H
#define _MLPROXY_RA_ACTION_H

#include <linux/mm.h>

#include <mlproxy/mlproxy.h>

#include "bdp.h"

/*
 * Actions, in schema order: those with a window of their own, and those that follow a
 * pattern, stand together.
 */
enum ra_action {
	RA_KERNEL,
	RA_NONE,
	RA_16K,
	RA_32K,
	RA_64K,
	RA_256K,
	RA_1M,
	RA_4M,
	RA_PATTERN_128K,
	RA_PATTERN_1M,
	RA_BDP,
	RA_NR_ACTIONS
};

/* Windows that miss at most a few times a megabyte: what is read in excess is not seen. */
#define RA_LARGE_PAGES	((256 * 1024) >> PAGE_SHIFT)

/*
 * Their values are bytes, of the window, or of how far ahead a pattern is followed; less than 0
 * where the device says how many.
 */
extern const struct mlproxy_action ra_actions[RA_NR_ACTIONS];

/**
 * ra_action_pages() - window of an action that has the same on each device
 * @action: action
 *
 * Return: pages; 0 for all others. See ra_action_window().
 */
static inline unsigned int ra_action_pages(enum ra_action action)
{
	return action >= RA_16K && action <= RA_4M ? ra_actions[action].value >> PAGE_SHIFT : 0;
}

/**
 * ra_action_window() - window of an action
 * @action: action
 * @bdp: that of RA_BDP, in log2 of the least one
 *
 * Return: pages; 0 for those without a window of their own.
 */
static inline unsigned int ra_action_window(enum ra_action action, u8 bdp)
{
	return action == RA_BDP ? 1U << (RA_BDP_LEAST - PAGE_SHIFT + bdp) : ra_action_pages(action);
}

/**
 * ra_action_depth() - how far ahead an action follows a pattern
 * @action: action
 *
 * Return: pages; 0 for those that follow none.
 */
static inline unsigned int ra_action_depth(enum ra_action action)
{
	return action == RA_PATTERN_128K || action == RA_PATTERN_1M ?
		ra_actions[action].value >> PAGE_SHIFT : 0;
}

/**
 * ra_action_windows() - does an action have a window of its own, in place of the kernel's
 * @action: action
 */
static inline bool ra_action_windows(enum ra_action action)
{
	return action == RA_BDP || ra_action_pages(action);
}

/**
 * ra_action_large() - does an action have a window that needs reads in order
 * @action: action
 */
static inline bool ra_action_large(enum ra_action action)
{
	return action == RA_BDP || ra_action_pages(action) >= RA_LARGE_PAGES;
}

#endif /* _MLPROXY_RA_ACTION_H */
