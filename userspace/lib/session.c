// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmlproxy: sessions: open, close, ask what there is, bind.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

/* The set may grow between two calls; it can't do so for ever. */
#define LIST_TRIES	8

/* Text of this thread's last failed mlproxy_open(), which leaves no session. */
static __thread char open_err[MLPX_ERR_BYTES];

const char *mlproxy_errmsg(const struct mlproxy_session *s)
{
	return s ? s->err : open_err;
}

static const char *device_path(const char *path)
{
	if (!path)
		path = secure_getenv("MLPROXY_DEVICE");
	if (!path || !*path)
		path = MLPROXY_DEFAULT_DEVICE;
	return path;
}

static int open_device(struct mlproxy_session *s, unsigned int flags)
{
	int oflags = O_CLOEXEC;
	const char *remedy = "";

	oflags |= flags & MLPROXY_OPEN_RDONLY ? O_RDONLY : O_RDWR;
	if (flags & MLPROXY_OPEN_NONBLOCK)
		oflags |= O_NONBLOCK;
	s->fd = open(s->path, oflags);
	if (s->fd >= 0)
		return 0;
	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		remedy = "; is the module loaded? Try: modprobe mlproxy";
		break;
	case EACCES:
	case EPERM:
		remedy = flags & MLPROXY_OPEN_RDONLY ?
			 "; run as root or as a member of the group mlproxy" :
			 "; writing is for root and for the agent's user mlproxy";
		break;
	default:
		break;
	}
	return mlpx_fail(s, errno, "cannot open %s: %s%s", s->path, strerror(errno), remedy);
}

static int check_device(struct mlproxy_session *s)
{
	struct mlproxy_info info;
	int ret = mlproxy_get_info(s, &info);

	if (ret == -ENOTTY)
		return mlpx_fail(s, ENOTTY, "%s is not an mlproxy device; "
				 "name the right one with -d or MLPROXY_DEVICE", s->path);
	if (ret)
		return ret;
	if (info.abi_version != MLPROXY_ABI_VERSION)
		return mlpx_fail(s, EPROTO, "the mlproxy module has ABI version %u and this "
				 "library has %u; install the same release of both",
				 info.abi_version, MLPROXY_ABI_VERSION);
	return 0;
}

int mlproxy_open(struct mlproxy_session **sp, const char *path, unsigned int flags)
{
	struct mlproxy_session *s;
	int ret;

	*sp = NULL;
	s = calloc(1, sizeof(*s));
	if (s)
		s->path = strdup(device_path(path));
	if (!s || !s->path) {
		free(s);
		strcpy(open_err, "out of memory");
		return -ENOMEM;
	}
	s->fd = -1;
	s->page_bytes = sysconf(_SC_PAGESIZE);
	s->read_only = flags & MLPROXY_OPEN_RDONLY;
	if (flags & ~(MLPROXY_OPEN_RDONLY | MLPROXY_OPEN_NONBLOCK))
		ret = mlpx_fail(s, EINVAL, "unknown flags 0x%x for opening a session", flags);
	else
		ret = open_device(s, flags);
	if (!ret)
		ret = check_device(s);
	if (ret) {
		memcpy(open_err, s->err, sizeof(open_err));
		mlproxy_close(s);
		return ret;
	}
	*sp = s;
	return 0;
}

void mlproxy_close(struct mlproxy_session *s)
{
	if (!s)
		return;
	mlpx_rings_release(s);
	mlpx_recring_release(s);
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s);
}

int mlproxy_fd(const struct mlproxy_session *s)
{
	return s->fd;
}

int mlproxy_get_info_sized(struct mlproxy_session *s, struct mlproxy_info *info, size_t bytes)
{
	int ret = mlpx_begin(s, info, bytes, MLPX_UP_TO(struct mlproxy_info, reserved));

	return ret ? ret : mlpx_ioctl(s, MLPROXY_IOC_INFO, info, "ask the device for its version");
}

int mlproxy_get_list_sized(struct mlproxy_session *s, struct mlproxy_list_entry **entries,
			   unsigned int *nr, size_t bytes)
{
	char *array = NULL;
	struct mlproxy_list list;
	uint32_t room = 0;
	int ret = -ENOBUFS;
	unsigned int i;

	*entries = NULL;
	*nr = 0;
	for (i = 0; i < LIST_TRIES && ret == -ENOBUFS; i++) {
		char *bigger;

		room = room ? 2 * room : 16;
		bigger = realloc(array, room * bytes);
		if (!bigger) {
			free(array);
			return mlpx_fail(s, ENOMEM, "no memory for a list of %u proxies", room);
		}
		array = bigger;
		memset(array, 0, room * bytes);
		list = (struct mlproxy_list) {
			.size = sizeof(list),
			.entries = (uintptr_t)array,
			.count = room,
			.entry_size = bytes,
		};
		ret = mlpx_ioctl(s, MLPROXY_IOC_LIST, &list, "list the proxies");
	}
	if (ret || list.count == 0 || list.count > room) {
		free(array);
		return ret;
	}
	for (i = 0; i < list.count; i++)
		mlpx_terminate(((struct mlproxy_list_entry *)(array + i * bytes))->name);
	*entries = (struct mlproxy_list_entry *)array;
	*nr = list.count;
	return 0;
}

/* "synth, readahead", or "none" */
static void name_proxies(struct mlproxy_session *s, char *buf, size_t bytes)
{
	struct mlproxy_list_entry *entries;
	unsigned int nr, i;
	size_t used = 0;

	if (mlproxy_get_list(s, &entries, &nr) || !nr) {
		strncpy(buf, "none", bytes);
		return;
	}
	*buf = '\0';
	for (i = 0; i < nr && used + MLPROXY_NAME_LEN + 3 < bytes; i++) {
		if (i)
			used = stpcpy(buf + used, ", ") - buf;
		used = stpcpy(buf + used, entries[i].name) - buf;
	}
	free(entries);
}

int mlproxy_bind(struct mlproxy_session *s, const char *name)
{
	struct mlproxy_bind bind = { .size = sizeof(bind) };
	int class_len = strcspn(name, ":");
	char names[256];
	int ret;

	if (strlen(name) >= MLPROXY_NAME_LEN)
		return mlpx_fail(s, ENAMETOOLONG, "'%s' is no name of a proxy: "
				 "names are shorter than %u characters", name, MLPROXY_NAME_LEN);
	strcpy(bind.name, name);
	ret = mlpx_ioctl(s, MLPROXY_IOC_BIND, &bind, "bind to the proxy");
	if (ret == -ENOENT) {
		name_proxies(s, names, sizeof(names));
		if (!strncmp(name, MLPROXY_POINT_PREFIX, strlen(MLPROXY_POINT_PREFIX)))
			return mlpx_fail(s, ENOENT, "there is no proxy '%s' (registered: %s); "
					 "does its daemon run?", name, names);
		return mlpx_fail(s, ENOENT, "there is no proxy '%s' (registered: %s); "
				 "is its module loaded? Try: modprobe mlproxy_%.*s", name, names,
				 class_len, name);
	}
	if (ret == -EBUSY)
		return mlpx_fail(s, EBUSY, "this session is bound to '%s' already; "
				 "open another one for '%s'", s->name, name);
	if (ret == -EINVAL)
		return mlpx_fail(s, EINVAL, "'%s' is no name of a proxy: use one that the list "
				 "of proxies shows", name);
	if (!ret)
		strcpy(s->name, name);
	return ret;
}

const char *mlproxy_bound_name(const struct mlproxy_session *s)
{
	return s->name;
}
