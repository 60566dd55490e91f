// SPDX-License-Identifier: GPL-2.0-only
/* The loader; see loader.h. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <linux/mlproxy_bpf.h>

#include "loader.h"

/* The kernel keeps the beginning, and the reason is at the end. Only what is used is there. */
#define LOG_BYTES	(64U << 20)
#define LOG_LINES	4	/* of the verifier's log in a message */
#define DROP_WAIT_MS	5000

static int fail(char *error, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(char *error, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, BPFLOAD_ERROR_LEN, fmt, ap);
	va_end(ap);
	return err;
}

/* libbpf reports through a callback; here errors are in the return values. */
static int no_message(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

static int no_permission(char *error, int err)
{
	return fail(error, err,
		    "no permission: attaching eBPF programs needs root, or CAP_BPF and CAP_PERFMON");
}

/* ------------------------------------------------------------------ */
/* Attaching                                                           */

static int check_pin(const char *pin, char *error)
{
	char dir[4096];
	struct statfs fs;
	char *slash;

	snprintf(dir, sizeof(dir), "%s", pin);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return fail(error, -EINVAL, "%s: a pin is a path below " BPFLOAD_FS, pin);
	*slash = '\0';
	if (statfs(BPFLOAD_FS, &fs) || fs.f_type != BPF_FS_MAGIC)
		return fail(error, -ENOTSUP,
			    "no BPF filesystem on " BPFLOAD_FS ": mount -t bpf bpf " BPFLOAD_FS);
	if (mkdir(dir, 0700) && errno != EEXIST)
		return fail(error, -errno, "cannot make %s: %s", dir, strerror(errno));
	if (statfs(dir, &fs) || fs.f_type != BPF_FS_MAGIC)
		return fail(error, -EINVAL, "%s is not in a BPF filesystem", dir);
	if (access(pin, F_OK) == 0)
		return fail(error, -EEXIST,
			    "%s exists: detach it with `mlproxy bpf detach`, or take another --name",
			    pin);
	return 0;
}

/* The last lines have the reason; the very last are statistics. */
static const char *end_of_log(char *log)
{
	size_t len = strlen(log);
	int lines = 0;
	char *stats = strstr(log, "\nprocessed ");

	if (stats)
		len = stats - log;
	while (len && log[len - 1] == '\n')
		len--;
	log[len] = '\0';
	while (len && (log[len - 1] != '\n' || ++lines < LOG_LINES))
		len--;
	return log + len;
}

static int open_object(const char *path, char *log, bool verbose,
		       struct bpf_object **obj, struct bpf_program **prog, char *error)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = log,
		    .kernel_log_size = LOG_BYTES, .kernel_log_level = verbose);
	struct bpf_program *p, *found = NULL;
	int nr = 0;

	*obj = bpf_object__open_file(path, &opts);
	if (!*obj)
		return fail(error, -errno, "%s: %s", path, errno == ENOENT ? strerror(errno) :
			    "no eBPF object file: compile it with clang -O2 -g -target bpf");
	bpf_object__for_each_program(p, *obj) {
		found = p;
		nr++;
	}
	if (nr == 1 &&
	    bpf_program__type(found) == BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE) {
		*prog = found;
		return 0;
	}
	bpf_object__close(*obj);
	*obj = NULL;
	return fail(error, -EINVAL,
		    "%s has %d programs: it must have one, in the section raw_tracepoint.w/"
		    MLPROXY_BPF_TRACEPOINT, path, nr);
}

#define RODATA	".rodata"

/* Where a constant of the program is, in its map of constants; or -1. */
static long constant_at(const struct bpf_object *obj, const char *name)
{
	struct btf *btf = bpf_object__btf(obj);
	int id = btf ? btf__find_by_name_kind(btf, RODATA, BTF_KIND_DATASEC) : -1, i;
	const struct btf_var_secinfo *var;
	const struct btf_type *section;

	if (id < 0)
		return -1;
	section = btf__type_by_id(btf, id);
	var = btf_var_secinfos(section);
	for (i = 0; i < btf_vlen(section); i++, var++) {
		const struct btf_type *type = btf__type_by_id(btf, var->type);

		if (!strcmp(btf__name_by_offset(btf, type->name_off), name))
			return var->offset;
	}
	return -1;
}

