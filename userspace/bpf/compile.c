// SPDX-License-Identifier: GPL-2.0-only
/*
 * clang on a generated program, with the headers of where this program is: those
 * installed beside it, or those of its source tree.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gen.h"

#define HEADER	"linux/mlproxy_bpf.h"

/* From bin/ and libexec/mlproxy/ of an installation, and from build/userspace/bin/ */
static const char *const places[] = { "../include", "../../include", "../../../uapi" };

static int find_headers(char *path, size_t bytes, char *error)
{
	char self[PATH_MAX], file[2 * PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	unsigned int i;
	char *slash;

	if (len > 0) {
		self[len] = '\0';
		slash = strrchr(self, '/');
		if (slash)
			slash[1] = '\0';
		for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			snprintf(file, sizeof(file), "%s%s/" HEADER, self, places[i]);
			snprintf(path, bytes, "%s%s", self, places[i]);
			if (access(file, R_OK) == 0)
				return 0;
		}
	}
	if (access("/usr/include/" HEADER, R_OK) == 0) {
		snprintf(path, bytes, "/usr/include");
		return 0;
	}
	snprintf(error, BPFGEN_ERROR_LEN,
		 "no " HEADER " beside this program: name its folder with -I");
	return -ENOENT;
}

static int run_clang(char *const *argv, char *error)
{
	int status;
	pid_t pid = fork();

	if (pid < 0) {
		snprintf(error, BPFGEN_ERROR_LEN, "cannot start clang: %s", strerror(errno));
		return -errno;
	}
	if (!pid) {
		execvp(argv[0], argv);
		_exit(errno == ENOENT ? 127 : 126);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		snprintf(error, BPFGEN_ERROR_LEN,
			 "clang is not installed; on Debian: apt install clang libbpf-dev");
		return -ENOENT;
	}
	snprintf(error, BPFGEN_ERROR_LEN,
		 "clang did not compile it, see above; is libbpf-dev installed?");
	return -EINVAL;
}

int bpfgen_compile(const char *source, const char *object, const char *include, char *error)
{
	char found[PATH_MAX + 32], multiarch[128];
	struct utsname uts;
	int ret;

	if (!include) {
		ret = find_headers(found, sizeof(found), error);
		if (ret)
			return ret;
		include = found;
	}
	/* Where Debian has asm/types.h; for the target bpf clang does not look there. */
	if (uname(&uts))
		return -errno;
	snprintf(multiarch, sizeof(multiarch), "-I/usr/include/%s-linux-gnu", uts.machine);

	const char *argv[] = {
		"clang", "-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wall",
		"-fno-stack-protector", "-I", include, multiarch, "-c", source, "-o", object, NULL
	};

	return run_clang((char *const *)argv, error);
}
