// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmlproxy: failures in words, cause and remedy.
 *
 * The errno contract of the ABI gives most errnos one meaning for all ioctls;
 * callers of mlpx_ioctl() overwrite the text where they know better.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "session.h"

int mlpx_fail(struct mlproxy_session *s, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(s->err, sizeof(s->err), fmt, args);
	va_end(args);
	return -err;
}

static const char *general_meaning(int err)
{
	switch (err) {
	case ENOTTY:
		return "the mlproxy module does not know this call; it is older than this "
		       "library, install the same release of both";
	case E2BIG:
		return "this library is newer than the mlproxy module; install the same "
		       "release of both";
	case ENXIO:
		return "the session is not bound to a proxy; bind it first";
	case EPERM:
		return "the session was opened read-only; open it for writing";
	case EINVAL:
		return "a value is outside of the range that the kernel takes";
	case EBUSY:
		return "it exists already, or is in use";
	case ENODEV:
		return "the proxy is gone; open a new session once its module or daemon is there again";
	case ENOBUFS:
		return "the answer does not fit, it grew meanwhile; try again";
	default:
		return strerror(err);
	}
}

int mlpx_ioctl(struct mlproxy_session *s, unsigned long request, void *arg, const char *what)
{
	int err;

	if (ioctl(s->fd, request, arg) >= 0)
		return 0;
	err = errno;
	return mlpx_fail(s, err, "cannot %s%s%s: %s", what, *s->name ? " of " : "", s->name,
			 general_meaning(err));
}

int mlpx_begin(struct mlproxy_session *s, void *arg, size_t bytes, size_t min)
{
	uint32_t size = (uint32_t)bytes;

	if (bytes < min || bytes > UINT16_MAX)
		return mlpx_fail(s, EINVAL, "the program passes a structure of %zu bytes where at "
				 "least %zu are needed", bytes, min);
	memset(arg, 0, bytes);
	memcpy(arg, &size, sizeof(size));
	return 0;
}

void mlpx_give(void *to, size_t bytes, const void *from, size_t known)
{
	size_t filled = bytes < known ? bytes : known;

	memcpy(to, from, filled);
	memset((char *)to + filled, 0, bytes - filled);
	memcpy(to, &filled, sizeof(filled));
}