static int bind_object(const char *path, struct bpf_object *obj,
		       const struct mlproxy_bpf_bound *bound, char *error)
{
	long at = constant_at(obj, MLPROXY_BPF_BOUND);
	struct bpf_map *map = bpf_object__find_map_by_name(obj, RODATA);
	const void *old;
	size_t bytes = 0;
	char *constants;
	int ret;

	old = map && at >= 0 ? bpf_map__initial_value(map, &bytes) : NULL;
	if (!old || bytes < at + sizeof(*bound))
		return fail(error, -EINVAL,
			    "%s can't be attached for one proxy: it has no MLPROXY_BPF_DECLARE_BOUND (linux/mlproxy_bpf.h), or was compiled without -g",
			    path);
	constants = malloc(bytes);
	if (!constants)
		return fail(error, -ENOMEM, "out of memory");
	memcpy(constants, old, bytes);
	memcpy(constants + at, bound, sizeof(*bound));
	ret = bpf_map__set_initial_value(map, constants, bytes);
	free(constants);
	if (ret)
		return fail(error, ret, "%s: cannot be attached for one proxy: %s", path,
			    strerror(-ret));
	return 0;
}

/*
 * The verifier, too, says EPERM and EACCES; but it says more in its log, which is empty
 * where the kernel did not let us come that far.
 */
static int load_object(const char *path, struct bpf_object *obj, char *log, char *error)
{
	int err = bpf_object__load(obj);

	if (!err)
		return 0;
	if (!log[0] && (err == -EPERM || err == -EACCES))
		return no_permission(error, err);
	return fail(error, -EINVAL, "%s: the kernel's verifier refused it (%s); it says last:\n%s",
		    path, strerror(-err), end_of_log(log));
}

/* Kernels from 6.16 on add a suffix to the names of bare tracepoints. */
static int attach(struct bpf_program *prog, struct bpf_link **link, char *error)
{
	int err;

	*link = bpf_program__attach_raw_tracepoint(prog, MLPROXY_BPF_TRACEPOINT);
	if (!*link && errno == ENOENT)
		*link = bpf_program__attach_raw_tracepoint(prog, MLPROXY_BPF_TRACEPOINT "_tp");
	if (*link)
		return 0;
	err = -errno;
	switch (err) {
	case -ENOENT:
		return fail(error, -ENODEV,
			    "no tracepoint " MLPROXY_BPF_TRACEPOINT ": is the module loaded? modprobe mlproxy");
	case -EINVAL:
		return fail(error, err,
			    "the program writes behind the end of struct mlproxy_bpf_ctx: compile it with the headers of this version");
	case -EPERM:
	case -EACCES:
		return no_permission(error, err);
	}
	return fail(error, err, "cannot attach: %s", strerror(-err));
}

static int fill_info(int link_fd, const char *name, struct bpfload_info *info)
{
	struct bpf_link_info link = { 0 };
	struct bpf_prog_info prog = { 0 };
	uint32_t len = sizeof(link);
	int fd, err = 0;

	if (bpf_obj_get_info_by_fd(link_fd, &link, &len))
		return -errno;
	if (link.type != BPF_LINK_TYPE_RAW_TRACEPOINT)
		return -EINVAL;
	memset(info, 0, sizeof(*info));
	snprintf(info->name, sizeof(info->name), "%s", name);
	info->link_id = link.id;
	info->prog_id = link.prog_id;
	fd = bpf_prog_get_fd_by_id(link.prog_id);
	if (fd < 0)
		return -errno;
	len = sizeof(prog);
	if (bpf_obj_get_info_by_fd(fd, &prog, &len))
		err = -errno;
	close(fd);
	snprintf(info->program, sizeof(info->program), "%s", prog.name);
	info->insns = prog.xlated_prog_len / 8;
	info->walked = prog.verified_insns;
	return err;
}

