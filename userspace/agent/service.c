// SPDX-License-Identifier: GPL-2.0-only
/*
 * systemd's notifications and the dropping of privileges; see service.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cap-ng.h>
#include <systemd/sd-daemon.h>

#include "common/clock.h"
#include "service.h"

bool service_under_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &dev, &ino) != 2 || fstat(STDERR_FILENO, &st))
		return false;
	return st.st_dev == dev && st.st_ino == ino;
}

void service_ready(void)
{
	sd_notify(0, "READY=1");
}

void service_status(const char *fmt, ...)
{
	char text[500];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	sd_notifyf(0, "STATUS=%s", text);
}

void service_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)clock_ns_now() / 1000);
}

void service_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

uint32_t service_watchdog_ms(void)
{
	uint64_t usec;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return 0;
	return usec / 2000 ? usec / 2000 : 1;
}

void service_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

static int find_user(const char *user, uid_t *uid, gid_t *gid)
{
	struct passwd *pw = getpwnam(user);

	if (!pw)
		return -ENOENT;
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return 0;
}

int service_own_dir(const char *path, const char *user)
{
	uid_t uid;
	gid_t gid;

	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	if (!*user || getuid() != 0)
		return 0;
	if (find_user(user, &uid, &gid))
		return -ENOENT;
	return chown(path, uid, gid) ? -errno : 0;
}

int service_drop_privileges(const char *user)
{
	uid_t uid = 0;
	gid_t gid = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	capng_clear(CAPNG_SELECT_BOTH);
	if (!*user || getuid() != 0) {
		/* The bounding set of a process without capabilities can't be changed. */
		int ret = capng_apply(getuid() ? CAPNG_SELECT_CAPS : CAPNG_SELECT_BOTH);

		return ret ? -EPERM : 0;
	}
	if (find_user(user, &uid, &gid))
		return -ENOENT;
	return capng_change_id(uid, gid, CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING) ? -EPERM : 0;
}
