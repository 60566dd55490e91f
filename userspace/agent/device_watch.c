// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for a device node; see device_watch.h.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "device_watch.h"

int device_watch_open(struct device_watch *w, const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX] = ".";
	int err;

	if (slash)
		snprintf(dir, sizeof(dir), "%.*s", slash > path ? (int)(slash - path) : 1, path);
	w->name = slash ? slash + 1 : path;
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd < 0)
		return -errno;
	if (inotify_add_watch(w->fd, dir, IN_CREATE | IN_MOVED_TO | IN_ATTRIB) >= 0)
		return 0;
	err = -errno;
	device_watch_close(w);
	return err;
}

bool device_watch_event(struct device_watch *w)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *e;
	bool ours = false;
	ssize_t len, at;

	while (w->fd >= 0 && (len = read(w->fd, buf, sizeof(buf))) > 0)
		for (at = 0; at < len; at += sizeof(*e) + e->len) {
			e = (const void *)(buf + at);
			ours |= e->mask & IN_Q_OVERFLOW || (e->len && !strcmp(e->name, w->name));
		}
	return ours;
}

void device_watch_close(struct device_watch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}