static int attach_and_pin(struct bpf_program *prog, const char *pin, struct bpfload_info *info,
			  char *error)
{
	struct bpf_link *link;
	int ret;

	ret = attach(prog, &link, error);
	if (ret)
		return ret;
	ret = bpf_link__pin(link, pin);
	if (ret)
		fail(error, ret, "cannot pin to %s: %s; a name has letters, digits, _ and -", pin,
		     strerror(-ret));
	else
		ret = fill_info(bpf_link__fd(link), strrchr(pin, '/') + 1, info);
	bpf_link__destroy(link);	/* the pin holds it */
	return ret;
}

int bpfload_attach(const char *object, const char *pin, const struct mlproxy_bpf_bound *bound,
		   bool verbose, struct bpfload_info *info, char *error)
{
	struct bpf_program *prog = NULL;
	struct bpf_object *obj = NULL;
	char *log;
	int ret;

	error[0] = '\0';
	libbpf_set_print(no_message);
	ret = check_pin(pin, error);
	if (ret)
		return ret;
	log = calloc(1, LOG_BYTES);
	if (!log)
		return fail(error, -ENOMEM, "out of memory");
	ret = open_object(object, log, verbose, &obj, &prog, error);
	if (!ret && bound)
		ret = bind_object(object, obj, bound, error);
	if (!ret)
		ret = load_object(object, obj, log, error);
	if (verbose && log[0])
		fprintf(stderr, "%s\n", log);
	if (!ret)
		ret = attach_and_pin(prog, pin, info, error);
	if (ret && !error[0])
		fail(error, ret, "cannot read back what was attached: %s", strerror(-ret));
	bpf_object__close(obj);
	free(log);
	return ret;
}

/* ------------------------------------------------------------------ */
/* What is attached                                                    */

int bpfload_list(struct bpfload_info **infos, size_t *nr, char *error)
{
	DIR *dir = opendir(BPFLOAD_DIR);
	struct bpfload_info *more;
	char path[512];
	struct dirent *e;
	int fd, ret = 0;

	*infos = NULL;
	*nr = 0;
	libbpf_set_print(no_message);
	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return fail(error, -errno, BPFLOAD_DIR ": %s", strerror(errno));
	while (!ret && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), BPFLOAD_DIR "/%s", e->d_name);
		fd = bpf_obj_get(path);
		if (fd < 0)
			continue;
		more = realloc(*infos, (*nr + 1) * sizeof(**infos));
		if (!more) {
			ret = fail(error, -ENOMEM, "out of memory");
		} else {
			*infos = more;
			if (!fill_info(fd, e->d_name, &more[*nr]))
				(*nr)++;
		}
		close(fd);
	}
	closedir(dir);
	return ret;
}

/* The kernel drops a link after a grace period. */
static int wait_until_gone(uint32_t link_id)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int i, fd;

	for (i = 0; i < DROP_WAIT_MS; i++) {
		fd = bpf_link_get_fd_by_id(link_id);
		if (fd < 0)
			return 0;
		close(fd);
		nanosleep(&ms, NULL);
	}
	return -EBUSY;
}

int bpfload_detach(const char *pin, char *error)
{
	struct bpfload_info info;
	int fd, ret;

	libbpf_set_print(no_message);
	fd = bpf_obj_get(pin);
	if (fd < 0 && errno == ENOENT)
		return fail(error, -ENOENT, "no %s: `mlproxy bpf list` has what is attached", pin);
	if (fd < 0 && (errno == EPERM || errno == EACCES))
		return no_permission(error, -errno);
	if (fd < 0)
		return fail(error, -errno, "%s: %s", pin, strerror(errno));
	ret = fill_info(fd, "", &info);
	close(fd);
	if (ret)
		return fail(error, ret, "%s is no attached program of mlproxy", pin);
	if (unlink(pin))
		return fail(error, -errno, "cannot remove %s: %s", pin, strerror(errno));
	ret = wait_until_gone(info.link_id);
	if (ret)
		return fail(error, ret, "%s is removed, but another process holds the link %u",
			    pin, info.link_id);
	return 0;
}
