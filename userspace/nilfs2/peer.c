// SPDX-License-Identifier: GPL-2.0-only
/*
 * nilfs_cleanerd: suspended and resumed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <nilfs_cleaner.h>

#include "peer.h"

/* That there is none is no error, and the rest is said here. */
static void be_silent(int priority, const char *fmt, ...)
{
	(void)priority;
	(void)fmt;
}

static size_t read_proc(const char *pid, const char *name, char *text, size_t room)
{
	char path[300];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	f = fopen(path, "r");
	if (f) {
		n = fread(text, 1, room - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return n;
}

static bool is_peer(const struct fs *fs, const char *pid)
{
	char text[4096];
	size_t n, at;

	read_proc(pid, "comm", text, sizeof(text));
	if (strcmp(text, "nilfs_cleanerd\n"))
		return false;
	n = read_proc(pid, "cmdline", text, sizeof(text));
	for (at = 0; at < n; at += strlen(text + at) + 1)
		if (!strcmp(text + at, fs->dir) || !strcmp(text + at, fs->device))
			return true;
	return false;
}

/*
 * Of one that was killed the queue stays, and the library would wait for an answer for ever. It
 * knows the process only where mount(8) keeps such things in /etc/mtab.
 */
static bool lives(const struct fs *fs)
{
	struct dirent *e;
	bool found = false;
	DIR *proc = opendir("/proc");

	while (proc && !found && (e = readdir(proc)))
		found = e->d_name[0] >= '1' && e->d_name[0] <= '9' && is_peer(fs, e->d_name);
	if (proc)
		closedir(proc);
	return found;
}

static struct nilfs_cleaner *reach(struct fs *fs)
{
	nilfs_cleaner_logger = be_silent;
	return lives(fs) ? nilfs_cleaner_open(fs->device, fs->dir, NILFS_CLEANER_OPEN_QUEUE) :
			   NULL;
}

static int said(const char *what)
{
	int err = errno;

	fprintf(stderr, "cannot %s nilfs_cleanerd: %m\n", what);
	return err ? -err : -EIO;
}

int peer_suspend(struct fs *fs, struct lock *l)
{
	struct nilfs_cleaner *c = reach(fs);
	int status, ret = 0;

	if (!c)
		return 0;
	if (nilfs_cleaner_get_status(c, &status)) {
		ret = said("ask");
	} else if (status != NILFS_CLEANER_STATUS_SUSPENDED) {
		/* first: if we are killed in between, it is resumed once too often at most */
		__atomic_store_n(&l->state->suspended, 1, __ATOMIC_SEQ_CST);
		if (nilfs_cleaner_suspend(c))
			ret = said("suspend");
	}
	nilfs_cleaner_close(c);
	return ret;
}

int peer_resume(struct fs *fs, struct lock *l)
{
	struct nilfs_cleaner *c;
	int status, ret = 0;

	if (!l->state->suspended)
		return 0;
	c = reach(fs);
	if (c) {
		if (nilfs_cleaner_get_status(c, &status) ||
		    (status == NILFS_CLEANER_STATUS_SUSPENDED && nilfs_cleaner_resume(c)))
			ret = said("resume");
		nilfs_cleaner_close(c);
	}
	if (!ret)
		l->state->suspended = 0;
	return ret;
}
