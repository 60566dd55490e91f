/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting for a device node: it may come after the agent, and get its group later still.
 */
#ifndef MLPROXYD_DEVICE_WATCH_H
#define MLPROXYD_DEVICE_WATCH_H

#include <stdbool.h>

/**
 * struct device_watch - a watch
 * @fd: readable when something happened in its directory; -1 without a watch
 * @name: the node's name there
 */
struct device_watch {
	int fd;
	const char *name;
};

/**
 * device_watch_open() - watch a node
 * @w: out
 * @path: the node; must stay
 *
 * Where it can't be watched, asking now and then has to do. Return: 0 or a negative errno.
 */
int device_watch_open(struct device_watch *w, const char *path);

/** device_watch_event() - take what happened; true if it was about the node */
bool device_watch_event(struct device_watch *w);

/** device_watch_close() - end it */
void device_watch_close(struct device_watch *w);

#endif /* MLPROXYD_DEVICE_WATCH_H */
